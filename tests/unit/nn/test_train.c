#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/math.h"
#include "wick/nn.h"
#include "wick/rng.h"

enum { F = 4, T = 2000, N = 3, LAG = 3 };

/* Three markets whose direction is the sign of an input LAG bars ago (1 when it is small), the
 * magnitude that input, the volatility a function of another one. */
typedef struct {
    float X[N][T * F], magnitude[N][T], volatility[N][T];
    int8_t direction[N][T];
    uint8_t in_train[N][T], in_valid[N][T];
    wk_nn_sequence sequences[N];
} toy;

static toy *toy_create(void)
{
    toy *d = calloc(1, sizeof *d);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < (size_t)T * F; k++)
            d->X[i][k] = (float)wk_rng_normal(20, i, k);
        for (size_t t = 0; t < T; t++) {
            float lag = t >= LAG ? d->X[i][(t - LAG) * F + 1] : 0;
            d->direction[i][t] = lag < -0.4f ? 0 : lag > 0.4f ? 2 : 1;
            d->magnitude[i][t] = lag;
            d->volatility[i][t] = (float)(0.003 * wk_exp(0.5 * (double)d->X[i][t * F]));
            d->in_train[i][t] = t < T * 3 / 4;
            d->in_valid[i][t] = t >= T * 3 / 4 + 50;
        }
        d->sequences[i] = (wk_nn_sequence){
            T,    d->X[i],        d->direction[i], d->magnitude[i], d->volatility[i],
            NULL, d->in_train[i], d->in_valid[i]};
    }
    return d;
}

static const wk_nn_train_config quick = {.epochs = 15,
                                         .batch_sequences = 12,
                                         .truncation_bars = 32,
                                         .learning_rate = 0.02,
                                         .weight_decay = 0.01,
                                         .clip_norm = 1,
                                         .warmup_fraction = 0.1,
                                         .label_smoothing = 0,
                                         .huber_delta = 1,
                                         .weight_direction = 1,
                                         .weight_magnitude = 0.5,
                                         .weight_volatility = 0.2,
                                         .patience = 0,
                                         .seed = 1};

static const wk_nn_layer_config lstm[] = {{WK_NN_LSTM, .units = 24}};
static const wk_nn_layer_config gru[] = {{WK_NN_GRU, .units = 24}};
static const wk_nn_layer_config cnn[] = {{WK_NN_CONV1D, .units = 24, .kernel = 5, .dilation = 1},
                                         {WK_NN_RELU},
                                         {WK_NN_DROPOUT, .dropout = 0.05}};
static const wk_nn_layer_config tcn[] = {{WK_NN_TCN, .units = 24, .kernel = 2, .dilation = 1},
                                         {WK_NN_TCN, .units = 24, .kernel = 2, .dilation = 2}};
static const wk_nn_layer_config mlp[] = {{WK_NN_DENSE, .units = 16}, {WK_NN_RELU}};
static const struct {
    const char *name;
    const wk_nn_layer_config *layers;
    size_t n;
    bool sees_lag;
} branches[] = {{"lstm", lstm, 1, true},
                {"gru", gru, 1, true},
                {"cnn", cnn, 3, true},
                {"tcn", tcn, 2, true},
                {"mlp", mlp, 2, false}};

static wk_nn *create(const wk_nn_layer_config *layers, size_t n)
{
    wk_nn *nn = NULL;
    wk_err err;
    if (wk_nn_create(layers, n, F, WK_NN_HEADS, 3, &nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return nn;
}

/* Fewer bars, where what is shown does not need more and plain C under a sanitizer is slow. */
static void shorten(toy *d, size_t bars)
{
    for (size_t i = 0; i < N; i++)
        d->sequences[i].T = bars;
}

static void train(wk_nn *nn, const toy *d, const wk_nn_train_config *config, int threads,
                  wk_nn_log *log)
{
    wk_err err;
    if (wk_nn_train(nn, config, d->sequences, N, NULL, threads, log, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

static void params_copy(wk_nn *nn, float *to)
{
    for (size_t i = 0; i < wk_nn_n_tensors(nn); i++) {
        const char *name;
        float *v;
        size_t shape[3], rank;
        wk_nn_tensor(nn, i, &name, &v, shape, &rank);
        memcpy(to, v, shape[0] * shape[1] * shape[2] * sizeof *v);
        to += shape[0] * shape[1] * shape[2];
    }
}

static void test_each_branch_learns_a_lagged_sign(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    float *y = malloc(sizeof(float) * T * WK_NN_HEADS);
    for (size_t b = 0; b < sizeof branches / sizeof *branches; b++) {
        wk_nn *nn = create(branches[b].layers, branches[b].n);
        wk_nn_log log;
        train(nn, d, &quick, 2, &log);
        wk_arena arena;
        wk_arena_init(&arena);
        wk_nn_plan *plan;
        assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
        wk_nn_state *state = wk_nn_state_create(&arena, plan);
        size_t right = 0, n = 0;
        double magnitude = 0, volatility = 0;
        for (size_t i = 0; i < N; i++) {
            wk_nn_sequence_forward(plan, state, d->X[i], T, y);
            for (size_t t = T * 3 / 4; t < T; t++, n++) {
                const float *o = y + t * WK_NN_HEADS;
                int best = o[1] > o[0] ? 1 : 0;
                best = o[2] > o[best] ? 2 : best;
                right += best == d->direction[i][t];
                magnitude += fabs((double)(o[3] - d->magnitude[i][t]));
                volatility += fabs((double)o[4] - wk_log((double)d->volatility[i][t]));
            }
        }
        double accuracy = (double)right / (double)n;
        print_message("%s: accuracy %.3f, magnitude error %.3f, log-volatility error %.3f, loss "
                      "%.4f -> %.4f\n",
                      branches[b].name, accuracy, magnitude / (double)n, volatility / (double)n,
                      log.train_loss[0], log.train_loss[log.n - 1]);
        /* The MLP cannot see the lag, so it proves that the others do. */
        if (branches[b].sees_lag) {
            assert_true(accuracy > 0.9);
            /* The constant 0 errs by 0.80, the mean of |N(0, 1)|. */
            assert_true(magnitude / (double)n < 0.3);
        } else {
            assert_true(accuracy < 0.45);
        }
        assert_true(volatility / (double)n < 0.1);
        wk_nn_log_finish(&log);
        wk_arena_finish(&arena);
        wk_nn_destroy(nn);
    }
    free(y), free(d);
}

static void test_any_number_of_threads_gives_the_same_weights(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    wk_nn_train_config c = quick;
    c.epochs = 2;
    c.batch_sequences = 30;
    shorten(d, 1000);
    for (size_t b = 0; b < sizeof branches / sizeof *branches; b++) {
        float *first = NULL;
        for (int threads = 1; threads <= 3; threads++) {
            wk_nn *nn = create(branches[b].layers, branches[b].n);
            float *now = malloc(wk_nn_n_params(nn) * sizeof *now);
            train(nn, d, &c, threads, NULL);
            params_copy(nn, now);
            if (first)
                assert_memory_equal(first, now, wk_nn_n_params(nn) * sizeof *now);
            else
                first = now;
            if (now != first)
                free(now);
            wk_nn_destroy(nn);
        }
        free(first);
    }
    free(d);
}

static void test_every_instruction_set_gives_the_same_weights(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    wk_nn_train_config c = quick;
    c.epochs = 1;
    shorten(d, 320); /* several updates still, the last of fewer rows */
    const char *caps[] = {"avx512", "avx2", "c"}, *before = getenv("WICK_CPU");
    char keep[32];
    snprintf(keep, sizeof keep, "%s", before ? before : "");
    for (size_t b = 0; b < sizeof branches / sizeof *branches; b++) {
        float *first = NULL;
        for (size_t i = 0; i < 3; i++) {
            setenv("WICK_CPU", caps[i], 1);
            wk_nn *nn = create(branches[b].layers, branches[b].n);
            float *now = malloc(wk_nn_n_params(nn) * sizeof *now);
            train(nn, d, &c, 2, NULL);
            params_copy(nn, now);
            if (first && memcmp(first, now, wk_nn_n_params(nn) * sizeof *now) != 0)
                fail_msg("%s: other weights with WICK_CPU=%s", branches[b].name, caps[i]);
            if (!first)
                first = now;
            else
                free(now);
            wk_nn_destroy(nn);
        }
        free(first);
    }
    if (before)
        setenv("WICK_CPU", keep, 1);
    else
        unsetenv("WICK_CPU");
    free(d);
}

static void test_rows_of_weight_nothing_change_nothing(void **unused)
{
    (void)unused;
    toy *a = toy_create(), *b = toy_create();
    float *weight = malloc(T * sizeof *weight);
    for (size_t t = 0; t < T; t++)
        weight[t] = t % 3 ? 1.5f : 0;
    for (size_t i = 0; i < N; i++) {
        a->sequences[i].weight = b->sequences[i].weight = weight;
        for (size_t t = 0; t < T; t += 3) {
            b->direction[i][t] = 0;
            b->magnitude[i][t] = 50;
        }
    }
    wk_nn_train_config c = quick;
    c.epochs = 1;
    wk_nn *x = create(cnn, 3), *y = create(cnn, 3);
    float *p = malloc(wk_nn_n_params(x) * sizeof *p), *q = malloc(wk_nn_n_params(x) * sizeof *q);
    train(x, a, &c, 1, NULL);
    train(y, b, &c, 1, NULL);
    params_copy(x, p);
    params_copy(y, q);
    assert_memory_equal(p, q, wk_nn_n_params(x) * sizeof *p);
    wk_nn_destroy(x), wk_nn_destroy(y);
    free(p), free(q), free(weight), free(a), free(b);
}

static void test_training_without_a_single_target_is_refused(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    wk_err err;
    wk_nn *nn = create(mlp, 2);
    for (size_t i = 0; i < N; i++)
        d->sequences[i].direction = NULL,
        d->sequences[i].magnitude = d->sequences[i].volatility = NULL;
    assert_int_equal(wk_nn_train(nn, &quick, d->sequences, N, NULL, 1, NULL, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "target"));
    for (size_t i = 0; i < N; i++)
        memset(d->in_train[i], 0, T);
    assert_int_equal(wk_nn_train(nn, &quick, d->sequences, N, NULL, 1, NULL, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "in_train"));
    wk_nn_destroy(nn);
    free(d);
}

static void test_early_stopping_keeps_the_best_epoch(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    /* Labels of noise on few rows: the network soon fits them by heart and the validation loss
     * rises. */
    for (size_t i = 0; i < N; i++)
        for (size_t t = 0; t < T; t++) {
            d->direction[i][t] = (int8_t)wk_rng_below(5, i, t, 3);
            d->in_train[i][t] = t < 200;
        }
    wk_nn_train_config c = quick;
    c.epochs = 40;
    c.truncation_bars = 16;
    c.patience = 3;
    c.weight_magnitude = c.weight_volatility = 0;
    wk_nn *nn = create(lstm, 1);
    wk_nn_log log;
    train(nn, d, &c, 2, &log);
    assert_true(log.n < 40);
    assert_int_equal(log.n, log.best_epoch + 3);
    for (size_t i = 0; i < log.n; i++)
        assert_true(log.valid_loss[i] >= log.valid_loss[log.best_epoch - 1]);
    assert_true(log.valid_loss[log.n - 1] > log.valid_loss[log.best_epoch - 1]);
    /* The weights are those that a run would have after best_epoch of the same schedule: continuing
     * with a learning rate of nearly nothing gives the best validation loss again. */
    wk_nn_train_config still = c;
    still.epochs = 1;
    still.learning_rate = 1e-9;
    wk_nn_log check;
    train(nn, d, &still, 1, &check);
    assert_float_equal(check.valid_loss[0], log.valid_loss[log.best_epoch - 1], 1e-4);
    wk_nn_log_finish(&log);
    wk_nn_log_finish(&check);
    wk_nn_destroy(nn);
    free(d);
}

static void test_nan_in_the_inputs_is_refused_with_its_place(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    wk_err err;
    wk_nn *nn = create(mlp, 2);
    d->X[1][77 * F + 2] = NAN;
    assert_int_equal(wk_nn_train(nn, &quick, d->sequences, N, NULL, 1, NULL, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "sequence 1, row 77, column 2"));
    wk_nn_destroy(nn);
    free(d);
}

static void test_divergence_is_an_error_and_leaves_the_weights(void **unused)
{
    (void)unused;
    toy *d = toy_create();
    wk_err err;
    wk_nn *nn = create(mlp, 2);
    float before[200], after[200];
    assert_true(wk_nn_n_params(nn) <= 200);
    params_copy(nn, before);
    wk_nn_train_config c = quick;
    c.learning_rate = 1e30;
    c.clip_norm = 0;
    assert_int_equal(wk_nn_train(nn, &c, d->sequences, N, NULL, 1, NULL, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "diverged in epoch 1"));
    assert_non_null(strstr(err.msg, "lower learning_rate"));
    params_copy(nn, after);
    assert_memory_equal(before, after, wk_nn_n_params(nn) * sizeof *before);
    wk_nn_destroy(nn);
    free(d);
}

static void test_rows_outside_the_masks_change_nothing(void **unused)
{
    (void)unused;
    toy *a = toy_create(), *b = toy_create();
    for (size_t i = 0; i < N; i++)
        for (size_t t = T * 3 / 4; t < T; t++) {
            b->direction[i][t] = 0;
            b->magnitude[i][t] = 99;
        }
    for (size_t i = 0; i < N; i++)
        a->sequences[i].in_valid = b->sequences[i].in_valid = NULL;
    wk_nn_train_config c = quick;
    c.epochs = 1;
    wk_nn *x = create(lstm, 1), *y = create(lstm, 1);
    float *p = malloc(wk_nn_n_params(x) * sizeof *p), *q = malloc(wk_nn_n_params(x) * sizeof *q);
    train(x, a, &c, 1, NULL);
    train(y, b, &c, 1, NULL);
    params_copy(x, p);
    params_copy(y, q);
    assert_memory_equal(p, q, wk_nn_n_params(x) * sizeof *p);
    /* And a row inside does. */
    b->direction[0][100] = (int8_t)((b->direction[0][100] + 1) % 3);
    wk_nn *z = create(lstm, 1);
    train(z, b, &c, 1, NULL);
    params_copy(z, q);
    assert_true(memcmp(p, q, wk_nn_n_params(x) * sizeof *p) != 0);
    wk_nn_destroy(x), wk_nn_destroy(y), wk_nn_destroy(z);
    free(p), free(q), free(a), free(b);
}

/* Batch norm, dropout locked for a piece and learned weights of the heads, in chunks of pieces that
 * end at different bars: it learns, and the number of threads changes no bit. */
static void test_norms_masks_and_learned_weights_train_in_pieces(void **unused)
{
    (void)unused;
    static const wk_nn_layer_config layers[] = {
        {WK_NN_CONV1D, .units = 12, .kernel = 3, .dilation = 1},
        {WK_NN_BATCH_NORM},
        {WK_NN_RELU},
        {WK_NN_GRU, .units = 12, .dropout = 0.1},
        {WK_NN_DROPOUT, .dropout = 0.2, .locked = true},
        {WK_NN_LSTM, .units = 9, .dropout = 0.1},
        {WK_NN_DROPOUT, .dropout = 0.1, .locked = true}};
    toy *d = toy_create();
    wk_nn_train_config config = quick;
    config.epochs = 3;
    config.learn_weights = true;
    wk_nn *nets[2];
    wk_nn_log log[2];
    for (int k = 0; k < 2; k++) {
        nets[k] = create(layers, 7);
        train(nets[k], d, &config, 1 + 2 * k, &log[k]);
        assert_int_equal(log[k].n_tasks, 3);
        assert_true(log[k].train_loss[2] < log[k].train_loss[0]);
    }
    for (size_t i = 0; i < wk_nn_n_tensors(nets[0]); i++) {
        const char *name;
        float *a, *b;
        size_t shape[3], rank;
        wk_nn_tensor(nets[0], i, &name, &a, shape, &rank);
        wk_nn_tensor(nets[1], i, &name, &b, shape, &rank);
        assert_memory_equal(a, b, shape[0] * shape[1] * shape[2] * sizeof *a);
        if (strcmp(name, "1.running_var") == 0)
            assert_true(a[0] != 1);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_true(log[0].task_log_variance[i] == log[1].task_log_variance[i]);
        assert_true(log[0].task_log_variance[i] != 0);
    }
    for (int k = 0; k < 2; k++) {
        wk_nn_log_finish(&log[k]);
        wk_nn_destroy(nets[k]);
    }
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norms_masks_and_learned_weights_train_in_pieces),
        cmocka_unit_test(test_each_branch_learns_a_lagged_sign),
        cmocka_unit_test(test_any_number_of_threads_gives_the_same_weights),
        cmocka_unit_test(test_every_instruction_set_gives_the_same_weights),
        cmocka_unit_test(test_rows_of_weight_nothing_change_nothing),
        cmocka_unit_test(test_training_without_a_single_target_is_refused),
        cmocka_unit_test(test_early_stopping_keeps_the_best_epoch),
        cmocka_unit_test(test_nan_in_the_inputs_is_refused_with_its_place),
        cmocka_unit_test(test_divergence_is_an_error_and_leaves_the_weights),
        cmocka_unit_test(test_rows_outside_the_masks_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
