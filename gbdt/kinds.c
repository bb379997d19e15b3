#include "kinds.h"

#include <stdlib.h>
#include <string.h>

#define CATEGORIES_MAX ((size_t)1 << 20)
#define BYTES_MAX ((size_t)64 << 20) /* of all tables together */

static int by_feature(const void *a, const void *b)
{
    const wk__gbdt_kind_node *x = a, *y = b;
    if (x->feature != y->feature)
        return x->feature < y->feature ? -1 : 1;
    if (x->part != y->part)
        return x->part < y->part ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

/* Codes for the categories that some set of nodes [n] holds; false when there are too many. */
static bool give_codes(wk_arena *arena, const wk__gbdt_kind_node *nodes, size_t n,
                       wk__gbdt_kind *kind)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++)
        most = nodes[i].set->n_words > most ? nodes[i].set->n_words : most;
    if (32 * most > CATEGORIES_MAX)
        return false;
    kind->n_categories = (uint32_t)(32 * most);
    kind->code = wk_arena_array(arena, uint8_t, 32 * most + 1);
    for (size_t i = 0; i < n; i++) {
        const wk__gbdt_set *set = nodes[i].set;
        for (uint32_t c = 0; (c = wk__gbdt_set_next(set, c)) != UINT32_MAX; c++)
            kind->code[c] = 1;
    }
    for (uint32_t c = 0; c < kind->n_categories; c++) {
        if (!kind->code[c])
            continue;
        if (kind->n_codes == WK__GBDT_CODES_MAX)
            return false;
        kind->code[c] = (uint8_t)++kind->n_codes;
    }
    return true;
}

static void mark_right(const wk__gbdt_kind_node *node, size_t n_parts, wk__gbdt_kind *kind)
{
    uint64_t bit = (uint64_t)1 << node->node, *right = kind->right + node->part;
    for (uint32_t c = 0; (c = wk__gbdt_set_next(node->set, c)) != UINT32_MAX; c++)
        right[kind->code[c] * n_parts] |= bit;
    if (!node->default_left)
        right[(kind->n_codes + 1) * n_parts] |= bit;
}

const wk__gbdt_kinds *wk__gbdt_kinds_make(wk_arena *arena, const wk__gbdt_kind_node *nodes,
                                          size_t n_nodes, size_t n_parts)
{
    wk__gbdt_kinds *kinds = wk_arena_array(arena, wk__gbdt_kinds, 1);
    size_t bytes = 0;
    kinds->n_nodes = n_nodes;
    kinds->n_parts = n_parts;
    kinds->nodes = wk_arena_array(arena, wk__gbdt_kind_node, n_nodes + 1);
    kinds->kind = wk_arena_array(arena, wk__gbdt_kind, WK__GBDT_KINDS_MAX);
    kinds->first_node = wk_arena_array(arena, uint32_t, WK__GBDT_KINDS_MAX + 1);
    memcpy(kinds->nodes, nodes, n_nodes * sizeof *nodes);
    qsort(kinds->nodes, n_nodes, sizeof *nodes, by_feature);
    for (size_t at = 0, end; at < n_nodes; at = end) {
        for (end = at; end < n_nodes && kinds->nodes[end].feature == kinds->nodes[at].feature;)
            end++;
        if (kinds->n == WK__GBDT_KINDS_MAX)
            return NULL;
        wk__gbdt_kind *kind = &kinds->kind[kinds->n];
        kind->feature = kinds->nodes[at].feature;
        if (!give_codes(arena, kinds->nodes + at, end - at, kind))
            return NULL;
        bytes += (kind->n_codes + 2) * n_parts * sizeof *kind->right;
        if (bytes > BYTES_MAX)
            return NULL;
        kind->right = wk_arena_array(arena, uint64_t, (kind->n_codes + 2) * n_parts);
        for (size_t i = at; i < end; i++)
            mark_right(&kinds->nodes[i], n_parts, kind);
        kinds->first_node[++kinds->n] = (uint32_t)end;
    }
    return kinds;
}
