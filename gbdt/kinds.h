/* Splits by category in a plan.
 *
 * A kind is a feature that is split by category. Its categories that are in any set have codes from
 * 1 on, all others 0; the code after the last is a missing value. For each code and part there are
 * the nodes that send it right, which a row's byte comparisons are joined with: the nodes' own
 * cuts are 255, which no byte exceeds. */
#ifndef WICK_GBDT_KINDS_H
#define WICK_GBDT_KINDS_H

#include "gbdt/forest.h"

#define WK__GBDT_KINDS_MAX 64
#define WK__GBDT_CODES_MAX 254 /* 0, these and the missing value are a byte */

typedef struct {
    uint32_t feature, n_codes, n_categories;
    uint8_t *code;   /* [n_categories] */
    uint64_t *right; /* [n_codes + 2][n_blocks * 4] */
} wk__gbdt_kind;

/* A node of a part that splits by category. */
typedef struct {
    uint32_t part, feature;
    const wk__gbdt_set *set;
    uint8_t node;
    bool default_left;
} wk__gbdt_kind_node;

typedef struct wk__gbdt_kinds {
    size_t n, n_nodes, n_parts;
    wk__gbdt_kind *kind;
    wk__gbdt_kind_node *nodes; /* by kind */
    uint32_t *first_node;      /* [n + 1] nodes of a kind: the first, and one behind */
} wk__gbdt_kinds;

/* Takes the nodes over, in the arena. NULL where a feature has too many categories or the tables
 * would be too large. */
const wk__gbdt_kinds *wk__gbdt_kinds_make(wk_arena *arena, const wk__gbdt_kind_node *nodes,
                                          size_t n_nodes, size_t n_parts);

static inline bool wk__gbdt_set_has(const wk__gbdt_set *set, uint32_t category)
{
    return category / 32 < set->n_words && (set->words[category / 32] >> category % 32 & 1);
}

/* The first category of the set from `from` on; UINT32_MAX when there is none. */
static inline uint32_t wk__gbdt_set_next(const wk__gbdt_set *set, uint32_t from)
{
    for (uint32_t w = from / 32; w < set->n_words; w++) {
        uint32_t word = set->words[w] & (w == from / 32 ? UINT32_MAX << from % 32 : UINT32_MAX);
        if (word)
            return 32 * w + (uint32_t)__builtin_ctz(word);
    }
    return UINT32_MAX;
}

/* XGBoost's rule: a fraction is cut off; what is negative or too large is in no set. */
static inline uint32_t wk__gbdt_code_of(const wk__gbdt_kind *kind, float x)
{
    if (x != x)
        return kind->n_codes + 1;
    if (!(x > -1 && x < (float)0x1p24))
        return 0;
    uint32_t category = (uint32_t)(x > 0 ? x : 0);
    return category < kind->n_categories ? kind->code[category] : 0;
}

/* For each kind the nodes of all parts that send a row right: rows [n]. */
static inline void wk__gbdt_kinds_of_row(const wk__gbdt_kinds *kinds, const float *row,
                                         const uint64_t **right)
{
    for (size_t k = 0; k < kinds->n; k++) {
        const wk__gbdt_kind *kind = &kinds->kind[k];
        right[k] = kind->right + wk__gbdt_code_of(kind, row[kind->feature]) * kinds->n_parts;
    }
}

#endif
