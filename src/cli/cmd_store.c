/* wick store list, check, gaps and export; cmd_store_change.c has those that change it. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/store.h"

static wk_status find_root(const wk_cli *cli, char root[PATH_MAX], wk_err *err)
{
    return wk_store_root(wk_cli_option_value(cli, "store"), root, PATH_MAX, err);
}

static json_t *entry_json(const wk_store_entry *e)
{
    char timeframe[16], first[32], last[32];
    return json_pack("{ss ss ss sI ss ss sI sI sI sI}", "venue", e->venue, "symbol", e->symbol,
                     "timeframe", wk_timeframe_format(e->timeframe_ns, timeframe), "bars",
                     (json_int_t)e->n, "first", wk_time_format(e->first_ns, first), "last",
                     wk_time_format(e->last_ns, last), "gaps", (json_int_t)e->gaps, "bars_missing",
                     (json_int_t)e->bars_missing, "fresh", (json_int_t)e->n_fresh, "revisions",
                     (json_int_t)e->n_revisions);
}

static wk_status list_values(const wk_cli *cli, const char *root, wk_err *err)
{
    wk_store_value_entry *entries;
    size_t n;
    WK_TRY(wk_store_list_values(root, &entries, &n, err));
    json_t *list = json_array();
    if (!wk_cli_json(cli))
        printf("%-14s %-12s %-16s %9s  %-20s  %-20s %7s\n", "venue", "symbol", "values", "rows",
               "first", "last", "fresh");
    for (size_t i = 0; i < n; i++) {
        const wk_store_value_entry *e = &entries[i];
        char first[32], last[32];
        wk_time_format(e->first_ns, first);
        wk_time_format(e->last_ns, last);
        if (wk_cli_json(cli))
            json_array_append_new(list, json_pack("{ss ss ss sI ss ss sI}", "venue", e->venue,
                                                  "symbol", e->symbol, "name", e->name, "rows",
                                                  (json_int_t)e->n, "first", first, "last", last,
                                                  "fresh", (json_int_t)e->n_fresh));
        else
            printf("%-14s %-12s %-16s %9zu  %-20s  %-20s %7zu\n", e->venue, e->symbol, e->name,
                   e->n, first, last, e->n_fresh);
    }
    if (wk_cli_json(cli)) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    json_decref(list);
    free(entries);
    return WK_OK;
}

static int cmd_store_list(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    wk_store_entry *entries;
    size_t n;
    WK_TRY(find_root(cli, root, err));
    if (wk_cli_flag(cli, "values"))
        return list_values(cli, root, err);
    WK_TRY(wk_store_list(root, &entries, &n, err));
    if (wk_cli_json(cli)) {
        json_t *list = json_array();
        for (size_t i = 0; i < n; i++)
            json_array_append_new(list, entry_json(&entries[i]));
        json_dumpf(list, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(list);
    } else {
        printf("%-14s %-12s %-4s %9s  %-20s  %-20s %6s %8s %7s %6s\n", "venue", "symbol", "tf",
               "bars", "first", "last", "gaps", "missing", "fresh", "revis");
        for (size_t i = 0; i < n; i++) {
            const wk_store_entry *e = &entries[i];
            char timeframe[16], first[32], last[32];
            printf("%-14s %-12s %-4s %9zu  %-20s  %-20s %6zu %8zu %7zu %6zu\n", e->venue, e->symbol,
                   wk_timeframe_format(e->timeframe_ns, timeframe), e->n,
                   wk_time_format(e->first_ns, first), wk_time_format(e->last_ns, last), e->gaps,
                   e->bars_missing, e->n_fresh, e->n_revisions);
        }
    }
    free(entries);
    return WK_OK;
}

typedef struct {
    json_t *problems; /* NULL: print each one */
} check_output;

static void take_problem(void *ctx, const char *problem)
{
    check_output *out = ctx;
    if (out->problems)
        json_array_append_new(out->problems, json_string(problem));
    else
        printf("%s\n", problem);
}

static int cmd_store_check(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    size_t n = 0;
    WK_TRY(find_root(cli, root, err));
    check_output out = {.problems = wk_cli_json(cli) ? json_array() : NULL};
    check_output done = {.problems = wk_cli_json(cli) ? json_array() : NULL};
    wk_status status = WK_OK;
    if (wk_cli_flag(cli, "repair"))
        status = wk_store_repair(root, take_problem, &done, NULL, err);
    if (status == WK_OK)
        status = wk_store_check(root, take_problem, &out, &n, err);
    if (status == WK_OK && out.problems) {
        json_t *all = json_pack("{ss sO sO}", "store", root, "repairs", done.problems, "problems",
                                out.problems);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
    } else if (status == WK_OK && n == 0) {
        printf("%s: no problem found\n", root);
    }
    json_decref(out.problems);
    json_decref(done.problems);
    if (status == WK_OK && n > 0)
        status =
            wk_fail(err, WK_E_DATA, "%zu problem%s in the store %s", n, n == 1 ? "" : "s", root);
    return status;
}

/* The shortest text that reads back to the same number. */
static void put_number(FILE *f, double x, char before)
{
    char text[400];
    snprintf(text, sizeof text, "%.*f", wk_decimals(x), x);
    if (strtod(text, NULL) != x)
        snprintf(text, sizeof text, "%.17g", x);
    fputc(before, f);
    fputs(text, f);
}

static wk_status put_series(FILE *f, const wk_series *s, wk_err *err)
{
    fputs("time,open,high,low,close,volume\n", f);
    for (size_t i = 0; i < s->n; i++) {
        const wk_bar *b = &s->bars[i];
        fprintf(f, "%lld", (long long)(b->time_ns / WK_NS_PER_S));
        put_number(f, b->open, ',');
        put_number(f, b->high, ',');
        put_number(f, b->low, ',');
        put_number(f, b->close, ',');
        put_number(f, b->volume, ',');
        fputc('\n', f);
    }
    if (fflush(f) != 0 || ferror(f))
        return wk_fail(err, WK_E_IO, "cannot write the candles; is there room?");
    return WK_OK;
}

static wk_status export_file(const wk_series *s, const char *path, wk_err *err)
{
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *f = open_memstream(&text, &size_bytes);
    if (!f)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = put_series(f, s, err);
    if (fclose(f) != 0 && status == WK_OK)
        status = wk_fail(err, WK_E_NOMEM, "out of memory writing %s", path);
    if (status == WK_OK)
        status = wk_file_write_atomic(path, text, size_bytes, err);
    free(text);
    return status;
}

static wk_status time_option(const wk_cli *cli, const char *name, int64_t *time_ns, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, name);
    *time_ns = 0;
    if (text && wk_time_parse(text, time_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--%s %s: write 2024-06-30 or 2024-06-30T23:45:00Z", name,
                       text);
    return WK_OK;
}

static int cmd_store_export(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    int64_t timeframe_ns, from_ns, to_ns;
    const char *out = wk_cli_option_value(cli, "out");
    WK_TRY(find_root(cli, root, err));
    if (wk_timeframe_parse(wk_cli_arg(cli, 2), &timeframe_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "timeframe %s: write 1m, 15m, 1h, 4h or 1d",
                       wk_cli_arg(cli, 2));
    WK_TRY(time_option(cli, "from", &from_ns, err));
    WK_TRY(time_option(cli, "to", &to_ns, err));
    wk_series s;
    WK_TRY(wk_store_read(root, wk_cli_arg(cli, 0), wk_cli_arg(cli, 1), timeframe_ns, from_ns, to_ns,
                         &s, err));
    wk_status status = out ? export_file(&s, out, err) : put_series(stdout, &s, err);
    if (status == WK_OK && out && wk_cli_json(cli)) {
        json_t *all = json_pack("{ss sI}", "out", out, "bars", (json_int_t)s.n);
        json_dumpf(all, stdout, 0);
        putchar('\n');
        json_decref(all);
    } else if (status == WK_OK && out) {
        printf("%zu bars are in %s\n", s.n, out);
    }
    wk_series_finish(&s);
    return status;
}

static const wk_cli_option list_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"values", NULL, "list the series of values (funding, open interest, ...) instead of candles"},
    {.name = NULL}};
static const wk_cli_option check_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"repair", NULL, "keep what can be read of damaged files and move them aside, then check"},
    {.name = NULL}};
static const wk_cli_option export_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"from", "TIME", "first candle's open, UTC"},
    {"to", "TIME", "up to but not including this open, UTC"},
    {"out", "F.csv", "where to write; standard output otherwise"},
    {.name = NULL}};

const wk_cli_command wk_cmd_store_list = {.name = "store list",
                                          .usage = "[--values] [--store DIR]",
                                          .summary = "lists the candles that the store holds",
                                          .example = "wick store list --store out/store",
                                          .options = list_options,
                                          .run = cmd_store_list};

const wk_cli_command wk_cmd_store_check = {
    .name = "store check",
    .usage = "[--repair] [--store DIR]",
    .summary = "reads every file of the store and reports damage, disorder and impossible prices",
    .details =
        "Exit code 1 when there is a problem. --repair keeps the rows that can be read, sorted and "
        "each\ntime once; damaged files stay beside the new ones as <year>.h5.damaged, a damaged "
        "database as\nfresh.sqlite.damaged. What interrupted programs left half written is "
        "deleted. "
        "Stop recorders first.",
    .example = "wick store check --store out/store --repair",
    .options = check_options,
    .run = cmd_store_check};

const wk_cli_command wk_cmd_store_export = {
    .name = "store export",
    .usage = "VENUE SYMBOL TIMEFRAME [--from TIME] [--to TIME] [--out F.csv] [--store DIR]",
    .summary = "writes candles of the store as CSV",
    .details = "time (Unix seconds),open,high,low,close,volume: the form that wick import reads. "
               "(wick import's\n"
               "example makes the store that this one reads.)",
    .example = "wick store export demo SYN0 1h --store out/store --from 2024-01-03",
    .args_min = 3,
    .args_max = 3,
    .options = export_options,
    .run = cmd_store_export};
