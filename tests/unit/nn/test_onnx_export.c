/* Networks written as ONNX and read back give what they gave: every layer kind, windows and one-bar
 * form. ONNX Runtime's word on the same files: tests/golden/nn/check_onnx.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nets.h"
#include "nn/onnx_export.h"
#include "wick/hash.h"
#include "wick/onnx.h"
#include "wick/rng.h"

enum { N = 3, T = 11, F = 3, O = 5, INPUTS_MAX = 16 };

typedef struct {
    const char *name;
    wk_nn_config config;
} net_case;

static const net_case *cases(size_t *n)
{
    static wk_nn_layer_config dense[] = {{WK_NN_DENSE, .units = 4}, {WK_NN_TANH}},
                              conv[] = {{WK_NN_CONV1D, .units = 5, .kernel = 3, .dilation = 2},
                                        {WK_NN_RELU},
                                        {WK_NN_CONV1D, .units = 4, .kernel = 1, .dilation = 1}},
                              lstm[] = {{WK_NN_LSTM, .units = 5}},
                              gru[] = {{WK_NN_GRU, .units = 5}},
                              tcn[] = {{WK_NN_TCN, .units = 4, .kernel = 2, .dilation = 3},
                                       {WK_NN_TCN, .units = 4, .kernel = 3, .dilation = 1,
                                        .plain = true}},
                              norm[] = {{WK_NN_LAYER_NORM}, {WK_NN_DROPOUT, .dropout = 0.5}},
                              bnorm[] = {{WK_NN_CONV1D, .units = 5, .kernel = 3, .dilation = 2},
                                         {WK_NN_BATCH_NORM},
                                         {WK_NN_RELU},
                                         {WK_NN_DENSE, .units = 4},
                                         {WK_NN_BATCH_NORM}},
                              mean[] = {{WK_NN_DENSE, .units = 4}, {WK_NN_MEAN, .units = 4}},
                              long_mean[] = {{WK_NN_MEAN, .units = 64}, {WK_NN_MEAN, .units = 1}};
    static net_case all[] = {{"head", {{0}, {0}}},       {"dense", {{0}, {dense, 2}}},
                             {"conv", {{0}, {conv, 3}}}, {"lstm", {{0}, {lstm, 1}}},
                             {"gru", {{0}, {gru, 1}}},   {"tcn", {{0}, {tcn, 2}}},
                             {"norm", {{0}, {norm, 2}}}, {"batch norm", {{0}, {bnorm, 5}}},
                             {"mean", {{0}, {mean, 2}}}, {"long mean", {{0}, {long_mean, 2}}},
                             {"branches", {{0}, {0}}}};
    *n = sizeof all / sizeof *all;
    all[*n - 1].config = odd_net;
    return all;
}

static const float mean_in[F] = {0.5F, -1, 2}, scale_in[F] = {2, 0.25F, 1};

static float number(size_t i)
{
    return (float)(4 * wk_rng_uniform(7, 1, i) - 2);
}

/* What the network gives at every bar for the inputs as the graph scales them: y [N, T, O]. */
static void own_outputs(const wk_nn *nn, const float *X, float *y)
{
    wk_arena arena;
    wk_nn_plan *plan;
    float scaled[T * F];
    wk_arena_init(&arena);
    assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
    wk_nn_state *state = wk_nn_state_create(&arena, plan);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < T * F; k++)
            scaled[k] = (X[i * T * F + k] - mean_in[k % F]) / scale_in[k % F];
        wk_nn_sequence_forward(plan, state, scaled, T, y + i * T * O);
    }
    wk_arena_finish(&arena);
}

static void same(const char *name, const char *form, const float *y, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)y[i] - (double)want[i]) <= 1e-5 * fmax(1, fabs((double)want[i]))))
            fail_msg("%s, %s: output %zu is %.9g, not %.9g", name, form, i, (double)y[i],
                     (double)want[i]);
}

static wk_onnx *written(const wk_nn *nn, const wk_nn_onnx *options, bool step)
{
    wk_text bytes;
    wk_onnx *model = NULL;
    wk_err err;
    if (wk__nn_onnx_bytes(nn, options, step, &bytes, &err) != WK_OK ||
        wk_onnx_parse("written", bytes.s, bytes.n, &model, &err) != WK_OK)
        fail_msg("%s", err.msg);
    free(bytes.s);
    return model;
}

static wk_onnx_plan *planned(const wk_onnx *model, const wk_onnx_shape *shapes)
{
    wk_onnx_plan *plan = NULL;
    wk_err err;
    if (wk_onnx_plan_build(model, shapes, 0, &plan, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return plan;
}

/* Windows of `bars` from the first on. */
static void check_window(const char *name, const wk_nn *nn, const wk_nn_onnx *options, size_t bars,
                         const float *X, const float *want)
{
    wk_onnx *model = written(nn, options, false);
    const wk_onnx_shape shape = {.rank = 3, .dims = {N, (int64_t)bars, F}};
    wk_onnx_plan *plan = planned(model, &shape);
    float *x = wk_onnx_plan_input(plan, 0);
    wk_onnx_shape out;
    for (size_t i = 0; i < N; i++)
        memcpy(x + i * bars * F, X + i * T * F, bars * F * sizeof *x);
    wk_onnx_run(plan);
    const float *y = wk_onnx_plan_output(plan, 0, &out);
    assert_int_equal(out.rank, options->every_bar ? 3 : 2);
    for (size_t i = 0; i < N; i++) {
        if (options->every_bar)
            same(name, "every bar", y + i * bars * O, want + i * T * O, bars * O);
        else
            same(name, "last bar", y + i * O, want + (i * T + bars - 1) * O, O);
    }
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
}

static void check_steps(const char *name, const wk_nn *nn, const wk_nn_onnx *options,
                        const float *X, const float *want)
{
    wk_onnx *model = written(nn, options, true);
    const size_t n = wk_onnx_n_inputs(model);
    wk_onnx_shape shapes[INPUTS_MAX], out;
    assert_true(n <= INPUTS_MAX);
    assert_int_equal(wk_onnx_n_outputs(model), n);
    for (size_t i = 0; i < n; i++) {
        shapes[i] = *wk_onnx_input(model, i);
        for (size_t k = 0; k < shapes[i].rank; k++)
            shapes[i].dims[k] = shapes[i].dims[k] < 0 ? N : shapes[i].dims[k];
    }
    wk_onnx_plan *plan = planned(model, shapes);
    for (size_t t = 0; t < T; t++) {
        for (size_t i = 0; i < N; i++)
            memcpy(wk_onnx_plan_input(plan, 0) + i * F, X + (i * T + t) * F, F * sizeof *X);
        wk_onnx_run(plan);
        const float *y = wk_onnx_plan_output(plan, 0, &out);
        for (size_t i = 0; i < N; i++)
            same(name, "step", y + i * O, want + (i * T + t) * O, O);
        /* Each state goes on as what its input will be; fresh ones are zeros. */
        for (size_t i = 1; i < n; i++) {
            const float *next = wk_onnx_plan_output(plan, i, &out);
            size_t count = 1;
            for (size_t k = 0; k < out.rank; k++)
                count *= (size_t)out.dims[k];
            assert_memory_equal(wk_onnx_output_name(model, i), shapes[i].name,
                                strlen(shapes[i].name));
            memcpy(wk_onnx_plan_input(plan, i), next, count * sizeof *next);
        }
    }
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
}

static void test_written_and_read_back_gives_the_same(void **unused)
{
    (void)unused;
    size_t n;
    const net_case *all = cases(&n);
    float X[N * T * F], y[N * T * O];
    for (size_t i = 0; i < N * T * F; i++)
        X[i] = number(i);
    for (size_t k = 0; k < n; k++) {
        wk_nn *nn;
        wk_nn_onnx options = {.mean = mean_in, .scale = scale_in};
        assert_int_equal(wk_nn_create_graph(&all[k].config, F, O, 3, &nn, NULL), WK_OK);
        own_outputs(nn, X, y);
        check_steps(all[k].name, nn, &options, X, y);
        for (size_t bars = 1; bars <= T; bars += 5) {
            options.every_bar = false;
            check_window(all[k].name, nn, &options, bars, X, y);
            options.every_bar = true;
            check_window(all[k].name, nn, &options, bars, X, y);
        }
        wk_nn_destroy(nn);
    }
}

static void test_probabilities_and_exponentials_come_out_of_the_graph(void **unused)
{
    (void)unused;
    wk_nn *nn;
    const wk_nn_config config = {{0}, {0}};
    assert_int_equal(wk_nn_create_graph(&config, F, O, 3, &nn, NULL), WK_OK);
    const bool logs[O] = {[O - 1] = true};
    const wk_nn_onnx options = {.n_classes = 3, .logs = logs};
    wk_onnx *raw = written(nn, &(wk_nn_onnx){0}, false), *done = written(nn, &options, false);
    const wk_onnx_shape shape = {.rank = 3, .dims = {1, 1, F}};
    wk_onnx_shape out;
    wk_onnx_plan *a = planned(raw, &shape), *b = planned(done, &shape);
    for (size_t f = 0; f < F; f++)
        wk_onnx_plan_input(a, 0)[f] = wk_onnx_plan_input(b, 0)[f] = number(f);
    wk_onnx_run(a);
    wk_onnx_run(b);
    const float *x = wk_onnx_plan_output(a, 0, &out), *y = wk_onnx_plan_output(b, 0, &out);
    double sum = 0;
    for (size_t i = 0; i < 3; i++)
        sum += exp((double)x[i]);
    for (size_t i = 0; i < O; i++) {
        const double v = (double)x[i];
        assert_true(fabs((double)y[i] - (i < 3 ? exp(v) / sum : i == O - 1 ? exp(v) : v)) < 1e-6);
    }
    wk_onnx_plan_destroy(a);
    wk_onnx_plan_destroy(b);
    wk_onnx_destroy(raw);
    wk_onnx_destroy(done);
    wk_nn_destroy(nn);
}

/* The graph's bytes, without the version beside it. */
static void graph_hash(const wk_nn *nn, bool step, char out[65])
{
    wk_text bytes;
    const wk_nn_onnx options = {.mean = mean_in, .scale = scale_in, .n_classes = 2};
    assert_int_equal(wk__nn_onnx_bytes(nn, &options, step, &bytes, NULL), WK_OK);
    const uint8_t *at = (const uint8_t *)bytes.s;
    wk_pb_view view = {at, at + bytes.n};
    wk_pb_field f;
    const char *why = NULL;
    while (wk_pb_next(&view, &f, &why) && f.number != 7) {
    }
    assert_null(why);
    assert_int_equal(f.number, 7);
    wk_hash_bytes(f.bytes.at, wk_pb_left(f.bytes), out);
    free(bytes.s);
}

/* Files that check_onnx.py has seen: when these change on purpose, run it again. */
static void test_exported_bytes_are_stable(void **unused)
{
    (void)unused;
    wk_nn *nn;
    char window[65], step[65];
    assert_int_equal(wk_nn_create_graph(&odd_net, F, O, 3, &nn, NULL), WK_OK);
    graph_hash(nn, false, window);
    graph_hash(nn, true, step);
    assert_string_equal(window, "cb8223e8b504c3633181c67d8256d6ece170156a1e2367e3477948e4a7222212");
    assert_string_equal(step, "aad5cc99e6f4302c917e269447f18c37bc8505f62421c8218e606cdc046f2b2f");
    wk_nn_destroy(nn);
}

static void test_refuses_what_no_graph_can_hold(void **unused)
{
    (void)unused;
    wk_nn *nn;
    wk_err err;
    wk_text bytes;
    const wk_nn_config config = {{0}, {0}};
    const char *name;
    float *values;
    size_t shape[3], rank;
    assert_int_equal(wk_nn_create_graph(&config, F, O, 3, &nn, NULL), WK_OK);
    assert_int_equal(wk__nn_onnx_bytes(nn, &(wk_nn_onnx){.n_classes = O + 1}, false, &bytes, &err),
                     WK_E_ARG);
    wk_nn_tensor(nn, 0, &name, &values, shape, &rank);
    values[1] = NAN;
    assert_int_equal(wk__nn_onnx_bytes(nn, &(wk_nn_onnx){0}, false, &bytes, &err), WK_E_MODEL);
    assert_non_null(strstr(err.msg, "parameter 1"));
    wk_nn_destroy(nn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_and_read_back_gives_the_same),
        cmocka_unit_test(test_probabilities_and_exponentials_come_out_of_the_graph),
        cmocka_unit_test(test_exported_bytes_are_stable),
        cmocka_unit_test(test_refuses_what_no_graph_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
