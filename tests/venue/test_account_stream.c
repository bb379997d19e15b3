/* The private streams of wk_account at the local venue, whole and disturbed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "account_bench.h"

typedef struct {
    pthread_mutex_t lock;
    size_t n_lost, n_fills, n_orders;
    wk_venue_fill fills[64];
    wk_venue_order orders[64];
} heard;

static void on_order(void *ctx, const wk_venue_order *o)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->orders[h->n_orders++ % 64] = *o;
    pthread_mutex_unlock(&h->lock);
}

static void on_fill(void *ctx, const wk_venue_fill *f)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->fills[h->n_fills++ % 64] = *f;
    pthread_mutex_unlock(&h->lock);
}

static void on_lost(void *ctx)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->n_lost++;
    pthread_mutex_unlock(&h->lock);
}

static size_t count(heard *h, const size_t *what)
{
    pthread_mutex_lock(&h->lock);
    size_t got = *what;
    pthread_mutex_unlock(&h->lock);
    return got;
}

static void await(heard *h, const size_t *what, size_t n, const char *name)
{
    for (int64_t end = wk_clock_monotonic_ns() + BENCH_PATIENCE_NS;;) {
        size_t got = count(h, what);
        if (got >= n)
            return;
        if (wk_clock_monotonic_ns() > end)
            fail_msg("the stream told %zu %s, not %zu", got, name, n);
        usleep(10000);
    }
}

static void test_stream_tells_fills_and_orders(int is_kraken, const char *script, size_t drops)
{
    bench b;
    heard h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    wk_venue_order out = {0};
    wk_err err;
    venue_options o = {.script = script};
    bench_begin(&b, is_kraken, &o, NULL);
    assert_int_equal(b.account.stream(b.account.self, &h, on_order, on_fill, on_lost, &err), WK_OK);
    await(&h, &h.n_lost, 1, "logins");
    /* The subscription follows the login of Delta; what it tells then is what happens later. */
    for (int64_t end = wk_clock_monotonic_ns() + BENCH_PATIENCE_NS; count(&h, &h.n_fills) == 0;) {
        wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
        want.qty_lots = b.lots / 10;
        assert_int_equal(bench_place(&b, &want, &out), WK_REQUEST_DONE);
        for (int i = 0; i < 100 && count(&h, &h.n_fills) == 0; i++)
            usleep(10000);
        assert_true(wk_clock_monotonic_ns() < end);
    }
    pthread_mutex_lock(&h.lock);
    assert_int_equal(h.fills[0].side, 1);
    assert_int_equal(h.fills[0].qty_lots, b.lots / 10);
    assert_true(h.fills[0].client_id >> 8 == 0xabc);
    assert_true(h.fills[0].fill_id[0] != 0);
    pthread_mutex_unlock(&h.lock);
    wk_order resting = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    size_t before = count(&h, &h.n_orders);
    if (drops == 0) {
        assert_int_equal(bench_place(&b, &resting, &out), WK_REQUEST_DONE);
        await(&h, &h.n_orders, before + 1, "orders");
        char why[256] = "";
        int64_t wait;
        assert_int_equal(b.account.cancel(b.account.self, 0, resting.id, &wait, why),
                         WK_REQUEST_DONE);
        await(&h, &h.n_orders, before + 2, "orders");
    } else {
        /* It comes back by itself, and says that something was lost. */
        await(&h, &h.n_lost, 1 + 2 * drops, "losses");
    }
    bench_finish(&b, 0);
}

static void test_delta_stream_tells_fills_and_orders(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(0, NULL, 0);
}

static void test_kraken_stream_tells_fills_and_orders(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1, NULL, 0);
}

static void test_delta_stream_comes_back(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(0,
                                       "{\"ws\":[{\"channel\":\"v2/user_trades\",\"nth\":[1],"
                                       "\"fault\":\"close\"}]}",
                                       1);
}

static void test_kraken_stream_comes_back(void **state)
{
    (void)state;
    /* The snapshot, and pending, new, trade and filled of one order. */
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[5],"
                                       "\"fault\":\"cut-socket\"}]}",
                                       1);
}

static void test_kraken_stream_notices_a_gap(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[3],"
                                       "\"fault\":\"drop\"}]}",
                                       1);
}

static void test_kraken_stream_notices_silence(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[5],"
                                       "\"fault\":\"silence\"}]}",
                                       1);
}

/* The same frames twice, or in another order, break nothing: fills are told apart by their ids. */
static void test_delta_stream_bears_doubles_and_disorder(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(
        0,
        "{\"ws\":[{\"channel\":\"v2/user_trades\",\"every\":1,\"fault\":\"duplicate\"},"
        "{\"channel\":\"orders\",\"nth\":[4],\"fault\":\"reorder\"}]}",
        0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_stream_tells_fills_and_orders),
        cmocka_unit_test(test_kraken_stream_tells_fills_and_orders),
        cmocka_unit_test(test_delta_stream_comes_back),
        cmocka_unit_test(test_kraken_stream_comes_back),
        cmocka_unit_test(test_kraken_stream_notices_a_gap),
        cmocka_unit_test(test_kraken_stream_notices_silence),
        cmocka_unit_test(test_delta_stream_bears_doubles_and_disorder),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
