/* Loops over registers: fully unrolled, in functions that are compiled once for each shape. */
#ifndef WK_NN_UNROLL_H
#define WK_NN_UNROLL_H

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define EACH(i, n) UNROLL for (size_t i = 0; i < (n); i++)
#define INLINE static inline __attribute__((always_inline))

enum {
    PANEL = WK__LANES / VW,
    ACC_COLS = 8 * PANEL,
    ACC_ROWS = GEMM_ROWS > AT_ROWS ? GEMM_ROWS : AT_ROWS
};

#endif
