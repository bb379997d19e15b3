/* The backtest against a second simulator in Python: tests/golden/trade/make_reference.py. */
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

enum { S = 5, STEPS = 4000 };
#define HOUR INT64_C(3600000000000)

static wk_panel panel;
static wk_forecast *forecasts;
static double *sigma;
static uint32_t lcg = 12345;

static int64_t draw(uint32_t n)
{
    lcg = 1664525u * lcg + 1013904223u;
    return (lcg >> 16) % n;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The same market as the script's, number for number. */
static int make_market(void **state)
{
    (void)state;
    panel = (wk_panel){.T = STEPS, .S = S, .timeframe_ns = HOUR, .start_ns = 19000 * 24 * HOUR};
    panel.symbols = calloc(S, sizeof *panel.symbols);
    panel.bars = calloc(STEPS * S, sizeof *panel.bars);
    panel.provenance = calloc(STEPS * S, 1);
    panel.funding = calloc(STEPS * S, sizeof *panel.funding);
    forecasts = calloc(STEPS * S, sizeof *forecasts);
    sigma = calloc(STEPS * S, sizeof *sigma);
    int64_t last[S], score[S] = {0};
    for (size_t s = 0; s < S; s++)
        last[s] = 100000;
    for (size_t t = 0; t < STEPS; t++) {
        for (size_t s = 0; s < S; s++) {
            size_t i = t * S + s;
            int64_t o = larger(20000, last[s] + draw(41) - 20);
            int64_t c = larger(20000, o + draw(6001) - 3000);
            int64_t h = larger(o, c) + draw(300);
            int64_t l = -larger(-o, -c) - draw(300);
            last[s] = c;
            int64_t step = draw(513) - 256;
            score[s] = score[s] / 4 + step;
            forecasts[i] =
                (wk_forecast){.score = (float)score[s] / 1024.0f, .volatility = 0.01f, .valid = 1};
            sigma[i] = (double)(50 + draw(100)) / 16384.0;
            int64_t rate = draw(101) - 50;
            panel.funding[i] = t % 8 == 0 ? (double)rate / 250000.0 : 0.0;
            panel.bars[i] = (wk_bar){panel.start_ns + (int64_t)t * HOUR,
                                     (double)o * 0.01,
                                     (double)h * 0.01,
                                     (double)l * 0.01,
                                     (double)c * 0.01,
                                     1000.0};
        }
    }
    return 0;
}

static int free_market(void **state)
{
    (void)state;
    free(panel.symbols);
    free(panel.bars);
    free(panel.provenance);
    free(panel.funding);
    free(forecasts);
    free(sigma);
    return 0;
}

static const wk_trade_config base_trade = {.policy = WK_POLICY_QUANTILE,
                                           .coverage = 0.1,
                                           .quantile_window_days = 90,
                                           .quantile_min_days = 60,
                                           .exit_at_zero = true,
                                           .allow_long = true,
                                           .allow_short = true,
                                           .confirm_bars = 1,
                                           .slots = 10,
                                           .leverage = 1};
static const wk_sim_config base_sim = {.fees = WK_FEES_FUTURES,
                                       .slippage_bps = 2,
                                       .latency_ms = 250,
                                       .funding = true,
                                       .leverage = 1,
                                       .maintenance_margin = 0.005,
                                       .initial_cash = 10000,
                                       .cost_multiplier = 1};

static void instruments_of(wk_trade_instrument *v)
{
    for (size_t s = 0; s < S; s++)
        v[s] = (wk_trade_instrument){.tick = 0.01, .lot = 1e-6, .min_lots = 1};
}

static FILE *open_golden(const char *name)
{
    char path[1024];
    const char *dir = getenv("WICK_GOLDEN_TRADE");
    assert_non_null(dir);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    return f;
}

typedef struct {
    int market, side;
    size_t entry, exit;
    char reason[32];
    double net;
} golden;

static size_t read_golden(const char *want, golden *v, size_t capacity, double *missed)
{
    FILE *f = open_golden("reference_trades.csv");
    char line[256], name[32];
    size_t n = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        golden g;
        if (sscanf(line, "%31[^,],%d,%d,%zu,%zu,%31[^,],%lf", name, &g.market, &g.side, &g.entry,
                   &g.exit, g.reason, &g.net) == 7 &&
            strcmp(name, want) == 0) {
            assert_true(n < capacity);
            if (g.market < 0)
                *missed = g.net;
            else
                v[n++] = g;
        }
    }
    fclose(f);
    return n;
}

static int by_market(const void *a, const void *b)
{
    const wk_trade *x = a, *y = b;
    if (x->symbol != y->symbol)
        return x->symbol < y->symbol ? -1 : 1;
    return x->entry_step < y->entry_step ? -1 : x->entry_step > y->entry_step;
}

static void compare(const char *name, const wk_trade_config *trade, const wk_sim_config *sim)
{
    static golden want[4000];
    double missed = NAN;
    size_t n = read_golden(name, want, 4000, &missed);
    assert_true(n > 100);
    wk_trade_instrument in[S];
    instruments_of(in);
    wk_backtest got = {0};
    wk_err err = {0};
    if (wk_backtest_run(&panel, forecasts, sigma, 0, STEPS, trade, sim, in, &got, &err) != WK_OK)
        fail_msg("%s: %s", name, err.msg);
    qsort(got.trades, got.n_trades, sizeof *got.trades, by_market);
    double total = 0.0;
    for (size_t i = 0; i < n && i < got.n_trades; i++) {
        const wk_trade *g = &got.trades[i];
        if ((int)g->symbol != want[i].market || g->side != want[i].side ||
            g->entry_step != want[i].entry || g->exit_step != want[i].exit ||
            strcmp(wk_reason_name(g->exit_reason), want[i].reason) != 0)
            fail_msg(
                "%s trade %zu: market %u side %d steps %zu..%zu %s, expected %d %d %zu..%zu %s",
                name, i, g->symbol, g->side, g->entry_step, g->exit_step,
                wk_reason_name(g->exit_reason), want[i].market, want[i].side, want[i].entry,
                want[i].exit, want[i].reason);
        if (fabs(g->net - want[i].net) > 1e-6 * (fabs(want[i].net) + 1.0))
            fail_msg("%s trade %zu: net %.12g, expected %.12g", name, i, g->net, want[i].net);
        if (fabs(g->gross - g->fees - g->slippage + g->funding - g->net) > 1e-7)
            fail_msg("%s trade %zu: the cost split does not add up", name, i);
        total += g->net;
    }
    assert_int_equal(got.n_trades, n);
    if (!(fabs(got.missed_cost - missed) <= 1e-6 * (fabs(missed) + 1.0)))
        fail_msg("%s: missed_cost %.12g, expected %.12g", name, got.missed_cost, missed);
    /* Every unit of money is in some trade and in some market's profit. */
    assert_true(fabs(got.equity[got.T - 1] - got.initial_cash - total) < 1e-6);
    double sum = 0.0;
    for (size_t i = 0; i < got.T * S; i++)
        sum += got.symbol_pnl[i];
    assert_true(fabs(sum - total) < 1e-6);
    wk_backtest_finish(&got);
}

static void test_plain_policy_equals_reference(void **state)
{
    (void)state;
    compare("plain", &base_trade, &base_sim);
}

static void test_confirmation_equals_reference(void **state)
{
    (void)state;
    wk_trade_config c = base_trade;
    c.confirm_bars = 2;
    compare("confirm", &c, &base_sim);
}

static void test_brackets_and_cooldown_equal_reference(void **state)
{
    (void)state;
    wk_trade_config c = base_trade;
    c.stop_kind = 2;
    c.stop_loss = 0.8;
    c.take_profit = 0.6;
    c.cooldown_bars = 4;
    compare("brackets", &c, &base_sim);
}

static void test_delay_equals_reference(void **state)
{
    (void)state;
    wk_sim_config sim = base_sim;
    sim.delay_bars = 1;
    compare("delay", &base_trade, &sim);
}

static void test_limit_entries_equal_reference(void **state)
{
    (void)state;
    wk_trade_config c = base_trade;
    c.entry = 1;
    c.limit_expiry_bars = 1;
    c.cancel_on_flip = true;
    compare("limit", &c, &base_sim);
    c.stop_kind = 2;
    c.stop_loss = 0.5;
    c.take_profit = 0.5;
    c.cooldown_bars = 2;
    compare("limit_brackets", &c, &base_sim);
    c.stop_loss = 0.8;
    c.take_profit = 0;
    c.cooldown_bars = 0;
    c.market_after_expiry = true;
    compare("limit_take", &c, &base_sim);
}

static void test_levered_positions_equal_reference(void **state)
{
    (void)state;
    wk_trade_config c = base_trade;
    c.stop_kind = 2;
    c.take_profit = 1.0;
    wk_sim_config sim = base_sim;
    sim.leverage = 20;
    compare("levered", &c, &sim);
}

/* The threshold of each day against numpy.quantile over the same window. */
static void test_thresholds_equal_numpy(void **state)
{
    (void)state;
    FILE *file = open_golden("reference_thresholds.csv");
    wk_trade_instrument in[S];
    instruments_of(in);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_trader *trader = NULL;
    wk_err err = {0};
    assert_int_equal(wk_trader_plan(&arena, &base_trade, in, S, HOUR, 1000000000000, &trader, &err),
                     WK_OK);
    wk_arena_freeze(&arena);
    wk_action storage[4 * S];
    char line[128];
    long day = -1;
    double want = INFINITY;
    size_t days = 0;
    assert_non_null(fgets(line, sizeof line, file)); /* the header */
    for (size_t t = 0; t < STEPS; t++) {
        wk_actions actions = {0, 4 * S, storage};
        wk_trader_event e = {.kind = WK_TRADER_EVENT_BARS,
                             .time_ns = panel.start_ns + ((int64_t)t + 1) * HOUR,
                             .bars = panel.bars + t * S,
                             .provenance = panel.provenance + t * S,
                             .forecasts = forecasts + t * S,
                             .sigma = sigma + t * S};
        wk_trader_step(trader, &e, &actions);
        if (t % 24 == 0 && t >= 24 * 60 && fgets(line, sizeof line, file) != NULL) {
            assert_int_equal(sscanf(line, "%ld,%lf", &day, &want), 2);
            assert_int_equal(day, t / 24);
            days++;
        }
        double got = wk_trader_threshold(trader);
        if (!(got == want))
            fail_msg("step %zu: threshold %.17g, expected %.17g", t, got, want);
    }
    assert_int_equal(days, 107);
    fclose(file);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thresholds_equal_numpy),
        cmocka_unit_test(test_plain_policy_equals_reference),
        cmocka_unit_test(test_confirmation_equals_reference),
        cmocka_unit_test(test_brackets_and_cooldown_equal_reference),
        cmocka_unit_test(test_delay_equals_reference),
        cmocka_unit_test(test_limit_entries_equal_reference),
        cmocka_unit_test(test_levered_positions_equal_reference),
    };
    return cmocka_run_group_tests_name("backtest_golden", tests, make_market, free_market);
}
