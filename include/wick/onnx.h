/* ONNX graphs of others: read, planned for the shapes of their inputs, run. One-dimensional
 * networks of f32: convolutions, pools, LSTM, GRU, products, norms, activations, and the plumbing
 * of shapes, which is done while planning. Operators of the default domain, opset 7 and later; what
 * is not known is refused by its name. A reader of outside bytes: all is checked, external data is
 * refused. */
#ifndef WICK_ONNX_H
#define WICK_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

enum { WK_ONNX_RANK_MAX = 8 };

typedef struct {
    const char *name; /* of a port; may be NULL where a shape is given */
    size_t rank;
    int64_t dims[WK_ONNX_RANK_MAX]; /* of a port -1: any */
} wk_onnx_shape;

typedef struct wk_onnx wk_onnx; /* a graph as it was read; immutable */

/* `path` stands in messages only; the bytes are not kept. */
WK_MUST_CHECK wk_status wk_onnx_parse(const char *path, const void *bytes, size_t size_bytes,
                                      wk_onnx **out, wk_err *err);
WK_MUST_CHECK wk_status wk_onnx_load(const char *path, wk_onnx **out, wk_err *err);
void wk_onnx_destroy(wk_onnx *model);
size_t wk_onnx_n_inputs(const wk_onnx *model);
size_t wk_onnx_n_outputs(const wk_onnx *model);
const wk_onnx_shape *wk_onnx_input(const wk_onnx *model, size_t i);
const char *wk_onnx_output_name(const wk_onnx *model, size_t i);

typedef struct wk_onnx_plan wk_onnx_plan; /* for one caller at a time; borrows the model */

/* For inputs of these shapes, one for each, in at most memory_max bytes (0: 1 GiB); WK_E_RANGE when
 * that is not enough. */
WK_MUST_CHECK wk_status wk_onnx_plan_build(const wk_onnx *model, const wk_onnx_shape *inputs,
                                           size_t memory_max, wk_onnx_plan **out, wk_err *err);
void wk_onnx_plan_destroy(wk_onnx_plan *plan);
/* To be filled before each run. */
float *wk_onnx_plan_input(wk_onnx_plan *plan, size_t i);
/* No allocation, lock or system call. NaN in the data comes out as NaN. */
void wk_onnx_run(wk_onnx_plan *plan);
/* Row-major; valid until the next run. */
const float *wk_onnx_plan_output(const wk_onnx_plan *plan, size_t i, wk_onnx_shape *shape);

#endif
