/* `wick bench nn.train` and `wick bench nn.train_stream`: the reference network learning from
 * windows, and the same branches from whole sequences with a loss at every bar. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_nn.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/npy.h"
#include "wick/rng.h"

enum {
    F = WK_NN_REFERENCE_INPUTS,
    T = WK_NN_REFERENCE_BARS,
    BATCH = 256,
    WINDOWS = 2048,
    SEQUENCES = 32,
    BARS = 1024,
    LOSSES = 100
};

/* Direction, magnitude and volatility that follow from the last bars and noise: something to learn.
 */
static void make_targets(const float *x, size_t bar, uint64_t stream, uint64_t i, float y[3])
{
    const double noise = wk_rng_normal(2, stream, i);
    const float *last = x + bar * F, *before = bar ? last - F : last;
    const double signal = (double)last[0] + 0.5 * (double)before[1] - 0.5 * (double)last[2] + noise;
    y[0] = signal > 0.7 ? 2 : signal < -0.7 ? 0 : 1;
    y[1] = (float)(signal * 0.5);
    y[2] = (float)(0.2 + 0.1 * fabs((double)last[3]) + 0.05 * fabs(noise));
}

/* ---- windows ---- */

typedef struct {
    double *seconds; /* of each batch */
    float losses[LOSSES];
    int64_t last_ns;
    size_t n;
    double cpu_first_us, cpu_last_us; /* after the first and the last batch */
} watch;

static void on_batch(void *context, size_t batch, double loss)
{
    watch *w = context;
    int64_t now = wk_clock_monotonic_ns();
    if (batch <= LOSSES)
        w->losses[batch - 1] = (float)loss;
    w->seconds[w->n++] = (double)(now - w->last_ns) * 1e-9;
    w->last_ns = now;
    w->cpu_last_us = bench_nn_cpu_us();
    if (batch == 1)
        w->cpu_first_us = w->cpu_last_us;
}

static wk_status train_windows(const wk_nn_array *data, size_t batches, int threads, bool all,
                               int precision, const char *weights, watch *w, wk_err *err)
{
    const wk_nn_fit_config config = {.loss = WK_NN_TRADING,
                                     .epochs = (int64_t)(batches * BATCH / WINDOWS + 1),
                                     .batch = BATCH,
                                     .learning_rate = 2e-4,
                                     .weight_decay = 0.01,
                                     .clip_norm = 1,
                                     .step_epochs = 1,
                                     .seed = 1,
                                     .precision = precision};
    const wk_nn_fit_options options = {.threads = threads,
                                       .all_positions = all,
                                       .batches_max = batches,
                                       .on_batch = on_batch,
                                       .context = w};
    wk_nn *nn;
    WK_TRY(bench_nn_create(&nn, err));
    wk_status status = weights ? wk_nn_save(nn, weights, err) : WK_OK;
    w->n = 0;
    w->last_ns = wk_clock_monotonic_ns();
    if (status == WK_OK)
        status = wk_nn_fit(nn, &config, data, NULL, &options, NULL, err);
    wk_nn_destroy(nn);
    return status;
}

/* What is timed: the first one's losses are those that peers must have too. */
static const struct {
    const char *name, *losses, *precision_name;
    bool all;
    int precision;
} cases[] = {
    {"batch 256, fp32, dead positions left out", "losses", "fp32", false, WK_NN_FP32},
    {"batch 256, fp32, all positions", NULL, "fp32", true, WK_NN_FP32},
    {"batch 256, bf16x3, dead positions left out", "losses_bf16x3", "bf16x3", false, WK_NN_BF16X3},
    {"batch 256, bf16, dead positions left out", "losses_bf16", "bf16", false, WK_NN_BF16},
};

static void print_windows(const watch *w, double *samples, const char *name, int threads)
{
    size_t n = 0;
    for (size_t i = 1; i < w->n; i++) /* the first batch pays for the memory */
        samples[n++] = BATCH / w->seconds[i];
    bench_nn_print("nn.train", name, "windows/s", samples, n, threads,
                   (w->cpu_last_us - w->cpu_first_us) / (double)(n * BATCH), -1);
}

static wk_status run_train(const wk_cli *cli, wk_arena *arena, wk_err *err)
{
    unsigned long batches;
    WK_TRY(bench_nn_count(cli, "batches", LOSSES, 1000000, &batches, err));
    if (batches < 2)
        return wk_fail(err, WK_E_ARG, "--batches: give at least 2");
    const char *dir = wk_cli_option_value(cli, "export"),
               *only = wk_cli_option_value(cli, "precision");
    bool any = !only;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        any = any || strcmp(only, cases[i].precision_name) == 0;
    if (!any)
        return wk_fail(err, WK_E_ARG, "--precision %s: give fp32, bf16 or bf16x3", only);
    const int threads = wk_cli_threads(cli);
    float *X = bench_nn_noise((size_t)WINDOWS * T * F, 0),
          *y = wk_arena_array(arena, float, WINDOWS * 3);
    if (!X)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < WINDOWS; i++)
        make_targets(X + i * T * F, T - 1, 1, i, y + 3 * i);
    const wk_nn_array data = {.N = WINDOWS, .T = T, .F = F, .X = X, .S = 1, .K = 3, .y = y};
    watch w = {.seconds = wk_arena_array(arena, double, batches)};
    double *samples = wk_arena_array(arena, double, batches);
    char path[4096];
    wk_status status = dir ? wk_dir_create(dir, err) : WK_OK;
    if (status == WK_OK && dir) {
        snprintf(path, sizeof path, "%s/windows.npy", dir);
        status = wk_npy_write(path, X, (size_t[]){WINDOWS, T, F}, 3, err);
        snprintf(path, sizeof path, "%s/targets.npy", dir);
        if (status == WK_OK)
            status = wk_npy_write(path, y, (size_t[]){WINDOWS, 3}, 2, err);
        snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases && status == WK_OK; i++) {
        if (only && strcmp(only, cases[i].precision_name) != 0)
            continue;
        status = train_windows(&data, batches, threads, cases[i].all, cases[i].precision,
                               dir && i == 0 ? path : NULL, &w, err);
        if (status != WK_OK)
            break;
        print_windows(&w, samples, cases[i].name, threads);
        if (!dir || !cases[i].losses)
            continue;
        snprintf(path, sizeof path, "%s/%s.npy", dir, cases[i].losses);
        status = wk_npy_write(path, w.losses, (size_t[]){w.n < LOSSES ? w.n : LOSSES}, 1, err);
    }
    free(X);
    return status;
}

/* ---- sequences ---- */

static wk_status run_train_stream(const wk_cli *cli, wk_arena *arena, wk_err *err)
{
    unsigned long repeats;
    WK_TRY(bench_nn_count(cli, "repeats", 5, 1000, &repeats, err));
    const int threads = wk_cli_threads(cli);
    const char *dir = wk_cli_option_value(cli, "export");
    const wk_nn_train_config config = {.epochs = 1,
                                       .batch_sequences = SEQUENCES,
                                       .truncation_bars = T,
                                       .learning_rate = 1e-3,
                                       .weight_decay = 0.01,
                                       .clip_norm = 1,
                                       .label_smoothing = 0.05,
                                       .huber_delta = 1,
                                       .weight_direction = 1,
                                       .weight_magnitude = 0.5,
                                       .weight_volatility = 0.2,
                                       .seed = 1};
    const size_t n = (size_t)SEQUENCES * BARS;
    float *X = bench_nn_noise(n * F, 3), *y = wk_arena_array(arena, float, n * 3);
    if (!X)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_nn_sequence *s = wk_arena_array(arena, wk_nn_sequence, SEQUENCES);
    int8_t *direction = wk_arena_array(arena, int8_t, n);
    float *magnitude = wk_arena_array(arena, float, n),
          *volatility = wk_arena_array(arena, float, n);
    uint8_t *in_train = wk_arena_array(arena, uint8_t, n);
    for (size_t k = 0; k < n; k++) {
        make_targets(X + k / BARS * BARS * F, k % BARS, 4, k, y + 3 * k);
        direction[k] = (int8_t)y[3 * k];
        magnitude[k] = y[3 * k + 1];
        volatility[k] = y[3 * k + 2];
        in_train[k] = 1;
    }
    for (size_t i = 0; i < SEQUENCES; i++) {
        const size_t at = i * BARS;
        s[i] = (wk_nn_sequence){.T = BARS,
                                .X = X + at * F,
                                .direction = direction + at,
                                .magnitude = magnitude + at,
                                .volatility = volatility + at,
                                .in_train = in_train + at};
    }
    double *samples = wk_arena_array(arena, double, repeats), cpu_us = 0;
    wk_status status = WK_OK;
    char path[4096];
    if (dir) {
        snprintf(path, sizeof path, "%s/sequences.npy", dir);
        status = wk_dir_create(dir, err);
        if (status == WK_OK)
            status = wk_npy_write(path, X, (size_t[]){SEQUENCES, BARS, F}, 3, err);
        snprintf(path, sizeof path, "%s/targets.npy", dir);
        if (status == WK_OK)
            status = wk_npy_write(path, y, (size_t[]){SEQUENCES, BARS, 3}, 3, err);
    }
    for (size_t i = 0; i < repeats && status == WK_OK; i++) {
        wk_nn *nn;
        status = bench_nn_create(&nn, err);
        if (status != WK_OK)
            break;
        wk_nn_log log = {0};
        snprintf(path, sizeof path, "%s/weights.safetensors", dir ? dir : "");
        if (dir)
            status = wk_nn_save(nn, path, err);
        cpu_us -= bench_nn_cpu_us();
        int64_t start = wk_clock_monotonic_ns();
        if (status == WK_OK)
            status = wk_nn_train(nn, &config, s, SEQUENCES, NULL, threads, &log, err);
        samples[i] = (double)n / ((double)(wk_clock_monotonic_ns() - start) * 1e-9);
        cpu_us += bench_nn_cpu_us();
        snprintf(path, sizeof path, "%s/loss.npy", dir ? dir : "");
        if (status == WK_OK && dir) {
            const float loss = (float)log.train_loss[0];
            status = wk_npy_write(path, &loss, (size_t[]){1}, 1, err);
        }
        wk_nn_log_finish(&log);
        wk_nn_destroy(nn);
    }
    if (status == WK_OK)
        bench_nn_print("nn.train_stream", "32 sequences of 1024 bars, 64 bars a chunk, fp32",
                       "bars/s", samples, repeats, threads, cpu_us / (double)(n * repeats), -1);
    free(X);
    return status;
}

static wk_status with_arena(const wk_cli *cli,
                            wk_status (*run)(const wk_cli *, wk_arena *, wk_err *), wk_err *err)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = run(cli, &arena, err);
    wk_arena_finish(&arena);
    return status;
}

static int cmd_train(const wk_cli *cli, wk_err *err)
{
    return with_arena(cli, run_train, err);
}

static int cmd_train_stream(const wk_cli *cli, wk_err *err)
{
    return with_arena(cli, run_train_stream, err);
}

static const wk_cli_option train_options[] = {
    {"batches", "N", "batches of 256 windows timed (default 100)"},
    {"precision", "P", "only fp32, bf16 or bf16x3"},
    {"export", "DIR",
     "also write the windows, targets, first weights and losses of 100 batches, for peers"},
    {NULL, NULL, NULL}};
static const wk_cli_option stream_options[] = {
    {"repeats", "N", "passes timed (default 5)"},
    {"export", "DIR", "also write the sequences and targets, for peers"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_nn_train, wk_cmd_bench_nn_train_stream;
const wk_cli_command wk_cmd_bench_nn_train = {
    .name = "bench nn.train",
    .usage = "[--batches N] [--precision P] [--export DIR]",
    .summary = "times the reference network learning from windows, batch 256",
    .details =
        "Prints four JSON lines in windows a second: in fp32 with the positions left out that no\n"
        "output needs and with all of them computed; with products split in three of bf16, and\n"
        "in bf16 (wick nn describe says by which kernels).",
    .example = "wick bench nn.train --batches 10",
    .options = train_options,
    .run = cmd_train,
};
const wk_cli_command wk_cmd_bench_nn_train_stream = {
    .name = "bench nn.train_stream",
    .usage = "[--repeats N] [--export DIR]",
    .summary = "times the reference network learning from whole sequences, a loss at every bar",
    .details = "Prints one JSON line in bars a second.",
    .example = "wick bench nn.train_stream --repeats 1",
    .options = stream_options,
    .run = cmd_train_stream,
};
