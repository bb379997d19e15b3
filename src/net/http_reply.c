/* libwebsockets' own client takes a reply in chunks whose connection breaks for a whole one; a cut
 * table of prices must not pass for one. Source: RFC 9112. */
#include "http_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static void bad(wk__http_reply *r, const char *why)
{
    if (r->state == WK__REPLY_BAD)
        return;
    r->state = WK__REPLY_BAD;
    r->why = why;
}

static void whole(wk__http_reply *r)
{
    if (wk__http_body_is_whole(&r->body))
        r->state = WK__REPLY_WHOLE;
    else
        bad(r, "the packed reply is cut");
}

static void add(wk__http_reply *r, const char *bytes, size_t n)
{
    if (!wk__http_body_add(&r->body, bytes, n))
        bad(r, r->body.is_too_large ? "the reply is too large" : "the packed reply is damaged");
}

/* ---- the head ---- */

/* The value of header `name`, or NULL. */
static const char *value_of(const char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

/* Is `word` among the words that commas part? */
static bool names(const char *list, const char *word)
{
    while (*list) {
        list += strspn(list, " \t,");
        size_t n = strcspn(list, " \t,");
        if (n == strlen(word) && strncasecmp(list, word, n) == 0)
            return true;
        list += n;
    }
    return false;
}

static void take_length(wk__http_reply *r, const char *text)
{
    uint64_t length = 0;
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 18 || text[n]) {
        bad(r, "its length is no number");
        return;
    }
    for (size_t i = 0; i < n; i++)
        length = length * 10 + (uint64_t)(text[i] - '0');
    if (r->has_length && r->left != length)
        bad(r, "it has two lengths");
    r->has_length = true;
    r->left = length;
}

static void take_status(wk__http_reply *r, const char *line)
{
    bool is_known = strncmp(line, "HTTP/1.", 7) == 0 && line[7] >= '0' && line[7] <= '9' &&
                    line[8] == ' ' && strspn(line + 9, "0123456789") == 3 && line[9] > '0';
    if (!is_known) {
        bad(r, "this is no reply of HTTP/1.1");
        return;
    }
    r->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0';
    r->keeps = line[7] != '0';
    r->has_length = r->is_chunked = false;
    r->left = 0;
    r->encoding[0] = 0;
}

static void take_header(wk__http_reply *r, const char *line)
{
    const char *value;
    if ((value = value_of(line, "Content-Length"))) {
        take_length(r, value);
    } else if ((value = value_of(line, "Transfer-Encoding"))) {
        r->is_chunked = strcasecmp(value, "chunked") == 0;
        if (!r->is_chunked && strcasecmp(value, "identity") != 0)
            bad(r, "its transfer encoding is unknown");
    } else if ((value = value_of(line, "Content-Encoding"))) {
        snprintf(r->encoding, sizeof r->encoding, "%.31s", value);
    } else if ((value = value_of(line, "Connection"))) {
        if (names(value, "close"))
            r->keeps = false;
    }
}

static void end_of_head(wk__http_reply *r)
{
    if (r->status == 0) {
        bad(r, "this is no reply of HTTP/1.1");
        return;
    }
    if (r->status == 101) {
        bad(r, "the server changes the protocol, which nobody asked for");
        return;
    }
    if (r->status < 200) { /* an interim reply: the real one follows */
        r->status = 0;
        return;
    }
    if (r->status == 204 || r->status == 304) {
        whole(r);
        return;
    }
    if (!wk__http_body_begin(&r->body, r->encoding)) {
        bad(r, "it is packed in a way that was not asked for");
    } else if (r->is_chunked) {
        r->state = WK__REPLY_CHUNK_SIZE;
    } else if (r->has_length) {
        r->state = WK__REPLY_SIZED;
        if (r->left == 0)
            whole(r);
    } else {
        r->state = WK__REPLY_OPEN;
        r->keeps = false;
    }
}

static void head_line(wk__http_reply *r, const char *line, int64_t now_ns)
{
    if (!*line && r->status == 0 && r->head_bytes <= 2)
        return; /* an empty line before the status is forgiven */
    if (!*line) {
        end_of_head(r);
        return;
    }
    wk__http_header(&r->head, line, strlen(line), now_ns);
    if (r->status == 0)
        take_status(r, line);
    else
        take_header(r, line);
}

/* ---- chunks ---- */

static void chunk_size(wk__http_reply *r, const char *line)
{
    size_t n = strspn(line, "0123456789abcdefABCDEF");
    const char *rest = line + n + strspn(line + n, " \t");
    if (n == 0 || n > 15 || (*rest && *rest != ';')) {
        bad(r, "the size of a chunk is no number");
        return;
    }
    r->left = 0;
    for (size_t i = 0; i < n; i++) {
        char c = line[i];
        r->left = r->left * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    r->state = r->left ? WK__REPLY_CHUNK : WK__REPLY_TRAILER;
}

static void take_line(wk__http_reply *r, const char *line, int64_t now_ns)
{
    switch (r->state) {
    case WK__REPLY_HEAD:
        head_line(r, line, now_ns);
        break;
    case WK__REPLY_CHUNK_SIZE:
        chunk_size(r, line);
        break;
    case WK__REPLY_CHUNK_END:
        if (*line)
            bad(r, "a chunk is longer than it said");
        else
            r->state = WK__REPLY_CHUNK_SIZE;
        break;
    default:
        if (!*line)
            whole(r);
        break;
    }
}

/* Takes bytes up to the end of a line; returns how many. */
static size_t gather_line(wk__http_reply *r, const char *bytes, size_t n, int64_t now_ns)
{
    const char *end = memchr(bytes, '\n', n);
    size_t taken = end ? (size_t)(end - bytes) + 1 : n, more = end ? taken - 1 : taken;
    if (r->state == WK__REPLY_HEAD || r->state == WK__REPLY_TRAILER)
        r->head_bytes += taken;
    if (r->n_line + more >= sizeof r->line || r->head_bytes > WK__HTTP_HEAD_MAX) {
        bad(r, "its headers are too long");
        return n;
    }
    if (memchr(bytes, 0, more)) {
        bad(r, "a header holds a zero byte");
        return n;
    }
    memcpy(r->line + r->n_line, bytes, more);
    r->n_line += more;
    if (!end)
        return n;
    r->n_line -= r->n_line && r->line[r->n_line - 1] == '\r';
    while (r->n_line && (r->line[r->n_line - 1] == ' ' || r->line[r->n_line - 1] == '\t'))
        r->n_line--;
    r->line[r->n_line] = 0;
    r->n_line = 0;
    take_line(r, r->line, now_ns);
    return taken;
}

void wk__http_reply_feed(wk__http_reply *r, const char *bytes, size_t n, int64_t now_ns)
{
    for (size_t taken; n && r->state != WK__REPLY_BAD; bytes += taken, n -= taken) {
        taken = n;
        switch (r->state) {
        case WK__REPLY_WHOLE:
            bad(r, "something follows the reply");
            break;
        case WK__REPLY_OPEN:
            add(r, bytes, n);
            break;
        case WK__REPLY_SIZED:
        case WK__REPLY_CHUNK:
            taken = r->left < n ? (size_t)r->left : n;
            r->left -= taken;
            add(r, bytes, taken);
            if (r->left == 0 && r->state == WK__REPLY_SIZED)
                whole(r);
            else if (r->left == 0 && r->state == WK__REPLY_CHUNK)
                r->state = WK__REPLY_CHUNK_END;
            break;
        default:
            taken = gather_line(r, bytes, n, now_ns);
            break;
        }
    }
}

void wk__http_reply_end(wk__http_reply *r)
{
    if (r->state == WK__REPLY_OPEN)
        whole(r);
    else if (r->state != WK__REPLY_WHOLE)
        bad(r, r->status ? "the reply is cut" : "the connection ended without a reply");
}
