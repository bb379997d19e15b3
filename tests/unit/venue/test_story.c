/* The servers tell one story: checksums as published, the same candles by REST, by WebSocket and of
 * the trades, and a book that its updates rebuild. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../venue/delta.h"
#include "../../venue/kraken.h"
#include "book_take.h"
#include "client.h"

/* Digits of a decimal as an integer with `decimals` of them behind the dot. */
static int64_t exact(const char *word, int decimals)
{
    int64_t n = 0;
    int behind = -1;
    for (; *word; word++) {
        if (*word == '.') {
            behind = 0;
        } else {
            n = n * 10 + (*word - '0');
            behind += behind >= 0;
        }
    }
    for (behind = behind < 0 ? 0 : behind; behind < decimals; behind++)
        n *= 10;
    return n;
}

/* Reads "price qty, price qty" into one side. */
static void read_side(market_book *book, int side, const char *text_of, const char *separator,
                      int price_decimals, int qty_decimals)
{
    char copy[1024], *save = NULL;
    snprintf(copy, sizeof copy, "%s", text_of);
    for (char *one = strtok_r(copy, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
        one += *one == ' ';
        char *qty = strstr(one, separator);
        *qty = 0;
        book->side[side][book->n[side]++] =
            (market_level){exact(one, price_decimals), exact(qty + 1, qty_decimals)};
    }
}

static void test_kraken_checksum_of_the_published_book(void **state)
{
    (void)state;
    static market_book book;
    memset(&book, 0, sizeof book);
    read_side(&book, 1,
              "45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, "
              "45290.2 0.15890660, 45291.8 1.54553491, 45294.7 0.04454749, 45296.1 0.35380000, "
              "45297.5 0.09945542, 45299.5 0.18772827",
              " ", 1, 8);
    read_side(&book, 0,
              "45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, "
              "45280.3 1.54592586, 45279.0 0.07990000, 45277.6 0.03310103, 45277.5 0.30000000, "
              "45277.3 1.54602737, 45276.6 0.15445238",
              " ", 1, 8);
    text t = {0};
    kraken_checksum_text(&book, &t);
    assert_string_equal(t.data, "452852100000452864154571953452866154571109452896154560911452902158"
                                "9066045291815455349145294"
                                "744547494529613538000045297599455424529951877282745283510000000452"
                                "8341545820154528211000000"
                                "045281010000000452803154592586452790799000045277633101034527753000"
                                "0000452773154602737452766"
                                "15445238");
    text_finish(&t);
    assert_int_equal(kraken_checksum(&book), 3310070434u);
}

static void test_delta_checksums_of_the_published_books(void **state)
{
    (void)state;
    static market_book book;
    market_instrument what = {.price_decimals = 1};
    memset(&book, 0, sizeof book);
    read_side(&book, 1, "16919.0:1087,16919.5:1193,16920.0:510", ":", 1, 0);
    read_side(&book, 0, "16918.0:602,16917.5:1792,16917.0:2039", ":", 1, 0);
    assert_int_equal(delta_checksum(&book, &what), 2178756498u);
    memset(&book, 0, sizeof book);
    what.price_decimals = 2;
    read_side(&book, 1, "100.00:23,100.05:34", ":", 2, 0);
    read_side(&book, 0, "99.04:87,98.65:102,98.30:16", ":", 2, 0);
    assert_int_equal(delta_checksum(&book, &what), 3599895312u);
}

typedef struct {
    int64_t open, high, low, close, volume, count;
} sum;

/* Reads every trade by the cursor, adding each once to its minute; returns how many there were. The
 * rows are read as text: a time of 59.9999999 s is in the next minute once it was a double. */
static size_t read_trades(venue *v, int64_t begin_s, sum *minutes, size_t n_minutes)
{
    char path[128], last[32] = "0";
    long long id_seen = 0;
    size_t n = 0, pages = 0, repeated = 0;
    for (int more = 1; more; pages++) {
        snprintf(path, sizeof path, "/0/public/Trades?pair=XBTUSD&since=%s&count=100", last);
        reply r = rest_get(v, path, NULL);
        assert_int_equal(r.status, 200);
        char price_of[32], qty_of[32];
        long long second, id;
        int rows = 0;
        for (char *row = strstr(r.body, "[[\""); row && row[1] == '['; row = strstr(row, "]") + 1) {
            assert_int_equal(
                sscanf(row + 1, "[\"%31[^\"]\",\"%31[^\"]\",%lld.%*d,\"%*c\",\"%*c\",\"\",%lld]",
                       price_of, qty_of, &second, &id),
                4);
            rows++;
            repeated += id <= id_seen;
            if (id <= id_seen)
                continue;
            assert_true(id_seen == 0 || id == id_seen + 1);
            id_seen = id;
            if (second < begin_s || (second - begin_s) / 60 >= (int64_t)n_minutes)
                continue;
            sum *s = &minutes[(second - begin_s) / 60];
            int64_t price = exact(price_of, 1);
            s->open = s->count ? s->open : price;
            s->high = s->count && s->high > price ? s->high : price;
            s->low = s->count && s->low < price ? s->low : price;
            s->close = price;
            s->volume += exact(qty_of, 8);
            s->count++;
            n++;
        }
        more = rows == 100;
        assert_int_equal(sscanf(strstr(r.body, "\"last\":\""), "\"last\":\"%31[0-9]", last), 1);
        reply_finish(&r);
    }
    assert_true(pages > 10 && repeated > 0);
    return n;
}

static void test_kraken_candles_are_those_of_its_trades(void **state)
{
    (void)state;
    venue_options options = {.venue = "kraken", .seed = 9, .rate_scale = -1, .history_s = 86400};
    venue *v = start(&options);
    json_t *root = rest_json(v, "/0/public/OHLC?pair=XBTUSD&interval=1", NULL), *row;
    json_t *rows = json_object_get(json_object_get(root, "result"), "XXBTZUSD");
    assert_int_equal(json_array_size(rows), 721);
    int64_t begin_s = json_integer_value(json_array_get(json_array_get(rows, 0), 0));
    static sum minutes[721];
    memset(minutes, 0, sizeof minutes);
    assert_true(read_trades(v, begin_s, minutes, 721) > 1000);
    size_t i, flat = 0;
    int64_t close = 0;
    json_array_foreach(rows, i, row)
    {
        const sum *s = &minutes[i];
        if (i == 720)
            break; /* still running */
        assert_int_equal(json_integer_value(json_array_get(row, 0)), begin_s + 60 * (int64_t)i);
        assert_int_equal(json_integer_value(json_array_get(row, 7)), s->count);
        const int64_t expected[4] = {s->open, s->high, s->low, s->close};
        for (size_t k = 0; k < 4 && (s->count || close); k++)
            assert_int_equal(exact(json_string_value(json_array_get(row, 1 + k)), 1),
                             s->count ? expected[k] : close);
        assert_int_equal(exact(json_string_value(json_array_get(row, 6)), 8), s->volume);
        flat += s->count == 0;
        close = exact(json_string_value(json_array_get(row, 4)), 1);
    }
    assert_true(flat > 50);
    int64_t last = json_integer_value(json_object_get(json_object_get(root, "result"), "last"));
    assert_int_equal(last, begin_s + 719 * 60);
    json_decref(root);
    stop(v, 0);
}

static int64_t time_of(const char *word)
{
    struct tm at = {0};
    const char *rest = strptime(word, "%Y-%m-%dT%H:%M:%S", &at);
    return (int64_t)timegm(&at) * NS_A_SECOND + strtoll(rest + 1, NULL, 10) * 1000;
}

/* A client's book at depth 25 against the venue's own, after every message. */
static void test_kraken_book_updates_rebuild_the_book(void **state)
{
    (void)state;
    static market_book book, truth;
    venue_options options = {.venue = "kraken", .seed = 3, .speed = 50};
    venue *v = start(&options);
    socket_client c;
    assert_true(ws_open(&c, v, "/v2"));
    assert_true(ws_send(&c, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"book\","
                            "\"symbol\":[\"DOGE/USD\"],\"depth\":25}}"));
    memset(&book, 0, sizeof book);
    for (int i = 0; i < 400; i++) {
        json_t *root = ws_find(&c, "channel", "book", NULL, NULL);
        json_t *data = json_array_get(json_object_get(root, "data"), 0);
        if (strcmp(json_string_value(json_object_get(root, "type")), "snapshot") == 0)
            memset(&book, 0, sizeof book);
        book_take(&book, 0, json_object_get(data, "bids"), 7, 25);
        book_take(&book, 1, json_object_get(data, "asks"), 7, 25);
        assert_int_equal(kraken_checksum(&book),
                         (int64_t)json_number_value(json_object_get(data, "checksum")));
        int64_t at = time_of(json_string_value(json_object_get(data, "timestamp")));
        assert_true(venue_book(v, "XDGUSD", at, &truth));
        for (int side = 0; side < 2; side++) {
            assert_int_equal(book.n[side], 25);
            assert_memory_equal(book.side[side], truth.side[side], 25 * sizeof(market_level));
        }
        assert_true(truth.side[0][0].price < truth.side[1][0].price);
        json_decref(root);
    }
    ws_close(&c);
    stop(v, 0);
}

static void test_delta_candles_are_newest_first_and_filled_behind_a_trade(void **state)
{
    (void)state;
    venue_options options = {.venue = "delta", .seed = 2};
    venue *v = start(&options);
    const market *m = venue_market(v, "BTCUSD");
    int64_t now = venue_now_ns(v) / NS_A_SECOND, step = 60, at = (now - 86400) / step * step;
    market_candle candle;
    /* A window that begins with two silent minutes. */
    while (!(market_candle_at(m, at, step, INT64_MAX, &candle) && candle.n_trades == 0 &&
             market_candle_at(m, at + step, step, INT64_MAX, &candle) && candle.n_trades == 0))
        at += step;
    char path[256];
    snprintf(path, sizeof path,
             "/v2/history/candles?resolution=1m&symbol=BTCUSD&start=%lld&end=%lld", (long long)at,
             (long long)(at + 3600));
    json_t *root = rest_json(v, path, NULL), *rows = json_object_get(root, "result"), *row;
    size_t i;
    int64_t expected = at + 3600;
    json_array_foreach(rows, i, row)
    {
        assert_int_equal(json_integer_value(json_object_get(row, "time")), expected);
        assert_true(market_candle_at(m, expected, step, INT64_MAX, &candle));
        assert_int_equal((int64_t)json_number_value(json_object_get(row, "volume")), candle.volume);
        assert_int_equal((int64_t)(json_number_value(json_object_get(row, "close")) * 10 + 0.5),
                         candle.close);
        expected -= step;
    }
    assert_true(json_array_size(rows) > 10 && expected > at + step);
    assert_true(candle.n_trades > 0); /* the oldest row: nothing silent ahead of it */
    json_decref(root);
    stop(v, 0);
}

static void test_amberdata_pages_hold_every_traded_minute_once(void **state)
{
    (void)state;
    venue_options options = {.venue = "amberdata", .seed = 2, .history_s = 90000};
    venue *v = start(&options);
    const market *m = venue_market(v, "btc_usd@gdax");
    int64_t now = venue_now_ns(v) / NS_A_SECOND, from = now - 80000, at = (from + 59) / 60 * 60;
    char path[2048];
    snprintf(path, sizeof path,
             "/markets/spot/ohlcv/btc_usd?exchange=gdax&startDate=%lld&endDate=%lld&timeInterval="
             "minutes&timeFormat=milliseconds",
             (long long)from, (long long)(now - 300));
    size_t pages = 0, n = 0;
    while (*path) {
        json_t *root = rest_json(v, path, "x-api-key: UAKtest"), *row;
        json_t *payload = json_object_get(root, "payload");
        size_t i;
        json_array_foreach(json_object_get(payload, "data"), i, row)
        {
            market_candle candle;
            while (market_candle_at(m, at, 60, INT64_MAX, &candle) == 0 || candle.n_trades == 0)
                at += 60;
            assert_int_equal(json_integer_value(json_object_get(row, "exchangeTimestamp")),
                             at * 1000);
            at += 60;
            n++;
        }
        const char *next =
            json_string_value(json_object_get(json_object_get(payload, "metadata"), "next"));
        snprintf(path, sizeof path, "%s", next ? next : "");
        json_decref(root);
        pages++;
    }
    assert_true(pages > 3 && n > 600);
    stop(v, 0);
}

static void test_late_trades_are_told_late_and_correct_their_candle(void **state)
{
    (void)state;
    venue_options options = {.venue = "kraken", .seed = 4, .history_s = 3600, .speed = 200};
    options.late_every = 3;
    options.late_ns_most = 120 * NS_A_SECOND;
    venue *v = start(&options);
    socket_client c;
    assert_true(ws_open(&c, v, "/v2"));
    assert_true(ws_send(&c, "{\"method\":\"subscribe\",\"params\":{\"channel\":\"ohlc\","
                            "\"symbol\":[\"BTC/USD\"],\"interval\":1,\"snapshot\":false}}"));
    char newest[64] = "";
    int corrections = 0;
    for (int i = 0; i < 40; i++) {
        json_t *root = ws_find(&c, "channel", "ohlc", NULL, NULL);
        json_t *row = json_array_get(json_object_get(root, "data"), 0);
        const char *begin = json_string_value(json_object_get(row, "interval_begin"));
        corrections += strcmp(begin, newest) < 0;
        if (strcmp(begin, newest) > 0)
            snprintf(newest, sizeof newest, "%s", begin);
        json_decref(root);
    }
    assert_true(corrections > 0);
    ws_close(&c);
    stop(v, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kraken_checksum_of_the_published_book),
        cmocka_unit_test(test_delta_checksums_of_the_published_books),
        cmocka_unit_test(test_kraken_candles_are_those_of_its_trades),
        cmocka_unit_test(test_kraken_book_updates_rebuild_the_book),
        cmocka_unit_test(test_delta_candles_are_newest_first_and_filled_behind_a_trade),
        cmocka_unit_test(test_amberdata_pages_hold_every_traded_minute_once),
        cmocka_unit_test(test_late_trades_are_told_late_and_correct_their_candle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
