/* Training speed on synthetic rows: JSON lines. usage: bench_gbdt NAME THREADS [ROUNDS]
 *   flagship  squared error, 150k x 79, 15 leaves, row and column draws (one of 48 trainings)
 *   train     400k x 64, 5 % missing, 3 classes, 63 leaves
 *   row       single rows through 300 trees of 63 leaves */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wick/gbdt.h"
#include "wick/rng.h"

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Correlated columns with missing values; the label depends on a few of them with much noise. */
static void make_data(size_t n, size_t F, int classes, float *X, float *y)
{
    for (size_t i = 0; i < n; i++) {
        float *row = X + i * F, common = (float)wk_rng_normal(1, 0, i);
        for (size_t f = 0; f < F; f++) {
            uint64_t r = wk_rng_u64(2, f, i);
            float u = (float)(r >> 40) * 0x1p-24f, v = (float)(r & 0xffffff) * 0x1p-24f;
            row[f] = r % 100 < 5 ? NAN : u + v - 1 + 0.3f * common;
        }
        float s = 0;
        for (size_t f = 0; f < 6; f++)
            s += isnan(row[f]) ? 0.2f : row[f] * row[(f + 1) % 6 + 6 * (f & 1)] > 0 ? 0.5f : -0.4f;
        s += (float)wk_rng_normal(3, 0, i);
        y[i] = classes ? (s > 0.7f ? 2 : s < -0.7f ? 0 : 1) : s;
    }
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "flagship";
    int threads = argc > 2 ? atoi(argv[2]) : 1;
    bool flagship = strcmp(name, "flagship") == 0, row = strcmp(name, "row") == 0;
    size_t n = flagship ? 150000 : row ? 40000 : 400000, F = flagship ? 79 : 64;
    wk_gbdt_params p = {.objective = WK_GBDT_SOFTPROB,
                        .num_class = 3,
                        .rounds = 100,
                        .eta = 0.1,
                        .grow_policy = 1,
                        .max_leaves = 63,
                        .max_bin = 255,
                        .lambda = 1,
                        .min_child_weight = 1e-3,
                        .min_rows_leaf = 1,
                        .subsample = 1,
                        .colsample_bytree = 1,
                        .base_score = NAN,
                        .seed = 1};
    if (flagship) {
        p.objective = WK_GBDT_SQUARED_ERROR;
        p.rounds = 150;
        p.eta = 0.05;
        p.max_leaves = 15;
        p.max_bin = 63;
        p.lambda = 20;
        p.min_rows_leaf = 500;
        p.subsample = 0.5;
        p.colsample_bytree = 0.4;
    }
    if (argc > 3)
        p.rounds = atoi(argv[3]);
    float *X = malloc(n * F * sizeof *X), *y = malloc(n * sizeof *y);
    if (!X || !y)
        return 1;
    make_data(n, F, flagship ? 0 : 3, X, y);
    wk_gbdt_data data = {.X = X, .n_rows = n, .n_cols = F, .stride = F, .y = y};
    wk_forest *forest = NULL;
    wk_err err;
    double start = now_s();
    if (wk_gbdt_train(&p, &data, NULL, NULL, threads, &forest, NULL, &err) != WK_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    double train_s = now_s() - start;
    if (!row) {
        printf("{\"name\": \"gbdt.train.%s\", \"value\": %.3f, \"unit\": \"s\", \"threads\": %d, "
               "\"rows\": %zu, \"cols\": %zu, \"rounds\": %lld}\n",
               name, train_s, threads, n, F, (long long)p.rounds);
    }
    float out[3], sink = 0;
    size_t calls = row ? 200000 : 20000;
    start = now_s();
    for (size_t i = 0; i < calls; i++) {
        wk_forest_predict(forest, X + (i * 7919 % 10000) * F, out);
        sink += out[0];
    }
    double row_us = (now_s() - start) / (double)calls * 1e6;
    printf("{\"name\": \"gbdt.row\", \"value\": %.3f, \"unit\": \"us\", \"trees\": %zu, "
           "\"sum\": %.3f}\n",
           row_us, wk_forest_n_trees(forest), (double)sink);
    float *all = malloc(n * 3 * sizeof *all);
    start = now_s();
    if (all)
        wk_forest_predict_batch(forest, X, n, F, 1, all);
    printf("{\"name\": \"gbdt.batch\", \"value\": %.1f, \"unit\": \"ns/row\"}\n",
           (now_s() - start) / (double)n * 1e9);
    free(all);
    wk_forest_destroy(forest);
    free(X);
    free(y);
    return 0;
}
