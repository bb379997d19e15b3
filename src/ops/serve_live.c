/* What the dashboard shows: rows of a bot's journal, read only, and candles of the store. The
 * journal may come later, or never: everything is empty until then. */
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

enum { CANDLES_MAX = 1500, RECORDS_MAX = 4000, UPDATE_RECORDS_MAX = 500, UPDATE_BARS_MAX = 32 };

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

/* ---- candles ---- */

static wk_status read_bars(wk_serve *serve, const wk__serve_model *m, size_t market,
                           int64_t from_ns, wk_series *out, wk_err *err)
{
    return wk_store_read(serve->live.root, serve->config->venue, m->symbols[market],
                         m->config.data.timeframe_ns, from_ns > 0 ? from_ns : 1, INT64_MAX, out,
                         err);
}

/* Bars [first, series->n) as [[seconds, o, h, l, c, v], ...]. */
static void write_bars(const wk_series *series, size_t first, wk_text *out)
{
    char number[32];
    wk_text_add(out, "[");
    for (size_t i = first; i < series->n; i++) {
        const wk_bar *b = &series->bars[i];
        const double v[] = {b->open, b->high, b->low, b->close, b->volume};
        wk_text_printf(out, "%s[%lld", i > first ? "," : "", (long long)(b->time_ns / WK_NS_PER_S));
        for (int k = 0; k < 5; k++) {
            wk_text_add(out, ",");
            wk_text_add(out, isfinite(v[k]) ? wk_double_format(v[k], number) : "null");
        }
        wk_text_add(out, "]");
    }
    wk_text_add(out, "]");
}

static bool has_candles(const wk_serve *serve)
{
    return serve->config->venue[0] != 0;
}

void wk__serve_live_warm(wk_serve *serve)
{
    wk__serve_model *m = &serve->predictor.models[0];
    if (!has_candles(serve))
        return;
    wk_series *series = calloc(m->S, sizeof *series);
    wk_panel panel;
    wk_err err = {0};
    size_t n_bars = 0;
    int64_t from_ns = 1, last_ns = 0;
    WK_ASSERT(series);
    for (size_t pass = 0; pass < 2; pass++) {
        /* First how far the store reaches, then the warm-up's bars before that. */
        for (size_t s = 0; s < m->S; s++) {
            wk_series_finish(&series[s]);
            series[s] = (wk_series){0};
            int64_t begin_ns = pass ? from_ns : wk_clock_wall_ns() - 40 * 86400 * WK_NS_PER_S;
            if (read_bars(serve, m, s, begin_ns, &series[s], &err) != WK_OK &&
                wk_series_create(serve->config->venue, m->symbols[s], m->config.data.timeframe_ns,
                                 0, &series[s], &err) != WK_OK)
                break;
            if (series[s].n && series[s].bars[series[s].n - 1].time_ns > last_ns)
                last_ns = series[s].bars[series[s].n - 1].time_ns;
            n_bars += pass ? series[s].n : 0;
        }
        if (last_ns == 0) { /* an old store: all of it */
            from_ns = 1;
            continue;
        }
        from_ns = last_ns - (int64_t)m->warmup_bars * m->config.data.timeframe_ns;
    }
    if (n_bars && wk_panel_build(series, m->S, NULL, 0, 0, 0, &panel, &err) == WK_OK) {
        wk__serve_problem problem;
        size_t keep = m->warmup_bars + 1, t = panel.T > keep ? panel.T - keep : 0;
        for (; t < panel.T; t++) {
            wk_features_step step = wk_panel_step(&panel, t);
            if (!wk__serve_push(&serve->predictor, m, "store", &step, &problem))
                break;
        }
        for (size_t s = 0; s < m->S; s++)
            serve->live.bar_ns[s] = series[s].n ? series[s].bars[series[s].n - 1].time_ns : 0;
        wk_panel_finish(&panel);
    }
    wk_log_write(WK_LOG_INFO, "serve.store", "model=%s venue=%s bars=%zu", m->name,
                 serve->config->venue, n_bars);
    for (size_t s = 0; s < m->S; s++)
        wk_series_finish(&series[s]);
    free(series);
}

/* ---- the documents ---- */

void wk__serve_live_document(wk_serve *serve, const char *symbol, wk_text *out)
{
    const wk__serve_model *m = &serve->predictor.models[0];
    size_t market = 0;
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
    wk_series series = {0};
    wk_err err;
    if (has_candles(serve) && read_bars(serve, m, market, 1, &series, &err) == WK_OK)
        write_bars(&series, series.n > CANDLES_MAX ? series.n - CANDLES_MAX : 0, out);
    else
        wk_text_add(out, "[]");
    wk_series_finish(&series);
    wk_text_add(out, ",\"records\":[");
    write_records(serve, old_records, 0, RECORDS_MAX, false, NULL, out);
    wk_text_add(out, "]}");
}

static bool poll_bars(wk_serve *serve, wk_text *out)
{
    wk__serve_model *m = &serve->predictor.models[0];
    bool any = false;
    for (size_t s = 0; has_candles(serve) && s < m->S; s++) {
        wk_series series = {0};
        wk_err err;
        int64_t *last_ns = &serve->live.bar_ns[s];
        int64_t from_ns = *last_ns ? *last_ns + 1 : wk_clock_wall_ns() - 86400 * WK_NS_PER_S;
        if (read_bars(serve, m, s, from_ns, &series, &err) == WK_OK && series.n) {
            *last_ns = series.bars[series.n - 1].time_ns;
            wk_text_add(out, any ? "," : "");
            wk_text_add_json_string(out, m->symbols[s]);
            wk_text_add(out, ":");
            write_bars(&series, series.n > UPDATE_BARS_MAX ? series.n - UPDATE_BARS_MAX : 0, out);
            any = true;
        }
        wk_series_finish(&series);
    }
    return any;
}

bool wk__serve_live_poll(wk_serve *serve)
{
    wk__serve_live *live = &serve->live;
    wk_text *out = &live->update;
    wk__serve_reload_poll(&serve->predictor);
    out->n = 0;
    wk_text_add(out, "{\"candles\":{");
    bool any = poll_bars(serve, out);
    wk_text_add(out, "},\"records\":[");
    any |= write_records(serve, new_records, live->seq, UPDATE_RECORDS_MAX, false, &live->seq,
                         out) > 0;
    wk_text_add(out, "],\"health\":");
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
    if (!live->bar_ns)
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
    free(serve->live.update.s);
    serve->live = (wk__serve_live){0};
}
