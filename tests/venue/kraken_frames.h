/* What Kraken's WebSocket v2 writes. */
#ifndef VENUE_KRAKEN_FRAMES_H
#define VENUE_KRAKEN_FRAMES_H

#include "kraken.h"

enum { CHANNEL_OHLC, CHANNEL_TRADE, CHANNEL_BOOK, CHANNEL_TICKER, CHANNEL_INSTRUMENT, N_CHANNELS };

typedef struct {
    const char *name, *params; /* those that it knows */
} kraken_channel;

extern const kraken_channel kraken_channels[N_CHANNELS];

typedef struct {
    int channel, interval, depth, is_bbo, snapshot;
} kraken_wanted;

/* BTC/USD: the only spelling that v2 knows. */
const char *kraken_ws_name(const market *m);

/* The end of every reply: whether it worked, the times, and the number of the request. */
void kraken_reply_end(session *s, text *t, json_t *message);
void kraken_refuse(session *s, json_t *message, const char *method, const char *symbol,
                   const char *why);
/* `m` NULL: of no market. */
void kraken_acknowledge(session *s, json_t *message, const char *method, const kraken_wanted *what,
                        const market *m);

/* A frame of data up to the first row of its list. */
void kraken_open_frame(text *t, subscription *sub, const char *type, int64_t now_ns);
void kraken_add_trade(session *s, text *t, subscription *sub, const market_trade *trade);

/* These push a whole frame. */
void kraken_book_snapshot(session *s, subscription *sub);
/* What changed in the subscribed depth: levels that left the book are deleted, those that only fell
 * out of the depth are not mentioned, those that came into it are. */
void kraken_book_update(session *s, subscription *sub, const market_book_event *event);
void kraken_ohlc_snapshot(session *s, subscription *sub);
/* The candle that the trade changed. */
void kraken_ohlc_update(session *s, subscription *sub, const market_trade *trade);
void kraken_trade_snapshot(session *s, subscription *sub);
void kraken_ticker_frame(session *s, subscription *sub, const char *type);
void kraken_instrument_frame(session *s);

#endif
