#include "nn/kernels/low.h"

#include "wick/cpu.h"

/* Fastest first, C last. */
static const struct {
    const wk__low_ops *ops;
    uint32_t needs;
} table[] = {
#if defined(__x86_64__)
    {&wk__low_ops_amx,
     WK_CPU_AMX_BF16 | WK_CPU_AVX512F | WK_CPU_AVX512BW | WK_CPU_AVX512VL | WK_CPU_AVX512BF16},
    {&wk__low_ops_avx512, WK_CPU_AVX512F},
    {&wk__low_ops_avx2, WK_CPU_AVX2 | WK_CPU_FMA},
#elif defined(__aarch64__)
    {&wk__low_ops_neon, WK_CPU_NEON},
#endif
    {&wk__low_ops_c, 0},
};

const wk__low_ops *wk__low_ops_at(size_t i)
{
    uint32_t flags = wk_cpu_flags();
    if (!wk_cpu_allow_amx())
        flags &= ~(uint32_t)WK_CPU_AMX_BF16;
    for (size_t row = 0; row < sizeof table / sizeof *table; row++)
        if ((flags & table[row].needs) == table[row].needs && i-- == 0)
            return table[row].ops;
    return NULL;
}
