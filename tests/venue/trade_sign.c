#include "trade_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "text.h"

void sign_delta(const char *secret, const char *method, const char *timestamp, const char *target,
                const char *body, size_t n_body, char out[65])
{
    text said = {0};
    text_add(&said, "%s%s%s", method, timestamp, target);
    text_add_bytes(&said, body, n_body);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)said.data, said.n,
              mac, &n))
        abort();
    for (unsigned i = 0; i < n; i++)
        snprintf(out + (size_t)i * 2, 3, "%02x", (unsigned)mac[i]);
    text_finish(&said);
}

int sign_kraken(const char *secret, const char *path, const char *nonce, const char *body,
                size_t n_body, char out[128])
{
    unsigned char key[256], digest[32], mac[EVP_MAX_MD_SIZE];
    size_t n_secret = strlen(secret);
    if (n_secret == 0 || n_secret % 4 != 0 || n_secret > sizeof key)
        return 0;
    int n_key = EVP_DecodeBlock(key, (const unsigned char *)secret, (int)n_secret);
    if (n_key < 0)
        return 0;
    /* EVP_DecodeBlock counts the padding as bytes. */
    n_key -= (secret[n_secret - 1] == '=') + (secret[n_secret - 2] == '=');
    text said = {0};
    text_add(&said, "%s", nonce);
    text_add_bytes(&said, body, n_body);
    unsigned n = 0;
    int ok = EVP_Digest(said.data, said.n, digest, NULL, EVP_sha256(), NULL);
    text_clear(&said);
    text_add(&said, "%s", path);
    text_add_bytes(&said, digest, sizeof digest);
    ok = ok && HMAC(EVP_sha512(), key, n_key, (const unsigned char *)said.data, said.n, mac, &n);
    text_finish(&said);
    if (ok)
        EVP_EncodeBlock((unsigned char *)out, mac, (int)n);
    return ok;
}
