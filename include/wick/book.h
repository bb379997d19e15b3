/* A level-2 order book of one market, prices and sizes as int64 counts of the market's decimals. */
#ifndef WICK_BOOK_H
#define WICK_BOOK_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/event.h"

typedef struct {
    int64_t price, qty; /* counts of 10^-price_decimals, 10^-qty_decimals */
} wk_book_level;

typedef struct wk_book wk_book;

/* depth: levels kept a side (the subscribed depth; levels beyond it are cut after each
 * message), 1..5000. Allocates once; nothing below allocates. */
WK_MUST_CHECK wk_status wk_book_create(int price_decimals, int qty_decimals, size_t depth,
                                       wk_book **out, wk_err *err);
void wk_book_destroy(wk_book *book);
void wk_book_clear(wk_book *book);

/* Sets or (qty 0) deletes a level, in the order of the message; wk_book_cut after its last. */
void wk_book_apply(wk_book *book, wk_side side, int64_t price, int64_t qty);
void wk_book_cut(wk_book *book);

/* The best levels, best first; *n is how many there are. Borrowed until the next apply. */
const wk_book_level *wk_book_levels(const wk_book *book, wk_side side, size_t *n);
int wk_book_price_decimals(const wk_book *book);
int wk_book_qty_decimals(const wk_book *book);
/* Best bid at or above best ask: the book is broken. */
int wk_book_is_crossed(const wk_book *book);

/* CRC-32 over the best 10 levels a side, as Kraken defines it (v2; ../api kraken, "book and its
 * checksum"). */
uint32_t wk_book_checksum_kraken(const wk_book *book);
/* The same of Delta Exchange's legacy l2_updates channel. */
uint32_t wk_book_checksum_delta(const wk_book *book);

#endif
