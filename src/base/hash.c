#include "wick/hash.h"

#include <openssl/evp.h>
#include <string.h>

#include "wick/err.h"

uint64_t wk_digest_bytes(uint64_t digest, const void *bytes, size_t size_bytes)
{
    const unsigned char *b = bytes;
    while (size_bytes > 0) {
        uint64_t word = 0;
        size_t n = size_bytes < sizeof word ? size_bytes : sizeof word;
        memcpy(&word, b, n);
        digest = (digest ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        digest ^= digest >> 32;
        b += n;
        size_bytes -= n;
    }
    return digest;
}

wk_hash *wk_hash_create(void)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    WK_ASSERT(ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    return (wk_hash *)ctx;
}

void wk_hash_feed(wk_hash *hash, const void *bytes, size_t size_bytes)
{
    WK_ASSERT(EVP_DigestUpdate((EVP_MD_CTX *)hash, bytes, size_bytes) == 1);
}

void wk_hash_finish(wk_hash *hash, char out[65])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char raw[32];
    WK_ASSERT(EVP_DigestFinal_ex((EVP_MD_CTX *)hash, raw, NULL) == 1);
    EVP_MD_CTX_free((EVP_MD_CTX *)hash);
    for (int i = 0; i < 32; i++) {
        out[2 * i] = digits[raw[i] >> 4];
        out[2 * i + 1] = digits[raw[i] & 15];
    }
    out[64] = 0;
}

void wk_hash_bytes(const void *bytes, size_t size_bytes, char out[65])
{
    wk_hash *hash = wk_hash_create();
    wk_hash_feed(hash, bytes, size_bytes);
    wk_hash_finish(hash, out);
}
