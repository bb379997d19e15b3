/* The path's state, between its files. */
#ifndef WICK_VENUE_LIVE_INTERNAL_H
#define WICK_VENUE_LIVE_INTERNAL_H

#include "clock_offset.h"
#include "closer.h"
#include "wick/arena.h"
#include "wick/flow.h"
#include "wick/live.h"
#include "wick/parse.h"

enum { WK__FLOW_FRAMES_MAX = 4 };

/* The periods of flow features. */
typedef struct {
    size_t n;
    int64_t ns[WK__FLOW_FRAMES_MAX];
    char name[WK__FLOW_FRAMES_MAX][16];
} wk__flow_frames;

typedef struct {
    wk_live_market about;
    const wk_live_venue *config;
    wk_live *live;
    wk__closer *closer;
    wk_decimal contract; /* 1 for spot */
    wk_book *book;       /* NULL: its decimals are not known yet */
    wk_book_follower follower;
    uint64_t n_checked_fresh; /* follower.n_checked when the book became live */
    bool is_subscribed[WK_LIVE_CHANNELS], is_asked[WK_LIVE_CHANNELS];
    int64_t retry_ns[WK_LIVE_CHANNELS], backoff_ns[WK_LIVE_CHANNELS];
    bool is_touched;
    wk_instrument instrument;
    wk_decimal funding, open_interest, mark; /* as last told; scale -1: never */
    int64_t open_interest_ns, mark_ns;
    wk_flow *flow[WK__FLOW_FRAMES_MAX];
    int64_t flow_open_ns[WK__FLOW_FRAMES_MAX]; /* INT64_MIN: nothing came yet */
    bool flow_is_whole[WK__FLOW_FRAMES_MAX];   /* the running period was seen from its begin */
} wk__market;

typedef struct {
    char name[32];
    uint32_t venue, first_market, n_markets;
    wk_parser *parser;
    bool is_open;
    int64_t frame_ns; /* of its newest frame; 0: none */
    int64_t ping_ns;  /* when the ping that is not answered yet went out; 0: none */
} wk__connection;

typedef struct {
    const wk_live_venue *config;
    wk__clock_offset clock;
    int64_t due_ns; /* venue time of its next bar; earliest of its markets */
    wk_live_counts counts;
    char status[96];
    int n_impossible_run; /* events in a row whose time cannot be */
} wk__venue;

struct wk_live {
    const wk_live_config *config;
    wk_live_sinks sinks;
    int64_t timeframes_ns[WK__TIMEFRAMES_MAX];
    size_t n_timeframes;
    wk__flow_frames flow;
    wk_arena arena;
    wk__venue *venues;
    size_t n_venues;
    wk__connection *connections;
    size_t n_connections;
    wk__market *markets;
    size_t n_markets;
    int64_t input_ns; /* of the last message */
    /* of the message at hand */
    wk__connection *connection;
    uint32_t *touched;
    size_t n_touched;
    uint64_t lost;
};

int64_t wk__live_venue_time(const wk_live *live, const wk__market *market, int64_t ns);
void wk__live_touch(wk_live *live, wk__market *market);
/* A stream of a market is whole from now on. */
void wk__live_subscribed(wk_live *live, wk__market *market, wk_live_channel channel,
                         int64_t venue_ns, int64_t now_ns);
void wk__live_ask(wk_live *live, wk__market *market, wk_live_channel channel, int64_t now_ns);
/* Messages may have been lost: the book is dropped. */
void wk__live_gap(wk_live *live, wk__market *market, int64_t now_ns);
/* Its connection may have lost what came last: closed bars around that are asked for again. */
void wk__live_doubt(wk_live *live, wk__market *market);
/* The sink of the parsers; ctx is the wk_live. */
void wk__live_on_event(void *ctx, const wk_event *event);
/* Notes of "wick". */
wk_status wk__live_note(wk_live *live, const wk_recorded *note, wk_err *err);

/* A connection of the plan that a configuration makes: markets [first, first + n) of a venue. */
typedef struct {
    char name[32];
    uint32_t venue, first_market, n_markets; /* first_market counts over all venues */
} wk__planned;
/* Checks the configuration; the caller frees *out. */
WK_MUST_CHECK wk_status wk__live_plan(const wk_live_config *config, wk__planned **out, size_t *n,
                                      wk_err *err);
/* The timeframes of a configuration, checked. */
WK_MUST_CHECK wk_status wk__live_timeframes(const wk_live_config *config,
                                            int64_t ns[WK__TIMEFRAMES_MAX], wk_err *err);
/* "BTC/USD" -> "BTCUSD". */
void wk__live_store_symbol(const char *name_stream, char out[32]);

#endif
