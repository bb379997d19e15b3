#include "executor_stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int64_t now_ns(void *ctx)
{
    return ((venue *)ctx)->now;
}

static void pass(void *ctx, int64_t ns)
{
    ((venue *)ctx)->now += ns;
}

static int64_t validity_ns(void *self)
{
    (void)self;
    return 5 * SECOND;
}

void stage_add_order(venue *v, uint64_t id, int side, int64_t lots, int64_t filled)
{
    there *t = &v->orders[v->n_orders++];
    t->v = (wk_venue_order){.client_id = id,
                            .symbol = MARKET,
                            .side = (int8_t)side,
                            .is_open = filled < lots,
                            .qty_lots = lots,
                            .filled_lots = filled};
    snprintf(t->v.venue_id, sizeof t->v.venue_id, "V%llx", (unsigned long long)id);
}

void stage_add_fill(venue *v, const char *name, uint64_t order, int side, int64_t lots)
{
    wk_venue_fill *f = &v->fills[v->n_fills++];
    *f = (wk_venue_fill){.symbol = MARKET,
                         .side = (int8_t)side,
                         .qty_lots = lots,
                         .price_ticks = 1000,
                         .time_ns = v->now};
    snprintf(f->fill_id, sizeof f->fill_id, "%s", name);
    snprintf(f->venue_order_id, sizeof f->venue_order_id, "V%llx", (unsigned long long)order);
    v->held += side * lots;
}

there *stage_order_of(venue *v, uint64_t id)
{
    for (size_t i = 0; i < v->n_orders; i++)
        if (v->orders[i].v.client_id == id)
            return &v->orders[i];
    return NULL;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    venue *v = self;
    char name[32];
    snprintf(why, 256, "scripted");
    *wait_ns = 0;
    v->n_places++;
    if (v->place_says != WK_REQUEST_DONE)
        return v->place_says;
    bool at_once = order->kind == WK_ORDER_MARKET;
    stage_add_order(v, order->id, order->side, order->qty_lots, at_once ? order->qty_lots : 0);
    snprintf(name, sizeof name, "P%zu", v->n_places);
    if (at_once)
        stage_add_fill(v, name, order->id, order->side, order->qty_lots);
    *out = stage_order_of(v, order->id)->v;
    return WK_REQUEST_DONE;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    venue *v = self;
    there *t = stage_order_of(v, client_id);
    (void)symbol;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    v->n_cancels++;
    if (!t || !t->v.is_open)
        return WK_REQUEST_REFUSED;
    t->v.is_open = false;
    return WK_REQUEST_DONE;
}

static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    venue *v = self;
    const there *t = stage_order_of(v, client_id);
    (void)symbol;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    if (v->blind)
        return WK_REQUEST_LATER;
    if (!t)
        return WK_REQUEST_REFUSED;
    *out = t->v;
    return WK_REQUEST_DONE;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    venue *v = self;
    (void)room;
    (void)why;
    *n = 0;
    for (size_t i = 0; i < v->n_orders; i++)
        if (v->orders[i].v.is_open)
            out[(*n)++] = v->orders[i].v;
    if (v->stop_lots != 0)
        out[(*n)++] = (wk_venue_order){.client_id = v->stop_id,
                                       .symbol = MARKET,
                                       .side = -1,
                                       .is_open = true,
                                       .qty_lots = v->stop_lots,
                                       .stop_ticks = 900};
    return WK_REQUEST_DONE;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    venue *v = self;
    (void)since_ns;
    (void)room;
    (void)why;
    *n = v->clock && v->clock->now_ns < v->no_fills_until_ns ? 0 : v->n_fills;
    memcpy(out, v->fills, *n * sizeof *out);
    return WK_REQUEST_DONE;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    venue *v = self;
    (void)room;
    (void)why;
    if (v->before_positions)
        v->before_positions(v);
    *n = 1;
    out[0] = (wk_venue_position){.symbol = MARKET, .qty_lots = v->held};
    return WK_REQUEST_DONE;
}

static wk_request_result funding(void *self, int64_t since_ns, wk_venue_funding *out, size_t room,
                                 size_t *n, char *why)
{
    venue *v = self;
    (void)room;
    snprintf(why, 256, "scripted");
    v->n_funding_calls++;
    *n = 0;
    for (size_t i = v->n_funding; i-- > 0;) /* the newest first */
        if (v->funding[i].time_ns >= since_ns)
            out[(*n)++] = v->funding[i];
    return v->funding_says;
}

static wk_request_result protect_lots(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why)
{
    venue *v = self;
    (void)stop_ticks;
    *wait_ns = 0;
    snprintf(why, 256, "scripted");
    if (symbol != MARKET)
        return WK_REQUEST_DONE;
    v->n_protects++;
    if (v->clock && v->clock->now_ns < v->no_stops_until_ns) {
        *wait_ns = 60 * SECOND;
        return WK_REQUEST_LATER;
    }
    bool rests = v->stop_lots != 0 && v->stop_id == client_id;
    if (lots != 0 && !rests && !is_new)
        return WK_REQUEST_REFUSED;
    if (v->protect_says != WK_REQUEST_DONE) {
        v->stop_lots = 0; /* the old one is gone by then */
        return v->protect_says;
    }
    v->stop_lots = lots;
    v->stop_id = client_id;
    if (v->clock && lots != 0 && v->protected_ns == 0)
        v->protected_ns = v->clock->now_ns;
    return WK_REQUEST_DONE;
}

static bool has_fill(void *ctx, const char *fill_id)
{
    const venue *v = ctx;
    return v->journalled && strcmp(v->journalled, fill_id) == 0;
}

stage *stage_build(bool has_brackets)
{
    stage *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->v.now = BEGIN;
    s->account = (wk_account){.self = &s->v,
                              .name = "scripted",
                              .validity_ns = validity_ns,
                              .place = place,
                              .cancel = cancel,
                              .query = query,
                              .open_orders = open_orders,
                              .fills = fills,
                              .funding = has_brackets ? funding : NULL,
                              .positions = positions,
                              .has_brackets = has_brackets,
                              .protect_lots = has_brackets ? NULL : protect_lots};
    s->options = (wk_executor_live_options){.account = &s->account,
                                            .S = S,
                                            .has_fill = has_fill,
                                            .has_fill_ctx = &s->v,
                                            .now_ns = now_ns,
                                            .sleep = pass,
                                            .time_ctx = &s->v};
    return s;
}

void stage_give_position(stage *s, int64_t lots)
{
    s->position = (wk_journal_position){.market = MARKET,
                                        .qty_lots = lots,
                                        .entry_ticks = 1000,
                                        .entry_id = ENTRY,
                                        .stop_ticks = 900,
                                        .profit_ticks = 1100};
    s->options.positions = &s->position;
    s->options.n_positions = 1;
}

void stage_give_order(stage *s, uint64_t id, int side, bool reduces, int64_t lots)
{
    s->order.order = (wk_journal_record){.order_id = id,
                                         .market = MARKET,
                                         .side = (int8_t)side,
                                         .order_kind = WK_ORDER_LIMIT,
                                         .reason = reduces ? WK_REASON_FLIP : WK_REASON_ENTRY,
                                         .reduce_only = reduces,
                                         .qty_lots = lots,
                                         .stop_ticks = reduces ? 0 : 900,
                                         .profit_ticks = reduces ? 0 : 1100,
                                         .time_ns = BEGIN - SECOND};
    s->options.orders = &s->order;
    s->options.n_orders = 1;
}

wk_reconciliation stage_begin(stage *s)
{
    wk_err err;
    wk_reconciliation found = {0};
    assert_int_equal(wk__live_create(&s->options, &s->live, &err), WK_OK);
    if (wk__live_reconcile(s->live, &found, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return found;
}

void stage_finish(stage *s)
{
    wk__live_destroy(s->live);
    free(s);
}

void stage_go(stage *s, int seconds)
{
    for (int64_t until = s->v.now + seconds * SECOND; s->v.now < until;) {
        int64_t next = wk__live_step(s->live);
        if (next > s->v.now)
            s->v.now = next < s->v.now + SECOND / 10 ? next : s->v.now + SECOND / 10;
        else
            s->v.now += SECOND / 1000;
    }
}

int64_t stage_position(const stage *s)
{
    return s->live->symbols[MARKET].position;
}

size_t stage_fill_rows(stage *s, int reason, uint64_t *order_id)
{
    wk_journal_record row;
    size_t n = 0;
    while (wk__live_row(s->live, &row))
        if (row.kind == WK_JOURNAL_FILL && (reason < 0 || row.reason == reason)) {
            n++;
            if (order_id)
                *order_id = row.order_id;
        }
    return n;
}
