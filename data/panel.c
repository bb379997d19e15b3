/* Panels: several markets on one grid, with the funding each is charged and knows of. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/bars.h"
#include "wick/clock.h"

#define HOUR_NS (3600 * WK_NS_PER_S)
#define MARK_NS (8 * HOUR_NS)
static const double FUNDING_DEFAULT = 1e-4; /* an 8-hour mark, the venues' usual base rate */

void wk_panel_finish(wk_panel *panel)
{
    if (!panel)
        return;
    free(panel->symbols);
    free(panel->bars);
    free(panel->provenance);
    free(panel->funding);
    free(panel->funding_known);
    free(panel->outside);
    *panel = (wk_panel){0};
}

static void *drop_front(void *cells, size_t dropped_bytes, size_t kept_bytes)
{
    if (!cells)
        return NULL;
    memmove(cells, (char *)cells + dropped_bytes, kept_bytes);
    void *smaller = realloc(cells, kept_bytes);
    return smaller ? smaller : cells;
}

void wk_panel_drop(wk_panel *panel, size_t n_steps)
{
    WK_ASSERT(n_steps < panel->T);
    size_t dropped = n_steps * panel->S, kept = panel->T * panel->S - dropped;
    panel->bars =
        drop_front(panel->bars, dropped * sizeof *panel->bars, kept * sizeof *panel->bars);
    panel->provenance = drop_front(panel->provenance, dropped, kept);
    panel->funding =
        drop_front(panel->funding, dropped * sizeof *panel->funding, kept * sizeof *panel->funding);
    panel->funding_known = drop_front(panel->funding_known, dropped * sizeof *panel->funding_known,
                                      kept * sizeof *panel->funding_known);
    panel->outside = drop_front(panel->outside, dropped * panel->K * sizeof *panel->outside,
                                kept * panel->K * sizeof *panel->outside);
    panel->T -= n_steps;
    panel->start_ns += (int64_t)n_steps * panel->timeframe_ns;
}

wk_status wk_panel_widen(wk_panel *panel, size_t K, size_t *first, wk_err *err)
{
    size_t cells = panel->T * panel->S, before = panel->K, after = before + K;
    double *wide =
        K && cells <= SIZE_MAX / sizeof *wide / after ? malloc(cells * after * sizeof *wide) : NULL;
    if (!wide)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu outside columns of %zu cells", after,
                       cells);
    for (size_t i = 0; i < cells; i++) {
        if (before)
            memcpy(wide + i * after, panel->outside + i * before, before * sizeof *wide);
        for (size_t k = before; k < after; k++)
            wide[i * after + k] = NAN;
    }
    free(panel->outside);
    panel->outside = wide;
    panel->K = after;
    *first = before;
    return WK_OK;
}

static int inside(int64_t time_ns, int64_t from_ns, int64_t to_ns)
{
    return (from_ns == 0 || time_ns >= from_ns) && (to_ns == 0 || time_ns < to_ns);
}

/* Finds the first and last bar inside the cut, and that all series lie on one grid. */
static wk_status find_grid(const wk_series *series, size_t S, int64_t from_ns, int64_t to_ns,
                           int64_t *first, int64_t *last, wk_err *err)
{
    int any = 0;
    int64_t timeframe_ns = series[0].timeframe_ns;
    for (size_t s = 0; s < S; s++) {
        char have[16], want[16];
        if (series[s].timeframe_ns != timeframe_ns || timeframe_ns <= 0)
            return wk_fail(err, WK_E_DATA,
                           "%s has timeframe %s and %s has %s; resample them to one",
                           series[s].symbol, wk_timeframe_format(series[s].timeframe_ns, have),
                           series[0].symbol, wk_timeframe_format(timeframe_ns, want));
        for (size_t i = 0; i < series[s].n; i++) {
            int64_t t = series[s].bars[i].time_ns;
            if (i > 0 && t <= series[s].bars[i - 1].time_ns)
                return wk_fail(err, WK_E_DATA,
                               "%s: bar %zu is not after the one before; sort the series first",
                               series[s].symbol, i);
            if (!inside(t, from_ns, to_ns))
                continue;
            if (!any) {
                *first = *last = t;
                any = 1;
            }
            if ((t - *first) % timeframe_ns != 0) {
                char when[32];
                return wk_fail(err, WK_E_DATA,
                               "%s: the bar at %s is off the common grid of %s; import it again",
                               series[s].symbol, wk_time_format(t, when),
                               wk_timeframe_format(timeframe_ns, want));
            }
            *first = t < *first ? t : *first;
            *last = t > *last ? t : *last;
        }
    }
    if (!any)
        return wk_fail(err, WK_E_DATA,
                       "no bar of %zu series lies inside the asked time range; widen it", S);
    return WK_OK;
}

/* The step whose open is nearest to the event (halves go up). */
static int64_t nearest_step(const wk_panel *p, int64_t time_ns)
{
    int64_t since = time_ns - p->start_ns + p->timeframe_ns / 2;
    int64_t step = since / p->timeframe_ns;
    return since % p->timeframe_ns < 0 ? step - 1 : step;
}

static void charge_own_rates(wk_panel *p, size_t s, const wk_rates *rates)
{
    size_t S = p->S;
    for (size_t t = 0; t < p->T; t++)
        p->funding[t * S + s] = NAN;
    for (size_t i = 0; i < rates->n; i++) {
        int64_t t = nearest_step(p, rates->time_ns[i]);
        if (t < 0 || t >= (int64_t)p->T)
            continue;
        double *cell = &p->funding[(size_t)t * S + s];
        int again = i > 0 && nearest_step(p, rates->time_ns[i - 1]) == t;
        if (!again || isnan(*cell))
            *cell = rates->rate[i];
        else if (rates->time_ns[i] - rates->time_ns[i - 1] >= HOUR_NS)
            *cell += rates->rate[i];
        else
            *cell += rates->rate[i] - rates->rate[i - 1];
    }
    size_t i = 0;
    double known = NAN;
    for (size_t t = 0; t < p->T; t++) {
        int64_t close_ns = p->start_ns + (int64_t)(t + 1) * p->timeframe_ns;
        for (; i < rates->n && rates->time_ns[i] < close_ns; i++)
            known = rates->rate[i];
        p->funding_known[t * S + s] = known;
    }
}

static void fill_missing_rates(wk_panel *p, const wk_rates *funding, int fallback_mean)
{
    size_t S = p->S;
    for (size_t t = 0; t < p->T; t++) {
        double sum = 0;
        size_t n = 0;
        for (size_t s = 0; s < S; s++)
            if (!isnan(p->funding[t * S + s])) {
                sum += p->funding[t * S + s];
                n++;
            }
        int64_t open_ns = p->start_ns + (int64_t)t * p->timeframe_ns;
        int at_mark = open_ns % MARK_NS == 0;
        double marks = p->timeframe_ns > MARK_NS ? (double)(p->timeframe_ns / MARK_NS) : 1.0;
        for (size_t s = 0; s < S; s++) {
            double *cell = &p->funding[t * S + s];
            if (!isnan(*cell))
                continue;
            *cell = 0;
            if (fallback_mean && n > 0 && (at_mark || funding[s].n == 0))
                *cell = sum / (double)n;
            else if (fallback_mean && at_mark)
                *cell = FUNDING_DEFAULT * marks;
        }
    }
}

wk_status wk_panel_build(const wk_series *series, size_t S, const wk_rates *funding,
                         int funding_fallback_mean, int64_t from_ns, int64_t to_ns, wk_panel *out,
                         wk_err *err)
{
    if (S == 0)
        return wk_fail(err, WK_E_ARG, "a panel needs at least one series");
    int64_t first = 0, last = 0;
    WK_TRY(find_grid(series, S, from_ns, to_ns, &first, &last, err));
    wk_panel p = {.S = S, .timeframe_ns = series[0].timeframe_ns, .start_ns = first};
    p.T = (size_t)((last - first) / p.timeframe_ns) + 1;
    if (p.T > (size_t)INT32_MAX || p.T > SIZE_MAX / sizeof(wk_bar) / S)
        return wk_fail(err, WK_E_RANGE,
                       "a panel of %zu steps and %zu markets is too large; cut the time range", p.T,
                       S);
    size_t cells = p.T * S;
    p.symbols = calloc(S, sizeof *p.symbols);
    p.bars = malloc(cells * sizeof *p.bars);
    p.provenance = malloc(cells);
    if (funding) {
        p.funding = malloc(cells * sizeof *p.funding);
        p.funding_known = malloc(cells * sizeof *p.funding_known);
    }
    if (!p.symbols || !p.bars || !p.provenance || (funding && (!p.funding || !p.funding_known))) {
        wk_panel_finish(&p);
        return wk_fail(err, WK_E_NOMEM, "out of memory for a panel of %zu steps and %zu markets",
                       p.T, S);
    }
    for (size_t i = 0; i < cells; i++) {
        p.bars[i] = (wk_bar){first + (int64_t)(i / S) * p.timeframe_ns, NAN, NAN, NAN, NAN, NAN};
        p.provenance[i] = WK_PROV_UNKNOWN;
    }
    for (size_t s = 0; s < S; s++) {
        memcpy(p.symbols[s], series[s].symbol, sizeof p.symbols[s]);
        for (size_t i = 0; i < series[s].n; i++) {
            const wk_bar *b = &series[s].bars[i];
            if (!inside(b->time_ns, from_ns, to_ns) || series[s].provenance[i] == WK_PROV_UNKNOWN)
                continue;
            size_t cell = (size_t)((b->time_ns - first) / p.timeframe_ns) * S + s;
            p.bars[cell] = *b;
            p.provenance[cell] = series[s].provenance[i];
        }
        if (funding)
            charge_own_rates(&p, s, &funding[s]);
    }
    if (funding)
        fill_missing_rates(&p, funding, funding_fallback_mean);
    *out = p;
    return WK_OK;
}
