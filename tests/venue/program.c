#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void pause_ms(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

int program_run(char *const *arguments, const char *log, int64_t kill_ms)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(out, 1);
        dup2(out, 2);
        execv(arguments[0], arguments);
        _exit(127);
    }
    int status = 0;
    if (kill_ms > 0) {
        pause_ms(kill_ms);
        kill(child, SIGKILL);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void program_show(const char *log)
{
    char line[512];
    FILE *file = fopen(log, "r");
    while (file && fgets(line, sizeof line, file))
        print_error("%s", line);
    if (file)
        fclose(file);
}

void program_wipe(const char *path)
{
    char command[160];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
}
