/* Results of experiments in a file, a JSON line each, so that a table of many hours can be stopped,
 * gone on with, and printed again. */
#ifndef NN_RESULTS_H
#define NN_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

typedef struct {
    double score, single; /* the mean over the seeds; of an ensemble's networks one by one */
    size_t params;
    double seconds;
} nn_result;

/* The result of `of` (a hash of all that it depends on) in the file, which need not exist; *found
 * says whether it is there. A line that cannot be read is an error that names it. */
WK_MUST_CHECK wk_status nn_results_find(const char *path, const char *of, nn_result *out,
                                        bool *found, wk_err *err);
/* Appends a line; experiment, model and what are for the reader. */
WK_MUST_CHECK wk_status nn_results_add(const char *path, const char *of, const char *experiment,
                                       const char *model, const char *what, const nn_result *result,
                                       wk_err *err);

#endif
