/* Delta Exchange, legacy and compact: every kind of frame, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "parse_check.h"

static const char symbols[] = "BTCUSD MARK:ETHUSD .DEXBTUSD";

/* Both sessions understand both generations. */
static void expect(const char *frame, const char *lines)
{
    parse_expect(WK_DIALECT_DELTA, symbols, frame, lines);
    parse_expect(WK_DIALECT_DELTA_PUBLIC, symbols, frame, lines);
}

static void refuse(const char *frame, const char *reason)
{
    parse_refuse(WK_DIALECT_DELTA, symbols, frame, reason);
}

static void test_delta_books_with_checksums(void **state)
{
    (void)state;
    expect("{\"action\":\"snapshot\",\"a\":[[\"16919.0\",\"1087\"]],\"b\":[[\"16918.0\",\"602\"]],"
           "\"ts\":"
           "1671140718980723,\"seq\":6199,\"sy\":\"BTCUSD\",\"type\":\"ob_updates\",\"cs\":"
           "2178756498}",
           "0 @1671140718980723000 begin snapshot seq=6199 after=0\n"
           "0 @1671140718980723000 ask 16919.0 1087\n"
           "0 @1671140718980723000 bid 16918.0 602\n"
           "0 @1671140718980723000 end 2178756498\n");
    expect("{\"action\":\"update\",\"asks\":[],\"bids\":[[\"16918.0\",\"0\"]],\"timestamp\":"
           "1671140769059031,\"sequence_no\":6200,\"symbol\":\"BTCUSD\",\"type\":\"l2_updates\","
           "\"cs\":"
           "3409694612}",
           "0 @1671140769059031000 begin update seq=6200 after=6199\n"
           "0 @1671140769059031000 bid 16918.0 0\n"
           "0 @1671140769059031000 end 3409694612\n");
    expect(
        "{\"action\":\"error\",\"symbol\":\"BTCUSD\",\"type\":\"l2_updates\",\"msg\":\"Snapshot "
        "load "
        "failed. Verify if product is live and resubscribe after a few secs.\"}",
        "0 @0 refused Snapshot load failed. Verify if product is live and resubscribe after a few "
        "secs.\n");
    expect("{\"action\":\"error\",\"symbol\":\"BTCUSD\",\"type\":\"ob_updates\",\"msg\":\"no\"}",
           "0 @0 refused no\n");
    refuse("{\"action\":\"update\",\"a\":[],\"seq\":1,\"sy\":\"BTCUSD\",\"type\":\"ob_updates\"}",
           "checksum is missing");
    refuse("{\"action\":\"update\",\"a\":[],\"cs\":1,\"sy\":\"BTCUSD\",\"type\":\"ob_updates\"}",
           "sequence is missing");
    refuse("{\"action\":\"more\",\"sy\":\"BTCUSD\",\"type\":\"ob_updates\"}",
           "action is not snapshot, update or error");
    refuse("{\"action\":\"update\",\"a\":[[\"1\"]],\"cs\":1,\"seq\":1,\"sy\":\"BTCUSD\",\"type\":"
           "\"ob_updates\"}",
           "asks has too few elements");
    refuse("{\"action\":\"update\",\"a\":[[null,1]],\"cs\":1,\"seq\":1,\"sy\":\"BTCUSD\",\"type\":"
           "\"ob_updates\"}",
           "price is not a number");
}

static void test_delta_whole_books(void **state)
{
    (void)state;
    expect("{\"buy\":[{\"depth\":\"369\",\"limit_price\":\"3.130\",\"size\":369}],\"last_sequence_"
           "no\":"
           "1638147281806966,\"last_updated_at\":1638147281687000,\"product_id\":21461,\"sell\":[{"
           "\"depth\":\"410\",\"limit_price\":\"3.970\",\"size\":410}],\"symbol\":\"BTCUSD\","
           "\"timestamp\":"
           "1638147281807000,\"type\":\"l2_orderbook\"}",
           "0 @1638147281807000000 begin snapshot seq=1638147281806966 after=0\n"
           "0 @1638147281807000000 bid 3.130 369\n"
           "0 @1638147281807000000 ask 3.970 410\n"
           "0 @1638147281807000000 end\n");
    expect("{\"a\":[[\"46.0\",\"5751\"]],\"b\":[[\"44.0\",\"8094\"],[\"0.5\",\"3000\"]],\"lts\":"
           "1788431315482390,"
           "\"sy\":\"BTCUSD\",\"ts\":1788431315798142,\"type\":\"ob_l2\"}",
           "0 @1788431315798142000 begin snapshot seq=0 after=0\n"
           "0 @1788431315798142000 ask 46.0 5751\n"
           "0 @1788431315798142000 bid 44.0 8094\n"
           "0 @1788431315798142000 bid 0.5 3000\n"
           "0 @1788431315798142000 end\n");
    expect("{\"ap\":\"68519.0\",\"as\":\"285\",\"bp\":\"68518.0\",\"bs\":\"2452\",\"lts\":"
           "1775037882675402,"
           "\"sy\":\"BTCUSD\",\"ts\":1775037882748105,\"type\":\"ob_l1\"}",
           "0 @1775037882748105000 ticker bid=68518.0*2452 ask=68519.0*285 last=- mark=-\n");
    expect("{\"ask_qty\":\"839\",\"best_ask\":\"1211.3\",\"best_bid\":\"1211.25\",\"bid_qty\":"
           "\"772\",\"symbol\":"
           "\"BTCUSD\",\"timestamp\":1671600133884198,\"type\":\"l1_orderbook\"}",
           "0 @1671600133884198000 ticker bid=1211.25*772 ask=1211.3*839 last=- mark=-\n");
    refuse("{\"symbol\":\"BTCUSD\",\"type\":\"l2_orderbook\",\"buy\":[{\"size\":1}]}",
           "limit_price is missing");
    refuse("{\"sy\":\"BTCUSD\",\"type\":\"ob_l2\",\"a\":[],\"b\":\"x\"}", "b is not an array");
}

static void test_delta_trades(void **state)
{
    (void)state;
    expect(
        "{\"p\":\"72141.5\",\"r\":\"m\",\"s\":1.0,\"sy\":\"BTCUSD\",\"t\":1775800366578410,\"ts\":"
        "1775800367003029,\"type\":\"trades\"}",
        "0 @1775800366578410000 trade sell 72141.5 1.0 id=0\n");
    expect("{\"symbol\":\"BTCUSD\",\"price\":\"25816.5\",\"size\":100,\"type\":\"all_trades\","
           "\"buyer_role\":"
           "\"taker\",\"seller_role\":\"maker\",\"timestamp\":1561634049751430}",
           "0 @1561634049751430000 trade buy 25816.5 100 id=0\n");
    expect("{\"symbol\":\"BTCUSD\",\"type\":\"all_trades_snapshot\",\"trades\":[{\"buyer_role\":"
           "\"maker\","
           "\"price\":\"25816.5\",\"seller_role\":\"taker\",\"size\":100,\"timestamp\":"
           "1561634049751430}]}",
           "0 @1561634049751430000 trade sell 25816.5 100 id=0 snapshot\n");
    refuse("{\"p\":\"1\",\"r\":\"x\",\"s\":1.0,\"sy\":\"BTCUSD\",\"type\":\"trades\"}",
           "r is not m or t");
    refuse("{\"symbol\":\"BTCUSD\",\"price\":\"1\",\"size\":1,\"type\":\"all_trades\"}",
           "buyer_role is not maker or taker");
}

static void test_delta_candles(void **state)
{
    (void)state;
    expect("{\"c\":71748.0,\"h\":71751.5,\"l\":71737.0,\"o\":71737.0,\"res\":\"1m\",\"sy\":"
           "\"BTCUSD\",\"ts\":"
           "1775814834503627,\"type\":\"candlestick_1m\",\"v\":2826.0}",
           "0 @1775814834503627000 candle 1775814780+60 o=71737.0 h=71751.5 l=71737.0 c=71748.0 "
           "v=2826.0 n=-1\n");
    /* 1775814834 is a Friday: the week began on Monday 2026-04-06. */
    expect(
        "{\"c\":1,\"h\":1,\"l\":1,\"o\":1,\"sy\":\"MARK:ETHUSD\",\"ts\":1775814834503627,\"type\":"
        "\"candlestick_1w\"}",
        "1 @1775814834503627000 candle 1775433600+604800 o=1 h=1 l=1 c=1 v=- n=-1\n");
    expect("{\"candle_start_time\":1638147240000000,\"close\":1.5,\"high\":2,\"last_updated\":"
           "1638147243004517,\"low\":1,\"open\":1.25,\"resolution\":\"15m\",\"symbol\":\"BTCUSD\","
           "\"timestamp\":1638147282440140,\"type\":\"candlestick_15m\",\"volume\":7}",
           "0 @1638147282440140000 candle 1638147240+900 o=1.25 h=2 l=1 c=1.5 v=7 n=-1\n");
    expect("{\"candle_start_time\":1638147240000000,\"close\":null,\"high\":null,\"low\":null,"
           "\"open\":null,"
           "\"symbol\":\"BTCUSD\",\"type\":\"candlestick_1m\",\"volume\":0}",
           "");
    refuse(
        "{\"c\":1,\"h\":1,\"l\":1,\"o\":1,\"sy\":\"BTCUSD\",\"ts\":1,\"type\":\"candlestick_x\"}",
        "type has no resolution");
    refuse("{\"c\":1,\"h\":1,\"l\":1,\"o\":1,\"sy\":\"BTCUSD\",\"type\":\"candlestick_1m\"}",
           "ts is missing");
    refuse("{\"c\":1,\"h\":1,\"l\":null,\"o\":1,\"sy\":\"BTCUSD\",\"ts\":1,\"type\":\"candlestick_"
           "1m\"}",
           "l is not a number");
}

static void test_delta_tickers_funding_and_interest(void **state)
{
    (void)state;
    expect(
        "{\"d\":[{\"g\":[null,null],\"i\":27,\"m\":\"79750.01150815\",\"m24hc\":\"0.0716\","
        "\"ohlc\":"
        "[79694.5,80093.5,79212.5,79753.5],\"oi\":[\"876853\",\"768171.7700\"],\"q\":[\"79753.5\","
        "\"552\","
        "\"79753\",\"4387\",null],\"s\":\"BTCUSD\"}],\"sp\":\"79777.9\",\"sy\":\"BTCUSD\",\"ts\":"
        "1788725367575186,\"type\":\"ticker\"}",
        "0 @1788725367575186000 ticker bid=79753*4387 ask=79753.5*552 last=79753.5 "
        "mark=79750.01150815\n"
        "0 @1788725367575186000 interest 876853 every=0 next=0 contracts\n");
    expect("{\"d\":[{\"m\":null,\"ohlc\":[null,null,null,null],\"oi\":null,\"q\":[],\"s\":"
           "\"BTCUSD\"}],\"sy\":"
           "\"BTCUSD\",\"ts\":1788725367575186,\"type\":\"ticker\"}",
           "0 @1788725367575186000 ticker bid=-*- ask=-*- last=- mark=-\n");
    expect(
        "{\"close\":1082.0,\"mark_price\":\"1059.85780065\",\"quotes\":{\"best_ask\":\"1080\","
        "\"ask_size\":"
        "\"5425\",\"best_bid\":\"1066\",\"bid_size\":\"8096\"},\"oi\":\"1.9970\",\"oi_contracts\":"
        "\"1997\","
        "\"funding_rate\":\"0.01\",\"symbol\":\"BTCUSD\",\"timestamp\":1788431318663014,\"type\":"
        "\"v2/ticker\"}",
        "0 @1788431318663014000 ticker bid=1066*8096 ask=1080*5425 last=1082.0 "
        "mark=1059.85780065\n"
        "0 @1788431318663014000 interest 1997 every=0 next=0 contracts\n"
        "0 @1788431318663014000 funding 0.0001 every=0 next=0\n");
    expect("{\"oi\":\"1.9970\",\"close\":null,\"symbol\":\"BTCUSD\",\"type\":\"v2/ticker\"}",
           "0 @0 ticker bid=-*- ask=-*- last=- mark=-\n"
           "0 @0 interest 1.9970 every=0 next=0\n");
    expect("{\"fi\":28800,\"fr\":0.010000000000000002,\"nfr\":1775836800000000,\"sy\":\"BTCUSD\","
           "\"ts\":"
           "1775817617666383,\"type\":\"funding_rate\"}",
           "0 @1775817617666383000 funding 0.00010000000000000002 every=28800 next=1775836800\n");
    expect("{\"symbol\":\"BTCUSD\",\"product_id\":27,\"funding_rate\":0.00046,\"funding_rate_8h\":"
           "0.005,"
           "\"next_funding_realization\":1645001600000000,\"timestamp\":1645001500000000,\"type\":"
           "\"funding_rate\"}",
           "0 @1645001500000000000 funding 0.0000046 every=0 next=1645001600\n");
    expect("{\"p\":\"2296.3486551\",\"sy\":\"MARK:BTCUSD\",\"ts\":1775814170680883,\"type\":\"mark_"
           "price\"}",
           "0 @1775814170680883000 ticker bid=-*- ask=-*- last=- mark=2296.3486551\n");
    expect("{\"symbol\":\"MARK:ETHUSD\",\"price\":\"0.00401010\",\"timestamp\":1561634049751430,"
           "\"type\":"
           "\"mark_price\"}",
           "1 @1561634049751430000 ticker bid=-*- ask=-*- last=- mark=0.00401010\n");
    expect("{\"symbol\":\".DEXBTUSD\",\"price\":\"0.0014579\",\"type\":\"v2/spot_price\"}",
           "2 @0 ticker bid=-*- ask=-*- last=0.0014579 mark=-\n");
    expect(
        "{\"sy\":\".DEXBTUSD\",\"p\":\"79777.9\",\"ts\":1788725367575186,\"type\":\"spot_price\"}",
        "2 @1788725367575186000 ticker bid=-*- ask=-*- last=79777.9 mark=-\n");
    refuse("{\"type\":\"ticker\",\"sy\":\"BTCUSD\",\"d\":{}}", "d is not an array");
    refuse("{\"type\":\"ticker\",\"sy\":\"BTCUSD\",\"d\":[{\"s\":\"BTCUSD\",\"q\":7}]}",
           "q is not an array");
}

static void test_delta_notices(void **state)
{
    (void)state;
    expect("{\"type\":\"heartbeat\"}", "-1 @0 heartbeat\n");
    expect("{\"type\":\"pong\"}", "-1 @0 pong\n");
    expect("{\"type\":\"subscriptions\",\"channels\":[{\"name\":\"candlestick_1m\",\"symbols\":["
           "\"BTCUSD\","
           "\"perpetual_futures\"]},{\"name\":\"ob_l2\",\"error\":\"subscription "
           "forbidden\"},{\"name\":"
           "\"system_status\"}]}",
           "0 @0 subscribed candlestick_1m\n-1 @0 subscribed candlestick_1m\n"
           "-1 @0 refused subscription forbidden\n-1 @0 subscribed system_status\n");
    expect(
        "{\"type\":\"system_status\",\"event\":\"maintenance_started\",\"status\":\"maintenance\"}",
        "-1 @0 status maintenance\n");
    expect("{\"type\":\"product_updates\",\"event\":\"market_disruption\",\"product\":{\"id\":17,"
           "\"symbol\":"
           "\"BTCUSD\",\"trading_status\":\"disrupted_post_only\"}}",
           "0 @0 status market_disruption\n");
    expect(
        "{\"type\":\"key-auth\",\"success\":true,\"status_code\":200,\"status\":\"authenticated\"}",
        "");
    expect("{\"type\":\"key-auth\",\"success\":false,\"status_code\":401,\"status\":\"invalid_"
           "signature\"}",
           "-1 @0 refused invalid_signature\n");
    expect("{\"type\":\"error\",\"message\":\"bad\"}", "-1 @0 refused bad\n");
    expect("{\"type\":\"v2/user_trades\",\"sy\":\"BTCUSD\"}", "");
    expect("{\"type\":\"positions\",\"symbol\":\"BTCUSD\"}", "");
    expect("{\"type\":\"ob_l1\",\"sy\":\"OTHER\"}", "");
    refuse("{\"sy\":\"BTCUSD\"}", "type is missing");
    refuse("{\"type\":\"subscriptions\",\"channels\":[{\"symbols\":[]}]}", "name is missing");
    refuse("{\"type\":\"heartbeat\",\"type\":\"heartbeat\"}", "message has a key twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_books_with_checksums),
        cmocka_unit_test(test_delta_whole_books),
        cmocka_unit_test(test_delta_trades),
        cmocka_unit_test(test_delta_candles),
        cmocka_unit_test(test_delta_tickers_funding_and_interest),
        cmocka_unit_test(test_delta_notices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
