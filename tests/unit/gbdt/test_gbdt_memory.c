/* Peak memory of a training, in a process that does nothing else. Not built with a sanitizer, whose
 * shadow memory would count too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wick/gbdt.h"
#include "wick/rng.h"

#define ROWS 60000
#define COLS 64

/* The most memory that this program has held, in bytes. What getrusage says starts from its
 * parent's. */
static uint64_t peak_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "re");
    char line[128];
    unsigned long long kib = 0;
    assert_non_null(f);
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %llu", &kib) == 1)
            break;
    fclose(f);
    assert_true(kib > 0);
    return (uint64_t)kib * 1024;
}

static void test_memory_stays_below_the_declared_bound(void **state)
{
    (void)state;
    float *X = malloc((size_t)ROWS * COLS * sizeof *X), *y = malloc(ROWS * sizeof *y);
    wk_forest *forest = NULL;
    wk_err err;
    assert_true(X && y);
    for (size_t i = 0; i < (size_t)ROWS * COLS; i++)
        X[i] = (float)(wk_rng_u64(1, 0, i) % 100000);
    for (size_t i = 0; i < ROWS; i++)
        y[i] = (float)(X[i * COLS] > 50000) + (float)(X[i * COLS + 1] > 30000);
    wk_gbdt_params p = {.objective = WK_GBDT_SOFTPROB,
                        .num_class = 3,
                        .rounds = 4,
                        .eta = 0.3,
                        .grow_policy = 1,
                        .max_leaves = 63,
                        .max_bin = 255,
                        .lambda = 1,
                        .min_child_weight = 1,
                        .min_rows_leaf = 20,
                        .subsample = 0.9,
                        .colsample_bytree = 1,
                        .base_score = 0,
                        .seed = 3};
    wk_gbdt_data data = {.X = X, .n_rows = ROWS, .n_cols = COLS, .stride = COLS, .y = y};
    uint64_t before = peak_bytes();
    if (wk_gbdt_train(&p, &data, NULL, NULL, 2, &forest, NULL, &err) != WK_OK)
        fail_msg("%s", err.msg);
    uint64_t used = peak_bytes() - before;
    uint64_t bound = wk_gbdt_train_bytes_max(&p, ROWS, COLS, 0, 2);
    print_message("used %.1f MB, bound %.1f MB\n", (double)used / 1e6, (double)bound / 1e6);
    assert_true(used <= bound && bound < 10 * used);
    wk_forest_destroy(forest);
    free(X);
    free(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_stays_below_the_declared_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
