/* Prediction over a plan, one table an instruction set. All give the bits of the plain walk: every
 * leaf found is the same and sums run in the order of the trees. Nothing allocates or fails. */
#ifndef WICK_GBDT_OPS_H
#define WICK_GBDT_OPS_H

#include "gbdt/plan.h"
#include "gbdt/slices.h"

/* n_behind rows follow the slice, for a later one. */
typedef struct {
    const float *X;
    size_t n_rows, stride, n_behind;
} wk__gbdt_rows_of_slice;

typedef struct wk__gbdt_ops {
    const char *name;
    bool follows_links; /* wk__gbdt_plan_link must have been called */
    /* One row of n_features floats -> margins [n_outputs]. */
    void (*row)(const wk__gbdt_plan *plan, const float *row, float *margin);
    /* n_rows <= WK__GBDT_TILE rows -> margins [n_rows, n_outputs]. */
    void (*tile)(const wk__gbdt_plan *plan, const float *X, size_t n_rows, size_t stride,
                 float *margin);
    /* n_rows <= WK__GBDT_SLICE rows -> predictions [n_rows, n_outputs], where the plan has slices;
     * link is a wk__gbdt_link. pool has wk__gbdt_slices' pool_bits, aligned, overwritten. NULL:
     * this table has none. */
    void (*slice)(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows, int link,
                  wk__gbdt_bits *pool, float *out);
    /* The row of a slice whose sum is at place i of WK__GBDT_SLICE. */
    size_t (*slice_row)(size_t i);
} wk__gbdt_ops;

extern const wk__gbdt_ops wk__gbdt_ops_avx2;
extern const wk__gbdt_ops wk__gbdt_ops_avx512, wk__gbdt_ops_avx512_gfni;
void wk__gbdt_slice_avx512(const wk__gbdt_plan *plan, const wk__gbdt_rows_of_slice *rows, int link,
                           wk__gbdt_bits *pool, float *out);
size_t wk__gbdt_slice_row_avx512(size_t i);

/* Table i of those this machine and WICK_CPU allow, fastest first; NULL after the last, where the
 * plain walk in C takes over. */
const wk__gbdt_ops *wk__gbdt_ops_at(size_t i);

#endif
