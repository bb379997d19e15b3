/* Vectors: the venues' documentation; tests/unit/net/test_sign.c holds them. */
#include "wick/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "wick/text.h"

void wk_sign_delta(const char *secret, const char *method, const char *timestamp,
                   const char *target, const char *body, size_t body_bytes, char out[WK_SIGN_HEX])
{
    wk_text message = {0};
    wk_text_add(&message, method);
    wk_text_add(&message, timestamp);
    wk_text_add(&message, target);
    if (body_bytes > 0)
        wk_text_add_bytes(&message, body, body_bytes);
    unsigned char mac[SHA256_DIGEST_LENGTH];
    const unsigned char *made = HMAC(EVP_sha256(), secret, (int)strlen(secret),
                                     (const unsigned char *)message.s, message.n, mac, NULL);
    WK_ASSERT(made != NULL);
    free(message.s);
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof mac; i++) {
        out[2 * i] = digits[mac[i] >> 4];
        out[2 * i + 1] = digits[mac[i] & 15];
    }
    out[2 * sizeof mac] = '\0';
}

/* The length of base64 text decoded, or -1 when it is none. */
static int decode(const char *text, unsigned char *out, size_t room)
{
    size_t n = strlen(text);
    if (n == 0 || n % 4 != 0 || n / 4 * 3 > room)
        return -1;
    int length = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
    if (length < 0)
        return -1;
    return length - (text[n - 1] == '=') - (text[n - 2] == '=');
}

/* base64(HMAC-SHA512(base64dec(secret), prefix + digest)) */
static wk_status finish(const char *secret, const char *prefix,
                        const unsigned char digest[SHA256_DIGEST_LENGTH], char out[WK_SIGN_BASE64],
                        wk_err *err)
{
    unsigned char key[256], mac[SHA512_DIGEST_LENGTH];
    int key_bytes = decode(secret, key, sizeof key);
    if (key_bytes < 0)
        return wk_fail(err, WK_E_CONFIG,
                       "the secret is not base64; copy it whole from the venue's key page");
    wk_text message = {0};
    wk_text_add(&message, prefix);
    wk_text_add_bytes(&message, (const char *)digest, SHA256_DIGEST_LENGTH);
    const unsigned char *made =
        HMAC(EVP_sha512(), key, key_bytes, (const unsigned char *)message.s, message.n, mac, NULL);
    WK_ASSERT(made != NULL);
    free(message.s);
    OPENSSL_cleanse(key, sizeof key);
    EVP_EncodeBlock((unsigned char *)out, mac, (int)sizeof mac);
    return WK_OK;
}

static void digest_of(const char *a, const char *b, size_t b_bytes, const char *c,
                      unsigned char out[SHA256_DIGEST_LENGTH])
{
    wk_text message = {0};
    wk_text_add(&message, a);
    if (b_bytes > 0)
        wk_text_add_bytes(&message, b, b_bytes);
    wk_text_add(&message, c);
    SHA256((const unsigned char *)message.s, message.n, out);
    free(message.s);
}

wk_status wk_sign_kraken(const char *secret, const char *path, const char *nonce, const char *body,
                         size_t body_bytes, char out[WK_SIGN_BASE64], wk_err *err)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    digest_of(nonce, body, body_bytes, "", digest);
    return finish(secret, path, digest, out, err);
}

wk_status wk_sign_kraken_futures(const char *secret, const char *path, const char *nonce,
                                 const char *data, size_t data_bytes, char out[WK_SIGN_BASE64],
                                 wk_err *err)
{
    static const char prefix[] = "/derivatives";
    if (strncmp(path, prefix, sizeof prefix - 1) == 0)
        path += sizeof prefix - 1;
    wk_text rest = {0};
    wk_text_add(&rest, nonce);
    wk_text_add(&rest, path);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    digest_of("", data, data_bytes, rest.s, digest);
    free(rest.s);
    return finish(secret, "", digest, out, err);
}

wk_status wk_sign_kraken_challenge(const char *secret, const char *challenge,
                                   char out[WK_SIGN_BASE64], wk_err *err)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    digest_of(challenge, NULL, 0, "", digest);
    return finish(secret, "", digest, out, err);
}
