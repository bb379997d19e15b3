/* Reading a journal back: numbers that stay with it, and its rows in order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal_internal.h"

static wk_status refuse(wk_journal *j, wk_err *err)
{
    return wk_fail(err, WK_E_IO, "%s: %s", j->path, sqlite3_errmsg(j->own));
}

wk_status wk_journal_number(wk_journal *j, const char *key, int64_t *value, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(j->own, "SELECT value FROM meta WHERE key = ?", -1, &s, NULL) !=
        SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_text(s, 1, key, -1, SQLITE_TRANSIENT);
    wk_status status = WK_OK;
    if (sqlite3_step(s) == SQLITE_ROW)
        *value = sqlite3_column_int64(s, 0);
    else
        status = wk_fail(err, WK_E_NOT_FOUND, "%s: %s is not there", j->path, key);
    sqlite3_finalize(s);
    return status;
}

wk_status wk_journal_set_number(wk_journal *j, const char *key, int64_t value, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    if (sqlite3_prepare_v2(j->own, "INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", -1, &s,
                           NULL) != SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_text(s, 1, key, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 2, text, -1, SQLITE_TRANSIENT);
    wk_status status = sqlite3_step(s) == SQLITE_DONE ? WK_OK : refuse(j, err);
    sqlite3_finalize(s);
    return status;
}

static int kind_of(const char *name)
{
    for (int k = 0; k <= WK_JOURNAL_NOTE; k++)
        if (strcmp(wk__journal_kinds[k], name) == 0)
            return k;
    return -1;
}

uint8_t wk__journal_reason(const char *name)
{
    for (int k = 0; name && k < WK_REASON_COUNT; k++)
        if (strcmp(wk_reason_name((wk_reason)k), name) == 0)
            return (uint8_t)k;
    return WK_REASON_END;
}

static void text_of(sqlite3_stmt *s, int column, char *out, size_t size_bytes)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    snprintf(out, size_bytes, "%s", text ? text : "");
}

static void read_row(const wk_journal *j, sqlite3_stmt *s, int kind, wk_journal_record *r)
{
    const char *order = (const char *)sqlite3_column_text(s, 4);
    *r = (wk_journal_record){.kind = kind,
                             .time_ns = sqlite3_column_int64(s, 2),
                             .market = wk__journal_index(j, sqlite3_column_int64(s, 3)),
                             .order_id = order ? strtoull(order, NULL, 16) : 0,
                             .side = (int8_t)sqlite3_column_int(s, 5),
                             .reason = wk__journal_reason((const char *)sqlite3_column_text(s, 6)),
                             .reduce_only = (uint8_t)sqlite3_column_int(s, 7),
                             .maker = (uint8_t)sqlite3_column_int(s, 8),
                             .qty_lots = sqlite3_column_int64(s, 9),
                             .price_ticks = sqlite3_column_int64(s, 10),
                             .amount_e8 = sqlite3_column_int64(s, 11),
                             .fee_e8 = sqlite3_column_int64(s, 12),
                             .slippage_e8 = sqlite3_column_int64(s, 13),
                             .equity_e8 = sqlite3_column_int64(s, 14),
                             .cash_e8 = sqlite3_column_int64(s, 15),
                             .leverage = sqlite3_column_double(s, 19),
                             .score = sqlite3_column_double(s, 20)};
    text_of(s, 16, r->state, sizeof r->state);
    text_of(s, 17, r->venue_id, sizeof r->venue_id);
    text_of(s, 18, r->text, sizeof r->text);
}

wk_status wk_journal_read(wk_journal *j, unsigned kinds, wk_journal_take take, void *ctx,
                          wk_err *err)
{
    char sql[1200], list[200] = "''";
    for (int k = 0; k <= WK_JOURNAL_NOTE; k++)
        if (kinds >> k & 1)
            snprintf(list + strlen(list), sizeof list - strlen(list), ",'%s'",
                     wk__journal_kinds[k]);
    snprintf(sql, sizeof sql,
             "SELECT seq, kind, time_ns, market, order_id, side, reason, reduce_only, maker, "
             "qty_lots, price_ticks, amount_e8, fee_e8, slippage_e8, equity_e8, cash_e8, state, "
             "venue_id, text, leverage, CASE kind WHEN 'fill' THEN (SELECT score FROM records o "
             "WHERE o.order_id = r.order_id AND o.kind = 'order' AND o.state = 'planned' AND "
             "o.reduce_only = 0 LIMIT 1) ELSE score END FROM records r WHERE kind IN (%s) ORDER BY "
             "seq",
             list);
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(j->own, sql, -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        wk_journal_record r;
        read_row(j, s, kind_of((const char *)sqlite3_column_text(s, 1)), &r);
        take(ctx, &r, (uint64_t)sqlite3_column_int64(s, 0));
    }
    wk_status status = code == SQLITE_DONE ? WK_OK : refuse(j, err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk_journal_rewind(wk_journal *j, uint64_t seq, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(j->own,
                           "DELETE FROM records WHERE seq > ? AND kind IN ('signal', 'decision', "
                           "'order', 'order_state', 'fill', 'position', 'funding')",
                           -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
    wk_status status = sqlite3_step(s) == SQLITE_DONE ? WK_OK : refuse(j, err);
    sqlite3_finalize(s);
    return status;
}

wk_status wk_journal_units(wk_journal *j, uint32_t index, const char *symbol,
                           wk_trade_instrument *out, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    WK_ASSERT(index < WK__JOURNAL_MARKETS_MAX);
    if (sqlite3_prepare_v2(j->own, "SELECT id, tick, lot, min_lots FROM markets WHERE symbol = ?",
                           -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_text(s, 1, symbol, -1, SQLITE_TRANSIENT);
    wk_status status = WK_OK;
    if (sqlite3_step(s) == SQLITE_ROW) {
        atomic_store(&j->market_ids[index], sqlite3_column_int64(s, 0));
        out->tick = sqlite3_column_double(s, 1);
        out->lot = sqlite3_column_double(s, 2);
        out->min_lots = sqlite3_column_int64(s, 3);
    } else {
        status = wk_fail(err, WK_E_DATA, "%s has no market %s", j->path, symbol);
    }
    sqlite3_finalize(s);
    return status;
}
