/* Typed reads from a frame's tokens, and the events of a book message. */
#include <string.h>

#include "parse_internal.h"
#include "wick/clock.h"

void wk__parse_fault(wk_parser *p, uint32_t token, const char *what, const char *reason)
{
    if (p->reason)
        return;
    p->reason = reason;
    p->what = what;
    p->at = token == WK__ABSENT ? 0 : p->json.tokens[token].start;
}

wk__json_kind wk__parse_kind(const wk_parser *p, uint32_t token)
{
    return (wk__json_kind)p->json.tokens[token].kind;
}

int wk__parse_is_missing(const wk_parser *p, uint32_t token)
{
    return token == WK__ABSENT || wk__parse_kind(p, token) == WK__JSON_NULL;
}

uint32_t wk__parse_first(uint32_t container)
{
    return container + 1;
}

uint32_t wk__parse_next(const wk_parser *p, uint32_t token)
{
    return p->json.tokens[token].next;
}

uint32_t wk__parse_end(const wk_parser *p, uint32_t container)
{
    return p->json.tokens[container].next;
}

int wk__parse_is(wk_parser *p, uint32_t token, wk__json_kind kind, const char *what)
{
    static const char *const wanted[] = {"is not null",     "is not false",    "is not true",
                                         "is not a number", "is not a string", "is not an array",
                                         "is not an object"};
    if (token != WK__ABSENT && wk__parse_kind(p, token) == kind)
        return 1;
    wk__parse_fault(p, token, what, token == WK__ABSENT ? "is missing" : wanted[kind]);
    return 0;
}

void wk__parse_members(wk_parser *p, uint32_t object, const char *what, const char *const *names,
                       size_t n, uint32_t *values)
{
    if (!wk__parse_is(p, object, WK__JSON_OBJECT, what)) {
        for (size_t i = 0; i < n; i++)
            values[i] = WK__ABSENT;
        return;
    }
    uint32_t repeated = wk__json_members(&p->json, object, names, n, values);
    if (repeated != WK__JSON_ABSENT)
        wk__parse_fault(p, repeated, what, "has a key twice,");
}

int wk__parse_elements(wk_parser *p, uint32_t array, const char *what, uint32_t *tokens, size_t n)
{
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, what))
        return 0;
    uint32_t token = wk__parse_first(array), end = wk__parse_end(p, array);
    for (size_t i = 0; i < n; i++) {
        if (token >= end) {
            wk__parse_fault(p, array, what, "has too few elements");
            return 0;
        }
        tokens[i] = token;
        token = wk__parse_next(p, token);
    }
    return 1;
}

/* The bytes of a number or of a string; NULL is a fault. */
static const char *number_text(wk_parser *p, uint32_t token, const char *what, size_t *n)
{
    if (token == WK__ABSENT) {
        wk__parse_fault(p, token, what, "is missing");
        return NULL;
    }
    const wk__json_token *t = &p->json.tokens[token];
    if (t->kind != WK__JSON_NUMBER && t->kind != WK__JSON_STRING) {
        wk__parse_fault(p, token, what, "is not a number");
        return NULL;
    }
    *n = t->n;
    return p->json.text + t->start;
}

wk_decimal wk__parse_decimal(wk_parser *p, uint32_t token, const char *what)
{
    wk_decimal d = {0, 0};
    size_t n;
    const char *text = number_text(p, token, what, &n);
    const char *why = text ? wk_decimal_parse(text, n, &d) : NULL;
    if (why)
        wk__parse_fault(p, token, what, why);
    return d;
}

wk_decimal wk__parse_size(wk_parser *p, uint32_t token, const char *what)
{
    wk_decimal d = wk__parse_decimal(p, token, what);
    if (d.digits < 0)
        wk__parse_fault(p, token, what, "is below zero");
    return d;
}

wk_decimal wk__parse_decimal_or_none(wk_parser *p, uint32_t token, const char *what)
{
    if (wk__parse_is_missing(p, token))
        return (wk_decimal){0, -1};
    return wk__parse_decimal(p, token, what);
}

wk_decimal wk__parse_rate(wk_parser *p, uint32_t token, const char *what)
{
    wk_decimal d = {0, 0};
    size_t n;
    const char *text = number_text(p, token, what, &n);
    if (!text)
        return d;
    const char *why = wk_decimal_parse(text, n, &d);
    if (!why)
        return d;
    /* Too long, or no number: take its first digits apart. */
    char cut[64];
    size_t length = 0, digits = 0;
    int64_t dropped = 0, exponent = 0;
    int is_fraction = 0, is_below = 0;
    size_t i = 0;
    if (strcmp(why, "has too many digits") == 0) {
        if (text[i] == '-')
            cut[length++] = text[i++];
        for (; i < n && text[i] != 'e' && text[i] != 'E'; i++) {
            if (text[i] == '.') {
                is_fraction = 1;
            } else if (digits == 18) {
                dropped += !is_fraction;
            } else if (digits > 0 || text[i] != '0') {
                cut[length++] = text[i];
                digits++;
                dropped -= is_fraction;
            } else {
                dropped -= is_fraction;
            }
        }
        for (i++; i < n && exponent < 10000; i++)
            if (text[i] == '-')
                is_below = 1;
            else if (text[i] != '+')
                exponent = exponent * 10 + (text[i] - '0');
        exponent = (is_below ? -exponent : exponent) + dropped;
        for (; digits > 0 && exponent < -36; exponent++) {
            digits--;
            length--;
        }
        if (digits == 0)
            return (wk_decimal){0, 0};
        if (exponent <= 0) {
            (void)wk_decimal_parse(cut, length, &d);
            d.scale = (int)-exponent;
            return d;
        }
    }
    wk__parse_fault(p, token, what, why);
    return d;
}

int64_t wk__parse_int(wk_parser *p, uint32_t token, const char *what, int64_t min, int64_t max)
{
    wk_decimal d = wk__parse_decimal(p, token, what);
    int64_t v = 0;
    if (p->reason)
        return 0;
    if (wk_decimal_units(d, 0, &v)) {
        wk__parse_fault(p, token, what, "is not a whole number");
        return 0;
    }
    if (v < min || v > max) {
        wk__parse_fault(p, token, what, "is out of range");
        return 0;
    }
    return v;
}

int64_t wk__parse_epoch(wk_parser *p, uint32_t token, const char *what, int decimals)
{
    if (wk__parse_is_missing(p, token))
        return 0;
    wk_decimal d = wk__parse_decimal(p, token, what);
    int64_t ns = 0;
    if (p->reason)
        return 0;
    if (d.scale + decimals > 36)
        wk__parse_fault(p, token, what, "is no time");
    else {
        d.scale += decimals;
        const int64_t latest = INT64_C(8000000000000000000); /* 2223: sums with it stay in range */
        if (d.digits < 0 || wk_decimal_units(d, 9, &ns) || ns > latest) {
            wk__parse_fault(p, token, what, "is no time");
            ns = 0;
        }
    }
    return ns;
}

static int digits_of(const char *p, int n, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if ((unsigned char)(p[i] - '0') > 9)
            return 0;
        v = v * 10 + (p[i] - '0');
    }
    *out = v;
    return 1;
}

static int rfc3339(const char *t, size_t n, int64_t *out)
{
    int year, month, day, hour, minute, second;
    static const char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (n < 20 || !digits_of(t, 4, &year) || t[4] != '-' || !digits_of(t + 5, 2, &month) ||
        t[7] != '-' || !digits_of(t + 8, 2, &day) || t[10] != 'T' || !digits_of(t + 11, 2, &hour) ||
        t[13] != ':' || !digits_of(t + 14, 2, &minute) || t[16] != ':' ||
        !digits_of(t + 17, 2, &second))
        return 0;
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days[month - 1] ||
        hour > 23 || minute > 59 || second > 60)
        return 0;
    if (month == 2 && day == 29 && !(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
        return 0;
    size_t i = 19;
    int64_t ns = 0;
    if (t[i] == '.') {
        size_t first = ++i;
        int64_t unit = 100000000;
        for (; i < n && (unsigned char)(t[i] - '0') < 10; i++, unit /= 10)
            ns += (t[i] - '0') * unit;
        if (i == first || i - first > 9)
            return 0;
    }
    if (!(n - i == 1 && t[i] == 'Z') && !(n - i == 6 && memcmp(t + i, "+00:00", 6) == 0))
        return 0;
    *out = wk_civil_to_ns(year, month, day) +
           ((int64_t)hour * 3600 + minute * 60 + second) * WK_NS_PER_S + ns;
    return 1;
}

int64_t wk__parse_rfc3339(wk_parser *p, uint32_t token, const char *what)
{
    int64_t ns = 0;
    if (wk__parse_is_missing(p, token) || !wk__parse_is(p, token, WK__JSON_STRING, what))
        return 0;
    const wk__json_token *t = &p->json.tokens[token];
    if (!rfc3339(p->json.text + t->start, t->n, &ns))
        wk__parse_fault(p, token, what, "is not a time like 2023-10-06T17:35:55.440295Z");
    return ns;
}

int wk__parse_equals(const wk_parser *p, uint32_t token, const char *text)
{
    return token != WK__ABSENT && wk__parse_kind(p, token) == WK__JSON_STRING &&
           wk__json_equals(&p->json, token, text);
}

int wk__parse_begins(const wk_parser *p, uint32_t token, const char *text)
{
    size_t n = strlen(text);
    if (token == WK__ABSENT || wk__parse_kind(p, token) != WK__JSON_STRING)
        return 0;
    const wk__json_token *t = &p->json.tokens[token];
    return t->n >= n && memcmp(p->json.text + t->start, text, n) == 0;
}

void wk__parse_text(const wk_parser *p, uint32_t token, char out[96])
{
    out[0] = 0;
    if (token == WK__ABSENT)
        return;
    const wk__json_token *t = &p->json.tokens[token];
    if (t->kind == WK__JSON_STRING) {
        (void)wk__json_decode(&p->json, token, out, 96);
        return;
    }
    size_t n = t->n < 95 ? t->n : 95;
    /* A cut must not leave half a character: the text was sound, its rest may go. */
    while (n > 0 && n < t->n && ((unsigned char)p->json.text[t->start + n] & 0xC0) == 0x80)
        n--;
    memcpy(out, p->json.text + t->start, n);
    out[n] = 0;
}

void wk__parse_book_begin(wk_parser *p, uint32_t symbol, int64_t exchange_ns, int is_snapshot,
                          int64_t sequence, int64_t previous)
{
    wk_event *event = wk__parse_event(p, WK_EVENT_BOOK_BEGIN, symbol, exchange_ns);
    event->book_begin.is_snapshot = is_snapshot != 0;
    event->book_begin.sequence = sequence;
    event->book_begin.previous_sequence = previous;
}

void wk__parse_book_level(wk_parser *p, uint32_t symbol, int64_t exchange_ns, wk_side side,
                          wk_decimal price, wk_decimal qty)
{
    wk_event *event = wk__parse_event(p, WK_EVENT_BOOK_LEVEL, symbol, exchange_ns);
    event->level.price = price;
    event->level.qty = qty;
    event->level.side = (int32_t)side;
}

void wk__parse_book_end(wk_parser *p, uint32_t symbol, int64_t exchange_ns, int has_checksum,
                        uint32_t checksum)
{
    wk_event *event = wk__parse_event(p, WK_EVENT_BOOK_END, symbol, exchange_ns);
    event->book_end.has_checksum = has_checksum != 0;
    event->book_end.checksum = checksum;
}

void wk__parse_book_rows(wk_parser *p, uint32_t symbol, int64_t exchange_ns, wk_side side,
                         uint32_t array, const char *what)
{
    if (!wk__parse_is(p, array, WK__JSON_ARRAY, what))
        return;
    uint32_t end = wk__parse_end(p, array);
    for (uint32_t row = wk__parse_first(array); row < end && !p->reason;
         row = wk__parse_next(p, row)) {
        uint32_t cells[2];
        if (!wk__parse_elements(p, row, what, cells, 2))
            return;
        wk_decimal price = wk__parse_decimal(p, cells[0], "price");
        wk_decimal qty = wk__parse_size(p, cells[1], "size");
        wk__parse_book_level(p, symbol, exchange_ns, side, price, qty);
    }
}
