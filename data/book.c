/* The level-2 book: two sorted arrays. */
#include <stdlib.h>
#include <string.h>

#include "book_internal.h"

wk_status wk_book_create(int price_decimals, int qty_decimals, size_t depth, wk_book **out,
                         wk_err *err)
{
    if (price_decimals < 0 || price_decimals > WK_BOOK_DECIMALS_MAX || qty_decimals < 0 ||
        qty_decimals > WK_BOOK_DECIMALS_MAX)
        return wk_fail(err, WK_E_ARG, "a book with %d and %d decimals: give 0 to %d",
                       price_decimals, qty_decimals, WK_BOOK_DECIMALS_MAX);
    if (depth < 1 || depth > WK_BOOK_DEPTH_MAX)
        return wk_fail(err, WK_E_ARG, "a book of depth %zu: give 1 to %d", depth,
                       WK_BOOK_DEPTH_MAX);
    size_t n_max = 2 * depth + 64, n_room = 2 * n_max;
    wk_book *book = calloc(1, sizeof *book);
    wk_book_level *room = calloc(2 * n_room, sizeof *room);
    if (!book || !room) {
        free(book);
        free(room);
        return wk_fail(err, WK_E_NOMEM, "no memory for a book of depth %zu", depth);
    }
    book->depth = depth;
    book->n_max = n_max;
    book->n_room = n_room;
    book->price_decimals = price_decimals;
    book->qty_decimals = qty_decimals;
    book->sides[0].room = room;
    book->sides[1].room = room + n_room;
    wk_book_clear(book);
    *out = book;
    return WK_OK;
}

void wk_book_destroy(wk_book *book)
{
    if (book)
        free(book->sides[0].room);
    free(book);
}

void wk_book_clear(wk_book *book)
{
    for (int i = 0; i < 2; i++) {
        book->sides[i].head = book->n_room / 2;
        book->sides[i].n = 0;
    }
}

/* How many levels are better than `price`. */
static size_t rank_of(const wk_book_level *levels, size_t n, int64_t price, int is_ask)
{
    const wk_book_level *base = levels;
    if (is_ask) {
        for (; n > 0; n -= (n + 1) / 2)
            base += base[n / 2].price < price ? (n + 1) / 2 : 0;
    } else {
        for (; n > 0; n -= (n + 1) / 2)
            base += base[n / 2].price > price ? (n + 1) / 2 : 0;
    }
    return (size_t)(base - levels);
}

/* Opens a hole at rank i. */
static wk_book_level *insert(book_side *side, size_t i, size_t n_room)
{
    if (side->head == 0 || side->head + side->n == n_room) {
        size_t head = (n_room - side->n) / 2;
        memmove(side->room + head, side->room + side->head, side->n * sizeof *side->room);
        side->head = head;
    }
    wk_book_level *levels = side->room + side->head;
    if (i < side->n - i) {
        memmove(levels - 1, levels, i * sizeof *levels);
        side->head--;
        levels--;
    } else {
        memmove(levels + i + 1, levels + i, (side->n - i) * sizeof *levels);
    }
    side->n++;
    return levels + i;
}

static void delete (book_side *side, size_t i)
{
    wk_book_level *levels = side->room + side->head;
    side->n--;
    if (i < side->n - i) {
        memmove(levels + 1, levels, i * sizeof *levels);
        side->head++;
    } else {
        memmove(levels + i, levels + i + 1, (side->n - i) * sizeof *levels);
    }
}

static void apply(wk_book *book, wk_side which, wk_book_level level)
{
    int is_ask = which == WK_SIDE_SELL;
    book_side *side = &book->sides[is_ask];
    wk_book_level *levels = side->room + side->head;
    size_t i = rank_of(levels, side->n, level.price, is_ask);
    int is_known = i < side->n && levels[i].price == level.price;
    if (level.qty == 0) {
        if (is_known)
            delete (side, i);
    } else if (is_known) {
        levels[i] = level;
    } else {
        if (side->n == book->n_max) {
            if (i == side->n)
                return;
            side->n--;
        }
        *insert(side, i, book->n_room) = level;
    }
}

void wk_book_apply(wk_book *book, wk_side side, int64_t price, int64_t qty)
{
    apply(book, side,
          (wk_book_level){price, qty, (uint8_t)book->price_decimals, (uint8_t)book->qty_decimals});
}

/* "has more than 1 decimal" of a price, and of a size: the texts are ours to keep apart. */
static const char *reason(int is_price, const char *why)
{
    if (strcmp(why, "is too large") == 0)
        return is_price ? "the price is too large" : "the size is too large";
    return is_price ? "the price has more decimals than the book"
                    : "the size has more decimals than the book";
}

const char *wk_book_apply_decimal(wk_book *book, wk_side side, wk_decimal price, wk_decimal qty)
{
    wk_book_level level = {.price_scale = (uint8_t)price.scale, .qty_scale = (uint8_t)qty.scale};
    const char *why = wk_decimal_units(price, book->price_decimals, &level.price);
    if (why)
        return reason(1, why);
    why = wk_decimal_units(qty, book->qty_decimals, &level.qty);
    if (why)
        return reason(0, why);
    if (level.qty < 0)
        return "the size is below zero";
    apply(book, side, level);
    return NULL;
}

void wk_book_cut(wk_book *book)
{
    for (int i = 0; i < 2; i++)
        if (book->sides[i].n > book->depth)
            book->sides[i].n = book->depth;
}

const wk_book_level *wk_book_levels(const wk_book *book, wk_side which, size_t *n)
{
    const book_side *side = &book->sides[which == WK_SIDE_SELL];
    *n = side->n;
    return side->room + side->head;
}

int wk_book_price_decimals(const wk_book *book)
{
    return book->price_decimals;
}

int wk_book_qty_decimals(const wk_book *book)
{
    return book->qty_decimals;
}

int wk_book_is_crossed(const wk_book *book)
{
    size_t n_bids, n_asks;
    const wk_book_level *bids = wk_book_levels(book, WK_SIDE_BUY, &n_bids);
    const wk_book_level *asks = wk_book_levels(book, WK_SIDE_SELL, &n_asks);
    return n_bids > 0 && n_asks > 0 && bids[0].price >= asks[0].price;
}
