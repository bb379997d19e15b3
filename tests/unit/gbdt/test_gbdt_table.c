/* Tables from CSV and TSV text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "wick/gbdt.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_header_is_told_from_numbers),
        cmocka_unit_test(test_a_column_can_be_taken_out),
        cmocka_unit_test(test_bad_tables_name_the_line),
        cmocka_unit_test(test_gzip_files_are_read_and_cut_ones_refused),
        cmocka_unit_test(test_any_bytes_are_a_table_or_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
