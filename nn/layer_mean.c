/* Causal running mean over the last n bars, over as many as there are at a stream's start. Summed
 * afresh at every bar, oldest first: a running sum would never forget its rounding. */
#include <string.h>

#include "nn/history.h"

static size_t window_of(const wk__layer *l)
{
    return (size_t)l->config.units;
}

static wk_status shape(wk__layer *l, wk_err *err)
{
    (void)err;
    l->history = window_of(l) - 1;
    return WK_OK;
}

/* State: bars seen by each row [pad(B)], then the history. */
static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    return wk__pad(B) + wk__history_n(window_of(l) - 1, B, wk__pad(l->in), T_max);
}

/* Tape: factors [T, B] and ones [T, B], both padded, and backward's scaled gradient with zeros
 * after it. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    return 2 * wk__pad(T * B) + (T + window_of(l) - 1) * B * wk__pad(l->in);
}

static void reset(const wk__layer *l, const wk__run *run, wk_real *state, size_t row)
{
    if (row == run->B)
        memset(state, 0, wk__pad(run->B) * sizeof *state);
    else
        state[row] = 0;
    wk__history_reset(window_of(l) - 1, run, l->ldi, state + wk__pad(run->B), row);
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)packed;
    const size_t B = run->B, window = window_of(l), ld = l->ldi;
    for (size_t t = 0; t < T; t++)
        for (size_t b = 0; b < B; b++) {
            if (state[b] < (wk_real)window)
                state[b] += 1;
            tape[t * B + b] = 1 / state[b];
        }
    if (window > 1)
        x = wk__history_push(window - 1, run, ld, state + wk__pad(B), x, T);
    run->ops->window_mean(T * B, ld, window, x, ld, B * ld, tape, y, ld);
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)packed, (void)state, (void)x, (void)y, (void)grad;
    const size_t B = run->B, window = window_of(l), ld = l->ldi, M = T * B;
    if (!dx)
        return;
    wk_real *ones = tape + wk__pad(M), *up = ones + wk__pad(M);
    for (size_t m = 0; m < M; m++) {
        ones[m] = 1;
        for (size_t c = 0; c < ld; c++)
            up[m * ld + c] = tape[m] * dy[m * ld + c];
    }
    memset(up + M * ld, 0, (window - 1) * B * ld * sizeof *up);
    run->ops->window_mean(M, ld, window, up, ld, B * ld, ones, dx, ld);
}

const wk__layer_ops wk__layer_mean = {.name = "mean",
                                      .shape = shape,
                                      .n_state = n_state,
                                      .n_tape = n_tape,
                                      .reset = reset,
                                      .forward = forward,
                                      .backward = backward};
