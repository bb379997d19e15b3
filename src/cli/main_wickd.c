/* wickd: the commands of the small box. It links the infer halves only; a test reads its NEEDED
 * list.
 */
#include <malloc.h>

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

/* Memory is what a small machine lacks: one heap for all threads, whose large pieces go back to the
 * system as soon as they are freed. glibc would otherwise raise that limit with the first large
 * piece that is freed, and give every thread a heap of its own. Nothing allocates where time
 * matters. */
static void be_frugal(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 1 << 16);
    mallopt(M_TRIM_THRESHOLD, 1 << 16);
    mallopt(M_TOP_PAD, 1 << 14);
}

int main(int argc, char **argv)
{
    be_frugal();
    static const wk_cli_program program = {"wickd", "the part of wick that runs on a small machine",
                                           commands};
    return wk_cli_main(&program, argc, argv);
}
