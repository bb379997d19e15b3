/* A bot's journal, for readers: opened read-only while the bot may still write it. */
#ifndef WICK_OPS_JOURNAL_READ_H
#define WICK_OPS_JOURNAL_READ_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/ledger.h"

/* Opens DIR/journal.sqlite or the file itself; a damaged file or a newer version is refused. The
 * caller closes with sqlite3_close. `path` (may be NULL) receives what was opened, PATH_MAX bytes.
 */
WK_MUST_CHECK wk_status wk_ops_journal_open(const char *dir_or_file, sqlite3 **out, char *path,
                                            wk_err *err);

/* A round trip as the fills add up; not closed: what the open position has cost so far. */
typedef struct {
    wk_trade trade; /* symbol: index into the markets; only entry_ns and side while it is open */
    bool closed;
    int64_t fees_e8; /* fees and slippage of all its fills */
    int64_t first_seq, last_seq;
    char entry_order[24], model[24]; /* hex of the first fill's order and of its signal's model */
    /* Name and timeframe of the experiment whose model decided the entry, whatever its version;
     * "manual": a person forced it; "": no signal of this bot, or of one that did not say. */
    char strategy[64];
} wk_ops_trip;

typedef struct {
    int64_t id;
    char venue[32], symbol[32];
    double tick, lot;
} wk_ops_market;

typedef struct {
    size_t n_markets, n_trips;
    wk_ops_market *markets;
    wk_ops_trip *trips; /* in the order they opened */
} wk_ops_trips;

/* All round trips of the journal. On success wk_ops_trips_finish frees; it accepts a zeroed one. */
WK_MUST_CHECK wk_status wk_ops_trips_read(sqlite3 *db, wk_ops_trips *out, wk_err *err);
void wk_ops_trips_finish(wk_ops_trips *trips);

#endif
