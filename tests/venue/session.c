/* The WebSocket side that all venues share: what goes out passes the faults here. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define TICK_MS 15

static void queue(session *s, const text *message)
{
    if (real_ms() < s->silent_until_ms || s->close_code != 0)
        return;
    uint32_t n = (uint32_t)message->n;
    text_add_bytes(&s->out, &n, sizeof n);
    text_add_bytes(&s->out, message->data, message->n);
    s->sent_ms = real_ms();
}

void session_send(session *s, const text *message)
{
    queue(s, message);
}

/* Turns the last digit of the number behind the mark into another; 0 when there is none. */
static int change_digit(text *message, const char *mark)
{
    char *at = message->n ? strstr(message->data, mark) : NULL;
    if (!at)
        return 0;
    at += strlen(mark);
    while (*at && !isdigit((unsigned char)*at))
        at++;
    if (!*at)
        return 0;
    while (isdigit((unsigned char)at[1]) || (at[1] == '.' && isdigit((unsigned char)at[2])))
        at++;
    *at = *at == '9' ? '1' : (char)(*at + 1);
    return 1;
}

void session_push(session *s, const char *channel, const text *message)
{
    fault f = fault_for_message(s->v->faults, channel);
    text copy = {0};
    text_add_bytes(&copy, message->data, message->n);
    if (f.kind != FAULT_NONE)
        s->v->n_faults++;
    switch (f.kind) {
    case FAULT_WS_DROP:
        text_clear(&copy);
        break;
    case FAULT_WS_REORDER:
        if (s->held.n == 0) {
            text_clear(&s->held);
            text_add_bytes(&s->held, copy.data, copy.n);
            text_clear(&copy);
        }
        break;
    case FAULT_WS_CORRUPT:
        /* The size of the first level, the price of a trade: what a checksum or nobody sees. */
        if (!change_digit(&copy, "\"qty\":") && !change_digit(&copy, "\",\"") &&
            !change_digit(&copy, "\"close\":"))
            change_digit(&copy, "\"size\":");
        break;
    case FAULT_WS_CHECKSUM:
        if (!change_digit(&copy, "\"checksum\":"))
            change_digit(&copy, "\"cs\":");
        break;
    case FAULT_WS_SILENCE:
        s->silent_until_ms = f.seconds > 0 ? real_ms() + (int64_t)(f.seconds * 1000) : INT64_MAX;
        break;
    case FAULT_WS_CLOSE:
        queue(s, &copy);
        s->close_code = f.code;
        break;
    case FAULT_WS_CUT:
        s->close_code = -1;
        break;
    default:
        break;
    }
    if (copy.n > 0) {
        queue(s, &copy);
        if (f.kind == FAULT_WS_DUPLICATE)
            queue(s, &copy);
        if (s->held.n > 0) {
            queue(s, &s->held);
            text_clear(&s->held);
        }
    }
    text_finish(&copy);
}

subscription *session_subscribe(session *s, int channel, market *m)
{
    if (s->n_subs == SUBSCRIPTIONS_MAX)
        abort();
    subscription *sub = &s->subs[s->n_subs++];
    memset(sub, 0, sizeof *sub);
    sub->channel = channel;
    sub->m = m;
    return sub;
}

void session_unsubscribe(session *s, subscription *sub)
{
    size_t at = (size_t)(sub - s->subs);
    memmove(sub, sub + 1, (s->n_subs - at - 1) * sizeof *sub);
    s->n_subs--;
}

void complain_session(session *s, const char *fmt, ...)
{
    char line[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    complain(s->v, "WebSocket %lld: %s", (long long)s->number, line);
}

int keys_unknown(session *s, json_t *object, const char *where, const char *list)
{
    const char *key;
    json_t *value;
    int n = 0;
    json_object_foreach(object, key, value)
    {
        if (!one_of(key, list)) {
            complain_session(s, "%s: unknown field \"%s\"", where, key);
            n++;
        }
    }
    return n;
}

static int flush(session *s, text *out)
{
    size_t at = 0;
    int ok = 1;
    while (ok && at < out->n) {
        uint32_t n;
        memcpy(&n, out->data + at, sizeof n);
        ok = wire_ws_write(s->w, WS_TEXT, out->data + at + sizeof n, n);
        at += sizeof n + n;
    }
    text_finish(out);
    return ok;
}

/* A protocol-level ping every 5 s; a client that leaves two unanswered is at fault. */
static int ping(session *s)
{
    int64_t now = real_ms();
    if (now - s->ping_ms < 5000)
        return 1;
    s->ping_ms = now;
    if (s->pings_open >= 2) {
        pthread_mutex_lock(&s->v->lock);
        complain_session(s, "two protocol-level pings were left without a pong");
        pthread_mutex_unlock(&s->v->lock);
        s->pings_open = 0;
    }
    s->pings_open++;
    return wire_ws_write(s->w, WS_PING, "wick", 4);
}

static void message_in(session *s, const text *message)
{
    json_error_t why;
    json_t *root = json_loadb(message->data, message->n, JSON_REJECT_DUPLICATES, &why);
    s->heard_ms = real_ms();
    s->has_spoken = 1;
    if (!json_is_object(root))
        complain_session(s, "a message is no JSON object: %.200s", message->data);
    else
        s->v->protocol->received(s, root);
    json_decref(root);
}

/* Reads all that has come; 0 when the connection is over. */
static int read_all(session *s)
{
    text message = {0};
    const char *why = NULL;
    int opcode = 0, got, on = 1;
    while (on && (got = wire_ws_read(s->w, TICK_MS, &opcode, &message, &why)) > 0) {
        if (opcode == WS_TEXT) {
            pthread_mutex_lock(&s->v->lock);
            message_in(s, &message);
            text out = s->out;
            s->out = (text){0};
            pthread_mutex_unlock(&s->v->lock);
            on = flush(s, &out);
        } else if (opcode == WS_PING) {
            on = wire_ws_write(s->w, WS_PONG, message.data, message.n);
        } else if (opcode == WS_PONG) {
            s->pings_open = 0;
        } else if (opcode == WS_CLOSE) {
            wire_ws_write(s->w, WS_CLOSE, message.data, message.n);
            on = 0;
        } else {
            why = "a frame is neither text, ping, pong nor close";
            on = 0;
        }
    }
    on = on && got == 0;
    text_finish(&message);
    if (why) {
        pthread_mutex_lock(&s->v->lock);
        complain_session(s, "%s", why);
        pthread_mutex_unlock(&s->v->lock);
    }
    return on;
}

void session_run(session *s)
{
    venue *v = s->v;
    s->subs = calloc(SUBSCRIPTIONS_MAX, sizeof *s->subs);
    if (!s->subs)
        abort();
    s->opened_ms = s->heard_ms = s->sent_ms = s->beat_ms = s->ping_ms = real_ms();
    pthread_mutex_lock(&v->lock);
    v->protocol->opened(s);
    pthread_mutex_unlock(&v->lock);
    int on = 1;
    while (on && !atomic_load(&v->stopping)) {
        on = read_all(s) && ping(s);
        pthread_mutex_lock(&v->lock);
        if (on)
            v->protocol->tick(s, now_of(v));
        text out = s->out;
        s->out = (text){0};
        int code = s->close_code;
        pthread_mutex_unlock(&v->lock);
        on = flush(s, &out) && on;
        if (code > 0)
            wire_ws_close(s->w, code, "going away");
        if (code != 0)
            on = 0;
    }
    text_finish(&s->out);
    text_finish(&s->held);
    free(s->subs);
}
