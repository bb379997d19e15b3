/* The built executables from outside: exit codes, where output goes, and the help of every command.
 * usage: test_program WICK WICKD */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <jansson.h>

static const char *wick, *wickd;

typedef struct {
    int code;
    char text[16384];
} output;

/* Runs `program arguments` through the shell; redirections in `arguments` choose the stream. */
static output run(const char *program, const char *arguments)
{
    output out = {0};
    char command[2048];
    snprintf(command, sizeof command, "'%s' %s", program, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    out.text[fread(out.text, 1, sizeof out.text - 1, pipe)] = 0;
    int status = pclose(pipe);
    out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
}

static void test_help_and_version_go_to_stdout(void **state)
{
    (void)state;
    output out = run(wick, "--help 2>/dev/null");
    assert_int_equal(out.code, 0);
    assert_non_null(strstr(out.text, "\ncommands:\n"));
    assert_string_equal(run(wick, "2>/dev/null").text, out.text);
    out = run(wick, "--version 2>/dev/null");
    assert_int_equal(out.code, 0);
    assert_memory_equal(out.text, "wick ", 5);
}

/* The names in the command list of --help, in its order: calls `see` for each. */
static size_t for_each_command(const char *program,
                               void (*see)(const char *program, const char *name))
{
    output out = run(program, "--help");
    char *line = strstr(out.text, "\ncommands:\n") + strlen("\ncommands:\n");
    size_t n = 0;
    for (; strncmp(line, "  ", 2) == 0; line = strchr(line, '\n') + 1, n++) {
        char name[64] = {0};
        const char *end = strstr(line + 2, "  ");
        assert_true(end && (size_t)(end - line - 2) < sizeof name);
        memcpy(name, line + 2, (size_t)(end - line - 2));
        see(program, name);
    }
    return n;
}

static void see_help(const char *program, const char *name)
{
    char arguments[128];
    snprintf(arguments, sizeof arguments, "%s --help 2>/dev/null", name);
    output out = run(program, arguments);
    char example[512];
    snprintf(example, sizeof example, "\nexample:\n  %s ", program);
    if (out.code != 0 || !strstr(out.text, example) || !strstr(out.text, "\nusage: "))
        fail_msg("%s %s: exit code %d\n%s", program, arguments, out.code, out.text);
}

static char previous[64];
static void see_order(const char *program, const char *name)
{
    if (strcmp(previous, name) >= 0)
        fail_msg("%s: command \"%s\" stands after \"%s\"", program, name, previous);
    snprintf(previous, sizeof previous, "%s", name);
}

static void test_every_command_has_help_with_an_example(void **state)
{
    (void)state;
    assert_true(for_each_command(wick, see_help) >= 2);
    assert_true(for_each_command(wickd, see_help) >= 2);
}

static void test_commands_are_listed_alphabetically(void **state)
{
    (void)state;
    previous[0] = 0;
    for_each_command(wick, see_order);
    previous[0] = 0;
    for_each_command(wickd, see_order);
}

static void test_wrong_usage_exits_with_2_and_one_line_on_stderr(void **state)
{
    (void)state;
    output out = run(wick, "doctor --no-such 2>&1 >/dev/null");
    assert_int_equal(out.code, 2);
    assert_string_equal(out.text, "wick: unknown option --no-such; see wick doctor --help\n");
    assert_string_equal(run(wick, "doctor --no-such 2>/dev/null").text, "");
}

static void test_json_errors_are_json(void **state)
{
    (void)state;
    output out = run(wick, "config \"we\\\"ird\" --json 2>&1");
    assert_int_equal(out.code, 2);
    json_t *root = json_loads(out.text, 0, NULL);
    json_t *error = json_object_get(root, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "usage");
    assert_int_equal(json_integer_value(json_object_get(error, "exit_code")), 2);
    assert_non_null(strstr(json_string_value(json_object_get(error, "message")), "we\"ird"));
    json_decref(root);
}

static void test_doctor_prints_checks(void **state)
{
    (void)state;
    output out = run(wick, "doctor --json 2>/dev/null");
    json_t *root = json_loads(out.text, 0, NULL);
    assert_true(json_array_size(json_object_get(root, "checks")) >= 10);
    json_decref(root);
    assert_non_null(strstr(run(wickd, "doctor 2>/dev/null").text, "jansson"));
}

static void test_doctor_fails_without_a_home(void **state)
{
    (void)state;
    /* A path below a file can be created by nobody, root included. */
    setenv("WICK_HOME", "/dev/null/wick", 1);
    output out = run(wick, "doctor 2>&1 >/dev/null");
    unsetenv("WICK_HOME");
    assert_int_equal(out.code, 1);
    assert_non_null(strstr(out.text, "wick: home: /dev/null/wick: "));
}

static void test_closed_and_full_outputs(void **state)
{
    (void)state;
    output out = run(wick, "--help 2>&1 >/dev/full");
    assert_int_equal(out.code, 1);
    assert_string_equal(out.text,
                        "wick: cannot write to standard output: No space left on device\n");
    /* The reader leaves first: no message, no signal. */
    char script[512];
    snprintf(script, sizeof script,
             "-c \"{ sleep 0.1; '%s' --help 2>&1; echo code \\$? >&2; } 2>&3 | true\" 3>&1", wick);
    out = run("sh", script);
    assert_string_equal(out.text, "code 0\n");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    wick = argv[1];
    wickd = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_and_version_go_to_stdout),
        cmocka_unit_test(test_every_command_has_help_with_an_example),
        cmocka_unit_test(test_commands_are_listed_alphabetically),
        cmocka_unit_test(test_wrong_usage_exits_with_2_and_one_line_on_stderr),
        cmocka_unit_test(test_json_errors_are_json),
        cmocka_unit_test(test_doctor_prints_checks),
        cmocka_unit_test(test_doctor_fails_without_a_home),
        cmocka_unit_test(test_closed_and_full_outputs),
    };
    return cmocka_run_group_tests_name("cli program", tests, NULL, NULL);
}
