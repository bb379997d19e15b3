/* What a model's features looked like in training: quantiles a column, for the drift of live ones.
 */
#ifndef WICK_EVAL_REFERENCE_H
#define WICK_EVAL_REFERENCE_H

#include "wick/run.h"

enum { WK_REFERENCE_POINTS = 100, WK_REFERENCE_ROWS_MAX = 20000 };

/* Writes model_dir/reference.json from the valid rows of steps [0, end_step): point i of a column
 * is its quantile (i + 0.5) / 100. */
WK_MUST_CHECK wk_status wk_reference_write(const wk_dataset *dataset, size_t end_step,
                                           const char *model_dir, wk_err *err);

#endif
