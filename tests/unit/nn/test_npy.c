/* The .npy reader against what NumPy writes (tests/golden/nn/make_arrays.py) and against damaged
 * files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/file.h"
#include "wick/npy.h"

/* A file of version 1 with this header and `n` bytes of data, 0, 1, 2, ... */
static size_t make(char *bytes, const char *header, size_t n)
{
    const size_t length = strlen(header);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    bytes[8] = (char)(length & 0xff);
    bytes[9] = (char)(length >> 8);
    memcpy(bytes + 10, header, length);
    for (size_t i = 0; i < n; i++)
        bytes[10 + length + i] = (char)i;
    return 10 + length + n;
}

static char *golden(const char *name, size_t *size)
{
    char path[512], *bytes;
    snprintf(path, sizeof path, "%s/%s", getenv("WICK_GOLDEN_NN"), name);
    wk_err err;
    if (wk_file_read(path, &bytes, size, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return bytes;
}

static void test_reads_what_numpy_wrote(void **unused)
{
    (void)unused;
    size_t size;
    wk_npy a;
    char *x = golden("arrays_x.npy", &size);
    assert_int_equal(wk_npy_parse("x", x, size, &a, NULL), WK_OK);
    assert_int_equal(a.rank, 3);
    assert_int_equal(a.shape[0], 96);
    assert_int_equal(a.shape[1], 20);
    assert_int_equal(a.shape[2], 2);
    float v[3];
    wk_npy_floats(&a, 40, 3, v);
    for (size_t i = 0; i < 3; i++)
        assert_true((double)v[i] == wk_npy_at(&a, 40 + i) && v[i] != 0);
    /* Every cut is refused. */
    for (size_t cut = 0; cut < 200; cut++)
        assert_int_equal(wk_npy_parse("x", x, cut, &a, NULL), WK_E_PARSE);
    assert_int_equal(wk_npy_parse("x", x, size - 1, &a, NULL), WK_E_PARSE);
    free(x);
    char *y = golden("arrays_y.npy", &size);
    assert_int_equal(wk_npy_parse("y", y, size, &a, NULL), WK_OK);
    assert_int_equal(a.rank, 1);
    for (size_t i = 0; i < a.n; i++)
        assert_true(wk_npy_at(&a, i) == 1 || wk_npy_at(&a, i) == 3);
    free(y);
}

static void test_reads_every_type(void **unused)
{
    (void)unused;
    static const struct {
        const char *descr;
        size_t item;
        double second;
    } types[] = {{"|b1", 1, 1},          {"|u1", 1, 1},
                 {"|i1", 1, 1},          {"<u2", 2, 0x0302},
                 {"<i2", 2, 0x0302},     {"<u4", 4, 0x07060504},
                 {"<i4", 4, 0x07060504}, {"<i8", 8, (double)0x0f0e0d0c0b0a0908}};
    char bytes[256], header[128];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        wk_npy a;
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }\n", types[i].descr);
        size_t size = make(bytes, header, 2 * types[i].item);
        assert_int_equal(wk_npy_parse("t", bytes, size, &a, NULL), WK_OK);
        assert_true(wk_npy_at(&a, 1) == types[i].second);
    }
    wk_npy a;
    size_t size = make(bytes, "{'descr': '|i1', 'fortran_order': False, 'shape': (), }", 1);
    bytes[size - 1] = (char)-5;
    assert_int_equal(wk_npy_parse("t", bytes, size, &a, NULL), WK_OK);
    assert_true(a.rank == 0 && a.n == 1 && wk_npy_at(&a, 0) == -5);
}

/* What numpy.arange(24).reshape(2, 3, 4) is after asfortranarray: byte k of the file is the number
 * at [k % 2][k / 2 % 3][k / 6]. A data frame's values are often saved so. */
static void test_reads_fortran_order(void **unused)
{
    (void)unused;
    char bytes[256];
    wk_npy a;
    size_t size = make(bytes, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }", 24);
    for (size_t k = 0; k < 24; k++)
        bytes[size - 24 + k] = (char)(12 * (k % 2) + 4 * (k / 2 % 3) + k / 6);
    assert_int_equal(wk_npy_parse("t", bytes, size, &a, NULL), WK_OK);
    float v[24];
    wk_npy_floats(&a, 0, 24, v);
    for (size_t i = 0; i < 24; i++) {
        assert_true(wk_npy_at(&a, i) == (double)i);
        assert_true((size_t)v[i] == i);
    }
}

static void test_refuses_with_the_reason(void **unused)
{
    (void)unused;
    static const struct {
        const char *header, *words;
        size_t n;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "big-endian", 4},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", "<c8", 8},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "|O", 8},
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "<f2", 2},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "named columns", 4},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", "as NumPy", 4},
        {"{'descr': '<f4', 'fortran_order': False, }", "no shape", 4},
        {"{'descr': '<f4', 'shape': (1,), }", "no fortran_order", 4},
        {"{'fortran_order': False, 'shape': (1,), }", "no descr", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1), }", "at most 4", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", "shape", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "shape",
         4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (999999999999, 999999999999), }",
         "memory", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", "needs 8 bytes", 4},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", "needs 4 bytes", 8},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", "not as NumPy", 4},
        {"{'descr': '<f4' 'fortran_order': False", "not as NumPy", 0},
        {"[]", "dictionary", 0},
    };
    char bytes[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_npy a = {.n = 77};
        wk_err err;
        size_t size = make(bytes, cases[i].header, cases[i].n);
        assert_int_equal(wk_npy_parse("f.npy", bytes, size, &a, &err), WK_E_PARSE);
        if (!strstr(err.msg, cases[i].words) || strncmp(err.msg, "f.npy", 5) != 0)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].header, err.msg, cases[i].words);
        assert_int_equal(a.n, 77);
    }
}

static void test_written_arrays_are_read_back(void **unused)
{
    (void)unused;
    const float values[] = {1, -2.5f, 3e30f, 0, 5, 6};
    const size_t shape[] = {2, 3};
    char path[] = "/tmp/wick_npy_XXXXXX", *bytes;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    size_t size;
    wk_npy a;
    assert_int_equal(wk_npy_write(path, values, shape, 2, NULL), WK_OK);
    assert_int_equal(wk_file_read(path, &bytes, &size, NULL), WK_OK);
    assert_int_equal(size, 128 + sizeof values);
    assert_int_equal(wk_npy_parse(path, bytes, size, &a, NULL), WK_OK);
    assert_true(a.rank == 2 && a.shape[0] == 2 && a.shape[1] == 3);
    assert_memory_equal(a.data, values, sizeof values);
    free(bytes);
    remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_numpy_wrote),
        cmocka_unit_test(test_reads_every_type),
        cmocka_unit_test(test_reads_fortran_order),
        cmocka_unit_test(test_refuses_with_the_reason),
        cmocka_unit_test(test_written_arrays_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
