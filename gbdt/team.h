/* Parallel loops of training. OpenMP provides the threads; tasks are handed out by a counter and
 * the caller works along, so a thread that the machine has taken away holds up nothing but its own
 * task: barriers collapse on a shared machine. Which thread takes a task never matters to the
 * result. */
#ifndef WICK_GBDT_TEAM_H
#define WICK_GBDT_TEAM_H

#include <stddef.h>

typedef struct wk__gbdt_team wk__gbdt_team;
typedef void (*wk__gbdt_task_fn)(void *context, size_t task);

/* Runs body(team, context) on the calling thread with threads - 1 helpers. */
void wk__gbdt_team_with(int threads, void (*body)(wk__gbdt_team *team, void *context),
                        void *context);

/* Runs tasks 0..n_tasks-1 and returns when all are done. Called from body only, not from a task. */
void wk__gbdt_team_run(wk__gbdt_team *team, size_t n_tasks, wk__gbdt_task_fn task, void *context);

#endif
