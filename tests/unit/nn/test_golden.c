/* Outputs and gradients of PyTorch (tests/golden/nn/make_torch.py), every instruction set, 1e-5. */
#include "golden.h"

#include <math.h>

#include "nn/adamw.h"
#include "nn/array_loss.h"
#include "nn/loss.h"
#include "nn/net.h"

/* This file is also built in double, where only the goldens' own rounding is left. */
#ifdef WK_NN_REAL_DOUBLE
static const double tolerance = 2e-7;
#else
static const double tolerance = 1e-5;
#endif

static void compare(const char *name, const char *what, size_t i, double got, double want)
{
    if (!(fabs(got - want) <= tolerance * (1 + fabs(want))))
        fail_msg("%s: %s[%zu] is %.9g, PyTorch has %.9g", name, what, i, got, want);
}

/* Runs one layer alone over the golden chunk. */
static void check_with(const char *name, wk_nn_layer_config config, const wk__nn_ops *ops)
{
    golden g = golden_open(name);
    const size_t T = golden_dim(&g, "x", 0), B = golden_dim(&g, "x", 1), C = golden_dim(&g, "x", 2);
    const size_t O = golden_dim(&g, "y", 2), M = T * B;
    wk_arena arena;
    wk__layer l;
    wk_arena_init(&arena);
    assert_int_equal(wk__layer_setup(&l, &config, 0, C, NULL), WK_OK);
    assert_int_equal(l.out, O);
    wk__run run = {.ops = ops, .B = B, .T_max = T, .backward = true, .training = true};
    wk_real *params = wk_arena_array(&arena, wk_real, l.n_params),
            *dparams = wk_arena_array(&arena, wk_real, l.n_params);
    wk_real *packed = wk_arena_array(&arena, wk_real, l.n_packed),
            *grad = wk_arena_array(&arena, wk_real, l.n_grad);
    wk_real *state = wk_arena_array(&arena, wk_real, l.ops->n_state ? l.ops->n_state(&l, B, T) : 0);
    wk_real *tape = wk_arena_array(&arena, wk_real, l.ops->n_tape ? l.ops->n_tape(&l, B, T) : 0);
    wk_real *x = wk_arena_array(&arena, wk_real, M * l.ldi),
            *dx = wk_arena_array(&arena, wk_real, M * l.ldi);
    wk_real *y = wk_arena_array(&arena, wk_real, M * l.ldo),
            *dy = wk_arena_array(&arena, wk_real, M * l.ldo);
    float *gx = golden_get(&g, "x", M * C), *gy = golden_get(&g, "y", M * O);
    float *gdy = golden_get(&g, "dy", M * O), *gdx = golden_get(&g, "dx", M * C);
    for (size_t m = 0; m < M; m++) {
        for (size_t c = 0; c < C; c++)
            x[m * l.ldi + c] = gx[m * C + c];
        for (size_t o = 0; o < O; o++)
            dy[m * l.ldo + o] = gdy[m * O + o];
    }
    char key[64];
    for (size_t i = 0; i < l.n_tensors; i++) {
        const wk__tensor *t = &l.tensors[i];
        snprintf(key, sizeof key, "p.%s", t->name);
        float *p = golden_get(&g, key, t->n);
        for (size_t k = 0; k < t->n; k++)
            params[t->at + k] = p[k];
        free(p);
    }
    if (l.ops->pack)
        l.ops->pack(&l, params, packed);
    if (l.ops->reset)
        l.ops->reset(&l, &run, state, B);
    l.ops->forward(&l, &run, packed, state, tape, x, y, T);
    for (size_t i = 0; i < M * O; i++)
        compare(name, "y", i, y[i / O * l.ldo + i % O], gy[i]);
    l.ops->backward(&l, &run, packed, state, tape, x, y, dy, dx, grad, T);
    for (size_t i = 0; i < M * C; i++)
        compare(name, "dx", i, dx[i / C * l.ldi + i % C], gdx[i]);
    if (l.ops->unpack)
        l.ops->unpack(&l, params, grad, dparams);
    for (size_t i = 0; i < l.n_tensors; i++) {
        const wk__tensor *t = &l.tensors[i];
        snprintf(key, sizeof key, "g.%s", t->name);
        float *p = golden_get(&g, key, t->n);
        for (size_t k = 0; k < t->n; k++)
            compare(name, key, k, dparams[t->at + k], p[k]);
        free(p);
    }
    /* What follows the batches' statistics, and inference with it. */
    if (l.ops->track) {
        l.ops->track(&l, grad, params);
        for (size_t i = 0; i < l.n_tensors; i++) {
            const wk__tensor *t = &l.tensors[i];
            if (strncmp(t->name, "running_", 8) != 0)
                continue;
            snprintf(key, sizeof key, "after.%s", t->name);
            float *p = golden_get(&g, key, t->n);
            for (size_t k = 0; k < t->n; k++)
                compare(name, key, k, params[t->at + k], p[k]);
            free(p);
        }
        float *want = golden_get(&g, "eval", M * O);
        l.ops->pack(&l, params, packed);
        run.training = false;
        l.ops->forward(&l, &run, packed, state, tape, x, y, T);
        for (size_t i = 0; i < M * O; i++)
            compare(name, "eval", i, y[i / O * l.ldo + i % O], want[i]);
        free(want);
    }
    free(gx), free(gy), free(gdx), free(gdy);
    wk_arena_finish(&arena);
    golden_close(&g);
}

static void check(const char *name, wk_nn_layer_config config)
{
    const wk__nn_ops *ops;
    for (size_t i = 0; (ops = wk__nn_ops_at(i)) != NULL; i++)
        check_with(name, config, ops);
}

static void test_dense_as_pytorch(void **unused)
{
    (void)unused;
    check("dense_1", (wk_nn_layer_config){WK_NN_DENSE, .units = 1});
    check("dense_17", (wk_nn_layer_config){WK_NN_DENSE, .units = 17});
}

static void test_conv1d_as_pytorch(void **unused)
{
    (void)unused;
    check("conv1d_4_3_2",
          (wk_nn_layer_config){WK_NN_CONV1D, .units = 4, .kernel = 3, .dilation = 2});
    check("conv1d_17_4_1",
          (wk_nn_layer_config){WK_NN_CONV1D, .units = 17, .kernel = 4, .dilation = 1});
}

static void test_lstm_as_pytorch(void **unused)
{
    (void)unused;
    check("lstm_1", (wk_nn_layer_config){WK_NN_LSTM, .units = 1});
    check("lstm_5", (wk_nn_layer_config){WK_NN_LSTM, .units = 5});
    check("lstm_17", (wk_nn_layer_config){WK_NN_LSTM, .units = 17});
    check("lstm_33", (wk_nn_layer_config){WK_NN_LSTM, .units = 33});
}

static void test_gru_as_pytorch(void **unused)
{
    (void)unused;
    check("gru_1", (wk_nn_layer_config){WK_NN_GRU, .units = 1});
    check("gru_5", (wk_nn_layer_config){WK_NN_GRU, .units = 5});
    check("gru_17", (wk_nn_layer_config){WK_NN_GRU, .units = 17});
    check("gru_33", (wk_nn_layer_config){WK_NN_GRU, .units = 33});
}

static void test_tcn_as_pytorch(void **unused)
{
    (void)unused;
    check("tcn_4_3_1", (wk_nn_layer_config){WK_NN_TCN, .units = 4, .kernel = 3, .dilation = 1});
    check("tcn_5_2_2", (wk_nn_layer_config){WK_NN_TCN, .units = 5, .kernel = 2, .dilation = 2});
}

static void test_norm_and_activations_as_pytorch(void **unused)
{
    (void)unused;
    check("layer_norm", (wk_nn_layer_config){.kind = WK_NN_LAYER_NORM});
    check("batch_norm", (wk_nn_layer_config){.kind = WK_NN_BATCH_NORM});
    check("relu", (wk_nn_layer_config){.kind = WK_NN_RELU});
    check("tanh", (wk_nn_layer_config){.kind = WK_NN_TANH});
}

static void test_losses_as_pytorch(void **unused)
{
    (void)unused;
    enum { N = 40 };
    golden g = golden_open("losses");
    float *out = golden_get(&g, "out", N * 5), *direction = golden_get(&g, "direction", N);
    float *magnitude = golden_get(&g, "magnitude", N),
          *volatility = golden_get(&g, "volatility", N);
    float *weights = golden_get(&g, "class_weight", 3), *want = golden_get(&g, "losses", 4);
    float *dout = golden_get(&g, "dout", N * 5);
    const wk__loss_config config = {
        0.125, 0.75, {1, 0.5, 0.25}, {(double)weights[0], (double)weights[1], (double)weights[2]}};
    wk__loss_sums sums = {0};
    wk__target target[N];
    for (size_t n = 0; n < N; n++) {
        target[n] = (wk__target){(int)direction[n], (double)magnitude[n], (double)volatility[n], 1};
        wk__loss_norms(&config, &target[n], &sums);
    }
    double scale[3];
    for (int i = 0; i < 3; i++)
        scale[i] = config.weight[i] / sums.norm[i];
    for (size_t n = 0; n < N; n++) {
        wk_real o[5], d[5];
        for (size_t i = 0; i < 5; i++)
            o[i] = out[n * 5 + i];
        wk__loss_bar(&config, &target[n], o, scale, &sums, d);
        for (size_t i = 0; i < 5; i++)
            compare("losses", "dout", n * 5 + i, d[i], dout[n * 5 + i]);
    }
    for (size_t i = 0; i < 3; i++)
        compare("losses", "loss", i, sums.loss[i] / sums.norm[i], want[i]);
    compare("losses", "total", 0, wk__loss_total(&config, &sums), want[3]);
    free(out), free(direction), free(magnitude), free(volatility), free(weights), free(want),
        free(dout);
    golden_close(&g);
}

static void test_losses_of_arrays_as_pytorch(void **unused)
{
    (void)unused;
    enum { N = 24, OUT_MAX = 4 };
    static double quantiles[] = {0.125, 0.75};
    static const char *const names[] = {"cross_entropy", "focal",    "mse",      "huber",
                                        "pinball",       "gaussian", "student_t"};
    golden g = golden_open("array_losses");
    float *label = golden_get(&g, "label", N), *y = golden_get(&g, "y", N * 2);
    for (int kind = WK_NN_CROSS_ENTROPY; kind <= WK_NN_STUDENT_T; kind++) {
        const wk_nn_fit_config config = {.loss = kind,
                                         .label_smoothing = 0.125,
                                         .focal_gamma = 1.5,
                                         .huber_delta = 0.75,
                                         .degrees_of_freedom = 3,
                                         .quantiles = {quantiles, 2}};
        const bool classes = kind <= WK_NN_FOCAL;
        const size_t K = classes ? 1 : 2, O = wk_nn_fit_outputs(&config, classes ? 4 : 2);
        const float *target = classes ? label : y;
        char key[64];
        snprintf(key, sizeof key, "%s.out", names[kind]);
        float *out = golden_get(&g, key, N * O);
        snprintf(key, sizeof key, "%s.dout", names[kind]);
        float *dout = golden_get(&g, key, N * O);
        snprintf(key, sizeof key, "%s.loss", names[kind]);
        float *loss = golden_get(&g, key, 1);
        wk__array_loss l;
        wk__array_sums sums = {0};
        double scale[WK__PARTS] = {0};
        assert_int_equal(wk__array_loss_init(&config, O, K, &l, NULL), WK_OK);
        for (size_t n = 0; n < N; n++)
            wk__array_loss_norms(&l, target + n * K, 1, &sums);
        scale[0] = 1 / sums.norm[0];
        for (size_t n = 0; n < N; n++) {
            wk_real o[OUT_MAX], d[OUT_MAX];
            for (size_t k = 0; k < O; k++)
                o[k] = out[n * O + k];
            wk__array_loss_row(&l, target + n * K, 1, o, scale, &sums, d);
            for (size_t k = 0; k < O; k++)
                compare(names[kind], "dout", n * O + k, d[k], dout[n * O + k]);
        }
        compare(names[kind], "loss", 0, wk__array_loss_total(&l, &sums), *loss);
        free(out), free(dout), free(loss);
    }
    free(label), free(y);
    golden_close(&g);
}

/* Learned weights of tasks: gradients of the outputs under them, and where Adam takes them. */
static void check_uncertainty(const char *name, int loss)
{
    enum { N = 16, K = 3, STEPS = 25 };
    static double weights[K] = {1, 0.5, 2};
    const wk_nn_fit_config config = {.loss = loss,
                                     .huber_delta = 0.75,
                                     .task_weights = {weights, K},
                                     .learn_task_weights = true};
    golden g = golden_open(name);
    float *y = golden_get(&g, "y", N * K), *out = golden_get(&g, "out", STEPS * N * K);
    float *dout = golden_get(&g, "dout", STEPS * N * K), *s = golden_get(&g, "s", STEPS * K);
    wk__array_loss l;
    wk__uncertainty u = {0};
    assert_int_equal(wk__array_loss_init(&config, K, K, &l, NULL), WK_OK);
    assert_int_equal(l.n_parts, K);
    for (size_t step = 0; step < STEPS; step++) {
        wk__array_sums sums = {0};
        double scale[WK__PARTS], losses[K];
        for (size_t n = 0; n < N; n++)
            wk__array_loss_norms(&l, y + n * K, 1, &sums);
        for (size_t k = 0; k < K; k++)
            scale[k] = 1 / sums.norm[k];
        wk__uncertainty_factors(&u, K, loss == WK_NN_MSE, l.weight, l.factor);
        for (size_t n = 0; n < N; n++) {
            wk_real o[K], d[K];
            for (size_t k = 0; k < K; k++)
                o[k] = out[(step * N + n) * K + k];
            wk__array_loss_row(&l, y + n * K, 1, o, scale, &sums, d);
            for (size_t k = 0; k < K; k++)
                compare(name, "dout", (step * N + n) * K + k, d[k], dout[(step * N + n) * K + k]);
        }
        for (size_t k = 0; k < K; k++)
            losses[k] = sums.loss[k] / sums.norm[k];
        wk__uncertainty_update(&u, K, loss == WK_NN_MSE, l.weight, losses, 0.05, step + 1);
        for (size_t k = 0; k < K; k++)
            compare(name, "s", step * K + k, u.s[k], s[step * K + k]);
    }
    free(y), free(out), free(dout), free(s);
    golden_close(&g);
}

static void test_learned_task_weights_as_pytorch(void **unused)
{
    (void)unused;
    check_uncertainty("uncertainty_square", WK_NN_MSE);
    check_uncertainty("uncertainty_huber", WK_NN_HUBER);
}

static void test_adamw_with_clipping_as_pytorch(void **unused)
{
    (void)unused;
    enum { N = 48, STEPS = 20 };
    golden g = golden_open("adamw");
    float *start = golden_get(&g, "start", N), *grads = golden_get(&g, "grads", STEPS * N);
    float *after = golden_get(&g, "after", STEPS * N);
    wk_real p[N], m[N] = {0}, v[N] = {0}, gradient[N];
    bool decay[N];
    for (size_t i = 0; i < N; i++) {
        p[i] = start[i];
        decay[i] = i < N / 2;
    }
    wk__adamw opt = {.learning_rate = 0.01,
                     .beta1 = 0.9,
                     .beta2 = 0.999,
                     .eps = 1e-8,
                     .weight_decay = 0.05,
                     .m = m,
                     .v = v};
    for (size_t s = 0; s < STEPS; s++) {
        for (size_t i = 0; i < N; i++)
            gradient[i] = grads[s * N + i];
        wk__adamw_update(&opt, wk__nn_ops_best(), N, gradient, wk__clip_scale(N, gradient, 2.0),
                         decay, p);
        for (size_t i = 0; i < N; i++) {
            double want = after[s * N + i];
            /* PyTorch ran this one in float32. */
            if (fabs(p[i] - want) > 2e-6 * (1 + fabs(want)))
                fail_msg("adamw step %zu [%zu]: %.9g, PyTorch has %.9g", s, i, (double)p[i], want);
        }
    }
    free(start), free(grads), free(after);
    golden_close(&g);
}

static void test_schedule_rises_then_falls_to_nothing(void **unused)
{
    (void)unused;
    assert_float_equal(wk__schedule(0, 100, 0.1), 1.0 / 11, 1e-12);
    assert_float_equal(wk__schedule(9, 100, 0.1), 10.0 / 11, 1e-12);
    assert_float_equal(wk__schedule(10, 100, 0.1), 1, 1e-12);
    assert_float_equal(wk__schedule(55, 100, 0.1), 0.5, 1e-12);
    assert_float_equal(wk__schedule(100, 100, 0.1), 0, 1e-12);
    assert_float_equal(wk__schedule(0, 100, 0), 1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dense_as_pytorch),
        cmocka_unit_test(test_conv1d_as_pytorch),
        cmocka_unit_test(test_lstm_as_pytorch),
        cmocka_unit_test(test_gru_as_pytorch),
        cmocka_unit_test(test_tcn_as_pytorch),
        cmocka_unit_test(test_norm_and_activations_as_pytorch),
        cmocka_unit_test(test_losses_as_pytorch),
        cmocka_unit_test(test_losses_of_arrays_as_pytorch),
        cmocka_unit_test(test_learned_task_weights_as_pytorch),
        cmocka_unit_test(test_adamw_with_clipping_as_pytorch),
        cmocka_unit_test(test_schedule_rises_then_falls_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
