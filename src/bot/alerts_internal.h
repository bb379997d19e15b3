/* The parts of the alerts: outbox, channels, and what a reply means. */
#ifndef WICK_BOT_ALERTS_INTERNAL_H
#define WICK_BOT_ALERTS_INTERNAL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/alert.h"
#include "wick/http.h"
#include "wick/text.h"

enum { WK__ALERT_BYTES_MAX = 1500, WK__ALERT_KINDS = 5 };
typedef enum { WK__TELEGRAM, WK__DISCORD, WK__CHANNELS } wk__channel_kind;

extern const char *const wk__alert_kind_names[WK__ALERT_KINDS];
extern const char *const wk__channel_names[WK__CHANNELS];

/* Cuts at a character's border below WK__ALERT_BYTES_MAX and replaces what is no UTF-8 by '?'. */
void wk__alert_clean(const char *text, char out[WK__ALERT_BYTES_MAX + 1]);
/* Puts *** in the place of every `secret` (three of another mark where that has a star), of three
 * bytes or more. */
void wk__alert_redact(char *text, const char *secret);

/* ---- what a reply means ---- */

typedef enum {
    WK__SENT,
    WK__AGAIN,   /* not accepted: after wait_ns, or after a back-off when that is below 0 */
    WK__DROP,    /* this message will never be taken */
    WK__DISABLE, /* no message will, until somebody changes the configuration */
    WK__MIGRATED /* the chat has another id now: again at once */
} wk__verdict;

typedef struct {
    wk__verdict verdict;
    int64_t wait_ns;
    int64_t chat; /* MIGRATED */
    char why[160];
} wk__reaction;

/* retry_after_ns: of the reply's header, -1: none. */
wk__reaction wk__alert_react(wk__channel_kind channel, int status, const char *body,
                             int64_t retry_after_ns);

/* ---- a channel ---- */

typedef struct {
    bool on;
    wk__channel_kind kind;
    char url[512], secret[256], chat[64];
    int64_t gate_ns; /* monotonic: nothing before */
    int64_t gap_ns, per_minute_max, n_sent;
    int64_t sent_ns[256]; /* monotonic, the newest n_sent % 256 */
    int failures;         /* in a row */
} wk__channel;

/* Fills what the configuration and the environment say; a channel that neither names stays off. */
WK_MUST_CHECK wk_status wk__channel_open(const wk_alert_config *config, wk__channel_kind kind,
                                         wk__channel *out, wk_err *err);
/* The request's body for this text; appended. */
void wk__channel_body(const wk__channel *channel, const char *text, wk_text *out);
/* Counts a message of now, and closes the gate as the limits ask. */
void wk__channel_count(wk__channel *channel, int64_t now_ns);
int64_t wk__alert_backoff_ns(int failures, uint64_t salt);

/* ---- the outbox ---- */

typedef struct wk__outbox wk__outbox;

typedef struct {
    int64_t id;
    int kind, tries;
    char text[WK__ALERT_BYTES_MAX + 128]; /* with its id */
} wk__outbox_item;

WK_MUST_CHECK wk_status wk__outbox_open(const char *path, wk__outbox **out, wk_err *err);
void wk__outbox_close(wk__outbox *outbox);
/* Durable when it returns, for each of the channels whose bit is set. */
WK_MUST_CHECK wk_status wk__outbox_add(wk__outbox *outbox, int kind, const char *text,
                                       int64_t time_ns, unsigned channels, wk_err *err);
/* The message whose turn it is on this channel: urgent kinds first, then in order; those that
 * failed five times wait behind the others. *found false: none. */
WK_MUST_CHECK wk_status wk__outbox_next(wk__outbox *outbox, wk__channel_kind channel,
                                        wk__outbox_item *out, bool *found, wk_err *err);
/* It is about to go out. */
WK_MUST_CHECK wk_status wk__outbox_begin(wk__outbox *outbox, wk__channel_kind channel, int64_t id,
                                         wk_err *err);
/* It arrived (why NULL), or never will. */
WK_MUST_CHECK wk_status wk__outbox_end(wk__outbox *outbox, wk__channel_kind channel, int64_t id,
                                       const char *why, wk_err *err);

#endif
