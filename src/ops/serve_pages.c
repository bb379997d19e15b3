/* Answers to GET: which pages there are, and what they say. */
#include <stdio.h>
#include <string.h>

#include "dashboard_assets.h"
#include "serve_internal.h"
#include "wick/clock.h"

#define JSON "application/json"

static const struct {
    const char *path, *methods;
    bool is_open; /* without the token: they tell nothing of models and money */
} pages[] = {{"/", "GET", true},
             {"/healthz", "GET", true},
             {"/readyz", "GET", true},
             {"/metrics", "GET", false},
             {"/openapi.json", "GET", true},
             {"/v1/model", "GET", false},
             {"/v1/dashboard", "GET", false},
             {"/v1/stream", "GET", false},
             {"/v1/predict", "POST", false}};

static const char signal_path[] = "/v1/signal/";

const char *wk__serve_methods(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].path, path) == 0)
            return pages[i].methods;
    return strncmp(path, signal_path, sizeof signal_path - 1) == 0 ? "GET" : NULL;
}

bool wk__serve_is_open(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (strcmp(pages[i].path, path) == 0)
            return pages[i].is_open;
    return false;
}

void wk__serve_error_write(const char *code, const char *message, wk_text *out)
{
    wk_text_add(out, "{\"error\":{\"code\":");
    wk_text_add_json_string(out, code);
    wk_text_add(out, ",\"message\":");
    wk_text_add_json_string(out, message);
    wk_text_add(out, "}}");
}

/* The value of a query's key, cut at its end; "" when it is not there. */
static void read_query(const char *query, const char *key, char *out, size_t size)
{
    size_t n = strlen(key);
    out[0] = 0;
    for (const char *p = query; p && *p; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL) {
        if (strncmp(p, key, n) != 0 || p[n] != '=')
            continue;
        size_t length = strcspn(p + n + 1, "&");
        snprintf(out, size, "%.*s", (int)(length < size ? length : size - 1), p + n + 1);
        return;
    }
}

static void write_metrics(const wk_serve *serve, wk_text *out)
{
    static const char *const bounds[WK__SERVE_BUCKETS] = {
        "0.00001", "0.000025", "0.00005", "0.0001", "0.00025", "0.0005",
        "0.001",   "0.005",    "0.025",   "0.1",    "1",       "+Inf"};
    const wk__serve_stats *s = &serve->stats;
    const wk__serve_predictor *p = &serve->predictor;
    const struct {
        const char *name, *type, *help;
        double value;
    } rows[] = {
        {"wick_predictions_total", "counter", "forecasts given", (double)p->counts.predictions},
        {"wick_steps_total", "counter", "steps pushed into models", (double)p->counts.steps},
        {"wick_sessions", "gauge", "sessions kept", (double)p->n_sessions},
        {"wick_sessions_made_total", "counter", "sessions made", (double)p->counts.sessions_made},
        {"wick_sessions_dropped_total", "counter", "sessions that made room for others",
         (double)p->counts.sessions_dropped},
        {"wick_models_swapped_total", "counter", "newer generations that were taken over",
         (double)p->counts.models_swapped},
        {"wick_sessions_moved_total", "counter", "sessions that went on with a newer generation",
         (double)p->counts.sessions_moved},
        {"wick_connections", "gauge", "open connections", (double)s->open_connections},
        {"wick_connections_total", "counter", "connections made", (double)s->connections},
        {"wick_connections_refused_total", "counter", "connections above the limit",
         (double)s->refused_connections},
        {"wick_streams", "gauge", "open WebSockets", (double)s->streams},
        {"wick_stream_messages_total", "counter", "messages on WebSockets",
         (double)s->stream_messages},
        {"wick_body_timeouts_total", "counter", "bodies that came too slowly", (double)s->timeouts},
        {"wick_received_bytes_total", "counter", "of bodies", (double)s->bytes_in},
        {"wick_sent_bytes_total", "counter", "of answers", (double)s->bytes_out},
        {"wick_ready", "gauge", "1 when it serves", serve->is_ready},
        {"wick_uptime_seconds", "gauge", "since it started",
         (double)(wk_clock_monotonic_ns() - serve->started_ns) * 1e-9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        wk_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", rows[i].name, rows[i].help,
                       rows[i].name, rows[i].type, rows[i].name, rows[i].value);
    wk_text_add(out, "# HELP wick_responses_total answers by class of status\n"
                     "# TYPE wick_responses_total counter\n");
    for (int k = 2; k < 6; k++)
        wk_text_printf(out, "wick_responses_total{class=\"%dxx\"} %llu\n", k,
                       (unsigned long long)s->by_status[k]);
    wk_text_add(out, "# HELP wick_predict_seconds work on one POST /v1/predict that succeeded\n"
                     "# TYPE wick_predict_seconds histogram\n");
    uint64_t below = 0;
    for (int k = 0; k < WK__SERVE_BUCKETS; k++) {
        below += s->predict_buckets[k];
        wk_text_printf(out, "wick_predict_seconds_bucket{le=\"%s\"} %llu\n", bounds[k],
                       (unsigned long long)below);
    }
    wk_text_printf(out, "wick_predict_seconds_sum %.9f\nwick_predict_seconds_count %llu\n",
                   s->predict_s, (unsigned long long)s->predict_count);
    wk_text_add(out, "# HELP wick_model_info the models served\n# TYPE wick_model_info gauge\n");
    for (size_t k = 0; k < p->n_models; k++) {
        wk_text_add(out, "wick_model_info{model=");
        wk_text_add_json_string(out, p->models[k].name);
        wk_text_printf(out, ",version=\"%s\"} 1\n", p->models[k].version);
    }
}

void wk__serve_health_write(const wk_serve *serve, wk_text *out)
{
    wk_text_printf(
        out, "{\"ready\":%s,\"uptime_s\":%.0f,\"sessions\":%zu,\"predictions\":%llu,\"models\":[",
        serve->is_ready ? "true" : "false",
        (double)(wk_clock_monotonic_ns() - serve->started_ns) * 1e-9, serve->predictor.n_sessions,
        (unsigned long long)serve->predictor.counts.predictions);
    for (size_t k = 0; k < serve->predictor.n_models; k++) {
        wk_text_add(out, k ? ",{\"name\":" : "{\"name\":");
        wk_text_add_json_string(out, serve->predictor.models[k].name);
        wk_text_printf(out, ",\"version\":\"%s\"}", serve->predictor.models[k].version);
    }
    wk_text_add(out, "]}");
}

static wk__serve_page text_page(const char *type, const unsigned char *bytes, size_t n)
{
    return (wk__serve_page){200, type, (const char *)bytes, n};
}

static int get_signal(wk_serve *serve, const char *symbol, const char *query, wk_text *out)
{
    char session[WK__SERVE_NAME_BYTES];
    read_query(query, "session", session, sizeof session);
    if (wk__serve_signal(&serve->predictor, symbol, session, out))
        return 200;
    if (!session[0] && wk__serve_live_signal(serve, symbol, out))
        return 200;
    wk__serve_error_write("no_signal",
                          "no session and no journal has a forecast of this market yet", out);
    return 404;
}

wk__serve_page wk__serve_get(wk_serve *serve, const char *path, const char *query)
{
    wk_text *out = &serve->answer;
    int status = 200;
    const char *type = JSON;
    out->n = 0;
    if (strcmp(path, "/") == 0)
        return text_page("text/html; charset=utf-8", wk__dashboard_page, wk__dashboard_page_size);
    if (strcmp(path, "/openapi.json") == 0)
        return text_page(JSON, wk__dashboard_openapi, wk__dashboard_openapi_size);
    if (strcmp(path, "/healthz") == 0) {
        wk_text_add(out, "{\"status\":\"ok\"}");
    } else if (strcmp(path, "/readyz") == 0) {
        bool is_stale = serve->is_ready && wk__serve_store_is_stale(serve);
        status = serve->is_ready && !is_stale ? 200 : 503;
        if (status == 200)
            wk_text_add(out, "{\"status\":\"ready\"}");
        else
            wk__serve_error_write(is_stale ? "stale" : "not_ready",
                                  is_stale             ? "the store has no new bars"
                                  : serve->is_draining ? "it stops"
                                                       : "it warms up on the store",
                                  out);
    } else if (strcmp(path, "/metrics") == 0) {
        write_metrics(serve, out);
        type = "text/plain; version=0.0.4; charset=utf-8";
    } else if (strcmp(path, "/v1/model") == 0) {
        wk__serve_describe_models(&serve->predictor, out);
    } else if (strcmp(path, "/v1/dashboard") == 0) {
        char symbol[64];
        read_query(query, "symbol", symbol, sizeof symbol);
        wk__serve_live_document(serve, symbol, out);
    } else {
        status = get_signal(serve, path + sizeof signal_path - 1, query, out);
    }
    return (wk__serve_page){status, type, out->s, out->n};
}
