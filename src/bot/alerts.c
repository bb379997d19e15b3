/* The alerts' thread: ring to outbox to channels. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alerts_internal.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/log.h"
#include "wick/ring.h"

enum { RING_RECORDS = 256, BATCH = 32 };
static const int64_t busy_wait_ns = 50000000, idle_wait_ns = 250000000;

typedef struct {
    int kind;
    int64_t time_ns;
    char text[WK__ALERT_BYTES_MAX + 1];
} record;

struct wk_alerts {
    wk_ring *ring;
    wk__outbox *outbox;
    wk_http *http;
    wk__channel channels[WK__CHANNELS];
    bool kinds[WK__ALERT_KINDS];
    pthread_t thread;
    bool runs;
    atomic_bool stop;
    _Atomic int64_t stop_ns;
    record held; /* of the thread: popped, and the disk would not take it yet */
    bool has_held, told_disk;
};

/* ---- the configuration ---- */

static const wk_cfg_row rows[] = {
    {"telegram_chat", WK_CFG_STRING, offsetof(wk_alert_config, telegram_chat), NULL, "\"\"", 0, 0,
     NULL, NULL, "chat id or @channel; the token is in WICK_TELEGRAM_TOKEN; empty: no Telegram"},
    {"telegram_host", WK_CFG_STRING, offsetof(wk_alert_config, telegram_host), NULL,
     "\"api.telegram.org\"", 0, 0, NULL, NULL, "of the Bot API, host or host:port"},
    {"discord_host", WK_CFG_STRING, offsetof(wk_alert_config, discord_host), NULL,
     "\"discord.com\"", 0, 0, NULL, NULL,
     "of the webhook, whose path is in WICK_DISCORD_WEBHOOK; without that: no Discord"},
    {"kinds", WK_CFG_STRINGS, offsetof(wk_alert_config, kinds), NULL, "[]", 0, 0, NULL, NULL,
     "which are sent: fill stop halt error summary; empty: all"},
    {"per_minute_max", WK_CFG_INT, offsetof(wk_alert_config, per_minute_max), NULL, "20", 1, 6000,
     NULL, NULL, "messages a minute in one chat; a group of Telegram takes 20"},
    {"outbox", WK_CFG_STRING, offsetof(wk_alert_config, outbox), NULL, "\"\"", 0, 0, NULL, NULL,
     "file of what is not sent yet; empty: alerts.sqlite beside the journal"},
    {"ca_file", WK_CFG_STRING, offsetof(wk_alert_config, ca_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "certificates to trust, PEM; empty: the system's"},
    {.key = NULL}};
const wk_cfg_table wk_alert_config_table = {"alerts", "messages for people: Telegram, Discord",
                                            sizeof(wk_alert_config), rows};

static wk_status choose_kinds(const wk_alert_config *config, bool kinds[WK__ALERT_KINDS],
                              wk_err *err)
{
    for (int k = 0; k < WK__ALERT_KINDS; k++)
        kinds[k] = config->kinds.n == 0;
    for (size_t i = 0; i < config->kinds.n; i++) {
        int k = 0;
        while (k < WK__ALERT_KINDS && strcmp(config->kinds.v[i], wk__alert_kind_names[k]) != 0)
            k++;
        if (k == WK__ALERT_KINDS)
            return wk_fail(err, WK_E_CONFIG,
                           "alerts.kinds: \"%s\" is none of fill stop halt error summary",
                           config->kinds.v[i]);
        kinds[k] = true;
    }
    return WK_OK;
}

/* ---- the thread ---- */

static void tell_disk(wk_alerts *a, const wk_err *err)
{
    if (!a->told_disk)
        wk_log_write(WK_LOG_ERROR, "alert", "problem=\"%s\" alerts=held", err->msg);
    a->told_disk = true;
}

/* Ring to outbox. False when the disk refuses: the message is held and tried again. */
static bool collect(wk_alerts *a)
{
    unsigned channels = 0;
    wk_err err;
    for (int c = 0; c < WK__CHANNELS; c++)
        channels |=
            a->channels[c].kind == (wk__channel_kind)c && a->channels[c].url[0] ? 1U << c : 0;
    for (int i = 0; i < BATCH; i++) {
        if (!a->has_held && !(a->has_held = wk_ring_pop(a->ring, &a->held)))
            return true;
        char text[WK__ALERT_BYTES_MAX + 1];
        wk__alert_clean(a->held.text, text);
        if (wk__outbox_add(a->outbox, a->held.kind, text, a->held.time_ns, channels, &err) !=
            WK_OK) {
            tell_disk(a, &err);
            return false;
        }
        a->has_held = a->told_disk = false;
    }
    return true;
}

static void call(wk_alerts *a, wk__channel *c, const wk__outbox_item *item, wk__reaction *out)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    wk_text body = {0};
    wk_http_response reply = {0};
    wk_err err;
    wk__channel_body(c, item->text, &body);
    wk_http_request request = {
        .method = "POST", .url = c->url, .headers = headers, .body = body.s, .body_bytes = body.n};
    if (wk_http_call(a->http, &request, &reply, &err) == WK_OK) {
        *out = wk__alert_react(c->kind, reply.status, reply.body, reply.retry_after_ns);
    } else {
        /* It may have arrived; at least once means again. */
        *out = (wk__reaction){.verdict = WK__AGAIN, .wait_ns = -1};
        wk__alert_redact(err.msg, c->secret);
        snprintf(out->why, sizeof out->why, "%s%.120s", reply.sent ? "unanswered: " : "", err.msg);
    }
    wk__alert_redact(out->why, c->secret);
    wk_http_response_finish(&reply);
    free(body.s);
}

static void deliver(wk_alerts *a, wk__channel *c, const wk__outbox_item *item)
{
    wk_err err;
    wk__reaction r;
    const char *name = wk__channel_names[c->kind];
    if (wk__outbox_begin(a->outbox, c->kind, item->id, &err) != WK_OK) {
        /* Sent now, it could not be marked as sent: it would come again and again. */
        tell_disk(a, &err);
        c->gate_ns = wk_clock_monotonic_ns() + WK_NS_PER_S;
        return;
    }
    wk__channel_count(c, wk_clock_monotonic_ns());
    call(a, c, item, &r);
    int64_t now = wk_clock_monotonic_ns();
    wk_status status = WK_OK;
    if (r.verdict == WK__SENT) {
        c->failures = 0;
        status = wk__outbox_end(a->outbox, c->kind, item->id, NULL, &err);
    } else if (r.verdict == WK__DROP) {
        wk_log_write(WK_LOG_ERROR, "alert", "channel=%s id=%lld refused=\"%s\" kept=outbox", name,
                     (long long)item->id, r.why);
        status = wk__outbox_end(a->outbox, c->kind, item->id, r.why, &err);
    } else if (r.verdict == WK__DISABLE) {
        wk_log_write(WK_LOG_ERROR, "alert", "channel=%s off=\"%s\" kept=outbox", name, r.why);
        c->on = false;
    } else if (r.verdict == WK__MIGRATED) {
        wk_log_write(WK_LOG_WARN, "alert", "channel=%s chat_is_now=%lld", name, (long long)r.chat);
        snprintf(c->chat, sizeof c->chat, "%lld", (long long)r.chat);
    } else {
        int64_t wait = wk__alert_backoff_ns(++c->failures, (uint64_t)item->id);
        if (r.wait_ns >= 0) /* what the server asks for, and a little more */
            wait = r.wait_ns + 20000000;
        if (now + wait > c->gate_ns)
            c->gate_ns = now + wait;
        wk_log_write(WK_LOG_WARN, "alert",
                     "channel=%s id=%lld tries=%d again_in_ms=%lld why=\"%s\"", name,
                     (long long)item->id, item->tries + 1, (long long)(wait / 1000000), r.why);
    }
    if (status != WK_OK)
        tell_disk(a, &err);
}

/* Sends one message of each channel that may; *next is when the next one may go, INT64_MAX: none
 * waits. */
static bool send_some(wk_alerts *a, int64_t *next)
{
    bool any = false;
    *next = INT64_MAX;
    for (int k = 0; k < WK__CHANNELS; k++) {
        wk__channel *c = &a->channels[k];
        wk__outbox_item item;
        wk_err err;
        bool found = false;
        if (!c->on)
            continue;
        if (wk__outbox_next(a->outbox, c->kind, &item, &found, &err) != WK_OK) {
            tell_disk(a, &err);
            continue;
        }
        if (!found)
            continue;
        if (wk_clock_monotonic_ns() >= c->gate_ns) {
            deliver(a, c, &item);
            any = true;
        }
        if (c->on && c->gate_ns < *next)
            *next = c->gate_ns;
    }
    return any;
}

static void *work(void *context)
{
    wk_alerts *a = context;
    wk_thread_background();
    for (;;) {
        bool stopping = atomic_load(&a->stop);
        bool collected = collect(a);
        int64_t next;
        bool any = send_some(a, &next);
        int64_t now = wk_clock_monotonic_ns(), end = atomic_load(&a->stop_ns);
        if (stopping && (now >= end || (collected && !a->has_held && !any && next > end)))
            return NULL;
        if (any && now >= next)
            continue;
        int64_t wait = next == INT64_MAX ? idle_wait_ns : busy_wait_ns;
        if (!collected || (stopping && next != INT64_MAX)) {
            struct timespec pause = {.tv_nsec = 20000000};
            nanosleep(&pause, NULL);
        } else {
            wk_ring_wait(a->ring, stopping ? 1 : wait);
        }
    }
}

/* ---- the interface ---- */

wk_status wk_alerts_open(const wk_alert_config *config, const char *outbox, wk_alerts **out,
                         wk_err *err)
{
    wk_alerts *a = calloc(1, sizeof *a);
    if (!a)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_http_options options = {.ca_file = config->ca_file[0] ? config->ca_file : NULL,
                               .user_agent = "DiscordBot (wick, 1)",
                               .connect_timeout_ns = 5 * WK_NS_PER_S,
                               .total_timeout_ns = 15 * WK_NS_PER_S,
                               .body_bytes_max = 1 << 20};
    wk_status status = choose_kinds(config, a->kinds, err);
    for (int c = 0; c < WK__CHANNELS && status == WK_OK; c++)
        status = wk__channel_open(config, (wk__channel_kind)c, &a->channels[c], err);
    if (status == WK_OK)
        status = wk__outbox_open(config->outbox[0] ? config->outbox : outbox, &a->outbox, err);
    if (status == WK_OK)
        status = wk_http_open(&options, &a->http, err);
    if (status == WK_OK)
        status = wk_ring_create(sizeof(record), RING_RECORDS, &a->ring, err);
    if (status == WK_OK && pthread_create(&a->thread, NULL, work, a) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start the alerts' thread");
    else if (status == WK_OK)
        a->runs = true;
    if (status != WK_OK) {
        wk_alerts_close(a, 0);
        return status;
    }
    *out = a;
    return WK_OK;
}

bool wk_alerts_send(wk_alerts *a, wk_alert_kind kind, const char *text)
{
    WK_ASSERT((int)kind >= 0 && (int)kind < (int)WK__ALERT_KINDS);
    if (!a->kinds[kind])
        return true;
    record r;
    r.kind = (int)kind;
    r.time_ns = wk_clock_wall_ns();
    size_t n = strnlen(text, WK__ALERT_BYTES_MAX);
    memcpy(r.text, text, n);
    memset(r.text + n, 0, sizeof r.text - n);
    return wk_ring_push(a->ring, &r);
}

void wk_alerts_close(wk_alerts *a, int64_t timeout_ns)
{
    if (!a)
        return;
    if (a->runs) {
        int64_t wall = wk_clock_wall_ns() + timeout_ns;
        struct timespec until = {wall / WK_NS_PER_S, wall % WK_NS_PER_S};
        atomic_store(&a->stop_ns, wk_clock_monotonic_ns() + timeout_ns);
        atomic_store(&a->stop, true);
        if (pthread_timedjoin_np(a->thread, NULL, &until) != 0) {
            wk_http_cancel(a->http);
            pthread_join(a->thread, NULL);
        }
    }
    wk_http_close(a->http);
    wk__outbox_close(a->outbox);
    wk_ring_destroy(a->ring);
    free(a);
}
