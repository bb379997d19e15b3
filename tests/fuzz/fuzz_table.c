/* libFuzzer target over the table parser. The first few tables are read from a file as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/gbdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void read_file(const uint8_t *bytes, size_t n, const wk_gbdt_table *table)
{
    static int n_read;
    char path[] = "/tmp/wick_fuzz_XXXXXX";
    wk_gbdt_table again = {0};
    wk_err err;
    if (n_read++ >= 64)
        return;
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) != 0)
        abort();
    /* Bytes that zlib takes for gzip are another table. */
    if (wk_gbdt_table_read(path, &again, &err) == WK_OK && !(n > 1 && bytes[0] == 0x1f) &&
        (again.n_rows != table->n_rows || again.n_cols != table->n_cols))
        abort();
    wk_gbdt_table_finish(&again);
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_gbdt_table table = {0};
    wk_err err = {0};
    if (wk_gbdt_table_parse((const char *)bytes, n, "fuzz", &table, &err) == WK_OK) {
        read_file(bytes, n, &table);
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
