/* wick fetch: history of a venue into the store. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/history.h"
#include "wick/log.h"
#include "wick/store.h"

static wk_status load_config(const wk_cli *cli, wk_arena *arena, wk_history_config *config,
                             wk_err *err)
{
    size_t n;
    const char *path = wk_cli_option_value(cli, "config");
    if (!path)
        path = getenv("WICK_FETCH_CONFIG");
    const char *const *overrides = wk_cli_overrides(cli, &n);
    if (path && *path)
        WK_TRY(wk_config_load(&wk_history_config_table, path, overrides, n, arena, config, err));
    else
        WK_TRY(wk_config_parse(&wk_history_config_table, "command line", "{}", overrides, n, arena,
                               config, err));
    if (wk_cli_option_value(cli, "ca-file"))
        config->ca_file = wk_cli_option_value(cli, "ca-file");
    if (config->ca_file[0] && !wk_file_exists(config->ca_file))
        return wk_fail(err, WK_E_ARG, "no file %s of trusted authorities", config->ca_file);
    return WK_OK;
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

static wk_status read_what(const wk_cli *cli, wk_history_what *what, wk_err *err)
{
    static const char *const names[] = {"candles", "funding", "open-interest", "book",
                                        "instruments"};
    const char *text = wk_cli_option_value(cli, "what");
    *what = WK_HISTORY_CANDLES;
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *what = (wk_history_what)i;
            return WK_OK;
        }
    if (text)
        return wk_fail(err, WK_E_ARG,
                       "--what %s: write candles, funding, open-interest, book or instruments",
                       text);
    return WK_OK;
}

static void show_progress(void *ctx, uint64_t done, uint64_t total)
{
    wk_progress(ctx, done, total);
}

static wk_status read_request(const wk_cli *cli, wk_history_request *r, wk_err *err)
{
    const char *timeframe = wk_cli_option_value(cli, "timeframe");
    *r = (wk_history_request){.venue = wk_cli_option_value(cli, "venue"),
                              .exchange = wk_cli_option_value(cli, "exchange"),
                              .symbol = wk_cli_option_value(cli, "symbol"),
                              .again = wk_cli_flag(cli, "again"),
                              .key = getenv("WICK_AMBERDATA_KEY"),
                              .progress = show_progress,
                              .ctx = "fetch"};
    WK_TRY(read_what(cli, &r->what, err));
    if (!r->venue)
        return wk_fail(err, WK_E_ARG,
                       "--venue is missing: kraken, kraken-futures, delta-india, delta-global or "
                       "amberdata");
    if (!r->symbol)
        return wk_fail(err, WK_E_ARG, "--symbol is missing: a market such as BTCUSD, or all");
    bool has_time = r->what != WK_HISTORY_INSTRUMENTS;
    if (!timeframe)
        timeframe = r->what == WK_HISTORY_CANDLES ? NULL : "1h";
    if (!timeframe)
        return wk_fail(err, WK_E_ARG, "--timeframe is missing: 1m, 15m, 1h, 4h or 1d");
    if (wk_timeframe_parse(timeframe, &r->timeframe_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--timeframe %s: write 1m, 15m, 1h, 4h or 1d", timeframe);
    WK_TRY(time_option(cli, "since", &r->since_ns, err));
    WK_TRY(time_option(cli, "until", &r->until_ns, err));
    if (has_time && r->since_ns <= 0)
        return wk_fail(err, WK_E_ARG,
                       "--since is missing: the first candle's open, like 2024-06-30");
    if (r->until_ns > 0 && r->until_ns <= r->since_ns)
        return wk_fail(err, WK_E_ARG, "--until is not after --since");
    return WK_OK;
}

/* --host is the address of the venue that is asked, whichever it is. */
static void set_host(const wk_cli *cli, const char *venue, wk_history_venues *v)
{
    const char *host = wk_cli_option_value(cli, "host");
    wk_history_venue *at = strcmp(venue, "kraken") == 0           ? &v->kraken
                           : strcmp(venue, "kraken-futures") == 0 ? &v->kraken_futures
                           : strcmp(venue, "delta-india") == 0    ? &v->delta_india
                           : strcmp(venue, "delta-global") == 0   ? &v->delta_global
                                                                  : &v->amberdata;
    if (host)
        at->host = host;
}

static void print_report(const wk_cli *cli, const wk_history_report *r, const char *root)
{
    if (wk_cli_json(cli)) {
        json_t *all = json_pack("{ss sI sI sI sI sI sI sI sI sI}", "store", root, "series",
                                (json_int_t)r->n_series, "failed", (json_int_t)r->n_failed, "rows",
                                (json_int_t)r->n_rows, "added", (json_int_t)r->n_added, "equal",
                                (json_int_t)r->n_equal, "revised", (json_int_t)r->n_revised,
                                "missing", (json_int_t)r->n_missing, "requests",
                                (json_int_t)r->n_requests, "repeated", (json_int_t)r->n_repeated);
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(all);
        return;
    }
    printf("%zu rows: %zu new, %zu known, %zu revised; %zu candles missing; %zu requests, %zu "
           "repeated; in %s\n",
           r->n_rows, r->n_added, r->n_equal, r->n_revised, r->n_missing, r->n_requests,
           r->n_repeated, root);
}

static int cmd_fetch(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    wk_arena arena;
    wk_history_config config;
    wk_history_request request;
    wk_history_report report;
    wk_fresh *fresh = NULL;
    wk_err fetch_err, flush_err;
    WK_TRY(read_request(cli, &request, err));
    WK_TRY(wk_store_root(wk_cli_option_value(cli, "store"), root, sizeof root, err));
    wk_arena_init(&arena);
    wk_status status = load_config(cli, &arena, &config, err);
    if (status == WK_OK) {
        set_host(cli, request.venue, &config.venues);
        status = wk_fresh_open(root, &fresh, err);
    }
    if (status == WK_OK) {
        wk_progress("fetch", 0, 1);
        status = wk_history_fetch(&config, &request, fresh, &report, &fetch_err);
        /* What came before a failure goes to its place, too. */
        wk_status flushed = wk_fresh_flush(fresh, 0, &flush_err);
        if (status != WK_OK)
            wk_fail(err, status, "%s", fetch_err.msg);
        else if (flushed != WK_OK)
            status = wk_fail(err, flushed, "%s", flush_err.msg);
        else
            print_report(cli, &report, root);
    }
    wk_fresh_close(fresh);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"venue", "NAME", "kraken, kraken-futures, delta-india, delta-global or amberdata"},
    {"symbol", "NAME", "a market (BTCUSD, PF_XBTUSD, MARK:BTCUSD, btc_usd), or all"},
    {"timeframe", "TF", "1m, 15m, 1h, 4h, 1d, 1w ..."},
    {"since", "TIME",
     "the first candle's open, UTC: 2026-11-01 or 2026-11-01T09:15:00Z; instruments need none"},
    {"until", "TIME", "up to but not including this open, written likewise; now otherwise"},
    {"what", "WHAT", "candles (default), funding, open-interest, book or instruments"},
    {"exchange", "NAME", "amberdata: whose data (gdax, kraken, binance)"},
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"config", "F.json",
     "addresses, paces, patience (wick config reference --kind fetch); $WICK_FETCH_CONFIG "
     "otherwise"},
    {"host", "URL", "the venue's address, for a proxy or a test server"},
    {"ca-file", "F.pem", "the authorities that are trusted, for a test server"},
    {"again", NULL, "asks for what is known already, too; differences become revisions"},
    {.name = NULL}};

const wk_cli_command wk_cmd_fetch = {
    .name = "fetch",
    .usage = "--venue NAME --symbol S|all --timeframe TF --since TIME [--until TIME] [--what WHAT]",
    .summary = "fetches a venue's history into the store",
    .details =
        "Interrupt it at any time: the same command goes on where it stopped, and asks only for "
        "what is\n"
        "not known yet. Calls keep to the venue's pace; busy or broken replies are asked for again "
        "after a\n"
        "while. Kraken has 720 candles of each timeframe; older ones are built from its trades. "
        "Amberdata's\n"
        "key is read from WICK_AMBERDATA_KEY.",
    .example =
        "wick fetch --venue delta-india --symbol BTCUSD --timeframe 1h --since 2026-11-01 --store "
        "out/store",
    .options = options,
    .run = cmd_fetch};
