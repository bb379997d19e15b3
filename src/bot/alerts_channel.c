/* Telegram and Discord: requests, replies, limits. No I/O here. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts_internal.h"
#include "wick/clock.h"

const char *const wk__alert_kind_names[WK__ALERT_KINDS] = {"fill", "stop", "halt", "error",
                                                           "summary"};
const char *const wk__channel_names[WK__CHANNELS] = {"telegram", "discord"};

/* Bytes of the UTF-8 character at s, 0 when it is none. */
static size_t character(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if (s[i] >> 6 != 2)
            return 0;
    /* Overlong forms, surrogates and what lies beyond Unicode. */
    if ((n == 2 && s[0] < 0xc2) || (n == 3 && s[0] == 0xe0 && s[1] < 0xa0) ||
        (n == 3 && s[0] == 0xed && s[1] > 0x9f) || (n == 4 && s[0] == 0xf0 && s[1] < 0x90) ||
        (n == 4 && (s[0] > 0xf4 || (s[0] == 0xf4 && s[1] > 0x8f))))
        return 0;
    return n;
}

void wk__alert_clean(const char *text, char out[WK__ALERT_BYTES_MAX + 1])
{
    size_t at = 0;
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t n = character(s), take = n ? n : 1;
        if (at + take > WK__ALERT_BYTES_MAX)
            break;
        if (n)
            memcpy(out + at, s, n);
        else
            out[at] = '?';
        at += take;
        s += take;
    }
    out[at] = 0;
}

void wk__alert_redact(char *text, const char *secret)
{
    static const char marks[] = "*#~. ";
    size_t n = strlen(secret), k = 0;
    if (n < 3)
        return;
    /* A mark that the secret has could make it anew together with what stands beside it. */
    while (marks[k] && strchr(secret, marks[k]))
        k++;
    for (char *at = text; (at = strstr(at, secret));) {
        if (!marks[k]) {
            *at = 0;
            return;
        }
        memset(at, marks[k], 3);
        memmove(at + 3, at + n, strlen(at + n) + 1);
        at += 3;
    }
}

static void say(wk__reaction *r, wk__verdict verdict, int status, const char *what)
{
    r->verdict = verdict;
    snprintf(r->why, sizeof r->why, "%d %.140s", status, what);
}

/* 429: the body's seconds, else the header's; a page of a proxy in front says neither. */
static int64_t retry_wait_ns(wk__channel_kind channel, const json_t *root, int64_t header_ns)
{
    const json_t *from = channel == WK__TELEGRAM ? json_object_get(root, "parameters") : root;
    const json_t *after = json_object_get(from, "retry_after");
    if (json_is_number(after) && json_number_value(after) >= 0 && json_number_value(after) < 86400)
        return (int64_t)(json_number_value(after) * 1e9 + 0.5);
    return header_ns >= 0 ? header_ns : 60 * WK_NS_PER_S;
}

wk__reaction wk__alert_react(wk__channel_kind channel, int status, const char *body,
                             int64_t retry_after_ns)
{
    wk__reaction r = {.wait_ns = -1};
    json_t *root = body ? json_loads(body, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
    const char *said = json_string_value(
        json_object_get(root, channel == WK__TELEGRAM ? "description" : "message"));
    const json_t *moved =
        json_object_get(json_object_get(root, "parameters"), "migrate_to_chat_id");
    bool is_telegram = channel == WK__TELEGRAM;
    if (!said)
        said = "no reason given";
    if (status >= 200 && status < 300 &&
        (!is_telegram || json_is_true(json_object_get(root, "ok")))) {
        r.verdict = WK__SENT;
    } else if (status == 429) {
        say(&r, WK__AGAIN, status, said);
        r.wait_ns = retry_wait_ns(channel, root, retry_after_ns);
    } else if (status == 400 && json_is_integer(moved)) {
        say(&r, WK__MIGRATED, status, said);
        r.chat = json_integer_value(moved);
    } else if (status == 401 || status == 403 || status == 404 || (status >= 300 && status < 400) ||
               (status == 400 && strstr(said, "chat not found"))) {
        say(&r, WK__DISABLE, status, said);
    } else if (status >= 400 && status < 500 && status != 408 && status != 425) {
        say(&r, WK__DROP, status, said);
    } else {
        say(&r, WK__AGAIN, status, said);
        r.wait_ns = retry_after_ns;
    }
    json_decref(root);
    return r;
}

static wk_status open_telegram(const wk_alert_config *config, wk__channel *c, wk_err *err)
{
    const char *token = getenv("WICK_TELEGRAM_TOKEN");
    if (!config->telegram_chat[0])
        return WK_OK;
    if (!token || !token[0])
        return wk_fail(err, WK_E_CONFIG,
                       "alerts.telegram_chat is set, but the environment has no "
                       "WICK_TELEGRAM_TOKEN; export it or leave the chat empty");
    if (strspn(token, "0123456789:-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
            strlen(token) ||
        strlen(token) >= sizeof c->secret)
        return wk_fail(err, WK_E_CONFIG,
                       "WICK_TELEGRAM_TOKEN is no token: it looks like 123456:ABC-def");
    if (strlen(config->telegram_chat) >= sizeof c->chat)
        return wk_fail(err, WK_E_CONFIG, "alerts.telegram_chat: %s is no chat",
                       config->telegram_chat);
    snprintf(c->secret, sizeof c->secret, "%s", token);
    snprintf(c->chat, sizeof c->chat, "%s", config->telegram_chat);
    snprintf(c->url, sizeof c->url, "https://%.200s/bot%s/sendMessage", config->telegram_host,
             token);
    c->on = true;
    return WK_OK;
}

static wk_status open_discord(const wk_alert_config *config, wk__channel *c, wk_err *err)
{
    const char *path = getenv("WICK_DISCORD_WEBHOOK");
    if (!path || !path[0])
        return WK_OK;
    const char *scheme = strstr(path, "://"); /* the link as it is copied: the path counts */
    if (scheme)
        path = strchr(scheme + 3, '/') ? strchr(scheme + 3, '/') : "";
    const char *last = strrchr(path, '/');
    if (strncmp(path, "/api/", 5) != 0 || !strstr(path, "/webhooks/") || !last[1] ||
        strpbrk(path, " ?#\"\r\n") || strlen(path) >= sizeof c->secret)
        return wk_fail(err, WK_E_CONFIG,
                       "WICK_DISCORD_WEBHOOK is no webhook: it looks like "
                       "/api/webhooks/<id>/<token>");
    snprintf(c->secret, sizeof c->secret, "%s", last + 1);
    /* wait=true: the reply then says that the message is there. */
    snprintf(c->url, sizeof c->url, "https://%.200s%s?wait=true", config->discord_host, path);
    c->on = true;
    return WK_OK;
}

wk_status wk__channel_open(const wk_alert_config *config, wk__channel_kind kind, wk__channel *out,
                           wk_err *err)
{
    int64_t per_minute = config->per_minute_max;
    wk__channel c = {.kind = kind, .per_minute_max = per_minute, .gap_ns = WK_NS_PER_S};
    if (60 * WK_NS_PER_S / per_minute < c.gap_ns)
        c.gap_ns = 60 * WK_NS_PER_S / per_minute;
    WK_TRY(kind == WK__TELEGRAM ? open_telegram(config, &c, err) : open_discord(config, &c, err));
    *out = c;
    return WK_OK;
}

void wk__channel_body(const wk__channel *c, const char *text, wk_text *out)
{
    if (c->kind == WK__TELEGRAM) {
        char *end;
        long long number = strtoll(c->chat, &end, 10);
        wk_text_add(out, "{\"chat_id\":");
        if (*end)
            wk_text_add_json_string(out, c->chat);
        else
            wk_text_printf(out, "%lld", number);
        wk_text_add(out, ",\"text\":");
        wk_text_add_json_string(out, text);
        wk_text_add(out, ",\"link_preview_options\":{\"is_disabled\":true}}");
    } else {
        wk_text_add(out, "{\"content\":");
        wk_text_add_json_string(out, text);
        wk_text_add(out, ",\"allowed_mentions\":{\"parse\":[]}}");
    }
}

void wk__channel_count(wk__channel *c, int64_t now_ns)
{
    enum { KEPT = sizeof c->sent_ns / sizeof *c->sent_ns };
    c->sent_ns[c->n_sent++ % KEPT] = now_ns;
    int64_t gate = now_ns + c->gap_ns, limit = c->per_minute_max;
    if (limit <= KEPT && c->n_sent >= limit) {
        int64_t oldest = c->sent_ns[(c->n_sent - limit) % KEPT] + 60 * WK_NS_PER_S;
        gate = oldest > gate ? oldest : gate;
    }
    c->gate_ns = gate > c->gate_ns ? gate : c->gate_ns;
}

int64_t wk__alert_backoff_ns(int failures, uint64_t salt)
{
    int shift = failures > 9 ? 9 : failures < 1 ? 0 : failures - 1;
    int64_t wait = WK_NS_PER_S << shift, most = 300 * WK_NS_PER_S;
    wait = wait < most ? wait : most;
    /* Up to a quarter more, so that many bots do not come back at once. */
    return wait + wait / 4 * (int64_t)((salt * UINT64_C(0x9e3779b97f4a7c15)) >> 56) / 256;
}
