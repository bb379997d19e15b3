/* The scripted account's calls. */
#include "executor_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

uint64_t fake_next(fake *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return f->random * UINT64_C(0x2545F4914F6CDD1D) >> 11;
}

static bool chance(fake *f, int percent)
{
    return !f->calm && (int)(fake_next(f) % 100) < percent;
}

int64_t fake_now(void *ctx)
{
    return ((fake *)ctx)->now;
}

static void add_fill(fake *f, uint32_t symbol, int side, int64_t lots, uint64_t client,
                     const char *order_id)
{
    assert_true(f->n_fills < FILLS);
    venue_fill *v = &f->fills[f->n_fills];
    *v = (venue_fill){.visible_ns = f->now + (int64_t)(fake_next(f) % 3000) * MS};
    v->fill = (wk_venue_fill){.client_id = f->anonymous ? 0 : client,
                              .symbol = symbol,
                              .side = (int8_t)side,
                              .qty_lots = lots,
                              .price_ticks = 1000 + (int64_t)(fake_next(f) % 10),
                              .fee_e8 = 7 * lots,
                              .time_ns = f->now};
    snprintf(v->fill.fill_id, sizeof v->fill.fill_id, "F%zu", f->n_fills++);
    snprintf(v->fill.venue_order_id, sizeof v->fill.venue_order_id, "%s", order_id);
    f->position[symbol] += side * lots;
    f->n_oversold += f->stops_strike && f->position[symbol] < 0;
}

/* A resting stop strikes now and then, at times in two parts. */
static void strike(fake *f)
{
    for (uint32_t s = 0; s < S && f->stops_strike && !f->calm; s++) {
        char id[32];
        int64_t lots = f->stop_lots[s];
        if (lots <= 0 || fake_next(f) % 400 != 0)
            continue;
        if (lots > 1 && fake_next(f) % 3 == 0)
            lots = 1 + (int64_t)(fake_next(f) % (uint64_t)(lots - 1));
        if (lots > f->position[s])
            lots = f->position[s]; /* a spot venue sells what is there */
        snprintf(id, sizeof id, "S%llx", (unsigned long long)f->stop_id[s]);
        if (lots > 0)
            add_fill(f, s, -1, lots, f->stop_id[s], id);
        f->stop_lots[s] = lots > 0 ? f->stop_lots[s] - lots : 0;
    }
}

void fake_advance(fake *f, int64_t ns)
{
    f->now += ns;
    for (size_t i = 0; i < f->n_orders; i++) {
        venue_order *o = &f->orders[i];
        int64_t rest = o->order.qty_lots - o->filled;
        if (o->arrives_ns > f->now || o->gone || rest == 0)
            continue;
        bool market = o->order.kind == WK_ORDER_MARKET;
        if (!market && fake_next(f) % 100 >= 3)
            continue;
        int64_t lots = fake_next(f) % 2 ? rest : 1 + (int64_t)(fake_next(f) % (uint64_t)rest);
        o->filled += lots;
        add_fill(f, o->order.symbol, o->order.side, lots, o->order.id, o->id);
    }
    strike(f);
}

static void wait_some(fake *f, bool timed_out)
{
    fake_advance(f, timed_out ? 3 * SECOND : (int64_t)(5 + fake_next(f) % 200) * MS);
}

venue_order *fake_find(fake *f, uint64_t id)
{
    for (size_t i = 0; i < f->n_orders; i++)
        if (f->orders[i].order.id == id)
            return &f->orders[i];
    return NULL;
}

void fake_describe(const fake *f, const venue_order *o, wk_venue_order *out)
{
    (void)f;
    *out = (wk_venue_order){.client_id = o->order.id,
                            .symbol = o->order.symbol,
                            .side = o->order.side,
                            .is_open = !o->gone && o->filled < o->order.qty_lots,
                            .qty_lots = o->order.qty_lots,
                            .filled_lots = o->filled};
    snprintf(out->venue_id, sizeof out->venue_id, "%s", o->id);
}

static int64_t validity_ns(void *self)
{
    (void)self;
    return VALIDITY;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    f->n_placed_exits += order->reduce_only;
    if (f->always == WK_REQUEST_STOP)
        return WK_REQUEST_STOP;
    int64_t arrives = f->now;
    wk_request_result result = WK_REQUEST_DONE;
    int dice = f->calm ? 99 : (int)(fake_next(f) % 100);
    if (dice < 6)
        return WK_REQUEST_REFUSED;
    if (dice < 16) {
        *wait_ns = (int64_t)(fake_next(f) % 1500) * MS;
        return WK_REQUEST_LATER;
    }
    if (dice < 55) {
        result = WK_REQUEST_UNKNOWN;
        arrives = dice < 30   ? NEVER
                  : dice < 40 ? f->now
                              : f->now + (int64_t)(fake_next(f) % (uint64_t)(VALIDITY / MS)) * MS;
    }
    if (arrives != NEVER) {
        f->n_doubled += fake_find(f, order->id) != NULL;
        assert_true(f->n_orders < ORDERS);
        venue_order *o = &f->orders[f->n_orders];
        *o = (venue_order){.order = *order, .arrives_ns = arrives};
        snprintf(o->id, sizeof o->id, "V%zu", f->n_orders++);
    }
    wait_some(f, result == WK_REQUEST_UNKNOWN);
    if (result == WK_REQUEST_DONE)
        fake_describe(f, fake_find(f, order->id), out);
    return result;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    fake *f = self;
    (void)symbol;
    snprintf(why, 256, "scripted");
    *wait_ns = 100 * MS;
    if (chance(f, 10))
        return WK_REQUEST_LATER;
    venue_order *o = fake_find(f, client_id);
    bool lost = chance(f, 20);
    wait_some(f, lost);
    if (lost && chance(f, 50))
        return WK_REQUEST_UNKNOWN;
    bool open = o && o->arrives_ns <= f->now && !o->gone && o->filled < o->order.qty_lots;
    if (open)
        o->gone = true;
    return lost ? WK_REQUEST_UNKNOWN : open ? WK_REQUEST_DONE : WK_REQUEST_REFUSED;
}

static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    *wait_ns = 100 * MS;
    if (chance(f, 15))
        return fake_next(f) % 2 ? WK_REQUEST_UNKNOWN : WK_REQUEST_LATER;
    wait_some(f, false);
    for (size_t i = 0; i < f->n_stop_ids; i++)
        if (f->used[i] == client_id) {
            *out = (wk_venue_order){.client_id = client_id,
                                    .symbol = symbol,
                                    .is_open = f->stop_lots[symbol] > 0 &&
                                               f->stop_id[symbol] == client_id};
            for (size_t k = 0; k < f->n_fills; k++)
                if (f->fills[k].fill.client_id == client_id)
                    out->filled_lots += f->fills[k].fill.qty_lots;
            return WK_REQUEST_DONE;
        }
    venue_order *o = fake_find(f, client_id);
    if (!o || o->arrives_ns > f->now)
        return WK_REQUEST_REFUSED;
    fake_describe(f, o, out);
    return WK_REQUEST_DONE;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    *n = 0;
    if (chance(f, 15))
        return WK_REQUEST_UNKNOWN;
    for (size_t i = 0; i < f->n_orders && *n < room; i++)
        if (f->orders[i].arrives_ns <= f->now && !f->orders[i].gone &&
            f->orders[i].filled < f->orders[i].order.qty_lots)
            fake_describe(f, &f->orders[i], &out[(*n)++]);
    for (uint32_t s = 0; s < S && *n < room; s++)
        if (f->stop_lots[s] > 0)
            out[(*n)++] = (wk_venue_order){.client_id = f->stop_id[s],
                                           .symbol = s,
                                           .side = -1,
                                           .is_open = true,
                                           .qty_lots = f->stop_lots[s],
                                           .stop_ticks = 900};
    return WK_REQUEST_DONE;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    fake *f = self;
    snprintf(why, 256, "scripted");
    wait_some(f, false);
    if (chance(f, 15))
        return WK_REQUEST_UNKNOWN;
    *n = 0;
    for (size_t i = f->n_fills; i-- > 0 && *n < room;) /* newest first, as some venues do */
        if (f->fills[i].visible_ns <= f->now && f->fills[i].fill.time_ns >= since_ns) {
            out[(*n)++] = f->fills[i].fill;
            if (chance(f, 10) && *n < room)
                out[(*n)++] = f->fills[i].fill;
        }
    return WK_REQUEST_DONE;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    fake *f = self;
    (void)room;
    snprintf(why, 256, "scripted");
    wait_some(f, false);
    if (chance(f, 30))
        return WK_REQUEST_UNKNOWN;
    for (*n = 0; *n < S; (*n)++)
        out[*n] = (wk_venue_position){.symbol = (uint32_t)*n, .qty_lots = f->position[*n]};
    return WK_REQUEST_DONE;
}

static wk_request_result put_stop(fake *f, uint32_t symbol, int64_t lots, uint64_t id, bool is_new)
{
    bool rests = f->stop_lots[symbol] > 0 && f->stop_id[symbol] == id;
    if (lots != 0 && !rests && !is_new)
        return WK_REQUEST_REFUSED;
    f->stop_lots[symbol] = 0; /* the old one goes first */
    if (f->stops_strike && (lots > f->position[symbol] || chance(f, 5)))
        return WK_REQUEST_REFUSED;
    for (size_t i = 0; lots != 0 && !rests && i < f->n_stop_ids; i++)
        f->n_doubled += f->used[i] == id;
    if (lots != 0 && !rests) {
        assert_true(f->n_stop_ids < STOPS);
        f->used[f->n_stop_ids++] = id;
    }
    f->stop_lots[symbol] = lots;
    f->stop_id[symbol] = id;
    return WK_REQUEST_DONE;
}

static wk_request_result protect_lots(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why)
{
    fake *f = self;
    (void)stop_ticks;
    snprintf(why, 256, "scripted");
    *wait_ns = 0;
    if (chance(f, 10)) {
        if (chance(f, 50))
            f->stop_lots[symbol] = 0; /* cancelled, and then the rate limit */
        return WK_REQUEST_LATER;
    }
    bool lost = chance(f, 20);
    wait_some(f, lost);
    if (lost && chance(f, 50))
        return WK_REQUEST_UNKNOWN;
    wk_request_result result = put_stop(f, symbol, lots, client_id, is_new);
    return lost ? WK_REQUEST_UNKNOWN : result;
}

wk_account fake_account(fake *f, bool has_brackets)
{
    return (wk_account){.self = f,
                        .name = "fake",
                        .validity_ns = validity_ns,
                        .place = place,
                        .cancel = cancel,
                        .query = query,
                        .open_orders = open_orders,
                        .fills = fills,
                        .positions = positions,
                        .has_brackets = has_brackets,
                        .protect_lots = has_brackets ? NULL : protect_lots};
}
