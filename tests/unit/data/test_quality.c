/* Faults planted into a quiet market are found where they are; venues are compared bar by bar. */
#include "temp.h"

#include <math.h>

#include "wick/quality.h"
#include "wick/rng.h"

enum { N = 5000 };
#define T0 (wk_civil_to_ns(2022, 1, 1))

/* Moves of up to half a percent, twenty times wilder in one stretch. */
static wk_series quiet(void)
{
    wk_series s;
    wk_err err;
    assert_int_equal(wk_series_create("v", "BTCUSD", HOUR, N, &s, &err), WK_OK);
    double p = 1000;
    for (uint64_t i = 0; i < N; i++) {
        double wild = i >= 4000 && i < 4300 ? 20 : 1;
        double o = p;
        p *= 1 + wild * ((double)wk_rng_below(5, 0, i, 10001) - 5000) / 1e6;
        s.bars[i] = (wk_bar){T0 + (int64_t)i * HOUR, o, o > p ? o : p, o < p ? o : p, p, 3};
    }
    return s;
}

static void close_at(wk_series *s, size_t i, double factor)
{
    wk_bar *b = &s->bars[i];
    b->close *= factor;
    b->high = b->high > b->close ? b->high : b->close;
    b->low = b->low < b->close ? b->low : b->close;
}

static wk_quality *measure(const wk_series *s)
{
    static wk_quality q;
    wk_err err = {0};
    if (wk_quality_measure(s, &q, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return &q;
}

static void test_a_quiet_market_has_no_faults(void **state)
{
    (void)state;
    wk_series s = quiet();
    const wk_quality *q = measure(&s);
    assert_true(q->n == N && q->n_expected == N && q->gaps == 0 && q->stale_runs == 0);
    assert_int_equal(q->n_outliers, 0); /* the wild stretch is a stretch, not a fault */
    assert_true(q->move_typical > 0.0024 && q->move_typical < 0.0028);
    size_t n = 0, expected = 0;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        n += q->buckets[k].n;
        expected += q->buckets[k].n_expected;
        assert_true(q->buckets[k].n == q->buckets[k].n_expected);
    }
    assert_true(n == N && expected == N);
    wk_series_finish(&s);
}

static void test_planted_faults_are_found_where_they_are(void **state)
{
    (void)state;
    wk_series s = quiet();
    close_at(&s, 700, 1.5);             /* a spike */
    s.bars[1200].low *= 0.6;            /* a wick */
    for (size_t i = 2500; i < N; i++) { /* a jump */
        s.bars[i].open *= 1.3;
        s.bars[i].high *= 1.3;
        s.bars[i].low *= 1.3;
        s.bars[i].close *= 1.3;
    }
    for (size_t i = 3000; i < 3015; i++) { /* frozen, the last five with volume */
        double p = s.bars[2999].close;
        s.bars[i] = (wk_bar){s.bars[i].time_ns, p, p, p, p, i < 3010 ? 0 : 1};
    }
    s.provenance[10] = WK_PROV_IMPUTED;
    /* A hole of 100 bars, and one of 1. */
    memmove(&s.bars[3600], &s.bars[3700], (N - 3700) * sizeof *s.bars);
    s.n -= 100;
    memmove(&s.bars[20], &s.bars[21], (s.n - 21) * sizeof *s.bars);
    s.n -= 1;
    const wk_quality *q = measure(&s);
    assert_true(q->gaps == 2 && q->bars_missing == 101 && q->n_expected == N);
    assert_true(q->longest_gaps[0].n_bars == 100 && q->longest_gaps[0].time_ns == T0 + 3600 * HOUR);
    assert_true(q->longest_gaps[1].n_bars == 1 && q->n_longest_gaps == 2);
    assert_int_equal(q->stale_runs, 1);
    assert_true(q->stale_bars == 15 && q->stale_traded_bars == 5 && q->n_zero_volume == 10);
    assert_true(q->longest_stale[0].time_ns == T0 + 3000 * HOUR);
    assert_int_equal(q->n_provenance[WK_PROV_IMPUTED], 1);
    assert_int_equal(q->n_spikes, 1);
    int found = 0;
    for (size_t i = 0; i < q->n_shown_outliers; i++) {
        const wk_quality_mark *m = &q->outliers[i];
        int64_t at = (m->time_ns - T0) / HOUR;
        found |= at == 700 && m->kind == WK_MARK_SPIKE && fabs(m->move - 0.5) < 0.01 ? 1 : 0;
        found |= at == 1200 && m->kind == WK_MARK_WICK && fabs(m->move + 0.4) < 0.01 ? 2 : 0;
        found |= at == 2500 && m->kind == WK_MARK_JUMP && fabs(m->move - 0.3) < 0.01 ? 4 : 0;
        assert_true(i == 0 || m->score <= q->outliers[i - 1].score);
    }
    assert_int_equal(found, 7);
    wk_series_finish(&s);
}

static void test_one_bar_and_a_dead_market_are_measured(void **state)
{
    (void)state;
    wk_series s = quiet();
    s.n = 1;
    assert_true(measure(&s)->n_expected == 1 && isnan(measure(&s)->move_typical));
    s.n = N;
    for (size_t i = 0; i < N; i++)
        s.bars[i] = (wk_bar){s.bars[i].time_ns, 5, 5, 5, 5, 0};
    const wk_quality *q = measure(&s);
    assert_true(q->stale_runs == 1 && q->stale_bars == N && q->stale_traded_bars == 0);
    assert_int_equal(q->n_outliers, 0);
    wk_series_finish(&s);
}

static void test_venues_are_compared_where_both_have_bars(void **state)
{
    (void)state;
    wk_series a = quiet(), b = quiet();
    wk_quality_pair p;
    wk_err err = {0};
    for (size_t i = 0; i < N; i++)
        b.bars[i].close *= 1 + (i % 2 ? 0.0012 : 0.0008);
    b.bars[77].close *= 2;
    b.bars += 10; /* b begins later and lacks a bar in between */
    b.n = 2000;
    memmove(&b.bars[100], &b.bars[101], (b.n - 101) * sizeof *b.bars);
    b.n--;
    if (wk_quality_compare(&a, &b, &p, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(p.n == 1999 && p.only_a == 1 && p.only_b == 0);
    assert_true(p.first_ns == T0 + 10 * HOUR && p.last_ns == T0 + 2009 * HOUR);
    assert_true(fabs(p.median - 0.001) < 0.00021 && fabs(p.mad - 0.0002) < 0.00021);
    assert_true(fabs(p.max - 1.0024) < 0.001 && p.max_ns == T0 + 77 * HOUR);
    assert_true(p.p99 < 0.0013);
    assert_true(p.correlation[1] > 0.9 && fabs(p.correlation[0]) < 0.3);
    for (size_t i = 0; i < b.n; i++) /* stamped with the close instead of the open */
        b.bars[i].time_ns += HOUR;
    assert_int_equal(wk_quality_compare(&a, &b, &p, &err), WK_OK);
    assert_true(p.correlation[2] > 0.9 && p.correlation[1] < 0.3);
    for (size_t i = 0; i < b.n; i++)
        b.bars[i].time_ns += 5000 * HOUR;
    assert_int_equal(wk_quality_compare(&a, &b, &p, &err), WK_E_NOT_FOUND);
    b.bars -= 10;
    wk_series_finish(&a);
    wk_series_finish(&b);
}

static void test_names_of_one_market_are_told(void **state)
{
    (void)state;
    int exact;
    assert_true(wk_quality_same_market("XBT/USD", "BTC-USD", &exact) && exact);
    assert_true(wk_quality_same_market("btcusd", "BTCUSD", &exact) && exact);
    assert_true(wk_quality_same_market("XDGUSD", "DOGEUSDT", &exact) && !exact);
    assert_true(wk_quality_same_market("BTCUSDC", "XBTUSDT", &exact) && !exact);
    assert_false(wk_quality_same_market("BTCUSD", "BTCEUR", &exact));
    assert_false(wk_quality_same_market("ETHUSD", "BTCUSD", &exact));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quiet_market_has_no_faults),
        cmocka_unit_test(test_planted_faults_are_found_where_they_are),
        cmocka_unit_test(test_one_bar_and_a_dead_market_are_measured),
        cmocka_unit_test(test_venues_are_compared_where_both_have_bars),
        cmocka_unit_test(test_names_of_one_market_are_told),
    };
    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
