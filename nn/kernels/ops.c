#include "nn/kernels/ops.h"

#include <stdint.h>

#include "wick/cpu.h"

/* Fastest first, C last. */
static const struct {
    const wk__nn_ops *ops;
    uint32_t needs;
} table[] = {
#if defined(__x86_64__) && !defined(WK_NN_REAL_DOUBLE)
    {&wk__nn_ops_avx512, WK_CPU_AVX512F},
    {&wk__nn_ops_avx2, WK_CPU_AVX2 | WK_CPU_FMA},
#elif defined(__aarch64__) && !defined(WK_NN_REAL_DOUBLE)
    {&wk__nn_ops_neon, WK_CPU_NEON},
#endif
    {&wk__nn_ops_c, 0},
};

const wk__nn_ops *wk__nn_ops_at(size_t i)
{
    uint32_t flags = wk_cpu_flags();
    for (size_t row = 0; row < sizeof table / sizeof *table; row++)
        if ((flags & table[row].needs) == table[row].needs && i-- == 0)
            return table[row].ops;
    return NULL;
}

const wk__nn_ops *wk__nn_ops_best(void)
{
    return wk__nn_ops_at(0);
}
