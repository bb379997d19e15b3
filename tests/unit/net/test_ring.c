#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct {
    uint64_t n, check;
    char rest[48];
} record;

static void *push_quietly(void *ring)
{
    record r = {.n = 7};
    wk_ring_push_quiet(ring, &r);
    wk_ring_wake(ring);
    return NULL;
}

static void test_a_quiet_push_is_there_and_its_wake_up_ends_a_sleep(void **state)
{
    (void)state;
    wk_ring *ring;
    pthread_t thread;
    assert_int_equal(wk_ring_create(sizeof(record), 2, &ring, NULL), WK_OK);
    record r = {.n = 5};
    assert_true(wk_ring_push_quiet(ring, &r) && wk_ring_push_quiet(ring, &r));
    assert_false(wk_ring_push_quiet(ring, &r));
    assert_int_equal(wk_ring_dropped(ring), 1);
    assert_true(wk_ring_wait(ring, 1));
    assert_true(wk_ring_pop(ring, &r) && r.n == 5 && wk_ring_pop(ring, &r));
    assert_int_equal(pthread_create(&thread, NULL, push_quietly, ring), 0);
    /* Without the wake-up this would last the whole hour, and the test's time would run out. */
    assert_true(wk_ring_wait(ring, 3600 * WK_NS_PER_S));
    assert_true(wk_ring_pop(ring, &r) && r.n == 7);
    pthread_join(thread, NULL);
    wk_ring_destroy(ring);
}

static void test_records_come_out_in_order_and_a_full_ring_counts_what_it_drops(void **state)
{
    (void)state;
    wk_ring *ring;
    assert_int_equal(wk_ring_create(sizeof(record), 5, &ring, NULL), WK_OK);
    for (uint64_t i = 0; i < 11; i++) {
        record r = {.n = i};
        assert_int_equal(wk_ring_push(ring, &r), i < 8);
    }
    assert_int_equal(wk_ring_dropped(ring), 3);
    assert_int_equal(wk_ring_used(ring), 8);
    record r;
    for (uint64_t i = 0; i < 8; i++) {
        assert_true(wk_ring_pop(ring, &r));
        assert_int_equal(r.n, i);
    }
    assert_false(wk_ring_pop(ring, &r));
    int64_t start = wk_clock_monotonic_ns();
    assert_false(wk_ring_wait(ring, 20000000));
    assert_true(wk_clock_monotonic_ns() - start >= 19000000);
    wk_ring_destroy(ring);
}

static void test_a_ring_without_memory_for_it_is_refused(void **state)
{
    (void)state;
    wk_ring *ring = NULL;
    wk_frame_ring *frames = NULL;
    wk_err err;
    assert_int_equal(wk_ring_create(4096, (size_t)1 << 24, &ring, &err), WK_E_RANGE);
    assert_int_equal(wk_ring_create(8, ((size_t)1 << 24) + 1, &ring, &err), WK_E_RANGE);
    assert_int_equal(wk_ring_create(0, 8, &ring, &err), WK_E_RANGE);
    assert_int_equal(wk_frame_ring_create(((size_t)1 << 30) + 1, &frames, &err), WK_E_RANGE);
    assert_null(ring);
    assert_null(frames);
}

enum { N = 200000 };

static void *produce(void *of)
{
    for (uint64_t i = 0; i < N;) {
        record r = {.n = i, .check = i * 0x9e3779b97f4a7c15u};
        if (wk_ring_push(of, &r))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

static void test_two_threads_lose_and_double_nothing(void **state)
{
    (void)state;
    wk_ring *ring;
    pthread_t thread;
    assert_int_equal(wk_ring_create(sizeof(record), 1024, &ring, NULL), WK_OK);
    assert_int_equal(pthread_create(&thread, NULL, produce, ring), 0);
    for (uint64_t i = 0; i < N;) {
        record r;
        if (!wk_ring_pop(ring, &r)) {
            wk_ring_wait(ring, 1000000000);
            continue;
        }
        assert_int_equal(r.n, i);
        assert_int_equal(r.check, i * 0x9e3779b97f4a7c15u);
        i++;
    }
    pthread_join(thread, NULL);
    assert_int_equal(wk_ring_used(ring), 0);
    wk_ring_destroy(ring);
}

/* The length and the bytes of message i, the same for both threads. */
static size_t make_message(uint64_t i, char *bytes)
{
    size_t n = (i * 2654435761u >> 7) % (i % 97 == 0 ? 1900 : 200);
    for (size_t k = 0; k < n; k++)
        bytes[k] = (char)(i + 31 * k);
    return n;
}

static void *produce_frames(void *of)
{
    char bytes[2048];
    for (uint64_t i = 0; i < N / 4;) {
        wk_frame f = {
            .time_ns = (int64_t)i, .source = (int32_t)(i % 5), .kind = '<', .bytes = bytes};
        f.n = make_message(i, bytes);
        if (wk_frame_ring_push(of, &f))
            i++;
        else
            sched_yield();
    }
    return NULL;
}

static void test_frames_of_all_lengths_cross_whole(void **state)
{
    (void)state;
    wk_frame_ring *ring;
    pthread_t thread;
    assert_int_equal(wk_frame_ring_create(5000, &ring, NULL), WK_OK); /* 8192 */
    assert_int_equal(pthread_create(&thread, NULL, produce_frames, ring), 0);
    uint64_t lost = 0;
    for (uint64_t i = 0; i < N / 4;) {
        wk_frame f;
        char expected[2048];
        if (!wk_frame_ring_peek(ring, &f)) {
            wk_frame_ring_wait(ring, 1000000000);
            continue;
        }
        assert_int_equal(f.time_ns, i);
        assert_int_equal(f.source, i % 5);
        assert_int_equal(f.n, make_message(i, expected));
        assert_memory_equal(f.bytes, expected, f.n);
        lost += f.lost;
        wk_frame_ring_release(ring);
        i++;
    }
    pthread_join(thread, NULL);
    assert_int_equal(lost, wk_frame_ring_dropped(ring));
    assert_int_equal(wk_frame_ring_used_bytes(ring), 0);
    wk_frame_ring_destroy(ring);
}

static void test_a_frame_tells_how_many_were_lost_before_it(void **state)
{
    (void)state;
    wk_frame_ring *ring;
    static char bytes[2100];
    wk_frame f = {.bytes = bytes, .n = 1000}, got;
    assert_int_equal(wk_frame_ring_create(4096, &ring, NULL), WK_OK);
    int pushed = 0;
    while (wk_frame_ring_push(ring, &f))
        pushed++;
    assert_int_equal(pushed, 3);
    assert_false(wk_frame_ring_push(ring, &f));
    for (int i = 0; i < pushed; i++) {
        assert_true(wk_frame_ring_peek(ring, &got));
        assert_int_equal(got.lost, 0);
        wk_frame_ring_release(ring);
    }
    assert_false(wk_frame_ring_peek(ring, &got));
    f.n = sizeof bytes;
    assert_false(wk_frame_ring_push(ring, &f)); /* longer than half of the ring: never fits */
    f.n = 0;
    assert_true(wk_frame_ring_push(ring, &f));
    assert_true(wk_frame_ring_peek(ring, &got));
    assert_int_equal(got.lost, 3);
    assert_int_equal(got.n, 0);
    wk_frame_ring_release(ring);
    assert_int_equal(wk_frame_ring_dropped(ring), 3);
    wk_frame_ring_destroy(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_quiet_push_is_there_and_its_wake_up_ends_a_sleep),
        cmocka_unit_test(test_records_come_out_in_order_and_a_full_ring_counts_what_it_drops),
        cmocka_unit_test(test_a_ring_without_memory_for_it_is_refused),
        cmocka_unit_test(test_two_threads_lose_and_double_nothing),
        cmocka_unit_test(test_frames_of_all_lengths_cross_whole),
        cmocka_unit_test(test_a_frame_tells_how_many_were_lost_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
