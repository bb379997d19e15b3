/* Kraken spot v2: every documented and recorded kind of frame, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "parse_check.h"
#include "wick/book.h"

static void expect(const char *frame, const char *lines)
{
    parse_expect(WK_DIALECT_KRAKEN, "BTC/USD MATIC/USD ALGO/USD", frame, lines);
}

static void refuse(const char *frame, const char *reason)
{
    parse_refuse(WK_DIALECT_KRAKEN, "BTC/USD MATIC/USD ALGO/USD", frame, reason);
}

static void test_kraken_book_messages(void **state)
{
    (void)state;
    expect("{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"MATIC/USD\","
           "\"bids\":[{\"price\":0.5666,\"qty\":4831.75496356},{\"price\":0.5665,\"qty\":1e-08}],"
           "\"asks\":[{\"price\":0.566,\"qty\":18097.1547}],\"checksum\":2439117997}]}",
           "1 @0 begin snapshot seq=0 after=0\n"
           "1 @0 bid 0.5666 4831.75496356\n"
           "1 @0 bid 0.5665 0.00000001\n"
           "1 @0 ask 0.566 18097.1547\n"
           "1 @0 end 2439117997\n");
    expect("{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"MATIC/USD\","
           "\"bids\":[{\"price\":0.5657,\"qty\":1098.3947558}],\"asks\":[],\"checksum\":2114181697,"
           "\"timestamp\":\"2023-10-06T17:35:55.440295Z\"}]}",
           "1 @1696613755440295000 begin update seq=0 after=0\n"
           "1 @1696613755440295000 bid 0.5657 1098.3947558\n"
           "1 @1696613755440295000 end 2114181697\n");
    /* Another order of keys, strings for numbers, space, and keys that nobody asked for. */
    expect(" {\"data\" : [ {\"new\":{\"qty\":[1,2]}, \"checksum\":7,\"asks\":[{\"qty\":\"1.50\","
           "\"price\":\"2\"}],\"symbol\":\"BTC\\/USD\"} ] "
           ",\"type\":\"update\",\"channel\":\"book\"}\n",
           "0 @0 begin update seq=0 after=0\n0 @0 ask 2 1.50\n0 @0 end 7\n");
    /* A market that was not asked for. */
    expect(
        "{\"channel\":\"book\",\"type\":\"update\",\"data\":[{\"symbol\":\"XRP/USD\",\"bids\":7}]}",
        "");
}

static void test_kraken_trades(void **state)
{
    (void)state;
    expect(
        "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/USD\",\"side\":"
        "\"buy\",\"price\":105944.20,\"qty\":0.00027625,\"ord_type\":\"limit\",\"trade_id\":"
        "10218208,"
        "\"timestamp\":\"2023-10-06T17:35:55.440295Z\"},{\"symbol\":\"BTC/USD\",\"side\":\"sell\","
        "\"price\":105910.50,\"qty\":4.21870000,\"ord_type\":\"market\",\"trade_id\":"
        "9007199254740993,"
        "\"timestamp\":\"2023-10-06T17:35:56.123456789Z\"}]}",
        "0 @1696613755440295000 trade buy 105944.20 0.00027625 id=10218208\n"
        "0 @1696613756123456789 trade sell 105910.50 4.21870000 id=9007199254740993\n");
    expect(
        "{\"channel\":\"trade\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"BTC/USD\",\"side\":"
        "\"sell\",\"price\":0.5117,\"qty\":40.0,\"ord_type\":\"market\",\"trade_id\":4665906,"
        "\"timestamp\":\"2024-02-29T00:00:00Z\"}]}",
        "0 @1709164800000000000 trade sell 0.5117 40.0 id=4665906 snapshot\n");
}

static void test_kraken_candles(void **state)
{
    (void)state;
    expect(
        "{\"channel\":\"ohlc\",\"type\":\"snapshot\",\"timestamp\":\"2023-10-04T16:26:01."
        "806315597Z\",\"data\":[{\"symbol\":\"ALGO/USD\",\"open\":0.09875,\"high\":0.0988,\"low\":"
        "0.09875,\"close\":0.09875,\"trades\":13,\"volume\":16255.46368,\"vwap\":0.09879,"
        "\"interval_begin\":\"2023-10-04T15:30:00.000000000Z\",\"interval\":5,\"timestamp\":"
        "\"2023-10-04T15:35:00.000000Z\"}]}",
        "2 @1696436761806315597 candle 1696433400+300 o=0.09875 h=0.0988 l=0.09875 c=0.09875 "
        "v=16255.46368 n=13 snapshot\n");
    expect(
        "{\"channel\":\"ohlc\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/"
        "USD\",\"interval\":1,"
        "\"interval_begin\":\"2023-10-04T16:25:00.000000000Z\",\"open\":106038.2,\"high\":106044.3,"
        "\"low\":106038.1,\"close\":106040.1,\"volume\":30927.68066226,\"vwap\":106039.6,"
        "\"trades\":12}]}",
        "0 @0 candle 1696436700+60 o=106038.2 h=106044.3 l=106038.1 c=106040.1 v=30927.68066226 "
        "n=12\n");
}

static void test_kraken_ticker_and_instruments(void **state)
{
    (void)state;
    expect(
        "{\"channel\":\"ticker\",\"type\":\"snapshot\",\"data\":[{\"symbol\":\"BTC/USD\",\"bid\":"
        "105944.20,\"bid_qty\":2.5,\"ask\":105944.30,\"ask_qty\":3.2,\"last\":105899.40,\"volume\":"
        "163.28908096,\"change\":-250.00,\"timestamp\":\"2022-12-25T09:30:59.123456Z\"}]}",
        "0 @1671960659123456000 ticker bid=105944.20*2.5 ask=105944.30*3.2 last=105899.40 "
        "mark=-\n");
    expect(
        "{\"channel\":\"instrument\",\"type\":\"snapshot\",\"data\":{\"assets\":[{\"id\":\"USD\","
        "\"status\":\"enabled\",\"precision\":4}],\"pairs\":[{\"symbol\":\"EUR/USD\",\"status\":"
        "\"online\"},{\"symbol\":\"BTC/"
        "USD\",\"base\":\"BTC\",\"quote\":\"USD\",\"status\":\"online\","
        "\"qty_precision\":8,\"qty_increment\":1e-08,\"price_precision\":1,\"price_increment\":0.1,"
        "\"qty_min\":0.0001},{\"symbol\":\"ALGO/USD\",\"status\":\"cancel_only\"}]}}",
        "0 @0 instrument 1 8 0.1 0.00000001 0.0001 tradable\n"
        "2 @0 instrument -1 -1 - - -\n");
}

static void test_kraken_status_replies_and_pong(void **state)
{
    (void)state;
    expect(
        "{\"channel\":\"status\",\"data\":[{\"api_version\":\"v2\",\"connection_id\":"
        "13834774380200032777,\"system\":\"online\",\"version\":\"2.0.0\"}],\"type\":\"update\"}",
        "-1 @0 status online\n");
    expect("{\"channel\":\"heartbeat\"}", "-1 @0 heartbeat\n");
    expect("{\"method\":\"pong\",\"req_id\":101,\"time_in\":\"2023-09-24T14:10:23.799685Z\","
           "\"time_out\":\"2023-09-24T14:10:23.799703Z\"}",
           "-1 @1695564623799703000 pong\n");
    expect("{\"method\":\"subscribe\",\"result\":{\"channel\":\"book\",\"depth\":10,\"symbol\":"
           "\"BTC/"
           "USD\",\"snapshot\":true},\"success\":true,\"time_in\":\"2023-09-25T09:04:31.742599Z\","
           "\"time_out\":\"2023-09-25T09:04:31.742648Z\",\"req_id\":1}",
           "0 @1695632671742648000 subscribed book\n");
    expect("{\"method\":\"subscribe\",\"success\":false,\"error\":\"Currency pair not supported "
           "XBT/USD\",\"symbol\":\"XBT/USD\",\"time_out\":\"2023-09-25T09:04:31.742648Z\"}",
           "-1 @1695632671742648000 refused Currency pair not supported XBT/USD\n");
    expect("{\"error\":\"Malformed request\",\"success\":false}",
           "-1 @0 refused Malformed request\n");
    expect("{\"method\":\"unsubscribe\",\"success\":true,\"result\":{\"channel\":\"book\"}}", "");
    /* Channels of a private connection are counted. */
    expect("{\"channel\":\"executions\",\"type\":\"update\",\"data\":[],\"sequence\":8}", "");
}

static void test_kraken_refuses_wrong_frames_with_a_reason(void **state)
{
    (void)state;
    refuse("", "no value at the end at byte 0 of 0");
    refuse("[]", "message is not an object");
    refuse("{\"channel\":7}", "channel is not a string");
    refuse("{\"channel\":\"book\"}", "type is not snapshot or update");
    refuse("{\"channel\":\"book\",\"type\":\"update\"}", "data is missing");
    refuse("{\"channel\":\"book\",\"type\":\"update\",\"data\":{}}",
           "data is not an array at byte 41");
    refuse("{\"channel\":\"book\",\"channel\":\"book\"}", "message has a key twice, at byte 19");
#define BOOK(row) "{\"channel\":\"book\",\"type\":\"update\",\"data\":[" row "]}"
    refuse(BOOK("7"), "book is not an object");
    refuse(BOOK("{}"), "symbol is missing");
    refuse(BOOK("{\"symbol\":null}"), "symbol is not a string");
    refuse(BOOK("{\"symbol\":\"BTC/USD\"}"), "checksum is missing");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":4294967296}"), "checksum is out of range");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":-1}"), "checksum is out of range");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1.5}"), "checksum is not a whole number");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"bids\":{}}"), "bids is not an array");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"asks\":[{\"price\":true,\"qty\":1}]}"),
           "price is not a number");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"asks\":[{\"price\":1}]}"),
           "qty is missing");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"asks\":[{\"price\":1,\"qty\":-1}]}"),
           "qty is below zero");
    refuse(BOOK("{\"symbol\":\"BTC/"
                "USD\",\"checksum\":1,\"asks\":[{\"price\":1,\"price\":1,\"qty\":1}]}"),
           "book level has a key twice");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"asks\":[{\"price\":1e99,\"qty\":1}]}"),
           "price has too many digits");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"asks\":[{\"price\":\"\",\"qty\":1}]}"),
           "price is empty");
    refuse(BOOK("{\"symbol\":\"BTC/USD\",\"checksum\":1,\"timestamp\":\"2023-02-29T00:00:00Z\"}"),
           "timestamp is not a time");
#undef BOOK
    refuse("{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/"
           "USD\",\"side\":\"b\","
           "\"price\":1,\"qty\":1,\"trade_id\":1}]}",
           "side is not buy or sell");
    refuse("{\"method\":\"subscribe\"}", "success is missing");
}

static void test_kraken_published_book_verifies(void **state)
{
    char *frame = real_file("api/fixtures/kraken/docs/ws2_book_btcusd_snapshot.json");
    (void)state;
    if (!frame)
        skip();
    wk_parser *parser = parser_of(WK_DIALECT_KRAKEN, "BTC/USD");
    wk_book_follower follower = {.checksum = wk_book_checksum_kraken};
    wk_err err = {0};
    assert_int_equal(wk_book_create(1, 8, 10, &follower.book, &err), WK_OK);
    assert_int_equal(
        wk_parser_feed(parser, frame, strlen(frame), 77, follow_event, &follower, &err), WK_OK);
    assert_int_equal(follower.n_checked, 1);
    assert_true(follower.is_live);
    wk_book_destroy(follower.book);
    wk_parser_destroy(parser);
    free(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kraken_book_messages),
        cmocka_unit_test(test_kraken_trades),
        cmocka_unit_test(test_kraken_candles),
        cmocka_unit_test(test_kraken_ticker_and_instruments),
        cmocka_unit_test(test_kraken_status_replies_and_pong),
        cmocka_unit_test(test_kraken_refuses_wrong_frames_with_a_reason),
        cmocka_unit_test(test_kraken_published_book_verifies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
