/* Time. Wall time is int64 nanoseconds since 1970-01-01 UTC. */
#ifndef WICK_CLOCK_H
#define WICK_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

#define WK_NS_PER_S INT64_C(1000000000)

int64_t wk_clock_wall_ns(void);
int64_t wk_clock_monotonic_ns(void);

/* Parses "2024-06-30", "2024-06-30T23:45", "2024-06-30T23:45:00Z" (UTC). */
WK_MUST_CHECK wk_status wk_time_parse(const char *text, int64_t *time_ns, wk_err *err);

/* Writes "2024-06-30T23:45:00Z"; `out` holds 32 bytes. Returns out. */
char *wk_time_format(int64_t time_ns, char out[32]);

/* Parses a timeframe: "1m" "15m" "1h" "4h" "1d" "1w". */
WK_MUST_CHECK wk_status wk_timeframe_parse(const char *text, int64_t *ns, wk_err *err);
char *wk_timeframe_format(int64_t ns, char out[16]);

/* Civil date from time: month 1..12, day 1..31, weekday 0 = Monday. */
typedef struct {
    int year, month, day, hour, minute, second, weekday;
} wk_civil;
wk_civil wk_civil_from_ns(int64_t time_ns);
int64_t wk_civil_to_ns(int year, int month, int day);

#endif
