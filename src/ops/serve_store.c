/* Candles of the store: what the dashboard draws, and the session "store" of every model, which
 * follows them. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_internal.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/store.h"

enum { CANDLES_MAX = 1500, UPDATE_BARS_MAX = 32, WARM_STEPS = 64, READ_STEPS = 2048 };
#define LOOK_BACK_NS (40 * 86400 * WK_NS_PER_S)

bool wk__serve_has_store(const wk_serve *serve)
{
    return serve->config->venue[0] != 0;
}

static wk_status read_bars(wk_serve *serve, const wk__serve_model *m, size_t market,
                           int64_t from_ns, int64_t to_ns, wk_series *out, wk_err *err)
{
    return wk_store_read(serve->live.root, serve->config->venue, m->symbols[market],
                         m->config.data.timeframe_ns, from_ns > 0 ? from_ns : 1, to_ns, out, err);
}

/* ---- for the dashboard ---- */

/* Bars [first, series->n) as [[seconds, o, h, l, c, v], ...]. */
static void write_bars(const wk_series *series, size_t first, wk_text *out)
{
    char number[32];
    wk_text_add(out, "[");
    for (size_t i = first; i < series->n; i++) {
        const wk_bar *b = &series->bars[i];
        const double v[] = {b->open, b->high, b->low, b->close, b->volume};
        wk_text_printf(out, "%s[%lld", i > first ? "," : "", (long long)(b->time_ns / WK_NS_PER_S));
        for (int k = 0; k < 5; k++) {
            wk_text_add(out, ",");
            wk_text_add(out, isfinite(v[k]) ? wk_double_format(v[k], number) : "null");
        }
        wk_text_add(out, "]");
    }
    wk_text_add(out, "]");
}

void wk__serve_store_candles(wk_serve *serve, size_t market, wk_text *out)
{
    const wk__serve_model *m = &serve->predictor.models[0];
    int64_t timeframe_ns = m->config.data.timeframe_ns, last_ns = serve->live.bar_ns[market];
    wk_series series = {0};
    wk_err err;
    /* Holes make it fewer than the most. */
    int64_t from_ns = last_ns ? last_ns - (CANDLES_MAX - 1) * timeframe_ns : 1;
    if (wk__serve_has_store(serve) &&
        read_bars(serve, m, market, from_ns, INT64_MAX, &series, &err) == WK_OK)
        write_bars(&series, series.n > CANDLES_MAX ? series.n - CANDLES_MAX : 0, out);
    else
        wk_text_add(out, "[]");
    wk_series_finish(&series);
}

bool wk__serve_store_news(wk_serve *serve, wk_text *out)
{
    const wk__serve_model *m = &serve->predictor.models[0];
    bool any = false;
    for (size_t s = 0; wk__serve_has_store(serve) && s < m->S; s++) {
        wk_series series = {0};
        wk_err err;
        int64_t *last_ns = &serve->live.bar_ns[s];
        int64_t from_ns = *last_ns ? *last_ns + 1 : wk_clock_wall_ns() - 86400 * WK_NS_PER_S;
        if (read_bars(serve, m, s, from_ns, INT64_MAX, &series, &err) == WK_OK && series.n) {
            *last_ns = series.bars[series.n - 1].time_ns;
            serve->live.last[s] = series.bars[series.n - 1].close;
            wk_text_add(out, any ? "," : "");
            wk_text_add_json_string(out, m->symbols[s]);
            wk_text_add(out, ":");
            write_bars(&series, series.n > UPDATE_BARS_MAX ? series.n - UPDATE_BARS_MAX : 0, out);
            any = true;
        }
        wk_series_finish(&series);
    }
    return any;
}

double wk__serve_store_last(const wk_serve *serve, const char *symbol)
{
    const wk__serve_model *m = &serve->predictor.models[0];
    for (size_t s = 0; s < m->S; s++)
        if (strcmp(m->symbols[s], symbol) == 0)
            return serve->live.last[s];
    return 0;
}

/* ---- the session "store" ---- */

/* The stored bars [from_ns, to_ns) of all the model's markets; T = 0 when there are none. */
static wk_status read_panel(wk_serve *serve, const wk__serve_model *m, int64_t from_ns,
                            int64_t to_ns, wk_panel *out, wk_err *err)
{
    wk_series *series = calloc(m->S, sizeof *series);
    wk_status status = series ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    size_t n = 0;
    *out = (wk_panel){0};
    for (size_t s = 0; status == WK_OK && s < m->S; s++) {
        wk_err unread;
        if (read_bars(serve, m, s, from_ns, to_ns, &series[s], &unread) != WK_OK)
            status = wk_series_create(serve->config->venue, m->symbols[s],
                                      m->config.data.timeframe_ns, 0, &series[s], err);
        n += series[s].n;
    }
    if (status == WK_OK && n)
        status = wk_panel_build(series, m->S, NULL, 0, 0, 0, out, err);
    for (size_t s = 0; series && s < m->S; s++)
        wk_series_finish(&series[s]);
    free(series);
    return status;
}

static bool push(wk_serve *serve, wk__serve_model *m, wk__serve_follow *f, const wk_panel *panel,
                 size_t t)
{
    wk__serve_problem problem;
    wk_features_step step = wk_panel_step(panel, t);
    f->last_ns = step.time_ns;
    f->waiting_ns = 0;
    if (wk__serve_push(&serve->predictor, m, WK__SERVE_STORE, &step, &problem))
        return true;
    wk_log_write(WK_LOG_WARN, "serve.store", "model=%s problem=\"%s\"", m->name, problem.message);
    return false;
}

/* Where the warm-up begins and ends. An old store is read as a whole to find its end. */
static void begin(wk_serve *serve, wk__serve_model *m, wk__serve_follow *f)
{
    int64_t timeframe_ns = m->config.data.timeframe_ns, newest_ns = 0;
    for (size_t pass = 0; pass < 2 && newest_ns == 0; pass++)
        for (size_t s = 0; s < m->S; s++) {
            wk_series series = {0};
            wk_err err;
            int64_t from_ns = pass ? 1 : wk_clock_wall_ns() - LOOK_BACK_NS;
            if (read_bars(serve, m, s, from_ns, INT64_MAX, &series, &err) == WK_OK && series.n &&
                series.bars[series.n - 1].time_ns > newest_ns)
                newest_ns = series.bars[series.n - 1].time_ns;
            if (m == &serve->predictor.models[0] && series.n) {
                serve->live.bar_ns[s] = series.bars[series.n - 1].time_ns;
                serve->live.last[s] = series.bars[series.n - 1].close;
            }
            wk_series_finish(&series);
        }
    f->begun = true;
    f->read_ns = f->end_ns = newest_ns;
    if (newest_ns)
        f->read_ns = newest_ns - (int64_t)(m->warmup_bars + 1) * timeframe_ns;
}

/* The next bars to push; at the end of the warm-up T = 0. */
static void read_more(wk_serve *serve, const wk__serve_model *m, wk__serve_follow *f)
{
    wk_err err;
    wk_panel_finish(&f->panel);
    f->at = 0;
    while (f->panel.T == 0 && f->read_ns < f->end_ns) {
        int64_t to_ns = f->read_ns + READ_STEPS * m->config.data.timeframe_ns;
        to_ns = to_ns < f->end_ns ? to_ns : f->end_ns;
        if (read_panel(serve, m, f->read_ns + 1, to_ns + 1, &f->panel, &err) != WK_OK)
            wk_log_write(WK_LOG_WARN, "serve.store", "model=%s problem=\"%s\"", m->name, err.msg);
        f->read_ns = to_ns;
    }
}

/* A piece of it, so that the service answers between them. */
static void warm(wk_serve *serve, wk__serve_model *m, wk__serve_follow *f)
{
    if (!f->begun)
        begin(serve, m, f);
    if (f->at == f->panel.T)
        read_more(serve, m, f);
    for (size_t n = 0; n < WARM_STEPS && f->at < f->panel.T; n++, f->n_steps++)
        if (!push(serve, m, f, &f->panel, f->at++))
            f->at = f->panel.T;
    f->is_warm = f->at == f->panel.T && f->read_ns >= f->end_ns;
    if (!f->is_warm)
        return;
    wk_panel_finish(&f->panel);
    wk_log_write(WK_LOG_INFO, "serve.store", "model=%s venue=%s steps=%zu wanted=%zu", m->name,
                 serve->config->venue, f->n_steps, m->warmup_bars);
}

bool wk__serve_store_warm(wk_serve *serve)
{
    for (size_t k = 0; wk__serve_has_store(serve) && k < serve->predictor.n_models; k++)
        if (!serve->live.follow[k].is_warm) {
            warm(serve, &serve->predictor.models[k], &serve->live.follow[k]);
            return false;
        }
    return true;
}

bool wk__serve_store_is_stale(const wk_serve *serve)
{
    int64_t now_ns = wk_clock_wall_ns(), most = serve->config->stale_bars;
    if (most == 0 || !wk__serve_has_store(serve))
        return false;
    for (size_t k = 0; k < serve->predictor.n_models; k++) {
        int64_t timeframe_ns = serve->predictor.models[k].config.data.timeframe_ns;
        int64_t last_ns = serve->live.follow[k].last_ns;
        if (last_ns == 0 || (now_ns - last_ns) / timeframe_ns - 1 >= most)
            return true;
    }
    return false;
}

static bool is_whole(const wk_panel *panel, size_t t)
{
    for (size_t s = 0; s < panel->S; s++)
        if (panel->provenance[t * panel->S + s] == WK_PROV_UNKNOWN)
            return false;
    return true;
}

/* Steps that have come since. The newest waits for markets that are late, as a bot's does. */
static bool follow(wk_serve *serve, wk__serve_model *m, wk__serve_follow *f)
{
    wk_err err;
    wk_panel panel;
    bool any = false;
    int64_t from_ns = f->last_ns ? f->last_ns + 1 : wk_clock_wall_ns() - LOOK_BACK_NS;
    if (read_panel(serve, m, from_ns, INT64_MAX, &panel, &err) != WK_OK)
        return false;
    for (size_t t = 0; t < panel.T; t++) {
        int64_t time_ns = panel.start_ns + (int64_t)t * panel.timeframe_ns;
        if (t + 1 == panel.T && !is_whole(&panel, t)) {
            int64_t now_ns = wk_clock_monotonic_ns();
            if (f->waiting_ns != time_ns) {
                f->waiting_ns = time_ns;
                f->waiting_since_ns = now_ns;
            }
            if ((double)(now_ns - f->waiting_since_ns) < serve->config->patience_s * 1e9)
                break;
        }
        any = true;
        if (!push(serve, m, f, &panel, t))
            break;
    }
    wk_panel_finish(&panel);
    return any;
}

bool wk__serve_store_follow(wk_serve *serve)
{
    bool any = false;
    for (size_t k = 0; wk__serve_has_store(serve) && k < serve->predictor.n_models; k++)
        if (serve->live.follow[k].is_warm)
            any |= follow(serve, &serve->predictor.models[k], &serve->live.follow[k]);
    return any;
}
