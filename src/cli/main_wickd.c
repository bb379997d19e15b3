/* wickd: the commands of the small box. It links the infer halves only; a test reads its NEEDED
 * list.
 */
#include "cli_internal.h"

/* Sorted by name, as in main.c. */
#define COMMANDS(X)                                                                                \
    X(config)                                                                                      \
    X(ctl)                                                                                         \
    X(doctor)                                                                                      \
    X(explain)                                                                                     \
    X(fetch)                                                                                       \
    X(journal_export)                                                                              \
    X(journal_show)                                                                                \
    X(live)                                                                                        \
    X(paper)                                                                                       \
    X(predict)                                                                                     \
    X(publish)                                                                                     \
    X(record)                                                                                      \
    X(replay)                                                                                      \
    X(serve)

#define DECLARE(name) extern const wk_cli_command wk_cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &wk_cmd_##name,
static const wk_cli_command *const commands[] = {COMMANDS(ENTRY) NULL};

int main(int argc, char **argv)
{
    static const wk_cli_program program = {"wickd", "the part of wick that runs on a small machine",
                                           commands};
    return wk_cli_main(&program, argc, argv);
}
