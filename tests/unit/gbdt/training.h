/* What tests of training ask of it: a refusal with its reason, and squared error as a caller's own.
 */
#ifndef WICK_TEST_TRAINING_H
#define WICK_TEST_TRAINING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wick/gbdt.h"

static inline void assert_refused(const wk_gbdt_params *p, const wk_gbdt_data *data, wk_status code,
                                  const char *part)
{
    wk_forest *forest = NULL;
    wk_err err = {0};
    assert_int_equal(wk_gbdt_train(p, data, NULL, NULL, 1, &forest, NULL, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, part);
    assert_null(forest);
}

/* Callbacks of a wk_gbdt_custom; the second is a gain. */
static inline void squared(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end,
                           float *g, float *h)
{
    (void)context;
    for (size_t i = begin; i < end; i++) {
        float w = rows->weight ? rows->weight[i] : 1;
        g[i] = (rows->margin[i] - rows->y[i]) * w;
        h[i] = w;
    }
}

static inline double negated(void *context, const wk_gbdt_rows *rows, size_t begin, size_t end)
{
    double sum = 0;
    (void)context;
    for (size_t i = begin; i < end; i++) {
        double d = (double)rows->margin[i] - (double)rows->y[i];
        sum -= d * d * (rows->weight ? (double)rows->weight[i] : 1);
    }
    return sum;
}

#endif
