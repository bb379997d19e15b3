/* How often a thread has asked for memory: for benches that promise it does not. */
#ifndef WICK_CLI_BENCH_ALLOCATIONS_H
#define WICK_CLI_BENCH_ALLOCATIONS_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc and aligned_alloc by this thread since it began, out of anything
 * that is linked into the program itself; what a shared library asks of another is not seen. */
uint64_t wk__bench_allocations(void);

#endif
