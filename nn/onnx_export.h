/* A network as an ONNX graph: the emitter that onnx_export.c and onnx_layers.c share. */
#ifndef WK_NN_ONNX_EXPORT_H
#define WK_NN_ONNX_EXPORT_H

#include "nn/nn.h"
#include "wick/onnx_write.h"

/* How the axes of a value lie: sequences, channels, time. A step, and what follows the choice of a
 * window's last bar, has no time. */
typedef enum { WK__NTC, WK__NCT, WK__TNC, WK__NC } wk__onnx_layout;

typedef struct {
    char name[96];
    wk__onnx_layout layout;
} wk__onnx_value;

typedef struct {
    const wk_nn *nn;
    const wk_nn_onnx *options;
    bool step;
    wk_text nodes, weights, infos, states_in, states_out; /* parts of the graph */
    size_t n_names;
    bool has_axis[3], has_last; /* constants that are there already */
} wk__onnx_emit;

/* The text of the file; the caller frees it. */
wk_status wk__nn_onnx_bytes(const wk_nn *nn, const wk_nn_onnx *options, bool step, wk_text *out,
                            wk_err *err);

/* A node of one or two inputs (the second may be NULL); attributes are freed. */
void wk__onnx_node(wk__onnx_emit *e, const char *op, const char *a, const char *b,
                   wk_text *attributes, const char *out);
void wk__onnx_node_of(wk__onnx_emit *e, const char *op, const char *const *in, size_t n_in,
                      const char *const *out, size_t n_out, wk_text *attributes);
/* A name that nothing has yet, from the layer's place. */
void wk__onnx_name(wk__onnx_emit *e, const char *place, const char *what, char out[96]);
void wk__onnx_floats(wk__onnx_emit *e, const char *name, const float *v, const int64_t *dims,
                     size_t rank);
void wk__onnx_ints(wk__onnx_emit *e, const char *name, const int64_t *v, size_t n);
/* The constant [axis]. */
const char *wk__onnx_axis(wk__onnx_emit *e, int axis);
wk__onnx_value wk__onnx_as(wk__onnx_emit *e, wk__onnx_value v, wk__onnx_layout layout);
/* The value at the last bar. */
wk__onnx_value wk__onnx_last(wk__onnx_emit *e, wk__onnx_value v);

/* Layer i over v. `last`: only its last bar is needed. */
wk__onnx_value wk__onnx_layer(wk__onnx_emit *e, size_t i, wk__onnx_value v, bool last);

#endif
