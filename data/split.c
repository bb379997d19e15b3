#include "wick/split.h"

#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"

/* First step that opens at or after time_ns, at most T. */
static size_t step_at(const wk_panel *panel, int64_t time_ns)
{
    if (time_ns <= panel->start_ns)
        return 0;
    int64_t step = (time_ns - panel->start_ns + panel->timeframe_ns - 1) / panel->timeframe_ns;
    return step > (int64_t)panel->T ? panel->T : (size_t)step;
}

static int64_t months_later(int64_t time_ns, int64_t months)
{
    wk_civil c = wk_civil_from_ns(time_ns);
    int64_t month = (int64_t)c.year * 12 + (c.month - 1) + months;
    return wk_civil_to_ns((int)(month / 12), (int)(month % 12) + 1, 1);
}

wk_status wk_folds_make(const wk_panel *panel, int64_t test_from_ns, int64_t test_to_ns,
                        int refit_months, int64_t train_window_bars, wk_fold **out, size_t *n,
                        wk_err *err)
{
    if (refit_months < 1 || refit_months > 1200)
        return wk_fail(err, WK_E_ARG, "refit every %d months; choose 1 to 1200", refit_months);
    if (train_window_bars < 0)
        return wk_fail(err, WK_E_ARG, "training window of %lld bars; choose 0 (expanding) or more",
                       (long long)train_window_bars);
    char from[32], to[32], first[32], last[32];
    int64_t panel_end_ns = panel->start_ns + (int64_t)panel->T * panel->timeframe_ns;
    int64_t end_ns = test_to_ns == 0 || test_to_ns > panel_end_ns ? panel_end_ns : test_to_ns;
    size_t test_begin = step_at(panel, test_from_ns), test_end = step_at(panel, end_ns);
    if (test_begin == 0 || test_begin >= test_end)
        return wk_fail(err, WK_E_DATA,
                       "no test steps with training before them: test from %s to %s, bars from %s "
                       "to %s; move the "
                       "test into the bars",
                       wk_time_format(test_from_ns, from), wk_time_format(end_ns, to),
                       wk_time_format(panel->start_ns, first), wk_time_format(panel_end_ns, last));
    size_t capacity = 0, count = 0;
    wk_fold *folds = NULL;
    for (int64_t k = 0;; k++) {
        int64_t begin_ns = k == 0 ? test_from_ns : months_later(test_from_ns, k * refit_months);
        if (begin_ns >= end_ns)
            break;
        size_t begin = step_at(panel, begin_ns);
        size_t end = step_at(panel, months_later(test_from_ns, (k + 1) * refit_months));
        end = end < test_end ? end : test_end;
        if (begin >= end)
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 16;
            wk_fold *grown = realloc(folds, capacity * sizeof *folds);
            if (!grown) {
                free(folds);
                return wk_fail(err, WK_E_NOMEM, "out of memory for %zu folds", capacity);
            }
            folds = grown;
        }
        size_t window = (size_t)train_window_bars;
        folds[count++] = (wk_fold){.train_begin = window && begin > window ? begin - window : 0,
                                   .train_end = begin,
                                   .test_begin = begin,
                                   .test_end = end};
    }
    *out = folds;
    *n = count;
    return WK_OK;
}
