/* Replies and private frames become what they say; anything cut, odd or foreign is refused, never
 * guessed. Recorded payloads are read where WICK_TEST_ROOT has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "markets.h"
#include "wick/file.h"

static const char delta_order[] =
    "{\"id\":13452112,\"user_id\":1,\"product_id\":27,\"product_symbol\":\"BTCUSD\",\"side\":"
    "\"sell\","
    "\"order_type\":\"limit_order\",\"size\":5,\"unfilled_size\":2,\"limit_price\":\"59000.5\","
    "\"average_fill_price\":\"59000.57\",\"paid_commission\":\"0.012345678\",\"reduce_only\":true,"
    "\"client_order_id\":\"wk00000000000000ff\",\"state\":\"open\","
    "\"created_at\":\"1725865012000000\",\"stop_price\":null,\"bracket_stop_loss_price\":"
    "\"60000\"}";

static bool read_order(const char *text, size_t n, const wk__market *m, wk_venue_order *o)
{
    wk__doc doc;
    if (!wk__reply_open(text, n, &doc))
        return false;
    bool good = wk__delta_order(&doc, 0, m, 1, o);
    wk__reply_close(&doc);
    return good;
}

static void test_delta_orders(void **state)
{
    (void)state;
    wk__market m = market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0);
    wk_venue_order o;
    assert_true(read_order(delta_order, strlen(delta_order), &m, &o));
    assert_int_equal(o.client_id, 255);
    assert_string_equal(o.venue_id, "13452112");
    assert_int_equal(o.side, -1);
    assert_true(o.is_open && o.reduce_only);
    assert_int_equal(o.qty_lots, 50);
    assert_int_equal(o.filled_lots, 30);
    assert_int_equal(o.price_ticks, 590005);
    assert_int_equal(o.average_ticks, 590006);
    assert_int_equal(o.stop_ticks, 600000);
    assert_int_equal(o.fee_e8, 1234568); /* up, against us */
    assert_int_equal(o.created_ns, INT64_C(1725865012000000000));
    for (size_t n = 0; n < strlen(delta_order); n++) /* cut anywhere */
        assert_false(read_order(delta_order, n, &m, &o));
    static const char *const names[] = {"\"id\"", "\"side\"", "\"size\"", "\"unfilled_size\"",
                                        "\"state\""};
    for (size_t i = 0; i < 5; i++) { /* a needed field missing */
        char *text = strdup(delta_order);
        char *at = strstr(text, names[i]);
        at[1] = '_';
        assert_false(read_order(text, strlen(text), &m, &o));
        free(text);
    }
    const char *odd = "{\"id\":1,\"product_id\":27,\"side\":\"buy\",\"size\":5,\"unfilled_size\":6,"
                      "\"state\":\"open\"}";
    assert_false(read_order(odd, strlen(odd), &m, &o));
    const char *state_odd = "{\"id\":1,\"product_id\":27,\"side\":\"buy\",\"size\":5,"
                            "\"unfilled_size\":5,\"state\":\"odd\"}";
    assert_false(read_order(state_odd, strlen(state_odd), &m, &o));
}

typedef struct {
    wk_venue_order order;
    wk_venue_fill fill;
    int n_orders, n_fills;
} seen;

static void on_order(void *ctx, const wk_venue_order *o)
{
    ((seen *)ctx)->order = *o;
    ((seen *)ctx)->n_orders++;
}

static void on_fill(void *ctx, const wk_venue_fill *f)
{
    ((seen *)ctx)->fill = *f;
    ((seen *)ctx)->n_fills++;
}

static void test_delta_frames(void **state)
{
    (void)state;
    wk__market m = market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0);
    seen s = {0};
    wk__frame_sink sink = {&s, on_order, on_fill};
    char why[WK__WHY];
    static const struct {
        const char *text;
        wk__frame_kind kind;
    } rows[] = {
        {"{\"type\":\"key-auth\",\"success\":true,\"status_code\":200,\"status\":"
         "\"authenticated\"}",
         WK__FRAME_LOGGED_IN},
        {"{\"type\":\"key-auth\",\"success\":false,\"status_code\":401,\"status\":"
         "\"invalid_signature\"}",
         WK__FRAME_REFUSED},
        {"{\"type\":\"heartbeat\"}", WK__FRAME_HEARTBEAT},
        {"{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"orders\",\"error\":\"no\"}]}",
         WK__FRAME_REFUSED},
        {"{\"type\":\"v2/user_trades\",\"sy\":\"BTCUSD\",\"f\":\"1551\",\"R\":\"normal\",\"o\":77,"
         "\"S\":\"buy\",\"s\":2,\"p\":\"59000.5\",\"po\":2,\"r\":\"maker\",\"c\":"
         "\"wk0000000000000009\",\"t\":1700000000000001,\"se\":1}",
         WK__FRAME_FILLS},
        {"{\"type\":\"orders\",\"action\":\"update\",\"reason\":\"fill\",\"symbol\":\"BTCUSD\","
         "\"order_id\":77,\"client_order_id\":\"wk0000000000000009\",\"size\":2,\"unfilled_size\":"
         "0,"
         "\"side\":\"buy\",\"state\":\"closed\",\"seq_no\":4,\"timestamp\":1700000000000002}",
         WK__FRAME_ORDERS},
        {"{\"type\":\"orders\",\"symbol\":\"BTCUSD\"}", WK__FRAME_BROKEN},
        /* fills of nothing, or without a price: not one of them is passed on */
        {"{\"type\":\"v2/"
         "user_trades\",\"sy\":\"BTCUSD\",\"f\":\"1\",\"o\":77,\"S\":\"buy\",\"s\":2}",
         WK__FRAME_BROKEN},
        {"{\"type\":\"v2/"
         "user_trades\",\"sy\":\"BTCUSD\",\"f\":\"1\",\"o\":77,\"S\":\"buy\",\"s\":-2,\"p\":"
         "\"59000.5\"}",
         WK__FRAME_BROKEN},
        {"{\"type\":\"orders\"", WK__FRAME_BROKEN},
        {"{\"type\":\"something_new\"}", WK__FRAME_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(wk__delta_frame(rows[i].text, strlen(rows[i].text), &m, 1, &sink, why),
                         rows[i].kind);
    assert_int_equal(s.n_fills, 1);
    assert_int_equal(s.fill.client_id, 9);
    assert_int_equal(s.fill.qty_lots, 20);
    assert_true(s.fill.maker && s.fill.fee_e8 == WK_FEE_NOT_TOLD);
    assert_string_equal(s.fill.venue_order_id, "77");
    assert_int_equal(s.n_orders, 1);
    assert_int_equal(s.order.filled_lots, 20);
    assert_false(s.order.is_open);
}

/* Funding stands in the wallet's transactions among commissions, deposits and other markets'. */
static void test_delta_funding_among_the_wallets_transactions(void **state)
{
    (void)state;
    wk__market m[] = {market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0)};
    static const struct {
        const char *text;
        bool is_read, is_funding;
    } cases[] = {
        {"{\"id\":null,\"amount\":\"-0.16804823\",\"balance\":\"108.08171039\",\"transaction_"
         "type\":"
         "\"funding\",\"meta_data\":{},\"product_id\":27,\"asset_symbol\":\"USD\",\"created_at\":"
         "\"2026-07-04T08:00:00.000001Z\"}",
         true, true},
        {"{\"id\":100234,\"amount\":\"-0.00025\",\"transaction_type\":\"commission\",\"product_"
         "id\":27,"
         "\"created_at\":\"2026-07-04T10:30:00Z\"}",
         true, false},
        {"{\"amount\":\"5\",\"transaction_type\":\"deposit\",\"product_id\":null}", true, false},
        {"{\"amount\":\"5\",\"transaction_type\":\"funding\",\"product_id\":14745,\"created_at\":"
         "\"2026-07-04T08:00:00Z\"}",
         true, false},
        {"{\"amount\":\"5\",\"transaction_type\":\"funding\",\"product_id\":27,\"asset_symbol\":"
         "\"INR\",\"created_at\":\"2026-07-04T08:00:00Z\"}",
         true, false},
        {"{\"amount\":\"5\",\"transaction_type\":\"funding\",\"product_id\":27}", false, false},
        {"{\"transaction_type\":\"funding\",\"product_id\":27,\"created_at\":"
         "\"2026-07-04T08:00:00Z\"}",
         false, false},
        {"{\"amount\":\"5\"}", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk__doc doc;
        wk_venue_funding f = {0};
        bool is_funding;
        assert_true(wk__reply_open(cases[i].text, strlen(cases[i].text), &doc));
        assert_int_equal(wk__delta_funding(&doc, 0, m, 1, &f, &is_funding), cases[i].is_read);
        assert_int_equal(is_funding, cases[i].is_funding);
        if (is_funding) {
            assert_int_equal(f.amount_e8, -16804823);
            assert_int_equal(f.time_ns, INT64_C(1783152000000001000));
            assert_string_equal(f.id, "funding-27-1783152000000001");
        }
        wk__reply_close(&doc);
    }
}

static void test_kraken_executions_and_their_sequence(void **state)
{
    (void)state;
    wk__market m = market(&kraken_btc, (wk_decimal){1, 1}, (wk_decimal){1, 8}, 0);
    seen s = {0};
    wk__frame_sink sink = {&s, on_order, on_fill};
    char why[WK__WHY];
    int64_t sequence = 0;
    const char *trade =
        "{\"channel\":\"executions\",\"type\":\"update\",\"data\":[{\"order_id\":\"OK4GJX-KSTLS-"
        "7DZZO5\","
        "\"cl_ord_id\":\"wk0000000000000009\",\"symbol\":\"BTC/USD\",\"exec_type\":\"trade\","
        "\"exec_id\":\"TX1\",\"side\":\"sell\",\"last_qty\":0.005,\"last_price\":26599.9,"
        "\"liquidity_ind\":\"t\",\"order_status\":\"partially_filled\",\"cum_qty\":5e-3,"
        "\"timestamp\":\"2023-09-22T10:33:05.709950Z\"}],\"sequence\":8}";
    assert_int_equal(wk__kraken_frame(trade, strlen(trade), &m, 1, &sequence, &sink, why),
                     WK__FRAME_FILLS);
    assert_int_equal(s.fill.qty_lots, 500000);
    assert_int_equal(s.fill.price_ticks, 265999);
    assert_int_equal(s.fill.time_ns, INT64_C(1695378785709950000));
    assert_int_equal(s.order.filled_lots, 500000);
    assert_true(s.order.is_open);
    assert_int_equal(wk__kraken_frame(trade, strlen(trade), &m, 1, &sequence, &sink, why),
                     WK__FRAME_BROKEN); /* 8 after 8: a gap */
    const char *no = "{\"method\":\"subscribe\",\"success\":false,\"error\":\"EAPI:Invalid key\"}";
    assert_int_equal(wk__kraken_frame(no, strlen(no), &m, 1, &sequence, &sink, why),
                     WK__FRAME_REFUSED);
    assert_string_equal(why, "EAPI:Invalid key");
}

/* Found by fuzzing: the executor must never count a fill at no price, and a sequence's end is no
 * overflow. */
static void test_kraken_fills_without_a_price_or_side_are_no_fills(void **state)
{
    (void)state;
    wk__market m = market(&kraken_btc, (wk_decimal){1, 1}, (wk_decimal){1, 8}, 0);
    seen s = {0};
    wk__frame_sink sink = {&s, on_order, on_fill};
    char why[WK__WHY], text[512];
    static const char *const rests[] = {
        "\"side\":\"sell\",\"last_qty\":0.005",
        "\"side\":\"odd\",\"last_qty\":0.005,\"last_price\":26599.9",
        "\"side\":\"buy\",\"last_qty\":-1,\"last_price\":26599.9"};
    for (size_t i = 0; i < 3; i++) {
        int64_t sequence = 0;
        snprintf(
            text, sizeof text,
            "{\"channel\":\"executions\",\"data\":[{\"order_id\":\"O1\",\"exec_type\":\"trade\","
            "\"exec_id\":\"TX1\",\"symbol\":\"BTC/USD\",%s}],\"sequence\":1}",
            rests[i]);
        assert_int_equal(wk__kraken_frame(text, strlen(text), &m, 1, &sequence, &sink, why),
                         WK__FRAME_ORDERS);
    }
    assert_int_equal(s.n_fills, 0);
    assert_int_equal(s.n_orders, 3); /* each makes the executor ask */
    static const char *const numbers[] = {"9223372036854775807", "-9223372036854775808", "0"};
    static const wk__frame_kind kinds[] = {WK__FRAME_ORDERS, WK__FRAME_BROKEN, WK__FRAME_BROKEN};
    int64_t sequence = 0;
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "{\"channel\":\"executions\",\"data\":[],\"sequence\":%s}",
                 numbers[i]);
        assert_int_equal(wk__kraken_frame(text, strlen(text), &m, 1, &sequence, &sink, why),
                         kinds[i]);
    }
}

static void test_recorded_kraken_orders(void **state)
{
    (void)state;
    const char *root = getenv("WICK_TEST_ROOT");
    if (!root) {
        print_message("# WICK_TEST_ROOT is not set\n");
        skip();
    }
    char path[512], *text;
    size_t n;
    wk_err err;
    snprintf(path, sizeof path, "%s/api/fixtures/kraken/kraken.net/Spot_Trading_GetOpenOrders.txt",
             root);
    assert_int_equal(wk_file_read(path, &text, &n, &err), WK_OK);
    const char *json = strchr(text, '{');
    assert_non_null(json);
    wk__market m = market(&kraken_btc, (wk_decimal){1, 1}, (wk_decimal){1, 8}, 0);
    wk__doc doc;
    assert_true(wk__reply_open(json, strlen(json), &doc));
    uint32_t open = wk__reply_get(&doc, wk__reply_get(&doc, 0, "result"), "open");
    uint32_t value = wk__reply_after(&doc, open, wk__reply_first(&doc, open));
    wk_venue_order o;
    assert_true(wk__kraken_order(&doc, value, "OQCLML-BW3P3-BUCMWZ", &m, 1, &o));
    assert_int_equal(o.qty_lots, 125000000);
    assert_int_equal(o.filled_lots, 37500000);
    assert_int_equal(o.price_ticks, 300100);
    assert_int_equal(o.client_id, 0);
    assert_true(o.is_open);
    assert_int_equal(o.created_ns, INT64_C(1688666559897400000));
    wk__reply_close(&doc);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_orders),
        cmocka_unit_test(test_delta_frames),
        cmocka_unit_test(test_delta_funding_among_the_wallets_transactions),
        cmocka_unit_test(test_kraken_executions_and_their_sequence),
        cmocka_unit_test(test_kraken_fills_without_a_price_or_side_are_no_fills),
        cmocka_unit_test(test_recorded_kraken_orders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
