/* SHA-256 (over libcrypto) of data and configurations, as lower-case hex. */
#ifndef WICK_HASH_H
#define WICK_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct wk_hash wk_hash;

wk_hash *wk_hash_create(void);
void wk_hash_feed(wk_hash *hash, const void *bytes, size_t size_bytes);
/* Writes 64 hex digits and a 0 byte, and destroys the hash. */
void wk_hash_finish(wk_hash *hash, char out[65]);
void wk_hash_bytes(const void *bytes, size_t size_bytes, char out[65]);

/* Digests of streams, where speed counts and nobody forges: words of 8 bytes (the last one filled
 * with 0), each xored in, multiplied by 2^64 / golden ratio, folded. */
#define WK_DIGEST_START UINT64_C(0xcbf29ce484222325)
uint64_t wk_digest_bytes(uint64_t digest, const void *bytes, size_t size_bytes);

#endif
