/* The features of the steps that a bot has seen, as its first model sees them: for drift. */
#ifndef WICK_BOT_RELOAD_FEATURES_H
#define WICK_BOT_RELOAD_FEATURES_H

#include "reload_history.h"
#include "wick/bot.h"

/* Bars of the model's markets and timeframe that closed by end_ns, of the last 30 days and the
 * warm-up before them as far as the history reaches, and their features; all in the arena. */
WK_MUST_CHECK wk_status wk__history_features(const wk__history *history,
                                             const wk_trade_instrument *markets, size_t n_markets,
                                             int64_t step_ns, const wk_run_config *config,
                                             int64_t end_ns, wk_arena *arena, wk_panel *panel,
                                             wk_feature_table *table, wk_err *err);

#endif
