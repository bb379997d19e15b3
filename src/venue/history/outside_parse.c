/* The rows of a JSON endpoint's reply. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/csv.h"
#include "wick/outside_fetch.h"

enum { ROWS_MAX = 1000000 };

/* RFC 6901; NULL when it leads nowhere. */
static const json_t *follow(const json_t *at, const char *pointer)
{
    while (at && *pointer == '/') {
        char name[256];
        size_t n = 0;
        for (pointer++; *pointer && *pointer != '/'; pointer++) {
            char c = *pointer;
            if (c == '~' && (pointer[1] == '0' || pointer[1] == '1'))
                c = *++pointer == '0' ? '~' : '/';
            if (n + 1 < sizeof name)
                name[n++] = c;
        }
        name[n] = 0;
        if (json_is_array(at)) {
            char *end;
            long index = strtol(name, &end, 10);
            at = n && !*end && index >= 0 ? json_array_get(at, (size_t)index) : NULL;
        } else {
            at = json_object_get(at, name);
        }
    }
    return *pointer ? NULL : at;
}

/* A number or a text of one, as text. */
static const char *text_of(const json_t *value, char buffer[64])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(buffer, 64, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(buffer, 64, "%.17g", json_real_value(value));
    else
        return NULL;
    return buffer;
}

/* Seconds with a fraction are cut to what wk_stamp_parse reads. */
static const char *read_time(const json_t *value, int64_t *time_ns)
{
    char buffer[64];
    if (json_is_real(value)) {
        double seconds = json_real_value(value);
        if (!(seconds > 1e8 && seconds < 9e9))
            return "is no time";
        *time_ns = (int64_t)(seconds * 1e6 + 0.5) * 1000;
        return NULL;
    }
    const char *text = text_of(value, buffer);
    return text ? wk_stamp_parse(text, strlen(text), time_ns) : "is missing";
}

static wk_status read_row(const wk_outside_source *s, const json_t *row, size_t i, int64_t known_ns,
                          wk_fresh_value *out, bool *any, wk_err *err)
{
    const json_t *value = follow(row, s->value);
    char buffer[64];
    *any = !json_is_null(value);
    if (!*any)
        return WK_OK;
    const char *problem = read_time(follow(row, s->time), &out->time_ns);
    if (problem)
        return wk_fail(err, WK_E_PARSE, "%s: row %zu: the time at %s %s; correct series.time",
                       s->name, i, s->time, problem);
    const char *text = text_of(value, buffer);
    problem = text ? wk_number_parse(text, strlen(text), &out->value) : "is missing";
    if (problem)
        return wk_fail(err, WK_E_PARSE, "%s: row %zu: the value at %s %s; correct series.value",
                       s->name, i, s->value, problem);
    out->known_ns = known_ns;
    return WK_OK;
}

wk_status wk_outside_parse_json(const wk_outside_source *s, const char *text, size_t n_bytes,
                                int64_t known_ns, wk_fresh_value **out, size_t *n, wk_err *err)
{
    json_error_t where;
    json_t *root = json_loadb(text, n_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    if (!root)
        return wk_fail(err, WK_E_PARSE, "%s: the reply is no JSON (line %d: %s)", s->name,
                       where.line, where.text);
    const json_t *list = follow(root, s->rows);
    size_t count = json_is_array(list) ? json_array_size(list) : list ? 1 : 0;
    wk_status status = WK_OK;
    wk_fresh_value *values = NULL;
    size_t kept = 0;
    if (!list)
        status = wk_fail(err, WK_E_PARSE, "%s: the reply has nothing at %s; correct series.rows",
                         s->name, s->rows);
    else if (count > ROWS_MAX)
        status = wk_fail(err, WK_E_DATA, "%s: %zu rows in one reply; at most %d", s->name, count,
                         ROWS_MAX);
    else if (!(values = calloc(count + 1, sizeof *values)))
        status = wk_fail(err, WK_E_NOMEM, "out of memory for %zu rows", count);
    for (size_t i = 0; status == WK_OK && i < count; i++) {
        bool any;
        status = read_row(s, json_is_array(list) ? json_array_get(list, i) : list, i, known_ns,
                          &values[kept], &any, err);
        kept += status == WK_OK && any;
    }
    json_decref(root);
    if (status != WK_OK) {
        free(values);
        return status;
    }
    *out = values;
    *n = kept;
    return WK_OK;
}
