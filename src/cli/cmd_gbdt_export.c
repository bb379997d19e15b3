/* wick export: a model of trees in another form. */
#include <string.h>

#include "wick/cli.h"
#include "wick/gbdt.h"

static int cmd_export(const wk_cli *cli, wk_err *err)
{
    const char *c = wk_cli_option_value(cli, "c"), *name = wk_cli_option_value(cli, "name");
    if (!c)
        return wk_fail(err, WK_E_ARG, "say what to write: --c FILE.c; see --help");
    wk_forest *forest = NULL;
    WK_TRY(wk_forest_load(wk_cli_arg(cli, 0), &forest, err));
    wk_status status = wk_forest_save_c(forest, c, name ? name : "model", err);
    wk_forest_destroy(forest);
    return status;
}

static const wk_cli_option options[] = {
    {"c", "FILE.c", "one C file that compiles without wick and gives the same bits"},
    {"name", "NAME", "what its functions' names begin with (default: model)"},
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_export = {
    .name = "export",
    .usage = "MODEL.json --c FILE.c",
    .summary = "write a model of trees as a C file",
    .details = "The file has NAME_margin and NAME_predict; compiled with -DNAME_MAIN it is a program.",
    .example = "wick export tests/golden/gbdt/softprob_leaves.json --c trees.c --name trees",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_export};
