/* A feed that falls silent, by the bot's clock: told once, entries taken back where stale_bars says
 * so, and told again when bars come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bot_rig.h"

enum { T0 = 600 };

static void count_row(void *ctx, const wk_journal_record *row, uint64_t seq)
{
    const char **part = ctx;
    (void)seq;
    if (strstr(row->text, part[0]))
        ++*(size_t *)(void *)part[1];
}

/* Alerts with this in their text. */
static size_t told(rig *r, const char *part)
{
    size_t n = 0;
    wk_err err = {0};
    const char *ctx[] = {part, (const char *)(void *)&n};
    if (wk_journal_sync(r->journal, &err) ||
        wk_journal_read(r->journal, 1u << WK_JOURNAL_ALERT, count_row, ctx, &err))
        fail_msg("%s", err.msg);
    return n;
}

static void listen_at(rig *r, int64_t now_ns)
{
    wk_err err = {0};
    if (wk_bot_listen(r->bot, now_ns, 5 * MINUTE / 60, &err))
        fail_msg("%s", err.msg);
}

static int64_t close_of(size_t t)
{
    return wk_panel_step(&rig_data.panel, t).time_ns + 60 * MINUTE;
}

static void test_silence_is_told_once_and_its_end_once(void **state)
{
    (void)state;
    const char *rules[] = {"trade.stale_bars=3"};
    rig *r = rig_open("silent", &(wk_strings){rules, 1});
    rig_step(r, T0);
    for (int k = 0; k < 180; k++)
        listen_at(r, close_of(T0) + k * MINUTE);
    listen_at(r, close_of(T0 + 3) + MINUTE / 60);
    assert_int_equal(told(r, "no bar since"), 0); /* late by less than a bar may be */
    for (int k = 0; k < 600; k++)
        listen_at(r, close_of(T0 + 3) + (k + 1) * MINUTE);
    assert_int_equal(told(r, "no bar since"), 1);
    assert_int_equal(told(r, "waiting entries are taken back, stops stay"), 1);
    assert_int_equal(told(r, "bars come again"), 0);
    for (size_t t = T0 + 1; t <= T0 + 14; t++) /* holes and all, at once */
        rig_step(r, t);
    listen_at(r, close_of(T0 + 14) + MINUTE);
    assert_int_equal(told(r, "bars come again, after 50400 s without one"), 1);
    rig_step(r, T0 + 15);
    listen_at(r, close_of(T0 + 15) + MINUTE);
    assert_int_equal(told(r, "bars come again"), 1);
    /* A second silence is news again. */
    listen_at(r, close_of(T0 + 18) + MINUTE);
    assert_int_equal(told(r, "no bar since"), 2);
    rig_close(r);
}

static void test_without_stale_bars_silence_is_an_error_and_nothing_is_taken_back(void **state)
{
    (void)state;
    rig *r = rig_open("patient", NULL);
    rig_step(r, T0);
    listen_at(r, close_of(T0 + 1) + MINUTE);
    assert_int_equal(told(r, "no bar since"), 0);
    listen_at(r, close_of(T0 + 1) + 2 * MINUTE);
    assert_int_equal(told(r, "entries that wait stay where they are"), 1);
    rig_step(r, T0 + 1);
    rig_step(r, T0 + 2);
    listen_at(r, close_of(T0 + 2) + MINUTE);
    assert_int_equal(told(r, "bars come again"), 1);
    rig_close(r);
}

/* Before the first bar the bot counts from when it began to listen. */
static void test_a_feed_that_never_speaks_is_told_too(void **state)
{
    (void)state;
    rig *r = rig_open("never", NULL);
    for (int k = 0; k < 61; k++)
        listen_at(r, close_of(T0) + k * MINUTE);
    assert_int_equal(told(r, "no bar since"), 0);
    listen_at(r, close_of(T0) + 62 * MINUTE);
    listen_at(r, close_of(T0) + 63 * MINUTE);
    assert_int_equal(told(r, "no bar since"), 1);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silence_is_told_once_and_its_end_once),
        cmocka_unit_test(test_without_stale_bars_silence_is_an_error_and_nothing_is_taken_back),
        cmocka_unit_test(test_a_feed_that_never_speaks_is_told_too),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
