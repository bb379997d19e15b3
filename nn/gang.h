/* Threads that work on the blocks of a batch together.
 *
 * The threads themselves are OpenMP's, in one region around a whole training; between batches the
 * helpers sleep on a condition variable. A barrier of OpenMP spins instead, which on a machine with
 * other work costs ten times the training itself; here the caller waits for blocks that were begun,
 * never for threads that are not running. */
#ifndef WK_NN_GANG_H
#define WK_NN_GANG_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    void (*run)(void *context, size_t i, size_t worker);
    void *context;
    size_t n, next, finished;
    bool closed;
} wk__gang;

void wk__gang_init(wk__gang *gang);
void wk__gang_finish(wk__gang *gang);
/* Calls run(context, i, worker) for i in 0..n-1, each once, in the caller (worker 0) and all
 * helpers; returns when all are done. What a call computes must not depend on the worker: it only
 * says whose scratch is free. */
void wk__gang_run(wk__gang *gang, size_t n, void (*run)(void *context, size_t i, size_t worker),
                  void *context);
/* The life of helper `worker` >= 1: works until wk__gang_close. */
void wk__gang_help(wk__gang *gang, size_t worker);
void wk__gang_close(wk__gang *gang);

#endif
