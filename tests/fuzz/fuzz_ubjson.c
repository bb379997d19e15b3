/* libFuzzer target over UBJSON: what is read is written, and what was written reads the same; and
 * the model that it may be predicts. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void predict(const wk_forest *forest)
{
    size_t n_features = wk_forest_n_features(forest);
    float *row = calloc(n_features + 1, sizeof *row);
    float *out = calloc(wk_forest_n_outputs(forest), sizeof *out);
    if (row && out && n_features < 10000) {
        row[0] = NAN;
        wk_forest_predict(forest, row, out);
    }
    free(row);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_err err = {0};
    json_t *value = NULL, *again = NULL;
    /* A copy of exact size, so that a read past the end is caught. */
    char *copy = malloc(n ? n : 1);
    if (!copy)
        return 0;
    if (n > 0)
        memcpy(copy, bytes, n);
    wk_forest *forest = NULL;
    if (wk__gbdt_parse_ubjson(copy, n, "fuzz", &value, &err) == WK_OK) {
        /* Reals are written as f32, and one too far for that as none: the second writing counts. */
        char *text[3] = {NULL};
        size_t size[3];
        for (int k = 0; k < 3; k++) {
            text[k] = wk__gbdt_dump_ubjson(k ? again : value, &size[k]);
            json_decref(again);
            check(text[k] &&
                  wk__gbdt_parse_ubjson(text[k], size[k], "written", &again, &err) == WK_OK);
        }
        check(size[1] == size[2] && memcmp(text[1], text[2], size[1]) == 0);
        for (int k = 0; k < 3; k++)
            free(text[k]);
        json_decref(again);
        json_decref(value);
        err.msg[0] = 0;
        if (wk__gbdt_is_ubjson(copy, n) &&
            wk_forest_parse(copy, n, "fuzz", &forest, &err) == WK_OK) {
            predict(forest);
            wk_forest_destroy(forest);
        }
    } else {
        check(err.msg[0] && !value);
    }
    free(copy);
    return 0;
}
