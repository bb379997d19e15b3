#include "reference.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/text.h"

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The column's finite values among every stride-th valid row; returns how many rows there were. */
static size_t take_column(const wk_feature_table *table, size_t n_rows, size_t stride,
                          size_t column, float *out, size_t *n)
{
    size_t seen = 0, valid = 0;
    *n = 0;
    for (size_t r = 0; r < n_rows; r++) {
        if (!table->valid[r] || valid++ % stride)
            continue;
        float x = table->X[r * table->F + column];
        seen++;
        if (isfinite(x))
            out[(*n)++] = x;
    }
    return seen;
}

static void add_column(wk_text *text, const char *name, float *values, size_t n, size_t seen)
{
    wk_text_add(text, "{\"name\": ");
    wk_text_add_json_string(text, name);
    wk_text_printf(text, ", \"n\": %zu, \"missing\": %.6f, \"q\": [", n,
                   seen ? (double)(seen - n) / (double)seen : 0.0);
    qsort(values, n, sizeof *values, by_value);
    for (size_t i = 0; n && i < WK_REFERENCE_POINTS; i++) {
        double at = ((double)i + 0.5) / WK_REFERENCE_POINTS * (double)(n - 1);
        size_t k = (size_t)at, up = k + 1 < n ? k + 1 : k;
        double part = at - (double)k;
        wk_text_printf(text, "%s%.7g", i ? ", " : "",
                       (double)values[k] * (1 - part) + (double)values[up] * part);
    }
    wk_text_add(text, "]}");
}

wk_status wk_reference_write(const wk_dataset *d, size_t end_step, const char *model_dir,
                             wk_err *err)
{
    const wk_feature_table *table = &d->table;
    size_t n_rows = (end_step < table->T ? end_step : table->T) * table->S, n_valid = 0;
    for (size_t r = 0; r < n_rows; r++)
        n_valid += table->valid[r] != 0;
    size_t stride = n_valid / WK_REFERENCE_ROWS_MAX + 1;
    float *values = malloc((n_valid / stride + 1) * sizeof *values);
    if (!values)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_text text = {0};
    char until[32];
    wk_time_format(d->panel.start_ns + (int64_t)(n_rows / table->S) * d->panel.timeframe_ns, until);
    wk_text_printf(&text,
                   "{\"wick_reference\": 1, \"trained_to\": \"%s\", \"rows\": %zu, \"features\": [",
                   until, n_valid);
    for (size_t c = 0; c < table->F; c++) {
        size_t n, seen = take_column(table, n_rows, stride, c, values, &n);
        wk_text_add(&text, c ? ",\n" : "\n");
        add_column(&text, d->feature_names[c], values, n, seen);
    }
    wk_text_add(&text, "]}\n");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/reference.json", model_dir);
    wk_status status = wk_file_write_atomic(path, text.s, text.n, err);
    free(text.s);
    free(values);
    return status;
}
