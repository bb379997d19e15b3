/* The hand-written backward of each layer against central differences, in double. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/array_loss.h"
#include "nn/loss.h"
#include "nets.h"
#include "nn/net.h"
#include "nn/window.h"
#include "wick/math.h"
#include "wick/rng.h"

enum { B = 3, T = 7, OUT = 2, ROUNDS = 2 };

typedef struct {
    wk_arena arena;
    wk__net net;
    wk__work work;
    wk__window window;
    double *params, *packed, *grad, *dparams;
    double *X;    /* [ROUNDS, T, B, F] */
    double *pull; /* [T, B, OUT] the loss is the sum of pull * output over the last round */
} rig;

/* Runs ROUNDS chunks with carried state; the loss counts the last one only, so that what the
 * earlier chunks left in the state is a constant of the gradient. */
static double loss_of(rig *r)
{
    const size_t F = r->net.F, ld = wk__pad(F), ldo = wk__pad(OUT);
    double sum = 0;
    wk__net_pack(&r->net, r->params, r->packed);
    const double *y = r->work.act[0];
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < B; b++)
            memcpy(r->work.x + (t * B + b) * ld, r->X + (t * B + b) * F, F * sizeof(double));
    y = wk__net_forward(&r->net, r->packed, &r->work, T);
    for (size_t m = 0; m < T * B; m++)
        for (size_t o = 0; o < OUT; o++)
            sum += r->pull[m * OUT + o] * y[m * ldo + o];
    return sum;
}

/* The same over fresh windows whose last position alone, or with stride 1 the last few, are pulled.
 */
static double window_loss(rig *r, wk__span out)
{
    const size_t F = r->net.F, ld = wk__pad(F), ldo = wk__pad(OUT);
    double sum = 0;
    wk__net_pack(&r->net, r->params, r->packed);
    for (size_t m = 0; m < T * B; m++)
        memcpy(r->window.x + m * ld, r->X + m * F, F * sizeof(double));
    const double *y = wk__window_forward(&r->net, r->packed, &r->window);
    for (size_t m = 0; m < out.n * B; m++)
        for (size_t o = 0; o < OUT; o++)
            sum += r->pull[m * OUT + o] * y[m * ldo + o];
    return sum;
}

/* dparams against differences of window_loss. */
static void check_window(rig *r, wk__span out)
{
    wk__window_build(&r->arena, &r->net, wk__nn_ops_best(), B, T, out, false, true, &r->window);
    r->window.run.training = true;
    r->window.run.seed = 5;
    window_loss(r, out);
    memset(r->window.d[0], 0, out.n * B * wk__pad(OUT) * sizeof(double));
    for (size_t m = 0; m < out.n * B; m++)
        memcpy(r->window.d[0] + m * wk__pad(OUT), r->pull + m * OUT, OUT * sizeof(double));
    memset(r->grad, 0, r->net.n_grad * sizeof(double));
    wk__window_backward(&r->net, r->packed, &r->window, r->grad);
    wk__net_unpack(&r->net, r->params, r->grad, r->dparams);
    for (size_t i = 0; i < r->net.n_params; i++) {
        const double h = 1e-5, keep = r->params[i];
        double side[2];
        for (int k = 0; k < 2; k++) {
            r->params[i] = keep + (k ? h : -h);
            side[k] = window_loss(r, out);
        }
        r->params[i] = keep;
        double want = (side[1] - side[0]) / (2 * h), got = r->dparams[i];
        if (!(fabs(want - got) <= 1e-7 * (1 + fabs(want))))
            fail_msg("%s in a window with %zu outputs, parameter %zu of %zu: backward %.12g, "
                     "differences %.12g",
                     r->net.layers[0].ops->name, out.n, i, r->net.n_params, got, want);
    }
}

static size_t n_layers_of(const wk_nn_config *config)
{
    return config->branches.n + config->layers.n;
}

static void check_layer(const wk_nn_config *config, size_t F)
{
    rig r = {0};
    wk_err err;
    wk_arena_init(&r.arena);
    if (wk__net_build(&r.arena, config, F, OUT, &r.net, &err) != WK_OK)
        fail_msg("%s", err.msg);
    r.params = wk_arena_array(&r.arena, double, r.net.n_params);
    r.packed = wk_arena_array(&r.arena, double, r.net.n_packed);
    r.grad = wk_arena_array(&r.arena, double, r.net.n_grad);
    r.dparams = wk_arena_array(&r.arena, double, r.net.n_params);
    r.X = wk_arena_array(&r.arena, double, T *B *F);
    r.pull = wk_arena_array(&r.arena, double, T *B *OUT);
    wk__work_build(&r.arena, &r.net, wk__nn_ops_best(), B, T, true, &r.work);
    r.work.run.training = true;
    r.work.run.seed = 5;
    wk__net_init(&r.net, r.params, 11);
    for (size_t i = 0; i < T * B * F; i++)
        r.X[i] = wk_rng_normal(1, 1, i);
    for (size_t i = 0; i < T * B * OUT; i++)
        r.pull[i] = wk_rng_normal(2, 1, i);

    /* A state that is not zero, from one chunk; every loss below starts from it. */
    loss_of(&r);
    for (size_t i = 0; i < T * B * F; i++)
        r.X[i] = wk_rng_normal(3, 1, i);
    double *start = wk_arena_array(&r.arena, double, r.work.n_state);
    memcpy(start, r.work.state_all, r.work.n_state * sizeof *start);

    loss_of(&r);
    memset(r.work.d[0], 0, T * B * wk__pad(OUT) * sizeof(double));
    for (size_t m = 0; m < T * B; m++)
        memcpy(r.work.d[0] + m * wk__pad(OUT), r.pull + m * OUT, OUT * sizeof(double));
    wk__net_backward(&r.net, r.packed, &r.work, r.grad, T);
    wk__net_unpack(&r.net, r.params, r.grad, r.dparams);

    size_t moved = 0;
    for (size_t i = 0; i < r.net.n_params; i++) {
        const double h = 1e-5, keep = r.params[i];
        double side[2];
        for (int k = 0; k < 2; k++) {
            r.params[i] = keep + (k ? h : -h);
            memcpy(r.work.state_all, start, r.work.n_state * sizeof *start);
            side[k] = loss_of(&r);
        }
        r.params[i] = keep;
        double want = (side[1] - side[0]) / (2 * h), got = r.dparams[i];
        if (!(fabs(want - got) <= 1e-7 * (1 + fabs(want))))
            fail_msg("%s, parameter %zu of %zu: backward %.12g, differences %.12g",
                     r.net.layers[0].ops->name, i, r.net.n_params, got, want);
        moved += fabs(want) > 1e-9;
    }
    assert_true(moved > r.net.n_params / 2);
    check_window(&r, (wk__span){1, 0});
    if (n_layers_of(config) != 3)
        check_window(&r, (wk__span){3, 2});
    if (n_layers_of(config) == 1)
        check_window(&r, (wk__span){T, 1});
    wk_arena_finish(&r.arena);
}

/* Each layer stands between dense ones, so that both its parameters and its dx are checked: a wrong
 * dx spoils the gradient of the layer before. */
static void check(wk_nn_layer_config layer)
{
    wk_nn_layer_config stack[] = {{WK_NN_DENSE, .units = 5}, layer, {WK_NN_DENSE, .units = 3}};
    check_layer(&(wk_nn_config){.layers = {stack, 3}}, 4);
    check_layer(&(wk_nn_config){.layers = {&layer, 1}}, 3);
}

static void test_gradient_of_branches(void **unused)
{
    (void)unused;
    check_layer(&odd_net, 3);
}

#define LAYER_TEST(name, ...)                                                                      \
    static void test_gradient_of_##name(void **unused)                                             \
    {                                                                                              \
        (void)unused;                                                                              \
        check((wk_nn_layer_config){__VA_ARGS__});                                                  \
    }
LAYER_TEST(dense, WK_NN_DENSE, .units = 17)
LAYER_TEST(conv1d, WK_NN_CONV1D, .units = 6, .kernel = 3, .dilation = 2)
LAYER_TEST(conv1d_longer_than_the_chunk, WK_NN_CONV1D, .units = 4, .kernel = 4, .dilation = 5)
LAYER_TEST(lstm, WK_NN_LSTM, .units = 5)
LAYER_TEST(lstm_wider_than_a_vector, WK_NN_LSTM, .units = 17)
LAYER_TEST(gru, WK_NN_GRU, .units = 5)
LAYER_TEST(gru_wider_than_a_vector, WK_NN_GRU, .units = 17)
LAYER_TEST(lstm_with_dropout, WK_NN_LSTM, .units = 5, .dropout = 0.4)
LAYER_TEST(gru_with_dropout, WK_NN_GRU, .units = 6, .dropout = 0.4)
LAYER_TEST(tcn_with_skip_convolution, WK_NN_TCN, .units = 6, .kernel = 3, .dilation = 2)
LAYER_TEST(tcn_with_identity_skip, WK_NN_TCN, .units = 5, .kernel = 2, .dilation = 1)
LAYER_TEST(tcn_with_dropout, WK_NN_TCN, .units = 6, .kernel = 3, .dilation = 1, .dropout = 0.3)
LAYER_TEST(tcn_without_weight_norm, WK_NN_TCN, .units = 6, .kernel = 3, .dilation = 2,
           .plain = true)
LAYER_TEST(layer_norm, WK_NN_LAYER_NORM, .units = 0)
LAYER_TEST(batch_norm, WK_NN_BATCH_NORM, .units = 0)
LAYER_TEST(locked_dropout, WK_NN_DROPOUT, .dropout = 0.4, .locked = true)
LAYER_TEST(dropout, WK_NN_DROPOUT, .dropout = 0.4)
LAYER_TEST(relu, WK_NN_RELU, .units = 0)
LAYER_TEST(tanh, WK_NN_TANH, .units = 0)
LAYER_TEST(mean, WK_NN_MEAN, .units = 4)
LAYER_TEST(mean_longer_than_the_chunk, WK_NN_MEAN, .units = 12)

static void test_gradient_of_the_losses(void **unused)
{
    (void)unused;
    const wk__loss_config config = {0.1, 0.7, {1.0, 0.5, 0.25}, {0.5, 1.0, 2.5}};
    for (uint64_t n = 0; n < 200; n++) {
        double out[5], grad[5] = {0}, scale[3] = {0.3, 0.8, 1.7};
        for (uint64_t i = 0; i < 5; i++)
            out[i] = 1.5 * wk_rng_normal(9, n, i);
        const wk__target target = {(int)(n % 4) - 1, n % 5 ? wk_rng_normal(9, n, 6) : NAN,
                                   n % 7 ? wk_exp(0.5 * wk_rng_normal(9, n, 7)) : NAN,
                                   0.5 + (double)(n % 3)};
        wk__loss_sums sums = {0};
        wk__loss_bar(&config, &target, out, scale, &sums, grad);
        for (int i = 0; i < 5; i++) {
            double side[2], h = 1e-5, keep = out[i];
            for (int k = 0; k < 2; k++) {
                wk__loss_sums s = {0};
                out[i] = keep + (k ? h : -h);
                wk__loss_bar(&config, &target, out, NULL, &s, NULL);
                side[k] = scale[0] * s.loss[0] + scale[1] * s.loss[1] + scale[2] * s.loss[2];
            }
            out[i] = keep;
            double want = (side[1] - side[0]) / (2 * h);
            if (fabs(want - grad[i]) > 1e-6 * (1 + fabs(want)))
                fail_msg("bar %llu output %d: gradient %.10g, differences %.10g",
                         (unsigned long long)n, i, grad[i], want);
        }
    }
}

static void test_gradient_of_the_array_losses(void **unused)
{
    (void)unused;
    static double quantiles[] = {0.1, 0.6};
    const double weights[] = {0.5, 1, 2, 1, 1, 1};
    static double of_tasks[] = {0.7, 2, 0.4};
    for (int kind = WK_NN_CROSS_ENTROPY; kind <= WK_NN_TRADING; kind++)
        for (uint64_t n = 0; n < 60; n++) {
            wk_nn_fit_config config = {.loss = kind,
                                       .label_smoothing = 0.1,
                                       .focal_gamma = n % 3 ? 1.5 : 0,
                                       .huber_delta = 0.7,
                                       .degrees_of_freedom = 3,
                                       .quantiles = {quantiles, 2}};
            const bool classes = kind <= WK_NN_FOCAL, trading = kind == WK_NN_TRADING;
            const size_t K = classes ? 1 : trading ? 3 : 2;
            wk__array_loss l;
            wk_err err;
            if (n % 2 && !classes)
                config.task_weights = (wk_reals){of_tasks, K};
            config.learn_task_weights =
                n % 4 == 3 && !classes && kind != WK_NN_GAUSSIAN && kind != WK_NN_STUDENT_T;
            if (wk__array_loss_init(&config, wk_nn_fit_outputs(&config, classes ? 4 : K), K, &l,
                                    &err) != WK_OK)
                fail_msg("%s", err.msg);
            l.class_weight = classes ? weights : NULL;
            if (config.learn_task_weights) {
                const wk__uncertainty u = {.s = {0.4, -0.8, 1.1}};
                wk__uncertainty_factors(&u, K, kind == WK_NN_MSE, l.weight, l.factor);
            }
            float target[3] = {(float)wk_rng_normal(7, n, 0), (float)wk_rng_normal(7, n, 1), 0.4f};
            if (classes || trading)
                target[0] = (float)(n % 3);
            double out[6], grad[6] = {0}, scale[3] = {0.8, 0.6, 1.3};
            for (uint64_t i = 0; i < 6; i++)
                out[i] = wk_rng_normal(8, n, i);
            wk__array_sums sums = {{0}, {0}};
            wk__array_loss_row(&l, target, 1.7, out, scale, &sums, grad);
            for (size_t i = 0; i < l.n_outputs; i++) {
                double side[2], h = 1e-5, keep = out[i];
                for (int k = 0; k < 2; k++) {
                    wk__array_sums s = {{0}, {0}};
                    out[i] = keep + (k ? h : -h);
                    wk__array_loss_row(&l, target, 1.7, out, NULL, &s, NULL);
                    side[k] = 0;
                    for (size_t p = 0; p < l.n_parts; p++)
                        side[k] += scale[p] * l.factor[p] * s.loss[p];
                }
                out[i] = keep;
                double want = (side[1] - side[0]) / (2 * h);
                if (fabs(want - grad[i]) > 1e-6 * (1 + fabs(want)))
                    fail_msg("loss %d, row %llu, output %zu: gradient %.10g, differences %.10g",
                             kind, (unsigned long long)n, i, grad[i], want);
            }
        }
}

/* The step of the log variances goes down the differences of weight (c exp(-s) loss + s / 2):
 * Adam's first step has the gradient's sign, and its first moment is a tenth of the gradient. */
static void test_gradient_of_learned_task_weights(void **unused)
{
    (void)unused;
    for (int square = 0; square < 2; square++) {
        const double weight[] = {1, 0.5, 2}, losses[] = {0.2, 3, NAN}, h = 1e-6;
        wk__uncertainty u = {.s = {0.3, -0.5, 0.7}};
        const wk__uncertainty start = u;
        wk__uncertainty_update(&u, 3, square, weight, losses, 0.01, 1);
        for (size_t i = 0; i < 2; i++) {
            double side[2], factor[3];
            for (int k = 0; k < 2; k++) {
                wk__uncertainty v = start;
                v.s[i] += k ? h : -h;
                wk__uncertainty_factors(&v, 3, square, weight, factor);
                side[k] = factor[i] * losses[i] + weight[i] * v.s[i] / 2;
            }
            const double want = (side[1] - side[0]) / (2 * h);
            assert_true(fabs(u.m[i] / 0.1 - want) < 1e-6 * (1 + fabs(want)));
            assert_true((u.s[i] - start.s[i]) * want < 0);
        }
        /* A part without targets in the batch stays. */
        assert_true(u.s[2] == start.s[2] && u.m[2] == 0);
    }
}

static void test_dropout_keeps_the_expected_share_and_scale(void **unused)
{
    (void)unused;
    enum { LD = 32, BARS = 200, ROWS = 8 };
    static double a[BARS * ROWS * LD], b[BARS * ROWS * LD];
    wk__run run = {.B = ROWS, .seed = 1, .tick = 1, .n_rows = 2 * ROWS};
    wk__dropout_mask(&run, 4, 0.3, BARS, LD, a);
    double sum = 0;
    for (size_t i = 0; i < BARS * ROWS * LD; i++) {
        assert_true(a[i] == 0 || fabs(a[i] - 1 / 0.7) < 1e-4);
        sum += a[i];
    }
    /* Four standard errors of the mean, sqrt(0.3 / 0.7 / 51200) each. */
    assert_true(fabs(sum / (BARS * ROWS * LD) - 1) < 4 * 0.0029);
    /* The other block, the next chunk and another layer draw other factors; again gives the same.
     */
    wk__dropout_mask(&run, 4, 0.3, BARS, LD, b);
    assert_memory_equal(a, b, sizeof a);
    wk__run others[] = {run, run, run};
    others[0].row0 = ROWS;
    others[1].tick = 2;
    for (size_t k = 0; k < 3; k++) {
        size_t same = 0;
        wk__dropout_mask(&others[k], k == 2 ? 8 : 4, 0.3, BARS, LD, b);
        for (size_t i = 0; i < BARS * ROWS * LD; i++)
            same += a[i] == b[i];
        /* Independent factors agree with probability 0.58. */
        assert_true(fabs((double)same / (BARS * ROWS * LD) - 0.58) < 0.01);
    }
}

static void test_batch_norm_leaves_out_what_pads_the_block(void **unused)
{
    (void)unused;
    enum { ROWS = 4, C = 3, LD = 16, M = T * ROWS };
    const size_t bars[ROWS] = {T, 3, 0, T};
    const wk_nn_layer_config config = {WK_NN_BATCH_NORM};
    wk__layer l;
    assert_int_equal(wk__layer_setup(&l, &config, 0, C, NULL), WK_OK);
    double params[4 * C], packed[4 * LD], grad[2][4 * LD + 16] = {{0}}, after[2][4 * C];
    static double tape[(M + 3) * LD + 16], x[M * LD], y[2][M * LD], dy[M * LD], dx[2][M * LD];
    const wk__run run = {.ops = wk__nn_ops_best(),
                         .B = ROWS,
                         .T_max = T,
                         .backward = true,
                         .training = true,
                         .bars = bars};
    l.ops->init(&l, params, 1);
    l.ops->pack(&l, params, packed);
    for (int k = 0; k < 2; k++) {
        double sum = 0, squares = 0;
        size_t n = 0;
        for (size_t m = 0; m < M; m++)
            for (size_t c = 0; c < C; c++) {
                const bool used = m / ROWS < bars[m % ROWS];
                x[m * LD + c] = used ? 3 + wk_rng_normal(1, c, m) : k * 1e6;
                dy[m * LD + c] = used ? wk_rng_normal(2, c, m) : 0;
            }
        l.ops->forward(&l, &run, packed, NULL, tape, x, y[k], T);
        l.ops->backward(&l, &run, packed, NULL, tape, x, y[k], dy, dx[k], grad[k], T);
        memcpy(after[k], params, sizeof params);
        l.ops->track(&l, grad[k], after[k]);
        for (size_t m = 0; m < M; m++)
            if (m / ROWS < bars[m % ROWS]) {
                sum += y[k][m * LD];
                squares += y[k][m * LD] * y[k][m * LD];
                n++;
                for (size_t c = 0; c < C; c++)
                    assert_true(y[k][m * LD + c] == y[0][m * LD + c]);
            }
        assert_int_equal(n, 2 * T + 3);
        assert_true(fabs(sum) < 1e-9 && fabs(squares / (double)n - 1) < 1e-4);
    }
    assert_memory_equal(grad[0], grad[1], sizeof grad[0]);
    assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
    assert_memory_equal(after[0], after[1], sizeof after[0]);
    /* The running mean has gone a tenth of the way to 3. */
    assert_true(fabs(after[0][2 * C] - 0.3) < 0.15 && after[0][2 * C] != 0);
}

static void test_locked_dropout_draws_once_for_a_sequence(void **unused)
{
    (void)unused;
    enum { LD = 64, ROWS = 8, CHUNK = 5, TAPE = ROWS * LD };
    const wk_nn_layer_config config = {WK_NN_DROPOUT, .dropout = 0.3, .locked = true};
    wk__layer l;
    assert_int_equal(wk__layer_setup(&l, &config, 2, LD, NULL), WK_OK);
    assert_int_equal(l.ops->n_tape(&l, ROWS, CHUNK), TAPE);
    static double ones[CHUNK * TAPE], y[3][CHUNK * TAPE], tape[TAPE];
    uint64_t sequence[ROWS] = {4, 5, 6, 7, 8, 9, 10, 11};
    wk__run run = {.ops = wk__nn_ops_best(),
                   .B = ROWS,
                   .training = true,
                   .seed = 3,
                   .n_rows = ROWS,
                   .sequence = sequence};
    for (size_t i = 0; i < CHUNK * TAPE; i++)
        ones[i] = 1;
    for (int k = 0; k < 3; k++) {
        run.tick = 1 + (uint64_t)k; /* the next chunks of the same sequences, one of which ends */
        sequence[3] = k == 2 ? 40 : 7;
        l.ops->forward(&l, &run, NULL, NULL, tape, ones, y[k], CHUNK);
        for (size_t t = 1; t < CHUNK; t++)
            assert_memory_equal(y[k] + t * TAPE, y[k], TAPE * sizeof **y);
    }
    assert_memory_equal(y[1], y[0], TAPE * sizeof **y);
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        const bool same = memcmp(y[2] + r * LD, y[0] + r * LD, LD * sizeof **y) == 0;
        assert_int_equal(same, r != 3);
        assert_int_equal(memcmp(y[0] + r * LD, y[0], LD * sizeof **y) == 0, r == 0);
        for (size_t c = 0; c < LD; c++)
            sum += y[0][r * LD + c];
    }
    /* Four standard errors of the mean of 512 factors. */
    assert_true(fabs(sum / TAPE - 1) < 4 * 0.029);
    run.training = false;
    l.ops->forward(&l, &run, NULL, NULL, tape, ones, y[0], CHUNK);
    assert_memory_equal(y[0], ones, sizeof ones);
}

/* An LSTM whose carried h is dropped equals one without dropout whose h is multiplied by the same
 * factors before every bar; across chunks of a sequence the factors stay, and in inference there
 * are none. */
static void test_dropout_of_the_carried_state_is_one_mask_a_sequence(void **unused)
{
    (void)unused;
    enum { H = 18, HP = 32, ROWS = 3, IN = 4, LD = 16, CELL = ROWS * HP };
    wk__layer dropped, plain;
    const wk_nn_layer_config config = {WK_NN_LSTM, .units = H, .dropout = 0.4};
    const wk_nn_layer_config without = {WK_NN_LSTM, .units = H};
    assert_int_equal(wk__layer_setup(&dropped, &config, 1, IN, NULL), WK_OK);
    assert_int_equal(wk__layer_setup(&plain, &without, 1, IN, NULL), WK_OK);
    wk_arena arena;
    wk_arena_init(&arena);
    double *params = wk_arena_array(&arena, double, plain.n_params),
           *packed = wk_arena_array(&arena, double, plain.n_packed),
           *tape = wk_arena_array(&arena, double, dropped.ops->n_tape(&dropped, ROWS, T)),
           *a = wk_arena_array(&arena, double, dropped.ops->n_state(&dropped, ROWS, T)),
           *b = wk_arena_array(&arena, double, dropped.ops->n_state(&dropped, ROWS, T));
    static double x[T * ROWS * LD], y[T * CELL], want[CELL];
    double factors[CELL];
    const uint64_t sequence[ROWS] = {9, 4, 1};
    wk__run run = {.ops = wk__nn_ops_best(),
                   .B = ROWS,
                   .T_max = T,
                   .n_rows = ROWS,
                   .training = true,
                   .seed = 8,
                   .sequence = sequence};
    for (size_t m = 0; m < T * ROWS; m++)
        for (size_t f = 0; f < IN; f++)
            x[m * LD + f] = wk_rng_normal(4, f, m);
    plain.ops->init(&plain, params, 3);
    plain.ops->pack(&plain, params, packed);
    wk__dropout_mask_locked(&run, 4, 0.4, HP, factors);
    for (uint64_t chunk = 0; chunk < 3; chunk++) {
        run.tick = chunk;
        run.training = chunk < 2; /* the last one is inference */
        dropped.ops->forward(&dropped, &run, packed, a, tape, x, y, T);
        for (size_t t = 0; t < T; t++) {
            for (size_t k = 0; run.training && k < CELL; k++)
                b[k] *= factors[k];
            plain.ops->forward(&plain, &run, packed, b, tape, x + t * ROWS * LD, want, 1);
            for (size_t k = 0; k < CELL; k++)
                if (fabs(y[t * CELL + k] - want[k]) > 1e-14)
                    fail_msg("chunk %d, bar %zu, unit %zu: %.17g, want %.17g", (int)chunk, t, k,
                             y[t * CELL + k], want[k]);
        }
    }
    wk_arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gradient_of_dense),
        cmocka_unit_test(test_gradient_of_conv1d),
        cmocka_unit_test(test_gradient_of_conv1d_longer_than_the_chunk),
        cmocka_unit_test(test_gradient_of_lstm),
        cmocka_unit_test(test_gradient_of_lstm_wider_than_a_vector),
        cmocka_unit_test(test_gradient_of_gru),
        cmocka_unit_test(test_gradient_of_gru_wider_than_a_vector),
        cmocka_unit_test(test_gradient_of_lstm_with_dropout),
        cmocka_unit_test(test_gradient_of_gru_with_dropout),
        cmocka_unit_test(test_gradient_of_tcn_with_skip_convolution),
        cmocka_unit_test(test_gradient_of_tcn_with_identity_skip),
        cmocka_unit_test(test_gradient_of_tcn_with_dropout),
        cmocka_unit_test(test_gradient_of_tcn_without_weight_norm),
        cmocka_unit_test(test_gradient_of_branches),
        cmocka_unit_test(test_gradient_of_layer_norm),
        cmocka_unit_test(test_gradient_of_batch_norm),
        cmocka_unit_test(test_gradient_of_locked_dropout),
        cmocka_unit_test(test_gradient_of_dropout),
        cmocka_unit_test(test_gradient_of_relu),
        cmocka_unit_test(test_gradient_of_tanh),
        cmocka_unit_test(test_gradient_of_mean),
        cmocka_unit_test(test_gradient_of_mean_longer_than_the_chunk),
        cmocka_unit_test(test_gradient_of_the_losses),
        cmocka_unit_test(test_gradient_of_the_array_losses),
        cmocka_unit_test(test_gradient_of_learned_task_weights),
        cmocka_unit_test(test_batch_norm_leaves_out_what_pads_the_block),
        cmocka_unit_test(test_locked_dropout_draws_once_for_a_sequence),
        cmocka_unit_test(test_dropout_of_the_carried_state_is_one_mask_a_sequence),
        cmocka_unit_test(test_dropout_keeps_the_expected_share_and_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
