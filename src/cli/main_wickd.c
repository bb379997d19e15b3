/* wickd: the commands of the small box. It links the infer halves only; a test reads its NEEDED list. */
#include "cli_internal.h"

#define COMMANDS(X) \
    X(doctor)       \
    X(predict)

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
