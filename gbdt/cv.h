/* What cross-validation and permutation importance share. */
#ifndef WICK_GBDT_CV_INTERNAL_H
#define WICK_GBDT_CV_INTERNAL_H

#include "wick/gbdt_cv.h"

/* Rows of a table as a table of their own, in the arena; groups become the runs that are left. */
void wk__gbdt_take(const wk_gbdt_data *data, size_t n_outputs, const uint32_t *rows, size_t n_rows,
                   wk_arena *arena, wk_gbdt_data *out);

#endif
