/* Where a trader's actions go and where its events come from: a paper venue, or a real one on its
 * own threads. */
#ifndef WICK_EXECUTOR_H
#define WICK_EXECUTOR_H

#include <stdbool.h>

#include "wick/features.h"
#include "wick/journal.h"
#include "wick/trade.h"

/* Called from the trader's thread: none of these blocks, allocates or fails loudly; what goes wrong
 * comes back as an event. */
typedef struct {
    void *self;
    /* Sends an order or a cancel. False: the queue is full, try again after the next event. */
    bool (*submit)(void *self, const wk_action *action, int64_t now_ns);
    /* The next event of the venue; false: none waits. */
    bool (*poll)(void *self, wk_trader_event *out);
    /* The bars of a step that has closed, before the trader sees them, and the volatility known
     * before them [S] (paper fills by them; real venues look at nothing). */
    void (*step)(void *self, const wk_features_step *step, const double *sigma);
    /* Ends threads; what was acknowledged stays. */
    void (*close)(void *self);
    /* The next row for the journal, in order with the events: a fill's row comes right before its
     * event. False: none waits, or an event is next. NULL: the caller journals the events itself.
     */
    bool (*row)(void *self, wk_journal_record *out);
    /* Does no entry go out any more, and why [256]? NULL: it always does. */
    bool (*stopped)(void *self, char *why);
    /* Virtual time: does all there is to do before the next step. NULL: time goes by itself. */
    void (*settle)(void *self);
} wk_executor;

/* ---- the same, seen from a real venue: requests that may block, on the executor's thread ---- */

typedef enum {
    WK_REQUEST_DONE,    /* the venue accepted it (orders: it has an id) */
    WK_REQUEST_REFUSED, /* the venue said no: it will never happen */
    WK_REQUEST_UNKNOWN, /* nobody knows: ask before it is sent again */
    WK_REQUEST_LATER, /* rate limit or maintenance: not sent, or sent and certainly not done; again
                         after wait_ns */
    WK_REQUEST_STOP   /* keys, permissions, clock: nothing will work until a person mends it */
} wk_request_result;

typedef struct {
    uint64_t client_id; /* wk_order.id; written as text into the venue's client order id */
    char venue_id[64];  /* "" when unknown */
    uint32_t symbol;    /* index into the account's markets */
    int8_t side;
    uint8_t is_open; /* may still fill */
    uint8_t reduce_only;
    int64_t qty_lots, filled_lots;
    int64_t price_ticks, average_ticks; /* limit; mean price of the fills, rounded */
    int64_t stop_ticks, profit_ticks;   /* bracket as the venue holds it */
    int64_t fee_e8;
    int64_t created_ns, updated_ns;
    char state[24]; /* in the venue's words */
} wk_venue_order;

typedef struct {
    uint64_t client_id; /* 0: not ours */
    char fill_id[64], venue_order_id[64];
    uint32_t symbol;
    int8_t side;
    bool maker;
    int64_t qty_lots, price_ticks, fee_e8, time_ns;
} wk_venue_fill;

typedef struct {
    uint32_t symbol;
    int64_t qty_lots; /* signed */
    int64_t entry_ticks, liquidation_ticks, margin_e8;
} wk_venue_position;

/* Funding that was paid (negative) or got for a position. */
typedef struct {
    char id[64];
    uint32_t symbol;
    int64_t amount_e8, time_ns;
} wk_venue_funding;

/* One account at one venue. Every call blocks its thread, at most the client's time-out. `why`
 * [256] is the venue's reason in words. Lists are the callee's arrays of at most `room` entries; *n
 * says how many there are. */
typedef struct {
    void *self;
    const char *name;
    int64_t (*validity_ns)(
        void *self); /* after so long an order that was not seen cannot appear any more */
    wk_request_result (*place)(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why);
    wk_request_result (*cancel)(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why);
    /* DONE with out->is_open and fills; REFUSED: the venue has never seen it. */
    wk_request_result (*query)(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why);
    wk_request_result (*open_orders)(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why);
    wk_request_result (*fills)(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why);
    /* NULL: none is paid here. */
    wk_request_result (*funding)(void *self, int64_t since_ns, wk_venue_funding *out, size_t room,
                                 size_t *n, char *why);
    wk_request_result (*positions)(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why);
    wk_request_result (*balance)(void *self, int64_t *cash_e8, int64_t *equity_e8, char *why);
    wk_request_result (*leverage)(void *self, uint32_t symbol, double leverage, char *why);
    /* Moves a position's stop; stop_ticks 0 leaves it. */
    wk_request_result (*protect)(void *self, uint32_t symbol, int64_t stop_ticks,
                                 int64_t profit_ticks, char *why);
    /* Dead-man switch where the venue has one: cancels all orders unless renewed; 0 disarms. */
    wk_request_result (*deadman)(void *self, int64_t timeout_ns, char *why);
    wk_request_result (*clock)(void *self, int64_t *venue_minus_ours_ns, int64_t *tolerance_ns,
                               char *why);
    /* The private stream: what it says goes to `fill` and `order` from its own thread until closed;
     * NULL: polling only. */
    wk_status (*stream)(void *self, void *ctx, void (*order)(void *ctx, const wk_venue_order *),
                        void (*fill)(void *ctx, const wk_venue_fill *), void (*lost)(void *ctx),
                        wk_err *err);
    void (*close)(void *self);
    /* True: place() takes stop_ticks and profit_ticks along and the venue keeps them. False: after
     * fills the executor puts one resting stop a position through protect_lots. */
    bool has_brackets;
    /* One stop-loss order of its own for a position of so many lots (signed; 0 cancels it), with
     * this client id; it replaces what rests under other ids. `is_new`: the id was never sent, so
     * it may be placed. Else the order rests, and is kept or amended in place; REFUSED when it does
     * not: it may have filled, and the fills have to be read before another is placed. NULL where
     * has_brackets. */
    wk_request_result (*protect_lots)(void *self, uint32_t symbol, int64_t lots, int64_t stop_ticks,
                                      uint64_t client_id, bool is_new, int64_t *wait_ns, char *why);
} wk_account;

/* fee_e8 of a fill whose fee the private stream does not tell: fills() will. */
#define WK_FEE_NOT_TOLD INT64_MIN

#endif
