/* The golden tables of make_xgboost.py, with times, and parameters to begin with. */
#ifndef CV_TABLE_H
#define CV_TABLE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wick/file.h"
#include "wick/gbdt_cv.h"

enum { COLS = 6, ROWS = 1000 };

typedef struct {
    float X[ROWS * COLS], y[ROWS], w[ROWS];
    double time[ROWS];
    wk_gbdt_data data;
} table;

static inline char *read_golden(const char *name, const char *ending)
{
    char path[512], *text = NULL;
    wk_err err;
    snprintf(path, sizeof path, GOLDEN_DIR "/%s%s", name, ending);
    if (wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return text;
}

static inline float next_cell(char **at)
{
    char *end = *at + strcspn(*at, ",\n");
    float value = end == *at ? NAN : strtof(*at, NULL);
    *at = end + (*end != 0);
    return value;
}

static inline table *load(const char *name)
{
    table *t = calloc(1, sizeof *t);
    assert_non_null(t);
    char *text = read_golden(name, ".csv"), *at = text;
    size_t n = 0;
    for (; *at; n++) {
        assert_true(n < ROWS);
        t->y[n] = next_cell(&at);
        t->w[n] = next_cell(&at);
        for (size_t f = 0; f < COLS; f++)
            t->X[n * COLS + f] = next_cell(&at);
    }
    for (size_t i = 0; i < n; i++)
        t->time[i] = (double)(100 + i * 389 % n / 3);
    free(text);
    t->data = (wk_gbdt_data){
        .X = t->X, .n_rows = n, .n_cols = COLS, .stride = COLS, .y = t->y, .weight = t->w};
    return t;
}

static inline wk_gbdt_params params_of(wk_gbdt_objective objective, size_t rounds)
{
    return (wk_gbdt_params){.objective = objective,
                            .num_class = objective == WK_GBDT_SOFTPROB ? 3 : 0,
                            .rounds = (int64_t)rounds,
                            .eta = 0.3,
                            .max_depth = 4,
                            .max_bin = 255,
                            .lambda = 1,
                            .min_child_weight = 1,
                            .min_rows_leaf = 1,
                            .subsample = 1,
                            .colsample_bytree = 1,
                            .base_score = NAN};
}

static inline void assert_same_forest(const wk_forest *a, const wk_forest *b, const table *t)
{
    assert_int_equal(wk_forest_n_trees(a), wk_forest_n_trees(b));
    for (size_t i = 0; i < t->data.n_rows; i++) {
        float x[3], y[3];
        wk_forest_margin(a, t->X + i * COLS, x);
        wk_forest_margin(b, t->X + i * COLS, y);
        assert_memory_equal(x, y, wk_forest_n_outputs(a) * sizeof *x);
    }
}

#endif
