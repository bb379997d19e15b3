/* The threads that keep what comes out of the path: bars, values and instruments into the fresh
 * store, messages into the recording. The path's thread only fills their rings. */
#ifndef WICK_VENUE_KEEPER_H
#define WICK_VENUE_KEEPER_H

#include "wick/fresh.h"
#include "wick/live.h"

/* ---- the store ---- */

typedef struct wk__keeper wk__keeper;

typedef void (*wk__stored)(void *ctx, const wk_live_market *market, const wk_live_bar *bar);

/* `fresh` and `live` (for the markets' names) are borrowed. */
WK_MUST_CHECK wk_status wk__keeper_open(wk_fresh *fresh, const wk_live *live, wk__stored stored,
                                        void *ctx, wk__keeper **out, wk_err *err);
void wk__keeper_bar(wk__keeper *keeper, const wk_live_bar *bar);
void wk__keeper_value(wk__keeper *keeper, uint32_t market, const char *name, int64_t time_ns,
                      int64_t known_ns, double value);
void wk__keeper_instrument(wk__keeper *keeper, uint32_t market, const wk_instrument *instrument);
/* Bars that are safe on disk. Any thread. */
uint64_t wk__keeper_stored(const wk__keeper *keeper);
/* Stores what waits, then ends; *n_stored is all that it stored. WK_E_IO when something could not
 * be stored. */
wk_status wk__keeper_finish(wk__keeper *keeper, uint64_t *n_stored, wk_err *err);

/* The key of a series' cursor: the open time of its next bar. */
void wk__keeper_cursor_key(const wk_live_market *market, int64_t timeframe_ns, char out[128]);

/* ---- the recording ---- */

typedef struct wk__tape wk__tape;

WK_MUST_CHECK wk_status wk__tape_open(const char *dir, const wk_live *live, wk__tape **out,
                                      wk_err *err);
/* connection -1: "wick". */
void wk__tape_put(wk__tape *tape, int64_t receive_ns, int connection, char direction,
                  const char *bytes, size_t n);
void wk__tape_close(wk__tape *tape);

#endif
