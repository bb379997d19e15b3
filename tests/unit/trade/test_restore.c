/* A bot that is restored in the middle goes on exactly as one that was not interrupted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wick/ledger.h"
#include "wick/rng.h"
#include "wick/sim.h"

#define HOUR INT64_C(3600000000000)
#define START (INT64_C(19000) * 24 * HOUR)
enum { S = 3, STEPS = 500 };

static wk_bar bars[STEPS * S];
static uint8_t provenance[STEPS * S];
static wk_forecast forecasts[STEPS * S];
static double sigma[STEPS * S], funding[STEPS * S];
static wk_trade_instrument instruments[S];

static void make_market(uint64_t seed)
{
    uint64_t counter = 0;
    for (size_t s = 0; s < S; s++) {
        instruments[s] = (wk_trade_instrument){.tick = 0.01, .lot = 1e-4, .min_lots = 1};
        int64_t last = 20000;
        for (size_t t = 0; t < STEPS; t++) {
            size_t i = t * S + s;
            int64_t o = last, c = o + (int64_t)wk_rng_below(seed, 1, counter++, 601) - 300;
            c = c < 5000 ? 5000 : c;
            int64_t h = (o > c ? o : c) + 50, l = (o < c ? o : c) - 50;
            last = c;
            bars[i] = (wk_bar){START + (int64_t)t * HOUR, (double)o / 100, (double)h / 100,
                               (double)l / 100,           (double)c / 100, 10};
            float score = (float)((int64_t)wk_rng_below(seed, 2, counter++, 2001) - 1000) / 1000.0f;
            /* A signal lasts a few bars, so that confirmation and change have something to say. */
            if (t > 0 && t % 4 != 0)
                score = forecasts[i - S].score;
            forecasts[i] = (wk_forecast){.score = score, .volatility = 0.01f, .valid = 1};
            forecasts[i].p[2] = 0.5f + score / 2;
            forecasts[i].p[0] = 1.0f - forecasts[i].p[2];
            sigma[i] = 0.01;
            funding[i] = t % 8 == 0 ? 0.0001 : 0;
        }
    }
}

static wk_trade_config trade_config(void)
{
    return (wk_trade_config){.policy = WK_POLICY_THRESHOLD,
                             .threshold = 0.4,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 2,
                             .cooldown_bars = 5,
                             .hold_bars = 9,
                             .stop_kind = 1,
                             .stop_loss = 0.03,
                             .take_profit = 0.05,
                             .slots = 3,
                             .leverage = 3,
                             .compound = true,
                             .daily_loss_stop = 0.04,
                             .act_on_change = true,
                             .confidence_full = 1,
                             .confidence_low = 0.5,
                             .confidence_share = 0.3,
                             .liquidation_factor = 2,
                             .maintenance_margin = 0.005,
                             .max_gross_exposure = 2,
                             .loss_streak = 4,
                             .loss_pause_bars = 6};
}

/* A trader at its venue, and what a journal would hold of it. */
typedef struct {
    wk_arena arena;
    wk_trader *trader;
    wk_sim_venue *venue;
    wk_ledger *ledger;
    wk_action action_storage[4 * S];
    wk_trader_event event_storage[128];
    wk_actions actions;
    wk_events events;
    wk_trade trade; /* the last that closed */
    size_t n_trades;
    wk_order order[S]; /* last entry */
    int64_t entered_ns[S], stopped_ns[S], trip[S], fees[S], slippage[S], funding[S];
    int64_t peak, day_equity, losses, pause_until_ns;
} bot;

static void begin(bot *b)
{
    wk_err err = {0};
    memset(b, 0, sizeof *b);
    wk_arena_init(&b->arena);
    wk_trade_config c = trade_config();
    wk_sim_config sim = {.fees = WK_FEES_FUTURES,
                         .slippage_bps = 1,
                         .funding = true,
                         .leverage = 2,
                         .maintenance_margin = 0.005,
                         .initial_cash = 10000,
                         .cost_multiplier = 1};
    assert_int_equal(
        wk_trader_plan(&b->arena, &c, instruments, S, HOUR, 10000 * WK_E8, &b->trader, &err),
        WK_OK);
    assert_int_equal(wk_sim_venue_plan(&b->arena, &sim, instruments, S, HOUR, &b->venue, &err),
                     WK_OK);
    assert_int_equal(wk_ledger_plan(&b->arena, instruments, S, &b->ledger, &err), WK_OK);
    wk_arena_freeze(&b->arena);
    assert_true(wk_sim_events_max(b->venue) <= 128);
    b->actions = (wk_actions){0, 4 * S, b->action_storage};
    b->events = (wk_events){0, 128, b->event_storage};
    b->peak = b->day_equity = 10000 * WK_E8;
}

static void journal(bot *b, const wk_trader_event *e, size_t step)
{
    wk_err err = {0};
    size_t s = e->symbol;
    if (e->kind == WK_TRADER_EVENT_FUNDING) {
        wk_ledger_funding(b->ledger, e->symbol, e->amount_e8);
        b->funding[s] += e->amount_e8;
        b->trip[s] += e->amount_e8;
    }
    if (e->kind != WK_TRADER_EVENT_FILL)
        return;
    int64_t cash;
    bool closed;
    assert_int_equal(wk_ledger_fill(b->ledger, e, step, 0.5, &cash, &closed, &b->trade, &err),
                     WK_OK);
    if (e->reason == WK_REASON_ENTRY)
        b->entered_ns[s] = e->time_ns;
    if (e->reason == WK_REASON_STOP_LOSS || e->reason == WK_REASON_LIQUIDATION)
        b->stopped_ns[s] = e->time_ns;
    b->trip[s] += cash - e->fee_e8 - e->slippage_e8;
    b->fees[s] += e->fee_e8;
    b->slippage[s] += e->slippage_e8;
    if (!closed)
        return;
    b->n_trades++;
    b->losses = b->trip[s] < 0 ? b->losses + 1 : 0;
    if (b->losses == 4) {
        b->losses = 0;
        b->pause_until_ns = e->time_ns + 6 * HOUR;
    }
    b->trip[s] = b->fees[s] = b->slippage[s] = b->funding[s] = 0;
}

static void play(bot *b, size_t t, bool warming)
{
    wk_err err = {0};
    int64_t close_ns = START + ((int64_t)t + 1) * HOUR;
    b->events.n = b->actions.n = 0;
    if (!warming)
        assert_int_equal(wk_sim_bar(b->venue, (int64_t)t, close_ns, bars + t * S,
                                    provenance + t * S, funding + t * S, sigma, &b->events, &err),
                         WK_OK);
    for (size_t i = 0; i < b->events.n; i++) {
        journal(b, &b->events.v[i], t);
        wk_trader_step(b->trader, &b->events.v[i], &b->actions);
    }
    if ((close_ns / HOUR - 1) % 24 == 0)
        b->day_equity = wk_trader_equity_e8(b->trader);
    wk_trader_event e = {.kind = WK_TRADER_EVENT_BARS,
                         .time_ns = close_ns,
                         .bars = bars + t * S,
                         .provenance = provenance + t * S,
                         .forecasts = forecasts + t * S,
                         .sigma = sigma + t * S,
                         .warming = warming};
    wk_trader_step(b->trader, &e, &b->actions);
    if (wk_trader_equity_e8(b->trader) > b->peak)
        b->peak = wk_trader_equity_e8(b->trader);
    for (size_t i = 0; i < b->actions.n; i++) {
        const wk_order *o = &b->actions.v[i].order;
        assert_int_equal(b->actions.v[i].kind, WK_ACTION_PLACE);
        assert_int_equal(wk_sim_place(b->venue, o, (int64_t)t, &err), WK_OK);
        if (o->reason == WK_REASON_ENTRY)
            b->order[o->symbol] = *o;
    }
}

/* What happens at start-up: history, then the journal's positions, then the cash. */
static void recover(bot *b, const bot *from, size_t t)
{
    wk_err err = {0};
    begin(b);
    for (size_t i = 0; i <= t; i++)
        play(b, i, true);
    for (size_t s = 0; s < S; s++) {
        int64_t entry, stop, profit, lots = wk_trader_position(from->trader, s, &entry);
        wk_trader_brackets(from->trader, s, &stop, &profit);
        if (lots != 0) {
            assert_int_equal(stop, from->order[s].stop_ticks);
            assert_int_equal(profit, from->order[s].profit_ticks);
            assert_true(stop > 0 && profit > 0);
        }
        wk_trader_restore(b->trader, s, lots, entry, stop, profit);
        wk_trader_restore_trip(b->trader, s, from->entered_ns[s], from->stopped_ns[s],
                               from->trip[s]);
        wk_sim_position p = {.symbol = (uint32_t)s,
                             .lots = lots,
                             .entry_ticks = entry,
                             .mark_ticks = wk_sim_marks(from->venue)[s],
                             .stop_ticks = stop,
                             .profit_ticks = profit,
                             .funding_e8 = from->funding[s],
                             .leverage = from->order[s].leverage,
                             .parent = from->order[s].id};
        assert_int_equal(wk_sim_restore(b->venue, &p, &err), WK_OK);
        assert_int_equal(wk_sim_liquidation_ticks(b->venue, s),
                         wk_sim_liquidation_ticks(from->venue, s));
        wk_ledger_position l = {.symbol = (uint32_t)s,
                                .lots = lots,
                                .entry_ticks = entry,
                                .fees_e8 = from->fees[s],
                                .slippage_e8 = from->slippage[s],
                                .funding_e8 = from->funding[s],
                                .entry_step = (size_t)((from->entered_ns[s] - START) / HOUR - 1),
                                .entry_ns = from->entered_ns[s],
                                .score = 0.5};
        assert_int_equal(wk_ledger_restore(b->ledger, &l, &err), WK_OK);
        b->entered_ns[s] = from->entered_ns[s];
    }
    int64_t close_ns = START + ((int64_t)t + 1) * HOUR;
    wk_trader_restore_cash(b->trader, close_ns, wk_trader_cash_e8(from->trader), from->peak,
                           from->day_equity);
    wk_trader_restore_streak(b->trader, from->losses, from->pause_until_ns);
    wk_sim_restore_cash(b->venue, wk_sim_cash_e8(from->venue));
    b->n_trades = from->n_trades;
}

static void expect_same(const bot *a, const bot *b, size_t cut, size_t t)
{
    if (a->actions.n != b->actions.n)
        fail_msg("cut at %zu: step %zu has %zu actions, restored %zu", cut, t, a->actions.n,
                 b->actions.n);
    for (size_t i = 0; i < a->actions.n; i++) {
        const wk_order *x = &a->actions.v[i].order, *y = &b->actions.v[i].order;
        if (x->id != y->id || x->side != y->side || x->qty_lots != y->qty_lots ||
            x->reason != y->reason || x->stop_ticks != y->stop_ticks ||
            x->profit_ticks != y->profit_ticks || x->leverage != y->leverage)
            fail_msg("cut at %zu: action %zu of step %zu differs", cut, i, t);
    }
    assert_int_equal(wk_trader_cash_e8(a->trader), wk_trader_cash_e8(b->trader));
    assert_int_equal(wk_sim_cash_e8(a->venue), wk_sim_cash_e8(b->venue));
    assert_int_equal(wk_trader_equity_e8(a->trader), wk_trader_equity_e8(b->trader));
    for (size_t s = 0; s < S; s++) {
        assert_int_equal(wk_trader_position(a->trader, s, NULL),
                         wk_trader_position(b->trader, s, NULL));
        assert_int_equal(wk_trader_verdict(a->trader, s), wk_trader_verdict(b->trader, s));
    }
    assert_int_equal(a->n_trades, b->n_trades);
    if (a->n_trades > 0 && b->trade.entry_ns != 0) {
        assert_int_equal(a->trade.entry_ns, b->trade.entry_ns);
        assert_true(a->trade.net == b->trade.net);
        assert_true(a->trade.notional == b->trade.notional);
    }
}

static void test_a_restored_bot_goes_on_as_if_never_interrupted(void **state)
{
    (void)state;
    static bot a, b;
    size_t cuts = 0, held = 0, seen[WK_TRADE_COUNT] = {0};
    make_market(7);
    for (size_t cut = 20; cut < STEPS - 60; cut += 7) {
        begin(&a);
        for (size_t t = 0; t <= cut; t++)
            play(&a, t, false);
        if (a.actions.n == 0) { /* nothing on its way */
            recover(&b, &a, cut);
            cuts++;
            for (size_t s = 0; s < S; s++)
                held += wk_trader_position(a.trader, s, NULL) != 0;
            for (size_t t = cut + 1; t < STEPS; t++) {
                play(&a, t, false);
                play(&b, t, false);
                expect_same(&a, &b, cut, t);
                for (size_t s = 0; s < S; s++)
                    seen[wk_trader_verdict(a.trader, s)]++;
            }
            assert_true(a.n_trades > 20);
            wk_arena_finish(&b.arena);
        }
        wk_arena_finish(&a.arena);
    }
    assert_true(cuts > 20 && held > 20);
    /* The rules that have a memory have all spoken. */
    static const wk_trade_verdict spoken[] = {WK_TRADE_COOLDOWN, WK_TRADE_UNCHANGED,
                                              WK_TRADE_LOSS_PAUSE, WK_TRADE_UNCONFIRMED,
                                              WK_TRADE_DAY_HALTED};
    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++)
        if (seen[spoken[i]] == 0)
            fail_msg("%s never came up", wk_trade_verdict_name(spoken[i]));
}

static void test_a_venue_that_holds_something_is_not_restored(void **state)
{
    (void)state;
    static bot b;
    wk_err err = {0};
    make_market(7);
    begin(&b);
    wk_sim_position p = {.lots = -500, .entry_ticks = 20000, .mark_ticks = 20000, .leverage = 4};
    assert_int_equal(wk_sim_restore(b.venue, &p, &err), WK_OK);
    /* 200 * (1 + 1/4) / 1.005 = 248.756.. */
    assert_int_equal(wk_sim_liquidation_ticks(b.venue, 0), 24875);
    assert_int_equal(wk_sim_restore(b.venue, &p, &err), WK_E_STATE);
    p.symbol = 1;
    p.entry_ticks = 0;
    assert_int_equal(wk_sim_restore(b.venue, &p, &err), WK_E_ARG);
    wk_arena_finish(&b.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_restored_bot_goes_on_as_if_never_interrupted),
        cmocka_unit_test(test_a_venue_that_holds_something_is_not_restored),
    };
    return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
