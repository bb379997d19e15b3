/* wick store flush, prune and gaps. */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/store.h"

static wk_status find_root(const wk_cli *cli, char root[PATH_MAX], wk_err *err)
{
    return wk_store_root(wk_cli_option_value(cli, "store"), root, PATH_MAX, err);
}

static void print_json(json_t *all)
{
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static int cmd_store_flush(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX], *end = NULL;
    const char *text = wk_cli_option_value(cli, "keep");
    unsigned long keep = text ? strtoul(text, &end, 10) : 0;
    if (text && (end == text || *end || *text == '-' || keep > 100000000))
        return wk_fail(err, WK_E_ARG, "--keep %s: give a number of bars", text);
    WK_TRY(find_root(cli, root, err));
    wk_store_entry *before = NULL;
    size_t n = 0, moved = 0;
    wk_fresh *f = NULL;
    WK_TRY(wk_store_list(root, &before, &n, err));
    for (size_t i = 0; i < n; i++)
        moved += before[i].n_fresh;
    free(before);
    wk_status status = wk_fresh_open(root, &f, err);
    if (status == WK_OK)
        status = wk_fresh_flush(f, keep, err);
    wk_fresh_close(f);
    WK_TRY(status);
    if (wk_cli_json(cli))
        print_json(json_pack("{ss sI}", "store", root, "bars", (json_int_t)moved));
    else
        printf("%zu fresh bars are in the yearly files of %s\n", moved, root);
    return WK_OK;
}

typedef struct {
    json_t *rows; /* NULL: printed */
} prune_report;

static void tell_pruned(void *ctx, const wk_store_entry *e, int64_t before_ns, size_t n_dropped)
{
    prune_report *report = ctx;
    char name[16], when[32];
    wk_time_format(before_ns, when);
    wk_timeframe_format(e->timeframe_ns, name);
    if (report->rows)
        json_array_append_new(report->rows,
                              json_pack("{ss ss ss ss sI}", "venue", e->venue, "symbol", e->symbol,
                                        "timeframe", name, "from", when, "dropped",
                                        (json_int_t)n_dropped));
    else
        printf("%-14s %-12s %-4s %9zu bars before %s\n", e->venue, e->symbol, name, n_dropped,
               when);
}

static int cmd_store_prune(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    wk_store_windows windows;
    size_t total = 0;
    const char *keep = wk_cli_option_value(cli, "keep");
    int dry_run = wk_cli_flag(cli, "dry-run");
    if (!keep)
        return wk_fail(err, WK_E_ARG, "how long does what stay? for example --keep 1m=30d,1h=5y");
    WK_TRY(wk_store_windows_parse("--keep", keep, &windows, err));
    WK_TRY(find_root(cli, root, err));
    prune_report report = {.rows = wk_cli_json(cli) ? json_array() : NULL};
    wk_status status = wk_store_prune_windows(root, &windows, wk_cli_option_value(cli, "venue"),
                                              wk_cli_option_value(cli, "symbol"), dry_run,
                                              tell_pruned, &report, &total, err);
    if (status == WK_OK && report.rows)
        print_json(
            json_pack("{ss sb sO}", "store", root, "dry_run", dry_run, "series", report.rows));
    else if (status == WK_OK)
        printf("%zu bars %s dropped\n", total, dry_run ? "would be" : "are");
    json_decref(report.rows);
    return status;
}

static int cmd_store_gaps(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    int64_t timeframe_ns;
    wk_store_gap *gaps;
    size_t n;
    WK_TRY(find_root(cli, root, err));
    if (wk_timeframe_parse(wk_cli_arg(cli, 2), &timeframe_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "timeframe %s: write 1m, 15m, 1h, 4h or 1d",
                       wk_cli_arg(cli, 2));
    WK_TRY(
        wk_store_gaps(root, wk_cli_arg(cli, 0), wk_cli_arg(cli, 1), timeframe_ns, &gaps, &n, err));
    json_t *rows = json_array();
    int64_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        char from[32], to[32];
        wk_time_format(gaps[i].first_ns, from);
        wk_time_format(gaps[i].first_ns + gaps[i].n_bars * timeframe_ns, to);
        missing += gaps[i].n_bars;
        if (wk_cli_json(cli))
            json_array_append_new(rows, json_pack("{ss ss sI}", "from", from, "to", to, "bars",
                                                  (json_int_t)gaps[i].n_bars));
        else
            printf("%s  %s %8lld\n", from, to, (long long)gaps[i].n_bars);
    }
    free(gaps);
    if (wk_cli_json(cli))
        print_json(json_pack("{sO sI}", "gaps", rows, "bars_missing", (json_int_t)missing));
    else
        printf("%zu gaps, %lld bars missing\n", n, (long long)missing);
    json_decref(rows);
    return WK_OK;
}

static const wk_cli_option flush_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"keep", "N",
     "newest bars of each series that stay in the database too, for wickd (default 0)"},
    {.name = NULL}};
static const wk_cli_option prune_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"keep", "TF=SPAN,...", "how long bars stay: 1m=30d,15m=26w,1h=5y,all=10y (d, w, mo, y)"},
    {"venue", "NAME", "only this venue"},
    {"symbol", "NAME", "only this market"},
    {"dry-run", NULL, "say what would go, change nothing"},
    {.name = NULL}};
static const wk_cli_option gaps_options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"}, {.name = NULL}};

extern const wk_cli_command wk_cmd_store_flush, wk_cmd_store_prune, wk_cmd_store_gaps;

const wk_cli_command wk_cmd_store_flush = {
    .name = "store flush",
    .usage = "[--keep N] [--store DIR]",
    .summary = "moves fresh bars and values from the database into the yearly files",
    .details =
        "Readers see both halves as one at any time; flushing makes the yearly files complete "
        "for other\nprograms and the database small. It may be interrupted and run beside "
        "recorders.",
    .example = "wick store flush --store out/store",
    .options = flush_options,
    .run = cmd_store_flush};

const wk_cli_command wk_cmd_store_prune = {
    .name = "store prune",
    .usage = "--keep TF=SPAN,... [--venue NAME] [--symbol NAME] [--dry-run] [--store DIR]",
    .summary = "forgets bars that are older than the window of their timeframe",
    .details =
        "Windows end at the newest bar of each series. Timeframes that are not named stay as "
        "they are.",
    .example = "wick store prune --store out/store --keep 1m=30d,1h=5y --dry-run",
    .options = prune_options,
    .run = cmd_store_prune};

const wk_cli_command wk_cmd_store_gaps = {
    .name = "store gaps",
    .usage = "VENUE SYMBOL TIMEFRAME [--store DIR]",
    .summary = "lists the holes of a series: first missing open, end, bars missing",
    .details = "(wick import's example makes the store that this one reads.)",
    .example = "wick store gaps demo SYN0 1h --store out/store",
    .args_min = 3,
    .args_max = 3,
    .options = gaps_options,
    .run = cmd_store_gaps};
