/* The daily summary of a bot: what its signals were worth, what it earned and with what, how far
 * its features drifted, and how the process does. */
#ifndef WICK_OPS_MONITOR_H
#define WICK_OPS_MONITOR_H

#include <jansson.h>

#include "wick/run.h"
#include "wick/text.h"

typedef struct {
    const char *journal;    /* the bot's directory or its journal */
    const char *model;      /* directory; "" = no signals judged, no drift */
    int64_t from_ns, to_ns; /* 0: the last UTC day of the journal */
    int days;               /* of the journal, instead of the last one; 0: 1 */
    const wk_store_reader *store;
    const char *const *overrides; /* of the model's configuration: where the candles are */
    size_t n_overrides;
} wk_monitor_options;

/* *out is a new document; see monitor.c for its keys. */
WK_MUST_CHECK wk_status wk_monitor_read(const wk_monitor_options *options, json_t **out,
                                        wk_err *err);
/* The same for people, appended. */
void wk_monitor_text(const json_t *document, wk_text *out);

#endif
