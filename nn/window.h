/* Fixed windows through a network: every layer computes the positions that the wanted outputs need
 * and no others. */
#ifndef WK_NN_WINDOW_H
#define WK_NN_WINDOW_H

#include "nn/net.h"

typedef struct {
    wk__run run;
    size_t T;
    wk__view *views;    /* of each layer */
    wk__span joined_at; /* positions of the joined branches */
    wk_real *x;         /* [T, B, pad(F)], filled by the caller, padding stays 0 */
    wk_real **act;      /* [out.n, B, ldo] of each layer */
    wk_real *joined;
    wk_real **tape;
    wk_real *d[2]; /* as in wk__work; d[0] takes the head's */
    wk_real **d_end;
} wk__window;

/* Windows of T bars, B side by side, whose outputs are wanted at `out`. With `all`, the branches
 * compute every position (to measure what the dead ones cost). */
void wk__window_build(wk_arena *arena, const wk__net *net, const wk__nn_ops *ops, size_t B,
                      size_t T, wk__span out, bool all, bool backward, wk__window *window);
/* Returns the outputs [out.n, B, pad(n_outputs)]. */
const wk_real *wk__window_forward(const wk__net *net, const wk_real *packed, wk__window *window);
/* Adds to grad [n_grad] from the head's gradient in d[0]; after forward on the same windows. */
void wk__window_backward(const wk__net *net, const wk_real *packed, wk__window *window,
                         wk_real *grad);

#endif
