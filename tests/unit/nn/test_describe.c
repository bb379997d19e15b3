#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "nets.h"
#include "wick/nn.h"

typedef struct {
    wk_nn *nn;
    wk_arena arena;
    wk_nn_plan *plan;
    size_t plan_bytes;
} planned;

static planned plan_of(const wk_nn_config *config, size_t F)
{
    planned p = {0};
    wk_err err;
    wk_arena_init(&p.arena);
    if (wk_nn_create_graph(config, F, WK_NN_HEADS, 3, &p.nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(wk_nn_plan_build(&p.arena, p.nn, &p.plan, NULL), WK_OK);
    p.plan_bytes = p.arena.used_bytes;
    return p;
}

static void finish(planned *p)
{
    wk_arena_finish(&p->arena);
    wk_nn_destroy(p->nn);
}

static const wk_plan_layer *find(const wk_plan_description *d, const char *name)
{
    for (size_t i = 0; i < d->n_layers; i++)
        if (strcmp(d->layers[i].name, name) == 0)
            return &d->layers[i];
    fail_msg("no layer %s", name);
    return NULL;
}

static void test_the_reference_network_is_told_as_it_is(void **unused)
{
    (void)unused;
    planned p = plan_of(&wk_nn_reference, WK_NN_REFERENCE_INPUTS);
    wk_plan_description d;
    assert_int_equal(wk_plan_describe(&p.arena, p.plan, WK_NN_REFERENCE_BARS, &d, NULL), WK_OK);
    assert_string_equal(d.isa, wk_nn_plan_kernels(p.plan));
    assert_int_equal(d.F, 32);
    assert_int_equal(d.n_outputs, 5);
    assert_int_equal(d.n_params, 151109);
    assert_int_equal(d.n_layers, 5 + 1 + 4 + 2 + 1);

    const wk_plan_layer *l = find(&d, "lstm.0");
    assert_string_equal(l->shape, "lstm(64)");
    assert_string_equal(l->kernels, "gemm, lstm_cell");
    assert_int_equal(l->in, 32);
    assert_int_equal(l->out, 64);
    assert_int_equal(l->n_params, 4 * 64 * (32 + 64 + 2));
    assert_int_equal(l->flops_step, 8 * 64 * 96);
    assert_int_equal(l->flops_window, 64 * 8 * 64 * 96); /* every bar */

    l = find(&d, "cnn.0");
    assert_string_equal(l->shape, "conv1d(64, 3, 1)");
    assert_string_equal(l->kernels, "gemm with relu");
    assert_string_equal(find(&d, "cnn.1")->kernels, "in the layer before");
    assert_string_equal(find(&d, "cnn.1")->shape, "relu");
    assert_int_equal(l->flops_step, 2 * 32 * 3 * 64);
    assert_int_equal(find(&d, "cnn.4")->flops_window, 64 * 64); /* one mean of 64 bars */

    /* From the end backwards: a convolution of 3 taps d apart wants positions 2 d further back, at
     * the spacing of the finer of the two; the last block's first one 3 of them, 8 bars apart. */
    l = find(&d, "tcn.3");
    assert_string_equal(l->kernels, "gemm with relu and skip");
    assert_int_equal(l->positions, 1);
    assert_int_equal(l->flops_step, 4 * 64 * 3 * 64);
    assert_int_equal(l->flops_window, (3 + 1) * 2 * 64 * 3 * 64);
    l = find(&d, "tcn.2"); /* 32 bars back, 8 apart; its middle 40 bars back, 4 apart */
    assert_int_equal(l->positions, 5);
    assert_int_equal(l->flops_window, (11 + 5) * 2 * 64 * 3 * 64);
    l = find(&d, "tcn.1"); /* 48 back, 4 apart; 52 back, 2 apart */
    assert_int_equal(l->positions, 13);
    assert_int_equal(l->flops_window, (27 + 13) * 2 * 64 * 3 * 64);
    l = find(&d, "tcn.0"); /* 56 back, 2 apart, and the skip's 1x1; 58 back, each */
    assert_string_equal(l->kernels, "gemm with relu and skip, gemm");
    assert_int_equal(l->positions, 29);
    assert_int_equal(l->flops_window, 59 * 2 * 32 * 3 * 64 + 29 * (2 * 64 * 3 * 64 + 2 * 32 * 64));

    l = find(&d, "head");
    assert_ptr_equal(l, &d.layers[d.n_layers - 1]);
    assert_int_equal(l->flops_step, 2 * 64 * 5);
    assert_int_equal(l->flops_window, l->flops_step);
    finish(&p);
}

static void test_sums_and_bytes_are_those_of_what_is_built(void **unused)
{
    (void)unused;
    planned p = plan_of(&odd_net, 7);
    wk_plan_description d;
    assert_int_equal(wk_plan_describe(&p.arena, p.plan, 30, &d, NULL), WK_OK);
    size_t step = 0, window = 0, packed = 0, params = 0;
    for (size_t i = 0; i < d.n_layers; i++) {
        step += d.layers[i].flops_step;
        window += d.layers[i].flops_window;
        packed += d.layers[i].packed_bytes;
        params += d.layers[i].n_params;
    }
    assert_int_equal(d.flops_step, step);
    assert_int_equal(d.flops_window, window);
    assert_int_equal(d.packed_bytes, packed);
    assert_int_equal(d.n_params, params);
    assert_int_equal(params, wk_nn_n_params(p.nn));
    assert_int_equal(d.plan_bytes, p.plan_bytes);
    assert_true(d.plan_bytes > d.packed_bytes);

    wk_arena arena;
    wk_nn_window *w;
    wk_arena_init(&arena);
    wk_nn_state_create(&arena, p.plan);
    assert_int_equal(d.state_bytes, arena.used_bytes);
    wk_arena_finish(&arena);
    assert_int_equal(wk_nn_window_build(&arena, p.plan, 30, &w, NULL), WK_OK);
    assert_int_equal(d.window_bytes, arena.used_bytes);
    wk_arena_finish(&arena);
    finish(&p);
}

static void test_windows_are_left_out_or_refused(void **unused)
{
    (void)unused;
    planned p = plan_of(&odd_net, 7);
    wk_plan_description d = {.T = 99};
    wk_err err;
    assert_int_equal(wk_plan_describe(&p.arena, p.plan, (size_t)1 << 40, &d, &err), WK_E_ARG);
    assert_non_null(strstr(err.msg, "1099511627776 bars"));
    assert_int_equal(d.T, 99); /* untouched */
    assert_int_equal(wk_plan_describe(&p.arena, p.plan, 0, &d, &err), WK_OK);
    assert_int_equal(d.window_bytes, 0);
    assert_int_equal(d.flops_window, 0);
    assert_true(d.flops_step > 0 && d.state_bytes > 0);
    finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_reference_network_is_told_as_it_is),
        cmocka_unit_test(test_sums_and_bytes_are_those_of_what_is_built),
        cmocka_unit_test(test_windows_are_left_out_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
