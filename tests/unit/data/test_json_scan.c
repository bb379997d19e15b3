/* The JSON scanner: what RFC 8259 allows and nothing else, limits, and a parser that neither grows
 * nor stumbles on hostile frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../data/json_scan.h"
#include "parse_check.h"

/* The linker puts these in place of the library's (--wrap). */
extern void *__real_malloc(size_t size);
extern void *__real_calloc(size_t n, size_t size);
extern void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
static size_t n_allocations;
static size_t n_until_failure = SIZE_MAX;

/* Does this allocation fail? */
static int fails(void)
{
    n_allocations++;
    if (n_until_failure == SIZE_MAX)
        return 0;
    if (n_until_failure == 0)
        return 1;
    n_until_failure--;
    return 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
    return fails() ? NULL : __real_realloc(p, size);
}

static wk__json_token tokens[4096];

static wk__json_result scan(const char *text, size_t n, size_t *n_tokens, const char **reason,
                            size_t *at)
{
    /* A copy of exact size, so that a read past the text is caught. */
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, text, n);
    wk__json_result result = wk__json_scan(copy, n, tokens, 4096, n_tokens, reason, at);
    free(copy);
    return result;
}

static void accepts(const char *text, size_t n_expected)
{
    size_t n_tokens, at;
    const char *reason = "";
    if (scan(text, strlen(text), &n_tokens, &reason, &at) != WK__JSON_OK)
        fail_msg("%s: %s", text, reason);
    assert_int_equal(n_tokens, n_expected);
}

static void refuses(const char *text, const char *expected, size_t expected_at)
{
    size_t n_tokens, at = 0;
    const char *reason = "";
    if (scan(text, strlen(text), &n_tokens, &reason, &at) != WK__JSON_BROKEN)
        fail_msg("%s is accepted", text);
    if (!strstr(reason, expected) || at != expected_at)
        fail_msg("%s: \"%s\" at %zu, not \"%s\" at %zu", text, reason, at, expected, expected_at);
}

static void test_json_accepts_what_the_standard_allows(void **state)
{
    (void)state;
    accepts("0", 1);
    accepts(" [ ] ", 1);
    accepts("{}", 1);
    accepts("\t[true,false,null,\"\",-0,1e-08,1E+5,0.10]\r\n", 9);
    accepts("{\"a\":{\"b\":[{},[]]},\"a\":1}", 9);
    accepts("\"\\u00e9\\ud83d\\ude00 \\\"\\\\\\/\\b\\f\\n\\r\\t\"", 1);
    accepts("\"\x7f \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xf0\x90\x80\x80 "
            "\xf4\x8f\xbf\xbf\"",
            1);
}

static void test_json_refuses_everything_else(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
        size_t at;
    } cases[] = {
        {"", "no value at the end", 0},
        {"  ", "no value at the end", 2},
        {"[", "no value at the end", 1},
        {"[1", "no comma or ]", 2},
        {"[1,", "no value at the end", 3},
        {"[1,]", "no JSON value", 3},
        {"[,1]", "no JSON value", 1},
        {"[1 2]", "no comma or ]", 3},
        {"[1}", "no comma or ]", 2},
        {"{\"a\":1]", "no comma or }", 6},
        {"{\"a\":1,}", "no key", 7},
        {"{a:1}", "no key", 1},
        {"{\"a\"}", "no colon", 4},
        {"{\"a\":}", "no JSON value", 5},
        {"{\"a\"", "no colon", 4},
        {"{\"a\":", "no value at the end", 5},
        {"{1:2}", "no key", 1},
        {"1 2", "behind the end", 2},
        {"{}{}", "behind the end", 2},
        {"nul", "not true, false or null", 0},
        {"truE", "not true, false or null", 0},
        {"fals", "not true, false or null", 0},
        {"NaN", "no JSON value", 0},
        {"Infinity", "no JSON value", 0},
        {"'a'", "no JSON value", 0},
        {"// a", "no JSON value", 0},
        {"+1", "no JSON value", 0},
        {".5", "no JSON value", 0},
        {"-", "without digits", 0},
        {"-a", "without digits", 0},
        {"01", "leading zeros", 0},
        {"-012", "leading zeros", 0},
        {"1.", "ends in its point", 0},
        {"[1.e5]", "ends in its point", 1},
        {"1e", "in its exponent", 0},
        {"1e+", "in its exponent", 0},
        {"0x10", "behind the end", 1},
        {"\"a", "does not end", 0},
        {"[\"12345678901234567890", "does not end", 1},
        {"\"\\", "an escape", 1},
        {"\"\\x\"", "an escape", 1},
        {"\"\\u12\"", "an escape", 1},
        {"\"\\u12g4\"", "an escape", 1},
        {"\"\\ud800\"", "an escape", 1},
        {"\"\\ud800\\u0041\"", "an escape", 1},
        {"\"\\ud800\\n\"", "an escape", 1},
        {"\"\\udc00\"", "an escape", 1},
        {"\"a\nb\"", "a control character", 2},
        {"\"12345678\x1f\"", "a control character", 9},
        {"\"\x80\"", "not UTF-8", 1},
        {"\"1234567\xff\"", "not UTF-8", 8},
        {"\"\xc0\xaf\"", "not UTF-8", 1},
        {"\"\xc1\xbf\"", "not UTF-8", 1},
        {"\"\xc3\"", "not UTF-8", 1},
        {"\"\xe0\x9f\xbf\"", "not UTF-8", 1},
        {"\"\xed\xa0\x80\"", "not UTF-8", 1},
        {"\"\xe2\x82\"", "not UTF-8", 1},
        {"\"\xf0\x8f\xbf\xbf\"", "not UTF-8", 1},
        {"\"\xf4\x90\x80\x80\"", "not UTF-8", 1},
        {"\"\xf5\x80\x80\x80\"", "not UTF-8", 1},
        {"\"\xf0\x9f\x98", "not UTF-8", 1},
        {"\xef\xbb\xbf{}", "no JSON value", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refuses(cases[i].text, cases[i].reason, cases[i].at);
    size_t n_tokens, at;
    const char *reason;
    assert_int_equal(scan("[\0]", 3, &n_tokens, &reason, &at), WK__JSON_BROKEN);
}

/* Every byte of a string at every place within the eight that are looked at together. */
static void test_json_sees_each_byte_at_each_place(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t place = 0; place < 20; place++) {
            char text[32];
            memset(text, 'x', sizeof text);
            text[0] = text[23] = '"';
            text[1 + place] = (char)c;
            size_t n_tokens, at;
            const char *reason;
            wk__json_result result = scan(text, 24, &n_tokens, &reason, &at);
            int is_plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
            if ((result == WK__JSON_OK) != is_plain)
                fail_msg("byte %d at %zu", c, place);
        }
    }
}

static void test_json_depth_is_limited(void **state)
{
    (void)state;
    char text[80];
    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    text[64] = 0;
    accepts(text, 32);
    memset(text, '[', 33);
    text[33] = 0;
    refuses(text, "nested deeper than 32", 32);
}

static void test_json_keys_are_compared_decoded(void **state)
{
    (void)state;
    const char *text = "{\"other\":[1,{\"qty\":9}],\"pr\\u0069ce\":\"a\\u00e9\\n\",\"qty\":2}";
    static const char *const names[] = {"qty", "price", "side"};
    size_t n_tokens, at;
    const char *reason;
    uint32_t v[3];
    assert_int_equal(wk__json_scan(text, strlen(text), tokens, 4096, &n_tokens, &reason, &at),
                     WK__JSON_OK);
    wk__json json = {text, tokens};
    assert_int_equal(wk__json_members(&json, 0, names, 3, v), WK__JSON_ABSENT);
    assert_int_equal(tokens[v[0]].kind, WK__JSON_NUMBER);
    assert_int_equal(text[tokens[v[0]].start], '2');
    assert_int_equal(v[2], WK__JSON_ABSENT);
    char decoded[8];
    assert_int_equal(wk__json_decode(&json, v[1], decoded, sizeof decoded), 4);
    assert_string_equal(decoded, "a\xc3\xa9\n");
    assert_int_equal(wk__json_decode(&json, v[1], decoded, 3), SIZE_MAX);
    assert_string_equal(decoded, "a"); /* never half a character */
    const char *twice = "{\"qty\":1,\"x\":2,\"qt\\u0079\":3}";
    assert_int_equal(wk__json_scan(twice, strlen(twice), tokens, 4096, &n_tokens, &reason, &at),
                     WK__JSON_OK);
    json = (wk__json){twice, tokens};
    assert_int_equal(wk__json_members(&json, 0, names, 3, v), 5);
    /* Keys that nobody asked for may repeat. */
    assert_int_equal(wk__json_members(&json, 0, names + 1, 2, v), WK__JSON_ABSENT);
}

static void ignore(void *ctx, const wk_event *event)
{
    (void)event;
    ++*(size_t *)ctx;
}

static wk_status feed(wk_parser *parser, const char *frame, size_t n, size_t *n_events, wk_err *err)
{
    *n_events = 0;
    return wk_parser_feed(parser, frame, n, 1, ignore, n_events, err);
}

static void test_parser_refuses_hostile_frames_and_goes_on(void **state)
{
    (void)state;
    wk_parser *parser = parser_of(WK_DIALECT_KRAKEN, "BTC/USD");
    wk_err err = {0};
    size_t n_events, n = 50 << 20;
    char *frame = malloc(n);
    assert_non_null(frame);
    memset(frame, '[', n);
    assert_int_equal(feed(parser, frame, n, &n_events, &err), WK_E_PARSE);
    assert_non_null(strstr(err.msg, "frame of 52428800 bytes is longer than 8388608"));
    assert_int_equal(feed(parser, frame, WK_FRAME_BYTES_MAX, &n_events, &err), WK_E_PARSE);
    assert_non_null(strstr(err.msg, "nested deeper than 32"));
    /* Four million values of two bytes. */
    for (size_t i = 1; i < WK_FRAME_BYTES_MAX; i++)
        frame[i] = i % 2 ? '1' : ',';
    frame[WK_FRAME_BYTES_MAX - 1] = ']';
    assert_int_equal(feed(parser, frame, WK_FRAME_BYTES_MAX, &n_events, &err), WK_E_PARSE);
    assert_non_null(strstr(err.msg, "more than 1048576 values"));
    /* A key of eight megabytes is odd, but sound. */
    memset(frame, 'k', WK_FRAME_BYTES_MAX);
    memcpy(frame, "{\"channel\":\"heartbeat\",\"", 24);
    memcpy(frame + WK_FRAME_BYTES_MAX - 4, "\":1}", 4);
    assert_int_equal(feed(parser, frame, WK_FRAME_BYTES_MAX, &n_events, &err), WK_OK);
    assert_int_equal(n_events, 1);
    free(frame);
    wk_parser_counts counts;
    wk_parser_count(parser, &counts);
    assert_int_equal(counts.frames, 4);
    assert_int_equal(counts.broken, 3);
    wk_parser_destroy(parser);
}

/* Whatever the dialect: the reason is said, nothing comes out, and the next frame is read. */
static void test_every_dialect_refuses_hostile_frames_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        wk_dialect dialect;
        const char *symbol, *sound, *wrong, *why;
    } cases[] = {
        {WK_DIALECT_KRAKEN, "BTC/USD", "{\"channel\":\"heartbeat\"}",
         "{\"channel\":\"trade\",\"type\":\"update\",\"data\":[{\"symbol\":\"BTC/"
         "USD\",\"side\":\"buy\","
         "\"price\":true,\"qty\":1,\"trade_id\":1,\"timestamp\":\"2023-10-04T16:26:05Z\"}]}",
         "price"},
        {WK_DIALECT_KRAKEN_V1, "XBT/USD", "{\"event\":\"heartbeat\"}",
         "[1,[[\"1.5\",[],\"1534614057.321597\",\"s\",\"l\",\"\"]],\"trade\",\"XBT/USD\"]",
         "volume"},
        {WK_DIALECT_KRAKEN_FUTURES, "PI_XBTUSD", "{\"feed\":\"heartbeat\",\"time\":1}",
         "{\"feed\":\"book\",\"product_id\":\"PI_XBTUSD\",\"side\":\"sell\",\"seq\":\"x\","
         "\"price\":1,"
         "\"qty\":1,\"timestamp\":1}",
         "seq"},
        {WK_DIALECT_DELTA, "BTCUSD", "{\"type\":\"heartbeat\"}",
         "{\"symbol\":\"BTCUSD\",\"price\":{},\"size\":100,\"type\":\"all_trades\",\"buyer_role\":"
         "\"taker\",\"seller_role\":\"maker\",\"timestamp\":1561634049751430}",
         "price"},
        {WK_DIALECT_DELTA_PUBLIC, "BTCUSD", "{\"type\":\"heartbeat\"}",
         "{\"p\":\"1\",\"r\":\"m\",\"s\":null,\"sy\":\"BTCUSD\",\"t\":1775800366578410,\"ts\":1,"
         "\"type\":"
         "\"trades\"}",
         "s is not a number"},
    };
    size_t n = 50 << 20;
    char *large = malloc(n), deep[200];
    assert_non_null(large);
    memset(large, ' ', n);
    memset(deep, '[', sizeof deep);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct {
            const char *bytes;
            size_t n;
            const char *why;
        } frames[] = {{large, n, "is longer than 8388608"},
                      {deep, sizeof deep, "nested deeper than 32"},
                      {"{\"type\":\"\xc3(\"}", 13, "not UTF-8"},
                      {cases[i].wrong, strlen(cases[i].wrong), cases[i].why}};
        wk_parser *parser = parser_of(cases[i].dialect, cases[i].symbol);
        size_t n_events;
        for (size_t k = 0; k < sizeof frames / sizeof *frames; k++) {
            wk_err err = {0};
            if (feed(parser, frames[k].bytes, frames[k].n, &n_events, &err) != WK_E_PARSE ||
                !strstr(err.msg, frames[k].why) || n_events)
                fail_msg("dialect %d, frame %zu: \"%s\", not \"%s\"", (int)cases[i].dialect, k,
                         err.msg, frames[k].why);
            if (feed(parser, cases[i].sound, strlen(cases[i].sound), &n_events, &err) != WK_OK)
                fail_msg("%s: %s", cases[i].sound, err.msg);
        }
        wk_parser_destroy(parser);
    }
    free(large);
}

static void test_parser_allocates_only_for_the_largest_frame(void **state)
{
    (void)state;
    enum { LEVELS = 1000 };
    static char frame[LEVELS * 64 + 256];
    char *p =
        frame + sprintf(frame, "{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{\"symbol\":"
                               "\"BTC/USD\",\"checksum\":1,\"asks\":[");
    for (int i = 0; i < LEVELS; i++)
        p += sprintf(p, "%s{\"price\":%d.5,\"qty\":1}", i ? "," : "", 1000 + i);
    p += sprintf(p, "]}]}");
    wk_parser *parser = parser_of(WK_DIALECT_KRAKEN, "BTC/USD");
    wk_err err = {0};
    size_t n_events;
    assert_int_equal(feed(parser, frame, (size_t)(p - frame), &n_events, &err), WK_OK);
    assert_int_equal(n_events, LEVELS + 2);
    wk_parser_counts first, last;
    wk_parser_count(parser, &first);
    assert_true(first.allocations > 0);
    wk_book_follower follower = {.checksum = wk_book_checksum_kraken};
    assert_int_equal(wk_book_create(1, 8, LEVELS, &follower.book, &err), WK_OK);
    size_t before = n_allocations;
    assert_true(before > 0); /* the counter counts */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(feed(parser, frame, (size_t)(p - frame), &n_events, &err), WK_OK);
        wk_event level = {.kind = WK_EVENT_BOOK_LEVEL,
                          .level = {.price = {1000 + i, 1}, .qty = {1, 0}, .side = WK_SIDE_BUY}};
        wk_event begin = {.kind = WK_EVENT_BOOK_BEGIN, .book_begin = {.is_snapshot = i == 0}};
        wk_event end = {.kind = WK_EVENT_BOOK_END};
        assert_int_equal(wk_book_follow(&follower, &begin, &err), WK_OK);
        assert_int_equal(wk_book_follow(&follower, &level, &err), WK_OK);
        assert_int_equal(wk_book_follow(&follower, &end, &err), WK_OK);
        (void)wk_book_checksum_kraken(follower.book);
        (void)wk_book_checksum_delta(follower.book);
    }
    assert_int_equal(n_allocations, before);
    wk_parser_count(parser, &last);
    assert_int_equal(first.allocations, last.allocations);
    wk_book_destroy(follower.book);
    wk_parser_destroy(parser);
}

/* Memory that runs out at the first, second, ... request: an error, nothing lost, nothing leaked.
 */
static void test_parser_survives_want_of_memory_at_every_request(void **state)
{
    (void)state;
    enum { ROWS = 600 };
    static char frames[2][ROWS * 32 + 256];
    char *p = frames[0] + sprintf(frames[0], "[1,{\"as\":[");
    for (int i = 0; i < ROWS; i++)
        p += sprintf(p, "%s[\"%d.5\",\"1\",\"1.5\"]", i ? "," : "", 1000 + i);
    sprintf(p, "]},\"book-1000\",\"A\"]");
    sprintf(frames[1], "[1,{\"as\":[[\"5.5\",\"1\",\"1.5\"]]},\"book-1000\",\"A\"]");
    static const char *const names[] = {"A", "B"};
    size_t n_done = 0, n_failed = 0;
    for (size_t k = 0; n_done == 0; k++) {
        wk_parser *parser = NULL;
        wk_book *book = NULL;
        wk_err err = {0};
        size_t n_events;
        n_until_failure = k;
        wk_status status = wk_parser_create(WK_DIALECT_KRAKEN_V1, names, 2, &parser, &err);
        if (status == WK_OK)
            status = wk_book_create(1, 8, 10, &book, &err);
        if (status == WK_OK) {
            status = feed(parser, frames[0], strlen(frames[0]), &n_events, &err);
            n_until_failure = SIZE_MAX;
            assert_true(status == WK_OK || n_events == 0);
            /* The next frame that needs no more is read as ever. */
            wk_err second = {0};
            assert_int_equal(feed(parser, frames[1], strlen(frames[1]), &n_events, &second), WK_OK);
            assert_int_equal(n_events, 3);
        }
        n_until_failure = SIZE_MAX;
        if (status != WK_OK) {
            assert_int_equal(status, WK_E_NOMEM);
            assert_non_null(strstr(err.msg, "no memory"));
        }
        n_failed += status != WK_OK;
        n_done += status == WK_OK;
        wk_book_destroy(book);
        wk_parser_destroy(parser);
    }
    assert_true(n_failed > 8);
}

static void test_parser_create_refuses_wrong_symbols(void **state)
{
    (void)state;
    wk_parser *parser = NULL;
    wk_err err = {0};
    static const char *const twice[] = {"A", "B", "A"};
    static const char *const empty[] = {""};
    assert_int_equal(wk_parser_create(WK_DIALECT_DELTA, twice, 3, &parser, &err), WK_E_ARG);
    assert_non_null(strstr(err.msg, "symbol A is given twice"));
    assert_int_equal(wk_parser_create(WK_DIALECT_DELTA, empty, 1, &parser, &err), WK_E_ARG);
    assert_int_equal(wk_parser_create(WK_DIALECT_DELTA, twice, 2 << 20, &parser, &err), WK_E_ARG);
    assert_null(parser);
    assert_int_equal(wk_parser_create(WK_DIALECT_DELTA, NULL, 0, &parser, &err), WK_OK);
    wk_parser_destroy(parser);
    wk_parser_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_accepts_what_the_standard_allows),
        cmocka_unit_test(test_json_refuses_everything_else),
        cmocka_unit_test(test_json_sees_each_byte_at_each_place),
        cmocka_unit_test(test_json_depth_is_limited),
        cmocka_unit_test(test_json_keys_are_compared_decoded),
        cmocka_unit_test(test_parser_refuses_hostile_frames_and_goes_on),
        cmocka_unit_test(test_every_dialect_refuses_hostile_frames_with_a_reason),
        cmocka_unit_test(test_parser_allocates_only_for_the_largest_frame),
        cmocka_unit_test(test_parser_survives_want_of_memory_at_every_request),
        cmocka_unit_test(test_parser_create_refuses_wrong_symbols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
