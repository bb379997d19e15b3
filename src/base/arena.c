#include "wick/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks grow with what the arena has given out: many small arenas stay small, and a large one has
 * few blocks. */
enum { ALIGN = 64, BLOCK_MIN = 1 << 12, BLOCK_MAX = 1 << 16 };

struct wk__arena_block {
    wk__arena_block *previous;
    size_t capacity, used; /* bytes after the header */
};

/* The header takes one alignment unit, so that the bytes after it are aligned. */
_Static_assert(sizeof(struct wk__arena_block) <= ALIGN, "block header exceeds the alignment unit");

void wk_arena_init(wk_arena *arena)
{
    *arena = (wk_arena){0};
}

void wk_arena_finish(wk_arena *arena)
{
    if (!arena)
        return;
    for (wk__arena_block *b = arena->head; b;) {
        wk__arena_block *previous = b->previous;
        free(b);
        b = previous;
    }
    *arena = (wk_arena){0};
}

static wk__arena_block *add_block(wk_arena *arena, size_t need)
{
    size_t usual = arena->used_bytes / ALIGN * ALIGN;
    usual = usual < BLOCK_MIN ? BLOCK_MIN : usual > BLOCK_MAX ? BLOCK_MAX : usual;
    size_t capacity = need > usual ? need : usual;
    wk__arena_block *b = aligned_alloc(ALIGN, ALIGN + capacity), *head = arena->head;
    WK_ASSERT(b && "out of memory");
    *b = (wk__arena_block){.capacity = capacity};
    /* What fills a block alone goes behind the newest, whose rest is still good. */
    wk__arena_block **place =
        head && capacity == need && head->capacity > head->used ? &head->previous : &arena->head;
    b->previous = *place;
    *place = b;
    return b;
}

void *wk_arena_alloc(wk_arena *arena, size_t size_bytes)
{
    WK_ASSERT(!arena->frozen);
    WK_ASSERT(size_bytes <= SIZE_MAX / 2);
    size_t need = (size_bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (need == 0)
        need = ALIGN;
    wk__arena_block *b = arena->head;
    if (!b || b->capacity - b->used < need)
        b = add_block(arena, need);
    char *p = (char *)b + ALIGN + b->used;
    b->used += need;
    arena->used_bytes += need;
    memset(p, 0, need);
    return p;
}

void *wk__arena_array(wk_arena *arena, size_t n, size_t size_bytes)
{
    WK_ASSERT(size_bytes == 0 || n <= SIZE_MAX / 2 / size_bytes);
    return wk_arena_alloc(arena, n * size_bytes);
}

char *wk_arena_strdup(wk_arena *arena, const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(wk_arena_alloc(arena, n), s, n);
}

char *wk_arena_printf(wk_arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    WK_ASSERT(fmt);
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    WK_ASSERT(n >= 0);
    char *s = wk_arena_alloc(arena, (size_t)n + 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    return s;
}

void wk_arena_freeze(wk_arena *arena)
{
    arena->frozen = true;
}
