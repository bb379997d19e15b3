#include "wick/loop.h"

static void run(int threads, size_t n, void (*turn)(void *context, size_t i), void *context)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (size_t i = 0; i < n; i++)
        turn(context, i);
}

wk_loop wk_loop_openmp(int threads)
{
    return (wk_loop){.threads = threads > 1 ? threads : 1, .run = run};
}
