/* Which columns may meet on a path. As XGBoost has it: below a split on f a node may use what its
 * path used already and every set that holds the whole path; a column of no set can be used with
 * itself only. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "train.h"

static wk_status bad(wk_err *err, const char *text, size_t at, const char *what)
{
    return wk_fail(
        err, WK_E_CONFIG,
        "interaction_constraints \"%.60s\": %s at character %zu; write \"[[0, 1], [2, 3]]\"", text,
        what, at);
}

static size_t skip(const char *text, size_t at)
{
    while (isspace((unsigned char)text[at]))
        at++;
    return at;
}

wk_status wk__gbdt_interactions_parse(const char *text, size_t n_cols, wk_arena *arena,
                                      wk__gbdt_interactions *out, wk_err *err)
{
    *out = (wk__gbdt_interactions){.words = (n_cols + 63) / 64};
    size_t at = text ? skip(text, 0) : 0, n_sets = 0;
    if (!text || !text[at])
        return WK_OK;
    for (const char *c = text; *c; c++)
        n_sets += *c == '[';
    uint64_t *sets = wk_arena_array(arena, uint64_t, n_sets * out->words);
    memset(sets, 0, n_sets * out->words * sizeof *sets);
    if (text[at] != '[')
        return bad(err, text, at, "no [");
    at = skip(text, at + 1);
    size_t n = 0;
    while (text[at] == '[') {
        at = skip(text, at + 1);
        while (text[at] != ']') {
            char *end;
            unsigned long long column = strtoull(text + at, &end, 10);
            if (!isdigit((unsigned char)text[at]))
                return bad(err, text, at, "no column");
            if (column >= n_cols)
                return wk_fail(err, WK_E_CONFIG, "interaction_constraints names column %llu of %zu",
                               column, n_cols);
            sets[n * out->words + column / 64] |= (uint64_t)1 << column % 64;
            at = skip(text, (size_t)(end - text));
            if (text[at] == ',')
                at = skip(text, at + 1);
            else if (text[at] != ']')
                return bad(err, text, at, "no , or ]");
        }
        n++;
        at = skip(text, at + 1);
        if (text[at] == ',')
            at = skip(text, at + 1);
    }
    if (text[at] != ']' || text[skip(text, at + 1)])
        return bad(err, text, at, "no end");
    out->n_sets = n;
    out->sets = sets;
    return WK_OK;
}

void wk__gbdt_interactions_allowed(const wk__gbdt_interactions *in, const uint64_t *used,
                                   size_t n_cols, uint8_t *allowed)
{
    bool any = false;
    for (size_t i = 0; i < in->words; i++)
        any |= used[i] != 0;
    for (size_t f = 0; f < n_cols; f++)
        allowed[f] = !any || (used[f / 64] >> f % 64 & 1);
    for (size_t s = 0; any && s < in->n_sets; s++) {
        const uint64_t *set = in->sets + s * in->words;
        bool whole = true;
        for (size_t i = 0; i < in->words; i++)
            whole &= (used[i] & ~set[i]) == 0;
        for (size_t f = 0; whole && f < n_cols; f++)
            allowed[f] |= (uint8_t)(set[f / 64] >> f % 64 & 1);
    }
}
