/* Reading an ONNX file: what its parts share. */
#ifndef WK_NN_ONNX_READ_H
#define WK_NN_ONNX_READ_H

#include "nn/onnx_graph.h"
#include "wick/protobuf.h"

typedef struct {
    wk_onnx *m;
    wk_err *err;
    int *table; /* values by their name: open addressing, -1 is free */
    size_t table_size;
} wk__onnx_reader;

/* Fails with the file's name in front. */
wk_status wk__onnx_bad(wk__onnx_reader *r, const char *fmt, ...) WK_PRINTF(2, 3);

/* A field of `view`; ends with it. */
#define WK__ONNX_EACH_FIELD(view, f, why) while (wk_pb_next(&(view), &(f), &(why)))
#define WK__ONNX_CHECK(r, why, where)                                                              \
    do {                                                                                           \
        if (why)                                                                                   \
            return wk__onnx_bad((r), "%s: %s; not an ONNX file, or cut short", (where), (why));    \
    } while (0)

/* A copy in the model's arena; `what` names it in the refusal of what is no text. */
wk_status wk__onnx_read_text(wk__onnx_reader *r, const wk_pb_field *f, const char *what,
                             const char **out);

/* Numbers of a repeated field, packed or not, appended to v [max]; *n counts them. */
wk_status wk__onnx_read_ints(wk__onnx_reader *r, const wk_pb_field *f, int64_t *v, size_t max,
                             size_t *n);
wk_status wk__onnx_read_floats(wk__onnx_reader *r, const wk_pb_field *f, float *v, size_t max,
                               size_t *n);
float wk__onnx_float_of(uint32_t bits);

/* A TensorProto; name may be NULL. */
wk_status wk__onnx_read_tensor(wk__onnx_reader *r, wk_pb_view view, const char **name,
                               wk__onnx_tensor **out);

#endif
