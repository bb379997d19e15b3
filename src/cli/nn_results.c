#include "nn_results.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"
#include "wick/version.h"

static bool number(const json_t *row, const char *key, double *out)
{
    const json_t *v = json_object_get(row, key);
    *out = json_number_value(v);
    return json_is_number(v) && isfinite(*out);
}

wk_status nn_results_find(const char *path, const char *of, nn_result *out, bool *found,
                          wk_err *err)
{
    char *bytes;
    size_t size, line = 0;
    *found = false;
    if (!wk_file_exists(path))
        return WK_OK;
    WK_TRY(wk_file_read(path, &bytes, &size, err));
    wk_status status = WK_OK;
    for (const char *p = bytes, *next; p < bytes + size && status == WK_OK; p = next) {
        const char *end = memchr(p, '\n', (size_t)(bytes + size - p));
        const size_t n = end ? (size_t)(end - p) : (size_t)(bytes + size - p);
        next = p + n + 1;
        line++;
        json_t *row = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);
        const char *is = json_string_value(json_object_get(row, "of"));
        double params = 0;
        nn_result r = {0};
        if (!is || !number(row, "parameters", &params) || !number(row, "score", &r.score) ||
            !number(row, "alone", &r.single) || !number(row, "seconds", &r.seconds) ||
            !(params >= 0 && params < 1e15)) {
            status = wk_fail(err, WK_E_PARSE, "%s:%zu: no result of an experiment; remove the line",
                             path, line);
        } else if (strcmp(is, of) == 0) {
            r.params = (size_t)params;
            *out = r;
            *found = true;
        }
        json_decref(row);
    }
    free(bytes);
    return status;
}

wk_status nn_results_add(const char *path, const char *of, const char *experiment,
                         const char *model, const char *what, const nn_result *r, wk_err *err)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:s, s:s}", "experiment",
                            experiment, "model", model, "what", what, "parameters",
                            (json_int_t)r->params, "score", r->score, "alone", r->single, "seconds",
                            r->seconds, "commit", wk_commit(), "of", of);
    char *text = json_dumps(row, JSON_REAL_PRECISION(17));
    json_decref(row);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    FILE *file = fopen(path, "a");
    const bool written = file && fprintf(file, "%s\n", text) > 0;
    const bool closed = file && fclose(file) == 0;
    free(text);
    return written && closed ? WK_OK : wk_fail(err, WK_E_IO, "%s: cannot be written", path);
}
