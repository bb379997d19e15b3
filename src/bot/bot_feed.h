/* Feeds a bot with live bars or with those of a recording. */
#ifndef WICK_BOT_BOT_FEED_H
#define WICK_BOT_BOT_FEED_H

#include "wick/bot.h"

typedef struct {
    const wk_bot_config *config;
    wk_bot *bot;
    const char *replay; /* a recording; NULL: the live feed */
    double speed;       /* of a replay; 0: as fast as it goes */
    atomic_bool *stop;  /* also set when the bot fails */
} wk_bot_feed;

/* Warms the bot up on the store's bars before the first one that comes, then runs until the
 * recording ends or *stop. */
WK_MUST_CHECK wk_status wk_bot_feed_run(const wk_bot_feed *feed, wk_err *err);

/* The directory of a bot's journal: config->dir, or $WICK_HOME/bots/<name>. */
WK_MUST_CHECK wk_status wk_bot_dir(const wk_bot_config *config, char *out, size_t size_bytes,
                                   wk_err *err);

#endif
