/* Branches of layers, the stack after them, and the memory to run them, without knowing what they
 * are for. Layers stand in the order they run: branch by branch, then the trunk, then the head. */
#ifndef WK_NN_NET_H
#define WK_NN_NET_H

#include "nn/layer.h"
#include "wick/arena.h"

enum {
    WK__INPUT = -1,  /* source of a layer: the network's input */
    WK__JOINED = -2, /* source: the branches' outputs beside each other */
    WK__BRANCHES_MAX = 16
};

typedef struct {
    char name[32];
    size_t first, n; /* its layers */
    int end;         /* the layer whose output it is, or WK__INPUT when it has none */
    size_t out;      /* channels */
} wk__branch;

typedef struct {
    wk__layer *layers; /* the last one is the head, a dense layer */
    size_t n_layers, F, n_outputs;
    size_t n_params, n_packed, n_grad;
    size_t n_branches; /* 0: a stack */
    wk__branch branches[WK__BRANCHES_MAX];
    size_t trunk, joined; /* the trunk's first layer; channels of the joined branches */
} wk__net;

/* Builds the layers in `arena`. */
wk_status wk__net_build(wk_arena *arena, const wk_nn_config *config, size_t F, size_t n_outputs,
                        wk__net *out, wk_err *err);
void wk__net_init(const wk__net *net, wk_real *params, uint64_t seed);
void wk__net_pack(const wk__net *net, const wk_real *params, wk_real *packed);
void wk__net_unpack(const wk__net *net, const wk_real *params, const wk_real *grad,
                    wk_real *dparams);
/* Lets the layers' running statistics follow what backward left in grad. */
void wk__net_track(const wk__net *net, const wk_real *grad, wk_real *params);

/* Everything that running chunks of up to T_max bars and B rows needs. */
typedef struct {
    wk__run run;
    wk_real *x;      /* [T, B, pad(F)], filled by the caller, padding stays 0 */
    wk_real **act;   /* outputs of each layer */
    wk_real *joined; /* of the branches */
    wk_real **tape;  /* of each layer */
    wk_real **state;
    wk_real *state_all; /* the states in one piece */
    size_t n_state;
    wk_real *d[2];   /* gradients between layers; d[0] takes the head's. NULL without backward */
    wk_real **d_end; /* of the branches' outputs */
} wk__work;

void wk__work_build(wk_arena *arena, const wk__net *net, const wk__nn_ops *ops, size_t B,
                    size_t T_max, bool backward, wk__work *out);
/* row == B: all rows. */
void wk__work_reset(const wk__net *net, wk__work *work, size_t row);
/* Returns the outputs [T, B, pad(n_outputs)]. */
const wk_real *wk__net_forward(const wk__net *net, const wk_real *packed, wk__work *work, size_t T);
/* Adds to grad [n_grad] from the head's gradient in work->d[0]; after forward on the same chunk. */
void wk__net_backward(const wk__net *net, const wk_real *packed, wk__work *work, wk_real *grad,
                      size_t T);

/* One bar of one row; prepare first, and after each bar. */
const wk_real *wk__net_step(const wk__net *net, const wk_real *packed, wk__work *work);
void wk__net_prepare(const wk__net *net, const wk_real *packed, wk__work *work);

#endif
