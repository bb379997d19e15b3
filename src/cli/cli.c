/* The command line against the command's option table. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"

enum { THREADS_MAX = 1024 };

const wk_cli_option wk_cli_common_options[] = {
    {"help", NULL, "show this text"},
    {"json", NULL, "results and errors as JSON"},
    {"set", "KEY=VALUE",
     "override a key of the configuration, as in --set trade.slots=5; repeatable"},
    {"threads", "N", "threads to use (default: OMP_NUM_THREADS, else all cores)"},
    {0}};

static const wk_cli_option *find(const wk_cli_option *options, const char *name, size_t n)
{
    for (; options && options->name; options++)
        if (strncmp(options->name, name, n) == 0 && options->name[n] == 0)
            return options;
    return NULL;
}

static void nearest_option(const wk_cli_option *options, const char *name, const char **best,
                           size_t *distance)
{
    for (; options && options->name; options++)
        if (wk_nearer(name, options->name, distance))
            *best = options->name;
}

static wk_status unknown_option(const wk_cli_program *program, const wk_cli_command *command,
                                const char *name, wk_err *err)
{
    const char *best = NULL;
    size_t distance = SIZE_MAX;
    nearest_option(command->options, name, &best, &distance);
    nearest_option(wk_cli_common_options, name, &best, &distance);
    if (best)
        return wk_fail(err, WK_E_ARG, "unknown option --%s; did you mean --%s?", name, best);
    return wk_fail(err, WK_E_ARG, "unknown option --%s; see %s %s --help", name, program->name,
                   command->name);
}

static wk_status parse_threads(const char *text, int *threads, wk_err *err)
{
    char *end;
    long n = strtol(text, &end, 10);
    if (end == text || *end || n < 1 || n > THREADS_MAX)
        return wk_fail(err, WK_E_ARG, "--threads %s: write a number from 1 to %d", text,
                       THREADS_MAX);
    *threads = (int)n;
    return WK_OK;
}

/* Takes the option at argv[*i], and its value from there or from the next argument. */
static wk_status take_option(const wk_cli_program *program, int argc, char **argv, int *i,
                             wk_cli *out, wk_err *err)
{
    const char *name = argv[*i] + 2, *value = strchr(name, '=');
    size_t n = value ? (size_t)(value - name) : strlen(name);
    const wk_cli_option *option = find(out->command->options, name, n);
    if (!option)
        option = find(wk_cli_common_options, name, n);
    if (!option) {
        char short_name[64];
        snprintf(short_name, sizeof short_name, "%.*s", (int)(n < 63 ? n : 63), name);
        return unknown_option(program, out->command, short_name, err);
    }
    if (!option->metavar && value)
        return wk_fail(err, WK_E_ARG, "--%s takes no value", option->name);
    if (option->metavar && value)
        value++;
    else if (option->metavar && *i + 1 < argc)
        value = argv[++*i];
    else if (option->metavar)
        return wk_fail(err, WK_E_ARG, "--%s needs a value: --%s %s", option->name, option->name,
                       option->metavar);
    if (strcmp(option->name, "help") == 0)
        out->action = WK_CLI_HELP;
    else if (strcmp(option->name, "threads") == 0)
        return parse_threads(value, &out->threads, err);
    else if (strcmp(option->name, "set") == 0)
        out->overrides[out->n_overrides++] = value;
    else
        out->given[out->n_given++] = (wk_cli_given){option, value ? value : ""};
    return WK_OK;
}

/* The command whose one or two words start at argv[1]; *used says how many. */
static const wk_cli_command *find_command(const wk_cli_program *program, int argc, char **argv,
                                          int *used)
{
    const wk_cli_command *found = NULL;
    for (const wk_cli_command *const *c = program->commands; *c; c++) {
        const char *name = (*c)->name, *space = strchr(name, ' ');
        if (!space && strcmp(argv[0], name) == 0 && !found) {
            found = *c;
            *used = 1;
        } else if (space && argc > 1 && strlen(argv[0]) == (size_t)(space - name) &&
                   strncmp(argv[0], name, (size_t)(space - name)) == 0 &&
                   strcmp(argv[1], space + 1) == 0) {
            *used = 2;
            return *c;
        }
    }
    return found;
}

bool wk_cli_is_group(const wk_cli_program *program, const char *group)
{
    size_t n = strlen(group);
    for (const wk_cli_command *const *c = program->commands; *c; c++)
        if (strncmp((*c)->name, group, n) == 0 && (*c)->name[n] == ' ')
            return true;
    return false;
}

static wk_status unknown_command(const wk_cli_program *program, int argc, char **argv, wk_err *err)
{
    wk_text given = {0};
    const char *best = NULL;
    size_t distance = SIZE_MAX;
    bool group = wk_cli_is_group(program, argv[0]);
    wk_text_add(&given, argv[0]);
    if (group && argc > 1 && argv[1][0] != '-')
        wk_text_printf(&given, " %s", argv[1]);
    for (const wk_cli_command *const *c = program->commands; *c; c++)
        if (wk_nearer(given.s, (*c)->name, &distance))
            best = (*c)->name;
    wk_status status = WK_E_ARG;
    if (group && given.n == strlen(argv[0]))
        wk_fail(err, status, "%s needs a second word; see %s %s --help", argv[0], program->name,
                argv[0]);
    else if (best)
        wk_fail(err, status, "unknown command \"%.80s\"; did you mean \"%s\"?", given.s, best);
    else
        wk_fail(err, status, "unknown command \"%.80s\"; see %s --help", given.s, program->name);
    free(given.s);
    return status;
}

static wk_status check_n_args(const wk_cli_program *program, const wk_cli *cli, wk_err *err)
{
    const wk_cli_command *c = cli->command;
    if (cli->n_args >= c->args_min && cli->n_args <= c->args_max)
        return WK_OK;
    const char *usage = c->usage ? c->usage : "", *space = *usage ? " " : "";
    if (cli->n_args > c->args_max)
        return wk_fail(err, WK_E_ARG, "unexpected argument \"%.80s\"; usage: %s %s%s%s",
                       cli->args[c->args_max], program->name, c->name, space, usage);
    return wk_fail(err, WK_E_ARG, "an argument is missing; usage: %s %s%s%s", program->name,
                   c->name, space, usage);
}

/* `help`, `help CMD`, `GROUP --help` and the options that stand where a command would. */
static wk_status parse_without_command(const wk_cli_program *program, int argc, char **argv,
                                       wk_cli *out, wk_err *err)
{
    const char *word = argc > 0 ? argv[0] : "--help";
    out->action = WK_CLI_HELP;
    if (argc > 1 && wk_cli_is_group(program, word) &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        out->topic = word;
        return WK_OK;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return WK_OK;
    if (strcmp(word, "--version") == 0) {
        out->action = WK_CLI_VERSION;
        return WK_OK;
    }
    if (strcmp(word, "help") == 0) {
        int used = 0;
        if (argc == 1)
            return WK_OK;
        out->command = find_command(program, argc - 1, argv + 1, &used);
        if (!out->command && argc == 2 && wk_cli_is_group(program, argv[1])) {
            out->topic = argv[1];
            return WK_OK;
        }
        return out->command && used == argc - 1 ? WK_OK
                                                : unknown_command(program, argc - 1, argv + 1, err);
    }
    if (word[0] == '-')
        return wk_fail(err, WK_E_ARG, "\"%.80s\" stands before the command; write %s COMMAND %.80s",
                       word, program->name, word);
    return unknown_command(program, argc, argv, err);
}

static wk_status parse_command(const wk_cli_program *program, int argc, char **argv, wk_cli *out,
                               wk_err *err)
{
    bool only_args = false;
    for (int i = 0; i < argc; i++) {
        const char *a = argv[i];
        if (only_args || a[0] != '-' || a[1] == 0) {
            out->args[out->n_args++] = a;
        } else if (strcmp(a, "--") == 0) {
            only_args = true;
        } else if (strcmp(a, "-h") == 0) {
            out->action = WK_CLI_HELP;
        } else if (a[1] == '-') {
            WK_TRY(take_option(program, argc, argv, &i, out, err));
        } else {
            return wk_fail(err, WK_E_ARG, "unknown option %.80s; options start with two dashes", a);
        }
        /* Help is help, whatever else may be wrong on the line. */
        if (out->action == WK_CLI_HELP)
            return WK_OK;
    }
    return check_n_args(program, out, err);
}

wk_status wk_cli_parse(const wk_cli_program *program, int argc, char **argv, wk_cli *out,
                       wk_err *err)
{
    *out = (wk_cli){0};
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        out->json |= strcmp(argv[i], "--json") == 0;
    int used = 0;
    if (argc > 1)
        out->command = find_command(program, argc - 1, argv + 1, &used);
    if (!out->command)
        return parse_without_command(program, argc - 1, argv + 1, out, err);
    size_t n = (size_t)argc;
    out->args = calloc(n, sizeof *out->args);
    out->given = calloc(n, sizeof *out->given);
    out->overrides = calloc(n, sizeof *out->overrides);
    if (!out->args || !out->given || !out->overrides)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    return parse_command(program, argc - 1 - used, argv + 1 + used, out, err);
}

void wk_cli_finish(wk_cli *cli)
{
    free(cli->args);
    free(cli->given);
    free(cli->overrides);
    *cli = (wk_cli){0};
}

size_t wk_cli_n_args(const wk_cli *cli)
{
    return cli->n_args;
}

const char *wk_cli_arg(const wk_cli *cli, size_t i)
{
    WK_ASSERT(i < cli->n_args);
    return cli->args[i];
}

const char *wk_cli_option_value(const wk_cli *cli, const char *name)
{
    for (size_t i = cli->n_given; i-- > 0;)
        if (strcmp(cli->given[i].option->name, name) == 0)
            return cli->given[i].value;
    /* Asking for an option that the table lacks is a mistake of the command. */
    WK_ASSERT(find(cli->command->options, name, strlen(name)));
    return NULL;
}

bool wk_cli_flag(const wk_cli *cli, const char *name)
{
    return wk_cli_option_value(cli, name) != NULL;
}

int wk_cli_threads(const wk_cli *cli)
{
    if (cli->threads)
        return cli->threads;
    const char *omp = getenv("OMP_NUM_THREADS");
    long n = omp ? strtol(omp, NULL, 10) : 0;
    if (n >= 1 && n <= THREADS_MAX)
        return (int)n;
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    return 1;
}

bool wk_cli_json(const wk_cli *cli)
{
    return cli->json;
}

const char *const *wk_cli_overrides(const wk_cli *cli, size_t *n)
{
    *n = cli->n_overrides;
    return cli->overrides;
}
