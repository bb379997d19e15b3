/* The parser that all dialects share: symbols, scanning, and delivery. */
#include "wick/parse.h"

#include <stdlib.h>
#include <string.h>

#include "parse_internal.h"

enum { TOKENS_FIRST = 1024, EVENTS_FIRST = 64, NAME_MAX_BYTES = 128 };

static uint64_t hash_name(const char *s, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)s[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint32_t find_name(const wk_parser *p, const char *s, size_t n)
{
    if (p->n_slots == 0)
        return WK_SYMBOL_NONE;
    uint64_t h = hash_name(s, n);
    for (size_t i = h & (p->n_slots - 1); p->slots[i] != 0; i = (i + 1) & (p->n_slots - 1)) {
        const wk__parse_symbol *symbol = &p->symbols[p->slots[i] - 1];
        if (symbol->hash == h && symbol->n == n && memcmp(symbol->name, s, n) == 0)
            return p->slots[i] - 1;
    }
    return WK_SYMBOL_NONE;
}

static wk_status add_name(wk_parser *p, const char *name, wk_err *err)
{
    wk__parse_symbol *symbol = &p->symbols[p->n_symbols];
    size_t n = strlen(name);
    if (n == 0 || n >= NAME_MAX_BYTES)
        return wk_fail(err, WK_E_ARG, "symbol %zu has %zu bytes: give 1 to %d", p->n_symbols, n,
                       NAME_MAX_BYTES - 1);
    if (find_name(p, name, n) != WK_SYMBOL_NONE)
        return wk_fail(err, WK_E_ARG, "symbol %s is given twice", name);
    symbol->name = malloc(n + 1);
    if (!symbol->name)
        return wk_fail(err, WK_E_NOMEM, "no memory for a parser");
    memcpy(symbol->name, name, n + 1);
    symbol->n = n;
    symbol->hash = hash_name(name, n);
    size_t i = symbol->hash & (p->n_slots - 1);
    while (p->slots[i] != 0)
        i = (i + 1) & (p->n_slots - 1);
    p->slots[i] = (uint32_t)++p->n_symbols;
    return WK_OK;
}

wk_status wk_parser_create(wk_dialect dialect, const char *const *symbols, size_t n,
                           wk_parser **out, wk_err *err)
{
    if (n > 1 << 20)
        return wk_fail(err, WK_E_ARG, "%zu symbols are more than a parser takes", n);
    wk_status status = WK_E_NOMEM;
    wk_parser *p = calloc(1, sizeof *p);
    if (!p)
        return wk_fail(err, WK_E_NOMEM, "no memory for a parser");
    p->dialect = dialect;
    p->n_slots = 16;
    while (p->n_slots < 2 * n)
        p->n_slots *= 2;
    p->slots = calloc(p->n_slots, sizeof *p->slots);
    p->symbols = calloc(n + 1, sizeof *p->symbols);
    p->n_tokens_max = TOKENS_FIRST;
    p->tokens = malloc(p->n_tokens_max * sizeof *p->tokens);
    p->n_events_max = EVENTS_FIRST;
    p->events = malloc(p->n_events_max * sizeof *p->events);
    if (!p->slots || !p->symbols || !p->tokens || !p->events) {
        wk_fail(err, WK_E_NOMEM, "no memory for a parser");
        goto fail;
    }
    for (size_t i = 0; i < n; i++) {
        status = add_name(p, symbols[i], err);
        if (status != WK_OK)
            goto fail;
    }
    *out = p;
    return WK_OK;
fail:
    wk_parser_destroy(p);
    return status;
}

void wk_parser_destroy(wk_parser *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_symbols; i++)
        free(p->symbols[i].name);
    free(p->symbols);
    free(p->slots);
    free(p->tokens);
    free(p->events);
    free(p);
}

void wk_parser_count(const wk_parser *p, wk_parser_counts *out)
{
    *out = p->counts;
}

uint32_t wk__parse_symbol_of(wk_parser *p, uint32_t token, const char *prefix)
{
    if (!wk__parse_is(p, token, WK__JSON_STRING, "symbol"))
        return WK_SYMBOL_NONE;
    const wk__json_token *t = &p->json.tokens[token];
    const char *name = p->json.text + t->start;
    size_t n = t->n;
    char decoded[NAME_MAX_BYTES];
    if (t->has_escapes) {
        n = wk__json_decode(&p->json, token, decoded, sizeof decoded);
        name = decoded;
    }
    uint32_t symbol = n == SIZE_MAX ? WK_SYMBOL_NONE : find_name(p, name, n);
    if (symbol == WK_SYMBOL_NONE && prefix && n != SIZE_MAX) {
        size_t m = strlen(prefix);
        if (n > m && memcmp(name, prefix, m) == 0)
            symbol = find_name(p, name + m, n - m);
    }
    p->counts.unknown_symbol += symbol == WK_SYMBOL_NONE;
    return symbol;
}

wk_event *wk__parse_event(wk_parser *p, wk_event_kind kind, uint32_t symbol, int64_t exchange_ns)
{
    if (p->n_events == p->n_events_max) {
        wk_event *grown = realloc(p->events, 2 * p->n_events_max * sizeof *grown);
        if (!grown) {
            p->is_out_of_memory = 1;
            p->n_events--; /* overwrites the last one of a frame that fails anyway */
        } else {
            p->counts.allocations++;
            p->events = grown;
            p->n_events_max *= 2;
        }
    }
    wk_event *event = &p->events[p->n_events++];
    memset(event, 0, sizeof *event);
    event->kind = (int32_t)kind;
    event->symbol = symbol;
    event->exchange_ns = exchange_ns;
    event->receive_ns = p->receive_ns;
    p->is_known = 1;
    return event;
}

static wk_status scan(wk_parser *p, const char *frame, size_t n, wk_err *err)
{
    for (;;) {
        size_t n_tokens, at;
        const char *reason;
        wk__json_result result =
            wk__json_scan(frame, n, p->tokens, p->n_tokens_max, &n_tokens, &reason, &at);
        if (result == WK__JSON_OK)
            return WK_OK;
        if (result == WK__JSON_BROKEN)
            return wk_fail(err, WK_E_PARSE, "frame is no JSON: %s at byte %zu of %zu", reason, at,
                           n);
        wk__json_token *grown = realloc(p->tokens, 4 * p->n_tokens_max * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "no memory for a frame of %zu bytes", n);
        p->counts.allocations++;
        p->tokens = grown;
        p->n_tokens_max *= 4;
    }
}

static wk_status read_frame(wk_parser *p, const char *frame, size_t n, wk_err *err)
{
    static void (*const readers[])(wk_parser *) = {
        [WK_DIALECT_KRAKEN] = wk__parse_kraken,
        [WK_DIALECT_KRAKEN_V1] = wk__parse_kraken_v1,
        [WK_DIALECT_KRAKEN_FUTURES] = wk__parse_kraken_futures,
        [WK_DIALECT_DELTA] = wk__parse_delta,
        [WK_DIALECT_DELTA_PUBLIC] = wk__parse_delta,
    };
    if (n > WK_FRAME_BYTES_MAX)
        return wk_fail(err, WK_E_PARSE, "frame of %zu bytes is longer than %d", n,
                       WK_FRAME_BYTES_MAX);
    WK_TRY(scan(p, frame, n, err));
    p->json = (wk__json){frame, p->tokens};
    readers[p->dialect](p);
    if (p->is_out_of_memory)
        return wk_fail(err, WK_E_NOMEM, "no memory for the events of a frame of %zu bytes", n);
    if (p->reason)
        return wk_fail(err, WK_E_PARSE, "frame: %s %s at byte %zu of %zu", p->what, p->reason,
                       p->at, n);
    return WK_OK;
}

wk_status wk_parser_feed(wk_parser *p, const char *frame, size_t n_bytes, int64_t receive_ns,
                         wk_event_sink sink, void *ctx, wk_err *err)
{
    p->n_events = 0;
    p->receive_ns = receive_ns;
    p->is_known = 0;
    p->reason = NULL;
    p->is_out_of_memory = 0;
    p->counts.frames++;
    wk_status status = read_frame(p, frame, n_bytes, err);
    if (status != WK_OK) {
        p->counts.broken++;
        return status;
    }
    p->counts.unknown_channel += !p->is_known;
    p->counts.events += p->n_events;
    for (size_t i = 0; i < p->n_events; i++)
        sink(ctx, &p->events[i]);
    return WK_OK;
}
