/* wick ctl: a person's wishes for a running bot, in the file that it reads them from. What stands
 * there holds over restarts, until it is cleared or its time is over. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot_feed.h"
#include "cli_internal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/model.h"

static wk_status find_file(const wk_bot_config *config, char out[PATH_MAX], wk_err *err)
{
    char dir[PATH_MAX - 16];
    WK_TRY(wk_bot_dir(config, dir, sizeof dir, err));
    if (!wk_file_exists(dir))
        return wk_fail(err, WK_E_ARG, "there is no directory %.300s: has the bot ever run?", dir);
    if (config->overrides[0])
        snprintf(out, PATH_MAX, "%s", config->overrides);
    else
        snprintf(out, PATH_MAX, "%s/overrides", dir);
    return WK_OK;
}

/* A name that the bot does not know would make it refuse the whole file. */
static wk_status check_market(const wk_bot_config *config, const char *market, wk_arena *arena,
                              wk_err *err)
{
    const wk_bot_market_config *markets = config->markets.v;
    const wk_bot_model_config *models = config->models.v;
    wk_text known = {0};
    bool found = strcmp(market, "all") == 0;
    for (size_t i = 0; i < config->markets.n; i++) {
        found |= strcmp(markets[i].symbol, market) == 0;
        wk_text_printf(&known, " %s", markets[i].symbol);
    }
    for (size_t k = 0; config->markets.n == 0 && !found && k < config->models.n; k++) {
        wk_run_config model;
        wk_status status = wk_model_config(models[k].dir, NULL, 0, arena, &model, err);
        if (status != WK_OK) {
            free(known.s);
            return status;
        }
        /* Simulated markets have names of their own. */
        found |= model.data.source == WK_SOURCE_SYNTHETIC || model.data.source == WK_SOURCE_AUTO;
        for (size_t s = 0; s < model.data.symbols.n; s++) {
            found |= strcmp(model.data.symbols.v[s], market) == 0;
            wk_text_printf(&known, " %s", model.data.symbols.v[s]);
        }
    }
    wk_status status = found ? WK_OK
                             : wk_fail(err, WK_E_ARG, "the bot has no market %.40s; it has%.400s",
                                       market, known.s ? known.s : " none");
    free(known.s);
    return status;
}

/* The lines that speak of another market; "all" replaces everything. */
static void keep_others(const char *text, const char *market, wk_text *out)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        char verb[32] = "", whom[64] = "", copy[512];
        snprintf(copy, sizeof copy, "%.*s", (int)(n < 500 ? n : 500), line);
        bool is_wish = sscanf(copy, " %31[^ \t#] %63s", verb, whom) == 2;
        if (!is_wish || (strcmp(market, "all") != 0 && strcmp(whom, market) != 0)) {
            wk_text_add_bytes(out, line, n);
            wk_text_add(out, "\n");
        }
        line += n + (line[n] == '\n');
    }
}

static wk_status change(const wk_cli *cli, const wk_bot_config *config, const char *path,
                        const char *text, wk_arena *arena, wk_err *err)
{
    const char *verb = wk_cli_arg(cli, 1), *until = wk_cli_option_value(cli, "until");
    const char *market = wk_cli_n_args(cli) > 2 ? wk_cli_arg(cli, 2) : NULL;
    bool clears = strcmp(verb, "clear") == 0,
         forces = !strcmp(verb, "buy") || !strcmp(verb, "sell");
    int64_t until_ns;
    char when[32];
    if (!clears && !forces && strcmp(verb, "flat") != 0 && strcmp(verb, "block") != 0)
        return wk_fail(err, WK_E_ARG, "%.40s: write show, flat, block, buy, sell or clear", verb);
    if (!market)
        return wk_fail(err, WK_E_ARG, "which market? its name, or all");
    if (forces && strcmp(market, "all") == 0)
        return wk_fail(err, WK_E_ARG, "%s needs one market", verb);
    if (clears && until)
        return wk_fail(err, WK_E_ARG, "clear acts at once: leave --until away");
    WK_TRY(check_market(config, market, arena, err));
    if (until && wk_time_parse(until, &until_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--until %.60s: write 2026-01-31T08:00:00Z", until);
    wk_text out = {0};
    wk_text_add(&out, "");
    keep_others(text, market, &out);
    if (!clears)
        wk_text_printf(&out, "%s %s%s%s\n", verb, market, until ? " until " : "",
                       until ? wk_time_format(until_ns, when) : "");
    wk_status status = wk_file_write_atomic(path, out.s, out.n, err);
    if (status == WK_OK)
        fputs(out.s, stdout);
    free(out.s);
    return status;
}

static int cmd_ctl(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_bot_config config;
    char path[PATH_MAX], *text = NULL;
    size_t n, size = 0;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    wk_arena_init(&arena);
    wk_status status = wk_config_load(&wk_bot_config_table, wk_cli_arg(cli, 0), overrides, n,
                                      &arena, &config, err);
    if (status == WK_OK)
        status = find_file(&config, path, err);
    if (status == WK_OK && wk_file_exists(path))
        status = wk_file_read(path, &text, &size, err);
    if (status == WK_OK && strcmp(wk_cli_arg(cli, 1), "show") == 0)
        fputs(text ? text : "", stdout);
    else if (status == WK_OK)
        status = change(cli, &config, path, text ? text : "", &arena, err);
    free(text);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"until", "TIME", "when the wish ends; otherwise it holds until it is cleared"},
    {.name = NULL}};

const wk_cli_command wk_cmd_ctl = {
    .name = "ctl",
    .usage = "CONFIG show | flat|block|buy|sell|clear MARKET|all [--until TIME]",
    .summary = "tells a running bot what a person wants",
    .details =
        "flat     leave the market and stay out of it (flat all: everything)\n"
        "block    no new entries; what is open keeps its exits (block all: a pause)\n"
        "buy      hold this side instead of what the models say; sell likewise\n"
        "clear    the models decide again\n"
        "Writes the file `overrides` of the bot's directory, which the bot reads between bars; a "
        "wish replaces\n"
        "the one before it of the same market, and holds over restarts. Prints the wishes that "
        "stand.",
    .example = "wick ctl configs/paper.json show",
    .args_min = 2,
    .args_max = 3,
    .options = options,
    .run = cmd_ctl};
