/* The start at a real venue: instruments first, then keys, clock, money, journal against venue.
 * Each refusal is one error, and nothing has been sent by then. */
#include "account_start.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wick/account.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/fresh.h"
#include "wick/history.h"
#include "wick/log.h"
#include "wick/text.h"

enum { MARKETS_MAX = 512 };

struct wk_bot_account {
    wk_bot_account_options options;
    const wk_bot_config *config;
    const char *venue, *rest;
    char dir[PATH_MAX], nonce_file[PATH_MAX];
    wk_arena arena;
    wk_history_config history;
    wk_fresh *fresh;
    size_t n;
    wk_instrument instruments[MARKETS_MAX]; /* in the bot's order */
    wk_account_market markets[MARKETS_MAX];
    wk_virtual_clock clock;
    int clock_fd; /* virtual time: keeps the newest time that was told the venue */
    int64_t clock_kept_ns;
    wk_journal *journal;
    wk_executor executor;
    bool has_executor;
};

static const char *venue_name(int venue)
{
    return venue == WK_BOT_DELTA_INDIA    ? "delta-india"
           : venue == WK_BOT_DELTA_GLOBAL ? "delta-global"
                                          : "kraken";
}

/* ---- hosts ---- */

static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t n = strcspn(host, *host == '[' ? "]" : ":/");
    return (n == 9 && strncmp(host, "localhost", 9) == 0) ||
           (n > 4 && strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == n) ||
           strncmp(host, "[::1]", 5) == 0;
}

static wk_status check_virtual(const wk_bot_account *v, wk_err *err)
{
    const wk_bot_account_config *a = &v->config->account;
    if (!is_loopback(a->rest) || (a->stream[0] && !is_loopback(a->stream)))
        return wk_fail(err, WK_E_CONFIG,
                       "a rehearsal sends orders in virtual time, so account.rest and "
                       "account.stream must be hosts of this machine (https://127.0.0.1:PORT); "
                       "%s is none",
                       a->rest[0] ? (is_loopback(a->rest) ? a->stream : a->rest)
                                  : "the venue's own host");
    return WK_OK;
}

/* Keys and orders go over TLS, but for a host of this machine. */
static wk_status check_tls(const wk_bot_account *v, wk_err *err)
{
    const wk_bot_account_config *a = &v->config->account;
    if (a->rest[0] && strncmp(a->rest, "https://", 8) != 0 && !is_loopback(a->rest))
        return wk_fail(err, WK_E_CONFIG, "account.rest is %s; write https://HOST", a->rest);
    if (a->stream[0] && strncmp(a->stream, "wss://", 6) != 0 && !is_loopback(a->stream))
        return wk_fail(err, WK_E_CONFIG, "account.stream is %s; write wss://HOST", a->stream);
    return WK_OK;
}

/* A testnet asks for neither a verdict nor --real-money: it must be one. */
static wk_status check_testnet(const wk_bot_account *v, wk_err *err)
{
    const wk_bot_account_config *a = &v->config->account;
    bool rest = wk_account_is_real_money(a->rest);
    if (!v->config->testnet || !(rest || wk_account_is_real_money(a->stream)))
        return WK_OK;
    return wk_fail(err, WK_E_CONFIG,
                   "testnet: true, but account.%s is %s, where orders cost real money; leave it "
                   "empty for the testnet's own host",
                   rest ? "rest" : "stream", rest ? a->rest : a->stream);
}

/* Time goes on from here after a crash: a venue in virtual time would not go back. No fsync, as a
 * rehearsal need not survive more than its own death. */
static int64_t told_now(void *ctx)
{
    wk_bot_account *v = ctx;
    if (v->clock.now_ns > v->clock_kept_ns) {
        v->clock_kept_ns = v->clock.now_ns;
        if (pwrite(v->clock_fd, &v->clock_kept_ns, sizeof v->clock_kept_ns, 0) !=
            (ssize_t)sizeof v->clock_kept_ns)
            wk_log_write(WK_LOG_ERROR, "bot.clock", "why=\"the virtual time cannot be kept\"");
    }
    return v->clock.now_ns;
}

static wk_status open_clock(wk_bot_account *v, wk_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.4000s/time.virtual", v->options.dir);
    v->clock_kept_ns = INT64_MIN;
    v->clock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (v->clock_fd < 0)
        return wk_fail(err, WK_E_IO, "cannot write %s", path);
    int64_t kept;
    if (pread(v->clock_fd, &kept, sizeof kept, 0) == (ssize_t)sizeof kept)
        v->clock_kept_ns = kept;
    return WK_OK;
}

/* ---- instruments ---- */

static wk_status fetch_instrument(wk_bot_account *v, const char *symbol, wk_instrument *out,
                                  wk_err *err)
{
    wk_history_report report;
    wk_err why;
    wk_history_request request = {
        .venue = v->venue, .symbol = symbol, .what = WK_HISTORY_INSTRUMENTS};
    wk_status asked = wk_history_fetch(&v->history, &request, v->fresh, &report, &why);
    /* What it said at an earlier start will do while it is away. */
    bool stored = wk_fresh_instrument(v->fresh, v->venue, symbol, out, err) == WK_OK;
    if (!stored && asked == WK_E_IO)
        return wk_fail(err, WK_E_IO, "%s does not tell its markets: %.300s", v->venue, why.msg);
    if (!stored)
        return wk_fail(err, WK_E_CONFIG,
                       "%s does not know the market %s: %.300s; set markets.trade to the venue's "
                       "name of it",
                       v->venue, symbol, asked != WK_OK ? why.msg : "it is not in its list");
    if (asked != WK_OK)
        wk_log_write(WK_LOG_WARN, "bot.venue", "market=%s instrument=stored why=\"%s\"", symbol,
                     why.msg);
    return WK_OK;
}

static wk_decimal times(wk_decimal a, wk_decimal b)
{
    return (wk_decimal){a.digits * b.digits, a.scale + b.scale};
}

static wk_decimal exact(double x)
{
    char text[32];
    wk_decimal d = {0, 0};
    wk_double_format(x, text);
    if (wk_decimal_parse(text, strlen(text), &d) != NULL)
        d = (wk_decimal){0, 0};
    return d;
}

static wk_status instrument(void *ctx, const wk_bot_market_config *m, wk_trade_instrument *x,
                            wk_err *err)
{
    wk_bot_account *v = ctx;
    if (v->n == MARKETS_MAX)
        return wk_fail(err, WK_E_CONFIG, "more than %d markets", MARKETS_MAX);
    wk_instrument *in = &v->instruments[v->n];
    const char *symbol = m->trade[0] ? m->trade : m->symbol;
    WK_TRY(fetch_instrument(v, symbol, in, err));
    if (!in->is_tradable)
        return wk_fail(err, WK_E_CONFIG, "%s does not trade %s now; leave it out", v->venue,
                       symbol);
    wk_decimal unit = times(in->lot, in->contract_value);
    double lot_min = wk_decimal_to_double(times(in->qty_min, in->contract_value));
    if (isnan(m->tick))
        x->tick = wk_decimal_to_double(in->tick);
    if (isnan(m->lot))
        x->lot = wk_decimal_to_double(unit);
    x->min_lots = (int64_t)(lot_min / x->lot + 0.999999);
    if (x->min_lots < 1)
        x->min_lots = 1;
    if (!isnan(m->lot_min) && m->lot_min < lot_min * (1 - 1e-9))
        return wk_fail(err, WK_E_CONFIG,
                       "market %s: lot_min %.12g is a size below the venue's minimum of %.12g; set "
                       "it to that or leave it out",
                       m->symbol, m->lot_min, lot_min);
    v->markets[v->n++] = (wk_account_market){.instrument = in,
                                             .tick = exact(x->tick),
                                             .lot = exact(x->lot),
                                             .leverage = (int)v->config->account.margin};
    return WK_OK;
}

wk_status wk_bot_account_open(const wk_bot_account_options *o, wk_bot_config *config,
                              wk_bot_account **out, wk_err *err)
{
    wk_bot_account *v = calloc(1, sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    v->options = *o;
    v->config = config;
    v->venue = venue_name(config->venue);
    v->clock.now_ns = v->clock_kept_ns = INT64_MIN;
    v->clock_fd = -1;
    wk_arena_init(&v->arena);
    const wk_bot_account_config *a = &config->account;
    wk_status status = WK_OK;
    v->rest = a->rest[0] ? a->rest : wk_account_rest(v->venue, config->testnet);
    if (!v->rest)
        status = wk_fail(err, WK_E_CONFIG,
                         "testnet: %s has none; wick live --validate has its orders checked and "
                         "not placed",
                         v->venue);
    if (status == WK_OK)
        status = check_tls(v, err);
    if (status == WK_OK)
        status = check_testnet(v, err);
    if (status == WK_OK && o->virtual_time)
        status = check_virtual(v, err);
    if (status == WK_OK && o->validate && config->venue != WK_BOT_KRAKEN)
        status = wk_fail(err, WK_E_ARG, "--validate is Kraken's; Delta has a testnet: true");
    if (status == WK_OK && a->margin == 1)
        status = wk_fail(err, WK_E_CONFIG, "account.margin: 0, or from 2 on");
    snprintf(v->dir, sizeof v->dir, "%.4000s/venue", o->dir);
    snprintf(v->nonce_file, sizeof v->nonce_file, "%.4000s/nonce%s", o->dir,
             o->virtual_time ? ".virtual" : "");
    if (status == WK_OK)
        status = wk_dir_create(v->dir, err);
    if (status == WK_OK && o->virtual_time)
        status = open_clock(v, err);
    if (status == WK_OK)
        status = wk_fresh_open(v->dir, &v->fresh, err);
    if (status != WK_OK) {
        wk_bot_account_close(v);
        return status;
    }
    wk_config_defaults(&wk_history_config_table, &v->arena, &v->history);
    v->history.ca_file = a->ca_file;
    v->history.address_family = a->address_family;
    v->history.tries = 3;
    v->history.backoff_max_s = 2;
    v->history.timeout_s = 15;
    wk_history_venues *at = &v->history.venues;
    (config->venue == WK_BOT_KRAKEN         ? &at->kraken
     : config->venue == WK_BOT_DELTA_GLOBAL ? &at->delta_global
                                            : &at->delta_india)
        ->host = v->rest;
    config->instrument = instrument;
    config->instrument_ctx = v;
    config->no_shorts = config->venue == WK_BOT_KRAKEN && a->margin < 2;
    *out = v;
    return WK_OK;
}

/* ---- the start ---- */

static bool pause_1s(const wk_bot_account *v)
{
    for (int i = 0; i < 10 && !atomic_load(v->options.stop); i++)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    return !atomic_load(v->options.stop);
}

/* Asks until it is answered, for a minute: the venue may be away for a moment. */
static wk_status ask(wk_bot_account *v, const wk_account *account, bool clock, int64_t *a,
                     int64_t *b, wk_err *err)
{
    char why[256] = "";
    int64_t until_ns = wk_clock_monotonic_ns() + 60 * WK_NS_PER_S;
    for (;;) {
        wk_request_result r = clock ? account->clock(account->self, a, b, why)
                                    : account->balance(account->self, a, b, why);
        if (r == WK_REQUEST_DONE)
            return WK_OK;
        if (r == WK_REQUEST_STOP || r == WK_REQUEST_REFUSED)
            return wk_fail(err, WK_E_STATE, "%s refuses us: %s", v->venue, why);
        if (v->options.virtual_time || wk_clock_monotonic_ns() > until_ns || !pause_1s(v))
            return wk_fail(err, WK_E_IO, "%s does not tell its %s: %s; is it up?", v->venue,
                           clock ? "clock" : "balance", why);
    }
}

static wk_status check_clock(wk_bot_account *v, const wk_account *account, wk_err *err)
{
    int64_t offset_ns = 0, tolerance_ns = 0;
    if (v->options.virtual_time)
        return WK_OK;
    WK_TRY(ask(v, account, true, &offset_ns, &tolerance_ns, err));
    if (llabs(offset_ns) > tolerance_ns)
        return wk_fail(err, WK_E_STATE,
                       "this machine's clock is %.1f s %s that of %s, which allows %.1f s; set it "
                       "(timedatectl set-ntp true) and start again",
                       fabs((double)offset_ns) / 1e9, offset_ns > 0 ? "behind" : "ahead of",
                       v->venue, (double)tolerance_ns / 1e9);
    return WK_OK;
}

static wk_status open_account(wk_bot_account *v, wk_account *out, wk_err *err)
{
    const wk_bot_account_config *a = &v->config->account;
    wk_account_options options = {.venue = v->venue,
                                  .testnet = v->config->testnet,
                                  .rest = v->rest,
                                  .stream = a->stream[0] ? a->stream : NULL,
                                  .ca_file = a->ca_file[0] ? a->ca_file : NULL,
                                  .key_prefix = a->key_prefix[0] ? a->key_prefix : NULL,
                                  .env_file = a->env_file[0] ? a->env_file : NULL,
                                  .nonce_file = v->nonce_file,
                                  .validate = v->options.validate,
                                  .timeout_ns = (int64_t)(a->timeout_s * 1e9),
                                  .address_family = (int)a->address_family,
                                  .markets = v->markets,
                                  .n_markets = v->n};
    if (v->options.virtual_time) {
        options.now_ns = told_now;
        options.time_ctx = v;
    }
    WK_TRY(wk_account_open(&options, out, err));
    if (v->options.virtual_time)
        out->stream = NULL;
    return WK_OK;
}

static bool has_fill(void *ctx, const char *fill_id)
{
    wk_bot_account *v = ctx;
    bool has = false;
    wk_err err;
    if (v->journal && wk_journal_has_fill(v->journal, fill_id, &has, &err) != WK_OK)
        wk_log_write(WK_LOG_ERROR, "bot.venue", "fill=%s error=\"%s\"", fill_id, err.msg);
    return has;
}

static void note(wk_bot_account *v, const char *text)
{
    wk_journal_record r = {.kind = WK_JOURNAL_NOTE,
                           .time_ns =
                               v->options.virtual_time ? v->clock.now_ns : wk_clock_wall_ns()};
    snprintf(r.text, sizeof r.text, "%s", text);
    if (v->journal)
        wk_journal_put(v->journal, &r);
    wk_log_write(WK_LOG_INFO, "bot.venue", "%s", text);
}

static void report(wk_bot_account *v, const wk_bot *bot, const wk_reconciliation *found)
{
    char text[200];
    snprintf(text, sizeof text,
             "reconciled: %zu orders adopted, %zu never sent, %zu unknown ones cancelled, %zu of "
             "other hands, %zu missed fills, %zu positions differ",
             found->n_adopted, found->n_never_sent, found->n_orphans, found->n_foreign_orders,
             found->n_missed_fills, found->n_differences);
    note(v, text);
    for (size_t i = 0; i < found->n_differences && i < WK_RECONCILED_MAX; i++) {
        long long ours = (long long)found->differences[i].ours_lots,
                  there = (long long)found->differences[i].venue_lots;
        snprintf(text, sizeof text, "reconciled: %s: %lld lots here, %lld at the venue; %s",
                 wk_bot_market(bot, found->differences[i].symbol)->symbol, ours, there,
                 ours != 0 && llabs(there) < llabs(ours)
                     ? "what is missing there is booked as left"
                     : "what is of other hands is left alone, and no entry is made beside it");
        note(v, text);
    }
}

wk_status wk_bot_account_start(wk_bot_account *v, wk_bot *bot, wk_journal *journal,
                               int64_t since_ns, int64_t begin_ns, wk_err *err)
{
    wk_account account;
    int64_t cash_e8 = INT64_MIN, equity_e8;
    const wk_bot_account_config *a = &v->config->account;
    v->journal = journal;
    if (v->options.virtual_time) {
        v->clock.now_ns = since_ns > begin_ns ? since_ns : begin_ns;
        /* What closed before the last request is history, as it is to a bot that died in real time:
         * to trade those bars again would send other orders under the ids that the venue has
         * already seen. */
        if (v->clock_kept_ns > since_ns)
            since_ns = v->clock_kept_ns;
    }
    if (v->clock_kept_ns >= v->clock.now_ns) /* nonces of one moment count up */
        v->clock.now_ns = v->clock_kept_ns + WK_NS_PER_S / 1000;
    WK_TRY(open_account(v, &account, err));
    wk_status status = check_clock(v, &account, err);
    bool wants_cash = isnan(v->config->initial_cash);
    int64_t known;
    wk_err absent;
    if (journal && wk_journal_number(journal, "initial_cash_e8", &known, &absent) == WK_OK)
        wants_cash = false;
    if (status == WK_OK && !v->options.virtual_time)
        status = ask(v, &account, false, &cash_e8, &equity_e8, err); /* also proves the keys */
    if (status == WK_OK && !wants_cash)
        cash_e8 = INT64_MIN;
    if (status == WK_OK && wants_cash && !v->options.virtual_time && cash_e8 <= 0)
        status = wk_fail(err, WK_E_STATE,
                         "the account at %s is empty; deposit, or set initial_cash", v->venue);
    if (status == WK_OK)
        status = wk_bot_recover(bot, since_ns, cash_e8, err);
    wk_reconciliation found = {0};
    if (status == WK_OK) {
        const wk_bot_recovered *r = wk_bot_recovery(bot);
        if (v->options.virtual_time && r->last_step_ns > v->clock.now_ns)
            v->clock.now_ns = r->last_step_ns;
        wk_executor_live_options options = {
            .account = &account,
            .S = v->n,
            .instruments = wk_bot_instruments(bot),
            .orders = r->orders,
            .n_orders = r->n_orders,
            .positions = r->positions,
            .n_positions = r->n_positions,
            .fills_since_ns = r->last_step_ns > 0 ? r->last_step_ns - 3600 * WK_NS_PER_S : 0,
            .has_fill = has_fill,
            .has_fill_ctx = v,
            .poll_ns = (int64_t)(a->poll_s * 1e9),
            .fills_ns = (int64_t)(a->poll_s * 1e9),
            .leverage = a->leverage,
            .deadman_ns = (int64_t)(a->deadman_s * 1e9),
            .clock = v->options.virtual_time ? &v->clock : NULL,
            .timeframe_ns = wk_bot_timeframe_ns(bot)};
        status = wk_executor_live(&options, &v->executor, &found, err);
    }
    if (status != WK_OK) {
        account.close(account.self);
        return status;
    }
    v->has_executor = true;
    wk_bot_set_executor(bot, &v->executor);
    report(v, bot, &found);
    return WK_OK;
}

void wk_bot_account_retire(wk_bot_account *v, wk_bot *bot, wk_journal *journal)
{
    wk_err err;
    if (!v->has_executor || v->options.virtual_time || !journal)
        return;
    if (wk_bot_give_up_entries(bot, &err) != WK_OK)
        return;
    for (int i = 0; i < 50; i++) {
        wk_journal_open_order *orders = NULL;
        wk_journal_position *held = NULL;
        size_t n = 0, m = 0, entries = 0;
        int64_t cash;
        if (wk_bot_tend(bot, false, &err) != WK_OK || wk_journal_sync(journal, &err) != WK_OK ||
            wk_journal_recover(journal, &orders, &n, &held, &m, &cash, &err) != WK_OK)
            return;
        for (size_t k = 0; k < n; k++)
            entries += !orders[k].order.reduce_only;
        free(orders);
        free(held);
        if (entries == 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    wk_log_write(WK_LOG_WARN, "bot.venue", "why=\"entries still wait at the venue\"");
}

void wk_bot_account_close(wk_bot_account *v)
{
    if (!v)
        return;
    if (v->has_executor)
        v->executor.close(v->executor.self);
    if (v->clock_fd >= 0)
        close(v->clock_fd);
    wk_fresh_close(v->fresh);
    wk_arena_finish(&v->arena);
    free(v);
}
