/* Training in bf16: its losses stay beside those of fp32, the split's far closer; the same bytes
 * for any number of threads, on every instruction set, and after being stopped and resumed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nets.h"
#include "nn/nn.h"
#include "nn/precision.h"
#include "nn/window.h"
#include "wick/rng.h"

/* An epoch has three batches, the last of fewer rows. */
enum { N = 45, T = 30, F = 7, BATCHES = 6, BATCH = 20, EPOCH = 3 };

static float X[N * T * F], last[N], each[N * T];

static void make(void)
{
    for (size_t k = 0; k < (size_t)N * T * F; k++)
        X[k] = (float)wk_rng_normal(1, 0, k);
    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < T; t++) {
            const float *x = X + (i * T + t) * F;
            each[i * T + t] = t ? x[0] + 0.5f * x[1 - F] : x[0];
            last[i] = each[i * T + t];
        }
}

/* Depths, strides and widths that fill no tile, and some that do. */
static wk_nn_layer_config tcn[] = {{WK_NN_TCN, .units = 19, .kernel = 3, .dilation = 1},
                                   {WK_NN_TCN, .units = 19, .kernel = 3, .dilation = 2},
                                   {WK_NN_TCN, .units = 33, .kernel = 2, .dilation = 4},
                                   {WK_NN_TCN, .units = 33, .kernel = 5, .dilation = 3}};
static wk_nn_layer_config lstm[] = {{WK_NN_LSTM, .units = 35}, {WK_NN_LSTM, .units = 16}};
static wk_nn_layer_config gru[] = {
    {WK_NN_GRU, .units = 21}, {WK_NN_DENSE, .units = 40}, {WK_NN_RELU}};
static wk_nn_layer_config cnn[] = {{WK_NN_CONV1D, .units = 48, .kernel = 4, .dilation = 3},
                                   {WK_NN_RELU},
                                   {WK_NN_CONV1D, .units = 17, .kernel = 7, .dilation = 2},
                                   {WK_NN_MEAN, .units = 6}};
static const struct {
    const char *name;
    wk_nn_config config;
} nets[] = {{"odd", {{odd_branches, 4}, {odd_trunk, 3}}},
            {"tcn", {{NULL, 0}, {tcn, 4}}},
            {"lstm", {{NULL, 0}, {lstm, 2}}},
            {"gru", {{NULL, 0}, {gru, 3}}},
            {"cnn", {{NULL, 0}, {cnn, 4}}}};
enum { NETS = sizeof nets / sizeof *nets };

/* Whether the kernels in C, the last of the caps below, are compared too. */
#ifdef SANITIZED_BF16
#define WITH_C 0
#else
#define WITH_C 1
#endif

typedef struct {
    double loss[BATCHES];
} curve;

static void on_batch(void *context, size_t batch, double loss)
{
    curve *c = context;
    if (batch <= BATCHES)
        c->loss[batch - 1] = loss;
}

static wk_nn *create(size_t net, size_t outputs)
{
    wk_nn *nn = NULL;
    wk_err err;
    if (wk_nn_create_graph(&nets[net].config, F, outputs, 9, &nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return nn;
}

static wk_nn_fit_config settings(int precision)
{
    return (wk_nn_fit_config){.loss = WK_NN_HUBER,
                              .huber_delta = 1,
                              .epochs = 4,
                              .batch = BATCH,
                              .learning_rate = 0.001,
                              .clip_norm = 1,
                              .step_epochs = 1,
                              .seed = 4,
                              .shuffle = true,
                              .precision = precision};
}

/* A trained network; its losses go to *c. */
static wk_nn *fit(size_t net, bool every, int precision, int threads, size_t batches, curve *c)
{
    const wk_nn_array a = {
        .N = N, .T = T, .F = F, .X = X, .S = every ? T : 1, .K = 1, .y = every ? each : last};
    const wk_nn_fit_config config = settings(precision);
    const wk_nn_fit_options options = {
        .threads = threads, .batches_max = batches, .on_batch = on_batch, .context = c};
    wk_nn *nn = create(net, 1);
    wk_err err;
    if (wk_nn_fit(nn, &config, &a, NULL, &options, NULL, &err) != WK_OK)
        fail_msg("%s: %s", nets[net].name, err.msg);
    return nn;
}

static double apart(const curve *a, const curve *b)
{
    double worst = 0;
    for (size_t i = 0; i < BATCHES; i++)
        worst = fmax(worst, fabs(a->loss[i] - b->loss[i]));
    return worst;
}

static void test_losses_stay_beside_those_of_fp32(void **unused)
{
    (void)unused;
    make();
    for (size_t net = 0; net < NETS; net++)
        for (int every = 0; every < 2; every++) {
            curve c[3] = {0};
            for (int p = WK_NN_FP32; p <= WK_NN_BF16X3; p++)
                wk_nn_destroy(fit(net, every, p, 2, BATCHES, &c[p]));
            const double plain = apart(&c[WK_NN_FP32], &c[WK_NN_BF16]),
                         split = apart(&c[WK_NN_FP32], &c[WK_NN_BF16X3]);
            print_message("%s, every bar %d: loss %.4f to %.4f; apart bf16 %.1e, bf16x3 %.1e\n",
                          nets[net].name, every, c[0].loss[0], c[0].loss[BATCHES - 1], plain,
                          split);
            /* AdamW's first steps have the sign of a gradient however small it is. */
            assert_true(plain < 2e-2 && plain > 1e-6);
            assert_true(split < 1e-3 && split < plain / 2);
        }
}

static double square(double x)
{
    return x * x;
}

/* Gradient of the sum of the outputs times fixed numbers, over windows of B rows. */
static void gradient(const wk_nn *nn, size_t B, wk__span out, bool all, int precision, float *grad)
{
    wk_arena arena;
    wk__gang gang;
    wk__window w;
    wk__precision p;
    const wk__net *net = &nn->net;
    wk_arena_init(&arena);
    wk__gang_init(&gang);
    float *packed = wk_arena_array(&arena, float, net->n_packed);
    wk__net_pack(net, nn->params, packed);
    wk__precision_build(&arena, net, precision, packed, 1, &p);
    wk__precision_pack(&p, &gang);
    wk__window_build(&arena, net, p.f32, B, T, out, all, true, &w);
    wk__precision_use(&p, true, 0, &w.run);
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < B; b++)
            memcpy(w.x + (t * B + b) * wk__pad(F), X + (b * T + t) * F, F * sizeof *X);
    wk__window_forward(net, packed, &w);
    const size_t ld = wk__pad(net->n_outputs);
    memset(w.d[0], 0, out.n * B * ld * sizeof *w.d[0]);
    for (size_t k = 0; k < out.n * B; k++)
        w.d[0][k * ld] = (float)wk_rng_normal(3, 0, k);
    memset(grad, 0, net->n_grad * sizeof *grad);
    wk__window_backward(net, packed, &w, grad);
    wk__gang_finish(&gang);
    wk_arena_finish(&arena);
}

static void test_gradients_are_those_of_fp32_to_the_precision(void **unused)
{
    (void)unused;
    static const size_t rows[] = {16, 10, 1, 33};
    make();
    for (size_t net = 0; net < NETS; net++)
        for (size_t i = 0; i < 12; i++) {
            wk_nn *nn = create(net, 1);
            const size_t B = rows[i % 4];
            const wk__span out = i / 4 == 1 ? (wk__span){T, 1} : (wk__span){1, 0};
            float *g[3];
            double worst[3] = {0};
            for (int p = WK_NN_FP32; p <= WK_NN_BF16X3; p++) {
                g[p] = calloc(nn->net.n_grad, sizeof(float));
                gradient(nn, B, out, i / 4 == 2, p, g[p]);
            }
            for (size_t l = 0; l < nn->net.n_layers; l++)
                for (int p = WK_NN_BF16; p <= WK_NN_BF16X3; p++) {
                    const wk__layer *layer = &nn->net.layers[l];
                    double error = 0, size = 1e-12;
                    for (size_t k = layer->at_grad; k < layer->at_grad + layer->n_grad; k++) {
                        error += square((double)g[p][k] - (double)g[0][k]);
                        size += square((double)g[0][k]);
                    }
                    worst[p] = fmax(worst[p], sqrt(error / size));
                }
            /* A relu whose sum is nearly 0 may open in one and not in the other. */
            if (worst[WK_NN_BF16X3] > 2e-3 || worst[WK_NN_BF16] > 0.4)
                fail_msg("%s, case %zu, %zu rows: gradients apart by %.1e in bf16x3, %.1e in bf16",
                         nets[net].name, i, B, worst[WK_NN_BF16X3], worst[WK_NN_BF16]);
            for (int p = WK_NN_FP32; p <= WK_NN_BF16X3; p++)
                free(g[p]);
            wk_nn_destroy(nn);
        }
}

static void test_threads_and_instruction_sets_change_no_bit(void **unused)
{
    (void)unused;
    const char *caps[] = {"avx512", "avx2", "c"}, *before = getenv("WICK_CPU");
    char *keep = before ? strdup(before) : NULL;
    make();
    for (size_t net = 0; net < NETS; net++)
        for (int p = WK_NN_BF16; p <= WK_NN_BF16X3; p++) {
            curve c;
            wk_nn *first = fit(net, true, p, 1, EPOCH, &c);
            for (int i = 0; i < 3 + WITH_C; i++) {
                if (i)
                    setenv("WICK_CPU", caps[i - 1], 1);
                wk_nn *nn = fit(net, true, p, i + 2, EPOCH, &c);
                if (memcmp(nn->params, first->params, nn->net.n_params * sizeof *nn->params) != 0)
                    fail_msg("%s: other weights with %s products than with one thread of the best",
                             nets[net].name, wk_nn_fit_kernels(p));
                wk_nn_destroy(nn);
            }
            wk_nn_destroy(first);
            if (keep)
                setenv("WICK_CPU", keep, 1);
            else
                unsetenv("WICK_CPU");
        }
    free(keep);
}

static void test_stopped_and_resumed_equals_never_stopped(void **unused)
{
    (void)unused;
    make();
    const wk_nn_array a = {.N = N, .T = T, .F = F, .X = X, .S = T, .K = 1, .y = each};
    wk_nn_fit_config c = settings(WK_NN_BF16);
    char path[] = "/tmp/wick_precision_XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    remove(path);
    wk_nn *whole = create(0, 1), *nn = create(0, 1);
    wk_err err;
    const wk_nn_fit_options stop = {.threads = 1, .checkpoint = path, .batches_max = 3},
                            go = {.threads = 2, .checkpoint = path, .resume = true};
    assert_int_equal(wk_nn_fit(whole, &c, &a, NULL, &(wk_nn_fit_options){.threads = 2}, NULL, &err),
                     WK_OK);
    assert_int_equal(wk_nn_fit(nn, &c, &a, NULL, &stop, NULL, &err), WK_OK);
    wk_nn_destroy(nn);
    nn = create(0, 1);
    /* Not as another precision, which the checkpoint knows. */
    c.precision = WK_NN_FP32;
    assert_int_equal(wk_nn_fit(nn, &c, &a, NULL, &go, NULL, &err), WK_E_MODEL);
    c.precision = WK_NN_BF16;
    assert_int_equal(wk_nn_fit(nn, &c, &a, NULL, &go, NULL, &err), WK_OK);
    assert_memory_equal(nn->params, whole->params, nn->net.n_params * sizeof *nn->params);
    remove(path);
    wk_nn_destroy(nn);
    wk_nn_destroy(whole);
}

/* ---- sequences with carried state ---- */

enum { BARS = 210 };

static wk_nn *train(size_t net, int precision, int threads, double *loss)
{
    static int8_t direction[BARS];
    static float magnitude[BARS], volatility[BARS];
    static uint8_t in_train[BARS];
    for (size_t t = 0; t < BARS; t++) {
        const float *x = X + t * F;
        direction[t] = x[0] > 0.4f ? 2 : x[0] < -0.4f ? 0 : 1;
        magnitude[t] = x[1];
        volatility[t] = 0.1f + fabsf(x[2]);
        in_train[t] = 1;
    }
    const wk_nn_sequence s = {.T = BARS,
                              .X = X,
                              .direction = direction,
                              .magnitude = magnitude,
                              .volatility = volatility,
                              .in_train = in_train};
    const wk_nn_train_config config = {.epochs = 3,
                                       .batch_sequences = 8,
                                       .truncation_bars = 20,
                                       .learning_rate = 0.01,
                                       .clip_norm = 1,
                                       .huber_delta = 1,
                                       .weight_direction = 1,
                                       .weight_magnitude = 0.5,
                                       .weight_volatility = 0.2,
                                       .seed = 1,
                                       .precision = precision};
    wk_nn *nn = create(net, WK_NN_HEADS);
    wk_nn_log log;
    wk_err err;
    if (wk_nn_train(nn, &config, &s, 1, NULL, threads, &log, &err) != WK_OK)
        fail_msg("%s: %s", nets[net].name, err.msg);
    *loss = log.train_loss[2];
    wk_nn_log_finish(&log);
    return nn;
}

static void test_sequences_learn_as_in_fp32_with_the_same_bits_everywhere(void **unused)
{
    (void)unused;
    const char *caps[] = {"avx512", "c"}, *before = getenv("WICK_CPU");
    char *keep = before ? strdup(before) : NULL;
    make();
    for (size_t net = 0; net < NETS; net++) {
        double full, plain, split, again;
        wk_nn_destroy(train(net, WK_NN_FP32, 2, &full));
        wk_nn_destroy(train(net, WK_NN_BF16X3, 2, &split));
        wk_nn *first = train(net, WK_NN_BF16, 1, &plain);
        for (int i = 0; i < 2 + WITH_C; i++) {
            if (i)
                setenv("WICK_CPU", caps[i - 1], 1);
            wk_nn *nn = train(net, WK_NN_BF16, 3, &again);
            if (memcmp(nn->params, first->params, nn->net.n_params * sizeof *nn->params) != 0)
                fail_msg("%s: other weights with %s products", nets[net].name,
                         wk_nn_fit_kernels(WK_NN_BF16));
            wk_nn_destroy(nn);
        }
        if (keep)
            setenv("WICK_CPU", keep, 1);
        else
            unsetenv("WICK_CPU");
        wk_nn_destroy(first);
        print_message("%s: loss fp32 %.5f bf16 %.5f bf16x3 %.5f\n", nets[net].name, full, plain,
                      split);
        assert_true(fabs(split - full) < 1e-3 && fabs(plain - full) < 2e-2);
    }
    free(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses_stay_beside_those_of_fp32),
        cmocka_unit_test(test_gradients_are_those_of_fp32_to_the_precision),
        cmocka_unit_test(test_threads_and_instruction_sets_change_no_bit),
        cmocka_unit_test(test_stopped_and_resumed_equals_never_stopped),
        cmocka_unit_test(test_sequences_learn_as_in_fp32_with_the_same_bits_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
