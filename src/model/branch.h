/* Between a branch's training and its outputs. */
#ifndef WICK_MODEL_BRANCH_H
#define WICK_MODEL_BRANCH_H

#include "wick/model.h"

/* Row r as the network sees it, into x [n_inputs]: standardised, clipped, and 0 (the mean) where
 * there is nothing. */
void wk__branch_standardise(const wk_branch *branch, const wk_columns *data, size_t r, float *x);

/* The head's outputs [WK_NN_HEADS] as the meta-learner sees them, into out [WK_BRANCH_COLUMNS]. */
void wk__branch_columns_of(const float *head, float *out);

#endif
