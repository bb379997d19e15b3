/* The live book: events in, errors out. */
#include <inttypes.h>

#include "wick/book.h"

static void lose(wk_book_follower *f)
{
    wk_book_clear(f->book);
    f->is_live = 0;
    f->is_open = 0;
    f->sequence = 0;
}

static wk_status begin(wk_book_follower *f, const wk_event *event, wk_err *err)
{
    int64_t previous = event->book_begin.previous_sequence;
    if (f->is_open) {
        lose(f);
        return wk_fail(err, WK_E_DATA, "a book message begins inside another");
    }
    if (event->book_begin.is_snapshot) {
        wk_book_clear(f->book);
        f->is_live = 1;
    } else if (!f->is_live) {
        return WK_OK;
    } else if (previous != 0 && previous != f->sequence) {
        int64_t last = f->sequence;
        lose(f);
        return wk_fail(err, WK_E_DATA,
                       "book message %" PRId64 " came after %" PRId64 "; subscribe again",
                       event->book_begin.sequence, last);
    }
    f->is_open = 1;
    f->sequence = event->book_begin.sequence;
    f->n_checked += previous != 0 && f->checksum == NULL;
    return WK_OK;
}

static wk_status end(wk_book_follower *f, const wk_event *event, wk_err *err)
{
    wk_book_cut(f->book);
    f->is_open = 0;
    if (!event->book_end.has_checksum || !f->checksum)
        return WK_OK;
    uint32_t ours = f->checksum(f->book);
    if (ours == event->book_end.checksum) {
        f->n_checked++;
        return WK_OK;
    }
    lose(f);
    return wk_fail(err, WK_E_DATA,
                   "book checksum is %" PRIu32 ", the venue's %" PRIu32 "; subscribe again", ours,
                   event->book_end.checksum);
}

wk_status wk_book_follow(wk_book_follower *f, const wk_event *event, wk_err *err)
{
    if (event->kind == WK_EVENT_BOOK_LEVEL) {
        if (!f->is_open)
            return WK_OK;
        const char *why = wk_book_apply_decimal(f->book, (wk_side)event->level.side,
                                                event->level.price, event->level.qty);
        if (!why)
            return WK_OK;
        lose(f);
        return wk_fail(err, WK_E_DATA, "a book level is wrong: %s; subscribe again", why);
    }
    if (event->kind == WK_EVENT_BOOK_BEGIN)
        return begin(f, event, err);
    if (event->kind == WK_EVENT_BOOK_END && f->is_open)
        return end(f, event, err);
    if (event->kind == WK_EVENT_GAP)
        lose(f);
    return WK_OK;
}
