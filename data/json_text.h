/* Characters of JSON strings. */
#ifndef WICK_DATA_JSON_TEXT_H
#define WICK_DATA_JSON_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the UTF-8 character at p (1..4), or 0 when it is none (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). */
size_t wk__utf8_length(const char *p, const char *end);

/* Reads the escape at p, which is a backslash; a pair of surrogates is one escape. Returns its
 * bytes and the code point, or 0 when JSON has no such escape. */
size_t wk__json_escape(const char *p, const char *end, uint32_t *code);

#endif
