/* The trader: a pure function from events to actions. Clock, market, venue and journal are outside
 * it; the backtest, paper and live modes feed the same wk_trader_step.
 *
 * Money is integral: prices in ticks, sizes in lots, cash in 1e-8 of the quote currency, products
 * in 128 bits, rounded against us, overflow refused. */
#ifndef WICK_TRADE_H
#define WICK_TRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/bars.h"
#include "wick/config.h"
#include "wick/forecast.h"
#include "wick/side.h"

typedef struct {
    char symbol[32];
    double tick; /* price of one tick in the quote currency */
    double lot;  /* size of one lot in the base currency */
    int64_t min_lots;
} wk_trade_instrument;

typedef enum {
    /* Enter when |score x sigma| reaches its trailing quantile, pooled over the markets. */
    WK_POLICY_QUANTILE = 0,
    /* Enter when p_side * TP - p_other * SL - costs clears a threshold. */
    WK_POLICY_EXPECTED_VALUE = 1,
    /* Enter when |score| >= threshold. All leave when the score crosses zero or flips. */
    WK_POLICY_THRESHOLD = 2
} wk_policy_kind;

/* Everything the trader decides by. Fractions of price are 0.01 = 1 %. See src/trade/config_trade.c
 * for the keys, defaults and documentation. */
typedef struct {
    int policy;                  /* wk_policy_kind */
    double coverage;             /* quantile: share of pooled forecasts to trade, 0.05 */
    double quantile_window_days; /* 180 */
    double quantile_min_days;    /* 60: no entry before so much history */
    int64_t quantile_stride;     /* every so many bars enter the pool; 0: 3, or 1 in small pools */
    int64_t quantile_min_values; /* the pool must hold more; 0: 2000, less in small pools */
    double threshold;            /* expected_value, threshold */
    bool exit_at_zero;           /* leave when side * score <= 0 */
    int64_t hold_bars;           /* leave after so many bars; 0: never by time */
    bool allow_long, allow_short;
    int64_t confirm_bars;  /* consecutive bars of the same signal needed, 1 */
    int64_t cooldown_bars; /* after a stop */
    /* entry */
    int entry;                 /* 0 market, 1 limit */
    double limit_offset_sigma; /* limit price = close -/+ offset * sigma * close */
    int64_t limit_expiry_bars; /* then give up or, with market_after_expiry, take */
    bool market_after_expiry, cancel_on_flip;
    /* exits */
    int stop_kind; /* 0 none, 1 fraction, 2 multiples of 24-bar sigma (sigma * sqrt(24)) */
    double stop_loss, take_profit; /* 0: none */
    /* size */
    int size;                     /* 0 equal slots, 1 volatility target */
    double slots;                 /* equity / slots per position (10) */
    int64_t max_positions;        /* 0: no cap besides one a symbol */
    double target_volatility;     /* yearly, for volatility target */
    double max_position_fraction; /* of equity, notional cap of one position */
    double leverage;              /* 1: notional of a slot = leverage * capital / slots */
    bool compound;                /* size from current equity (true) or initial capital (false) */
    double max_drawdown_stop;     /* portfolio: flatten and halt beyond this drawdown; 0: off */
    double daily_loss_stop;       /* 0: off */
    /* what the expected-value policy believes a round trip costs, fraction */
    double cost_estimate;
    /* The rules below are off at 0; src/trade/rules.c says what each does and where it stands. */
    double confidence_min;     /* least probability of the side, where the model has classes */
    bool act_on_change;        /* enter only when the confirmed signal differs from the last one */
    int64_t reprice_max;       /* an expired limit is placed anew at most so many times */
    double confidence_full;    /* size by confidence: whole at this confidence */
    double confidence_low;     /* least at this one */
    double confidence_share;   /* the least, a share of the whole */
    double liquidation_factor; /* liquidation lies at least so many stop distances away */
    double maintenance_margin; /* of the venue, for liquidation_factor */
    double max_gross_exposure, max_net_exposure; /* of equity, all markets */
    int64_t loss_streak, loss_pause_bars;
    int64_t stale_bars;       /* a market without a bar for so long is stale: no entry */
    double stale_markets_max; /* share of stale markets beyond which nobody enters */
    /* No entry at closes up to this time; set by the caller, not a key; 0: none. */
    int64_t entry_from_ns;
} wk_trade_config;
extern const wk_cfg_table wk_trade_config_table;
/* Does a decision by these rules look at a forecast's probabilities, not only at its score? */
bool wk_trade_asks_classes(const wk_trade_config *config);

typedef enum { WK_ORDER_MARKET = 0, WK_ORDER_LIMIT = 1 } wk_order_kind;
typedef enum {
    WK_REASON_ENTRY = 0,
    WK_REASON_STOP_LOSS,
    WK_REASON_TAKE_PROFIT,
    WK_REASON_SCORE_ZERO,
    WK_REASON_FLIP,
    WK_REASON_TIME,
    WK_REASON_LIQUIDATION,
    WK_REASON_DRAWDOWN,
    WK_REASON_END,
    WK_REASON_EXPIRED,
    WK_REASON_MANUAL, /* a person said so */
    WK_REASON_COUNT
} wk_reason;
const char *wk_reason_name(wk_reason reason);

/* What became of a market at the last bar's close: the first rule, in the order of the step, that
 * kept the trader from entering, or what it did instead. */
typedef enum {
    WK_TRADE_NONE = 0, /* no bar yet */
    WK_TRADE_ENTER,    /* an entry was placed */
    WK_TRADE_FORCED,   /* likewise, for a side that a person forced */
    WK_TRADE_LEAVE,    /* an exit was placed and nothing else */
    WK_TRADE_HOLD,     /* in a position, and no reason to leave it */
    WK_TRADE_NO_BAR,   /* no usable bar or volatility */
    WK_TRADE_NO_FORECAST,
    WK_TRADE_NO_THRESHOLD, /* the quantile policy has too little history */
    WK_TRADE_WEAK,         /* HOLD: the forecast is below its threshold */
    WK_TRADE_UNSURE,       /* HOLD: below confidence_min */
    WK_TRADE_UNCONFIRMED,
    WK_TRADE_HALTED, /* max_drawdown_stop, equity gone or money overflowed */
    WK_TRADE_DAY_HALTED,
    WK_TRADE_WARMING,
    WK_TRADE_EARLY, /* entry_from_ns */
    WK_TRADE_SIDE_FORBIDDEN,
    WK_TRADE_COOLDOWN,
    WK_TRADE_WORKING, /* a limit entry waits, or an expired one has been placed anew */
    WK_TRADE_BLOCKED, /* by a person */
    WK_TRADE_STALE,
    WK_TRADE_MARKETS_STALE,
    WK_TRADE_LOSS_PAUSE,
    WK_TRADE_UNCHANGED,
    WK_TRADE_NO_ROOM,   /* max_positions */
    WK_TRADE_EXPOSURE,  /* max_gross_exposure or max_net_exposure leave less than the least order */
    WK_TRADE_TOO_SMALL, /* the size is below the least order */
    WK_TRADE_COUNT
} wk_trade_verdict;
const char *wk_trade_verdict_name(wk_trade_verdict verdict);

typedef struct {
    uint64_t id; /* of symbol, signal bar, leg and attempt: the same signal gives the same id */
    uint32_t symbol;
    int8_t side;  /* wk_side */
    uint8_t kind; /* wk_order_kind */
    uint8_t reason;
    bool reduce_only;
    int64_t qty_lots, price_ticks;
    /* Bracket legs that live at the venue after the fill; 0: none. */
    int64_t stop_ticks, profit_ticks;
    int64_t expires_ns; /* 0: good till cancelled */
    double leverage;    /* isolated margin to hold the position with (liquidation_factor); 0: the
                           venue's */
} wk_order;

typedef enum {
    WK_TRADER_EVENT_BARS,
    WK_TRADER_EVENT_ACK,
    WK_TRADER_EVENT_REJECT,
    WK_TRADER_EVENT_CANCELED,
    WK_TRADER_EVENT_FILL,
    WK_TRADER_EVENT_FUNDING,
    WK_TRADER_EVENT_OVERRIDE
} wk_trader_event_kind;

/* What a person wants of a market. Protection stands above it: a forced side still waits for halts,
 * blocks, stale data, cooldowns, limits of exposure and the forbidden sides. */
typedef enum {
    /* Cancels entries and leaves at once, again at each close until flat; no entry until until_ns.
     */
    WK_OVERRIDE_FLAT,
    /* Cancels waiting entries; no entry until until_ns; what is held stays under its rules. */
    WK_OVERRIDE_BLOCK,
    /* The signal is `side` until until_ns, whatever the forecast; the other side is left. */
    WK_OVERRIDE_FORCE,
    /* Takes the three above back. */
    WK_OVERRIDE_CLEAR,
    /* Cancels waiting entries and changes nothing else: they were meant for prices that nobody sees
     * any more. */
    WK_OVERRIDE_GIVE_UP
} wk_override;
#define WK_ALL_MARKETS UINT32_MAX
#define WK_FOREVER INT64_MAX

typedef struct {
    wk_trader_event_kind kind;
    int64_t time_ns; /* when the trader learns it */
    uint32_t symbol;
    uint64_t order_id;
    /* FILL; CANCELED and REJECT: side and the quantity left unfilled, reason EXPIRED or the order's
     */
    int8_t side;
    uint8_t reason;
    bool maker;
    int64_t qty_lots, price_ticks;
    int64_t fee_e8;      /* paid (positive) */
    int64_t slippage_e8; /* the simulator's, paid beside price_ticks; 0 from real venues */
    int64_t amount_e8;   /* FUNDING: received (positive) or paid */
    /* BARS: the step that just closed, arrays of S, borrowed for the call */
    const wk_bar *bars;
    const uint8_t *provenance;
    const wk_forecast *forecasts;
    const double *sigma; /* trailing volatility of one bar [S] */
    bool warming;        /* history: everything learns from it, no entry is made */
    /* OVERRIDE; symbol may be WK_ALL_MARKETS, side is FORCE's. until_ns: closes before it are under
     * the override; FLAT with 0 blocks nothing. */
    uint8_t override; /* wk_override */
    int64_t until_ns;
} wk_trader_event;

typedef enum { WK_ACTION_PLACE, WK_ACTION_CANCEL } wk_action_kind;
typedef struct {
    wk_action_kind kind;
    wk_order order; /* CANCEL: id and symbol only */
} wk_action;

typedef struct {
    size_t n, capacity;
    wk_action *v; /* caller's storage; 4 * S suffices for one event */
} wk_actions;

typedef struct wk_trader wk_trader;

WK_MUST_CHECK wk_status wk_trader_plan(wk_arena *arena, const wk_trade_config *config,
                                       const wk_trade_instrument *instruments, size_t S,
                                       int64_t timeframe_ns, int64_t initial_cash_e8,
                                       wk_trader **out, wk_err *err);

/* Consumes one event and appends what to do. Deterministic; no allocation, lock, clock or I/O. */
void wk_trader_step(wk_trader *trader, const wk_trader_event *event, wk_actions *actions);

/* The same for a closed bar, after which the trader is what it was: for the caches' sake. */
void wk_trader_warm(wk_trader *trader, const wk_trader_event *event, wk_actions *actions);

/* What it believes: position in lots (signed), average entry in ticks, cash and equity at the last
 * close. */
int64_t wk_trader_position(const wk_trader *trader, size_t s, int64_t *entry_ticks);
int64_t wk_trader_cash_e8(const wk_trader *trader);
int64_t wk_trader_equity_e8(const wk_trader *trader);

/* Money that limit entries given up would have earned so far: from the limit price to the close at
 * which their signal ended or was acted on again. */
int64_t wk_trader_missed_e8(const wk_trader *trader);
/* A product overflowed: the trader is halted and its books are no longer to be believed. */
bool wk_trader_failed(const wk_trader *trader);
/* The entry threshold in force (quantile policy; infinite before there is enough history). */
double wk_trader_threshold(const wk_trader *trader);

/* What became of market s at the last bar, see wk_trade_verdict. */
wk_trade_verdict wk_trader_verdict(const wk_trader *trader, size_t s);
/* What keeps the whole portfolio from entering, since the newest bar or fill, with the values that
 * it was judged by: money at the newest close. */
typedef struct {
    bool halted;        /* max_drawdown_stop has struck, or equity is gone: for good */
    bool day_halted;    /* daily_loss_stop */
    bool markets_stale; /* stale_markets_max */
    int64_t equity_e8, peak_e8, day_equity_e8; /* peak and the day's start */
    int64_t day_until_ns;                      /* the first close that may enter after day_halted */
    int64_t pause_until_ns;  /* likewise after a losing streak; 0: none, or it is over */
    size_t n_known, n_stale; /* markets with data of late, and those of them that are stale */
} wk_trade_halts;
void wk_trader_halts(const wk_trader *trader, wk_trade_halts *out);
/* The bracket that the last entry of market s carried, while a position is held; 0: none. */
void wk_trader_brackets(const wk_trader *trader, size_t s, int64_t *stop_ticks,
                        int64_t *profit_ticks);

/* Recovery: what a journal knows, told to a fresh trader after its history (warming bars) and
 * before its next bar, when no order is on its way. First each market that holds something, then
 * the cash. A trader that is restored goes on as one that was not interrupted. */
void wk_trader_restore(wk_trader *trader, size_t s, int64_t lots, int64_t entry_ticks,
                       int64_t stop_ticks, int64_t profit_ticks);
/* For hold_bars, cooldown_bars and the losing streak: close of the bar of the entry and of the
 * market's last stop (0: none), cash that the open round trip has moved so far, less fees. */
void wk_trader_restore_trip(wk_trader *trader, size_t s, int64_t entered_ns, int64_t stopped_ns,
                            int64_t trip_e8);
/* time_ns: the last close that the interrupted trader saw; peak and day's start of the equity (0:
 * the equity now). */
void wk_trader_restore_cash(wk_trader *trader, int64_t time_ns, int64_t cash_e8, int64_t peak_e8,
                            int64_t day_equity_e8);
/* pause_until_ns: the first close that may enter again. */
void wk_trader_restore_streak(wk_trader *trader, int64_t losses, int64_t pause_until_ns);

/* An order that is on its way or waits, `left` lots of it: told after its market, before the cash.
 */
void wk_trader_restore_order(wk_trader *trader, const wk_order *order, int64_t left);
/* What compound: false sizes from. */
void wk_trader_restore_initial(wk_trader *trader, int64_t cash_e8);
/* After the cash: max_drawdown_stop has struck for good, daily_loss_stop until the day ends. */
void wk_trader_restore_halts(wk_trader *trader, bool halted, bool day_halted);

/* A digest of all actions so far (wick/hash.h): two traders that were told the same have the same
 * one. */
uint64_t wk_trader_intents_digest(const wk_trader *trader);

/* Order ids: the number of the signal's bar (time_ns of its close / timeframe_ns) comes back. */
int64_t wk_order_id_bar(uint64_t id);

#endif
