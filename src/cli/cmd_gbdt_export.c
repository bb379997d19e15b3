/* wick export: a model of trees or a network in another form. */
#include <stdio.h>
#include <string.h>

#include "nn_model.h"
#include "wick/cli.h"
#include "wick/file.h"
#include "wick/gbdt.h"

static wk_status export_trees(const wk_cli *cli, wk_err *err)
{
    const char *c = wk_cli_option_value(cli, "c"), *name = wk_cli_option_value(cli, "name");
    const char *onnx = wk_cli_option_value(cli, "onnx"),
               *xgboost = wk_cli_option_value(cli, "xgboost");
    wk_forest *forest = NULL;
    char network[4096];
    if (snprintf(network, sizeof network, "%s/network.json", wk_cli_arg(cli, 0)) <
            (int)sizeof network &&
        wk_file_exists(network))
        return wk_fail(err, WK_E_ARG,
                       "%s: a network of nn train; write it with --onnx-window or --onnx-step FILE",
                       wk_cli_arg(cli, 0));
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), &forest, err));
    wk_status status = c ? wk_forest_save_c(forest, c, name ? name : "model", err) : WK_OK;
    if (status == WK_OK && onnx)
        status = wk_forest_save_onnx(forest, onnx, err);
    if (status == WK_OK && xgboost)
        status = wk_forest_save(forest, xgboost, err);
    wk_forest_destroy(forest);
    return status;
}

/* A directory of nn train, whose outputs then are nn predict's columns, or bare weights. */
static wk_status load_network(const char *path, wk_arena *arena, nn_model *m, wk_nn_onnx *options,
                              wk_err *err)
{
    const size_t n = strlen(path), end = strlen(".safetensors");
    if (n > end && strcmp(path + n - end, ".safetensors") == 0)
        return wk_nn_load(path, &m->nn, err);
    WK_TRY(nn_model_load(path, arena, m, err));
    bool *logs = wk_arena_array(arena, bool, wk_nn_n_outputs(m->nn));
    *options = (wk_nn_onnx){.mean = m->mean,
                            .scale = m->scale,
                            .n_classes = m->n_classes,
                            .logs = logs,
                            .every_bar = m->each_bar};
    for (size_t k = 0; k < m->K; k++)
        if (m->fit.loss == WK_NN_GAUSSIAN || m->fit.loss == WK_NN_STUDENT_T)
            logs[2 * k + 1] = true;
    if (m->fit.loss == WK_NN_TRADING) {
        options->n_classes = 3;
        logs[WK_NN_HEADS - 1] = true;
    }
    return WK_OK;
}

static wk_status export_network(const wk_cli *cli, wk_err *err)
{
    const char *window = wk_cli_option_value(cli, "onnx-window"),
               *step = wk_cli_option_value(cli, "onnx-step");
    wk_arena arena;
    nn_model m = {0};
    wk_nn_onnx options = {0};
    wk_arena_init(&arena);
    wk_status status = load_network(wk_cli_arg(cli, 0), &arena, &m, &options, err);
    if (status == WK_OK && window)
        status = wk_nn_save_onnx_window(m.nn, &options, window, err);
    if (status == WK_OK && step)
        status = wk_nn_save_onnx_step(m.nn, &options, step, err);
    wk_nn_destroy(m.nn);
    wk_arena_finish(&arena);
    return status;
}

static int cmd_export(const wk_cli *cli, wk_err *err)
{
    const bool trees = wk_cli_option_value(cli, "c") || wk_cli_option_value(cli, "onnx") ||
                       wk_cli_option_value(cli, "xgboost");
    const bool network =
        wk_cli_option_value(cli, "onnx-window") || wk_cli_option_value(cli, "onnx-step");
    if (trees == network)
        return wk_fail(err, WK_E_ARG,
                       "say what to write: of trees --c, --onnx or --xgboost FILE, of a network "
                       "--onnx-window or --onnx-step FILE; see --help");
    return trees ? export_trees(cli, err) : export_network(cli, err);
}

static const wk_cli_option options[] = {
    {"c", "FILE.c", "one C file that compiles without wick and gives the same bits"},
    {"name", "NAME", "what the C functions' names begin with (default: model)"},
    {"onnx", "FILE.onnx", "an ONNX graph of one tree ensemble"},
    {"onnx-window", "FILE.onnx",
     "of a network: X [N, T, C] -> Y, the last bar's outputs (every bar's if it learned those)"},
    {"onnx-step", "FILE.onnx",
     "of a network: one bar X [N, C] -> Y; each state goes in as NAME and out as NAME.next"},
    {"xgboost", "FILE", "XGBoost's form: UBJSON where FILE ends in .ubj, else JSON"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_export = {
    .name = "export",
    .usage = "MODEL --c FILE.c | --onnx FILE.onnx | --xgboost FILE.json|FILE.ubj |\n"
             "       --onnx-window FILE.onnx | --onnx-step FILE.onnx",
    .summary = "writes a model of trees as a C file, as ONNX or for XGBoost, a network as ONNX",
    .details =
        "MODEL is XGBoost's JSON or UBJSON or LightGBM's text. The C file has NAME_margin "
        "and NAME_predict;\n"
        "compiled with -DNAME_MAIN it is a program. For --onnx-window and --onnx-step MODEL is a "
        "directory of\n"
        "nn train, whose scaling and probabilities the graph holds too, or a .safetensors file of "
        "weights.",
    .example = "wick export tests/golden/gbdt/softprob_leaves.json --c trees.c --name trees",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_export};
