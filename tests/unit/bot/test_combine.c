/* Rules for models that disagree, by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "bucket.h"
#include "combine.h"
#include "wick/rng.h"

static const wk_forecast buy = {
    .p = {0.2f, 0.2f, 0.6f}, .score = 0.4f, .volatility = 0.02f, .threshold = 0.1f, .valid = 1};
static const wk_forecast sell = {
    .p = {0.7f, 0.2f, 0.1f}, .score = -0.6f, .volatility = 0.04f, .threshold = 0.3f, .valid = 1};
static const wk_forecast flat = {
    .p = {0.2f, 0.5f, 0.3f}, .score = 0.1f, .volatility = 0.02f, .valid = 1};
static const wk_forecast none = {0};

static bool near(float a, double b)
{
    return fabs((double)a - b) < 1e-6;
}

static void test_one_opinion_comes_back_bit_for_bit(void **state)
{
    (void)state;
    const wk_forecast odd = {.p = {0.1f, 0.3f, 0.6000001f}, .score = 1.0f / 3, .valid = 1};
    const wk__opinion opinions[] = {{&none, 1, 0}, {&odd, 0.7, 1}, {&sell, 0, 2}};
    for (int rule = WK_COMBINE_NET; rule <= WK_COMBINE_VETO; rule++) {
        wk_forecast f = wk__combine(rule, opinions, 3);
        assert_memory_equal(&f, &odd, sizeof f);
    }
    assert_int_equal(wk__combine(WK_COMBINE_NET, opinions, 1).valid, 0);
}

static void test_net_is_the_weighted_mean(void **state)
{
    (void)state;
    const wk__opinion opinions[] = {{&buy, 3, 0}, {&sell, 1, 0}};
    wk_forecast f = wk__combine(WK_COMBINE_NET, opinions, 2);
    assert_true(near(f.score, 0.15) && near(f.p[2], 0.475) && near(f.volatility, 0.025));
    assert_true(near(f.threshold, 0.3)); /* the strictest */
}

static void test_priority_takes_the_first_that_wants_something(void **state)
{
    (void)state;
    const wk__opinion opinions[] = {{&sell, 1, 5}, {&flat, 1, 1}, {&buy, 1, 3}};
    assert_true(near(wk__combine(WK_COMBINE_PRIORITY, opinions, 3).score, 0.4));
    const wk__opinion holds[] = {{&flat, 1, 1}, {&flat, 1, 3}};
    assert_true(near(wk__combine(WK_COMBINE_PRIORITY, holds, 2).p[1], 1));
}

static void test_a_vote_needs_more_than_half(void **state)
{
    (void)state;
    const wk__opinion tie[] = {{&buy, 1, 0}, {&sell, 1, 0}};
    wk_forecast f = wk__combine(WK_COMBINE_VOTE, tie, 2);
    assert_true(f.valid && near(f.score, 0) && wk__opinion_side(&f) == 0);
    const wk__opinion held[] = {{&buy, 1, 0}, {&flat, 1, 0}, {&flat, 1, 0}};
    assert_true(near(wk__combine(WK_COMBINE_VOTE, held, 3).score, 0));
    const wk__opinion won[] = {{&buy, 2, 0}, {&sell, 1, 0}};
    assert_true(near(wk__combine(WK_COMBINE_VOTE, won, 2).score, 0.4));
}

static void test_one_veto_is_enough(void **state)
{
    (void)state;
    const wk__opinion against[] = {{&buy, 9, 0}, {&sell, 0.1, 0}};
    assert_true(near(wk__combine(WK_COMBINE_VETO, against, 2).score, 0));
    const wk__opinion indifferent[] = {{&buy, 1, 0}, {&flat, 9, 0}};
    assert_true(near(wk__combine(WK_COMBINE_VETO, indifferent, 2).score, 0.4));
}

/* Money is credited to a model by it. */
static void test_the_speaker_is_on_the_side_that_won(void **state)
{
    (void)state;
    static const int rules[] = {WK_COMBINE_NET, WK_COMBINE_PRIORITY, WK_COMBINE_VOTE,
                                WK_COMBINE_VETO};
    static const wk__opinion cases[][3] = {
        {{&sell, 1, 9}, {&buy, 5, 8}, {&sell, 2, 7}},  /* buys outweigh, but for who is first */
        {{&flat, 9, 1}, {&sell, 1, 3}, {&sell, 2, 2}}, /* HOLD wins the vote alone, and leans */
        {{&none, 9, 1}, {&buy, 0, 2}, {&buy, 1, 3}},   /* who does not speak has no say */
    };
    static const size_t wanted[][4] = {{1, 2, 1, 0}, {2, 2, 0, 2}, {2, 2, 2, 2}};
    for (size_t c = 0; c < 3; c++)
        for (size_t r = 0; r < 4; r++) {
            wk_forecast f = wk__combine(rules[r], cases[c], 3);
            size_t k = wk__combine_speaker(rules[r], cases[c], 3, &f);
            bool held = !(fabsf(f.score) > 0); /* then nothing is traded, and any will do */
            if (!held && k != wanted[c][r])
                fail_msg("case %zu rule %d: %zu speaks, not %zu", c, rules[r], k, wanted[c][r]);
        }
    assert_true(wk__combine_speaker(WK_COMBINE_NET, cases[2], 2, &none) == SIZE_MAX);
}

static void test_the_side_of_scores_without_classes_is_their_sign(void **state)
{
    (void)state;
    const wk_forecast up = {.score = 2, .valid = 1}, down = {.score = -0.5f, .valid = 1},
                      zero = {.valid = 1};
    assert_int_equal(wk__opinion_side(&up), 1);
    assert_int_equal(wk__opinion_side(&down), -1);
    assert_int_equal(wk__opinion_side(&zero), 0);
    const wk__opinion opinions[] = {{&up, 1, 0}, {&down, 1, 0}};
    assert_true(near(wk__combine(WK_COMBINE_NET, opinions, 2).score, 0.75));
}

/* The stream of buckets equals wk_series_resample, holes and provenance included. */
static void test_buckets_equal_the_resampled_series(void **state)
{
    (void)state;
    enum { N = 500 };
    const int64_t minute = INT64_C(60000000000), five = 5 * minute;
    wk_series series, coarse;
    wk_err err;
    assert_int_equal(wk_series_create("v", "S", minute, N, &series, &err), WK_OK);
    size_t n = 0;
    static wk_bar cells[N];
    static uint8_t provenance[N];
    for (int i = 0; i < N; i++) {
        uint64_t r = wk_rng_u64(1, 0, (uint64_t)i);
        double p = 100 + (double)(r % 1000) / 100;
        cells[i] = (wk_bar){i * minute, p, p + 1, p - 1, p + 0.5, (double)(r % 7)};
        provenance[i] = i / 30 % 3 == 1 || r % 4 == 0 ? WK_PROV_UNKNOWN : (uint8_t)(r / 8 % 4);
        if (provenance[i] != WK_PROV_UNKNOWN) {
            series.bars[n] = cells[i];
            series.provenance[n++] = provenance[i];
        }
    }
    series.n = n;
    assert_int_equal(wk_series_resample(&series, five, &coarse, &err), WK_OK);
    size_t at = 0;
    for (int i = 0; i < N; i += 5) {
        wk__bucket bucket;
        wk_bar bar;
        uint8_t from;
        wk__bucket_begin(&bucket, i * minute);
        for (int k = 0; k < 5; k++)
            wk__bucket_add(&bucket, &cells[i + k], provenance[i + k]);
        wk__bucket_close(&bucket, &bar, &from);
        if (from == WK_PROV_UNKNOWN) {
            assert_true(isnan(bar.close));
            continue;
        }
        if (at == coarse.n)
            break; /* the last bucket of the series may not be whole */
        assert_memory_equal(&bar, &coarse.bars[at], sizeof bar);
        assert_int_equal(from, coarse.provenance[at++]);
    }
    assert_true(at > 60);
    wk_series_finish(&series);
    wk_series_finish(&coarse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_opinion_comes_back_bit_for_bit),
        cmocka_unit_test(test_net_is_the_weighted_mean),
        cmocka_unit_test(test_priority_takes_the_first_that_wants_something),
        cmocka_unit_test(test_a_vote_needs_more_than_half),
        cmocka_unit_test(test_one_veto_is_enough),
        cmocka_unit_test(test_the_speaker_is_on_the_side_that_won),
        cmocka_unit_test(test_the_side_of_scores_without_classes_is_their_sign),
        cmocka_unit_test(test_buckets_equal_the_resampled_series),
    };
    return cmocka_run_group_tests_name("combine", tests, NULL, NULL);
}
