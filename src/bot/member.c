/* A model's bars out of the engine's steps, and its forecasts. */
#include "member.h"

#include <math.h>
#include <string.h>

#include "ensemble.h"
#include "wick/clock.h"

static wk_status find_markets(wk_engine_member *m, wk_arena *arena, const char (*symbols)[32],
                              size_t S, wk_err *err)
{
    const wk_strings *wanted = &m->about.config->data.symbols;
    m->S = wanted->n;
    m->market = wk_arena_array(arena, uint32_t, m->S);
    for (size_t i = 0; i < m->S; i++) {
        size_t s = 0;
        while (s < S && strcmp(symbols[s], wanted->v[i]) != 0)
            s++;
        if (s == S)
            return wk_fail(
                err, WK_E_CONFIG,
                "the model \"%s\" wants the market %s, which this bot does not have; add it to "
                "the markets",
                m->about.config->name, wanted->v[i]);
        m->market[i] = (uint32_t)s;
    }
    return WK_OK;
}

wk_status wk__member_plan(wk_arena *arena, const wk_engine_model *about, const char (*symbols)[32],
                          size_t S, int64_t step_ns, wk_engine_member **out, wk_err *err)
{
    wk_engine_member *m = wk_arena_alloc(arena, sizeof *m);
    *m = (wk_engine_member){.about = *about,
                            .step_ns = step_ns,
                            .bucket_ns = INT64_MIN,
                            .weight = 1,
                            .timeframe_ns = about->config->data.timeframe_ns};
    if (m->timeframe_ns < step_ns || m->timeframe_ns % step_ns != 0) {
        char own[16], engine[16];
        return wk_fail(err, WK_E_CONFIG,
                       "the model \"%s\" has bars of %s, which is no multiple of %s",
                       about->config->name, wk_timeframe_format(m->timeframe_ns, own),
                       wk_timeframe_format(step_ns, engine));
    }
    WK_TRY(find_markets(m, arena, symbols, S, err));
    char(*names)[32] = wk_arena_alloc(arena, m->S * sizeof *names);
    for (size_t i = 0; i < m->S; i++)
        memcpy(names[i], symbols[m->market[i]], sizeof names[i]);
    WK_TRY(wk_forecaster_plan(arena, about->model, about->config, (const char(*)[32])names, m->S,
                              &m->forecaster, err));
    m->K = wk_data_outside_names(&about->config->data, arena).n;
    m->sqrt_ratio = sqrt((double)(m->timeframe_ns / step_ns));
    m->buckets = wk_arena_array(arena, wk__bucket, m->S);
    m->bars = wk_arena_array(arena, wk_bar, m->S);
    m->provenance = wk_arena_array(arena, uint8_t, m->S);
    m->funding = wk_arena_array(arena, double, m->S);
    m->outside = wk_arena_array(arena, double, m->S * m->K + 1);
    m->forecasts = wk_arena_array(arena, wk_forecast, m->S);
    m->sigma = wk_forecaster_sigma(m->forecaster);
    if (about->ensemble.generations > 1) {
        size_t memory = wk__ensemble_memory(about->config);
        m->past = wk_arena_array(arena, wk_forecast, memory * m->S);
        m->past_bar = wk_arena_array(arena, int64_t, memory);
        for (size_t i = 0; i < memory; i++)
            m->past_bar[i] = -1;
    }
    *out = m;
    return WK_OK;
}

static wk_features_step own_step(const wk_engine_member *m)
{
    return (wk_features_step){.time_ns = m->bucket_ns,
                              .bars = m->bars,
                              .provenance = m->provenance,
                              .funding_known = m->has_funding ? m->funding : NULL,
                              .outside = m->has_outside ? m->outside : NULL};
}

/* The model's own bar has closed. */
static void answer(wk_engine_member *m, bool heads)
{
    for (size_t i = 0; i < m->S; i++)
        wk__bucket_close(&m->buckets[i], &m->bars[i], &m->provenance[i]);
    wk_features_step step = own_step(m);
    wk_forecaster_answer(m->forecaster, &step, m->forecasts);
    if (heads)
        wk_forecaster_heads(m->forecaster, m->forecasts);
    m->pending = true;
}

void wk__member_finish(wk_engine_member *m, bool heads)
{
    if (!m->pending)
        return;
    wk_features_step step = own_step(m);
    if (heads)
        wk_forecaster_heads(m->forecaster, m->forecasts);
    wk_forecaster_finish(m->forecaster, &step);
    m->pending = false;
}

/* A bucket that began before we did is not whole: it is not shown to the model. */
bool wk__member_feed(wk_engine_member *m, const wk_features_step *step, bool heads)
{
    int64_t start = wk_bucket_start(step->time_ns, m->timeframe_ns);
    if (start != m->bucket_ns) {
        if (m->bucket_ns == INT64_MIN && start != step->time_ns)
            return false;
        m->bucket_ns = start;
        for (size_t i = 0; i < m->S; i++)
            wk__bucket_begin(&m->buckets[i], start);
    }
    m->has_funding = step->funding_known != NULL;
    m->has_outside = step->outside != NULL && m->K > 0;
    for (size_t i = 0; i < m->S; i++) {
        size_t s = m->market[i];
        wk__bucket_add(&m->buckets[i], &step->bars[s], step->provenance[s]);
        if (m->has_funding)
            m->funding[i] = step->funding_known[s];
        if (m->has_outside)
            memcpy(m->outside + i * m->K, step->outside + s * m->K, m->K * sizeof *m->outside);
    }
    if (step->time_ns + m->step_ns != start + m->timeframe_ns)
        return false;
    answer(m, heads);
    return true;
}

void wk__member_warm(wk_engine_member *m, bool heads)
{
    for (size_t i = 0; i < m->S && m->bucket_ns != INT64_MIN; i++) {
        wk__bucket before = m->buckets[i];
        wk_bar bar;
        uint8_t provenance;
        wk__bucket_begin(&m->buckets[i], m->bucket_ns);
        wk__bucket_add(&m->buckets[i], &m->bars[i], m->provenance[i]);
        wk__bucket_close(&m->buckets[i], &bar, &provenance);
        m->buckets[i] = before;
    }
    wk_forecaster_warm(m->forecaster, heads);
}
