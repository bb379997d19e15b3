#include "nn/batch.h"

#include "wick/rng.h"

/* The counted span of a sequence; false when nothing counts. */
static bool span(const wk_nn_sequence *s, bool valid, size_t *first, size_t *last)
{
    const uint8_t *mask = valid ? s->in_valid : s->in_train;
    bool any = false;
    for (size_t t = 0; mask && t < s->T; t++)
        if (mask[t]) {
            *first = any ? *first : t;
            *last = t;
            any = true;
        }
    return any;
}

void wk__cut_build(wk_arena *arena, const wk_nn_sequence *sequences, size_t n_sequences, bool valid,
                   size_t rows, size_t length_min, size_t warmup, bool warm_all, wk__cut *out)
{
    size_t total = 0, first = 0, last = 0;
    for (size_t i = 0; i < n_sequences; i++)
        if (span(&sequences[i], valid, &first, &last))
            total += last + 1 - first;
    wk__cut cut = {.pieces = wk_arena_array(arena, wk__piece, n_sequences + rows)};
    for (size_t i = 0; i < n_sequences; i++) {
        if (!span(&sequences[i], valid, &first, &last))
            continue;
        size_t length = last + 1 - first;
        /* Rounded down: all sequences together give at most `rows` + n_sequences pieces. */
        size_t n = (size_t)((double)length * (double)rows / (double)total + 1e-9);
        size_t most = length / (length_min ? length_min : 1);
        n = n > most ? most : n;
        n = n ? n : 1;
        for (size_t k = 0; k < n; k++) {
            size_t begin = first + length * k / n, end = first + length * (k + 1) / n;
            size_t warm = k == 0 || warm_all ? (begin < warmup ? begin : warmup) : 0;
            cut.pieces[cut.n_pieces++] = (wk__piece){i, begin - warm, end, begin};
        }
    }
    size_t wide = cut.n_pieces < rows ? cut.n_pieces : rows;
    cut.n_rows = (wide + WK__BLOCK_ROWS - 1) / WK__BLOCK_ROWS * WK__BLOCK_ROWS;
    *out = cut;
}

void wk__batch_build(wk_arena *arena, const wk__cut *cut, wk__batch *out)
{
    *out = (wk__batch){.cut = cut,
                       .order = wk_arena_array(arena, size_t, cut->n_pieces),
                       .rows = wk_arena_array(arena, wk__row, cut->n_rows)};
}

void wk__batch_start(wk__batch *batch, uint64_t seed, uint64_t stream)
{
    const size_t n = batch->cut->n_pieces;
    for (size_t i = 0; i < n; i++)
        batch->order[i] = i;
    for (size_t i = n; stream && i > 1; i--) {
        size_t j = (size_t)wk_rng_below(seed, stream, i, i), swap = batch->order[j];
        batch->order[j] = batch->order[i - 1];
        batch->order[i - 1] = swap;
    }
    batch->next = 0;
    for (size_t r = 0; r < batch->cut->n_rows; r++)
        batch->rows[r] = (wk__row){0};
}

size_t wk__batch_next(wk__batch *batch, size_t T_max)
{
    size_t longest = 0;
    for (size_t r = 0; r < batch->cut->n_rows; r++) {
        wk__row *row = &batch->rows[r];
        row->at += row->n;
        row->fresh = false;
        if (!row->piece || row->at == row->piece->end) {
            bool more = batch->next < batch->cut->n_pieces;
            row->piece = more ? &batch->cut->pieces[batch->order[batch->next++]] : NULL;
            row->at = more ? row->piece->begin : 0;
            row->fresh = more;
        }
        size_t left = row->piece ? row->piece->end - row->at : 0;
        row->n = left < T_max ? left : T_max;
        longest = row->n > longest ? row->n : longest;
    }
    return longest;
}
