/* Loops of independent turns. The infer halves start no threads; a caller that has some lends them
 * here. */
#ifndef WICK_LOOP_H
#define WICK_LOOP_H

#include <stddef.h>

typedef struct {
    int threads;
    /* Calls turn(context, i) once for each i in [0, n), in any order and on any thread, and returns
     * when all are done. NULL: in order, on the caller's thread. */
    void (*run)(int threads, size_t n, void (*turn)(void *context, size_t i), void *context);
} wk_loop;

/* A turn writes what no other turn reads, so the results do not depend on the loop. */
static inline void wk_loop_run(const wk_loop *loop, size_t n, void (*turn)(void *context, size_t i),
                               void *context)
{
    if (loop->run) {
        loop->run(loop->threads, n, turn, context);
        return;
    }
    for (size_t i = 0; i < n; i++)
        turn(context, i);
}

/* OpenMP's threads, as many as given; in the library of the model's train half. */
wk_loop wk_loop_openmp(int threads);

#endif
