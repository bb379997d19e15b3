/* Forecasts on disk: one HDF5 file a run. Each strategy is a group with the datasets score, p_sell,
 * p_hold, p_buy, magnitude, volatility, threshold (f32 [T, S]) and valid (u8 [T, S]); the root
 * holds time (int64 ns, [T]) and the attributes first_step, judge_step, end_step. Equal forecasts
 * give equal bytes. */
#ifndef WICK_EVAL_FORECAST_FILE_H
#define WICK_EVAL_FORECAST_FILE_H

#include "walk_forward.h"

WK_MUST_CHECK wk_status wk_forecast_file_write(const char *path, const wk_panel *panel,
                                               const wk_walk_forward *walk, wk_err *err);

/* Reads strategies and steps; T and S must be the panel's. Release with wk_walk_forward_finish. */
WK_MUST_CHECK wk_status wk_forecast_file_read(const char *path, const wk_panel *panel,
                                              wk_walk_forward *out, wk_err *err);

#endif
