/* A bot's loop body: what happens when a step closes, and between steps. */
#include "bot_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executor_live.h"
#include "reload.h"
#include "wick/clock.h"
#include "wick/log.h"

/* Rows are put without waking the journal's thread: that is a system call, and the orders of a bar
 * come first. wk_bot_tend, which follows every step, wakes it. */
static uint64_t put(wk_bot *b, const wk_journal_record *record)
{
    if (!b->journal)
        return 0;
    b->has_news = true;
    return wk_journal_put_quiet(b->journal, record);
}

static void wake_journal(wk_bot *b)
{
    if (b->has_news)
        wk_journal_wake(b->journal);
    b->has_news = false;
}

static void journal_event(wk_bot *b, const wk_trader_event *e);

/* The venue will not see this order: the trader takes it back. */
static wk_status take_back(wk_bot *b, const wk_order *o, const char *why, wk_err *err)
{
    b->counts.held_back++;
    wk_log_write(WK_LOG_WARN, "trade.held_back", "market=%s order=%llu why=\"%s\"",
                 wk_bot_market(b, o->symbol)->symbol, (unsigned long long)o->id, why);
    wk__bot_alert(b, WK_ALERT_ERROR, b->now_ns, "%s: an entry was held back: %s",
                  wk_bot_market(b, o->symbol)->symbol, why);
    wk_trader_event event = {.kind = WK_TRADER_EVENT_REJECT,
                             .time_ns = b->now_ns,
                             .symbol = o->symbol,
                             .order_id = o->id,
                             .side = o->side,
                             .qty_lots = o->qty_lots,
                             .reason = o->reason};
    /* An executor with rows of its own has never heard of it, and a start would look for it. */
    if (b->executor.row)
        journal_event(b, &event);
    return wk__bot_event(b, &event, err);
}

static wk_journal_record describe(const wk_bot *b, const wk_action *a)
{
    const wk_order *o = &a->order;
    const wk_forecast *f = &b->outcome.forecasts[o->symbol];
    wk_journal_record r = {.kind = WK_JOURNAL_ORDER,
                           .market = o->symbol,
                           .time_ns = b->now_ns,
                           .order_id = o->id,
                           .inputs_digest = b->outcome.inputs_digest,
                           .model_version = b->outcome.versions[o->symbol],
                           .side = o->side,
                           .order_kind = o->kind,
                           .reason = o->reason,
                           .reduce_only = o->reduce_only,
                           .qty_lots = o->qty_lots,
                           .price_ticks = o->price_ticks,
                           .stop_ticks = o->stop_ticks,
                           .profit_ticks = o->profit_ticks,
                           .expires_ns = o->expires_ns,
                           .leverage = o->leverage,
                           .score = (double)f->score,
                           .threshold = wk_trader_threshold(wk_engine_trader(b->engine)),
                           .sigma = b->outcome.sigma[o->symbol],
                           .magnitude = (double)f->magnitude,
                           .volatility = (double)f->volatility};
    for (int k = 0; k < 3; k++)
        r.p[k] = (double)f->p[k];
    snprintf(r.state, sizeof r.state, "%s", a->kind == WK_ACTION_CANCEL ? "cancel" : "planned");
    snprintf(r.text, sizeof r.text, "%s", wk_reason_name((wk_reason)o->reason));
    return r;
}

/* Whose entry it is, for reports: of the models the one that decided it, or a person. */
static const char *strategy_of(const wk_bot *b, uint32_t s)
{
    size_t k = b->outcome.deciders[s];
    if (wk_trader_verdict(wk_engine_trader(b->engine), s) == WK_TRADE_FORCED)
        return wk_reason_name(WK_REASON_MANUAL);
    return k != SIZE_MAX ? b->strategies[k] : "";
}

/* Exits and cancels wait for nothing; when the executor has no room they go again at the next
 * chance. */
static void submit_now(wk_bot *b, const wk_action *a)
{
    if (b->executor.submit(b->executor.self, a, b->now_ns))
        return;
    WK_ASSERT(b->n_again < b->room);
    b->again[b->n_again++] = *a;
}

void wk__bot_remember_score(wk_bot *b, const wk_order *entry, double score)
{
    wk__scores *scores = &b->scores[entry->symbol];
    scores->v[scores->next].order_id = entry->id;
    scores->v[scores->next++].score = score;
    scores->next %= WK__BOT_SCORES;
}

static bool is_an_entry(const wk_action *a)
{
    return a->kind == WK_ACTION_PLACE && !a->order.reduce_only;
}

/* Exits and cancels go before anything else is done, even before their rows. */
static void submit_exits(wk_bot *b, const wk_actions *actions)
{
    for (size_t i = 0; i < actions->n; i++)
        if (!is_an_entry(&actions->v[i]))
            submit_now(b, &actions->v[i]);
}

/* Rows for all of them; entries wait for theirs. */
static wk_status dispatch(wk_bot *b, const wk_actions *actions, wk_err *err)
{
    /* An event handled below may reuse the engine's list. */
    size_t n = actions->n;
    wk_action list[WK__BOT_ACTIONS_MAX];
    WK_ASSERT(n <= WK__BOT_ACTIONS_MAX);
    memcpy(list, actions->v, n * sizeof *list);
    for (size_t i = 0; i < n; i++) {
        const wk_action *a = &list[i];
        bool is_entry = is_an_entry(a);
        if (is_entry) {
            wk__bot_remember_score(b, &a->order,
                                   (double)b->outcome.forecasts[a->order.symbol].score);
        }
        uint64_t seq = 0;
        if (b->journal) {
            wk_journal_record r = describe(b, a);
            if (is_entry) {
                wk_journal_record signal = r;
                signal.kind = WK_JOURNAL_SIGNAL;
                snprintf(signal.text, sizeof signal.text, "%s", strategy_of(b, a->order.symbol));
                put(b, &signal);
            }
            seq = put(b, &r);
        }
        *(a->kind == WK_ACTION_CANCEL ? &b->counts.cancels : &b->counts.orders) += 1;
        wk_log_write(WK_LOG_INFO, a->kind == WK_ACTION_CANCEL ? "trade.cancel" : "trade.order",
                     "market=%s side=%s lots=%lld price_ticks=%lld reason=%s order=%llu",
                     wk_bot_market(b, a->order.symbol)->symbol, a->order.side > 0 ? "buy" : "sell",
                     (long long)a->order.qty_lots, (long long)a->order.price_ticks,
                     wk_reason_name((wk_reason)a->order.reason), (unsigned long long)a->order.id);
        if (!is_entry)
            continue;
        if (!b->journal) {
            if (!b->executor.submit(b->executor.self, a, b->now_ns))
                WK_TRY(take_back(b, &a->order, "the executor's queue is full", err));
        } else if (seq == 0 || b->n_waiting == b->room) {
            WK_TRY(take_back(b, &a->order, "the journal takes no more records", err));
        } else {
            b->waiting[b->n_waiting++] = (wk__waiting){*a, seq, b->now_ns};
        }
    }
    return WK_OK;
}

static wk_status book(wk_bot *b, const wk_trader_event *e, wk_err *err)
{
    int64_t cash;
    bool closed;
    wk_trade trade;
    double score = 0;
    for (size_t i = 0; i < WK__BOT_SCORES; i++)
        if (b->scores[e->symbol].v[i].order_id == e->order_id)
            score = b->scores[e->symbol].v[i].score;
    WK_TRY(wk_ledger_fill(b->ledger, e, b->counts.steps, score, &cash, &closed, &trade, err));
    b->counts.fills++;
    wk_log_write(WK_LOG_INFO, "trade.fill",
                 "market=%s side=%s lots=%lld price_ticks=%lld reason=%s order=%llu",
                 wk_bot_market(b, e->symbol)->symbol, e->side > 0 ? "buy" : "sell",
                 (long long)e->qty_lots, (long long)e->price_ticks,
                 wk_reason_name((wk_reason)e->reason), (unsigned long long)e->order_id);
    wk__bot_alert_fill(b, e, closed ? &trade : NULL);
    if (!closed)
        return WK_OK;
    b->counts.trades++;
    b->counts.net += trade.net;
    wk__bot_table_add(b, &trade);
    return WK_OK;
}

/* Of a venue it is often minutes late: the trade that it belongs to may have closed meanwhile. */
static void book_funding(wk_bot *b, const wk_trader_event *e)
{
    wk_trade changed[2];
    if (!b->executor.row) {
        wk_ledger_funding(b->ledger, e->symbol, e->amount_e8);
        return;
    }
    if (!wk_ledger_late_funding(b->ledger, e->symbol, e->time_ns, e->amount_e8, changed))
        return;
    b->counts.net += changed[1].net - changed[0].net;
    wk__bot_table_change(b, changed);
}

static void journal_event(wk_bot *b, const wk_trader_event *e)
{
    static const char *const states[] = {[WK_TRADER_EVENT_ACK] = "working",
                                         [WK_TRADER_EVENT_REJECT] = "refused",
                                         [WK_TRADER_EVENT_CANCELED] = "cancelled"};
    wk_journal_record r = {.market = e->symbol,
                           .time_ns = e->time_ns,
                           .order_id = e->order_id,
                           .side = e->side,
                           .reason = e->reason,
                           .maker = e->maker,
                           .qty_lots = e->qty_lots,
                           .price_ticks = e->price_ticks,
                           .fee_e8 = e->fee_e8 + e->slippage_e8,
                           .slippage_e8 = e->slippage_e8,
                           .amount_e8 = e->amount_e8};
    snprintf(r.text, sizeof r.text, "%s", wk_reason_name((wk_reason)e->reason));
    if (e->kind == WK_TRADER_EVENT_FILL) {
        r.kind = WK_JOURNAL_FILL;
    } else if (e->kind == WK_TRADER_EVENT_FUNDING) {
        r.kind = WK_JOURNAL_FUNDING;
    } else {
        r.kind = WK_JOURNAL_ORDER_STATE;
        bool expired = e->kind == WK_TRADER_EVENT_CANCELED && e->reason == WK_REASON_EXPIRED;
        snprintf(r.state, sizeof r.state, "%s", expired ? "expired" : states[e->kind]);
    }
    put(b, &r);
}

wk_status wk__bot_event(wk_bot *b, const wk_trader_event *e, wk_err *err)
{
    if (!b->executor.row)
        journal_event(b, e);
    if (e->kind == WK_TRADER_EVENT_FILL)
        WK_TRY(book(b, e, err));
    else if (e->kind == WK_TRADER_EVENT_FUNDING)
        book_funding(b, e);
    wk_engine_outcome out;
    wk_engine_event(b->engine, e, &out);
    submit_exits(b, out.actions);
    WK_TRY(dispatch(b, out.actions, err));
    if (e->kind == WK_TRADER_EVENT_FILL)
        wk__bot_halts(b, false);
    return WK_OK;
}

wk_status wk__bot_override(wk_bot *b, const wk_trader_event *e, wk_err *err)
{
    wk_engine_outcome out;
    wk_engine_event(b->engine, e, &out);
    submit_exits(b, out.actions);
    return dispatch(b, out.actions, err);
}

/* Some of them are for people too. */
static void tell_row(wk_bot *b, const wk_journal_record *row)
{
    if (row->kind == WK_JOURNAL_ALERT && strcmp(row->state, WK__LIVE_NO_STOP) == 0 &&
        row->market < b->S)
        wk__bot_alert(b, WK_ALERT_ERROR, row->time_ns, "%s: %s",
                      wk_bot_market(b, row->market)->symbol, row->text);
}

/* The executor's rows, in order with its events. False: the journal takes no more now. */
static bool put_rows(wk_bot *b)
{
    while (b->executor.row) {
        if (!b->has_row && !(b->has_row = b->executor.row(b->executor.self, &b->row)))
            return true;
        if (b->journal && put(b, &b->row) == 0)
            return false;
        b->has_row = false;
        tell_row(b, &b->row);
    }
    return true;
}

wk_status wk_bot_give_up_entries(wk_bot *b, wk_err *err)
{
    wk_trader_event block = {.kind = WK_TRADER_EVENT_OVERRIDE,
                             .time_ns = b->now_ns,
                             .symbol = WK_ALL_MARKETS,
                             .override = WK_OVERRIDE_BLOCK,
                             .until_ns = WK_FOREVER};
    if (!b->began)
        return WK_OK;
    for (size_t i = 0; i < b->n_waiting; i++)
        b->waiting[i].since_ns = INT64_MIN / 2; /* not sent yet, and never will be */
    return wk__bot_override(b, &block, err);
}

/* The venue will work with us no more: entries are over until a person has mended it. */
static wk_status look_for_halt(wk_bot *b, wk_err *err)
{
    char why[256];
    if (b->halt_told || !b->executor.stopped || !b->executor.stopped(b->executor.self, why))
        return WK_OK;
    b->halt_told = true;
    wk__bot_alert(b, WK_ALERT_HALT, b->now_ns, "halted: the venue refuses to work with us: %s",
                  why);
    return wk_bot_give_up_entries(b, err);
}

static wk_status drain(wk_bot *b, wk_err *err)
{
    wk_trader_event e;
    if (b->began) {
        for (size_t i = 0; i < b->n_early; i++)
            WK_TRY(wk__bot_event(b, &b->early[i], err));
        b->n_early = 0;
    }
    /* Before its first step the trader has no history; its events wait, their rows do not. */
    while (put_rows(b) && (b->began || b->n_early < WK__BOT_EARLY) &&
           b->executor.poll(b->executor.self, &e)) {
        if (b->began)
            WK_TRY(wk__bot_event(b, &e, err));
        else
            b->early[b->n_early++] = e;
    }
    return b->began ? look_for_halt(b, err) : WK_OK;
}

/* What became of each market at this close, and why. Orders have their rows by now. */
static void put_decisions(wk_bot *b)
{
    const wk_trader *trader = wk_engine_trader(b->engine);
    if (!b->journal || b->config->decisions == WK_BOT_DECISIONS_NONE)
        return;
    for (size_t s = 0; s < b->S; s++) {
        wk_trade_verdict verdict = wk_trader_verdict(trader, s);
        if ((b->config->decisions == WK_BOT_DECISIONS_CHANGES && b->verdicts[s] == verdict) ||
            !wk_journal_has_room(b->journal))
            continue;
        const wk_forecast *f = &b->outcome.forecasts[s];
        wk_journal_record r = {.kind = WK_JOURNAL_DECISION,
                               .market = (uint32_t)s,
                               .time_ns = b->now_ns,
                               .inputs_digest = b->outcome.inputs_digest,
                               .model_version = b->outcome.versions[s],
                               .side = f->score > 0   ? WK_SIDE_BUY
                                       : f->score < 0 ? WK_SIDE_SELL
                                                      : 0,
                               .score = (double)f->score,
                               .threshold = wk_trader_threshold(trader),
                               .sigma = b->outcome.sigma[s],
                               .p = {(double)f->p[0], (double)f->p[1], (double)f->p[2]},
                               .magnitude = (double)f->magnitude,
                               .volatility = (double)f->volatility};
        snprintf(r.state, sizeof r.state, "%s", wk_trade_verdict_name(verdict));
        if (put(b, &r) != 0)
            b->verdicts[s] = (uint8_t)verdict;
    }
}

wk_status wk_bot_step(wk_bot *b, const wk_features_step *step, bool warming, wk_err *err)
{
    b->now_ns = step->time_ns + b->timeframe_ns;
    warming = warming || b->now_ns <= b->since_ns;
    if (!warming) {
        if (!b->began) {
            WK_TRY(wk__bot_restore(b, step->time_ns, err));
            WK_TRY(wk__bot_check_sizes(b, step, err));
            wk__bot_halts_restored(b);
            b->began = true;
        }
        wk__bot_day(b);
        b->executor.step(b->executor.self, step, b->sigma_before);
        WK_TRY(drain(b, err));
        WK_TRY(wk__bot_wishes(b, err));
    }
    wk__reload_boundary(b, step, warming);
    wk_engine_decide(b->engine, step, warming, &b->outcome);
    if (!warming) {
        submit_exits(b, b->outcome.actions);
        b->counts.decided_ns = wk_clock_monotonic_ns();
    }
    wk_engine_finish(b->engine, &b->outcome);
    memcpy(b->sigma_before, b->outcome.sigma, b->S * sizeof *b->sigma_before);
    if (warming)
        return WK_OK;
    b->counts.steps++;
    b->counts.inputs_digest = wk_digest_bytes(b->counts.inputs_digest, &b->outcome.inputs_digest,
                                              sizeof b->outcome.inputs_digest);
    WK_TRY(dispatch(b, b->outcome.actions, err));
    const wk_trader *trader = wk_engine_trader(b->engine);
    if (wk_trader_failed(trader))
        wk__bot_alert(b, WK_ALERT_HALT, b->now_ns, "halted: the trader's money overflowed");
    if (wk_trader_failed(trader))
        return wk_fail(err, WK_E_RANGE, "the trader's money overflowed; use a larger lot");
    wk__bot_halts(b, true);
    put_decisions(b);
    wk_journal_record equity = {.kind = WK_JOURNAL_EQUITY,
                                .time_ns = b->now_ns,
                                .equity_e8 = wk_trader_equity_e8(trader),
                                .cash_e8 = wk_trader_cash_e8(trader),
                                .inputs_digest = b->outcome.inputs_digest};
    put(b, &equity);
    return WK_OK;
}

/* Other programs, and our own threads, take the caches back within a fraction of a millisecond;
 * sleeps that are shorter than REST_NS end when the kernel's timers feel like it. */
enum { REST_NS = 50000, NEVER_NS = 20000000 };

int64_t wk_bot_warm(wk_bot *b)
{
    double share = b->config->warm_share;
    if (!(share > 0))
        return NEVER_NS;
    int64_t start_ns = wk_clock_monotonic_ns();
    if (b->began)
        wk__bot_day(b); /* of the same bar: nothing is told */
    wk_engine_warm(b->engine);
    if (share >= 1)
        return 0;
    double rest_ns = (double)(wk_clock_monotonic_ns() - start_ns) * (1 / share - 1);
    return rest_ns > REST_NS ? (int64_t)rest_ns : REST_NS;
}

enum { SETTLE_MAX = 16 };

/* Entries whose rows are durable, and what found no room before. */
static wk_status send_durable(wk_bot *b, bool wait, wk_err *err)
{
    wk__reload_tell(b);
    wake_journal(b);
    if (wait && b->journal && (b->n_waiting || !wk_journal_has_room(b->journal)))
        WK_TRY(wk_journal_sync(b->journal, err));
    uint64_t durable = b->journal ? wk_journal_durable(b->journal) : UINT64_MAX;
    size_t n = b->n_waiting, kept = 0;
    for (size_t i = 0; i < n; i++) {
        wk__waiting w = b->waiting[i];
        if (b->now_ns - w.since_ns >= b->timeframe_ns) {
            /* Its bar is over: the price it was meant for is gone. */
            WK_TRY(take_back(b, &w.action.order, "the journal was not durable within a bar", err));
            continue;
        }
        if (w.seq > durable) {
            b->waiting[kept++] = w;
            continue;
        }
        if (!b->executor.submit(b->executor.self, &w.action, b->now_ns))
            WK_TRY(take_back(b, &w.action.order, "the executor's queue is full", err));
    }
    for (size_t i = n; i < b->n_waiting; i++) /* put there meanwhile */
        b->waiting[kept++] = b->waiting[i];
    b->n_waiting = kept;
    n = b->n_again;
    b->n_again = 0;
    for (size_t i = 0; i < n; i++)
        submit_now(b, &b->again[i]);
    return WK_OK;
}

wk_status wk_bot_tend(wk_bot *b, bool wait, wk_err *err)
{
    WK_ASSERT(b->executor.submit);
    wake_journal(b);
    if (b->began && !wait)
        WK_TRY(wk__bot_wishes(b, err));
    WK_TRY(send_durable(b, wait, err));
    /* In virtual time what the venue answers may lead to more: until nothing is left. */
    for (int k = 0; b->executor.settle && b->began && k < SETTLE_MAX; k++) {
        uint64_t before = b->counts.orders + b->counts.cancels;
        b->executor.settle(b->executor.self);
        WK_TRY(drain(b, err));
        if (before == b->counts.orders + b->counts.cancels && b->n_waiting == 0)
            return WK_OK;
        WK_TRY(send_durable(b, wait, err));
    }
    wk_status status = drain(b, err);
    wake_journal(b);
    return status;
}

void wk_bot_count(const wk_bot *b, wk_bot_counts *out)
{
    const wk_trader *trader = wk_engine_trader(b->engine);
    *out = b->counts;
    out->intents_digest = wk_engine_intents_digest(b->engine);
    out->cash = (double)wk_trader_cash_e8(trader) / 1e8;
    out->equity = (double)wk_trader_equity_e8(trader) / 1e8;
    wk__bot_recovered_money(b, out);
}
