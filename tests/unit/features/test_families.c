/* Families whose columns come from TA-Lib's indicators: the column equals the indicator over the
 * bars it should have seen, and higher timeframes hold closed bars only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "data/features/indicator_batch.h"
#include "tests/unit/features/panel.h"

enum { S = 3, T = 900 };

static wk_arena arena;
static wk_panel panel;
static double *rows; /* [T][S][F] */
static double sigma[T][S];
static wk_features *f;
static size_t F;

static int push_all(void **state)
{
    (void)state;
    wk_arena_init(&arena);
    panel = test_panel(&arena, T, 42);
    wk_features_config config = test_config_unanchored();
    f = test_plan(&arena, &config);
    F = wk_features_n(f);
    rows = wk_arena_array(&arena, double, T *S *F);
    uint8_t valid[S];
    for (size_t t = 0; t < T; t++) {
        wk_features_step step = wk_panel_step(&panel, t);
        wk_features_push(f, &step, rows + t * S * F, valid);
        for (size_t s = 0; s < S; s++)
            sigma[t][s] = wk_features_sigma(f, s);
    }
    return 0;
}

static int finish(void **state)
{
    (void)state;
    wk_arena_finish(&arena);
    return 0;
}

static double value(const char *name, size_t t, size_t s)
{
    for (size_t i = 0; i < F; i++)
        if (strcmp(wk_features_name(f, i), name) == 0)
            return rows[(t * S + s) * F + i];
    fail_msg("no column %s", name);
    return 0;
}

static void expect(const char *name, size_t t, size_t s, double want)
{
    double got = value(name, t, s);
    bool same = isnan(want) ? isnan(got) : fabs(got - want) <= 1e-9 * (1 + fabs(want));
    if (!same)
        fail_msg("step %zu symbol %zu %s: %.17g, expected %.17g", t, s, name, got, want);
}

/* The bars of BTC with short holes held at the last close. */
static void held(double *h, double *l, double *c, double *v)
{
    double last = NAN;
    for (size_t t = 0; t < T; t++) {
        const wk_bar *bar = &panel.bars[t * S];
        bool hole = panel.provenance[t * S] == WK_PROV_UNKNOWN;
        h[t] = hole ? last : bar->high;
        l[t] = hole ? last : bar->low;
        c[t] = hole ? last : bar->close;
        v[t] = hole ? 0 : bar->volume;
        last = c[t];
    }
}

static void test_columns_are_the_indicators_in_their_units(void **state)
{
    (void)state;
    static double h[T], l[T], c[T], v[T], ema[T], rsi[T], hist[T], upper[T], lower[T], atr[T],
        mfi[T], adx[T], middle[T];
    held(h, l, c, v);
    assert_false(isnan(c[0]));
    wk_ind_ema_batch(55, c, T, ema);
    wk_ind_rsi_batch(14, c, T, rsi);
    wk_ind_macd_batch(12, 26, 9, c, T, NULL, NULL, hist);
    wk_ind_bbands_batch(20, 2, c, T, upper, middle, lower);
    wk_ind_atr_batch(14, h, l, c, T, atr);
    wk_ind_mfi_batch(14, h, l, c, v, T, mfi);
    wk_ind_adx_batch(14, h, l, c, T, adx, NULL, NULL);
    for (size_t t = 60; t < T; t++) {
        double unit = 1 / (c[t] * sigma[t][0]);
        expect("rib.dist55", t, 0, (c[t] - ema[t]) * unit);
        expect("rib.slope55", t, 0, (ema[t] - ema[t - 1]) * unit);
        expect("osc.rsi14", t, 0, rsi[t]);
        expect("osc.macd_hist", t, 0, hist[t] * unit);
        expect("osc.mfi14", t, 0, mfi[t]);
        expect("osc.adx14", t, 0, adx[t]);
        expect("rng.atr14", t, 0, atr[t] * unit);
        expect("rng.pctb", t, 0, (c[t] - lower[t]) / (upper[t] - lower[t] + 1e-9 * c[t]));
        expect("rng.bandwidth", t, 0, (upper[t] - lower[t]) / middle[t]);
    }
}

static void test_higher_timeframes_hold_closed_bars_only(void **state)
{
    (void)state;
    static const struct {
        size_t hours;
        const char *rsi, *atr;
    } frames[] = {{4, "htf.4h.rsi14", "htf.4h.atr14"}, {24, "htf.1d.rsi14", "htf.1d.atr14"}};
    static double h[T], l[T], c[T], v[T], H[T], L[T], C[T], rsi[T], atr[T];
    held(h, l, c, v);
    for (size_t k = 0; k < 2; k++) {
        size_t m = frames[k].hours, n = T / m; /* the panel starts at midnight */
        for (size_t b = 0; b < n; b++) {
            H[b] = h[b * m];
            L[b] = l[b * m];
            for (size_t i = b * m; i < (b + 1) * m; i++) {
                H[b] = h[i] > H[b] ? h[i] : H[b];
                L[b] = l[i] < L[b] ? l[i] : L[b];
            }
            C[b] = c[(b + 1) * m - 1];
        }
        wk_ind_rsi_batch(14, C, n, rsi);
        wk_ind_atr_batch(14, H, L, C, n, atr);
        size_t n_seen = 0;
        for (size_t t = 0; t < T; t++) {
            size_t closed = (t + 1) / m; /* bars that ended by the close of t */
            double want = closed ? rsi[closed - 1] : NAN;
            expect(frames[k].rsi, t, 0, want);
            n_seen += !isnan(want);
            if (closed && isnan(atr[closed - 1]))
                assert_true(isnan(value(frames[k].atr, t, 0)));
        }
        assert_true(n_seen > 100);
    }
}

static void test_session_vwap_starts_at_midnight(void **state)
{
    (void)state;
    for (size_t t = 240; t < 288; t++) {
        double value_sum = 0, volume = 0, last = panel.bars[(t - t % 24 - 1) * S].close;
        for (size_t i = t - t % 24; i <= t; i++) {
            const wk_bar *bar = &panel.bars[i * S];
            if (panel.provenance[i * S] == WK_PROV_UNKNOWN)
                continue;
            value_sum += bar->volume * (bar->high + bar->low + bar->close) / 3;
            volume += bar->volume;
            last = bar->close;
        }
        if (volume > 0)
            expect("vol.session", t, 0, (last / (value_sum / volume) - 1) / sigma[t][0]);
    }
}

static void test_garman_klass_is_its_formula(void **state)
{
    (void)state;
    for (size_t t = 400; t < 500; t++) {
        double sum = 0;
        for (size_t i = t - 23; i <= t; i++) {
            const wk_bar *b = &panel.bars[i * S];
            if (panel.provenance[i * S] == WK_PROV_UNKNOWN)
                continue; /* a held price has no range */
            double range = log(b->high / b->low), body = log(b->close / b->open);
            sum += 0.5 * range * range - (2 * log(2) - 1) * body * body;
        }
        expect("rng.gk24", t, 0, log(sqrt(sum / 24) + 1e-6));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_the_indicators_in_their_units),
        cmocka_unit_test(test_higher_timeframes_hold_closed_bars_only),
        cmocka_unit_test(test_session_vwap_starts_at_midnight),
        cmocka_unit_test(test_garman_klass_is_its_formula),
    };
    return cmocka_run_group_tests_name("features families", tests, push_all, finish);
}
