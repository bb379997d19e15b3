/* The report writer: same bytes, escaped JSON, clear refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <unistd.h>

#include "wick/file.h"
#include "wick/report.h"

static char *write_and_read(const json_t *document, size_t *size)
{
    char path[] = "/tmp/wick_test_report_XXXXXX", *bytes = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    wk_err err;
    assert_int_equal(wk_report_write(path, document, &err), WK_OK);
    assert_int_equal(wk_file_read(path, &bytes, size, &err), WK_OK);
    unlink(path);
    return bytes;
}

static void test_same_document_same_bytes_with_everything_inside(void **state)
{
    (void)state;
    json_t *document = json_pack("{s:s, s:b, s:f}", "title", "btc-1h", "synthetic", 1, "x", 0.1);
    size_t n, m;
    char *a = write_and_read(document, &n), *b = write_and_read(document, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    assert_non_null(strstr(a, "{\"title\":\"btc-1h\",\"synthetic\":true,\"x\":0.1}"));
    assert_non_null(strstr(a, "TradingView Lightweight Charts"));
    assert_null(strstr(a, "{{"));
    assert_null(strstr(a, "<script src"));
    assert_null(strstr(a, "<link rel=\"stylesheet"));
    free(a);
    free(b);
    json_decref(document);
}

static void test_a_script_end_inside_the_document_cannot_close_the_element(void **state)
{
    (void)state;
    json_t *document = json_pack("{s:s}", "title", "</script><!-- {{charts}}");
    size_t n;
    char *a = write_and_read(document, &n);
    assert_non_null(strstr(a, "\"\\u003c/script>\\u003c!-- {{charts}}\""));
    free(a);
    json_decref(document);
}

static void test_a_document_without_title_is_refused(void **state)
{
    (void)state;
    json_t *document = json_object();
    wk_err err;
    assert_int_equal(wk_report_write("/nonexistent/report.html", document, &err), WK_E_ARG);
    json_object_set_new(document, "title", json_string("t"));
    assert_int_equal(wk_report_write("/nonexistent/report.html", document, &err), WK_E_IO);
    json_decref(document);
}

static void test_numbers_that_json_lacks(void **state)
{
    (void)state;
    json_t *nan = wk_report_number(NAN), *inf = wk_report_number(-INFINITY),
           *x = wk_report_number(2.5);
    assert_true(json_is_null(nan));
    assert_string_equal(json_string_value(inf), "-inf");
    assert_true(json_real_value(x) == 2.5);
    json_decref(nan);
    json_decref(inf);
    json_decref(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_document_same_bytes_with_everything_inside),
        cmocka_unit_test(test_a_script_end_inside_the_document_cannot_close_the_element),
        cmocka_unit_test(test_a_document_without_title_is_refused),
        cmocka_unit_test(test_numbers_that_json_lacks),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
