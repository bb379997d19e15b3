/* Rules for models that disagree. */
#include "combine.h"

#include <math.h>

int wk__opinion_side(const wk_forecast *f)
{
    if (f->p[0] + f->p[1] + f->p[2] > 0) {
        int best = 1; /* a tie is HOLD */
        for (int k = 0; k < 3; k += 2)
            if (f->p[k] > f->p[best])
                best = k;
        return best - 1;
    }
    return (f->score > 0) - (f->score < 0);
}

static bool speaks(const wk__opinion *o)
{
    return o->forecast->valid && o->weight > 0;
}

/* Weighted means over the opinions of this side; side 2: over all. */
static wk_forecast net(const wk__opinion *opinions, size_t n, int side)
{
    double weight = 0, score = 0, magnitude = 0, volatility = 0, p[3] = {0};
    wk_forecast out = {.valid = 1};
    for (size_t i = 0; i < n; i++) {
        const wk__opinion *o = &opinions[i];
        if (!speaks(o) || (side != 2 && wk__opinion_side(o->forecast) != side))
            continue;
        weight += o->weight;
        score += o->weight * (double)o->forecast->score;
        magnitude += o->weight * (double)o->forecast->magnitude;
        volatility += o->weight * (double)o->forecast->volatility;
        for (int k = 0; k < 3; k++)
            p[k] += o->weight * (double)o->forecast->p[k];
        if (o->forecast->threshold > out.threshold)
            out.threshold = o->forecast->threshold;
    }
    out.score = (float)(score / weight);
    out.magnitude = (float)(magnitude / weight);
    out.volatility = (float)(volatility / weight);
    for (int k = 0; k < 3; k++)
        out.p[k] = (float)(p[k] / weight);
    return out;
}

/* Nobody's side wins: stay out, and leave what is held when the score is asked. */
static wk_forecast hold(const wk__opinion *opinions, size_t n)
{
    wk_forecast out = net(opinions, n, 2);
    out.score = 0;
    out.magnitude = 0;
    out.p[0] = out.p[2] = 0;
    out.p[1] = 1;
    return out;
}

static wk_forecast first_by_priority(const wk__opinion *opinions, size_t n)
{
    const wk__opinion *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const wk__opinion *o = &opinions[i];
        if (speaks(o) && wk__opinion_side(o->forecast) != 0 &&
            (!best || o->priority < best->priority))
            best = o;
    }
    return best ? *best->forecast : hold(opinions, n);
}

wk_forecast wk__combine(int rule, const wk__opinion *opinions, size_t n)
{
    size_t n_speaking = 0, last = 0;
    double weight[3] = {0}; /* of SELL, HOLD, BUY */
    for (size_t i = 0; i < n; i++)
        if (speaks(&opinions[i])) {
            n_speaking++;
            last = i;
            weight[wk__opinion_side(opinions[i].forecast) + 1] += opinions[i].weight;
        }
    if (n_speaking == 0)
        return (wk_forecast){0};
    if (n_speaking == 1)
        return *opinions[last].forecast;
    double total = weight[0] + weight[1] + weight[2];
    switch (rule) {
    case WK_COMBINE_PRIORITY:
        return first_by_priority(opinions, n);
    case WK_COMBINE_VOTE:
        for (int side = -1; side <= 1; side += 2)
            if (weight[side + 1] > total / 2)
                return net(opinions, n, side);
        return hold(opinions, n);
    case WK_COMBINE_VETO:
        for (int side = -1; side <= 1; side += 2)
            if (weight[side + 1] > 0 && weight[1 - side] <= 0)
                return net(opinions, n, side);
        return hold(opinions, n);
    default:
        return net(opinions, n, 2);
    }
}

/* HOLD as a class may lean to a side all the same, and a policy may act on that. */
static int leaning(const wk_forecast *f)
{
    int side = wk__opinion_side(f);
    return side != 0 ? side : (f->score > 0) - (f->score < 0);
}

size_t wk__combine_speaker(int rule, const wk__opinion *opinions, size_t n,
                           const wk_forecast *combined)
{
    size_t best = SIZE_MAX;
    bool best_agrees = false;
    int side = leaning(combined);
    for (size_t i = 0; i < n; i++) {
        const wk__opinion *o = &opinions[i];
        if (!speaks(o))
            continue;
        bool agrees = leaning(o->forecast) == side;
        bool stronger =
            best == SIZE_MAX || (rule == WK_COMBINE_PRIORITY ? o->priority < opinions[best].priority
                                                             : o->weight > opinions[best].weight);
        if (best == SIZE_MAX || (agrees && !best_agrees) || (agrees == best_agrees && stronger)) {
            best = i;
            best_agrees = agrees;
        }
    }
    return best;
}
