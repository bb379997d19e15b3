/* The bench commands run and refuse nonsense; their options come from a stub of the command line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wick/cli.h"

extern const wk_cli_command wk_cmd_bench_features_indicators, wk_cmd_bench_features_row;

struct wk_cli {
    const char *bars;
};

const char *wk_cli_option_value(const wk_cli *cli, const char *name)
{
    return strcmp(name, "bars") == 0 ? cli->bars : NULL;
}

static void test_bench_runs_on_short_arrays(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_cli cli = {"1000"};
    assert_int_equal(wk_cmd_bench_features_indicators.run(&cli, &err), WK_OK);
    assert_int_equal(wk_cmd_bench_features_row.run(&cli, &err), WK_OK);
}

static void test_bench_refuses_nonsense(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_cli cli = {"many"};
    assert_int_equal(wk_cmd_bench_features_indicators.run(&cli, &err), WK_E_ARG);
    assert_non_null(strstr(err.msg, "--bars many"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_runs_on_short_arrays),
        cmocka_unit_test(test_bench_refuses_nonsense),
    };
    return cmocka_run_group_tests_name("features bench", tests, NULL, NULL);
}
