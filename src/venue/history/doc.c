#include "doc.h"

#include <stdlib.h>
#include <string.h>

wk_status wk__doc_read(wk_doc *doc, const char *text, size_t n_bytes, wk_err *err)
{
    enum { FIRST = 1024 };
    const char *why = "";
    size_t at = 0;
    doc->text = text;
    doc->n = 0;
    if (n_bytes > WK_DOC_BYTES_MAX)
        return wk_fail(err, WK_E_RANGE, "a reply of %zu bytes is refused; the limit is %d", n_bytes,
                       WK_DOC_BYTES_MAX);
    for (;;) {
        size_t n = 0;
        wk__json_result result =
            doc->capacity ? wk__json_scan(text, n_bytes, doc->tokens, doc->capacity, &n, &why, &at)
                          : WK__JSON_FULL;
        if (result == WK__JSON_OK) {
            doc->n = n;
            return WK_OK;
        }
        if (result == WK__JSON_BROKEN)
            return wk_fail(err, WK_E_PARSE, "no sound JSON: %s (byte %zu)", why, at);
        size_t capacity = doc->capacity ? doc->capacity * 8 : FIRST;
        if (capacity > WK__JSON_TOKENS_MAX)
            capacity = WK__JSON_TOKENS_MAX;
        if (capacity == doc->capacity)
            return wk_fail(err, WK_E_RANGE, "a reply of more than %d values is refused",
                           WK__JSON_TOKENS_MAX);
        wk__json_token *grown = realloc(doc->tokens, capacity * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for a reply of %zu bytes", n_bytes);
        doc->tokens = grown;
        doc->capacity = capacity;
    }
}

void wk__doc_finish(wk_doc *doc)
{
    if (!doc)
        return;
    free(doc->tokens);
    *doc = (wk_doc){0};
}

bool wk__doc_is(const wk_doc *doc, uint32_t at, wk__json_kind kind)
{
    return at < doc->n && doc->tokens[at].kind == kind;
}

uint32_t wk__doc_first(const wk_doc *doc, uint32_t at)
{
    if (at >= doc->n || doc->tokens[at].kind < WK__JSON_ARRAY || doc->tokens[at].next == at + 1)
        return WK_DOC_NONE;
    return at + 1;
}

uint32_t wk__doc_next(const wk_doc *doc, uint32_t at, uint32_t child)
{
    uint32_t next = doc->tokens[child].next;
    return next < doc->tokens[at].next ? next : WK_DOC_NONE;
}

bool wk__doc_equals(const wk_doc *doc, uint32_t at, const char *text)
{
    wk__json json = {doc->text, doc->tokens};
    return wk__doc_is(doc, at, WK__JSON_STRING) && wk__json_equals(&json, at, text);
}

uint32_t wk__doc_get(const wk_doc *doc, uint32_t at, const char *key)
{
    if (!wk__doc_is(doc, at, WK__JSON_OBJECT))
        return WK_DOC_NONE;
    for (uint32_t k = wk__doc_first(doc, at); k != WK_DOC_NONE; k = wk__doc_next(doc, at, k + 1))
        if (wk__doc_equals(doc, k, key))
            return k + 1;
    return WK_DOC_NONE;
}

void wk__doc_copy(const wk_doc *doc, uint32_t at, char *out, size_t size_bytes)
{
    wk__json json = {doc->text, doc->tokens};
    out[0] = 0;
    if (wk__doc_is(doc, at, WK__JSON_STRING))
        (void)wk__json_decode(&json, at, out, size_bytes);
}

const char *wk__doc_decimal(const wk_doc *doc, uint32_t at, wk_decimal *out)
{
    if (at >= doc->n)
        return "is missing";
    const wk__json_token *token = &doc->tokens[at];
    if (token->kind == WK__JSON_NULL)
        return "is null";
    if (token->kind != WK__JSON_NUMBER && token->kind != WK__JSON_STRING)
        return "is not a number";
    return wk_decimal_parse(doc->text + token->start, token->n, out);
}

const char *wk__doc_int(const wk_doc *doc, uint32_t at, int64_t *out)
{
    wk_decimal value;
    const char *why = wk__doc_decimal(doc, at, &value);
    if (why)
        return why;
    return wk_decimal_units(value, 0, out) ? "is not a whole number" : NULL;
}

wk_status wk__doc_fail(const wk_doc *doc, uint32_t at, const char *what, const char *why,
                       wk_err *err)
{
    if (at >= doc->n)
        return wk_fail(err, WK_E_PARSE, "%s %s", what, why);
    const wk__json_token *token = &doc->tokens[at];
    int length = token->n < 40 ? (int)token->n : 40;
    return wk_fail(err, WK_E_PARSE, "%s %s: %.*s (byte %u)", what, why, length,
                   doc->text + token->start, (unsigned)token->start);
}
