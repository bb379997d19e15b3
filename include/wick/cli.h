/* What a command receives: its positional arguments and its long options, already checked against
 * the command's option table. Results go to stdout, logs to stderr. */
#ifndef WICK_CLI_H
#define WICK_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

typedef struct {
    const char *name;    /* without the two dashes */
    const char *metavar; /* NULL: a flag */
    const char *doc;
} wk_cli_option; /* ends with a NULL name */

typedef struct wk_cli wk_cli;

typedef struct {
    const char *name;    /* "gbdt train" for nested ones */
    const char *usage;   /* "CONFIG --data F --out MODEL.json" */
    const char *summary; /* one line */
    const char *details; /* more help text, may be NULL */
    const char *example; /* "wick run ...": works in the repository root after ./setup build; help
                          * prints it with the program as it was called in place of wick */
    size_t args_min, args_max; /* positional arguments */
    const wk_cli_option
        *options; /* besides --help --json --threads --set, which all commands have */
    int (*run)(const wk_cli *cli,
               wk_err *err); /* WK_OK or a failure; WK_E_ARG/CONFIG exit with 2 */
} wk_cli_command;

size_t wk_cli_n_args(const wk_cli *cli);
const char *wk_cli_arg(const wk_cli *cli, size_t i);
/* The value of an option, or NULL. For a flag "" when given. The last one given wins. */
const char *wk_cli_option_value(const wk_cli *cli, const char *name);
bool wk_cli_flag(const wk_cli *cli, const char *name);
/* --threads N, else OMP_NUM_THREADS, else the number of cores. */
int wk_cli_threads(const wk_cli *cli);
bool wk_cli_json(const wk_cli *cli);
/* All --set section.key=value texts in order. */
const char *const *wk_cli_overrides(const wk_cli *cli, size_t *n);

#endif
