/* The score's scale: a trailing root mean square that excludes the current bar. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/model.h"
#include "wick/rng.h"

static void test_score_is_scaled_by_the_past_only(void **state)
{
    (void)state;
    enum { S = 3, T = 200, WINDOW = 50, MIN = 10 };
    wk_arena arena;
    wk_arena_init(&arena);
    wk_score_scale *scale = wk_score_scale_plan(&arena, 1, WINDOW, MIN);
    static float raw[T][S];
    for (int t = 0; t < T; t++) {
        float score[S];
        for (int s = 0; s < S; s++)
            raw[t][s] =
                t % 7 == 0 && s == 1 ? NAN : (float)wk_rng_normal(1, 2, (uint64_t)(t * S + s));
        wk_score_scale_push(scale, raw[t], S, score);
        /* The definition, written the long way. */
        double sum = 0;
        int n = 0;
        for (int u = t - WINDOW < 0 ? 0 : t - WINDOW; u < t; u++, n++) {
            double square = 0;
            int k = 0;
            for (int s = 0; s < S; s++)
                if (!isnan(raw[u][s])) {
                    square += (double)raw[u][s] * (double)raw[u][s];
                    k++;
                }
            sum += square / k;
        }
        for (int s = 0; s < S; s++) {
            if (n < MIN || isnan(raw[t][s]))
                assert_true(isnan(score[s]));
            else
                assert_true(fabs((double)score[s] - (double)raw[t][s] / sqrt(sum / n)) < 1e-6);
        }
    }
    wk_arena_finish(&arena);
}

static void test_targets_are_averaged(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_score_scale *scale = wk_score_scale_plan(&arena, 2, 10, 1);
    const float first[2] = {2, 4}, second[2] = {1, -1};
    float score[1];
    wk_score_scale_push(scale, first, 1, score);
    assert_true(isnan(score[0]));
    wk_score_scale_push(scale, second, 1, score);
    assert_true(fabs((double)score[0] - (0.5 - 0.25) / 2) < 1e-7);
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_score_is_scaled_by_the_past_only),
        cmocka_unit_test(test_targets_are_averaged),
    };
    return cmocka_run_group_tests_name("score", tests, NULL, NULL);
}
