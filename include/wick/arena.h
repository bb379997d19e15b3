/* Arenas: memory that is given out forward and returned all at once.
 *
 * A plan measures and allocates from an arena; wk_arena_freeze() then turns any later allocation
 * into a stop, so that the code which runs only computes. Not thread-safe: one arena, one owner. */
#ifndef WICK_ARENA_H
#define WICK_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"

typedef struct wk__arena_block wk__arena_block;

typedef struct {
    wk__arena_block *head; /* newest block */
    size_t used_bytes;     /* given out so far, padding included */
    bool frozen;
} wk_arena;

/* Starts an empty arena in caller's storage. Never fails. */
void wk_arena_init(wk_arena *arena);

/* Frees everything. Accepts NULL and a zeroed struct. */
void wk_arena_finish(wk_arena *arena);

/* `size_bytes` zeroed bytes aligned to 64. Stops the program when memory is out or the arena
 * frozen. */
void *wk_arena_alloc(wk_arena *arena, size_t size_bytes);

/* n elements of T, zeroed and 64-byte aligned; an overflow of n * size stops the program. */
#define wk_arena_array(arena, T, n) ((T *)wk__arena_array((arena), (n), sizeof(T)))
void *wk__arena_array(wk_arena *arena, size_t n, size_t size_bytes);

/* A copy of the string `s` that lives as long as the arena. */
char *wk_arena_strdup(wk_arena *arena, const char *s);
char *wk_arena_printf(wk_arena *arena, const char *fmt, ...) WK_PRINTF(2, 3);

/* From now on any allocation from this arena stops the program. */
void wk_arena_freeze(wk_arena *arena);

#endif
