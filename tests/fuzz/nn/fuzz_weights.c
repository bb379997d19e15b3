/* libFuzzer target over the reader of networks' weights: what it accepts must run, and be the same
 * once it was saved. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/nn.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void save_and_load(const wk_nn *nn)
{
    static int n_saved; /* files are slow: the first few will do */
    char path[] = "/tmp/wick_fuzz_XXXXXX";
    wk_nn *again;
    wk_err err;
    if (n_saved++ >= 64)
        return;
    int fd = mkstemp(path);
    if (fd < 0 || wk_nn_save(nn, path, &err) != WK_OK || wk_nn_load(path, &again, &err) != WK_OK)
        abort();
    if (again->net.n_params != nn->net.n_params ||
        memcmp(again->params, nn->params, nn->net.n_params * sizeof *nn->params) != 0)
        abort();
    wk_nn_destroy(again);
    close(fd);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_nn *nn = NULL;
    wk_err err = {0};
    if (wk__nn_parse("fuzz", (const char *)bytes, n, &nn, &err) != WK_OK) {
        if (!err.msg[0] || nn)
            abort();
        return 0;
    }
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    const size_t F = wk_nn_n_inputs(nn), O = wk_nn_n_outputs(nn);
    if (F <= 64 && wk_nn_plan_build(&arena, nn, &plan, &err) == WK_OK) {
        wk_nn_state *state = wk_nn_state_create(&arena, plan);
        float *x = wk_arena_array(&arena, float, F), *out = wk_arena_array(&arena, float, O);
        for (int t = 0; t < 3; t++)
            wk_nn_step(plan, state, x, out);
    }
    wk_arena_finish(&arena);
    save_and_load(nn);
    wk_nn_destroy(nn);
    return 0;
}
