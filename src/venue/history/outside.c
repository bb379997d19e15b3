/* Any JSON endpoint as a series of the store. */
#include "wick/outside_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wick/clock.h"
#include "wick/http.h"
#include "wick/log.h"

enum { BODY_BYTES_MAX = 32 << 20, KEY_BYTES_MAX = 512 };

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
