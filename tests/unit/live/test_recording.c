#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/recording.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DAY "2024-02-29"
static char dir[64], file[128];
static int64_t start_ns;

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/wick-recording-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof file, "%s/" DAY ".wkr.gz", dir);
    start_ns = wk_civil_to_ns(2024, 2, 29) + 86000 * WK_NS_PER_S;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static wk_recorder *writer(void)
{
    wk_recorder *recorder;
    wk_err err;
    if (wk_recorder_open(dir, &recorder, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return recorder;
}

static void put(wk_recorder *recorder, int i)
{
    char text[64];
    wk_err err;
    int n = snprintf(text, sizeof text, "{\"n\":%d}%s", i, i % 3 ? "" : "\nsecond line 1 a < 2");
    if (wk_recorder_put(recorder, start_ns + i * (WK_NS_PER_S / 10), i % 2 ? "kraken-1" : "delta-2",
                        i % 5 ? '<' : '>', text, (size_t)n, &err) != WK_OK)
        fail_msg("%s", err.msg);
}

/* Reads all; every message is the expected one. Returns how many. */
static int read_back(const char *path)
{
    wk_recording *recording;
    wk_recorded m;
    wk_err err;
    int i = 0;
    if (wk_recording_open(path, &recording, &err) != WK_OK)
        fail_msg("%s", err.msg);
    wk_status status;
    while ((status = wk_recording_next(recording, &m, &err)) == WK_OK) {
        char text[64];
        int n =
            snprintf(text, sizeof text, "{\"n\":%d}%s", i, i % 3 ? "" : "\nsecond line 1 a < 2");
        assert_int_equal(m.n, n);
        assert_memory_equal(m.bytes, text, m.n);
        assert_int_equal(m.receive_ns, start_ns + i * (WK_NS_PER_S / 10));
        assert_string_equal(m.connection, i % 2 ? "kraken-1" : "delta-2");
        assert_int_equal(m.direction, i % 5 ? '<' : '>');
        i++;
    }
    if (status != WK_E_NOT_FOUND)
        print_message("%s\n", err.msg);
    assert_int_equal(status, WK_E_NOT_FOUND);
    wk_recording_close(recording);
    return i;
}

static void test_what_was_put_is_read_back_across_midnight_and_reopening(void **state)
{
    (void)state;
    wk_recorder *recorder = writer();
    for (int i = 0; i < 3000; i++)
        put(recorder, i);
    wk_recorder_close(recorder);
    recorder = writer();
    for (int i = 3000; i < 6000; i++)
        put(recorder, i); /* 400 s after the start begins 2024-03-01 */
    wk_recorder_close(recorder);
    assert_int_equal(read_back(dir), 6000);
    char command[256];
    snprintf(command, sizeof command, "[ -s %s/2024-03-01.wkr.gz ] && zcat %s/*.gz >/dev/null", dir,
             dir);
    assert_int_equal(system(command), 0);
}

static void test_a_recording_cut_anywhere_reads_up_to_its_last_whole_message(void **state)
{
    (void)state;
    wk_recorder *recorder = writer();
    for (int i = 0; i < 300; i++)
        put(recorder, i);
    wk_recorder_close(recorder);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    int last = 300;
    for (off_t size = st.st_size - 1; size >= 0; size -= 7) {
        assert_int_equal(truncate(file, size), 0);
        int n = read_back(file);
        assert_true(n <= last);
        last = n;
    }
    assert_true(last == 0);
}

static void test_a_cut_recording_goes_on_whole(void **state)
{
    (void)state;
    wk_recorder *recorder = writer();
    for (int i = 0; i < 300; i++)
        put(recorder, i);
    wk_recorder_close(recorder);
    struct stat st;
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(truncate(file, st.st_size - 3), 0);
    recorder = writer();
    wk_err err;
    /* The last member held 10 messages, since one ends every second. */
    for (int i = 290; i < 320; i++)
        put(recorder, i);
    assert_int_equal(wk_recorder_sync(recorder, &err), WK_OK);
    char command[256];
    snprintf(command, sizeof command, "zcat %s >/dev/null", file);
    assert_int_equal(system(command), 0);
    assert_int_equal(read_back(file), 320);
    wk_recorder_close(recorder);
}

static void test_kill_9_loses_at_most_a_second_and_nothing_that_was_synced(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        unlink(file);
        int acknowledged[2];
        assert_int_equal(pipe(acknowledged), 0);
        pid_t child = fork();
        if (child == 0) {
            close(acknowledged[0]);
            wk_recorder *recorder = writer();
            for (int i = 0;; i++) {
                wk_err err;
                put(recorder, i);
                if (i % 25 == 24 && (wk_recorder_sync(recorder, &err) != WK_OK ||
                                     write(acknowledged[1], &i, sizeof i) != sizeof i))
                    _exit(1);
            }
        }
        close(acknowledged[1]);
        int last = -1;
        for (int k = 0; k < 3 + round; k++)
            assert_int_equal(read(acknowledged[0], &last, sizeof last), sizeof last);
        usleep((useconds_t)(137 * round));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(acknowledged[0], &last, sizeof last) == sizeof last)
            ;
        close(acknowledged[0]);
        assert_true(read_back(file) > last);
        wk_recorder_close(writer());
    }
}

static void test_damage_and_foreign_files_are_refused_with_a_place(void **state)
{
    (void)state;
    static const char *const bad[] = {"hello world\n",
                                      "12 kraken-1 < 5\nabcdefg\n12 x",
                                      "12 kraken-1 ? 5\nabcde\n",
                                      "20 a < 1\nx\n10 a < 1\nx\n",
                                      "12 kraken-1 < 999999999\nabcde\n",
                                      "12 kraken-1 < -5\nabcde\n",
                                      "12 kraken-1 < 5 6\nabcde\n"};
    snprintf(file, sizeof file, "%s/x.wkr", dir);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *f = fopen(file, "w");
        fputs(bad[i], f);
        fclose(f);
        wk_recording *recording;
        wk_recorded m;
        wk_err err;
        assert_int_equal(wk_recording_open(file, &recording, &err), WK_OK);
        wk_status status;
        while ((status = wk_recording_next(recording, &m, &err)) == WK_OK)
            ;
        assert_int_equal(status, WK_E_PARSE);
        assert_non_null(strstr(err.msg, "x.wkr: "));
        wk_recording_close(recording);
    }
    wk_recording *recording;
    wk_err err;
    unlink(file);
    assert_int_equal(wk_recording_open(file, &recording, &err), WK_E_IO);
    assert_int_equal(wk_recording_open(dir, &recording, &err), WK_E_NOT_FOUND);
}

static void test_two_writers_of_one_day_are_refused(void **state)
{
    (void)state;
    wk_recorder *one = writer(), *two = writer();
    wk_err err;
    put(one, 0);
    assert_int_equal(wk_recorder_put(two, start_ns, "kraken-1", '<', "x", 1, &err), WK_E_STATE);
    wk_recorder_close(two);
    wk_recorder_close(one);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_what_was_put_is_read_back_across_midnight_and_reopening),
        CASE(test_a_recording_cut_anywhere_reads_up_to_its_last_whole_message),
        CASE(test_a_cut_recording_goes_on_whole),
        CASE(test_kill_9_loses_at_most_a_second_and_nothing_that_was_synced),
        CASE(test_damage_and_foreign_files_are_refused_with_a_place),
        CASE(test_two_writers_of_one_day_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
