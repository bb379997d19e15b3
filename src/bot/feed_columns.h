/* The columns beside a feed's candles: order-flow rows of the bars that close, and outside series
 * as of what was known before each step's close. Both have the bits that the panel of a dataset has
 * for the same data. */
#ifndef WICK_BOT_FEED_COLUMNS_H
#define WICK_BOT_FEED_COLUMNS_H

#include "wick/bot.h"
#include "wick/features.h"

typedef struct wk__feed_columns wk__feed_columns;

typedef struct {
    size_t S;
    int64_t timeframe_ns;       /* of the bot's steps */
    const wk_data_config *data; /* of the models, which must agree in their columns */
    const char (*symbols)[32];  /* [S] as the models call them */
    const char *store;          /* root of the store that the series without a file come from */
    bool is_replay;             /* all that was ever stored is there: it is read once */
} wk__feed_columns_options;

/* What the bot's models want beside candles: *data is the section to plan for, NULL when none of
 * them wants any. Refuses models whose columns differ, and flow rows of another period than the
 * step's. */
WK_MUST_CHECK wk_status wk__feed_columns_agree(const wk_bot_config *config, const wk_bot *bot,
                                               const wk_data_config **data, wk_err *err);

/* Reads the series. Everything in the options but `symbols` is borrowed. */
WK_MUST_CHECK wk_status wk__feed_columns_open(const wk__feed_columns_options *options,
                                              wk__feed_columns **out, wk_err *err);
void wk__feed_columns_close(wk__feed_columns *columns);

/* The period of flow rows that the feed must make, "" when no model wants any. */
const char *wk__feed_columns_flow(const wk__feed_columns *columns);
/* A row of flow features [WK_FLOW_COLUMNS] of the bar that opened at open_ns; kept for the next 64
 * steps. */
void wk__feed_columns_put_flow(wk__feed_columns *columns, size_t s, int64_t open_ns,
                               const double *row);
/* The rows that the store has of market s, under its names there, in [from_ns, to_ns): for steps of
 * history. */
WK_MUST_CHECK wk_status wk__feed_columns_history(wk__feed_columns *columns, size_t s,
                                                 const char *venue, const char *symbol,
                                                 int64_t from_ns, int64_t to_ns, wk_err *err);

/* All columns [S * K] of the step that opened at time_ns, borrowed until the next call. Steps come
 * in order. A series that cannot be read now stays as it was, with a warning. */
const double *wk__feed_columns_at(wk__feed_columns *columns, int64_t time_ns);

#endif
