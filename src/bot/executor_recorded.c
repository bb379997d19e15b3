#include "executor_recorded.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/log.h"

typedef struct {
    wk_trader_event event;
    size_t step; /* number of the journal's step that it came before */
} said;

typedef struct {
    uint64_t id;
    uint32_t market;
    int8_t side;
    uint8_t reason;
    int64_t left;
} placed;

struct wk_recorded_venue {
    wk_journal *journal;
    int64_t *steps; /* closes */
    said *events;
    placed *orders; /* the newest last */
    size_t n_steps, room_steps, n_events, room_events, n_orders, room_orders, next, limit;
    bool out_of_memory;
    uint32_t n_markets;
};

static void *grown(void *list, size_t n, size_t *room, size_t size_bytes)
{
    if (n < *room)
        return list;
    *room = *room ? 2 * *room : 1024;
    return realloc(list, *room * size_bytes);
}

static placed *find(wk_recorded_venue *v, uint64_t id)
{
    for (size_t i = v->n_orders; i-- > 0;)
        if (v->orders[i].id == id)
            return &v->orders[i];
    return NULL;
}

static void say(wk_recorded_venue *v, const wk_trader_event *e)
{
    said *more = grown(v->events, v->n_events, &v->room_events, sizeof *more);
    if (!more) {
        v->out_of_memory = true;
        return;
    }
    v->events = more;
    v->events[v->n_events++] = (said){*e, v->n_steps};
}

static void take_order(wk_recorded_venue *v, const wk_journal_record *r)
{
    placed *more;
    if (strcmp(r->state, "planned") != 0)
        return;
    more = grown(v->orders, v->n_orders, &v->room_orders, sizeof *more);
    if (!more) {
        v->out_of_memory = true;
        return;
    }
    v->orders = more;
    v->orders[v->n_orders++] = (placed){r->order_id, r->market, r->side, r->reason, r->qty_lots};
}

static void take_state(wk_recorded_venue *v, const wk_journal_record *r)
{
    placed *o = find(v, r->order_id);
    bool refused = strcmp(r->state, "refused") == 0, expired = strcmp(r->state, "expired") == 0;
    if (!o || !(refused || expired || strcmp(r->state, "cancelled") == 0) || o->left <= 0)
        return; /* of the executor's own, or no last word */
    wk_trader_event e = {.kind = refused ? WK_TRADER_EVENT_REJECT : WK_TRADER_EVENT_CANCELED,
                         .time_ns = r->time_ns,
                         .symbol = o->market,
                         .order_id = o->id,
                         .side = o->side,
                         .reason = expired ? WK_REASON_EXPIRED : o->reason,
                         .qty_lots = o->left};
    say(v, &e);
}

static void take_row(void *ctx, const wk_journal_record *r, uint64_t seq)
{
    wk_recorded_venue *v = ctx;
    (void)seq;
    if (v->out_of_memory || (r->kind != WK_JOURNAL_EQUITY && r->market >= v->n_markets))
        return;
    if (r->kind == WK_JOURNAL_EQUITY) {
        int64_t *more = grown(v->steps, v->n_steps, &v->room_steps, sizeof *more);
        v->out_of_memory = !more;
        if (more) {
            v->steps = more;
            v->steps[v->n_steps++] = r->time_ns;
        }
        return;
    }
    if (r->kind == WK_JOURNAL_ORDER) {
        take_order(v, r);
        return;
    }
    if (r->kind == WK_JOURNAL_ORDER_STATE) {
        take_state(v, r);
        return;
    }
    wk_trader_event e = {.kind = WK_TRADER_EVENT_FUNDING,
                         .time_ns = r->time_ns,
                         .symbol = r->market,
                         .amount_e8 = r->amount_e8};
    if (r->kind == WK_JOURNAL_FILL) {
        placed *o = find(v, r->order_id);
        if (o && o->side == r->side)
            o->left -= r->qty_lots;
        e = (wk_trader_event){.kind = WK_TRADER_EVENT_FILL,
                              .time_ns = r->time_ns,
                              .symbol = r->market,
                              .order_id = r->order_id,
                              .side = r->side,
                              .reason = r->reason,
                              .maker = r->maker,
                              .qty_lots = r->qty_lots,
                              .price_ticks = r->price_ticks,
                              .fee_e8 = r->fee_e8 - r->slippage_e8,
                              .slippage_e8 = r->slippage_e8};
    }
    say(v, &e);
}

static wk_status instrument(void *ctx, const wk_bot_market_config *m, wk_trade_instrument *x,
                            wk_err *err)
{
    wk_recorded_venue *v = ctx;
    WK_TRY(wk_journal_units(v->journal, v->n_markets, m->symbol, x, err));
    v->n_markets++;
    return WK_OK;
}

static void take_first(void *ctx, const wk_journal_record *r, uint64_t seq)
{
    int64_t *first = ctx;
    (void)seq;
    if (*first == INT64_MIN)
        *first = r->time_ns;
}

wk_status wk_recorded_venue_open(const char *dir, wk_bot_config *config, wk_recorded_venue **out,
                                 int64_t *since_ns, int64_t *cash_e8, wk_err *err)
{
    char path[PATH_MAX];
    wk_recorded_venue *v = calloc(1, sizeof *v);
    if (!v)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    snprintf(path, sizeof path, "%s/journal.sqlite", dir);
    wk_status status = wk_journal_open(path, &v->journal, err);
    *since_ns = INT64_MIN;
    if (status == WK_OK)
        status = wk_journal_read(v->journal, 1u << WK_JOURNAL_EQUITY, take_first, since_ns, err);
    if (status == WK_OK && *since_ns == INT64_MIN)
        status = wk_fail(err, WK_E_DATA, "%s holds no step; is it a bot's journal?", path);
    if (status == WK_OK)
        status = wk_journal_number(v->journal, "initial_cash_e8", cash_e8, err);
    if (status != WK_OK) {
        wk_recorded_venue_close(v);
        return status;
    }
    *since_ns -= 1; /* its first step is ours too */
    config->instrument = instrument;
    config->instrument_ctx = v;
    *out = v;
    return WK_OK;
}

static bool submit(void *self, const wk_action *action, int64_t now_ns)
{
    (void)self;
    (void)action;
    (void)now_ns;
    return true; /* what became of it has been said */
}

static bool poll(void *self, wk_trader_event *out)
{
    wk_recorded_venue *v = self;
    if (v->next == v->n_events || v->events[v->next].step > v->limit)
        return false;
    *out = v->events[v->next++].event;
    return true;
}

static void step(void *self, const wk_features_step *now, const double *sigma)
{
    wk_recorded_venue *v = self;
    (void)sigma;
    /* The journal's step that opens with this one. */
    while (v->limit + 1 < v->n_steps && v->steps[v->limit] <= now->time_ns)
        v->limit++;
}

static void close_recorded(void *self)
{
    (void)self;
}

wk_status wk_recorded_venue_start(wk_recorded_venue *v, wk_bot *bot, wk_err *err)
{
    WK_TRY(wk_journal_read(v->journal,
                           1u << WK_JOURNAL_ORDER | 1u << WK_JOURNAL_ORDER_STATE |
                               1u << WK_JOURNAL_FILL | 1u << WK_JOURNAL_FUNDING |
                               1u << WK_JOURNAL_EQUITY,
                           take_row, v, err));
    if (v->out_of_memory)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_executor executor = {
        .self = v, .submit = submit, .poll = poll, .step = step, .close = close_recorded};
    wk_bot_set_executor(bot, &executor);
    return WK_OK;
}

void wk_recorded_venue_close(wk_recorded_venue *v)
{
    if (!v)
        return;
    wk_journal_close(v->journal);
    free(v->steps);
    free(v->events);
    free(v->orders);
    free(v);
}
