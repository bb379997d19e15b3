/* The state of the trader, shared by its files. */
#ifndef WICK_TRADE_TRADER_H
#define WICK_TRADE_TRADER_H

#include "quantile.h"
#include "wick/money.h"
#include "wick/trade.h"

#define WK_DAY_NS INT64_C(86400000000000)

/* Order ids: market 16 bits, bar 40, leg 4, attempt 4. */
enum { WK__LEG_ENTRY = 1, WK__LEG_LIMIT = 2, WK__LEG_EXIT = 3 };
static inline int wk__order_id_leg(uint64_t id)
{
    return (int)(id >> 4 & 15);
}

/* When a signal is strong enough to act on. */
typedef struct {
    double threshold;        /* in force; infinite: no entries */
    int64_t first;           /* number of the first bar with a forecast; -1: none yet */
    int64_t day;             /* UTC day of the threshold */
    int64_t window, min_age; /* bars */
    int64_t stride;
    size_t min_values;
    wk__pool *pool; /* quantile policy only */
    double *row;    /* [S] */
} wk__signal;

/* A limit entry that waits, or one that was given up and is followed until its signal ends. */
typedef struct {
    uint64_t id; /* 0: none */
    int64_t lots, ticks;
    int8_t side;
    uint8_t attempt; /* how often it has been placed anew */
    bool reprice;    /* of one that expired: place it anew instead of taking */
} wk__limit;

typedef struct {
    uint32_t symbol;
    int8_t side;
    bool forced;
    double strength;
} wk__candidate;

/* The state of the rules that are off by default, by market. */
typedef struct {
    int64_t trip_e8;        /* cash that the open round trip has moved */
    int64_t seen;           /* number of the last bar with data; 0: none yet */
    int64_t block_until_ns; /* no entry at closes before */
    int64_t force_until_ns; /* the signal is `force` at closes before */
    int64_t stop, profit;   /* bracket of the last entry, ticks */
    int8_t force;           /* 0: none */
    int8_t spoken;          /* the last confirmed signal */
    bool flat;              /* to be left at each close until flat and free again */
    bool stale;
    uint8_t exits; /* orders of override.c at bar exits_step */
    int64_t exits_step;
} wk__rule;

struct wk_trader {
    wk_trade_config config;
    size_t S;
    int64_t timeframe_ns;
    double sqrt_bars_year;
    wk_unit *unit;
    double *per_tick;
    int64_t *min_lots;

    int64_t initial_e8, cash_e8, equity_e8, peak_e8, day_equity_e8, missed_e8;
    int64_t day;  /* UTC day of day_equity_e8 */
    int64_t step; /* number of the last bar: its close / timeframe */
    bool halted, day_halted, failed;
    uint64_t intents; /* digest of all actions */
    wk__signal signal;

    /* By market. Positions are signed lots; in flight: sent to the venue at the market, not yet
     * filled. */
    int64_t *pos, *mark, *entry, *entry_flight, *exit_flight;
    int64_t *exit_void; /* exits of this bar and before were overtaken by a bracket */
    int64_t *entered;   /* bar of the fill */
    int64_t *cool;      /* no entry may be decided before this bar */
    int64_t *run;       /* bars of the same signal */
    int8_t *last;       /* side of that signal */
    wk__limit *limit, *take, *missed;
    double *x; /* score * sigma of this bar, NaN: none */
    wk__candidate *candidates;
    wk__rule *rule;
    uint8_t *verdict; /* wk_trade_verdict */
    bool exposed;     /* a limit of exposure is set */
    bool markets_stale;
    size_t n_known, n_stale; /* what markets_stale was judged by */
    bool overridden;         /* a person has spoken: force and flat are read */
    bool restored;
    bool guarded;                /* wk__rules_forbid has something to say */
    int64_t losses, pause_until; /* lost round trips in a row; no entry at bars before this one */
    double gross, net;           /* exposure of all that is held or waits, 1e-8 */

    /* The arrays by market above that change, side by side, and what they were: wk_trader_warm. */
    char *by_market, *before;
    size_t by_market_bytes;
};

void wk__signal_plan(wk_arena *arena, const wk_trade_config *config, size_t S, int64_t timeframe_ns,
                     wk__signal *signal);

/* Takes in the bar `step` that opened at open_ns, with x[s] = score * sigma or NaN: renews the
 * threshold on a new UTC day from the bars before, then pools this one. */
void wk__signal_push(wk__signal *signal, const wk_trade_config *config, int64_t step,
                     int64_t open_ns, const double *x, size_t S);

/* Looks at what the next push with about the same x will write to; changes nothing. */
void wk__signal_warm(const wk__signal *signal, const double *x, size_t S);

/* +1, -1 or 0: the entry that the forecast asks for; x is finite. */
int wk__signal_want(const wk__signal *signal, const wk_trade_config *config,
                    const wk_forecast *forecast, double x, double sigma);

/* The bar event: marks, stops of the portfolio, exits, entries. */
void wk__trader_bars(wk_trader *trader, const wk_trader_event *event, wk_actions *actions);

/* rules.c: see there. */
bool wk__rules_sure(const wk_trade_config *config, const wk_forecast *forecast, int side);
double wk__rules_size_share(const wk_trade_config *config, const wk_forecast *forecast, int side);
double wk__rules_leverage(const wk_trader *trader, int side, double sigma);
void wk__rules_fill(wk_trader *trader, size_t s, int64_t cash_e8);
void wk__rules_stale(wk_trader *trader, const wk_trader_event *event);
void wk__rules_expose(wk_trader *trader);
int64_t wk__rules_fit(wk_trader *trader, size_t s, int side, int64_t lots, int64_t ticks);
wk_trade_verdict wk__rules_forbid(const wk_trader *trader, const wk_trader_event *event, size_t s);

/* Places a reduce-only market order for what will be held, and cancels a waiting limit. */
void wk__trader_leave(wk_trader *trader, size_t s, int64_t lots, wk_reason reason, int attempt,
                      wk_actions *actions);
void wk__trader_drop_limit(wk_trader *trader, size_t s, wk_actions *actions);
/* The position once all that is on its way to the venue has been filled. */
int64_t wk__trader_intended(const wk_trader *trader, size_t s);
/* override.c: the event. */
void wk__trader_override(wk_trader *trader, const wk_trader_event *event, wk_actions *actions);

/* A limit entry that will not be filled any more leaves its move up to the mark `ticks` in
 * missed_e8. */
void wk__trader_missed(wk_trader *trader, size_t s, const wk__limit *limit, int64_t ticks);

#endif
