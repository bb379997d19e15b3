/* Prediction over a plan, one table an instruction set. All give the bits of the plain walk: every
 * leaf found is the same and sums run in the order of the trees. Nothing allocates or fails. */
#ifndef WICK_GBDT_OPS_H
#define WICK_GBDT_OPS_H

#include "gbdt/plan.h"

typedef struct wk__gbdt_ops {
    const char *name;
    bool follows_links; /* wk__gbdt_plan_link must have been called */
    /* One row of n_features floats -> margins [n_outputs]. */
    void (*row)(const wk__gbdt_plan *plan, const float *row, float *margin);
    /* n_rows <= WK__GBDT_TILE rows -> margins [n_rows, n_outputs]. */
    void (*tile)(const wk__gbdt_plan *plan, const float *X, size_t n_rows, size_t stride,
                 float *margin);
} wk__gbdt_ops;

extern const wk__gbdt_ops wk__gbdt_ops_avx2;
extern const wk__gbdt_ops wk__gbdt_ops_avx512;

/* Table i of those this machine and WICK_CPU allow, fastest first; NULL after the last, where the
 * plain walk in C takes over. */
const wk__gbdt_ops *wk__gbdt_ops_at(size_t i);

#endif
