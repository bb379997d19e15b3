/* What the dialects share: a frame's tokens, typed reads that remember the first fault, and the
 * events of the frame, which leave only when all of it is sound. */
#ifndef WICK_DATA_PARSE_INTERNAL_H
#define WICK_DATA_PARSE_INTERNAL_H

#include "json_scan.h"
#include "wick/parse.h"

typedef struct {
    char *name;
    size_t n;
    uint64_t hash;
} wk__parse_symbol;

struct wk_parser {
    wk_dialect dialect;
    wk__parse_symbol *symbols;
    size_t n_symbols;
    uint32_t *slots; /* open addressing: index + 1, 0 is free */
    size_t n_slots;
    wk__json_token *tokens;
    size_t n_tokens_max;
    wk_event *events;
    size_t n_events, n_events_max;
    wk_parser_counts counts;
    /* Of the frame at hand. */
    wk__json json;
    int64_t receive_ns;
    int is_known;       /* some reader took the frame */
    const char *reason; /* the first fault: "<what> <reason>" */
    const char *what;
    size_t at;
    int is_out_of_memory;
};

/* Token of an absent member. */
#define WK__ABSENT WK__JSON_ABSENT

/* Remembers the first fault of the frame; token may be absent. */
void wk__parse_fault(wk_parser *p, uint32_t token, const char *what, const char *reason);

wk__json_kind wk__parse_kind(const wk_parser *p, uint32_t token);
/* Absent or null? */
int wk__parse_is_missing(const wk_parser *p, uint32_t token);
/* First element of an array or key of an object, the one behind it, and where they end. */
uint32_t wk__parse_first(uint32_t container);
uint32_t wk__parse_next(const wk_parser *p, uint32_t token);
uint32_t wk__parse_end(const wk_parser *p, uint32_t container);

/* The values of names [n] in an object; a fault when it is none, or when a key repeats. */
void wk__parse_members(wk_parser *p, uint32_t object, const char *what, const char *const *names,
                       size_t n, uint32_t *values);
/* Checks the kind; on a fault returns 0. */
int wk__parse_is(wk_parser *p, uint32_t token, wk__json_kind kind, const char *what);
/* Elements of an array of at least n; a fault when there are fewer. */
int wk__parse_elements(wk_parser *p, uint32_t array, const char *what, uint32_t *tokens, size_t n);

/* A number, or a string that holds one, exactly. A fault reads as 0. */
wk_decimal wk__parse_decimal(wk_parser *p, uint32_t token, const char *what);
/* The same for sizes: not below zero. */
wk_decimal wk__parse_size(wk_parser *p, uint32_t token, const char *what);
/* Any decimal; absent and null read as scale -1. */
wk_decimal wk__parse_decimal_or_none(wk_parser *p, uint32_t token, const char *what);
/* For figures that a venue writes from a double (rates, open interest): digits behind the 36th
 * decimal or the 18th significant one are cut. */
wk_decimal wk__parse_rate(wk_parser *p, uint32_t token, const char *what);
int64_t wk__parse_int(wk_parser *p, uint32_t token, const char *what, int64_t min, int64_t max);
/* A count of 10^-decimals seconds since 1970, as nanoseconds; absent reads as 0. */
int64_t wk__parse_epoch(wk_parser *p, uint32_t token, const char *what, int decimals);
/* RFC 3339 in UTC with up to nine decimals of a second; absent reads as 0. */
int64_t wk__parse_rfc3339(wk_parser *p, uint32_t token, const char *what);

/* The symbol's index, or WK_SYMBOL_NONE, which is counted. Passes over `prefix` (may be NULL) when
 * the whole name is not known. */
uint32_t wk__parse_symbol_of(wk_parser *p, uint32_t token, const char *prefix);
int wk__parse_equals(const wk_parser *p, uint32_t token, const char *text);
/* Does the string begin with `text`? Escapes do not count. */
int wk__parse_begins(const wk_parser *p, uint32_t token, const char *text);

/* A new event, zeroed but for kind, symbol, times. Never NULL: without memory it is a spare one,
 * and the frame fails. */
wk_event *wk__parse_event(wk_parser *p, wk_event_kind kind, uint32_t symbol, int64_t exchange_ns);
/* Copies a string, cut at the end of a character. Absent or another kind: the JSON text, cut. */
void wk__parse_text(const wk_parser *p, uint32_t token, char out[96]);

/* The three events of a book message. */
void wk__parse_book_begin(wk_parser *p, uint32_t symbol, int64_t exchange_ns, int is_snapshot,
                          int64_t sequence, int64_t previous);
void wk__parse_book_level(wk_parser *p, uint32_t symbol, int64_t exchange_ns, wk_side side,
                          wk_decimal price, wk_decimal qty);
void wk__parse_book_end(wk_parser *p, uint32_t symbol, int64_t exchange_ns, int has_checksum,
                        uint32_t checksum);
/* An array of [price, size, ...] arrays. */
void wk__parse_book_rows(wk_parser *p, uint32_t symbol, int64_t exchange_ns, wk_side side,
                         uint32_t array, const char *what);

void wk__parse_kraken(wk_parser *p);
void wk__parse_kraken_v1(wk_parser *p);
void wk__parse_kraken_futures(wk_parser *p);
void wk__parse_delta(wk_parser *p);
/* The compact forms; `type` is the channel. */
void wk__parse_delta_public(wk_parser *p, uint32_t type);

#endif
