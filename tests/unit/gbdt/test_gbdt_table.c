/* Tables from CSV, TSV and LIBSVM text, .npy and HDF5. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>
#include <zlib.h>

#include "wick/gbdt_table.h"
#include "wick/npy.h"
#include "wick/rng.h"

static wk_gbdt_table parse(const char *text)
{
    wk_gbdt_table t;
    wk_err err;
    if (wk_gbdt_table_parse(text, strlen(text), "t.csv", &t, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return t;
}

static void assert_cells(const wk_gbdt_table *t, const float *want)
{
    for (size_t i = 0; i < t->n_rows * t->n_cols; i++)
        assert_true(t->cells[i] == want[i] || (isnan(t->cells[i]) && isnan(want[i])));
}

static void test_a_header_is_told_from_numbers(void **state)
{
    (void)state;
    wk_gbdt_table t = parse("y,\"a, b\",c\r\n1,2.5,-3e2\r\n\r\n0,,nan\r\n");
    assert_int_equal(t.n_rows, 2);
    assert_int_equal(t.n_cols, 3);
    assert_string_equal(t.names[1], "a, b");
    assert_cells(&t, (const float[]){1, 2.5f, -300, 0, NAN, NAN});
    wk_gbdt_table_finish(&t);
    t = parse("1\t2\n3\tNA");
    assert_null(t.names);
    assert_cells(&t, (const float[]){1, 2, 3, NAN});
    wk_gbdt_table_finish(&t);
    t = parse("\xef\xbb\xbf\"1\" , 2\n");
    assert_null(t.names);
    assert_cells(&t, (const float[]){1, 2});
    wk_gbdt_table_finish(&t);
}

static void test_a_column_can_be_taken_out(void **state)
{
    (void)state;
    wk_gbdt_table t = parse("a,y,b\n1,2,3\n4,5,6\n");
    float y[2];
    wk_gbdt_table_take(&t, 1, y);
    assert_true(y[0] == 2 && y[1] == 5 && t.n_cols == 2);
    assert_cells(&t, (const float[]){1, 3, 4, 6});
    assert_string_equal(t.names[1], "b");
    wk_gbdt_table_finish(&t);
}

static void test_bad_tables_name_the_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1,2\n3\n", "line 2 has 1 columns"},
        {"a,b\n1,2\n1,2,3\n", "line 3 has 3 columns"},
        {"a,b\n1,2\n\n1,x\n", "line 4 column 2: \"x\""},
        {"a\n0x10\n", "line 2 column 1"},
        {"", "no rows"},
        {"a,b\n", "no rows"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_gbdt_table t = {0};
        wk_err err = {0};
        assert_true(wk_gbdt_table_parse(cases[i][0], strlen(cases[i][0]), "t.csv", &t, &err) < 0);
        if (!strstr(err.msg, cases[i][1]) || !strstr(err.msg, "t.csv"))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i][1]);
        assert_null(t.cells);
    }
}

static void test_gzip_files_are_read_and_cut_ones_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/wick_table_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    for (uint64_t i = 0; i < 3000; i++)
        gzprintf(f, "%d,%.9g\n", (int)i, wk_rng_normal(1, 0, i));
    gzclose(f);
    wk_gbdt_table t = {0};
    wk_err err = {0};
    assert_int_equal(wk_gbdt_table_read(path, &t, &err), WK_OK);
    assert_int_equal(t.n_rows, 3000);
    assert_true(t.cells[2 * 2999 + 1] == (float)wk_rng_normal(1, 0, 2999));
    wk_gbdt_table_finish(&t);
    assert_int_equal(truncate(path, 5000), 0);
    assert_true(wk_gbdt_table_read(path, &t, &err) < 0);
    assert_non_null(strstr(err.msg, path));
    unlink(path);
    assert_int_equal(wk_gbdt_table_read(path, &t, &err), WK_E_IO);
}

static void test_any_bytes_are_a_table_or_an_error(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789.,-\t\n\r\" eEaN\xff";
    char text[200];
    size_t n_tables = 0;
    for (uint64_t round = 0; round < 20000; round++) {
        size_t n = wk_rng_below(3, 0, round, sizeof text);
        for (size_t i = 0; i < n; i++)
            text[i] = alphabet[wk_rng_below(3, 1 + i, round, sizeof alphabet - 1)];
        /* An exact copy on the heap: reading one byte too many shows under a sanitizer. */
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, text, n);
        wk_gbdt_table t = {0};
        wk_err err = {0};
        char *exact = realloc(copy, n ? n : 1);
        assert_non_null(exact);
        if (wk_gbdt_table_parse(exact, n, "t.csv", &t, &err) == WK_OK)
            n_tables++;
        else
            assert_true(err.msg[0] != 0);
        wk_gbdt_table_finish(&t);
        free(exact);
    }
    assert_true(n_tables > 10);
}

static wk_gbdt_table parse_libsvm(const char *text)
{
    wk_gbdt_table t = {0};
    wk_err err;
    if (wk_gbdt_table_parse_libsvm(text, strlen(text), "t.txt", 0, &t, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return t;
}

/* As xgboost.DMatrix("t.txt?format=libsvm") reads them: 0:1.5 is column 0, an absent column is
 * missing and 2:0 is the value 0. */
static void test_libsvm_lines_name_what_is_present(void **state)
{
    (void)state;
    wk_gbdt_table t =
        parse_libsvm("1 0:1.5 2:0\n0 1:2 3:nan\r\n\n# a comment\n-1 3:-3e2\t0:3 # another\n");
    assert_int_equal(t.n_rows, 3);
    assert_int_equal(t.n_cols, 4);
    assert_true(t.sparse && !t.names && !t.weight && !t.query);
    assert_cells(&t, (const float[]){1.5f, NAN, 0, NAN, NAN, 2, NAN, NAN, 3, NAN, NAN, -300});
    assert_true(t.label[0] == 1 && t.label[1] == 0 && t.label[2] == -1);
    wk_gbdt_table_finish(&t);
    t = parse_libsvm("\xef\xbb\xbf"
                     "2:0.5 qid:7 1:1\n1:2 qid:7\n0:1 qid:18446744073709551600 2");
    assert_int_equal(t.n_cols, 3);
    assert_cells(&t, (const float[]){NAN, 1, NAN, NAN, NAN, NAN, NAN, NAN, 1});
    assert_true(t.weight[0] == 0.5f && t.weight[1] == 2 && t.weight[2] == 1);
    assert_true(t.query[1] == 7 && t.query[2] == UINT64_C(18446744073709551600));
    wk_gbdt_table_finish(&t);
}

static void test_bad_libsvm_names_the_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "no rows"},
        {"# nothing\n\n", "no rows"},
        {"1\n0\n", "no feature"},
        {"1 1:1\n\nx 1:1\n", "line 3: \"x\" is no label"},
        {"1 1:1\n0 1:1 2:\n", "line 2: \"2:\" has no value"},
        {"1 1:1 2:y\n", "line 1: \"2:y\" has a value that is not a number"},
        {"1 -1:2\n", "line 1: \"-1:2\" is no INDEX:VALUE"},
        {"1 a:2\n", "line 1: \"a:2\" is no INDEX:VALUE"},
        {"1 1.5:2\n", "is no INDEX:VALUE"},
        {"1 :2\n", "is no INDEX:VALUE"},
        {"1 16777216:2\n", "index from 0 to 16777215"},
        {"1 99999999999999999999:2\n", "index from 0 to 16777215"},
        {"1 1:1 1:2\n", "line 1: \"1:2\" gives an index twice"},
        {"1:x 1:1\n", "line 1: \"x\" is no weight"},
        {"1: 1:1\n", "is no weight"},
        {"1 1:1\n1:2 1:1\n", "line 2 has a weight, the lines before it have none"},
        {"1:2 1:1\n1 1:1\n", "line 2 has no weight, the lines before it have one"},
        {"1 qid:1 1:1\n1 1:1\n", "line 2 has no qid"},
        {"1 1:1\n1 qid:1 1:1\n", "line 2 has a qid"},
        {"1 qid:2 1:1\n1 qid:1 1:1\n", "line 2: qid 1 follows 2; sort the rows"},
        {"1 qid:x 1:1\n", "is no query"},
        {"1 1:1 qid:1\n", "is no INDEX:VALUE"},
        {"1 0x1:1\n", "is no INDEX:VALUE"},
        {"1 16777215:1\n0\n", "at most 20000000 numbers"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_gbdt_table t = {0};
        wk_err err = {0};
        assert_true(wk_gbdt_table_parse_libsvm(cases[i][0], strlen(cases[i][0]), "t.txt", 20000000,
                                               &t, &err) < 0);
        if (!strstr(err.msg, cases[i][1]) || !strstr(err.msg, "t.txt"))
            fail_msg("\"%s\" does not say \"%s\"", err.msg, cases[i][1]);
        assert_true(!t.cells && !t.label && !t.weight && !t.query);
    }
}

static void test_libsvm_is_told_from_csv(void **state)
{
    (void)state;
    static const char marked[] = "\xef\xbb\xbf"
                                 "1 0:1";
    static const char *const libsvm[] = {"1 2:3\n", "# c\n\n-1 qid:4\n", "0:2\t1:nan 2:3", marked},
                             *const csv[] = {"1,2:3\n", "1 2\n", "time 12:30\n1,2",
                                             "a b:c",   "",      "1",
                                             "1 2:",    "1 :3",  "1 qid:x"};
    for (size_t i = 0; i < sizeof libsvm / sizeof *libsvm; i++)
        assert_true(wk_gbdt_table_looks_libsvm(libsvm[i], strlen(libsvm[i])));
    for (size_t i = 0; i < sizeof csv / sizeof *csv; i++)
        assert_false(wk_gbdt_table_looks_libsvm(csv[i], strlen(csv[i])));
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_array(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                      const void *values)
{
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void refused(const char *path, const wk_gbdt_table_options *o, const char *words)
{
    wk_gbdt_table t = {0};
    wk_err err = {0};
    assert_true(wk_gbdt_table_read_as(path, o, &t, &err) < 0);
    if (!strstr(err.msg, words))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    assert_null(t.cells);
}

static void test_arrays_are_tables(void **state)
{
    (void)state;
    const double cells[6] = {0, 1.7e18 + 256, 2, 1, 1.7e18 + 512, NAN};
    const int64_t qid[2] = {3, INT64_C(9007199254740990)};
    const int32_t label[2] = {1, 0};
    const hsize_t dims[] = {2, 3};
    const size_t time = 1, beyond = 3;
    char path[] = "/tmp/wick_array_XXXXXX.h5";
    int fd = mkstemps(path, 3);
    assert_true(fd >= 0);
    close(fd);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    put_array(file, "X", H5T_NATIVE_DOUBLE, 2, dims, cells);
    put_array(file, "y", H5T_NATIVE_INT32, 1, dims, label);
    put_array(file, "qid", H5T_NATIVE_INT64, 1, dims, qid);
    put_array(file, "time", H5T_NATIVE_DOUBLE, 1, dims, cells + 1);
    put_array(file, "long", H5T_NATIVE_DOUBLE, 1, dims + 1, cells);
    put_array(file, "falls", H5T_NATIVE_DOUBLE, 1, dims, (const double[]){2, 1});
    put_array(file, "part", H5T_NATIVE_DOUBLE, 1, dims, (const double[]){1, 1.5});
    H5Fclose(file);
    wk_gbdt_table t = {0};
    wk_err err;
    if (wk_gbdt_table_read(path, &t, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(t.n_rows == 2 && t.n_cols == 3 && !t.sparse && !t.weight && !t.end);
    assert_true(t.label[0] == 1 && t.label[1] == 0 && isnan(t.cells[5]) && t.cells[3] == 1);
    assert_true(t.query[0] == 3 && t.query[1] == UINT64_C(9007199254740990));
    assert_true(t.time[0] == 1.7e18 + 256 && t.time[1] == 2);
    wk_gbdt_table_finish(&t);
    refused(path, &(wk_gbdt_table_options){.x = "Z"}, "no array named Z");
    refused(path, &(wk_gbdt_table_options){.x = "y"}, "1 dimensions");
    refused(path, &(wk_gbdt_table_options){.y = "long"},
            "array long has 3 numbers, the table 2 rows");
    refused(path, &(wk_gbdt_table_options){.query = "falls"}, "row 1: query 1 follows 2");
    refused(path, &(wk_gbdt_table_options){.query = "part"}, "row 1 has query 1.5");
    refused(path, &(wk_gbdt_table_options){.time_column = &time}, "arrays of their own");
    unlink(path);
    refused(path, NULL, "no such file");
    write_file(path, "\x89HDF\r\n\x1a\n", 8);
    refused(path, NULL, "not an HDF5 file, or damaged");
    unlink(path);

    /* The bytes tell an .npy file, whatever its name. */
    const float few[4] = {1, NAN, 3, 4};
    char npy[] = "/tmp/wick_array_XXXXXX";
    fd = mkstemp(npy);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(wk_npy_write(npy, few, (const size_t[]){2, 2}, 2, &err), WK_OK);
    assert_int_equal(
        wk_gbdt_table_read_as(npy, &(wk_gbdt_table_options){.time_column = &time}, &t, &err),
        WK_OK);
    assert_true(t.n_rows == 2 && !t.label && !t.names && t.time[1] == 4 && isnan(t.time[0]));
    assert_cells(&t, few);
    wk_gbdt_table_finish(&t);
    refused(npy, &(wk_gbdt_table_options){.time_column = &beyond}, "time_column 3 is none");
    assert_int_equal(wk_npy_write(npy, few, (const size_t[]){4}, 1, &err), WK_OK);
    refused(npy, NULL, "1 dimensions");
    assert_int_equal(wk_npy_write(npy, few, (const size_t[]){0, 2}, 2, &err), WK_OK);
    refused(npy, NULL, "no rows");
    assert_int_equal(truncate(npy, 100), 0);
    refused(npy, NULL, npy);
    unlink(npy);
}

/* Unix times in seconds need more digits than the cells have. */
static void test_times_keep_their_digits(void **state)
{
    (void)state;
    const size_t time = 0, end = 2;
    const wk_gbdt_table_options o = {.time_column = &time, .end_column = &end};
    const char text[] = "t,x,e\n1700000001,5,1700000002\n1700000003,,\n";
    wk_gbdt_table t = {0};
    wk_err err;
    assert_int_equal(wk_gbdt_table_parse_as(text, strlen(text), "t.csv", &o, &t, &err), WK_OK);
    assert_true(t.time[0] == 1700000001 && t.time[1] == 1700000003);
    assert_true(t.end[0] == 1700000002 && isnan(t.end[1]) && t.n_cols == 3);
    wk_gbdt_table_finish(&t);
    const size_t beyond = 7;
    const wk_gbdt_table_options bad = {.end_column = &beyond};
    assert_true(wk_gbdt_table_parse_as(text, strlen(text), "t.csv", &bad, &t, &err) < 0);
    assert_non_null(strstr(err.msg, "end_column 7"));
}

static void test_any_bytes_are_a_libsvm_table_or_an_error(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789.:-\t\n\r# eqid\xff";
    char text[120];
    size_t n_tables = 0;
    for (uint64_t round = 0; round < 40000; round++) {
        size_t n = wk_rng_below(8, 0, round, sizeof text);
        for (size_t i = 0; i < n; i++)
            text[i] = i % 5 == 1   ? ' '
                      : i % 5 == 3 ? ':'
                                   : alphabet[wk_rng_below(8, 1 + i, round, sizeof alphabet - 1)];
        char *exact = malloc(n ? n : 1);
        assert_non_null(exact);
        memcpy(exact, text, n);
        wk_gbdt_table t = {0};
        wk_err err = {0};
        if (wk_gbdt_table_parse_libsvm(exact, n, "t.txt", 100000, &t, &err) == WK_OK)
            n_tables++;
        else
            assert_true(err.msg[0] != 0);
        wk_gbdt_table_finish(&t);
        free(exact);
    }
    assert_true(n_tables > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_is_told_from_numbers),
        cmocka_unit_test(test_a_column_can_be_taken_out),
        cmocka_unit_test(test_bad_tables_name_the_line),
        cmocka_unit_test(test_gzip_files_are_read_and_cut_ones_refused),
        cmocka_unit_test(test_any_bytes_are_a_table_or_an_error),
        cmocka_unit_test(test_libsvm_lines_name_what_is_present),
        cmocka_unit_test(test_bad_libsvm_names_the_line),
        cmocka_unit_test(test_libsvm_is_told_from_csv),
        cmocka_unit_test(test_arrays_are_tables),
        cmocka_unit_test(test_times_keep_their_digits),
        cmocka_unit_test(test_any_bytes_are_a_libsvm_table_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
