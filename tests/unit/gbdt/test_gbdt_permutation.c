/* Permutation importance by its definition; the caller's objective, metric and look at each round.
 */
#include "cv_table.h"
#include "training.h"
#include "wick/math.h"
#include "wick/rng.h"

/* A callback that copies squared error, and whose gain is the negative of its loss, stops at the
 * same round with the same figures and makes the same columns important. */
static void test_callbacks_are_validated_like_the_objective_they_copy(void **state)
{
    (void)state;
    table *t = load("squared_missing");
    const wk_gbdt_custom custom = {
        .n_outputs = 1, .gradient = squared, .loss = negated, .loss_is_gain = true};
    const wk_gbdt_split_params split = {.nfold = 3};
    wk_gbdt_params p = params_of(WK_GBDT_SQUARED_ERROR, 60), own;
    wk_gbdt_fold *folds;
    size_t n_folds;
    wk_gbdt_cv a = {0}, b = {0};
    double worse_a[COLS], worse_b[COLS];
    wk_arena arena;
    wk_err err;
    p.base_score = 0.25;
    p.early_stopping_rounds = 5;
    own = p;
    own.objective = WK_GBDT_CUSTOM;
    wk_arena_init(&arena);
    assert_int_equal(wk_gbdt_folds_make(&split, t->data.n_rows, t->y, false, NULL, NULL, NULL,
                                        &arena, &folds, &n_folds, &err),
                     WK_OK);
    assert_int_equal(
        wk_gbdt_cv_run(&p, NULL, &t->data, folds, n_folds, NULL, 2, NULL, NULL, &a, &err), WK_OK);
    if (wk_gbdt_cv_run(&own, &custom, &t->data, folds, n_folds, NULL, 2, NULL, NULL, &b, &err) !=
        WK_OK)
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < n_folds; k++)
        for (size_t i = 0; i < a.n_rounds && i < b.n_rounds; i++) {
            double rmse = a.test[k * a.n_rounds + i];
            assert_true(fabs(rmse * rmse + b.test[k * b.n_rounds + i]) < 1e-9);
        }
    for (size_t k = 0; k < n_folds && a.best_round == b.best_round; k++)
        assert_same_forest(a.forests[k], b.forests[k], t);
    assert_int_equal(
        wk_gbdt_cv_permutation(&p, NULL, &t->data, folds, &a, 2, 7, 2, worse_a, NULL, &err), WK_OK);
    assert_int_equal(
        wk_gbdt_cv_permutation(&own, &custom, &t->data, folds, &b, 2, 7, 2, worse_b, NULL, &err),
        WK_OK);
    size_t top_a = 0, top_b = 0;
    for (size_t f = 1; f < COLS; f++) {
        top_a = worse_a[f] > worse_a[top_a] ? f : top_a;
        top_b = worse_b[f] > worse_b[top_b] ? f : top_b;
    }
    assert_true(top_a == top_b && worse_a[top_a] > 0.1 && worse_b[top_b] > 0.1);
    wk_gbdt_cv_finish(&a);
    wk_gbdt_cv_finish(&b);
    wk_arena_finish(&arena);
    free(t);
}

typedef struct {
    size_t n;
    double train[64], valid[64];
} seen_rounds;

static void see(void *context, size_t round, double train, double valid)
{
    seen_rounds *s = context;
    assert_true(round < 64 && round == s->n);
    s->train[s->n] = train;
    s->valid[s->n++] = valid;
}

static void test_each_round_is_told_with_its_metrics(void **state)
{
    (void)state;
    table *t = load("logistic_missing");
    wk_gbdt_params p = params_of(WK_GBDT_LOGISTIC, 12);
    seen_rounds seen = {0};
    const wk_gbdt_custom look = {.context = &seen, .round = see};
    wk_gbdt_data train = t->data, valid = t->data;
    wk_forest *first, *both;
    wk_gbdt_log log = {0};
    wk_err err;
    train.n_rows = 600;
    valid.n_rows -= 600;
    valid.X += 600 * COLS;
    valid.y += 600;
    valid.weight += 600;
    assert_int_equal(
        wk_gbdt_train_from(&p, NULL, &look, &train, &valid, NULL, 2, &first, &log, &err), WK_OK);
    assert_int_equal(seen.n, 12);
    assert_memory_equal(seen.train, log.train_metric, 12 * sizeof(double));
    assert_memory_equal(seen.valid, log.valid_metric, 12 * sizeof(double));
    wk_gbdt_log_finish(&log);
    /* A continued training counts on. */
    assert_int_equal(wk_gbdt_train_from(&p, first, &look, &train, NULL, NULL, 2, &both, &log, &err),
                     WK_OK);
    assert_int_equal(seen.n, 24);
    assert_true(isnan(seen.valid[23]) && seen.train[23] < seen.train[11]);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(first);
    wk_forest_destroy(both);
    free(t);
}

/* The definition, row by row: the same draws, predictions of single rows, the loss by its formula.
 */
static void test_permutation_is_the_rise_of_the_loss(void **state)
{
    (void)state;
    enum { REPEATS = 3 };
    table *t = load("logistic_missing"), *copy = calloc(1, sizeof *copy);
    assert_non_null(copy);
    wk_gbdt_params p = params_of(WK_GBDT_LOGISTIC, 15);
    p.max_depth = 2;
    size_t n = t->data.n_rows, n_half = n / 2;
    wk_gbdt_data train = t->data, rest = t->data;
    train.n_rows = n_half;
    rest.n_rows = n - n_half;
    rest.X += n_half * COLS;
    rest.y += n_half;
    rest.weight += n_half;
    for (size_t i = n_half; i < n; i += 9)
        t->w[i] = 0; /* counts for nothing, and is not shuffled */
    wk_forest *forest;
    wk_err err;
    double worse[COLS], deviation[COLS], metric, again[COLS], uses[COLS];
    assert_int_equal(wk_gbdt_train(&p, &train, NULL, NULL, 2, &forest, NULL, &err), WK_OK);
    assert_int_equal(wk_gbdt_permutation(&p, NULL, forest, &rest, REPEATS, 11, 1, worse, deviation,
                                         &metric, &err),
                     WK_OK);
    assert_int_equal(
        wk_gbdt_permutation(&p, NULL, forest, &rest, REPEATS, 11, 3, again, NULL, NULL, &err),
        WK_OK);
    assert_memory_equal(worse, again, sizeof worse);
    wk_forest_score(forest, WK_FOREST_WEIGHT, uses);
    size_t m = 0;
    for (size_t i = 0; i < rest.n_rows; i++)
        if (rest.weight[i] > 0) {
            memcpy(copy->X + m * COLS, rest.X + i * COLS, COLS * sizeof(float));
            copy->y[m] = rest.y[i];
            copy->w[m++] = rest.weight[i];
        }
    double loss[1 + COLS * REPEATS];
    for (size_t pass = 0; pass < 1 + COLS * REPEATS; pass++) {
        float column[ROWS];
        size_t f = pass ? (pass - 1) / REPEATS : 0;
        for (size_t i = 0; i < m; i++)
            column[i] = copy->X[i * COLS + f];
        for (size_t i = pass ? m : 0; i > 1; i--) {
            size_t k = (size_t)wk_rng_below(11, pass - 1, i, i);
            float swap = column[i - 1];
            column[i - 1] = column[k];
            column[k] = swap;
        }
        double sum = 0, weights = 0;
        for (size_t i = 0; i < m; i++) {
            float row[COLS], margin;
            memcpy(row, copy->X + i * COLS, sizeof row);
            row[f] = column[i];
            wk_forest_margin(forest, row, &margin);
            double z = copy->y[i] > 0 ? -(double)margin : (double)margin;
            sum += (double)copy->w[i] * wk_log(1 + wk_exp(z));
            weights += (double)copy->w[i];
        }
        loss[pass] = sum / weights;
    }
    assert_true(fabs(metric - loss[0]) < 1e-6);
    for (size_t f = 0; f < COLS; f++) {
        double mean = 0, square = 0;
        for (size_t r = 0; r < REPEATS; r++) {
            double d = loss[1 + f * REPEATS + r] - loss[0];
            mean += d / REPEATS;
            square += d * d / REPEATS;
        }
        if (fabs(worse[f] - mean) > 1e-6 ||
            fabs(deviation[f] - sqrt(fmax(0, square - mean * mean))) > 1e-5)
            fail_msg("column %zu: %.9g +- %.9g, by hand %.9g", f, worse[f], deviation[f], mean);
        if (uses[f] == 0)
            assert_true(worse[f] == 0);
    }
    assert_true(wk_gbdt_permutation(&p, NULL, forest, &rest, 0, 1, 1, worse, NULL, NULL, &err) < 0);
    rest.n_cols = COLS - 1;
    assert_true(wk_gbdt_permutation(&p, NULL, forest, &rest, 1, 1, 1, worse, NULL, NULL, &err) < 0);
    wk_forest_destroy(forest);
    free(t);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks_are_validated_like_the_objective_they_copy),
        cmocka_unit_test(test_each_round_is_told_with_its_metrics),
        cmocka_unit_test(test_permutation_is_the_rise_of_the_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
