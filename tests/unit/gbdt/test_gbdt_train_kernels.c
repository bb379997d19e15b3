/* Every training kernel this machine has against C: equal bits for split searches, partitions and
 * shared roots of all sizes, with guards behind what they write. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gbdt/kernels/train_ops.h"
#include "wick/rng.h"

#define SEED 77
#define GUARD 0x5a

static const wk__gbdt_train_ops *const reference = &wk__gbdt_train_ops_c;

static void test_searches_find_the_same_split(void **state)
{
    (void)state;
    const wk__gbdt_train_ops *ops;
    size_t found = 0;
    for (uint64_t round = 0; round < 3000; round++) {
        static int64_t cells[256];
        static uint32_t counts[256];
        uint32_t n_bins = 1 + (uint32_t)wk_rng_below(SEED, 0, round, 255);
        bool missing = round % 3 == 0, counted = round % 4 == 1;
        wk__gbdt_node_sums node = {.g_unit = 0x1p-12,
                                   .h_unit = 0x1p-14,
                                   .lambda = round % 5 ? 1 : 0,
                                   .alpha = round % 7 ? 0 : 0.5,
                                   .min_child_weight = round % 2 ? 0 : 0.5,
                                   .min_rows = counted ? 5 : 1,
                                   .unit_hessian = round % 11 == 0};
        memset(cells, 0, sizeof cells);
        memset(counts, 0, sizeof counts);
        for (uint32_t b = 0; b < 256; b++) {
            if (b >= n_bins && !(b == 255 && missing))
                continue;
            uint64_t r = wk_rng_u64(SEED, 1 + b, round);
            uint32_t n = r % 5 ? (uint32_t)(r >> 60) : 0;
            int64_t g = (int64_t)(r >> 8 & 0xffff) - 0x8000;
            counts[b] = n;
            cells[b] = n ? g * ((int64_t)1 << 32) + (int64_t)(1 + (r >> 30 & 0x3fff)) : 0;
            node.sum += cells[b];
            node.n_rows += n;
        }
        wk__gbdt_split expected = {.gain = round % 6 ? 0 : 1e-3f};
        wk__gbdt_split start = expected;
        reference->search(&node, 3, n_bins, 256, cells, counted ? counts : NULL, &expected);
        found += expected.feature == 3;
        for (size_t i = 0; (ops = wk__gbdt_train_ops_at(i)); i++) {
            wk__gbdt_split best = start;
            ops->search(&node, 3, n_bins, 256, cells, counted ? counts : NULL, &best);
            if (best.gain != expected.gain || best.feature != expected.feature ||
                best.bin != expected.bin || best.default_left != expected.default_left ||
                best.left != expected.left)
                fail_msg("%s, round %d (seed %d): gain %a bin %d, C %a bin %d", ops->name,
                         (int)round, SEED, (double)best.gain, best.bin, (double)expected.gain,
                         expected.bin);
        }
    }
    assert_true(found > 1000);
}

enum { MOST = 300 };

typedef struct {
    uint8_t side[MOST + 1];
    uint32_t rows[2][MOST + 1];
    int64_t gh[2][MOST + 1];
    size_t n_left;
} parted;

static void part(const wk__gbdt_train_ops *ops, const uint8_t *bin, const uint32_t *rows,
                 const int64_t *gh, size_t n, int last, int missing, parted *out)
{
    memset(out, GUARD, sizeof *out);
    out->n_left = ops->mark(bin, rows, n, last, missing, out->side);
    ops->move(rows, gh, out->side, n, out->rows[0], out->gh[0], out->rows[1], out->gh[1]);
}

static void test_partitions_are_the_same_and_stay_in_bounds(void **state)
{
    (void)state;
    static uint8_t bin[1000 + 4];
    static uint32_t rows[MOST];
    static int64_t gh[MOST];
    static parted expected, got;
    const wk__gbdt_train_ops *ops;
    for (size_t i = 0; i < sizeof bin; i++)
        bin[i] = (uint8_t)wk_rng_u64(SEED, 500, i);
    for (size_t n = 0; n <= MOST; n += n < 40 ? 1 : 13)
        for (int kind = 0; kind < 4; kind++) {
            static const int lasts[] = {-1, 100, 254, 0}, missing[] = {255, -2, -2, 255};
            for (size_t i = 0; i < n; i++) {
                /* Among them the very last row. */
                rows[i] = i % 17 == 5 ? 999 : (uint32_t)wk_rng_below(SEED, 501, i + n, 1000);
                gh[i] = (int64_t)wk_rng_u64(SEED, 502, i);
            }
            part(reference, bin, rows, gh, n, lasts[kind], missing[kind], &expected);
            for (size_t k = 0; (ops = wk__gbdt_train_ops_at(k)); k++) {
                part(ops, bin, rows, gh, n, lasts[kind], missing[kind], &got);
                if (memcmp(&got, &expected, sizeof got) != 0)
                    fail_msg("%s: %zu rows, up to bin %d differ", ops->name, n, lasts[kind]);
            }
        }
}

static void test_shared_roots_add_up_the_same(void **state)
{
    (void)state;
    enum { ROWS = 200, SLOTS = 256 };
    static uint8_t bins[ROWS * WK__GBDT_BLOCK];
    static uint32_t rows[ROWS];
    static wk__gbdt_four gh[ROWS], expected[4 * SLOTS + 1], got[4 * SLOTS + 1];
    const wk__gbdt_train_ops *ops;
    for (size_t i = 0; i < sizeof bins; i++)
        bins[i] = (uint8_t)wk_rng_u64(SEED, 600, i);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = (uint32_t)(ROWS - 1 - i);
        for (int k = 0; k < 4; k++)
            gh[i].of[k] = (int64_t)(wk_rng_u64(SEED, 601 + (uint64_t)k, i) >> 8);
    }
    for (size_t slots = SLOTS; slots >= 64; slots /= 4)
        for (size_t f = 1; f <= 4; f++) {
            for (size_t i = 0; slots == 64 && i < sizeof bins; i++)
                bins[i] &= 63;
            memset(expected, 0, sizeof expected);
            reference->add_shared(bins + 3, f, rows, gh, ROWS, slots, expected);
            for (size_t k = 0; (ops = wk__gbdt_train_ops_at(k)); k++) {
                memset(got, 0, sizeof got);
                ops->add_shared(bins + 3, f, rows, gh, ROWS, slots, got);
                assert_memory_equal(got, expected, sizeof got);
            }
            assert_int_equal(expected[f * slots].of[0], 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_searches_find_the_same_split),
        cmocka_unit_test(test_partitions_are_the_same_and_stay_in_bounds),
        cmocka_unit_test(test_shared_roots_add_up_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
