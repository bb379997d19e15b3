/* Needs -mavx512f -mavx512bw -mavx512dq -mavx512vl. */
#include <immintrin.h>

#include "gbdt/kernels/search_body.h"
#include "gbdt/kernels/shared_body.h"

static size_t mark(const uint8_t *bin, const uint32_t *rows, size_t n, int last, int missing,
                   uint8_t *side)
{
    const __m512i most = _mm512_set1_epi32(last), none = _mm512_set1_epi32(missing);
    const __m512i byte = _mm512_set1_epi32(255), zero = _mm512_setzero_si512();
    size_t count = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 valid = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        __m512i row = _mm512_maskz_loadu_epi32(valid, rows + i);
        __m512i v = _mm512_mask_i32gather_epi32(zero, valid, row, bin, 1);
        v = _mm512_and_si512(v, byte);
        __mmask16 left = _mm512_cmple_epi32_mask(v, most) | _mm512_cmpeq_epi32_mask(v, none);
        left &= valid;
        _mm_mask_storeu_epi8(side + i, valid, _mm_maskz_set1_epi8(left, 1));
        count += (size_t)__builtin_popcount(left);
    }
    return count;
}

static inline __attribute__((always_inline)) size_t pack(__mmask16 keep, __m512i row, __m512i low,
                                                         __m512i high, uint32_t *to, int64_t *to_gh)
{
    unsigned a = (unsigned)__builtin_popcount(keep & 0xff), n = (unsigned)__builtin_popcount(keep);
    __mmask8 low_keep = (__mmask8)keep, high_keep = (__mmask8)(keep >> 8);
    _mm512_mask_storeu_epi32(to, (__mmask16)((1u << n) - 1),
                             _mm512_maskz_compress_epi32(keep, row));
    _mm512_mask_storeu_epi64(to_gh, (__mmask8)((1u << a) - 1),
                             _mm512_maskz_compress_epi64(low_keep, low));
    _mm512_mask_storeu_epi64(to_gh + a, (__mmask8)((1u << (n - a)) - 1),
                             _mm512_maskz_compress_epi64(high_keep, high));
    return n;
}

/* Masked stores end where the other side's rows begin. */
static void move(const uint32_t *rows, const int64_t *gh, const uint8_t *side, size_t n,
                 uint32_t *left, int64_t *left_gh, uint32_t *right, int64_t *right_gh)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 valid = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        __m128i s = _mm_maskz_loadu_epi8(valid, side + i);
        __mmask16 goes = _mm_test_epi8_mask(s, s), stays = (__mmask16)(valid & ~goes);
        __m512i row = _mm512_maskz_loadu_epi32(valid, rows + i);
        __m512i low = _mm512_maskz_loadu_epi64((__mmask8)valid, gh + i);
        __m512i high = _mm512_maskz_loadu_epi64((__mmask8)(valid >> 8), gh + i + 8);
        size_t a = pack(goes, row, low, high, left, left_gh);
        size_t b = pack(stays, row, low, high, right, right_gh);
        left += a;
        left_gh += a;
        right += b;
        right_gh += b;
    }
}

const wk__gbdt_train_ops wk__gbdt_train_ops_avx512 = {"avx512", search, mark, move, add_shared};
