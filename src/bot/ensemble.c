#include "ensemble.h"

#include <math.h>
#include <string.h>

#include "combine.h"
#include "wick/labels.h"
#include "wick/math.h"

static const double day_ns = 86400e9;

struct wk__ensemble {
    wk_ensemble_config config;
    wk_label_config label;
    size_t S, memory; /* bars from a forecast to its label, both included */
    double fade;      /* of a regret over one bar */
    int64_t timeframe_ns;
    size_t n_bars;       /* rows of the window that are filled */
    wk_bar *bars;        /* [2 * memory, S]: the newest n_bars rows end at `end` */
    uint8_t *provenance; /* likewise */
    size_t end;
    wk_forecast *mixed; /* [memory, S] by bar modulo memory */
    double *sigma;      /* [memory, S] */
    int64_t *mixed_bar; /* [memory] */
    float *y;           /* [memory, S] scratch of the labels */
    int32_t *label_end;
    double *label_sigma;
};

size_t wk__ensemble_memory(const wk_run_config *run)
{
    return (size_t)run->labels.direction.horizon_bars + 2;
}

wk_status wk__ensemble_plan(wk_arena *arena, const wk_ensemble_config *config,
                            const wk_run_config *run, size_t S, wk__ensemble **out, wk_err *err)
{
    if (run->labels.direction.horizon_bars < 1 || run->labels.direction.horizon_bars > 100000)
        return wk_fail(err, WK_E_CONFIG, "labels.direction.horizon_bars is out of range");
    wk__ensemble *e = wk_arena_alloc(arena, sizeof *e);
    size_t memory = wk__ensemble_memory(run);
    *e = (wk__ensemble){.config = *config,
                        .label = run->labels.direction,
                        .S = S,
                        .memory = memory,
                        .timeframe_ns = run->data.timeframe_ns};
    double bars = config->loss_half_life_days * day_ns / (double)e->timeframe_ns;
    e->fade = bars > 0 ? wk_exp(-0.69314718055994531 / bars) : 0;
    e->bars = wk_arena_array(arena, wk_bar, 2 * memory * S);
    e->provenance = wk_arena_array(arena, uint8_t, 2 * memory * S);
    e->mixed = wk_arena_array(arena, wk_forecast, memory * S);
    e->sigma = wk_arena_array(arena, double, memory *S);
    e->mixed_bar = wk_arena_array(arena, int64_t, memory);
    for (size_t i = 0; i < memory; i++)
        e->mixed_bar[i] = -1;
    e->y = wk_arena_array(arena, float, memory *S);
    e->label_end = wk_arena_array(arena, int32_t, memory * S);
    e->label_sigma = wk_arena_array(arena, double, memory *S);
    *out = e;
    return WK_OK;
}

double wk__forecast_loss(const wk_forecast *f, int label)
{
    static const double least = 1e-4;
    double p;
    if (f->p[0] + f->p[1] + f->p[2] > 0) {
        p = (double)f->p[label];
        return -wk_log(p > least ? p : least);
    }
    p = 1 / (1 + wk_exp(-(double)f->score));
    double up = -wk_log(p > least ? p : least), down = -wk_log(1 - p > least ? 1 - p : least);
    return label == 2 ? up : label == 0 ? down : (up + down) / 2;
}

/* The bar that closed, as the newest row of the window. */
static void remember_bars(wk__ensemble *e, const wk_engine_member *newest)
{
    size_t S = e->S;
    if (e->end == 2 * e->memory) {
        size_t keep = e->memory - 1, from = e->end - keep;
        memmove(e->bars, e->bars + from * S, keep * S * sizeof *e->bars);
        memmove(e->provenance, e->provenance + from * S, keep * S);
        e->end = keep;
    }
    wk_bar *bars = e->bars + e->end * S;
    uint8_t *provenance = e->provenance + e->end * S;
    memset(provenance, WK_PROV_UNKNOWN, S);
    for (size_t i = 0; i < newest->S; i++) {
        bars[newest->market[i]] = newest->bars[i];
        provenance[newest->market[i]] = newest->provenance[i];
    }
    e->end++;
    e->n_bars += e->n_bars < e->memory;
}

/* Labels of the window's row `t`: how many bars it looks ahead differs by kind. */
static bool label_row(wk__ensemble *e, size_t reach)
{
    wk_err err;
    size_t T = reach + 1, from = e->end - T;
    if (e->n_bars < T)
        return false;
    wk_panel window = {.T = T,
                       .S = e->S,
                       .timeframe_ns = e->timeframe_ns,
                       .bars = e->bars + from * e->S,
                       .provenance = e->provenance + from * e->S};
    if (wk_labels_make(&e->label, &window, e->label_sigma, e->y, e->label_end, &err) != WK_OK)
        return false;
    for (size_t s = 0; s < e->S; s++)
        if (e->label_end[s] > 0 && e->label.kind != WK_LABEL_THRESHOLD)
            e->y[s] = e->y[s] <= -1 ? 0 : e->y[s] >= 1 ? 2 : 1;
    return true;
}

static void learn(wk__ensemble *e, const wk_engine_generations *list, int64_t bar)
{
    size_t reach = (size_t)e->label.horizon_bars + (e->label.kind <= WK_LABEL_THRESHOLD);
    int64_t then = bar - (int64_t)reach;
    size_t slot = (size_t)(then % (int64_t)e->memory);
    for (size_t g = 0; g < list->n; g++)
        list->v[g]->regret *= e->fade;
    if (then < 0 || e->mixed_bar[slot] != then)
        return;
    memcpy(e->label_sigma, e->sigma + slot * e->S, e->S * sizeof *e->sigma);
    if (!label_row(e, reach))
        return;
    for (size_t g = 0; g < list->n; g++) {
        wk_engine_member *m = list->v[g];
        double sum = 0;
        size_t n = 0;
        if (m->past_bar[slot] != then || then * e->timeframe_ns < m->about.born_ns)
            continue;
        for (size_t i = 0; i < m->S; i++) {
            size_t s = m->market[i];
            const wk_forecast *own = &m->past[slot * m->S + i], *all = &e->mixed[slot * e->S + s];
            if (e->label_end[s] <= 0 || !own->valid || !all->valid)
                continue;
            sum += wk__forecast_loss(all, (int)e->y[s]) - wk__forecast_loss(own, (int)e->y[s]);
            n++;
        }
        if (n)
            m->regret += sum / (double)n;
    }
}

static void weigh(const wk__ensemble *e, const wk_engine_generations *list, int64_t bar)
{
    double most = -INFINITY, ages = 0, sum = 0, age[WK_ENGINE_GENERATIONS_MAX];
    int64_t now_ns = (bar + 1) * e->timeframe_ns;
    for (size_t g = 0; g < list->n; g++) {
        wk_engine_member *m = list->v[g];
        if (m->about.born_ns == 0)
            m->about.born_ns = now_ns;
        double days = (double)(now_ns - m->about.born_ns) / day_ns;
        days = days > 0 ? days : 0;
        age[g] = wk_exp(-0.69314718055994531 * days / e->config.half_life_days);
        ages += age[g];
        most = m->regret > most ? m->regret : most;
    }
    /* So old, all of them, that nothing of their weight is left: equal ones. */
    for (size_t g = 0; !(ages > 0) && g < list->n; g++)
        age[g] = 1;
    ages = ages > 0 ? ages : (double)list->n;
    for (size_t g = 0; g < list->n; g++) {
        list->v[g]->weight = age[g] * wk_exp(e->config.learning_rate * (list->v[g]->regret - most));
        sum += list->v[g]->weight;
    }
    for (size_t g = 0; g < list->n; g++) {
        double own = sum > 0 ? list->v[g]->weight / sum : age[g] / ages;
        list->v[g]->weight = (1 - e->config.share) * own + e->config.share * age[g] / ages;
    }
}

static void remember_forecasts(wk__ensemble *e, const wk_engine_generations *list, int64_t bar)
{
    size_t slot = (size_t)(bar % (int64_t)e->memory);
    for (size_t g = 0; g < list->n; g++) {
        wk_engine_member *m = list->v[g];
        memcpy(m->past + slot * m->S, m->forecasts, m->S * sizeof *m->past);
        m->past_bar[slot] = bar;
    }
    for (size_t s = 0; s < e->S; s++) {
        double sigma = NAN;
        e->mixed[slot * e->S + s] = wk__generations_mix(list, s, &sigma);
        e->sigma[slot * e->S + s] = sigma;
    }
    e->mixed_bar[slot] = bar;
}

void wk__ensemble_close(wk__ensemble *e, const wk_engine_generations *list)
{
    const wk_engine_member *newest = list->v[0];
    int64_t bar = newest->bucket_ns / e->timeframe_ns;
    remember_bars(e, newest);
    learn(e, list, bar);
    weigh(e, list, bar);
    remember_forecasts(e, list, bar);
}

wk_forecast wk__generations_mix(const wk_engine_generations *list, size_t s, double *sigma)
{
    wk__opinion opinions[WK_ENGINE_GENERATIONS_MAX];
    size_t n = 0;
    for (size_t g = 0; g < list->n; g++) {
        const wk_engine_member *m = list->v[g];
        size_t i = 0;
        while (i < m->S && m->market[i] != s)
            i++;
        if (i == m->S)
            continue;
        if (n == 0)
            *sigma = m->sigma[i];
        opinions[n++] = (wk__opinion){&m->forecasts[i], m->weight, 0};
    }
    return wk__combine(WK_COMBINE_NET, opinions, n);
}
