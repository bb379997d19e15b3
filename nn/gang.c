#include "nn/gang.h"

void wk__gang_init(wk__gang *gang)
{
    *gang = (wk__gang){0};
    pthread_mutex_init(&gang->lock, NULL);
    pthread_cond_init(&gang->work, NULL);
    pthread_cond_init(&gang->done, NULL);
}

void wk__gang_finish(wk__gang *gang)
{
    pthread_mutex_destroy(&gang->lock);
    pthread_cond_destroy(&gang->work);
    pthread_cond_destroy(&gang->done);
}

/* Takes indices until none is left; the lock is held on entry and on return. */
static void take_all(wk__gang *gang, size_t worker)
{
    while (gang->next < gang->n) {
        size_t i = gang->next++;
        pthread_mutex_unlock(&gang->lock);
        gang->run(gang->context, i, worker);
        pthread_mutex_lock(&gang->lock);
        if (++gang->finished == gang->n)
            pthread_cond_signal(&gang->done);
    }
}

void wk__gang_run(wk__gang *gang, size_t n, void (*run)(void *context, size_t i, size_t worker),
                  void *context)
{
    pthread_mutex_lock(&gang->lock);
    gang->run = run;
    gang->context = context;
    gang->n = n;
    gang->next = gang->finished = 0;
    pthread_cond_broadcast(&gang->work);
    take_all(gang, 0);
    while (gang->finished < gang->n)
        pthread_cond_wait(&gang->done, &gang->lock);
    pthread_mutex_unlock(&gang->lock);
}

void wk__gang_help(wk__gang *gang, size_t worker)
{
    pthread_mutex_lock(&gang->lock);
    while (!gang->closed) {
        take_all(gang, worker);
        if (!gang->closed)
            pthread_cond_wait(&gang->work, &gang->lock);
    }
    pthread_mutex_unlock(&gang->lock);
}

void wk__gang_close(wk__gang *gang)
{
    pthread_mutex_lock(&gang->lock);
    gang->closed = true;
    pthread_cond_broadcast(&gang->work);
    pthread_mutex_unlock(&gang->lock);
}
