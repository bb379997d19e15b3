/* What the report says about trees: the column that decides is found in blocks they have not seen,
 * by shuffling and by SHAP, from a sample of rows whose labels are known. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "explain.h"
#include "wick/rng.h"

enum { T = 4000, S = 2, F = 4, TRAIN = 2000 };

typedef struct {
    float X[T * S * F], y[T * S];
    int32_t end[T * S];
    uint8_t valid[T * S];
    double sigma[T * S];
    wk_feature_table table;
    wk_columns data;
    wk_label label;
    wk_targets targets;
    wk_run_config config;
    uint32_t columns[F];
    wk_meta meta;
    wk_forest *forest;
    wk_arena arena;
} world;

/* Column 2 decides, column 0 helps a little, the others are noise; the last one is never seen. */
static world *make(int score)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    for (uint64_t r = 0; r < T * S; r++) {
        for (uint64_t f = 0; f < F; f++)
            w->X[r * F + f] = (float)wk_rng_normal(1, f, r);
        float v = w->X[r * F + 2] + 0.3f * w->X[r * F] + 0.5f * (float)wk_rng_normal(2, 0, r);
        w->y[r] = score == WK_SCORE_DIRECTION ? v > 0.4f ? 2 : v > -0.4f : v;
        w->end[r] = (int32_t)(r / S) + 3;
        w->valid[r] = r % 17 != 0;
    }
    w->table = (wk_feature_table){T, S, F, w->X, w->valid, w->sigma};
    w->data = (wk_columns){&w->table, NULL, 0};
    w->label = (wk_label){.y = w->y, .end = w->end};
    w->targets = (wk_targets){.n_targets = 1, .targets = &w->label, .direction = w->label};
    wk_err err;
    wk_arena_init(&w->arena);
    wk_config_defaults(&wk_gbdt_params_table, &w->arena, &w->config.meta.params);
    w->config.meta.params.rounds = 30;
    wk_gbdt_params p = w->config.meta.params;
    p.objective = score == WK_SCORE_DIRECTION ? WK_GBDT_SOFTPROB : WK_GBDT_SQUARED_ERROR;
    p.num_class = 3;
    p.early_stopping_rounds = 0;
    const wk_gbdt_data train = {
        .X = w->X, .n_rows = TRAIN * S, .n_cols = F, .stride = F, .y = w->y};
    if (wk_gbdt_train(&p, &train, NULL, NULL, 2, &w->forest, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    for (uint32_t f = 0; f < F; f++)
        w->columns[f] = f;
    w->meta = (wk_meta){.score = score,
                        .n_columns = F,
                        .columns = w->columns,
                        .n_plain = F,
                        .n_targets = 1,
                        .n_seeds = 1,
                        .forests = &w->forest};
    return w;
}

static wk_explain explain(world *w, size_t begin, size_t end, bool newest, int threads,
                          wk_arena *arena)
{
    wk_err err;
    wk_explain x = wk__explain_make(arena, F + 1, 8);
    if (wk__explain_fold(&x, &w->config, &w->targets, &w->data, &w->meta, begin, end, newest,
                         threads, arena, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return x;
}

static void finds(int score)
{
    world *w = make(score);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_explain x = explain(w, TRAIN + 10, T, true, 2, &arena),
               again = explain(w, TRAIN + 10, T, true, 1, &arena);
    assert_int_equal(x.rows_max, 512);
    assert_int_equal(x.n_rows, 512);
    assert_int_equal(x.n_folds, 1);
    assert_int_equal(x.n_shap, 240);
    assert_memory_equal(x.worse, again.worse, (F + 1) * sizeof *x.worse);
    assert_memory_equal(x.shap, again.shap, x.n_shap * (F + 1) * sizeof *x.shap);
    assert_true(x.worse[2] > 0.2 && x.worse[0] > 0.005 && x.worse[2] > 5 * x.worse[0]);
    assert_true(fabs(x.worse[1]) < 0.02 && fabs(x.worse[3]) < 0.02);
    assert_true(x.seen[4] == 0 && x.worse[4] == 0 && x.cover[4] == 0);
    double sum = 0, mean[F + 1] = {0};
    for (size_t c = 0; c < F; c++)
        sum += x.cover[c];
    assert_true(fabs(sum - 1) < 1e-9 && x.cover[2] > 0.3);
    /* High values of column 2 push up, low ones down. */
    size_t agree = 0;
    for (size_t i = 0; i < x.n_shap; i++) {
        for (size_t c = 0; c <= F; c++)
            mean[c] += fabs(x.shap[i * (F + 1) + c]) / (double)x.n_shap;
        agree += (x.shap[i * (F + 1) + 2] > 0) == (x.value[i * (F + 1) + 2] > 0);
    }
    assert_true(agree > x.n_shap * 9 / 10);
    assert_true(mean[2] > 2 * mean[0] && mean[0] > mean[1] && mean[4] == 0);
    wk_arena_finish(&arena);
    wk_forest_destroy(w->forest);
    wk_arena_finish(&w->arena);
    free(w);
}

static void test_the_column_that_decides_is_found(void **state)
{
    (void)state;
    finds(WK_SCORE_DIRECTION);
    finds(WK_SCORE_TARGETS);
}

/* Rows that are not valid, whose label is missing or ends behind the block are no part of it. */
static void test_only_rows_with_a_known_label_count(void **state)
{
    (void)state;
    world *w = make(WK_SCORE_TARGETS);
    wk_arena arena;
    wk_arena_init(&arena);
    w->config.split.embargo_bars = 2;
    size_t want = 0;
    for (size_t r = (TRAIN + 10) * S; r < (TRAIN + 110) * S; r++) {
        if (r % 13 == 0)
            w->y[r] = NAN;
        want += r % 17 != 0 && r % 13 != 0 && r / S + 3 + 2 < TRAIN + 110;
    }
    wk_explain x = explain(w, TRAIN + 10, TRAIN + 110, false, 1, &arena);
    assert_int_equal(x.n_rows, want);
    assert_int_equal(x.n_shap, 0);
    /* A block in which no label is known yet is no fold. */
    x = explain(w, T - 4, T, true, 1, &arena);
    assert_int_equal(x.n_folds, 0);
    assert_int_equal(x.n_shap, 0);
    wk_arena_finish(&arena);
    wk_forest_destroy(w->forest);
    wk_arena_finish(&w->arena);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_column_that_decides_is_found),
        cmocka_unit_test(test_only_rows_with_a_known_label_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
