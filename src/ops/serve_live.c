/* What the dashboard shows of a bot: rows of its journal, read only. It may come later, or never:
 * everything is empty until then. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "serve_internal.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/store.h"

enum { RECORDS_MAX = 4000, UPDATE_RECORDS_MAX = 500 };

/* ---- the journal ---- */

static void find_journal(const char *given, char *out, size_t size)
{
    struct stat about;
    bool is_file = stat(given, &about) == 0 && S_ISREG(about.st_mode);
    snprintf(out, size, is_file ? "%s" : "%s/journal.sqlite", given);
}

/* Opened when it is there; a file that is no journal is said once and left alone. */
static sqlite3 *journal(wk_serve *serve)
{
    wk__serve_live *live = &serve->live;
    struct stat about;
    if (live->db || !live->path[0] || stat(live->path, &about) != 0)
        return live->db;
    if (sqlite3_open_v2(live->path, &live->db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(live->db, 200);
        if (sqlite3_exec(live->db, "SELECT 1 FROM readable LIMIT 1", NULL, NULL, NULL) == SQLITE_OK)
            return live->db;
    }
    wk_log_write(WK_LOG_WARN, "serve.journal", "path=%s problem=\"%s\"", live->path,
                 sqlite3_errmsg(live->db));
    sqlite3_close(live->db);
    live->db = NULL;
    return NULL;
}

/* Columns of the view as one JSON object; null and empty ones are left out. */
static void write_record(sqlite3_stmt *s, wk_text *out)
{
    char number[32];
    bool any = false;
    wk_text_add(out, "{");
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_NULL)
            continue;
        wk_text_add(out, any ? "," : "");
        wk_text_add_json_string(out, sqlite3_column_name(s, i));
        wk_text_add(out, ":");
        if (type == SQLITE_INTEGER)
            wk_text_printf(out, "%lld", (long long)sqlite3_column_int64(s, i));
        else if (type == SQLITE_FLOAT && isfinite(sqlite3_column_double(s, i)))
            wk_text_add(out, wk_double_format(sqlite3_column_double(s, i), number));
        else if (type == SQLITE_FLOAT)
            wk_text_add(out, "null");
        else
            wk_text_add_json_string(out, (const char *)sqlite3_column_text(s, i));
        any = true;
    }
    wk_text_add(out, "}");
}

/* Rows of a query with two numbers as parameters; returns how many, and the largest seq. */
static size_t write_records(wk_serve *serve, const char *sql, int64_t a, int64_t b, bool more,
                            int64_t *seq, wk_text *out)
{
    sqlite3 *db = journal(serve);
    sqlite3_stmt *s = NULL;
    size_t n = 0;
    if (!db || sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return 0;
    sqlite3_bind_int64(s, 1, a);
    sqlite3_bind_int64(s, 2, b);
    while (sqlite3_step(s) == SQLITE_ROW) {
        wk_text_add(out, n || more ? "," : "");
        write_record(s, out);
        int64_t at = sqlite3_column_int64(s, 0);
        if (seq && at > *seq)
            *seq = at;
        n++;
    }
    sqlite3_finalize(s);
    return n;
}

static const char new_records[] =
    "SELECT * FROM readable WHERE seq > ?1 AND kind <> 'decision' ORDER BY seq LIMIT ?2";
/* The newest of each kind, so that a long row of signals does not hide the trades. */
static const char old_records[] =
    "SELECT * FROM (SELECT * FROM (SELECT * FROM readable WHERE kind = 'signal' ORDER BY seq DESC "
    "LIMIT ?2) UNION ALL SELECT * FROM (SELECT * FROM readable WHERE kind = 'equity' ORDER BY seq "
    "DESC LIMIT ?2) UNION ALL SELECT * FROM (SELECT * FROM readable WHERE kind NOT IN ('signal', "
    "'equity', 'decision', 'order_state') ORDER BY seq DESC LIMIT ?2)) WHERE seq > ?1 ORDER BY seq";

bool wk__serve_live_signal(wk_serve *serve, const char *symbol, wk_text *out)
{
    sqlite3 *db = journal(serve);
    sqlite3_stmt *s = NULL;
    bool found = false;
    if (!db ||
        sqlite3_prepare_v2(db,
                           "SELECT time, side, score, threshold, p_sell, p_hold, p_buy FROM "
                           "readable WHERE kind = 'signal' AND symbol = ?1 ORDER BY seq DESC "
                           "LIMIT 1",
                           -1, &s, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_text(s, 1, symbol, -1, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW) {
        wk_text_add(out, "{\"source\":\"journal\",\"symbol\":");
        wk_text_add_json_string(out, symbol);
        wk_text_add(out, ",\"signal\":");
        write_record(s, out);
        wk_text_add(out, "}");
        found = true;
    }
    sqlite3_finalize(s);
    return found;
}

/* ---- positions ---- */

static wk__serve_position *position_of(wk__serve_live *live, const char *symbol)
{
    for (size_t i = 0; i < live->n_positions; i++)
        if (strcmp(live->positions[i].symbol, symbol) == 0)
            return &live->positions[i];
    wk__serve_position *grown =
        realloc(live->positions, (live->n_positions + 1) * sizeof *live->positions);
    WK_ASSERT(grown);
    live->positions = grown;
    grown[live->n_positions] = (wk__serve_position){0};
    snprintf(grown[live->n_positions].symbol, sizeof grown->symbol, "%s", symbol);
    return &grown[live->n_positions++];
}

/* A round trip has ended: the newest ones are kept in a ring. */
static void close_trade(wk__serve_live *live, const wk__serve_position *p, double exit,
                        const char *time, const char *reason)
{
    wk__serve_trade *t = &live->trades[live->n_trades++ % WK__SERVE_TRADES];
    *t = (wk__serve_trade){.position = *p, .exit = exit, .net = p->realised - p->fees};
    snprintf(t->until, sizeof t->until, "%s", time);
    snprintf(t->reason, sizeof t->reason, "%s", reason);
    live->n_won += t->net > 0;
    live->net += t->net;
}

/* One fill into a position: lots are whole, so flat is exactly flat. */
static void book(wk__serve_live *live, wk__serve_position *p, int64_t lots, double price,
                 double fee, const char *time, const char *reason)
{
    int64_t before = p->lots, after = before + lots;
    bool reduces = before != 0 && (before > 0) != (lots > 0);
    bool turns = before != 0 && after != 0 && (before > 0) != (after > 0);
    p->fees += fee;
    if (reduces) {
        int64_t closed = turns || after == 0 ? before : -lots;
        p->realised += (double)closed * p->lot * (price - p->entry);
        if (turns || after == 0) {
            close_trade(live, p, price, time, reason);
            p->stop = p->profit = p->realised = p->fees = 0;
        }
    } else if (before) {
        p->entry = (p->entry * (double)before + price * (double)lots) / (double)after;
    }
    if (before == 0 || turns) {
        p->entry = price;
        snprintf(p->since, sizeof p->since, "%s", time);
    }
    int64_t size = after > 0 ? after : -after;
    p->peak_lots = before == 0 || turns || size > p->peak_lots ? size : p->peak_lots;
    p->lots = after;
}

/* Every fill of the journal, once; then those since the last look. */
static void read_fills(wk_serve *serve)
{
    wk__serve_live *live = &serve->live;
    sqlite3 *db = journal(serve);
    sqlite3_stmt *s = NULL;
    if (!db ||
        sqlite3_prepare_v2(
            db,
            "SELECT f.seq, m.symbol, f.side * abs(f.qty_lots), f.price_ticks * m.tick, m.lot, "
            "strftime('%Y-%m-%dT%H:%M:%SZ', f.time_ns / 1000000000, 'unixepoch'), o.stop_ticks * "
            "m.tick, o.profit_ticks * m.tick, f.fee_e8 / 1e8, f.text FROM records f JOIN markets m "
            "ON m.id = f.market LEFT JOIN records o ON o.order_id = f.order_id AND o.kind = "
            "'order' AND o.reduce_only = 0 AND o.state = 'planned' WHERE f.kind = 'fill' AND f.seq "
            "> ?1 GROUP BY f.seq ORDER BY f.seq",
            -1, &s, NULL) != SQLITE_OK)
        return;
    sqlite3_bind_int64(s, 1, live->fill_seq);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *symbol = (const char *)sqlite3_column_text(s, 1);
        const char *time = (const char *)sqlite3_column_text(s, 5);
        const char *reason = (const char *)sqlite3_column_text(s, 9);
        live->fill_seq = sqlite3_column_int64(s, 0);
        wk__serve_position *p = position_of(live, symbol ? symbol : "");
        p->lot = sqlite3_column_double(s, 4);
        book(live, p, sqlite3_column_int64(s, 2), sqlite3_column_double(s, 3),
             sqlite3_column_double(s, 8), time ? time : "", reason ? reason : "");
        if (p->lots && sqlite3_column_double(s, 6) > 0)
            p->stop = sqlite3_column_double(s, 6);
        if (p->lots && sqlite3_column_double(s, 7) > 0)
            p->profit = sqlite3_column_double(s, 7);
        snprintf(live->newest_symbol, sizeof live->newest_symbol, "%s", p->symbol);
    }
    sqlite3_finalize(s);
}

/* A multiple of a tick, without the dust of binary fractions. */
static void write_price(const char *key, double price, wk_text *out)
{
    if (price > 0)
        wk_text_printf(out, ",\"%s\":%.12g", key, price);
    else
        wk_text_printf(out, ",\"%s\":null", key);
}

static void write_positions(const wk_serve *serve, wk_text *out)
{
    const wk__serve_live *live = &serve->live;
    char number[32];
    bool any = false;
    wk_text_add(out, "[");
    for (size_t i = 0; i < live->n_positions; i++) {
        const wk__serve_position *p = &live->positions[i];
        if (p->lots == 0)
            continue;
        wk_text_add(out, any ? ",{\"symbol\":" : "{\"symbol\":");
        wk_text_add_json_string(out, p->symbol);
        wk_text_printf(out, ",\"side\":\"%s\",\"quantity\":%s", p->lots > 0 ? "long" : "short",
                       wk_double_format(fabs((double)p->lots) * p->lot, number));
        write_price("entry", p->entry, out);
        write_price("stop", p->stop, out);
        write_price("profit", p->profit, out);
        write_price("last", wk__serve_store_last(serve, p->symbol), out);
        wk_text_printf(out, ",\"since\":\"%s\"}", p->since);
        any = true;
    }
    wk_text_add(out, "]");
}

/* The newest round trips, the newest first, with what all of them came to. */
static void write_trades(const wk_serve *serve, wk_text *out)
{
    const wk__serve_live *live = &serve->live;
    char number[32];
    size_t n = live->n_trades < WK__SERVE_TRADES ? live->n_trades : WK__SERVE_TRADES;
    wk_text_printf(out, "{\"n\":%zu,\"won\":%zu,\"net\":%s,\"newest\":[", live->n_trades,
                   live->n_won, wk_double_format(live->net, number));
    for (size_t i = 0; i < n; i++) {
        const wk__serve_trade *t = &live->trades[(live->n_trades - 1 - i) % WK__SERVE_TRADES];
        const wk__serve_position *p = &t->position;
        wk_text_add(out, i ? ",{\"symbol\":" : "{\"symbol\":");
        wk_text_add_json_string(out, p->symbol);
        wk_text_printf(out, ",\"side\":\"%s\",\"quantity\":%s", p->lots > 0 ? "long" : "short",
                       wk_double_format((double)p->peak_lots * p->lot, number));
        write_price("entry", p->entry, out);
        write_price("exit", t->exit, out);
        wk_text_printf(out, ",\"since\":\"%s\",\"until\":\"%s\",\"net\":%s,\"reason\":", p->since,
                       t->until, wk_double_format(t->net, number));
        wk_text_add_json_string(out, t->reason);
        wk_text_add(out, "}");
    }
    wk_text_add(out, "]}");
}

/* ---- the documents ---- */

void wk__serve_live_document(wk_serve *serve, const char *symbol, wk_text *out)
{
    const wk__serve_model *m = &serve->predictor.models[0];
    size_t market = 0;
    read_fills(serve);
    /* Where something happens is the first to look at. */
    if (!symbol[0])
        symbol = serve->live.newest_symbol;
    for (size_t s = 0; s < m->S; s++)
        if (strcmp(m->symbols[s], symbol) == 0)
            market = s;
    wk_text_add(out, "{\"health\":");
    wk__serve_health_write(serve, out);
    wk_text_printf(out, ",\"timeframe_s\":%lld,\"symbol\":",
                   (long long)(m->config.data.timeframe_ns / WK_NS_PER_S));
    wk_text_add_json_string(out, m->symbols[market]);
    wk_text_add(out, ",\"symbols\":[");
    for (size_t s = 0; s < m->S; s++) {
        wk_text_add(out, s ? "," : "");
        wk_text_add_json_string(out, m->symbols[s]);
    }
    wk_text_add(out, "],\"candles\":");
    wk__serve_store_candles(serve, market, out);
    wk_text_add(out, ",\"positions\":");
    write_positions(serve, out);
    wk_text_add(out, ",\"trades\":");
    write_trades(serve, out);
    wk_text_add(out, ",\"records\":[");
    write_records(serve, old_records, 0, RECORDS_MAX, false, NULL, out);
    wk_text_add(out, "]}");
}

bool wk__serve_live_poll(wk_serve *serve)
{
    wk__serve_live *live = &serve->live;
    wk_text *out = &live->update;
    wk__serve_reload_poll(&serve->predictor);
    out->n = 0;
    wk_text_add(out, "{\"candles\":{");
    wk__serve_store_follow(serve);
    bool any = wk__serve_store_news(serve, out);
    wk_text_add(out, "},\"records\":[");
    any |= write_records(serve, new_records, live->seq, UPDATE_RECORDS_MAX, false, &live->seq,
                         out) > 0;
    read_fills(serve);
    wk_text_add(out, "],\"positions\":");
    write_positions(serve, out);
    wk_text_add(out, ",\"trades\":");
    write_trades(serve, out);
    wk_text_add(out, ",\"health\":");
    wk__serve_health_write(serve, out);
    wk_text_add(out, "}");
    /* Health alone is told too: the page shows that the stream lives. */
    if (any || serve->stats.streams > 0)
        live->version++;
    return any || serve->stats.streams > 0;
}

wk_status wk__serve_live_open(wk_serve *serve, wk_err *err)
{
    wk__serve_live *live = &serve->live;
    live->bar_ns = calloc(serve->predictor.models[0].S, sizeof *live->bar_ns);
    live->follow = calloc(serve->predictor.n_models, sizeof *live->follow);
    live->last = calloc(serve->predictor.models[0].S, sizeof *live->last);
    if (!live->bar_ns || !live->follow || !live->last)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    if (serve->config->journal[0])
        find_journal(serve->config->journal, live->path, sizeof live->path);
    WK_TRY(wk_store_root(serve->config->store[0] ? serve->config->store : NULL, live->root,
                         sizeof live->root, err));
    sqlite3 *db = journal(serve);
    sqlite3_stmt *s = NULL;
    if (db &&
        sqlite3_prepare_v2(db, "SELECT coalesce(max(seq), 0) FROM records", -1, &s, NULL) ==
            SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        live->seq = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return WK_OK;
}

void wk__serve_live_close(wk_serve *serve)
{
    sqlite3_close(serve->live.db);
    free(serve->live.bar_ns);
    for (size_t k = 0; serve->live.follow && k < serve->predictor.n_models; k++)
        wk_panel_finish(&serve->live.follow[k].panel);
    free(serve->live.follow);
    free(serve->live.positions);
    free(serve->live.last);
    free(serve->live.update.s);
    serve->live = (wk__serve_live){0};
}
