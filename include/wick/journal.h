/* The journal of a bot, SQLite in WAL mode: signals, decisions, orders and their life, fills,
 * positions, equity, model versions, alerts. The trader's thread only copies fixed records into a
 * ring; a thread of the journal's own writes them and says how far they are durable. */
#ifndef WICK_JOURNAL_H
#define WICK_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"
#include "wick/trade.h"

typedef struct wk_journal wk_journal;

/* Creates or opens it; a journal of a newer version or a damaged one is refused. `run` names this
 * start of the bot. */
WK_MUST_CHECK wk_status wk_journal_open(const char *path, wk_journal **out, wk_err *err);
/* Writes what waits, then closes. */
void wk_journal_close(wk_journal *journal);

typedef enum {
    WK_JOURNAL_SIGNAL,   /* a forecast that a decision was made on */
    WK_JOURNAL_DECISION, /* what the trader did or did not, and why */
    WK_JOURNAL_ORDER, /* an order or cancel that is about to be sent: entries need it durable first
                       */
    WK_JOURNAL_ORDER_STATE,
    WK_JOURNAL_FILL,
    WK_JOURNAL_POSITION,
    WK_JOURNAL_EQUITY,
    WK_JOURNAL_FUNDING,
    WK_JOURNAL_MODEL, /* a model began or stopped to serve */
    WK_JOURNAL_ALERT,
    WK_JOURNAL_NOTE /* starts, stops, reconciliations, overrides: text */
} wk_journal_kind;

typedef struct {
    int32_t kind;    /* wk_journal_kind */
    uint32_t market; /* index, see wk_journal_market */
    int64_t time_ns;
    uint64_t order_id;
    uint64_t inputs_digest, model_version;
    int8_t side;
    uint8_t order_kind, reason, reduce_only, maker;
    int64_t qty_lots, price_ticks, stop_ticks, profit_ticks, expires_ns;
    int64_t amount_e8, fee_e8, equity_e8, cash_e8;
    int64_t slippage_e8; /* part of fee_e8 */
    double leverage;     /* ORDER: isolated margin that it asks for; 0: none */
    double score, threshold, sigma, p[3], magnitude, volatility;
    char state[24];    /* ORDER_STATE: sent acked working partial filled cancelled expired refused
                          unknown */
    char venue_id[64]; /* venue's order or fill id */
    char text[200];    /* reason, note, alert; SIGNAL: the strategy, see wk_ops_trip */
} wk_journal_record;

/* Any one thread. Returns the record's sequence number (from 1), or 0 when the ring is full (disk
 * stalled): the caller then makes no entry; exits are sent all the same and put again later. Never
 * blocks or allocates. */
uint64_t wk_journal_put(wk_journal *journal, const wk_journal_record *record);
/* The same without waking the journal's thread, for several in a row; wk_journal_wake follows. */
uint64_t wk_journal_put_quiet(wk_journal *journal, const wk_journal_record *record);
void wk_journal_wake(wk_journal *journal);
/* Is there room for many more? What can be left out stays out while there is not. */
bool wk_journal_has_room(const wk_journal *journal);
/* All records up to this number survive a crash. */
uint64_t wk_journal_durable(const wk_journal *journal);
/* Blocks until then, for start-up and tests; WK_E_IO with the reason when the disk refuses. */
WK_MUST_CHECK wk_status wk_journal_sync(wk_journal *journal, wk_err *err);
/* What stops it from writing (full disk), "" when nothing does. Any thread; `out` 256 bytes. */
void wk_journal_problem(const wk_journal *journal, char out[256]);

/* Names a market for the rows; the same index in every call. Blocks. */
WK_MUST_CHECK wk_status wk_journal_market(wk_journal *journal, uint32_t index, const char *venue,
                                          const char *symbol, const wk_trade_instrument *instrument,
                                          wk_err *err);

/* The same of a journal that is only read: this market's units as it was traded go to `out`. */
WK_MUST_CHECK wk_status wk_journal_units(wk_journal *journal, uint32_t index, const char *symbol,
                                         wk_trade_instrument *out, wk_err *err);

/* ---- recovery: what the journal believes at start-up ---- */

typedef struct {
    wk_journal_record order; /* the newest ORDER row of this id */
    char state[24];          /* newest state, "" when it was never sent as far as anyone knows */
    int64_t filled_lots;
    bool cancel_wanted;
} wk_journal_open_order;

typedef struct {
    uint32_t market;
    int64_t qty_lots, entry_ticks, stop_ticks, profit_ticks;
    int64_t realised_e8;
    double leverage;   /* of the entry order; 0: none asked for */
    uint64_t entry_id; /* newest order that opened or added */
} wk_journal_position;

/* Orders whose newest state is not final, and positions that are not flat, as the fills add up. The
 * caller frees both. */
WK_MUST_CHECK wk_status wk_journal_recover(wk_journal *journal, wk_journal_open_order **orders,
                                           size_t *n_orders, wk_journal_position **positions,
                                           size_t *n_positions, int64_t *cash_e8, wk_err *err);
/* A number that stays with the journal ("initial_cash_e8"); WK_E_NOT_FOUND when it was never set.
 */
WK_MUST_CHECK wk_status wk_journal_number(wk_journal *journal, const char *key, int64_t *value,
                                          wk_err *err);
WK_MUST_CHECK wk_status wk_journal_set_number(wk_journal *journal, const char *key, int64_t value,
                                              wk_err *err);

/* Every row of these kinds (bits 1 << wk_journal_kind) in the order in which they were journalled.
 * Of a fill, `score` is that of the signal behind its order. The market is
 * UINT32_MAX where the bot no longer has it. */
typedef void (*wk_journal_take)(void *ctx, const wk_journal_record *record, uint64_t seq);
WK_MUST_CHECK wk_status wk_journal_read(wk_journal *journal, unsigned kinds, wk_journal_take take,
                                        void *ctx, wk_err *err);
/* Paper: a step that was interrupted is played again, so its rows after `seq` (signals, orders,
 * fills, funding) are taken back. Before the first put. */
WK_MUST_CHECK wk_status wk_journal_rewind(wk_journal *journal, uint64_t seq, wk_err *err);

/* Has this fill or funding been journalled? Both are unique by venue id. */
WK_MUST_CHECK wk_status wk_journal_has_fill(wk_journal *journal, const char *fill_id, bool *has,
                                            wk_err *err);

#endif
