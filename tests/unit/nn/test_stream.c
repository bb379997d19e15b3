#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../count_allocations.h"
#include "wick/nn.h"
#include "wick/rng.h"

/* Widths around the padding of 16 and past it. */
enum { F = 19, T = 3000, OUT = 5 };

static const wk_nn_layer_config stacks[][6] = {
    {{WK_NN_DENSE, .units = 17}, {WK_NN_RELU}, {WK_NN_DENSE, .units = 8}, {WK_NN_TANH}},
    {{WK_NN_CONV1D, .units = 33, .kernel = 3, .dilation = 1},
     {WK_NN_RELU},
     {WK_NN_CONV1D, .units = 16, .kernel = 5, .dilation = 7},
     {WK_NN_RELU},
     {WK_NN_MEAN, .units = 24},
     {WK_NN_DROPOUT, .dropout = 0.3}},
    {{WK_NN_LSTM, .units = 32}, {WK_NN_LSTM, .units = 5}},
    {{WK_NN_GRU, .units = 17}, {WK_NN_LAYER_NORM}, {WK_NN_GRU, .units = 1}},
    {{WK_NN_TCN, .units = 32, .kernel = 3, .dilation = 1, .dropout = 0.2},
     {WK_NN_TCN, .units = 32, .kernel = 3, .dilation = 4},
     {WK_NN_TCN, .units = 20, .kernel = 2, .dilation = 16}},
    {{WK_NN_LAYER_NORM}, {WK_NN_MEAN, .units = 1}, {WK_NN_RELU}},
    {{WK_NN_CONV1D, .units = 18, .kernel = 4, .dilation = 2},
     {WK_NN_BATCH_NORM},
     {WK_NN_RELU},
     {WK_NN_LSTM, .units = 5},
     {WK_NN_BATCH_NORM}},
};
static const size_t lengths[] = {4, 6, 2, 3, 3, 3, 5};
enum { N_STACKS = sizeof lengths / sizeof *lengths };

static float *noise(size_t n, uint64_t seed)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)wk_rng_normal(seed, 0, i);
    return x;
}

static wk_nn *stack(size_t s)
{
    wk_err err;
    wk_nn *nn = NULL;
    if (wk_nn_create(stacks[s], lengths[s], F, OUT, 7, &nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return nn;
}

static void test_step_equals_sequence_bit_for_bit(void **unused)
{
    (void)unused;
    float *X = noise((size_t)T * F, 3);
    float *a = malloc(sizeof(float) * T * OUT), *b = malloc(sizeof(float) * T * OUT);
    for (size_t s = 0; s < N_STACKS; s++) {
        wk_nn *nn = stack(s);
        wk_arena arena;
        wk_arena_init(&arena);
        wk_nn_plan *plan;
        assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
        wk_nn_state *state = wk_nn_state_create(&arena, plan),
                    *small = wk_nn_stepper_create(&arena, plan);
        /* Neither running nor resetting may allocate. */
        wk_arena_freeze(&arena);
        wk_nn_sequence_forward(plan, state, X, T, a);
        wk_nn_sequence_forward(plan, small, X, T, b);
        assert_memory_equal(a, b, sizeof *a * T * OUT);
        wk_nn_state_reset(plan, small);
        for (size_t t = 0; t < T; t++)
            wk_nn_step(plan, small, X + t * F, b + t * OUT);
        assert_memory_equal(a, b, sizeof *a * T * OUT);
        wk_nn_state_reset(plan, state);
        for (size_t t = 0; t < T; t++)
            wk_nn_step(plan, state, X + t * F, b + t * OUT);
        for (size_t i = 0; i < (size_t)T * OUT; i++)
            if (memcmp(a + i, b + i, sizeof *a) != 0)
                fail_msg("stack %zu bar %zu: sequence %.9g, step %.9g", s, i / OUT, (double)a[i],
                         (double)b[i]);
        /* Some output must move, or nothing was compared. */
        assert_true(a[0] != a[(T - 1) * OUT]);
        wk_arena_finish(&arena);
        wk_nn_destroy(nn);
    }
    free(X), free(a), free(b);
}

static void test_step_never_allocates(void **unused)
{
    (void)unused;
    float *X = noise((size_t)T * F, 8), y[OUT];
    for (size_t s = 0; s < N_STACKS; s++) {
        wk_nn *nn = stack(s);
        wk_arena arena;
        wk_arena_init(&arena);
        wk_nn_plan *plan;
        size_t before = allocations;
        assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
        wk_nn_state *state = wk_nn_state_create(&arena, plan);
        assert_true(allocations > before); /* the counter counts */
        before = allocations;
        for (size_t t = 0; t < T; t++)
            wk_nn_step(plan, state, X + t * F, y);
        assert_int_equal(allocations, before);
        wk_arena_finish(&arena);
        wk_nn_destroy(nn);
    }
    free(X);
}

static void test_step_continues_a_sequence_and_a_copied_state(void **unused)
{
    (void)unused;
    enum { CUT = 1003 };
    float *X = noise((size_t)T * F, 4), *a = malloc(sizeof(float) * T * OUT);
    for (size_t s = 0; s < N_STACKS; s++) {
        wk_nn *nn = stack(s);
        wk_arena arena;
        wk_arena_init(&arena);
        wk_nn_plan *plan;
        assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
        wk_nn_state *whole = wk_nn_state_create(&arena, plan),
                    *part = wk_nn_state_create(&arena, plan);
        wk_nn_state *copy = wk_nn_state_create(&arena, plan);
        wk_nn_sequence_forward(plan, whole, X, T, a);
        float *head = malloc(sizeof(float) * CUT * OUT), y[OUT], z[OUT];
        wk_nn_sequence_forward(plan, part, X, CUT, head);
        wk_nn_state_copy(plan, copy, part);
        for (size_t t = CUT; t < CUT + 200; t++) {
            wk_nn_step(plan, part, X + t * F, y);
            assert_memory_equal(y, a + t * OUT, sizeof y);
        }
        /* The copy did not move with the original. */
        for (size_t t = CUT; t < CUT + 200; t++) {
            wk_nn_step(plan, copy, X + t * F, z);
            assert_memory_equal(z, a + t * OUT, sizeof z);
        }
        free(head);
        wk_arena_finish(&arena);
        wk_nn_destroy(nn);
    }
    free(X), free(a);
}

static void test_output_forgets_inputs_older_than_the_receptive_field(void **unused)
{
    (void)unused;
    const size_t conv_stacks[] = {0, 1, 4, 5};
    float *X = noise((size_t)400 * F, 5), *Y = malloc(sizeof(float) * 400 * F);
    float a[400 * OUT], b[400 * OUT];
    for (size_t i = 0; i < 4; i++) {
        wk_nn *nn = stack(conv_stacks[i]);
        const size_t field = wk_nn_receptive(nn), moved = 100;
        wk_arena arena;
        wk_arena_init(&arena);
        wk_nn_plan *plan;
        assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
        wk_nn_state *state = wk_nn_state_create(&arena, plan);
        memcpy(Y, X, sizeof(float) * 400 * F);
        for (size_t k = 0; k < F; k++)
            Y[moved * F + k] += 1;
        wk_nn_sequence_forward(plan, state, X, 400, a);
        wk_nn_sequence_forward(plan, state, Y, 400, b);
        assert_true(field + moved < 400);
        for (size_t t = 0; t < 400; t++) {
            bool same = memcmp(a + t * OUT, b + t * OUT, OUT * sizeof *a) == 0;
            if (t < moved || t >= moved + field)
                assert_true(same);
            else if (t == moved)
                assert_false(same);
        }
        wk_arena_finish(&arena);
        wk_nn_destroy(nn);
    }
    free(X), free(Y);
}

static void test_mean_divides_by_the_bars_there_are(void **unused)
{
    (void)unused;
    const wk_nn_layer_config mean = {WK_NN_MEAN, .units = 3};
    wk_nn *nn;
    assert_int_equal(wk_nn_create(&mean, 1, 1, 1, 1, &nn, NULL), WK_OK);
    for (size_t i = 0; i < wk_nn_n_tensors(nn); i++) {
        const char *name;
        float *v;
        size_t shape[3], rank;
        wk_nn_tensor(nn, i, &name, &v, shape, &rank);
        v[0] = strcmp(name, "head.weight") == 0 ? 1 : 0;
    }
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
    wk_nn_state *state = wk_nn_state_create(&arena, plan);
    const float X[] = {6, 2, 1, 9, 8}, want[] = {6, 4, 3, 4, 6};
    float out[5];
    wk_nn_sequence_forward(plan, state, X, 5, out);
    for (size_t i = 0; i < 5; i++)
        assert_float_equal(out[i], want[i], 1e-6);
    wk_arena_finish(&arena);
    wk_nn_destroy(nn);
}

static void test_a_wrong_layer_is_refused_with_its_place(void **unused)
{
    (void)unused;
    wk_err err;
    wk_nn *nn = NULL;
    const wk_nn_layer_config bad[][2] = {
        {{WK_NN_DENSE, .units = 4}, {WK_NN_CONV1D, .units = 4, .kernel = 0, .dilation = 1}},
        {{WK_NN_DENSE, .units = 4}, {WK_NN_LSTM, .units = 0}},
        {{WK_NN_DENSE, .units = 4}, {.kind = 99}},
        {{WK_NN_DENSE, .units = 4}, {WK_NN_DROPOUT, .dropout = 1}},
    };
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(wk_nn_create(bad[i], 2, 3, 5, 1, &nn, &err), WK_E_CONFIG);
        assert_non_null(strstr(err.msg, "layer 1"));
        assert_null(nn);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_equals_sequence_bit_for_bit),
        cmocka_unit_test(test_step_never_allocates),
        cmocka_unit_test(test_step_continues_a_sequence_and_a_copied_state),
        cmocka_unit_test(test_output_forgets_inputs_older_than_the_receptive_field),
        cmocka_unit_test(test_mean_divides_by_the_bars_there_are),
        cmocka_unit_test(test_a_wrong_layer_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
