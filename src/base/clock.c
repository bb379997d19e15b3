#include "wick/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t wk_clock_wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * WK_NS_PER_S + ts.tv_nsec;
}

int64_t wk_clock_monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * WK_NS_PER_S + ts.tv_nsec;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back. Eras of 400 years starting in
 * March (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t days_from_civil(int y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void civil_from_days(int64_t z, int *y, int *m, int *d)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = (int)(yoe + era * 400 + (*m <= 2));
}

wk_civil wk_civil_from_ns(int64_t time_ns)
{
    int64_t s = time_ns / WK_NS_PER_S - (time_ns % WK_NS_PER_S < 0);
    int64_t days = s / 86400 - (s % 86400 < 0);
    int64_t rest = s - days * 86400;
    wk_civil c = {.hour = (int)(rest / 3600),
                  .minute = (int)(rest / 60 % 60),
                  .second = (int)(rest % 60),
                  .weekday = (int)(((days + 3) % 7 + 7) % 7)};
    civil_from_days(days, &c.year, &c.month, &c.day);
    return c;
}

int64_t wk_civil_to_ns(int year, int month, int day)
{
    return days_from_civil(year, month, day) * 86400 * WK_NS_PER_S;
}

wk_status wk_time_parse(const char *text, int64_t *time_ns, wk_err *err)
{
    int y, mo, d, h = 0, mi = 0, s = 0, used = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &y, &mo, &d, &used) != 3 || used == 0)
        goto bad;
    const char *rest = text + used;
    if (*rest == 'T' || *rest == ' ') {
        used = 0;
        if (sscanf(rest + 1, "%2d:%2d%n", &h, &mi, &used) != 2 || used == 0)
            goto bad;
        rest += 1 + used;
        if (*rest == ':') {
            used = 0;
            if (sscanf(rest + 1, "%2d%n", &s, &used) != 1 || used == 0)
                goto bad;
            rest += 1 + used;
        }
    }
    if (*rest == 'Z')
        rest++;
    if (*rest || y < 1970 || y > 2200 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 ||
        mi < 0 || mi > 59 || s < 0 || s > 59)
        goto bad;
    wk_civil back = wk_civil_from_ns(wk_civil_to_ns(y, mo, d));
    if (back.month != mo)
        goto bad;
    *time_ns = wk_civil_to_ns(y, mo, d) + ((int64_t)h * 3600 + mi * 60 + s) * WK_NS_PER_S;
    return WK_OK;
bad:
    return wk_fail(err, WK_E_PARSE,
                   "not a time: \"%.40s\"; write 2024-06-30 or 2024-06-30T23:45:00Z", text);
}

char *wk_time_format(int64_t time_ns, char out[32])
{
    wk_civil c = wk_civil_from_ns(time_ns);
    snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year % 10000, c.month, c.day, c.hour,
             c.minute, c.second);
    return out;
}

static const struct {
    char unit;
    int64_t s;
} timeframe_units[] = {{'w', 604800}, {'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

wk_status wk_timeframe_parse(const char *text, int64_t *ns, wk_err *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    for (size_t i = 0; i < sizeof timeframe_units / sizeof *timeframe_units; i++)
        if (n > 0 && n <= 100000 && end[0] == timeframe_units[i].unit && end[1] == 0) {
            *ns = n * timeframe_units[i].s * WK_NS_PER_S;
            return WK_OK;
        }
    return wk_fail(err, WK_E_PARSE, "not a timeframe: \"%.20s\"; write 1m, 15m, 1h, 4h or 1d",
                   text);
}

char *wk_timeframe_format(int64_t ns, char out[16])
{
    int64_t s = ns / WK_NS_PER_S;
    for (size_t i = 0; i < sizeof timeframe_units / sizeof *timeframe_units; i++)
        if (s >= timeframe_units[i].s && s % timeframe_units[i].s == 0) {
            snprintf(out, 16, "%lld%c", (long long)(s / timeframe_units[i].s % 1000000),
                     timeframe_units[i].unit);
            return out;
        }
    snprintf(out, 16, "0s");
    return out;
}
