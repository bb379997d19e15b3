/* Sessions and forecasts. */
#include "serve_predict.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_number.h"
#include "wick/clock.h"

/* ---- sessions ---- */

static wk__serve_session **bucket_of(wk__serve_predictor *p, const wk__serve_model *m,
                                     const char *name)
{
    uint64_t digest = wk_digest_bytes(WK_DIGEST_START, name, strlen(name));
    digest += (uint64_t)(m - p->models) * UINT64_C(0x9e3779b97f4a7c15);
    digest ^= digest >> 32;
    return &p->buckets[digest & (p->n_buckets - 1)];
}

static wk__serve_session *find(wk__serve_predictor *p, const wk__serve_model *m, const char *name)
{
    wk__serve_session *s = *bucket_of(p, m, name);
    while (s && (s->model != m || strcmp(s->name, name) != 0))
        s = s->hash_next;
    return s;
}

static void unlink_age(wk__serve_predictor *p, wk__serve_session *s)
{
    *(s->older ? &s->older->newer : &p->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &p->newest) = s->older;
    s->older = s->newer = NULL;
}

static void make_newest(wk__serve_predictor *p, wk__serve_session *s)
{
    s->older = p->newest;
    *(p->newest ? &p->newest->newer : &p->oldest) = s;
    p->newest = s;
}

static void drop(wk__serve_predictor *p, wk__serve_session *s)
{
    wk__serve_session **at = bucket_of(p, s->model, s->name);
    while (*at != s)
        at = &(*at)->hash_next;
    *at = s->hash_next;
    unlink_age(p, s);
    p->n_sessions--;
    wk__serve_reload_end(p, s);
    wk_arena_finish(&s->arena);
    wk__serve_core_release(s->core);
    free(s);
}

/* Those that follow the store stay: nobody could bring them back. */
static bool is_ours(const wk__serve_predictor *p, const wk__serve_session *s)
{
    return p->config->venue[0] && strcmp(s->name, WK__SERVE_STORE) == 0;
}

static void make_room(wk__serve_predictor *p)
{
    wk__serve_session *victim = p->oldest;
    size_t n_ours = 0;
    for (; victim && is_ours(p, victim); victim = victim->newer)
        n_ours++;
    if (!victim || p->n_sessions < (size_t)p->config->sessions_max + n_ours)
        return;
    drop(p, victim);
    p->counts.sessions_dropped++;
}

static wk__serve_session *make(wk__serve_predictor *p, wk__serve_model *m, const char *name,
                               wk__serve_problem *problem)
{
    wk_err err;
    wk__serve_session *s = calloc(1, sizeof *s);
    WK_ASSERT(s);
    wk_arena_init(&s->arena);
    s->model = m;
    s->core = m->core;
    memcpy(s->name, name, strlen(name) + 1);
    s->forecasts = wk_arena_array(&s->arena, wk_forecast, m->S);
    if (wk_forecaster_plan(&s->arena, &m->core->model, &m->core->config,
                           (const char(*)[32])m->symbols, m->S, &s->forecaster, &err) != WK_OK) {
        wk__serve_refuse(problem, 500, "model", "%s", err.msg);
        wk_arena_finish(&s->arena);
        free(s);
        return NULL;
    }
    wk_arena_freeze(&s->arena);
    s->core->n_users++;
    make_room(p);
    wk__serve_session **bucket = bucket_of(p, m, name);
    s->hash_next = *bucket;
    *bucket = s;
    make_newest(p, s);
    p->n_sessions++;
    p->counts.sessions_made++;
    wk__serve_reload_begin(p, s);
    return s;
}

void wk__serve_predictor_close(wk__serve_predictor *p)
{
    if (!p)
        return;
    while (p->oldest)
        drop(p, p->oldest);
    wk__serve_reload_close(p);
    for (size_t k = 0; k < p->n_models; k++)
        wk__serve_core_release(p->models[k].core);
    free(p->models);
    free(p->buckets);
    free(p->no_bars);
    free(p->no_provenance);
    *p = (wk__serve_predictor){0};
}

/* ---- steps ---- */

static uint64_t digest_step(const wk__serve_model *m, const wk_features_step *step)
{
    uint64_t digest = wk_digest_bytes(WK_DIGEST_START, step->bars, m->S * sizeof *step->bars);
    digest = wk_digest_bytes(digest, step->provenance, m->S);
    if (step->funding_known)
        digest = wk_digest_bytes(digest, step->funding_known, m->S * sizeof(double));
    if (step->outside)
        digest = wk_digest_bytes(digest, step->outside, m->S * m->K * sizeof(double));
    return digest;
}

/* Steps on a stream without a hole: steps that nobody sent are pushed without bars. The newest one
 * sent again (a request that was repeated) changes nothing. */
static bool push(wk__serve_predictor *p, wk__serve_session *s, const wk_features_step *step,
                 wk__serve_problem *problem)
{
    const wk__serve_model *m = s->model;
    int64_t timeframe_ns = m->config.data.timeframe_ns;
    char time[32], newest[32];
    uint64_t digest = digest_step(m, step);
    if (s->n_steps && step->time_ns == s->time_ns && digest == s->digest)
        return true;
    if (s->n_steps && step->time_ns <= s->time_ns)
        return wk__serve_refuse(problem, 409, "out_of_order",
                                "session %s is at %s, which %s; bars come in order", s->name,
                                wk_time_format(s->time_ns, newest),
                                step->time_ns == s->time_ns ? "had other bars" : "is later");
    int64_t holes = s->n_steps ? (step->time_ns - s->time_ns) / timeframe_ns - 1 : 0;
    if (holes > p->config->steps_max)
        return wk__serve_refuse(problem, 409, "hole",
                                "session %s is at %s: %lld steps are missing before %s", s->name,
                                wk_time_format(s->time_ns, newest), (long long)holes,
                                wk_time_format(step->time_ns, time));
    for (; holes > 0; holes--) {
        s->time_ns += timeframe_ns;
        wk_features_step empty = {
            .time_ns = s->time_ns, .bars = p->no_bars, .provenance = p->no_provenance};
        wk_forecaster_push(s->forecaster, &empty, s->forecasts);
        wk__serve_reload_step(p, s, &empty);
        s->n_steps++;
    }
    wk_forecaster_push(s->forecaster, step, s->forecasts);
    wk__serve_reload_step(p, s, step);
    s->time_ns = step->time_ns;
    s->digest = digest;
    s->n_steps++;
    p->counts.steps++;
    return true;
}

bool wk__serve_push(wk__serve_predictor *p, wk__serve_model *m, const char *name,
                    const wk_features_step *step, wk__serve_problem *problem)
{
    wk__serve_session *s = find(p, m, name);
    if (!s && !(s = make(p, m, name, problem)))
        return false;
    unlink_age(p, s);
    make_newest(p, s);
    return push(p, s, step, problem);
}

/* ---- answers ---- */

static size_t put(char *out, const char *text, size_t n)
{
    memcpy(out, text, n);
    return n;
}
#define PUT(out, literal) put(out, literal, sizeof literal - 1)

/* The side that the model's own threshold, or its classes, speak for. A score without either is
 * judged by the trader's trailing quantiles, which a single forecast does not know: null. */
static const char *signal_of(const wk_forecast *f)
{
    if (!f->valid || (double)f->threshold >= (double)INFINITY)
        return "\"HOLD\"";
    if (f->threshold > 0)
        return f->score >= f->threshold    ? "\"BUY\""
               : f->score <= -f->threshold ? "\"SELL\""
                                           : "\"HOLD\"";
    if (f->p[0] + f->p[1] + f->p[2] <= 0)
        return "null";
    return f->p[2] > f->p[1] && f->p[2] > f->p[0]   ? "\"BUY\""
           : f->p[0] > f->p[1] && f->p[0] > f->p[2] ? "\"SELL\""
                                                    : "\"HOLD\"";
}

void wk__serve_forecast_write(const char *symbol, const wk_forecast *f, wk_text *out)
{
    char line[512];
    size_t n = 0;
    wk_text_add_bytes(out, "{\"symbol\":", 10);
    wk_text_add_json_string(out, symbol);
    n += f->valid ? PUT(line + n, ",\"valid\":true,\"signal\":")
                  : PUT(line + n, ",\"valid\":false,\"signal\":");
    const char *signal = signal_of(f);
    n += put(line + n, signal, strlen(signal));
    n += PUT(line + n, ",\"p\":[");
    for (int k = 0; k < 3; k++) {
        if (k)
            line[n++] = ',';
        n += wk__serve_float_write(f->valid ? f->p[k] : NAN, line + n);
    }
    n += PUT(line + n, "],\"score\":");
    n += wk__serve_float_write(f->valid ? f->score : NAN, line + n);
    n += PUT(line + n, ",\"magnitude\":");
    n += wk__serve_float_write(f->valid ? f->magnitude : NAN, line + n);
    n += PUT(line + n, ",\"volatility\":");
    n += wk__serve_float_write(f->valid ? f->volatility : NAN, line + n);
    n += PUT(line + n, ",\"threshold\":");
    n += wk__serve_float_write(f->valid ? f->threshold : NAN, line + n);
    line[n++] = '}';
    wk_text_add_bytes(out, line, n);
}

static void write_forecasts(const wk__serve_model *m, const wk_forecast *forecasts, wk_text *out)
{
    wk_text_add_bytes(out, "\"forecasts\":[", 13);
    for (size_t s = 0; s < m->S; s++) {
        if (s)
            wk_text_add_bytes(out, ",", 1);
        wk__serve_forecast_write(m->symbols[s], &forecasts[s], out);
    }
    wk_text_add_bytes(out, "]", 1);
}

static void write_step(const wk__serve_model *m, int64_t time_ns, const wk_forecast *forecasts,
                       wk_text *out)
{
    char time[32];
    wk_text_add_bytes(out, "\"time\":\"", 8);
    wk_text_add(out, wk_time_format(time_ns, time));
    wk_text_add_bytes(out, "\",", 2);
    write_forecasts(m, forecasts, out);
}

static void write_head(const wk__serve_model *m, const char *version, wk_text *out)
{
    wk_text_add_bytes(out, "{\"model\":", 9);
    wk_text_add_json_string(out, m->name);
    wk_text_add_bytes(out, ",\"version\":\"", 12);
    wk_text_add_bytes(out, version, 16);
    wk_text_add_bytes(out, "\",", 2);
}

static wk__serve_model *find_model(wk__serve_predictor *p, const char *name,
                                   wk__serve_problem *problem)
{
    if (!name[0] && p->n_models == 1)
        return &p->models[0];
    for (size_t k = 0; k < p->n_models; k++)
        if (strcmp(p->models[k].name, name) == 0)
            return &p->models[k];
    if (name[0])
        wk__serve_refuse(problem, 404, "no_model", "there is no model %s; /v1/model lists them",
                         name);
    else
        wk__serve_refuse(problem, 400, "bad_request",
                         "several models are served: name one as \"model\"");
    return NULL;
}

static bool check_steps(const wk__serve_model *m, const wk__serve_request *r,
                        wk__serve_problem *problem)
{
    char time[32];
    int64_t timeframe_ns = m->config.data.timeframe_ns;
    if (r->S != m->S)
        return wk__serve_refuse(problem, 422, "bad_shape",
                                "bars: %zu a step, but model %s has %zu markets, in the order of "
                                "/v1/model",
                                r->S, m->name, m->S);
    if (r->K && r->K != m->K)
        return wk__serve_refuse(problem, 422, "bad_shape",
                                "outside: %zu values a market, but model %s knows %zu", r->K,
                                m->name, m->K);
    for (size_t t = 0; t < r->n; t++) {
        if (wk_bucket_start(r->time_ns[t], timeframe_ns) != r->time_ns[t])
            return wk__serve_refuse(problem, 422, "bad_time",
                                    "%s is not the open of a bar of the model's timeframe",
                                    wk_time_format(r->time_ns[t], time));
        if (t > 0 && r->time_ns[t] <= r->time_ns[t - 1])
            return wk__serve_refuse(problem, 422, "bad_time",
                                    "step %zu at %s is not after the one before", t,
                                    wk_time_format(r->time_ns[t], time));
    }
    return true;
}

static wk_features_step step_of(const wk__serve_request *r, size_t t)
{
    return (wk_features_step){.time_ns = r->time_ns[t],
                              .bars = r->bars + t * r->S,
                              .provenance = r->provenance + t * r->S,
                              .funding_known = r->funding + t * r->S,
                              .outside = r->K ? r->outside + t * r->S * r->K : NULL};
}

static bool answer_session(wk__serve_predictor *p, wk__serve_model *m, const wk__serve_request *r,
                           wk_text *out, wk__serve_problem *problem)
{
    size_t begin = out->n;
    if (p->config->venue[0] && strcmp(r->session, WK__SERVE_STORE) == 0)
        return wk__serve_refuse(problem, 409, "reserved",
                                "the session \"store\" follows the store; name yours otherwise");
    if (!check_steps(m, r, problem))
        return false;
    wk__serve_session *s = find(p, m, r->session);
    write_head(m, s ? s->core->version : m->version, out);
    if (r->all)
        wk_text_add(out, "\"steps\":[");
    for (size_t t = 0; t < r->n; t++) {
        wk_features_step step = step_of(r, t);
        if (!wk__serve_push(p, m, r->session, &step, problem)) {
            out->n = begin;
            return false;
        }
        s = p->newest;
        if (!r->all)
            continue;
        wk_text_add(out, t ? ",{" : "{");
        write_step(m, s->time_ns, s->forecasts, out);
        wk_text_add(out, "}");
    }
    WK_ASSERT(s);
    if (r->all)
        wk_text_add(out, "],");
    wk_text_add_bytes(out, "\"session\":", 10);
    wk_text_add_json_string(out, s->name);
    /* The counters are never far from small: formatted once a request. */
    char line[96];
    int n = snprintf(line, sizeof line, ",\"steps_seen\":%llu,\"steps_needed\":%zu,\"warm\":%s,",
                     (unsigned long long)s->n_steps, m->warmup_bars,
                     s->n_steps >= m->warmup_bars ? "true" : "false");
    wk_text_add_bytes(out, line, (size_t)n);
    write_step(m, s->time_ns, s->forecasts, out);
    wk_text_add_bytes(out, "}", 1);
    p->counts.predictions += r->all ? r->n : 1;
    return true;
}

static bool answer_candles(wk__serve_predictor *p, wk__serve_model *m, const wk__serve_request *r,
                           wk_text *out, wk__serve_problem *problem)
{
    int64_t timeframe_ns = m->config.data.timeframe_ns;
    if (!check_steps(m, r, problem))
        return false;
    int64_t span = (r->time_ns[r->n - 1] - r->time_ns[0]) / timeframe_ns + 1;
    if (span < (int64_t)m->warmup_bars)
        return wk__serve_refuse(problem, 422, "too_few_candles",
                                "%lld candles; model %s needs %zu so that its forecast equals that "
                                "of a stream",
                                (long long)span, m->name, m->warmup_bars);
    if (span > p->config->steps_max)
        return wk__serve_refuse(problem, 413, "too_large", "the candles span %lld steps",
                                (long long)span);
    write_head(m, m->version, out);
    wk_text_add(out, r->all ? "\"steps\":[" : "");
    wk_forecaster_reset(m->fresh);
    int64_t next_ns = r->time_ns[0];
    bool any = false;
    for (size_t t = 0; t < r->n; t++) {
        for (; next_ns < r->time_ns[t]; next_ns += timeframe_ns) {
            wk_features_step empty = {
                .time_ns = next_ns, .bars = p->no_bars, .provenance = p->no_provenance};
            wk_forecaster_push(m->fresh, &empty, m->forecasts);
        }
        wk_features_step step = step_of(r, t);
        wk_forecaster_push(m->fresh, &step, m->forecasts);
        next_ns += timeframe_ns;
        bool is_warm = (next_ns - r->time_ns[0]) / timeframe_ns >= (int64_t)m->warmup_bars;
        if (!r->all || !is_warm)
            continue;
        wk_text_add(out, any ? ",{" : "{");
        write_step(m, step.time_ns, m->forecasts, out);
        wk_text_add(out, "}");
        any = true;
        p->counts.predictions++;
    }
    wk_text_add(out, r->all ? "]," : "");
    p->counts.steps += r->n;
    p->counts.predictions += !r->all;
    write_step(m, r->time_ns[r->n - 1], m->forecasts, out);
    wk_text_add(out, "}");
    return true;
}

static bool answer_rows(wk__serve_predictor *p, wk__serve_model *m, const wk__serve_request *r,
                        wk_text *out, wk__serve_problem *problem)
{
    size_t begin = out->n;
    if (r->F != m->F)
        return wk__serve_refuse(problem, 422, "bad_shape",
                                "a row has %zu features, but model %s has %zu, in the order of "
                                "/v1/model",
                                r->F, m->name, m->F);
    write_head(m, m->version, out);
    wk_text_add(out, "\"forecasts\":[");
    for (size_t i = 0; i < r->n; i++) {
        wk_err err;
        wk_forecast forecast;
        if (wk_forecaster_row(m->fresh, r->rows + i * r->F, r->sigma[i], &forecast, &err) !=
            WK_OK) {
            out->n = begin;
            return wk__serve_refuse(problem, 422, "needs_candles", "%s", err.msg);
        }
        wk_text_add(out, i ? "," : "");
        wk__serve_forecast_write("", &forecast, out);
    }
    wk_text_add(out, "]}");
    p->counts.predictions += r->n;
    return true;
}

bool wk__serve_answer(wk__serve_predictor *p, const wk__serve_request *r, wk_text *out,
                      wk__serve_problem *problem)
{
    wk__serve_model *m = find_model(p, r->model, problem);
    if (!m)
        return false;
    wk__serve_reload_poll(p);
    if (r->kind == WK__SERVE_SESSION)
        return answer_session(p, m, r, out, problem);
    return r->kind == WK__SERVE_CANDLES ? answer_candles(p, m, r, out, problem)
                                        : answer_rows(p, m, r, out, problem);
}

bool wk__serve_signal(wk__serve_predictor *p, const char *symbol, const char *name, wk_text *out)
{
    const wk__serve_session *best = NULL;
    size_t market = 0;
    for (const wk__serve_session *s = p->newest; s; s = s->older)
        for (size_t i = 0; i < s->model->S; i++)
            if (s->n_steps && strcmp(s->model->symbols[i], symbol) == 0 &&
                (!name[0] || strcmp(s->name, name) == 0) && (!best || s->time_ns > best->time_ns)) {
                best = s;
                market = i;
            }
    if (!best)
        return false;
    char time[32];
    write_head(best->model, best->core->version, out);
    wk_text_add(out, "\"session\":");
    wk_text_add_json_string(out, best->name);
    wk_text_printf(
        out, ",\"time\":\"%s\",\"warm\":%s,\"forecast\":", wk_time_format(best->time_ns, time),
        best->n_steps >= best->model->warmup_bars ? "true" : "false");
    wk__serve_forecast_write(symbol, &best->forecasts[market], out);
    wk_text_add(out, "}");
    return true;
}
