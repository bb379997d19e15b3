/* The service's parts: sockets (serve_http.c), answers to GET (serve_pages.c), and what the
 * dashboard shows of a bot (serve_live.c). */
#ifndef WICK_OPS_SERVE_INTERNAL_H
#define WICK_OPS_SERVE_INTERNAL_H

#include <sqlite3.h>

#include "serve_predict.h"

struct lws_context;

enum { WK__SERVE_BUCKETS = 12, WK__SERVE_CODES = 8, WK__SERVE_TRADES = 100 };

typedef struct {
    uint64_t by_status[6]; /* [status / 100] */
    uint64_t connections, refused_connections, bytes_in, bytes_out, timeouts, stream_messages;
    uint64_t predict_buckets[WK__SERVE_BUCKETS]; /* cumulative counts are made when asked for */
    uint64_t predict_count;
    double predict_s;
    int64_t open_connections, streams;
} wk__serve_stats;

/* How far a model's session "store" has come. */
typedef struct {
    bool begun, is_warm;
    int64_t last_ns;                      /* newest step pushed; 0: none */
    int64_t read_ns, end_ns;              /* of the warm-up: read so far, and its end */
    int64_t waiting_ns, waiting_since_ns; /* a step that lacks markets */
    wk_panel panel;                       /* what was read ... */
    size_t at, n_steps;                   /* ... and pushed of it */
} wk__serve_follow;

/* What the fills of a market add up to. */
typedef struct {
    char symbol[32], since[24];
    int64_t lots, peak_lots;
    double lot, entry, stop, profit; /* stop, profit 0: none */
    double realised, fees;           /* quote, since it was flat */
} wk__serve_position;

/* A round trip. */
typedef struct {
    wk__serve_position position; /* as it was before the last fill */
    double exit, net;
    char until[24], reason[32];
} wk__serve_trade;

/* What is known of a bot's journal and of the candle store. */
typedef struct {
    char path[4096];          /* of the journal, "" = none */
    sqlite3 *db;              /* NULL: not there yet */
    int64_t seq;              /* newest record told to streams */
    char root[4096];          /* of the store */
    int64_t *bar_ns;          /* [markets of model 0] newest bar told ... */
    double *last;             /* ... and its close */
    wk__serve_follow *follow; /* [models] */
    wk__serve_position *positions;
    size_t n_positions;
    wk__serve_trade trades[WK__SERVE_TRADES]; /* a ring of the newest */
    size_t n_trades, n_won;
    double net;             /* quote, of all trades */
    char newest_symbol[32]; /* of the newest fill */
    int64_t fill_seq;       /* newest fill in them */
    wk_text update;         /* newest message of the stream */
    uint64_t version;
} wk__serve_live;

struct wk_serve {
    const wk_serve_config *config;
    char token[256];
    struct lws_context *context;
    int port;
    wk__serve_predictor predictor;
    wk__serve_parser parser;
    wk__serve_stats stats;
    wk__serve_live live;
    wk_text answer, head; /* of the request at hand */
    bool is_ready, is_draining;
    int64_t started_ns, polled_ns; /* monotonic */
    int64_t in_flight;             /* requests whose head is here and whose answer is not */
};

/* A page for a GET. */
typedef struct {
    int status;
    const char *type;
    const char *body;
    size_t n;
} wk__serve_page;

/* Answers a GET of `path`; query "" when there is none. Its body is borrowed from `serve`. */
wk__serve_page wk__serve_get(wk_serve *serve, const char *path, const char *query);
/* {"error":{"code","message"}} appended. */
void wk__serve_error_write(const char *code, const char *message, wk_text *out);
/* The methods of a path: "GET", "POST", or NULL when there is no such page. */
const char *wk__serve_methods(const char *path);
/* May it be had without the token? */
bool wk__serve_is_open(const char *path);

WK_MUST_CHECK wk_status wk__serve_live_open(wk_serve *serve, wk_err *err);
void wk__serve_live_close(wk_serve *serve);
bool wk__serve_has_store(const wk_serve *serve);
/* Pushes some more of the store's bars into the sessions "store"; true: they are warm. */
bool wk__serve_store_warm(wk_serve *serve);
/* Has a session "store" had no bar for longer than stale_bars? */
bool wk__serve_store_is_stale(const wk_serve *serve);
/* Steps that arrived since; true: any. */
bool wk__serve_store_follow(wk_serve *serve);
/* Candles of a market of the first model, and those of all markets that are new since the last
 * call. */
void wk__serve_store_candles(wk_serve *serve, size_t market, wk_text *out);
bool wk__serve_store_news(wk_serve *serve, wk_text *out);
/* The newest close of a market, 0 when none is known. */
double wk__serve_store_last(const wk_serve *serve, const char *symbol);
/* Looks at journal and store: true when live.update has something new for the streams. */
bool wk__serve_live_poll(wk_serve *serve);
/* Everything that the dashboard begins with. */
void wk__serve_live_document(wk_serve *serve, const char *symbol, wk_text *out);
bool wk__serve_live_signal(wk_serve *serve, const char *symbol, wk_text *out);
void wk__serve_health_write(const wk_serve *serve, wk_text *out);

extern const char wk__serve_openapi[];

#endif
