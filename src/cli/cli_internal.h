/* Between the parser, the two mains and their tests. */
#ifndef WICK_CLI_INTERNAL_H
#define WICK_CLI_INTERNAL_H

#include "wick/cli.h"
#include "wick/config.h"
#include "wick/loop.h"
#include "wick/run.h"
#include "wick/text.h"

/* An executable: what it is and its commands, sorted by name. */
typedef struct {
    const char *name;                      /* "wick" */
    const char *summary;                   /* one line for --help */
    const wk_cli_command *const *commands; /* ends with NULL */
} wk_cli_program;

/* What a command line asks for. */
typedef enum { WK_CLI_RUN, WK_CLI_HELP, WK_CLI_VERSION } wk_cli_action;

typedef struct {
    const wk_cli_option *option;
    const char *value; /* "" for a flag */
} wk_cli_given;

struct wk_cli {
    wk_cli_action action;
    const wk_cli_command *command; /* NULL: help or version of the program */
    const char *topic;             /* HELP of a group such as "gbdt", else NULL */
    size_t n_args, n_given, n_overrides;
    const char **args;      /* [n_args], texts of argv */
    wk_cli_given *given;    /* [n_given] */
    const char **overrides; /* [n_overrides] */
    int threads;            /* 0: not given */
    bool json;
};

/* Sorts argv[1..] into *out. Wrong usage is WK_E_ARG. wk_cli_finish frees what *out owns, also
 * after a failure; it accepts a zeroed struct. out->json is set whenever --json is among the
 * arguments. */
WK_MUST_CHECK wk_status wk_cli_parse(const wk_cli_program *program, int argc, char **argv,
                                     wk_cli *out, wk_err *err);
void wk_cli_finish(wk_cli *cli);

/* Help texts; the caller frees. An example that starts with "wick " is shown with `invoked`
 * (argv[0]) in that place. */
char *wk_cli_help_program(const wk_cli_program *program);
char *wk_cli_help_group(const wk_cli_program *program, const char *group);
char *wk_cli_help_command(const wk_cli_program *program, const char *invoked,
                          const wk_cli_command *command);

/* Is there a command "<group> something"? */
bool wk_cli_is_group(const wk_cli_program *program, const char *group);

extern const wk_cli_option wk_cli_common_options[];

/* All of main: parses, runs, prints results' errors once, returns the exit code. */
int wk_cli_main(const wk_cli_program *program, int argc, char **argv);

/* A configuration that `wick config` knows. */
typedef struct {
    const char *name;
    const wk_cfg_table *table;
} wk_cli_config;
extern const wk_cli_config wk_cli_configs[]; /* config_tables.c; ends with a NULL name */

/* ---- what an executable links, for commands that both have: libraries_*.c ---- */

/* The rows of `wick doctor` that depend on it. */
typedef struct {
    const char *name;
    const char *(*version)(void);
} wk_cli_library;
extern const wk_cli_library wk_cli_libraries[]; /* ends with a NULL name */

/* The loop of a model's forecasts: the threads of --threads, or one. */
wk_loop wk_cli_loop(const wk_cli *cli);

/* The candle store, or NULL. */
const wk_store_reader *wk_cli_store(void);

#endif
