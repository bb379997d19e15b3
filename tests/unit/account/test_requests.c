/* Requests equal the notes byte by byte; sizes go down to the lot, prices to the tick, and what is
 * below the minimum never leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "markets.h"
#include "wick/clock.h"

static char why[WK__WHY];

static void test_delta_limit_entry_with_bracket(void **state)
{
    (void)state;
    wk__market m = market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0);
    assert_int_equal(m.lots_per_unit, 10);
    assert_int_equal(m.ticks_per_step, 5);
    wk_order order = {.id = 0x1f2e3d4c5b6a7988,
                      .side = 1,
                      .kind = WK_ORDER_LIMIT,
                      .qty_lots = 39,        /* 3.9 contracts */
                      .price_ticks = 590003, /* 59000.3 */
                      .stop_ticks = 560001,  /* never further away than decided */
                      .profit_ticks = 650004};
    wk__request r;
    int64_t lots;
    assert_true(wk__delta_place(&m, &order, &r, &lots, why));
    assert_int_equal(lots, 30);
    assert_string_equal(r.method, "POST");
    assert_string_equal(r.target.s, "/v2/orders");
    assert_string_equal(
        r.body.s, "{\"product_id\":27,\"size\":3,\"side\":\"buy\",\"order_type\":\"limit_order\","
                  "\"limit_price\":\"59000.0\",\"time_in_force\":\"gtc\","
                  "\"client_order_id\":\"wk1f2e3d4c5b6a7988\","
                  "\"bracket_stop_loss_price\":\"56000.5\","
                  "\"bracket_take_profit_price\":\"65000.0\","
                  "\"bracket_stop_trigger_method\":\"last_traded_price\"}");
    wk__request_finish(&r);
    order.side = -1;
    order.stop_ticks = order.profit_ticks = 0;
    assert_true(wk__delta_place(&m, &order, &r, &lots, why));
    assert_non_null(strstr(r.body.s, "\"side\":\"sell\",\"order_type\":\"limit_order\","
                                     "\"limit_price\":\"59000.5\""));
    assert_null(strstr(r.body.s, "bracket"));
    wk__request_finish(&r);
}

static void test_delta_market_exit_cancel_and_others(void **state)
{
    (void)state;
    wk__market m[2] = {market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0),
                       market(&delta_doge, (wk_decimal){1, 6}, (wk_decimal){100, 0}, 0)};
    wk_order order = {.id = 1,
                      .side = -1,
                      .reduce_only = true,
                      .qty_lots = 20,
                      .stop_ticks = 7,
                      .profit_ticks = 8};
    wk__request r;
    int64_t lots;
    assert_true(wk__delta_place(&m[0], &order, &r, &lots, why));
    assert_string_equal(r.body.s, "{\"product_id\":27,\"size\":2,\"side\":\"sell\",\"order_type\":"
                                  "\"market_order\",\"reduce_only\":true,"
                                  "\"client_order_id\":\"wk0000000000000001\"}");
    wk__request_finish(&r);
    wk__delta_cancel(&m[0], 1, &r);
    assert_string_equal(r.method, "DELETE");
    assert_string_equal(r.target.s, "/v2/orders");
    assert_string_equal(r.body.s, "{\"client_order_id\":\"wk0000000000000001\",\"product_id\":27}");
    wk__request_finish(&r);
    wk__delta_query(1, &r);
    assert_string_equal(r.method, "GET");
    assert_string_equal(r.target.s, "/v2/orders/client_order_id/wk0000000000000001");
    wk__request_finish(&r);
    wk__delta_list("orders", m, 2, 0, "", &r);
    assert_string_equal(r.target.s,
                        "/v2/orders?product_ids=27,14745&states=open,pending&page_size=50");
    wk__request_finish(&r);
    wk__delta_list("fills", m, 1, INT64_C(1700000000123456789), "b3Bh=", &r);
    assert_string_equal(
        r.target.s,
        "/v2/fills?product_ids=27&start_time=1700000000123456&page_size=50&after=b3Bh%3D");
    wk__request_finish(&r);
    wk__delta_list("wallet/transactions", m, 0, INT64_C(1700000000123456789), "", &r);
    assert_string_equal(r.target.s,
                        "/v2/wallet/transactions?start_time=1700000000123456&page_size=50");
    wk__request_finish(&r);
    wk__delta_leverage(&m[0], 10.0, &r);
    assert_string_equal(r.target.s, "/v2/products/27/orders/leverage");
    assert_string_equal(r.body.s, "{\"leverage\":\"10\"}");
    wk__request_finish(&r);
    assert_true(wk__delta_protect(&m[0], 1, 560000, 650000, &r, why));
    assert_string_equal(
        r.body.s,
        "{\"product_id\":27,\"stop_loss_order\":{\"order_type\":\"market_order\",\"stop_price\":"
        "\"56000.0\"},\"take_profit_order\":{\"order_type\":\"market_order\",\"stop_price\":"
        "\"65000.0\"},\"bracket_stop_trigger_method\":\"last_traded_price\"}");
    wk__request_finish(&r);
}

static void test_delta_login_is_signed_as_the_vector(void **state)
{
    (void)state;
    wk_keys keys = {"KEY", "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f"};
    wk_text text = {0};
    wk__delta_login(&keys, INT64_C(1542110948) * WK_NS_PER_S, &text);
    assert_string_equal(
        text.s,
        "{\"type\":\"key-auth\",\"payload\":{\"api-key\":\"KEY\",\"timestamp\":\"1542110948\","
        "\"signature\":\"ded5dbc0ebdbfba13e67d156ae2ed86a674396b933d27b3062b43848e3d6cf61\"}}");
    free(text.s);
}

static void test_kraken_limit_stop_and_margin(void **state)
{
    (void)state;
    wk__market m = market(&kraken_btc, (wk_decimal){1, 1}, (wk_decimal){1, 8}, 0);
    wk_order order = {
        .id = 255, .side = 1, .kind = WK_ORDER_LIMIT, .qty_lots = 125000000, .price_ticks = 375000};
    int64_t lots, deadline = INT64_C(1616492376) * WK_NS_PER_S + 594000000;
    wk_text body;
    assert_true(wk__kraken_place(&m, &order, deadline, false, &body, &lots, why));
    assert_string_equal(body.s,
                        "&pair=XBTUSD&type=buy&ordertype=limit&volume=1.25000000&price=37500.0"
                        "&oflags=fciq&cl_ord_id=wk00000000000000ff"
                        "&deadline=2021-03-23T09%3A39%3A36.594Z");
    free(body.s);
    order.kind = WK_ORDER_MARKET;
    assert_true(wk__kraken_place(&m, &order, deadline, true, &body, &lots, why));
    assert_string_equal(body.s, "&pair=XBTUSD&type=buy&ordertype=market&volume=1.25000000"
                                "&oflags=fciq&cl_ord_id=wk00000000000000ff"
                                "&deadline=2021-03-23T09%3A39%3A36.594Z&validate=true");
    free(body.s);
    assert_true(wk__kraken_stop(&m, 125000000, 360000, 7, deadline, false, &body, why));
    assert_non_null(strstr(body.s, "&type=sell&ordertype=stop-loss&volume=1.25000000&price=36000.0"
                                   "&oflags=fciq&cl_ord_id=wk0000000000000007"));
    free(body.s);
    order.side = -1;
    assert_false(wk__kraken_place(&m, &order, deadline, false, &body, &lots, why));
    assert_non_null(strstr(why, "margin"));
    m.leverage = 2;
    order.reduce_only = true;
    assert_true(wk__kraken_place(&m, &order, deadline, false, &body, &lots, why));
    assert_non_null(strstr(body.s, "&leverage=2&reduce_only=true"));
    free(body.s);
}

static void test_what_is_below_the_minimum_is_refused_here_with_a_reason(void **state)
{
    (void)state;
    wk__market d = market(&delta_btc, (wk_decimal){1, 1}, (wk_decimal){1, 4}, 0);
    wk__market k = market(&kraken_btc, (wk_decimal){1, 1}, (wk_decimal){1, 8}, 0);
    wk_order order = {
        .id = 1, .side = 1, .kind = WK_ORDER_LIMIT, .qty_lots = 9, .price_ticks = 590000};
    wk__request r;
    wk_text body;
    int64_t lots;
    assert_false(wk__delta_place(&d, &order, &r, &lots, why));
    assert_non_null(strstr(why, "minimum"));
    order.qty_lots = 4999;
    assert_false(wk__kraken_place(&k, &order, 0, false, &body, &lots, why));
    assert_non_null(strstr(why, "minimum"));
    order.qty_lots = 5000; /* 0.00005 at 9,999.9 is 0.499995: below half a dollar */
    order.price_ticks = 99999;
    assert_false(wk__kraken_place(&k, &order, 0, false, &body, &lots, why));
    assert_non_null(strstr(why, "cost"));
    order.price_ticks = 100000; /* exactly half a dollar */
    assert_true(wk__kraken_place(&k, &order, 0, false, &body, &lots, why));
    free(body.s);
    order.price_ticks = 0;
    assert_false(wk__kraken_place(&k, &order, 0, false, &body, &lots, why));
    order.price_ticks = 100000;
    order.qty_lots = INT64_MAX;
    assert_true(wk__kraken_place(&k, &order, 0, false, &body, &lots, why));
    free(body.s);
}

static void test_lots_that_do_not_divide_the_venues_step_are_refused_at_start(void **state)
{
    (void)state;
    wk__market out;
    wk_err err;
    wk_account_market bad_lot = {&delta_btc, {1, 1}, {3, 4}, 0};
    wk_account_market bad_tick = {&delta_btc, {3, 1}, {1, 4}, 0};
    wk_instrument inverse = delta_btc;
    inverse.is_inverse = 1;
    wk_account_market bad_kind = {&inverse, {1, 1}, {1, 4}, 0};
    assert_int_equal(wk__market_init(&bad_lot, &out, &err), WK_E_CONFIG);
    assert_int_equal(wk__market_init(&bad_tick, &out, &err), WK_E_CONFIG);
    assert_int_equal(wk__market_init(&bad_kind, &out, &err), WK_E_CONFIG);
}

static void test_client_ids_come_back(void **state)
{
    (void)state;
    char text[WK__CLIENT_ID];
    static const uint64_t ids[] = {1, 0xffffffffffffffff, 0x8000000000000000, 42};
    for (size_t i = 0; i < 4; i++) {
        wk__client_id_text(ids[i], text);
        assert_int_equal(strlen(text), 18); /* Kraken takes no more */
        assert_true(wk__client_id_read(text) == ids[i]);
    }
    static const char *const foreign[] = {"", "wk", "wk00000000000000fF", "wx00000000000000ff",
                                          "wk00000000000000ff0"};
    for (size_t i = 0; i < 5; i++)
        assert_true(wk__client_id_read(foreign[i]) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_limit_entry_with_bracket),
        cmocka_unit_test(test_delta_market_exit_cancel_and_others),
        cmocka_unit_test(test_delta_login_is_signed_as_the_vector),
        cmocka_unit_test(test_kraken_limit_stop_and_margin),
        cmocka_unit_test(test_what_is_below_the_minimum_is_refused_here_with_a_reason),
        cmocka_unit_test(test_lots_that_do_not_divide_the_venues_step_are_refused_at_start),
        cmocka_unit_test(test_client_ids_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
