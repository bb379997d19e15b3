#include "gbdt/kernels/train_ops.h"

#include "wick/cpu.h"

/* Fastest first, C last. */
static const struct {
    const wk__gbdt_train_ops *ops;
    uint32_t needs;
} table[] = {
#if defined(__x86_64__)
    {&wk__gbdt_train_ops_avx512,
     WK_CPU_AVX2 | WK_CPU_AVX512F | WK_CPU_AVX512BW | WK_CPU_AVX512DQ | WK_CPU_AVX512VL},
    {&wk__gbdt_train_ops_avx2, WK_CPU_AVX2},
#endif
    {&wk__gbdt_train_ops_c, 0},
};

const wk__gbdt_train_ops *wk__gbdt_train_ops_at(size_t i)
{
    uint32_t flags = wk_cpu_flags();
    for (size_t row = 0; row < sizeof table / sizeof *table; row++)
        if ((flags & table[row].needs) == table[row].needs && i-- == 0)
            return table[row].ops;
    return NULL;
}
