/* The synthetic panel of tests/golden/features/make_columns.py, bit for bit: + - * / and integers.
 */
#ifndef WICK_TESTS_FEATURES_PANEL_H
#define WICK_TESTS_FEATURES_PANEL_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/features.h"

static const int64_t TEST_HOUR_NS = 3600 * INT64_C(1000000000);
static const int64_t TEST_START_NS = 1577836800 * INT64_C(1000000000);
static const char TEST_SYMBOLS[3][32] = {"BTCUSDT", "ETHUSDT", "LTCUSDT"};

static inline double test_uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

static inline bool test_missing(size_t t, size_t s)
{
    if (s == 2 && (t < 100 || (t >= 1200 && t < 1260)))
        return true;
    return (t * 7 + s * 13) % 97 == 5 || (s == 1 && t >= 800 && t < 811);
}

/* Owned by the arena; do not finish it. */
static inline wk_panel test_panel(wk_arena *arena, size_t T, uint64_t seed)
{
    enum { S = 3 };
    wk_panel p = {.T = T, .S = S, .timeframe_ns = TEST_HOUR_NS, .start_ns = TEST_START_NS};
    p.symbols = wk_arena_alloc(arena, sizeof TEST_SYMBOLS);
    memcpy(p.symbols, TEST_SYMBOLS, sizeof TEST_SYMBOLS);
    p.bars = wk_arena_array(arena, wk_bar, T * S);
    p.provenance = wk_arena_array(arena, uint8_t, T * S);
    p.funding_known = wk_arena_array(arena, double, T *S);
    double price[S] = {9000.0, 200.0, 50.0}, rate[S] = {1e-4, 1e-4, 1e-4};
    uint64_t state = seed;
    for (size_t t = 0; t < T; t++) {
        double market = test_uniform(&state);
        market += test_uniform(&state);
        market += test_uniform(&state);
        market -= 1.5;
        double calm = 0.5 + (double)(t / 100 % 3);
        for (size_t s = 0; s < S; s++) {
            double own = test_uniform(&state);
            own += test_uniform(&state);
            own += test_uniform(&state);
            own -= 1.5;
            double o = price[s], c = o * (1.0 + 0.004 * calm * (0.6 * market + own));
            double top = o > c ? o : c, bottom = o < c ? o : c;
            double h = top * (1.0 + 0.003 * calm * test_uniform(&state));
            double l = bottom * (1.0 - 0.003 * calm * test_uniform(&state));
            double v = 1000.0 * (0.1 + test_uniform(&state)) * calm;
            price[s] = c;
            if (t % 8 == 0)
                rate[s] = 0.9 * rate[s] + 1e-5 * (2.0 * test_uniform(&state) - 1.0);
            size_t i = t * S + s;
            p.funding_known[i] = rate[s];
            p.bars[i] = (wk_bar){p.start_ns + (int64_t)t * TEST_HOUR_NS, o, h, l, c, v};
            if (test_missing(t, s)) {
                p.bars[i].open = p.bars[i].high = p.bars[i].low = p.bars[i].close = NAN;
                p.bars[i].volume = NAN;
                p.provenance[i] = WK_PROV_UNKNOWN;
            }
        }
    }
    return p;
}

/* Without an anchor inside the test's time, so that a state sees all of history. */
static inline wk_features_config test_config_unanchored(void)
{
    return (wk_features_config){
        .anchor_bars = 1000000, .warmup_bars = 2048, .warmup_valid_bars = 744};
}

static inline wk_features *test_plan(wk_arena *arena, const wk_features_config *config)
{
    wk_features *f = NULL;
    wk_err err = {0};
    wk_status status = wk_features_plan(arena, config, TEST_SYMBOLS, 3, TEST_HOUR_NS, &f, &err);
    if (status != WK_OK)
        fail_msg("%s", err.msg);
    return f;
}

/* The bits of two rows. */
static inline bool test_same_bits(const double *a, const double *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

#endif
