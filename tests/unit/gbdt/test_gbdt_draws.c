/* Rows that a tree draws: whole blocks, by their gradients, and those that were not drawn. */
#include "options_fixture.h"

static void test_draws_by_blocks_take_whole_blocks(void **state)
{
    fixture *f = *state;
    /* Labels that alternate within a block: a draw of whole blocks keeps every root's sum at 0. */
    for (size_t i = 0; i < ROWS; i++)
        f->label[i] = i % 2 ? 1 : -1;
    f->data.y = f->label;
    f->params.base_score = 0;
    f->params.eta = 1e-6;
    f->params.subsample = 0.5;
    f->params.max_leaves = 2;
    f->params.rounds = 20;
    f->params.subsample_block = 50;
    wk_forest *blocks = train_from(&f->params, NULL, NULL, &f->data, 2);
    f->params.subsample_block = 0;
    wk_forest *rows = train_from(&f->params, NULL, NULL, &f->data, 2);
    double from_blocks = 0, from_rows = 0;
    for (size_t t = 0; t < 20; t++) {
        from_blocks += fabs((double)blocks->trees[t].nodes[0].weight);
        from_rows += fabs((double)rows->trees[t].nodes[0].weight);
        double n = (double)blocks->trees[t].nodes[0].hessian;
        assert_true((size_t)n % 50 == 0 && n > 0.3 * ROWS && n < 0.7 * ROWS);
    }
    assert_true(from_blocks < 1e-4 && from_rows > 1e-2);
    wk_forest_destroy(blocks);
    wk_forest_destroy(rows);
}

static void test_draws_by_gradients_keep_the_sums(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.rounds = 1;
    wk_forest *all = train_from(&p, NULL, NULL, &f->data, 2);
    double h_all = (double)all->trees[0].nodes[0].hessian;
    for (int method = 1; method <= 2; method++) {
        double mean = 0, close = 0;
        for (int64_t seed = 0; seed < 10; seed++) {
            p.sampling_method = method;
            p.subsample = method == 1 ? 0.3 : 1;
            p.seed = seed;
            wk_forest *some = train_from(&p, NULL, NULL, &f->data, 2);
            double h = (double)some->trees[0].nodes[0].hessian;
            mean += h / 10;
            close += fabs(h - h_all) > 1e-6;
            wk_forest_destroy(some);
        }
        assert_true(fabs(mean / h_all - 1) < 0.03 && close > 0);
    }
    wk_forest_destroy(all);
}

static void test_margins_in_training_are_those_of_the_forest(void **state)
{
    fixture *f = *state;
    f->categorical[3] = f->categorical[4] = true;
    f->data.categorical = f->categorical;
    f->params.subsample = 0.6; /* rows that were not drawn walk by their bins */
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&f->params, &f->data, NULL, NULL, 2, &forest, &log, &err),
                     WK_OK);
    double sum = 0;
    for (size_t i = 0; i < ROWS; i++) {
        float z;
        wk_forest_predict(forest, f->X + i * COLS, &z);
        sum += ((double)z - (double)f->y[i]) * ((double)z - (double)f->y[i]);
    }
    assert_true(fabs(sqrt(sum / ROWS) - log.train_metric[4]) < 1e-9);
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_draws_by_blocks_take_whole_blocks),
        TEST(test_draws_by_gradients_keep_the_sums),
        TEST(test_margins_in_training_are_those_of_the_forest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
