/* Indicators and candlestick patterns against TA-Lib (tests/golden/features/make_talib.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "data/features/indicator_batch.h"

enum { N = 300, COLUMNS_MAX = 40, N_CANDLES = 6000 };

static char names[COLUMNS_MAX][32];
static double table[COLUMNS_MAX][N];
static size_t n_columns;

static int load(void **state)
{
    (void)state;
    FILE *file = fopen(WICK_GOLDEN_DIR "/talib.csv", "r");
    static char line[8192];
    if (!file || !fgets(line, sizeof line, file))
        return 1;
    for (char *at = strtok(line, ",\n"); at; at = strtok(NULL, ",\n"))
        snprintf(names[n_columns++], sizeof names[0], "%s", at);
    for (int t = 0; t < N; t++) {
        if (!fgets(line, sizeof line, file))
            return 1;
        char *at = line;
        for (size_t k = 0; k < n_columns; k++, at++)
            table[k][t] = strtod(at, &at);
    }
    fclose(file);
    return 0;
}

static const double *column(const char *name)
{
    for (size_t k = 0; k < n_columns; k++)
        if (strcmp(names[k], name) == 0)
            return table[k];
    fail_msg("no golden column %s", name);
    return NULL;
}

/* 1e-9 of the price scale, the same NaN. */
static void check(const char *name, const double *got)
{
    const double *want = column(name);
    for (int t = 0; t < N; t++) {
        bool same = isnan(want[t]) ? isnan(got[t]) : fabs(got[t] - want[t]) <= 1e-9 * 250;
        if (!same)
            fail_msg("%s bar %d: %.15g, TA-Lib %.15g", name, t, got[t], want[t]);
    }
}

static void test_indicators_equal_talib(void **state)
{
    (void)state;
    const double *h = column("high"), *l = column("low"), *c = column("close"),
                 *v = column("volume");
    static double a[N], b[N], d[N];
    wk_ind_ema_batch(8, c, N, a);
    check("ema8", a);
    wk_ind_ema_batch(55, c, N, a);
    check("ema55", a);
    wk_ind_sma_batch(20, c, N, a);
    check("sma20", a);
    wk_ind_rsi_batch(5, c, N, a);
    check("rsi5", a);
    wk_ind_rsi_batch(14, c, N, a);
    check("rsi14", a);
    wk_ind_macd_batch(12, 26, 9, c, N, a, b, d);
    check("macd", a);
    check("macd_signal", b);
    check("macd_hist", d);
    wk_ind_bbands_batch(20, 2, c, N, a, b, d);
    check("bb_upper", a);
    check("bb_middle", b);
    check("bb_lower", d);
    wk_ind_atr_batch(14, h, l, c, N, a);
    check("atr14", a);
    wk_ind_stoch_batch(14, 3, 3, h, l, c, N, a, b);
    check("stoch_k", a);
    check("stoch_d", b);
    wk_ind_willr_batch(14, h, l, c, N, a);
    check("willr14", a);
    wk_ind_cci_batch(14, h, l, c, N, a);
    check("cci14", a);
    wk_ind_roc_batch(10, c, N, a);
    check("roc10", a);
    wk_ind_mfi_batch(14, h, l, c, v, N, a);
    check("mfi14", a);
    wk_ind_obv_batch(c, v, N, a);
    check("obv", a);
    wk_ind_adx_batch(14, h, l, c, N, a, b, d);
    check("adx14", a);
    check("pdi14", b);
    check("mdi14", d);
}

static uint64_t generator;

static int64_t below(int64_t k)
{
    generator = generator * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)((generator >> 33) % (uint64_t)k);
}

/* The candles of make_talib.py: bars[4][N_CANDLES] as open, high, low, close. */
static void generate_candles(double (*bars)[N_CANDLES])
{
    int64_t price = 5000, drift = 0;
    generator = 99;
    for (int t = 0; t < N_CANDLES; t++) {
        if (t % 4 == 0)
            drift = below(81) - 40;
        int64_t a = below(3), size = 4 + a * below(20);
        bool gap = below(3) != 0;
        int64_t o = price + (gap ? 1 : 0) * (below(41) - 20);
        bool moves = below(4) != 0;
        int64_t c = o + (moves ? drift : 0) + below(2 * size + 1) - size;
        int64_t up = below(3);
        int64_t h = (o > c ? o : c) + up * below(size);
        int64_t down = below(3);
        int64_t l = (o < c ? o : c) - down * below(size);
        bars[0][t] = (double)o;
        bars[1][t] = (double)h;
        bars[2][t] = (double)l;
        bars[3][t] = (double)c;
        price = c > 3000 && c < 7000 ? c : 5000;
    }
}

static void test_patterns_equal_talib(void **state)
{
    (void)state;
    static double bars[4][N_CANDLES], got[N_CANDLES * WK_CANDLE_PATTERNS],
        want[N_CANDLES * WK_CANDLE_PATTERNS];
    generate_candles(bars);
    wk_candles_batch(bars[0], bars[1], bars[2], bars[3], N_CANDLES, got);
    FILE *file = fopen(WICK_GOLDEN_DIR "/patterns.csv", "r");
    assert_non_null(file);
    char line[256], name[32], value[32];
    assert_non_null(fgets(line, sizeof line, file));
    double sum = 0;
    for (int t = 0; t < N_CANDLES; t++)
        sum += bars[3][t];
    assert_true(strstr(line, "checksum") && atof(strstr(line, "checksum") + 8) == sum);
    int end[WK_CANDLE_PATTERNS] = {0}, t, n_hits = 0;
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(sscanf(line, "%d,%31[^,],%31s", &t, name, value), 3);
        int k = 0;
        while (k < WK_CANDLE_PATTERNS && strcmp(wk_candles_name(k), name) != 0)
            k++;
        assert_true(k < WK_CANDLE_PATTERNS);
        if (strcmp(value, "end") == 0)
            end[k] = t;
        else
            want[t * WK_CANDLE_PATTERNS + k] = atof(value);
        n_hits++;
    }
    fclose(file);
    assert_true(n_hits > 500);
    for (int k = 0; k < WK_CANDLE_PATTERNS; k++) {
        assert_true(end[k] > 0);
        for (t = 13; t <= end[k]; t++)
            if (got[t * WK_CANDLE_PATTERNS + k] != want[t * WK_CANDLE_PATTERNS + k])
                fail_msg("%s candle %d: %g, TA-Lib %g", wk_candles_name(k), t,
                         got[t * WK_CANDLE_PATTERNS + k], want[t * WK_CANDLE_PATTERNS + k]);
    }
}

static void test_peek_equals_push_and_changes_nothing(void **state)
{
    (void)state;
    const double *o = column("open"), *h = column("high"), *l = column("low"), *c = column("close"),
                 *v = column("volume");
    wk_ind_rsi rsi;
    wk_ind_macd macd;
    wk_ind_bbands bands;
    wk_ind_atr atr;
    wk_ind_stoch stoch;
    wk_ind_mfi mfi;
    wk_ind_adx adx;
    wk_candles candles;
    wk_ind_rsi_init(&rsi, 14);
    wk_ind_macd_init(&macd, 12, 26, 9);
    wk_ind_bbands_init(&bands, 20, 2);
    wk_ind_atr_init(&atr, 14);
    wk_ind_stoch_init(&stoch, 14, 3, 3);
    wk_ind_mfi_init(&mfi, 14);
    wk_ind_adx_init(&adx, 14);
    wk_candles_init(&candles);
    for (int t = 0; t < N; t++) {
        for (int k = 0; k < 2; k++) { /* an unfinished bar, then another */
            wk_ind_rsi_peek(&rsi, c[t] * (1 + k));
            wk_ind_macd_peek(&macd, c[t] * (1 + k));
        }
        double peeked[8] = {wk_ind_rsi_peek(&rsi, c[t]),
                            wk_ind_macd_peek(&macd, c[t]).histogram,
                            wk_ind_bbands_peek(&bands, c[t]).upper,
                            wk_ind_atr_peek(&atr, h[t], l[t], c[t]),
                            wk_ind_stoch_peek(&stoch, h[t], l[t], c[t]).d,
                            wk_ind_mfi_peek(&mfi, h[t], l[t], c[t], v[t]),
                            wk_ind_adx_peek(&adx, h[t], l[t], c[t]).adx,
                            0};
        double pushed[8] = {wk_ind_rsi_push(&rsi, c[t]),
                            wk_ind_macd_push(&macd, c[t]).histogram,
                            wk_ind_bbands_push(&bands, c[t]).upper,
                            wk_ind_atr_push(&atr, h[t], l[t], c[t]),
                            wk_ind_stoch_push(&stoch, h[t], l[t], c[t]).d,
                            wk_ind_mfi_push(&mfi, h[t], l[t], c[t], v[t]),
                            wk_ind_adx_push(&adx, h[t], l[t], c[t]).adx,
                            0};
        for (int k = 0; k < 8; k++)
            assert_true(peeked[k] == pushed[k] || (isnan(peeked[k]) && isnan(pushed[k])));
        double a[WK_CANDLE_PATTERNS], b[WK_CANDLE_PATTERNS];
        wk_candles_peek(&candles, o[t], h[t], l[t], c[t], a);
        wk_candles_push(&candles, o[t], h[t], l[t], c[t], b);
        assert_memory_equal(a, b, sizeof a);
    }
    assert_true(fabs(rsi.up) > 0 && fabs(wk_ind_rsi_peek(&rsi, c[N - 1])) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indicators_equal_talib),
        cmocka_unit_test(test_patterns_equal_talib),
        cmocka_unit_test(test_peek_equals_push_and_changes_nothing),
    };
    return cmocka_run_group_tests_name("talib", tests, load, NULL);
}
