/* The simulated market: consistent bars, the planted mean, its size, and nothing without an edge.
 */
#include "temp.h"

#include <math.h>

#include "wick/math.h"
#include "wick/synthetic.h"

enum { S = 5, T = 40000 };

static wk_panel simulate(double edge, uint64_t seed, size_t n_steps, double *mean)
{
    wk_synthetic_params p = {.seed = seed,
                             .S = S,
                             .T = n_steps,
                             .start_ns = 0,
                             .timeframe_ns = HOUR,
                             .edge = edge,
                             .sigma_bar = 0.008};
    wk_panel panel;
    wk_err err = {0};
    if (wk_synthetic_panel(&p, &panel, mean, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return panel;
}

static double next_return(const wk_panel *p, size_t t, size_t s)
{
    const wk_bar *b = &p->bars[(t + 1) * S + s];
    return wk_log(b->close / b->open);
}

static void test_bars_are_consistent_and_continuous(void **state)
{
    (void)state;
    wk_panel p = simulate(0.1, 1, 5000, NULL);
    assert_string_equal(p.symbols[3], "SYN3");
    for (size_t i = 0; i < p.T * S; i++) {
        assert_null(wk_bar_problem(&p.bars[i]));
        assert_int_equal(p.provenance[i], WK_PROV_TRADED);
        assert_true(p.bars[i].time_ns == (int64_t)(i / S) * HOUR && p.bars[i].volume > 0);
        if (i >= S)
            assert_true(p.bars[i].open == p.bars[i - S].close);
    }
    wk_series one = {.n = p.T * S, .bars = p.bars};
    int price, volume;
    wk_series_decimals(&one, &price, &volume);
    assert_true(price <= 6 && volume <= 3);
    wk_panel_finish(&p);
}

static void test_the_same_seed_gives_the_same_bits_and_another_does_not(void **state)
{
    (void)state;
    wk_panel a = simulate(0.1, 1, 1000, NULL), b = simulate(0.1, 1, 1500, NULL),
             c = simulate(0.1, 2, 1000, NULL);
    assert_memory_equal(a.bars, b.bars, 1000 * S * sizeof *a.bars); /* nor does the length matter */
    assert_true(memcmp(a.bars, c.bars, 1000 * S * sizeof *a.bars) != 0);
    wk_panel_finish(&a);
    wk_panel_finish(&b);
    wk_panel_finish(&c);
}

typedef struct {
    double correlation, slope, deviation;
} relation;

/* Of the realised next return with x (zero-mean by construction). */
static relation relate(const wk_panel *p, const double *x)
{
    double xx = 0, rr = 0, xr = 0;
    size_t n = 0;
    for (size_t t = 3; t + 1 < p->T; t++)
        for (size_t s = 0; s < S; s++) {
            double r = next_return(p, t, s), v = x[t * S + s];
            xx += v * v;
            rr += r * r;
            xr += v * r;
            n++;
        }
    return (relation){xr / sqrt(xx * rr), xr / xx, sqrt(rr / (double)n)};
}

/* 200k bars: a standard error of 0.003 in the correlation (the markets are correlated, so about
 * 0.005). */
static void test_the_mean_is_worth_the_edge(void **state)
{
    (void)state;
    double *mean = calloc((size_t)T * S, sizeof *mean);
    static const double edges[] = {0.05, 0.10, 0.20};
    for (int i = 0; i < 3; i++) {
        wk_panel p = simulate(edges[i], 10 + (uint64_t)i, T, mean);
        relation r = relate(&p, mean);
        if (fabs(r.correlation - edges[i]) > 0.015 || fabs(r.slope - 1) > 0.25 ||
            fabs(r.deviation / 0.008 - 1) > 0.15)
            fail_msg("edge %g: correlation %g, slope %g, deviation %g", edges[i], r.correlation,
                     r.slope, r.deviation);
        wk_panel_finish(&p);
    }
    free(mean);
}

/* A rule that anyone can compute from closed bars: fade the last eight bars' return, more so when
 * the leader went the other way. It finds most of the planted mean, and nothing without an edge. */
static void naive_score(const wk_panel *p, double *score)
{
    double variance[S];
    for (size_t s = 0; s < S; s++)
        variance[s] = 0.008 * 0.008;
    for (size_t t = 0; t < p->T; t++)
        for (size_t s = 0; s < S; s++) {
            double r = t > 0 ? next_return(p, t - 1, s) : 0, own = 0, lead = 0;
            variance[s] = 0.94 * variance[s] + 0.06 * r * r;
            for (size_t i = 1; t > 8 && i <= 8; i++) {
                own += next_return(p, t - i, s);
                lead += i <= 4 ? next_return(p, t - i, 0) : 0;
            }
            double u = fmax(-2, fmin(2, own / sqrt(8 * variance[s])));
            double v = fmax(-1, fmin(1, lead / sqrt(4 * variance[s]) * (u < 0 ? -1 : 1)));
            score[t * S + s] = -u * (0.6 - 0.9 * v);
        }
}

static void test_closed_bars_recover_most_of_the_edge_and_a_random_walk_has_none(void **state)
{
    (void)state;
    double *score = calloc((size_t)T * S, sizeof *score),
           *mean = calloc((size_t)T * S, sizeof *mean);
    wk_panel p = simulate(0.10, 21, T, mean);
    naive_score(&p, score);
    relation r = relate(&p, score);
    if (r.correlation < 0.06)
        fail_msg("edge 0.10: the closed bars' score correlates by only %g", r.correlation);
    wk_panel_finish(&p);
    p = simulate(0, 22, T, mean);
    for (size_t i = 0; i < (size_t)T * S; i++)
        assert_true(mean[i] == 0);
    naive_score(&p, score);
    r = relate(&p, score);
    size_t up = 0, right = 0, n = 0;
    for (size_t t = 3; t + 1 < T; t++)
        for (size_t s = 0; s < S; s++, n++) {
            double next = next_return(&p, t, s);
            up += next > 0;
            right += (next > 0) == (score[t * S + s] > 0);
        }
    double hit = (double)right / (double)n, share_up = (double)up / (double)n;
    if (fabs(r.correlation) > 0.015 || fabs(hit - 0.5) > 0.0075 || fabs(share_up - 0.5) > 0.015)
        fail_msg("edge 0: correlation %g, hit rate %g, share up %g", r.correlation, hit, share_up);
    wk_panel_finish(&p);
    free(mean);
    free(score);
}

static void test_volatility_clusters_and_tails_are_fat(void **state)
{
    (void)state;
    wk_panel p = simulate(0, 31, T, NULL);
    double r2 = 0, r4 = 0, lagged = 0, common = 0, lag1 = 0;
    size_t n = 0;
    for (size_t t = 0; t + 2 < T; t++, n++) {
        double a = next_return(&p, t, 1), b = next_return(&p, t + 1, 1), c = next_return(&p, t, 2);
        r2 += a * a;
        r4 += a * a * a * a;
        lagged += a * a * b * b;
        lag1 += a * b;
        common += a * c;
    }
    double variance = r2 / (double)n;
    double clustering =
        (lagged / (double)n - variance * variance) / (r4 / (double)n - variance * variance);
    assert_true(r4 / (double)n / (variance * variance) > 4.5);
    assert_true(clustering > 0.08);
    assert_true(common / r2 > 0.4 && common / r2 < 0.75);
    assert_true(fabs(lag1 / r2) < 0.03);
    wk_panel_finish(&p);
}

static void test_wrong_parameters_are_refused(void **state)
{
    (void)state;
    wk_panel p = {.T = 77};
    wk_err err;
    wk_synthetic_params good = {.seed = 1,
                                .S = 1,
                                .T = 10,
                                .timeframe_ns = HOUR,
                                .sigma_bar = 0.01},
                        bad[5];
    for (int i = 0; i < 5; i++)
        bad[i] = good;
    bad[0].S = 0;
    bad[1].sigma_bar = 0;
    bad[2].edge = NAN;
    bad[3].T = 10000000;
    bad[4].timeframe_ns = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(wk_synthetic_panel(&bad[i], &p, NULL, &err), WK_E_ARG);
    assert_int_equal(p.T, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bars_are_consistent_and_continuous),
        cmocka_unit_test(test_the_same_seed_gives_the_same_bits_and_another_does_not),
        cmocka_unit_test(test_the_mean_is_worth_the_edge),
        cmocka_unit_test(test_closed_bars_recover_most_of_the_edge_and_a_random_walk_has_none),
        cmocka_unit_test(test_volatility_clusters_and_tails_are_fat),
        cmocka_unit_test(test_wrong_parameters_are_refused),
    };
    return cmocka_run_group_tests_name("synthetic", tests, NULL, NULL);
}
