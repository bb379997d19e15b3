/* The state of every order, and what the files of the executor share. */
#ifndef WICK_BOT_EXECUTOR_LIVE_INTERNAL_H
#define WICK_BOT_EXECUTOR_LIVE_INTERNAL_H

#include "executor_live.h"

typedef enum {
    WK__LIVE_PLANNED,  /* not sent, or sent and certainly not done */
    WK__LIVE_UNKNOWN,  /* sent, and nobody knows */
    WK__LIVE_WORKING,  /* the venue has it; partly filled when filled_lots > 0 */
    WK__LIVE_SETTLING, /* over at the venue, its fills are not all here yet */
    WK__LIVE_FILLED,   /* ends */
    WK__LIVE_CANCELLED,
    WK__LIVE_REFUSED
} wk__live_state;

typedef struct {
    wk_order order;
    uint64_t parent; /* an exit of the executor's own: the entry's id, else 0 */
    char venue_id[64];
    wk__live_state state;
    int64_t filled_lots, venue_filled_lots;
    int64_t first_sent_ns, sent_ns; /* of the first and of the newest attempt */
    int64_t doubt_ns; /* the first attempt that the venue may have taken unsaid; 0: there is none */
    int64_t next_ns, backoff_ns;
    int attempts, unseen;
    bool cancel_wanted, expired, recovered, orphan;
} wk__live_order;

typedef struct {
    int64_t position;    /* as the fills add up */
    int64_t entry_ticks; /* of the newest fill that added */
    bool is_held; /* a fill of it waits for its order to be found: later ones wait behind it */
    int64_t stop_ticks, profit_ticks;
    uint64_t entry_id; /* newest order that opened or added */
    /* venues without brackets: the stop as it rests there */
    int64_t stop_lots, stop_at_ticks, stop_next_ns;
    uint64_t stop_id, stop_number;
    /* n_reads when it was last taken away or seen to be gone: exits and the next stop wait for a
     * newer look at the fills. */
    uint64_t stop_gone;
    int64_t stop_gone_ns;
    /* Of the stop that went: asked for until the venue has said how much of it filled, and waited
     * for until the fills say the same. */
    bool stop_asked;
    int64_t stop_told_lots, stop_filled_lots;
    bool stop_unsure;
    bool stop_new;        /* stop_id was certainly never taken by the venue */
    bool stop_fresh;      /* the next one needs an id of its own: the last one's may have filled */
    bool stop_told;       /* that there is none, as an alert */
    int64_t held_ns;      /* until when something was held, when nothing is */
    double leverage;      /* as last set at the venue; 0: not yet */
    int64_t foreign_lots; /* of other hands: what the venue holds beyond `position` */
} wk__live_symbol;

typedef struct {
    uint64_t id, parent;
    uint32_t symbol;
    uint64_t venue_order; /* digest of the venue's id; 0: never told */
} wk__live_stop_id;

/* What a fill took whose order was not known then: it may turn out to be a stop's. */
typedef struct {
    uint64_t venue_order; /* digest; 0: none, or found since */
    int64_t lots;
} wk__live_unowned;

enum {
    WK__LIVE_UNOWNED = 64,
    WK__LIVE_STOPS = 256,
    WK__LIVE_KEPT = 1024,
    WK__LIVE_FILLS = 4096,
    WK__LIVE_FUNDING = 1024
};

/* An event, and how many rows were put before it. */
typedef struct {
    wk_trader_event event;
    uint64_t rows;
} wk__live_said;

struct wk__live {
    wk_executor_live_options options;
    const wk_account *account;
    wk__live_symbol *symbols; /* [S] */
    wk__live_order *orders;
    size_t n_orders, room_orders;
    wk__live_stop_id stops[WK__LIVE_STOPS];
    size_t n_stops;
    wk__live_unowned unowned[WK__LIVE_UNOWNED]; /* the newest */
    size_t n_unowned;
    uint64_t *seen; /* digests of fill ids, open addressing, 0 empty */
    size_t n_seen, room_seen;
    wk_venue_fill *fills; /* [WK__LIVE_FILLS] */
    int64_t fills_from_ns, fills_read_ns, fills_tried_ns, fills_next_ns;
    bool fills_wanted, fills_deferred;
    uint64_t n_reads; /* of the fills */
    wk__live_said *events;
    size_t n_events, room_events, first_event;
    uint64_t rows_put, rows_taken; /* since the start */
    wk_journal_record *rows;
    size_t n_rows, room_rows, first_row;
    size_t n_missed;
    int64_t audit_ns; /* when the resting stops are looked at again, though nothing changed */
    bool audited;     /* once since the start, those of flat markets too */
    bool stopped;
    char why_stopped[256];
    wk_venue_funding *funding; /* [WK__LIVE_FUNDING] */
    int64_t funding_from_ns, funding_next_ns;
    int64_t deadman_next_ns; /* when the dead-man switch is renewed or tried again */
    bool deadman_armed, deadman_failed;
};

int64_t wk__live_now(const wk__live *live);
void wk__live_say(wk__live *live, const wk_trader_event *event);
void wk__live_row_put(wk__live *live, const wk_journal_record *row);
void wk__live_state_row(wk__live *live, const wk__live_order *o, const char *state,
                        const char *text);
void wk__live_stop_trading(wk__live *live, const char *why);
bool wk__live_over(const wk__live_order *o);
/* The order ends when all its fills are here. */
void wk__live_settle(wk__live *live, wk__live_order *o);
wk__live_order *wk__live_add(wk__live *live, const wk_order *order);
/* Has this id of the venue been applied, by us or a run before? It has been after this. */
bool wk__live_known(wk__live *live, const char *id);
/* Reads what funding was paid, now and then while something is held; true when a request was made.
 */
bool wk__live_funding(wk__live *live);
/* Applies a fill once; false: whose it is cannot be said yet. */
bool wk__live_fill(wk__live *live, const wk_venue_fill *fill);
void wk__live_read_fills(wk__live *live);
/* The venue has named the order of the stop `id`: fills that bear only that name are the stop's,
 * those that were booked before it was known too. */
void wk__live_stop_named(wk__live *live, uint64_t id, const char *venue_id);
/* What is believed of the resting stops is checked at the venue; `all`: of flat markets too. */
void wk__live_doubt_stops(wk__live *live, bool all);
/* The stop that rests under this id is ours: of the last run. */
void wk__live_adopt_stop(wk__live *live, uint32_t symbol, uint64_t id);
/* Makes the resting stop what it should be; true when a request was made. */
bool wk__live_protect(wk__live *live, int64_t *next_ns);
/* The stop that rests is not the one that should, at a venue without brackets. */
bool wk__live_wants_stop(const wk__live *live, uint32_t s);
/* Every position has its stop, as far as anybody knows. */
bool wk__live_stops_settled(const wk__live *live);
/* How much the last stop filled is known, and its fills are here. */
bool wk__live_stop_settled(const wk__live *live, uint32_t s);
/* Arms, renews or disarms the dead-man switch; true when a request was made. */
bool wk__live_deadman(wk__live *live, int64_t *next_ns);
/* A position that is not at the venue any more, though no fill says so, is booked as left. */
void wk__live_lost_position(wk__live *live, uint32_t symbol, int64_t there_lots);
bool wk__live_exit_may_go(wk__live *live, const wk__live_order *o);

/* For the log. */
const char *wk__live_market_name(const wk__live *live, uint32_t s);
const char *wk__live_result_word(wk_request_result result);

#endif
