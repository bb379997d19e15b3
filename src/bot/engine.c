/* Models and the trader as one stream. */
#include "wick/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "combine.h"
#include "ensemble.h"

struct wk_engine {
    size_t S, n_members;
    int combine;
    int64_t timeframe_ns;
    const char (*symbols)[32];      /* [S] */
    wk_engine_generations *members; /* [n_members] */
    wk__ensemble **ensembles;       /* [n_members] NULL: one generation at a time */
    wk_engine_model *abouts;        /* [n_members] weight and priority of a model, whatever its
                                       generation */
    wk__opinion *opinions;          /* [n_members] */
    wk_forecast *mixed;             /* [n_members] a model's generations as one */
    wk_forecast *forecasts;
    double *sigma;
    uint64_t *versions; /* [S] of the models whose doing the forecasts are */
    size_t *deciders;   /* [S] which models these are; SIZE_MAX: none */
    uint64_t *spoken;   /* [n_members] of the opinions on one market */
    size_t *speakers;   /* [n_members] whose these are */
    wk_trader *trader;
    wk_actions actions;
    uint64_t inputs, running;
    bool asks_classes, heads_done, has_last;
    /* The newest step, for wk_engine_warm, and what it would lead to. */
    const wk_features_step *now;
    int64_t last_ns;
    wk_bar *bars_last;
    uint8_t *provenance_last;
    wk_forecast *strong;
    wk_actions unsent;
};

static wk_status plan_member(wk_engine *e, wk_arena *arena, const wk_engine_config *config,
                             size_t k, wk_err *err)
{
    e->abouts[k] = config->models[k];
    e->members[k].n = 1;
    const wk_ensemble_config *ensemble = &config->models[k].ensemble;
    if (ensemble->generations > 1)
        WK_TRY(wk__ensemble_plan(arena, ensemble, config->models[k].config, e->S, &e->ensembles[k],
                                 err));
    return wk__member_plan(arena, &config->models[k], e->symbols, e->S, e->timeframe_ns,
                           &e->members[k].v[0], err);
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
                     .asks_classes = wk_trade_asks_classes(config->trade),
                     .inputs = WK_DIGEST_START,
                     .running = WK_DIGEST_START};
    char(*symbols)[32] = wk_arena_alloc(arena, e->S * sizeof *symbols);
    memcpy(symbols, config->symbols, e->S * sizeof *symbols);
    e->symbols = (const char(*)[32])symbols;
    e->members = wk_arena_array(arena, wk_engine_generations, e->n_members);
    e->ensembles = wk_arena_array(arena, wk__ensemble *, e->n_members);
    e->abouts = wk_arena_array(arena, wk_engine_model, e->n_members);
    e->opinions = wk_arena_array(arena, wk__opinion, e->n_members);
    e->mixed = wk_arena_array(arena, wk_forecast, e->n_members);
    e->versions = wk_arena_array(arena, uint64_t, e->S);
    e->deciders = wk_arena_array(arena, size_t, e->S);
    e->spoken = wk_arena_array(arena, uint64_t, e->n_members);
    e->speakers = wk_arena_array(arena, size_t, e->n_members);
    e->forecasts = wk_arena_array(arena, wk_forecast, e->S);
    e->sigma = wk_arena_array(arena, double, e->S);
    e->actions.capacity = 4 * e->S;
    e->actions.v = wk_arena_array(arena, wk_action, e->actions.capacity);
    e->bars_last = wk_arena_array(arena, wk_bar, e->S);
    e->provenance_last = wk_arena_array(arena, uint8_t, e->S);
    e->strong = wk_arena_array(arena, wk_forecast, e->S);
    e->unsent.capacity = e->actions.capacity;
    e->unsent.v = wk_arena_array(arena, wk_action, e->unsent.capacity);
    for (size_t k = 0; k < e->n_members; k++)
        WK_TRY(plan_member(e, arena, config, k, err));
    WK_TRY(wk_trader_plan(arena, config->trade, config->instruments, e->S, e->timeframe_ns,
                          config->initial_cash_e8, &e->trader, err));
    *out = e;
    return WK_OK;
}

static size_t warmup_steps(const wk_engine_member *m)
{
    return wk_forecaster_warmup_bars(m->forecaster) * (size_t)(m->timeframe_ns / m->step_ns);
}

size_t wk_engine_warmup_steps(const wk_engine *e)
{
    size_t most = 0;
    for (size_t k = 0; k < e->n_members; k++)
        for (size_t g = 0; g < e->members[k].n; g++) {
            size_t steps = warmup_steps(e->members[k].v[g]);
            most = steps > most ? steps : most;
        }
    return most;
}

/* Does the trader, or do other models, look at more of a forecast than its score? */
static bool heads_decide(const wk_engine *e)
{
    bool several = e->n_members > 1;
    for (size_t k = 0; k < e->n_members; k++)
        several = several || e->members[k].n > 1 || e->ensembles[k];
    return several || e->asks_classes;
}

static void finish(wk_engine *e, wk_engine_member *m, bool heads)
{
    if (!m->pending)
        return;
    wk__member_finish(m, heads);
    size_t F;
    const float *rows = wk_forecaster_rows(m->forecaster, &F);
    e->inputs =
        wk_digest_step(e->inputs, rows, wk_forecaster_valid(m->forecaster), m->S, F, m->forecasts);
}

/* The newest generation that speaks of market s; NULL: none does. */
static const wk_engine_member *speaker(const wk_engine_generations *list, size_t s)
{
    for (size_t g = 0; g < list->n; g++)
        for (size_t i = 0; i < list->v[g]->S; i++)
            if (list->v[g]->market[i] == s)
                return list->v[g];
    return NULL;
}

static void combine(wk_engine *e)
{
    for (size_t s = 0; s < e->S; s++) {
        size_t n = 0;
        e->sigma[s] = NAN;
        e->versions[s] = 0;
        e->deciders[s] = SIZE_MAX;
        for (size_t k = 0; k < e->n_members; k++) {
            const wk_engine_generations *list = &e->members[k];
            const wk_engine_member *m = speaker(list, s);
            if (!m)
                continue;
            double sigma = NAN;
            wk_forecast *f = &e->mixed[k];
            *f = wk__generations_mix(list, s, &sigma);
            e->opinions[n++] = (wk__opinion){f, e->abouts[k].weight, e->abouts[k].priority};
            if (isnan(e->sigma[s]))
                e->sigma[s] = sigma / m->sqrt_ratio;
            e->spoken[n - 1] = m->about.version;
            e->speakers[n - 1] = k;
        }
        e->forecasts[s] = wk__combine(e->combine, e->opinions, n);
        size_t k = wk__combine_speaker(e->combine, e->opinions, n, &e->forecasts[s]);
        if (k != SIZE_MAX) {
            e->versions[s] = e->spoken[k];
            e->deciders[s] = e->speakers[k];
        }
    }
}

static void report(wk_engine *e, int64_t time_ns, wk_engine_outcome *out)
{
    *out = (wk_engine_outcome){.time_ns = time_ns,
                               .forecasts = e->forecasts,
                               .sigma = e->sigma,
                               .versions = e->versions,
                               .deciders = e->deciders,
                               .actions = &e->actions,
                               .inputs_digest = e->inputs,
                               .running_digest = e->running};
}

void wk_engine_decide(wk_engine *e, const wk_features_step *step, bool warming,
                      wk_engine_outcome *out)
{
    e->inputs = WK_DIGEST_START;
    e->heads_done = heads_decide(e);
    for (size_t k = 0; k < e->n_members; k++) {
        bool closed = false;
        for (size_t g = 0; g < e->members[k].n; g++)
            closed = wk__member_feed(e->members[k].v[g], step, e->heads_done) || closed;
        if (closed && e->ensembles[k])
            wk__ensemble_close(e->ensembles[k], &e->members[k]);
    }
    combine(e);
    wk_trader_event event = {.kind = WK_TRADER_EVENT_BARS,
                             .time_ns = step->time_ns + e->timeframe_ns,
                             .bars = step->bars,
                             .provenance = step->provenance,
                             .forecasts = e->forecasts,
                             .sigma = e->sigma,
                             .warming = warming};
    e->actions.n = 0;
    wk_trader_step(e->trader, &event, &e->actions);
    e->now = step;
    report(e, event.time_ns, out);
}

void wk_engine_finish(wk_engine *e, wk_engine_outcome *out)
{
    for (size_t k = 0; k < e->n_members; k++)
        for (size_t g = 0; g < e->members[k].n; g++)
            finish(e, e->members[k].v[g], !e->heads_done);
    if (!e->heads_done)
        combine(e);
    e->running = wk_digest_bytes(e->running, &e->inputs, sizeof e->inputs);
    memcpy(e->bars_last, e->now->bars, e->S * sizeof *e->bars_last);
    memcpy(e->provenance_last, e->now->provenance, e->S);
    e->last_ns = e->now->time_ns;
    e->has_last = true;
    report(e, out->time_ns, out);
}

void wk_engine_step(wk_engine *e, const wk_features_step *step, bool warming,
                    wk_engine_outcome *out)
{
    wk_engine_decide(e, step, warming, out);
    wk_engine_finish(e, out);
}

static void warm_trader(wk_engine *e, const wk_forecast *forecasts)
{
    wk_trader_event event = {.kind = WK_TRADER_EVENT_BARS,
                             .time_ns = e->last_ns + 2 * e->timeframe_ns,
                             .bars = e->bars_last,
                             .provenance = e->provenance_last,
                             .forecasts = forecasts,
                             .sigma = e->sigma};
    e->unsent.n = 0;
    wk_trader_warm(e->trader, &event, &e->unsent);
}

void wk_engine_warm(wk_engine *e)
{
    bool heads = heads_decide(e);
    for (size_t k = 0; k < e->n_members; k++)
        for (size_t g = 0; g < e->members[k].n; g++)
            wk__member_warm(e->members[k].v[g], heads);
    if (!e->has_last)
        return;
    combine(e); /* of the same forecasts: the same again */
    warm_trader(e, e->forecasts);
    /* Once more as if every market had something to say: a bar with an order must not find the way
     * of an order cold. */
    for (int side = -1; side <= 1; side += 2) {
        for (size_t s = 0; s < e->S; s++)
            e->strong[s] =
                (wk_forecast){.p = {side<0, 0, side> 0}, .score = (float)side * 1e6f, .valid = 1};
        warm_trader(e, e->strong);
    }
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
    e->abouts[model].weight = weight;
}

wk_status wk_engine_member_plan(wk_arena *arena, const wk_engine *e, const wk_engine_model *about,
                                wk_engine_member **out, wk_err *err)
{
    return wk__member_plan(arena, about, e->symbols, e->S, e->timeframe_ns, out, err);
}

void wk_engine_member_push(wk_engine_member *m, const wk_features_step *step)
{
    wk__member_feed(m, step, true);
    wk__member_finish(m, false);
}

size_t wk_engine_member_warmup_steps(const wk_engine_member *m)
{
    return warmup_steps(m);
}

const wk_forecast *wk_engine_member_forecasts(const wk_engine_member *m)
{
    return m->forecasts;
}

double wk_engine_generation_weight(const wk_engine *e, size_t model, size_t generation)
{
    WK_ASSERT(model < e->n_members && generation < e->members[model].n);
    return e->members[model].v[generation]->weight;
}

void wk_engine_list(const wk_engine *e, size_t model, wk_engine_generations *out)
{
    WK_ASSERT(model < e->n_members);
    *out = e->members[model];
}

void wk_engine_swap(wk_engine *e, size_t model, wk_engine_generations *list)
{
    WK_ASSERT(model < e->n_members && list->n >= 1 && list->n <= WK_ENGINE_GENERATIONS_MAX);
    wk_engine_generations before = e->members[model];
    e->members[model] = *list;
    *list = before;
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
    return e->members[k].v[0]->forecasts;
}

uint64_t wk_engine_intents_digest(const wk_engine *e)
{
    return wk_trader_intents_digest(e->trader);
}
