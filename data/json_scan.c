/* The scanner: one loop over the text with a stack of open containers. */
#include "json_scan.h"

#include <string.h>

#include "json_text.h"

typedef struct {
    const char *text, *end;
    wk__json_token *tokens;
    uint32_t n_tokens, capacity;
    const char *reason;
    const char *at;
} scanner;

static const char *broken(scanner *s, const char *at, const char *reason)
{
    s->reason = reason;
    s->at = at;
    return NULL;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

static int is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static const char *scan_number(scanner *s, const char *p)
{
    const char *start = p;
    p += *p == '-';
    const char *whole = p;
    p = skip_digits(p, s->end);
    if (p == whole)
        return broken(s, start, "a number without digits");
    if (*whole == '0' && p - whole > 1)
        return broken(s, start, "a number with leading zeros");
    if (p < s->end && *p == '.') {
        const char *fraction = ++p;
        p = skip_digits(p, s->end);
        if (p == fraction)
            return broken(s, start, "a number that ends in its point");
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < s->end && (*p == '+' || *p == '-');
        const char *exponent = p;
        p = skip_digits(p, s->end);
        if (p == exponent)
            return broken(s, start, "a number without digits in its exponent");
    }
    return p;
}

/* The first byte at or behind p that is a quote, a backslash, a control character or not ASCII. */
static const char *skip_plain(const char *p, const char *end)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        /* The top bit of a byte is set for these four, and perhaps in bytes above one of them: the
         * lowest is exact, and it is the first in memory. */
        uint64_t quote = v ^ (ones * '"'), slash = v ^ (ones * '\\');
        uint64_t special =
            v | ((v - ones * 0x20) & ~v) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash);
        special &= highs;
        if (special)
            return p + (__builtin_ctzll(special) >> 3);
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80)
            break;
    }
    return p;
}

/* p stands behind the opening quote; returns where the closing one is. */
static const char *scan_string(scanner *s, const char *p, uint8_t *has_escapes)
{
    const char *opening = p - 1;
    *has_escapes = 0;
    for (;;) {
        p = skip_plain(p, s->end);
        if (p == s->end)
            return broken(s, opening, "a string that does not end");
        unsigned char c = (unsigned char)*p;
        if (c == '"')
            return p;
        if (c == '\\') {
            uint32_t code;
            size_t n = wk__json_escape(p, s->end, &code);
            if (n == 0)
                return broken(s, p, "an escape that JSON does not have");
            *has_escapes = 1;
            p += n;
        } else if (c < 0x20) {
            return broken(s, p, "a control character in a string");
        } else {
            size_t n = wk__utf8_length(p, s->end);
            if (n == 0)
                return broken(s, p, "bytes that are not UTF-8");
            p += n;
        }
    }
}

static const char *scan_word(scanner *s, const char *p, const char *word, size_t n)
{
    if ((size_t)(s->end - p) < n || memcmp(p, word, n) != 0)
        return broken(s, p, "a word that is not true, false or null");
    return p + n;
}

static wk__json_token *add(scanner *s, const char *p, wk__json_kind kind)
{
    if (s->n_tokens == s->capacity) {
        broken(s, p,
               s->capacity < WK__JSON_TOKENS_MAX ? NULL : "more than 1048576 values and keys");
        return NULL;
    }
    wk__json_token *token = &s->tokens[s->n_tokens++];
    *token = (wk__json_token){
        .start = (uint32_t)(p - s->text), .next = s->n_tokens, .kind = (uint8_t)kind};
    return token;
}

/* One value that is no container, or the opening of one. */
static const char *scan_value(scanner *s, const char *p)
{
    wk__json_token *token;
    const char *start = p;
    switch (*p) {
    case '{':
    case '[':
        return add(s, p, *p == '{' ? WK__JSON_OBJECT : WK__JSON_ARRAY) ? p + 1 : NULL;
    case '"':
        token = add(s, ++p, WK__JSON_STRING);
        if (!token || !(p = scan_string(s, p, &token->has_escapes)))
            return NULL;
        token->n = (uint32_t)(p - start - 1);
        return p + 1;
    case 't':
        token = add(s, p, WK__JSON_TRUE);
        p = token ? scan_word(s, p, "true", 4) : NULL;
        break;
    case 'f':
        token = add(s, p, WK__JSON_FALSE);
        p = token ? scan_word(s, p, "false", 5) : NULL;
        break;
    case 'n':
        token = add(s, p, WK__JSON_NULL);
        p = token ? scan_word(s, p, "null", 4) : NULL;
        break;
    default:
        if (*p != '-' && !is_digit(*p))
            return broken(s, p, "no JSON value");
        token = add(s, p, WK__JSON_NUMBER);
        p = token ? scan_number(s, p) : NULL;
    }
    if (p)
        token->n = (uint32_t)(p - start);
    return p;
}

/* A key and its colon; returns where the value begins. */
static const char *scan_key(scanner *s, const char *p)
{
    if (p == s->end || *p != '"')
        return broken(s, p, "no key where an object needs one");
    p = scan_value(s, p);
    if (!p)
        return NULL;
    p = skip_space(p, s->end);
    if (p == s->end || *p != ':')
        return broken(s, p, "no colon behind a key");
    return skip_space(p + 1, s->end);
}

static int scan(scanner *s)
{
    uint32_t open[WK__JSON_DEPTH_MAX];
    int depth = 0;
    const char *p = skip_space(s->text, s->end);
    for (;;) {
        if (p == s->end) {
            broken(s, p, "no value at the end");
            return 0;
        }
        uint32_t i = s->n_tokens;
        p = scan_value(s, p);
        if (!p)
            return 0;
        if (s->tokens[i].kind >= WK__JSON_ARRAY) {
            if (depth == WK__JSON_DEPTH_MAX) {
                broken(s, p - 1, "nested deeper than 32");
                return 0;
            }
            open[depth++] = i;
            p = skip_space(p, s->end);
            char closing = s->tokens[i].kind == WK__JSON_OBJECT ? '}' : ']';
            if (p == s->end || *p != closing) {
                if (closing == '}' && !(p = scan_key(s, p)))
                    return 0;
                continue;
            }
        }
        /* Behind a value: close what ends here, then the next value or the end. */
        for (;;) {
            p = skip_space(p, s->end);
            if (depth == 0) {
                if (p == s->end)
                    return 1;
                broken(s, p, "something behind the end");
                return 0;
            }
            wk__json_token *parent = &s->tokens[open[depth - 1]];
            int is_object = parent->kind == WK__JSON_OBJECT;
            if (p < s->end && *p == (is_object ? '}' : ']')) {
                p++;
                parent->n = (uint32_t)(p - s->text) - parent->start;
                parent->next = s->n_tokens;
                depth--;
                continue;
            }
            if (p == s->end || *p != ',') {
                broken(s, p,
                       is_object ? "no comma or } in an object" : "no comma or ] in an array");
                return 0;
            }
            p = skip_space(p + 1, s->end);
            if (is_object && !(p = scan_key(s, p)))
                return 0;
            break;
        }
    }
}

wk__json_result wk__json_scan(const char *text, size_t n, wk__json_token *tokens, size_t capacity,
                              size_t *n_tokens, const char **reason, size_t *at)
{
    scanner s = {.text = text, .end = text + n, .tokens = tokens};
    s.capacity = (uint32_t)(capacity < WK__JSON_TOKENS_MAX ? capacity : WK__JSON_TOKENS_MAX);
    int is_sound = scan(&s);
    *n_tokens = s.n_tokens;
    if (is_sound)
        return WK__JSON_OK;
    if (!s.reason)
        return WK__JSON_FULL;
    *reason = s.reason;
    *at = (size_t)(s.at - text);
    return WK__JSON_BROKEN;
}
