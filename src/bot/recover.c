/* Crash-only start: what the journal says becomes the state of the ledger, the trader and the paper
 * venue, and the table of trades is what the journal's fills add up to. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "bot_internal.h"
#include "executor_paper.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/money.h"
#include "wick/text.h"

#define DAY_NS (INT64_C(86400) * 1000000000)

struct wk__recovery {
    wk_bot_recovered found;
    wk__trip *trips; /* [S] */
    int64_t initial_e8, cash_e8;
    int64_t peak_e8, day, day_equity_e8, equity_e8;
    int64_t losses, pause_until_ns;
    bool halted, day_halted, any, others;
    uint64_t last_seq; /* of the newest step */
    /* What wk__bot_day would have counted by now, at its newest step, and as its day and week
     * began.
     */
    wk_bot_counts done, stepped, day_start, week_start;
    int64_t told_day;
};

typedef struct {
    wk_bot *bot;
    wk__recovery *r;
    wk_text table;
    wk_status status;
    wk_err err;
} walk;

static int64_t bar_close(const wk_bot *b, int64_t time_ns)
{
    return (time_ns + b->timeframe_ns - 1) / b->timeframe_ns * b->timeframe_ns;
}

/* A round trip has ended. */
static void count_streak(walk *w, const wk__trip *trip, int64_t close_ns)
{
    const wk_trade_config *c = &w->bot->run_configs[0].trade;
    wk__recovery *r = w->r;
    if (c->loss_streak <= 0)
        return;
    r->losses = trip->cash_e8 < 0 ? r->losses + 1 : 0;
    if (r->losses >= c->loss_streak) {
        r->losses = 0;
        r->pause_until_ns = close_ns + c->loss_pause_bars * w->bot->timeframe_ns;
    }
}

static void take_fill(walk *w, const wk_journal_record *row)
{
    wk_bot *b = w->bot;
    wk__trip *trip = &w->r->trips[row->market];
    int64_t cash, close_ns = bar_close(b, row->time_ns);
    bool closed;
    wk_trade trade;
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FILL,
                         .time_ns = row->time_ns,
                         .symbol = row->market,
                         .order_id = row->order_id,
                         .side = row->side,
                         .reason = row->reason,
                         .maker = row->maker,
                         .qty_lots = row->qty_lots,
                         .price_ticks = row->price_ticks,
                         .fee_e8 = row->fee_e8 - row->slippage_e8,
                         .slippage_e8 = row->slippage_e8};
    w->status = wk_ledger_fill(b->ledger, &e, 0, row->score, &cash, &closed, &trade, &w->err);
    if (w->status != WK_OK)
        return;
    int64_t moved = cash - row->fee_e8;
    if (__builtin_add_overflow(w->r->cash_e8, moved, &w->r->cash_e8)) {
        w->status = wk_fail(&w->err, WK_E_RANGE, "the journal's money overflows");
        return;
    }
    trip->cash_e8 += moved;
    if (row->reason == WK_REASON_ENTRY) {
        trip->entered_ns = close_ns;
        trip->parent = row->order_id;
    }
    if (row->reason == WK_REASON_STOP_LOSS || row->reason == WK_REASON_LIQUIDATION)
        trip->stopped_ns = close_ns;
    w->r->any = true;
    w->r->done.fills++;
    if (!closed)
        return;
    char line[512];
    wk_trades_csv_line(&trade, b->markets[row->market].symbol, line);
    wk_text_add(&w->table, line);
    w->r->done.trades++;
    w->r->done.net += trade.net;
    count_streak(w, trip, close_ns);
    *trip = (wk__trip){.stopped_ns = trip->stopped_ns};
}

/* As wk__bot_day: what happened since the step before belongs to the new day. */
static void count_day(walk *w, const wk_journal_record *row)
{
    wk__recovery *r = w->r;
    int64_t day = wk__bot_day_of(w->bot, row->time_ns);
    if (r->told_day != day) {
        r->day_start = r->stepped;
        if (!r->told_day || wk__bot_week_of(r->told_day) != wk__bot_week_of(day))
            r->week_start = r->stepped;
        r->told_day = day;
    }
    r->done.equity = (double)row->equity_e8 / 1e8;
    r->stepped = r->done;
}

static void take_step(walk *w, const wk_journal_record *row, uint64_t seq)
{
    wk__recovery *r = w->r;
    const wk_trade_config *c = &w->bot->run_configs[0].trade;
    int64_t day = (row->time_ns - w->bot->timeframe_ns) / DAY_NS;
    if (day != r->day) {
        r->day = day;
        r->day_equity_e8 = r->equity_e8;
        r->day_halted = false;
    }
    r->equity_e8 = row->equity_e8;
    r->peak_e8 = row->equity_e8 > r->peak_e8 ? row->equity_e8 : r->peak_e8;
    r->halted |= row->equity_e8 <= 0 ||
                 (c->max_drawdown_stop > 0.0 &&
                  (double)row->equity_e8 <= (double)r->peak_e8 * (1.0 - c->max_drawdown_stop));
    r->day_halted |=
        c->daily_loss_stop > 0.0 &&
        (double)row->equity_e8 <= (double)r->day_equity_e8 * (1.0 - c->daily_loss_stop);
    r->found.last_step_ns = row->time_ns;
    r->last_seq = seq;
    count_day(w, row);
}

static void take_row(void *ctx, const wk_journal_record *row, uint64_t seq)
{
    walk *w = ctx;
    if (w->status != WK_OK)
        return;
    if (row->kind == WK_JOURNAL_EQUITY) {
        take_step(w, row, seq);
    } else if (row->market >= w->bot->S) {
        w->r->others = true; /* its cash is no longer ours to count */
    } else if (row->kind == WK_JOURNAL_FUNDING) {
        wk__trip *trip = &w->r->trips[row->market];
        wk_trade changed[2];
        if (!row->venue_id[0]) /* simulated: in its order */
            wk_ledger_funding(w->bot->ledger, row->market, row->amount_e8);
        else if (wk_ledger_late_funding(w->bot->ledger, row->market, row->time_ns, row->amount_e8,
                                        changed)) {
            w->r->done.net += changed[1].net - changed[0].net;
            wk__trades_change(&w->table, w->bot->markets[row->market].symbol, changed);
        }
        w->r->cash_e8 += row->amount_e8;
        if (wk_ledger_held(w->bot->ledger, row->market) != 0) {
            trip->cash_e8 += row->amount_e8;
            trip->funding_e8 += row->amount_e8;
        }
    } else {
        take_fill(w, row);
    }
}

static void take_last(void *ctx, const wk_journal_record *row, uint64_t seq)
{
    (void)row;
    *(uint64_t *)ctx = seq;
}

static wk_status read_journal(wk_bot *b, wk__recovery *r, wk_err *err)
{
    walk w = {.bot = b, .r = r};
    wk_text_add(&w.table, wk_trades_csv_header());
    wk_status status = wk_journal_read(
        b->journal, 1u << WK_JOURNAL_FILL | 1u << WK_JOURNAL_FUNDING | 1u << WK_JOURNAL_EQUITY,
        take_row, &w, err);
    if (status == WK_OK && w.status != WK_OK) {
        *err = w.err;
        status = w.status;
    }
    if (status == WK_OK)
        status = wk__bot_table_write(b, &w.table, r->others, err);
    free(w.table.s);
    return status;
}

/* The day that a crash cut goes on: its summary is of all of it, and comes also when it ended while
 * nobody ran. This process counts from zero, so what was before is below it. */
static void resume_day(wk_bot *b, const wk__recovery *r)
{
    wk_bot_counts *starts[] = {&b->day_start, &b->week_start};
    b->day = r->told_day;
    *starts[0] = r->day_start;
    *starts[1] = r->week_start;
    for (int i = 0; i < 2; i++) {
        starts[i]->fills -= r->done.fills;
        starts[i]->trades -= r->done.trades;
        starts[i]->net -= r->done.net;
    }
}

wk_status wk_bot_recover(wk_bot *b, int64_t since_ns, int64_t cash_e8, wk_err *err)
{
    WK_ASSERT(!b->recovery);
    wk__recovery *r = calloc(1, sizeof *r);
    if (!r || !(r->trips = calloc(b->S, sizeof *r->trips))) {
        free(r);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    b->recovery = r;
    r->found.last_step_ns = INT64_MIN;
    r->day = INT64_MIN;
    r->initial_e8 = cash_e8 != INT64_MIN ? cash_e8 : wk_trader_cash_e8(wk_engine_trader(b->engine));
    b->since_ns = since_ns;
    if (b->journal) {
        wk_err absent;
        if (wk_journal_number(b->journal, "initial_cash_e8", &r->initial_e8, &absent) != WK_OK)
            WK_TRY(wk_journal_set_number(b->journal, "initial_cash_e8", r->initial_e8, err));
        if (b->config->venue == WK_BOT_PAPER) {
            uint64_t last = 0;
            WK_TRY(wk_journal_read(b->journal, 1u << WK_JOURNAL_EQUITY, take_last, &last, err));
            WK_TRY(wk_journal_rewind(b->journal, last, err));
        }
    }
    r->cash_e8 = r->equity_e8 = r->peak_e8 = r->day_equity_e8 = r->initial_e8;
    if (b->journal) {
        int64_t unused;
        r->stepped.equity = r->done.equity = (double)r->initial_e8 / 1e8;
        WK_TRY(read_journal(b, r, err));
        resume_day(b, r);
        WK_TRY(wk_journal_recover(b->journal, &r->found.orders, &r->found.n_orders,
                                  &r->found.positions, &r->found.n_positions, &unused, err));
    }
    r->found.cash_e8 = r->cash_e8;
    if (r->found.last_step_ns > b->since_ns)
        b->since_ns = r->found.last_step_ns;
    wk_log_write(WK_LOG_INFO, "bot.recover", "orders=%zu positions=%zu cash=%.8f",
                 r->found.n_orders, r->found.n_positions, (double)r->cash_e8 / 1e8);
    return WK_OK;
}

const wk_bot_recovered *wk_bot_recovery(const wk_bot *b)
{
    return b->recovery ? &b->recovery->found : NULL;
}

void wk__bot_recovery_finish(wk_bot *b)
{
    if (!b->recovery)
        return;
    free(b->recovery->found.orders);
    free(b->recovery->found.positions);
    free(b->recovery->trips);
    free(b->recovery);
    b->recovery = NULL;
}

static wk_order order_of(const wk_journal_record *j)
{
    return (wk_order){.id = j->order_id,
                      .symbol = j->market,
                      .side = j->side,
                      .kind = j->order_kind,
                      .reason = j->reason,
                      .reduce_only = j->reduce_only,
                      .qty_lots = j->qty_lots,
                      .price_ticks = j->price_ticks,
                      .stop_ticks = j->stop_ticks,
                      .profit_ticks = j->profit_ticks,
                      .expires_ns = j->expires_ns,
                      .leverage = j->leverage};
}

/* The paper venue has forgotten everything. An order that it would have met in a bar that passed
 * while the bot was away is given up, but exits go on. */
static wk_status restore_paper(wk_bot *b, int64_t open_ns, wk_err *err)
{
    wk__recovery *r = b->recovery;
    wk_sim_venue *venue = wk_executor_paper_venue(&b->executor);
    for (size_t i = 0; i < r->found.n_positions; i++) {
        const wk_journal_position *p = &r->found.positions[i];
        const wk__trip *trip = &r->trips[p->market];
        wk_sim_position at = {.symbol = p->market,
                              .lots = p->qty_lots,
                              .entry_ticks = p->entry_ticks,
                              .mark_ticks = p->entry_ticks,
                              .stop_ticks = p->stop_ticks,
                              .profit_ticks = p->profit_ticks,
                              .funding_e8 = trip->funding_e8,
                              .leverage = p->leverage,
                              .opened_ns = trip->entered_ns - b->timeframe_ns,
                              .parent = trip->parent};
        WK_TRY(wk_sim_restore(venue, &at, err));
    }
    wk_sim_restore_cash(venue, r->cash_e8);
    size_t kept = 0;
    for (size_t i = 0; i < r->found.n_orders; i++) {
        const wk_journal_open_order *o = &r->found.orders[i];
        wk_order order = order_of(&o->order);
        bool missed =
            o->order.time_ns < open_ns && (order.kind == WK_ORDER_MARKET || o->cancel_wanted ||
                                           (order.expires_ns > 0 && order.expires_ns <= open_ns));
        if (missed && !order.reduce_only) {
            wk_journal_record row = {.kind = WK_JOURNAL_ORDER_STATE,
                                     .market = order.symbol,
                                     .time_ns = b->now_ns,
                                     .order_id = order.id,
                                     .side = order.side,
                                     .reason = order.reason,
                                     .qty_lots = order.qty_lots - o->filled_lots,
                                     .state = "cancelled",
                                     .text = "its bar passed while the bot was away"};
            wk_journal_put(b->journal, &row);
            continue;
        }
        order.qty_lots -= o->filled_lots;
        int64_t step = open_ns / b->timeframe_ns - 1;
        WK_TRY(wk_sim_place(venue, &order, step, err));
        if (o->cancel_wanted)
            wk_sim_cancel(venue, order.symbol, order.id, step);
        r->found.orders[kept++] = *o;
    }
    r->found.n_orders = kept;
    return WK_OK;
}

void wk__bot_recovered_money(const wk_bot *b, wk_bot_counts *out)
{
    if (!b->recovery)
        return;
    out->cash = (double)b->recovery->cash_e8 / 1e8;
    out->equity = (double)b->recovery->equity_e8 / 1e8;
}

wk_status wk__bot_restore(wk_bot *b, int64_t open_ns, wk_err *err)
{
    wk__recovery *r = b->recovery;
    if (!r)
        return WK_OK;
    wk_trader *trader = wk_engine_trader_mutable(b->engine);
    wk_status status = WK_OK;
    if (b->config->venue == WK_BOT_PAPER)
        status = restore_paper(b, open_ns, err);
    for (size_t i = 0; i < r->found.n_positions; i++) {
        const wk_journal_position *p = &r->found.positions[i];
        wk_trader_restore(trader, p->market, p->qty_lots, p->entry_ticks, p->stop_ticks,
                          p->profit_ticks);
    }
    for (size_t s = 0; s < b->S; s++)
        wk_trader_restore_trip(trader, s, r->trips[s].entered_ns, r->trips[s].stopped_ns,
                               r->trips[s].cash_e8);
    for (size_t i = 0; i < r->found.n_orders; i++) {
        const wk_journal_open_order *o = &r->found.orders[i];
        wk_order order = order_of(&o->order);
        if (!order.reduce_only)
            wk__bot_remember_score(b, &order, o->order.score);
        if (o->cancel_wanted && order.kind == WK_ORDER_LIMIT)
            continue; /* the trader has let go of it */
        wk_trader_restore_order(trader, &order, order.qty_lots - o->filled_lots);
    }
    wk_trader_restore_initial(trader, r->initial_e8);
    if (r->found.last_step_ns != INT64_MIN || r->any) {
        int64_t last = r->found.last_step_ns != INT64_MIN ? r->found.last_step_ns : open_ns;
        wk_trader_restore_cash(trader, last, r->cash_e8, r->peak_e8, r->day_equity_e8);
        wk_trader_restore_streak(trader, r->losses, r->pause_until_ns);
        wk_trader_restore_halts(trader, r->halted, r->day_halted);
    } else {
        wk_trader_restore_cash(trader, open_ns, r->cash_e8, r->cash_e8, r->cash_e8);
    }
    wk__bot_recovery_finish(b);
    return status;
}
