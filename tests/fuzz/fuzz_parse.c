/* libFuzzer target over one dialect's parser (WICK_FUZZ_DIALECT): the input is a frame. What it
 * accepts must be events that a follower can take, book messages whole; a refused frame must have a
 * reason and no events. Two inputs are other than frames:
 *   \1 names \f frame                 a parser of its own for these symbols, one a line
 *   \2 count head \f piece \f tail    a long frame: the piece many times, commas between */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/book.h"
#include "wick/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { N_SYMBOLS = 8 };

typedef struct {
    wk_book_follower follower;
    size_t n_events;
    int is_open;
} state;

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_decimal(wk_decimal d, int may_be_missing)
{
    check(d.scale <= 36 && d.scale >= (may_be_missing ? -1 : 0));
    if (d.scale >= 0)
        (void)wk_decimal_to_double(d);
}

static void take(void *ctx, const wk_event *e)
{
    state *s = ctx;
    s->n_events++;
    check(e->symbol == WK_SYMBOL_NONE || e->symbol < N_SYMBOLS);
    check(e->exchange_ns >= 0 && e->receive_ns == 5);
    switch ((wk_event_kind)e->kind) {
    case WK_EVENT_TRADE:
        check(!s->is_open && (e->trade.side == WK_SIDE_BUY || e->trade.side == WK_SIDE_SELL));
        check_decimal(e->trade.price, 0);
        check_decimal(e->trade.qty, 0);
        check(e->trade.qty.digits >= 0);
        break;
    case WK_EVENT_CANDLE:
        check(e->candle.timeframe_ns > 0 && e->candle.open_ns <= INT64_MAX / 2 * 2);
        check_decimal(e->candle.open, 0);
        check_decimal(e->candle.close, 0);
        check_decimal(e->candle.volume, 1);
        break;
    case WK_EVENT_BOOK_BEGIN:
        check(!s->is_open);
        s->is_open = 1;
        break;
    case WK_EVENT_BOOK_LEVEL:
        check(s->is_open && (e->level.side == WK_SIDE_BUY || e->level.side == WK_SIDE_SELL));
        check_decimal(e->level.price, 0);
        check(e->level.qty.digits >= 0);
        break;
    case WK_EVENT_BOOK_END:
        check(s->is_open);
        s->is_open = 0;
        break;
    case WK_EVENT_TICKER:
        check_decimal(e->ticker.bid, 1);
        check_decimal(e->ticker.mark, 1);
        break;
    case WK_EVENT_FUNDING:
    case WK_EVENT_OPEN_INTEREST:
        check_decimal(e->value.value, 0);
        break;
    case WK_EVENT_INSTRUMENT:
        check_decimal(e->instrument.qty_min, 1);
        break;
    default:
        check(memchr(e->text, 0, sizeof e->text) != NULL);
    }
    wk_err err;
    (void)!wk_book_follow(&s->follower, e, &err);
}

static void feed(wk_parser *parser, state *s, const uint8_t *bytes, size_t n)
{
    wk_err err = {0};
    wk_parser_counts before, after;
    /* A copy of exact size, so that a read past the frame is caught. */
    char *frame = malloc(n ? n : 1);
    if (!frame)
        return;
    if (n > 0)
        memcpy(frame, bytes, n);
    s->n_events = 0;
    wk_parser_count(parser, &before);
    wk_status status = wk_parser_feed(parser, frame, n, 5, take, s, &err);
    wk_parser_count(parser, &after);
    check(!s->is_open && after.frames == before.frames + 1);
    check(after.events == before.events + s->n_events);
    if (status != WK_OK)
        check(err.msg[0] && s->n_events == 0 && after.broken == before.broken + 1);
    free(frame);
}

static void feed_named(state *s, const uint8_t *bytes, size_t n)
{
    const uint8_t *end = memchr(bytes, '\f', n);
    size_t n_names = end ? (size_t)(end - bytes) : n, n_symbols = 0;
    const char *symbols[N_SYMBOLS];
    char *names = malloc(n_names + 1), *at = names;
    wk_parser *parser = NULL;
    wk_err err = {0};
    if (!names)
        return;
    memcpy(names, bytes, n_names);
    names[n_names] = 0;
    for (at = names; at && n_symbols < N_SYMBOLS; n_symbols++) {
        symbols[n_symbols] = at;
        at = strchr(at, '\n');
        if (at)
            *at++ = 0;
    }
    check(wk_parser_create(WICK_FUZZ_DIALECT, symbols, ((size_t)1 << 20) + 1, &parser, &err) ==
          WK_E_ARG);
    err.msg[0] = 0;
    if (wk_parser_create(WICK_FUZZ_DIALECT, symbols, n_symbols, &parser, &err) == WK_OK) {
        check(wk_parser_feed(parser, names, (size_t)WK_FRAME_BYTES_MAX + 1, 5, take, s, &err) ==
              WK_E_PARSE);
        if (end)
            feed(parser, s, end + 1, n - n_names - 1);
        wk_parser_destroy(parser);
    } else {
        check(err.msg[0] && !parser);
        wk_parser_destroy(NULL);
    }
    free(names);
}

static void feed_long(wk_parser *parser, state *s, const uint8_t *bytes, size_t n)
{
    const uint8_t *end = bytes + n, *first = n > 1 ? memchr(bytes + 1, '\f', n - 1) : NULL;
    const uint8_t *second = first ? memchr(first + 1, '\f', (size_t)(end - first) - 1) : NULL;
    if (!second)
        return;
    size_t times = 1 + 4 * (size_t)bytes[0], n_head = (size_t)(first - bytes) - 1;
    size_t n_piece = (size_t)(second - first) - 1, n_tail = (size_t)(end - second) - 1, size = 0;
    uint8_t *frame = malloc(n_head + times * (n_piece + 1) + n_tail);
    if (!frame)
        return;
    memcpy(frame, bytes + 1, n_head);
    size = n_head;
    for (size_t k = 0; k < times; k++) {
        memcpy(frame + size, first + 1, n_piece);
        size += n_piece;
        frame[size++] = ',';
    }
    size--; /* the last comma */
    memcpy(frame + size, second + 1, n_tail);
    feed(parser, s, frame, size + n_tail);
    free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const symbols[N_SYMBOLS] = {"BTC/USD",   "XBT/USD",   "ETH/CHF",
                                                   "PI_XBTUSD", "PF_XBTUSD", "MARK:ETHUSD",
                                                   "BTCUSD",    ".DEXBTUSD"};
    static wk_parser *parser;
    static state s;
    wk_err err = {0};
    if (!parser) {
        if (wk_parser_create(WICK_FUZZ_DIALECT, symbols, N_SYMBOLS, &parser, &err) != WK_OK ||
            wk_book_create(8, 8, 10, &s.follower.book, &err) != WK_OK)
            abort();
        s.follower.checksum = wk_book_checksum_delta;
    }
    if (n > 0 && bytes[0] == 1)
        feed_named(&s, bytes + 1, n - 1);
    else if (n > 1 && bytes[0] == 2)
        feed_long(parser, &s, bytes + 1, n - 1);
    else
        feed(parser, &s, bytes, n);
    return 0;
}
