/* The network behind wick/nn.h: layers and their parameters. */
#ifndef WK_NN_NN_H
#define WK_NN_NN_H

#include "nn/net.h"

enum {
    WK__WARMUP_CHUNKS = 4,       /* warm-up of recurrent layers, in truncation lengths */
    WK__TRUNCATION_DEFAULT = 64, /* before any training */
    WK__WINDOW_MAX = 1 << 20,    /* longest window, in bars */
};

struct wk_nn {
    wk_arena arena; /* owns everything below */
    wk__net net;
    float *params;                       /* [n_params], canonical layout */
    bool *decay;                         /* [n_params] */
    char (*names)[96];                   /* of the tensors */
    size_t *tensor_layer, *tensor_index; /* which tensor of which layer */
    size_t n_tensors;
    size_t warmup;  /* of recurrent layers */
    size_t updates; /* of training so far; 0: fresh from its seed */
};

/* What stands before the name of a tensor of layer i: its branch and its place in it. */
void wk__nn_layer_name(const wk__net *net, size_t i, char *text, size_t size);

/* Reads the bytes of a safetensors file; `path` stands in messages only. */
wk_status wk__nn_parse(const char *path, const char *bytes, size_t size, wk_nn **out, wk_err *err);

#endif
