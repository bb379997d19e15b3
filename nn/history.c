#include "nn/history.h"

#include <string.h>

static size_t capacity(size_t past, size_t T_max)
{
    return past + (past > T_max ? past : T_max);
}

size_t wk__history_n(size_t past, size_t B, size_t ld, size_t T_max)
{
    return past ? WK__LANES + capacity(past, T_max) * B * ld : 0;
}

void wk__history_reset(size_t past, const wk__run *run, size_t ld, wk_real *state, size_t row)
{
    if (!past)
        return;
    wk_real *rows = state + WK__LANES;
    if (row == run->B) {
        memset(state, 0, wk__history_n(past, run->B, ld, run->T_max) * sizeof *state);
        state[0] = (wk_real)past;
        return;
    }
    for (size_t t = (size_t)state[0] - past; t < (size_t)state[0]; t++)
        memset(rows + (t * run->B + row) * ld, 0, ld * sizeof *rows);
}

wk_real *wk__history_push(size_t past, const wk__run *run, size_t ld, wk_real *state,
                          const wk_real *x, size_t T)
{
    wk_real *rows = state + WK__LANES;
    const size_t bar = run->B * ld;
    size_t at = (size_t)state[0];
    if (at + T > capacity(past, run->T_max)) {
        memmove(rows, rows + (at - past) * bar, past * bar * sizeof *rows);
        at = past;
    }
    memcpy(rows + at * bar, x, T * bar * sizeof *rows);
    state[0] = (wk_real)(at + T);
    return rows + (at - past) * bar;
}

wk_real *wk__history_chunk(size_t past, const wk__run *run, size_t ld, wk_real *state, size_t T)
{
    return state + WK__LANES + ((size_t)state[0] - T - past) * run->B * ld;
}

wk_real *wk__history_last(size_t past, const wk__run *run, size_t ld, wk_real *state)
{
    return state + WK__LANES + ((size_t)state[0] - past) * run->B * ld;
}
