/* Files written whole or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wick/file.h"

static char directory[64], target[96], beside[128];

static int setup(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/wick-test-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(target, sizeof target, "%s/f", directory);
    snprintf(beside, sizeof beside, "%s.%ld.part", target, (long)getpid());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(target);
    return rmdir(directory); /* fails when a draft was left behind */
}

static void assert_holds(const char *text)
{
    char *got;
    size_t n;
    wk_err err;
    assert_int_equal(wk_file_read(target, &got, &n, &err), WK_OK);
    assert_int_equal(n, strlen(text));
    assert_string_equal(got, text);
    free(got);
}

static void test_a_draft_replaces_the_file_only_when_published(void **state)
{
    (void)state;
    wk_err err;
    wk_draft draft;
    assert_int_equal(wk_file_write_atomic(target, "old", 3, &err), WK_OK);
    assert_int_equal(wk_draft_open(target, &draft, &err), WK_OK);
    fprintf(draft.stream, "new %d\n", 1);
    fflush(draft.stream);
    assert_holds("old");
    assert_int_equal(wk_draft_publish(&draft, &err), WK_OK);
    assert_holds("new 1\n");
    assert_false(wk_file_exists(beside));
}

static void test_a_discarded_draft_leaves_the_old_file_alone(void **state)
{
    (void)state;
    wk_err err;
    wk_draft draft;
    assert_int_equal(wk_file_write_atomic(target, "old", 3, &err), WK_OK);
    assert_int_equal(wk_draft_open(target, &draft, &err), WK_OK);
    fputs("half", draft.stream);
    assert_true(wk_file_exists(beside));
    wk_draft_discard(&draft);
    assert_false(wk_file_exists(beside));
    assert_holds("old");
    wk_draft_discard(&draft); /* zeroed by the first */
}

static void test_a_draft_that_could_not_be_written_is_not_published(void **state)
{
    (void)state;
    wk_err err;
    wk_draft draft;
    assert_int_equal(wk_file_write_atomic(target, "old", 3, &err), WK_OK);
    assert_int_equal(wk_draft_open(target, &draft, &err), WK_OK);
    /* Every write to this device finds the disk full. */
    assert_non_null(freopen("/dev/full", "we", draft.stream));
    fputs("lost", draft.stream);
    fflush(draft.stream);
    assert_int_equal(wk_draft_publish(&draft, &err), WK_E_IO);
    assert_non_null(strstr(err.msg, target));
    assert_false(wk_file_exists(beside));
    assert_holds("old");
    /* The same when the failure comes with the last flush. */
    assert_int_equal(wk_draft_open(target, &draft, &err), WK_OK);
    assert_non_null(freopen("/dev/full", "we", draft.stream));
    fputs("lost", draft.stream);
    assert_int_equal(wk_draft_publish(&draft, &err), WK_E_IO);
    assert_holds("old");
}

static void test_a_missing_directory_is_named(void **state)
{
    (void)state;
    wk_err err;
    wk_draft draft;
    char path[128];
    snprintf(path, sizeof path, "%s/absent/f", directory);
    assert_int_equal(wk_draft_open(path, &draft, &err), WK_E_IO);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(wk_file_write_atomic(path, "x", 1, &err), WK_E_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_draft_replaces_the_file_only_when_published, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_discarded_draft_leaves_the_old_file_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_draft_that_could_not_be_written_is_not_published,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_missing_directory_is_named, setup, teardown),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
