/* wick record: live market data into the store. */
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_internal.h"
#include "live_history.h"
#include "live_output.h"
#include "stop_signal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/live.h"
#include "wick/log.h"
#include "wick/store.h"

typedef struct {
    bool prints_bars, is_terminal;
    int64_t end_ns, logged_ns; /* monotonic; end 0: never */
    const char *root;
    wk_store_windows windows;
    int64_t pruned_ns; /* begin of the day when old bars were last dropped */
} session;

/* A bar is safe on disk: only then it is printed. */
static void on_stored(void *ctx, const wk_live_market *market, const wk_live_bar *bar)
{
    const session *s = ctx;
    if (s->prints_bars) {
        wk__print_bar(market, bar);
        fflush(stdout);
    }
}

/* At the start and once a day. What cannot be dropped now is dropped tomorrow: nothing stops for
 * it.
 */
static void prune(session *s)
{
    int64_t day_ns = wk_bucket_start(wk_clock_wall_ns(), 86400 * WK_NS_PER_S);
    size_t n = 0;
    wk_err why;
    if (s->windows.n == 0 || day_ns <= s->pruned_ns)
        return;
    s->pruned_ns = day_ns;
    if (wk_store_prune_windows(s->root, &s->windows, NULL, NULL, 0, NULL, NULL, &n, &why) != WK_OK)
        wk_log_write(WK_LOG_WARN, "store.prune", "why=\"%s\"", why.msg);
    else if (n > 0)
        wk_log_write(WK_LOG_INFO, "store.prune", "dropped=%zu", n);
}

static void on_status(void *ctx, const wk_live_counts *c, uint64_t n_stored, double messages_per_s)
{
    session *s = ctx;
    int64_t now = wk_clock_monotonic_ns();
    if (s->end_ns && now >= s->end_ns)
        atomic_store(&wk__stop, true);
    prune(s);
    if (s->is_terminal) {
        fprintf(stderr,
                "\r%u symbols  %u/%u connections  %.0f messages/s  lag %.0f ms (most %.0f)  books "
                "%u/%u  %" PRIu64 " bars  reconnects %" PRIu64 "  checksum failures %" PRIu64
                "  clock %+.0f ms\033[K",
                c->symbols, c->connections_open, c->connections, messages_per_s,
                (double)c->lag_ns_last * 1e-6, (double)c->lag_ns_max * 1e-6, c->books_live,
                c->books, n_stored, c->disconnects, c->checksum_failures,
                (double)c->clock_offset_ns * 1e-6);
        fflush(stderr);
    } else if (now - s->logged_ns >= 60 * WK_NS_PER_S) {
        s->logged_ns = now;
        wk_log_write(WK_LOG_INFO, "live.status",
                     "symbols=%u connections=%u/%u messages_per_s=%.1f lag_ms=%.1f lag_ms_max=%.1f "
                     "books=%u/%u bars=%" PRIu64 " reconnects=%" PRIu64
                     " checksum_failures=%" PRIu64 " clock_offset_ms=%.1f",
                     c->symbols, c->connections_open, c->connections, messages_per_s,
                     (double)c->lag_ns_last * 1e-6, (double)c->lag_ns_max * 1e-6, c->books_live,
                     c->books, n_stored, c->disconnects, c->checksum_failures,
                     (double)c->clock_offset_ns * 1e-6);
    }
}

static wk_status read_seconds(const wk_cli *cli, double *seconds, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, "seconds");
    char *end;
    *seconds = 0;
    if (!text)
        return WK_OK;
    *seconds = strtod(text, &end);
    if (end == text || *end || !(*seconds > 0 && *seconds < 1e9))
        return wk_fail(err, WK_E_ARG, "--seconds %.40s: write a number above 0", text);
    return WK_OK;
}

static wk_status record(const wk_cli *cli, wk_arena *arena, wk_err *err)
{
    wk_live_config config;
    char root[PATH_MAX];
    size_t n;
    double seconds;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    WK_TRY(read_seconds(cli, &seconds, err));
    WK_TRY(wk_config_load(&wk_live_config_table, wk_cli_arg(cli, 0), overrides, n, arena, &config,
                          err));
    WK_TRY(wk_store_root(config.store[0] ? config.store : NULL, root, sizeof root, err));
    config.store = root;
    session s = {.prints_bars = wk_cli_flag(cli, "bars"),
                 .is_terminal = isatty(STDERR_FILENO),
                 .end_ns = seconds > 0 ? wk_clock_monotonic_ns() + (int64_t)(seconds * 1e9) : 0,
                 .logged_ns = wk_clock_monotonic_ns(),
                 .root = root};
    WK_TRY(wk_store_windows_parse("keep", config.keep, &s.windows, err));
    wk__live_history *history = NULL;
    if (config.repair) {
        WK_TRY(wk_dir_create(root, err));
        WK_TRY(wk__live_history_open(&config, &history, err));
        wk_status status = wk__live_contract_values(history, &config, arena, err);
        if (status != WK_OK) {
            wk__live_history_close(history);
            return status;
        }
    }
    wk_live_session_options options = {.history = history ? wk__live_history_get : NULL,
                                       .history_ctx = history,
                                       .stored = on_stored,
                                       .status = on_status,
                                       .ctx = &s};
    wk_live_summary summary;
    wk__stop_on_signals();
    wk_status status = wk_live_record_run(&config, &options, &wk__stop, &summary, err);
    wk__live_history_close(history);
    if (s.is_terminal)
        fputc('\n', stderr);
    if (status == WK_OK && !s.prints_bars)
        wk__print_summary(&summary, wk_cli_json(cli));
    return status;
}

static int cmd_record(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = record(cli, &arena, err);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"seconds", "N", "stop after so many seconds; otherwise at SIGINT or SIGTERM"},
    {"bars", NULL, "print each bar as CSV once it is safe on disk, instead of a summary"},
    {.name = NULL}};

const wk_cli_command wk_cmd_record = {
    .name = "record",
    .usage = "CONFIG [--seconds N] [--bars]",
    .summary = "records live market data: trades, candles, books, tickers into bars in the store",
    .details =
        "Connects to the venues of CONFIG, closes bars by the venue's clock, checks order books,\n"
        "reconnects, and repairs over REST what it missed. What changes after a bar closed is "
        "kept\n"
        "as a revision with its time of arrival. With keep_raw every message is kept, compressed,\n"
        "for wick replay. `wick config reference --kind record` lists the keys.\n"
        "A bar that was printed (--bars) survives kill -9 and a power loss.",
    .example = "wick record configs/record.json --set store=out/store --seconds 3",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_record};
