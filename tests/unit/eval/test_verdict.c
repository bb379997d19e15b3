/* The verdict: its lines one by one, and how rarely noise passes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wick/rng.h"
#include "wick/verdict.h"

#include "near.h"

#define HOUR ((int64_t)3600 * 1000000000)
enum { DAYS = 500, TRADES = 600 };

/* A strategy of TRADES trades on two symbols, each with a mean net return of `edge` and deviation 1
 * %. */
typedef struct {
    uint32_t symbol[TRADES];
    int64_t entry[TRADES], exit[TRADES];
    double net[TRADES], daily[DAYS], flat[DAYS], hold[DAYS];
    wk_verdict_baseline baselines[2];
} world;

static wk_verdict_input make(world *w, double edge, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    for (size_t i = 0; i < TRADES; i++) {
        w->symbol[i] = (uint32_t)(i % 2);
        w->entry[i] = (int64_t)(i * DAYS * 24 / TRADES) * HOUR;
        w->exit[i] = w->entry[i] + 6 * HOUR;
        w->net[i] = edge + 0.01 * wk_rng_normal(seed, 1, i);
        w->daily[(size_t)(w->entry[i] / (24 * HOUR))] += w->net[i] / 2;
    }
    double stressed = 0;
    for (size_t i = 0; i < DAYS; i++) {
        w->hold[i] = 0.03 * wk_rng_normal(seed, 2, i);
        stressed += w->daily[i];
    }
    w->baselines[0] = (wk_verdict_baseline){"always flat", w->flat};
    w->baselines[1] = (wk_verdict_baseline){"buy and hold", w->hold};
    return (wk_verdict_input){.n_trades = TRADES,
                              .symbol = w->symbol,
                              .entry_ns = w->entry,
                              .exit_ns = w->exit,
                              .net = w->net,
                              .n_days = DAYS,
                              .daily = w->daily,
                              .baselines = w->baselines,
                              .n_baselines = 2,
                              .net_at_costs = stressed - 0.05,
                              .net_at_delay = stressed - 0.02,
                              .draws = 500,
                              .seed = seed};
}

static wk_verdict judge(wk_arena *arena, const wk_verdict_input *in)
{
    wk_verdict v;
    wk_verdict_judge(arena, in, &v);
    return v;
}

static void test_noise_is_not_useful_in_at_least_190_of_200_seeds(void **state)
{
    (void)state;
    static world w;
    int useful = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        wk_arena arena;
        wk_arena_init(&arena);
        wk_verdict_input in = make(&w, 0, seed);
        useful += judge(&arena, &in).useful;
        wk_arena_finish(&arena);
    }
    if (useful > 10)
        fail_msg("noise was useful in %d of 200 seeds", useful);
}

static void test_an_edge_is_useful_and_its_interval_covers_it(void **state)
{
    (void)state;
    static world w;
    int useful = 0, covered = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        wk_arena arena;
        wk_arena_init(&arena);
        wk_verdict_input in = make(&w, 0.0025, seed);
        wk_verdict v = judge(&arena, &in);
        useful += v.useful;
        covered += v.expectancy_ci.lo <= 0.0025 && 0.0025 <= v.expectancy_ci.hi;
        wk_arena_finish(&arena);
    }
    if (useful < 95 || covered < 88)
        fail_msg("an edge of 25 bp: useful in %d, covered in %d of 100 seeds", useful, covered);
}

/* Ten markets that share a persistent, fat-tailed day factor: expectancies of single trades would
 * be far too sure of themselves here. */
static wk_verdict_input correlated_markets(double edge, uint64_t seed)
{
    enum { ROOM = DAYS * 10 };
    static uint32_t symbol[ROOM];
    static int64_t entry[ROOM], exit[ROOM];
    static double net[ROOM];
    size_t n = 0;
    double factor = 0;
    for (size_t d = 0; d < DAYS; d++) {
        double shock = wk_rng_normal(seed, 1, d) * (wk_rng_uniform(seed, 5, d) < 0.1 ? 3 : 1);
        factor = 0.2 * factor + shock;
        for (uint32_t k = 0; k < 10; k++) {
            if (wk_rng_uniform(seed, 2, d * 10 + k) > 0.25)
                continue;
            symbol[n] = k;
            entry[n] = ((int64_t)d * 24 + k) * HOUR;
            exit[n] = entry[n] + 8 * HOUR;
            net[n++] = edge + 0.007 * (factor + wk_rng_normal(seed, 3, d * 10 + k));
        }
    }
    return (wk_verdict_input){.n_trades = n,
                              .symbol = symbol,
                              .entry_ns = entry,
                              .exit_ns = exit,
                              .net = net,
                              .draws = 500,
                              .seed = seed};
}

static void test_interval_keeps_its_level_when_markets_move_together(void **state)
{
    (void)state;
    int above = 0, covered = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        wk_arena arena;
        wk_arena_init(&arena);
        wk_verdict_input in = correlated_markets(0, seed);
        wk_verdict v = judge(&arena, &in);
        above += v.expectancy_ci.lo > 0;
        covered += v.expectancy_ci.lo <= 0 && 0 <= v.expectancy_ci.hi;
        wk_arena_finish(&arena);
    }
    if (above > 10 || covered < 180)
        fail_msg("of 200 seeds without an edge %d above 0, %d covered it", above, covered);
}

static void test_trades_that_repeat_on_one_day_do_not_narrow_the_interval(void **state)
{
    (void)state;
    static world w;
    wk_verdict_input in = make(&w, 0, 5);
    wk_arena arena;
    wk_arena_init(&arena);
    double apart = judge(&arena, &in).expectancy_ci.hi - judge(&arena, &in).expectancy_ci.lo;
    /* Six trades a day with one outcome are one observation. */
    for (size_t i = 0; i < TRADES; i++) {
        w.entry[i] = (int64_t)(i / 6) * 24 * HOUR + (int64_t)(i % 6) * HOUR;
        w.exit[i] = w.entry[i] + HOUR;
        w.net[i] = w.net[i / 6 * 6];
    }
    double together = judge(&arena, &in).expectancy_ci.hi - judge(&arena, &in).expectancy_ci.lo;
    assert_true(together > 1.7 * apart);
    wk_arena_finish(&arena);
}

static void test_each_line_alone_can_fail_the_verdict(void **state)
{
    (void)state;
    static world w;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_verdict_input good = make(&w, 0.004, 3), in = good;
    wk_verdict v = judge(&arena, &in);
    assert_true(v.useful);
    assert_int_equal(v.n_lines, 6);
    for (size_t i = 0; i < v.n_lines; i++)
        assert_true(v.lines[i].pass);

    in.min_trades = 601;
    assert_false(judge(&arena, &in).useful);
    in = good;
    in.uniqueness_sum = 199.5;
    v = judge(&arena, &in);
    assert_int_equal(v.independent_trades, 199);
    assert_false(v.useful || v.lines[1].pass);
    in = good;
    in.net_at_costs = -0.01;
    assert_false(judge(&arena, &in).useful);
    in = good;
    in.net_at_delay = NAN;
    assert_false(judge(&arena, &in).useful);
    in = good;
    in.baselines = &(wk_verdict_baseline){"itself", w.daily};
    in.n_baselines = 1;
    assert_false(judge(&arena, &in).useful);
    in = good;
    in.baseline_p_max = 0.0001;
    in.baselines = (wk_verdict_baseline[]){{"almost itself", w.hold}};
    in.n_baselines = 1;
    memcpy(w.hold, w.daily, sizeof w.hold);
    w.hold[0] -= 0.0001;
    v = judge(&arena, &in);
    assert_true(v.lines[2].value > v.lines[2].bound);
    assert_false(v.lines[2].pass || v.useful);
    wk_arena_finish(&arena);
}

static void test_no_trades_is_not_useful_and_not_a_crash(void **state)
{
    (void)state;
    double flat[DAYS] = {0};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_verdict_input in = {.n_days = DAYS, .daily = flat};
    wk_verdict v = judge(&arena, &in);
    assert_false(v.useful);
    json_t *json = wk_verdict_json(&v);
    assert_true(json_is_false(json_object_get(json, "useful")));
    assert_int_equal(json_array_size(json_object_get(json, "lines")), 4);
    assert_true(
        json_is_null(json_object_get(json_array_get(json_object_get(json, "lines"), 0), "value")));
    json_decref(json);
    wk_arena_finish(&arena);
}

static void test_independent_trades_of_a_market_do_not_overlap(void **state)
{
    (void)state;
    /* Market 0: one long trade over three short ones; market 1: two that touch at an instant. */
    const uint32_t symbol[] = {0, 0, 0, 0, 1, 1};
    const int64_t entry[] = {0, 1, 3, 5, 0, 4}, exit[] = {9, 2, 4, 8, 4, 6};
    assert_int_equal(wk_verdict_independent(6, symbol, entry, exit, 0), 5);
    assert_int_equal(wk_verdict_independent(6, symbol, entry, exit, NAN), 5);
    assert_int_equal(wk_verdict_independent(6, symbol, entry, exit, 3.9), 3);
    assert_int_equal(wk_verdict_independent(0, NULL, NULL, NULL, 0), 0);
}

static void test_trades_open_at_once_in_all_markets_share_their_bars(void **state)
{
    (void)state;
    /* Three markets bought and sold together are one trade. */
    const size_t same_from[] = {5, 5, 5}, same_to[] = {9, 9, 9};
    assert_float_equal(wk_verdict_uniqueness(3, same_from, same_to), 1, 1e-12);
    /* Trades that only touch share nothing, and one that leaves in its bar of entry has that bar.
     */
    const size_t touch_from[] = {0, 3, 6, 7}, touch_to[] = {3, 6, 6, 9};
    assert_float_equal(wk_verdict_uniqueness(4, touch_from, touch_to), 4, 1e-12);
    /* Bars:   0 1 2 3 4 5
     * first   x x x x . .   (1 + 1/2 + 1/3 + 1/2) / 4 = 7/12
     * second  . x x . . .   (1/2 + 1/3) / 2           = 5/12
     * third   . . x x x x   (1/3 + 1/2 + 1 + 1) / 4   = 17/24   sum 41/24 */
    const size_t from[] = {100, 101, 102}, to[] = {104, 103, 106};
    assert_float_equal(wk_verdict_uniqueness(3, from, to), 41.0 / 24, 1e-12);
    assert_float_equal(wk_verdict_uniqueness(0, NULL, NULL), 0, 0);
    /* A whole sum stays whole: 300 trades in threes are 100. */
    size_t threes_from[300], threes_to[300];
    uint32_t symbol[300];
    int64_t entry[300], exit[300];
    for (size_t i = 0; i < 300; i++) {
        threes_from[i] = i / 3 * 7;
        threes_to[i] = threes_from[i] + 7;
        symbol[i] = (uint32_t)(i % 3);
        entry[i] = (int64_t)threes_from[i];
        exit[i] = (int64_t)threes_to[i];
    }
    double sum = wk_verdict_uniqueness(300, threes_from, threes_to);
    assert_float_equal(sum, 100, 1e-9);
    assert_int_equal(wk_verdict_independent(300, symbol, entry, exit, 0), 300);
    assert_int_equal(wk_verdict_independent(300, symbol, entry, exit, sum), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_not_useful_in_at_least_190_of_200_seeds),
        cmocka_unit_test(test_an_edge_is_useful_and_its_interval_covers_it),
        cmocka_unit_test(test_interval_keeps_its_level_when_markets_move_together),
        cmocka_unit_test(test_trades_that_repeat_on_one_day_do_not_narrow_the_interval),
        cmocka_unit_test(test_each_line_alone_can_fail_the_verdict),
        cmocka_unit_test(test_no_trades_is_not_useful_and_not_a_crash),
        cmocka_unit_test(test_independent_trades_of_a_market_do_not_overlap),
        cmocka_unit_test(test_trades_open_at_once_in_all_markets_share_their_bars),
    };
    return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
