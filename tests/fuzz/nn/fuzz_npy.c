/* libFuzzer target over the .npy reader: what it accepts must be readable to its last number. */
#include <stdint.h>
#include <stdlib.h>

#include "wick/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_npy a = {.n = 77};
    wk_err err = {0};
    if (wk_npy_parse("fuzz", (const char *)bytes, n, &a, &err) != WK_OK) {
        if (!err.msg[0] || a.n != 77)
            abort();
        return 0;
    }
    size_t numbers = 1;
    for (size_t i = 0; i < WK_NPY_RANK_MAX; i++)
        numbers *= a.shape[i];
    if (numbers != a.n || a.rank > WK_NPY_RANK_MAX)
        abort();
    float *v = malloc((a.n + 1) * sizeof *v);
    if (v) {
        wk_npy_floats(&a, 0, a.n, v);
        for (size_t i = 0; i < a.n; i++)
            (void)wk_npy_at(&a, i);
    }
    free(v);
    return 0;
}
