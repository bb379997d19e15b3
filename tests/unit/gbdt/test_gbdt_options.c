/* What every option of training promises, on data that nobody else has seen: the same bits for any
 * number of threads and in pieces, leaves that refit, models that survive being written. */
#include "options_fixture.h"

static void assert_same_model(const wk_forest *a, const wk_forest *b, const char *what)
{
    char *x = model_bytes(a, ".json"), *y = model_bytes(b, ".json");
    if (strcmp(x, y) != 0)
        fail_msg("%s: the models differ", what);
    free(x);
    free(y);
}

typedef struct {
    const char *name;
    wk_gbdt_params params; /* fields that are not 0 replace the fixture's */
    bool categorical, weighted;
} variant;

static double falling[] = {1, -1};
static double classes[] = {1, 2, 0.5};

static const variant variants[] = {
    {"softprob",
     {.objective = WK_GBDT_SOFTPROB, .num_class = 3, .class_weights = {classes, 3}},
     false,
     true},
    {"logistic",
     {.objective = WK_GBDT_LOGISTIC, .scale_pos_weight = 2, .eval_metric = "auc"},
     true,
     true},
    {"pseudo huber", {.objective = WK_GBDT_PSEUDO_HUBER}, false, false},
    {"huber", {.objective = WK_GBDT_HUBER, .huber_slope = 0.5}, true, false},
    {"absolute", {.objective = WK_GBDT_ABSOLUTE}, false, true},
    {"quantile", {.objective = WK_GBDT_QUANTILE, .quantile_alpha = 0.9}, false, false},
    {"poisson", {.objective = WK_GBDT_POISSON}, true, true},
    {"ndcg", {.objective = WK_GBDT_RANK_NDCG, .eval_metric = "map@5"}, false, true},
    {"pairwise", {.objective = WK_GBDT_RANK_PAIRWISE}, false, false},
    {"profit", {.objective = WK_GBDT_PROFIT, .cost_bps = 20}, false, true},
    {"monotone", {.monotone_constraints = {falling, 2}}, true, true},
    {"interaction", {.interaction_constraints = "[[0, 1], [2, 18]]"}, false, false},
    {"level and node columns", {.colsample_bylevel = 0.5, .colsample_bynode = 0.5}, true, false},
    {"max_delta_step", {.max_delta_step = 0.1}, false, false},
    {"symmetric", {.grow_policy = 2, .max_depth = 5, .max_leaves = 32}, false, true},
    {"goss", {.sampling_method = 2}, false, false},
    {"gradient_based",
     {.objective = WK_GBDT_SOFTPROB, .num_class = 3, .sampling_method = 1, .subsample = 0.3},
     false,
     true},
    {"blocks", {.subsample = 0.5, .subsample_block = 100}, false, false},
    {"rare categories",
     {.objective = WK_GBDT_LOGISTIC, .cat_smooth = 10, .cat_l2 = 10, .min_data_per_group = 100},
     true,
     true},
};

static void apply(fixture *f, const variant *v, wk_gbdt_params *p)
{
    *p = v->params;
    p->rounds = f->params.rounds;
    p->eta = f->params.eta;
    p->grow_policy = p->grow_policy ? p->grow_policy : 1;
    p->max_leaves = p->max_leaves ? p->max_leaves : f->params.max_leaves;
    p->max_bin = f->params.max_bin;
    p->lambda = p->min_child_weight = 1;
    p->min_rows_leaf = 20;
    p->subsample = p->subsample > 0 ? p->subsample : 1;
    p->colsample_bytree = 1;
    p->base_score = NAN;
    p->seed = 3;
    p->lambdarank_normalization = p->lambdarank_score_normalization = p->ndcg_exp_gain = true;
    set_labels(f, p->objective);
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = v->categorical ? f->categorical : NULL;
    f->data.weight = v->weighted ? f->weight : NULL;
}

static void test_no_option_depends_on_the_number_of_threads(void **state)
{
    fixture *f = *state;
    static const int threads[] = {2, 3, 7};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        apply(f, &variants[v], &p);
        p.rounds = 2;
        wk_forest *one = train_from(&p, NULL, NULL, &f->data, 1);
        assert_true(one->trees[0].n_nodes > 7);
        for (size_t i = 0; i < 3; i++) {
            wk_forest *many = train_from(&p, NULL, NULL, &f->data, threads[i]);
            assert_same_model(one, many, variants[v].name);
            wk_forest_destroy(many);
        }
        wk_forest_destroy(one);
    }
}

static void test_continued_training_has_the_bits_of_training_at_once(void **state)
{
    fixture *f = *state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        apply(f, &variants[v], &p);
        p.rounds = 3;
        wk_forest *whole = train_from(&p, NULL, NULL, &f->data, 2);
        p.rounds = 2;
        wk_forest *half = train_from(&p, NULL, NULL, &f->data, 2);
        p.rounds = 1;
        wk_forest *both = train_from(&p, half, NULL, &f->data, 2);
        assert_same_model(whole, both, variants[v].name);
        wk_forest_destroy(whole);
        wk_forest_destroy(half);
        wk_forest_destroy(both);
    }
}

static void test_refit_on_the_same_data_changes_no_leaf(void **state)
{
    fixture *f = *state;
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) {
        wk_gbdt_params p;
        wk_forest *again = NULL;
        wk_err err;
        apply(f, &variants[v], &p);
        /* Leaves that depend on more than their rows: bounds, draws, weights lent to small leaves.
         */
        if (p.monotone_constraints.n || p.sampling_method || p.subsample < 1 || p.grow_policy == 2)
            continue;
        p.rounds = 2;
        wk_forest *forest = train_from(&p, NULL, NULL, &f->data, 2);
        if (wk_gbdt_refit(&p, forest, &f->data, 0, 3, &again, &err) != WK_OK)
            fail_msg("%s", err.msg);
        for (size_t t = 0; t < forest->n_trees; t++)
            for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
                const wk__gbdt_node *a = &forest->trees[t].nodes[i], *b = &again->trees[t].nodes[i];
                if (a->left < 0 && a->value != b->value)
                    fail_msg("%s tree %zu node %zu: %.9g became %.9g", variants[v].name, t, i,
                             (double)a->value, (double)b->value);
            }
        wk_forest_destroy(forest);
        wk_forest_destroy(again);
    }
}

static void test_refit_moves_leaves_to_new_labels(void **state)
{
    fixture *f = *state;
    wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2), *new = NULL, *old = NULL;
    wk_err err;
    double before = 0, after = 0;
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = -f->y[i];
    f->data.y = f->label;
    assert_int_equal(wk_gbdt_refit(&f->params, forest, &f->data, 0, 2, &new, &err), WK_OK);
    assert_int_equal(wk_gbdt_refit(&f->params, forest, &f->data, 1, 2, &old, &err), WK_OK);
    for (size_t i = 0; i < ROWS; i++) {
        float a, b, c;
        wk_forest_predict(forest, f->X + i * COLS, &a);
        wk_forest_predict(new, f->X + i * COLS, &b);
        wk_forest_predict(old, f->X + i * COLS, &c);
        assert_true(a == c); /* all of the old leaf kept */
        before += (double)((a - f->label[i]) * (a - f->label[i]));
        after += (double)((b - f->label[i]) * (b - f->label[i]));
    }
    assert_true(after < 0.5 * before);
    wk_forest_destroy(forest);
    wk_forest_destroy(new);
    wk_forest_destroy(old);
}

static void test_categories_survive_json_and_ubjson(void **state)
{
    fixture *f = *state;
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = f->categorical;
    wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2), *json = NULL,
              *ubjson = NULL;
    char path[] = "/tmp/wick_gbdt_XXXXXX.ubj";
    wk_err err;
    double gain[COLS];
    wk_forest_importance(forest, gain);
    assert_true(forest->has_sets && gain[3] > 0 && gain[4] > 0);
    char *text = model_bytes(forest, ".json");
    assert_int_equal(wk_forest_parse(text, strlen(text), "json", &json, &err), WK_OK);
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(wk_forest_save(forest, path, &err), WK_OK);
    assert_int_equal(wk_forest_load(path, &ubjson, &err), WK_OK);
    unlink(path);
    float *batch = malloc(ROWS * sizeof *batch);
    assert_non_null(batch);
    wk_forest_predict_batch(forest, f->X, ROWS, COLS, 2, batch);
    for (size_t i = 0; i < ROWS; i++) {
        float a, b, c;
        wk_forest_predict(forest, f->X + i * COLS, &a);
        wk_forest_predict(json, f->X + i * COLS, &b);
        wk_forest_predict(ubjson, f->X + i * COLS, &c);
        assert_true(a == b && a == c && a == batch[i]);
    }
    free(batch);
    free(text);
    wk_forest_destroy(forest);
    wk_forest_destroy(json);
    wk_forest_destroy(ubjson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_no_option_depends_on_the_number_of_threads),
        TEST(test_continued_training_has_the_bits_of_training_at_once),
        TEST(test_refit_on_the_same_data_changes_no_leaf),
        TEST(test_refit_moves_leaves_to_new_labels),
        TEST(test_categories_survive_json_and_ubjson),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
