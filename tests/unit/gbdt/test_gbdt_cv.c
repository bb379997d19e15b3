/* Cross-validation: folds as scikit-learn and plain loops have them, figures as xgboost.cv has
 * them. The golden files come from tests/golden/gbdt/make_cv.py; more about folds is in
 * test_gbdt_folds.c.
 */
#include "cv_table.h"
#include "wick/rng.h"

typedef struct {
    const char *name, *table;
    wk_gbdt_split_params split;
    int objective;
    size_t rounds;
    double eta, base_score, alpha, min_child_weight;
    int64_t max_depth, stopping;
} golden_case;

/* As in make_cv.py. */
static const golden_case cases[] = {
    {"squared_kfold",
     "squared_missing",
     {WK_GBDT_SPLIT_KFOLD, 4},
     WK_GBDT_SQUARED_ERROR,
     40,
     0.1,
     0.25,
     0.5,
     1,
     3,
     0},
    {"logistic_stratified",
     "logistic_missing",
     {WK_GBDT_SPLIT_STRATIFIED, 5},
     WK_GBDT_LOGISTIC,
     60,
     0.6,
     0.4,
     0,
     2,
     5,
     4},
    {"softprob_stratified",
     "softprob_missing",
     {WK_GBDT_SPLIT_AUTO, 3},
     WK_GBDT_SOFTPROB,
     40,
     0.3,
     0.5,
     0,
     0.9,
     4,
     3},
    {"squared_expanding",
     "squared_missing",
     {.split = WK_GBDT_SPLIT_EXPANDING, .nfold = 5, .horizon = 4, .embargo = 3},
     WK_GBDT_SQUARED_ERROR,
     8,
     0.3,
     0.25,
     0,
     1,
     4,
     0},
    {"logistic_rolling",
     "logistic_missing",
     {.split = WK_GBDT_SPLIT_ROLLING, .nfold = 4, .horizon = 6, .train_window = 120},
     WK_GBDT_LOGISTIC,
     8,
     0.2,
     0.4,
     0,
     2,
     4,
     0},
};

static void compare_folds(const golden_case *c, const wk_gbdt_fold *folds, size_t n_folds, size_t n)
{
    char path[64];
    snprintf(path, sizeof path, "cv/%s", c->name);
    char *want = read_golden(path, ".folds"), *line = malloc(n + 1);
    assert_non_null(line);
    for (size_t k = 0; k < n_folds; k++) {
        memset(line, '-', n);
        for (size_t i = 0; i < folds[k].n_train; i++)
            line[folds[k].train[i]] = 'T';
        for (size_t i = 0; i < folds[k].n_test; i++)
            line[folds[k].test[i]] = 'V';
        if (memcmp(line, want + k * (n + 1), n) != 0)
            fail_msg("%s: fold %zu is another", c->name, k);
    }
    assert_true(strlen(want) == n_folds * (n + 1));
    free(line);
    free(want);
}

static void compare_figures(const golden_case *c, const wk_gbdt_cv *cv)
{
    char path[64];
    snprintf(path, sizeof path, "cv/%s", c->name);
    char *text = read_golden(path, ".csv"), *at = text + strcspn(text, "\n") + 1;
    size_t round = 0;
    for (; *at; round++) {
        assert_true(round < cv->n_rounds);
        const double ours[] = {cv->train_mean[round], cv->train_std[round], cv->test_mean[round],
                               cv->test_std[round]};
        for (size_t i = 0; i < 4; i++) {
            double theirs = (double)next_cell(&at);
            if (fabs(ours[i] - theirs) > 2e-6 * (1 + fabs(theirs)))
                fail_msg("%s round %zu figure %zu: %.9g, xgboost.cv has %.9g", c->name, round, i,
                         ours[i], theirs);
        }
    }
    assert_int_equal(round, cv->best_round);
    free(text);
}

static void test_folds_and_figures_are_those_of_the_peers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const golden_case *c = &cases[i];
        table *t = load(c->table);
        wk_gbdt_params p = params_of((wk_gbdt_objective)c->objective, c->rounds);
        wk_gbdt_fold *folds;
        size_t n_folds;
        wk_gbdt_cv cv = {0};
        wk_arena arena;
        wk_err err;
        p.eta = c->eta;
        p.base_score = c->base_score;
        p.alpha = c->alpha;
        p.min_child_weight = c->min_child_weight;
        p.max_depth = c->max_depth;
        p.early_stopping_rounds = c->stopping;
        wk_arena_init(&arena);
        if (wk_gbdt_folds_make(&c->split, t->data.n_rows, t->y,
                               c->objective != WK_GBDT_SQUARED_ERROR, NULL,
                               c->split.split >= WK_GBDT_SPLIT_EXPANDING ? t->time : NULL, NULL,
                               &arena, &folds, &n_folds, &err) != WK_OK ||
            wk_gbdt_cv_run(&p, NULL, &t->data, folds, n_folds, NULL, 2, NULL, NULL, &cv, &err) !=
                WK_OK)
            fail_msg("%s: %s", c->name, err.msg);
        compare_folds(c, folds, n_folds, t->data.n_rows);
        compare_figures(c, &cv);
        wk_gbdt_cv_finish(&cv);
        wk_arena_finish(&arena);
        free(t);
    }
}

static void take_rows(const table *t, const uint32_t *rows, size_t n, table *out)
{
    for (size_t i = 0; i < n; i++) {
        memcpy(out->X + i * COLS, t->X + rows[i] * COLS, COLS * sizeof(float));
        out->y[i] = t->y[rows[i]];
        out->w[i] = t->w[rows[i]];
    }
    out->data = (wk_gbdt_data){
        .X = out->X, .n_rows = n, .n_cols = COLS, .stride = COLS, .y = out->y, .weight = out->w};
}

/* 70 rounds take more than one stretch; draws and the first trees' prior must not notice. */
static void test_a_fold_has_the_bits_of_a_training_on_its_rows(void **state)
{
    (void)state;
    table *t = load("softprob_missing"), *train = calloc(1, sizeof *train),
          *test = calloc(1, sizeof *test);
    wk_gbdt_params p = params_of(WK_GBDT_SOFTPROB, 70);
    const wk_gbdt_split_params split = {.nfold = 3, .shuffle = true, .seed = 5};
    wk_gbdt_fold *folds;
    size_t n_folds;
    wk_gbdt_cv cv = {0}, other = {0};
    wk_arena arena;
    wk_err err;
    assert_true(train && test);
    p.eta = 0.1;
    p.subsample = 0.7;
    p.colsample_bytree = 0.6;
    p.seed = 3;
    wk_arena_init(&arena);
    assert_int_equal(wk_gbdt_folds_make(&split, t->data.n_rows, t->y, true, NULL, NULL, NULL,
                                        &arena, &folds, &n_folds, &err),
                     WK_OK);
    assert_int_equal(
        wk_gbdt_cv_run(&p, NULL, &t->data, folds, n_folds, NULL, 1, NULL, NULL, &cv, &err), WK_OK);
    assert_int_equal(
        wk_gbdt_cv_run(&p, NULL, &t->data, folds, n_folds, NULL, 3, NULL, NULL, &other, &err),
        WK_OK);
    assert_memory_equal(cv.test, other.test, n_folds * cv.n_rounds * sizeof *cv.test);
    for (size_t k = 0; k < n_folds; k++) {
        wk_gbdt_log log = {0};
        wk_forest *alone;
        take_rows(t, folds[k].train, folds[k].n_train, train);
        take_rows(t, folds[k].test, folds[k].n_test, test);
        assert_int_equal(wk_gbdt_train(&p, &train->data, &test->data, NULL, 2, &alone, &log, &err),
                         WK_OK);
        assert_memory_equal(cv.test + k * cv.n_rounds, log.valid_metric, 70 * sizeof(double));
        assert_memory_equal(cv.train + k * cv.n_rounds, log.train_metric, 70 * sizeof(double));
        assert_same_forest(cv.forests[k], alone, t);
        assert_same_forest(cv.forests[k], other.forests[k], t);
        wk_gbdt_log_finish(&log);
        wk_forest_destroy(alone);
    }
    wk_gbdt_cv_finish(&cv);
    wk_gbdt_cv_finish(&other);
    wk_arena_finish(&arena);
    free(t);
    free(train);
    free(test);
}

static void count_round(void *context, const wk_gbdt_cv *so_far, size_t round)
{
    size_t *n = context;
    assert_int_equal(round, *n);
    assert_int_equal(so_far->n_rounds, *n + 1);
    ++*n;
}

static void test_stopping_keeps_the_best_mean_round(void **state)
{
    (void)state;
    table *t = load("logistic_missing");
    wk_gbdt_params p = params_of(WK_GBDT_LOGISTIC, 200);
    const wk_gbdt_split_params split = {.nfold = 4};
    wk_gbdt_fold *folds;
    size_t n_folds, n_seen = 0;
    wk_gbdt_cv cv = {0};
    wk_arena arena;
    wk_err err;
    p.early_stopping_rounds = 45; /* the stop lies in the second stretch */
    wk_arena_init(&arena);
    assert_int_equal(wk_gbdt_folds_make(&split, t->data.n_rows, t->y, true, NULL, NULL, NULL,
                                        &arena, &folds, &n_folds, &err),
                     WK_OK);
    assert_int_equal(wk_gbdt_cv_run(&p, NULL, &t->data, folds, n_folds, NULL, 2, count_round,
                                    &n_seen, &cv, &err),
                     WK_OK);
    assert_true(cv.n_rounds > 45 && cv.n_rounds < 200);
    assert_int_equal(n_seen, cv.n_rounds);
    assert_int_equal(cv.n_rounds, cv.best_round + 45);
    for (size_t i = 0; i < cv.n_rounds; i++) {
        double mean = 0, square = 0;
        for (size_t k = 0; k < 4; k++)
            mean += cv.test[k * cv.n_rounds + i] / 4;
        for (size_t k = 0; k < 4; k++) {
            double d = cv.test[k * cv.n_rounds + i] - mean;
            square += d * d / 4;
        }
        assert_true(fabs(mean - cv.test_mean[i]) < 1e-12);
        assert_true(fabs(sqrt(square) - cv.test_std[i]) < 1e-12);
        assert_true(cv.test_mean[i] >= cv.test_mean[cv.best_round - 1]);
    }
    for (size_t k = 0; k < 4; k++)
        assert_int_equal(wk_forest_n_trees(cv.forests[k]), cv.best_round);
    wk_gbdt_cv_finish(&cv);
    wk_arena_finish(&arena);
    free(t);
}

static void test_rankings_are_validated_by_whole_queries(void **state)
{
    (void)state;
    enum { N = 400, QUERIES = 40 };
    float X[N * 2], y[N];
    uint64_t query[N];
    uint32_t size[QUERIES];
    for (uint64_t i = 0; i < N; i++) {
        query[i] = i / 10;
        X[2 * i] = (float)wk_rng_below(6, 0, i, 50);
        X[2 * i + 1] = (float)wk_rng_below(6, 1, i, 50);
        y[i] = X[2 * i] > 35 ? 3 : X[2 * i] > 20 ? 1 : 0;
    }
    for (size_t q = 0; q < QUERIES; q++)
        size[q] = 10;
    const wk_gbdt_data data = {
        .X = X, .n_rows = N, .n_cols = 2, .stride = 2, .y = y, .group = size, .n_groups = QUERIES};
    wk_gbdt_params p = params_of(WK_GBDT_RANK_NDCG, 10);
    p.lambdarank_num_pair_per_sample = 32;
    p.lambdarank_normalization = p.lambdarank_score_normalization = p.ndcg_exp_gain = true;
    const wk_gbdt_split_params split = {.nfold = 4};
    wk_gbdt_fold *folds;
    size_t n_folds;
    wk_gbdt_cv cv = {0};
    wk_arena arena;
    wk_err err;
    double worse[2];
    wk_arena_init(&arena);
    assert_int_equal(
        wk_gbdt_folds_make(&split, N, y, false, query, NULL, NULL, &arena, &folds, &n_folds, &err),
        WK_OK);
    if (wk_gbdt_cv_run(&p, NULL, &data, folds, n_folds, NULL, 2, NULL, NULL, &cv, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(cv.test_mean[9] > 0.99);
    assert_int_equal(
        wk_gbdt_cv_permutation(&p, NULL, &data, folds, &cv, 3, 1, 2, worse, NULL, &err), WK_OK);
    /* ndcg falls when the column that ranks is shuffled: the larger is the better, so that is
     * worse. */
    assert_true(worse[0] > 0.1 && fabs(worse[1]) < 0.02);
    wk_gbdt_cv_finish(&cv);
    wk_arena_finish(&arena);
}

/* What training refuses, cross-validation refuses with the fold's name, or before it begins. */
static void test_unusable_tables_are_refused(void **state)
{
    (void)state;
    enum { N = 60 };
    float X[N], y[N], w[N];
    uint32_t first[30], second[30];
    for (uint32_t i = 0; i < 30; i++) {
        first[i] = i;
        second[i] = i + 30;
    }
    const wk_gbdt_fold folds[] = {{first, second, 30, 30}, {second, first, 30, 30}};
    const wk_gbdt_fold empty[] = {{first, second, 30, 0}};
    const char *const words[] = {"table row 3 has label 2", "fold 1 of 2: all rows of the training",
                                 "the mean of auc over the folds", "table row 3 has weight -1",
                                 "fold 1 of 1 has 30 rows to train on and 0"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        wk_gbdt_data data = {.X = X, .n_rows = N, .n_cols = 1, .stride = 1, .y = y, .weight = w};
        wk_gbdt_params p = params_of(WK_GBDT_LOGISTIC, 5);
        wk_gbdt_cv cv = {0};
        wk_err err = {0};
        for (size_t r = 0; r < N; r++) {
            X[r] = (float)r;
            /* In case 2 the second fold's test rows have one class. */
            y[r] = i == 2 ? r >= 30 && r % 2 : (float)(r % 2);
            w[r] = i == 1 && r < 30 ? 0 : 1;
        }
        y[3] = i == 0 ? 2 : y[3];
        w[3] = i == 3 ? -1 : w[3];
        if (i == 2) {
            p.eval_metric = "auc";
            p.early_stopping_rounds = 2;
        }
        wk_status status = wk_gbdt_cv_run(&p, NULL, &data, i == 4 ? empty : folds, i == 4 ? 1 : 2,
                                          NULL, 1, NULL, NULL, &cv, &err);
        if (status >= 0 || !strstr(err.msg, words[i]))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, words[i]);
        assert_null(cv.forests);
    }
}

/* One class, a constant column, a column that is missing throughout and infinite values are no
 * reason to refuse. */
static void test_odd_tables_have_finite_figures(void **state)
{
    (void)state;
    enum { N = 90 };
    float X[N * 4], y[N], w[N];
    for (size_t one_class = 0; one_class < 2; one_class++) {
        for (size_t i = 0; i < N; i++) {
            X[i * 4] = 3;
            X[i * 4 + 1] = NAN;
            X[i * 4 + 2] = i % 7 == 0 ? INFINITY : i % 11 == 0 ? -INFINITY : (float)i;
            X[i * 4 + 3] = i % 2 ? NAN : (float)(i % 5);
            y[i] = one_class ? 1 : (float)(i % 2);
            w[i] = (float)(i % 4 != 0);
        }
        const wk_gbdt_data data = {
            .X = X, .n_rows = N, .n_cols = 4, .stride = 4, .y = y, .weight = w};
        const wk_gbdt_params p = params_of(WK_GBDT_LOGISTIC, 10);
        const wk_gbdt_split_params split = {.nfold = 3, .shuffle = true};
        wk_gbdt_fold *folds;
        size_t n_folds;
        wk_gbdt_cv cv = {0};
        wk_arena arena;
        wk_err err;
        double worse[4];
        wk_arena_init(&arena);
        assert_int_equal(wk_gbdt_folds_make(&split, N, y, true, NULL, NULL, NULL, &arena, &folds,
                                            &n_folds, &err),
                         WK_OK);
        assert_int_equal(
            wk_gbdt_cv_run(&p, NULL, &data, folds, n_folds, NULL, 2, NULL, NULL, &cv, &err), WK_OK);
        assert_int_equal(
            wk_gbdt_cv_permutation(&p, NULL, &data, folds, &cv, 2, 0, 2, worse, NULL, &err), WK_OK);
        for (size_t i = 0; i < 10; i++)
            assert_true(isfinite(cv.test_mean[i]) && isfinite(cv.test_std[i]));
        for (size_t f = 0; f < 4; f++)
            assert_true(isfinite(worse[f]) && (f > 1 || worse[f] == 0));
        wk_gbdt_cv_finish(&cv);
        wk_arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folds_and_figures_are_those_of_the_peers),
        cmocka_unit_test(test_a_fold_has_the_bits_of_a_training_on_its_rows),
        cmocka_unit_test(test_stopping_keeps_the_best_mean_round),
        cmocka_unit_test(test_rankings_are_validated_by_whole_queries),
        cmocka_unit_test(test_unusable_tables_are_refused),
        cmocka_unit_test(test_odd_tables_have_finite_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
