/* How sequences become batches: cut into pieces of about equal length, which run side by side as
 * the rows of a batch. A row carries its state from chunk to chunk through its piece, then takes
 * the next piece with a fresh state. */
#ifndef WK_NN_BATCH_H
#define WK_NN_BATCH_H

#include "nn/net.h"
#include "wick/nn.h"

typedef struct {
    size_t sequence, begin, end;
    size_t count_from; /* bars before it warm the state up, outside the loss */
} wk__piece;

typedef struct {
    wk__piece *pieces;
    size_t n_pieces, n_rows; /* rows: a multiple of WK__BLOCK_ROWS */
} wk__cut;

/* What a row does in the current chunk. */
typedef struct {
    const wk__piece *piece; /* NULL: idle */
    size_t at, n;           /* bars [at, at + n) of the sequence */
    bool fresh;             /* its state must be reset first */
} wk__row;

typedef struct {
    const wk__cut *cut;
    size_t *order; /* of the pieces */
    size_t next;
    wk__row *rows; /* [n_rows] */
} wk__batch;

/* Cuts what lies between the first and the last bar of `mask` (the sequences' in_train or in_valid)
 * into about `rows` pieces, none shorter than length_min bars unless its sequence is. `warmup` bars
 * before each sequence's first counted bar run along; with `warm_all` every piece has its own
 * warm-up. */
void wk__cut_build(wk_arena *arena, const wk_nn_sequence *sequences, size_t n_sequences, bool valid,
                   size_t rows, size_t length_min, size_t warmup, bool warm_all, wk__cut *out);
void wk__batch_build(wk_arena *arena, const wk__cut *cut, wk__batch *out);
/* Starts a pass over all pieces, in an order drawn from (seed, stream); stream 0: in order. */
void wk__batch_start(wk__batch *batch, uint64_t seed, uint64_t stream);
/* Moves all rows to their next chunk of at most T_max bars; returns its longest row, 0 at the end.
 */
size_t wk__batch_next(wk__batch *batch, size_t T_max);

#endif
