/* The book's insides, for book*.c only. */
#ifndef WICK_BOOK_INTERNAL_H
#define WICK_BOOK_INTERNAL_H

#include "wick/book.h"

enum { CHECKED_LEVELS = 10, TEXTS = 64, TEXT_BYTES = 40 };

/* The checksum's text of a level, kept while price and size stay: a message changes one or two of
 * the twenty. */
typedef struct {
    int64_t price, qty;
    uint8_t price_scale, qty_scale, n, style;
    char text[TEXT_BYTES + 4];
} level_text;

/* A sorted array, best first, with room at both ends: a level near the best moves only its betters.
 */
typedef struct {
    wk_book_level *room; /* n_room levels */
    size_t head, n;
} book_side;

struct wk_book {
    book_side sides[2]; /* bids, asks */
    size_t depth, n_max, n_room;
    int price_decimals, qty_decimals;
    level_text texts[2][TEXTS];
};

#endif
