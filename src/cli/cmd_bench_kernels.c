/* wick bench kernels: the networks' kernels beside the machine's peak and OpenBLAS. One JSON line a
 * case. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench_nn.h"
#include "nn/kernels/ops.h"
#include "wick/arena.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/version.h"

enum { ROOM = 1 << 17, ELEMENTS = 4096, CELL = 64, ROUND_NS = 20000 };

typedef struct {
    const wk__nn_ops *ops;
    float *a, *w, *y, *z; /* [ROOM] each */
} memory;

typedef struct bench bench;
struct bench {
    const char *name;
    size_t M, N, K, taps; /* of products; else N numbers */
    void (*run)(const bench *b, const memory *m);
    void (*blas)(const bench *b, const memory *m); /* the same in OpenBLAS, or NULL */
};

static void run_gemm(const bench *b, const memory *m)
{
    m->ops->gemm(&(wk__gemm){.P = 1,
                             .M = b->M,
                             .N = b->N,
                             .K = b->K,
                             .taps = b->taps,
                             .a = m->a,
                             .lda = b->K,
                             .tap = b->K,
                             .w = m->w,
                             .depth = b->taps * b->K,
                             .y = m->y,
                             .ldy = b->N});
}

/* A convolution is a product a tap, each over the rows one further on. */
static void blas_gemm(const bench *b, const memory *m)
{
    const int M = (int)b->M, N = (int)b->N, K = (int)b->K;
    for (size_t q = 0; q < b->taps; q++)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, M, N, K, 1, m->a + q * b->K, K,
                    m->w + q * b->K * b->N, N, q ? 1 : 0, m->y, N);
}

static void run_lstm(const bench *b, const memory *m)
{
    run_gemm(b, m);
    m->ops->lstm_cell(b->M, CELL, m->y, m->z, m->z + b->M * CELL, NULL, m->z + 2 * b->M * CELL);
}

static void run_gru(const bench *b, const memory *m)
{
    run_gemm(b, m);
    /* Input sums become gates, so they are made again from the recurrent ones. */
    for (size_t i = 0; i < b->M * b->N; i++)
        m->z[ROOM / 2 + i] = m->y[i];
    m->ops->gru_cell(b->M, CELL, m->z + ROOM / 2, m->y, m->z, m->z + b->M * CELL);
}

static void run_exp(const bench *b, const memory *m)
{
    m->ops->exp(b->N, m->a, m->y);
}

static void run_tanh(const bench *b, const memory *m)
{
    m->ops->tanh(b->N, m->a, m->y);
}

static void run_sigmoid(const bench *b, const memory *m)
{
    m->ops->sigmoid(b->N, m->a, m->y);
}

static void run_adamw(const bench *b, const memory *m)
{
    const wk__adamw_step s = {.scale = 1,
                              .b1 = 0.9f,
                              .c1 = 0.1f,
                              .b2 = 0.999f,
                              .c2 = 0.001f,
                              .step = 1e-6f,
                              .root = 1,
                              .eps = 1e-8f,
                              .keep = 1};
    m->ops->adamw(b->N, &s, m->a, m->z, m->z + ROOM / 2, m->y);
}

static const bench benches[] = {
    {"gemv 1x64x64", 1, 64, 64, 1, run_gemm, blas_gemm},
    {"gemv 1x256x64", 1, 256, 64, 1, run_gemm, blas_gemm},
    {"gemm 16x64x64", 16, 64, 64, 1, run_gemm, blas_gemm},
    {"gemm 16x256x64", 16, 256, 64, 1, run_gemm, blas_gemm},
    {"gemm 64x256x32", 64, 256, 32, 1, run_gemm, blas_gemm},
    {"gemm 64x64x192", 64, 64, 192, 1, run_gemm, blas_gemm},
    {"gemm 256x256x256", 256, 256, 256, 1, run_gemm, blas_gemm},
    {"conv1d 64 bars, 32 to 64 channels, 3 taps", 64, 64, 32, 3, run_gemm, blas_gemm},
    {"conv1d 64 bars, 64 to 64 channels, 3 taps", 64, 64, 64, 3, run_gemm, blas_gemm},
    {"lstm cell 64, 1 row", 1, 4 * CELL, CELL, 1, run_lstm, NULL},
    {"lstm cell 64, 16 rows", 16, 4 * CELL, CELL, 1, run_lstm, NULL},
    {"gru cell 64, 1 row", 1, 3 * CELL, CELL, 1, run_gru, NULL},
    {"gru cell 64, 16 rows", 16, 3 * CELL, CELL, 1, run_gru, NULL},
    {"exp", .N = ELEMENTS, .run = run_exp},
    {"tanh", .N = ELEMENTS, .run = run_tanh},
    {"sigmoid", .N = ELEMENTS, .run = run_sigmoid},
    {"adamw", .N = ELEMENTS, .run = run_adamw},
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* ns of one call, out of `repeat`. */
static double time_of(void (*run)(const bench *, const memory *), const bench *b, const memory *m,
                      size_t repeat)
{
    const int64_t start = wk_clock_monotonic_ns();
    for (size_t i = 0; i < repeat; i++)
        run(b, m);
    return (double)(wk_clock_monotonic_ns() - start) / (double)repeat;
}

/* Calls that take about ROUND_NS; they warm the caches too. */
static size_t repeats(void (*run)(const bench *, const memory *), const bench *b, const memory *m)
{
    size_t n = 1;
    while (time_of(run, b, m, n) * (double)n < ROUND_NS)
        n *= 2;
    return n;
}

static void run_peak(const bench *b, const memory *m)
{
    m->ops->peak(b->N, m->y);
}

static void line(const char *name, const memory *m, const char *unit, double work, double *ns,
                 size_t n, double peak, double *blas)
{
    qsort(ns, n, sizeof *ns, by_value);
    printf("{\"name\": \"kernels\", \"case\": \"%s, %s\", \"value\": %.6g, \"unit\": \"%s\", "
           "\"p50\": %.6g, \"p99\": %.6g, \"best\": %.6g, ",
           name, m->ops->name, work / ns[n / 2], unit, work / ns[n / 2], work / ns[n - 1 - n / 100],
           work / ns[0]);
    if (peak > 0)
        printf("\"of_peak\": %.4f, ", work / ns[0] / peak);
    if (blas) {
        qsort(blas, n, sizeof *blas, by_value);
        printf("\"openblas\": %.6g, \"openblas_best\": %.6g, ", work / blas[n / 2], work / blas[0]);
    }
    printf("\"threads\": 1, \"cpu\": \"%s\", \"commit\": \"%s\"}\n", wk_cpu_name(), wk_commit());
    fflush(stdout);
}

static wk_status run(const wk_cli *cli, wk_arena *arena, wk_err *err)
{
    unsigned long n;
    WK_TRY(bench_nn_count(cli, "samples", 200, 1000000, &n, err));
    memory m = {wk__nn_ops_best(), wk_arena_array(arena, float, ROOM),
                wk_arena_array(arena, float, ROOM), wk_arena_array(arena, float, ROOM),
                wk_arena_array(arena, float, ROOM)};
    double *ns = wk_arena_array(arena, double, n), *blas = wk_arena_array(arena, double, n);
    float *noise = bench_nn_noise(ROOM, 0);
    if (!noise)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < ROOM; i++) {
        m.a[i] = noise[i];
        m.w[i] = 0.1f * noise[ROOM - 1 - i];
    }
    free(noise);
    openblas_set_num_threads(1);

    const bench top = {"fused multiply-adds on registers", .N = 4096, .run = run_peak};
    const double peak_flops = (double)m.ops->peak(top.N, m.y);
    size_t calls = repeats(run_peak, &top, &m);
    for (size_t i = 0; i < n; i++)
        ns[i] = time_of(run_peak, &top, &m, calls);
    line(top.name, &m, "GFLOP/s", peak_flops, ns, n, 0, NULL);
    const double peak = peak_flops / ns[0];
    for (size_t k = 0; k < sizeof benches / sizeof *benches; k++) {
        const bench *b = &benches[k];
        const size_t mine = repeats(b->run, b, &m), its = b->blas ? repeats(b->blas, b, &m) : 0;
        /* In turns, so that what else the machine does falls on both. */
        for (size_t i = 0; i < n; i++) {
            ns[i] = time_of(b->run, b, &m, mine);
            if (b->blas)
                blas[i] = time_of(b->blas, b, &m, its);
        }
        const double flops = 2 * (double)(b->M * b->N * b->K * b->taps);
        if (b->M)
            line(b->name, &m, "GFLOP/s", flops, ns, n, peak, b->blas ? blas : NULL);
        else
            line(b->name, &m, "Gelement/s", (double)b->N, ns, n, 0, NULL);
    }
    return WK_OK;
}

static int cmd_kernels(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = run(cli, &arena, err);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"samples", "N", "rounds of about 20 us a case (default 200)"}, {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_kernels;
const wk_cli_command wk_cmd_bench_kernels = {
    .name = "bench kernels",
    .usage = "[--samples N]",
    .summary = "times the networks' kernels beside the machine's peak and OpenBLAS",
    .details =
        "Prints one JSON line a case, on one thread with hot caches; the first is the peak. "
        "GFLOP/s\n"
        "count the multiply-adds of products only, those of the cells too, whose products are the\n"
        "recurrent ones; functions and AdamW are in 1e9 numbers a second. of_peak compares the "
        "best\n"
        "rounds. WICK_CPU=avx2 or c caps wick's kernels and the peak, not OpenBLAS.",
    .example = "wick bench kernels --samples 50",
    .options = options,
    .run = cmd_kernels,
};
