/* The local venue's own parts: signatures against the documented vectors, the schema against good
 * and bad requests, and the engine: orders against a path, money conserved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "market.h"
#include "trade_schema.h"
#include "trade_sign.h"

#define DELTA_SECRET "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f"
#define KRAKEN_SECRET                                                                              \
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

static void test_signatures_equal_the_documented_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *body, *mac;
    } delta[] = {
        {"GET", "/v2/orders?product_id=1&state=open", "",
         "4e38dda3e6477092f360ba70399266d8145630b22bcc34c0ec7f804d5746877a"},
        {"POST", "/v2/orders",
         "{\"order_type\":\"limit_order\",\"size\":3,\"side\":\"buy\",\"limit_price\":\"0.0005\","
         "\"product_id\":16}",
         "21227523c4a51990f857251a8397466b975c46d9afecc62db9abbe5a92f43964"},
        {"DELETE", "/v2/orders", "{\"id\":13452112,\"product_id\":27}",
         "cfa1ca2b474e7c2d71ef63b974b070a2330aaa554d84e01b3fe3d387bae2b51d"},
        {"GET", "/v2/wallet/balances", "",
         "43df1e451b33a8ccc5789a00d6543784430665533f6b1a837ef67035f14aed4c"},
        {"GET", "/live", "", "ded5dbc0ebdbfba13e67d156ae2ed86a674396b933d27b3062b43848e3d6cf61"}};
    static const struct {
        const char *path, *nonce, *body, *mac;
    } kraken[] = {
        {"/0/private/AddOrder", "1616492376594",
         "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
         "4/dpxb3iT4tp/"
         "ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="},
        {"/0/private/Balance", "1616492376594", "nonce=1616492376594",
         "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/"
         "VgpEji3j1XNwI+HCbfXxmrTOg=="},
        {"/0/private/CancelAllOrdersAfter", "1616492376595", "nonce=1616492376595&timeout=60",
         "VHyqawV1QanayA6t1ETCR/s1H5XJLgrGOovoQPnCGdR7ImXDujyGnAM/"
         "6YVHuxYL/hchlrHQqdSECZ/QzlE1yA=="}};
    char mac[128];
    for (size_t i = 0; i < sizeof delta / sizeof *delta; i++) {
        sign_delta(DELTA_SECRET, delta[i].method, "1542110948", delta[i].target, delta[i].body,
                   strlen(delta[i].body), mac);
        assert_string_equal(mac, delta[i].mac);
    }
    for (size_t i = 0; i < sizeof kraken / sizeof *kraken; i++) {
        assert_true(sign_kraken(KRAKEN_SECRET, kraken[i].path, kraken[i].nonce, kraken[i].body,
                                strlen(kraken[i].body), mac));
        assert_string_equal(mac, kraken[i].mac);
    }
}

static int faults_of(const schema_call *calls, const char *method, const char *path,
                     const char *said, int is_form, char field[SCHEMA_FIELD])
{
    int other;
    text why = {0};
    json_t *object = json_loads(said, 0, NULL);
    const schema_call *call = schema_find(calls, method, path, &other);
    assert_non_null(object);
    assert_non_null(call);
    int n = schema_check(call, object, is_form, field, &why);
    json_decref(object);
    text_finish(&why);
    return n;
}

static void test_schema_refuses_what_is_not_documented(void **state)
{
    (void)state;
    static const struct {
        const char *said, *field; /* NULL: good */
    } places[] = {
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"market_order\"}", NULL},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"limit_order\","
         "\"limit_price\":\"59000\",\"bracket_stop_loss_price\":\"56000\"}",
         NULL},
        {"{\"product_id\":27,\"size\":\"1\",\"side\":\"buy\",\"order_type\":\"market_order\"}",
         "size"},
        {"{\"product_id\":27,\"size\":1,\"order_type\":\"market_order\"}", "side"},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"market_order\","
         "\"note\":\"x\"}",
         "note"},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"limit_order\"}",
         "limit_price"},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"limit_order\","
         "\"limit_price\":59000}",
         "limit_price"},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"market_order\","
         "\"reduce_only\":\"true\"}",
         "reduce_only"},
        {"{\"product_id\":27,\"product_symbol\":\"BTCUSD\",\"size\":1,\"side\":\"buy\","
         "\"order_type\":\"market_order\"}",
         "product_id"},
        {"{\"product_id\":27,\"size\":1,\"side\":\"buy\",\"order_type\":\"market_order\","
         "\"client_order_id\":\"123456789012345678901234567890123\"}",
         "client_order_id"}};
    static const struct {
        const char *said, *field;
    } adds[] = {{"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\","
                 "\"volume\":\"1.25\",\"cl_ord_id\":\"wk0123456789abcdef\"}",
                 NULL},
                {"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"limit\","
                 "\"volume\":\"1.25\"}",
                 "price"},
                {"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\","
                 "\"volume\":\"1e3\"}",
                 "volume"},
                {"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\","
                 "\"volume\":\"1\",\"cl_ord_id\":\"wk0123456789abcdef0\"}",
                 "cl_ord_id"},
                {"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\","
                 "\"volume\":\"1\",\"reduce_only\":\"true\"}",
                 "reduce_only"},
                {"{\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\",\"volume\":\"1\"}",
                 "nonce"},
                {"{\"nonce\":\"1\",\"pair\":\"XBTUSD\",\"type\":\"buy\",\"ordertype\":\"market\","
                 "\"volume\":\"1\",\"deadline\":\"tomorrow\"}",
                 "deadline"}};
    char field[SCHEMA_FIELD];
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int n = faults_of(schema_delta, "POST", "/v2/orders", places[i].said, 0, field);
        assert_int_equal(n, places[i].field != NULL);
        assert_string_equal(field, places[i].field ? places[i].field : "");
    }
    for (size_t i = 0; i < sizeof adds / sizeof *adds; i++) {
        int n = faults_of(schema_kraken, "POST", "/0/private/AddOrder", adds[i].said, 1, field);
        assert_int_equal(n, adds[i].field != NULL);
        assert_string_equal(field, adds[i].field ? adds[i].field : "");
    }
}

/* One Delta-like market: ticks of 0.5 in tenths, a thousandth a contract, so a contract and a tenth
 * are 10000 e8; or a spot one in cents. */
static void begin(engine *e, int is_spot, const engine_point *path, size_t n)
{
    memset(e, 0, sizeof *e);
    e->n_markets = 1;
    e->n_assets = 2;
    strcpy(e->assets[0].name, "USD");
    strcpy(e->assets[1].name, "BTC");
    e->assets[0].amount = INT64_C(1000000000000);
    e->markets[0] = (engine_market){.price_decimals = 1,
                                    .tick = 5,
                                    .qty_step = 1,
                                    .qty_min = 1,
                                    .value_mul = 10000,
                                    .value_div = 1,
                                    .maker_ppt = 200000000,
                                    .taker_ppt = 500000000,
                                    .fee_step_e8 = 1,
                                    .maintenance_ppt = 5000000000,
                                    .half_spread = 5,
                                    .base = 1,
                                    .quote = 0,
                                    .leverage = 1000,
                                    .path = path,
                                    .n_path = n};
    if (is_spot) {
        engine_market *m = &e->markets[0];
        m->is_spot = 1;
        m->tick = 1;
        m->price_decimals = 2;
        m->qty_decimals = 8;
        m->value_mul = 1;
        m->value_div = 100;
        m->fee_step_e8 = 1000;
        m->half_spread = 1;
    }
}

static engine_order order(engine_side side, engine_kind kind, int64_t qty, int64_t price)
{
    return (engine_order){.side = side, .kind = kind, .qty = qty, .price = price, .is_margin = 1};
}

static uint64_t placed(engine *e, engine_order want)
{
    uint64_t id = 0;
    int64_t more = 0;
    assert_int_equal(engine_place(e, &want, 0, &id, &more), REFUSE_NONE);
    return id;
}

static void test_limits_rest_as_makers_and_cross_as_takers(void **state)
{
    (void)state;
    engine e;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    uint64_t crossing = placed(&e, order(SIDE_BUY, KIND_LIMIT, 10, 600100));
    uint64_t resting = placed(&e, order(SIDE_BUY, KIND_LIMIT, 10, 599000));
    assert_int_equal(engine_order_at(&e, crossing)->state, ORDER_CLOSED);
    assert_int_equal(e.fills[0].price, 600005);
    assert_false(e.fills[0].is_maker);
    assert_int_equal(engine_order_at(&e, resting)->state, ORDER_OPEN);
    engine_price(&e, 0, 599005, 0);
    assert_int_equal(e.n_fills, 1);
    engine_price(&e, 0, 598000, 0);
    assert_int_equal(e.n_fills, 2);
    assert_int_equal(e.fills[1].price, 599000);
    assert_true(e.fills[1].is_maker);
    /* 10 contracts of 0.001 at 59900: 599 USD, 0.02 % of it. */
    assert_int_equal(e.fills[1].value_e8, INT64_C(59900000000));
    assert_int_equal(e.fills[1].fee_e8, 11980000);
    engine_order want = order(SIDE_BUY, KIND_LIMIT, 1, 598500);
    uint64_t id;
    int64_t more;
    want.is_post_only = 1;
    assert_int_equal(engine_place(&e, &want, 0, &id, &more), REFUSE_POST_ONLY);
    want.price = 598003;
    assert_int_equal(engine_place(&e, &want, 0, &id, &more), REFUSE_TICK);
    engine_finish(&e);
}

static void test_bracket_closes_the_whole_position_and_goes_with_it(void **state)
{
    (void)state;
    engine e;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    engine_order want = order(SIDE_BUY, KIND_MARKET, 10, 0);
    want.bracket_stop = 590000;
    want.bracket_profit = 615000;
    placed(&e, want);
    assert_int_equal(e.n_orders, 3);
    assert_int_equal(e.markets[0].naked_longest_ns, 0);
    placed(&e, order(SIDE_BUY, KIND_MARKET, 5, 0)); /* the legs grow with the position */
    assert_int_equal(e.orders[1].qty, 15);
    engine_price(&e, 0, 585000, 0);
    assert_int_equal(e.markets[0].position, 0);
    assert_int_equal(e.fills[2].qty, 15);
    assert_int_equal(e.fills[2].price, 589995); /* at the trigger, half a spread worse */
    assert_int_equal(e.orders[1].state, ORDER_CLOSED);
    assert_int_equal(e.orders[2].state, ORDER_CANCELLED);
    assert_int_equal(e.first_live, e.n_orders);
    engine_finish(&e);
    /* A jump over the trigger fills where it lands. */
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    placed(&e, want);
    engine_price(&e, 0, 580000, 1);
    assert_int_equal(e.fills[1].price, 579995);
    engine_finish(&e);
}

static void test_nearest_order_of_a_move_fills_first(void **state)
{
    (void)state;
    /* A candle that rose goes open, low, high, close: the stop strikes before the target. */
    static const engine_point path[] = {
        {1000, 600000, 1}, {2000, 590000, 0}, {3000, 620000, 0}, {4000, 610000, 0}};
    engine e;
    begin(&e, 0, path, 4);
    engine_advance(&e, 1000);
    engine_order want = order(SIDE_BUY, KIND_MARKET, 10, 0);
    want.bracket_stop = 595000;
    want.bracket_profit = 615000;
    placed(&e, want);
    engine_advance(&e, 1499);
    assert_int_equal(e.n_fills, 1);
    engine_advance(&e, 5000);
    assert_int_equal(e.n_fills, 2);
    assert_int_equal(e.fills[1].price, 594995);
    assert_int_equal(e.markets[0].position, 0);
    assert_int_equal(e.markets[0].price, 610000);
    engine_finish(&e);
}

static void test_positions_without_a_stop_are_counted(void **state)
{
    (void)state;
    engine e;
    begin(&e, 0, NULL, 0);
    engine_advance(&e, 1000);
    engine_price(&e, 0, 600000, 1);
    placed(&e, order(SIDE_BUY, KIND_MARKET, 10, 0));
    engine_advance(&e, 5000);
    assert_int_equal(engine_bracket(&e, 0, 590000, 0, -1, 0), REFUSE_NONE);
    assert_int_equal(e.markets[0].naked_longest_ns, 4000);
    engine_advance(&e, 9000);
    engine_count_naked(&e);
    assert_int_equal(e.markets[0].naked_total_ns, 4000);
    assert_true(engine_cancel(&e, 2, "by hand"));
    engine_advance(&e, 14000);
    engine_count_naked(&e); /* to look does not end it */
    engine_advance(&e, 19000);
    engine_count_naked(&e);
    assert_int_equal(e.markets[0].naked_longest_ns, 10000);
    assert_int_equal(e.markets[0].naked_total_ns, 14000);
    engine_finish(&e);
}

static void test_margin_is_needed_and_a_position_is_liquidated(void **state)
{
    (void)state;
    engine e;
    uint64_t id;
    int64_t more = 0;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    engine_order want = order(SIDE_BUY, KIND_MARKET, 2000, 0); /* 120000 USD at 10 times */
    assert_int_equal(engine_place(&e, &want, 0, &id, &more), REFUSE_MARGIN);
    assert_true(more > INT64_C(200000000000) && more < INT64_C(220000000000));
    want.qty = 1000;
    placed(&e, want);
    int64_t ruin = engine_liquidation_price(&e.markets[0]);
    assert_in_range(ruin, 540000, 545000); /* 10 % less 0.5 % */
    engine_price(&e, 0, 500000, 0);
    assert_int_equal(e.markets[0].position, 0);
    assert_int_equal(e.n_liquidations, 1);
    assert_int_equal(e.fills[1].price, ruin);
    engine_finish(&e);
}

static void test_partial_fill_waits_for_its_rest(void **state)
{
    (void)state;
    engine e;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    engine_order want = order(SIDE_BUY, KIND_MARKET, 10, 0);
    want.partial_ppm = 400000;
    want.partial_wait_ns = 1000;
    uint64_t id = placed(&e, want);
    assert_int_equal(engine_order_at(&e, id)->filled, 4);
    assert_int_equal(engine_order_at(&e, id)->state, ORDER_OPEN);
    engine_advance(&e, 999);
    assert_int_equal(engine_order_at(&e, id)->filled, 4);
    engine_advance(&e, 1000);
    assert_int_equal(engine_order_at(&e, id)->filled, 10);
    engine_finish(&e);
}

static void test_reduce_only_never_turns_a_position(void **state)
{
    (void)state;
    engine e;
    uint64_t id;
    int64_t more;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    engine_order want = order(SIDE_SELL, KIND_MARKET, 10, 0);
    want.is_reduce_only = 1;
    assert_int_equal(engine_place(&e, &want, 0, &id, &more), REFUSE_REDUCE_ONLY);
    placed(&e, order(SIDE_BUY, KIND_MARKET, 4, 0));
    id = placed(&e, want);
    assert_int_equal(e.markets[0].position, 0);
    assert_int_equal(engine_order_at(&e, id)->filled, 4);
    assert_int_equal(engine_order_at(&e, id)->state, ORDER_CANCELLED);
    engine_finish(&e);
}

static void test_spot_spends_what_is_there_and_no_more(void **state)
{
    (void)state;
    engine e;
    uint64_t id;
    int64_t more;
    begin(&e, 1, NULL, 0);
    engine_price(&e, 0, 5000000, 1); /* 50000.00 */
    engine_order want = order(SIDE_BUY, KIND_LIMIT, 10000000, 4990000);
    want.is_margin = 0;
    placed(&e, want); /* holds 4990 and its fee */
    assert_int_equal(engine_available(&e, 0), INT64_C(1000000000000) - 499000000000 - 249500000);
    want.qty = 11000000;
    assert_int_equal(engine_place(&e, &want, 0, &id, &more), REFUSE_FUNDS);
    engine_price(&e, 0, 4980000, 0);
    assert_int_equal(e.assets[1].amount, 10000000);
    assert_int_equal(e.assets[0].amount, INT64_C(1000000000000) - 499000000000 - 99800000);
    engine_order sell = order(SIDE_SELL, KIND_MARKET, 10000001, 0);
    sell.is_margin = 0;
    assert_int_equal(engine_place(&e, &sell, 0, &id, &more), REFUSE_FUNDS);
    engine_finish(&e);
}

static void test_dead_man_switch_cancels_everything_in_time(void **state)
{
    (void)state;
    engine e;
    begin(&e, 0, NULL, 0);
    engine_price(&e, 0, 600000, 1);
    uint64_t id = placed(&e, order(SIDE_BUY, KIND_LIMIT, 1, 500000));
    e.cancel_all_ns = 5000;
    engine_advance(&e, 4999);
    assert_int_equal(engine_order_at(&e, id)->state, ORDER_OPEN);
    engine_advance(&e, 6000);
    assert_int_equal(engine_order_at(&e, id)->state, ORDER_CANCELLED);
    assert_int_equal(e.cancel_all_ns, 0);
    engine_finish(&e);
}

/* Whatever is done: cash + what the position cost (signed) is the start less what was bought, plus
 * what was sold, less fees; spot assets are what was bought less what was sold; an order's parts
 * are the sum of its fills. */
static void conserves(uint64_t seed, int is_spot)
{
    engine e;
    engine_point path[600];
    int64_t price = is_spot ? 5000000 : 600000;
    for (int i = 0; i < 600; i++) {
        int64_t step = (int64_t)(market_hash(seed, 1, (uint64_t)i) % 801) - 400;
        price += step * 5;
        path[i] = (engine_point){(i + 1) * 1000, price, market_hash(seed, 2, (uint64_t)i) % 5 == 0};
    }
    begin(&e, is_spot, path, 600);
    engine_advance(&e, 1000);
    for (int i = 0; i < 500; i++) {
        uint64_t h = market_hash(seed, 3, (uint64_t)i);
        engine_order want = order(h & 1 ? SIDE_BUY : SIDE_SELL, h & 2 ? KIND_LIMIT : KIND_MARKET,
                                  (int64_t)(h >> 8 & 63) + 1, 0);
        if (is_spot)
            want.qty *= 97531;
        want.is_margin = !is_spot;
        int64_t away = ((int64_t)(h >> 16 & 255) - 100) * 10, now = e.markets[0].price;
        if (want.kind == KIND_LIMIT)
            want.price = now - (int)want.side * away;
        if ((h >> 24 & 7) == 0 || (is_spot && (h >> 24 & 7) == 1)) {
            want.trigger = h & 4 ? TRIGGER_STOP : TRIGGER_PROFIT;
            want.trigger_price = now + (int)want.side * (h & 4 ? 500 : -500);
        }
        want.is_reduce_only = !is_spot && (h >> 28 & 7) == 0;
        if (!is_spot && (h >> 32 & 3) == 0 && want.trigger == TRIGGER_NONE) {
            want.bracket_stop = now - (int)want.side * 2000;
            want.bracket_profit = now + (int)want.side * 3000;
        }
        want.partial_ppm = (h >> 36 & 3) == 0 ? 500000 : 0;
        want.partial_wait_ns = 2500;
        uint64_t id;
        int64_t more;
        (void)engine_place(&e, &want, 0, &id, &more);
        if ((h >> 40 & 7) == 0 && e.n_orders > 3)
            engine_cancel(&e, e.n_orders - (h >> 44 & 3), "random");
        engine_advance(&e, (i + 2) * 1000 + (int64_t)(h >> 48 & 511));
        const engine_market *m = &e.markets[0];
        int64_t cash = INT64_C(1000000000000), held = 0, fees = 0;
        for (size_t k = 0; k < e.n_fills; k++) {
            const engine_fill *f = &e.fills[k];
            cash -= (int)f->side * f->value_e8 + f->fee_e8;
            held += (int)f->side * f->qty;
            fees += f->fee_e8;
        }
        int64_t basis = m->position > 0 ? m->basis_e8 : -m->basis_e8;
        if (e.assets[0].amount - basis != cash || m->fees_e8 != fees ||
            (is_spot ? e.assets[1].amount : m->position) != held ||
            (is_spot && (e.assets[0].amount < 0 || held < 0)) || (!m->position && m->basis_e8))
            fail_msg("seed %llu step %d: cash %lld expected %lld, held %lld expected %lld",
                     (unsigned long long)seed, i, (long long)(e.assets[0].amount - basis),
                     (long long)cash, (long long)(is_spot ? e.assets[1].amount : m->position),
                     (long long)held);
    }
    for (size_t i = 0; i < e.n_orders; i++) {
        int64_t filled = 0;
        for (size_t k = 0; k < e.n_fills; k++)
            filled += e.fills[k].order == e.orders[i].id ? e.fills[k].qty : 0;
        assert_int_equal(filled, e.orders[i].filled);
        assert_true(filled <= e.orders[i].qty);
        assert_true((e.orders[i].state == ORDER_CLOSED) == (filled == e.orders[i].qty) ||
                    e.orders[i].state == ORDER_CANCELLED);
    }
    assert_true(e.n_fills > 50);
    engine_finish(&e);
}

static void test_money_is_conserved_whatever_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++)
        for (int is_spot = 0; is_spot < 2; is_spot++)
            conserves(seed, is_spot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signatures_equal_the_documented_vectors),
        cmocka_unit_test(test_schema_refuses_what_is_not_documented),
        cmocka_unit_test(test_limits_rest_as_makers_and_cross_as_takers),
        cmocka_unit_test(test_bracket_closes_the_whole_position_and_goes_with_it),
        cmocka_unit_test(test_nearest_order_of_a_move_fills_first),
        cmocka_unit_test(test_positions_without_a_stop_are_counted),
        cmocka_unit_test(test_margin_is_needed_and_a_position_is_liquidated),
        cmocka_unit_test(test_partial_fill_waits_for_its_rest),
        cmocka_unit_test(test_reduce_only_never_turns_a_position),
        cmocka_unit_test(test_spot_spends_what_is_there_and_no_more),
        cmocka_unit_test(test_dead_man_switch_cancels_everything_in_time),
        cmocka_unit_test(test_money_is_conserved_whatever_happens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
