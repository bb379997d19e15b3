/* Signatures of private requests, computed here from the secret and never taken from wick: the
 * client is judged against them. Source: the venues' authentication pages; test_trade_sign.c has
 * their vectors. */
#ifndef VENUE_TRADE_SIGN_H
#define VENUE_TRADE_SIGN_H

#include <stddef.h>

/* Delta: hex of HMAC-SHA256(secret as it is written, method timestamp path [?query] body). `target`
 * is path and query as they came over the wire. */
void sign_delta(const char *secret, const char *method, const char *timestamp, const char *target,
                const char *body, size_t n_body, char out[65]);

/* Kraken: base64 of HMAC-SHA512(base64 of the secret, path SHA256(nonce body)). Returns 0 when the
 * secret is no base64. */
int sign_kraken(const char *secret, const char *path, const char *nonce, const char *body,
                size_t n_body, char out[128]);

#endif
