/* An outside series of the store in an experiment: joined as of its arrival. */
#include <math.h>
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
#include "wick/fresh.h"
#include "wick/log.h"
#include "wick/run.h"

static const char config_text[] =
    "{\"name\": \"x\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 2, "
    "\"bars\": 1200}, "
    "\"outside\": [{\"name\": \"mood\", \"venue\": \"news\", \"symbol\": \"ALL\", \"stale_s\": "
    "18000}]}, "
    "\"features\": {\"families\": [\"outside\"], \"outside_forms\": [\"level\", \"missing\"]}}";

static void test_a_stored_series_counts_from_its_arrival(void **state)
{
    (void)state;
    char home[] = "/tmp/wick-outside-store-XXXXXX", root[96], command[96];
    assert_non_null(mkdtemp(home));
    setenv("WICK_HOME", home, 1);
    snprintf(root, sizeof root, "%s/store", home);
    wk_log_set_level(WK_LOG_ERROR);
    wk_arena arena;
    wk_run_config config;
    wk_dataset d = {0};
    wk_err err = {0};
    wk_fresh *fresh = NULL;
    wk_arena_init(&arena);
    assert_int_equal(
        wk_config_parse(&wk_run_config_table, "x", config_text, NULL, 0, &arena, &config, &err),
        WK_OK);
    assert_int_equal(wk_dataset_load(&config, &wk_dataset_store, &d, &err),
                     WK_E_DATA); /* nothing there yet */
    assert_non_null(strstr(err.msg, "the store has no such series"));

    const int64_t hour = 3600 * WK_NS_PER_S, start = wk_civil_to_ns(2021, 1, 1);
    /* Speaks of the first hour, but came in the middle of the 800th. */
    wk_fresh_value value = {start, start + 800 * hour + hour / 2, 0.75};
    if (wk_fresh_open(root, &fresh, &err) ||
        wk_fresh_put_values(fresh, "news", "ALL", "mood", &value, 1, NULL, NULL, &err) ||
        wk_dataset_load(&config, &wk_dataset_store, &d, &err))
        fail_msg("%s", err.msg);
    wk_fresh_close(fresh);
    assert_int_equal(d.table.F, 2);
    assert_string_equal(d.feature_names[0], "outside.mood");
    for (size_t t = 0; t < d.table.T; t++)
        for (size_t s = 0; s < 2; s++) {
            const float *row = d.table.X + (t * 2 + s) * 2;
            bool known =
                t >= 800 && t < 805; /* closes 801 to 805 lie within five hours of its arrival */
            if (known != (row[1] == 0.0f) || (known && row[0] != 0.75f))
                fail_msg("step %zu: %g, missing %g", t, (double)row[0], (double)row[1]);
        }
    wk_dataset_finish(&d);
    assert_int_equal(wk_dataset_load(&config, NULL, &d, &err),
                     WK_E_CONFIG); /* a program without a store */
    wk_arena_finish(&arena);
    snprintf(command, sizeof command, "rm -r %s", home);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stored_series_counts_from_its_arrival)};
    return cmocka_run_group_tests_name("outside series of the store", tests, NULL, NULL);
}
