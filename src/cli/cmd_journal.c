/* wick journal show and export: what a bot did, as text, JSON or CSV. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"
#include "journal_read.h"
#include "wick/clock.h"
#include "wick/file.h"

/* Numbers as people read them, and beside them the exact ones of the records. */
#define COLUMNS                                                                                    \
    "v.seq, v.time, r.time_ns, v.kind, v.symbol, v.order_id, v.side, v.order_kind, v.reason, "     \
    "r.reduce_only, r.maker, v.quantity, v.price, v.stop, v.profit, v.amount, v.fee, v.equity, "   \
    "v.cash, r.qty_lots, r.price_ticks, r.stop_ticks, r.profit_ticks, r.expires_ns, r.amount_e8, " \
    "r.fee_e8, r.equity_e8, r.cash_e8, v.score, v.threshold, r.sigma, v.p_sell, v.p_hold, "        \
    "v.p_buy, r.magnitude, r.volatility, r.inputs_digest, r.model_version, v.state, v.venue_id, "  \
    "v.text"

static wk_status refuse(sqlite3 *db, wk_err *err)
{
    return wk_fail(err, WK_E_DATA, "the journal cannot be read: %s", sqlite3_errmsg(db));
}

static wk_status check_kind(const char *kind, wk_err *err)
{
    static const char *const kinds[] = {"signal", "decision", "order",  "order_state",
                                        "fill",   "position", "equity", "funding",
                                        "model",  "alert",    "note"};
    const char *near = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], kind) == 0)
            return WK_OK;
        if (wk_nearer(kind, kinds[i], &best))
            near = kinds[i];
    }
    return wk_fail(err, WK_E_ARG,
                   "--kind %s: %s%s%sthere are signal decision order order_state fill position "
                   "equity funding model alert note",
                   kind, near ? "did you mean " : "", near ? near : "", near ? "? " : "");
}

/* The rows that the options choose, oldest first. */
static wk_status select_rows(const wk_cli *cli, sqlite3 *db, int64_t limit, sqlite3_stmt **out,
                             wk_err *err)
{
    const char *kind = wk_cli_option_value(cli, "kind"),
               *market = wk_cli_option_value(cli, "market"),
               *since = wk_cli_option_value(cli, "since");
    int64_t since_ns = INT64_MIN;
    if (kind)
        WK_TRY(check_kind(kind, err));
    if (since && wk_time_parse(since, &since_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--since %s: write 2024-06-30 or 2024-06-30T23:45:00Z",
                       since);
    static const char sql[] =
        "SELECT * FROM (SELECT " COLUMNS " FROM readable v JOIN records r ON r.seq = v.seq "
        "WHERE (?1 IS NULL OR v.kind = ?1) AND (?2 IS NULL OR v.symbol = ?2) AND r.time_ns >= ?3 "
        "ORDER BY v.seq DESC LIMIT ?4) ORDER BY seq";
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        return refuse(db, err);
    if (kind)
        sqlite3_bind_text(s, 1, kind, -1, SQLITE_TRANSIENT);
    if (market)
        sqlite3_bind_text(s, 2, market, -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(s, 3, since_ns);
    sqlite3_bind_int64(s, 4, limit);
    *out = s;
    return WK_OK;
}

static const char *text_of(sqlite3_stmt *s, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(s); i++)
        if (strcmp(sqlite3_column_name(s, i), name) == 0)
            return (const char *)sqlite3_column_text(s, i);
    return NULL;
}

static double number_of(sqlite3_stmt *s, const char *name)
{
    for (int i = 0; i < sqlite3_column_count(s); i++)
        if (strcmp(sqlite3_column_name(s, i), name) == 0)
            return sqlite3_column_double(s, i);
    return 0;
}

static void print_line(sqlite3_stmt *s)
{
    static const char *const numbers[] = {"stop", "profit", "amount", "fee", "equity", "cash"};
    static const char *const texts[] = {"order_kind", "reason", "state"};
    const char *symbol = text_of(s, "symbol"), *side = text_of(s, "side"),
               *order = text_of(s, "order_id"), *text = text_of(s, "text"),
               *reason = text_of(s, "reason"), *kind = text_of(s, "kind");
    printf("%s  %-11s  %-10s  %-4s", text_of(s, "time"), kind, symbol ? symbol : "",
           side ? side : "");
    if (number_of(s, "quantity") != 0)
        printf("  %.12g", number_of(s, "quantity"));
    if (number_of(s, "price") != 0)
        printf(" @ %.12g", number_of(s, "price"));
    if (strcmp(kind, "signal") == 0)
        printf("  score %.4g  threshold %.4g  p %.3f %.3f %.3f", number_of(s, "score"),
               number_of(s, "threshold"), number_of(s, "p_sell"), number_of(s, "p_hold"),
               number_of(s, "p_buy"));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (text_of(s, texts[i]))
            printf("  %s", text_of(s, texts[i]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (number_of(s, numbers[i]) != 0)
            printf("  %s %.12g", numbers[i], number_of(s, numbers[i]));
    if (order)
        printf("  order %s", order);
    if (text && !(reason && strcmp(text, reason) == 0))
        printf("  %s", text);
    putchar('\n');
}

/* A row as a JSON object; what is not there is left out. */
static void add_json(wk_text *out, sqlite3_stmt *s)
{
    bool first = true;
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        int type = sqlite3_column_type(s, i);
        if (type == SQLITE_NULL)
            continue;
        wk_text_printf(out, "%s\"%s\": ", first ? "{" : ", ", sqlite3_column_name(s, i));
        first = false;
        char number[32];
        if (type == SQLITE_INTEGER)
            wk_text_printf(out, "%" PRId64, (int64_t)sqlite3_column_int64(s, i));
        else if (type == SQLITE_FLOAT)
            wk_text_add(out, __builtin_isfinite(sqlite3_column_double(s, i))
                                 ? wk_double_format(sqlite3_column_double(s, i), number)
                                 : "null");
        else
            wk_text_add_json_string(out, (const char *)sqlite3_column_text(s, i));
    }
    wk_text_add(out, first ? "{}" : "}");
}

/* RFC 4180: quotes where they are needed. */
static void add_csv(wk_text *out, sqlite3_stmt *s)
{
    for (int i = 0; i < sqlite3_column_count(s); i++) {
        char number[32];
        int type = sqlite3_column_type(s, i);
        const char *text = type == SQLITE_NULL ? "" : (const char *)sqlite3_column_text(s, i);
        wk_text_add(out, i ? "," : "");
        if (type == SQLITE_FLOAT && __builtin_isfinite(sqlite3_column_double(s, i))) {
            wk_text_add(out, wk_double_format(sqlite3_column_double(s, i), number));
        } else if (strpbrk(text, ",\"\r\n")) {
            wk_text_add(out, "\"");
            for (const char *c = text; *c; c++) {
                wk_text_add_bytes(out, c, 1);
                if (*c == '"')
                    wk_text_add(out, "\"");
            }
            wk_text_add(out, "\"");
        } else {
            wk_text_add(out, text);
        }
    }
    wk_text_add(out, "\n");
}

typedef enum { LINES, JSON, CSV } form;

static wk_status write_rows(sqlite3 *db, sqlite3_stmt *s, form how, FILE *to, wk_err *err)
{
    wk_text row = {0};
    int code;
    bool first = true;
    if (how == CSV)
        for (int i = 0; i < sqlite3_column_count(s); i++)
            fprintf(to, "%s%s", i ? "," : "", sqlite3_column_name(s, i));
    fputs(how == CSV ? "\n" : how == JSON ? "[" : "", to);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        row.n = 0;
        if (how == LINES) {
            print_line(s);
        } else if (how == JSON) {
            add_json(&row, s);
            fprintf(to, "%s\n %s", first ? "" : ",", row.s);
        } else {
            add_csv(&row, s);
            fputs(row.s, to);
        }
        first = false;
    }
    fputs(how == JSON ? "\n]\n" : "", to);
    free(row.s);
    return code == SQLITE_DONE ? WK_OK : refuse(db, err);
}

static int cmd_show(const wk_cli *cli, wk_err *err)
{
    const char *limit = wk_cli_option_value(cli, "limit");
    int64_t n = 50;
    if (limit) {
        char *end;
        n = strtoll(limit, &end, 10);
        if (*end || n < 1)
            return wk_fail(err, WK_E_ARG, "--limit %s: write a number from 1", limit);
    }
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    WK_TRY(wk_ops_journal_open(wk_cli_arg(cli, 0), &db, NULL, err));
    wk_status status = select_rows(cli, db, n, &s, err);
    if (status == WK_OK)
        status = write_rows(db, s, wk_cli_json(cli) ? JSON : LINES, stdout, err);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return status;
}

static int cmd_export(const wk_cli *cli, wk_err *err)
{
    bool json = wk_cli_json(cli), csv = wk_cli_flag(cli, "csv");
    const char *out = wk_cli_option_value(cli, "out");
    if (json == csv)
        return wk_fail(err, WK_E_ARG, "choose one of --csv and --json");
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    wk_draft draft = {0};
    WK_TRY(wk_ops_journal_open(wk_cli_arg(cli, 0), &db, NULL, err));
    wk_status status = select_rows(cli, db, -1, &s, err);
    if (status == WK_OK && out)
        status = wk_draft_open(out, &draft, err);
    if (status == WK_OK)
        status = write_rows(db, s, json ? JSON : CSV, out ? draft.stream : stdout, err);
    if (status == WK_OK && out)
        status = wk_draft_publish(&draft, err);
    else if (out)
        wk_draft_discard(&draft);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return status;
}

#define CHOICE                                                                                     \
    {"kind", "K",                                                                                  \
     "signal decision order order_state fill position equity funding model alert "                 \
     "note"},                                                                                      \
        {"market", "S", "rows of this symbol"},                                                    \
    {                                                                                              \
        "since", "TIME", "rows from this time on"                                                  \
    }

static const wk_cli_option show_options[] = {
    CHOICE, {"limit", "N", "the newest N rows; default 50"}, {.name = NULL}};
static const wk_cli_option export_options[] = {
    CHOICE,
    {"csv", NULL, "a table with a header"},
    {"out", "F", "into this file; default: to standard output"},
    {.name = NULL}};

const wk_cli_command wk_cmd_journal_show = {
    .name = "journal show",
    .usage = "DIR|FILE [--kind K] [--market S] [--since TIME] [--limit N]",
    .summary = "the newest rows of a bot's journal, one a line",
    .details = "DIR is the bot's directory (`dir` of its configuration). The bot may be running.",
    .example = "wick journal show out/paper --kind fill --limit 20",
    .args_min = 1,
    .args_max = 1,
    .options = show_options,
    .run = cmd_show};

const wk_cli_command wk_cmd_journal_export = {
    .name = "journal export",
    .usage = "DIR|FILE --csv|--json [--kind K] [--market S] [--since TIME] [--out F]",
    .summary = "a bot's journal as CSV or JSON, all rows and columns",
    .details =
        "Quantities and prices are there twice: in the market's units as decimals, and exact "
        "as lots,\n"
        "ticks and 1e-8 of the quote currency.",
    .example = "wick journal export out/paper --csv --out journal.csv",
    .args_min = 1,
    .args_max = 1,
    .options = export_options,
    .run = cmd_export};
