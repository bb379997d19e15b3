/* Replies as documents: the scanner's tokens and the few questions the accounts ask of them. */
#include <stdlib.h>

#include "account_internal.h"

bool wk__reply_open(const char *text, size_t n, wk__doc *out)
{
    const char *reason;
    size_t n_tokens, at;
    if (!text || n == 0 || n >= UINT32_MAX)
        return false;
    for (size_t room = 1024;;
         room = room * 8 < WK__JSON_TOKENS_MAX ? room * 8 : WK__JSON_TOKENS_MAX) {
        wk__json_token *tokens = malloc(room * sizeof *tokens);
        if (!tokens)
            return false;
        wk__json_result result = wk__json_scan(text, n, tokens, room, &n_tokens, &reason, &at);
        if (result == WK__JSON_OK) {
            *out = (wk__doc){{text, tokens}, tokens};
            return true;
        }
        free(tokens);
        if (result == WK__JSON_BROKEN || room == WK__JSON_TOKENS_MAX)
            return false;
    }
}

void wk__reply_close(wk__doc *doc)
{
    if (doc) {
        free(doc->tokens);
        doc->tokens = NULL;
    }
}

bool wk__reply_kind(const wk__doc *doc, uint32_t token, wk__json_kind kind)
{
    return token != WK__JSON_ABSENT && doc->tokens[token].kind == kind;
}

uint32_t wk__reply_get(const wk__doc *doc, uint32_t object, const char *name)
{
    uint32_t value;
    if (!wk__reply_kind(doc, object, WK__JSON_OBJECT) ||
        wk__json_members(&doc->json, object, &name, 1, &value) != WK__JSON_ABSENT ||
        wk__reply_kind(doc, value, WK__JSON_NULL))
        return WK__JSON_ABSENT;
    return value;
}

bool wk__reply_token_text(const wk__doc *doc, uint32_t token, char *out, size_t size)
{
    if (wk__reply_kind(doc, token, WK__JSON_STRING))
        return wk__json_decode(&doc->json, token, out, size) != SIZE_MAX;
    if (!wk__reply_kind(doc, token, WK__JSON_NUMBER) || doc->tokens[token].n >= size)
        return false;
    for (uint32_t i = 0; i < doc->tokens[token].n; i++)
        out[i] = doc->json.text[doc->tokens[token].start + i];
    out[doc->tokens[token].n] = '\0';
    return true;
}

bool wk__reply_text(const wk__doc *doc, uint32_t object, const char *name, char *out, size_t size)
{
    return wk__reply_token_text(doc, wk__reply_get(doc, object, name), out, size);
}

bool wk__reply_decimal(const wk__doc *doc, uint32_t object, const char *name, wk_decimal *out)
{
    uint32_t token = wk__reply_get(doc, object, name);
    if (!wk__reply_kind(doc, token, WK__JSON_STRING) &&
        !wk__reply_kind(doc, token, WK__JSON_NUMBER))
        return false;
    const wk__json_token *t = &doc->tokens[token];
    return wk_decimal_parse(doc->json.text + t->start, t->n, out) == NULL;
}

bool wk__reply_int(const wk__doc *doc, uint32_t object, const char *name, int64_t *out)
{
    wk_decimal d;
    return wk__reply_decimal(doc, object, name, &d) && wk_decimal_units(d, 0, out) == NULL;
}

bool wk__reply_true(const wk__doc *doc, uint32_t object, const char *name)
{
    char text[8];
    return wk__reply_kind(doc, wk__reply_get(doc, object, name), WK__JSON_TRUE) ||
           (wk__reply_text(doc, object, name, text, sizeof text) && text[0] == 't');
}

uint32_t wk__reply_first(const wk__doc *doc, uint32_t container)
{
    if (!wk__reply_kind(doc, container, WK__JSON_ARRAY) &&
        !wk__reply_kind(doc, container, WK__JSON_OBJECT))
        return WK__JSON_ABSENT;
    return container + 1 < doc->tokens[container].next ? container + 1 : WK__JSON_ABSENT;
}

uint32_t wk__reply_after(const wk__doc *doc, uint32_t container, uint32_t child)
{
    if (child == WK__JSON_ABSENT)
        return WK__JSON_ABSENT;
    uint32_t next = doc->tokens[child].next;
    return next < doc->tokens[container].next ? next : WK__JSON_ABSENT;
}
