#include "gate.h"

#include <math.h>
#include <string.h>

wk_gate wk_gate_make(wk_arena *arena, size_t n_losses, size_t room)
{
    return (wk_gate){.n_losses = n_losses,
                     .room = room,
                     .stacked = wk_arena_array(arena, double, room *n_losses + 1),
                     .plain = wk_arena_array(arena, double, room *n_losses + 1)};
}

void wk_gate_add(wk_gate *gate, const double *stacked, const double *plain, size_t n_slices)
{
    size_t K = gate->n_losses;
    for (size_t i = 0; i < n_slices; i++) {
        bool complete = true;
        for (size_t k = i * K; k < (i + 1) * K; k++)
            complete = complete && !isnan(stacked[k]) && !isnan(plain[k]);
        if (!complete)
            continue;
        WK_ASSERT(gate->n < gate->room);
        memcpy(gate->stacked + gate->n * K, stacked + i * K, K * sizeof *stacked);
        memcpy(gate->plain + gate->n * K, plain + i * K, K * sizeof *plain);
        gate->n++;
    }
}

/* Labels may have different units, so each saving is taken as a share of its mean plain loss. */
static double slice_gain(const wk_gate *gate, size_t slice)
{
    size_t K = gate->n_losses;
    double gain = 0;
    for (size_t k = 0; k < K; k++) {
        double scale = 0;
        for (size_t i = 0; i < gate->n; i++)
            scale += gate->plain[i * K + k] / (double)gate->n;
        if (scale > 0)
            gain += (gate->plain[slice * K + k] - gate->stacked[slice * K + k]) / scale;
    }
    return gain / (double)K;
}

wk_gate_finding wk_gate_judge(const wk_gate *gate)
{
    wk_gate_finding out = {.n = gate->n, .gain = NAN, .error = NAN};
    if (gate->n < 2)
        return out;
    double n = (double)gate->n, sum = 0, squares = 0;
    for (size_t i = 0; i < gate->n; i++)
        sum += slice_gain(gate, i);
    for (size_t i = 0; i < gate->n; i++) {
        double off = slice_gain(gate, i) - sum / n;
        squares += off * off;
    }
    out.gain = sum / n;
    out.error = sqrt(squares / (n - 1) / n);
    out.earned = out.gain > out.error;
    return out;
}
