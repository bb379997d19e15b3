/* The linker sends the program's calls through here (--wrap): a count a thread, nothing else. */
#include "bench_allocations.h"

#include <stddef.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);

static _Thread_local uint64_t count;

uint64_t wk__bench_allocations(void)
{
    return count;
}

void *__wrap_malloc(size_t n)
{
    count++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    count++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    count++;
    return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
    count++;
    return __real_aligned_alloc(align, n);
}
