/* wick config: the schema, the reference and the check of configuration files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"

static const wk_cli_config *find(const char *name)
{
    for (const wk_cli_config *c = wk_cli_configs; c->name; c++)
        if (!name || strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static wk_status choose(const wk_cli *cli, const wk_cli_config **out, wk_err *err)
{
    const char *name = wk_cli_option_value(cli, "kind");
    wk_text known = {0};
    *out = find(name);
    if (*out)
        return WK_OK;
    if (!wk_cli_configs->name)
        return wk_fail(err, WK_E_STATE, "this build knows no configuration");
    for (const wk_cli_config *c = wk_cli_configs; c->name; c++)
        wk_text_printf(&known, "%s %s", c == wk_cli_configs ? "" : ",", c->name);
    wk_status status =
        wk_fail(err, WK_E_ARG, "no kind of configuration named \"%s\"; known:%s", name, known.s);
    free(known.s);
    return status;
}

static wk_status check(const wk_cli *cli, const wk_cli_config *config, wk_err *err)
{
    const char *path = wk_cli_arg(cli, 1);
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    wk_arena arena;
    wk_arena_init(&arena);
    void *out = wk_arena_alloc(&arena, config->table->struct_size);
    wk_status status = wk_config_load(config->table, path, overrides, n, &arena, out, err);
    if (status == WK_OK) {
        /* The resolved file shows what every key came to. */
        char *text = wk_config_dump(config->table, out);
        fputs(text, stdout);
        free(text);
    }
    wk_arena_finish(&arena);
    return status;
}

static int cmd_config(const wk_cli *cli, wk_err *err)
{
    const char *verb = wk_cli_arg(cli, 0);
    const wk_cli_config *config;
    bool is_check = strcmp(verb, "check") == 0;
    if (!is_check && strcmp(verb, "schema") != 0 && strcmp(verb, "reference") != 0)
        return wk_fail(err, WK_E_ARG, "wick config %.40s: write schema, reference or check FILE",
                       verb);
    if (wk_cli_n_args(cli) != (is_check ? 2 : 1))
        return wk_fail(err, WK_E_ARG, "usage: wick config schema|reference|check FILE");
    WK_TRY(choose(cli, &config, err));
    if (is_check)
        return check(cli, config, err);
    char *text = verb[0] == 's' ? wk_config_schema(config->table) : wk_config_help(config->table);
    fputs(text, stdout);
    free(text);
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"kind", "NAME",
     "which configuration: run (default), bot, record ...; a wrong word lists them all"},
    {0}};

const wk_cli_command wk_cmd_config = {
    .name = "config",
    .usage = "schema|reference|check FILE",
    .summary = "the JSON Schema and reference of configurations; checks a file",
    .details = "schema     JSON Schema (2020-12) for editors\n"
               "reference  one line a key: type, unit, default, range, meaning\n"
               "check      reads FILE with all --set and prints every key with its resolved value",
    .example = "wick config check configs/demo.json --set trade.slots=5",
    .args_min = 1,
    .args_max = 2,
    .options = options,
    .run = cmd_config};
