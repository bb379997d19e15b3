/* Labels: values by hand, absence, the prefix property, uniqueness. */
#include "temp.h"

#include <math.h>

#include "wick/labels.h"
#include "wick/rng.h"

static wk_panel panel_of(const double (*ohlc)[4], size_t T)
{
    wk_panel p = {.T = T, .S = 1, .timeframe_ns = HOUR};
    p.bars = calloc(T, sizeof *p.bars);
    p.provenance = calloc(T, 1);
    for (size_t t = 0; t < T; t++)
        p.bars[t] = (wk_bar){(int64_t)t * HOUR, ohlc[t][0], ohlc[t][1], ohlc[t][2], ohlc[t][3], 1};
    return p;
}

static const double path[6][4] = {{100, 101, 99, 100},        {100, 100.4, 99.8, 100.2},
                                  {100.2, 101.2, 100.1, 101}, {101, 101.5, 98, 99},
                                  {99, 99.5, 98.5, 99.2},     {99.2, 99.3, 99.1, 99.2}};

static void make(wk_label_config c, const wk_panel *p, const double *sigma, float *y, int32_t *end)
{
    wk_err err = {0};
    if (wk_labels_make(&c, p, sigma, y, end, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static void test_horizon_returns_run_from_open_to_open(void **state)
{
    (void)state;
    wk_panel p = panel_of(path, 6);
    float y[6];
    int32_t end[6];
    make((wk_label_config){.kind = WK_LABEL_FORWARD_RETURN, .horizon_bars = 2}, &p, NULL, y, end);
    assert_float_equal(y[0], 0.00995033, 1e-7); /* log(101 / 100) */
    assert_int_equal(end[0], 3);
    assert_float_equal(y[2], -0.01798257, 1e-7); /* log(99.2 / 101) */
    assert_true(isnan(y[3]) && end[3] == 0 && isnan(y[5]));
    make((wk_label_config){.kind = WK_LABEL_BOUNDED, .horizon_bars = 1, .bound = 0.005}, &p, NULL,
         y, end);
    assert_float_equal(y[0], 0.399600532, 1e-6); /* log(100.2 / 100) / 0.005 */
    assert_true(y[1] == 1 && y[2] == -1);
    make((wk_label_config){.kind = WK_LABEL_THRESHOLD, .horizon_bars = 1, .bound = 0.005}, &p, NULL,
         y, end);
    assert_true(y[0] == 1 && y[1] == 2 && y[2] == 0 && y[3] == 1);
    double sigma[6] = {0.01, 0.001, NAN, 0, 0.01, 0.01};
    make(
        (wk_label_config){
            .kind = WK_LABEL_THRESHOLD, .horizon_bars = 1, .bound = 1, .vol_scaled = true},
        &p, sigma, y, end);
    assert_true(y[0] == 1 && y[1] == 2 && isnan(y[2]) && isnan(y[3]) && end[2] == 0);
    free(p.bars);
    free(p.provenance);
}

static void test_triple_barrier_touches(void **state)
{
    (void)state;
    wk_panel p = panel_of(path, 6);
    float y[6];
    int32_t end[6];
    make((wk_label_config){.kind = WK_LABEL_TRIPLE_BARRIER, .horizon_bars = 2, .bound = 0.01}, &p,
         NULL, y, end);
    assert_true(y[0] == 1);  /* 101.2 >= 101 in step 2 */
    assert_true(y[1] == 0);  /* step 3 sees 101.5 and 98 */
    assert_true(y[2] == -1); /* 98 <= 99.99 in step 3, before anything above 102.01 */
    assert_float_equal(y[3], 0.2020202, 1e-6); /* (99.2 / 99 - 1) / 0.01 at time out */
    assert_true(end[0] == 2 && end[3] == 5 && isnan(y[4]) && end[4] == 0);
    make((wk_label_config){.kind = WK_LABEL_TRIPLE_BARRIER,
                           .horizon_bars = 1,
                           .bound = 0.01,
                           .take_profit = 0.5,
                           .stop_loss = 0.5},
         &p, NULL, y, end);
    assert_float_equal(y[2], -0.0396039, 1e-6); /* (99 / 101 - 1) / 0.5 */
    free(p.bars);
    free(p.provenance);
}

static void test_volatility_counts_the_first_bar_from_its_open(void **state)
{
    (void)state;
    wk_panel p = panel_of(path, 6);
    float y[6];
    int32_t end[6];
    make((wk_label_config){.kind = WK_LABEL_VOLATILITY, .horizon_bars = 2}, &p, NULL, y, end);
    /* numpy: sqrt(mean(log([100.2/100, 101/100.2])**2)) */
    assert_float_equal(y[0], 0.005797911, 1e-8);
    assert_int_equal(end[0], 2);
    free(p.bars);
    free(p.provenance);
}

static void test_unknown_bars_take_their_labels_with_them(void **state)
{
    (void)state;
    wk_panel p = panel_of(path, 6);
    p.provenance[2] = WK_PROV_UNKNOWN;
    p.bars[2] = (wk_bar){p.bars[2].time_ns, NAN, NAN, NAN, NAN, NAN};
    float y[6];
    int32_t end[6];
    make((wk_label_config){.kind = WK_LABEL_FORWARD_RETURN, .horizon_bars = 2}, &p, NULL, y, end);
    assert_true(!isnan(y[0]) && isnan(y[1]) && !isnan(y[2])); /* only t+1 and t+3 are asked for */
    make((wk_label_config){.kind = WK_LABEL_FORWARD_RETURN, .horizon_bars = 1}, &p, NULL, y, end);
    assert_true(isnan(y[0]) && isnan(y[1]) && !isnan(y[2]));
    make((wk_label_config){.kind = WK_LABEL_VOLATILITY, .horizon_bars = 2}, &p, NULL, y, end);
    assert_true(isnan(y[0]) && isnan(y[1]) && !isnan(y[2]) && end[0] == 0);
    make((wk_label_config){.kind = WK_LABEL_TRIPLE_BARRIER, .horizon_bars = 2, .bound = 0.0001}, &p,
         NULL, y, end);
    assert_true(isnan(y[0]) && isnan(y[1]) && !isnan(y[2]));
    free(p.bars);
    free(p.provenance);
}

/* A label is there, bit for bit, as soon as its end lies inside the prefix, and not before. */
static void test_labels_of_a_prefix_equal_those_of_the_whole(void **state)
{
    (void)state;
    enum { T = 300, S = 3 };
    wk_panel p = {.T = T, .S = S, .timeframe_ns = HOUR};
    p.bars = calloc(T * S, sizeof *p.bars);
    p.provenance = calloc(T * S, 1);
    double *sigma = calloc(T * S, sizeof *sigma), last[S] = {100, 10, 1};
    for (size_t i = 0; i < T * S; i++) {
        double o = last[i % S], c = o * (1 + 0.02 * (wk_rng_uniform(5, 1, i) - 0.5));
        p.bars[i] =
            (wk_bar){(int64_t)(i / S) * HOUR, o, fmax(o, c) * 1.004, fmin(o, c) * 0.996, c, 1};
        p.provenance[i] = wk_rng_below(5, 2, i, 25) == 0 ? WK_PROV_UNKNOWN : WK_PROV_TRADED;
        sigma[i] = 0.003 + 0.002 * wk_rng_uniform(5, 3, i);
        last[i % S] = c;
    }
    static float whole[T * S], part[T * S];
    static int32_t whole_end[T * S], part_end[T * S];
    for (int kind = WK_LABEL_BOUNDED; kind <= WK_LABEL_VOLATILITY; kind++)
        for (int scaled = 0; scaled < 2; scaled++) {
            wk_label_config c = {.kind = kind,
                                 .horizon_bars = 7,
                                 .bound = scaled ? 1.0 : 0.01,
                                 .vol_scaled = scaled};
            make(c, &p, sigma, whole, whole_end);
            size_t present = 0;
            for (size_t prefix = 1; prefix < T; prefix += 13) {
                wk_panel cut = p;
                cut.T = prefix;
                make(c, &cut, sigma, part, part_end);
                for (size_t i = 0; i < prefix * S; i++) {
                    int inside = whole_end[i] > 0 && (size_t)whole_end[i] < prefix;
                    present += (size_t)inside;
                    if (inside)
                        assert_true(!memcmp(&part[i], &whole[i], sizeof *part) &&
                                    part_end[i] == whole_end[i]);
                    else
                        assert_true(isnan(part[i]) && part_end[i] == 0);
                }
            }
            assert_true(present > 1000);
        }
    free(p.bars);
    free(p.provenance);
    free(sigma);
}

static void test_uniqueness_equals_the_published_example(void **state)
{
    (void)state;
    /* Six labels that start in bars 0..5 and last three: concurrency 1 2 3 3 3 3 2 1. A label of
     * step t lives from bar t+1, so that the example sits in steps 0..5 with bars 1..8. */
    int32_t end[9] = {3, 4, 5, 6, 7, 8, 0, 0, 0};
    float w[9];
    wk_labels_uniqueness(end, 9, 1, w);
    static const double want[9] = {.611111, .388889, .333333, .333333, .388889, .611111, 0, 0, 0};
    for (int i = 0; i < 9; i++)
        assert_float_equal(w[i], want[i], 1e-6);
}

static void test_wrong_configurations_are_refused(void **state)
{
    (void)state;
    wk_panel p = panel_of(path, 6);
    float y[6] = {42};
    int32_t end[6];
    wk_err err;
    assert_int_equal(
        wk_labels_make(&(wk_label_config){.kind = 9, .horizon_bars = 1}, &p, NULL, y, end, &err),
        WK_E_ARG);
    assert_int_equal(wk_labels_make(&(wk_label_config){.kind = 0, .horizon_bars = 0, .bound = 1},
                                    &p, NULL, y, end, &err),
                     WK_E_ARG);
    assert_int_equal(
        wk_labels_make(&(wk_label_config){.kind = 0, .horizon_bars = 1}, &p, NULL, y, end, &err),
        WK_E_ARG);
    assert_int_equal(
        wk_labels_make(
            &(wk_label_config){.kind = 0, .horizon_bars = 1, .bound = 1, .vol_scaled = true}, &p,
            NULL, y, end, &err),
        WK_E_ARG);
    assert_true(y[0] == 42);
    free(p.bars);
    free(p.provenance);
}

static void test_the_default_is_the_bounded_three_bar_return(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_label_config c;
    wk_config_defaults(&wk_label_config_table, &arena, &c);
    assert_true(c.kind == WK_LABEL_BOUNDED && c.horizon_bars == 3 && c.bound == 0.005);
    assert_true(c.take_profit == 0 && c.stop_loss == 0 && !c.vol_scaled);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_horizon_returns_run_from_open_to_open),
        cmocka_unit_test(test_triple_barrier_touches),
        cmocka_unit_test(test_volatility_counts_the_first_bar_from_its_open),
        cmocka_unit_test(test_unknown_bars_take_their_labels_with_them),
        cmocka_unit_test(test_labels_of_a_prefix_equal_those_of_the_whole),
        cmocka_unit_test(test_uniqueness_equals_the_published_example),
        cmocka_unit_test(test_wrong_configurations_are_refused),
        cmocka_unit_test(test_the_default_is_the_bounded_three_bar_return),
    };
    return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
