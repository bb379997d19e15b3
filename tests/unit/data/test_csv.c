/* Numbers, times and rows. */
#include "temp.h"

#include <locale.h>
#include <math.h>

#include "wick/csv.h"
#include "wick/rng.h"

static void test_numbers_round_as_strtod_does(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        char text[64];
        uint64_t bits = wk_rng_u64(7, 1, i);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        switch (i % 5) {
        case 0:
            snprintf(text, sizeof text, "%.17g", x);
            break;
        case 1:
            snprintf(text, sizeof text, "%.8f", wk_rng_uniform(7, 2, i) * 100000);
            break;
        case 2:
            snprintf(text, sizeof text, "%.20e", x);
            break;
        case 3:
            snprintf(text, sizeof text, "%.25f", wk_rng_uniform(7, 3, i) * 1e-3);
            break;
        default:
            snprintf(text, sizeof text, "%llu.%05llu", (unsigned long long)(bits >> 20),
                     (unsigned long long)(bits % 100000));
            break;
        }
        double got = -1, want = strtod(text, NULL);
        const char *why = wk_number_parse(text, strlen(text), &got);
        if (why || memcmp(&got, &want, sizeof got))
            fail_msg("case %llu: \"%s\" gave %.17g (%s), strtod %.17g", (unsigned long long)i, text,
                     got, why ? why : "no error", want);
    }
}

static void test_zeros_and_signs(void **state)
{
    (void)state;
    static const char *const texts[] = {"0",
                                        "0.0",
                                        "-0",
                                        "000.100",
                                        "+7",
                                        ".5",
                                        "5.",
                                        "1e3",
                                        "1E-03",
                                        "100",
                                        "1200.00000000",
                                        "1e-400",
                                        "0e999999999999",
                                        "9007199254740993"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double got = -1, want = strtod(texts[i], NULL);
        assert_null(wk_number_parse(texts[i], strlen(texts[i]), &got));
        assert_memory_equal(&got, &want, sizeof got);
    }
}

static void test_what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    "-",   ".",     "abc", "1,5", "1.2.3", "nan",
                                        "NaN", "inf", "-inf",  "1e",  "e5",  "1e999", "0x10",
                                        "1 ",  " 1",  "1_000", "--1", "1e+"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double got = 42;
        assert_non_null(wk_number_parse(texts[i], strlen(texts[i]), &got));
        assert_true(got == 42);
    }
    double got = 42; /* the length counts, not a terminator */
    assert_null(wk_number_parse("12345", 2, &got));
    assert_true(got == 12);
}

static void test_times_in_all_units_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {"1514764800",
                                        "1514764800000",
                                        "1514764800000000",
                                        "1514764800000000000",
                                        "1514764800.0",
                                        "2018-01-01",
                                        "2018-01-01T00:00",
                                        "2018-01-01 00:00:00",
                                        "2018-01-01T00:00:00Z",
                                        "2018-01-01 00:00:00+00:00",
                                        "2018-01-01T00:00:00.000Z"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t t = 0;
        assert_null(wk_stamp_parse(texts[i], strlen(texts[i]), &t));
        assert_true(t == INT64_C(1514764800) * WK_NS_PER_S);
    }
    static const char *const wrong[] = {"",
                                        "-5",
                                        "2018-13-01",
                                        "2018-02-29",
                                        "2018-01-01T24:00",
                                        "99999999999999999999",
                                        "2018-01-01+02:00",
                                        "1514764800.5",
                                        "2018-1-01",
                                        "9999999999999999999",
                                        "12a",
                                        "2018-",
                                        "2018-01-01 00:00:00.5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t t = 42;
        if (!wk_stamp_parse(wrong[i], strlen(wrong[i]), &t) || t != 42)
            fail_msg("\"%s\" was read as a time", wrong[i]);
    }
}

static wk_csv_result feed(wk_csv_parser *p, const char *line, wk_bar *bar, char why[256])
{
    return wk_csv_feed_candle(p, line, strlen(line), bar, why);
}

static void test_each_format_is_told_from_its_first_row(void **state)
{
    (void)state;
    char why[256];
    wk_bar b;
    wk_csv_parser own = {0}, kraken = {0}, binance = {0}, named = {0};
    assert_int_equal(feed(&own, "\xEF\xBB\xBFtime,open,high,low,close,volume\r", &b, why),
                     WK_CSV_SKIP);
    assert_int_equal(feed(&own, "1514764800,1,4,0.5,2,10\r", &b, why), WK_CSV_ROW);
    assert_true(b.open == 1 && b.high == 4 && b.low == 0.5 && b.close == 2 && b.volume == 10);
    assert_int_equal(feed(&kraken, "1381093200,122.0,122.0,122.0,122.0,0.1,1", &b, why),
                     WK_CSV_ROW);
    assert_int_equal(kraken.format, WK_CSV_KRAKEN);
    assert_true(b.volume == 0.1);
    assert_int_equal(
        feed(&binance, "1735689600000000,93548.8,93690,93400,93500,2.5,1735693199999999,9,8,7,6,0",
             &b, why),
        WK_CSV_ROW);
    assert_int_equal(binance.format, WK_CSV_BINANCE);
    assert_true(b.time_ns == INT64_C(1735689600) * WK_NS_PER_S && b.volume == 2.5);
    assert_int_equal(feed(&named,
                          "\"symbol\",\"Close\",\"Low\",\"High\",\"Open\",\"Volume\",\"Timestamp\"",
                          &b, why),
                     WK_CSV_SKIP);
    assert_int_equal(feed(&named, "X,2,0.5,4,1,10,2018-01-01", &b, why), WK_CSV_ROW);
    assert_true(b.open == 1 && b.high == 4 && b.low == 0.5 && b.close == 2 && b.volume == 10);
}

static void test_bad_rows_say_what_is_wrong(void **state)
{
    (void)state;
    char why[256];
    wk_bar b;
    wk_csv_parser p = {0}, other = {0};
    assert_int_equal(feed(&p, "time,open,high,low,close,volume", &b, why), WK_CSV_SKIP);
    assert_int_equal(feed(&p, "1514764800,1,x,0.5,2,10", &b, why), WK_CSV_BROKEN);
    ASSERT_CONTAINS(why, "high \"x\" is not a number");
    assert_int_equal(feed(&p, "1514764800,1,nan,0.5,2,10", &b, why), WK_CSV_BROKEN);
    assert_int_equal(feed(&p, "1514764800,1,2", &b, why), WK_CSV_BROKEN);
    ASSERT_CONTAINS(why, "3 fields where the first row has 6");
    assert_int_equal(feed(&p, "", &b, why), WK_CSV_SKIP);
    assert_int_equal(feed(&other, "1514764800,1,2,3", &b, why), WK_CSV_FATAL);
    ASSERT_CONTAINS(why, "time,open,high,low,close,volume");
    assert_int_equal(feed(&other, "time,open,close", &b, why), WK_CSV_FATAL);
    ASSERT_CONTAINS(why, "no column \"high\"");
}

/* Bytes of all kinds leave the parsers standing; a row they accept has finite numbers. */
static void test_random_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] =
        "0123456789012345678901234567890123456789.,.,.,-+eE:TZ\"nan \t\r\x80\xff";
    for (uint64_t i = 0; i < 50000; i++) {
        char line[96], why[256];
        size_t n = wk_rng_below(11, 0, i, sizeof line);
        for (size_t k = 0; k < n; k++)
            line[k] = alphabet[wk_rng_below(11, i + 1, k, sizeof alphabet - 1)];
        wk_csv_parser p = {.format = WK_CSV_NAMED, .n_columns = 6, .column = {0, 1, 2, 3, 4, 5}},
                      fresh = {0};
        wk_bar b;
        if (wk_csv_feed_candle(&p, line, n, &b, why) == WK_CSV_ROW)
            assert_true(isfinite(b.open) && isfinite(b.volume) && b.time_ns >= 0);
        (void)wk_csv_feed_candle(&fresh, line, n, &b, why);
        int64_t t;
        double x;
        (void)wk_stamp_parse(line, n, &t);
        if (!wk_number_parse(line, n, &x))
            assert_true(isfinite(x));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_round_as_strtod_does),
        cmocka_unit_test(test_zeros_and_signs),
        cmocka_unit_test(test_what_is_no_number_is_refused),
        cmocka_unit_test(test_times_in_all_units_agree),
        cmocka_unit_test(test_each_format_is_told_from_its_first_row),
        cmocka_unit_test(test_bad_rows_say_what_is_wrong),
        cmocka_unit_test(test_random_bytes_do_no_harm),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
