/* The executor of a real venue: a thread of its own that owns every order from the trader's
 * decision to its end. Entries and exits come in through a ring, events and journal rows go out
 * through rings; the trader's thread never waits. */
#ifndef WICK_BOT_EXECUTOR_LIVE_H
#define WICK_BOT_EXECUTOR_LIVE_H

#include "wick/executor.h"
#include "wick/journal.h"

enum { WK_RECONCILED_MAX = 64 };
/* `state` of an ALERT row: a position is without its stop, and a person has to know. */
#define WK__LIVE_NO_STOP "no stop"

/* A clock that goes by steps. It never goes back. */
typedef struct {
    int64_t now_ns;
} wk_virtual_clock;
int64_t wk_virtual_now(void *clock);
void wk_virtual_sleep(void *clock, int64_t ns);

typedef struct {
    /* Copied; once wk_executor_live has succeeded the executor closes it, else the caller; all
     * calls come from the executor's thread. wk__live_create borrows it. */
    const wk_account *account;
    size_t S;
    const wk_trade_instrument *instruments; /* [S]; ticks of emulated targets */
    /* What wk_journal_recover said. Entries found there are never sent again, exits are. */
    const wk_journal_open_order *orders;
    size_t n_orders;
    const wk_journal_position *positions;
    size_t n_positions;
    int64_t fills_since_ns; /* fills from here on may be missing in the journal; 0: one day */
    bool (*has_fill)(void *ctx, const char *fill_id); /* NULL: none is journalled */
    void *has_fill_ctx;
    int64_t poll_ns;  /* a working order is asked about so often; 0: 2 s */
    int64_t fills_ns; /* fills are read so often while something works; 0: 2 s */
    double leverage;  /* of entries that bring none, set before the first one; 0: the venue's */
    /* The dead-man switch is armed for so long, and renewed, while every market is flat and entries
     * work: it would cancel the stops of a position too. 0: never. */
    int64_t deadman_ns;
    /* Virtual time: no thread and no stream, `settle` makes the requests. The clock is the newest
     * step's close, and moves while requests wait, never up to the next step. NULL: real time. */
    wk_virtual_clock *clock;
    int64_t timeframe_ns; /* of the steps; virtual time only */
    /* For tests; NULL: the wall clock and a real sleep. */
    int64_t (*now_ns)(void *ctx);
    void (*sleep)(void *ctx, int64_t ns);
    void *time_ctx;
} wk_executor_live_options;

/* What start-up found where journal and venue differ. */
typedef struct {
    size_t n_adopted;        /* orders of the journal that the venue knows */
    size_t n_never_sent;     /* and that it never saw */
    size_t n_orphans;        /* orders with our ids that the journal does not know: cancelled */
    size_t n_foreign_orders; /* made by other hands: left alone */
    size_t n_missed_fills;   /* fills that came while we were away; events carry them */
    /* Positions that the fills do not explain. What the venue holds beyond ours is of other hands
     * and left alone (wk_executor_live_foreign); what is missing there has been booked as left. */
    size_t n_differences;
    struct {
        uint32_t symbol;
        int64_t ours_lots, venue_lots;
    } differences[WK_RECONCILED_MAX];
} wk_reconciliation;

/* Reconciles (may block for the venue's validity and a few requests), then starts the thread. */
WK_MUST_CHECK wk_status wk_executor_live(const wk_executor_live_options *options, wk_executor *out,
                                         wk_reconciliation *found, wk_err *err);
/* The next row for the journal (ORDER_STATE, FILL, ALERT); false: none waits. The trader's thread.
 */
bool wk_executor_live_journal(const wk_executor *executor, wk_journal_record *out);
/* The venue refused the keys or the like: no entry is sent any more. `why` [256]. */
bool wk_executor_live_stopped(const wk_executor *executor, char *why);

/* ---- the same without a thread: what the tests drive ---- */

typedef struct wk__live wk__live;

WK_MUST_CHECK wk_status wk__live_create(const wk_executor_live_options *options, wk__live **out,
                                        wk_err *err);
void wk__live_destroy(wk__live *live);
WK_MUST_CHECK wk_status wk__live_reconcile(wk__live *live, wk_reconciliation *found, wk_err *err);
void wk__live_action(wk__live *live, const wk_action *action);
/* A bar's range, for targets that the venue does not keep. */
void wk__live_range(wk__live *live, uint32_t symbol, int64_t low_ticks, int64_t high_ticks);
void wk__live_stream_order(wk__live *live, const wk_venue_order *order);
void wk__live_stream_fill(wk__live *live, const wk_venue_fill *fill);
void wk__live_stream_lost(wk__live *live);
/* Everything is asked about again, now. */
void wk__live_look(wk__live *live);
/* Something is on its way: not sent, in doubt, or over with fills missing. */
bool wk__live_unsettled(const wk__live *live);
/* Makes at most one request; the time at which there is something to do again. */
int64_t wk__live_step(wk__live *live);
bool wk__live_event(wk__live *live, wk_trader_event *out);
bool wk__live_row(wk__live *live, wk_journal_record *out);
/* Rows and events in the order they arose; false: neither waits. */
bool wk__live_out(wk__live *live, bool *is_row, wk_trader_event *event, wk_journal_record *row);
const char *wk__live_stopped(const wk__live *live); /* NULL: it trades */
size_t wk__live_working(const wk__live *live);      /* orders that have not ended */

#endif
