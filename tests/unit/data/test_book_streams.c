/* Live books from whole streams. The streams and the venue's book after each message come from
 * tests/golden/data/make_book_streams.py, which knows the venues' rules and nothing of wick. Every
 * message that is accepted must leave exactly the venue's book; whatever is lost, doubled, swapped
 * or damaged must be noticed before a wrong book is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse_check.h"
#include "wick/file.h"
#include "wick/rng.h"

enum { STATE_BYTES = 1 << 17, MARKETS = 1 };

typedef struct {
    const char *frame;
    size_t n;
    char *state;
} message;

typedef struct {
    char *text;
    message *messages;
    size_t n;
} stream;

/* A live book, and what came of the last frame. */
typedef struct {
    wk_dialect dialect;
    wk_parser *parser;
    wk_book_follower followers[MARKETS];
    uint32_t market; /* of the last book message that ended well, or WK_SYMBOL_NONE */
    wk_status status;
    wk_err err;
} live;

static stream stream_of(char *text)
{
    stream s = {.text = text};
    for (char *p = text; *p; p++)
        s.n += *p == '\n';
    s.n /= 2;
    s.messages = calloc(s.n + 1, sizeof *s.messages);
    assert_non_null(s.messages);
    char *p = text;
    for (size_t i = 0; i < s.n; i++) {
        char *end = strchr(p, '\n');
        s.messages[i] = (message){p, (size_t)(end - p), end + 1};
        p = strchr(end + 1, '\n');
        *p++ = 0;
    }
    return s;
}

static stream stream_read(const char *name)
{
    char path[4096], *text;
    size_t n;
    wk_err err;
    snprintf(path, sizeof path, "%s/%s", WICK_TEST_DIR, name);
    if (wk_file_read(path, &text, &n, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return stream_of(text);
}

static void stream_finish(stream *s)
{
    free(s->messages);
    free(s->text);
}

static void take(void *ctx, const wk_event *event)
{
    live *l = ctx;
    if (l->status != WK_OK || event->symbol >= MARKETS)
        return;
    wk_book_follower *f = &l->followers[event->symbol];
    int was_open = f->is_open;
    l->status = wk_book_follow(f, event, &l->err);
    if (event->kind == WK_EVENT_BOOK_END && was_open && l->status == WK_OK)
        l->market = event->symbol;
}

static void live_open(live *l, wk_dialect dialect, const char *symbols, int price_decimals,
                      int qty_decimals, size_t depth)
{
    *l = (live){.dialect = dialect, .parser = parser_of(dialect, symbols)};
    for (size_t i = 0; i < MARKETS; i++) {
        l->followers[i].checksum =
            dialect == WK_DIALECT_KRAKEN ? wk_book_checksum_kraken : wk_book_checksum_delta;
        if (wk_book_create(price_decimals, qty_decimals, depth, &l->followers[i].book, &l->err))
            fail_msg("%s", l->err.msg);
    }
}

static void live_finish(live *l)
{
    wk_parser_destroy(l->parser);
    for (size_t i = 0; i < MARKETS; i++)
        wk_book_destroy(l->followers[i].book);
}

/* Did the frame end as a book message that was believed? */
static int believes(live *l, const char *frame, size_t n)
{
    l->market = WK_SYMBOL_NONE;
    l->status = WK_OK;
    wk_status status = wk_parser_feed(l->parser, frame, n, 1, take, l, &l->err);
    l->status = status == WK_OK ? l->status : status;
    return l->market != WK_SYMBOL_NONE && l->status == WK_OK;
}

static void write_state(const wk_book *book, char *out)
{
    for (int is_bid = 0; is_bid < 2; is_bid++) {
        size_t n;
        const wk_book_level *levels = wk_book_levels(book, is_bid ? WK_SIDE_BUY : WK_SIDE_SELL, &n);
        for (size_t i = 0; i < n; i++) {
            out += wk_units_format(levels[i].price, wk_book_price_decimals(book), out);
            *out++ = ':';
            out += wk_units_format(levels[i].qty, wk_book_qty_decimals(book), out);
            *out++ = ',';
        }
        out -= n > 0;
        *out++ = is_bid ? 0 : '|';
    }
}

static void expect_state(const live *l, const message *m, const char *what, size_t i)
{
    static char state[STATE_BYTES];
    write_state(l->followers[l->market].book, state);
    if (strcmp(state, m->state) != 0)
        fail_msg("%s, message %zu: the book is\n%s\nthe venue's\n%s\n%.*s", what, i, state,
                 m->state, (int)m->n, m->frame);
}

/* The venue's answer to a new subscription: its book as a snapshot. The checksum is the one of the
 * message that led there; the texts of Delta's are ours, so that its own cannot serve. */
static void resubscribe(live *l, const message *m)
{
    char frame[1 << 16], *p = frame, state[1 << 14];
    int is_kraken = l->dialect == WK_DIALECT_KRAKEN;
    const char *checksum = strstr(m->frame, is_kraken ? "\"checksum\":" : "\"cs\":");
    const char *sequence = is_kraken ? NULL : strstr(m->frame, "\"seq\":");
    p += sprintf(
        p, is_kraken
               ? "{\"channel\":\"book\",\"type\":\"snapshot\",\"data\":[{\"symbol\":"
                 "\"TOY/USD\",\"asks\":["
               : "{\"type\":\"ob_updates\",\"action\":\"snapshot\",\"sy\":\"TOYUSD\",\"a\":[");
    assert_true(strlen(m->state) < sizeof state);
    snprintf(state, sizeof state, "%s", m->state);
    char *bids = strchr(state, '|');
    *bids++ = 0;
    for (int is_bid = 0; is_bid < 2; is_bid++) {
        char *rest, *level = strtok_r(is_bid ? bids : state, ",", &rest);
        for (int n = 0; level; level = strtok_r(NULL, ",", &rest), n++) {
            char *qty = strchr(level, ':');
            *qty++ = 0;
            p += sprintf(p, is_kraken ? "%s{\"price\":%s,\"qty\":%s}" : "%s[\"%s\",\"%s\"]",
                         n ? "," : "", level, qty);
        }
        p += sprintf(p, is_bid ? "]" : is_kraken ? "],\"bids\":[" : "],\"b\":[");
    }
    if (is_kraken)
        sprintf(p, ",\"checksum\":%lu}]}", strtoul(checksum + 11, NULL, 10));
    else
        sprintf(p, ",\"cs\":%lu,\"seq\":%lu}", strtoul(checksum + 5, NULL, 10),
                strtoul(sequence + 6, NULL, 10));
    wk_book_follower *f = &l->followers[0];
    uint32_t (*ours)(const wk_book *) = f->checksum;
    f->checksum = is_kraken ? ours : NULL;
    if (!believes(l, frame, strlen(frame)))
        fail_msg("the snapshot is refused: %s\n%s", l->err.msg, frame);
    f->checksum = ours;
}

static void open_toy(live *l, wk_dialect dialect)
{
    if (dialect == WK_DIALECT_KRAKEN)
        live_open(l, dialect, "TOY/USD", 4, 8, 10);
    else
        live_open(l, dialect, "TOYUSD", 1, 0, 100);
}

static stream toy_stream(wk_dialect dialect)
{
    return stream_read(dialect == WK_DIALECT_KRAKEN ? "book_stream_kraken.txt"
                                                    : "book_stream_delta.txt");
}

static const wk_dialect dialects[2] = {WK_DIALECT_KRAKEN, WK_DIALECT_DELTA_PUBLIC};

static void test_book_equals_the_venue_after_every_message(void **state)
{
    (void)state;
    for (int d = 0; d < 2; d++) {
        stream s = toy_stream(dialects[d]);
        live l;
        open_toy(&l, dialects[d]);
        assert_true(s.n > 100);
        for (size_t i = 0; i < s.n; i++) {
            if (!believes(&l, s.messages[i].frame, s.messages[i].n))
                fail_msg("message %zu: %s", i, l.err.msg);
            expect_state(&l, &s.messages[i], "stream", i);
        }
        assert_int_equal(l.followers[0].n_checked, s.n);
        live_finish(&l);
        stream_finish(&s);
    }
}

/* One digit of the checksum: noticed at that message and no other; a snapshot heals. */
static void test_wrong_checksum_is_noticed_at_its_message(void **state)
{
    (void)state;
    for (int d = 0; d < 2; d++) {
        stream s = toy_stream(dialects[d]);
        for (size_t k = 0; k < s.n; k++) {
            live l;
            open_toy(&l, dialects[d]);
            for (size_t i = 0; i < s.n && i < k + 5; i++) {
                const message *m = &s.messages[i];
                if (i != k) {
                    assert_true(believes(&l, m->frame, m->n));
                    expect_state(&l, m, "beside the wrong one", i);
                    continue;
                }
                char frame[4096];
                assert_true(m->n < sizeof frame);
                memcpy(frame, m->frame, m->n);
                frame[m->n] = 0;
                char *digit = strchr(strstr(frame, d == 0 ? "\"checksum\"" : "\"cs\""), ':') + 1;
                *digit = *digit == '1' ? '2' : '1';
                assert_false(believes(&l, frame, m->n));
                assert_int_equal(l.status, WK_E_DATA);
                assert_non_null(strstr(l.err.msg, "checksum"));
                assert_false(l.followers[0].is_live);
                resubscribe(&l, m);
                /* The snapshot's texts are ours: what Delta sums up from here on is not. */
                if (dialects[d] != WK_DIALECT_KRAKEN)
                    l.followers[0].checksum = NULL;
            }
            live_finish(&l);
        }
        stream_finish(&s);
    }
}

/* Feeds the stream with message k treated by `fault`; believed books must be the venue's. Returns
 * how often the follower or the parser noticed. */
typedef enum { DROP, DOUBLE, SWAP, DAMAGE } fault;

static size_t run_with_fault(const stream *s, wk_dialect dialect, fault which, size_t k,
                             uint64_t seed)
{
    static const char *const names[] = {"dropped", "doubled", "swapped", "damaged"};
    live l;
    open_toy(&l, dialect);
    size_t n_noticed = 0;
    size_t order[3], n_order;
    for (size_t i = 0; i < s->n && i < k + 12; i += which == SWAP && i == k ? 2 : 1) {
        order[0] = i;
        n_order = 1;
        if (i == k && which == DROP)
            continue;
        if (i == k && which == DOUBLE)
            order[n_order++] = i;
        if (i == k && which == SWAP) {
            order[0] = i + 1;
            order[n_order++] = i;
        }
        for (size_t j = 0; j < n_order; j++) {
            const message *m = &s->messages[order[j]];
            char frame[4096];
            assert_true(m->n < sizeof frame);
            memcpy(frame, m->frame, m->n);
            if (i == k && which == DAMAGE) {
                size_t at = (size_t)wk_rng_below(seed, 1, k, m->n);
                frame[at] = (char)(frame[at] ^ (1 << wk_rng_below(seed, 2, k, 7)));
            }
            if (believes(&l, frame, m->n)) {
                expect_state(&l, m, names[which], order[j]);
            } else if (l.status != WK_OK) {
                n_noticed++;
                /* The rest of this moment is lost too; then a snapshot comes. */
                resubscribe(&l, &s->messages[which == SWAP && i == k ? k + 1 : i]);
                break;
            }
        }
        if (n_noticed && dialect != WK_DIALECT_KRAKEN)
            break;
    }
    live_finish(&l);
    return n_noticed;
}

static void test_lost_doubled_swapped_and_damaged_messages_are_noticed(void **state)
{
    (void)state;
    for (int d = 0; d < 2; d++) {
        stream s = toy_stream(dialects[d]);
        size_t n_noticed[4] = {0};
        size_t n = s.n - 2;
        for (size_t k = 1; k < n; k++) {
            n_noticed[DROP] += run_with_fault(&s, dialects[d], DROP, k, 0);
            n_noticed[DOUBLE] += run_with_fault(&s, dialects[d], DOUBLE, k, 0);
            n_noticed[SWAP] += run_with_fault(&s, dialects[d], SWAP, k, 0);
            for (uint64_t seed = 0; seed < 10; seed++)
                n_noticed[DAMAGE] += run_with_fault(&s, dialects[d], DAMAGE, k, seed);
        }
        print_message("%zu messages: noticed %zu dropped, %zu doubled, %zu swapped, %zu of %zu "
                      "damaged\n",
                      n - 1, n_noticed[DROP], n_noticed[DOUBLE], n_noticed[SWAP], n_noticed[DAMAGE],
                      10 * (n - 1));
        assert_true(n_noticed[DAMAGE] > 5 * (n - 1));
        assert_true(n_noticed[DROP] > (n - 1) * 3 / 4);
        if (dialects[d] != WK_DIALECT_KRAKEN) { /* sequence numbers: each of them */
            assert_int_equal(n_noticed[DROP], n - 1);
            assert_int_equal(n_noticed[DOUBLE], n - 1);
            assert_int_equal(n_noticed[SWAP], n - 1);
        }
        stream_finish(&s);
    }
}

/* The script reads the recordings while the test runs; what it makes is not kept. */
static void check_recorded(wk_dialect dialect, const char *option, const char *path,
                           const char *symbols, int price_decimals, int qty_decimals, size_t depth)
{
    const char *root = getenv("WICK_TEST_ROOT");
    if (!root || system("python3 -c 'import zlib' >/dev/null 2>&1") != 0) {
        print_message("needs WICK_TEST_ROOT and python3\n");
        skip();
    }
    char command[8192];
    snprintf(command, sizeof command, "python3 '%s/make_book_streams.py' %s %s '%s/%s'",
             WICK_GOLDEN_DIR, dialect == WK_DIALECT_KRAKEN ? "kraken" : "delta", option, root,
             path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    live l;
    live_open(&l, dialect, symbols, price_decimals, qty_decimals, depth);
    char *frame = NULL, *expected = NULL;
    size_t n_frame = 0, n_expected = 0, n = 0;
    for (;; n++) {
        ssize_t a = getline(&frame, &n_frame, pipe);
        ssize_t b = getline(&expected, &n_expected, pipe);
        if (a <= 0 || b <= 0)
            break;
        expected[b - 1] = 0;
        if (!believes(&l, frame, (size_t)a - 1))
            fail_msg("message %zu: %s\n%s", n, l.err.msg, frame);
        expect_state(&l, &(message){frame, (size_t)a, expected}, path, n);
    }
    assert_int_equal(pclose(pipe), 0);
    print_message("%s: %zu messages\n", path, n);
    assert_true(n > 5000);
    free(frame);
    free(expected);
    live_finish(&l);
}

static void test_kraken_stream_of_recorded_books(void **state)
{
    (void)state;
    check_recorded(WK_DIALECT_KRAKEN, "--lob", "data/tick/lob/binance-spot/btcusdt-top10.csv.gz",
                   "BTC/USD", 2, 5, 10);
}

static void test_delta_stream_of_recorded_books(void **state)
{
    (void)state;
    check_recorded(WK_DIALECT_DELTA_PUBLIC, "--lob",
                   "data/tick/lob/binance-usdm/btcusdt-top10.csv.gz", "BTCUSD", 2, 5, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_book_equals_the_venue_after_every_message),
        cmocka_unit_test(test_wrong_checksum_is_noticed_at_its_message),
        cmocka_unit_test(test_lost_doubled_swapped_and_damaged_messages_are_noticed),
        cmocka_unit_test(test_kraken_stream_of_recorded_books),
        cmocka_unit_test(test_delta_stream_of_recorded_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
