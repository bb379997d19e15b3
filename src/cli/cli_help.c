/* What --help shows. */
#include <stdlib.h>
#include <string.h>

#include "cli_internal.h"

static void add_command_list(wk_text *out, const wk_cli_program *program, const char *group)
{
    size_t n = group ? strlen(group) : 0;
    int width = 0;
    for (const wk_cli_command *const *c = program->commands; *c; c++)
        if ((int)strlen((*c)->name) > width)
            width = (int)strlen((*c)->name);
    for (const wk_cli_command *const *c = program->commands; *c; c++)
        if (!group || (strncmp((*c)->name, group, n) == 0 && (*c)->name[n] == ' '))
            wk_text_printf(out, "  %-*s  %s\n", width, (*c)->name, (*c)->summary);
}

char *wk_cli_help_program(const wk_cli_program *program)
{
    wk_text out = {0};
    wk_text_printf(&out, "%s: %s\n\nusage: %s COMMAND [ARGUMENTS] [OPTIONS]\n\ncommands:\n",
                   program->name, program->summary, program->name);
    add_command_list(&out, program, NULL);
    wk_text_printf(
        &out,
        "\n%s COMMAND --help shows a command's options and an example; %s --version the version.\n"
        "Results go to stdout, logs to stderr. Exit code 0: done, 1: failed, 2: wrong usage or "
        "configuration.\n",
        program->name, program->name);
    return out.s;
}

char *wk_cli_help_group(const wk_cli_program *program, const char *group)
{
    wk_text out = {0};
    wk_text_printf(&out, "usage: %s %s COMMAND [ARGUMENTS] [OPTIONS]\n\ncommands:\n", program->name,
                   group);
    add_command_list(&out, program, group);
    return out.s;
}

static int option_width(const wk_cli_option *options, int width)
{
    for (; options && options->name; options++) {
        int n =
            (int)strlen(options->name) + (options->metavar ? 1 + (int)strlen(options->metavar) : 0);
        if (n > width)
            width = n;
    }
    return width;
}

static void add_options(wk_text *out, const wk_cli_option *options, int width)
{
    for (; options && options->name; options++) {
        wk_text left = {0};
        wk_text_printf(&left, "%s%s%s", options->name, options->metavar ? " " : "",
                       options->metavar ? options->metavar : "");
        wk_text_printf(out, "  --%-*s", width, left.s);
        free(left.s);
        /* Further lines of its text stand below the first. */
        for (const char *line = options->doc; line;) {
            size_t n = strcspn(line, "\n");
            wk_text_printf(out, "%*s%.*s\n", line == options->doc ? 2 : width + 6, "", (int)n,
                           line);
            line = line[n] ? line + n + 1 : NULL;
        }
    }
}

char *wk_cli_help_command(const wk_cli_program *program, const char *invoked,
                          const wk_cli_command *command)
{
    wk_text out = {0};
    const char *usage = command->usage ? command->usage : "";
    wk_text_printf(&out, "%s %s: %s\n\nusage: %s %s%s%s [OPTIONS]\n", program->name, command->name,
                   command->summary, program->name, command->name, *usage ? " " : "", usage);
    if (command->details) {
        size_t n = strlen(command->details);
        wk_text_printf(&out, "\n%s%s", command->details,
                       n && command->details[n - 1] == '\n' ? "" : "\n");
    }
    int width = option_width(wk_cli_common_options, option_width(command->options, 0));
    wk_text_add(&out, "\noptions:\n");
    add_options(&out, command->options, width);
    add_options(&out, wk_cli_common_options, width);
    if (command->example) {
        /* As this program was called, so that the line works where it is read. */
        bool named = strncmp(command->example, "wick ", 5) == 0;
        wk_text_printf(&out, "\nexample:\n  %s%s\n", named ? invoked : "",
                       command->example + (named ? 4 : 0));
    }
    return out.s;
}
