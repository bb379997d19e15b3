/* The bench command runs and refuses nonsense; its options come from a stub of the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "wick/cli.h"

extern const wk_cli_command wk_cmd_bench_features;

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
    assert_int_equal(wk_cmd_bench_features.run(&cli, &err), WK_OK);
}

static void test_bench_refuses_nonsense(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_cli cli = {"many"};
    assert_int_equal(wk_cmd_bench_features.run(&cli, &err), WK_E_ARG);
    assert_non_null(strstr(err.msg, "--bars many"));
}

int main(int argc, char **argv)
{
    if (argc == 2) { /* by hand: test_features_bench 1000000 */
        wk_cli cli = {argv[1]};
        wk_err err;
        return wk_cmd_bench_features.run(&cli, &err) == WK_OK ? 0 : 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_runs_on_short_arrays),
        cmocka_unit_test(test_bench_refuses_nonsense),
    };
    return cmocka_run_group_tests_name("features bench", tests, NULL, NULL);
}
