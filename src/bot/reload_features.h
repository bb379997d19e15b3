/* The features of the steps that a bot has seen, as its first model sees them: for drift. */
#ifndef WICK_BOT_RELOAD_FEATURES_H
#define WICK_BOT_RELOAD_FEATURES_H

#include "reload_history.h"
#include "wick/bot.h"

/* Rows in a nameless file, column by column: a month of them is too much memory for a small box. */
typedef struct {
    wk_feature_columns columns;
    int fd;
    size_t room, n_buffered; /* rows */
    float *buffer;           /* [F, WK__COLUMNS_ROWS] the newest rows */
} wk__history_columns;
enum { WK__COLUMNS_ROWS = 256 };

/* Bars of the model's markets and timeframe that closed in the day before end_ns, in the arena, and
 * their valid rows of features of the 30 days before it, as far as the history reaches; their file
 * is in `dir`. columns->fd is -1 before; finish them in any case, at the place where they are. */
WK_MUST_CHECK wk_status wk__history_features(const wk__history *history,
                                             const wk_trade_instrument *markets, size_t n_markets,
                                             int64_t step_ns, const wk_run_config *config,
                                             int64_t end_ns, const char *dir, wk_arena *arena,
                                             wk_panel *panel, wk__history_columns *columns,
                                             wk_err *err);
void wk__history_columns_finish(wk__history_columns *columns);

#endif
