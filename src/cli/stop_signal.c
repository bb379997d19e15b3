#include "stop_signal.h"

#include <stddef.h>

atomic_bool wk__stop;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&wk__stop, true);
}

void wk__stop_on(int signal_number)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigaction(signal_number, &action, NULL);
}

void wk__stop_on_signals(void)
{
    wk__stop_on(SIGINT);
    wk__stop_on(SIGTERM);
}
