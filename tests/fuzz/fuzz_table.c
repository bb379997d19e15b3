/* libFuzzer target over the table parser. The first few tables are read from a file as well. */
#include <math.h>
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

/* The cells and the numbers in f64 say the same. */
static void check_exact(const wk_gbdt_table *t, const double *exact, size_t column)
{
    if (!exact)
        abort();
    for (size_t i = 0; i < t->n_rows && column < t->n_cols; i++) {
        float cell = t->cells[i * t->n_cols + column], rounded = (float)exact[i];
        if (isnan(cell) ? !isnan(exact[i])
                        : isnan(exact[i]) || fabsf(cell - rounded) > fabsf(cell) * 1e-6F + 1e-44F)
            abort();
    }
}

/* With two of the columns in f64, too. */
static void parse_exact(const uint8_t *bytes, size_t n, const wk_gbdt_table *table)
{
    size_t first = 0, last = table->n_cols - 1;
    wk_gbdt_table_options options = {.time_column = &first, .end_column = &last};
    wk_gbdt_table again = {0};
    wk_err err = {0};
    if (wk_gbdt_table_parse_as((const char *)bytes, n, "fuzz", &options, &again, &err) != WK_OK ||
        again.n_rows != table->n_rows || again.n_cols != table->n_cols)
        abort();
    check_exact(&again, again.time, first);
    check_exact(&again, again.end, last);
    wk_gbdt_table_finish(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_gbdt_table table = {0};
    wk_err err = {0};
    if (wk_gbdt_table_parse((const char *)bytes, n, "fuzz", &table, &err) == WK_OK) {
        read_file(bytes, n, &table);
        if (n % 4 == 0)
            parse_exact(bytes, n, &table);
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
