/* Lines through the queue of wk_log_start: each thread's in order, none lost uncounted, and nobody
 * waits for a stderr that takes nothing. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wick/clock.h"
#include "wick/log.h"

enum { THREADS = 4, LINES = 150 };

static void *write_lines(void *context)
{
    for (int i = 0; i < LINES; i++)
        wk_log_write(WK_LOG_INFO, "test", "thread=%d line=%d", *(int *)context, i);
    return NULL;
}

static void test_lines_of_many_threads_come_in_their_order_or_are_counted(void **state)
{
    (void)state;
    char path[] = "/tmp/wick-log-XXXXXX", line[4096], words[1000];
    int file = mkstemp(path), saved = dup(STDERR_FILENO);
    pthread_t threads[THREADS];
    int numbers[THREADS], next[THREADS] = {0};
    wk_err err;
    assert_true(file >= 0 && saved >= 0);
    fflush(stderr);
    dup2(file, STDERR_FILENO);
    wk_status started = wk_log_start(&err);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = 0;
    wk_log_write(WK_LOG_WARN, "test", "long=%s", words);
    wk_log_stop();
    wk_log_write(WK_LOG_INFO, "test", "after=1");
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    assert_int_equal(started, WK_OK);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    unsigned long long n = 0, lost = 0, part;
    int thread, number, n_long = 0, n_after = 0;
    while (fgets(line, sizeof line, in)) {
        char *at = strstr(line, "thread=");
        if (at && sscanf(at, "thread=%d line=%d", &thread, &number) == 2) {
            assert_true(thread >= 0 && thread < THREADS && number >= next[thread]);
            assert_ptr_equal(strstr(line, "ts="), line);
            assert_non_null(strstr(line, "level=info topic=test "));
            next[thread] = number + 1;
            n++;
        } else if ((at = strstr(line, "lost=")) != NULL && sscanf(at, "lost=%llu", &part) == 1) {
            lost += part;
        }
        n_long += strstr(line, words) != NULL;
        n_after += strstr(line, "after=1") != NULL;
    }
    fclose(in);
    close(file);
    unlink(path);
    assert_int_equal(n + lost, THREADS * LINES);
    assert_true(n >= 256 && n_long == 1 && n_after == 1);
}

static void *read_all(void *context)
{
    char bytes[4096];
    while (read(*(int *)context, bytes, sizeof bytes) > 0)
        ;
    return NULL;
}

static void test_nobody_waits_for_a_pipe_that_is_full(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    char words[500];
    wk_err err;
    pthread_t reader;
    assert_int_equal(pipe(ends), 0);
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = 0;
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    wk_status started = wk_log_start(&err);
    /* Twice what the pipe and the queue hold: it ends at all only because it does not wait. */
    for (int i = 0; i < 1000; i++)
        wk_log_write(WK_LOG_INFO, "test", "%s", words);
    pthread_create(&reader, NULL, read_all, &ends[0]);
    wk_log_stop();
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    pthread_join(reader, NULL);
    close(ends[0]);
    assert_int_equal(started, WK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_of_many_threads_come_in_their_order_or_are_counted),
        cmocka_unit_test(test_nobody_waits_for_a_pipe_that_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
