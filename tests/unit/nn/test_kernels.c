/* Every instruction set against C: equal bits, any number of rows, nothing written outside; and the
 * accuracy of exp, tanh and sigmoid against wick/math.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels/ops.h"
#include "wick/math.h"
#include "wick/rng.h"

enum { GUARD = 7, ROOM = 1 << 16 };
static const uint64_t seed = 42;
static float a[ROOM], w[ROOM], bias[ROOM], start[ROOM], want[ROOM], got[ROOM];

/* Normal numbers over many magnitudes, some zeros. */
static void fill(float *v, size_t n, uint64_t stream)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = wk_rng_u64(seed, stream, i);
        float scale = r % 13 == 0 ? 0.0f : r % 7 == 0 ? 1e-3f : r % 5 == 0 ? 30.0f : 1.0f;
        v[i] = scale * (float)wk_rng_normal(seed, stream + 1000, i);
    }
}

static void same(const char *isa, const char *what, size_t n, size_t M, size_t N, size_t K)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(want + i, got + i, sizeof *got) != 0)
            fail_msg("%s %s, M %zu N %zu K %zu, seed %llu: [%zu] is %.9g, C has %.9g", what, isa, M,
                     N, K, (unsigned long long)seed, i, (double)got[i], (double)want[i]);
}

static void test_gemm_gives_equal_bits_for_all_shapes(void **unused)
{
    (void)unused;
    const wk__nn_ops *ops;
    fill(a, ROOM, 1), fill(w, ROOM, 2), fill(bias, ROOM, 3), fill(start, ROOM, 4);
    for (size_t k = 0; (ops = wk__nn_ops_at(k)) != NULL && ops != &wk__nn_ops_c; k++)
        for (size_t M = 1; M <= 19; M++)
            for (size_t N = 16; N <= 176; N += 16)
                for (int mode = 0; mode < 3; mode++) {
                    size_t K = 1 + (M * 7 + N) % 21, taps = 1 + M % 3, lda = K + 3, ldy = N + 16,
                           tap = 5;
                    const float *b = mode == 0 ? bias + 1 : NULL;
                    /* One float off any alignment; the rows' ends and the guard must survive. */
                    size_t n = M * ldy + GUARD;
                    memcpy(want, start, n * sizeof *want);
                    memcpy(got, start, n * sizeof *got);
                    wk__gemm g = {.P = 1,
                                  .M = M,
                                  .N = N,
                                  .K = K,
                                  .taps = taps,
                                  .a = a + 1,
                                  .lda = lda,
                                  .tap = tap,
                                  .w = w,
                                  .depth = taps * K + M % 2,
                                  .start = b,
                                  .y = want + 1,
                                  .ldy = ldy,
                                  .relu_first = M % 4 == 1,
                                  .relu_last = N % 32 == 0};
                    if (mode == 2) {
                        g.add = start + 3;
                        g.ld_add = N + 1;
                    }
                    wk__nn_ops_c.gemm(&g);
                    g.y = got + 1;
                    ops->gemm(&g);
                    same(ops->name, "gemm", n, M, N, K);
                    /* Rows as positions of their own, the sums going on from what y holds. */
                    g.P = 3, g.a_step = lda + 2, g.y_step = n, g.start_step = n, g.lds = ldy;
                    g.M = M / 2 + 1;
                    if (3 * n + g.M * ldy >= ROOM)
                        continue;
                    g.start = g.y = want + 1;
                    wk__nn_ops_c.gemm(&g);
                    g.start = g.y = got + 1;
                    ops->gemm(&g);
                    same(ops->name, "gemm over positions", ROOM, M, N, K);
                    if (mode || M > 3)
                        continue;
                    memcpy(want, start, n * sizeof *want);
                    memcpy(got, start, n * sizeof *got);
                    wk__gemm_at at = {.P = 3,
                                      .M = M,
                                      .N = N,
                                      .K = K,
                                      .taps = 1,
                                      .a = a + 1,
                                      .a_step = 2 * lda,
                                      .lda = lda,
                                      .d = w + 1,
                                      .d_step = ldy + 5,
                                      .ldd = ldy,
                                      .g = want + 1};
                    wk__nn_ops_c.gemm_at(&at);
                    at.g = got + 1;
                    ops->gemm_at(&at);
                    wk__nn_ops_c.col_sum(M, N, w, ldy, want);
                    ops->col_sum(M, N, w, ldy, got);
                    same(ops->name, "gemm_at", n, M, N, K);
                }
}

static void test_gemm_at_over_many_rows_gives_equal_bits(void **unused)
{
    (void)unused;
    const wk__nn_ops *ops;
    fill(a, ROOM, 5), fill(w, ROOM, 6), fill(start, ROOM, 7);
    for (size_t k = 0; (ops = wk__nn_ops_at(k)) != NULL && ops != &wk__nn_ops_c; k++)
        for (size_t K = 1; K <= 23; K += 2) {
            const size_t M = 150, N = 48 + K % 3 * 16;
            memcpy(want, start, sizeof want);
            memcpy(got, start, sizeof got);
            wk__gemm_at at = {.P = 1,
                              .M = M,
                              .N = N,
                              .K = K,
                              .taps = 2,
                              .a = a,
                              .lda = K + 2,
                              .tap = 5,
                              .d = w,
                              .ldd = N,
                              .g = want,
                              .g_tap = K * N};
            wk__nn_ops_c.gemm_at(&at);
            at.g = got;
            ops->gemm_at(&at);
            same(ops->name, "gemm_at", ROOM, M, N, K);
        }
}

static void test_gemm_is_the_product(void **unused)
{
    (void)unused;
    enum { M = 5, N = 32, K = 9, TAPS = 2, LDA = 12, TAP = 3 };
    fill(a, ROOM, 8), fill(w, ROOM, 9), fill(bias, ROOM, 10);
    wk__nn_ops_best()->gemm(&(wk__gemm){.P = 1,
                                        .M = M,
                                        .N = N,
                                        .K = K,
                                        .taps = TAPS,
                                        .a = a,
                                        .lda = LDA,
                                        .tap = TAP,
                                        .w = w,
                                        .depth = TAPS * K,
                                        .start = bias,
                                        .y = got,
                                        .ldy = N});
    for (size_t m = 0; m < M; m++)
        for (size_t n = 0; n < N; n++) {
            double sum = bias[n], size = 1;
            for (size_t q = 0; q < TAPS; q++)
                for (size_t k = 0; k < K; k++) {
                    double term = (double)a[m * LDA + q * TAP + k] *
                                  (double)w[(n / 16 * TAPS * K + q * K + k) * 16 + n % 16];
                    sum += term;
                    size += fabs(term);
                }
            assert_true(fabs(sum - (double)got[m * N + n]) < 2e-6 * size);
        }
}

static void test_cells_and_activations_give_equal_bits(void **unused)
{
    (void)unused;
    enum { B = 3, H = 48, N = B * H };
    const wk__nn_ops *ops, *c = &wk__nn_ops_c;
    for (size_t k = 0; (ops = wk__nn_ops_at(k)) != NULL && ops != c; k++) {
        const wk__nn_ops *both[] = {c, ops};
        float *to[] = {want, got};
        for (int i = 0; i < 2; i++) {
            const wk__nn_ops *o = both[i];
            float *g = to[i], *p = g + 8 * N;
            fill(a, ROOM, 11), fill(w, ROOM, 12);
            memset(g, 0, ROOM * sizeof *g);
            memcpy(g, a, 4 * N * sizeof *g);
            o->lstm_cell(B, H, g, w, g + 4 * N, g + 5 * N, g + 6 * N);
            memcpy(g + 7 * N, w + N, N * sizeof *g);
            o->lstm_cell_back(B, H, g, w, g + 5 * N, a + 5 * N, g + 7 * N);
            memcpy(p, a + 6 * N, 6 * N * sizeof *p);
            o->gru_cell(B, H, p, p + 3 * N, w, p + 6 * N);
            memcpy(p + 7 * N, w + 2 * N, N * sizeof *p);
            o->gru_cell_back(B, H, p, p + 3 * N, w, p + 7 * N);
            p += 8 * N;
            /* Without a tape the same h. */
            memcpy(p, a, 4 * N * sizeof *p);
            o->lstm_cell(B, H, p, w, p + 4 * N, NULL, p + 5 * N);
            assert_memory_equal(p + 5 * N, g + 6 * N, N * sizeof *p);
            o->relu(N, a, p);
            o->relu_back(N, p, w, p + N);
            o->tanh(N, a, p + 2 * N);
            o->tanh_back(N, p + 2 * N, w, p + 3 * N);
            o->sigmoid(N, a, p + 4 * N);
            o->exp(N, a, p + 5 * N);
            o->mul(N, a, w, p + 6 * N);
            o->add(N, a, p + 6 * N);
            o->add_relu(N, a, w, p + 14 * N);
            const wk__adamw_step step = {0.7f,  0.9f, 0.1f,  0.999f, 0.001f,
                                         0.01f, 1.5f, 1e-8f, 0.99f};
            memcpy(p + 15 * N, a + N, 3 * N * sizeof *p);
            for (size_t e = 0; e < N; e++)
                p[16 * N + e] = fabsf(p[16 * N + e]) * (e % 3 ? 1.0f : 1e-31f);
            o->adamw(N - 5, &step, w, p + 15 * N, p + 16 * N, p + 17 * N);
            o->window_mean(20, H, 5, a, H, 2 * H, w, p + 7 * N, H);
        }
        same(ops->name, "cells", ROOM, B, H, 0);
    }
}

static double ulps(float got_value, double exact)
{
    float near = (float)exact, next = nextafterf(fabsf(near), INFINITY);
    return fabs((double)got_value - exact) / ((double)next - fabs((double)near));
}

static void test_exp_tanh_sigmoid_are_within_their_bounds(void **unused)
{
    (void)unused;
    double worst[3] = {0};
    for (int round = 0; round < 64; round++) {
        /* Even over the range, then over magnitudes. */
        for (size_t i = 0; i < ROOM; i++) {
            double u = wk_rng_uniform(seed, 30 + (uint64_t)round, i);
            double size = round % 2 ? 87 * (2 * u - 1)
                                    : (u < 0.5 ? -1 : 1) * wk_exp(-40 * fabs(2 * u - 1) + 2);
            a[i] = (float)size;
        }
        const wk__nn_ops *o = wk__nn_ops_best();
        o->exp(ROOM, a, want), o->tanh(ROOM, a, got), o->sigmoid(ROOM, a, w);
        for (size_t i = 0; i < ROOM; i++) {
            double x = a[i], e[3] = {ulps(want[i], wk_exp(x)), ulps(got[i], wk_tanh(x)),
                                     ulps(w[i], wk_sigmoid(x))};
            for (int k = 0; k < 3; k++)
                worst[k] = e[k] > worst[k] ? e[k] : worst[k];
        }
    }
    print_message("worst ULP: exp %.2f tanh %.2f sigmoid %.2f\n", worst[0], worst[1], worst[2]);
    assert_true(worst[0] <= 2);
    assert_true(worst[1] <= 6);
    assert_true(worst[2] <= 4);
}

static void test_nan_and_extremes_pass_through_the_functions(void **unused)
{
    (void)unused;
    const wk__nn_ops *o;
    for (size_t k = 0; (o = wk__nn_ops_at(k)) != NULL; k++) {
        float x[16] = {NAN, INFINITY, -INFINITY, 1000, -1000, 0}, y[16];
        o->exp(16, x, y);
        assert_true(isnan(y[0]) && isfinite(y[1]) && y[2] > 0 && y[5] == 1);
        o->tanh(16, x, y);
        assert_true(isnan(y[0]) && y[5] == 0);
        assert_float_equal(y[1], 1, 1e-6);
        assert_float_equal(y[2], -1, 1e-6);
        o->sigmoid(16, x, y);
        assert_true(isnan(y[0]) && y[1] == 1 && y[4] >= 0 && y[4] < 1e-30f && y[5] == 0.5f);
        o->relu(16, x, y);
        assert_true(isnan(y[0]) && y[3] == 1000 && y[4] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm_gives_equal_bits_for_all_shapes),
        cmocka_unit_test(test_gemm_at_over_many_rows_gives_equal_bits),
        cmocka_unit_test(test_gemm_is_the_product),
        cmocka_unit_test(test_cells_and_activations_give_equal_bits),
        cmocka_unit_test(test_exp_tanh_sigmoid_are_within_their_bounds),
        cmocka_unit_test(test_nan_and_extremes_pass_through_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
