/* libFuzzer target over one dialect's parser (WICK_FUZZ_DIALECT): the input is a frame. What it
 * accepts must be events that a follower can take, book messages whole; a refused frame must have a
 * reason and no events. */
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
    /* A copy of exact size, so that a read past the frame is caught. */
    char *frame = malloc(n ? n : 1);
    if (!frame)
        return 0;
    if (n > 0)
        memcpy(frame, bytes, n);
    s.n_events = 0;
    if (wk_parser_feed(parser, frame, n, 5, take, &s, &err) != WK_OK)
        check(err.msg[0] && s.n_events == 0);
    check(!s.is_open);
    free(frame);
    return 0;
}
