/* A level-2 order book of one market, prices and sizes as int64 counts of the market's decimals. */
#ifndef WICK_BOOK_H
#define WICK_BOOK_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/event.h"

typedef struct {
    int64_t price, qty; /* counts of 10^-price_decimals, 10^-qty_decimals */
    /* Decimals as the venue wrote them: Delta's checksum is over its own texts. */
    uint8_t price_scale, qty_scale;
} wk_book_level;

typedef struct wk_book wk_book;

enum { WK_BOOK_DEPTH_MAX = 5000, WK_BOOK_DECIMALS_MAX = 18 };

/* depth: levels kept a side (the subscribed depth; levels beyond it are cut after each
 * message), 1..5000; decimals 0..18. Allocates once; nothing below allocates. One owner: the
 * checksums keep texts in the book, so that even they are not for two threads at a time. */
WK_MUST_CHECK wk_status wk_book_create(int price_decimals, int qty_decimals, size_t depth,
                                       wk_book **out, wk_err *err);
void wk_book_destroy(wk_book *book);
void wk_book_clear(wk_book *book);

/* Sets or (qty 0) deletes a level, in the order of the message; wk_book_cut after its last. Within
 * a message a side may grow to 2 * depth + 64 levels; then its worst is lost. */
void wk_book_apply(wk_book *book, wk_side side, int64_t price, int64_t qty);
/* The same for decimals as the venue wrote them. Returns NULL, or why the level cannot be exact in
 * this book's decimals ("price has more than 1 decimal"); the book is untouched then. */
const char *wk_book_apply_decimal(wk_book *book, wk_side side, wk_decimal price, wk_decimal qty);
void wk_book_cut(wk_book *book);

/* The best levels, best first; *n is how many there are. Borrowed until the next apply. */
const wk_book_level *wk_book_levels(const wk_book *book, wk_side side, size_t *n);
int wk_book_price_decimals(const wk_book *book);
int wk_book_qty_decimals(const wk_book *book);
/* Best bid at or above best ask: the book is broken. */
int wk_book_is_crossed(const wk_book *book);

/* CRC-32 over the best 10 levels a side, as Kraken defines it for WebSocket v2 and v1: asks from
 * the best, then bids; price and size as texts in the market's decimals without dot and leading
 * zeros. */
uint32_t wk_book_checksum_kraken(const wk_book *book);
/* The same of Delta Exchange (l2_updates, ob_updates): "price:size,price:size|price:size" of asks
 * and bids, in the texts that the venue sent. */
uint32_t wk_book_checksum_delta(const wk_book *book);

/* Follows the book events of one market: the live book. A zeroed struct with `book` (borrowed) and
 * `checksum` set is ready. */
typedef struct {
    wk_book *book;
    uint32_t (*checksum)(const wk_book *); /* NULL: the venue sends none */
    int64_t sequence;                      /* of the last message; 0: none */
    int is_live;                           /* a snapshot came and nothing has failed since */
    int is_open;                           /* between BOOK_BEGIN and BOOK_END */
    uint64_t n_checked;                    /* messages whose checksum or sequence was right */
} wk_book_follower;

/* Applies one event. Updates before a snapshot change nothing, nor do other kinds of events but
 * WK_EVENT_GAP, which empties the book: it waits for a snapshot then. When a
 * sequence number or checksum is wrong, or a level cannot be exact, the book is emptied, is_live
 * ends, and WK_E_DATA says what was expected: subscribe again. Never allocates. */
WK_MUST_CHECK wk_status wk_book_follow(wk_book_follower *follower, const wk_event *event,
                                       wk_err *err);

#endif
