/* put_table IN.csv OUT.npy: the table as one array.
 * put_table IN.csv OUT.h5 NAME...: each column as the array of its NAME, those named X as columns
 * of X. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/gbdt_table.h"
#include "wick/npy.h"

static int put(hid_t file, const char *name, const wk_gbdt_table *t, const size_t *column,
               size_t n_columns)
{
    hsize_t dims[2] = {t->n_rows, n_columns};
    int rank = strcmp(name, "X") == 0 ? 2 : 1;
    float *values = malloc((t->n_rows * n_columns + 1) * sizeof *values);
    if (!values)
        return 1;
    for (size_t i = 0; i < t->n_rows; i++)
        for (size_t c = 0; c < n_columns; c++)
            values[i * n_columns + c] = t->cells[i * t->n_cols + column[c]];
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t set =
        H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int bad = H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0;
    H5Dclose(set);
    H5Sclose(space);
    free(values);
    return bad;
}

static int put_hdf5(const char *path, const wk_gbdt_table *t, char **names)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    size_t *of_x = calloc(t->n_cols, sizeof *of_x), n = 0;
    int bad = file < 0 || !of_x;
    for (size_t c = 0; !bad && c < t->n_cols; c++)
        if (strcmp(names[c], "X") == 0)
            of_x[n++] = c;
        else
            bad = put(file, names[c], t, &c, 1);
    bad = bad || put(file, "X", t, of_x, n);
    H5Fclose(file);
    free(of_x);
    return bad;
}

int main(int argc, char **argv)
{
    wk_gbdt_table t;
    wk_err err;
    if (argc < 3 || wk_gbdt_table_read(argv[1], &t, &err) != WK_OK)
        return 1;
    int bad = argc == 3 ? wk_npy_write(argv[2], t.cells, (const size_t[]){t.n_rows, t.n_cols}, 2,
                                       &err) != WK_OK
              : (size_t)argc == 3 + t.n_cols ? put_hdf5(argv[2], &t, argv + 3)
                                             : 1;
    wk_gbdt_table_finish(&t);
    return bad;
}
