#include "parse_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LINES_MAX = 1 << 16 };

static const char *text_of(wk_decimal d, char out[48])
{
    if (d.scale < 0)
        return "-";
    wk_units_format(d.digits, d.scale, out);
    return out;
}

void event_print(const wk_event *e, char *out, size_t size)
{
    char a[48], b[48], c[48], d[48], f[48], g[48];
    int n = snprintf(out, size, "%d @%" PRId64 " ",
                     e->symbol == WK_SYMBOL_NONE ? -1 : (int)e->symbol, e->exchange_ns);
    out += n;
    size -= (size_t)n;
    switch ((wk_event_kind)e->kind) {
    case WK_EVENT_TRADE:
        snprintf(out, size, "trade %s %s %s id=%" PRId64 "%s\n", e->trade.side > 0 ? "buy" : "sell",
                 text_of(e->trade.price, a), text_of(e->trade.qty, b), e->trade.id,
                 e->trade.is_snapshot ? " snapshot" : "");
        break;
    case WK_EVENT_CANDLE:
        snprintf(out, size,
                 "candle %" PRId64 "+%" PRId64 " o=%s h=%s l=%s c=%s v=%s n=%" PRId64 "%s%s\n",
                 e->candle.open_ns / 1000000000, e->candle.timeframe_ns / 1000000000,
                 text_of(e->candle.open, a), text_of(e->candle.high, b), text_of(e->candle.low, c),
                 text_of(e->candle.close, d), text_of(e->candle.volume, f), e->candle.n_trades,
                 e->candle.is_snapshot ? " snapshot" : "", e->candle.is_closed ? " closed" : "");
        break;
    case WK_EVENT_BOOK_BEGIN:
        snprintf(out, size, "begin %s seq=%" PRId64 " after=%" PRId64 "\n",
                 e->book_begin.is_snapshot ? "snapshot" : "update", e->book_begin.sequence,
                 e->book_begin.previous_sequence);
        break;
    case WK_EVENT_BOOK_LEVEL:
        snprintf(out, size, "%s %s %s\n", e->level.side > 0 ? "bid" : "ask",
                 text_of(e->level.price, a), text_of(e->level.qty, b));
        break;
    case WK_EVENT_BOOK_END:
        if (e->book_end.has_checksum)
            snprintf(out, size, "end %" PRIu32 "\n", e->book_end.checksum);
        else
            snprintf(out, size, "end\n");
        break;
    case WK_EVENT_TICKER:
        snprintf(out, size, "ticker bid=%s*%s ask=%s*%s last=%s mark=%s\n",
                 text_of(e->ticker.bid, a), text_of(e->ticker.bid_qty, b),
                 text_of(e->ticker.ask, c), text_of(e->ticker.ask_qty, d),
                 text_of(e->ticker.last, f), text_of(e->ticker.mark, g));
        break;
    case WK_EVENT_FUNDING:
    case WK_EVENT_OPEN_INTEREST:
        snprintf(out, size, "%s %s every=%" PRId64 " next=%" PRId64 "%s\n",
                 e->kind == WK_EVENT_FUNDING ? "funding" : "interest", text_of(e->value.value, a),
                 e->value.interval_ns / 1000000000, e->value.next_exchange_ns / 1000000000,
                 e->value.is_contracts ? " contracts" : "");
        break;
    case WK_EVENT_INSTRUMENT:
        snprintf(out, size, "instrument %d %d %s %s %s%s\n", e->instrument.price_decimals,
                 e->instrument.qty_decimals, text_of(e->instrument.price_increment, a),
                 text_of(e->instrument.qty_increment, b), text_of(e->instrument.qty_min, c),
                 e->instrument.is_tradable ? " tradable" : "");
        break;
    case WK_EVENT_STATUS:
        snprintf(out, size, "status %s\n", e->text);
        break;
    case WK_EVENT_SUBSCRIBED:
        snprintf(out, size, "subscribed %s\n", e->text);
        break;
    case WK_EVENT_REFUSED:
        snprintf(out, size, "refused %s\n", e->text);
        break;
    case WK_EVENT_HEARTBEAT:
        snprintf(out, size, "heartbeat\n");
        break;
    case WK_EVENT_PONG:
        snprintf(out, size, "pong\n");
        break;
    default:
        snprintf(out, size, "event %d\n", e->kind);
    }
}

wk_parser *parser_of(wk_dialect dialect, const char *symbols)
{
    static char names[64][64];
    const char *pointers[64];
    size_t n = 0;
    int taken;
    while (n < 64 && sscanf(symbols, " %63s%n", names[n], &taken) == 1) {
        pointers[n] = names[n];
        symbols += taken;
        n++;
    }
    wk_parser *parser = NULL;
    wk_err err = {0};
    if (wk_parser_create(dialect, pointers, n, &parser, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return parser;
}

typedef struct {
    char *at, *end;
} lines_sink;

static void add_line(void *ctx, const wk_event *event)
{
    lines_sink *sink = ctx;
    assert_int_equal(event->receive_ns, 77);
    assert_true(sink->end - sink->at > 1024);
    event_print(event, sink->at, (size_t)(sink->end - sink->at));
    sink->at += strlen(sink->at);
}

static wk_status feed(wk_parser *parser, const char *frame, char *lines, wk_err *err)
{
    /* A copy of exact size, so that a read past the frame is caught. */
    size_t n = strlen(frame);
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    memcpy(copy, frame, n);
    lines[0] = 0;
    lines_sink sink = {lines, lines + LINES_MAX};
    wk_status status = wk_parser_feed(parser, copy, n, 77, add_line, &sink, err);
    free(copy);
    return status;
}

void parse_expect(wk_dialect dialect, const char *symbols, const char *frame, const char *expected)
{
    wk_parser *parser = parser_of(dialect, symbols);
    static char lines[LINES_MAX];
    wk_err err = {0};
    if (feed(parser, frame, lines, &err) != WK_OK)
        fail_msg("%s\n%s", err.msg, frame);
    if (strcmp(lines, expected) != 0)
        fail_msg("%s\nsays\n%sbut should\n%s", frame, lines, expected);
    wk_parser_destroy(parser);
}

void parse_refuse(wk_dialect dialect, const char *symbols, const char *frame, const char *reason)
{
    wk_parser *parser = parser_of(dialect, symbols);
    static char lines[LINES_MAX];
    wk_err err = {0};
    if (feed(parser, frame, lines, &err) != WK_E_PARSE)
        fail_msg("%s\nis accepted, but: %s", frame, reason);
    if (!strstr(err.msg, reason))
        fail_msg("%s\nis refused with \"%s\", not with \"%s\"", frame, err.msg, reason);
    if (lines[0])
        fail_msg("%s\nis refused, but events came:\n%s", frame, lines);
    wk_parser_counts counts;
    wk_parser_count(parser, &counts);
    assert_int_equal(counts.broken, 1);
    wk_parser_destroy(parser);
}

void follow_event(void *follower, const wk_event *event)
{
    wk_err err = {0};
    if (wk_book_follow(follower, event, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

char *real_file(const char *path)
{
    const char *root = getenv("WICK_TEST_ROOT");
    if (!root)
        return NULL;
    char full[4096];
    snprintf(full, sizeof full, "%s/%s", root, path);
    gzFile file = gzopen(full, "rb");
    if (!file)
        fail_msg("%s cannot be read", full);
    size_t n = 0, capacity = 1 << 20;
    char *text = malloc(capacity + 1);
    for (;;) {
        assert_non_null(text);
        int got = gzread(file, text + n, (unsigned)(capacity - n));
        assert_true(got >= 0);
        if (got == 0)
            break;
        n += (size_t)got;
        if (n == capacity)
            text = realloc(text, (capacity *= 2) + 1);
    }
    gzclose(file);
    text[n] = 0;
    return text;
}
