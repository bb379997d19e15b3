/* Values and instruments of the fresh store. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fresh_internal.h"
#include "store_name.h"
#include "wick/clock.h"

static wk_status add(wk_fresh_value **list, size_t *n, size_t *capacity, wk_fresh_value v,
                     wk_err *err)
{
    if (*n == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 64;
        wk_fresh_value *grown = realloc(*list, more * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for %zu values", more);
        *list = grown;
        *capacity = more;
    }
    (*list)[(*n)++] = v;
    return WK_OK;
}

wk_status wk__fresh_value_rows(wk_fresh *f, int64_t series, int64_t from_ns, int64_t to_ns,
                               int only_new, wk_fresh_value **out, size_t *n, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f,
                             "SELECT time_ns, known_ns, value FROM value WHERE series = ?1 AND "
                             "time_ns >= ?2 AND time_ns < ?3 AND flushed <= ?4 "
                             "ORDER BY time_ns, known_ns, value",
                             &s, err));
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int64(s, 2, from_ns ? from_ns : INT64_MIN);
    sqlite3_bind_int64(s, 3, to_ns ? to_ns : INT64_MAX);
    sqlite3_bind_int(s, 4, !only_new);
    wk_fresh_value *list = NULL;
    size_t count = 0, capacity = 0;
    wk_status status = WK_OK;
    int rc;
    while (status == WK_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
        status = add(&list, &count, &capacity,
                     (wk_fresh_value){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1),
                                      sqlite3_column_double(s, 2)},
                     err);
    if (status == WK_OK && rc != SQLITE_DONE)
        status = wk__fresh_fail(f, "read its values", err);
    sqlite3_finalize(s);
    if (status != WK_OK) {
        free(list);
        return status;
    }
    *out = list;
    *n = count;
    return WK_OK;
}

typedef struct {
    wk_fresh *f;
    sqlite3_stmt *insert, *drop;
    int64_t series, stamp;
} putter;

static wk_status put_value(putter *p, wk_fresh_value v, wk_fresh_outcome *o, wk_err *err)
{
    wk_fresh_value *all = NULL;
    size_t n = 0, capacity;
    WK_TRY(wk__fresh_value_rows(p->f, p->series, v.time_ns, v.time_ns + 1, 0, &all, &n, err));
    capacity = n;
    wk_fresh_value *before = malloc((n + 1) * sizeof *before);
    wk_status status = before ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n_before = n;
    if (status == WK_OK && n > 0)
        memcpy(before, all, n * sizeof *all);
    if (status == WK_OK)
        status = add(&all, &n, &capacity, v, err);
    if (status != WK_OK) {
        free(all);
        free(before);
        return status;
    }
    n = wk__values_settle(all, n);
    int stays = n == n_before && (n == 0 || !memcmp(before, all, n * sizeof *all));
    if (stays)
        o->n_equal++;
    else if (n_before == 0)
        o->n_added++;
    else if (n > n_before)
        o->n_revised++;
    else
        o->n_equal++;
    if (!stays && n_before > 0) {
        sqlite3_bind_int64(p->drop, 1, p->series);
        sqlite3_bind_int64(p->drop, 2, v.time_ns);
        status = wk__fresh_run(p->f, p->drop, "write to it", err);
    }
    for (size_t i = 0; status == WK_OK && !stays && i < n; i++) {
        sqlite3_bind_int64(p->insert, 1, p->series);
        sqlite3_bind_int64(p->insert, 2, all[i].time_ns);
        sqlite3_bind_int64(p->insert, 3, all[i].known_ns);
        sqlite3_bind_double(p->insert, 4, all[i].value);
        sqlite3_bind_int64(p->insert, 5, p->stamp);
        status = wk__fresh_run(p->f, p->insert, "write to it", err);
    }
    free(all);
    free(before);
    return status;
}

static wk_status put_all(putter *p, const char *venue, const char *symbol, const char *name,
                         const wk_fresh_value *values, size_t n, wk_fresh_outcome *o, wk_err *err)
{
    if (n == 0)
        return WK_OK;
    WK_TRY(wk__fresh_series(p->f, venue, symbol, 0, name, 1, &p->series, NULL, err));
    WK_TRY(wk__fresh_stamp(p->f, 1, &p->stamp, err));
    WK_TRY(wk__fresh_prepare(p->f, "DELETE FROM value WHERE series = ?1 AND time_ns = ?2", &p->drop,
                             err));
    WK_TRY(wk__fresh_prepare(p->f,
                             "INSERT INTO value (series, time_ns, known_ns, value, stamp, flushed) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, 0)",
                             &p->insert, err));
    for (size_t i = 0; i < n; i++) {
        char when[32];
        wk_fresh_value v = values[i];
        v.value = v.value == 0 ? 0.0 : v.value; /* SQLite keeps no minus zero */
        if (!isfinite(v.value))
            return wk_fail(err, WK_E_DATA,
                           "%s %s: value %zu at %s is not a finite number; leave it out", symbol,
                           name, i, wk_time_format(v.time_ns, when));
        WK_TRY(put_value(p, v, o, err));
    }
    return WK_OK;
}

wk_status wk_fresh_put_values(wk_fresh *fresh, const char *venue, const char *symbol,
                              const char *name, const wk_fresh_value *values, size_t n,
                              const wk_fresh_cursor *cursor, wk_fresh_outcome *outcome, wk_err *err)
{
    putter p = {.f = fresh};
    wk_fresh_outcome o = {0};
    WK_TRY(wk__store_check_name("venue", venue, err));
    WK_TRY(wk__store_check_name("symbol", symbol, err));
    WK_TRY(wk__store_check_value_name(name, err));
    WK_TRY(wk__fresh_begin(fresh, 1, err));
    wk_status status = put_all(&p, venue, symbol, name, values, n, &o, err);
    if (status == WK_OK)
        status = wk__fresh_set_cursor(fresh, cursor, err);
    sqlite3_finalize(p.insert);
    sqlite3_finalize(p.drop);
    WK_TRY(wk__fresh_end(fresh, status, err));
    if (outcome)
        *outcome = o;
    return WK_OK;
}

wk_status wk_fresh_values(wk_fresh *fresh, const char *venue, const char *symbol, const char *name,
                          int64_t from_ns, int64_t to_ns, wk_fresh_value **out, size_t *n,
                          wk_err *err)
{
    wk_fresh_value *list = NULL;
    size_t count = 0;
    int64_t id = 0;
    WK_TRY(wk__fresh_begin(fresh, 0, err));
    wk_status status = wk__fresh_series(fresh, venue, symbol, 0, name, 0, &id, NULL, err);
    if (status == WK_OK && id)
        status = wk__fresh_value_rows(fresh, id, from_ns, to_ns, 0, &list, &count, err);
    status = wk__fresh_end(fresh, status, err);
    if (status != WK_OK) {
        free(list);
        return status;
    }
    *out = list;
    *n = count;
    return WK_OK;
}

/* ---- instruments: one JSON text each, so that any database browser shows them ---- */

static json_t *number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *decimal(wk_decimal d)
{
    return json_pack("[I,i]", (json_int_t)d.digits, d.scale);
}

/* Without read_ns: two readings that say the same are one row. */
static char *instrument_text(const wk_instrument *in)
{
    json_t *tiers = json_array();
    for (int i = 0; i < in->n_tiers; i++)
        json_array_append_new(tiers, json_pack("[o,o,o]", number(in->tiers[i].notional_from),
                                               number(in->tiers[i].initial_margin),
                                               number(in->tiers[i].maintenance_margin)));
    json_t *all = json_pack(
        "{ss ss ss ss ss sI si si so so so so so sb sb sb so so so so so sI sI}", "name_rest",
        in->name_rest, "name_stream", in->name_stream, "base", in->base, "quote", in->quote,
        "settle", in->settle, "venue_id", (json_int_t)in->venue_id, "price_decimals",
        in->price_decimals, "qty_decimals", in->qty_decimals, "tick", decimal(in->tick), "lot",
        decimal(in->lot), "qty_min", decimal(in->qty_min), "cost_min", decimal(in->cost_min),
        "contract_value", decimal(in->contract_value), "is_contract", in->is_contract, "is_inverse",
        in->is_inverse, "is_tradable", in->is_tradable, "maker_fee", number(in->maker_fee),
        "taker_fee", number(in->taker_fee), "initial_margin", number(in->initial_margin),
        "maintenance_margin", number(in->maintenance_margin), "tiers", tiers, "funding_interval_ns",
        (json_int_t)in->funding_interval_ns, "launch_ns", (json_int_t)in->launch_ns);
    char *text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(all);
    return text;
}

static wk_status put_instrument(wk_fresh *f, const wk_instrument *in, const char *text, wk_err *err)
{
    /* The newest row that says the same is read anew; another text begins a row of its own. */
    static const char *const sql[2] = {
        "UPDATE instrument SET read_ns = max(read_ns, ?3) WHERE venue = ?1 AND symbol = ?2 AND "
        "json "
        "= ?4 AND first_ns = (SELECT max(first_ns) FROM instrument WHERE venue = ?1 AND symbol = "
        "?2 AND first_ns <= ?3)",
        "INSERT OR REPLACE INTO instrument (venue, symbol, first_ns, read_ns, json) VALUES (?1, "
        "?2, "
        "?3, ?3, ?4)"};
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *s;
        WK_TRY(wk__fresh_prepare(f, sql[i], &s, err));
        sqlite3_bind_text(s, 1, in->venue, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, in->symbol, -1, SQLITE_STATIC);
        sqlite3_bind_int64(s, 3, in->read_ns);
        sqlite3_bind_text(s, 4, text, -1, SQLITE_STATIC);
        wk_status status = wk__fresh_run(f, s, "write to it", err);
        sqlite3_finalize(s);
        WK_TRY(status);
        if (sqlite3_changes(f->db) > 0)
            break;
    }
    return WK_OK;
}

wk_status wk_fresh_put_instrument(wk_fresh *fresh, const wk_instrument *instrument, wk_err *err)
{
    WK_TRY(wk__store_check_name("venue", instrument->venue, err));
    WK_TRY(wk__store_check_name("symbol", instrument->symbol, err));
    if (instrument->n_tiers < 0 || instrument->n_tiers > WK_MARGIN_TIERS_MAX)
        return wk_fail(err, WK_E_ARG, "%s: %d margin tiers; at most %d are kept",
                       instrument->symbol, instrument->n_tiers, WK_MARGIN_TIERS_MAX);
    char *text = instrument_text(instrument);
    if (!text)
        return wk_fail(err, WK_E_ARG, "%s: a name of the instrument is not UTF-8, or memory is out",
                       instrument->symbol);
    wk_status status = wk__fresh_begin(fresh, 1, err);
    if (status == WK_OK)
        status = wk__fresh_end(fresh, put_instrument(fresh, instrument, text, err), err);
    free(text);
    return status;
}

static void get_text(const json_t *all, const char *key, char *out, size_t size_bytes)
{
    const char *s = json_string_value(json_object_get(all, key));
    snprintf(out, size_bytes, "%s", s ? s : "");
}

static double get_number(const json_t *j)
{
    return json_is_number(j) ? json_number_value(j) : NAN;
}

static wk_decimal get_decimal(const json_t *all, const char *key)
{
    const json_t *d = json_object_get(all, key);
    return (wk_decimal){json_integer_value(json_array_get(d, 0)),
                        (int)json_integer_value(json_array_get(d, 1))};
}

static int64_t get_int(const json_t *all, const char *key)
{
    return json_integer_value(json_object_get(all, key));
}

static void read_instrument(const json_t *all, wk_instrument *out)
{
    get_text(all, "name_rest", out->name_rest, sizeof out->name_rest);
    get_text(all, "name_stream", out->name_stream, sizeof out->name_stream);
    get_text(all, "base", out->base, sizeof out->base);
    get_text(all, "quote", out->quote, sizeof out->quote);
    get_text(all, "settle", out->settle, sizeof out->settle);
    out->venue_id = get_int(all, "venue_id");
    out->price_decimals = (int)get_int(all, "price_decimals");
    out->qty_decimals = (int)get_int(all, "qty_decimals");
    out->tick = get_decimal(all, "tick");
    out->lot = get_decimal(all, "lot");
    out->qty_min = get_decimal(all, "qty_min");
    out->cost_min = get_decimal(all, "cost_min");
    out->contract_value = get_decimal(all, "contract_value");
    out->is_contract = json_is_true(json_object_get(all, "is_contract"));
    out->is_inverse = json_is_true(json_object_get(all, "is_inverse"));
    out->is_tradable = json_is_true(json_object_get(all, "is_tradable"));
    out->maker_fee = get_number(json_object_get(all, "maker_fee"));
    out->taker_fee = get_number(json_object_get(all, "taker_fee"));
    out->initial_margin = get_number(json_object_get(all, "initial_margin"));
    out->maintenance_margin = get_number(json_object_get(all, "maintenance_margin"));
    out->funding_interval_ns = get_int(all, "funding_interval_ns");
    out->launch_ns = get_int(all, "launch_ns");
    const json_t *tiers = json_object_get(all, "tiers");
    size_t n = json_array_size(tiers);
    out->n_tiers = n < WK_MARGIN_TIERS_MAX ? (int)n : WK_MARGIN_TIERS_MAX;
    for (int i = 0; i < out->n_tiers; i++) {
        const json_t *t = json_array_get(tiers, (size_t)i);
        out->tiers[i].notional_from = get_number(json_array_get(t, 0));
        out->tiers[i].initial_margin = get_number(json_array_get(t, 1));
        out->tiers[i].maintenance_margin = get_number(json_array_get(t, 2));
    }
}

wk_status wk_fresh_instrument(wk_fresh *fresh, const char *venue, const char *symbol,
                              wk_instrument *out, wk_err *err)
{
    sqlite3_stmt *s = NULL;
    wk_instrument in = {0};
    WK_TRY(wk__fresh_begin(fresh, 0, err));
    wk_status status = wk__fresh_prepare(fresh,
                                         "SELECT json, read_ns FROM instrument WHERE venue = ? AND "
                                         "symbol = ? ORDER BY read_ns DESC, first_ns DESC LIMIT 1",
                                         &s, err);
    if (status != WK_OK)
        return wk__fresh_end(fresh, status, err);
    sqlite3_bind_text(s, 1, venue, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, symbol, -1, SQLITE_STATIC);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        json_t *all = json_loads((const char *)sqlite3_column_text(s, 0), 0, NULL);
        snprintf(in.venue, sizeof in.venue, "%s", venue);
        snprintf(in.symbol, sizeof in.symbol, "%s", symbol);
        in.read_ns = sqlite3_column_int64(s, 1);
        if (all)
            read_instrument(all, &in);
        else
            status =
                wk_fail(err, WK_E_DATA, "%s: the instrument %s %s cannot be read; fetch it again",
                        fresh->path, venue, symbol);
        json_decref(all);
    } else if (rc == SQLITE_DONE) {
        status = wk_fail(err, WK_E_NOT_FOUND, "no instrument %s of %s is stored; fetch it first",
                         symbol, venue);
    } else {
        status = wk__fresh_fail(fresh, "read an instrument", err);
    }
    sqlite3_finalize(s);
    status = wk__fresh_end(fresh, status, err);
    if (status == WK_OK)
        *out = in;
    return status;
}
