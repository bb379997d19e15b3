/* The configuration of `wick gbdt`: train, cv and importance read the same file. */
#ifndef WICK_CLI_GBDT_CONFIG_H
#define WICK_CLI_GBDT_CONFIG_H

#include "gbdt_data.h"
#include "wick/config.h"
#include "wick/gbdt_cv.h"

typedef struct {
    gbdt_columns columns;
    wk_gbdt_table_options table;
    double refit_keep;
    wk_gbdt_split_params cv;
    wk_gbdt_params params;
} gbdt_config;
extern const wk_cfg_table gbdt_config_table;

/* A configuration and its table, cut into rows that train and rows that validate. */
typedef struct {
    gbdt_config config;
    wk_gbdt_table table;
    const char *path; /* of the table */
    wk_gbdt_data train, valid;
} gbdt_job;

/* Reads the command's first argument and its --data. The caller finishes job->table, even after a
 * failure. */
WK_MUST_CHECK wk_status gbdt_job_open(const wk_cli *cli, wk_arena *arena, gbdt_job *job,
                                      wk_err *err);

/* The value of an option that must be there. */
WK_MUST_CHECK wk_status gbdt_need(const wk_cli *cli, const char *option, const char **value,
                                  wk_err *err);

#endif
