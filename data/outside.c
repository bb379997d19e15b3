/* Outside series: read from files, joined as of the time they were known. */
#include "wick/outside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "wick/clock.h"

static const wk_cfg_row rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_outside_config, name), NULL, NULL, 0, 0, NULL, NULL,
     "of the column: lower-case letters, digits and _"},
    {"file", WK_CFG_STRING, offsetof(wk_outside_config, file), NULL, "\"\"", 0, 0, NULL, NULL,
     "CSV or CSV.gz, relative to the data root; {symbol} and {base} stand for the market's; empty: "
     "the store"},
    {"series", WK_CFG_STRING, offsetof(wk_outside_config, series), NULL, "\"\"", 0, 0, NULL, NULL,
     "its name in the store; empty: name"},
    {"venue", WK_CFG_STRING, offsetof(wk_outside_config, venue), NULL, "\"\"", 0, 0, NULL, NULL,
     "its venue in the store; empty: the candles'"},
    {"symbol", WK_CFG_STRING, offsetof(wk_outside_config, symbol), NULL, "\"\"", 0, 0, NULL, NULL,
     "its symbol in the store; empty: each market's own"},
    {"time", WK_CFG_STRING, offsetof(wk_outside_config, time), NULL, "\"time\"", 0, 0, NULL, NULL,
     "column with the time that a row speaks of"},
    {"value", WK_CFG_STRING, offsetof(wk_outside_config, value), NULL, "\"value\"", 0, 0, NULL,
     NULL, "column with the value"},
    {"known", WK_CFG_STRING, offsetof(wk_outside_config, known), NULL, "\"\"", 0, 0, NULL, NULL,
     "column with the time a row arrived; empty: time plus delay_s"},
    {"delay_s", WK_CFG_REAL, offsetof(wk_outside_config, delay_s), "s", "null", 0, 1e9, NULL, NULL,
     "from a row's time until it is known: 86400 for a day's close that is stamped with the day's "
     "begin"},
    {"stale_s", WK_CFG_REAL, offsetof(wk_outside_config, stale_s), "s", "0", 0, 1e10, NULL, NULL,
     "a value learnt longer ago counts as missing; 0: never"},
    {.key = NULL}};

const wk_cfg_table wk_outside_config_table = {
    .name = "outside",
    .doc = "a series from outside the candles, joined as of the time it was known",
    .struct_size = sizeof(wk_outside_config),
    .rows = rows,
};

void wk_outside_finish(wk_outside *series)
{
    if (!series)
        return;
    free(series->rows);
    *series = (wk_outside){0};
}

static int by_known(const void *a, const void *b)
{
    const wk_outside_row *x = a, *y = b;
    if (x->known_ns != y->known_ns)
        return x->known_ns < y->known_ns ? -1 : 1;
    return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void wk_outside_sort(wk_outside *series)
{
    if (series->n)
        qsort(series->rows, series->n, sizeof *series->rows, by_known);
}

static wk_status read_rows(const wk_outside_config *config, wk__columns *file, wk_outside *out,
                           wk_err *err)
{
    int time, value, known = -1;
    WK_TRY(wk__columns_need(file, config->time, &time, err));
    WK_TRY(wk__columns_need(file, config->value, &value, err));
    if (config->known[0])
        WK_TRY(wk__columns_need(file, config->known, &known, err));
    int64_t delay_ns = known >= 0 ? 0 : (int64_t)(config->delay_s * 1e9);
    size_t capacity = 0;
    for (;;) {
        bool any;
        WK_TRY(wk__columns_next(file, &any, err));
        if (!any)
            return WK_OK;
        if (out->n == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            wk_outside_row *more = realloc(out->rows, capacity * sizeof *more);
            if (!more)
                return wk_fail(err, WK_E_NOMEM, "out of memory after %zu rows", out->n);
            out->rows = more;
        }
        wk_outside_row *row = &out->rows[out->n];
        WK_TRY(wk__columns_time(file, time, &row->time_ns, err));
        WK_TRY(wk__columns_number(file, value, &row->value, err));
        if (row->time_ns > INT64_MAX - delay_ns)
            return wk_fail(err, WK_E_DATA, "%s: known after the year 2262; correct the row",
                           wk__columns_place(file));
        row->known_ns = row->time_ns + delay_ns;
        if (known >= 0)
            WK_TRY(wk__columns_time(file, known, &row->known_ns, err));
        if (row->known_ns < row->time_ns)
            return wk_fail(err, WK_E_DATA,
                           "%s: known before its own time; correct the row or name another column",
                           wk__columns_place(file));
        out->n++;
    }
}

wk_status wk_outside_read(const wk_outside_config *config, const char *path, wk_outside *out,
                          wk_err *err)
{
    wk__columns *file;
    WK_TRY(wk__columns_open(path, &file, err));
    wk_outside series = {0};
    wk_status status = read_rows(config, file, &series, err);
    wk__columns_close(file);
    if (status != WK_OK) {
        wk_outside_finish(&series);
        return status;
    }
    wk_outside_sort(&series);
    *out = series;
    return WK_OK;
}

static bool is_column_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return n > 0 && n <= 40 && name[n] == 0;
}

wk_status wk_outside_check(const wk_outside_config *configs, size_t n, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const wk_outside_config *c = &configs[i];
        if (!is_column_name(c->name))
            return wk_fail(err, WK_E_CONFIG,
                           "data.outside.%zu.name: \"%s\"; write 1 to 40 of a-z, 0-9 and _", i,
                           c->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(configs[j].name, c->name) == 0)
                return wk_fail(err, WK_E_CONFIG, "data.outside.%zu.name: \"%s\" is there already",
                               i, c->name);
        /* In the store every row carries its arrival; a file must say, or it would look ahead in
         * silence. */
        if (c->file[0] && !c->known[0] && isnan(c->delay_s))
            return wk_fail(err, WK_E_CONFIG,
                           "data.outside.%zu (%s): when is a row known? Give delay_s (86400 for a "
                           "daily close stamped with the day's begin) or the column `known`",
                           i, c->name);
    }
    return WK_OK;
}

static size_t base_length(const char *symbol)
{
    static const char *const quotes[] = {"USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR",
                                         "GBP",  "JPY",  "INR",   "BTC",  "XBT",  "ETH", "BNB"};
    size_t n = strlen(symbol);
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
        size_t q = strlen(quotes[i]);
        if (n > q && strcmp(symbol + n - q, quotes[i]) == 0) {
            n -= q;
            return n > 1 && strchr("-_/", symbol[n - 1]) ? n - 1 : n;
        }
    }
    return n;
}

bool wk_outside_path(const char *pattern, const char *symbol, char *out, size_t size_bytes)
{
    size_t at = 0;
    while (*pattern) {
        const char *piece = pattern;
        size_t n = 1, skip = 1;
        if (strncmp(pattern, "{symbol}", 8) == 0) {
            piece = symbol;
            n = strlen(symbol);
            skip = 8;
        } else if (strncmp(pattern, "{base}", 6) == 0) {
            piece = symbol;
            n = base_length(symbol);
            skip = 6;
        }
        if (at + n >= size_bytes)
            return false;
        memcpy(out + at, piece, n);
        at += n;
        pattern += skip;
    }
    out[at] = 0;
    return true;
}

wk_status wk_panel_join(wk_panel *panel, const wk_outside *series, const double *stale_s, size_t K,
                        wk_err *err)
{
    size_t first;
    WK_TRY(wk_panel_widen(panel, K, &first, err));
    for (size_t k = 0; k < K; k++)
        for (size_t s = 0; s < panel->S; s++) {
            const wk_outside *rows_of = &series[k * panel->S + s];
            const wk_outside_row *newest = NULL;
            size_t i = 0;
            for (size_t t = 0; t < panel->T; t++) {
                int64_t close_ns = panel->start_ns + (int64_t)(t + 1) * panel->timeframe_ns;
                /* A late correction of an older time does not hide what is newer. */
                for (; i < rows_of->n && rows_of->rows[i].known_ns < close_ns; i++)
                    if (!newest || rows_of->rows[i].time_ns >= newest->time_ns)
                        newest = &rows_of->rows[i];
                bool fresh = newest && (stale_s[k] <= 0 ||
                                        (double)(close_ns - newest->known_ns) <= stale_s[k] * 1e9);
                panel->outside[(t * panel->S + s) * panel->K + first + k] =
                    fresh ? newest->value : NAN;
            }
        }
    return WK_OK;
}
