/* Alerts: short messages for people, to Telegram and Discord, sent by a thread of their own:
 * rate-limited, retried, at least once and each with an id, never blocking a trade. What is not
 * sent yet survives a crash in the outbox. */
#ifndef WICK_ALERT_H
#define WICK_ALERT_H

#include "wick/config.h"
#include "wick/err.h"

typedef enum {
    WK_ALERT_FILL,
    WK_ALERT_STOP,
    WK_ALERT_HALT,
    WK_ALERT_ERROR,
    WK_ALERT_SUMMARY
} wk_alert_kind;

typedef struct {
    const char *telegram_chat, *telegram_host; /* token from the environment: WICK_TELEGRAM_TOKEN */
    const char *discord_host; /* webhook path from the environment: WICK_DISCORD_WEBHOOK */
    wk_strings kinds;         /* which are sent: fill stop halt error summary; empty: all */
    int64_t per_minute_max;
    const char *outbox; /* SQLite file; "" = beside the journal */
    const char *ca_file;
} wk_alert_config;
extern const wk_cfg_table wk_alert_config_table;

typedef struct wk_alerts wk_alerts;

WK_MUST_CHECK wk_status wk_alerts_open(const wk_alert_config *config, const char *outbox,
                                       wk_alerts **out, wk_err *err);
/* Copies the text (UTF-8, at most 1,500 bytes) into a ring; false when it is full. Never blocks or
 * allocates. */
bool wk_alerts_send(wk_alerts *alerts, wk_alert_kind kind, const char *text);
/* Sends what can be sent within timeout_ns, keeps the rest in the outbox, ends the thread. */
void wk_alerts_close(wk_alerts *alerts, int64_t timeout_ns);

#endif
