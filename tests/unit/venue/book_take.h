/* Levels of Kraken's book messages into a book of the test's own. */
#ifndef WICK_TEST_BOOK_TAKE_H
#define WICK_TEST_BOOK_TAKE_H

#include "market.h"
#include <jansson.h>

static inline void book_take(market_book *book, int side, json_t *levels, int price_decimals,
                             int depth)
{
    size_t i;
    json_t *level;
    json_array_foreach(levels, i, level)
    {
        /* Doubles are exact enough for the five decimals here; the checksum proves it. */
        int64_t price = 0, qty = 0, scale = 1;
        for (int k = 0; k < price_decimals; k++)
            scale *= 10;
        price = (int64_t)(json_number_value(json_object_get(level, "price")) * (double)scale + 0.5);
        qty = (int64_t)(json_number_value(json_object_get(level, "qty")) * 1e8 + 0.5);
        market_book_event event = {.n = 1};
        event.change[0].side = side;
        event.change[0].price = price;
        event.change[0].qty = qty;
        market_book_apply(book, &event);
    }
    if (book->n[side] > depth)
        book->n[side] = depth;
}

#endif
