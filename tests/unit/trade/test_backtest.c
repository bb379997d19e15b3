/* What holds for every backtest: money is conserved, the future does not matter, costs add up. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/backtest.h"
#include "wick/rng.h"

#define HOUR INT64_C(3600000000000)
enum { S = 4, STEPS = 600 };

typedef struct {
    wk_panel panel;
    wk_forecast forecasts[STEPS * S];
    double sigma[STEPS * S];
    wk_bar bars[STEPS * S];
    uint8_t provenance[STEPS * S];
    double funding[STEPS * S];
    char symbols[S][32];
    wk_trade_instrument instruments[S];
} market;

static market m;
static uint64_t counter;

static int64_t draw(uint64_t seed, int64_t n)
{
    return (int64_t)wk_rng_below(seed, 1, counter++, (uint64_t)n);
}

/* A rough market: jumps, gaps, bars without a forecast; with an even seed bars are missing too. */
static void make_market(uint64_t seed)
{
    counter = 0;
    memset(&m, 0, sizeof m);
    m.panel = (wk_panel){.T = STEPS,
                         .S = S,
                         .timeframe_ns = HOUR,
                         .start_ns = 19000 * 24 * HOUR,
                         .symbols = m.symbols,
                         .bars = m.bars,
                         .provenance = m.provenance,
                         .funding = m.funding};
    for (size_t s = 0; s < S; s++) {
        snprintf(m.symbols[s], sizeof m.symbols[s], "M%zu", s);
        m.instruments[s] = (wk_trade_instrument){.tick = 0.01, .lot = 1e-4, .min_lots = 1};
        int64_t last = 20000;
        for (size_t t = 0; t < STEPS; t++) {
            size_t i = t * S + s;
            int64_t o = last + draw(seed, 81) - 40, c = o + draw(seed, 801) - 400;
            o = o < 1000 ? 1000 : o;
            c = c < 1000 ? 1000 : c;
            int64_t h = (o > c ? o : c) + draw(seed, 300), l = (o < c ? o : c) - draw(seed, 300);
            last = c;
            m.bars[i] = (wk_bar){m.panel.start_ns + (int64_t)t * HOUR,
                                 (double)o / 100,
                                 (double)h / 100,
                                 (double)l / 100,
                                 (double)c / 100,
                                 10};
            m.forecasts[i] = (wk_forecast){.score = (float)(draw(seed, 2001) - 1000) / 1000.0f,
                                           .volatility = 0.01f,
                                           .valid = draw(seed, 20) != 0};
            m.forecasts[i].p[2] = 0.5f + m.forecasts[i].score / 2;
            m.forecasts[i].p[0] = 1.0f - m.forecasts[i].p[2];
            m.sigma[i] = 0.005 + (double)draw(seed, 100) * 1e-4;
            m.funding[i] = t % 8 == 0 ? (double)(draw(seed, 201) - 100) * 1e-5 : 0;
            if (draw(seed, 30) == 0 && seed % 2 == 0) {
                m.provenance[i] = WK_PROV_UNKNOWN;
                m.bars[i] = (wk_bar){m.bars[i].time_ns, NAN, NAN, NAN, NAN, NAN};
                m.forecasts[i].valid = 0;
            }
        }
    }
}

static wk_trade_config random_trade(uint64_t seed)
{
    return (wk_trade_config){.policy = (int)draw(seed, 3),
                             .coverage = 0.3,
                             .quantile_window_days = 10,
                             .quantile_min_days = 2,
                             .threshold = 0.001,
                             .exit_at_zero = draw(seed, 4) != 0,
                             .hold_bars = draw(seed, 3) * 5,
                             .allow_long = true,
                             .allow_short = draw(seed, 4) != 0,
                             .confirm_bars = 1 + draw(seed, 2),
                             .cooldown_bars = draw(seed, 5),
                             .entry = (int)draw(seed, 2),
                             .limit_offset_sigma = (double)draw(seed, 3) * 0.1,
                             .limit_expiry_bars = draw(seed, 4),
                             .market_after_expiry = draw(seed, 2) != 0,
                             .cancel_on_flip = draw(seed, 4) != 0,
                             .stop_kind = (int)draw(seed, 3),
                             .stop_loss = (double)draw(seed, 3) * 0.02,
                             .take_profit = (double)draw(seed, 3) * 0.02,
                             .size = (int)draw(seed, 2),
                             .slots = 1 + (double)draw(seed, 8),
                             .max_positions = draw(seed, 4),
                             .target_volatility = 0.8,
                             .max_position_fraction = (double)draw(seed, 2) * 0.3,
                             .leverage = 1 + (double)draw(seed, 2),
                             .compound = draw(seed, 2) != 0,
                             .max_drawdown_stop = draw(seed, 3) ? 0 : 0.2,
                             .daily_loss_stop = draw(seed, 3) ? 0 : 0.05,
                             .cost_estimate = 0.001};
}

/* The rules that are off by default, some of them at a time. */
static wk_trade_config random_rules(uint64_t seed)
{
    wk_trade_config c = random_trade(seed);
    c.confidence_min = draw(seed, 3) ? 0 : 0.7;
    c.act_on_change = draw(seed, 3) == 0;
    c.reprice_max = draw(seed, 3);
    c.confidence_full = draw(seed, 2) ? 0 : 1;
    c.confidence_low = 0.5;
    c.confidence_share = 0.3;
    c.liquidation_factor = c.stop_kind != 0 && c.stop_loss > 0 ? (double)draw(seed, 3) : 0;
    c.maintenance_margin = 0.005;
    c.max_gross_exposure = draw(seed, 2) ? 0 : 0.7;
    c.max_net_exposure = draw(seed, 2) ? 0 : 0.4;
    c.loss_streak = draw(seed, 3) * 2;
    c.loss_pause_bars = 5;
    c.stale_bars = draw(seed, 3);
    c.stale_markets_max = c.stale_bars > 0 ? 0.3 : 0;
    return c;
}

static wk_sim_config random_sim(uint64_t seed)
{
    return (wk_sim_config){.fees = (int)draw(seed, 5),
                           .maker_fee_bps = -1,
                           .taker_fee_bps = 3,
                           .slippage_bps = (double)draw(seed, 10),
                           .slippage_sigma = (double)draw(seed, 2) * 0.05,
                           .latency_ms = 250,
                           .delay_bars = draw(seed, 4) ? 0 : draw(seed, 4),
                           .funding = draw(seed, 2) != 0,
                           .leverage = 1 + (double)draw(seed, 3) * 10,
                           .maintenance_margin = 0.005,
                           .liquidation_penalty = 0.001,
                           .initial_cash = 10000,
                           .cost_multiplier = 1 + 0.5 * (double)draw(seed, 2)};
}

static void run(const wk_trade_config *trade, const wk_sim_config *sim, size_t from, size_t to,
                wk_backtest *out)
{
    wk_err err = {0};
    if (wk_backtest_run(&m.panel, m.forecasts, m.sigma, from, to, trade, sim, m.instruments, out,
                        &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static void near(const char *what, uint64_t seed, double got, double want)
{
    if (!(fabs(got - want) <= 1e-6))
        fail_msg("seed %llu: %s is %.10g, expected %.10g", (unsigned long long)seed, what, got,
                 want);
}

/* Every identity between trades, totals, markets and equity. */
static void check_identities(uint64_t seed, const wk_trade_config *trade, const wk_sim_config *sim,
                             const wk_backtest *b)
{
    double net = 0, fees = 0, slippage = 0, funding = 0;
    for (size_t i = 0; i < b->n_trades; i++) {
        const wk_trade *t = &b->trades[i];
        near("net of a trade", seed, t->gross - t->fees - t->slippage + t->funding, t->net);
        double paid = t->side * t->qty * (t->exit_price - t->entry_price) - t->fees + t->funding;
        near("net by slipped prices", seed, paid, t->net);
        assert_true(t->entry_step <= t->exit_step && t->entry_step > b->first_step && t->qty > 0);
        /* Isolated margin: the loss of a liquidation is bounded, funding included. */
        if (t->exit_reason == WK_REASON_LIQUIDATION && !(trade->liquidation_factor > 0) &&
            t->net + t->fees < -t->notional * (1.0 / sim->leverage + 0.01))
            fail_msg("seed %llu: trade %zu lost %g of a margin of %g", (unsigned long long)seed, i,
                     t->net, t->notional / sim->leverage);
        /* An exit that waits for a missing bar keeps its position while its slot is given away. */
        if (trade->entry == 0 && trade->max_positions > 0 && sim->delay_bars == 0 &&
            seed % 2 == 1) {
            size_t together = 0;
            for (size_t j = 0; j < b->n_trades; j++)
                together += b->trades[j].entry_step <= t->entry_step &&
                            b->trades[j].exit_step > t->entry_step;
            assert_true(together <= (size_t)trade->max_positions + (t->exit_step == t->entry_step));
        }
        /* One trade a candle, but for late orders that pile up before a missing bar. */
        for (size_t j = 0; j < i && (sim->delay_bars == 0 || seed % 2 == 1); j++)
            if (b->trades[j].symbol == t->symbol && b->trades[j].entry_step == t->entry_step)
                fail_msg("seed %llu: trades %zu (%s) and %zu (%s) share a candle, step %zu",
                         (unsigned long long)seed, j, wk_reason_name(b->trades[j].exit_reason), i,
                         wk_reason_name(t->exit_reason), t->entry_step);
        net += t->net;
        fees += t->fees;
        slippage += t->slippage;
        funding += t->funding;
    }
    near("equity at the end", seed, b->equity[b->T - 1], b->initial_cash + net);
    near("fees", seed, b->fees, fees);
    near("slippage", seed, b->slippage, slippage);
    near("funding", seed, b->funding, funding);
    double before = b->initial_cash;
    for (size_t t = 0; t < b->T; t++) {
        double pnl = 0;
        for (size_t s = 0; s < S; s++)
            pnl += b->symbol_pnl[t * S + s];
        near("profit of a step by market", seed, pnl, b->equity[t] - before);
        assert_true(b->equity_low[t] <= b->equity[t]);
        before = b->equity[t];
    }
    assert_true(b->orders_filled >= 2 * b->n_trades);
    assert_true(trade->allow_short || b->n_trades == 0 || b->trades[0].side > 0);
}

static void test_money_is_conserved_in_any_configuration(void **state)
{
    (void)state;
    size_t trades = 0, liquidations = 0, expired = 0, reasons[WK_REASON_COUNT] = {0};
    for (uint64_t seed = 1; seed <= 150; seed++) {
        make_market(seed);
        wk_trade_config trade = random_trade(seed);
        wk_sim_config sim = random_sim(seed);
        wk_backtest b = {0}, again = {0};
        run(&trade, &sim, 10, STEPS, &b);
        check_identities(seed, &trade, &sim, &b);
        run(&trade, &sim, 10, STEPS, &again);
        assert_memory_equal(b.equity, again.equity, b.T * sizeof *b.equity);
        trades += b.n_trades;
        liquidations += b.liquidations;
        expired += b.orders_expired;
        for (size_t i = 0; i < b.n_trades; i++)
            reasons[b.trades[i].exit_reason]++;
        wk_backtest_finish(&b);
        wk_backtest_finish(&again);
    }
    /* The sweep is worth something only when it reaches every way out. */
    assert_true(trades > 5000 && liquidations > 10 && expired > 100);
    for (int r = WK_REASON_STOP_LOSS; r <= WK_REASON_END; r++)
        if (reasons[r] == 0)
            fail_msg("no trade ended by %s", wk_reason_name((wk_reason)r));
}

static void check_equal(const wk_trade *a, const wk_trade *b)
{
    assert_true(a->symbol == b->symbol && a->side == b->side && a->exit_reason == b->exit_reason);
    assert_true(a->entry_step == b->entry_step && a->exit_step == b->exit_step && a->qty == b->qty);
    assert_true(a->net == b->net && a->gross == b->gross && a->fees == b->fees &&
                a->slippage == b->slippage);
    assert_true(a->entry_price == b->entry_price && a->exit_price == b->exit_price &&
                a->score == b->score);
}

static void test_money_is_conserved_under_any_rules(void **state)
{
    (void)state;
    size_t trades = 0;
    for (uint64_t seed = 400; seed < 500; seed++) {
        make_market(seed);
        wk_trade_config trade = random_rules(seed);
        wk_sim_config sim = random_sim(seed);
        wk_backtest b = {0};
        run(&trade, &sim, 10, STEPS, &b);
        check_identities(seed, &trade, &sim, &b);
        trades += b.n_trades;
        wk_backtest_finish(&b);
    }
    assert_true(trades > 1000);
}

static wk_trade_config plain_trade(void)
{
    return (wk_trade_config){.policy = WK_POLICY_THRESHOLD,
                             .threshold = 0.3,
                             .exit_at_zero = true,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 1,
                             .slots = S,
                             .leverage = 1};
}

static wk_sim_config plain_sim(void)
{
    return (wk_sim_config){.fees = WK_FEES_FUTURES,
                           .slippage_bps = 1,
                           .latency_ms = 250,
                           .leverage = 1,
                           .maintenance_margin = 0.005,
                           .initial_cash = 10000,
                           .cost_multiplier = 1};
}

static void test_after_a_losing_streak_nothing_is_entered_for_a_while(void **state)
{
    (void)state;
    size_t pauses = 0;
    for (uint64_t seed = 501; seed < 520; seed += 2) {
        make_market(seed);
        wk_trade_config trade = plain_trade();
        wk_sim_config sim = plain_sim();
        trade.loss_streak = 3;
        trade.loss_pause_bars = 12;
        wk_backtest b = {0};
        run(&trade, &sim, 0, STEPS, &b);
        size_t losses = 0;
        for (size_t i = 0; i < b.n_trades; i++) { /* in the order in which they ended */
            losses = b.trades[i].net < 0 ? losses + 1 : 0;
            if (losses < 3)
                continue;
            losses = 0;
            pauses++;
            size_t exit = b.trades[i].exit_step;
            for (size_t j = 0; j < b.n_trades; j++)
                if (b.trades[j].entry_step > exit && b.trades[j].entry_step <= exit + 12)
                    fail_msg("seed %llu: a streak ended at step %zu, an entry came at %zu",
                             (unsigned long long)seed, exit, b.trades[j].entry_step);
        }
        wk_backtest_finish(&b);
    }
    assert_true(pauses > 50);
}

static double most(const double *v, size_t n)
{
    double x = 0;
    for (size_t i = 0; i < n; i++)
        x = v[i] > x ? v[i] : x;
    return x;
}

static void test_exposure_confidence_and_leverage_hold_in_a_backtest(void **state)
{
    (void)state;
    wk_trade_config trade = plain_trade();
    wk_sim_config sim = plain_sim();
    wk_backtest b = {0};
    make_market(7);
    trade.compound = true;
    run(&trade, &sim, 0, STEPS, &b);
    assert_true(most(b.exposure, b.T) > 0.9);
    wk_backtest_finish(&b);
    trade.max_gross_exposure = 0.4;
    run(&trade, &sim, 0, STEPS, &b);
    assert_true(b.n_trades > 100);
    assert_true(most(b.exposure, b.T) < 0.4 * 1.1); /* prices go on after the entry */
    wk_backtest_finish(&b);

    trade = plain_trade();
    trade.confidence_min = 0.8; /* p is 0.5 +- score / 2 */
    run(&trade, &sim, 0, STEPS, &b);
    assert_true(b.n_trades > 100);
    for (size_t i = 0; i < b.n_trades; i++)
        assert_true(b.trades[i].side * b.trades[i].score >= 0.599);
    wk_backtest_finish(&b);

    /* At 50 x liquidation comes 1.5 % away, before the stop of 3 %. The rule puts it at 9 %. */
    trade = plain_trade();
    trade.stop_kind = 1;
    trade.stop_loss = 0.03;
    trade.slots = 1000;
    trade.leverage = sim.leverage = 50;
    run(&trade, &sim, 0, 200, &b);
    assert_true(b.liquidations > 20);
    wk_backtest_finish(&b);
    trade.liquidation_factor = 3;
    trade.maintenance_margin = 0.005;
    run(&trade, &sim, 0, 200, &b);
    size_t stopped = 0;
    for (size_t i = 0; i < b.n_trades; i++)
        stopped += b.trades[i].exit_reason == WK_REASON_STOP_LOSS;
    assert_true(stopped > 5);
    assert_int_equal(b.liquidations, 0);
    wk_backtest_finish(&b);
}

static void test_the_future_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 250; seed++) {
        make_market(seed);
        wk_trade_config trade = seed < 230 ? random_trade(seed) : random_rules(seed);
        wk_sim_config sim = random_sim(seed);
        wk_backtest whole = {0}, part = {0};
        size_t cut = 100 + (size_t)draw(seed, STEPS - 100);
        run(&trade, &sim, 0, STEPS, &whole);
        /* After the cut everything is different. */
        for (size_t i = cut * S; i < (size_t)STEPS * S; i++) {
            m.bars[i].open = m.bars[i].close = 7;
            m.bars[i].low = 1;
            m.bars[i].high = 900;
            m.forecasts[i].score = -m.forecasts[i].score;
            m.sigma[i] *= 3;
            m.funding[i] = 0.01;
        }
        m.panel.T = cut;
        run(&trade, &sim, 0, cut, &part);
        /* The last step differs by the flattening alone. */
        assert_memory_equal(whole.equity, part.equity, (cut - 1) * sizeof *part.equity);
        assert_memory_equal(whole.equity_low, part.equity_low, (cut - 1) * sizeof *part.equity);
        assert_memory_equal(whole.symbol_pnl, part.symbol_pnl,
                            (cut - 1) * S * sizeof *part.symbol_pnl);
        for (size_t i = 0; i < part.n_trades && part.trades[i].exit_step + 1 < cut; i++)
            check_equal(&whole.trades[i], &part.trades[i]);
        wk_backtest_finish(&whole);
        wk_backtest_finish(&part);
    }
}

static void test_higher_costs_never_help_a_fixed_size(void **state)
{
    (void)state;
    make_market(7);
    wk_trade_config trade = {.policy = WK_POLICY_THRESHOLD,
                             .threshold = 0.5,
                             .exit_at_zero = true,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 1,
                             .slots = 10,
                             .leverage = 1};
    wk_sim_config sim = {.fees = WK_FEES_FUTURES,
                         .slippage_bps = 2,
                         .latency_ms = 250,
                         .leverage = 1,
                         .initial_cash = 10000,
                         .cost_multiplier = 1};
    wk_backtest one = {0}, stressed = {0};
    run(&trade, &sim, 0, STEPS, &one);
    sim.cost_multiplier = 1.5;
    run(&trade, &sim, 0, STEPS, &stressed);
    assert_int_equal(one.n_trades, stressed.n_trades);
    double extra = 0.5 * (one.fees + one.slippage);
    assert_true(fabs(one.equity[STEPS - 1] - stressed.equity[STEPS - 1] - extra) < 1e-3);
    /* 7 bp of all that was traded. */
    assert_true(fabs(one.fees + one.slippage - 7e-4 * one.turnover) < 1e-3);
    wk_backtest_finish(&one);
    wk_backtest_finish(&stressed);
}

static void test_equity_low_marks_at_the_worst_price(void **state)
{
    (void)state;
    make_market(8);
    memset(m.provenance, 0, sizeof m.provenance);
    for (size_t i = 0; i < (size_t)STEPS * S; i++) {
        m.bars[i] = (wk_bar){0, 100, 104, 97, 100, 1};
        m.forecasts[i] = (wk_forecast){.score = i % S == 0   ? 0.9f
                                                : i % S == 1 ? -0.9f
                                                             : 0.1f,
                                       .valid = 1};
        m.funding[i] = 0;
    }
    wk_trade_config trade = {.policy = WK_POLICY_THRESHOLD,
                             .threshold = 0.5,
                             .exit_at_zero = true,
                             .allow_long = true,
                             .allow_short = true,
                             .confirm_bars = 1,
                             .slots = 10,
                             .leverage = 1};
    wk_sim_config sim = {.leverage = 1, .initial_cash = 10000, .cost_multiplier = 1};
    wk_backtest b = {0};
    run(&trade, &sim, 0, 20, &b);
    /* 10 long lose 3 each and 10 short lose 4 each at the worst. */
    near("equity low", 8, b.equity_low[5], 10000 - 30 - 40);
    near("equity", 8, b.equity[5], 10000);
    near("exposure", 8, b.exposure[5], 0.2);
    assert_int_equal(b.n_trades, 2);
    assert_int_equal(b.trades[0].exit_reason, WK_REASON_END);
    near("score", 8, b.trades[0].score, (double)0.9f);
    wk_backtest_finish(&b);
}

static void test_instruments_come_from_the_decimals(void **state)
{
    (void)state;
    make_market(9);
    for (size_t t = 0; t < STEPS; t++) {
        m.bars[t * S + 0] = (wk_bar){0, 61234.5, 61235.0, 61200.0, 61230.5, 1.25};
        m.bars[t * S + 1] = (wk_bar){0, 0.01234, 0.012350, 0.01230, 0.01231, 12345};
        m.bars[t * S + 2] = (wk_bar){0, 100, 101, 99, 100, 1.123456};
        m.bars[t * S + 3] = (wk_bar){0, 100.0 / 3.0, 34, 33, 33.5, 1};
    }
    m.provenance[0] = WK_PROV_UNKNOWN;
    m.bars[0] = (wk_bar){0, NAN, NAN, NAN, NAN, NAN};
    wk_trade_instrument in[S];
    wk_err err = {0};
    assert_int_equal(wk_instruments_infer(&m.panel, in, &err), WK_OK);
    assert_true(in[0].tick == 0.1 &&
                in[0].lot == 1e-6); /* 1e-2 by volume, but 612 a lot is too coarse */
    assert_true(in[1].tick == 1e-5 && in[1].lot == 1);
    assert_true(in[2].tick == 1 && in[2].lot == 1e-6);
    assert_true(in[3].tick == 1e-7); /* an average has no tick: nine digits */
    assert_string_equal(in[0].symbol, "M0");
    memset(m.provenance, WK_PROV_UNKNOWN, sizeof m.provenance);
    assert_int_equal(wk_instruments_infer(&m.panel, in, &err), WK_E_DATA);
}

static void test_an_empty_range_is_refused(void **state)
{
    (void)state;
    make_market(10);
    wk_trade_config trade = {.slots = 1};
    wk_sim_config sim = {.leverage = 1, .initial_cash = 1};
    wk_backtest b = {0};
    wk_err err = {0};
    assert_int_equal(
        wk_backtest_run(&m.panel, m.forecasts, m.sigma, 5, 5, &trade, &sim, NULL, &b, &err),
        WK_E_ARG);
    assert_int_equal(
        wk_backtest_run(&m.panel, m.forecasts, m.sigma, 0, STEPS + 1, &trade, &sim, NULL, &b, &err),
        WK_E_ARG);
    wk_backtest_finish(&b);
    wk_backtest_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_money_is_conserved_in_any_configuration),
        cmocka_unit_test(test_money_is_conserved_under_any_rules),
        cmocka_unit_test(test_after_a_losing_streak_nothing_is_entered_for_a_while),
        cmocka_unit_test(test_exposure_confidence_and_leverage_hold_in_a_backtest),
        cmocka_unit_test(test_the_future_changes_nothing),
        cmocka_unit_test(test_higher_costs_never_help_a_fixed_size),
        cmocka_unit_test(test_equity_low_marks_at_the_worst_price),
        cmocka_unit_test(test_instruments_come_from_the_decimals),
        cmocka_unit_test(test_an_empty_range_is_refused),
    };
    return cmocka_run_group_tests_name("backtest", tests, NULL, NULL);
}
