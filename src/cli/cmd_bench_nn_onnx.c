/* `wick bench nn.onnx`: a graph that came as ONNX, in wick's own plan, one window at a time.
 * Without a file it is the reference network as `wick export` writes it, and its outputs must be
 * the network's own; bench/peers_nn.py gives PyTorch's export of the same weights and runs ONNX
 * Runtime in turns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_allocations.h"
#include "bench_nn.h"
#include "wick/array_file.h"
#include "wick/clock.h"
#include "wick/onnx.h"

enum { F = WK_NN_REFERENCE_INPUTS, T = WK_NN_REFERENCE_BARS, O = WK_NN_HEADS, WINDOWS = 256 };

/* The reference network as a graph, through a file, as another program would get it. */
static wk_status own_graph(wk_nn *nn, wk_onnx **out, wk_err *err)
{
    char path[] = "/tmp/wick_bench_XXXXXX";
    const int file = mkstemp(path);
    if (file < 0)
        return wk_fail(err, WK_E_IO, "%s: cannot be made", path);
    close(file);
    wk_status status = wk_nn_save_onnx_window(nn, NULL, path, err);
    if (status == WK_OK)
        status = wk_onnx_load(path, out, err);
    remove(path);
    return status;
}

/* The graph gives what the network gives. */
static wk_status check(const wk_nn *nn, wk_onnx_plan *plan, const float *X, wk_err *err)
{
    float want[WINDOWS * O];
    wk_onnx_shape shape;
    const wk_nn_array data = {.N = WINDOWS, .T = T, .F = F, .S = 1, .K = 1, .X = X};
    WK_TRY(wk_nn_apply(nn, &data, 1, want, err));
    for (size_t i = 0; i < WINDOWS; i++) {
        memcpy(wk_onnx_plan_input(plan, 0), X + i * T * F, T * F * sizeof *X);
        wk_onnx_run(plan);
        const float *y = wk_onnx_plan_output(plan, 0, &shape);
        for (size_t o = 0; o < O; o++)
            if (!(fabs((double)y[o] - (double)want[i * O + o]) < 1e-5))
                return wk_fail(err, WK_E_MODEL,
                               "window %zu: the graph's output %zu is %g, the network's %g", i, o,
                               (double)y[o], (double)want[i * O + o]);
    }
    return WK_OK;
}

static wk_status time_plan(const wk_cli *cli, wk_onnx_plan *plan, const wk_array *X, wk_err *err)
{
    unsigned long n;
    WK_TRY(bench_nn_count(cli, "samples", 2000, 10000000, &n, err));
    double *samples = malloc(n * sizeof *samples);
    if (!samples)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    const size_t N = X->shape[0], each = X->n / N;
    const uint64_t before = wk__bench_allocations();
    for (size_t i = 0; i < 50 + n; i++) {
        const float *x = X->values + i % N * each;
        const int64_t start = wk_clock_monotonic_ns();
        memcpy(wk_onnx_plan_input(plan, 0), x, each * sizeof *x);
        wk_onnx_run(plan);
        if (i >= 50)
            samples[i - 50] = (double)(wk_clock_monotonic_ns() - start) * 1e-3;
    }
    bench_nn_print("nn.onnx",
                   wk_cli_n_args(cli) ? "a file, batch 1" : "as wick exports it, batch 1", "us",
                   samples, n, 1, 0, (int64_t)(wk__bench_allocations() - before));
    free(samples);
    return WK_OK;
}

static wk_status run(const wk_cli *cli, wk_nn *nn, wk_array *X, wk_onnx **model,
                     wk_onnx_plan **plan, wk_err *err)
{
    const char *data = wk_cli_option_value(cli, "data");
    const bool own = wk_cli_n_args(cli) == 0;
    if (own && data)
        return wk_fail(err, WK_E_ARG, "--data goes with a FILE.onnx");
    if (data) {
        WK_TRY(wk_array_read(data, "X", X, err));
    } else {
        *X = (wk_array){.rank = 3, .shape = {WINDOWS, T, F}, .n = (size_t)WINDOWS * T * F};
        X->values = bench_nn_noise(X->n, 0);
    }
    if (!X->values || !X->n)
        return wk_fail(err, WK_E_DATA, "%s: no window", data ? data : "out of memory");
    WK_TRY(own ? own_graph(nn, model, err) : wk_onnx_load(wk_cli_arg(cli, 0), model, err));
    if (wk_onnx_n_inputs(*model) != 1)
        return wk_fail(err, WK_E_MODEL, "the graph has %zu inputs; want one",
                       wk_onnx_n_inputs(*model));
    wk_onnx_shape in = {.rank = X->rank, .dims = {1}};
    for (size_t k = 1; k < X->rank; k++)
        in.dims[k] = (int64_t)X->shape[k];
    WK_TRY(wk_onnx_plan_build(*model, &in, 0, plan, err));
    if (own)
        WK_TRY(check(nn, *plan, X->values, err));
    return time_plan(cli, *plan, X, err);
}

static int cmd_onnx(const wk_cli *cli, wk_err *err)
{
    wk_nn *nn;
    wk_array X = {0};
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    WK_TRY(bench_nn_create(&nn, err));
    wk_status status = run(cli, nn, &X, &model, &plan, err);
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
    wk_array_finish(&X);
    wk_nn_destroy(nn);
    return status;
}

static const wk_cli_option options[] = {
    {"data", "F", "windows in an .npy or HDF5 file, given one at a time (default: noise [64, 32])"},
    {"samples", "N", "windows timed (default 2000)"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_nn_onnx;
const wk_cli_command wk_cmd_bench_nn_onnx = {
    .name = "bench nn.onnx",
    .usage = "[FILE.onnx] [--data F] [--samples N]",
    .summary = "times a network that came as ONNX, one window at a time",
    .details =
        "Prints one JSON line, in us a window. Without a file: the reference network through\n"
        "wick's own export, checked against the network to 1e-5.",
    .example = "wick bench nn.onnx --samples 200",
    .args_max = 1,
    .options = options,
    .run = cmd_onnx,
};
