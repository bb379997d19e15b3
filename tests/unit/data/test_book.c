/* The book against a plain model, and the venues' published checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "wick/book.h"
#include "wick/rng.h"

static wk_book *book_of(int price_decimals, int qty_decimals, size_t depth)
{
    wk_book *book = NULL;
    wk_err err = {0};
    assert_int_equal(wk_book_create(price_decimals, qty_decimals, depth, &book, &err), WK_OK);
    return book;
}

static wk_decimal decimal(const char *text)
{
    wk_decimal d;
    assert_null(wk_decimal_parse(text, strlen(text), &d));
    return d;
}

/* "price qty price qty ..." */
static void load(wk_book *book, wk_side side, const char *text)
{
    char price[32], qty[32];
    int taken;
    while (sscanf(text, " %31s %31s%n", price, qty, &taken) == 2) {
        assert_null(wk_book_apply_decimal(book, side, decimal(price), decimal(qty)));
        text += taken;
    }
}

static const char kraken_asks[] = "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 "
                                  "45289.6 1.54560911 45290.2 0.15890660 "
                                  "45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 "
                                  "45297.5 0.09945542 45299.5 0.18772827";
static const char kraken_bids[] = "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 "
                                  "45281.0 0.10000000 45280.3 1.54592586 "
                                  "45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 "
                                  "45277.3 1.54602737 45276.6 0.15445238";

static void test_book_has_the_checksum_that_kraken_published(void **state)
{
    (void)state;
    wk_book *book = book_of(1, 8, 10);
    load(book, WK_SIDE_SELL, kraken_asks);
    load(book, WK_SIDE_BUY, kraken_bids);
    assert_int_equal(wk_book_checksum_kraken(book), 3310070434u);
    assert_int_equal(wk_book_checksum_kraken(book), 3310070434u); /* now from the kept texts */
    wk_book_apply(book, WK_SIDE_SELL, 452852, 100001);
    assert_int_not_equal(wk_book_checksum_kraken(book), 3310070434u);
    wk_book_apply(book, WK_SIDE_SELL, 452852, 100000);
    assert_int_equal(wk_book_checksum_kraken(book), 3310070434u);
    /* Levels below the tenth do not count. */
    wk_book_apply(book, WK_SIDE_SELL, 460000, 1);
    assert_int_equal(wk_book_checksum_kraken(book), 3310070434u);
    wk_book_destroy(book);
}

static void test_kraken_checksum_writes_the_precision_of_the_pair(void **state)
{
    (void)state;
    wk_book *book = book_of(4, 8, 10);
    load(book, WK_SIDE_SELL, "0.566 18097.1547");
    load(book, WK_SIDE_BUY, "0.5 1e-08");
    const char *text = "5660180971547000050001";
    assert_int_equal(wk_book_checksum_kraken(book),
                     crc32(0, (const Bytef *)text, (uInt)strlen(text)));
    wk_book_destroy(book);
}

static void test_book_has_the_checksums_that_delta_published(void **state)
{
    (void)state;
    wk_book *book = book_of(1, 0, 100);
    load(book, WK_SIDE_SELL, "16919.0 1087 16919.5 1193 16920.0 510");
    load(book, WK_SIDE_BUY, "16918.0 602 16917.5 1792 16917.0 2039");
    assert_int_equal(wk_book_checksum_delta(book), 2178756498u);
    wk_book_destroy(book);
    book = book_of(2, 0, 100);
    load(book, WK_SIDE_SELL, "100.00 23 100.05 34");
    load(book, WK_SIDE_BUY, "99.04 87 98.65 102 98.30 16");
    assert_int_equal(wk_book_checksum_delta(book), 3599895312u);
    wk_book_destroy(book);
}

static void test_delta_checksum_is_over_the_texts_as_they_came(void **state)
{
    (void)state;
    wk_book *book = book_of(2, 1, 10);
    load(book, WK_SIDE_SELL, "79753.5 552 79754 4387.0");
    load(book, WK_SIDE_BUY, "79753 12 0.5000 7.500");
    const char *text = "79753.5:552,79754:4387.0|79753:12,0.5000:7.500";
    for (int i = 0; i < 2; i++)
        assert_int_equal(wk_book_checksum_delta(book),
                         crc32(0, (const Bytef *)text, (uInt)strlen(text)));
    wk_book_clear(book);
    assert_int_equal(wk_book_checksum_delta(book), crc32(0, (const Bytef *)"|", 1));
    wk_book_destroy(book);
}

/* The model: prices 0..N-1, a size each. */
enum { N_PRICES = 300 };
typedef struct {
    int64_t qty[2][N_PRICES];
} model;

static void compare(const wk_book *book, const model *m, uint64_t step)
{
    for (int side = 0; side < 2; side++) {
        size_t n, k = 0;
        const wk_book_level *levels = wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n);
        for (int i = 0; i < N_PRICES; i++) {
            int price = side ? i : N_PRICES - 1 - i;
            if (m->qty[side][price] == 0)
                continue;
            if (k >= n || levels[k].price != price || levels[k].qty != m->qty[side][price])
                fail_msg("step %llu: side %d, rank %zu of %zu differs from price %d",
                         (unsigned long long)step, side, k, n, price);
            k++;
        }
        assert_int_equal(k, n);
    }
}

static void cut(model *m, size_t depth)
{
    for (int side = 0; side < 2; side++) {
        size_t n = 0;
        for (int i = 0; i < N_PRICES; i++) {
            int64_t *qty = &m->qty[side][side ? i : N_PRICES - 1 - i];
            if (*qty && ++n > depth)
                *qty = 0;
        }
    }
}

static void test_book_equals_a_plain_model_at_every_step(void **state)
{
    (void)state;
    static const size_t depths[] = {1, 10, 25, 100, 1000};
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        wk_book *book = book_of(0, 0, depths[d]);
        model m = {0};
        for (uint64_t step = 0; step < 4000; step++) {
            uint64_t n = 1 + wk_rng_below(9, 1, step, 4);
            for (uint64_t k = 0; k < n; k++) {
                uint64_t at = 8 * step + k;
                int side = (int)wk_rng_below(9, 2, at, 2);
                int64_t price = (int64_t)wk_rng_below(9, 3, at, N_PRICES);
                if (wk_rng_below(9, 4, at, 3)) /* mostly near the best */
                    price = side ? price / 20 : N_PRICES - 1 - price / 20;
                int64_t qty = (int64_t)wk_rng_below(9, 5, at, 3);
                m.qty[side][price] = qty;
                wk_book_apply(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, price, qty);
            }
            wk_book_cut(book);
            cut(&m, depths[d]);
            compare(book, &m, step);
        }
        wk_book_destroy(book);
    }
}

static void test_book_keeps_the_best_when_a_message_overfills_it(void **state)
{
    (void)state;
    wk_book *book = book_of(0, 0, 1);
    for (int64_t i = 0; i < 1000; i++)
        wk_book_apply(book, WK_SIDE_BUY, i % 2 ? i : 1000 - i, 1 + i);
    wk_book_cut(book);
    size_t n;
    const wk_book_level *levels = wk_book_levels(book, WK_SIDE_BUY, &n);
    assert_int_equal(n, 1);
    assert_int_equal(levels[0].price, 1000);
    wk_book_apply(book, WK_SIDE_SELL, 1000, 1);
    assert_true(wk_book_is_crossed(book));
    wk_book_destroy(book);
}

static void test_book_refuses_levels_that_would_not_be_exact(void **state)
{
    (void)state;
    wk_book *book = book_of(1, 8, 10);
    assert_non_null(wk_book_apply_decimal(book, WK_SIDE_BUY, decimal("1.25"), decimal("1")));
    assert_non_null(wk_book_apply_decimal(book, WK_SIDE_BUY, decimal("1.2"), decimal("1e-9")));
    assert_non_null(wk_book_apply_decimal(book, WK_SIDE_BUY, decimal("1.2"), decimal("-1")));
    assert_non_null(
        wk_book_apply_decimal(book, WK_SIDE_BUY, decimal("1.2"), decimal("922337203685")));
    size_t n;
    wk_book_levels(book, WK_SIDE_BUY, &n);
    assert_int_equal(n, 0);
    wk_book_destroy(book);
}

static wk_event begin(int is_snapshot, int64_t sequence, int64_t previous)
{
    return (wk_event){.kind = WK_EVENT_BOOK_BEGIN,
                      .book_begin = {.is_snapshot = (uint8_t)is_snapshot,
                                     .sequence = sequence,
                                     .previous_sequence = previous}};
}

static wk_status follow(wk_book_follower *f, wk_event event, wk_err *err)
{
    return wk_book_follow(f, &event, err);
}

static size_t n_bids(const wk_book_follower *f)
{
    size_t n;
    wk_book_levels(f->book, WK_SIDE_BUY, &n);
    return n;
}

static void test_follower_waits_for_a_snapshot_and_forgets_at_a_gap(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_book_follower f = {.book = book_of(1, 0, 10)};
    const wk_event level = {.kind = WK_EVENT_BOOK_LEVEL,
                            .level = {.price = {15, 1}, .qty = {3, 0}, .side = WK_SIDE_BUY}};
    const wk_event end = {.kind = WK_EVENT_BOOK_END};
    assert_int_equal(follow(&f, begin(0, 7, 6), &err), WK_OK);
    assert_int_equal(follow(&f, level, &err), WK_OK);
    assert_int_equal(follow(&f, end, &err), WK_OK);
    assert_int_equal(n_bids(&f), 0);
    assert_int_equal(follow(&f, begin(1, 8, 0), &err), WK_OK);
    assert_int_equal(follow(&f, level, &err), WK_OK);
    assert_int_equal(follow(&f, end, &err), WK_OK);
    assert_int_equal(n_bids(&f), 1);
    assert_true(f.is_live);
    assert_int_equal(follow(&f, (wk_event){.kind = WK_EVENT_TRADE}, &err), WK_OK);
    assert_int_equal(n_bids(&f), 1);
    assert_int_equal(follow(&f, begin(0, 9, 8), &err), WK_OK);
    assert_int_equal(follow(&f, end, &err), WK_OK);
    assert_int_equal(f.n_checked, 1);
    assert_int_equal(follow(&f, begin(0, 11, 10), &err), WK_E_DATA);
    assert_string_equal(err.msg, "book message 11 came after 9; subscribe again");
    assert_false(f.is_live);
    assert_int_equal(n_bids(&f), 0);
    assert_int_equal(follow(&f, begin(1, 20, 0), &err), WK_OK);
    assert_int_equal(follow(&f, level, &err), WK_OK);
    assert_int_equal(follow(&f, begin(0, 21, 20), &err), WK_E_DATA); /* inside another */
    assert_false(f.is_live);
    assert_int_equal(follow(&f, begin(1, 20, 0), &err), WK_OK);
    wk_event fine = level;
    fine.level.price.scale = 2;
    assert_int_equal(follow(&f, fine, &err), WK_E_DATA);
    assert_string_equal(
        err.msg,
        "a book level is wrong: the price has more decimals than the book; subscribe again");
    assert_int_equal(follow(&f, begin(1, 20, 0), &err), WK_OK);
    assert_int_equal(follow(&f, level, &err), WK_OK);
    assert_int_equal(follow(&f, end, &err), WK_OK);
    assert_int_equal(follow(&f, (wk_event){.kind = WK_EVENT_GAP}, &err), WK_OK);
    assert_false(f.is_live);
    assert_int_equal(n_bids(&f), 0);
    wk_book_destroy(f.book);
}

static void test_book_create_refuses_wrong_shapes(void **state)
{
    (void)state;
    wk_book *book = NULL;
    wk_err err;
    assert_int_equal(wk_book_create(-1, 0, 10, &book, &err), WK_E_ARG);
    assert_int_equal(wk_book_create(0, 19, 10, &book, &err), WK_E_ARG);
    assert_int_equal(wk_book_create(0, 0, 0, &book, &err), WK_E_ARG);
    assert_int_equal(wk_book_create(0, 0, 5001, &book, &err), WK_E_ARG);
    assert_null(book);
    wk_book_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_book_has_the_checksum_that_kraken_published),
        cmocka_unit_test(test_kraken_checksum_writes_the_precision_of_the_pair),
        cmocka_unit_test(test_book_has_the_checksums_that_delta_published),
        cmocka_unit_test(test_delta_checksum_is_over_the_texts_as_they_came),
        cmocka_unit_test(test_book_equals_a_plain_model_at_every_step),
        cmocka_unit_test(test_book_keeps_the_best_when_a_message_overfills_it),
        cmocka_unit_test(test_book_refuses_levels_that_would_not_be_exact),
        cmocka_unit_test(test_follower_waits_for_a_snapshot_and_forgets_at_a_gap),
        cmocka_unit_test(test_book_create_refuses_wrong_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
