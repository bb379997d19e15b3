/* Every recorded frame parses, and every checksum and sequence number of the recordings holds.
 * Needs the recordings: WICK_TEST_ROOT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_check.h"

enum { SYMBOLS = 16 };

typedef struct {
    wk_book_follower followers[SYMBOLS];
    uint32_t (*checksum)(const wk_book *);
    int price_decimals; /* below 0: as the first level of the market has them, as v1 wants it */
    size_t n_books, n_trades, n_candles, n_tickers, n_levels;
} tally;

static void count_event(void *ctx, const wk_event *event)
{
    tally *t = ctx;
    t->n_books += event->kind == WK_EVENT_BOOK_BEGIN;
    t->n_trades += event->kind == WK_EVENT_TRADE;
    t->n_candles += event->kind == WK_EVENT_CANDLE;
    t->n_tickers += event->kind == WK_EVENT_TICKER;
    t->n_levels += event->kind == WK_EVENT_BOOK_LEVEL;
    if (event->symbol >= SYMBOLS)
        return;
    wk_book_follower *f = &t->followers[event->symbol];
    if (event->kind == WK_EVENT_BOOK_LEVEL && t->price_decimals < 0) {
        /* Made at the first level, then begun anew. */
        wk_err err;
        if (!f->book &&
            wk_book_create(event->level.price.scale, event->level.qty.scale, 1000, &f->book, &err))
            fail_msg("%s", err.msg);
        f->is_open |= !f->is_live;
        f->is_live = 1;
        f->checksum = t->checksum;
    } else if (!f->book && event->kind == WK_EVENT_BOOK_BEGIN && t->price_decimals >= 0) {
        wk_err err;
        if (wk_book_create(t->price_decimals, 8, 5000, &f->book, &err))
            fail_msg("%s", err.msg);
    }
    if (f->book)
        follow_event(f, event);
}

static size_t n_checked(tally *t)
{
    size_t n = 0;
    for (int i = 0; i < SYMBOLS; i++) {
        n += t->followers[i].n_checked;
        wk_book_destroy(t->followers[i].book);
    }
    return n;
}

/* Feeds the received lines "<epoch>: <frame>" of a capture. Returns how many frames there were. */
static size_t feed_capture(wk_parser *parser, const char *path, tally *t)
{
    char *text = real_file(path);
    if (!text)
        return 0;
    size_t n = 0;
    for (char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *frame = memchr(line, ':', length);
        if (frame && line[0] >= '0' && line[0] <= '9') {
            frame += 2;
            wk_err err = {0};
            size_t bytes = length - (size_t)(frame - line);
            if (wk_parser_feed(parser, frame, bytes, 1, count_event, t, &err) != WK_OK)
                fail_msg("%s: %s\n%.*s", path, err.msg, (int)bytes, frame);
            n++;
        }
        line += length + (line[length] == '\n');
    }
    free(text);
    return n;
}

static const char v1_symbols[] =
    "WAVES/EUR XMR/USD KSM/XBT GRT/ETH SC/EUR ETH/CHF OCEAN/XBT OMG/USD "
    "XBT/CHF ADA/XBT";

static void expect_nothing_unknown(const wk_parser *parser)
{
    wk_parser_counts counts;
    wk_parser_count(parser, &counts);
    assert_int_equal(counts.unknown_channel, 0);
    assert_int_equal(counts.unknown_symbol, 0);
    assert_int_equal(counts.broken, 0);
}

static void test_kraken_v1_recordings_and_all_their_checksums(void **state)
{
    (void)state;
    static const char *const paths[] = {"api/fixtures/kraken/cryptofeed/ws_v1_book1000_half_a.txt",
                                        "data/tick/raw/cryptofeed/KRAKEN.ws.50.0.txt.gz"};
    for (size_t i = 0; i < 2; i++) {
        wk_parser *parser = parser_of(WK_DIALECT_KRAKEN_V1, v1_symbols);
        tally t = {.checksum = wk_book_checksum_kraken, .price_decimals = -1};
        size_t n = feed_capture(parser, paths[i], &t);
        if (n == 0) {
            wk_parser_destroy(parser);
            skip();
        }
        expect_nothing_unknown(parser);
        size_t n_markets = 0;
        for (int k = 0; k < SYMBOLS; k++)
            n_markets += t.followers[k].book != NULL;
        size_t checked = n_checked(&t);
        print_message("%s: %zu frames, %zu books, %zu levels, %zu checksums\n", paths[i], n,
                      t.n_books, t.n_levels, checked);
        assert_int_equal(checked, t.n_books - n_markets); /* the first, a snapshot, has none */
        assert_true(checked > 1000);
        wk_parser_destroy(parser);
    }
}

static void test_kraken_v1_trades_and_tickers(void **state)
{
    (void)state;
    wk_parser *parser = parser_of(WK_DIALECT_KRAKEN_V1, v1_symbols);
    tally t = {.price_decimals = -1};
    size_t n = feed_capture(parser, "api/fixtures/kraken/cryptofeed/ws_v1_trade.txt", &t);
    n += feed_capture(parser, "data/tick/raw/cryptofeed/KRAKEN.ws.49.0.txt.gz", &t);
    if (n > 0) {
        expect_nothing_unknown(parser);
        assert_true(t.n_trades > 0);
        assert_true(t.n_tickers > 0);
    }
    wk_parser_destroy(parser);
    if (n == 0)
        skip();
}

static void test_kraken_futures_recording_has_no_gap(void **state)
{
    (void)state;
    wk_parser *parser = parser_of(WK_DIALECT_KRAKEN_FUTURES,
                                  "PI_XRPUSD PI_LTCUSD FI_BCHUSD_210730 FI_XBTUSD_210924 "
                                  "FI_ETHUSD_210730");
    tally t = {.price_decimals = 4};
    size_t n = feed_capture(parser, "api/fixtures/kraken/cryptofeed/futures_ws_half_a.txt", &t);
    if (n > 0) {
        expect_nothing_unknown(parser);
        for (int i = 0; i < 5; i++)
            assert_false(wk_book_is_crossed(t.followers[i].book));
        size_t checked = n_checked(&t);
        print_message("%zu frames, %zu books, %zu in sequence, %zu trades\n", n, t.n_books, checked,
                      t.n_trades);
        assert_int_equal(checked, t.n_books - 5);
        assert_true(checked > 2000);
        assert_true(t.n_trades > 400);
    }
    wk_parser_destroy(parser);
    if (n == 0)
        skip();
}

static void test_delta_recording(void **state)
{
    (void)state;
    wk_parser *parser = parser_of(
        WK_DIALECT_DELTA, "C-ETH-3200-311221 P-BNB-600-291121 C-ETH-4000-250322 P-ETH-5600-311221 "
                          "C-BNB-540-031221 P-ETH-3500-280122 C-BNB-560-031221 C-ETH-4450-301121 "
                          "P-BNB-560-031221 P-ETH-4000-250322");
    tally t = {.price_decimals = 4};
    size_t n = feed_capture(parser, "api/fixtures/delta/cryptofeed/ws_legacy_half_a.txt", &t);
    if (n > 0) {
        expect_nothing_unknown(parser);
        assert_int_equal(t.n_books, 154);
        for (int i = 0; i < SYMBOLS; i++)
            if (t.followers[i].book)
                assert_false(wk_book_is_crossed(t.followers[i].book));
        (void)n_checked(&t);
    }
    wk_parser_destroy(parser);
    if (n == 0)
        skip();
}

/* Files of one frame or of one a line; some hold requests of ours, which are no frames. */
static void test_single_frames_of_the_fixtures(void **state)
{
    (void)state;
    static const struct {
        wk_dialect dialect;
        const char *path;
        size_t n_frames, n_events; /* events of known channels and markets */
    } files[] = {
        {WK_DIALECT_KRAKEN, "kraken/docs/ws2_book_btcusd_snapshot.json", 1, 22},
        {WK_DIALECT_KRAKEN, "kraken/docs/ws2_frames.jsonl", 6, 5},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_ohlc_update.json", 1, 1},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_pong.json", 1, 1},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_subscribe_response.json", 1, 1},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_ticker_snapshot.json", 1, 1},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_trade_update.json", 1, 2},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_add_order_response_success.json", 1, 0},
        {WK_DIALECT_KRAKEN, "kraken/nautilus/ws_batch_add_response_partial.json", 1, 0},
        {WK_DIALECT_KRAKEN, "kraken/kraken.net/Subscriptions_Spot_Kline.txt", 1, 1},
        {WK_DIALECT_KRAKEN, "kraken/kraken.net/Subscriptions_Spot_Trades.txt", 1, 1},
        {WK_DIALECT_KRAKEN_FUTURES, "kraken/nautilus/ws_futures_book_delta.json", 1, 3},
        {WK_DIALECT_KRAKEN_FUTURES, "kraken/nautilus/ws_futures_book_snapshot.json", 1, 6},
        {WK_DIALECT_KRAKEN_FUTURES, "kraken/nautilus/ws_futures_ticker.json", 1, 3},
        {WK_DIALECT_KRAKEN_FUTURES, "kraken/nautilus/ws_futures_trade_snapshot.json", 1, 2},
        {WK_DIALECT_DELTA_PUBLIC, "delta/docs/ws_ob_updates_snapshot.json", 1, 8},
        {WK_DIALECT_DELTA_PUBLIC, "delta/docs/ws_public_small_frames.jsonl", 7, 7},
        {WK_DIALECT_DELTA_PUBLIC, "delta/live2026/ws_public_ob_l2.jsonl", 2, 49},
        {WK_DIALECT_DELTA_PUBLIC, "delta/live2026/ws_public_ticker_BTCUSD.json", 1, 2},
        {WK_DIALECT_DELTA_PUBLIC, "delta/live2026/ws_public_ticker_options.jsonl", 2, 4},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[256];
        snprintf(path, sizeof path, "api/fixtures/%s", files[i].path);
        char *text = real_file(path);
        if (!text)
            skip();
        wk_parser *parser = parser_of(
            files[i].dialect,
            "BTC/USD ALGO/USD ETH/USDT PI_XBTUSD BTCUSD MARK:C-BTC-69500-100426 P-BTC-75600-040926 "
            "C-BTC-87000-040926 P-BTC-78500-040926 C-BTC-68500-040926");
        tally t = {.price_decimals = 4};
        /* A pushed message stands behind "= " in a file of requests and replies. */
        char *p = strstr(files[i].path, "Subscriptions") ? strstr(text, "\n= ") + 3 : text;
        size_t n_lines = strstr(files[i].path, ".jsonl") ? SIZE_MAX : 1, n = 0;
        while (*p && n < n_lines) {
            size_t length = n_lines == 1 ? strlen(p) : strcspn(p, "\n");
            wk_err err = {0};
            if (wk_parser_feed(parser, p, length, 1, count_event, &t, &err) != WK_OK)
                fail_msg("%s: %s", files[i].path, err.msg);
            n++;
            p += length + (p[length] == '\n');
        }
        wk_parser_counts counts;
        wk_parser_count(parser, &counts);
        if (n != files[i].n_frames || counts.events != files[i].n_events)
            fail_msg("%s: %zu frames, %zu events", files[i].path, n, (size_t)counts.events);
        assert_int_equal(counts.unknown_symbol, 0);
        (void)n_checked(&t);
        wk_parser_destroy(parser);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kraken_v1_recordings_and_all_their_checksums),
        cmocka_unit_test(test_kraken_v1_trades_and_tickers),
        cmocka_unit_test(test_kraken_futures_recording_has_no_gap),
        cmocka_unit_test(test_delta_recording),
        cmocka_unit_test(test_single_frames_of_the_fixtures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
