/* The daily summary of a bot: what its signals were worth, what it earned and with what, how far
 * its features drifted, and how the process does. */
#ifndef WICK_OPS_MONITOR_H
#define WICK_OPS_MONITOR_H

#include <jansson.h>

#include "wick/bot.h"
#include "wick/run.h"
#include "wick/text.h"

typedef struct {
    const char *journal;    /* the bot's directory or its journal */
    const char *model;      /* directory; "" = no signals judged, no drift */
    int64_t from_ns, to_ns; /* 0: the last UTC day of the journal */
    int days;               /* of the journal, instead of the last one; 0: 1 */
    const wk_store_reader *store;
    /* Bars and features at hand, instead of the store's; NULL: the store's. */
    const wk_run_config *config;
    const wk_panel *panel;
    const wk_feature_table *table;
    int64_t now_ns;               /* for the age of the newest bar; 0: the wall clock */
    const char *const *overrides; /* of the model's configuration: where the candles are */
    size_t n_overrides;
} wk_monitor_options;

/* *out is a new document; see monitor.c for its keys. */
WK_MUST_CHECK wk_status wk_monitor_read(const wk_monitor_options *options, json_t **out,
                                        wk_err *err);
/* The same for people, appended. */
void wk_monitor_text(const json_t *document, wk_text *out);

/* In a few lines of less than 180 bytes, for messages; cut to size_bytes. */
void wk_monitor_brief(const json_t *document, char *out, size_t size_bytes);
/* The summary of a running bot's day: wk_bot_watch.summarise. */
wk_status wk_monitor_summarise(void *ctx, const wk_bot_day *day, char out[WK_BOT_SUMMARY_BYTES],
                               wk_err *err);

#endif
