/* A small matching engine: one account, markets whose prices follow a given path, orders that fill
 * against it. All money is exact: prices and sizes are integers in units of 10^-decimals, cash in
 * 1e-8 of the quote currency. What happens depends on the path and the calls alone.
 *
 * Rules: a limit order that crosses at placement takes at the touch (the price and the half
 * spread); one that rests fills as maker at its own price once the path touches it. Stops and
 * targets wait for their trigger and fill as takers at it, or at the price that jumped over it,
 * half a spread worse. A position is netted, its entry the mean of what opened it; a spot market
 * moves assets instead. Bracket legs close the whole position, follow its size and go with it. */
#ifndef VENUE_ENGINE_H
#define VENUE_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#define ENGINE_MARKETS_MAX 24
#define ENGINE_TEXT 48

typedef enum { SIDE_BUY = 1, SIDE_SELL = -1 } engine_side;
typedef enum { KIND_LIMIT, KIND_MARKET } engine_kind;
typedef enum { TRIGGER_NONE, TRIGGER_STOP, TRIGGER_PROFIT } engine_trigger;
typedef enum {
    ORDER_PENDING,
    ORDER_OPEN,
    ORDER_CLOSED,
    ORDER_CANCELLED,
    ORDER_EXPIRED
} engine_state;

typedef struct {
    int64_t time_ns, price;
    int is_jump; /* the price was not traded on the way here */
} engine_point;

typedef struct {
    int price_decimals, qty_decimals;
    int64_t tick, qty_step, qty_min;
    int64_t cost_min_e8;          /* 0: none */
    int64_t value_mul, value_div; /* price * qty * mul / div is the value in 1e-8 of the quote */
    int64_t maker_ppt, taker_ppt; /* fees, 1e-12 */
    int64_t fee_step_e8;          /* fees are rounded up to whole ones, values to the nearest */
    int64_t maintenance_ppt;
    int64_t half_spread;      /* in units of the price */
    int is_spot;              /* assets change hands unless an order has leverage */
    int base, quote;          /* indices into the account's assets */
    int64_t leverage;         /* of positions here, in percent: 1000 is 10 times */
    const engine_point *path; /* borrowed, by time; NULL: engine_price() moves it */
    size_t n_path;

    /* the state */
    size_t at;
    int64_t price, price_ns;    /* 0: no price yet */
    int64_t position, basis_e8; /* signed size, and what it cost (>= 0) */
    int64_t position_leverage;
    int64_t held; /* spot: bought less sold since the start */
    int64_t funding_e8, realized_e8, fees_e8;
    int64_t bracket_stop, bracket_stop_limit, bracket_profit, bracket_profit_limit;
    int64_t naked_since_ns;   /* a position without a whole stop; 0: covered or flat */
    int64_t naked_counted_ns; /* in naked_total_ns up to here */
    int64_t naked_total_ns, naked_longest_ns, naked_count;
    int64_t opened_ns;
} engine_market;

typedef struct {
    uint64_t id; /* index + 1 */
    int market;
    engine_side side;
    engine_kind kind;
    engine_trigger trigger;
    engine_state state;
    int64_t price, trigger_price, qty, filled;
    int64_t value_e8, fee_e8;
    int64_t hold_e8; /* what it keeps from being spent twice: quote, or base of a spot sell */
    int is_post_only, is_reduce_only, is_ioc, is_margin, is_triggered;
    int is_bracket; /* a leg that closes the whole position */
    int64_t leverage;
    char client_id[ENGINE_TEXT];
    int has_userref, userref;
    int64_t created_ns, updated_ns, triggered_ns, expires_ns;
    /* an entry's exits, made by its first fill */
    int64_t bracket_stop, bracket_stop_limit, bracket_profit, bracket_profit_limit;
    /* spot: an order that each fill makes */
    engine_kind close_kind;
    engine_trigger close_trigger;
    int64_t close_price, close_trigger_price;
    int has_close;
    char reason[ENGINE_TEXT];
    int64_t partial_ppm; /* of the first fill; 0: whole */
    int64_t partial_wait_ns, resume_ns;
} engine_order;

typedef struct {
    uint64_t id, order; /* index + 1 */
    int market;
    engine_side side;
    int64_t qty, price, value_e8, fee_e8, time_ns, position_after;
    int is_maker, is_liquidation, is_margin;
} engine_fill;

/* What was booked for a position at a funding mark. */
typedef struct {
    int market;
    int64_t amount_e8, balance_e8, time_ns;
} engine_funding;

typedef enum {
    EVENT_NEW,
    EVENT_TRIGGERED,
    EVENT_FILL,
    EVENT_CANCELLED,
    EVENT_EXPIRED,
    EVENT_AMENDED,
    EVENT_POSITION,
    EVENT_BALANCE
} engine_event_kind;

/* What private streams tell: the order as it was then. */
typedef struct {
    engine_event_kind kind;
    int64_t time_ns;
    int market;
    engine_order order;
    uint64_t fill;
    int64_t position, basis_e8;
    int asset;
    int64_t balance_e8, change_e8;
} engine_event;

typedef struct {
    char name[ENGINE_TEXT];
    int decimals;
    int64_t amount; /* in units of 1e-8, whatever the decimals shown */
} engine_asset;

typedef struct {
    int64_t now_ns;
    engine_market markets[ENGINE_MARKETS_MAX];
    int n_markets;
    engine_asset assets[ENGINE_MARKETS_MAX + 4];
    int n_assets;
    engine_order *orders;
    size_t n_orders, orders_size;
    engine_fill *fills;
    size_t n_fills, fills_size;
    engine_event *events;
    size_t n_events, events_size;
    int64_t funding_ppm; /* of a position's value, at 0, 8 and 16 UTC; longs pay when > 0 */
    engine_funding *fundings;
    size_t n_fundings, fundings_size;
    size_t first_live;     /* no order before it is live */
    int64_t cancel_all_ns; /* the dead-man switch; 0: off */
    int stops_hold;        /* resting stops of spot keep the assets from other orders */
    int64_t n_liquidations;
} engine;

void engine_finish(engine *e);
int engine_asset_named(engine *e, const char *name); /* -1: unknown */

/* Time passes: the path is walked, timers fire. Backwards does nothing. */
void engine_advance(engine *e, int64_t now_ns);
/* Moves a market without a path, at once and without a jump. */
void engine_price(engine *e, int market, int64_t price, int is_jump);

typedef enum {
    REFUSE_NONE,
    REFUSE_TICK,
    REFUSE_LOT,
    REFUSE_MINIMUM,
    REFUSE_COST_MINIMUM,
    REFUSE_FUNDS,
    REFUSE_MARGIN,
    REFUSE_POST_ONLY,
    REFUSE_REDUCE_ONLY,
    REFUSE_NO_PRICE,
    REFUSE_STATE,
    REFUSE_IMMEDIATE_LIQUIDATION
} engine_refusal;

/* Takes an order (its id, state and times are made here); *more_e8 is what is missing to
 * REFUSE_MARGIN. `validate`: only checks. */
engine_refusal engine_place(engine *e, const engine_order *want, int validate, uint64_t *id,
                            int64_t *more_e8);
int engine_cancel(engine *e, uint64_t id, const char *reason);
/* A new price (0: the same), trigger (0: the same) or whole size (0: the same). */
engine_refusal engine_amend(engine *e, uint64_t id, int64_t price, int64_t trigger_price,
                            int64_t qty);
/* The exits of a position; prices of 0 take one away, -1 leaves it. */
engine_refusal engine_bracket(engine *e, int market, int64_t stop, int64_t stop_limit,
                              int64_t profit, int64_t profit_limit);
int engine_cancel_all(engine *e, int market, const char *reason); /* -1: every market */

engine_order *engine_order_at(engine *e, uint64_t id);
int engine_is_live(const engine_order *o);
/* 1e-8 of the quote, to the nearest. */
int64_t engine_value(const engine_market *m, int64_t qty, int64_t price);
int64_t engine_entry_price(const engine_market *m);
int64_t engine_liquidation_price(const engine_market *m); /* 0: none */
int64_t engine_unrealized(const engine_market *m);
int64_t engine_position_margin(const engine_market *m);
int64_t engine_order_margin(const engine *e, int asset); /* what orders block, or spot holds */
int64_t engine_available(const engine *e, int asset);
int64_t engine_average_price(const engine *e, const engine_order *o); /* rounded, 0 unfilled */
/* Ends the count of uncovered time at `now` without ending the positions. */
void engine_count_naked(engine *e);

#endif
