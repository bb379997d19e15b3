#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_A_SECOND INT64_C(1000000000)

static void grow(text *t, size_t more)
{
    if (t->n + more + 1 <= t->size)
        return;
    size_t size = t->size ? t->size : 256;
    while (size < t->n + more + 1)
        size *= 2;
    char *data = realloc(t->data, size);
    if (!data)
        abort();
    t->data = data;
    t->size = size;
}

void text_finish(text *t)
{
    free(t->data);
    memset(t, 0, sizeof *t);
}

void text_clear(text *t)
{
    grow(t, 0);
    t->n = 0;
    t->data[0] = 0;
}

void text_add_bytes(text *t, const void *bytes, size_t n)
{
    grow(t, n);
    if (n)
        memcpy(t->data + t->n, bytes, n);
    t->n += n;
    t->data[t->n] = 0;
}

void text_add(text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0)
        abort();
    grow(t, (size_t)n);
    vsnprintf(t->data + t->n, (size_t)n + 1, fmt, again);
    va_end(again);
    t->n += (size_t)n;
}

void text_add_fixed(text *t, int64_t value, int decimals)
{
    char digits[64];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int n = snprintf(digits, sizeof digits, "%0*llu", decimals + 1, (unsigned long long)magnitude);
    if (value < 0)
        text_add_bytes(t, "-", 1);
    text_add_bytes(t, digits, (size_t)(n - decimals));
    if (decimals > 0) {
        text_add_bytes(t, ".", 1);
        text_add_bytes(t, digits + n - decimals, (size_t)decimals);
    }
}

void text_add_short(text *t, int64_t value, int decimals, int keep)
{
    while (decimals > keep && value % 10 == 0) {
        value /= 10;
        decimals--;
    }
    text_add_fixed(t, value, decimals);
}

void text_add_digits(text *t, int64_t value)
{
    if (value != 0)
        text_add(t, "%lld", (long long)value);
}

static struct tm calendar(int64_t time_ns)
{
    time_t seconds = (time_t)(time_ns / NS_A_SECOND);
    struct tm out;
    gmtime_r(&seconds, &out);
    return out;
}

void text_add_time(text *t, int64_t time_ns, int digits)
{
    struct tm at = calendar(time_ns);
    text_add(t, "%04d-%02d-%02dT%02d:%02d:%02d", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday,
             at.tm_hour, at.tm_min, at.tm_sec);
    if (digits > 0) {
        char decimals[16];
        snprintf(decimals, sizeof decimals, "%09d", (int)(time_ns % NS_A_SECOND));
        text_add(t, ".%.*s", digits, decimals);
    }
    text_add(t, "Z");
}

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void text_add_time_kraken(text *t, int64_t time_ns)
{
    struct tm at = calendar(time_ns);
    text_add(t, "%s, %02d %s %02d %02d:%02d:%02d +0000", days[at.tm_wday], at.tm_mday,
             months[at.tm_mon], at.tm_year % 100, at.tm_hour, at.tm_min, at.tm_sec);
}

void text_add_time_http(text *t, int64_t time_ns)
{
    struct tm at = calendar(time_ns);
    text_add(t, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[at.tm_wday], at.tm_mday,
             months[at.tm_mon], at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}
