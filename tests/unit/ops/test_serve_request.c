/* Numbers of the service, and bodies that must be refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "serve_number.h"
#include "serve_request.h"

static void expect_back(float x)
{
    char text[33];
    size_t n = wk__serve_float_write(x, text);
    assert_true(n > 0 && n < sizeof text);
    text[n] = 0;
    float back = (float)strtod(text, NULL);
    if (memcmp(&back, &x, sizeof x) != 0)
        fail_msg("%.9g was written %s", (double)x, text);
    /* No shorter one reads back: the digits of %.*g are the nearest of their number. */
    char shorter[32];
    for (int digits = 1; digits < 9; digits++) {
        snprintf(shorter, sizeof shorter, "%.*e", digits - 1, (double)x);
        if ((float)strtod(shorter, NULL) != x)
            continue;
        int written = 0, leading = 1, zeros = 0;
        for (const char *c = text; *c && *c != 'e'; c++)
            if (*c >= '0' && *c <= '9' && !(leading && *c == '0')) {
                leading = 0;
                zeros = *c == '0' ? zeros + 1 : 0;
                written++;
            }
        if (written - zeros > digits)
            fail_msg("%s is longer than %s", text, shorter);
        break;
    }
}

static void test_floats_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    const float nasty[] = {0.1f,          1.0f,      -1.5f,           0.33333334f,  1e-8f,
                           9.9999994f,    99999.99f, 16777216.0f,     999999999.0f, 1e9f,
                           3.4028235e38f, 1e-45f,    1.17549435e-38f, -0.0f,        0.0f};
    for (size_t i = 0; i < sizeof nasty / sizeof *nasty; i++)
        expect_back(nasty[i]);
    uint32_t bits = 12345;
    for (int i = 0; i < 200000; i++) {
        float x;
        bits = bits * 1664525u + 1013904223u;
        uint32_t mixed = bits ^ bits >> 15;
        if (i & 1) /* most forecasts lie in here */
            mixed = (mixed & 0x807fffffu) | (100u + mixed % 40u) << 23;
        memcpy(&x, &mixed, sizeof x);
        if (x == x && x - x == 0)
            expect_back(x);
    }
}

static void test_numbers_are_read_as_strtod_reads_them(void **state)
{
    (void)state;
    const char *const texts[] = {"0",
                                 "-0",
                                 "1",
                                 "0.1",
                                 "123456.789",
                                 "9007199254740993",
                                 "1e22",
                                 "1e-7",
                                 "0.000000000000000000000001",
                                 "3.14159265358979323846",
                                 "-2.5E+3"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double got = 0, wanted = strtod(texts[i], NULL);
        assert_true(wk__serve_number_read(texts[i], strlen(texts[i]), &got));
        assert_memory_equal(&got, &wanted, sizeof got);
    }
    double unread;
    assert_false(wk__serve_number_read("1e999", 5, &unread));
}

static void test_a_step_is_read_exactly(void **state)
{
    (void)state;
    wk__serve_parser p = {.steps_max = 10, .batch_max = 10};
    wk__serve_problem problem;
    const char text[] =
        "{\"session\":\"s\\u0041\",\"steps\":[{\"time\":\"2024-01-01T01:00:00Z\",\"bars\":"
        "[[1,2,0.5,1.5,10],null],\"funding\":[0.0001,null],\"outside\":[[1],[null]]}]}";
    assert_int_equal(wk__serve_scan(&p, text, strlen(text), &problem), 1);
    const wk__serve_request *r = wk__serve_parse(&p, 0, &problem);
    assert_non_null(r);
    assert_string_equal(r->session, "sA");
    assert_true(r->n == 1 && r->S == 2 && r->K == 1 && r->kind == WK__SERVE_SESSION);
    assert_true(r->time_ns[0] == INT64_C(1704070800000000000));
    assert_true(r->bars[0].high >= 2 && r->bars[0].high <= 2 &&
                r->provenance[1] == WK_PROV_UNKNOWN);
    assert_true(r->funding[0] > 0.00009 && r->funding[1] != r->funding[1]);
    wk__serve_parser_finish(&p);
}

static void test_room_is_bounded_by_the_body(void **state)
{
    (void)state;
    wk__serve_parser p = {.steps_max = 100000, .batch_max = 10};
    wk__serve_problem problem;
    char *text = malloc(1 << 20);
    size_t n = (size_t)sprintf(text, "{\"rows\":[[");
    for (int i = 0; i < 10000; i++)
        n += (size_t)sprintf(text + n, "%s1", i ? "," : "");
    n += (size_t)sprintf(text + n, "]");
    for (int i = 0; i < 50000; i++)
        n += (size_t)sprintf(text + n, ",[]");
    n += (size_t)sprintf(text + n, "]}");
    assert_int_equal(wk__serve_scan(&p, text, n, &problem), 1);
    assert_null(wk__serve_parse(&p, 0, &problem));
    assert_int_equal(problem.status, 400);
    assert_true(p.rows_room == 0);
    free(text);
    wk__serve_parser_finish(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats_are_written_so_that_they_read_back),
        cmocka_unit_test(test_numbers_are_read_as_strtod_reads_them),
        cmocka_unit_test(test_a_step_is_read_exactly),
        cmocka_unit_test(test_room_is_bounded_by_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
