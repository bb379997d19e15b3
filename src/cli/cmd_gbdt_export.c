/* wick export: a model of trees in another form. */
#include <string.h>

#include "wick/cli.h"
#include "wick/gbdt.h"

static int cmd_export(const wk_cli *cli, wk_err *err)
{
    const char *c = wk_cli_option_value(cli, "c"), *name = wk_cli_option_value(cli, "name");
    const char *onnx = wk_cli_option_value(cli, "onnx"),
               *xgboost = wk_cli_option_value(cli, "xgboost");
    if (!c && !onnx && !xgboost)
        return wk_fail(err, WK_E_ARG,
                       "say what to write: --c, --onnx or --xgboost FILE; see --help");
    wk_forest *forest = NULL;
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), &forest, err));
    wk_status status = c ? wk_forest_save_c(forest, c, name ? name : "model", err) : WK_OK;
    if (status == WK_OK && onnx)
        status = wk_forest_save_onnx(forest, onnx, err);
    if (status == WK_OK && xgboost)
        status = wk_forest_save(forest, xgboost, err);
    wk_forest_destroy(forest);
    return status;
}

static const wk_cli_option options[] = {
    {"c", "FILE.c", "one C file that compiles without wick and gives the same bits"},
    {"name", "NAME", "what the C functions' names begin with (default: model)"},
    {"onnx", "FILE.onnx", "an ONNX graph of one tree ensemble"},
    {"xgboost", "FILE", "XGBoost's form: UBJSON where FILE ends in .ubj, else JSON"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_export = {
    .name = "export",
    .usage = "MODEL --c FILE.c | --onnx FILE.onnx | --xgboost FILE.json|FILE.ubj",
    .summary = "write a model of trees as a C file, as ONNX or for XGBoost",
    .details = "MODEL is XGBoost's JSON or UBJSON or LightGBM's text. The C file has NAME_margin "
               "and NAME_predict;\n"
               "compiled with -DNAME_MAIN it is a program.",
    .example = "wick export tests/golden/gbdt/softprob_leaves.json --c trees.c --name trees",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_export};
