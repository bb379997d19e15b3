/* Arenas for fuzzing: each piece is its own block of exact size, so that a read past it is seen. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/arena.h"

struct wk__arena_block {
    wk__arena_block *next;
    void *memory;
};

void wk_arena_init(wk_arena *arena)
{
    *arena = (wk_arena){0};
}

void wk_arena_finish(wk_arena *arena)
{
    while (arena && arena->head) {
        wk__arena_block *b = arena->head;
        arena->head = b->next;
        free(b->memory);
        free(b);
    }
}

void *wk_arena_alloc(wk_arena *arena, size_t size_bytes)
{
    wk__arena_block *b = malloc(sizeof *b);
    WK_ASSERT(b);
    *b = (wk__arena_block){arena->head, NULL};
    if (posix_memalign(&b->memory, 64, size_bytes ? size_bytes : 1))
        abort();
    memset(b->memory, 0, size_bytes);
    arena->head = b;
    return b->memory;
}

void *wk__arena_array(wk_arena *arena, size_t n, size_t size_bytes)
{
    WK_ASSERT(size_bytes == 0 || n <= SIZE_MAX / 2 / size_bytes);
    return wk_arena_alloc(arena, n * size_bytes);
}

char *wk_arena_strdup(wk_arena *arena, const char *s)
{
    const size_t n = strlen(s) + 1;
    return memcpy(wk_arena_alloc(arena, n), s, n);
}

char *wk_arena_printf(wk_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    WK_ASSERT(n >= 0);
    char *text = wk_arena_alloc(arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void wk_arena_freeze(wk_arena *arena)
{
    arena->frozen = true;
}
