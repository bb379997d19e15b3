/* Running wick itself in a test. */
#ifndef VENUE_PROGRAM_H
#define VENUE_PROGRAM_H

#include <stdint.h>

/* Runs the program with its output in `log`, killing it after kill_ms unless that is 0. Returns the
 * exit status, -1 when it was killed. */
int program_run(char *const *arguments, const char *log, int64_t kill_ms);
/* Prints what a program wrote. */
void program_show(const char *log);
/* Removes a folder and all in it. */
void program_wipe(const char *path);

#endif
