/* What the tests of training's options share: a table of several blocks with holes, categories,
 * weights and query groups, and forests trained from it. */
#ifndef WICK_TEST_OPTIONS_FIXTURE_H
#define WICK_TEST_OPTIONS_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "boost.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/rng.h"

#define ROWS 9000 /* more than two blocks of rows */
#define COLS 20   /* more than one block of features */
#define GROUPS 450

typedef struct {
    float X[ROWS * COLS], y[ROWS], weight[ROWS], label[ROWS], base[ROWS * 3];
    uint32_t group[GROUPS];
    bool categorical[COLS];
    wk_gbdt_data data;
    wk_gbdt_params params;
} fixture;

static inline int make_fixture(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    for (size_t i = 0; i < ROWS; i++) {
        float *x = f->X + i * COLS;
        for (size_t c = 0; c < COLS; c++)
            x[c] = wk_rng_uniform(5, c, i) < 0.05 ? NAN : (float)wk_rng_normal(6, c, i);
        x[3] = (float)(wk_rng_u64(11, 3, i) % 12);  /* categories */
        x[4] = (float)(wk_rng_u64(11, 4, i) % 600); /* more of them than bins */
        double s = (isnan(x[0]) ? 0.7 : (double)x[0]) - (isnan(x[1]) ? 0 : 0.5 * (double)x[1]) +
                   ((int)x[3] % 3 == 1) + 0.4 * ((int)x[4] % 7 == 2);
        f->y[i] = (float)(s + (isnan(x[2]) || isnan(x[18]) ? 0 : (double)(x[2] * x[18])) +
                          0.5 * wk_rng_normal(7, 0, i));
        f->weight[i] = (float)(0.5 + wk_rng_uniform(8, 0, i));
        for (size_t k = 0; k < 3; k++)
            f->base[i * 3 + k] = (float)wk_rng_normal(9, k, i);
    }
    for (size_t i = 0; i < GROUPS; i++)
        f->group[i] = ROWS / GROUPS;
    f->data = (wk_gbdt_data){.X = f->X, .n_rows = ROWS, .n_cols = COLS, .stride = COLS, .y = f->y};
    f->params = (wk_gbdt_params){.rounds = 5,
                                 .eta = 0.3,
                                 .grow_policy = 1,
                                 .max_leaves = 15,
                                 .max_bin = 63,
                                 .lambda = 1,
                                 .min_child_weight = 1,
                                 .min_rows_leaf = 20,
                                 .subsample = 1,
                                 .colsample_bytree = 1,
                                 .base_score = NAN,
                                 .seed = 3,
                                 .lambdarank_normalization = true,
                                 .lambdarank_score_normalization = true,
                                 .ndcg_exp_gain = true};
    *state = f;
    return 0;
}

static inline int drop_fixture(void **state)
{
    free(*state);
    return 0;
}

static inline wk_forest *train_from(const wk_gbdt_params *p, const wk_forest *start,
                                    const wk_gbdt_custom *custom, const wk_gbdt_data *data,
                                    int threads)
{
    wk_forest *forest = NULL;
    wk_err err;
    if (wk_gbdt_train_from(p, start, custom, data, NULL, NULL, threads, &forest, NULL, &err) !=
        WK_OK)
        fail_msg("%s", err.msg);
    return forest;
}

static inline char *model_bytes(const wk_forest *forest, const char *ending)
{
    char path[64], *text = NULL;
    wk_err err;
    snprintf(path, sizeof path, "/tmp/wick_gbdt_XXXXXX%s", ending);
    int fd = mkstemps(path, (int)strlen(ending));
    assert_true(fd >= 0);
    close(fd);
    if (wk_forest_save(forest, path, &err) != WK_OK ||
        wk_file_read(path, &text, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    unlink(path);
    return text;
}

/* Labels that the objective takes. */
static inline void set_labels(fixture *f, int objective)
{
    for (size_t i = 0; i < ROWS; i++) {
        double y = (double)f->y[i];
        switch (objective) {
        case WK_GBDT_LOGISTIC:
            y = y > 0.5;
            break;
        case WK_GBDT_SOFTPROB:
        case WK_GBDT_RANK_NDCG:
        case WK_GBDT_RANK_PAIRWISE:
            y = (y > -0.5) + (y > 1);
            break;
        case WK_GBDT_POISSON:
            y = y < 0 ? 0 : (double)(int)y;
            break;
        case WK_GBDT_PROFIT:
            y *= 0.01;
            break;
        default:
            break;
        }
        f->label[i] = (float)y;
    }
    f->data.y = f->label;
    f->data.group =
        objective == WK_GBDT_RANK_NDCG || objective == WK_GBDT_RANK_PAIRWISE ? f->group : NULL;
    f->data.n_groups = GROUPS;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_fixture, drop_fixture)

#endif
