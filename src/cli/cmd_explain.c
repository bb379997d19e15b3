/* wick explain: the whole life of one order on a page. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"
#include "journal_read.h"
#include "wick/clock.h"

static wk_status refuse(sqlite3 *db, wk_err *err)
{
    return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
}

/* "last", an order id in hex as the journal has it, or in decimal as the logs have it. */
static wk_status find_order(sqlite3 *db, const char *asked, char id[24], wk_err *err)
{
    sqlite3_stmt *s = NULL;
    char *end, hex[24] = "";
    unsigned long long number = strtoull(asked, &end, 10);
    if (!*end)
        snprintf(hex, sizeof hex, "%016llx", number);
    bool last = strcmp(asked, "last") == 0;
    const char *sql =
        last ? "SELECT order_id FROM records WHERE kind = 'order' AND reduce_only = 0 AND state = "
               "'planned' ORDER BY seq DESC LIMIT 1"
             : "SELECT order_id FROM records WHERE order_id = ?1 OR order_id = ?2 OR (venue_id = "
               "?1 AND order_id IS NOT NULL) LIMIT 1";
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return refuse(db, err);
    if (!last) {
        sqlite3_bind_text(s, 1, asked, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(s, 2, hex, -1, SQLITE_TRANSIENT);
    }
    wk_status status = WK_OK;
    if (sqlite3_step(s) == SQLITE_ROW)
        snprintf(id, 24, "%s", (const char *)sqlite3_column_text(s, 0));
    else
        status = wk_fail(err, last ? WK_E_NOT_FOUND : WK_E_ARG,
                         last ? "the journal has no entry order%s"
                              : "order %s is not in the journal; wick journal show DIR --kind "
                                "order lists the ids",
                         last ? "" : asked);
    sqlite3_finalize(s);
    return status;
}

static json_t *real_or_null(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL || !isfinite(sqlite3_column_double(s, i))
               ? json_null()
               : json_real(sqlite3_column_double(s, i));
}

/* Columns by type; NULLs are left out, so are zeros of the numbers that mean "none". */
static json_t *row_object(sqlite3_stmt *s)
{
    json_t *row = json_object();
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        const char *name = sqlite3_column_name(s, i);
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_NULL || (type == SQLITE_FLOAT && sqlite3_column_double(s, i) == 0))
            continue;
        json_object_set_new(row, name,
                            type == SQLITE_FLOAT ? real_or_null(s, i)
                            : type == SQLITE_INTEGER
                                ? json_integer(sqlite3_column_int64(s, i))
                                : json_string((const char *)sqlite3_column_text(s, i)));
    }
    return row;
}

static wk_status query(sqlite3 *db, const char *sql, const char *id, json_t *rows, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return refuse(db, err);
    sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW)
        json_array_append_new(rows, row_object(s));
    sqlite3_finalize(s);
    return code == SQLITE_DONE ? WK_OK : refuse(db, err);
}

#define SHOWN                                                                                      \
    "v.seq, v.time, v.kind, v.symbol, v.order_id, v.side, v.order_kind, v.reason, v.quantity, "    \
    "v.price, v.stop, v.profit, v.fee, v.amount, v.state, v.venue_id, v.text"
static const char signal_sql[] =
    "SELECT v.seq, v.time, v.kind, v.symbol, v.side, v.score, v.threshold, r.sigma, v.p_sell, "
    "v.p_hold, v.p_buy, r.magnitude, r.volatility, r.inputs_digest, r.model_version, CASE WHEN "
    "v.kind = 'signal' AND v.text != 'entry' THEN v.text END AS strategy FROM readable "
    "v JOIN records r ON r.seq = v.seq WHERE v.order_id = ?1 AND v.kind IN ('signal', 'order') "
    "ORDER BY v.kind = 'signal' DESC, v.seq LIMIT 1";
static const char decision_sql[] =
    "SELECT " SHOWN " FROM readable v WHERE v.order_id = ?1 AND (v.kind = 'decision' OR (v.kind = "
    "'order' AND v.state = 'planned')) ORDER BY v.seq";
static const char life_sql[] =
    "SELECT " SHOWN " FROM readable v WHERE v.order_id = ?1 AND v.kind NOT IN ('signal', "
    "'decision', 'equity') AND NOT (v.kind = 'order' AND v.state = 'planned') ORDER BY v.seq";
/* The market's fills of the round trip that the order belongs to. */
static const char trip_sql[] =
    "SELECT " SHOWN " FROM readable v JOIN records r ON r.seq = v.seq WHERE v.kind IN ('fill', "
    "'funding') AND r.market = (SELECT market FROM records WHERE seq = ?1) AND v.seq BETWEEN ?1 "
    "AND ?2 ORDER BY v.seq";

static json_t *result_of(const wk_ops_trips *all, const wk_ops_trip *t)
{
    char from[32], to[32];
    const wk_trade *x = &t->trade;
    if (!t->closed)
        return json_pack(
            "{s:s, s:s, s:s, s:f}", "state", "open", "side", x->side > 0 ? "long" : "short",
            "entered", wk_time_format(x->entry_ns, from), "fees_so_far", (double)t->fees_e8 / 1e8);
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "state", "closed",
        "symbol", all->markets[x->symbol].symbol, "side", x->side > 0 ? "long" : "short", "entered",
        wk_time_format(x->entry_ns, from), "left", wk_time_format(x->exit_ns, to), "quantity",
        x->qty, "entry_price", x->entry_price, "exit_price", x->exit_price, "gross", x->gross,
        "fees", x->fees, "funding", x->funding, "net", x->net, "net_bps",
        x->net / x->notional * 1e4, "exit_reason", wk_reason_name((wk_reason)x->exit_reason));
}

static wk_status add_result(sqlite3 *db, const char *id, json_t *root, wk_err *err)
{
    wk_ops_trips all;
    sqlite3_stmt *s = NULL;
    int64_t fill = 0;
    WK_TRY(wk_ops_trips_read(db, &all, err));
    if (sqlite3_prepare_v2(db, "SELECT min(seq) FROM records WHERE order_id = ?1 AND kind = 'fill'",
                           -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_text(s, 1, id, -1, SQLITE_TRANSIENT);
        if (sqlite3_step(s) == SQLITE_ROW)
            fill = sqlite3_column_int64(s, 0);
    }
    sqlite3_finalize(s);
    wk_status status = WK_OK;
    for (size_t i = 0; i < all.n_trips && fill && status == WK_OK; i++) {
        const wk_ops_trip *t = &all.trips[i];
        if (fill < t->first_seq || fill > t->last_seq)
            continue;
        /* Trips of different markets overlap: the fill must be of this one's market. */
        json_t *rows = json_array();
        bool mine = false;
        if (sqlite3_prepare_v2(db, trip_sql, -1, &s, NULL) != SQLITE_OK) {
            status = refuse(db, err);
        } else {
            sqlite3_bind_int64(s, 1, t->first_seq);
            sqlite3_bind_int64(s, 2, t->last_seq);
            while (sqlite3_step(s) == SQLITE_ROW) {
                mine = mine || sqlite3_column_int64(s, 0) == fill;
                json_array_append_new(rows, row_object(s));
            }
        }
        sqlite3_finalize(s);
        if (mine) {
            json_object_set_new(root, "trip", rows);
            json_object_set_new(root, "result", result_of(&all, t));
            break;
        }
        json_decref(rows);
    }
    wk_ops_trips_finish(&all);
    return status;
}

static double real(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static const char *word(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void print_row(const json_t *row)
{
    printf("  %s  %-11s %-4s", word(row, "time"), word(row, "kind"), word(row, "side"));
    if (real(row, "quantity") != 0)
        printf(" %.12g", real(row, "quantity"));
    if (real(row, "price") != 0)
        printf(" @ %.12g", real(row, "price"));
    static const char *const words[] = {"state", "order_kind", "reason", "venue_id"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (word(row, words[i])[0])
            printf("  %s", word(row, words[i]));
    static const char *const numbers[] = {"stop", "profit", "fee", "amount"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (real(row, numbers[i]) != 0)
            printf("  %s %.12g", numbers[i], real(row, numbers[i]));
    if (word(row, "text")[0] && strcmp(word(row, "text"), word(row, "reason")) != 0)
        printf("  %s", word(row, "text"));
    putchar('\n');
}

static void print_rows(const char *title, const json_t *rows)
{
    size_t i;
    json_t *row;
    if (json_array_size(rows))
        printf("\n%s\n", title);
    json_array_foreach(rows, i, row) print_row(row);
}

static void print_result(const json_t *r)
{
    if (!r) {
        printf("\nresult\n  nothing of this order was filled\n");
        return;
    }
    if (strcmp(word(r, "state"), "open") == 0) {
        printf("\nresult\n  %s since %s, still open; fees so far %.8g\n", word(r, "side"),
               word(r, "entered"), real(r, "fees_so_far"));
        return;
    }
    printf("\nresult\n  %s %.12g from %s at %.12g to %s at %.12g (%s)\n"
           "  gross %.8g  fees and slippage %.8g  funding %.8g  net %.8g (%.2f bp)\n",
           word(r, "side"), real(r, "quantity"), word(r, "entered"), real(r, "entry_price"),
           word(r, "left"), real(r, "exit_price"), word(r, "exit_reason"), real(r, "gross"),
           real(r, "fees"), real(r, "funding"), real(r, "net"), real(r, "net_bps"));
}

static void print_page(const json_t *root)
{
    const json_t *g = json_array_get(json_object_get(root, "signal"), 0);
    printf("order %s  %s\n", word(root, "order"), word(g, "symbol"));
    if (g)
        printf("\nsignal\n  %s  %s  score %.6g  threshold %.6g  sigma %.6g\n"
               "  p(sell) %.4f  p(hold) %.4f  p(buy) %.4f  magnitude %.6g  volatility %.6g\n"
               "  inputs %s  model %s  strategy %s\n",
               word(g, "time"), word(g, "side"), real(g, "score"), real(g, "threshold"),
               real(g, "sigma"), real(g, "p_sell"), real(g, "p_hold"), real(g, "p_buy"),
               real(g, "magnitude"), real(g, "volatility"),
               word(g, "inputs_digest")[0] ? word(g, "inputs_digest") : "-",
               word(g, "model_version")[0] ? word(g, "model_version") : "-",
               word(g, "strategy")[0] ? word(g, "strategy") : "-");
    print_rows("decision", json_object_get(root, "decision"));
    print_rows("life of the order", json_object_get(root, "life"));
    print_rows("fills and funding of its round trip", json_object_get(root, "trip"));
    print_result(json_object_get(root, "result"));
}

static wk_status gather(sqlite3 *db, const char *asked, json_t *root, wk_err *err)
{
    char id[24];
    static const struct {
        const char *key, *sql;
    } parts[] = {{"signal", signal_sql}, {"decision", decision_sql}, {"life", life_sql}};
    WK_TRY(find_order(db, asked, id, err));
    json_object_set_new(root, "order", json_string(id));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        json_t *rows = json_array();
        json_object_set_new(root, parts[i].key, rows);
        WK_TRY(query(db, parts[i].sql, id, rows, err));
    }
    return add_result(db, id, root, err);
}

static int cmd_explain(const wk_cli *cli, wk_err *err)
{
    const char *where = wk_cli_option_value(cli, "journal");
    sqlite3 *db = NULL;
    if (!where)
        return wk_fail(err, WK_E_ARG, "--journal DIR is missing: the bot's directory");
    WK_TRY(wk_ops_journal_open(where, &db, NULL, err));
    json_t *root = json_object();
    wk_status status = gather(db, wk_cli_arg(cli, 0), root, err);
    if (status == WK_OK && wk_cli_json(cli)) {
        json_dumpf(root, stdout, JSON_INDENT(2));
        putchar('\n');
    } else if (status == WK_OK) {
        print_page(root);
    }
    json_decref(root);
    sqlite3_close(db);
    return status;
}

static const wk_cli_option options[] = {
    {"journal", "DIR", "the bot's directory, or its journal.sqlite"}, {.name = NULL}};

const wk_cli_command wk_cmd_explain = {
    .name = "explain",
    .usage = "ORDER --journal DIR",
    .summary = "one order on a page: signal, decision, life, fills, cost, result",
    .details =
        "ORDER is the id as the journal or the log shows it, the venue's id of it, or \"last\" "
        "for the newest entry.",
    .example = "wick explain last --journal out/paper",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_explain};
