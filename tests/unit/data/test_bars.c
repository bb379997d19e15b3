/* Series, panels, funding and resampling. */
#include "temp.h"

#include <math.h>

#include "wick/bars.h"
#include "wick/rng.h"

static const int64_t EPOCH = INT64_C(1514764800) * WK_NS_PER_S; /* Monday 2018-01-01 */

static wk_series make(const char *symbol, int64_t timeframe_ns, const int *steps, size_t n)
{
    wk_series s;
    wk_err err;
    assert_int_equal(wk_series_create("v", symbol, timeframe_ns, n, &s, &err), WK_OK);
    for (size_t i = 0; i < n; i++) {
        double p = 100 + steps[i];
        s.bars[i] = (wk_bar){EPOCH + steps[i] * timeframe_ns, p, p + 2, p - 2, p + 1, 10};
    }
    return s;
}

static void test_panel_aligns_and_marks_the_unknown(void **state)
{
    (void)state;
    wk_series s[2] = {make("A", HOUR, (int[]){0, 1, 3}, 3), make("B", HOUR, (int[]){2, 3, 4}, 3)};
    wk_panel p;
    wk_err err;
    assert_int_equal(wk_panel_build(s, 2, NULL, 0, 0, 0, &p, &err), WK_OK);
    assert_true(p.T == 5 && p.S == 2 && p.start_ns == EPOCH && p.funding == NULL);
    static const int present[5][2] = {{1, 0}, {1, 0}, {0, 1}, {1, 1}, {0, 1}};
    for (size_t t = 0; t < 5; t++)
        for (size_t k = 0; k < 2; k++) {
            const wk_bar *b = &p.bars[t * 2 + k];
            assert_true(b->time_ns == EPOCH + (int64_t)t * HOUR);
            assert_int_equal(p.provenance[t * 2 + k],
                             present[t][k] ? WK_PROV_TRADED : WK_PROV_UNKNOWN);
            assert_true(present[t][k] ? b->open == 100 + (double)t : isnan(b->open));
        }
    wk_panel_finish(&p);
    assert_int_equal(wk_panel_build(s, 2, NULL, 0, EPOCH + HOUR, EPOCH + 3 * HOUR, &p, &err),
                     WK_OK);
    assert_true(p.T == 2 && p.start_ns == EPOCH + HOUR);
    wk_panel_finish(&p);
    assert_int_equal(wk_panel_build(s, 2, NULL, 0, EPOCH + 90 * HOUR, 0, &p, &err), WK_E_DATA);
    s[1].bars[1].time_ns += 5;
    assert_int_equal(wk_panel_build(s, 2, NULL, 0, 0, 0, &p, &err), WK_E_DATA);
    ASSERT_CONTAINS(err.msg, "off the common grid");
    wk_series_finish(&s[0]);
    wk_series_finish(&s[1]);
}

static void test_funding_is_charged_at_the_nearest_open_and_known_later(void **state)
{
    (void)state;
    int steps[20];
    for (int i = 0; i < 20; i++)
        steps[i] = i;
    wk_series s[3] = {make("A", HOUR, steps, 20), make("B", HOUR, steps, 20),
                      make("C", HOUR, steps, 20)};
    /* A is late by 4 ms at 08:00 and early at 16:00; B has its own rate at 08:00 only; C has none.
     */
    int64_t ta[] = {EPOCH + 8 * HOUR + 4000000, EPOCH + 16 * HOUR - 1000000},
            tb[] = {EPOCH + 8 * HOUR};
    double ra[] = {0.0003, -0.0001}, rb[] = {0.0001};
    wk_rates rates[3] = {{2, ta, ra}, {1, tb, rb}, {0, NULL, NULL}};
    wk_panel p;
    wk_err err;
    assert_int_equal(wk_panel_build(s, 3, rates, 1, 0, 0, &p, &err), WK_OK);
    for (size_t t = 0; t < 20; t++) {
        const double *f = &p.funding[t * 3], *known = &p.funding_known[t * 3];
        if (t == 0)
            assert_true(f[0] == 1e-4 && f[1] == 1e-4 && f[2] == 1e-4);
        else if (t == 8)
            assert_true(f[0] == 0.0003 && f[1] == 0.0001 && fabs(f[2] - 0.0002) < 1e-18);
        else if (t == 16)
            assert_true(f[0] == -0.0001 && f[1] == -0.0001 && f[2] == -0.0001);
        else
            assert_true(f[0] == 0 && f[1] == 0 && f[2] == 0);
        /* The close of step 7 is 08:00: a rate of that instant is not known yet. */
        assert_true(t < 8 ? isnan(known[1]) : known[1] == 0.0001);
        assert_true(t < 8 ? isnan(known[0]) : known[0] == (t < 15 ? 0.0003 : -0.0001));
        assert_true(isnan(known[2]));
    }
    wk_panel_finish(&p);
    assert_int_equal(wk_panel_build(s, 3, rates, 0, 0, 0, &p, &err), WK_OK);
    for (size_t t = 0; t < 20; t++)
        assert_true(p.funding[t * 3 + 2] == 0 && p.funding[t * 3 + 1] == (t == 8 ? 0.0001 : 0));
    wk_panel_finish(&p);
    for (int i = 0; i < 3; i++)
        wk_series_finish(&s[i]);
}

static void test_a_panel_without_its_first_steps_holds_the_same_cells(void **state)
{
    (void)state;
    int steps[20];
    for (int i = 0; i < 20; i++)
        steps[i] = i;
    wk_series s[2] = {make("A", HOUR, steps, 20), make("B", HOUR, steps + 9, 8)};
    int64_t times[2] = {EPOCH, EPOCH + 8 * HOUR};
    double rates[2] = {2e-4, 3e-4};
    wk_rates funding[2] = {{2, times, rates}, {0}};
    wk_panel whole, cut;
    wk_err err;
    assert_int_equal(wk_panel_build(s, 2, funding, 1, 0, 0, &whole, &err), WK_OK);
    assert_int_equal(wk_panel_build(s, 2, funding, 1, 0, 0, &cut, &err), WK_OK);
    wk_panel_drop(&cut, 0);
    assert_true(cut.T == 20 && cut.start_ns == EPOCH);
    wk_panel_drop(&cut, 7);
    assert_true(cut.T == 13 && cut.S == 2 && cut.start_ns == EPOCH + 7 * HOUR);
    assert_true(cut.funding[2] != 0); /* of step 8: the comparison below sees a rate */
    for (size_t i = 0; i < 13 * 2; i++) {
        assert_memory_equal(&cut.bars[i], &whole.bars[14 + i], sizeof *cut.bars);
        assert_int_equal(cut.provenance[i], whole.provenance[14 + i]);
        assert_memory_equal(&cut.funding[i], &whole.funding[14 + i], sizeof *cut.funding);
        assert_memory_equal(&cut.funding_known[i], &whole.funding_known[14 + i],
                            sizeof *cut.funding_known);
    }
    wk_panel_drop(&cut, 12);
    assert_true(cut.T == 1 && cut.bars[0].time_ns == EPOCH + 19 * HOUR);
    wk_panel_finish(&cut);
    wk_panel_finish(&whole);
    wk_series_finish(&s[0]);
    wk_series_finish(&s[1]);
}

static void test_daily_steps_are_charged_all_rates_of_the_day(void **state)
{
    (void)state;
    wk_series s = make("A", 24 * HOUR, (int[]){0, 1, 2}, 3);
    int64_t times[] = {EPOCH + 16 * HOUR, EPOCH + 24 * HOUR, EPOCH + 32 * HOUR};
    double values[] = {1e-4, 2e-4, 4e-4};
    wk_rates rates = {3, times, values};
    wk_panel p;
    wk_err err;
    assert_int_equal(wk_panel_build(&s, 1, &rates, 1, 0, 0, &p, &err), WK_OK);
    assert_true(fabs(p.funding[1] - 7e-4) < 1e-18);
    assert_true(fabs(p.funding[2] - 3e-4) < 1e-18); /* three marks without a rate */
    wk_panel_finish(&p);
    wk_series_finish(&s);
}

static void test_bucket_starts(void **state)
{
    (void)state;
    const int64_t day = 24 * HOUR;
    assert_true(wk_bucket_start(EPOCH + 5 * HOUR + 7, 4 * HOUR) == EPOCH + 4 * HOUR);
    assert_true(wk_bucket_start(EPOCH + 3 * day, 7 * day) == EPOCH); /* a Monday */
    assert_true(wk_bucket_start(EPOCH - 1, 7 * day) == EPOCH - 7 * day);
    assert_true(wk_bucket_start(-1, HOUR) == -HOUR);
}

/* Buckets against a direct computation, on a random series with holes; and no bucket before it
 * closed. */
static void test_resampled_buckets_hold_exactly_their_bars(void **state)
{
    (void)state;
    enum { N = 600 };
    wk_series in;
    wk_err err;
    assert_int_equal(wk_series_create("v", "A", HOUR, N, &in, &err), WK_OK);
    int64_t t = EPOCH + 2 * HOUR;
    for (uint64_t i = 0; i < N; i++) {
        double o = 50 + 10 * wk_rng_uniform(3, 1, i), c = 50 + 10 * wk_rng_uniform(3, 2, i);
        in.bars[i] = (wk_bar){
            t, o,        fmax(o, c) + wk_rng_uniform(3, 3, i), fmin(o, c) - wk_rng_uniform(3, 4, i),
            c, (double)i};
        in.provenance[i] = (uint8_t)(wk_rng_below(3, 6, i, 10) == 0);
        t += HOUR *
             (1 + (int64_t)(wk_rng_below(3, 5, i, 4) == 0) * (int64_t)wk_rng_below(3, 7, i, 9));
    }
    const int64_t four = 4 * HOUR;
    for (size_t prefix = 0; prefix <= N; prefix += prefix < 40 ? 1 : 97) {
        wk_series cut = in, out;
        cut.n = prefix;
        assert_int_equal(wk_series_resample(&cut, four, &out, &err), WK_OK);
        size_t k = 0;
        for (size_t i = 0; i < prefix;) {
            int64_t start = in.bars[i].time_ns / four * four;
            size_t j = i;
            /* Filled-in bars (provenance 1) count only when there are no others. */
            wk_bar want = {start,          in.bars[i].open,  in.bars[i].high,
                           in.bars[i].low, in.bars[i].close, in.bars[i].volume};
            int real = 0;
            for (; j < prefix && in.bars[j].time_ns < start + four; j++) {
                const wk_bar *from = &in.bars[j];
                if (in.provenance[j] == WK_PROV_CONFIRMED_EMPTY)
                    continue;
                if (!real++)
                    want = (wk_bar){start, from->open, from->high, from->low, 0, 0};
                want.high = fmax(want.high, from->high);
                want.low = fmin(want.low, from->low);
                want.close = from->close;
                want.volume += from->volume;
            }
            int closed = j < prefix || in.bars[j - 1].time_ns == start + 3 * HOUR;
            if (closed) {
                assert_true(k < out.n);
                const wk_bar *b = &out.bars[k++];
                assert_memory_equal(b, &want, sizeof want);
            }
            i = j;
        }
        assert_int_equal(k, out.n);
        wk_series_finish(&out);
    }
    wk_series out;
    assert_int_equal(wk_series_resample(&in, HOUR * 3 / 2, &out, &err), WK_E_ARG);
    wk_series_finish(&in);
}

static void test_decimals_are_those_of_the_text(void **state)
{
    (void)state;
    static const struct {
        double price;
        int decimals;
    } cases[] = {
        {13715.65, 2}, {0.25551, 5}, {1e-8, 8},          {0.00001234, 8}, {9007199254740993.0, 0},
        {7, 0},        {0.1, 1},     {123456.789012, 6}, {1.0 / 3, 12}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wk_bar b = {0, cases[i].price, cases[i].price, cases[i].price, cases[i].price, 0.5};
        wk_series s = {.n = 1, .bars = &b};
        int price, volume;
        wk_series_decimals(&s, &price, &volume);
        assert_int_equal(price, cases[i].decimals);
        assert_int_equal(volume, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_panel_aligns_and_marks_the_unknown),
        cmocka_unit_test(test_funding_is_charged_at_the_nearest_open_and_known_later),
        cmocka_unit_test(test_a_panel_without_its_first_steps_holds_the_same_cells),
        cmocka_unit_test(test_daily_steps_are_charged_all_rates_of_the_day),
        cmocka_unit_test(test_bucket_starts),
        cmocka_unit_test(test_resampled_buckets_hold_exactly_their_bars),
        cmocka_unit_test(test_decimals_are_those_of_the_text),
    };
    return cmocka_run_group_tests_name("bars", tests, NULL, NULL);
}
