#include "wick/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(wk_text *text, size_t more)
{
    if (text->capacity - text->n > more)
        return;
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->n <= more)
        capacity *= 2;
    text->s = realloc(text->s, capacity);
    WK_ASSERT(text->s && "out of memory");
    text->capacity = capacity;
}

void wk_text_add_bytes(wk_text *text, const char *bytes, size_t n)
{
    reserve(text, n);
    memcpy(text->s + text->n, bytes, n);
    text->n += n;
    text->s[text->n] = 0;
}

void wk_text_add(wk_text *text, const char *s)
{
    wk_text_add_bytes(text, s, strlen(s));
}

void wk_text_printf(wk_text *text, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t room = text->capacity - text->n;
    int n = vsnprintf(room ? text->s + text->n : NULL, room, fmt, ap);
    va_end(ap);
    WK_ASSERT(n >= 0);
    if ((size_t)n >= room) {
        reserve(text, (size_t)n);
        vsnprintf(text->s + text->n, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    text->n += (size_t)n;
}

void wk_text_add_json_string(wk_text *text, const char *s)
{
    wk_text_add(text, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            wk_text_printf(text, "\\%c", c);
        else if (c == '\n')
            wk_text_add(text, "\\n");
        else if (c == '\t')
            wk_text_add(text, "\\t");
        else if (c < 0x20)
            wk_text_printf(text, "\\u%04x", c);
        else
            wk_text_add_bytes(text, s, 1);
    }
    wk_text_add(text, "\"");
}

enum { DECIMALS_SHORT = 10 };

/* Prices and sizes have few decimals, and are exact quotients then. Up to 15 digits the shortest
 * text is the only one of its length. False: not so short. */
static bool format_short(double x, char out[32])
{
    double y = fabs(x), power = 1;
    int64_t left = 0;
    int n_decimals = 0, n = 32;
    for (; n_decimals <= DECIMALS_SHORT && y >= 1e-4 && y * power < 1e15; n_decimals++) {
        left = (int64_t)(y * power + 0.5);
        if ((double)left / power == y)
            break;
        left = 0;
        power *= 10;
    }
    if (!left)
        return false;
    char digits[32];
    digits[--n] = 0;
    for (int i = 0; left || i <= n_decimals; i++, left /= 10) {
        if (i == n_decimals && i)
            digits[--n] = '.';
        digits[--n] = (char)('0' + left % 10);
    }
    if (x < 0)
        digits[--n] = '-';
    memcpy(out, digits + n, sizeof digits - (size_t)n);
    return true;
}

char *wk_double_format(double x, char out[32])
{
    WK_ASSERT(isfinite(x));
    if (x == 0)
        return strcpy(out, signbit(x) ? "-0.0" : "0");
    if (format_short(x, out))
        return out;
    /* 17 significant digits always read back; fewer often do. */
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, 32, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    /* 250000 reads better than 2.5e+05, and is as exact. */
    if (strchr(out, 'e') && fabs(x) >= 1 && fabs(x) < 1e15 && x == (double)(long long)x)
        snprintf(out, 32, "%.0f", x);
    return out;
}

enum { WORD_MAX = 63 };

size_t wk_edit_distance(const char *a, const char *b)
{
    size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);
    unsigned char d[WORD_MAX + 1][WORD_MAX + 1];
    for (size_t i = 0; i <= n; i++)
        d[i][0] = (unsigned char)i;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned char)j;
    for (size_t i = 1; i <= n; i++)
        for (size_t j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            if (d[i - 1][j] + 1 < best)
                best = d[i - 1][j] + 1;
            if (d[i][j - 1] + 1 < best)
                best = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = (unsigned char)best;
        }
    return d[n][m];
}

bool wk_nearer(const char *word, const char *candidate, size_t *best_distance)
{
    size_t distance = wk_edit_distance(word, candidate), n = strlen(word);
    size_t limit = n < 4 ? 1 : n < 8 ? 2 : n / 3;
    if (distance > limit || distance >= *best_distance)
        return false;
    *best_distance = distance;
    return true;
}
