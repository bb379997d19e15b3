/* Networks of branches, and windows that compute only what their output needs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nets.h"
#include "nn/nn.h"
#include "nn/window.h"
#include "wick/rng.h"

enum { T_MAX = 150, F_MAX = 32, OUT = 5 };

static void noise(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (float)wk_rng_normal(seed, 0, i);
}

static wk_nn *create(const wk_nn_config *config, size_t F)
{
    wk_nn *nn = NULL;
    wk_err err;
    if (wk_nn_create_graph(config, F, OUT, 3, &nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return nn;
}

/* For windows of several lengths: the window's output, the sequence's last one and the stream's. */
static void check_window(const char *what, const wk_nn_config *config, size_t F)
{
    static float X[T_MAX * F_MAX], all[T_MAX * OUT];
    const size_t lengths[] = {1, 2, 7, 30, 64, T_MAX};
    wk_nn *nn = create(config, F);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
    wk_nn_state *state = wk_nn_state_create(&arena, plan);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t T = lengths[i];
        wk_nn_window *window;
        assert_int_equal(wk_nn_window_build(&arena, plan, T, &window, NULL), WK_OK);
        for (uint64_t round = 0; round < 2; round++) {
            float got[OUT], stepped[OUT];
            noise(X, T * F, 10 * T + round);
            wk_nn_sequence_forward(plan, state, X, T, all);
            wk_nn_window_forward(plan, window, X, got);
            wk_nn_state_reset(plan, state);
            for (size_t t = 0; t < T; t++)
                wk_nn_step(plan, state, X + t * F, stepped);
            const float *want = all + (T - 1) * OUT;
            for (size_t o = 0; o < OUT; o++)
                if (memcmp(&got[o], &want[o], 4) != 0 || memcmp(&stepped[o], &want[o], 4) != 0)
                    fail_msg("%s, T %zu output %zu: sequence %.9g, window %.9g, steps %.9g", what,
                             T, o, (double)want[o], (double)got[o], (double)stepped[o]);
        }
    }
    wk_arena_finish(&arena);
    wk_nn_destroy(nn);
}

static void test_window_equals_sequence_bit_for_bit(void **unused)
{
    (void)unused;
    wk_nn_layer_config one[][3] = {
        {{WK_NN_DENSE, .units = 17}, {WK_NN_RELU}, {WK_NN_MEAN, .units = 5}},
        {{WK_NN_CONV1D, .units = 9, .kernel = 4, .dilation = 3},
         {WK_NN_RELU},
         {WK_NN_CONV1D, .units = 20, .kernel = 2, .dilation = 2}},
        {{WK_NN_LSTM, .units = 5},
         {WK_NN_CONV1D, .units = 4, .kernel = 3, .dilation = 5},
         {WK_NN_LSTM, .units = 17}},
        {{WK_NN_TCN, .units = 6, .kernel = 3, .dilation = 4},
         {WK_NN_LAYER_NORM},
         {WK_NN_TCN, .units = 6, .kernel = 2, .dilation = 6}},
        {{WK_NN_MEAN, .units = 40}, {WK_NN_GRU, .units = 3}, {WK_NN_RELU}},
        {{WK_NN_RELU}, {WK_NN_TANH}, {WK_NN_DROPOUT, .dropout = 0.2}},
        {{WK_NN_CONV1D, .units = 18, .kernel = 3, .dilation = 2}, {WK_NN_BATCH_NORM}, {WK_NN_RELU}},
        {{WK_NN_TANH}, {WK_NN_BATCH_NORM}, {WK_NN_MEAN, .units = 40}},
    };
    for (size_t i = 0; i < sizeof one / sizeof *one; i++) {
        char what[16];
        snprintf(what, sizeof what, "stack %zu", i);
        check_window(what, &(wk_nn_config){.layers = {one[i], 3}}, 3);
    }
    check_window("reference", &wk_nn_reference, 32);
    check_window("odd", &odd_net, 3);
}

static void test_window_leaves_out_dead_positions(void **unused)
{
    (void)unused;
    wk_nn *nn = create(&wk_nn_reference, 32);
    wk_arena arena;
    wk_arena_init(&arena);
    wk__window w;
    wk__window_build(&arena, &nn->net, wk__nn_ops_best(), 1, 64, (wk__span){1, 0}, false, false,
                     &w);
    /* The blocks of the TCN give 29, 13, 5 and 1 positions: 28 + 2 * 4 * 8 bars back at most. */
    const size_t want[] = {29, 13, 5, 1};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(w.views[nn->net.branches[2].first + i].out.n, want[i]);
    assert_int_equal(w.views[nn->net.branches[1].first].out.n, 1);
    assert_int_equal(w.views[nn->net.branches[0].first].out.n, 64);
    wk__window_build(&arena, &nn->net, wk__nn_ops_best(), 1, 64, (wk__span){1, 0}, true, false, &w);
    for (size_t i = 0; i < nn->net.trunk; i++)
        assert_int_equal(w.views[i].out.n, 64);
    wk_arena_finish(&arena);
    wk_nn_destroy(nn);
}

static void test_wk_nn_referencework_has_its_parameters_and_names(void **unused)
{
    (void)unused;
    wk_nn *nn = create(&wk_nn_reference, 32);
    assert_int_equal(wk_nn_n_params(nn), 151109);
    const char *first[] = {"cnn.0.weight", "cnn.0.bias", "cnn.2.weight", "cnn.2.bias",
                           "lstm.0.weight_ih"};
    for (size_t i = 0; i < wk_nn_n_tensors(nn); i++) {
        const char *name;
        float *v;
        size_t shape[3], rank;
        wk_nn_tensor(nn, i, &name, &v, shape, &rank);
        if (i < 5)
            assert_string_equal(name, first[i]);
        if (i + 1 == wk_nn_n_tensors(nn))
            assert_string_equal(name, "head.bias");
        if (i + 4 == wk_nn_n_tensors(nn))
            assert_string_equal(name, "trunk.0.weight");
    }
    wk_nn_destroy(nn);
}

static void test_a_network_of_branches_survives_saving(void **unused)
{
    (void)unused;
    const wk_nn_config *nets[] = {&wk_nn_reference, &odd_net};
    for (int k = 0; k < 2; k++) {
        const size_t F = k ? 3 : 32;
        char path[] = "/tmp/wick_window_XXXXXX";
        assert_true(mkstemp(path) >= 0);
        wk_nn *nn = create(nets[k], F), *back = NULL;
        wk_err err;
        assert_int_equal(wk_nn_save(nn, path, NULL), WK_OK);
        if (wk_nn_load(path, &back, &err) != WK_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(back->net.n_params, nn->net.n_params);
        assert_memory_equal(back->params, nn->params, nn->net.n_params * sizeof *nn->params);
        assert_int_equal(back->net.n_branches, nn->net.n_branches);
        for (size_t i = 0; i < nn->n_tensors; i++)
            assert_string_equal(back->names[i], nn->names[i]);
        for (size_t i = 0; i < nn->net.n_layers; i++)
            assert_memory_equal(&back->net.layers[i].config, &nn->net.layers[i].config,
                                sizeof(wk_nn_layer_config));
        remove(path);
        wk_nn_destroy(nn);
        wk_nn_destroy(back);
    }
}

static void test_wrong_branches_are_refused_with_their_name(void **unused)
{
    (void)unused;
    wk_nn *nn = NULL;
    wk_err err;
    wk_nn_branch_config twice[] = {{"a", {odd_c, 1}}, {"a", {odd_c, 1}}};
    assert_int_equal(
        wk_nn_create_graph(&(wk_nn_config){.branches = {twice, 2}}, 3, 1, 1, &nn, &err),
        WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "both named a"));
    wk_nn_branch_config dotted[] = {{"a.b", {odd_c, 1}}};
    assert_int_equal(
        wk_nn_create_graph(&(wk_nn_config){.branches = {dotted, 1}}, 3, 1, 1, &nn, &err),
        WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "a.b"));
    wk_nn_window *window;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    nn = create(&odd_net, 3);
    assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
    assert_int_equal(wk_nn_window_build(&arena, plan, 0, &window, &err), WK_E_ARG);
    wk_arena_finish(&arena);
    wk_nn_destroy(nn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window_equals_sequence_bit_for_bit),
        cmocka_unit_test(test_window_leaves_out_dead_positions),
        cmocka_unit_test(test_wk_nn_referencework_has_its_parameters_and_names),
        cmocka_unit_test(test_a_network_of_branches_survives_saving),
        cmocka_unit_test(test_wrong_branches_are_refused_with_their_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
