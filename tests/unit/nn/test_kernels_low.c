/* Products of training in bf16: every instruction set against C, equal bits for all shapes,
 * strides, tails and nasty values, nothing written outside; and what they are in double.
 * WICK_TEST_SEED draws other numbers and shapes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels/flush.h"
#include "nn/kernels/low.h"
#include "wick/rng.h"

enum { ROOM = 1 << 18, WEIGHTS = 1 << 16, GUARD = 64, SCRATCH = WK__LOW_HALF };
#ifdef SANITIZED_BF16
enum { ROUNDS = 8 };
#else
enum { ROUNDS = 150 };
#endif
static uint64_t seed = 42;
static float a[ROOM], w[WEIGHTS], want[ROOM], got[ROOM], start[ROOM];
static uint16_t halves[4][WEIGHTS + WK__LOW_SPARE];
static uint16_t scratch[2 * SCRATCH + GUARD];

static size_t draw(uint64_t round, uint64_t i, size_t low, size_t high)
{
    return low + (size_t)wk_rng_below(seed, round, i, high - low + 1);
}

/* Normal numbers over many magnitudes, zeros; nasty: also what is left of the range of f32. */
static void fill(float *v, size_t n, uint64_t stream, bool nasty)
{
    static const float odd[] = {INFINITY, -INFINITY,   NAN,        3.4e38f, -3.4e38f,
                                1e-39f,   -1e-42f,     1.18e-38f,  -0.0f,   3.39e38f,
                                1e-30f,   1.00390625f, 1.01171875f};
    for (size_t i = 0; i < n; i++) {
        const uint64_t r = wk_rng_u64(seed, stream, i);
        const float scale = r % 13 == 0 ? 0.0f : r % 7 == 0 ? 1e-3f : r % 5 == 0 ? 30.0f : 1.0f;
        v[i] = nasty && r % 997 < 2 ? odd[r / 997 % (sizeof odd / sizeof *odd)]
                                    : scale * (float)wk_rng_normal(seed, stream + 1000, i);
    }
}

static wk__low low_of(bool split)
{
    return (wk__low){.base = w,
                     .high = {halves[0], halves[1]},
                     .low = {split ? halves[2] : NULL, split ? halves[3] : NULL},
                     .n = WEIGHTS,
                     .scratch = scratch,
                     .n_scratch = SCRATCH};
}

/* Equal bits, or both no number: its bits may differ. */
static void same(const char *isa, const char *what, size_t n, uint64_t round)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(want + i, got + i, sizeof *got) != 0 && !(isnan(want[i]) && isnan(got[i])))
            fail_msg("%s %s, seed %llu, round %llu: [%zu] is %.9g, C has %.9g", what, isa,
                     (unsigned long long)seed, (unsigned long long)round, i, (double)got[i],
                     (double)want[i]);
}

static void guard(const char *isa, bool check)
{
    for (size_t i = 0; i < GUARD; i++) {
        if (check && scratch[2 * SCRATCH + i] != 0xabcd)
            fail_msg("%s wrote after its scratch", isa);
        scratch[2 * SCRATCH + i] = 0xabcd;
    }
}

static void one_gemm(uint64_t round, bool nasty)
{
    const wk__low_ops *ops;
    const wk__low low = low_of(round % 2);
    const size_t P = draw(round, 0, 1, 5),
                 M = round % 3 ? draw(round, 1, 1, 70) : 16 * draw(round, 1, 1, 4),
                 N = 16 * draw(round, 2, 1, 7), K = draw(round, 3, 1, 100),
                 taps = draw(round, 4, 1, 4), lda = K + draw(round, 5, 0, 20),
                 ldy = N + draw(round, 6, 0, 20),
                 step = round % 5 ? lda * draw(round, 7, 0, 2 * M) : draw(round, 7, 0, 2 * M * lda),
                 tap = round % 7 ? lda * draw(round, 8, 0, 40) : draw(round, 8, 0, 40 * lda),
                 depth = taps * K + draw(round, 9, 0, 3), first = 16 * draw(round, 10, 0, 3);
    wk__gemm g = {.P = P,
                  .M = M,
                  .N = N,
                  .K = K,
                  .taps = taps,
                  .a = a + 1,
                  .a_step = step,
                  .lda = lda,
                  .tap = tap,
                  .low = &low,
                  .w = w + first,
                  .depth = depth,
                  .ldy = ldy,
                  .y_step = M * ldy + draw(round, 11, 0, 9) * (round % 4 != 0),
                  .relu_first = round % 4 == 1,
                  .relu_last = round % 8 > 4};
    const size_t n = (P - 1) * g.y_step + M * ldy + GUARD;
    assert_true(n + 1 <= ROOM && (P - 1) * step + (M - 1) * lda + (taps - 1) * tap + K + 1 <= ROOM);
    assert_true(first + N * depth <= WEIGHTS);
    if (round % 3 == 1)
        g.start = start + 5;
    if (round % 3 == 2)
        g.add = start + 3, g.ld_add = N + 1, g.add_step = M * (N + 1);
    const bool over = round % 9 == 0; /* the sums go on from what y holds */
    if (over)
        g.start_step = g.y_step, g.lds = ldy;
    for (size_t i = 0; (ops = wk__low_ops_at(i)) != NULL; i++) {
        const bool c = ops == &wk__low_ops_c;
        /* Before the others are known, C's: the last table. */
        if (i == 0) {
            memcpy(want, start, n * sizeof *want);
            g.y = want + 1;
            if (over)
                g.start = want + 1;
            wk__low_ops_c.gemm(&g);
        }
        if (c)
            continue;
        guard(ops->name, false);
        memset(scratch, 0xff, 2 * SCRATCH * sizeof *scratch); /* no numbers */
        memcpy(got, start, n * sizeof *got);
        g.y = got + 1;
        if (over)
            g.start = got + 1;
        ops->gemm(&g);
        same(ops->name, nasty ? "gemm of nasty values" : "gemm", n, round);
        guard(ops->name, true);
    }
}

static void one_gemm_at(uint64_t round, bool nasty)
{
    const wk__low_ops *ops;
    const wk__low low = low_of(round % 2);
    const size_t P = draw(round, 20, 1, 4),
                 M = round % 4 ? draw(round, 21, 1, 70) : draw(round, 21, 500, 700) / P,
                 N = 16 * draw(round, 22, 1, round % 6 ? 6 : 18), K = draw(round, 23, 1, 70),
                 taps = draw(round, 24, 1, 4), lda = K + draw(round, 25, 0, 20),
                 ldd = N + draw(round, 26, 0, 20),
                 step = round % 3 == 0   ? M * lda
                        : round % 3 == 1 ? lda * draw(round, 27, 0, 2 * M)
                                         : draw(round, 27, 0, M * lda),
                 tap = round % 7 ? lda * draw(round, 28, 0, 40) : draw(round, 28, 0, 40 * lda);
    wk__gemm_at g = {.P = P,
                     .M = M,
                     .N = N,
                     .K = K,
                     .taps = taps,
                     .a = a + 1,
                     .a_step = step,
                     .lda = lda,
                     .tap = tap,
                     .d = w + 3,
                     .d_step = draw(round, 29, 0, 50),
                     .ldd = ldd % 64 + N % 32,
                     .g_tap = K * N + draw(round, 30, 0, 5),
                     .low = &low};
    const size_t n = taps * g.g_tap + GUARD;
    assert_true(n <= ROOM && (P - 1) * step + (M - 1) * lda + (taps - 1) * tap + K + 1 <= ROOM);
    assert_true((P - 1) * g.d_step + M * g.ldd + N + 3 <= WEIGHTS);
    for (size_t i = 0; (ops = wk__low_ops_at(i)) != NULL; i++) {
        if (i == 0) {
            memcpy(want, start, n * sizeof *want);
            g.g = want + 1;
            wk__low_ops_c.gemm_at(&g);
        }
        if (ops == &wk__low_ops_c)
            continue;
        guard(ops->name, false);
        memset(scratch, 0xff, 2 * SCRATCH * sizeof *scratch);
        memcpy(got, start, n * sizeof *got);
        g.g = got + 1;
        ops->gemm_at(&g);
        same(ops->name, nasty ? "gemm_at of nasty values" : "gemm_at", n, round);
        guard(ops->name, true);
    }
}

static void rounds(bool nasty)
{
    fill(a, ROOM, 1, nasty), fill(w, WEIGHTS, 2, nasty), fill(start, ROOM, 3, nasty);
    print_message("seed %llu\n", (unsigned long long)seed);
    const wk__low low = low_of(true);
    wk__low_ops_c.pack(&low, 0, WEIGHTS / 16);
    const unsigned mode = wk__flush_begin();
    for (uint64_t round = 0; round < ROUNDS; round++) {
        one_gemm(round, nasty);
        one_gemm_at(round, nasty);
    }
    wk__flush_end(mode);
}

static void test_products_have_the_bits_of_c_for_all_shapes(void **unused)
{
    (void)unused;
    rounds(false);
}

static void test_products_of_nasty_values_have_the_bits_of_c(void **unused)
{
    (void)unused;
    rounds(true);
}

static void test_packing_is_the_same_everywhere(void **unused)
{
    (void)unused;
    const wk__low_ops *ops;
    static uint16_t mine[4][WEIGHTS + WK__LOW_SPARE];
    const size_t n_rows = WEIGHTS / 16;
    fill(w, WEIGHTS, 4, true);
    const wk__low low = low_of(true);
    const unsigned mode = wk__flush_begin();
    for (size_t i = 0; (ops = wk__low_ops_at(i)) != NULL; i++) {
        memset(halves, 0xee, sizeof halves);
        /* In parts, as threads do it; the last row has no partner in the odd pairs. */
        ops->pack(&low, 0, 34);
        ops->pack(&low, 34, 40);
        ops->pack(&low, 40, n_rows);
        if (i == 0)
            memcpy(mine, halves, sizeof mine);
        for (size_t k = 0; k < 4; k++)
            for (size_t e = 0; e < WEIGHTS + WK__LOW_SPARE; e++)
                if (halves[k][e] != mine[k][e])
                    fail_msg("%s packs [%zu][%zu] as %x, not %x", ops->name, k, e, halves[k][e],
                             mine[k][e]);
    }
    wk__flush_end(mode);
    for (size_t r = 0; r < n_rows; r++)
        for (size_t c = 0; c < 16; c++) {
            const float x = w[r * 16 + c];
            const uint16_t even = halves[0][r / 2 * 32 + 2 * c + r % 2];
            assert_int_equal(even, wk__bf16(x));
            if (r)
                assert_int_equal(halves[1][(r - 1) / 2 * 32 + 2 * c + (r - 1) % 2], wk__bf16(x));
        }
}

/* Errors relative to the sum of the terms' sizes: plainly that of rounding both operands to 8 bits,
 * the split that of leaving out low * low and of rounding the low half. */
static void test_products_are_as_accurate_as_they_say(void **unused)
{
    (void)unused;
    enum { M = 37, N = 48, K = 90, TAPS = 3, LDA = 96 };
    fill(a, ROOM, 5, false), fill(w, WEIGHTS, 6, false);
    double worst[2] = {0}, worst_at[2] = {0};
    for (int split = 0; split < 2; split++) {
        const wk__low low = low_of(split);
        const wk__low_ops *ops = wk__low_ops_at(0);
        ops->pack(&low, 0, WEIGHTS / 16);
        ops->gemm(&(wk__gemm){.P = 1,
                              .M = M,
                              .N = N,
                              .K = K,
                              .taps = TAPS,
                              .a = a,
                              .lda = LDA,
                              .tap = 2 * LDA,
                              .low = &low,
                              .w = w,
                              .depth = TAPS * K,
                              .start = start,
                              .y = got,
                              .ldy = N});
        for (size_t m = 0; m < M; m++)
            for (size_t n = 0; n < N; n++) {
                double sum = start[n], size = fabs(sum);
                for (size_t q = 0; q < TAPS; q++)
                    for (size_t k = 0; k < K; k++) {
                        const double term =
                            (double)a[(m + 2 * q) * LDA + k] *
                            (double)w[(n / 16 * TAPS * K + q * K + k) * 16 + n % 16];
                        sum += term;
                        size += fabs(term);
                    }
                const double error = fabs(sum - (double)got[m * N + n]) / size;
                worst[split] = error > worst[split] ? error : worst[split];
            }
        memset(got, 0, K * N * sizeof *got);
        ops->gemm_at(&(wk__gemm_at){.P = 1,
                                    .M = M,
                                    .N = N,
                                    .K = K,
                                    .taps = 1,
                                    .a = a,
                                    .lda = LDA,
                                    .d = w,
                                    .ldd = N,
                                    .g = got,
                                    .low = &low});
        for (size_t k = 0; k < K; k++)
            for (size_t n = 0; n < N; n++) {
                double sum = 0, size = 1e-30;
                for (size_t m = 0; m < M; m++) {
                    const double term = (double)a[m * LDA + k] * (double)w[m * N + n];
                    sum += term;
                    size += fabs(term);
                }
                const double error = fabs(sum - (double)got[k * N + n]) / size;
                worst_at[split] = error > worst_at[split] ? error : worst_at[split];
            }
    }
    print_message(
        "kernels %s; worst error over the sum of |terms|: bf16 %.1e %.1e, split %.1e %.1e\n",
        wk__low_ops_at(0)->name, worst[0], worst_at[0], worst[1], worst_at[1]);
    assert_true(worst[0] < 0x1p-7 && worst_at[0] < 0x1p-7);
    assert_true(worst[1] < 3 * 0x1p-16 && worst_at[1] < 3 * 0x1p-16);
    assert_true(worst[0] > 1e-4); /* it was bf16 */
}

int main(void)
{
    const char *given = getenv("WICK_TEST_SEED");
    if (given)
        seed = strtoull(given, NULL, 10);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products_have_the_bits_of_c_for_all_shapes),
        cmocka_unit_test(test_products_of_nasty_values_have_the_bits_of_c),
        cmocka_unit_test(test_packing_is_the_same_everywhere),
        cmocka_unit_test(test_products_are_as_accurate_as_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
