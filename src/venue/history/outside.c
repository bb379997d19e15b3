/* Any JSON endpoint as a series of the store. */
#include "wick/outside_fetch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wick/clock.h"
#include "wick/csv.h"
#include "wick/http.h"
#include "wick/log.h"

enum { ROWS_MAX = 1000000, BODY_BYTES_MAX = 32 << 20, KEY_BYTES_MAX = 512 };

#define AT(field) offsetof(wk_outside_source, field)
static const wk_cfg_row source_rows[] = {
    {"name", WK_CFG_STRING, AT(name), NULL, NULL, 0, 0, NULL, NULL, "of the series in the store"},
    {"venue", WK_CFG_STRING, AT(venue), NULL, "\"outside\"", 0, 0, NULL, NULL,
     "under which it is stored"},
    {"symbol", WK_CFG_STRING, AT(symbol), NULL, "\"ALL\"", 0, 0, NULL, NULL,
     "the market it speaks of"},
    {"url", WK_CFG_STRING, AT(url), NULL, NULL, 0, 0, NULL, NULL, "address that answers with JSON"},
    {"rows", WK_CFG_STRING, AT(rows), NULL, "\"\"", 0, 0, NULL, NULL,
     "JSON pointer to the array of rows, or to a single row, such as /data/items; empty: the whole "
     "reply"},
    {"time", WK_CFG_STRING, AT(time), NULL, "\"/time\"", 0, 0, NULL, NULL,
     "JSON pointer to the time within a row"},
    {"value", WK_CFG_STRING, AT(value), NULL, "\"/value\"", 0, 0, NULL, NULL,
     "JSON pointer to the value within a row"},
    {"key_header", WK_CFG_STRING, AT(key_header), NULL, "\"\"", 0, 0, NULL, NULL,
     "header before the key, such as \"X-API-Key: \"; empty: no key"},
    {"key_env", WK_CFG_STRING, AT(key_env), NULL, "\"\"", 0, 0, NULL, NULL,
     "environment variable that holds the key"},
    {.key = NULL}};
static const wk_cfg_table source_table = {"series", "a JSON endpoint", sizeof(wk_outside_source),
                                          source_rows};
#undef AT

#define AT(field) offsetof(wk_outside_fetch_config, field)
static const wk_cfg_row rows[] = {
    {"series", WK_CFG_SECTIONS, AT(series), NULL, NULL, 0, 0, NULL, &source_table,
     "what is asked for"},
    {"every_s", WK_CFG_REAL, AT(every_s), "s", "300", 1, 1e7, NULL, NULL,
     "pause between rounds with --follow"},
    {"timeout_s", WK_CFG_REAL, AT(timeout_s), "s", "30", 0.1, 3600, NULL, NULL,
     "longest wait for a reply"},
    {"tries", WK_CFG_INT, AT(tries), NULL, "6", 1, 1000, NULL, NULL, "how often one call is tried"},
    {"backoff_s", WK_CFG_REAL, AT(backoff_s), "s", "1", 0.001, 3600, NULL, NULL,
     "wait before the second try; doubles with each, unless the server says how long"},
    {"store", WK_CFG_STRING, AT(store), NULL, "\"\"", 0, 0, NULL, NULL,
     "the store; empty: the default one"},
    {"ca_file", WK_CFG_STRING, AT(ca_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM file of the authorities that are trusted; empty: the system's"},
    {.key = NULL}};
#undef AT

const wk_cfg_table wk_outside_fetch_config_table = {"outside", "series from JSON endpoints",
                                                    sizeof(wk_outside_fetch_config), rows};

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

static void pause_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds};
    t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
    nanosleep(&t, NULL);
}

/* One reply of status 200; what is worth it is tried again. */
static wk_status ask(const wk_outside_fetch_config *config, const wk_outside_source *s,
                     wk_http *http, const char *const *headers, wk_http_response *reply,
                     wk_err *err)
{
    double wait_s = config->backoff_s;
    for (int64_t i = 1;; i++) {
        wk_http_request request = {.method = "GET", .url = s->url, .headers = headers};
        wk_status status = wk_http_call(http, &request, reply, err);
        if (status == WK_OK && reply->status == 200)
            return WK_OK;
        bool again = status == WK_E_IO ||
                     (status == WK_OK && (reply->status == 429 || reply->status >= 500));
        if (status == WK_OK)
            status = wk_fail(err, WK_E_IO, "%s: the server answered with status %d", s->name,
                             reply->status);
        double told_s = reply->retry_after_ns >= 0 ? (double)reply->retry_after_ns * 1e-9 : wait_s;
        wk_http_response_finish(reply);
        if (!again || i >= config->tries)
            return status;
        wk_log_write(WK_LOG_WARN, "outside.fetch", "series=%s try=%lld wait_s=%.1f why=\"%s\"",
                     s->name, (long long)i, told_s, err ? err->msg : "");
        pause_for(told_s < 300 ? told_s : 300);
        wait_s = wait_s < 60 ? wait_s * 2 : 60;
    }
}

wk_status wk_outside_fetch(const wk_outside_fetch_config *config, const wk_outside_source *s,
                           wk_fresh *fresh, wk_fresh_outcome *outcome, wk_err *err)
{
    char header[KEY_BYTES_MAX];
    const char *headers[] = {NULL, NULL};
    if (s->key_header[0]) {
        const char *key = getenv(s->key_env);
        if (!key || !key[0])
            return wk_fail(err, WK_E_CONFIG,
                           "%s: the environment variable %s with its key is not set", s->name,
                           s->key_env[0] ? s->key_env : "(key_env)");
        if (snprintf(header, sizeof header, "%s%s", s->key_header, key) >= (int)sizeof header)
            return wk_fail(err, WK_E_CONFIG, "%s: the key is too long", s->name);
        headers[0] = header;
    }
    wk_http_options options = {.ca_file = config->ca_file[0] ? config->ca_file : NULL,
                               .total_timeout_ns = (int64_t)(config->timeout_s * 1e9),
                               .body_bytes_max = BODY_BYTES_MAX};
    wk_http *http = NULL;
    wk_http_response reply = {0};
    wk_fresh_value *values = NULL;
    size_t n = 0;
    WK_TRY(wk_http_open(&options, &http, err));
    wk_status status = ask(config, s, http, headers, &reply, err);
    if (status == WK_OK)
        status = wk_outside_parse_json(s, reply.body, reply.body_bytes, wk_clock_wall_ns(), &values,
                                       &n, err);
    if (status == WK_OK)
        status =
            wk_fresh_put_values(fresh, s->venue, s->symbol, s->name, values, n, NULL, outcome, err);
    free(values);
    wk_http_response_finish(&reply);
    wk_http_close(http);
    return status;
}
