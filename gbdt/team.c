#include "team.h"

#include <omp.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#define LOW 0xffffffffu
#define SPINS 2000 /* pauses before a waiting thread offers its core to others */
#define YIELDS 500 /* offers before an idle helper sleeps */
#define SLEEP_NS 50000

struct wk__gbdt_team {
    /* The job's number in the upper half, tasks not yet taken in the lower: taking one is a single
     * exchange that cannot mix two jobs up. */
    _Alignas(64) _Atomic uint64_t ticket;
    _Alignas(64) atomic_size_t n_done;
    _Alignas(64) size_t n_tasks; /* the job: written while no task is to be had */
    wk__gbdt_task_fn task;
    void *context;
    int threads;
    atomic_int stop;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Takes tasks until none is left. */
static size_t work(wk__gbdt_team *team)
{
    size_t n = 0;
    uint64_t ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    while (ticket & LOW) {
        if (!atomic_compare_exchange_weak_explicit(&team->ticket, &ticket, ticket - 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        team->task(team->context, team->n_tasks - (size_t)(ticket & LOW));
        atomic_fetch_add_explicit(&team->n_done, 1, memory_order_release);
        n++;
        ticket = atomic_load_explicit(&team->ticket, memory_order_acquire);
    }
    return n;
}

static void help(wk__gbdt_team *team)
{
    size_t idle = 0;
    while (!atomic_load_explicit(&team->stop, memory_order_acquire)) {
        if (work(team) > 0) {
            idle = 0;
        } else if (++idle < SPINS) {
            relax();
        } else if (idle < SPINS + YIELDS) {
            sched_yield();
        } else {
            nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS}, NULL);
        }
    }
}

void wk__gbdt_team_run(wk__gbdt_team *team, size_t n_tasks, wk__gbdt_task_fn task, void *context)
{
    if (team->threads == 1 || n_tasks <= 1) {
        for (size_t i = 0; i < n_tasks; i++)
            task(context, i);
        return;
    }
    team->n_tasks = n_tasks;
    team->task = task;
    team->context = context;
    atomic_store_explicit(&team->n_done, 0, memory_order_relaxed);
    uint64_t job = (atomic_load_explicit(&team->ticket, memory_order_relaxed) >> 32) + 1;
    atomic_store_explicit(&team->ticket, job << 32 | n_tasks, memory_order_release);
    work(team);
    size_t waited = 0;
    while (atomic_load_explicit(&team->n_done, memory_order_acquire) < n_tasks) {
        if (++waited < SPINS)
            relax();
        else
            sched_yield();
    }
}

void wk__gbdt_team_with(int threads, void (*body)(wk__gbdt_team *team, void *context),
                        void *context)
{
    wk__gbdt_team team = {.threads = threads < 1 ? 1 : threads};
    if (team.threads == 1) {
        body(&team, context);
        return;
    }
#pragma omp parallel num_threads(team.threads)
    {
        if (omp_get_thread_num() == 0) {
            body(&team, context);
            atomic_store_explicit(&team.stop, 1, memory_order_release);
        } else {
            help(&team);
        }
    }
}
