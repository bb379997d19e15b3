/* Rolling windows as they are written: how long the bars of each timeframe stay. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/store.h"

#define DAY (86400 * WK_NS_PER_S)

/* "30d" "26w" "18mo" "5y" */
static wk_status read_span(const char *what, const char *text, int64_t *ns, wk_err *err)
{
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    int64_t unit = !strcmp(end, "d")    ? DAY
                   : !strcmp(end, "w")  ? 7 * DAY
                   : !strcmp(end, "mo") ? 30 * DAY
                   : !strcmp(end, "y")  ? 366 * DAY
                                        : 0;
    if (n < 1 || n > 36500 || unit == 0 || (unit > DAY && n > 1200))
        return wk_fail(err, WK_E_ARG, "%s: \"%s\" is no length of time; write 30d, 26w, 18mo or 5y",
                       what, text);
    *ns = n * unit;
    return WK_OK;
}

wk_status wk_store_windows_parse(const char *what, const char *text, wk_store_windows *out,
                                 wk_err *err)
{
    out->n = 0;
    while (*text) {
        char part[48];
        size_t length = strcspn(text, ",");
        if (length >= sizeof part || out->n == WK_STORE_WINDOWS_MAX)
            return wk_fail(err, WK_E_ARG, "%s %.60s: write 1m=30d,15m=2y,all=10y", what, text);
        memcpy(part, text, length);
        part[length] = 0;
        text += length + (text[length] == ',');
        char *equals = strchr(part, '=');
        if (!equals)
            return wk_fail(err, WK_E_ARG, "%s %s: write a timeframe before it, as in 1m=%s", what,
                           part, part);
        *equals = 0;
        int64_t timeframe_ns = 0, keep_ns = 0;
        if (strcmp(part, "all") != 0 && wk_timeframe_parse(part, &timeframe_ns, err) != WK_OK)
            return wk_fail(err, WK_E_ARG, "%s: \"%s\" is no timeframe; write 1m, 15m, 1h or all",
                           what, part);
        WK_TRY(read_span(what, equals + 1, &keep_ns, err));
        out->v[out->n].timeframe_ns = timeframe_ns;
        out->v[out->n++].keep_ns = keep_ns;
    }
    return WK_OK;
}

int64_t wk_store_window(const wk_store_windows *windows, int64_t timeframe_ns)
{
    int64_t any = 0;
    for (size_t i = 0; i < windows->n; i++) {
        if (windows->v[i].timeframe_ns == timeframe_ns)
            return windows->v[i].keep_ns;
        if (windows->v[i].timeframe_ns == 0)
            any = windows->v[i].keep_ns;
    }
    return any;
}
