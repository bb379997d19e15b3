/* libFuzzer target over the reader of LIBSVM text. The first few texts are read from a file as
 * well, as wick gbdt does. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/gbdt_table.h"

enum { CELLS_MAX = 1 << 15 }; /* memory is filled: small tables are the faster to try */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_file(const uint8_t *bytes, size_t n, const wk_gbdt_table *table)
{
    static int n_read;
    const wk_gbdt_table_options options = {.format = WK_GBDT_TABLE_LIBSVM, .cells_max = CELLS_MAX};
    char path[] = "/tmp/wick_fuzz_XXXXXX";
    wk_gbdt_table again = {0};
    wk_err err;
    if (n_read++ >= 64)
        return;
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        abort();
    if (wk_gbdt_table_read_as(path, &options, &again, &err) != WK_OK ||
        again.n_rows != table->n_rows || again.n_cols != table->n_cols)
        abort();
    wk_gbdt_table_finish(&again);
    unlink(path);
}

static void check(const wk_gbdt_table *t)
{
    if (t->n_rows == 0 || t->n_cols == 0 || t->n_rows > CELLS_MAX / t->n_cols || !t->cells ||
        !t->label || t->names || !t->sparse)
        abort();
    /* Every cell is there to be read, and queries never fall. */
    double sum = 0;
    for (size_t i = 0; i < t->n_rows * t->n_cols; i++)
        sum += isnan(t->cells[i]) ? 0 : 1;
    for (size_t i = 0; i < t->n_rows; i++)
        sum += (t->weight && isnan(t->weight[i])) + (double)isnan(t->label[i]);
    for (size_t i = 1; t->query && i < t->n_rows; i++)
        if (t->query[i] < t->query[i - 1])
            abort();
    if (sum < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_gbdt_table table = {0};
    wk_err err = {0};
    (void)wk_gbdt_table_looks_libsvm((const char *)bytes, n);
    if (wk_gbdt_table_parse_libsvm((const char *)bytes, n, "fuzz", CELLS_MAX, &table, &err) ==
        WK_OK) {
        check(&table);
        read_file(bytes, n, &table);
    } else if (!err.msg[0] || table.cells || table.label || table.weight || table.query) {
        abort();
    }
    wk_gbdt_table_finish(&table);
    return 0;
}
