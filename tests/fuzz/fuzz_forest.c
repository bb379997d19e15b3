/* libFuzzer target over the model readers (XGBoost's JSON and UBJSON, LightGBM's text): what they
 * accept must predict. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "wick/gbdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_forest *forest = NULL;
    wk_err err = {0};
    if (wk_forest_parse((const char *)bytes, n, "fuzz", &forest, &err) != WK_OK) {
        if (!err.msg[0] || forest)
            abort();
        return 0;
    }
    size_t n_features = wk_forest_n_features(forest);
    if (n_features < 10000) {
        float *row = calloc(n_features + 1, sizeof *row);
        float *out = calloc(wk_forest_n_outputs(forest), sizeof *out);
        double *gain = calloc(n_features + 1, sizeof *gain);
        if (row && out && gain) {
            wk_forest_predict(forest, row, out);
            for (size_t f = 0; f < n_features; f++)
                row[f] = f % 2 ? NAN : 1;
            wk_forest_predict_batch(forest, row, 1, n_features, 1, out);
            wk_forest_importance(forest, gain);
        }
        free(row);
        free(out);
        free(gain);
    }
    wk_forest_destroy(forest);
    return 0;
}
