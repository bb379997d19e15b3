/* A JSON reader that keeps numbers as written. Source: RFC 8259, RFC 3629. */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    wk_tape *tape;
    const unsigned char *text;
    size_t at, n;
    const char *why; /* what is wrong at `at` */
    bool out_of_memory;
} reader;

static bool refuse(reader *r, const char *why)
{
    r->why = why;
    return false;
}

static void skip_space(reader *r)
{
    while (r->at < r->n && (r->text[r->at] == ' ' || r->text[r->at] == '\n' ||
                            r->text[r->at] == '\r' || r->text[r->at] == '\t'))
        r->at++;
}

static bool put(reader *r, wk_tape_kind kind, size_t start, uint32_t *index)
{
    wk_tape *j = r->json;
    if (j->n == WK_TAPE_TOKENS_MAX)
        return refuse(r, "more than four million values");
    if (j->n == j->capacity) {
        uint32_t capacity = j->capacity ? j->capacity * 2 : 1024;
        wk_tape_token *grown = realloc(j->tokens, capacity * sizeof *grown);
        if (!grown) {
            r->out_of_memory = true;
            return refuse(r, "out of memory");
        }
        j->tokens = grown;
        j->capacity = capacity;
    }
    *index = j->n++;
    j->tokens[*index] =
        (wk_tape_token){.start = (uint32_t)start, .kind = (uint8_t)kind, .end = j->n};
    return true;
}

/* Bytes of the UTF-8 character at p, or 0: overlong forms, surrogates and what lies beyond
 * U+10FFFF are none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
    unsigned char c = p[0], low = 0x80, high = 0xBF;
    size_t length = c < 0x80                ? 1
                    : c >= 0xC2 && c < 0xE0 ? 2
                    : c >= 0xE0 && c < 0xF0 ? 3
                    : c >= 0xF0 && c < 0xF5 ? 4
                                            : 0;
    if (length == 0 || length > n)
        return 0;
    if (c == 0xE0)
        low = 0xA0;
    else if (c == 0xED)
        high = 0x9F;
    else if (c == 0xF0)
        low = 0x90;
    else if (c == 0xF4)
        high = 0x8F;
    for (size_t i = 1; i < length; i++) {
        if (p[i] < low || p[i] > high)
            return 0;
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

static bool is_hex(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(reader *r)
{
    if (r->at + 1 >= r->n)
        return refuse(r, "a string has no end");
    unsigned char c = r->text[r->at + 1];
    if (c == 'u') {
        for (size_t i = 2; i < 6; i++)
            if (r->at + i >= r->n || !is_hex(r->text[r->at + i]))
                return refuse(r, "a \\u escape without four hex digits");
        r->at += 6;
        return true;
    }
    if (c == 0 || !strchr("\"\\/bfnrt", c))
        return refuse(r, "an unknown escape in a string");
    r->at += 2;
    return true;
}

static bool read_string(reader *r)
{
    uint32_t index;
    if (!put(r, WK_TAPE_STRING, r->at + 1, &index))
        return false;
    r->at++;
    while (r->at < r->n && r->text[r->at] != '"') {
        unsigned char c = r->text[r->at];
        if (c == '\\') {
            if (!skip_escape(r))
                return false;
        } else if (c < 0x20) {
            return refuse(r, "a control character in a string");
        } else if (c < 0x80) {
            r->at++;
        } else {
            size_t length = utf8_length(r->text + r->at, r->n - r->at);
            if (length == 0)
                return refuse(r, "invalid UTF-8 in a string");
            r->at += length;
        }
    }
    if (r->at >= r->n)
        return refuse(r, "a string has no end");
    wk_tape_token *token = &r->tape->tokens[index];
    token->length = (uint32_t)(r->at - token->start);
    r->at++;
    return true;
}

static size_t skip_digits(reader *r)
{
    size_t from = r->at;
    while (r->at < r->n && r->text[r->at] >= '0' && r->text[r->at] <= '9')
        r->at++;
    return r->at - from;
}

static bool read_number(reader *r)
{
    uint32_t index;
    size_t start = r->at;
    if (r->text[r->at] == '-')
        r->at++;
    size_t whole = r->at, n_whole = skip_digits(r);
    if (n_whole == 0)
        return refuse(r, "neither a value nor a number");
    if (n_whole > 1 && r->text[whole] == '0')
        return refuse(r, "a number begins with a 0");
    if (r->at < r->n && r->text[r->at] == '.') {
        r->at++;
        if (skip_digits(r) == 0)
            return refuse(r, "a number ends with a dot");
    }
    if (r->at < r->n && (r->text[r->at] | 0x20) == 'e') {
        r->at++;
        if (r->at < r->n && (r->text[r->at] == '+' || r->text[r->at] == '-'))
            r->at++;
        if (skip_digits(r) == 0)
            return refuse(r, "a number has an empty exponent");
    }
    if (!put(r, WK_TAPE_NUMBER, start, &index))
        return false;
    r->tape->tokens[index].length = (uint32_t)(r->at - start);
    return true;
}

static bool read_word(reader *r, const char *word, wk_tape_kind kind)
{
    uint32_t index;
    size_t length = strlen(word);
    if (r->n - r->at < length || memcmp(r->text + r->at, word, length) != 0)
        return refuse(r, "neither a value nor a number");
    if (!put(r, kind, r->at, &index))
        return false;
    r->tape->tokens[index].length = (uint32_t)length;
    r->at += length;
    return true;
}

static bool read_value(reader *r, int depth);

static bool read_children(reader *r, wk_tape_kind kind, int depth)
{
    uint32_t index, n = 0;
    char close = kind == WK_TAPE_ARRAY ? ']' : '}';
    if (depth >= WK_TAPE_DEPTH_MAX)
        return refuse(r, "nested more than 32 deep");
    if (!put(r, kind, r->at, &index))
        return false;
    r->at++;
    skip_space(r);
    if (r->at < r->n && r->text[r->at] == (unsigned char)close) {
        r->at++;
    } else {
        for (;;) {
            skip_space(r);
            if (kind == WK_TAPE_OBJECT) {
                if (r->at >= r->n || r->text[r->at] != '"')
                    return refuse(r, r->at >= r->n ? "the text ends early" : "a key is no string");
                if (!read_string(r))
                    return false;
                skip_space(r);
                if (r->at >= r->n || r->text[r->at] != ':')
                    return refuse(r, "a key without a colon");
                r->at++;
                skip_space(r);
            }
            if (!read_value(r, depth + 1))
                return false;
            n++;
            skip_space(r);
            if (r->at >= r->n)
                return refuse(r, "the text ends early");
            if (r->text[r->at] == (unsigned char)close)
                break;
            if (r->text[r->at] != ',')
                return refuse(r, "neither a comma nor an end");
            r->at++;
        }
        r->at++;
    }
    wk_tape_token *token = &r->tape->tokens[index];
    token->length = (uint32_t)(r->at - token->start);
    token->n = n;
    token->end = r->tape->n;
    return true;
}

static bool read_value(reader *r, int depth)
{
    if (r->at >= r->n)
        return refuse(r, "the text ends early");
    switch (r->text[r->at]) {
    case '{':
        return read_children(r, WK_TAPE_OBJECT, depth);
    case '[':
        return read_children(r, WK_TAPE_ARRAY, depth);
    case '"':
        return read_string(r);
    case 't':
        return read_word(r, "true", WK_TAPE_TRUE);
    case 'f':
        return read_word(r, "false", WK_TAPE_FALSE);
    case 'n':
        return read_word(r, "null", WK_TAPE_NULL);
    default:
        return read_number(r);
    }
}

wk_status wk__tape_read(wk_tape *tape, const char *text, size_t n_bytes, wk_err *err)
{
    if (n_bytes > WK_TAPE_BYTES_MAX)
        return wk_fail(err, WK_E_RANGE, "a reply of %zu bytes is refused; the limit is %d", n_bytes,
                       WK_TAPE_BYTES_MAX);
    reader r = {.json = tape, .text = (const unsigned char *)text, .n = n_bytes};
    tape->text = text;
    tape->n = 0;
    skip_space(&r);
    bool sound = read_value(&r, 0);
    if (sound) {
        skip_space(&r);
        if (r.at < r.n)
            sound = refuse(&r, "more text after the value");
    }
    if (sound)
        return WK_OK;
    tape->n = 0;
    return wk_fail(err, r.out_of_memory ? WK_E_NOMEM : WK_E_PARSE, "no sound JSON: %s (byte %zu)",
                   r.why, r.at);
}

void wk__tape_finish(wk_tape *tape)
{
    if (!tape)
        return;
    free(tape->tokens);
    *tape = (wk_tape){0};
}

bool wk__tape_is(const wk_tape *tape, uint32_t at, wk_tape_kind kind)
{
    return at < tape->n && tape->tokens[at].kind == kind;
}

uint32_t wk__tape_first(const wk_tape *tape, uint32_t at)
{
    if (at >= tape->n || tape->tokens[at].kind < WK_TAPE_ARRAY || tape->tokens[at].n == 0)
        return WK_TAPE_NONE;
    return at + 1;
}

uint32_t wk__tape_next(const wk_tape *tape, uint32_t at, uint32_t child)
{
    uint32_t next = tape->tokens[child].end;
    return next < tape->tokens[at].end ? next : WK_TAPE_NONE;
}

bool wk__tape_equals(const wk_tape *tape, uint32_t at, const char *text)
{
    if (at >= tape->n || tape->tokens[at].kind >= WK_TAPE_ARRAY)
        return false;
    size_t n = strlen(text);
    return tape->tokens[at].length == n &&
           memcmp(tape->text + tape->tokens[at].start, text, n) == 0;
}

uint32_t wk__tape_get(const wk_tape *tape, uint32_t at, const char *key)
{
    if (!wk__tape_is(tape, at, WK_TAPE_OBJECT))
        return WK_TAPE_NONE;
    for (uint32_t k = wk__tape_first(tape, at); k != WK_TAPE_NONE;) {
        uint32_t value = k + 1;
        if (wk__tape_equals(tape, k, key))
            return value;
        k = wk__tape_next(tape, at, value);
    }
    return WK_TAPE_NONE;
}

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* One \uXXXX as UTF-8; halves of a pair become question marks: no name here has any. */
static size_t unicode_escape(const char *hex, char out[3])
{
    unsigned u = 0;
    for (int i = 0; i < 4; i++)
        u = u << 4 | hex_value(hex[i]);
    if (u == 0 || (u >= 0xD800 && u < 0xE000)) {
        out[0] = '?';
        return 1;
    }
    if (u < 0x80) {
        out[0] = (char)u;
        return 1;
    }
    if (u < 0x800) {
        out[0] = (char)(0xC0 | u >> 6);
        out[1] = (char)(0x80 | (u & 63));
        return 2;
    }
    out[0] = (char)(0xE0 | u >> 12);
    out[1] = (char)(0x80 | (u >> 6 & 63));
    out[2] = (char)(0x80 | (u & 63));
    return 3;
}

void wk__tape_copy(const wk_tape *tape, uint32_t at, char *out, size_t size_bytes)
{
    size_t n = 0;
    out[0] = 0;
    if (!wk__tape_is(tape, at, WK_TAPE_STRING))
        return;
    const char *p = tape->text + tape->tokens[at].start, *end = p + tape->tokens[at].length;
    while (p < end) {
        char piece[3] = {*p};
        size_t length = 1;
        if (*p == '\\') {
            static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
            const char *known = strchr(from, p[1]);
            if (p[1] == 'u') {
                length = unicode_escape(p + 2, piece);
                p += 6;
            } else {
                piece[0] = known ? to[known - from] : p[1];
                p += 2;
            }
        } else {
            p++;
        }
        if (n + length + 1 > size_bytes)
            break;
        memcpy(out + n, piece, length);
        n += length;
    }
    out[n] = 0;
}

const char *wk__tape_decimal(const wk_tape *tape, uint32_t at, wk_decimal *out)
{
    if (at >= tape->n)
        return "is missing";
    const wk_tape_token *token = &tape->tokens[at];
    if (token->kind == WK_TAPE_NULL)
        return "is null";
    if (token->kind != WK_TAPE_NUMBER && token->kind != WK_TAPE_STRING)
        return "is not a number";
    return wk_decimal_parse(tape->text + token->start, token->length, out);
}

const char *wk__tape_int(const wk_tape *tape, uint32_t at, int64_t *out)
{
    wk_decimal value;
    const char *why = wk__tape_decimal(tape, at, &value);
    if (why)
        return why;
    return wk_decimal_units(value, 0, out) ? "is not a whole number" : NULL;
}

wk_status wk__tape_fail(const wk_tape *tape, uint32_t at, const char *what, const char *why,
                        wk_err *err)
{
    if (at >= tape->n)
        return wk_fail(err, WK_E_PARSE, "%s %s", what, why);
    const wk_tape_token *token = &tape->tokens[at];
    int length = token->length < 40 ? (int)token->length : 40;
    return wk_fail(err, WK_E_PARSE, "%s %s: %.*s (byte %u)", what, why, length,
                   tape->text + token->start, (unsigned)token->start);
}
