/* Objectives beyond the golden ones: margins to begin from, those of a caller, profit, ranking. */
#include "options_fixture.h"
#include "training.h"

static void test_base_margin_continues_where_another_forest_ends(void **state)
{
    fixture *f = *state;
    static const int objectives[] = {WK_GBDT_SQUARED_ERROR, WK_GBDT_LOGISTIC, WK_GBDT_SOFTPROB};
    for (size_t o = 0; o < 3; o++) {
        wk_gbdt_params p = f->params;
        p.objective = objectives[o];
        p.num_class = p.objective == WK_GBDT_SOFTPROB ? 3 : 0;
        p.base_score = 0.5;
        set_labels(f, p.objective);
        f->data.base_margin = NULL;
        wk_forest *first = train_from(&p, NULL, NULL, &f->data, 2);
        wk_forest *both = train_from(&p, first, NULL, &f->data, 2);
        size_t K = wk_forest_n_outputs(first);
        for (size_t i = 0; i < ROWS; i++)
            wk_forest_margin(first, f->X + i * COLS, f->base + i * K);
        f->data.base_margin = f->base;
        wk_forest *second = train_from(&p, NULL, NULL, &f->data, 2);
        assert_int_equal(second->n_trees + first->n_trees, both->n_trees);
        for (size_t t = 0; t < second->n_trees; t++) {
            const wk__gbdt_tree *a = &second->trees[t], *b = &both->trees[first->n_trees + t];
            assert_int_equal(a->n_nodes, b->n_nodes);
            for (size_t i = 0; i < a->n_nodes; i++)
                assert_true(a->nodes[i].value == b->nodes[i].value &&
                            a->nodes[i].feature == b->nodes[i].feature);
        }
        for (size_t i = 0; i < ROWS; i += 97) {
            float one[3], two[3];
            wk_forest_margin_from(second, f->X + i * COLS, f->base + i * K, one);
            wk_forest_margin(both, f->X + i * COLS, two);
            assert_memory_equal(one, two, K * sizeof *one);
        }
        wk_forest_destroy(first);
        wk_forest_destroy(second);
        wk_forest_destroy(both);
    }
}

static void test_a_custom_objective_gives_the_trees_of_the_one_it_copies(void **state)
{
    fixture *f = *state;
    wk_gbdt_custom custom = {
        .n_outputs = 1, .gradient = squared, .loss = negated, .loss_is_gain = true};
    f->data.weight = f->weight;
    f->params.base_score = 0.25;
    f->params.rounds = 40;
    f->params.eta = 0.9;
    f->params.early_stopping_rounds = 3;
    wk_gbdt_params own = f->params;
    own.objective = WK_GBDT_CUSTOM;
    wk_gbdt_data half = f->data, rest = f->data;
    half.n_rows = 2000;
    rest.n_rows = 3000;
    rest.X += 6000 * COLS;
    rest.y += 6000;
    rest.weight += 6000;
    wk_forest *a = NULL, *b = NULL;
    wk_gbdt_log log_a = {0}, log_b = {0};
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &half, &rest, NULL, 2, &a, &log_a, &err), WK_OK);
    assert_int_equal(
        wk_gbdt_train_from(&own, NULL, &custom, &half, &rest, NULL, 2, &b, &log_b, &err), WK_OK);
    assert_int_equal(log_a.best_round, log_b.best_round);
    assert_true(log_a.best_round < 37);
    for (size_t i = 0; i < log_a.n; i++)
        assert_true(fabs(log_a.valid_metric[i] * log_a.valid_metric[i] + log_b.valid_metric[i]) <
                    1e-9);
    for (size_t i = 0; i < ROWS; i += 31) {
        float x, y;
        wk_forest_predict(a, f->X + i * COLS, &x);
        wk_forest_predict(b, f->X + i * COLS, &y);
        assert_true(x == y);
    }
    /* XGBoost reads it as squared error; here it stays what it was. */
    char *text = model_bytes(b, ".json");
    wk_forest *read = NULL;
    assert_non_null(strstr(text, "\"name\":\"reg:squarederror\""));
    assert_int_equal(wk_forest_parse(text, strlen(text), "custom", &read, &err), WK_OK);
    assert_int_equal(wk_forest_objective(read), WK_GBDT_CUSTOM);
    free(text);
    wk_forest_destroy(read);
    wk_gbdt_log_finish(&log_a);
    wk_gbdt_log_finish(&log_b);
    wk_forest_destroy(a);
    wk_forest_destroy(b);
}

static void test_profit_trades_where_it_pays_and_rests_where_costs_eat_it(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < ROWS; i++) {
        f->X[i * COLS] = (float)(wk_rng_u64(12, 0, i) % 4);
        /* Column 0 tells: a loss, nothing, less than the costs, a gain. */
        static const double mean[] = {-0.004, 0, 0.0005, 0.005};
        f->label[i] = (float)(mean[(size_t)f->X[i * COLS]] + 0.01 * wk_rng_normal(13, 0, i));
    }
    f->data.y = f->label;
    f->params.objective = WK_GBDT_PROFIT;
    f->params.cost_bps = 20;
    f->params.rounds = 30;
    f->params.min_rows_leaf = 500;
    f->params.max_leaves = 4;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &f->data, NULL, NULL, 2, &forest, &log, &err),
                     WK_OK);
    assert_int_equal(wk_forest_n_outputs(forest), 3);
    static const size_t wanted[] = {0, 1, 1, 2};
    for (size_t c = 0; c < 4; c++) {
        float row[COLS] = {(float)c}, p[3];
        wk_forest_predict(forest, row, p);
        size_t best = p[1] >= p[0] ? 1 : 0;
        best = p[2] > p[best] ? 2 : best;
        assert_int_equal(best, wanted[c]);
    }
    /* Half of the rows trade; they earn 2 and 3 thousandths. */
    assert_true(log.train_metric[29] > 0.0008 && log.train_metric[29] < 0.0020);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

/* Groups of no rows, of one row, of weight 0 and of equal labels give no gradient and no harm. */
static void test_odd_groups_are_harmless(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_RANK_NDCG;
    p.rounds = 3;
    set_labels(f, p.objective);
    f->group[0] = 0;
    f->group[1] = 1;
    f->group[2] = 59;
    for (size_t i = 0; i < ROWS; i++)
        f->weight[i] = i < 3000 || i > 5000 ? 1 : 0;
    for (size_t i = 6000; i < 7000; i++)
        f->label[i] = 1;
    f->data.weight = f->weight;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &forest, &log, &err), WK_OK);
    assert_true(log.train_metric[2] > 0.5 && log.train_metric[2] <= 1 &&
                log.train_metric[2] > log.train_metric[0]);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
    /* Nothing to tell apart at all: single leaves. */
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = 2;
    forest = train_from(&p, NULL, NULL, &f->data, 2);
    assert_int_equal(forest->trees[0].n_nodes, 1);
    wk_forest_destroy(forest);
}

static void test_average_precision_of_small_queries(void **state)
{
    (void)state;
    static const float margin[] = {4, 3, 2, 1}, two[] = {1, 0, 1, 0}, none[4] = {0},
                       last[] = {0, 0, 0, 1};
    uint32_t order[4];
    assert_true(fabs(wk__gbdt_map(0, margin, two, 4, order) - (1 + 2.0 / 3) / 2) < 1e-12);
    assert_true(fabs(wk__gbdt_map(1, margin, two, 4, order) - 1) < 1e-12);
    assert_true(fabs(wk__gbdt_map(0, margin, last, 4, order) - 0.25) < 1e-12);
    assert_true(wk__gbdt_map(2, margin, last, 4, order) == 0);
    assert_true(wk__gbdt_map(0, margin, none, 4, order) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_base_margin_continues_where_another_forest_ends),
        TEST(test_a_custom_objective_gives_the_trees_of_the_one_it_copies),
        TEST(test_profit_trades_where_it_pays_and_rests_where_costs_eat_it),
        TEST(test_odd_groups_are_harmless),
        cmocka_unit_test(test_average_precision_of_small_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
