/* A small deterministic market: trades first, and candles, book, funding and open interest from
 * them or from the same seed, so that everything a venue says about it by REST and by WebSocket is
 * one story. Prices and sizes are integers in units of 10^-decimals. */
#ifndef VENUE_MARKET_H
#define VENUE_MARKET_H

#include <stddef.h>
#include <stdint.h>

#define NS_A_SECOND INT64_C(1000000000)
#define NS_A_MINUTE (60 * NS_A_SECOND)
#define BOOK_LEVELS_MAX 400

typedef struct {
    int64_t time_ns;    /* a multiple of 100 ns */
    int64_t arrival_ns; /* when the venue tells: later than time_ns for a late trade */
    int64_t price, qty;
    int64_t id; /* rises by one in the order of time */
    int side;   /* of the taker: 1 buy, -1 sell */
    int is_market;
} market_trade;

typedef struct {
    int64_t open_s; /* start of the interval */
    int64_t open, high, low, close, volume, vwap;
    int64_t n_trades; /* 0: filled with the close before it */
} market_candle;

typedef struct {
    int64_t price, qty;
} market_level;

typedef struct {
    int n[2]; /* 0 bids from the highest, 1 asks from the lowest */
    market_level side[2][BOOK_LEVELS_MAX];
} market_book;

typedef struct {
    int64_t time_ns;
    int n;
    struct {
        int side;           /* 0 bid, 1 ask */
        int64_t price, qty; /* qty 0: the level goes */
    } change[32];
} market_book_event;

/* What a venue trades. Names mean what the venue makes of them. */
typedef struct {
    const char *name;     /* the main name, which truth accessors take */
    const char *alias[4]; /* other spellings */
    const char *base, *quote;
    int price_decimals, qty_decimals;
    int64_t tick;               /* in units of 10^-price_decimals */
    int64_t price_first;        /* where the walk starts */
    int64_t qty_step, qty_most; /* sizes are multiples of the step up to this */
    int product_id;
    const char *contract_value;
    const char *contract_type;
} market_instrument;

typedef struct {
    const market_instrument *instrument;
    uint64_t seed;
    int64_t begin_ns, end_ns; /* trades lie in [begin, end) */
    int64_t live_ns;          /* the book exists from here */
    int64_t book_step_ns;

    market_trade *trades; /* by time */
    size_t n_trades;
    uint32_t *by_arrival; /* indices into trades, by arrival */
    size_t *minute_first; /* first trade at or after each minute, n_minutes + 1 */
    size_t n_minutes;

    market_book book_first, book_now;
    market_book_event *events;
    size_t n_events, events_size;
} market;

typedef struct {
    uint64_t seed;
    int64_t begin_ns, end_ns, live_ns;
    int64_t book_step_ns;
    int busy;             /* about so many trades a minute from live_ns on; 0: as before it */
    int late_every;       /* every n-th trade is told late; 0: none */
    int64_t late_ns_most; /* by at most this */
} market_options;

void market_init(market *m, const market_instrument *instrument, const market_options *options);
void market_finish(market *m);

/* A number that depends on nothing but its arguments. */
uint64_t market_hash(uint64_t seed, uint64_t a, uint64_t b);

/* Number of trades with time < time_ns: also the index of the first one at or after it. */
size_t market_trades_before(const market *m, int64_t time_ns);

/* The candle of [open_s, open_s + seconds) from the trades told by `seen_ns` (INT64_MAX: all);
 * filled with the close before it when there are none. Returns 0 before the first trade of the
 * market. */
int market_candle_at(const market *m, int64_t open_s, int64_t seconds, int64_t seen_ns,
                     market_candle *out);

/* The last trade told by now_ns, or NULL. */
const market_trade *market_last(const market *m, int64_t now_ns);

/* Makes the events of the book up to now_ns. */
void market_book_advance(market *m, int64_t now_ns);
void market_book_apply(market_book *book, const market_book_event *event);
/* The book after the last event at or before time_ns. */
void market_book_at(market *m, int64_t time_ns, market_book *out);

/* Funding rate of the interval number `index`, in 1e-12; open interest of a minute, in contracts.
 */
int64_t market_funding(const market *m, int64_t index);
int64_t market_open_interest(const market *m, int64_t minute);

#endif
