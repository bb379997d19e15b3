/* The flag by which signals end a command that runs until it is told to stop. */
#ifndef WICK_CLI_STOP_SIGNAL_H
#define WICK_CLI_STOP_SIGNAL_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

extern atomic_bool wk__stop;

/* From here on the signal sets the flag, once: a second one ends the program in the usual way. */
void wk__stop_on(int signal_number);
/* On SIGINT and SIGTERM. */
void wk__stop_on_signals(void);

#endif
