/* An ONNX graph inside the library: as it was read, and as it is planned. */
#ifndef WK_NN_ONNX_GRAPH_H
#define WK_NN_ONNX_GRAPH_H

#include "nn/layer.h"
#include "wick/arena.h"
#include "wick/onnx.h"

enum { WK__ONNX_MAX_NUMBERS = 1 << 29 }; /* of one tensor */
/* TensorProto.DataType */
enum {
    WK__ONNX_FLOAT = 1,
    WK__ONNX_INT32 = 6,
    WK__ONNX_INT64 = 7,
    WK__ONNX_BOOL = 9,
    WK__ONNX_DOUBLE = 11
};

/* A constant, or a value while planning. Whole numbers, 64-bit whatever they were, are always known
 * while planning; so are their shapes. Numbers lie in memory of a multiple of 16. */
typedef struct {
    bool is_int, is_known;
    size_t rank, n;
    size_t dims[WK_ONNX_RANK_MAX];
    float *f;
    int64_t *i;
} wk__onnx_tensor;

typedef struct {
    const char *name;
    int64_t i;
    float f;
    const char *s;
    size_t n_ints, n_floats, n_strings;
    int64_t *ints;
    float *floats;
    wk__onnx_tensor *t;
} wk__onnx_attribute;

typedef struct {
    const char *op, *name;
    int *in, *out; /* values; -1: not given */
    size_t n_in, n_out;
    wk__onnx_attribute *attributes;
    size_t n_attributes;
} wk__onnx_op;

struct wk_onnx {
    wk_arena arena;
    const char *path;
    int64_t opset;
    const char **names; /* of the values */
    size_t n_values;
    wk__onnx_tensor **constants; /* [n_values], NULL where a value is none */
    wk__onnx_op *ops;
    size_t n_ops;
    wk_onnx_shape *inputs;
    int *input_values, *output_values;
    size_t n_inputs, n_outputs;
};

/* ---- planning ---- */

/* Memory that values share one after another. */
typedef struct wk__onnx_buffer {
    float *p;
    size_t size, n_users;
    struct wk__onnx_buffer *next; /* among the free ones */
} wk__onnx_buffer;

typedef struct {
    void (*run)(const wk__nn_ops *ops, void *arg);
    void *arg;
} wk__onnx_step;

typedef struct {
    const wk_onnx *model;
    const wk__onnx_op *op; /* the one being planned */
    bool of_constants;     /* it is computed while planning */
    wk_arena *arena;
    const wk__nn_ops *ops;
    size_t used, memory_max;
    wk__onnx_tensor *values;
    wk__onnx_buffer **buffers; /* of the values */
    size_t *uses;              /* of the values that are still to come */
    bool *defined;
    wk__onnx_buffer *free, *scratch;
    wk__onnx_step *steps;
    size_t n_steps, steps_size;
    /* What a batch normalisation can be folded into: the convolution that made a value. */
    void **folds;
    wk_err *err;
} wk__onnx_plan;

/* Fails with the node's name in front. */
#define wk__onnx_fail(p, ...) wk__onnx_refuse((p), WK_E_MODEL, __VA_ARGS__)
wk_status wk__onnx_refuse(wk__onnx_plan *p, wk_status code, const char *fmt, ...) WK_PRINTF(3, 4);

/* n numbers of size 4 within the limit, zeroed. */
wk_status wk__onnx_take(wk__onnx_plan *p, size_t n, float **out);
/* The same of memory that is free again after this node. */
wk_status wk__onnx_scratch(wk__onnx_plan *p, size_t n, float **out);
void *wk__onnx_arg(wk__onnx_plan *p, size_t size_bytes);
void wk__onnx_step_add(wk__onnx_plan *p, void (*run)(const wk__nn_ops *, void *), void *arg);

size_t wk__onnx_n_in(const wk__onnx_plan *p);
bool wk__onnx_has(const wk__onnx_plan *p, size_t i);
/* Input i; the node must have it. */
wk_status wk__onnx_in(wk__onnx_plan *p, size_t i, const wk__onnx_tensor **out);
wk_status wk__onnx_in_float(wk__onnx_plan *p, size_t i, const wk__onnx_tensor **out);
wk_status wk__onnx_in_known(wk__onnx_plan *p, size_t i, const char *what,
                            const wk__onnx_tensor **out);
bool wk__onnx_wants(const wk__onnx_plan *p, size_t i);
/* Output i with a shape and memory. Not wanted: *out is NULL. */
wk_status wk__onnx_out(wk__onnx_plan *p, size_t i, bool is_int, size_t rank, const size_t *dims,
                       wk__onnx_tensor **out);
/* Output 0 as the same numbers as the node's input 0, with another shape. */
wk_status wk__onnx_view(wk__onnx_plan *p, size_t rank, const size_t *dims);

const wk__onnx_attribute *wk__onnx_attr(const wk__onnx_plan *p, const char *name);
int64_t wk__onnx_attr_int(const wk__onnx_plan *p, const char *name, int64_t otherwise);
float wk__onnx_attr_float(const wk__onnx_plan *p, const char *name, float otherwise);
bool wk__onnx_attr_is(const wk__onnx_plan *p, const char *name, const char *value);
/* Counts from the back when negative. */
wk_status wk__onnx_axis_of(wk__onnx_plan *p, int64_t axis, size_t rank, size_t *out);
/* Whole numbers of attribute `name` or, where it is missing, of input i; *n is SIZE_MAX when there
 * is neither. */
wk_status wk__onnx_list(wk__onnx_plan *p, const char *name, size_t i, const int64_t **v, size_t *n);
wk_status wk__onnx_count(wk__onnx_plan *p, size_t rank, const size_t *dims, size_t *n);

/* dst[at each index] = src: strides in numbers, over whole numbers or floats. */
typedef struct {
    size_t rank, dims[WK_ONNX_RANK_MAX];
    ptrdiff_t to[WK_ONNX_RANK_MAX], from[WK_ONNX_RANK_MAX];
    float *dst_f;
    const float *src_f;
    int64_t *dst_i;
    const int64_t *src_i;
} wk__onnx_copy;
/* Done now for whole numbers, else in a step. */
void wk__onnx_copy_add(wk__onnx_plan *p, wk__onnx_copy copy);
void wk__onnx_strides(size_t rank, const size_t *dims, ptrdiff_t *out);

static inline int64_t wk__onnx_clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

/* a and b broadcast to dims. */
wk_status wk__onnx_broadcast(wk__onnx_plan *p, const wk__onnx_tensor *a, const wk__onnx_tensor *b,
                             size_t *rank, size_t *dims);
void wk__onnx_broadcast_strides(const wk__onnx_tensor *a, size_t rank, const size_t *dims,
                                ptrdiff_t *out);

/* How a kernel moves over T places, from the node's attributes; kernel_size 0: the attribute says
 * it. */
typedef struct {
    size_t kernel, stride, dilation, before, after, out;
} wk__onnx_taps;
wk_status wk__onnx_window(wk__onnx_plan *p, size_t T, size_t kernel_size, wk__onnx_taps *out);

/* The operators: a row of the table plans one. */
typedef struct {
    const char *op;
    wk_status (*plan)(wk__onnx_plan *p, int kind);
    int kind;
} wk__onnx_row;
extern const wk__onnx_row wk__onnx_move_rows[], wk__onnx_shape_rows[], wk__onnx_math_rows[],
    wk__onnx_reduce_rows[], wk__onnx_product_rows[], wk__onnx_recurrent_rows[];

/* Scales the channels of the convolution `fold` on their way out: y = s y + t. */
void wk__onnx_fold(void *fold, const float *scale, const float *shift);

#endif
