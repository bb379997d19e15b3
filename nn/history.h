/* The last `past` bars of a signal and the chunk after them, in one contiguous piece: a window over
 * time is then a constant stride. Room for one more chunk is kept behind, so that rows move rarely.
 * State: [16 numbers, the first is the cursor in bars] [capacity, B, ld]. */
#ifndef WK_NN_HISTORY_H
#define WK_NN_HISTORY_H

#include "nn/layer.h"

size_t wk__history_n(size_t past, size_t B, size_t ld, size_t T_max);
void wk__history_reset(size_t past, const wk__run *run, size_t ld, wk_real *state, size_t row);
/* Appends x [T, B, ld] and returns the bar `past` before it. */
wk_real *wk__history_push(size_t past, const wk__run *run, size_t ld, wk_real *state,
                          const wk_real *x, size_t T);
/* The same place for the chunk pushed last. */
wk_real *wk__history_chunk(size_t past, const wk__run *run, size_t ld, wk_real *state, size_t T);
/* The last `past` bars. */
wk_real *wk__history_last(size_t past, const wk__run *run, size_t ld, wk_real *state);

#endif
