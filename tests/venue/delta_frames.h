/* The frames of Delta's public channels, in both generations. */
#ifndef VENUE_DELTA_FRAMES_H
#define VENUE_DELTA_FRAMES_H

#include "delta.h"

enum {
    CHANNEL_TICKER,
    CHANNEL_L1,
    CHANNEL_L2,
    CHANNEL_UPDATES,
    CHANNEL_TRADES,
    CHANNEL_MARK,
    CHANNEL_FUNDING,
    CHANNEL_STATUS,
    CHANNEL_CANDLES /* last: the resolution is in interval_min */
};

enum { COMPACT = 1, LEGACY = 2, BOTH = 3 };

typedef struct {
    const char *name;
    int channel, generation;
    int64_t every_ms; /* how often a frame comes, 0: when something happens */
} delta_channel;

#define DELTA_N_CHANNELS 13
extern const delta_channel delta_channels[DELTA_N_CHANNELS];

int delta_is_legacy(const session *s);
int64_t delta_every_ms_of(int channel);
const char *delta_resolution_of(int minutes, char *out, size_t size);
const char *delta_full_name(const session *s, const subscription *sub, char *out, size_t size);
void delta_updates_snapshot(session *s, subscription *sub);
void delta_updates_tick(session *s, subscription *sub, int64_t now_ns);
void delta_trade_frame(session *s, subscription *sub, const market_trade *trade, int64_t now_ns);
void delta_trades_snapshot(session *s, subscription *sub);
void delta_candle_frame(session *s, subscription *sub, int64_t trade_ns, int64_t now_ns);
void delta_ticker_frame(session *s, subscription *sub, int64_t now_ns);
void delta_funding_frame(session *s, subscription *sub, int64_t now_ns);
void delta_l1_frame(session *s, subscription *sub, int64_t now_ns);
void delta_l2_frame(session *s, subscription *sub, int64_t now_ns);
void delta_mark_frame(session *s, subscription *sub, int64_t now_ns);
void delta_status_frame(session *s);

#endif
