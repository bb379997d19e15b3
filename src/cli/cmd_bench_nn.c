/* `wick bench nn.window` and `wick bench nn.stream`: the reference network on whole windows and one
 * bar at a time. One JSON line a case; bench/peers_nn.py runs these between the peers' own minutes.
 */
#include "bench_allocations.h"
#include "bench_nn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/npy.h"
#include "wick/rng.h"
#include "wick/version.h"

enum { F = WK_NN_REFERENCE_INPUTS, T = WK_NN_REFERENCE_BARS, O = WK_NN_HEADS, WINDOWS = 256 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_nn_print(const char *name, const char *what, const char *unit, double *samples, size_t n,
                    int threads, double cpu_us, int64_t allocs)
{
    qsort(samples, n, sizeof *samples, by_value);
    const bool rate = strstr(unit, "/s") != NULL;
    printf("{\"name\": \"%s\", \"case\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"p50\": %.6g, "
           "\"p99\": %.6g, \"best\": %.6g, ",
           name, what, samples[n / 2], unit, samples[n / 2],
           samples[rate ? n / 100 : n - 1 - n / 100], samples[rate ? n - 1 : 0]);
    if (cpu_us > 0)
        printf("\"cpu_us\": %.6g, ", cpu_us);
    if (allocs >= 0)
        printf("\"allocs\": %" PRId64 ", ", allocs);
    printf("\"threads\": %d, \"cpu\": \"%s\", \"commit\": \"%s\"}\n", threads, wk_cpu_name(),
           wk_commit());
    fflush(stdout);
}

double bench_nn_cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

float *bench_nn_noise(size_t n, uint64_t stream)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)wk_rng_normal(1, stream, i);
    return x;
}

wk_status bench_nn_count(const wk_cli *cli, const char *option, unsigned long dflt,
                         unsigned long max, unsigned long *out, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, option);
    char *end = NULL;
    *out = text ? strtoul(text, &end, 10) : dflt;
    if (text && (end == text || *end || *out < 1 || *out > max))
        return wk_fail(err, WK_E_ARG, "--%s %s: give a number from 1 to %lu", option, text, max);
    return WK_OK;
}

wk_status bench_nn_create(wk_nn **nn, wk_err *err)
{
    return wk_nn_create_graph(&wk_nn_reference, F, O, 1, nn, err);
}

/* Everything that a peer needs to check that it computes the same: weights, windows, outputs. */
static wk_status export(const wk_nn *nn, const wk_nn_plan *plan, wk_nn_window *window,
                        const float *X, const char *dir, wk_err *err)
{
    float out[WINDOWS * O];
    char path[4096];
    for (size_t i = 0; i < WINDOWS; i++)
        wk_nn_window_forward(plan, window, X + i * T * F, out + i * O);
    WK_TRY(wk_dir_create(dir, err));
    snprintf(path, sizeof path, "%s/weights.safetensors", dir);
    WK_TRY(wk_nn_save(nn, path, err));
    snprintf(path, sizeof path, "%s/windows.npy", dir);
    WK_TRY(wk_npy_write(path, X, (size_t[]){WINDOWS, T, F}, 3, err));
    snprintf(path, sizeof path, "%s/outputs.npy", dir);
    return wk_npy_write(path, out, (size_t[]){WINDOWS, O}, 2, err);
}

static wk_status run_window(const wk_cli *cli, wk_arena *arena, const wk_nn *nn, const float *X,
                            wk_err *err)
{
    wk_nn_plan *plan;
    wk_nn_window *window;
    unsigned long n;
    WK_TRY(bench_nn_count(cli, "samples", 5000, 10000000, &n, err));
    WK_TRY(wk_nn_plan_build(arena, nn, &plan, err));
    WK_TRY(wk_nn_window_build(arena, plan, T, &window, err));
    double *samples = wk_arena_array(arena, double, n);
    wk_arena_freeze(arena);
    const char *dir = wk_cli_option_value(cli, "export");
    if (dir)
        WK_TRY(export(nn, plan, window, X, dir, err));
    float out[O];
    const uint64_t before = wk__bench_allocations();
    for (size_t i = 0; i < 50 + n; i++) {
        const float *x = X + i % WINDOWS * T * F;
        int64_t start = wk_clock_monotonic_ns();
        wk_nn_window_forward(plan, window, x, out);
        if (i >= 50)
            samples[i - 50] = (double)(wk_clock_monotonic_ns() - start) * 1e-3;
    }
    const int64_t allocs = (int64_t)(wk__bench_allocations() - before);
    char what[64];
    snprintf(what, sizeof what, "batch 1, %s", wk_nn_plan_kernels(plan));
    bench_nn_print("nn.window", what, "us", samples, n, 1, 0, allocs);
    return WK_OK;
}

/* What a bar's other work does to the caches; the sum keeps the compiler from leaving it out. */
static volatile char sink;
static void touch(const char *memory, size_t n)
{
    char sum = sink;
    for (size_t i = 0; i < n; i += 64)
        sum = (char)(sum + memory[i]);
    sink = sum;
}

static wk_status run_stream(const wk_cli *cli, wk_arena *arena, const wk_nn *nn, const float *X,
                            wk_err *err)
{
    enum { OTHER = 2 << 20 };
    static const struct {
        const char *name;
        bool whole, touch;
    } cases[] = {{"full step", true, false},
                 {"new bar to output", false, false},
                 {"full step after 2 MB of other memory", true, true},
                 {"new bar to output after 2 MB of other memory", false, true}};
    wk_nn_plan *plan;
    unsigned long n;
    WK_TRY(bench_nn_count(cli, "samples", 20000, 10000000, &n, err));
    WK_TRY(wk_nn_plan_build(arena, nn, &plan, err));
    wk_nn_state *state = wk_nn_state_create(arena, plan);
    double *samples = wk_arena_array(arena, double, n);
    char *other = wk_arena_array(arena, char, OTHER);
    wk_arena_freeze(arena);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const size_t count = cases[k].touch && n > 2000 ? 2000 : n;
        float out[O];
        const uint64_t before = wk__bench_allocations();
        for (size_t i = 0; i < count; i++) {
            const float *x = X + i % (WINDOWS * T) * F;
            if (cases[k].touch)
                touch(other, OTHER);
            int64_t start = wk_clock_monotonic_ns(), end;
            wk_nn_answer(plan, state, x, out);
            end = wk_clock_monotonic_ns();
            wk_nn_prepare(plan, state);
            if (cases[k].whole)
                end = wk_clock_monotonic_ns();
            samples[i] = (double)(end - start) * 1e-3;
        }
        const int64_t allocs = (int64_t)(wk__bench_allocations() - before);
        char what[96];
        snprintf(what, sizeof what, "%s, %s", cases[k].name, wk_nn_plan_kernels(plan));
        bench_nn_print("nn.stream", what, "us", samples, count, 1, 0, allocs);
    }
    return WK_OK;
}

static wk_status with_network(const wk_cli *cli,
                              wk_status (*run)(const wk_cli *, wk_arena *, const wk_nn *,
                                               const float *, wk_err *),
                              wk_err *err)
{
    wk_nn *nn;
    WK_TRY(bench_nn_create(&nn, err));
    wk_arena arena;
    wk_arena_init(&arena);
    float *X = bench_nn_noise((size_t)WINDOWS * T * F, 0);
    wk_status status = X ? run(cli, &arena, nn, X, err) : wk_fail(err, WK_E_NOMEM, "out of memory");
    free(X);
    wk_arena_finish(&arena);
    wk_nn_destroy(nn);
    return status;
}

static int cmd_window(const wk_cli *cli, wk_err *err)
{
    return with_network(cli, run_window, err);
}

static int cmd_stream(const wk_cli *cli, wk_err *err)
{
    return with_network(cli, run_stream, err);
}

static const wk_cli_option window_options[] = {
    {"samples", "N", "windows timed (default 5000)"},
    {"export", "DIR", "also write weights.safetensors, windows.npy and outputs.npy, for peers"},
    {NULL, NULL, NULL}};
static const wk_cli_option stream_options[] = {{"samples", "N", "bars timed (default 20000)"},
                                               {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_nn_window, wk_cmd_bench_nn_stream;
const wk_cli_command wk_cmd_bench_nn_window = {
    .name = "bench nn.window",
    .usage = "[--samples N] [--export DIR]",
    .summary = "times the reference network on whole windows, one at a time",
    .details = "Prints one JSON line, in us a window of 64 bars. allocs counts calls of malloc and "
               "its kin in\n"
               "all of them. WICK_CPU=avx2 or c caps the kernels.",
    .example = "wick bench nn.window --samples 1000",
    .options = window_options,
    .run = cmd_window,
};
const wk_cli_command wk_cmd_bench_nn_stream = {
    .name = "bench nn.stream",
    .usage = "[--samples N]",
    .summary =
        "times the reference network bar by bar: the full step, and from a new bar to its output",
    .details = "Prints one JSON line a case, in us a bar, with hot caches and after 2 MB of other "
               "memory.\n"
               "allocs counts calls of malloc and its kin in all bars.",
    .example = "wick bench nn.stream --samples 1000",
    .options = stream_options,
    .run = cmd_stream,
};
