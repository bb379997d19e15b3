/* libFuzzer target over a training's checkpoint of four numbers and at most eight epochs: what is
 * accepted is finite and, saved, the same again; with learned weights of two tasks and without. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/fit.h"
#include "wick/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { N = 4, EPOCHS = 8, SAVED_MAX = 64 };

static void check(int holds)
{
    if (!holds)
        abort();
}

static void save_and_load(const wk__fit_state *s)
{
    static int n_saved; /* files are slow: the first few will do */
    char path[] = "/tmp/wick_fuzz_XXXXXX", *bytes;
    size_t n;
    wk_err err = {0};
    if (n_saved++ >= SAVED_MAX)
        return;
    int fd = mkstemp(path);
    check(fd >= 0);
    close(fd);
    float v[4][N];
    double curves[2][EPOCHS];
    wk__fit_state again = {.n = N,
                           .n_tasks = s->n_tasks,
                           .params = v[0],
                           .m = v[1],
                           .v = v[2],
                           .best = v[3],
                           .train_loss = curves[0],
                           .valid_loss = curves[1]};
    check(wk__fit_save(s, "of", path, &err) == WK_OK);
    check(wk_file_read(path, &bytes, &n, &err) == WK_OK);
    check(wk__fit_load(&again, EPOCHS, "of", path, &err) == WK_OK);
    check(wk__fit_parse(&again, EPOCHS, "another", path, bytes, n, &err) == WK_E_MODEL);
    check(again.epoch == s->epoch && again.updates == s->updates &&
          again.best_epoch == s->best_epoch &&
          memcmp(&again.best_loss, &s->best_loss, sizeof s->best_loss) == 0 &&
          memcmp(v[0], s->params, sizeof v[0]) == 0 && memcmp(v[3], s->best, sizeof v[3]) == 0);
    free(bytes);
    unlink(path);
}

/* `bytes` is a copy of exact size, so that a read past the end is caught. */
static void parse(const char *bytes, size_t n, size_t n_tasks)
{
    float v[4][N] = {{0}};
    double curves[2][EPOCHS] = {{0}};
    wk__fit_state s = {.n = N,
                       .n_tasks = n_tasks,
                       .params = v[0],
                       .m = v[1],
                       .v = v[2],
                       .best = v[3],
                       .train_loss = curves[0],
                       .valid_loss = curves[1]};
    wk_err err = {0};
    if (wk__fit_parse(&s, EPOCHS, "of", "fuzz", bytes, n, &err) != WK_OK) {
        check(err.msg[0] && s.epoch == 0);
        return;
    }
    check(s.epoch >= 1 && s.epoch <= EPOCHS && s.best_epoch <= s.epoch);
    for (int k = 0; k < 4 * N; k++)
        check(isfinite(v[k / N][k % N]));
    for (size_t k = 0; k < n_tasks; k++)
        check(isfinite(s.tasks.s[k]) && isfinite(s.tasks.m[k]) && isfinite(s.tasks.v[k]));
    save_and_load(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    if (!copy)
        return 0;
    if (n > 0)
        memcpy(copy, bytes, n);
    parse(copy, n, 0);
    parse(copy, n, 2);
    free(copy);
    return 0;
}
