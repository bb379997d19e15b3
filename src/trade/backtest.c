/* The backtest: one loop that shows each bar to the simulated venue, what happened to the trader,
 * and what the trader wants to the venue again. */
#include "wick/backtest.h"

#include <stdlib.h>
#include <string.h>

#include "wick/money.h"

typedef struct {
    const wk_panel *panel;
    const wk_forecast *forecasts;
    const double *sigma;
    const wk_trade_instrument *instruments;
    size_t S, from, trades_capacity;
    int64_t first_bar; /* number of the bar of step `from` in order ids */
    wk_sim_venue *venue;
    wk_trader *trader;
    wk_events events;
    wk_actions actions;
    wk_ledger *ledger;
    int64_t *flow_e8;  /* [S] cash that this step moved */
    int64_t *value_e8; /* [S] of the position at the last close */
    int64_t fees_e8, slippage_e8, funding_e8;
    double turnover;
    wk_backtest *out;
} run;

void wk_backtest_finish(wk_backtest *b)
{
    if (b == NULL)
        return;
    free(b->time_ns);
    free(b->equity);
    free(b->equity_low);
    free(b->exposure);
    free(b->symbol_pnl);
    free(b->trades);
    memset(b, 0, sizeof *b);
}

static double quote(int64_t e8)
{
    return (double)e8 / 1e8;
}

static wk_status keep_trade(run *r, const wk_trade *trade, wk_err *err)
{
    wk_backtest *out = r->out;
    if (out->n_trades == r->trades_capacity) {
        size_t capacity = r->trades_capacity ? 2 * r->trades_capacity : 1024;
        wk_trade *grown = realloc(out->trades, capacity * sizeof *grown);
        if (grown == NULL)
            return wk_fail(err, WK_E_NOMEM, "backtest: no memory for %zu trades", capacity);
        out->trades = grown;
        r->trades_capacity = capacity;
    }
    out->trades[out->n_trades++] = *trade;
    return WK_OK;
}

static wk_status book_fill(run *r, const wk_trader_event *e, size_t step, wk_err *err)
{
    size_t s = e->symbol;
    int64_t signal = wk_order_id_bar(e->order_id) - r->first_bar, cash;
    double score = 0.0;
    if (wk_ledger_held(r->ledger, e->symbol) == 0 && signal >= 0)
        score = r->forecasts[(r->from + (size_t)signal) * r->S + s].score;
    bool closed;
    wk_trade trade;
    WK_TRY(wk_ledger_fill(r->ledger, e, step, score, &cash, &closed, &trade, err));
    r->flow_e8[s] += cash - e->fee_e8 - e->slippage_e8;
    r->fees_e8 += e->fee_e8;
    r->slippage_e8 += e->slippage_e8;
    r->turnover += quote(cash < 0 ? -cash : cash);
    r->out->orders_filled++;
    r->out->liquidations += e->reason == WK_REASON_LIQUIDATION;
    return closed ? keep_trade(r, &trade, err) : WK_OK;
}

/* Tells the ledger and the trader what the venue did. */
static wk_status deliver(run *r, size_t step, wk_err *err)
{
    for (size_t i = 0; i < r->events.n; i++) {
        const wk_trader_event *e = &r->events.v[i];
        if (e->kind == WK_TRADER_EVENT_FILL) {
            WK_TRY(book_fill(r, e, step, err));
        } else if (e->kind == WK_TRADER_EVENT_FUNDING) {
            wk_ledger_funding(r->ledger, e->symbol, e->amount_e8);
            r->flow_e8[e->symbol] += e->amount_e8;
            r->funding_e8 += e->amount_e8;
        } else if (e->kind == WK_TRADER_EVENT_CANCELED) {
            if (e->reason == WK_REASON_EXPIRED)
                r->out->orders_expired++;
            else
                r->out->orders_cancelled++;
        }
        wk_trader_step(r->trader, e, &r->actions);
    }
    r->events.n = 0;
    return WK_OK;
}

static wk_status execute(run *r, size_t step, wk_err *err)
{
    for (size_t i = 0; i < r->actions.n; i++) {
        const wk_action *a = &r->actions.v[i];
        if (a->kind == WK_ACTION_CANCEL) {
            wk_sim_cancel(r->venue, a->order.symbol, a->order.id, (int64_t)step);
        } else {
            WK_TRY(wk_sim_place(r->venue, &a->order, (int64_t)step, err));
            r->out->orders_placed++;
        }
    }
    r->actions.n = 0;
    return WK_OK;
}

/* Equity, its low, exposure and each market's profit at the close of `step`. */
static wk_status record(run *r, size_t step, wk_err *err)
{
    const int64_t *pos = wk_sim_positions(r->venue), *mark = wk_sim_marks(r->venue);
    const wk_unit *unit = wk_sim_units(r->venue);
    size_t row = step - r->from;
    double *pnl = r->out->symbol_pnl + row * r->S;
    int64_t equity = wk_sim_cash_e8(r->venue), below = 0, gross = 0;
    for (size_t s = 0; s < r->S; s++) {
        if (pos[s] == 0 && r->value_e8[s] == 0 && r->flow_e8[s] == 0)
            continue;
        int64_t value = 0, worst = 0;
        if (pos[s] != 0) {
            const wk_bar *b = &r->panel->bars[step * r->S + s];
            double extreme = pos[s] > 0 ? b->low : b->high;
            double per_tick = wk_money_per_tick(r->instruments[s].tick);
            int64_t ticks = extreme > 0.0 ? wk_money_ticks(extreme, per_tick) : mark[s];
            if (!wk_money_value(&unit[s], pos[s], mark[s], false, &value) ||
                !wk_money_value(&unit[s], pos[s], ticks, false, &worst) ||
                __builtin_add_overflow(equity, value, &equity))
                return wk_fail(err, WK_E_RANGE,
                               "backtest: money overflow in market %zu at step %zu", s, step);
            below += value > worst ? value - worst : 0;
            gross += value < 0 ? -value : value;
        }
        pnl[s] += quote(r->flow_e8[s] + value - r->value_e8[s]);
        r->value_e8[s] = value;
        r->flow_e8[s] = 0;
    }
    r->out->equity[row] = quote(equity);
    r->out->equity_low[row] = quote(equity - below);
    r->out->exposure[row] = equity > 0 ? (double)gross / (double)equity : 0.0;
    return WK_OK;
}

static wk_status play(run *r, size_t to, wk_err *err)
{
    const wk_panel *p = r->panel;
    size_t S = r->S;
    for (size_t t = r->from; t < to; t++) {
        int64_t close_ns = p->start_ns + ((int64_t)t + 1) * p->timeframe_ns;
        r->out->time_ns[t - r->from] = close_ns;
        /* Slippage goes by the volatility known before the bar. */
        const double *sigma = r->sigma + (t > 0 ? t - 1 : 0) * S;
        WK_TRY(wk_sim_bar(r->venue, (int64_t)t, close_ns, p->bars + t * S, p->provenance + t * S,
                          p->funding != NULL ? p->funding + t * S : NULL, sigma, &r->events, err));
        WK_TRY(deliver(r, t, err));
        wk_trader_event bars = {.kind = WK_TRADER_EVENT_BARS,
                                .time_ns = close_ns,
                                .bars = p->bars + t * S,
                                .provenance = p->provenance + t * S,
                                .forecasts = r->forecasts + t * S,
                                .sigma = r->sigma + t * S};
        wk_trader_step(r->trader, &bars, &r->actions);
        if (wk_trader_failed(r->trader))
            return wk_fail(err, WK_E_RANGE,
                           "backtest: the trader's money overflowed at step %zu; use a larger lot",
                           t);
        WK_TRY(execute(r, t, err));
        WK_TRY(record(r, t, err));
    }
    /* The last positions are sold at the last close, with costs, so that every trade is closed. */
    int64_t close_ns = p->start_ns + (int64_t)to * p->timeframe_ns;
    WK_TRY(wk_sim_flatten(r->venue, close_ns, r->sigma + (to - 1) * S, &r->events, err));
    WK_TRY(deliver(r, to - 1, err));
    double low = r->out->equity_low[to - 1 - r->from];
    WK_TRY(record(r, to - 1, err));
    if (low < r->out->equity_low[to - 1 - r->from])
        r->out->equity_low[to - 1 - r->from] = low;
    WK_ASSERT(wk_sim_cash_e8(r->venue) == wk_trader_cash_e8(r->trader));
    return WK_OK;
}

static wk_status plan(run *r, wk_arena *arena, size_t to, const wk_trade_config *trade,
                      const wk_sim_config *sim, const wk_trade_instrument *instruments, wk_err *err)
{
    const wk_panel *p = r->panel;
    size_t S = r->S, T = to - r->from;
    if (instruments == NULL) {
        wk_trade_instrument *inferred = wk_arena_array(arena, wk_trade_instrument, S);
        WK_TRY(wk_instruments_infer(p, inferred, err));
        instruments = inferred;
    }
    r->instruments = instruments;
    WK_TRY(wk_sim_venue_plan(arena, sim, instruments, S, p->timeframe_ns, &r->venue, err));
    WK_TRY(wk_trader_plan(arena, trade, instruments, S, p->timeframe_ns, wk_sim_cash_e8(r->venue),
                          &r->trader, err));
    r->events.capacity = wk_sim_events_max(r->venue);
    r->events.v = wk_arena_array(arena, wk_trader_event, r->events.capacity);
    r->actions.capacity = 4 * S;
    r->actions.v = wk_arena_array(arena, wk_action, r->actions.capacity);
    WK_TRY(wk_ledger_plan(arena, instruments, S, &r->ledger, err));
    r->flow_e8 = wk_arena_array(arena, int64_t, S);
    r->value_e8 = wk_arena_array(arena, int64_t, S);
    wk_arena_freeze(arena);
    r->first_bar = (p->start_ns + ((int64_t)r->from + 1) * p->timeframe_ns) / p->timeframe_ns;
    wk_backtest *out = r->out;
    out->T = T;
    out->first_step = r->from;
    out->initial_cash = quote(wk_sim_cash_e8(r->venue));
    out->time_ns = calloc(T, sizeof *out->time_ns);
    out->equity = calloc(T, sizeof *out->equity);
    out->equity_low = calloc(T, sizeof *out->equity_low);
    out->exposure = calloc(T, sizeof *out->exposure);
    out->symbol_pnl = calloc(T * S, sizeof *out->symbol_pnl);
    if (!out->time_ns || !out->equity || !out->equity_low || !out->exposure || !out->symbol_pnl)
        return wk_fail(err, WK_E_NOMEM, "backtest: no memory for %zu steps of %zu markets", T, S);
    return WK_OK;
}

wk_status wk_backtest_run(const wk_panel *panel, const wk_forecast *forecasts, const double *sigma,
                          size_t from, size_t to, const wk_trade_config *trade,
                          const wk_sim_config *sim, const wk_trade_instrument *instruments,
                          wk_backtest *out, wk_err *err)
{
    if (from >= to || to > panel->T || panel->S == 0)
        return wk_fail(
            err, WK_E_ARG,
            "backtest: steps %zu to %zu of a panel with %zu steps of %zu markets; nothing to run",
            from, to, panel->T, panel->S);
    wk_backtest result = {0};
    run r = {.panel = panel,
             .forecasts = forecasts,
             .sigma = sigma,
             .S = panel->S,
             .from = from,
             .out = &result};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = plan(&r, &arena, to, trade, sim, instruments, err);
    if (status == WK_OK)
        status = play(&r, to, err);
    if (status == WK_OK) {
        result.missed_cost = quote(wk_trader_missed_e8(r.trader));
        result.fees = quote(r.fees_e8);
        result.slippage = quote(r.slippage_e8);
        result.funding = quote(r.funding_e8);
        result.turnover = r.turnover;
        result.intents_digest = wk_trader_intents_digest(r.trader);
        *out = result;
    } else {
        wk_backtest_finish(&result);
    }
    wk_arena_finish(&arena);
    return status;
}
