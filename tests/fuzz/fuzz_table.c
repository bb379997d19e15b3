/* libFuzzer target over the table parser. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/gbdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_gbdt_table table = {0};
    wk_err err = {0};
    if (wk_gbdt_table_parse((const char *)bytes, n, "fuzz", &table, &err) == WK_OK) {
        float *y = calloc(table.n_rows, sizeof *y);
        if (table.n_rows == 0 || table.n_cols == 0 || !table.cells)
            abort();
        if (y)
            wk_gbdt_table_take(&table, table.n_cols / 2, y);
        free(y);
    } else if (!err.msg[0] || table.cells) {
        abort();
    }
    wk_gbdt_table_finish(&table);
    return 0;
}
