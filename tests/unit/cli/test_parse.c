/* The command line: which command, options in all spellings, and a clear refusal of everything
 * else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli_internal.h"

static int run_nothing(const wk_cli *cli, wk_err *err)
{
    (void)cli;
    (void)err;
    return WK_OK;
}

static const wk_cli_option train_options[] = {{"data", "F", "table to learn from"},
                                              {"out", "FILE", "model,\nwhole or not at all"},
                                              {"quick", NULL, "fewer rounds"},
                                              {0}};
static const wk_cli_command cmd_gbdt_predict = {.name = "gbdt predict",
                                                .summary = "predicts",
                                                .args_min = 1,
                                                .args_max = 1,
                                                .run = run_nothing};
static const wk_cli_command cmd_gbdt_train = {
    .name = "gbdt train",
    .usage = "CONFIG --data F --out FILE",
    .summary = "trains",
    .details = "Long text.",
    .example = "wick gbdt train x.json --data x.csv --out m.json",
    .args_min = 1,
    .args_max = 2,
    .options = train_options,
    .run = run_nothing};
static const wk_cli_command cmd_store = {.name = "store", .summary = "lists", .run = run_nothing};
static const wk_cli_command *const commands[] = {&cmd_gbdt_predict, &cmd_gbdt_train, &cmd_store,
                                                 NULL};
static const wk_cli_program program = {"wick", "test program", commands};

typedef struct {
    wk_cli cli;
    wk_err err;
    wk_status status;
} parsed;

#define PARSE(...)                                                                                 \
    parse_args((char *[]){"wick", __VA_ARGS__, NULL},                                              \
               (int)(sizeof((char *[]){"wick", __VA_ARGS__}) / sizeof(char *)))

static parsed parse_args(char **argv, int argc)
{
    parsed p;
    p.status = wk_cli_parse(&program, argc, argv, &p.cli, &p.err);
    return p;
}

static void assert_refused(parsed p, const char *message)
{
    assert_int_equal(p.status, WK_E_ARG);
    assert_string_equal(p.err.msg, message);
    wk_cli_finish(&p.cli);
}

static void test_two_word_commands_and_options_are_found(void **state)
{
    (void)state;
    parsed p = PARSE("gbdt", "train", "--data", "a.csv", "c.json", "--out=m=1.json", "--quick",
                     "--data", "b.csv");
    assert_int_equal(p.status, WK_OK);
    assert_ptr_equal(p.cli.command, &cmd_gbdt_train);
    assert_int_equal(wk_cli_n_args(&p.cli), 1);
    assert_string_equal(wk_cli_arg(&p.cli, 0), "c.json");
    assert_string_equal(wk_cli_option_value(&p.cli, "data"), "b.csv");
    assert_string_equal(wk_cli_option_value(&p.cli, "out"), "m=1.json");
    assert_true(wk_cli_flag(&p.cli, "quick"));
    assert_false(wk_cli_json(&p.cli));
    wk_cli_finish(&p.cli);
}

static void test_absent_options_have_no_value(void **state)
{
    (void)state;
    parsed p = PARSE("gbdt", "train", "c.json");
    assert_int_equal(p.status, WK_OK);
    assert_null(wk_cli_option_value(&p.cli, "data"));
    assert_false(wk_cli_flag(&p.cli, "quick"));
    wk_cli_finish(&p.cli);
}

static void test_two_dashes_end_the_options(void **state)
{
    (void)state;
    parsed p = PARSE("gbdt", "train", "--", "--data", "-");
    assert_int_equal(p.status, WK_OK);
    assert_int_equal(wk_cli_n_args(&p.cli), 2);
    assert_string_equal(wk_cli_arg(&p.cli, 0), "--data");
    wk_cli_finish(&p.cli);
}

static void test_overrides_keep_their_order(void **state)
{
    (void)state;
    size_t n;
    parsed p = PARSE("gbdt", "train", "--set", "a.b=1", "c.json", "--set=a.b=2", "--json");
    assert_int_equal(p.status, WK_OK);
    const char *const *sets = wk_cli_overrides(&p.cli, &n);
    assert_int_equal(n, 2);
    assert_string_equal(sets[0], "a.b=1");
    assert_string_equal(sets[1], "a.b=2");
    assert_true(wk_cli_json(&p.cli));
    wk_cli_finish(&p.cli);
}

static void test_threads_come_from_option_then_environment(void **state)
{
    (void)state;
    setenv("OMP_NUM_THREADS", "3", 1);
    parsed p = PARSE("store", "--threads", "5");
    assert_int_equal(wk_cli_threads(&p.cli), 5);
    wk_cli_finish(&p.cli);
    p = PARSE("store");
    assert_int_equal(wk_cli_threads(&p.cli), 3);
    unsetenv("OMP_NUM_THREADS");
    assert_true(wk_cli_threads(&p.cli) >= 1);
    wk_cli_finish(&p.cli);
    assert_refused(PARSE("store", "--threads", "0"), "--threads 0: write a number from 1 to 1024");
    assert_refused(PARSE("store", "--threads=2x"), "--threads 2x: write a number from 1 to 1024");
}

static void test_wrong_usage_is_refused_with_a_hint(void **state)
{
    (void)state;
    assert_refused(PARSE("gbdt", "train", "c", "--dat", "x"),
                   "unknown option --dat; did you mean --data?");
    assert_refused(PARSE("gbdt", "train", "c", "--zzzzzz"),
                   "unknown option --zzzzzz; see wick gbdt train --help");
    assert_refused(PARSE("gbdt", "train", "c", "--data"), "--data needs a value: --data F");
    assert_refused(PARSE("gbdt", "train", "c", "--quick=1"), "--quick takes no value");
    assert_refused(PARSE("gbdt", "train", "c", "-q"),
                   "unknown option -q; options start with two dashes");
    assert_refused(PARSE("gbdt", "train"),
                   "an argument is missing; usage: wick gbdt train CONFIG --data F --out FILE");
    assert_refused(PARSE("store", "x"), "unexpected argument \"x\"; usage: wick store");
    assert_refused(PARSE("stoer"), "unknown command \"stoer\"; did you mean \"store\"?");
    assert_refused(PARSE("fly"), "unknown command \"fly\"; see wick --help");
    assert_refused(PARSE("gbdt"), "gbdt needs a second word; see wick gbdt --help");
    assert_refused(PARSE("gbdt", "trian", "c"),
                   "unknown command \"gbdt trian\"; did you mean \"gbdt train\"?");
    assert_refused(PARSE("--json", "store"),
                   "\"--json\" stands before the command; write wick COMMAND --json");
}

static void test_help_wins_over_mistakes(void **state)
{
    (void)state;
    parsed p = PARSE("gbdt", "train", "--help", "--nonsense");
    assert_int_equal(p.status, WK_OK);
    assert_int_equal(p.cli.action, WK_CLI_HELP);
    assert_ptr_equal(p.cli.command, &cmd_gbdt_train);
    wk_cli_finish(&p.cli);
    p = PARSE("help", "gbdt", "train");
    assert_true(p.status == WK_OK && p.cli.command == &cmd_gbdt_train);
    wk_cli_finish(&p.cli);
    p = PARSE("gbdt", "--help");
    assert_int_equal(p.status, WK_OK);
    assert_string_equal(p.cli.topic, "gbdt");
    wk_cli_finish(&p.cli);
    p = PARSE("--version");
    assert_true(p.status == WK_OK && p.cli.action == WK_CLI_VERSION);
    wk_cli_finish(&p.cli);
    assert_refused(PARSE("help", "stoer"), "unknown command \"stoer\"; did you mean \"store\"?");
}

static void test_help_shows_options_and_example(void **state)
{
    (void)state;
    char *text = wk_cli_help_command(&program, "build/wick", &cmd_gbdt_train);
    assert_non_null(strstr(
        text, "usage: wick gbdt train CONFIG --data F --out FILE [OPTIONS]\n\nLong text.\n"));
    assert_non_null(strstr(text, "\n  --data F         table to learn from\n"));
    assert_non_null(
        strstr(text, "\n  --out FILE       model,\n                   whole or not at all\n"));
    assert_non_null(strstr(text, "\n  --set KEY=VALUE  "));
    assert_non_null(
        strstr(text, "\nexample:\n  build/wick gbdt train x.json --data x.csv --out m.json\n"));
    free(text);
    text = wk_cli_help_group(&program, "gbdt");
    assert_non_null(strstr(text, "gbdt predict"));
    assert_null(strstr(text, "store"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_word_commands_and_options_are_found),
        cmocka_unit_test(test_absent_options_have_no_value),
        cmocka_unit_test(test_two_dashes_end_the_options),
        cmocka_unit_test(test_overrides_keep_their_order),
        cmocka_unit_test(test_threads_come_from_option_then_environment),
        cmocka_unit_test(test_wrong_usage_is_refused_with_a_hint),
        cmocka_unit_test(test_help_wins_over_mistakes),
        cmocka_unit_test(test_help_shows_options_and_example),
    };
    return cmocka_run_group_tests_name("cli parse", tests, NULL, NULL);
}
