/* Folds: what may train for a test block, what stays together, what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wick/gbdt_cv.h"
#include "wick/rng.h"

/* Random times and ends: no row trains whose label reaches into the test block or its embargo, none
 * later than the block, and every row of a later block is tested once. */
static void test_no_training_label_reaches_a_test_block(void **state)
{
    (void)state;
    enum { N = 700 };
    double time[N], end[N];
    for (uint64_t round = 0; round < 40; round++) {
        wk_gbdt_split_params split = {
            .split = round % 2 ? WK_GBDT_SPLIT_ROLLING : WK_GBDT_SPLIT_EXPANDING,
            .nfold = (int64_t)(2 + wk_rng_below(1, 0, round, 6)),
            .embargo = (double)wk_rng_below(1, 1, round, 20),
            .train_window = round % 2 ? 120 + (double)wk_rng_below(1, 2, round, 200) : 0};
        for (uint64_t i = 0; i < N; i++) {
            time[i] = 1.7e18 + (double)wk_rng_below(2 + round, 0, i, 1000) * 256;
            end[i] = time[i] + (double)wk_rng_below(2 + round, 1, i, 40) * 256;
        }
        split.embargo *= 256;
        split.train_window *= 256;
        wk_gbdt_fold *folds;
        size_t n_folds;
        wk_arena arena;
        wk_err err;
        wk_arena_init(&arena);
        if (wk_gbdt_folds_make(&split, N, NULL, false, NULL, time, end, &arena, &folds, &n_folds,
                               &err) != WK_OK)
            fail_msg("round %zu: %s", (size_t)round, err.msg);
        size_t tested[N] = {0};
        double first = INFINITY;
        for (size_t k = 0; k < n_folds; k++) {
            double begin = INFINITY;
            for (size_t i = 0; i < folds[k].n_test; i++) {
                begin = fmin(begin, time[folds[k].test[i]]);
                tested[folds[k].test[i]]++;
            }
            first = fmin(first, begin);
            assert_true(folds[k].n_train > 0);
            for (size_t i = 0; i < folds[k].n_train; i++) {
                uint32_t r = folds[k].train[i];
                assert_true(end[r] + split.embargo < begin && time[r] < begin);
                assert_true(i == 0 || r > folds[k].train[i - 1]);
                if (split.train_window > 0)
                    assert_true(time[r] >= begin - split.train_window);
            }
            /* Nothing was left out that might have trained. */
            size_t allowed = 0;
            for (size_t i = 0; i < N; i++)
                allowed += end[i] + split.embargo < begin && time[i] < begin &&
                           !(split.train_window > 0 && time[i] < begin - split.train_window);
            assert_int_equal(allowed, folds[k].n_train);
        }
        for (size_t i = 0; i < N; i++)
            assert_int_equal(tested[i], time[i] >= first);
        wk_arena_finish(&arena);
    }
}

static void test_groups_stay_together_and_folds_are_alike(void **state)
{
    (void)state;
    enum { N = 600 };
    uint64_t group[N];
    uint32_t fold_of[40];
    for (uint64_t i = 0; i < N; i++)
        group[i] = 1000000007 * wk_rng_below(4, 0, i, 40);
    const wk_gbdt_split_params split = {.split = WK_GBDT_SPLIT_AUTO, .nfold = 5};
    wk_gbdt_fold *folds;
    size_t n_folds;
    wk_arena arena;
    wk_err err;
    wk_arena_init(&arena);
    assert_int_equal(wk_gbdt_folds_make(&split, N, NULL, true, group, NULL, NULL, &arena, &folds,
                                        &n_folds, &err),
                     WK_OK);
    memset(fold_of, 0xff, sizeof fold_of);
    size_t total = 0;
    for (size_t k = 0; k < n_folds; k++) {
        total += folds[k].n_test;
        assert_true(folds[k].n_test >= 100 && folds[k].n_test <= 140);
        assert_int_equal(folds[k].n_test + folds[k].n_train, N);
        for (size_t i = 0; i < folds[k].n_test; i++) {
            uint32_t *f = &fold_of[group[folds[k].test[i]] / 1000000007];
            assert_true(*f == UINT32_MAX || *f == k);
            *f = (uint32_t)k;
        }
    }
    assert_int_equal(total, N);
    wk_arena_finish(&arena);
}

static void test_unusable_folds_are_refused(void **state)
{
    (void)state;
    enum { N = 60 };
    float y[N];
    double time[N], end[N];
    uint64_t group[N];
    for (size_t i = 0; i < N; i++) {
        y[i] = (float)(i % 2);
        time[i] = (double)i;
        end[i] = (double)i + 1;
        group[i] = i / 20;
    }
    const struct {
        wk_gbdt_split_params split;
        bool timed, ended, grouped;
        int what; /* 1: a time is NaN, 2: an end before its time, 3: labels that are no classes, 4:
                     a label is NaN, 5: one time for all */
        const char *words;
    } bad[] = {
        {{.nfold = 1}, 0, 0, 0, 0, "nfold is 1"},
        {{.nfold = 61}, 0, 0, 0, 0, "nfold is 61 for 60 rows"},
        {{.split = 9, .nfold = 2}, 0, 0, 0, 0, "split is 9"},
        {{.split = WK_GBDT_SPLIT_EXPANDING, .nfold = 3}, 0, 0, 0, 0, "name time_column"},
        {{.split = WK_GBDT_SPLIT_GROUP, .nfold = 3}, 0, 0, 0, 0, "name group_column"},
        {{.split = WK_GBDT_SPLIT_ROLLING, .nfold = 3}, 1, 0, 0, 0, "train_window above 0"},
        {{.nfold = 3, .train_window = 5}, 1, 0, 0, 0, "rolling only"},
        {{.nfold = 3, .embargo = -1}, 1, 0, 0, 0, "0 or more"},
        {{.nfold = 3}, 1, 0, 0, 1, "row 7 has time nan"},
        {{.nfold = 3}, 1, 1, 0, 2, "row 7: the label's end"},
        {{.nfold = 4}, 0, 0, 1, 0, "3 groups do not fill 4 folds"},
        {{.nfold = 3}, 0, 0, 0, 3, "are no classes"},
        {{.nfold = 3}, 0, 0, 0, 4, "row 7 has label nan"},
        {{.nfold = 3, .horizon = 20}, 1, 0, 0, 0, "fold 1 of 3 has 15 rows to test and 0 to train"},
        {{.nfold = 3, .embargo = 1e9}, 1, 0, 0, 0, "fold 1 of 3"},
        {{.nfold = 3}, 1, 0, 0, 5, "fold 1 of 3 has 0 rows to test"},
        {{.split = WK_GBDT_SPLIT_ROLLING, .nfold = 3, .train_window = 2, .horizon = 2},
         1,
         0,
         0,
         0,
         "fold 1 of 3"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        float labels[N];
        double times[N], ends[N];
        wk_gbdt_fold *folds;
        size_t n_folds;
        wk_arena arena;
        wk_err err = {0};
        memcpy(labels, y, sizeof y);
        memcpy(times, time, sizeof time);
        memcpy(ends, end, sizeof end);
        for (size_t r = 0; r < N; r++) {
            labels[r] = bad[i].what == 3 ? (float)r : labels[r];
            times[r] = bad[i].what == 5 ? 3 : times[r];
        }
        times[7] = bad[i].what == 1 ? NAN : times[7];
        ends[7] = bad[i].what == 2 ? 6 : ends[7];
        labels[7] = bad[i].what == 4 ? NAN : labels[7];
        wk_arena_init(&arena);
        wk_status status =
            wk_gbdt_folds_make(&bad[i].split, N, labels, true, bad[i].grouped ? group : NULL,
                               bad[i].timed ? times : NULL, bad[i].ended ? ends : NULL, &arena,
                               &folds, &n_folds, &err);
        if (status >= 0 || !strstr(err.msg, bad[i].words))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, err.msg, bad[i].words);
        wk_arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_training_label_reaches_a_test_block),
        cmocka_unit_test(test_groups_stay_together_and_folds_are_alike),
        cmocka_unit_test(test_unusable_folds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
