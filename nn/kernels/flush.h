/* Denormal numbers become zero in this thread, in training only: gradients that die out through
 * closed gates would otherwise slow every product that meets them by an order of magnitude.
 * Inference keeps the caller's mode. On other processors than x86-64 and 64-bit ARM nothing
 * changes. */
#ifndef WK_NN_FLUSH_H
#define WK_NN_FLUSH_H

#if defined(__x86_64__)
#include <xmmintrin.h>

enum { WK__FLUSH_BITS = 0x8040 }; /* results to zero, operands as zero */

static inline unsigned wk__flush_begin(void)
{
    unsigned before = _mm_getcsr();
    _mm_setcsr(before | WK__FLUSH_BITS);
    return before;
}

static inline void wk__flush_end(unsigned before)
{
    _mm_setcsr(before);
}
#elif defined(__aarch64__)
#include <stdint.h>

enum { WK__FLUSH_BITS = 1 << 24 }; /* results and operands */

static inline unsigned wk__flush_begin(void)
{
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | WK__FLUSH_BITS));
    return (unsigned)before;
}

static inline void wk__flush_end(unsigned before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)before));
}
#else
static inline unsigned wk__flush_begin(void)
{
    return 0;
}

static inline void wk__flush_end(unsigned before)
{
    (void)before;
}
#endif

#endif
