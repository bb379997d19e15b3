/* A few steps ahead of the one that is due, market by market. */
#include "assemble.h"

#include <math.h>
#include <string.h>

enum { AHEAD = 16 }; /* steps */

typedef struct {
    wk_bar *bars;        /* [S] */
    uint8_t *provenance; /* [S] */
    size_t n;            /* markets that are in */
} slot;

struct wk_assembler {
    size_t S;
    int64_t timeframe_ns, patience_ns, open_ns,
        newest_ns;     /* newest open that any market has told */
    slot slots[AHEAD]; /* of step k at (k mod AHEAD) */
    slot out;
    double *funding, *funding_out;
    bool has_funding;
};

static void clear(const wk_assembler *a, slot *cell, int64_t time_ns)
{
    for (size_t s = 0; s < a->S; s++) {
        cell->bars[s] = (wk_bar){time_ns, NAN, NAN, NAN, NAN, NAN};
        cell->provenance[s] = WK_PROV_UNKNOWN;
    }
    cell->n = 0;
}

static slot *slot_of(wk_assembler *a, int64_t time_ns)
{
    return &a->slots[(size_t)(time_ns / a->timeframe_ns % AHEAD)];
}

wk_assembler *wk_assembler_plan(wk_arena *arena, size_t S, int64_t timeframe_ns,
                                int64_t patience_ns)
{
    wk_assembler *a = wk_arena_alloc(arena, sizeof *a);
    *a = (wk_assembler){.S = S, .timeframe_ns = timeframe_ns, .patience_ns = patience_ns};
    for (size_t k = 0; k <= AHEAD; k++) {
        slot *one = k < AHEAD ? &a->slots[k] : &a->out;
        one->bars = wk_arena_array(arena, wk_bar, S);
        one->provenance = wk_arena_array(arena, uint8_t, S);
    }
    a->funding = wk_arena_array(arena, double, S);
    a->funding_out = wk_arena_array(arena, double, S);
    for (size_t s = 0; s < S; s++)
        a->funding[s] = NAN;
    wk_assembler_begin(a, 0);
    return a;
}

void wk_assembler_begin(wk_assembler *a, int64_t time_ns)
{
    WK_ASSERT(time_ns >= 0 && time_ns % a->timeframe_ns == 0);
    a->open_ns = time_ns;
    a->newest_ns = INT64_MIN;
    for (int64_t k = 0; k < AHEAD; k++)
        clear(a, slot_of(a, time_ns + k * a->timeframe_ns), time_ns + k * a->timeframe_ns);
}

void wk_assembler_bar(wk_assembler *a, size_t s, const wk_bar *bar, uint8_t provenance,
                      int64_t arrival_ns)
{
    WK_ASSERT(s < a->S);
    int64_t deadline = bar->time_ns + a->timeframe_ns + a->patience_ns;
    if (bar->time_ns < a->open_ns || arrival_ns > deadline ||
        bar->time_ns >= a->open_ns + AHEAD * a->timeframe_ns || bar->time_ns % a->timeframe_ns != 0)
        return;
    slot *cell = slot_of(a, bar->time_ns);
    cell->n += cell->provenance[s] == WK_PROV_UNKNOWN;
    cell->bars[s] = *bar;
    cell->provenance[s] = provenance;
    a->newest_ns = bar->time_ns > a->newest_ns ? bar->time_ns : a->newest_ns;
}

void wk_assembler_funding(wk_assembler *a, size_t s, double rate)
{
    a->funding[s] = rate;
    a->has_funding = true;
}

int64_t wk_assembler_due_ns(const wk_assembler *a)
{
    return a->newest_ns >= a->open_ns ? a->open_ns + a->timeframe_ns + a->patience_ns : INT64_MAX;
}

bool wk_assembler_next(wk_assembler *a, int64_t now_ns, wk_features_step *out)
{
    slot *cell = slot_of(a, a->open_ns);
    if (cell->n < a->S && now_ns <= wk_assembler_due_ns(a))
        return false;
    if (a->newest_ns < a->open_ns)
        return false; /* nobody has spoken: the feed is silent, and silence is no bar */
    memcpy(a->out.bars, cell->bars, a->S * sizeof *cell->bars);
    memcpy(a->out.provenance, cell->provenance, a->S);
    memcpy(a->funding_out, a->funding, a->S * sizeof *a->funding);
    *out = (wk_features_step){.time_ns = a->open_ns,
                              .bars = a->out.bars,
                              .provenance = a->out.provenance,
                              .funding_known = a->has_funding ? a->funding_out : NULL};
    clear(a, cell, a->open_ns + AHEAD * a->timeframe_ns);
    a->open_ns += a->timeframe_ns;
    return true;
}
