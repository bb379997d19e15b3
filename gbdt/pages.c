#include "pages.h"

#include <stdint.h>
#include <sys/mman.h>

#define HUGE ((size_t)1 << 21)
#define SMALL (HUGE / 2)

void wk__gbdt_pages_init(wk__gbdt_pages *pages)
{
    *pages = (wk__gbdt_pages){.n = 0};
    wk_arena_init(&pages->arena);
}

void wk__gbdt_pages_finish(wk__gbdt_pages *pages)
{
    for (size_t i = 0; i < pages->n; i++)
        munmap(pages->at[i], pages->size_bytes[i]);
    wk_arena_finish(&pages->arena);
    pages->n = 0;
}

void *wk__gbdt_pages_alloc(wk__gbdt_pages *pages, size_t n, size_t size_bytes)
{
    WK_ASSERT(size_bytes == 0 || n <= SIZE_MAX / 4 / size_bytes);
    size_t wanted = n * size_bytes;
    if (wanted < SMALL || pages->n == WK__GBDT_PAGES_MAX)
        return wk__arena_array(&pages->arena, n, size_bytes);
    /* One huge page more, so that the array can start on the boundary of one. */
    size_t mapped = (wanted + HUGE - 1) / HUGE * HUGE + HUGE;
    char *at = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WK_ASSERT(at != MAP_FAILED);
    pages->at[pages->n] = at;
    pages->size_bytes[pages->n++] = mapped;
    char *aligned = at + (HUGE - (uintptr_t)at % HUGE) % HUGE;
#ifdef MADV_HUGEPAGE
    /* A refusal changes speed only. */
    (void)madvise(aligned, mapped - HUGE, MADV_HUGEPAGE);
#endif
    return aligned;
}
