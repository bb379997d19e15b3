/* libFuzzer target over the replies of Telegram and Discord, the texts that are sent and what names
 * a channel: the first byte says which channel, the second the status; up to a form feed stands the
 * reply, then a text, then the token or link. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "alerts_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

/* The bytes up to the next form feed, with a 0 after them, in room of exact size. */
static char *take(const uint8_t **at, size_t *n)
{
    const uint8_t *end = *n > 0 ? memchr(*at, '\f', *n) : NULL;
    size_t size = end ? (size_t)(end - *at) : *n;
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, *at, size);
    text[size] = 0;
    *n -= end ? size + 1 : size;
    *at += end ? size + 1 : size;
    return text;
}

static void read_reply(wk__channel_kind kind, int status, const char *body)
{
    wk__reaction r = wk__alert_react(kind, status, body, status % 2 ? -1 : INT64_C(3000000000));
    check(r.verdict >= WK__SENT && r.verdict <= WK__MIGRATED);
    check(memchr(r.why, 0, sizeof r.why) && (r.verdict == WK__SENT || r.why[0]));
    check(r.wait_ns >= -1 && r.wait_ns <= INT64_C(86400000000000));
    check(r.verdict != WK__SENT || (status >= 200 && status < 300));
}

static void write_text(wk__channel *channel, const char *text)
{
    char clean[WK__ALERT_BYTES_MAX + 1], again[WK__ALERT_BYTES_MAX + 1];
    wk__alert_clean(text, clean);
    wk__alert_clean(clean, again);
    check(strcmp(clean, again) == 0 && strlen(clean) <= WK__ALERT_BYTES_MAX);
    /* A common secret, and some that are made of the marks in their place. */
    static const char *const secrets[] = {"secret", "***", "**#", "*#~. "};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        wk__alert_redact(again, secrets[i]);
        check(!strstr(again, secrets[i]));
    }
    wk_text body = {0};
    wk__channel_body(channel, again, &body);
    json_t *root = json_loadb(body.s, body.n, 0, NULL);
    const json_t *sent = json_object_get(root, channel->kind == WK__TELEGRAM ? "text" : "content");
    check(sent && strcmp(json_string_value(sent), again) == 0);
    json_decref(root);
    free(body.s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const int statuses[] = {200, 429, 400, 401, 302, 500, 408, 422};
    if (n < 2)
        return 0;
    wk__channel_kind kind = bytes[0] & 1 ? WK__DISCORD : WK__TELEGRAM;
    int status = statuses[bytes[1] & 7], has_none = bytes[0] & 2;
    const uint8_t *at = bytes + 2;
    n -= 2;
    char *body = take(&at, &n), *text = take(&at, &n), *name = take(&at, &n);
    read_reply(kind, status, has_none ? NULL : body);
    wk__channel channel = {.kind = kind, .chat = "-100", .per_minute_max = 2};
    write_text(&channel, text);
    if (name[0]) {
        wk_err err = {0};
        wk_alert_config config = {.telegram_chat = "@chat",
                                  .telegram_host = "h",
                                  .discord_host = "h",
                                  .per_minute_max = 1 + (int64_t)(strlen(name) % 90)};
        setenv(kind == WK__TELEGRAM ? "WICK_TELEGRAM_TOKEN" : "WICK_DISCORD_WEBHOOK", name, 1);
        if (wk__channel_open(&config, kind, &channel, &err) != WK_OK) {
            check(err.msg[0]);
        } else {
            check(channel.on && !strpbrk(channel.url, " \r\n") && channel.secret[0]);
            for (int k = 0; k < 3; k++)
                wk__channel_count(&channel, INT64_C(1000000000) * (k + 1));
            check(channel.gate_ns > INT64_C(3000000000));
            write_text(&channel, text);
        }
        check(wk__alert_backoff_ns((int)strlen(name), 77) >= INT64_C(1000000000));
    }
    free(body);
    free(text);
    free(name);
    return 0;
}
