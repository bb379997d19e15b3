/* Options that bind what trees may ask, and those that are refused. */
#include "options_fixture.h"
#include "training.h"

static void test_predictions_are_monotone_in_a_constrained_column(void **state)
{
    fixture *f = *state;
    static double up[] = {1, -1, 1, 0, 0, 0, -1};
    f->params.monotone_constraints = (wk_reals){up, 7};
    f->params.rounds = 12;
    f->categorical[3] = true;
    f->data.categorical = f->categorical;
    for (int policy = 0; policy < 2; policy++) {
        f->params.grow_policy = policy;
        f->params.max_depth = 6;
        wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2);
        double gain[COLS], spread = 0;
        wk_forest_importance(forest, gain);
        assert_true(gain[0] > 0 && gain[1] > 0 && gain[2] > 0);
        for (size_t i = 0; i < 100; i++)
            for (size_t c = 0; c < 7; c++) {
                float row[COLS], last = 0, now;
                memcpy(row, f->X + i * 89 * COLS, sizeof row);
                for (int step = 0; step <= 60 && up[c] != 0; step++) {
                    row[c] = (float)(step - 30) / 8;
                    wk_forest_predict(forest, row, &now);
                    if (step > 0 && (double)(now - last) * up[c] < 0)
                        fail_msg("column %zu at %g: %.9g after %.9g", c, (double)row[c],
                                 (double)now, (double)last);
                    spread += step > 0 ? fabs((double)(now - last)) : 0;
                    last = now;
                }
            }
        assert_true(spread > 1);
        wk_forest_destroy(forest);
    }
}

static void check_path(const wk__gbdt_tree *tree, size_t at, uint32_t used)
{
    static const uint32_t sets[] = {1u << 0 | 1u << 1, 1u << 2 | 1u << 18, 1u << 0 | 1u << 2};
    const wk__gbdt_node *node = &tree->nodes[at];
    bool fits = (used & (used - 1)) == 0; /* one column alone may always be used */
    for (size_t i = 0; i < 3; i++)
        fits |= (used & ~sets[i]) == 0;
    if (!fits)
        fail_msg("node %zu lies on a path of columns %x", at, used);
    if (node->left < 0)
        return;
    check_path(tree, (size_t)node->left, used | 1u << node->feature);
    check_path(tree, (size_t)node->right, used | 1u << node->feature);
}

static void test_no_path_mixes_columns_of_different_sets(void **state)
{
    fixture *f = *state;
    f->params.interaction_constraints = " [[0, 1], [2, 18] , [0,2]] ";
    for (int policy = 0; policy < 3; policy++) {
        f->params.grow_policy = policy;
        f->params.max_depth = 5;
        f->params.max_leaves = 32;
        wk_forest *forest = train_from(&f->params, NULL, NULL, &f->data, 2);
        size_t n_nodes = 0;
        for (size_t t = 0; t < forest->n_trees; t++) {
            check_path(&forest->trees[t], 0, 0);
            n_nodes += forest->trees[t].n_nodes;
        }
        assert_true(n_nodes > 50);
        wk_forest_destroy(forest);
    }
}

static void test_symmetric_trees_ask_one_question_a_level(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.grow_policy = 2;
    p.max_depth = 6;
    p.max_leaves = 0;
    wk_gbdt_log log = {0};
    wk_forest *forest = NULL;
    wk_err err;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &forest, &log, &err), WK_OK);
    /* Not far from trees that ask each node its own question. */
    wk_gbdt_log free_log = {0};
    wk_forest *free_forest = NULL;
    p.grow_policy = 0;
    assert_int_equal(wk_gbdt_train(&p, &f->data, NULL, NULL, 2, &free_forest, &free_log, &err),
                     WK_OK);
    wk_forest_destroy(free_forest);
    double fell = log.train_metric[0] - log.train_metric[4];
    double fell_free = free_log.train_metric[0] - free_log.train_metric[4];
    if (!(fell > 0.7 * fell_free))
        fail_msg("fell by %g, free trees by %g", fell, fell_free);
    wk_gbdt_log_finish(&free_log);
    for (size_t t = 0; t < forest->n_trees; t++) {
        const wk__gbdt_tree *tree = &forest->trees[t];
        assert_int_equal(tree->n_nodes, 127);
        uint32_t depth[127] = {0};
        const wk__gbdt_node *question[8] = {0};
        for (size_t i = 0; i < tree->n_nodes; i++) {
            const wk__gbdt_node *node = &tree->nodes[i];
            depth[i] = i ? depth[node->parent] + 1 : 0;
            assert_int_equal(node->left < 0, depth[i] == 6);
            if (node->left < 0)
                continue;
            const wk__gbdt_node *first = question[depth[i]] ? question[depth[i]] : node;
            question[depth[i]] = first;
            assert_true(first->feature == node->feature && first->value == node->value &&
                        first->default_left == node->default_left);
        }
    }
    wk_gbdt_log_finish(&log);
    wk_forest_destroy(forest);
}

static void test_unusable_options_are_refused(void **state)
{
    fixture *f = *state;
    wk_gbdt_params p = f->params;
    p.objective = WK_GBDT_POISSON;
    assert_refused(&p, &f->data, WK_E_DATA, "count:poisson takes 0 or more");
    p.objective = WK_GBDT_RANK_NDCG;
    set_labels(f, p.objective);
    f->group[7]++;
    assert_refused(&p, &f->data, WK_E_DATA, "hold 9001 rows, the table 9000");
    f->data.group = NULL;
    assert_refused(&p, &f->data, WK_E_DATA, "no query groups");
    f->label[5] = 40;
    f->data.group = f->group;
    assert_refused(&p, &f->data, WK_E_DATA, "row 5 has label 40");
    f->data.group = NULL;
    f->data.y = f->y;
    p = f->params;
    f->categorical[0] = true;
    f->data.categorical = f->categorical;
    assert_refused(&p, &f->data, WK_E_DATA, "categorical column 0");
    f->categorical[0] = false;
    f->categorical[3] = true;
    p.grow_policy = 2;
    p.max_depth = 3;
    assert_refused(&p, &f->data, WK_E_CONFIG, "does not split by category");
    p = f->params;
    static double constraints[COLS + 1] = {0, 0, 0, 1};
    p.monotone_constraints = (wk_reals){constraints, 4};
    assert_refused(&p, &f->data, WK_E_CONFIG, "cannot be monotone");
    f->data.categorical = NULL;
    p.monotone_constraints.n = COLS + 1;
    assert_refused(&p, &f->data, WK_E_CONFIG, "21 elements for 20 columns");
    p = f->params;
    static const char *const broken[] = {"[[0, 1]", "[[0 1]]", "[0]", "[[x]]", "[[0],,]", "0"};
    for (size_t i = 0; i < 6; i++) {
        p.interaction_constraints = broken[i];
        assert_refused(&p, &f->data, WK_E_CONFIG, "interaction_constraints");
    }
    p.interaction_constraints = "[[0, 20]]";
    assert_refused(&p, &f->data, WK_E_CONFIG, "column 20 of 20");
    p = f->params;
    p.eval_metric = "ndcg";
    assert_refused(&p, &f->data, WK_E_CONFIG, "does not fit");
    p.eval_metric = "accuracy";
    assert_refused(&p, &f->data, WK_E_CONFIG, "not known");
    p = f->params;
    p.objective = WK_GBDT_CUSTOM;
    assert_refused(&p, &f->data, WK_E_CONFIG, "no gradient callback");
    p = f->params;
    static double classes[] = {1, 2, 0.5};
    p.class_weights = (wk_reals){classes, 3};
    assert_refused(&p, &f->data, WK_E_CONFIG, "class_weights has 3 weights for 0 classes");
    p = f->params;
    p.sampling_method = 2;
    p.objective = WK_GBDT_QUANTILE;
    assert_refused(&p, &f->data, WK_E_CONFIG, "sampling_method");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_predictions_are_monotone_in_a_constrained_column),
        TEST(test_no_path_mixes_columns_of_different_sets),
        TEST(test_symmetric_trees_ask_one_question_a_level),
        TEST(test_unusable_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
