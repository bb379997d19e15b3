/* Live market data: bytes of a venue -> parser -> events -> books and bars -> sinks. One path for
 * the live session and for the replay of its recording: wk_live is a function of the messages that
 * it is fed, so a recording gives the same events and the same bars, bit for bit. */
#ifndef WICK_LIVE_H
#define WICK_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/bars.h"
#include "wick/book.h"
#include "wick/config.h"
#include "wick/err.h"
#include "wick/event.h"
#include "wick/flow.h"
#include "wick/instrument.h"
#include "wick/recording.h"
#include "wick/ring.h"

/* ---- what is recorded: configs/record.json ---- */

typedef enum { WK_LIVE_KRAKEN, WK_LIVE_DELTA, WK_LIVE_DELTA_PUBLIC } wk_live_dialect;

typedef struct {
    const char *name; /* of the venue in the store */
    int dialect;      /* wk_live_dialect */
    const char *url, *rest_url, *clock_url;
    wk_strings symbols; /* as the stream has them; the store's name is without "/" */
    wk_reals contract_values;
    int64_t symbols_per_connection, book_depth;
    bool candles, trades, book, ticker;
    double silence_s, ping_s;
    int64_t backoff_min_ms, backoff_max_ms;
    int64_t connects_max;
    double connects_window_s, banned_s;
} wk_live_venue;

typedef struct {
    wk_sections venues; /* wk_live_venue */
    wk_strings timeframes, flow;
    int64_t close_grace_ms;
    const char *store, *keep, *raw_dir, *ca_file;
    bool keep_raw, repair;
    double repair_max_h, confirm_s;
    int64_t address_family, ring_mib;
    double status_s;
} wk_live_config;

extern const wk_cfg_table wk_live_config_table;

/* ---- what comes out ---- */

typedef struct {
    uint32_t market;
    int64_t timeframe_ns;
    wk_bar bar;
    uint8_t provenance;  /* wk_provenance */
    uint8_t is_revision; /* another bar of this time went out before */
    int64_t arrival_ns;  /* our clock, when it was known */
} wk_live_bar;

/* Order flow of one period (wick/flow.h), as of when it was over. */
typedef struct {
    uint32_t market;
    int64_t period_ns, time_ns; /* its length and begin */
    int64_t arrival_ns;         /* our clock, when it was known */
    double row[WK_FLOW_COLUMNS];
} wk_live_flow;

typedef struct {
    char venue[32], symbol[32], name_stream[40];
    uint32_t venue_index, connection;
    double contract_value; /* base currency a contract; 1 for spot, NaN unknown */
} wk_live_market;

typedef enum {
    WK_LIVE_CHANNEL_CANDLES,
    WK_LIVE_CHANNEL_TRADES,
    WK_LIVE_CHANNEL_BOOK,
    WK_LIVE_CHANNEL_TICKER,
    WK_LIVE_CHANNELS
} wk_live_channel;

/* Any may be NULL. Called from the thread that feeds. Pointers are borrowed for the call. */
typedef struct {
    void *ctx;
    /* event->symbol is the market's index here (or WK_SYMBOL_NONE); clock_offset_ns is what the
     * venue's clock is ahead of ours. */
    void (*event)(void *ctx, const wk_event *event, int64_t clock_offset_ns);
    void (*bar)(void *ctx, const wk_live_bar *bar);
    /* "funding", "open_interest", "mark": when they change; "flow_1s.spread_bps" ...: a row of flow
     * features a period (config->flow), time_ns its begin. */
    void (*value)(void *ctx, uint32_t market, const char *name, int64_t time_ns, int64_t known_ns,
                  double value);
    /* The same rows of whole periods, with NaN where something is unknown; before the bar of the
     * period, where there is one. */
    void (*flow)(void *ctx, const wk_live_flow *flow);
    void (*instrument)(void *ctx, uint32_t market, const wk_instrument *instrument);
    /* Wanted of the venue: a (fresh) subscription. */
    void (*subscribe)(void *ctx, uint32_t market, wk_live_channel channel, bool is_again);
    /* Bars [from_ns, to_ns) of the shortest timeframe that the streams did not tell. */
    void (*missing)(void *ctx, uint32_t market, int64_t from_ns, int64_t to_ns);
} wk_live_sinks;

typedef struct {
    uint32_t symbols, books, books_live, connections, connections_open;
    uint64_t messages, bytes, events, broken, lost, unknown;
    uint64_t connects, disconnects, checksum_failures, refused;
    uint64_t trades, duplicates, late, too_late, gaps, disagree, impossible;
    uint64_t bars, revised, empty, missing, repaired;
    int64_t clock_offset_ns, clock_uncertainty_ns; /* uncertainty -1: not measured, one way only */
    int64_t lag_ns_last, lag_ns_max; /* venue's time to ours, corrected; max since the last look */
} wk_live_counts;

/* ---- the path ---- */

typedef struct wk_live wk_live;

/* Borrows `config` (and what it points to) until destroyed. Deltas and books are made here. */
WK_MUST_CHECK wk_status wk_live_create(const wk_live_config *config, const wk_live_sinks *sinks,
                                       wk_live **out, wk_err *err);
void wk_live_destroy(wk_live *live);

/* One message, in the order of receive_ns. Directions: '<' a frame of the venue, '>' one of ours
 * (pings tell the clock), '!' a note: of a connection: "open", "closed WHY" of "wick": "start
 * CONFIG", "stop", "lost N" (messages that we dropped), "clock VENUE OFFSET_NS UNCERTAINTY_NS",
 * "resume MARKET TIMEFRAME_NS TIME_NS" (bars before are stored), "repair MARKET TIMEFRAME_NS N" and
 * a line "TIME O H L C V PROVENANCE" a bar. Frames that do not parse are counted and logged, not
 * errors; WK_E_PARSE is a note that is none. */
WK_MUST_CHECK wk_status wk_live_feed(wk_live *live, const wk_recorded *message, wk_err *err);
/* Time passed without a message: closes the bars that are due. Optional between messages, and
 * without effect on what comes out. */
void wk_live_advance(wk_live *live, int64_t now_ns);
/* Renews subscriptions that are overdue, through the `subscribe` sink. */
void wk_live_check(wk_live *live, int64_t now_ns);

size_t wk_live_n_markets(const wk_live *live);
const wk_live_market *wk_live_market_at(const wk_live *live, uint32_t market);
size_t wk_live_n_connections(const wk_live *live);
const char *wk_live_connection_name(const wk_live *live, uint32_t connection);
/* The live book of a market, NULL while there is none to be trusted. Borrowed until the next feed.
 */
const wk_book *wk_live_book(const wk_live *live, uint32_t market);
/* venue -1: all together (clock and lag of the first). */
void wk_live_count(wk_live *live, int venue, wk_live_counts *out);
size_t wk_live_n_timeframes(const wk_live *live);
int64_t wk_live_timeframe_ns(const wk_live *live, size_t timeframe);

/* The text of a "repair" note. The caller frees. */
char *wk_live_repair_note(uint32_t market, int64_t timeframe_ns, const wk_series *series);

/* ---- a trader's ring: records of this kind ---- */

typedef struct {
    int32_t is_bar, is_flow; /* neither: an event */
    int64_t clock_offset_ns;
    union {
        wk_event event;
        wk_live_bar bar;
        wk_live_flow flow;
    };
} wk_live_record;

/* ---- a session: sockets, path, store and recorder on their threads ---- */

/* History of one market [from_ns, to_ns), for bars that were missed. May block: it runs on a thread
 * of its own. An empty series is an answer: nothing is known. */
typedef wk_status (*wk_live_history)(void *ctx, const char *venue, const char *name_stream,
                                     int64_t timeframe_ns, int64_t from_ns, int64_t to_ns,
                                     wk_series *out, wk_err *err);

typedef struct {
    wk_live_history history; /* NULL: nothing is repaired */
    void *history_ctx;
    wk_ring *ring; /* of wk_live_record, NULL: no trader listens */
    /* A bar is safe on disk. From the store's thread; may be NULL. */
    void (*stored)(void *ctx, const wk_live_market *market, const wk_live_bar *bar);
    /* About every status_s, from the thread of wk_live_record_run; may be NULL. */
    void (*status)(void *ctx, const wk_live_counts *counts, uint64_t n_stored,
                   double messages_per_s);
    void *ctx;
    /* For tests: name lookups, see wick/websocket.h. */
    size_t (*resolve)(void *ctx, const char *host, int address_family, char (*addresses)[64],
                      size_t n_max, char why[128]);
    void *resolve_ctx;
} wk_live_session_options;

typedef struct {
    wk_live_counts counts;
    uint64_t stored;    /* bars safe on disk */
    uint64_t bars;      /* bars that came out */
    char bars_hash[65]; /* SHA-256 over them in order: equal for a session and its replay */
} wk_live_summary;

/* Runs until *stop (a signal handler or another thread sets it). */
WK_MUST_CHECK wk_status wk_live_record_run(const wk_live_config *config,
                                           const wk_live_session_options *options,
                                           const atomic_bool *stop, wk_live_summary *out,
                                           wk_err *err);

typedef struct {
    double speed;      /* 0: as fast as it goes, 1: as it was */
    const char *store; /* bars go there; NULL: nowhere */
    void (*bar)(void *ctx, const wk_live_market *market, const wk_live_bar *bar); /* may be NULL */
    void (*flow)(void *ctx, const wk_live_market *market,
                 const wk_live_flow *flow); /* may be NULL */
    const char *flow_period; /* of flow rows, beside those of the recording; NULL: none */
    void *ctx;
    wk_ring *ring; /* of wk_live_record, NULL */
} wk_live_replay_options;

/* Feeds a recording through the path. */
WK_MUST_CHECK wk_status wk_live_replay_run(const char *path, const wk_live_replay_options *options,
                                           const atomic_bool *stop, wk_live_summary *out,
                                           wk_err *err);

#endif
