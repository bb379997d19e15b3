/* Parts of an ONNX file (IR 8, opset 17, ai.onnx.ml 3), as protocol buffers; field numbers are
 * those of onnx.proto. */
#ifndef WICK_ONNX_WRITE_H
#define WICK_ONNX_WRITE_H

#include "wick/protobuf.h"

enum {
    WK_ONNX_ATTRIBUTE_FLOAT = 1,
    WK_ONNX_ATTRIBUTE_INT = 2,
    WK_ONNX_ATTRIBUTE_STRING = 3,
    WK_ONNX_ATTRIBUTE_FLOATS = 6,
    WK_ONNX_ATTRIBUTE_INTS = 7,
    WK_ONNX_ATTRIBUTE_STRINGS = 8
};
enum { WK_ONNX_FLOAT = 1, WK_ONNX_INT64 = 7 };
enum { WK_ONNX_INPUT = 11, WK_ONNX_OUTPUT = 12 }; /* of a graph */

/* An attribute of a node, whose values follow in `values` already encoded, one a field; frees them.
 */
void wk_onnx_put_attribute(wk_text *node, const char *name, int type, wk_text *values);
void wk_onnx_put_int(wk_text *node, const char *name, int64_t value);
void wk_onnx_put_ints(wk_text *node, const char *name, const int64_t *values, size_t n);
void wk_onnx_put_float(wk_text *node, const char *name, float value);
void wk_onnx_put_string(wk_text *node, const char *name, const char *value);
/* A list's values: each appends one. */
void wk_onnx_add_int(wk_text *values, int64_t x);
void wk_onnx_add_float(wk_text *values, float x);

/* A graph's input or output. A dimension is a name, or a number where that is NULL. */
typedef struct {
    const char *name;
    int64_t n;
} wk_onnx_dim;
void wk_onnx_put_value_info(wk_text *graph, unsigned field, const char *name, int type,
                            const wk_onnx_dim *dims, size_t rank);

/* An initializer: `size_bytes` of raw data. */
void wk_onnx_put_tensor(wk_text *graph, const char *name, int type, const int64_t *dims,
                        size_t rank, const void *data, size_t size_bytes);

/* Around a graph, which is freed: who wrote it and what it needs; `ml` adds ai.onnx.ml. */
void wk_onnx_put_model(wk_text *model, wk_text *graph, bool ml);

#endif
