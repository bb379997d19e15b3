/* Parsers of live frames: bytes of one WebSocket text frame in, market events out. No I/O; any
 * bytes are safe. */
#ifndef WICK_PARSE_H
#define WICK_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/event.h"

typedef enum {
    WK_DIALECT_KRAKEN,         /* spot WebSocket v2 */
    WK_DIALECT_KRAKEN_V1,      /* spot v1: old recordings */
    WK_DIALECT_KRAKEN_FUTURES, /* futures feed v1 */
    WK_DIALECT_DELTA,          /* Delta Exchange, legacy public channels */
    WK_DIALECT_DELTA_PUBLIC    /* Delta Exchange, compact channels of the public socket */
} wk_dialect;

typedef struct wk_parser wk_parser;
typedef void (*wk_event_sink)(void *ctx, const wk_event *event);

enum { WK_FRAME_BYTES_MAX = 8 << 20 }; /* a longer frame is refused */

/* symbols [n]: names as the stream has them; event.symbol is an index into it. Frames of other
 * symbols are counted and dropped. Copies what it needs. */
WK_MUST_CHECK wk_status wk_parser_create(wk_dialect dialect, const char *const *symbols, size_t n,
                                         wk_parser **out, wk_err *err);
void wk_parser_destroy(wk_parser *parser);

/* Parses one frame. Its events reach `sink` in order, and only when the whole frame is sound; else
 * WK_E_PARSE says what is wrong and where (byte offset). Valid frames of unknown channels are
 * counted, not errors. Never allocates after the largest frame has been seen once. */
WK_MUST_CHECK wk_status wk_parser_feed(wk_parser *parser, const char *frame, size_t n_bytes,
                                       int64_t receive_ns, wk_event_sink sink, void *ctx,
                                       wk_err *err);

typedef struct {
    uint64_t frames, events, unknown_channel, unknown_symbol, broken;
    uint64_t allocations; /* memory asked for since the parser was made: frames outgrew it */
} wk_parser_counts;
void wk_parser_count(const wk_parser *parser, wk_parser_counts *out);

#endif
