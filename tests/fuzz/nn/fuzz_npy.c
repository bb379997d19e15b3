/* libFuzzer target over the .npy reader: what it accepts must be readable to its last number, and
 * be the same once it was written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/file.h"
#include "wick/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void write_and_read(const wk_npy *a, const float *v)
{
    static int n_written; /* files are slow: the first few will do */
    char path[] = "/tmp/wick_fuzz_XXXXXX", *bytes;
    size_t size;
    wk_npy again;
    wk_err err;
    if (n_written++ >= 64)
        return;
    int fd = mkstemp(path);
    if (fd < 0 || wk_npy_write(path, v, a->shape, a->rank, &err) != WK_OK ||
        wk_file_read(path, &bytes, &size, &err) != WK_OK ||
        wk_npy_parse(path, bytes, size, &again, &err) != WK_OK)
        abort();
    if (again.rank != a->rank || again.n != a->n ||
        memcmp(again.shape, a->shape, a->rank * sizeof *a->shape) != 0)
        abort();
    float *w = malloc((a->n + 1) * sizeof *w);
    if (!w)
        abort();
    wk_npy_floats(&again, 0, a->n, w);
    if (memcmp(v, w, a->n * sizeof *w) != 0)
        abort();
    free(w);
    free(bytes);
    close(fd);
    unlink(path);
}

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
        write_and_read(&a, v);
    }
    free(v);
    return 0;
}
