/* Models and the trader as one stream. */
#include "wick/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bucket.h"
#include "combine.h"
#include "wick/clock.h"

/* One model with its own markets and timeframe. */
typedef struct {
    wk_engine_model about;
    wk_forecaster *forecaster;
    size_t S, K;      /* its markets, its outside columns */
    uint32_t *market; /* [S] index among the engine's */
    int64_t timeframe_ns;
    double sqrt_ratio;   /* of its timeframe to the engine's: turns its volatility into ours */
    int64_t bucket_ns;   /* open of the running bucket, INT64_MIN before the first */
    wk__bucket *buckets; /* [S] */
    wk_bar *bars;        /* [S] */
    uint8_t *provenance; /* [S] */
    double *funding, *outside;
    bool has_funding, has_outside;
    wk_forecast *forecasts; /* [S] of its newest bar */
} member;

struct wk_engine {
    size_t S, n_members;
    int combine;
    int64_t timeframe_ns;
    member *members;
    wk__opinion *opinions; /* [n_members] */
    wk_forecast *forecasts;
    double *sigma;
    wk_trader *trader;
    wk_actions actions;
    uint64_t inputs, running;
};

static wk_status find_markets(wk_engine *e, wk_arena *arena, const wk_engine_config *config,
                              member *m, wk_err *err)
{
    const wk_strings *symbols = &m->about.config->data.symbols;
    m->S = symbols->n;
    m->market = wk_arena_array(arena, uint32_t, m->S);
    for (size_t i = 0; i < m->S; i++) {
        size_t s = 0;
        while (s < e->S && strcmp(config->symbols[s], symbols->v[i]) != 0)
            s++;
        if (s == e->S)
            return wk_fail(
                err, WK_E_CONFIG,
                "the model \"%s\" wants the market %s, which this bot does not have; add it to "
                "the markets",
                m->about.config->name, symbols->v[i]);
        m->market[i] = (uint32_t)s;
    }
    return WK_OK;
}

static wk_status plan_member(wk_engine *e, wk_arena *arena, const wk_engine_config *config,
                             size_t k, wk_err *err)
{
    member *m = &e->members[k];
    m->about = config->models[k];
    m->timeframe_ns = m->about.config->data.timeframe_ns;
    if (m->timeframe_ns < e->timeframe_ns || m->timeframe_ns % e->timeframe_ns != 0) {
        char own[16], engine[16];
        return wk_fail(err, WK_E_CONFIG,
                       "the model \"%s\" has bars of %s, which is no multiple of %s",
                       m->about.config->name, wk_timeframe_format(m->timeframe_ns, own),
                       wk_timeframe_format(e->timeframe_ns, engine));
    }
    WK_TRY(find_markets(e, arena, config, m, err));
    char(*names)[32] = wk_arena_alloc(arena, m->S * sizeof *names);
    for (size_t i = 0; i < m->S; i++)
        memcpy(names[i], config->symbols[m->market[i]], sizeof names[i]);
    WK_TRY(wk_forecaster_plan(arena, m->about.model, m->about.config, (const char(*)[32])names,
                              m->S, &m->forecaster, err));
    m->K = wk_data_outside_names(&m->about.config->data, arena).n;
    m->sqrt_ratio = sqrt((double)(m->timeframe_ns / e->timeframe_ns));
    m->bucket_ns = INT64_MIN;
    m->buckets = wk_arena_array(arena, wk__bucket, m->S);
    m->bars = wk_arena_array(arena, wk_bar, m->S);
    m->provenance = wk_arena_array(arena, uint8_t, m->S);
    m->funding = wk_arena_array(arena, double, m->S);
    m->outside = wk_arena_array(arena, double, m->S * m->K + 1);
    m->forecasts = wk_arena_array(arena, wk_forecast, m->S);
    return WK_OK;
}

wk_status wk_engine_plan(wk_arena *arena, const wk_engine_config *config, wk_engine **out,
                         wk_err *err)
{
    if (config->n_models == 0 || config->S == 0)
        return wk_fail(err, WK_E_CONFIG, "a bot needs at least one model and one market");
    wk_engine *e = wk_arena_alloc(arena, sizeof *e);
    *e = (wk_engine){.S = config->S,
                     .n_members = config->n_models,
                     .combine = config->combine,
                     .timeframe_ns = config->timeframe_ns,
                     .inputs = WK_DIGEST_START,
                     .running = WK_DIGEST_START};
    e->members = wk_arena_array(arena, member, e->n_members);
    e->opinions = wk_arena_array(arena, wk__opinion, e->n_members);
    e->forecasts = wk_arena_array(arena, wk_forecast, e->S);
    e->sigma = wk_arena_array(arena, double, e->S);
    e->actions.capacity = 4 * e->S;
    e->actions.v = wk_arena_array(arena, wk_action, e->actions.capacity);
    for (size_t k = 0; k < e->n_members; k++)
        WK_TRY(plan_member(e, arena, config, k, err));
    WK_TRY(wk_trader_plan(arena, config->trade, config->instruments, e->S, e->timeframe_ns,
                          config->initial_cash_e8, &e->trader, err));
    *out = e;
    return WK_OK;
}

size_t wk_engine_warmup_steps(const wk_engine *e)
{
    size_t most = 0;
    for (size_t k = 0; k < e->n_members; k++) {
        const member *m = &e->members[k];
        size_t steps =
            wk_forecaster_warmup_bars(m->forecaster) * (size_t)(m->timeframe_ns / e->timeframe_ns);
        most = steps > most ? steps : most;
    }
    return most;
}

/* The model's own bar has closed. */
static void push_member(wk_engine *e, member *m)
{
    for (size_t i = 0; i < m->S; i++)
        wk__bucket_close(&m->buckets[i], &m->bars[i], &m->provenance[i]);
    wk_features_step step = {.time_ns = m->bucket_ns,
                             .bars = m->bars,
                             .provenance = m->provenance,
                             .funding_known = m->has_funding ? m->funding : NULL,
                             .outside = m->has_outside ? m->outside : NULL};
    wk_forecaster_push(m->forecaster, &step, m->forecasts);
    size_t F;
    const float *rows = wk_forecaster_rows(m->forecaster, &F);
    e->inputs =
        wk_digest_step(e->inputs, rows, wk_forecaster_valid(m->forecaster), m->S, F, m->forecasts);
}

/* Adds a step to the model's bucket, and closes it when the step is its last. A bucket that began
 * before we did is not whole: it is not shown to the model. */
static void feed_member(wk_engine *e, member *m, const wk_features_step *step)
{
    int64_t start = wk_bucket_start(step->time_ns, m->timeframe_ns);
    if (start != m->bucket_ns) {
        if (m->bucket_ns == INT64_MIN && start != step->time_ns)
            return;
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
    if (step->time_ns + e->timeframe_ns == start + m->timeframe_ns)
        push_member(e, m);
}

static void combine(wk_engine *e)
{
    for (size_t s = 0; s < e->S; s++) {
        size_t n = 0;
        e->sigma[s] = NAN;
        for (size_t k = 0; k < e->n_members; k++) {
            const member *m = &e->members[k];
            for (size_t i = 0; i < m->S; i++) {
                if (m->market[i] != s)
                    continue;
                e->opinions[n++] =
                    (wk__opinion){&m->forecasts[i], m->about.weight, m->about.priority};
                double sigma = wk_forecaster_sigma(m->forecaster)[i] / m->sqrt_ratio;
                if (isnan(e->sigma[s]))
                    e->sigma[s] = sigma;
            }
        }
        e->forecasts[s] = wk__combine(e->combine, e->opinions, n);
    }
}

static void report(wk_engine *e, int64_t time_ns, wk_engine_outcome *out)
{
    *out = (wk_engine_outcome){.time_ns = time_ns,
                               .forecasts = e->forecasts,
                               .sigma = e->sigma,
                               .actions = &e->actions,
                               .inputs_digest = e->inputs,
                               .running_digest = e->running};
}

void wk_engine_step(wk_engine *e, const wk_features_step *step, bool warming,
                    wk_engine_outcome *out)
{
    e->inputs = WK_DIGEST_START;
    for (size_t k = 0; k < e->n_members; k++)
        feed_member(e, &e->members[k], step);
    combine(e);
    e->running = wk_digest_bytes(e->running, &e->inputs, sizeof e->inputs);
    wk_trader_event event = {.kind = WK_TRADER_EVENT_BARS,
                             .time_ns = step->time_ns + e->timeframe_ns,
                             .bars = step->bars,
                             .provenance = step->provenance,
                             .forecasts = e->forecasts,
                             .sigma = e->sigma,
                             .warming = warming};
    e->actions.n = 0;
    wk_trader_step(e->trader, &event, &e->actions);
    report(e, event.time_ns, out);
}

void wk_engine_event(wk_engine *e, const wk_trader_event *event, wk_engine_outcome *out)
{
    e->actions.n = 0;
    wk_trader_step(e->trader, event, &e->actions);
    report(e, event->time_ns, out);
}

void wk_engine_set_weight(wk_engine *e, size_t model, double weight)
{
    WK_ASSERT(model < e->n_members && weight >= 0);
    e->members[model].about.weight = weight;
}

void wk_engine_swap(wk_engine *e, size_t model, wk_forecaster *fresh,
                    const wk_engine_model *description)
{
    WK_ASSERT(model < e->n_members);
    e->members[model].forecaster = fresh;
    e->members[model].about = *description;
}

const wk_trader *wk_engine_trader(const wk_engine *e)
{
    return e->trader;
}

wk_trader *wk_engine_trader_mutable(wk_engine *e)
{
    return e->trader;
}

const wk_forecast *wk_engine_model_forecasts(const wk_engine *e, size_t k)
{
    WK_ASSERT(k < e->n_members);
    return e->members[k].forecasts;
}

uint64_t wk_engine_intents_digest(const wk_engine *e)
{
    return wk_trader_intents_digest(e->trader);
}
