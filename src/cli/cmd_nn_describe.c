/* wick nn describe: what a network's plan chose and what it costs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn_model.h"
#include "wick/cli.h"

enum { COUNT_MAX = 1 << 20 };

/* --option N; `dflt` when it is not given. */
static wk_status count(const wk_cli *cli, const char *option, size_t dflt, size_t *out, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, option);
    char *end = NULL;
    const unsigned long n = text ? strtoul(text, &end, 10) : dflt;
    if (text && (end == text || *end || n < 1 || n > COUNT_MAX))
        return wk_fail(err, WK_E_ARG, "--%s %s: give a number from 1 to %d", option, text,
                       COUNT_MAX);
    *out = n;
    return WK_OK;
}

/* An untrained network of a configuration: its plan is that of a trained one. */
static wk_status from_config(const wk_cli *cli, const char *path, wk_arena *arena, wk_nn **nn,
                             wk_err *err)
{
    size_t n_overrides, inputs = 0, outputs = 0;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    nn_train_config c;
    WK_TRY(count(cli, "inputs", 0, &inputs, err));
    WK_TRY(wk_config_load(&nn_train_config_table, path, overrides, n_overrides, arena, &c, err));
    WK_TRY(count(cli, "outputs", wk_nn_fit_outputs(&c.fit, 1), &outputs, err));
    if (!inputs)
        return wk_fail(err, WK_E_ARG,
                       "%s: a configuration does not say how many inputs there will be; give "
                       "--inputs N",
                       path);
    return wk_nn_create_graph(&c.network, inputs, outputs, 1, nn, err);
}

static wk_status load(const wk_cli *cli, wk_arena *arena, wk_nn **nn, wk_err *err)
{
    const char *path = wk_cli_arg(cli, 0);
    const size_t n = strlen(path);
    struct stat info;
    if (n > 5 && strcmp(path + n - 5, ".json") == 0)
        return from_config(cli, path, arena, nn, err);
    if (wk_cli_option_value(cli, "inputs") || wk_cli_option_value(cli, "outputs"))
        return wk_fail(err, WK_E_ARG,
                       "%s: --inputs and --outputs are for a CONFIG.json; a network has its own",
                       path);
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        path = wk_arena_printf(arena, "%s/weights.safetensors", path);
    return wk_nn_load(path, nn, err);
}

static void print_json(const wk_plan_description *d)
{
    printf("{\"kernels\": \"%s\", \"training_kernels\": {\"fp32\": \"%s\", \"bf16\": \"%s\", "
           "\"bf16x3\": \"%s\"}, \"inputs\": %zu, \"outputs\": %zu, \"parameters\": %zu, "
           "\"bars\": %zu, \"packed_bytes\": %zu, \"plan_bytes\": %zu, \"state_bytes\": %zu, "
           "\"window_bytes\": %zu, \"flops_step\": %zu, \"flops_window\": %zu, \"layers\": [",
           d->isa, wk_nn_fit_kernels(WK_NN_FP32), wk_nn_fit_kernels(WK_NN_BF16),
           wk_nn_fit_kernels(WK_NN_BF16X3), d->F, d->n_outputs, d->n_params, d->T, d->packed_bytes,
           d->plan_bytes, d->state_bytes, d->window_bytes, d->flops_step, d->flops_window);
    for (size_t i = 0; i < d->n_layers; i++) {
        const wk_plan_layer *l = &d->layers[i];
        printf("%s{\"name\": \"%s\", \"shape\": \"%s\", \"kernels\": \"%s\", \"in\": %zu, "
               "\"out\": %zu, \"parameters\": %zu, \"packed_bytes\": %zu, \"positions\": %zu, "
               "\"flops_step\": %zu, \"flops_window\": %zu}",
               i ? ", " : "", l->name, l->shape, l->kernels, l->in, l->out, l->n_params,
               l->packed_bytes, l->positions, l->flops_step, l->flops_window);
    }
    printf("]}\n");
}

static void print_text(const wk_plan_description *d)
{
    printf("%-14s %-18s %5s %5s %9s %9s %9s %9s %10s  %s\n", "layer", "shape", "in", "out",
           "params", "packed B", "flops/bar", "positions", "flops/win", "kernels");
    for (size_t i = 0; i < d->n_layers; i++) {
        const wk_plan_layer *l = &d->layers[i];
        printf("%-14s %-18s %5zu %5zu %9zu %9zu %9zu %9zu %10zu  %s\n", l->name, l->shape, l->in,
               l->out, l->n_params, l->packed_bytes, l->flops_step, l->positions, l->flops_window,
               l->kernels);
    }
    printf("\nkernels     %s; products of training %s in fp32, %s in bf16 and bf16x3\nparameters  "
           "%zu\npacked      %zu bytes\n"
           "arena       %zu bytes of the plan, %zu of a stream, %zu of a window of %zu bars\n"
           "flops       %zu a bar, %zu a window\n",
           d->isa, wk_nn_fit_kernels(WK_NN_FP32), wk_nn_fit_kernels(WK_NN_BF16), d->n_params,
           d->packed_bytes, d->plan_bytes, d->state_bytes, d->window_bytes, d->T, d->flops_step,
           d->flops_window);
}

static wk_status describe(const wk_cli *cli, wk_arena *arena, wk_nn **nn, wk_err *err)
{
    wk_nn_plan *plan;
    wk_plan_description d;
    size_t bars = 0;
    WK_TRY(count(cli, "bars", WK_NN_REFERENCE_BARS, &bars, err));
    WK_TRY(load(cli, arena, nn, err));
    WK_TRY(wk_nn_plan_build(arena, *nn, &plan, err));
    WK_TRY(wk_plan_describe(arena, plan, bars, &d, err));
    (wk_cli_json(cli) ? print_json : print_text)(&d);
    return WK_OK;
}

static int cmd_describe(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_nn *nn = NULL;
    wk_arena_init(&arena);
    wk_status status = describe(cli, &arena, &nn, err);
    wk_nn_destroy(nn);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"bars", "N", "length of the window (default 64)"},
    {"inputs", "N", "channels that a CONFIG.json will see"},
    {"outputs", "N", "outputs of a CONFIG.json (default: those of one target)"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_nn_describe;
const wk_cli_command wk_cmd_nn_describe = {
    .name = "nn describe",
    .usage = "DIR | FILE.safetensors | CONFIG.json --inputs N [--bars N]",
    .summary = "shows what a network's plan chose: shapes, kernels, bytes, flops",
    .details =
        "DIR: a network that nn train wrote; FILE: its weights, or those of a model's branch.\n"
        "Flops: a multiply-add of a layer's matrices is two, an addition of a mean one, nothing\n"
        "padded; norms and functions are left out. A window computes the positions that its last\n"
        "bar's output needs. Training multiplies as the configuration's `precision` says. "
        "WICK_CPU=avx512,\n"
        "avx2 or c caps the kernels.",
    .example = "wick nn describe configs/bench/nn/reference.json --inputs 32 --outputs 5",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_describe,
};
