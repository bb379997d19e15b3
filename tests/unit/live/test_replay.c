/* Recordings through the path: a golden one and damaged ones. argv[1] is the source root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/live.h"
#include "wick/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static const char *root;

static wk_status replay(const char *path, double speed, wk_live_summary *out, wk_err *err)
{
    atomic_bool never = false;
    return wk_live_replay_run(path, &(wk_live_replay_options){.speed = speed}, &never, out, err);
}

static void test_a_golden_recording_gives_the_same_bars_on_every_machine(void **state)
{
    (void)state;
    char path[512], line[128] = "";
    wk_live_summary summary;
    wk_err err;
    snprintf(path, sizeof path, "%s/tests/golden/live/bars_hash", root);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    line[strcspn(line, "\n")] = 0;
    snprintf(path, sizeof path, "%s/tests/golden/live", root);
    if (replay(path, 0, &summary, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(summary.bars > 5);
    assert_true(summary.counts.checksum_failures > 0);
    assert_string_equal(summary.bars_hash, line);
    /* Faster than it was, but not at once: the same. */
    int64_t start = wk_clock_monotonic_ns();
    assert_int_equal(replay(path, 20, &summary, &err), WK_OK);
    assert_true(wk_clock_monotonic_ns() - start > 300000000);
    assert_string_equal(summary.bars_hash, line);
}

static void expect_refused(const char *text, wk_status code, const char *why)
{
    char path[] = "/tmp/wick-replay-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    wk_live_summary summary;
    wk_err err;
    assert_int_equal(replay(path, 0, &summary, &err), code);
    if (!strstr(err.msg, why))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
    unlink(path);
}

#define START "start {\"venues\": [{\"name\": \"v\", \"symbols\": [\"A/B\"]}]}"

static void test_a_recording_that_is_none_says_what_is_wrong(void **state)
{
    (void)state;
    char text[512];
    expect_refused("5 v-1 < 2\n{}\n", WK_E_DATA, "does not begin with the start");
    expect_refused("5 wick ! 7\nstart {\n", WK_E_CONFIG, "the recording:1");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 other-1 < 2\n{}\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "no connection named other-1");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 wick ! 5\nhello\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "an unknown note: \"hello\"");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 wick ! 26\nrepair 0 60000000000 1\n7 1\n",
             strlen(START), START);
    expect_refused(text, WK_E_PARSE, "repair");
    snprintf(text, sizeof text, "5 wick ! %zu\n%s\n6 v-1 ! 4\nwhat\n", strlen(START), START);
    expect_refused(text, WK_E_PARSE, "an unknown note of v-1");
}

static void test_an_empty_session_has_no_bars(void **state)
{
    (void)state;
    char text[512], path[] = "/tmp/wick-replay-XXXXXX";
    snprintf(text, sizeof text,
             "5 wick ! %zu\n%s\n6 v-1 ! 4\nopen\n7 v-1 ! 9\nclosed up\n8 wick ! 4\nstop\n",
             strlen(START), START);
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    wk_live_summary summary;
    wk_err err;
    assert_int_equal(replay(path, 0, &summary, &err), WK_OK);
    assert_int_equal(summary.bars, 0);
    assert_int_equal(summary.counts.connects, 1);
    unlink(path);
}

int main(int argc, char **argv)
{
    root = argc > 1 ? argv[1] : ".";
    wk_log_set_level(WK_LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_golden_recording_gives_the_same_bars_on_every_machine),
        cmocka_unit_test(test_a_recording_that_is_none_says_what_is_wrong),
        cmocka_unit_test(test_an_empty_session_has_no_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
