/* libFuzzer target over the book: four bytes an operation, compared with a plain model. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/book.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { PRICES = 256, DEPTH = 10 };

static void check(int holds)
{
    if (!holds)
        abort();
}

static void compare(const wk_book *book, uint8_t qty[2][PRICES])
{
    for (int side = 0; side < 2; side++) {
        size_t n, k = 0;
        const wk_book_level *levels = wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n);
        for (int i = 0; i < PRICES; i++) {
            int price = side ? i : PRICES - 1 - i;
            if (qty[side][price] == 0)
                continue;
            check(k < n && levels[k].price == price && levels[k].qty == qty[side][price]);
            k++;
        }
        check(k == n);
    }
}

static void cut(uint8_t qty[2][PRICES])
{
    for (int side = 0; side < 2; side++) {
        size_t n = 0;
        for (int i = 0; i < PRICES; i++) {
            uint8_t *q = &qty[side][side ? i : PRICES - 1 - i];
            if (*q && ++n > DEPTH)
                *q = 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static wk_book *book;
    wk_err err;
    if (!book && wk_book_create(2, 3, DEPTH, &book, &err) != WK_OK)
        abort();
    wk_book_clear(book);
    uint8_t qty[2][PRICES] = {{0}};
    size_t grown = 0;
    for (size_t i = 0; i + 4 <= n; i += 4) {
        int side = bytes[i] & 1;
        qty[side][bytes[i + 1]] = bytes[i + 2];
        wk_book_apply(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, bytes[i + 1], bytes[i + 2]);
        /* A message may not grow a side beyond what the book promises. */
        if ((bytes[i + 3] & 15) == 0 || ++grown > DEPTH) {
            wk_book_cut(book);
            cut(qty);
            compare(book, qty);
            grown = 0;
        }
        if (bytes[i + 3] == 255) {
            wk_book_clear(book);
            memset(qty, 0, sizeof qty);
        }
        /* Kept texts give what a fresh book would. */
        if ((bytes[i + 3] & 0x70) == 0x10) {
            uint32_t kraken = wk_book_checksum_kraken(book), delta = wk_book_checksum_delta(book);
            check(kraken == wk_book_checksum_kraken(book) && delta == wk_book_checksum_delta(book));
        }
        if (bytes[i + 3] == 33) {
            wk_decimal price = {(int8_t)bytes[i + 1], bytes[i] % 37}, size = {bytes[i + 2], i % 37};
            wk_book *other;
            if (wk_book_create(i % 19, bytes[i] % 19, 1, &other, &err) != WK_OK)
                abort();
            (void)wk_book_apply_decimal(other, WK_SIDE_BUY, price, size);
            (void)wk_book_apply_decimal(other, WK_SIDE_SELL, price, size);
            (void)wk_book_is_crossed(other);
            check(wk_book_checksum_delta(other) == wk_book_checksum_delta(other));
            wk_book_destroy(other);
        }
    }
    return 0;
}
