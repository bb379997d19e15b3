/* The venues' checksums of a book. */
#include <string.h>
#include <zlib.h>

#include "book_internal.h"

enum { KRAKEN = 1, DELTA = 2, LONGEST = 96 };

/* Digits of |v| without leading zeros; none for 0. */
static char *write_digits(char *p, int64_t v)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[24];
    char *end = digits + sizeof digits, *q = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    while (rest >= 10) {
        q -= 2;
        memcpy(q, pairs + 2 * (rest % 100), 2);
        rest /= 100;
    }
    if (rest > 0)
        *--q = (char)('0' + rest);
    if (q < end && *q == '0')
        q++;
    if (v < 0)
        *p++ = '-';
    memcpy(p, q, (size_t)(end - q));
    return p + (end - q);
}

static size_t kraken_text(const wk_book_level *level, char *out)
{
    char *p = write_digits(out, level->price);
    return (size_t)(write_digits(p, level->qty) - out);
}

/* Units of the book's decimals as the venue wrote them: with fewer or more zeros at the end. */
static char *write_scaled(char *p, int64_t units, int decimals, int scale)
{
    char text[40];
    size_t n = wk_units_format(units, decimals, text);
    if (scale < decimals)
        n -= (size_t)(decimals - scale) + (scale == 0);
    memcpy(p, text, n);
    p += n;
    if (scale > decimals && decimals == 0)
        *p++ = '.';
    for (int i = decimals; i < scale; i++)
        *p++ = '0';
    return p;
}

static size_t delta_text(const wk_book *book, const wk_book_level *level, char *out)
{
    char *p = write_scaled(out, level->price, book->price_decimals, level->price_scale);
    *p++ = ':';
    p = write_scaled(p, level->qty, book->qty_decimals, level->qty_scale);
    *p++ = ',';
    return (size_t)(p - out);
}

static char *add_side(wk_book *book, int is_ask, uint8_t style, char *p)
{
    const book_side *side = &book->sides[is_ask];
    const wk_book_level *level = side->room + side->head;
    const wk_book_level *end = level + (side->n < CHECKED_LEVELS ? side->n : CHECKED_LEVELS);
    for (; level < end; level++) {
        /* Fibonacci hashing: neighbouring prices fall apart. */
        level_text *kept =
            &book->texts[is_ask][((uint64_t)level->price * UINT64_C(0x9E3779B97F4A7C15)) >> 58];
        if (kept->price == level->price && kept->qty == level->qty &&
            kept->price_scale == level->price_scale && kept->qty_scale == level->qty_scale &&
            kept->style == style) {
            memcpy(p, kept->text, TEXT_BYTES);
            p += kept->n;
            continue;
        }
        size_t n = style == KRAKEN ? kraken_text(level, p) : delta_text(book, level, p);
        if (n <= TEXT_BYTES) {
            *kept = (level_text){
                level->price, level->qty, level->price_scale, level->qty_scale, (uint8_t)n,
                style,        {0}};
            memcpy(kept->text, p, n);
        }
        p += n;
    }
    return p;
}

uint32_t wk_book_checksum_kraken(const wk_book *book)
{
    char text[2 * CHECKED_LEVELS * LONGEST];
    /* The kept texts are no part of what the book says. */
    wk_book *mine = (wk_book *)book;
    char *p = add_side(mine, 1, KRAKEN, text);
    p = add_side(mine, 0, KRAKEN, p);
    return (uint32_t)crc32(0, (const Bytef *)text, (uInt)(p - text));
}

uint32_t wk_book_checksum_delta(const wk_book *book)
{
    char text[2 * CHECKED_LEVELS * LONGEST + 1];
    wk_book *mine = (wk_book *)book;
    char *p = add_side(mine, 1, DELTA, text);
    /* Each level brought a comma behind it; none stands before the bar or at the end. */
    p -= p > text;
    *p++ = '|';
    char *bids = p;
    p = add_side(mine, 0, DELTA, p);
    p -= p > bids;
    return (uint32_t)crc32(0, (const Bytef *)text, (uInt)(p - text));
}
