/* The engine: no column sees ahead, peeks leave no trace, anchors forget the past, batch is push.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/count_allocations.h"
#include "tests/unit/features/panel.h"

enum { S = 3 };

static void push_step(wk_features *f, const wk_panel *p, size_t t, double *rows, uint8_t *valid)
{
    wk_features_step step = wk_panel_step(p, t);
    wk_features_push(f, &step, rows, valid);
}

static void peek_step(const wk_features *f, const wk_panel *p, size_t t, const wk_bar *bars,
                      double *rows, uint8_t *valid)
{
    wk_features_step step = wk_panel_step(p, t);
    step.bars = bars;
    wk_features_peek(f, &step, rows, valid);
}

static void expect_same(const wk_features *f, const double *a, const double *b, const char *what,
                        size_t t)
{
    size_t F = wk_features_n(f);
    for (size_t i = 0; i < S * F; i++)
        if (!test_same_bits(&a[i], &b[i], 1))
            fail_msg("%s: step %zu symbol %zu %s: %.17g and %.17g", what, t, i / F,
                     wk_features_name(f, i % F), a[i], b[i]);
}

static wk_features_config short_anchors(void)
{
    return (wk_features_config){.anchor_bars = 512, .warmup_bars = 300, .warmup_valid_bars = 200};
}

static void test_rows_do_not_see_later_bars(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    size_t T = 900, F, cuts[] = {1, 57, 313, 512, 640, 899};
    wk_panel whole = test_panel(&arena, T, 42), other = test_panel(&arena, T, 77);
    wk_features *f = test_plan(&arena, &config);
    F = wk_features_n(f);
    assert_true(F >= 120);
    wk_feature_table full, part;
    wk_err err;
    assert_int_equal(wk_features_batch(f, &whole, &arena, &full, &err), WK_OK);
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        /* After the cut another market follows: nothing before it may change. */
        wk_panel spliced = whole;
        spliced.bars = wk_arena_array(&arena, wk_bar, T * S);
        spliced.funding_known = wk_arena_array(&arena, double, T *S);
        memcpy(spliced.bars, whole.bars, T * S * sizeof *whole.bars);
        memcpy(spliced.funding_known, whole.funding_known, T * S * sizeof *whole.funding_known);
        for (size_t k = cuts[i] * S; k < T * S; k++) {
            spliced.bars[k] = other.bars[k];
            spliced.funding_known[k] = other.funding_known[k];
        }
        assert_int_equal(wk_features_batch(f, &spliced, &arena, &part, &err), WK_OK);
        assert_memory_equal(full.X, part.X, cuts[i] * S * F * sizeof *full.X);
        assert_memory_equal(full.valid, part.valid, cuts[i] * S);
        assert_memory_equal(full.sigma, part.sigma, cuts[i] * S * sizeof *full.sigma);
        assert_true(memcmp(full.X, part.X, T * S * F * sizeof *full.X) != 0);
        spliced.T = cuts[i];
        assert_int_equal(wk_features_batch(f, &spliced, &arena, &part, &err), WK_OK);
        assert_memory_equal(full.X, part.X, cuts[i] * S * F * sizeof *full.X);
    }
    wk_arena_finish(&arena);
}

static void test_batch_is_a_loop_over_push(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    size_t T = 700;
    wk_panel p = test_panel(&arena, T, 5);
    wk_features *f = test_plan(&arena, &config);
    size_t F = wk_features_n(f);
    wk_feature_table table;
    wk_err err;
    assert_int_equal(wk_features_batch(f, &p, &arena, &table, &err), WK_OK);
    double *rows = wk_arena_array(&arena, double, S *F);
    uint8_t valid[S];
    wk_features_reset(f);
    for (size_t t = 0; t < T; t++) {
        push_step(f, &p, t, rows, valid);
        assert_memory_equal(valid, table.valid + t * S, S);
        for (size_t i = 0; i < S * F; i++) {
            float x = (float)rows[i];
            assert_memory_equal(&x, &table.X[t * S * F + i], sizeof x);
        }
        for (size_t s = 0; s < S; s++) {
            double sigma = wk_features_sigma(f, s);
            assert_memory_equal(&sigma, &table.sigma[t * S + s], sizeof sigma);
        }
    }
    wk_arena_finish(&arena);
}

static void test_peek_equals_push_and_leaves_no_trace(void **state)
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    if (*state) /* a lane that starts fresh at the anchor itself */
        config.warmup_bars = config.warmup_valid_bars = 0;
    size_t T = 1100;
    wk_panel p = test_panel(&arena, T, 9), other = test_panel(&arena, T, 10);
    wk_features *plain = test_plan(&arena, &config), *peeked = test_plan(&arena, &config);
    size_t F = wk_features_n(plain);
    double *a = wk_arena_array(&arena, double, S *F), *b = wk_arena_array(&arena, double, S *F);
    uint8_t va[S], vb[S];
    for (size_t t = 0; t < T; t++) {
        double sigma = wk_features_sigma(peeked, 0);
        /* Extreme unfinished bars first: they would sit in every window and deque if left. */
        wk_bar wild[S];
        for (size_t s = 0; s < S; s++) {
            wild[s] = other.bars[t * S + s];
            wild[s].high *= t % 2 ? 50 : 1;
            wild[s].low *= t % 2 ? 1 : 0.01;
        }
        peek_step(peeked, &p, t, wild, b, vb);
        peek_step(peeked, &p, t, p.bars + t * S, b, vb);
        double sigma_after = wk_features_sigma(peeked, 0);
        assert_memory_equal(&sigma, &sigma_after, sizeof sigma);
        push_step(plain, &p, t, a, va);
        expect_same(plain, a, b, "peek", t);
        assert_memory_equal(va, vb, S);
        push_step(peeked, &p, t, b, vb);
        expect_same(plain, a, b, "push after peek", t);
    }
    wk_arena_finish(&arena);
}

/* Rows of step `at` and later when the history starts at step `from`. */
static void test_rows_do_not_depend_on_history_before_the_warmup(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    size_t T = 2000;
    wk_panel p = test_panel(&arena, T, 3);
    int64_t step0 = p.start_ns / p.timeframe_ns;
    size_t anchor =
        (size_t)(config.anchor_bars - step0 % config.anchor_bars) + 512; /* in steps of p */
    size_t start = anchor - (size_t)config.warmup_bars;
    wk_features *long_ = test_plan(&arena, &config), *short_ = test_plan(&arena, &config);
    size_t F = wk_features_n(long_), n_differ = 0;
    double *a = wk_arena_array(&arena, double, S *F), *b = wk_arena_array(&arena, double, S *F);
    uint8_t va[S], vb[S];
    for (size_t from = start - 211; from <= start; from += 211) {
        wk_features_reset(long_);
        wk_features_reset(short_);
        for (size_t t = 0; t < T; t++) {
            push_step(long_, &p, t, a, va);
            if (t < from)
                continue;
            push_step(short_, &p, t, b, vb);
            if (t < anchor) {
                n_differ += !test_same_bits(a, b, S * F);
                continue;
            }
            expect_same(long_, a, b, "history", t);
            assert_memory_equal(va, vb, S);
        }
    }
    assert_true(n_differ > 0); /* or the test would show nothing */
    wk_arena_finish(&arena);
}

static void test_reset_forgets_everything(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    wk_panel p = test_panel(&arena, 400, 3);
    wk_features *f = test_plan(&arena, &config);
    wk_feature_table first, second;
    wk_err err;
    assert_int_equal(wk_features_batch(f, &p, &arena, &first, &err), WK_OK);
    wk_panel other = test_panel(&arena, 313, 4);
    assert_int_equal(wk_features_batch(f, &other, &arena, &second, &err), WK_OK);
    assert_int_equal(wk_features_batch(f, &p, &arena, &second, &err), WK_OK);
    assert_memory_equal(first.X, second.X, first.T * S * first.F * sizeof *first.X);
    wk_features_reset(f);
    assert_true(isnan(wk_features_sigma(f, 0)));
    wk_arena_finish(&arena);
}

/* Columns whose memory is finite agree once their windows are behind them; the others decay. */
static void test_pure_windows_forget_removed_bars(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    const char *families[] = {"momentum", "cross", "volatility", "volume", "range", "divergence"};
    wk_features_config config = test_config_unanchored();
    config.families = (wk_strings){families, 6};
    size_t T = 6400, cut = 700, n_checked = 0;
    wk_panel p = test_panel(&arena, T, 21);
    wk_features *a = test_plan(&arena, &config), *b = test_plan(&arena, &config);
    size_t F = wk_features_n(a);
    double *ra = wk_arena_array(&arena, double, S *F), *rb = wk_arena_array(&arena, double, S *F);
    uint8_t va[S], vb[S];
    for (size_t t = 0; t < T; t++) {
        push_step(a, &p, t, ra, va);
        if (t >= cut)
            push_step(b, &p, t, rb, vb);
        if (t < T - 40)
            continue;
        for (size_t s = 0; s < S; s++)
            for (size_t i = 0; i < F; i++) {
                double x = ra[s * F + i], y = rb[s * F + i];
                n_checked++;
                if (!(fabs(x - y) <= 1e-9 * (1 + fabs(x))) && !(isnan(x) && isnan(y)))
                    fail_msg("step %zu symbol %zu %s: %.17g and %.17g", t, s,
                             wk_features_name(a, i), x, y);
            }
    }
    assert_true(n_checked > 0);
    wk_arena_finish(&arena);
}

static void test_validity_needs_a_bar_and_enough_of_them(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = test_config_unanchored();
    config.warmup_valid_bars = 50;
    wk_panel p = test_panel(&arena, 400, 42);
    wk_features *f = test_plan(&arena, &config);
    size_t F = wk_features_n(f), r672 = 0;
    double *rows = wk_arena_array(&arena, double, S *F);
    uint8_t valid[S];
    while (strcmp(wk_features_name(f, r672), "mom.r24") != 0)
        r672++;
    size_t listed = 0;
    for (size_t t = 0; t < 400; t++) {
        push_step(f, &p, t, rows, valid);
        bool has_bar = p.provenance[t * S + 2] != WK_PROV_UNKNOWN;
        if (!listed && has_bar)
            listed = t;
        bool old_enough = listed && t >= listed + 50; /* short holes are held */
        assert_int_equal(valid[2], has_bar && old_enough);
        /* A window that is not full is NaN; afterwards it is a number. */
        assert_int_equal(isnan(rows[r672]) != 0, t < 48);
        for (size_t i = 0; i < S * F; i++)
            assert_false(isinf(rows[i]));
    }
    wk_arena_finish(&arena);
}

static void test_valid_rows_have_a_volatility_whatever_the_warmup(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    config.warmup_bars = config.warmup_valid_bars = 0;
    wk_panel p = test_panel(&arena, 200, 42);
    wk_features *f = test_plan(&arena, &config);
    double *rows = wk_arena_array(&arena, double, S *wk_features_n(f));
    uint8_t valid[S];
    size_t n_valid = 0;
    for (size_t t = 0; t < 200; t++) {
        push_step(f, &p, t, rows, valid);
        for (size_t s = 0; s < S; s++) {
            assert_true(!valid[s] || wk_features_sigma(f, s) > 0);
            n_valid += valid[s];
        }
    }
    assert_true(n_valid > 0);
    wk_arena_finish(&arena);
}

static void test_push_and_peek_never_allocate(void **state)
{
    (void)state;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features_config config = short_anchors();
    wk_panel p = test_panel(&arena, 1200, 42);
    wk_features *f = test_plan(&arena, &config);
    double *rows = wk_arena_array(&arena, double, S *wk_features_n(f));
    uint8_t valid[S];
    wk_arena_freeze(&arena);
    size_t before = allocations;
    for (size_t t = 0; t < 1200; t++) {
        peek_step(f, &p, t, p.bars + t * S, rows, valid);
        push_step(f, &p, t, rows, valid);
    }
    assert_int_equal(allocations, before);
    wk_arena_finish(&arena);
    wk_arena_init(&arena);
    wk_arena_alloc(&arena, 1 << 20);
    assert_true(allocations > before); /* the counter counts */
    wk_arena_finish(&arena);
}

int main(void)
{
    bool without_warmup = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_do_not_see_later_bars),
        cmocka_unit_test(test_batch_is_a_loop_over_push),
        cmocka_unit_test(test_peek_equals_push_and_leaves_no_trace),
        cmocka_unit_test_prestate(test_peek_equals_push_and_leaves_no_trace, &without_warmup),
        cmocka_unit_test(test_rows_do_not_depend_on_history_before_the_warmup),
        cmocka_unit_test(test_reset_forgets_everything),
        cmocka_unit_test(test_pure_windows_forget_removed_bars),
        cmocka_unit_test(test_validity_needs_a_bar_and_enough_of_them),
        cmocka_unit_test(test_valid_rows_have_a_volatility_whatever_the_warmup),
        cmocka_unit_test(test_push_and_peek_never_allocate),
    };
    return cmocka_run_group_tests_name("features engine", tests, NULL, NULL);
}
