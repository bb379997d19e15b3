/* What every executable's main does. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_internal.h"

static const char *code_name(wk_status code)
{
    static const char *const names[] = {"ok",   "usage", "config",        "io",    "parse",
                                        "data", "model", "out_of_memory", "state", "range"};
    size_t i = (size_t)-code;
    return i < sizeof names / sizeof *names ? names[i] : "unknown";
}

static int exit_code(wk_status status)
{
    return status == WK_OK ? 0 : status == WK_E_ARG || status == WK_E_CONFIG ? 2 : 1;
}

static void print_error(const wk_cli_program *program, const wk_cli *cli, const wk_err *err)
{
    if (!cli->json) {
        fprintf(stderr, "%s: %s\n", program->name, err->msg);
        return;
    }
    wk_text out = {0};
    wk_text_printf(&out, "{\"error\": {\"code\": \"%s\", \"exit_code\": %d, \"message\": ",
                   code_name(err->code), exit_code(err->code));
    wk_text_add_json_string(&out, err->msg);
    fprintf(stderr, "%s}}\n", out.s);
    free(out.s);
}

/* errno of help that could not be written: what is longer than stdio's buffer fails before the end.
 */
static int help_error;

static void print_help(const wk_cli_program *program, const char *invoked, const wk_cli *cli)
{
    char *text = cli->command ? wk_cli_help_command(program, invoked, cli->command)
                 : cli->topic ? wk_cli_help_group(program, cli->topic)
                              : wk_cli_help_program(program);
    if (fputs(text, stdout) == EOF)
        help_error = errno;
    free(text);
}

/* Was all of stdout written? A reader that went away (| head) has had what it wanted. */
static wk_status finish_stdout(wk_err *err)
{
    errno = 0;
    bool failed = ferror(stdout) != 0;
    if (fflush(stdout) != 0)
        failed = true;
    int why = errno ? errno : help_error;
    struct pollfd reader = {.fd = STDOUT_FILENO};
    if (!failed || (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR)))
        return WK_OK;
    return wk_fail(err, WK_E_IO, "cannot write to standard output: %s",
                   why ? strerror(why) : "it failed");
}

int wk_cli_main(const wk_cli_program *program, int argc, char **argv)
{
    /* A closed pipe or socket, or a file at the size limit, is an error code where it is written,
     * never the end of a long run. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    wk_cli cli;
    wk_err err = {0};
    wk_status status = wk_cli_parse(program, argc, argv, &cli, &err);
    if (status == WK_OK) {
        if (cli.action == WK_CLI_HELP)
            print_help(program, argc > 0 ? argv[0] : program->name, &cli);
        else if (cli.action == WK_CLI_VERSION)
            printf("%s %s\n", program->name, WICK_VERSION);
        else
            status = cli.command->run(&cli, &err);
        if (status == WK_OK)
            status = finish_stdout(&err);
    }
    if (status != WK_OK) {
        fflush(stdout);
        err.code = status;
        if (!err.msg[0])
            snprintf(err.msg, sizeof err.msg, "failed without a message (%s)", code_name(status));
        print_error(program, &cli, &err);
    }
    wk_cli_finish(&cli);
    return exit_code(status);
}
