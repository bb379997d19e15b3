#include "gbdt_config.h"

#include "wick/config.h"

#define AT(field) offsetof(gbdt_config, field)

static const wk_cfg_row rows[] = {
    {"format", WK_CFG_ENUM, AT(table.format), NULL, "\"auto\"", 0, 0, "auto|csv|libsvm|npy|hdf5",
     NULL, "of the table; auto: told by its first bytes and its first line"},
    {"x", WK_CFG_STRING, AT(table.x), NULL, "\"X\"", 0, 0, NULL, NULL,
     "HDF5: the array of the rows, [rows, columns]"},
    {"y", WK_CFG_STRING, AT(table.y), NULL, "\"\"", 0, 0, NULL, NULL,
     "HDF5: the array of the labels; empty: y if there is one, else label_column of x"},
    {"weight", WK_CFG_STRING, AT(table.weight), NULL, "\"\"", 0, 0, NULL, NULL,
     "HDF5: the array of the weights; empty: weight if there is one"},
    {"qid", WK_CFG_STRING, AT(table.query), NULL, "\"\"", 0, 0, NULL, NULL,
     "HDF5: the array of the rows' queries or groups, ascending; empty: qid if there is one"},
    {"time", WK_CFG_STRING, AT(table.time), NULL, "\"\"", 0, 0, NULL, NULL,
     "HDF5: the array of the rows' times; empty: time if there is one"},
    {"end", WK_CFG_STRING, AT(table.end), NULL, "\"\"", 0, 0, NULL, NULL,
     "HDF5: the array of the labels' ends; empty: end if there is one"},
    {"label_column", WK_CFG_INT, AT(columns.label_column), NULL, "0", -1, 1000000, NULL, NULL,
     "column of the label, counted from 0; -1: the last. LIBSVM and HDF5's y have none"},
    {"weight_column", WK_CFG_INT, AT(columns.weight_column), NULL, "-1", -1, 1000000, NULL, NULL,
     "column of the rows' weights; -1: all weigh 1"},
    {"valid_fraction", WK_CFG_REAL, AT(columns.valid_fraction), NULL, "0", 0, 0.9, NULL, NULL,
     "train: share of the rows, the last ones, that validate"},
    {"base_margin_column", WK_CFG_INT, AT(columns.base_margin_column), NULL, "-1", -1, 1000000,
     NULL, NULL, "column of the margins that the rows start from; -1: the base score"},
    {"group_column", WK_CFG_INT, AT(columns.group_column), NULL, "-1", -1, 1000000, NULL, NULL,
     "column that numbers the queries of a ranking, whose rows follow each other, or the groups "
     "that cross-validation keeps together; -1: none"},
    {"time_column", WK_CFG_INT, AT(columns.time_column), NULL, "-1", -1, 1000000, NULL, NULL,
     "column of the rows' times, a number of any unit, which is no feature; -1: none"},
    {"end_column", WK_CFG_INT, AT(columns.end_column), NULL, "-1", -1, 1000000, NULL, NULL,
     "column of the times when the rows' labels are known; -1: time + cv.horizon"},
    {"categorical_columns", WK_CFG_REALS, AT(columns.categorical_columns), NULL, "[]", 0, 1000000,
     NULL, NULL, "columns of category numbers, counted like label_column"},
    {"refit_keep", WK_CFG_REAL, AT(refit_keep), NULL, "0", 0, 1, NULL, NULL,
     "with --refit: share of the old leaves that stays"},
    {"cv", WK_CFG_SECTION, AT(cv), NULL, NULL, 0, 0, NULL, &wk_gbdt_split_table,
     "folds of cv and importance"},
    {"params", WK_CFG_SECTION, AT(params), NULL, NULL, 0, 0, NULL, &wk_gbdt_params_table,
     "of the trees"},
    {NULL, WK_CFG_BOOL, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};

const wk_cfg_table gbdt_config_table = {"gbdt", "training of boosted trees on a table",
                                        sizeof(gbdt_config), rows};

wk_status gbdt_need(const wk_cli *cli, const char *option, const char **value, wk_err *err)
{
    *value = wk_cli_option_value(cli, option);
    if (!*value)
        return wk_fail(err, WK_E_ARG, "--%s is missing; see --help", option);
    return WK_OK;
}

wk_status gbdt_job_open(const wk_cli *cli, wk_arena *arena, gbdt_job *job, wk_err *err)
{
    size_t n_overrides;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    gbdt_config *c = &job->config;
    WK_TRY(gbdt_need(cli, "data", &job->path, err));
    WK_TRY(wk_config_load(&gbdt_config_table, wk_cli_arg(cli, 0), overrides, n_overrides, arena, c,
                          err));
    size_t time = (size_t)c->columns.time_column, end = (size_t)c->columns.end_column;
    c->table.time_column = c->columns.time_column >= 0 ? &time : NULL;
    c->table.end_column = c->columns.end_column >= 0 ? &end : NULL;
    wk_status status = wk_gbdt_table_read_as(job->path, &c->table, &job->table, err);
    c->table.time_column = c->table.end_column = NULL;
    WK_TRY(status);
    status = gbdt_data_take(&c->columns, &job->table, arena, &job->train, &job->valid, err);
    return status == WK_E_DATA ? wk_fail_prefix(err, "%s (rows count from 0)", job->path) : status;
}
