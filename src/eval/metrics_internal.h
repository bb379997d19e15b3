/* What the files of the metrics library share. */
#ifndef WICK_EVAL_METRICS_INTERNAL_H
#define WICK_EVAL_METRICS_INTERNAL_H

#include <stddef.h>

/* The quantile of n >= 1 ascending values, linear between neighbours (R's type 7). */
double wk__quantile_sorted(const double *s, size_t n, double q);

#endif
