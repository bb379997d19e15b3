#include "toy_venue.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wick/clock.h"

enum { ASK_LEAST = 200000 };

static const char *const names[TOY_MARKETS] = {"BTC/USD", "ALGO/USD"};

void toy_begin(toy_venue *v)
{
    memset(v->n_candles, 0, sizeof v->n_candles);
    memset(v->recent, 0, sizeof v->recent);
    memset(v->qty, 0, sizeof v->qty);
    v->is_full = false;
    for (int m = 0; m < TOY_MARKETS; m++)
        v->next_id[m] = 100 + m;
}

/* ---- texts, without printf: most of the time went there ---- */

static void add(wk_text *out, const char *s)
{
    wk_text_add_bytes(out, s, strlen(s));
}

static void add_number(int64_t x, int n_digits, wk_text *out)
{
    char digits[24];
    int n = 0;
    for (; x || n < n_digits || n == 0; x /= 10)
        digits[sizeof digits - (size_t)++n] = (char)('0' + x % 10);
    wk_text_add_bytes(out, digits + sizeof digits - n, (size_t)n);
}

static void add_time(const char *name, int64_t ns, wk_text *out)
{
    wk_civil t = wk_civil_from_ns(ns);
    const int parts[] = {t.month, t.day, t.hour, t.minute, t.second};
    add(out, name);
    add_number(t.year, 4, out);
    for (int i = 0; i < 5; i++) {
        wk_text_add_bytes(out, &"--T::"[i], 1);
        add_number(parts[i], 2, out);
    }
    add(out, ".");
    add_number(ns % WK_NS_PER_S, 9, out);
    add(out, "Z\"");
}

static void add_price(const char *name, int64_t price, wk_text *out)
{
    add(out, name);
    add_number(price / 10, 1, out);
    add(out, ".");
    add_number(price % 10, 1, out);
}

static void add_size(const char *name, int64_t qty, wk_text *out)
{
    add(out, name);
    add_number(qty / 1000, 1, out);
    add(out, ".");
    add_number(qty % 1000, 3, out);
}

static void add_market(int market, wk_text *row)
{
    add(row, row->n ? ",{\"symbol\":\"" : "{\"symbol\":\"");
    add(row, names[market]);
}

static void trade_row(const toy_trade *t, wk_text *row)
{
    add_market(t->market, row);
    add(row, t->qty % 2 ? "\",\"side\":\"buy" : "\",\"side\":\"sell");
    add_price("\",\"price\":", t->price, row);
    add_size(",\"qty\":", t->qty, row);
    add(row, ",\"trade_id\":");
    add_number(t->id, 1, row);
    add_time(",\"timestamp\":\"", t->time_ns, row);
    add(row, "}");
}

void toy_candle_row(int market, const toy_candle *c, wk_text *row)
{
    add_market(market, row);
    add_price("\",\"open\":", c->open, row);
    add_price(",\"high\":", c->high, row);
    add_price(",\"low\":", c->low, row);
    add_price(",\"close\":", c->close, row);
    add_size(",\"volume\":", c->volume, row);
    add(row, ",\"trades\":");
    add_number(c->n_trades, 1, row);
    add_time(",\"interval_begin\":\"", c->open_ns, row);
    add(row, ",\"interval\":1}");
}

void toy_recent_rows(const toy_venue *v, wk_text *rows)
{
    for (int m = 0; m < TOY_MARKETS; m++)
        for (int64_t id = v->next_id[m] - TOY_RECENT; id < v->next_id[m]; id++)
            if (id > 0 && v->recent[m][id % TOY_RECENT].id == id)
                trade_row(&v->recent[m][id % TOY_RECENT], rows);
}

static const char *kind(bool is_snapshot)
{
    return is_snapshot ? "\",\"type\":\"snapshot\"" : "\",\"type\":\"update\"";
}

void toy_frame(const char *channel, bool is_snapshot, int64_t now_ns, const char *rows,
               wk_text *frame)
{
    add(frame, "{\"channel\":\"");
    add(frame, channel);
    add(frame, kind(is_snapshot));
    add_time(",\"timestamp\":\"", now_ns, frame);
    add(frame, ",\"data\":[");
    add(frame, rows);
    add(frame, "]}");
}

void toy_subscribed(const char *channel, int market, int64_t now_ns, wk_text *frame)
{
    add(frame, "{\"method\":\"subscribe\",\"result\":{\"channel\":\"");
    add(frame, channel);
    add(frame, "\",\"symbol\":\"");
    add(frame, names[market]);
    add_time("\"},\"success\":true,\"time_out\":\"", now_ns, frame);
    add(frame, "}");
}

void toy_pong(int64_t now_ns, wk_text *frame)
{
    add_time("{\"method\":\"pong\",\"time_out\":\"", now_ns, frame);
    add(frame, "}");
}

void toy_instruments(wk_text *frame)
{
    wk_text rows = {0};
    for (int m = 0; m < TOY_MARKETS; m++) {
        add_market(m, &rows);
        add(&rows, "\",\"status\":\"online\",\"price_precision\":1,\"qty_precision\":3,"
                   "\"price_increment\":0.1,\"qty_increment\":0.001,\"qty_min\":0.001}");
    }
    add(frame, "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{\"pairs\":[");
    add(frame, rows.s);
    add(frame, "]}}");
    free(rows.s);
}

/* ---- trades and candles ---- */

const toy_candle *toy_candle_before(const toy_venue *v, int market, int64_t open_ns)
{
    int i = v->n_candles[market];
    while (i > 0 && v->candles[market][i - 1].open_ns >= open_ns)
        i--;
    return i ? &v->candles[market][i - 1] : NULL;
}

const toy_candle *toy_candle_at(const toy_venue *v, int market, int64_t open_ns)
{
    const toy_candle *c = toy_candle_before(v, market, open_ns + 1);
    return c && c->open_ns == open_ns ? c : NULL;
}

/* The minute's candle, made when it is not there; NULL: no room. */
static toy_candle *candle_of(toy_venue *v, int market, int64_t open_ns)
{
    toy_candle *all = v->candles[market];
    int n = v->n_candles[market], i = n;
    while (i > 0 && all[i - 1].open_ns >= open_ns)
        i--;
    if (i < n && all[i].open_ns == open_ns)
        return &all[i];
    if (n == TOY_CANDLES)
        return NULL;
    memmove(all + i + 1, all + i, (size_t)(n - i) * sizeof *all);
    all[i] = (toy_candle){.open_ns = open_ns};
    v->n_candles[market]++;
    return &all[i];
}

void toy_take(toy_venue *v, int market, int64_t time_ns, int64_t price, int64_t qty, wk_text *row)
{
    int64_t id = v->next_id[market]++, minute = 60 * WK_NS_PER_S;
    toy_trade t = {market, id, time_ns, price, qty};
    v->recent[market][id % TOY_RECENT] = t;
    trade_row(&t, row);
    toy_candle *c = candle_of(v, market, time_ns / minute * minute);
    if (!c) {
        v->is_full = true;
        return;
    }
    if (c->n_trades == 0 || time_ns < c->first_ns) {
        c->first_ns = time_ns;
        c->first_id = id;
        c->open = price;
    }
    if (c->n_trades == 0 || time_ns >= c->last_ns) {
        c->last_ns = time_ns;
        c->last_id = id;
        c->close = price;
    }
    c->high = c->n_trades && c->high > price ? c->high : price;
    c->low = c->n_trades && c->low < price ? c->low : price;
    c->volume += qty;
    c->n_trades++;
}

/* ---- the book ---- */

static int64_t price_of(int side, int at)
{
    return side ? ASK_LEAST + at : ASK_LEAST - 1 - at;
}

void toy_look(const toy_venue *v, toy_view *view)
{
    wk_text text = {0};
    *view = (toy_view){0};
    for (int side = 0; side < 2; side++)
        for (int at = 0; at < TOY_LEVELS && view->n[side] < TOY_DEPTH; at++)
            if (v->qty[side][at])
                view->levels[side][view->n[side]++] =
                    (toy_level){price_of(side, at), v->qty[side][at]};
    for (int side = 1; side >= 0; side--)
        for (int i = 0; i < view->n[side]; i++) {
            add_number(view->levels[side][i].price, 1, &text);
            add_number(view->levels[side][i].qty, 1, &text);
        }
    view->checksum = (uint32_t)crc32(0, (const Bytef *)text.s, (uInt)text.n);
    free(text.s);
}

static void level_row(const toy_level *level, wk_text *rows)
{
    add_price(rows->n ? ",{\"price\":" : "{\"price\":", level->price, rows);
    add_size(",\"qty\":", level->qty, rows);
    add(rows, "}");
}

static int64_t qty_in(const toy_view *view, int side, int64_t price)
{
    for (int i = 0; i < view->n[side]; i++)
        if (view->levels[side][i].price == price)
            return view->levels[side][i].qty;
    return 0;
}

/* As Kraken tells it: what is new in the view and what was deleted, but not what was pushed out of
 * it, which the reader drops by itself. */
void toy_set_level(toy_venue *v, int side, int at, int64_t qty, wk_text *rows[2])
{
    toy_view before, now;
    toy_look(v, &before);
    v->qty[side][at] = qty;
    toy_look(v, &now);
    toy_level gone = {price_of(side, at), 0};
    if (qty == 0 && qty_in(&before, side, gone.price))
        level_row(&gone, rows[side]);
    for (int i = 0; i < now.n[side]; i++)
        if (qty_in(&before, side, now.levels[side][i].price) != now.levels[side][i].qty)
            level_row(&now.levels[side][i], rows[side]);
}

void toy_view_rows(const toy_view *view, wk_text *rows[2])
{
    for (int side = 0; side < 2; side++)
        for (int i = 0; i < view->n[side]; i++)
            level_row(&view->levels[side][i], rows[side]);
}

void toy_book_frame(bool is_snapshot, int64_t now_ns, const char *bids, const char *asks,
                    uint32_t checksum, wk_text *frame)
{
    add(frame, "{\"channel\":\"book");
    add(frame, kind(is_snapshot));
    add(frame, ",\"data\":[");
    add(frame, "{\"symbol\":\"");
    add(frame, names[0]);
    add(frame, "\",\"bids\":[");
    add(frame, bids);
    add(frame, "],\"asks\":[");
    add(frame, asks);
    add(frame, "],\"checksum\":");
    add_number(checksum, 1, frame);
    add_time(",\"timestamp\":\"", now_ns, frame);
    add(frame, "}]}");
}
