/* Waiting and remembering: pure functions of time, chance and text. */
#include "../data/temp.h"

#include "pace.h"
#include "spans.h"

static void bucket_lets_a_burst_go_and_then_the_rate(void **state)
{
    wk_pace pace = {.rate_per_s = 2, .burst = 3};
    int64_t now_ns = 50 * WK_NS_PER_S;
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(wk__pace_take(&pace, 1, now_ns), 0);
    assert_int_equal(wk__pace_take(&pace, 1, now_ns), WK_NS_PER_S / 2);
    now_ns += WK_NS_PER_S / 2; /* waited */
    assert_int_equal(wk__pace_take(&pace, 1.5, now_ns), 3 * WK_NS_PER_S / 4);
    now_ns += 100 * WK_NS_PER_S; /* no more than the burst is saved up */
    assert_int_equal(wk__pace_take(&pace, 3, now_ns), 0);
    assert_int_equal(wk__pace_take(&pace, 1, now_ns), WK_NS_PER_S / 2);
}

/* Delta: 10,000 in any fixed window of five minutes; calls of 3 as fast as the default lets them.
 */
static void delta_s_window_is_never_used_up(void **state)
{
    wk_pace pace = {.rate_per_s = 30, .burst = 300};
    int64_t now_ns = WK_NS_PER_S, begin_ns = now_ns;
    int weight = 0;
    (void)state;
    while (now_ns - begin_ns < 300 * WK_NS_PER_S) {
        now_ns += wk__pace_take(&pace, 3, now_ns);
        weight += 3;
    }
    assert_in_range(weight, 9000, 10000);
}

static void backoff_doubles_within_its_bounds(void **state)
{
    int64_t s = WK_NS_PER_S;
    (void)state;
    assert_int_equal(wk__pace_backoff(1, s, 60 * s, -1, 0), s / 2);
    assert_int_equal(wk__pace_backoff(4, s, 60 * s, -1, 0), 4 * s);
    assert_in_range(wk__pace_backoff(4, s, 60 * s, -1, 0.999999), 7 * s, 8 * s);
    assert_in_range(wk__pace_backoff(500, s, 60 * s, -1, 0.999999), 59 * s, 60 * s);
    assert_int_equal(wk__pace_backoff(1, s, 60 * s, 90 * s, 0), 90 * s); /* as the venue asked */
    assert_in_range(wk__pace_backoff(1, s, 60 * s, 90 * s, 0.9), 90 * s, 91 * s);
    assert_int_equal(wk__pace_backoff(9, s, 60 * s, s, 0), 30 * s);
}

static void assert_spans(const wk_spans *spans, const char *text)
{
    char out[WK_SPANS_MAX * 42];
    assert_true(wk__spans_write(spans, out, sizeof out));
    assert_string_equal(out, text);
}

static void spans_join_and_say_what_is_missing(void **state)
{
    static wk_spans spans;
    wk_span gap;
    (void)state;
    wk__spans_read("", &spans);
    assert_true(wk__spans_missing(&spans, 10, 20, &gap) && gap.from_ns == 10 && gap.to_ns == 20);
    wk__spans_add(&spans, 100, 200);
    wk__spans_add(&spans, 300, 400);
    wk__spans_add(&spans, 50, 50);
    assert_spans(&spans, "100-200 300-400");
    assert_true(wk__spans_missing(&spans, 150, 500, &gap) && gap.from_ns == 200 &&
                gap.to_ns == 300);
    assert_true(wk__spans_missing(&spans, 300, 500, &gap) && gap.from_ns == 400 &&
                gap.to_ns == 500);
    assert_true(wk__spans_missing(&spans, 50, 350, &gap) && gap.from_ns == 50 && gap.to_ns == 100);
    assert_false(wk__spans_missing(&spans, 310, 400, &gap));
    wk__spans_add(&spans, 200, 300);
    assert_spans(&spans, "100-400");
    wk__spans_add(&spans, 0, 1000);
    assert_spans(&spans, "0-1000");
    wk__spans_read("5-9 20-30 8-21 nonsense", &spans); /* an edited note: what can be read counts */
    assert_spans(&spans, "5-30");
}

static void too_many_spans_forget_the_shortest(void **state)
{
    static wk_spans spans;
    wk_span gap;
    (void)state;
    spans.n = 0;
    for (int64_t i = 0; i <= WK_SPANS_MAX; i++)
        wk__spans_add(&spans, i * 100, i * 100 + (i == 7 ? 1 : 50));
    assert_int_equal(spans.n, WK_SPANS_MAX);
    assert_true(wk__spans_missing(&spans, 700, 701, &gap)); /* it is asked for once more */
    assert_false(wk__spans_missing(&spans, 800, 850, &gap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_lets_a_burst_go_and_then_the_rate),
        cmocka_unit_test(delta_s_window_is_never_used_up),
        cmocka_unit_test(backoff_doubles_within_its_bounds),
        cmocka_unit_test(spans_join_and_say_what_is_missing),
        cmocka_unit_test(too_many_spans_forget_the_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
