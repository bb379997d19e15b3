#include "drift.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"
#include "wick/math.h"
#include "wick/metrics.h"

enum { BINS = 10, ROWS_MIN = 200 };

void wk_drift_reference_finish(wk_drift_reference *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        free(r->columns[i].points);
    free(r->columns);
    *r = (wk_drift_reference){0};
}

static wk_status read_column(const json_t *item, const char *path, wk_drift_column *out,
                             wk_err *err)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    const json_t *q = json_object_get(item, "q");
    size_t n = json_array_size(q);
    if (!name || !json_is_array(q) || n > WK_DRIFT_POINTS_MAX)
        return wk_fail(err, WK_E_MODEL, "%s: a feature has no usable name or quantiles", path);
    snprintf(out->name, sizeof out->name, "%s", name);
    out->n = (size_t)json_integer_value(json_object_get(item, "n"));
    out->missing = json_number_value(json_object_get(item, "missing"));
    out->points = calloc(n ? n : 1, sizeof *out->points);
    if (!out->points)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    out->n_points = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(q, i);
        out->points[i] = (float)json_number_value(value);
        if (!json_is_number(value) || (i && out->points[i] < out->points[i - 1]))
            return wk_fail(err, WK_E_MODEL, "%s: the quantiles of %s do not rise", path, name);
    }
    return WK_OK;
}

wk_status wk_drift_reference_read(const char *model_dir, wk_drift_reference *out, wk_err *err)
{
    char path[PATH_MAX];
    json_error_t where;
    if (snprintf(path, sizeof path, "%s/reference.json", model_dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_IO, "path too long: %s", model_dir);
    if (!wk_file_exists(path))
        return wk_fail(err, WK_E_NOT_FOUND,
                       "%s is not there: the model was trained by an older wick; train it again",
                       path);
    json_t *root = json_load_file(path, 0, &where);
    const json_t *list = json_object_get(root, "features");
    wk_drift_reference r = {0};
    wk_status status = WK_OK;
    if (!root || json_integer_value(json_object_get(root, "wick_reference")) != 1 ||
        !json_is_array(list))
        status = wk_fail(err, WK_E_MODEL, "%s:%d: %s", path, root ? 1 : where.line,
                         root ? "is no reference of version 1" : where.text);
    else if (!(r.columns = calloc(json_array_size(list) + 1, sizeof *r.columns)))
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; status == WK_OK && i < json_array_size(list); i++) {
        r.n = i + 1;
        status = read_column(json_array_get(list, i), path, &r.columns[i], err);
    }
    json_decref(root);
    if (status != WK_OK) {
        wk_drift_reference_finish(&r);
        return status;
    }
    *out = r;
    return WK_OK;
}

/* Shares of the values in the bins that `edges` [BINS - 1] make; a value on an edge counts below.
 */
static void shares(const float *values, size_t n, const float *edges, double out[BINS])
{
    size_t counts[BINS] = {0}, total = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            continue;
        size_t b = 0;
        while (b < BINS - 1 && values[i] > edges[b])
            b++;
        counts[b]++;
        total++;
    }
    for (size_t b = 0; b < BINS; b++)
        out[b] = total ? (double)counts[b] / (double)total : 0;
}

double wk_drift_ks_p(double d, double n)
{
    if (!(n > 0) || isnan(d))
        return NAN;
    double root = sqrt(n), l = (root + 0.12 + 0.11 / root) * d, sum = 0, sign = 1;
    if (l < 0.2)
        return 1; /* the series does not converge there; P differs from 1 by less than 1e-12 */
    for (int k = 1; k <= 100; k++) {
        double term = wk_exp(-2.0 * k * k * l * l);
        sum += sign * term;
        sign = -sign;
        if (term < 1e-17)
            break;
    }
    double p = 2 * sum;
    return p < 0 ? 0 : p > 1 ? 1 : p;
}

wk_drift wk_drift_measure(const wk_drift_column *before, const float *now, size_t n)
{
    wk_drift d = {.psi = NAN, .ks = NAN, .p = NAN, .missing_before = before->missing};
    for (size_t i = 0; i < n; i++)
        d.n += isfinite(now[i]) != 0;
    d.missing = n ? (double)(n - d.n) / (double)n : NAN;
    if (d.n == 0 || before->n_points < BINS)
        return d;
    float edges[BINS - 1];
    double expected[BINS], actual[BINS];
    for (size_t b = 1; b < BINS; b++) {
        size_t at = b * before->n_points / BINS;
        edges[b - 1] = (before->points[at - 1] + before->points[at]) / 2;
    }
    shares(before->points, before->n_points, edges, expected);
    shares(now, n, edges, actual);
    d.psi = wk_psi(expected, actual, BINS);
    d.ks = wk_ks(before->points, before->n_points, now, n);
    double m = (double)before->n, live = (double)d.n;
    d.p = wk_drift_ks_p(d.ks, m * live / (m + live));
    return d;
}

void wk_drift_flag(wk_drift *columns, size_t n)
{
    /* The largest p that stays below its rank's share of 5 %. */
    double limit = -1;
    for (size_t i = 0; i < n; i++) {
        size_t rank = 0;
        for (size_t k = 0; k < n; k++)
            rank += columns[k].p <= columns[i].p;
        if (columns[i].p <= 0.05 * (double)rank / (double)n && columns[i].p > limit)
            limit = columns[i].p;
    }
    for (size_t i = 0; i < n; i++)
        columns[i].flagged =
            columns[i].n >= ROWS_MIN &&
            (columns[i].psi >= 0.25 || (columns[i].p <= limit && columns[i].ks >= 0.1));
}
