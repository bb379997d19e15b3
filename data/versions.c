/* The history of one bar: which versions of it became known, in which order. */
#include <string.h>

#include "fresh_internal.h"

int wk__provenance_strength(uint8_t provenance)
{
    switch (provenance) {
    case WK_PROV_TRADED:
    case WK_PROV_CONFIRMED_EMPTY:
        return 3;
    case WK_PROV_REPAIRED:
        return 2;
    case WK_PROV_IMPUTED:
        return 1;
    default:
        return 0;
    }
}

int wk__same_version(const wk_fresh_bar *a, const wk_fresh_bar *b)
{
    return a->provenance == b->provenance && memcmp(&a->bar, &b->bar, sizeof a->bar) == 0;
}

/* By arrival. Two that arrived at once cannot be told apart by it: the stronger, then the one with
 * more volume (a candle grows), then any fixed order comes last, so that the result is one. */
static int version_order(const wk_fresh_bar *a, const wk_fresh_bar *b)
{
    if (a->arrival_ns != b->arrival_ns)
        return a->arrival_ns < b->arrival_ns ? -1 : 1;
    int x = wk__provenance_strength(a->provenance), y = wk__provenance_strength(b->provenance);
    if (x != y)
        return x - y;
    if (a->bar.volume != b->bar.volume)
        return a->bar.volume < b->bar.volume ? -1 : 1;
    int order = memcmp(&a->bar, &b->bar, sizeof a->bar);
    return order != 0 ? order : (int)a->provenance - (int)b->provenance;
}

size_t wk__versions_settle(wk_fresh_bar *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        wk_fresh_bar moved = v[i];
        size_t k = i;
        for (; k > 0 && version_order(&moved, &v[k - 1]) < 0; k--)
            v[k] = v[k - 1];
        v[k] = moved;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && (wk__same_version(&v[i], &v[kept - 1]) ||
                         wk__provenance_strength(v[i].provenance) <
                             wk__provenance_strength(v[kept - 1].provenance)))
            continue;
        v[kept++] = v[i];
    }
    return kept;
}

static int value_order(const wk_fresh_value *a, const wk_fresh_value *b)
{
    if (a->known_ns != b->known_ns)
        return a->known_ns < b->known_ns ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

size_t wk__values_settle(wk_fresh_value *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        wk_fresh_value moved = v[i];
        size_t k = i;
        for (; k > 0 && value_order(&moved, &v[k - 1]) < 0; k--)
            v[k] = v[k - 1];
        v[k] = moved;
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || v[i].value != v[kept - 1].value)
            v[kept++] = v[i];
    return kept;
}
