/* A growing text, and exact decimals written into it: the servers write numbers digit by digit, so
 * nothing that they send ever passed through a double. */
#ifndef VENUE_TEXT_H
#define VENUE_TEXT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *data; /* always ends in a 0 byte once something was added */
    size_t n, size;
} text;

void text_finish(text *t);
void text_clear(text *t);
void text_add(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(text *t, const void *bytes, size_t n);

/* `value` in units of 10^-decimals, with exactly that many decimals. */
void text_add_fixed(text *t, int64_t value, int decimals);
/* The same without trailing zeros; at least `keep` decimals stay. */
void text_add_short(text *t, int64_t value, int decimals, int keep);
/* The digits alone, without dot and leading zeros: what Kraken's checksum eats. */
void text_add_digits(text *t, int64_t value);

/* 2026-01-02T03:04:05.678901Z with `digits` decimals of the second (0 to 9), cut, not rounded. */
void text_add_time(text *t, int64_t time_ns, int digits);
/* Tue, 11 Nov 25 00:17:04 +0000 (Kraken) or Tue, 11 Nov 2025 00:17:04 GMT (HTTP). */
void text_add_time_kraken(text *t, int64_t time_ns);
void text_add_time_http(text *t, int64_t time_ns);

#endif
