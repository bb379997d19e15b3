/* Training on arrays: it learns, gives the same bytes for any number of threads and after being
 * stopped and resumed, leaves out masked targets, and refuses what does not fit. */
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
#include "wick/file.h"
#include "wick/rng.h"

enum { N = 70, T = 12, F = 3 };

static float X[N * T * F], slope[N], label[N], steps[N * T];

/* A slope in the first channel, its sign as class 0, 1 or 2 (flat), and a running sum. */
static void make(void)
{
    for (size_t i = 0; i < N; i++) {
        double s = wk_rng_normal(1, 1, i), sum = 0;
        slope[i] = (float)s;
        label[i] = s > 0.5 ? 2 : s < -0.5 ? 0 : 1;
        for (size_t t = 0; t < T; t++) {
            for (size_t f = 0; f < F; f++)
                X[(i * T + t) * F + f] = (float)(0.3 * wk_rng_normal(2, f, i * T + t));
            X[(i * T + t) * F] += (float)(s * ((double)t / T - 0.5));
            sum += (double)X[(i * T + t) * F];
            steps[i * T + t] = (float)sum;
        }
    }
}

static wk_nn_fit_config settings(int loss)
{
    static double quantiles[] = {0.2, 0.5, 0.8};
    wk_nn_fit_config c = {.loss = loss,
                          .label_smoothing = 0.02,
                          .focal_gamma = 2,
                          .huber_delta = 0.5,
                          .degrees_of_freedom = 4,
                          .quantiles = {quantiles, 3},
                          .epochs = 6,
                          .batch = 20,
                          .schedule = 1,
                          .learning_rate = 0.01,
                          .weight_decay = 0.01,
                          .clip_norm = 1,
                          .step_epochs = 2,
                          .step_factor = 0.5,
                          .seed = 4,
                          .shuffle = true};
    return c;
}

static wk_nn_array array(const float *y, size_t S)
{
    return (wk_nn_array){.N = N, .T = T, .F = F, .X = X, .S = S, .K = 1, .y = y};
}

static wk_nn *create(size_t outputs)
{
    wk_nn *nn = NULL;
    wk_err err;
    if (wk_nn_create_graph(&odd_net, F, outputs, 9, &nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return nn;
}

static void fit(wk_nn *nn, const wk_nn_fit_config *c, const wk_nn_array *train,
                const wk_nn_array *valid, const wk_nn_fit_options *o, wk_nn_log *log)
{
    wk_err err;
    if (wk_nn_fit(nn, c, train, valid, o, log, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static void test_every_loss_falls(void **unused)
{
    (void)unused;
    make();
    for (int loss = WK_NN_CROSS_ENTROPY; loss <= WK_NN_STUDENT_T; loss++)
        for (int each = 0; each < 2; each++) {
            const bool classes = loss <= WK_NN_FOCAL;
            static float every[N * T];
            for (size_t k = 0; k < N * T; k++)
                every[k] = classes ? label[k / T] : steps[k];
            const wk_nn_array a = array(each ? every : classes ? label : slope, each ? T : 1);
            wk_nn_fit_config c = settings(loss);
            c.epochs = 40;
            c.optimiser = each;
            c.schedule = each ? 2 : 1;
            c.step_epochs = 15;
            wk_nn *nn = create(wk_nn_fit_outputs(&c, classes ? 3 : 1));
            wk_nn_log log;
            double before, after;
            assert_int_equal(wk_nn_evaluate(nn, &c, &a, 1, &before, NULL), WK_OK);
            fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 2}, &log);
            assert_int_equal(wk_nn_evaluate(nn, &c, &a, 1, &after, NULL), WK_OK);
            assert_int_equal(log.n, 40);
            /* A likelihood may be negative: all must fall by half of what lies above their best. */
            if (!(after < before - 0.15))
                fail_msg("loss %d, each bar %d: from %.4f to %.4f", loss, each, before, after);
            wk_nn_log_finish(&log);
            wk_nn_destroy(nn);
        }
}

static void test_threads_change_no_bit(void **unused)
{
    (void)unused;
    make();
    const wk_nn_array a = array(steps, T);
    const wk_nn_fit_config c = settings(WK_NN_HUBER);
    wk_nn *first = create(1);
    fit(first, &c, &a, NULL, &(wk_nn_fit_options){.threads = 1}, NULL);
    for (int threads = 2; threads <= 5; threads++) {
        wk_nn *nn = create(1);
        fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = threads}, NULL);
        assert_memory_equal(nn->params, first->params, first->net.n_params * sizeof *nn->params);
        wk_nn_destroy(nn);
    }
    wk_nn_destroy(first);
}

typedef struct {
    double rate[8];
} rates;

static void keep_rate(void *context, const wk_nn_fit_progress *p)
{
    rates *r = context;
    r->rate[p->epoch - 1] = p->learning_rate;
}

/* Rates of each epoch's last update, of 4 in an epoch and 24 in all. */
static void test_schedules_lower_the_rate_as_they_say(void **unused)
{
    (void)unused;
    make();
    const wk_nn_array a = array(slope, 1);
    for (int schedule = 0; schedule < 3; schedule++) {
        wk_nn_fit_config c = settings(WK_NN_MSE);
        c.schedule = schedule;
        c.warmup_fraction = 0.25; /* six updates: 1/7, 2/7, ... 6/7, then the top */
        rates r = {{0}};
        wk_nn *nn = create(1);
        fit(nn, &c, &a, NULL,
            &(wk_nn_fit_options){.threads = 1, .on_epoch = keep_rate, .context = &r}, NULL);
        wk_nn_destroy(nn);
        for (size_t e = 0; e < 6; e++) {
            const double t = 4 * (double)e + 3, want = e == 0          ? 4.0 / 7
                                                       : schedule == 0 ? 1
                                                       : schedule == 1
                                                           ? 0.5 * (1 + cos(M_PI * (t - 6) / 18))
                                                       : e < 2 ? 1
                                                       : e < 4 ? 0.5
                                                               : 0.25;
            if (fabs(r.rate[e] / 0.01 - want) > 1e-9)
                fail_msg("schedule %d, epoch %zu: %g of the rate, want %g", schedule, e + 1,
                         r.rate[e] / 0.01, want);
        }
    }
}

static void test_all_positions_give_the_same_losses(void **unused)
{
    (void)unused;
    make();
    wk_nn_layer_config blocks[] = {{WK_NN_TCN, .units = 5, .kernel = 3, .dilation = 1},
                                   {WK_NN_TCN, .units = 5, .kernel = 3, .dilation = 2}};
    wk_nn_layer_config mean[] = {{WK_NN_CONV1D, .units = 4, .kernel = 2, .dilation = 3},
                                 {WK_NN_RELU},
                                 {WK_NN_MEAN, .units = 4}};
    wk_nn_layer_config cell[] = {{WK_NN_LSTM, .units = 4}};
    wk_nn_branch_config branches[] = {
        {"tcn", {blocks, 2}}, {"mean", {mean, 3}}, {"lstm", {cell, 1}}};
    const wk_nn_config net = {.branches = {branches, 3}};
    const wk_nn_array a = array(slope, 1);
    const wk_nn_fit_config c = settings(WK_NN_MSE);
    wk_nn_log log[2];
    for (int all = 0; all < 2; all++) {
        wk_nn *nn;
        assert_int_equal(wk_nn_create_graph(&net, F, 1, 9, &nn, NULL), WK_OK);
        fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 1, .all_positions = all}, &log[all]);
        wk_nn_destroy(nn);
    }
    for (size_t i = 0; i < log[0].n; i++)
        assert_true(fabs(log[0].train_loss[i] - log[1].train_loss[i]) < 1e-6);
    wk_nn_log_finish(&log[0]);
    wk_nn_log_finish(&log[1]);
}

/* Batch norm follows its batches' statistics: the same for any number of threads, and the plan,
 * into whose products it is folded, gives what the network gave. */
static void test_batch_norm_is_trained_and_folded(void **unused)
{
    (void)unused;
    make();
    static const wk_nn_layer_config layers[] = {
        {WK_NN_CONV1D, .units = 9, .kernel = 3, .dilation = 1},
        {WK_NN_BATCH_NORM},
        {WK_NN_RELU},
        {WK_NN_DENSE, .units = 5},
        {WK_NN_BATCH_NORM},
        {WK_NN_DROPOUT, .dropout = 0.1, .locked = true},
        {WK_NN_MEAN, .units = T}};
    const wk_nn_array a = array(label, 1);
    wk_nn_fit_config c = settings(WK_NN_CROSS_ENTROPY);
    c.epochs = 30;
    c.batch = 23; /* blocks of 16 and 7 rows, and a last batch of one row */
    wk_nn *nets[2];
    double before, after;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(wk_nn_create(layers, 7, F, 3, 9, &nets[k], NULL), WK_OK);
        assert_int_equal(wk_nn_evaluate(nets[k], &c, &a, 1, &before, NULL), WK_OK);
        fit(nets[k], &c, &a, NULL, &(wk_nn_fit_options){.threads = 1 + 2 * k}, NULL);
        assert_int_equal(wk_nn_evaluate(nets[k], &c, &a, 1, &after, NULL), WK_OK);
        assert_true(after < before / 2);
    }
    assert_memory_equal(nets[0]->params, nets[1]->params,
                        nets[0]->net.n_params * sizeof *nets[0]->params);
    float out[N * 3], folded[T * 3];
    wk_arena arena;
    wk_nn_plan *plan;
    wk_plan_description d;
    wk_arena_init(&arena);
    assert_int_equal(wk_nn_apply(nets[0], &a, 1, out, NULL), WK_OK);
    assert_int_equal(wk_nn_plan_build(&arena, nets[0], &plan, NULL), WK_OK);
    assert_int_equal(wk_plan_describe(&arena, plan, T, &d, NULL), WK_OK);
    assert_string_equal(d.layers[0].kernels, "gemm with relu");
    assert_string_equal(d.layers[1].kernels, "in the layer before");
    assert_string_equal(d.layers[2].kernels, "in the layer before");
    wk_nn_state *state = wk_nn_state_create(&arena, plan);
    for (size_t i = 0; i < N; i++) {
        wk_nn_sequence_forward(plan, state, X + i * T * F, T, folded);
        for (size_t k = 0; k < 3; k++)
            assert_true(fabs((double)folded[(T - 1) * 3 + k] - (double)out[i * 3 + k]) <
                        1e-5 * (1 + fabs((double)out[i * 3 + k])));
    }
    wk_arena_finish(&arena);
    wk_nn_destroy(nets[0]);
    wk_nn_destroy(nets[1]);
}

static void test_sequences_of_one_bar_are_trained(void **unused)
{
    (void)unused;
    make();
    wk_nn_array a = array(slope, 1);
    a.T = 1; /* the first bars of what lies there, as sequences of their own */
    a.N = 20;
    const wk_nn_fit_config c = settings(WK_NN_MSE);
    wk_nn *nn = create(1);
    wk_nn_log log;
    fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 2}, &log);
    assert_true(isfinite(log.train_loss[log.n - 1]));
    wk_nn_log_finish(&log);
    wk_nn_destroy(nn);
}

static void test_stopped_and_resumed_equals_never_stopped(void **unused)
{
    (void)unused;
    make();
    wk_nn_array train = array(label, 1), valid = train;
    train.N = 60;
    valid.N = 10;
    valid.X += 60 * T * F;
    valid.y += 60;
    wk_nn_fit_config c = settings(WK_NN_CROSS_ENTROPY);
    c.patience = 5;
    char path[] = "/tmp/wick_fit_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    wk_nn_log whole_log, log;
    wk_nn *whole = create(3);
    fit(whole, &c, &train, &valid, &(wk_nn_fit_options){.threads = 2}, &whole_log);
    for (size_t stop = 3; stop <= 15; stop += 3) { /* an epoch has three batches */
        remove(path);
        wk_nn *nn = create(3);
        fit(nn, &c, &train, &valid,
            &(wk_nn_fit_options){.threads = 1, .checkpoint = path, .batches_max = stop}, NULL);
        wk_nn_destroy(nn);
        nn = create(3); /* another process knows nothing but the file */
        fit(nn, &c, &train, &valid,
            &(wk_nn_fit_options){.threads = 2, .checkpoint = path, .resume = true}, &log);
        assert_memory_equal(nn->params, whole->params, whole->net.n_params * sizeof *nn->params);
        assert_int_equal(log.n, whole_log.n);
        assert_int_equal(log.best_epoch, whole_log.best_epoch);
        assert_memory_equal(log.train_loss, whole_log.train_loss, log.n * sizeof(double));
        assert_memory_equal(log.valid_loss, whole_log.valid_loss, log.n * sizeof(double));
        wk_nn_log_finish(&log);
        wk_nn_destroy(nn);
    }
    /* The checkpoint of another training, and a damaged one, are refused. */
    wk_err err;
    wk_nn *nn = create(3);
    c.learning_rate *= 2;
    const wk_nn_fit_options resume = {.threads = 1, .checkpoint = path, .resume = true};
    assert_int_equal(wk_nn_fit(nn, &c, &train, &valid, &resume, NULL, &err), WK_E_MODEL);
    assert_non_null(strstr(err.msg, "another training"));
    c.learning_rate /= 2;
    char *bytes;
    size_t size;
    assert_int_equal(wk_file_read(path, &bytes, &size, NULL), WK_OK);
    const size_t cuts[] = {0, 5, 60, size / 2, size - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        assert_int_equal(wk_file_write_atomic(path, bytes, cuts[i], NULL), WK_OK);
        assert_int_not_equal(wk_nn_fit(nn, &c, &train, &valid, &resume, NULL, &err), WK_OK);
        assert_non_null(strstr(err.msg, path));
    }
    free(bytes);
    remove(path);
    wk_nn_log_finish(&whole_log);
    wk_nn_destroy(nn);
    wk_nn_destroy(whole);
}

/* Two targets, one of them ten times as noisy: its weight is learned to be the smaller one. The
 * weights are part of a checkpoint, and losses told with them are those of the fixed weights. */
static void test_task_weights_are_fixed_or_learned(void **unused)
{
    (void)unused;
    make();
    static float both[2 * N];
    for (size_t i = 0; i < N; i++) {
        both[2 * i] = slope[i] + (float)(0.1 * wk_rng_normal(5, 0, i));
        both[2 * i + 1] = -slope[i] + (float)(2 * wk_rng_normal(5, 1, i));
    }
    wk_nn_array a = array(both, 1);
    a.K = 2;
    wk_nn_fit_config c = settings(WK_NN_MSE);
    c.epochs = 60;
    c.learning_rate = 0.02;
    static double weights[] = {1, 1};
    double plain, weighed;
    wk_nn *nn = create(2);
    assert_int_equal(wk_nn_evaluate(nn, &c, &a, 1, &plain, NULL), WK_OK);
    c.task_weights = (wk_reals){weights, 2};
    assert_int_equal(wk_nn_evaluate(nn, &c, &a, 1, &weighed, NULL), WK_OK);
    assert_true(fabs(weighed - 2 * plain) < 1e-9); /* the sum of both, not their mean */
    c.learn_task_weights = true;
    wk_nn_log log, again;
    fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 2}, &log);
    assert_int_equal(log.n_tasks, 2);
    assert_true(log.task_log_variance[0] < log.task_log_variance[1] - 0.5);

    char path[] = "/tmp/wick_fit_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    remove(path);
    wk_nn *stopped = create(2);
    fit(stopped, &c, &a, NULL,
        &(wk_nn_fit_options){.threads = 1, .checkpoint = path, .batches_max = 40}, NULL);
    wk_nn_destroy(stopped);
    stopped = create(2);
    fit(stopped, &c, &a, NULL,
        &(wk_nn_fit_options){.threads = 1, .checkpoint = path, .resume = true}, &again);
    assert_memory_equal(stopped->params, nn->params, nn->net.n_params * sizeof *nn->params);
    assert_memory_equal(again.task_log_variance, log.task_log_variance,
                        sizeof log.task_log_variance);
    remove(path);
    wk_nn_log_finish(&log);
    wk_nn_log_finish(&again);
    wk_nn_destroy(stopped);
    wk_nn_destroy(nn);
}

static void test_masked_targets_do_not_count(void **unused)
{
    (void)unused;
    make();
    static float masked[N * T];
    for (size_t k = 0; k < N * T; k++)
        masked[k] = k % T < 6 ? NAN : steps[k];
    wk_nn_array a = array(masked, T);
    const wk_nn_fit_config c = settings(WK_NN_MSE);
    wk_nn *nn = create(1);
    static float out[N * T];
    double loss, want = 0;
    fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 1}, NULL);
    assert_int_equal(wk_nn_apply(nn, &a, 2, out, NULL), WK_OK);
    for (size_t k = 0; k < N * T; k++)
        if (k % T >= 6)
            want +=
                ((double)out[k] - (double)steps[k]) * ((double)out[k] - (double)steps[k]) / (N * 6);
    assert_int_equal(wk_nn_evaluate(nn, &c, &a, 1, &loss, NULL), WK_OK);
    assert_true(fabs(loss - want) < 1e-9);
    /* With nothing left to learn from, the weights only decay. */
    for (size_t k = 0; k < N * T; k++)
        masked[k] = NAN;
    fit(nn, &c, &a, NULL, &(wk_nn_fit_options){.threads = 1}, NULL);
    wk_nn_destroy(nn);
}

static void refused(const wk_nn_array *a, const wk_nn_fit_config *c, const char *words)
{
    wk_err err;
    wk_nn *nn = create(wk_nn_fit_outputs(c, c->loss <= WK_NN_FOCAL ? 3 : 1));
    float *before = malloc(nn->net.n_params * sizeof *before);
    memcpy(before, nn->params, nn->net.n_params * sizeof *before);
    assert_int_not_equal(wk_nn_fit(nn, c, a, NULL, &(wk_nn_fit_options){.threads = 1}, NULL, &err),
                         WK_OK);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    assert_memory_equal(nn->params, before, nn->net.n_params * sizeof *before);
    free(before);
    wk_nn_destroy(nn);
}

static void test_bad_data_and_settings_are_refused_with_their_place(void **unused)
{
    (void)unused;
    make();
    const wk_nn_fit_config classes = settings(WK_NN_CROSS_ENTROPY), real = settings(WK_NN_MSE);
    wk_nn_array a = array(label, 1);
    label[7] = 3;
    refused(&a, &classes, "sequence 7");
    label[7] = 1.5f;
    refused(&a, &classes, "sequence 7");
    make();
    X[(4 * T + 5) * F + 2] = NAN;
    refused(&a, &classes, "sequence 4, bar 5, channel 2");
    make();
    slope[3] = INFINITY;
    a = array(slope, 1);
    refused(&a, &real, "sequence 3");
    make();
    a.S = 5;
    refused(&a, &real, "every bar or at the last one");
    a.S = 1;
    a.N = 0;
    refused(&a, &real, "no sequence");
    a.N = N;
    a.F = 2;
    refused(&a, &real, "inputs");
    a.F = F;
    wk_nn_fit_config wild = real;
    wild.learning_rate = 1e30;
    wild.clip_norm = 0;
    wild.epochs = 20;
    refused(&a, &wild, "diverged");
    wild = real;
    wild.batch = 0;
    refused(&a, &wild, "batch");
    wild = real;
    wild.learn_task_weights = true;
    refused(&a, &wild, "two tasks or more");
    static double weights[] = {1, -1};
    wild = real;
    wild.task_weights = (wk_reals){weights, 2};
    refused(&a, &wild, "2 task_weights for 1 tasks");
    wild = settings(WK_NN_TRADING);
    static float heads[3 * N];
    for (size_t i = 0; i < 3 * N; i++)
        heads[i] = 1;
    a.y = heads;
    a.K = 3;
    wild.task_weights = (wk_reals){weights, 2};
    refused(&a, &wild, "2 task_weights for 3 tasks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_loss_falls),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_schedules_lower_the_rate_as_they_say),
        cmocka_unit_test(test_all_positions_give_the_same_losses),
        cmocka_unit_test(test_batch_norm_is_trained_and_folded),
        cmocka_unit_test(test_sequences_of_one_bar_are_trained),
        cmocka_unit_test(test_stopped_and_resumed_equals_never_stopped),
        cmocka_unit_test(test_task_weights_are_fixed_or_learned),
        cmocka_unit_test(test_masked_targets_do_not_count),
        cmocka_unit_test(test_bad_data_and_settings_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
