/* Everything here is read: the journal, the model's candles, /proc. */
#include "monitor.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drift.h"
#include "health.h"
#include "journal_read.h"
#include "wick/clock.h"
#include "wick/metrics.h"
#include "wick/model.h"

static const int64_t day_ns = INT64_C(86400) * WK_NS_PER_S;
/* One day has too few independent rows to tell drift from weather. */
enum { DRIFT_DAYS = 30 };

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static int64_t ask(sqlite3 *db, const char *sql, int64_t from, int64_t to)
{
    sqlite3_stmt *s = NULL;
    int64_t value = INT64_MIN;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(s, 1, from);
        sqlite3_bind_int64(s, 2, to);
        if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
            value = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    return value;
}

/* ---- money ---- */

typedef struct {
    char key[64];
    size_t n, wins;
    double net, fees;
} group;

static void add_to(group *groups, size_t *n, const char *key, const wk_ops_trip *t)
{
    size_t i = 0;
    while (i < *n && strcmp(groups[i].key, key) != 0)
        i++;
    if (i == *n) {
        groups[i] = (group){0};
        snprintf(groups[(*n)++].key, sizeof groups->key, "%s", key);
    }
    groups[i].n++;
    groups[i].wins += t->trade.net > 0;
    groups[i].net += t->trade.net;
    groups[i].fees += (double)t->fees_e8 / 1e8;
}

static json_t *groups_json(const group *groups, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:f, s:f}", "key", groups[i].key, "trades",
                                        (int)groups[i].n, "wins", (int)groups[i].wins, "net",
                                        groups[i].net, "fees", groups[i].fees));
    return list;
}

/* By what decided the entry (strategy: an experiment; model: its version) and by how it ended. */
static wk_status add_trades(sqlite3 *db, int64_t from, int64_t to, json_t *root, wk_err *err)
{
    wk_ops_trips all;
    WK_TRY(wk_ops_trips_read(db, &all, err));
    group total = {.key = "all"}, *groups = calloc(5 * (all.n_trips + 1), sizeof *groups);
    if (!groups) {
        wk_ops_trips_finish(&all);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    size_t room = all.n_trips + 1;
    group *by[5] = {groups, groups + room, groups + 2 * room, groups + 3 * room, groups + 4 * room};
    size_t n[5] = {0}, n_total = 1, open = 0;
    for (size_t i = 0; i < all.n_trips; i++) {
        const wk_ops_trip *t = &all.trips[i];
        open += !t->closed;
        if (!t->closed || t->trade.exit_ns < from || t->trade.exit_ns >= to)
            continue;
        char ending[64];
        snprintf(ending, sizeof ending, "%s, %s", t->trade.side > 0 ? "long" : "short",
                 wk_reason_name((wk_reason)t->trade.exit_reason));
        add_to(&total, &n_total, "all", t);
        add_to(by[0], &n[0], all.markets[t->trade.symbol].symbol, t);
        add_to(by[1], &n[1], t->strategy[0] ? t->strategy : "not named", t);
        add_to(by[2], &n[2], t->model[0] ? t->model : "not named", t);
        char day[32];
        wk_time_format(t->trade.exit_ns, day)[10] = '\0';
        add_to(by[3], &n[3], day, t);
        add_to(by[4], &n[4], ending, t);
    }
    json_t *one = groups_json(&total, 1);
    json_object_set(root, "trades", json_array_get(one, 0));
    json_decref(one);
    json_object_set_new(json_object_get(root, "trades"), "open", json_integer((json_int_t)open));
    json_object_set_new(root, "by_symbol", groups_json(by[0], n[0]));
    json_object_set_new(root, "by_strategy", groups_json(by[1], n[1]));
    json_object_set_new(root, "by_model", groups_json(by[2], n[2]));
    json_object_set_new(root, "by_exit", groups_json(by[4], n[4]));
    if (to - from > day_ns) /* in the order in which their first trade was entered */
        json_object_set_new(root, "by_day", groups_json(by[3], n[3]));
    free(groups);
    wk_ops_trips_finish(&all);
    return WK_OK;
}

static wk_status add_equity(sqlite3 *db, int64_t from, int64_t to, json_t *root, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    /* The newest value before the day is its start. */
    static const char sql[] =
        "SELECT equity_e8 FROM (SELECT seq, equity_e8 FROM (SELECT seq, equity_e8 FROM records "
        "WHERE kind = 'equity' AND time_ns <= ?1 ORDER BY seq DESC LIMIT 1) UNION ALL SELECT seq, "
        "equity_e8 FROM records WHERE kind = 'equity' AND time_ns > ?1 AND time_ns <= ?2) ORDER BY "
        "seq";
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
    sqlite3_bind_int64(s, 1, from);
    sqlite3_bind_int64(s, 2, to);
    double first = NAN, last = NAN, peak = NAN, drawdown = 0;
    size_t n = 0;
    while (sqlite3_step(s) == SQLITE_ROW) {
        last = (double)sqlite3_column_int64(s, 0) / 1e8;
        first = n++ ? first : last;
        peak = !(peak >= last) ? last : peak;
        if (peak > 0 && 1 - last / peak > drawdown)
            drawdown = 1 - last / peak;
    }
    sqlite3_finalize(s);
    json_object_set_new(root, "equity",
                        json_pack("{s:i, s:o, s:o, s:o, s:o}", "rows", (int)n, "first",
                                  number(first), "last", number(last), "change",
                                  number(last - first), "max_drawdown",
                                  number(n ? drawdown : NAN)));
    return WK_OK;
}

/* ---- signals against the bars ---- */

typedef struct {
    size_t n, resolved, right, buys, buys_right, sells, sells_right;
    double move_bps;
} signals;

static size_t symbol_index(const wk_panel *panel, const char *symbol)
{
    size_t s = 0;
    while (s < panel->S && strcmp(panel->symbols[s], symbol) != 0)
        s++;
    return s;
}

/* A signal at the close of a bar was right when the close `bars` later lies on its side. */
static void judge_signal(const wk_panel *p, const char *symbol, int64_t time_ns, int side,
                         int64_t bars, signals *g)
{
    g->n++;
    size_t s = symbol_index(p, symbol);
    int64_t t = (time_ns - p->start_ns) / p->timeframe_ns - 1;
    if (s == p->S || t < 0 || t + bars >= (int64_t)p->T)
        return;
    size_t a = (size_t)t * p->S + s, b = (size_t)(t + bars) * p->S + s;
    if (p->provenance[a] == WK_PROV_UNKNOWN || p->provenance[b] == WK_PROV_UNKNOWN)
        return;
    double move = side * (p->bars[b].close / p->bars[a].close - 1);
    bool right = move > 0;
    g->resolved++;
    g->right += right;
    g->move_bps += move * 1e4;
    *(side > 0 ? &g->buys : &g->sells) += 1;
    *(side > 0 ? &g->buys_right : &g->sells_right) += right;
}

static json_t *share(size_t part, size_t whole)
{
    return whole ? json_real((double)part / (double)whole) : json_null();
}

static wk_status add_signals(sqlite3 *db, const wk_panel *panel, int64_t bars, int64_t from,
                             int64_t to, json_t *root, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    signals g = {0};
    if (sqlite3_prepare_v2(db,
                           "SELECT m.symbol, r.time_ns, r.side FROM records r JOIN markets m ON "
                           "m.id = r.market WHERE r.kind = 'signal' AND r.side != 0 AND r.time_ns "
                           ">= ?1 AND r.time_ns < ?2 ORDER BY r.seq",
                           -1, &s, NULL) != SQLITE_OK)
        return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
    sqlite3_bind_int64(s, 1, from);
    sqlite3_bind_int64(s, 2, to);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *symbol = (const char *)sqlite3_column_text(s, 0);
        if (panel)
            judge_signal(panel, symbol, sqlite3_column_int64(s, 1), sqlite3_column_int(s, 2), bars,
                         &g);
        else
            g.n++;
    }
    sqlite3_finalize(s);
    json_object_set_new(
        root, "signals",
        json_pack(
            "{s:i, s:i, s:i, s:o, s:o, s:o, s:i, s:i, s:o, s:o}", "n", (int)g.n, "resolved",
            (int)g.resolved, "horizon_bars", (int)bars, "accuracy", share(g.right, g.resolved),
            "precision_buy", share(g.buys_right, g.buys), "precision_sell",
            share(g.sells_right, g.sells), "buys", (int)g.buys, "sells", (int)g.sells, "move_bps",
            number(g.resolved ? g.move_bps / (double)g.resolved : NAN), "accuracy_lower_95",
            number(g.resolved ? wk_wilson_lower(g.right, g.resolved, 1.6448536269514722) : NAN)));
    return WK_OK;
}

/* ---- drift ---- */

/* The rows of a table that closed in (from, to]. */
typedef struct {
    const wk_dataset *d;
    int64_t from, to;
} table_rows;

static bool takes(const table_rows *rows, size_t r)
{
    const wk_panel *p = &rows->d->panel;
    int64_t close = p->start_ns + ((int64_t)(r / p->S) + 1) * p->timeframe_ns;
    return rows->d->table.valid[r] && close > rows->from && close <= rows->to;
}

static wk_status read_table(void *ctx, size_t c, float *values, wk_err *err)
{
    const table_rows *rows = ctx;
    const wk_feature_table *table = &rows->d->table;
    (void)err;
    for (size_t r = 0, n = 0; r < table->T * table->S; r++)
        if (takes(rows, r))
            values[n++] = table->X[r * table->F + c];
    return WK_OK;
}

static wk_feature_columns columns_of(table_rows *rows)
{
    wk_feature_columns columns = {.F = rows->d->table.F, .read = read_table, .ctx = rows};
    for (size_t r = 0; r < rows->d->table.T * rows->d->table.S; r++)
        columns.n_rows += takes(rows, r);
    return columns;
}

static wk_status add_drift(const wk_monitor_options *o, const wk_feature_columns *columns,
                           json_t *root, wk_err *err)
{
    wk_drift_reference reference;
    size_t F = columns->F;
    json_t *list = json_array();
    json_object_set_new(root, "drift", list);
    wk_status status = wk_drift_reference_read(o->model, &reference, err);
    if (status == WK_E_NOT_FOUND) {
        json_object_set_new(root, "drift_missing", json_string(err->msg));
        return WK_OK;
    }
    WK_TRY(status);
    float *values = calloc(columns->n_rows + 1, sizeof *values);
    wk_drift *drifts = calloc(F + 1, sizeof *drifts);
    if (!values || !drifts)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    else if (reference.n != F)
        status = wk_fail(err, WK_E_MODEL, "%s/reference.json has %zu features, the model %zu",
                         o->model, reference.n, F);
    for (size_t c = 0; c < F && status == WK_OK; c++) {
        status = columns->read(columns->ctx, c, values, err);
        if (status == WK_OK)
            drifts[c] = wk_drift_measure(&reference.columns[c], values, columns->n_rows);
    }
    if (status == WK_OK) {
        wk_drift_flag(drifts, F);
        for (size_t c = 0; c < F; c++)
            json_array_append_new(
                list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b}", "feature",
                                reference.columns[c].name, "psi", number(drifts[c].psi), "ks",
                                number(drifts[c].ks), "p", number(drifts[c].p), "missing",
                                number(drifts[c].missing), "missing_before",
                                number(drifts[c].missing_before), "flagged", drifts[c].flagged));
        json_object_set_new(root, "drift_rows", json_integer((json_int_t)columns->n_rows));
    }
    free(values);
    free(drifts);
    wk_drift_reference_finish(&reference);
    return status;
}

/* Only what the features of these days depend on is kept of the candles. */
static wk_status with_model(const wk_monitor_options *o, sqlite3 *db, int64_t from, int64_t to,
                            json_t *root, wk_err *err)
{
    wk_arena arena;
    wk_dataset d = {0};
    wk_run_config config;
    bool loaded = false;
    wk_arena_init(&arena);
    wk_status status =
        wk_model_config(o->model, o->overrides, o->n_overrides, &arena, &config, err);
    if (status == WK_OK) {
        status = wk_dataset_load_panel(&config, o->store, &d, err);
        loaded = status == WK_OK;
    }
    if (status == WK_OK) {
        int64_t begin = from < to - DRIFT_DAYS * day_ns ? from : to - DRIFT_DAYS * day_ns;
        int64_t keep = (begin - d.panel.start_ns) / d.panel.timeframe_ns -
                       config.features.anchor_bars - config.features.warmup_bars;
        if (keep > 0 && keep < (int64_t)d.panel.T)
            wk_panel_drop(&d.panel, (size_t)keep);
        status = add_signals(db, &d.panel, config.labels.judge_bars, from, to, root, err);
    }
    if (status == WK_OK)
        status = wk_dataset_compute(&config, &d, err);
    if (status == WK_OK) {
        table_rows rows = {&d, from < to - DRIFT_DAYS * day_ns ? from : to - DRIFT_DAYS * day_ns,
                           to};
        wk_feature_columns columns = columns_of(&rows);
        status = add_drift(o, &columns, root, err);
    }
    if (loaded)
        wk_dataset_finish(&d);
    wk_arena_finish(&arena);
    return status;
}

/* Bars and features that a running bot has at hand. */
static wk_status with_panel(const wk_monitor_options *o, sqlite3 *db, int64_t from, int64_t to,
                            json_t *root, wk_err *err)
{
    WK_TRY(add_signals(db, o->panel, o->config->labels.judge_bars, from, to, root, err));
    return add_drift(o, o->columns, root, err);
}

/* ---- health ---- */

/* The newest start that the journal knows says the process. */
static void add_health(sqlite3 *db, int64_t now_ns, json_t *root)
{
    sqlite3_stmt *s = NULL;
    long pid = 0;
    if (sqlite3_prepare_v2(db,
                           "SELECT text FROM records WHERE kind = 'note' AND text LIKE 'started "
                           "pid=%' ORDER BY seq DESC LIMIT 1",
                           -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        pid = strtol((const char *)sqlite3_column_text(s, 0) + strlen("started pid="), NULL, 10);
    sqlite3_finalize(s);
    wk_health h = {0};
    if (pid > 0)
        h = wk_health_of(pid);
    int64_t newest = ask(db, "SELECT max(time_ns) FROM records WHERE kind = 'equity'", 0, 0);
    json_t *age = newest == INT64_MIN
                      ? json_null()
                      : json_real((double)((now_ns ? now_ns : wk_clock_wall_ns()) - newest) / 1e9);
    json_object_set_new(root, "health",
                        json_pack("{s:b, s:I, s:f, s:f, s:I, s:I, s:o}", "runs", h.runs, "pid",
                                  (json_int_t)pid, "cpu_s", h.cpu_s, "cpu_share", h.cpu_share,
                                  "rss_bytes", (json_int_t)h.rss_bytes, "uptime_s",
                                  (json_int_t)h.uptime_s, "feed_age_s", age));
}

/* What the bot itself said of its newest day: it judged the bars and features that it saw. A day is
 * told at the first step after it. */
static wk_status add_told(sqlite3 *db, int64_t to, json_t *root, wk_err *err)
{
    static const char sql[] =
        "SELECT substr(text, 9), time_ns FROM records WHERE kind = 'note' AND text LIKE 'summary "
        "%' "
        "AND seq >= (SELECT max(seq) FROM records WHERE kind = 'note' AND time_ns <= ?1 AND text "
        "LIKE 'summary ____-__-__T__:__ to %') ORDER BY seq";
    sqlite3_stmt *s = NULL;
    json_t *lines = json_array();
    int64_t time_ns = 0;
    json_object_set_new(root, "told", lines);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
    sqlite3_bind_int64(s, 1, to + 3600 * WK_NS_PER_S);
    while (sqlite3_step(s) == SQLITE_ROW) {
        if (time_ns && sqlite3_column_int64(s, 1) != time_ns)
            break; /* of a later day */
        time_ns = sqlite3_column_int64(s, 1);
        json_array_append_new(lines, json_string((const char *)sqlite3_column_text(s, 0)));
    }
    sqlite3_finalize(s);
    return WK_OK;
}

static void add_counts(sqlite3 *db, int64_t from, int64_t to, json_t *root)
{
    static const char *const kinds[] = {"decision", "order", "fill", "alert"};
    json_t *counts = json_object();
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char sql[160];
        snprintf(
            sql, sizeof sql,
            "SELECT count(*) FROM records WHERE kind = '%s' AND time_ns >= ?1 AND time_ns < ?2",
            kinds[i]);
        json_object_set_new(counts, kinds[i], json_integer(ask(db, sql, from, to)));
    }
    json_object_set_new(root, "rows", counts);
}

wk_status wk_monitor_read(const wk_monitor_options *o, json_t **out, wk_err *err)
{
    sqlite3 *db = NULL;
    WK_TRY(wk_ops_journal_open(o->journal, &db, NULL, err));
    int64_t from = o->from_ns, to = o->to_ns;
    int64_t newest = ask(db, "SELECT max(time_ns) FROM records WHERE kind != 'note'", 0, 0);
    if (newest == INT64_MIN) {
        sqlite3_close(db);
        return wk_fail(err, WK_E_DATA, "the journal of %s is empty", o->journal);
    }
    if (!to)
        to = from ? newest + 1 : (newest - 1) / day_ns * day_ns + day_ns;
    if (!from)
        from = to - (o->days > 1 ? o->days : 1) * day_ns;
    char a[32], b[32];
    json_t *root =
        json_pack("{s:s, s:s}", "from", wk_time_format(from, a), "to", wk_time_format(to, b));
    add_counts(db, from, to, root);
    wk_status status = add_trades(db, from, to, root, err);
    if (status == WK_OK)
        status = add_equity(db, from, to, root, err);
    if (status == WK_OK)
        status = o->panel      ? with_panel(o, db, from, to, root, err)
                 : o->model[0] ? with_model(o, db, from, to, root, err)
                               : add_signals(db, NULL, 0, from, to, root, err);
    if (status == WK_OK && !o->panel)
        status = add_told(db, to, root, err);
    if (status == WK_OK)
        add_health(db, o->now_ns, root);
    sqlite3_close(db);
    if (status != WK_OK) {
        json_decref(root);
        return status;
    }
    *out = root;
    return WK_OK;
}

wk_status wk_monitor_summarise(void *ctx, const wk_bot_day *day, char out[WK_BOT_SUMMARY_BYTES],
                               wk_err *err)
{
    (void)ctx;
    json_t *document;
    wk_monitor_options o = {.journal = day->journal,
                            .model = day->panel ? day->model : "",
                            .from_ns = day->from_ns,
                            .to_ns = day->to_ns,
                            .now_ns = day->now_ns,
                            .config = day->config,
                            .panel = day->panel,
                            .columns = day->columns};
    WK_TRY(wk_monitor_read(&o, &document, err));
    wk_monitor_brief(document, out, WK_BOT_SUMMARY_BYTES);
    json_decref(document);
    return WK_OK;
}
