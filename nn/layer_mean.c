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

/* State: bars seen by each row [pad(B)], the history, and for steps the sum of all but the newest
 * bar and that bar beside it. */
static size_t n_history(const wk__layer *l, size_t B, size_t T_max)
{
    return wk__pad(B) + wk__history_n(window_of(l) - 1, B, wk__pad(l->in), T_max);
}

static size_t n_state(const wk__layer *l, size_t B, size_t T_max)
{
    return n_history(l, B, T_max) + 2 * wk__pad(l->in);
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

static wk__span need(const wk__layer *l, wk__span out, size_t T)
{
    return wk__span_of_taps(out, window_of(l), 1, T);
}

static size_t front(const wk__layer *l, const wk__view *v)
{
    return wk__span_front(v->in, v->out, window_of(l), 1);
}

/* 1 / bars in the mean at position i, for each row. */
static void window_scale(const wk__layer *l, const wk__view *v, size_t i, size_t B, wk_real *scale)
{
    size_t bars = v->T - (v->out.n - 1 - i) * v->out.stride;
    bars = bars < window_of(l) ? bars : window_of(l);
    for (size_t b = 0; b < B; b++)
        scale[b] = 1 / (wk_real)bars;
}

/* Tape: factors of a position's rows, and its scaled gradient. */
static size_t n_window_tape(const wk__layer *l, size_t B, const wk__view *v)
{
    (void)v;
    return wk__pad(B) + B * wk__pad(l->in);
}

static void window(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *tape,
                   const wk_real *x, wk_real *y, const wk__view *v)
{
    (void)packed;
    const size_t B = run->B, ld = l->ldi, bar = B * ld;
    for (size_t i = 0; i < v->out.n; i++) {
        const ptrdiff_t first =
            (ptrdiff_t)wk__span_at(v->in, v->out, i) + 1 - (ptrdiff_t)window_of(l);
        window_scale(l, v, i, B, tape);
        run->ops->window_mean(B, ld, window_of(l), x + first * (ptrdiff_t)bar, ld, bar, tape,
                              y + i * bar, ld);
    }
}

static void window_back(const wk__layer *l, const wk__run *run, const wk_real *packed,
                        wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                        wk_real *grad, const wk__view *v)
{
    (void)packed, (void)x, (void)y, (void)grad;
    const size_t B = run->B, ld = l->ldi, bar = B * ld;
    if (!dx)
        return;
    memset(dx, 0, v->in.n * bar * sizeof *dx);
    wk_real *up = tape + wk__pad(B);
    for (size_t i = 0; i < v->out.n; i++) {
        const size_t last = wk__span_at(v->in, v->out, i);
        window_scale(l, v, i, B, tape);
        for (size_t k = 0; k < bar; k++)
            up[k] = tape[k / ld] * dy[i * bar + k];
        for (size_t at = last + 1 > window_of(l) ? last + 1 - window_of(l) : 0; at <= last; at++)
            run->ops->add(bar, up, dx + at * bar);
    }
}

static void step(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y)
{
    (void)packed;
    const size_t window_bars = window_of(l), ld = l->ldi;
    wk_real *before = state + n_history(l, 1, run->T_max);
    if (state[0] < (wk_real)window_bars)
        state[0] += 1;
    tape[0] = 1 / state[0];
    if (window_bars == 1) {
        run->ops->window_mean(1, ld, 1, x, ld, ld, tape, y, ld);
        return;
    }
    memcpy(before + ld, x, ld * sizeof *x);
    run->ops->window_mean(1, ld, 2, before, ld, ld, tape, y, ld);
    wk__history_push(window_bars - 1, run, ld, state + wk__pad(1), x, 1);
}

static void prepare(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state)
{
    (void)packed;
    const size_t window_bars = window_of(l), ld = l->ldi;
    const wk_real one = 1;
    if (window_bars > 1)
        run->ops->window_mean(1, ld, window_bars - 1,
                              wk__history_last(window_bars - 1, run, ld, state + wk__pad(1)), ld,
                              ld, &one, state + n_history(l, 1, run->T_max), ld);
}

const wk__layer_ops wk__layer_mean = {.name = "mean",
                                      .shape = shape,
                                      .n_state = n_state,
                                      .n_tape = n_tape,
                                      .reset = reset,
                                      .forward = forward,
                                      .backward = backward,
                                      .step = step,
                                      .prepare = prepare,
                                      .need = need,
                                      .front = front,
                                      .n_window_tape = n_window_tape,
                                      .window = window,
                                      .window_back = window_back};
