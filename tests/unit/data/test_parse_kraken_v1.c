/* Kraken spot v1 and Kraken Futures: every kind of frame, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "parse_check.h"

static void expect(const char *frame, const char *lines)
{
    parse_expect(WK_DIALECT_KRAKEN_V1, "XBT/USD ETH/CHF", frame, lines);
}

static void refuse(const char *frame, const char *reason)
{
    parse_refuse(WK_DIALECT_KRAKEN_V1, "XBT/USD ETH/CHF", frame, reason);
}

static void test_v1_book(void **state)
{
    (void)state;
    expect("[496,{\"as\":[[\"2192.68000\",\"3.00000000\",\"1618678133.162950\"]],\"bs\":[[\"2190."
           "00000\",\"0.79681000\",\"1618678133.113740\"]]},\"book-1000\",\"ETH/CHF\"]",
           "1 @1618678133162950000 begin snapshot seq=0 after=0\n"
           "1 @1618678133162950000 ask 2192.68000 3.00000000\n"
           "1 @1618678133113740000 bid 2190.00000 0.79681000\n"
           "1 @1618678133162950000 end\n");
    expect(
        "[496,{\"a\":[[\"2213.83000\",\"0.00000000\",\"1618678133.537477\"],[\"2214.19000\",\"14."
        "28509646\",\"1618678133.577750\",\"r\"]],\"c\":\"3395731450\"},\"book-1000\",\"ETH/CHF\"]",
        "1 @1618678133577750000 begin update seq=0 after=0\n"
        "1 @1618678133537477000 ask 2213.83000 0.00000000\n"
        "1 @1618678133577750000 ask 2214.19000 14.28509646\n"
        "1 @1618678133577750000 end 3395731450\n");
    expect("[0,{\"a\":[[\"5.1\",\"1\",\"1\"]]},{\"b\":[[\"5.0\",\"2\",\"2.5\"]],\"c\":\"9\"},"
           "\"book-10\","
           "\"XBT\\/USD\"]",
           "0 @2500000000 begin update seq=0 after=0\n"
           "0 @1000000000 ask 5.1 1\n"
           "0 @2500000000 bid 5.0 2\n"
           "0 @2500000000 end 9\n");
    refuse("[0,{\"a\":[[\"5.1\",\"1\",\"1\"]]},\"book-10\",\"XBT/USD\"]", "checksum is missing");
    refuse("[0,{\"a\":[[\"5.1\",\"1\"]],\"c\":\"9\"},\"book-10\",\"XBT/USD\"]",
           "book level has too few elements");
    refuse("[0,{\"a\":[[\"5.1\",\"1\",\"-1\"]],\"c\":\"9\"},\"book-10\",\"XBT/USD\"]",
           "time is no time");
    refuse("[0,{\"a\":5,\"c\":\"9\"},\"book-10\",\"XBT/USD\"]", "asks is not an array");
}

static void test_v1_trades_candles_tickers(void **state)
{
    (void)state;
    expect("[1,[[\"0.043040\",\"20000.00000000\",\"1618678158.135041\",\"b\",\"l\",\"\"],[\"0."
           "043039\","
           "\"1.5\",\"1618678159\",\"s\",\"m\",\"\"]],\"trade\",\"XBT/USD\"]",
           "0 @1618678158135041000 trade buy 0.043040 20000.00000000 id=0\n"
           "0 @1618678159000000000 trade sell 0.043039 1.5 id=0\n");
    expect("[42,[\"1542057314.748456\",\"1542057360.000000\",\"3586.70000\",\"3586.80000\",\"3586."
           "60000\",\"3586.60000\",\"3586.68894\",\"0.03373000\",2],\"ohlc-5\",\"XBT/USD\"]",
           "0 @1542057314748456000 candle 1542057060+300 o=3586.70000 h=3586.80000 l=3586.60000 "
           "c=3586.60000 v=0.03373000 n=2\n");
    expect("[0,{\"a\":[\"5525.40000\",1,\"1.000\"],\"b\":[\"5525.10000\",1,\"1.500\"],\"c\":["
           "\"5525.10000\","
           "\"0.00398963\"],\"v\":[\"2634.11501494\",\"3591.17907851\"]},\"ticker\",\"XBT/USD\"]",
           "0 @0 ticker bid=5525.10000*1.500 ask=5525.40000*1.000 last=5525.10000 mark=-\n");
    expect(
        "[0,[\"5698.40000\",\"5700.00000\",\"1542057299.545897\",\"1.01234567\",\"0.98765432\"],"
        "\"spread\",\"XBT/USD\"]",
        "0 @1542057299545897000 ticker bid=5698.40000*1.01234567 ask=5700.00000*0.98765432 last=- "
        "mark=-\n");
    expect("[0,[],\"trade\",\"XRP/USD\"]", "");
    expect("[0,[],\"own\",\"XBT/USD\"]", "");
    refuse("[1,[[\"1\",\"1\",\"1\",\"x\"]],\"trade\",\"XBT/USD\"]", "side is not b or s");
    refuse("[1,[],[],\"trade\",\"XBT/USD\"]", "message has too many elements");
    refuse("[1,[],[],[],\"trade\",\"XBT/USD\"]", "message has too many elements");
    refuse("[1,\"trade\",\"XBT/USD\"]", "message has too few elements");
    refuse("[1,[],7,\"XBT/USD\"]", "channel is not a string");
    refuse("[1,[1,2,3,4,5,6,7,8,9],\"ohlc-x\",\"XBT/USD\"]", "channel has no interval");
}

static void test_v1_events(void **state)
{
    (void)state;
    expect(
        "{\"connectionID\":17843232920108168701,\"event\":\"systemStatus\",\"status\":\"online\","
        "\"version\":\"1.8.3\"}",
        "-1 @0 status online\n");
    expect("{\"channelID\":496,\"channelName\":\"book-1000\",\"event\":\"subscriptionStatus\","
           "\"pair\":"
           "\"ETH/"
           "CHF\",\"status\":\"subscribed\",\"subscription\":{\"depth\":1000,\"name\":\"book\"}}",
           "1 @0 subscribed book-1000\n");
    expect(
        "{\"errorMessage\":\"Subscription depth not supported\",\"event\":\"subscriptionStatus\","
        "\"pair\":\"XBT/USD\",\"status\":\"error\"}",
        "0 @0 refused Subscription depth not supported\n");
    expect("{\"event\":\"subscriptionStatus\",\"pair\":\"XBT/USD\",\"status\":\"unsubscribed\"}",
           "");
    expect("{\"event\":\"heartbeat\"}", "-1 @0 heartbeat\n");
    expect("{\"event\":\"pong\",\"reqid\":42}", "-1 @0 pong\n");
    expect("{\"event\":\"error\",\"errorMessage\":\"Malformed\"}", "-1 @0 refused Malformed\n");
    expect("{\"event\":\"other\"}", "");
    refuse("{\"event\":1}", "event is not a string");
    refuse("7", "message is not an object");
}

static void expect_futures(const char *frame, const char *lines)
{
    parse_expect(WK_DIALECT_KRAKEN_FUTURES, "PI_XBTUSD PF_XBTUSD", frame, lines);
}

static void refuse_futures(const char *frame, const char *reason)
{
    parse_refuse(WK_DIALECT_KRAKEN_FUTURES, "PI_XBTUSD PF_XBTUSD", frame, reason);
}

static void test_futures_book(void **state)
{
    (void)state;
    expect_futures("{\"feed\":\"book_snapshot\",\"product_id\":\"PI_XBTUSD\",\"timestamp\":"
                   "1612269825817,\"seq\":326072249,\"tickSize\":null,\"bids\":[{\"price\":34892.5,"
                   "\"qty\":6385}],\"asks\":[{\"price\":34911.5,\"qty\":20598.0}]}",
                   "0 @1612269825817000000 begin snapshot seq=326072249 after=0\n"
                   "0 @1612269825817000000 bid 34892.5 6385\n"
                   "0 @1612269825817000000 ask 34911.5 20598.0\n"
                   "0 @1612269825817000000 end\n");
    expect_futures(
        "{\"feed\":\"book\",\"product_id\":\"PI_XBTUSD\",\"side\":\"sell\",\"seq\":326094134,"
        "\"price\":34981,\"qty\":0,\"timestamp\":1612269953629}",
        "0 @1612269953629000000 begin update seq=326094134 after=326094133\n"
        "0 @1612269953629000000 ask 34981 0\n"
        "0 @1612269953629000000 end\n");
    refuse_futures(
        "{\"feed\":\"book\",\"product_id\":\"PI_XBTUSD\",\"side\":\"up\",\"seq\":1,\"price\":1,"
        "\"qty\":0}",
        "side is not buy or sell");
    refuse_futures(
        "{\"feed\":\"book\",\"product_id\":\"PI_XBTUSD\",\"side\":\"buy\",\"price\":1,\"qty\":0}",
        "seq is missing");
    refuse_futures("{\"feed\":\"book_snapshot\",\"product_id\":\"PI_XBTUSD\",\"seq\":1,\"bids\":1}",
                   "bids is not an array");
}

static void test_futures_trades_and_tickers(void **state)
{
    (void)state;
    expect_futures(
        "{\"feed\":\"trade_snapshot\",\"product_id\":\"PI_XBTUSD\",\"trades\":[{\"feed\":"
        "\"trade\",\"product_id\":\"PI_XBTUSD\",\"uid\":\"caa9c653\",\"side\":\"sell\",\"type\":"
        "\"fill\",\"seq\":655508,\"time\":1612269657781,\"qty\":440,\"price\":34893}]}",
        "0 @1612269657781000000 trade sell 34893 440 id=655508 snapshot\n");
    expect_futures(
        "{\"feed\":\"trade\",\"product_id\":\"PI_XBTUSD\",\"uid\":\"e\",\"side\":\"buy\",\"type\":"
        "\"fill\",\"seq\":5956,\"time\":1626994929946,\"qty\":320.0,\"price\":119.44}",
        "0 @1626994929946000000 trade buy 119.44 320.0 id=5956\n");
    expect_futures(
        "{\"time\":1676393235406,\"product_id\":\"PI_XBTUSD\",\"funding_rate\":-6.2604214e-"
        "11,\"relative_funding_rate\":-1.380384722222e-6,\"next_funding_rate_time\":"
        "1676394000000,\"feed\":\"ticker\",\"bid\":21978.5,\"ask\":21987.0,\"bid_size\":2536.0,"
        "\"ask_size\":13948.0,\"last\":21983.5,\"openInterest\":30072580.0,\"markPrice\":"
        "21979.68641534714,\"premium\":-0.0}",
        "0 @1676393235406000000 ticker bid=21978.5*2536.0 ask=21987.0*13948.0 "
        "last=21983.5 mark=21979.68641534714\n"
        "0 @1676393235406000000 funding -0.000001380384722222 every=3600 "
        "next=1676394000\n"
        "0 @1676393235406000000 interest 30072580.0 every=0 next=0 contracts\n");
    /* More digits than an exact decimal has: rates keep the first of them. */
    expect_futures("{\"feed\":\"ticker\",\"product_id\":\"PF_XBTUSD\",\"relative_funding_rate\":"
                   "1.23456789012345678901e-22,\"markPrice\":12345.678901234567890123,"
                   "\"openInterest\":1e-50}",
                   "1 @0 ticker bid=-*- ask=-*- last=- mark=12345.6789012345678\n"
                   "1 @0 funding 0.000000000000000000000123456789012345 every=3600 next=0\n"
                   "1 @0 interest 0 every=0 next=0\n");
    expect_futures(
        "{\"feed\":\"ticker_lite\",\"product_id\":\"PI_XBTUSD\",\"bid\":439.3,\"ask\":439.6,"
        "\"change\":2.640803926150981,\"premium\":0.3,\"volume\":3413476.0,\"dtm\":7}",
        "0 @0 ticker bid=439.3*- ask=439.6*- last=- mark=-\n");
    refuse_futures("{\"feed\":\"ticker\",\"product_id\":\"PI_XBTUSD\",\"openInterest\":1e40}",
                   "openInterest has too many digits");
    refuse_futures("{\"feed\":\"trade_snapshot\",\"product_id\":\"PI_XBTUSD\"}",
                   "trades is missing");
}

static void test_futures_events(void **state)
{
    (void)state;
    expect_futures("{\"event\":\"info\",\"version\":1}", "-1 @0 status info\n");
    expect_futures("{\"event\":\"subscribed\",\"feed\":\"book\",\"product_ids\":[\"PI_XBTUSD\","
                   "\"PF_XBTUSD\"]}",
                   "0 @0 subscribed book\n1 @0 subscribed book\n");
    expect_futures("{\"event\":\"subscribed\",\"feed\":\"heartbeat\"}",
                   "-1 @0 subscribed heartbeat\n");
    expect_futures(
        "{\"event\":\"subscribed_failed\",\"feed\":\"book\",\"product_ids\":[\"PI_XBTUSD\"]}",
        "0 @0 refused book\n");
    expect_futures("{\"event\":\"alert\",\"message\":\"Bad websocket message\"}",
                   "-1 @0 refused Bad websocket message\n");
    expect_futures("{\"feed\":\"heartbeat\",\"time\":1534262350627}",
                   "-1 @1534262350627000000 heartbeat\n");
    expect_futures("{\"event\":\"pong\"}", "-1 @0 pong\n");
    expect_futures("{\"event\":\"unsubscribed\",\"feed\":\"book\",\"product_ids\":[\"PI_XBTUSD\"]}",
                   "");
    expect_futures("{\"feed\":\"open_orders\"}", "");
    expect_futures("{\"feed\":\"trade\",\"product_id\":\"FI_OTHER\"}", "");
    refuse_futures("{\"seq\":1}", "feed is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1_book),
        cmocka_unit_test(test_v1_trades_candles_tickers),
        cmocka_unit_test(test_v1_events),
        cmocka_unit_test(test_futures_book),
        cmocka_unit_test(test_futures_trades_and_tickers),
        cmocka_unit_test(test_futures_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
