/* Large arrays of training in huge pages where the system offers them: rows are read in the order
 * of a node's list, and with small pages each read would miss the address cache too. */
#ifndef WICK_GBDT_PAGES_H
#define WICK_GBDT_PAGES_H

#include <stddef.h>

#include "wick/arena.h"

#define WK__GBDT_PAGES_MAX 32

typedef struct {
    wk_arena arena; /* for what is small */
    void *at[WK__GBDT_PAGES_MAX];
    size_t size_bytes[WK__GBDT_PAGES_MAX], n;
} wk__gbdt_pages;

void wk__gbdt_pages_init(wk__gbdt_pages *pages);
void wk__gbdt_pages_finish(wk__gbdt_pages *pages);

/* n zeroed elements of T, aligned to 64 bytes at least. Stops the program when memory is out. */
#define wk__gbdt_pages_array(pages, T, n) ((T *)wk__gbdt_pages_alloc((pages), (n), sizeof(T)))
void *wk__gbdt_pages_alloc(wk__gbdt_pages *pages, size_t n, size_t size_bytes);

#endif
