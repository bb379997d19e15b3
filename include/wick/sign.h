/* Signatures of private requests, nonces, and the keys they are made with. Keys and secrets never
 * appear in a message: errors name the variable or the file, not what stands in it. */
#ifndef WICK_SIGN_H
#define WICK_SIGN_H

#include <stdint.h>

#include "wick/err.h"

enum { WK_SIGN_HEX = 65, WK_SIGN_BASE64 = 89 }; /* bytes of a signature's text with its 0 byte */

/* Delta: hex(HMAC-SHA256(secret as text, METHOD + timestamp + target + body)); target is the path
 * with "?query" exactly as sent. The WebSocket login signs "GET", "/live" and no body. */
void wk_sign_delta(const char *secret, const char *method, const char *timestamp,
                   const char *target, const char *body, size_t body_bytes, char out[WK_SIGN_HEX]);

/* Kraken spot: base64(HMAC-SHA512(base64dec(secret), path + SHA256(nonce + body))). WK_E_CONFIG
 * when the secret is no base64. */
WK_MUST_CHECK wk_status wk_sign_kraken(const char *secret, const char *path, const char *nonce,
                                       const char *body, size_t body_bytes,
                                       char out[WK_SIGN_BASE64], wk_err *err);

/* Kraken Futures: base64(HMAC-SHA512(base64dec(secret), SHA256(data + nonce + path))); a path that
 * starts with /derivatives is signed without it. */
WK_MUST_CHECK wk_status wk_sign_kraken_futures(const char *secret, const char *path,
                                               const char *nonce, const char *data,
                                               size_t data_bytes, char out[WK_SIGN_BASE64],
                                               wk_err *err);

/* Kraken Futures' WebSocket login: base64(HMAC-SHA512(base64dec(secret), SHA256(challenge))). */
WK_MUST_CHECK wk_status wk_sign_kraken_challenge(const char *secret, const char *challenge,
                                                 char out[WK_SIGN_BASE64], wk_err *err);

/* ---- nonces: microseconds of wall time, strictly increasing, across restarts too ---- */

typedef struct wk_nonce wk_nonce;

/* `path` keeps a bound that no nonce has reached yet, and is locked while open: one process a key
 * (WK_E_STATE when another has it). */
WK_MUST_CHECK wk_status wk_nonce_open(const char *path, wk_nonce **out, wk_err *err);
void wk_nonce_close(wk_nonce *nonce);
/* Another clock than the wall's, for virtual time; before the first nonce. No bound is kept then:
 * the clock must not fall back, restarts included. */
void wk_nonce_set_clock(wk_nonce *nonce, int64_t (*now_ns)(void *ctx), void *ctx);
/* Any thread. WK_E_IO: the bound could not be kept, the clock is not past the one that was, and no
 * nonce was handed out: try again later. */
WK_MUST_CHECK wk_status wk_nonce_next(wk_nonce *nonce, uint64_t *out, wk_err *err);

/* ---- keys ---- */

typedef struct {
    char key[160], secret[256];
} wk_keys;

/* Reads <prefix>_KEY and <prefix>_SECRET from the environment, or else from the lines NAME=VALUE of
 * `env_file` (NULL: none), which must be ours and readable by nobody else (mode 600). Values may
 * stand in quotes. WK_E_CONFIG says what is missing and where. */
WK_MUST_CHECK wk_status wk_keys_read(const char *prefix, const char *env_file, wk_keys *out,
                                     wk_err *err);
/* Overwrites them. */
void wk_keys_forget(wk_keys *keys);

#endif
