/* What a journal believes: asked before the first trade of a start. */
#include "journal_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static wk_status refuse(wk_journal *j, wk_err *err)
{
    return wk_fail(err, WK_E_IO, "%s: %s", j->path, sqlite3_errmsg(j->own));
}

wk_status wk_journal_market(wk_journal *j, uint32_t index, const char *venue, const char *symbol,
                            const wk_trade_instrument *x, wk_err *err)
{
    if (index >= WK__JOURNAL_MARKETS_MAX)
        return wk_fail(err, WK_E_ARG, "the journal holds at most %d markets",
                       WK__JOURNAL_MARKETS_MAX);
    sqlite3_stmt *s = NULL;
    wk_status status = WK_OK;
    if (sqlite3_prepare_v2(
            j->own,
            "INSERT INTO markets(venue, symbol, tick, lot, min_lots) VALUES(?,?,?,?,?) ON "
            "CONFLICT(venue, "
            "symbol) DO UPDATE SET min_lots = excluded.min_lots RETURNING id, tick, lot",
            -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_text(s, 1, venue, -1, SQLITE_TRANSIENT);
    sqlite3_bind_text(s, 2, symbol, -1, SQLITE_TRANSIENT);
    sqlite3_bind_double(s, 3, x->tick);
    sqlite3_bind_double(s, 4, x->lot);
    sqlite3_bind_int64(s, 5, x->min_lots);
    if (sqlite3_step(s) != SQLITE_ROW) {
        status = refuse(j, err);
    } else if (sqlite3_column_double(s, 1) != x->tick || sqlite3_column_double(s, 2) != x->lot) {
        /* Old rows count in the old units. */
        status = wk_fail(
            err, WK_E_DATA,
            "%s: %s was traded with tick %.12g and lot %.12g before, now with %.12g and %.12g; "
            "start with a new journal while flat",
            j->path, symbol, sqlite3_column_double(s, 1), sqlite3_column_double(s, 2), x->tick,
            x->lot);
    } else {
        atomic_store(&j->market_ids[index], sqlite3_column_int64(s, 0));
    }
    sqlite3_finalize(s);
    return status;
}

uint32_t wk__journal_index(const wk_journal *j, int64_t id)
{
    for (uint32_t i = 0; i < WK__JOURNAL_MARKETS_MAX; i++)
        if (atomic_load(&j->market_ids[i]) == id)
            return i;
    return UINT32_MAX;
}

static void copy_text(sqlite3_stmt *s, int column, char *out, size_t size_bytes)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    snprintf(out, size_bytes, "%s", text ? text : "");
}

/* Orders without a last word. */
static wk_status open_orders(wk_journal *j, wk_journal_open_order **out, size_t *n, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(j->own,
                           "SELECT o.order_id, o.market, o.time_ns, o.side, o.order_kind, "
                           "o.reduce_only, o.qty_lots, o.price_ticks, "
                           "o.stop_ticks, o.profit_ticks, o.expires_ns, o.text, o.reason, "
                           "o.leverage, (SELECT state FROM "
                           "records WHERE order_id = o.order_id AND "
                           "kind = 'order_state' ORDER BY seq DESC LIMIT 1) AS last, (SELECT "
                           "coalesce(sum(qty_lots), 0) FROM records WHERE "
                           "order_id = o.order_id AND kind = 'fill' AND side = o.side) AS filled, "
                           "EXISTS(SELECT 1 FROM records WHERE order_id = o.order_id AND kind = "
                           "'order' AND state = 'cancel'), o.score "
                           "FROM records o WHERE o.kind = 'order' AND "
                           "o.state = 'planned' AND o.seq = (SELECT max(seq) FROM records WHERE "
                           "order_id = o.order_id AND kind = 'order' "
                           "AND state = 'planned') AND coalesce(last, '') NOT IN ('filled', "
                           "'cancelled', 'expired', 'refused') AND "
                           "filled < o.qty_lots ORDER BY o.seq",
                           -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        if (wk__journal_index(j, sqlite3_column_int64(s, 1)) == UINT32_MAX)
            continue; /* of a market that the bot no longer has: for a person */
        wk_journal_open_order *more = realloc(*out, (*n + 1) * sizeof *more);
        if (!more) {
            sqlite3_finalize(s);
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        *out = more;
        wk_journal_open_order *o = &more[(*n)++];
        memset(o, 0, sizeof *o);
        wk_journal_record *r = &o->order;
        r->kind = WK_JOURNAL_ORDER;
        r->order_id = strtoull((const char *)sqlite3_column_text(s, 0), NULL, 16);
        r->market = wk__journal_index(j, sqlite3_column_int64(s, 1));
        r->time_ns = sqlite3_column_int64(s, 2);
        r->side = (int8_t)sqlite3_column_int(s, 3);
        const char *kind = (const char *)sqlite3_column_text(s, 4);
        r->order_kind = kind && strcmp(kind, "limit") == 0 ? WK_ORDER_LIMIT : WK_ORDER_MARKET;
        r->reduce_only = (uint8_t)sqlite3_column_int(s, 5);
        r->qty_lots = sqlite3_column_int64(s, 6);
        r->price_ticks = sqlite3_column_int64(s, 7);
        r->stop_ticks = sqlite3_column_int64(s, 8);
        r->profit_ticks = sqlite3_column_int64(s, 9);
        r->expires_ns = sqlite3_column_int64(s, 10);
        copy_text(s, 11, r->text, sizeof r->text);
        r->reason = wk__journal_reason((const char *)sqlite3_column_text(s, 12));
        r->leverage = sqlite3_column_double(s, 13);
        copy_text(s, 14, o->state, sizeof o->state);
        o->filled_lots = sqlite3_column_int64(s, 15);
        o->cancel_wanted = sqlite3_column_int(s, 16) != 0;
        r->score = sqlite3_column_double(s, 17);
    }
    wk_status status = code == SQLITE_DONE ? WK_OK : refuse(j, err);
    sqlite3_finalize(s);
    return status;
}

/* Adds one fill to a position. */
static void add_fill(wk_journal_position *p, int side, int64_t lots, int64_t ticks)
{
    int64_t signed_lots = side * lots, before = p->qty_lots;
    bool adds = before == 0 || (before > 0) == (side > 0);
    if (adds) {
        __extension__ typedef __int128 wide;
        wide sum = (wide)p->entry_ticks * (before < 0 ? -before : before) + (wide)ticks * lots;
        p->entry_ticks = (int64_t)(sum / ((before < 0 ? -before : before) + lots));
    }
    p->qty_lots += signed_lots;
    if (p->qty_lots == 0)
        p->entry_ticks = p->stop_ticks = p->profit_ticks = 0;
    else if (!adds && (before > 0) != (p->qty_lots > 0))
        p->entry_ticks = ticks; /* turned round */
}

static wk_status positions(wk_journal *j, wk_journal_position **out, size_t *n, wk_err *err)
{
    wk_journal_position *all = calloc(WK__JOURNAL_MARKETS_MAX, sizeof *all);
    sqlite3_stmt *s = NULL;
    if (!all)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    if (sqlite3_prepare_v2(j->own,
                           "SELECT f.market, f.side, f.qty_lots, f.price_ticks, o.stop_ticks, "
                           "o.profit_ticks, o.leverage, f.order_id FROM records f "
                           "LEFT JOIN records o ON o.order_id = f.order_id AND o.kind = 'order' "
                           "AND o.state = 'planned' AND "
                           "o.reduce_only = 0 WHERE f.kind = 'fill' GROUP BY f.seq ORDER BY f.seq",
                           -1, &s, NULL) != SQLITE_OK) {
        free(all);
        return refuse(j, err);
    }
    int code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        uint32_t market = wk__journal_index(j, sqlite3_column_int64(s, 0));
        if (market == UINT32_MAX)
            continue; /* a market that the bot no longer has */
        wk_journal_position *p = &all[market];
        add_fill(p, sqlite3_column_int(s, 1), sqlite3_column_int64(s, 2),
                 sqlite3_column_int64(s, 3));
        if (p->qty_lots != 0 && sqlite3_column_int64(s, 4) + sqlite3_column_int64(s, 5) > 0) {
            p->stop_ticks = sqlite3_column_int64(s, 4);
            p->profit_ticks = sqlite3_column_int64(s, 5);
        }
        if (p->qty_lots != 0 && sqlite3_column_type(s, 6) != SQLITE_NULL) {
            const char *id = (const char *)sqlite3_column_text(s, 7);
            p->leverage = sqlite3_column_double(s, 6);
            p->entry_id = id ? strtoull(id, NULL, 16) : 0;
        }
    }
    wk_status status = code == SQLITE_DONE ? WK_OK : refuse(j, err);
    sqlite3_finalize(s);
    size_t kept = 0;
    for (uint32_t i = 0; i < WK__JOURNAL_MARKETS_MAX; i++)
        if (all[i].qty_lots != 0) {
            all[i].market = i;
            all[kept++] = all[i];
        }
    if (status == WK_OK) {
        *out = all;
        *n = kept;
    } else {
        free(all);
    }
    return status;
}

/* The newest equity row says the cash of its time. */
static wk_status newest_cash(wk_journal *j, int64_t *cash_e8, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(
            j->own, "SELECT cash_e8 FROM records WHERE kind = 'equity' ORDER BY seq DESC LIMIT 1",
            -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    *cash_e8 = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : INT64_MIN;
    sqlite3_finalize(s);
    return WK_OK;
}

wk_status wk_journal_recover(wk_journal *j, wk_journal_open_order **orders, size_t *n_orders,
                             wk_journal_position **held, size_t *n_positions, int64_t *cash_e8,
                             wk_err *err)
{
    wk_journal_open_order *list = NULL;
    wk_journal_position *at = NULL;
    size_t n = 0, m = 0;
    wk_status status = open_orders(j, &list, &n, err);
    if (status == WK_OK)
        status = positions(j, &at, &m, err);
    if (status == WK_OK)
        status = newest_cash(j, cash_e8, err);
    if (status != WK_OK) {
        free(list);
        free(at);
        return status;
    }
    *orders = list;
    *n_orders = n;
    *held = at;
    *n_positions = m;
    return WK_OK;
}

wk_status wk_journal_has_fill(wk_journal *j, const char *fill_id, bool *has, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(j->own,
                           "SELECT 1 FROM records WHERE kind = 'fill' AND venue_id = ?1 UNION ALL "
                           "SELECT 1 FROM records WHERE kind = 'funding' AND venue_id = ?1",
                           -1, &s, NULL) != SQLITE_OK)
        return refuse(j, err);
    sqlite3_bind_text(s, 1, fill_id, -1, SQLITE_TRANSIENT);
    *has = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return WK_OK;
}
