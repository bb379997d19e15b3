#include "market.h"

#include <stdlib.h>
#include <string.h>

#define BUSY_MAX 1000

__extension__ typedef __int128 wide; /* products of price and size */

uint64_t market_hash(uint64_t seed, uint64_t a, uint64_t b)
{
    uint64_t x = seed + 0x9e3779b97f4a7c15u * (a + 1) + 0xd1b54a32d192ed03u * (b + 1);
    for (int i = 0; i < 2; i++) {
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9u;
        x ^= x >> 27;
        x *= 0x94d049bb133111ebu;
        x ^= x >> 31;
    }
    return x;
}

typedef struct {
    uint64_t seed, stream, n;
} dice;

static int64_t throw_dice(dice *d, int64_t faces)
{
    return (int64_t)(market_hash(d->seed, d->stream, d->n++) % (uint64_t)faces);
}

static int cmp_int64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Times of the trades in one minute, in order. Bucket edges, equal times and silence are frequent
 * here because they are where aggregation goes wrong. */
static int minute_times(dice *d, int64_t minute_ns, int busy, int64_t *quiet_left, int64_t *out)
{
    if (busy > 0) {
        int n = busy / 2 + (int)throw_dice(d, busy + 1);
        for (int i = 0; i < n; i++)
            out[i] = minute_ns + throw_dice(d, 600000000) * 100;
        qsort(out, (size_t)n, sizeof *out, cmp_int64);
        return n;
    }
    if (*quiet_left > 0) {
        (*quiet_left)--;
        return 0;
    }
    if (throw_dice(d, 60) == 0) {
        *quiet_left = 2 + throw_dice(d, 20);
        return 0;
    }
    if (throw_dice(d, 5) == 0)
        return 0;
    int n = 1 + (int)throw_dice(d, 4);
    if (throw_dice(d, 6) == 0)
        n += (int)throw_dice(d, 12);
    for (int i = 0; i < n; i++)
        out[i] = minute_ns + throw_dice(d, 600000000) * 100;
    qsort(out, (size_t)n, sizeof *out, cmp_int64);
    if (throw_dice(d, 25) == 0)
        out[0] = minute_ns;
    if (throw_dice(d, 25) == 0)
        out[n - 1] = minute_ns + NS_A_MINUTE - 100;
    if (n > 1 && throw_dice(d, 10) == 0)
        out[1] = out[0];
    return n;
}

static void add_trade(market *m, dice *d, size_t *size, int64_t time_ns, int64_t *price)
{
    const market_instrument *what = m->instrument;
    if (m->n_trades == *size) {
        *size *= 2;
        m->trades = realloc(m->trades, *size * sizeof *m->trades);
        if (!m->trades)
            abort();
    }
    /* A walk that is pulled back to where it began, so that no length of it runs away. */
    int64_t span = what->price_first / 2 / what->tick + 2;
    int64_t ticks = (*price - what->price_first) / what->tick;
    int64_t step = throw_dice(d, 15) - 7;
    if (throw_dice(d, span) < (ticks < 0 ? -ticks : ticks))
        step = ticks < 0 ? 7 : -7;
    *price += step * what->tick;
    if (*price < what->tick)
        *price = what->tick;
    int64_t lots = what->qty_most / what->qty_step;
    int64_t most = throw_dice(d, 10) == 0 ? lots : lots / 50 + 1;
    market_trade *t = &m->trades[m->n_trades];
    *t = (market_trade){.time_ns = time_ns, .arrival_ns = time_ns, .price = *price};
    t->qty = (1 + throw_dice(d, most)) * what->qty_step;
    if (throw_dice(d, 4) == 0 && t->qty > 100 * what->qty_step)
        t->qty -= t->qty % (100 * what->qty_step); /* trailing zeros */
    t->side = throw_dice(d, 2) ? 1 : -1;
    t->is_market = throw_dice(d, 3) == 0;
    t->id = 4000000 + (int64_t)m->n_trades;
    m->n_trades++;
}

typedef struct {
    int64_t arrival_ns;
    uint32_t index;
} arrival;

static int cmp_arrival(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    if (x->arrival_ns != y->arrival_ns)
        return x->arrival_ns > y->arrival_ns ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static void order_by_arrival(market *m)
{
    arrival *order = malloc((m->n_trades + 1) * sizeof *order);
    m->by_arrival = malloc((m->n_trades + 1) * sizeof *m->by_arrival);
    if (!order || !m->by_arrival)
        abort();
    for (size_t i = 0; i < m->n_trades; i++)
        order[i] = (arrival){m->trades[i].arrival_ns, (uint32_t)i};
    qsort(order, m->n_trades, sizeof *order, cmp_arrival);
    for (size_t i = 0; i < m->n_trades; i++)
        m->by_arrival[i] = order[i].index;
    free(order);
}

static int64_t book_qty(const market *m, dice *d)
{
    int64_t lots = m->instrument->qty_most / m->instrument->qty_step;
    int64_t qty = (1 + throw_dice(d, lots)) * m->instrument->qty_step;
    if (throw_dice(d, 3) == 0 && qty > 1000 * m->instrument->qty_step)
        qty -= qty % (1000 * m->instrument->qty_step);
    return qty;
}

static void book_begin(market *m)
{
    dice d = {m->seed, 77, 0};
    const market_trade *last = market_last(m, m->live_ns);
    int64_t price = last ? last->price : m->instrument->price_first;
    memset(&m->book_first, 0, sizeof m->book_first);
    for (int side = 0; side < 2; side++) {
        int64_t at = price;
        for (int i = 0; i < 120; i++) {
            at += (side ? 1 : -1) * (1 + throw_dice(&d, 3)) * m->instrument->tick;
            if (at <= 0)
                break;
            m->book_first.side[side][m->book_first.n[side]++] = (market_level){at, book_qty(m, &d)};
        }
    }
    m->book_now = m->book_first;
}

void market_init(market *m, const market_instrument *instrument, const market_options *options)
{
    memset(m, 0, sizeof *m);
    m->instrument = instrument;
    m->seed = market_hash(options->seed, (uint64_t)instrument->price_first,
                          (uint64_t)instrument->product_id);
    m->begin_ns = options->begin_ns - options->begin_ns % NS_A_MINUTE;
    m->end_ns = options->end_ns - options->end_ns % NS_A_MINUTE + NS_A_MINUTE;
    m->live_ns = options->live_ns;
    m->book_step_ns = options->book_step_ns;
    m->n_minutes = (size_t)((m->end_ns - m->begin_ns) / NS_A_MINUTE);
    m->minute_first = malloc((m->n_minutes + 1) * sizeof *m->minute_first);
    size_t size = 1024;
    m->trades = malloc(size * sizeof *m->trades);
    if (!m->minute_first || !m->trades)
        abort();
    dice d = {m->seed, 1, 0};
    int busy = options->busy < BUSY_MAX ? options->busy : BUSY_MAX;
    int64_t price = instrument->price_first, quiet_left = 0, times[32 + 2 * BUSY_MAX];
    for (size_t i = 0; i < m->n_minutes; i++) {
        m->minute_first[i] = m->n_trades;
        int64_t minute_ns = m->begin_ns + (int64_t)i * NS_A_MINUTE;
        int is_live = minute_ns + NS_A_MINUTE > m->live_ns;
        int n = minute_times(&d, minute_ns, is_live ? busy : 0, &quiet_left, times);
        for (int k = 0; k < n; k++)
            add_trade(m, &d, &size, times[k], &price);
    }
    m->minute_first[m->n_minutes] = m->n_trades;
    for (size_t i = 0; options->late_every > 0 && i < m->n_trades; i++)
        if (m->trades[i].time_ns >= m->live_ns &&
            market_hash(m->seed, 9, i) % (uint64_t)options->late_every == 0)
            m->trades[i].arrival_ns +=
                1 + (int64_t)(market_hash(m->seed, 10, i) % (uint64_t)options->late_ns_most);
    order_by_arrival(m);
    book_begin(m);
}

void market_finish(market *m)
{
    free(m->trades);
    free(m->by_arrival);
    free(m->minute_first);
    free(m->events);
    memset(m, 0, sizeof *m);
}

size_t market_trades_before(const market *m, int64_t time_ns)
{
    if (time_ns <= m->begin_ns)
        return 0;
    if (time_ns >= m->end_ns)
        return m->n_trades;
    size_t i = m->minute_first[(time_ns - m->begin_ns) / NS_A_MINUTE];
    while (i < m->n_trades && m->trades[i].time_ns < time_ns)
        i++;
    return i;
}

int market_candle_at(const market *m, int64_t open_s, int64_t seconds, int64_t seen_ns,
                     market_candle *out)
{
    size_t from = market_trades_before(m, open_s * NS_A_SECOND);
    size_t to = market_trades_before(m, (open_s + seconds) * NS_A_SECOND);
    market_candle c = {.open_s = open_s};
    wide money = 0;
    for (size_t i = from; i < to; i++) {
        const market_trade *t = &m->trades[i];
        if (t->arrival_ns > seen_ns)
            continue;
        if (c.n_trades == 0)
            c.open = c.high = c.low = t->price;
        c.high = t->price > c.high ? t->price : c.high;
        c.low = t->price < c.low ? t->price : c.low;
        c.close = t->price;
        c.volume += t->qty;
        money += (wide)t->price * t->qty;
        c.n_trades++;
    }
    if (c.n_trades > 0) {
        c.vwap = (int64_t)((money + c.volume / 2) / c.volume);
        *out = c;
        return 1;
    }
    while (from > 0 && m->trades[from - 1].arrival_ns > seen_ns)
        from--;
    if (from == 0)
        return 0;
    c.open = c.high = c.low = c.close = m->trades[from - 1].price;
    *out = c;
    return 1;
}

const market_trade *market_last(const market *m, int64_t now_ns)
{
    size_t i = market_trades_before(m, now_ns + 1);
    while (i > 0 && m->trades[i - 1].arrival_ns > now_ns)
        i--;
    return i > 0 ? &m->trades[i - 1] : NULL;
}

static int find_level(const market_book *book, int side, int64_t price, int *at)
{
    int i = 0;
    while (i < book->n[side] &&
           (side ? book->side[side][i].price < price : book->side[side][i].price > price))
        i++;
    *at = i;
    return i < book->n[side] && book->side[side][i].price == price;
}

static void set_level(market_book *book, int side, int64_t price, int64_t qty)
{
    int at;
    market_level *levels = book->side[side];
    int found = find_level(book, side, price, &at);
    size_t tail = (size_t)(book->n[side] - at) * sizeof *levels;
    if (qty == 0) {
        if (!found)
            return;
        memmove(levels + at, levels + at + 1, tail - sizeof *levels);
        book->n[side]--;
    } else if (found) {
        levels[at].qty = qty;
    } else {
        if (book->n[side] == BOOK_LEVELS_MAX)
            abort();
        memmove(levels + at + 1, levels + at, tail);
        levels[at] = (market_level){price, qty};
        book->n[side]++;
    }
}

void market_book_apply(market_book *book, const market_book_event *event)
{
    for (int i = 0; i < event->n; i++)
        set_level(book, event->change[i].side, event->change[i].price, event->change[i].qty);
}

static int book_is_full(const market_book *book, int side)
{
    return book->n[side] >= BOOK_LEVELS_MAX - 1;
}

static void change(market *m, market_book_event *event, int side, int64_t price, int64_t qty)
{
    if (event->n == 32 || price <= 0 || (qty && book_is_full(&m->book_now, side)))
        return;
    event->change[event->n].side = side;
    event->change[event->n].price = price;
    event->change[event->n].qty = qty;
    event->n++;
    set_level(&m->book_now, side, price, qty);
}

/* One event: first the book moves to where the last trade was, then levels come, change and go. */
static void book_event(market *m, uint64_t k, int64_t time_ns, market_book_event *event)
{
    dice d = {m->seed, 1000 + k, 0};
    *event = (market_book_event){.time_ns = time_ns};
    const market_trade *last = market_last(m, time_ns);
    int64_t price = last ? last->price : m->instrument->price_first, tick = m->instrument->tick;
    market_book *book = &m->book_now;
    for (int side = 0; side < 2; side++) {
        while (book->n[side] > 0 && event->n < 24 &&
               (side ? book->side[1][0].price <= price : book->side[0][0].price >= price))
            change(m, event, side, book->side[side][0].price, 0);
        int64_t near = price + (side ? 1 : -1) * tick * (1 + throw_dice(&d, 3));
        int64_t best = book->n[side] ? book->side[side][0].price : 0;
        if (book->n[side] < 40 || (side ? best > near : best < near))
            change(m, event, side, near, book_qty(m, &d));
    }
    int64_t n = 1 + throw_dice(&d, 4);
    for (int64_t i = 0; i < n; i++) {
        int side = (int)throw_dice(&d, 2);
        int64_t at = throw_dice(&d, throw_dice(&d, 3) ? 12 : book->n[side] + 1);
        int64_t what = throw_dice(&d, 10);
        if (at >= book->n[side] || (what < 3 && book->n[side] < 200))
            change(m, event, side, price + (side ? 1 : -1) * tick * (3 + throw_dice(&d, 50)),
                   book_qty(m, &d));
        else if (what < 5 && book->n[side] > 30)
            change(m, event, side, book->side[side][at].price, 0);
        else
            change(m, event, side, book->side[side][at].price, book_qty(m, &d));
    }
}

void market_book_advance(market *m, int64_t now_ns)
{
    for (;;) {
        uint64_t k = m->n_events;
        int64_t jitter = (int64_t)(market_hash(m->seed, 5, k) % (uint64_t)(m->book_step_ns / 2));
        int64_t time_ns = m->live_ns + ((int64_t)k + 1) * m->book_step_ns + jitter;
        time_ns -= time_ns % 1000;
        if (time_ns > now_ns)
            return;
        if (m->n_events == m->events_size) {
            m->events_size = m->events_size ? m->events_size * 2 : 256;
            m->events = realloc(m->events, m->events_size * sizeof *m->events);
            if (!m->events)
                abort();
        }
        book_event(m, k, time_ns, &m->events[m->n_events]);
        m->n_events++;
    }
}

void market_book_at(market *m, int64_t time_ns, market_book *out)
{
    *out = m->book_first;
    for (size_t i = 0; i < m->n_events && m->events[i].time_ns <= time_ns; i++)
        market_book_apply(out, &m->events[i]);
}

int64_t market_funding(const market *m, int64_t index)
{
    return (int64_t)(market_hash(m->seed, 21, (uint64_t)index) % 400000001) - 200000000;
}

int64_t market_open_interest(const market *m, int64_t minute)
{
    /* Two slow saw-teeth and a little noise. */
    int64_t slow = minute % 1440 < 720 ? minute % 720 : 720 - minute % 720;
    return 800000 + 50 * slow + (int64_t)(market_hash(m->seed, 22, (uint64_t)minute) % 97);
}
