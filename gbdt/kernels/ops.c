#include "gbdt/kernels/ops.h"

#include "wick/cpu.h"

/* Fastest first. */
static const struct {
    const wk__gbdt_ops *ops;
    uint32_t needs;
} table[] = {
#if defined(__x86_64__)
    {&wk__gbdt_ops_avx512_gfni, WK_CPU_AVX2 | WK_CPU_AVX512F | WK_CPU_AVX512BW | WK_CPU_AVX512DQ |
                                    WK_CPU_AVX512VL | WK_CPU_AVX512VBMI | WK_CPU_GFNI},
    {&wk__gbdt_ops_avx512, WK_CPU_AVX2 | WK_CPU_AVX512F | WK_CPU_AVX512BW | WK_CPU_AVX512DQ |
                               WK_CPU_AVX512VL | WK_CPU_AVX512VBMI},
    {&wk__gbdt_ops_avx2, WK_CPU_AVX2},
#endif
    {NULL, 0},
};

const wk__gbdt_ops *wk__gbdt_ops_at(size_t i)
{
    uint32_t flags = wk_cpu_flags();
    for (size_t row = 0; table[row].ops; row++)
        if ((flags & table[row].needs) == table[row].needs && i-- == 0)
            return table[row].ops;
    return NULL;
}
