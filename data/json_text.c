/* JSON strings: UTF-8, escapes, and finding keys. */
#include "json_text.h"

#include <string.h>

#include "json_scan.h"

size_t wk__utf8_length(const char *p, const char *end)
{
    size_t left = (size_t)(end - p);
    unsigned char a = (unsigned char)p[0];
    if (a < 0x80)
        return 1;
    size_t n = a >= 0xC2 && a <= 0xDF ? 2 : (a & 0xF0) == 0xE0 ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
    if (n == 0 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if (((unsigned char)p[i] & 0xC0) != 0x80)
            return 0;
    unsigned char b = (unsigned char)p[1];
    if ((a == 0xE0 && b < 0xA0) || (a == 0xED && b > 0x9F) || (a == 0xF0 && b < 0x90) ||
        (a == 0xF4 && b > 0x8F))
        return 0;
    return n;
}

static int hex4(const char *p, const char *end, uint32_t *out)
{
    if (end - p < 4)
        return 0;
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        uint32_t digit;
        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a') + 10;
        else
            return 0;
        v = v * 16 + digit;
    }
    *out = v;
    return 1;
}

size_t wk__json_escape(const char *p, const char *end, uint32_t *code)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2)
        return 0;
    if (p[1] != 'u') {
        const char *letter = memchr(letters, p[1], sizeof letters - 1);
        if (!letter)
            return 0;
        *code = (uint32_t)(unsigned char)meanings[letter - letters];
        return 2;
    }
    uint32_t high, low;
    if (!hex4(p + 2, end, &high) || (high >= 0xDC00 && high <= 0xDFFF))
        return 0;
    *code = high;
    if (high < 0xD800 || high > 0xDBFF)
        return 6;
    if (end - p < 12 || p[6] != '\\' || p[7] != 'u' || !hex4(p + 8, end, &low) || low < 0xDC00 ||
        low > 0xDFFF)
        return 0;
    *code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return 12;
}

static size_t write_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    static const unsigned char leads[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(leads[n] | code);
    return n;
}

size_t wk__json_decode(const wk__json *json, uint32_t token, char *out, size_t size)
{
    const wk__json_token *t = &json->tokens[token];
    const char *p = json->text + t->start, *end = p + t->n;
    size_t n = 0;
    while (p < end) {
        char character[4];
        size_t length, taken;
        if (*p == '\\') {
            uint32_t code = 0;
            taken = wk__json_escape(p, end, &code);
            length = write_utf8(code, character);
        } else {
            taken = length = wk__utf8_length(p, end);
            memcpy(character, p, length);
        }
        if (n + length >= size) {
            out[n] = 0;
            return SIZE_MAX;
        }
        memcpy(out + n, character, length);
        n += length;
        p += taken;
    }
    out[n] = 0;
    return n;
}

int wk__json_equals(const wk__json *json, uint32_t token, const char *name)
{
    const wk__json_token *t = &json->tokens[token];
    size_t n = strlen(name);
    if (!t->has_escapes)
        return t->n == n && memcmp(json->text + t->start, name, n) == 0;
    char text[64]; /* names are shorter */
    return wk__json_decode(json, token, text, sizeof text) == n && memcmp(text, name, n) == 0;
}

uint32_t wk__json_members(const wk__json *json, uint32_t object, const char *const *names, size_t n,
                          uint32_t *values)
{
    for (size_t i = 0; i < n; i++)
        values[i] = WK__JSON_ABSENT;
    uint32_t end = json->tokens[object].next;
    size_t expected = 0; /* venues mostly keep to one order */
    for (uint32_t key = object + 1; key < end; key = json->tokens[key + 1].next) {
        size_t i = expected, tried = 0;
        while (tried < n && !wk__json_equals(json, key, names[i])) {
            i = i + 1 < n ? i + 1 : 0;
            tried++;
        }
        if (tried == n)
            continue;
        if (values[i] != WK__JSON_ABSENT)
            return key;
        values[i] = key + 1;
        expected = i + 1 < n ? i + 1 : 0;
    }
    return WK__JSON_ABSENT;
}
