/* Walk-forward folds in time order, purged by label end and embargoed. */
#ifndef WICK_SPLIT_H
#define WICK_SPLIT_H

#include <stdint.h>
#include <stdlib.h>

#include "wick/bars.h"

/* Steps are indices into the panel's grid; every range is [begin, end). */
typedef struct {
    size_t train_begin, train_end; /* rows t with end[t] + embargo < test_begin stay */
    size_t test_begin, test_end;
} wk_fold;

/* Folds of `refit_months` civil months from test_from_ns to test_to_ns (0: the panel's end). The
 * first starts at test_from_ns, all others on the first day of a month, counted from that of
 * test_from_ns. train_window_bars 0: expanding. The caller frees *out. */
WK_MUST_CHECK wk_status wk_folds_make(const wk_panel *panel, int64_t test_from_ns,
                                      int64_t test_to_ns, int refit_months,
                                      int64_t train_window_bars, wk_fold **out, size_t *n,
                                      wk_err *err);

/* May row t with its label's end be trained on when the next block starts at `block_begin`?
 * True when end + embargo < block_begin (in steps). */
static inline int wk_split_keeps(int32_t end, size_t embargo, size_t block_begin)
{
    return end > 0 && (size_t)end + embargo < block_begin;
}

#endif
