/* What LSTM and GRU have in common: the gradients around their cells, and windows. */
#ifndef WK_NN_RECURRENT_H
#define WK_NN_RECURRENT_H

#include "nn/layer.h"

/* Inputs, hidden units, hidden units padded. */
typedef struct {
    size_t F, H, Hp;
} wk__recurrent_dims;
wk__recurrent_dims wk__recurrent_dims_of(const wk__layer *l);
/* The output and the tensors of a layer of so many gates, as PyTorch names them. */
wk__recurrent_dims wk__recurrent_shape(wk__layer *l, size_t gates);

/* Shapes of a chunk: inputs, hidden units, hidden units padded, columns of the gates' sums. */
typedef struct {
    size_t B, T, F, H, Hp, N;
} wk__recurrent;

/* Variational dropout of the carried state (Gal & Ghahramani 2016), in training: the recurrent
 * product sees h times factors drawn once for the sequence. The tape then ends with these factors
 * [B, Hp], the products' inputs [T, B, Hp] and room for a gradient [B, Hp]. */
bool wk__recurrent_masked(const wk__layer *l, const wk__run *run);

/* up [B, Hp] += the gradient that the next bar's recurrent sums [B, N] send through w, packed
 * [Hp/16][N][16], and through the factors, NULL for none; part [B, Hp] is scratch. */
void wk__recurrent_back(const wk__run *run, const wk__recurrent *r, const wk_real *sums,
                        const wk_real *w, const wk_real *factors, wk_real *part, wk_real *up);

/* Adds to the gradients of the weights of inputs, gx [F, N], and of hidden states, gh [H, N], from
 * the gradients of their sums dx and dh [T, B, N]. `seen` [T, B, Hp]: what the recurrent products
 * saw, NULL when that is h0 [B, Hp] and then y [T, B, Hp]. */
void wk__recurrent_weights(const wk__run *run, const wk__recurrent *r, const wk_real *x,
                           const wk_real *dx, const wk_real *h0, const wk_real *y,
                           const wk_real *seen, const wk_real *dh, wk_real *gx, wk_real *gh);

/* dx [T, B, Fp] from the gradients of the input sums and w, packed [Fp/16][N][16]. */
void wk__recurrent_inputs(const wk__run *run, const wk__recurrent *r, const wk_real *sums,
                          const wk_real *w, wk_real *dx);

/* A window runs all its bars from a fresh state: the tape ends with the outputs and their gradients
 * [T, B, Hp] and the state. */
wk__span wk__recurrent_need(const wk__layer *l, wk__span out, size_t T);
size_t wk__recurrent_window_tape(const wk__layer *l, size_t B, const wk__view *v);
void wk__recurrent_window(const wk__layer *l, const wk__run *run, const wk_real *packed,
                          wk_real *tape, const wk_real *x, wk_real *y, const wk__view *v);
void wk__recurrent_window_back(const wk__layer *l, const wk__run *run, const wk_real *packed,
                               wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy,
                               wk_real *dx, wk_real *grad, const wk__view *v);

#endif
