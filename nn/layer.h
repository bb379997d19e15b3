/* What a layer is, inside the library.
 *
 * A chunk is T bars of B rows, laid out [T, B, channels] with channels padded to 16 by zeros. A
 * layer has parameters in canonical (PyTorch) layout, a packed copy that the kernels read, a state
 * carried from chunk to chunk, and a tape that keeps from forward what backward needs. Because the
 * kernels compute each row alone and in one order, all cuts of a stream give equal bits: chunks,
 * single bars (step), and windows of which only some positions are computed.
 *
 * Gradients stop at the start of the chunk: what lies in the state counts as constant. */
#ifndef WK_NN_LAYER_H
#define WK_NN_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/kernels/ops.h"
#include "nn/span.h"
#include "wick/err.h"
#include "wick/nn.h"

enum { WK__LAYER_TENSORS = 8 };

typedef struct {
    char name[48];
    size_t shape[3], rank;
    size_t at, n; /* offset and count in the layer's parameters */
    bool decay;   /* weight decay: matrices and kernels, never biases, gains or norms */
} wk__tensor;

typedef struct wk__layer_ops wk__layer_ops;

typedef struct {
    const wk__layer_ops *ops;
    wk_nn_layer_config config;
    size_t index;
    size_t in, out;  /* channels */
    size_t ldi, ldo; /* padded */
    wk__tensor tensors[WK__LAYER_TENSORS];
    size_t n_tensors;
    size_t n_params, n_packed, n_grad;    /* numbers in each layout */
    size_t at_params, at_packed, at_grad; /* where this layer's part begins in the network's */
    size_t history; /* bars before the current one that the output depends on */
    bool recurrent;
    bool relu;  /* dense, conv1d: the relu that follows is done on the way out */
    bool alias; /* relu: done by the layer before, whose output is this one's */
    int source; /* the layer whose output it sees; -1: the network's input */
} wk__layer;

/* How a chunk is run. */
typedef struct {
    const wk__nn_ops *ops;
    const wk__low *low; /* of training in bf16, whose `ops` have other products; else NULL */
    size_t B, T_max;
    bool backward;       /* will follow: the tape is filled */
    bool training;       /* dropout is on */
    uint64_t seed, tick; /* dropout: a pure function of these and the place in the batch */
    size_t row0, n_rows; /* this block's first row in the batch, and the batch's rows */
    /* Bars of each row [B]; beyond them it only pads the block. NULL: all T. */
    const size_t *bars;
    /* What each row's sequence is called [B], for draws that hold for a whole sequence. NULL: tick
     * and the row's place. */
    const uint64_t *sequence;
} wk__run;

/* All products of layers go through these. */
static inline void wk__product(const wk__run *run, wk__gemm *g)
{
    g->low = run->low;
    run->ops->gemm(g);
}

static inline void wk__product_at(const wk__run *run, wk__gemm_at *g)
{
    g->low = run->low;
    run->ops->gemm_at(g);
}

/* A window as a layer sees it: x [in.n, B, ldi] with wk__front rows of zeros before it. */
typedef struct {
    size_t T;
    wk__span in, out;
} wk__view;

struct wk__layer_ops {
    const char *name;
    /* Sets out, tensors, n_packed, n_grad, history from config and in. */
    wk_status (*shape)(wk__layer *l, wk_err *err);
    void (*init)(const wk__layer *l, wk_real *params, uint64_t seed);
    void (*pack)(const wk__layer *l, const wk_real *params, wk_real *packed);
    /* Sizes in numbers; either may be NULL when there is none. */
    size_t (*n_state)(const wk__layer *l, size_t B, size_t T_max);
    size_t (*n_tape)(const wk__layer *l, size_t B, size_t T);
    /* row < B: that row only; row == B: the whole state. NULL when there is no state. */
    void (*reset)(const wk__layer *l, const wk__run *run, wk_real *state, size_t row);
    void (*forward)(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T);
    /* After forward on the same chunk. dy may be overwritten; dx may be NULL; grad is added to. */
    void (*backward)(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T);
    /* Gradients from the kernels' layout to the canonical one. */
    void (*unpack)(const wk__layer *l, const wk_real *params, const wk_real *grad,
                   wk_real *dparams);
    /* After an update: parameters that follow statistics in `grad` and have no gradient. */
    void (*track)(const wk__layer *l, const wk_real *grad, wk_real *params);

    /* One bar of one row (T = B = 1) after `prepare`, which computes from the state what does not
     * need the bar. NULL: forward does it; nothing to prepare. */
    void (*step)(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                 wk_real *tape, const wk_real *x, wk_real *y);
    void (*prepare)(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state);

    /* Windows. need: the positions of the input that `out` needs; NULL: those of the output, and
     * forward and backward serve windows too. front: positions before the window that are read as
     * zeros. The tape is n_window_tape numbers. */
    wk__span (*need)(const wk__layer *l, wk__span out, size_t T);
    size_t (*front)(const wk__layer *l, const wk__view *view);
    size_t (*n_window_tape)(const wk__layer *l, size_t B, const wk__view *view);
    void (*window)(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *tape,
                   const wk_real *x, wk_real *y, const wk__view *view);
    void (*window_back)(const wk__layer *l, const wk__run *run, const wk_real *packed,
                        wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                        wk_real *grad, const wk__view *view);
};

extern const wk__layer_ops wk__layer_dense, wk__layer_conv1d, wk__layer_lstm, wk__layer_gru,
    wk__layer_tcn, wk__layer_norm, wk__layer_dropout, wk__layer_relu, wk__layer_tanh,
    wk__layer_mean, wk__layer_batch_norm;

/* Sets up layer `index` over `in` channels; the caller fills the at_ fields. */
wk_status wk__layer_setup(wk__layer *l, const wk_nn_layer_config *config, size_t index, size_t in,
                          wk_err *err);
void wk__layer_tensor_add(wk__layer *l, const char *name, size_t a, size_t b, size_t c, size_t rank,
                          bool decay);
/* params[i] uniform in [-bound, bound], drawn from (seed, stream, i). */
void wk__init_uniform(wk_real *params, size_t n, double bound, uint64_t seed, uint64_t stream);
/* Inference's batch norm of channel c: x scale + shift. */
void wk__batch_norm_affine(const wk__layer *l, const wk_real *params, size_t c, wk_real *scale,
                           wk_real *shift);
/* Inverted dropout's factors for a chunk of `ld` padded channels: 0 or 1 / (1 - p). */
void wk__dropout_mask(const wk__run *run, size_t stream, double p, size_t T, size_t ld,
                      wk_real *mask);
/* The same drawn once for each row's sequence: mask [B, ld] holds for all its bars. */
void wk__dropout_mask_locked(const wk__run *run, size_t stream, double p, size_t ld, wk_real *mask);

#endif
