/* What a dataset takes from outside the candles: tapes with flow features, and outside series. */
#ifndef WICK_EVAL_DATASET_OUTSIDE_H
#define WICK_EVAL_DATASET_OUTSIDE_H

#include "wick/run.h"

/* The panel of data.tape: candles of the trades, its outside columns the flow features. */
WK_MUST_CHECK wk_status wk__dataset_load_tapes(const wk_data_config *data, const char *root,
                                               wk_panel *out, wk_err *err);

/* Adds the columns of data.outside to the panel. */
WK_MUST_CHECK wk_status wk__dataset_join_outside(const wk_data_config *data, const char *root,
                                                 const wk_store_reader *store, wk_panel *panel,
                                                 wk_err *err);

#endif
