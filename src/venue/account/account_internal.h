/* What the accounts share: exact sizes and prices, JSON, reactions, and the pure builders and
 * readers of requests and replies. */
#ifndef WICK_VENUE_ACCOUNT_INTERNAL_H
#define WICK_VENUE_ACCOUNT_INTERNAL_H

#include "json_scan.h"
#include "wick/account.h"
#include "wick/http.h"
#include "wick/sign.h"
#include "wick/text.h"

enum { WK__WHY = 256, WK__CLIENT_ID = 19 };

/* ---- client ids: "wk" and 16 hex digits ---- */

void wk__client_id_text(uint64_t id, char out[WK__CLIENT_ID]);
/* 0: not one of ours. */
uint64_t wk__client_id_read(const char *text);

/* ---- exact sizes and prices ---- */

typedef struct {
    const wk_instrument *instrument;
    wk_decimal tick, lot;   /* the bot's */
    int64_t lots_per_unit;  /* bot's lots in the venue's size step */
    int64_t ticks_per_step; /* bot's ticks in the venue's price step */
    int leverage;
} wk__market;

WK_MUST_CHECK wk_status wk__market_init(const wk_account_market *market, wk__market *out,
                                        wk_err *err);
/* The venue's size of at most so many lots, as text; *rounded_lots is what it comes to. False when
 * it is below the minimum or does not fit: `why` says so. */
bool wk__market_size(const wk__market *m, int64_t lots, char out[40], int64_t *rounded_lots,
                     char why[WK__WHY]);
/* The price rounded to the venue's step: direction -1 down, 1 up, 0 nearest. */
bool wk__market_price(const wk__market *m, int64_t ticks, int direction, char out[40],
                      char why[WK__WHY]);
/* Back: lots of a size in the venue's units (exact, or false); ticks of a price (nearest). */
bool wk__market_lots(const wk__market *m, wk_decimal size, int64_t *lots);
bool wk__market_ticks(const wk__market *m, wk_decimal price, int64_t *ticks);
/* Counts of 1e-8, away from zero. */
bool wk__cash_e8(wk_decimal amount, int64_t *out);
/* Is lots * ticks at least this much quote? */
bool wk__market_cost_at_least(const wk__market *m, int64_t lots, int64_t ticks, wk_decimal least);

/* ---- JSON ---- */

typedef struct {
    wk__json json;
    wk__json_token *tokens;
} wk__doc;

/* False: not JSON. `text` is borrowed until wk__reply_close. */
bool wk__reply_open(const char *text, size_t n, wk__doc *out);
void wk__reply_close(wk__doc *doc);
/* A member, or WK__JSON_ABSENT (also when null, or when it stands there twice). */
uint32_t wk__reply_get(const wk__doc *doc, uint32_t object, const char *name);
bool wk__reply_kind(const wk__doc *doc, uint32_t token, wk__json_kind kind);
bool wk__reply_text(const wk__doc *doc, uint32_t object, const char *name, char *out, size_t size);
bool wk__reply_token_text(const wk__doc *doc, uint32_t token, char *out, size_t size);
/* Numbers, bare or as strings. */
bool wk__reply_decimal(const wk__doc *doc, uint32_t object, const char *name, wk_decimal *out);
bool wk__reply_int(const wk__doc *doc, uint32_t object, const char *name, int64_t *out);
bool wk__reply_true(const wk__doc *doc, uint32_t object, const char *name);
/* Children of an array: for (t = wk__reply_first(d, a); t != WK__JSON_ABSENT; t =
 * wk__reply_after(d, a, t)). Of an object they are key and value in turn. */
uint32_t wk__reply_first(const wk__doc *doc, uint32_t container);
uint32_t wk__reply_after(const wk__doc *doc, uint32_t container, uint32_t child);

/* ---- reactions (reactions.c holds the table) ---- */

typedef enum { WK__VENUE_DELTA, WK__VENUE_KRAKEN } wk__venue;

typedef struct {
    wk_request_result result;
    int64_t wait_ns; /* LATER and UNKNOWN: not before */
    bool clock;      /* ask the venue for its time before anything is signed again */
    char why[WK__WHY];
} wk__reaction;

/* What an exchange means. status 0: no reply; `sent`: it may have arrived. retry_after_ns -1: none
 * told. */
wk__reaction wk__react(wk__venue venue, int status, bool sent, int64_t retry_after_ns,
                       const char *body, size_t n, int64_t now_ns);
/* One error by its name alone, as private streams tell it. */
wk__reaction wk__react_code(wk__venue venue, const char *code, int64_t now_ns);

/* ---- Delta ---- */

typedef struct {
    char method[8];
    wk_text target, body; /* path with query; JSON */
} wk__request;
void wk__request_finish(wk__request *r);

/* False with `why`: refused locally. *lots is what the order comes to at the venue. */
bool wk__delta_place(const wk__market *m, const wk_order *order, wk__request *out, int64_t *lots,
                     char why[WK__WHY]);
void wk__delta_cancel(const wk__market *m, uint64_t client_id, wk__request *out);
void wk__delta_query(uint64_t client_id, wk__request *out);
/* kind: "orders" (open ones), "orders/history", "fills", "wallet/transactions" (of no markets);
 * after: cursor or "". */
void wk__delta_list(const char *kind, const wk__market *markets, size_t n, int64_t since_ns,
                    const char *after, wk__request *out);
bool wk__delta_protect(const wk__market *m, int side, int64_t stop_ticks, int64_t profit_ticks,
                       wk__request *out, char why[WK__WHY]);
void wk__delta_leverage(const wk__market *m, double leverage, wk__request *out);

/* Readers: `object` of a reply's document. False: a field is missing or odd. */
bool wk__delta_order(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                     wk_venue_order *out);
bool wk__delta_fill(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                    wk_venue_fill *out);
/* An entry of the wallet's transactions; *is_funding: of a market of ours, and `out` holds it. */
bool wk__delta_funding(const wk__doc *doc, uint32_t object, const wk__market *markets, size_t n,
                       wk_venue_funding *out, bool *is_funding);
bool wk__delta_position(const wk__doc *doc, uint32_t object, const wk__market *m,
                        wk_venue_position *out);
/* One frame of the private stream: what it was. */
typedef enum {
    WK__FRAME_OTHER,
    WK__FRAME_LOGGED_IN,
    WK__FRAME_REFUSED, /* the login, or a channel: `why` */
    WK__FRAME_ORDERS,
    WK__FRAME_FILLS,
    WK__FRAME_HEARTBEAT,
    WK__FRAME_BROKEN
} wk__frame_kind;
typedef struct {
    void *ctx;
    void (*order)(void *ctx, const wk_venue_order *order);
    void (*fill)(void *ctx, const wk_venue_fill *fill);
} wk__frame_sink;
wk__frame_kind wk__delta_frame(const char *text, size_t n, const wk__market *markets,
                               size_t n_markets, const wk__frame_sink *sink, char why[WK__WHY]);
void wk__delta_login(const wk_keys *keys, int64_t now_ns, wk_text *out);
void wk__delta_subscribe(const wk__market *markets, size_t n, wk_text *out);

/* ---- Kraken spot: bodies without the nonce, which goes in front ---- */

bool wk__kraken_place(const wk__market *m, const wk_order *order, int64_t deadline_ns,
                      bool validate, wk_text *out, int64_t *lots, char why[WK__WHY]);
bool wk__kraken_stop(const wk__market *m, int64_t lots, int64_t stop_ticks, uint64_t client_id,
                     int64_t deadline_ns, bool validate, wk_text *out, char why[WK__WHY]);
/* A new whole size and trigger of a stop that rests and has not begun to fill; `side` is its own.
 */
bool wk__kraken_amend_stop(const wk__market *m, int64_t lots, int side, int64_t stop_ticks,
                           uint64_t client_id, int64_t deadline_ns, wk_text *out,
                           char why[WK__WHY]);
/* `object` is an entry of OpenOrders, ClosedOrders or QueryOrders under `txid`. */
bool wk__kraken_order(const wk__doc *doc, uint32_t object, const char *txid,
                      const wk__market *markets, size_t n, wk_venue_order *out);
bool wk__kraken_fill(const wk__doc *doc, uint32_t object, const char *trade_id,
                     const wk__market *markets, size_t n, wk_venue_fill *out);
wk__frame_kind wk__kraken_frame(const char *text, size_t n, const wk__market *markets,
                                size_t n_markets, int64_t *sequence, const wk__frame_sink *sink,
                                char why[WK__WHY]);
void wk__kraken_subscribe(const char *token, wk_text *out);

/* The market whose instrument matches; n when none does. */
size_t wk__market_by_product(const wk__market *markets, size_t n, int64_t product_id,
                             const char *symbol);
size_t wk__market_by_name(const wk__market *markets, size_t n, const char *name);

/* Seconds with a fraction ("1688666559.8974"), and ISO times with up to 9 digits. */
bool wk__seconds_ns(wk_decimal seconds, int64_t *ns);
bool wk__iso_ns(const char *text, int64_t *ns);

#endif
