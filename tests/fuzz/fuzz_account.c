/* libFuzzer target over an account (WICK_FUZZ_VENUE): calls whose replies, and a private stream
 * whose frames, are the input. Pieces stand between form feeds. The first says which call by a
 * letter, and by a second which market and how; each other one is a reply with its status before
 * it, or an event of the stream. What a call gives out is in range, and an outcome other than done
 * has a reason. */
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "fuzz_account.h"
#include "wick/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { ROOM = 4 };

static void check(int holds)
{
    if (!holds)
        abort();
}

static int is_text(const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL;
}

static void check_order(const wk_venue_order *o)
{
    check(o->symbol < 2 && o->side >= -1 && o->side <= 1 && o->qty_lots >= 0);
    check(o->filled_lots >= 0 && o->filled_lots <= o->qty_lots && o->price_ticks >= 0);
    check(o->average_ticks >= 0 && o->stop_ticks >= 0 && o->profit_ticks >= 0);
    check(is_text(o->venue_id, sizeof o->venue_id) && is_text(o->state, sizeof o->state));
}

static void check_fill(const wk_venue_fill *f)
{
    check(f->symbol < 2 && (f->side == 1 || f->side == -1) && f->qty_lots > 0 &&
          f->price_ticks > 0);
    check(is_text(f->fill_id, sizeof f->fill_id) &&
          is_text(f->venue_order_id, sizeof f->venue_order_id));
}

/* A frame may tell less of an order, and of one of another market. */
static void on_order(void *ctx, const wk_venue_order *o)
{
    (void)ctx;
    check(o->symbol < 2 || o->symbol == UINT32_MAX);
    check(is_text(o->venue_id, sizeof o->venue_id) && is_text(o->state, sizeof o->state));
}

static void on_fill(void *ctx, const wk_venue_fill *f)
{
    (void)ctx;
    check_fill(f);
}

static void on_lost(void *ctx)
{
    (void)ctx;
}

static wk_account *account(void)
{
    static const wk_instrument instruments[] = {{.venue = "v",
                                                 .symbol = "BTCUSD",
                                                 .name_rest = "XBTUSD",
                                                 .name_stream = "BTC/USD",
                                                 .base = "BTC",
                                                 .quote = "USD",
                                                 .settle = "USD",
                                                 .venue_id = 27,
                                                 .tick = {5, 1},
                                                 .lot = {1, 0},
                                                 .qty_min = {1, 0},
                                                 .cost_min = {0, -1},
                                                 .contract_value = {1, 3},
                                                 .is_contract = 1,
                                                 .is_tradable = 1},
                                                {.venue = "v",
                                                 .symbol = "DOGEUSD",
                                                 .name_rest = "XDGUSD",
                                                 .name_stream = "DOGE/USD",
                                                 .base = "DOGE",
                                                 .quote = "USD",
                                                 .settle = "USD",
                                                 .venue_id = 14745,
                                                 .tick = {1, 7},
                                                 .lot = {1, 8},
                                                 .qty_min = {5, 0},
                                                 .cost_min = {5, 1},
                                                 .contract_value = {1, 0}}};
    static const wk_account_market markets[] = {{&instruments[0], {1, 1}, {1, 4}, 0},
                                                {&instruments[1], {1, 7}, {1, 8}, 2}};
    static wk_account a;
    wk_account_options o = {.venue = WICK_FUZZ_VENUE,
                            .key_prefix = "WICK_FUZZ",
                            .nonce_file = "none",
                            .markets = markets,
                            .n_markets = 2};
    wk_err err;
    if (!a.self) {
        wk_log_set_level(WK_LOG_ERROR);
        setenv("WICK_FUZZ_KEY", "key", 1);
        setenv("WICK_FUZZ_SECRET", "c2VjcmV0", 1);
        if (wk_account_open(&o, &a, &err) != WK_OK)
            abort();
    }
    /* As it was after opening: an input must not depend on those before it. */
    wk__account *own = a.self;
    if (own->n_known > 0)
        memset(own->known, 0, sizeof own->known);
    own->n_known = 0;
    own->offset_ns = 0;
    own->has_heartbeat = own->validate = false;
    own->connected = own->connecting = own->logged_in = false;
    own->sequence = own->heard_ns = own->retry_ns = own->retry_wait_ns = 0;
    return &a;
}

static void stream(wk_account *a)
{
    wk__account *own = a->self;
    wk_err err;
    if (!own->socket && a->stream(own, NULL, on_order, on_fill, on_lost, &err) != WK_OK)
        abort();
    fake_stream_run();
}

static wk_request_result call(wk_account *a, char letter, uint32_t symbol, int how, char *why)
{
    wk_venue_order orders[ROOM];
    wk_venue_fill fills[ROOM];
    wk_venue_funding payments[ROOM];
    wk_venue_position positions[ROOM];
    int64_t wait_ns = 0, first = 0, second = 0;
    size_t n = 0;
    wk_order order = {.id = 9,
                      .symbol = symbol,
                      .side = how & 1 ? 1 : -1,
                      .kind = WK_ORDER_LIMIT,
                      .qty_lots = INT64_C(5000000000),
                      .price_ticks = 600005,
                      .stop_ticks = how & 2 ? 590000 : 0,
                      .reduce_only = (how & 4) != 0};
    wk_request_result result = WK_REQUEST_DONE;
    switch (letter) {
    case 'p':
        ((wk__account *)a->self)->validate = (how & 8) != 0;
        result = a->place(a->self, &order, orders, &wait_ns, why);
        if (result == WK_REQUEST_DONE)
            check_order(orders);
        /* It is asked about at once, with what was remembered of it. */
        if (result == WK_REQUEST_DONE &&
            a->query(a->self, symbol, 9, orders, &wait_ns, why) == WK_REQUEST_DONE)
            check_order(orders);
        return result;
    case 'c':
        return a->cancel(a->self, symbol, 9, &wait_ns, why);
    case 'q':
        result = a->query(a->self, symbol, 9, orders, &wait_ns, why);
        if (result == WK_REQUEST_DONE)
            check_order(orders);
        return result;
    case 'o':
        result = a->open_orders(a->self, orders, ROOM, &n, why);
        check(n <= ROOM);
        for (size_t i = 0; i < n; i++)
            check_order(&orders[i]);
        return result;
    case 'f':
        result = a->fills(a->self, INT64_C(1700000000000000000), fills, ROOM, &n, why);
        check(n <= ROOM);
        for (size_t i = 0; i < n; i++)
            check_fill(&fills[i]);
        return result;
    case 'g':
        if (!a->funding)
            return result;
        result = a->funding(a->self, INT64_C(1700000000000000000), payments, ROOM, &n, why);
        check(n <= ROOM);
        for (size_t i = 0; i < n; i++)
            check(payments[i].symbol < 2 && payments[i].time_ns > 0 && payments[i].amount_e8 != 0 &&
                  payments[i].id[0] && is_text(payments[i].id, sizeof payments[i].id));
        return result;
    case 's':
        result = a->positions(a->self, positions, ROOM, &n, why);
        check(n <= ROOM);
        for (size_t i = 0; i < n; i++)
            check(positions[i].symbol < 2 && positions[i].qty_lots != 0);
        return result;
    case 'b':
        return a->balance(a->self, &first, &second, why);
    case 'l':
        return a->leverage(a->self, symbol, how & 1 ? 2 : 3, why);
    case 'r':
        if (a->protect)
            return a->protect(a->self, symbol, how & 1 ? 500000 : 0, how & 2 ? 700000 : 0, why);
        return a->protect_lots(a->self, symbol, how & 1 ? 0 : 50000 - how % 2 * 100000, 500000, 9,
                               how & 4, &wait_ns, why);
    case 'd':
        return a->deadman(a->self, INT64_C(60000000000), why);
    case 't':
        result = a->clock(a->self, &first, &second, why);
        if (result == WK_REQUEST_DONE) /* what is signed next carries it */
            return a->cancel(a->self, symbol, 9, &wait_ns, why);
        return result;
    case 'v':
        check(a->validity_ns(a->self) > 0);
        return result;
    default:
        stream(a);
        return result;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_account *a = account();
    char why[WK__WHY] = "";
    const uint8_t *end = n > 0 ? memchr(bytes, '\f', n) : NULL;
    size_t head = end ? (size_t)(end - bytes) : n;
    if (head < 1)
        return 0;
    fake_venue_set(end ? end + 1 : bytes + n, end ? n - head - 1 : 0);
    int how = head > 1 ? bytes[1] : 0;
    wk_request_result result = call(a, (char)bytes[0], (uint32_t)how >> 4 & 1, how, why);
    check(result >= WK_REQUEST_DONE && result <= WK_REQUEST_STOP && is_text(why, sizeof why));
    check(result == WK_REQUEST_DONE || why[0]);
    return 0;
}
