/* An open account: its transport, keys, markets and private stream. */
#ifndef WICK_VENUE_ACCOUNT_H
#define WICK_VENUE_ACCOUNT_H

#include <pthread.h>
#include <stdatomic.h>

#include "account_internal.h"
#include "wick/websocket.h"

enum { WK__KNOWN = 1024, WK__LIST_CHUNK = 10 };
/* A venue's clock beyond this (the year 2116) is none: sums of times must not overflow. */
#define WK__CLOCK_MAX_NS (INT64_C(1) << 62)

typedef struct {
    uint64_t client_id;
    char venue_id[64];
} wk__known;

typedef struct {
    wk_account_options options; /* its strings are not kept beyond open, but for the copies below */
    wk__venue venue;
    char name[24], rest[256], stream_url[512];
    wk_keys keys;
    wk_http *http;
    wk_nonce *nonce; /* Kraken */
    /* Kraken: one signed request at a time, from its nonce to its answer. The stream's thread makes
     * some too, and a nonce that overtakes another on the way gets that one refused. */
    pthread_mutex_t sending;
    wk__market *markets;
    size_t n_markets;
    _Atomic int64_t offset_ns;  /* venue's clock minus ours, as last measured */
    wk__known known[WK__KNOWN]; /* Kraken: transaction ids of our orders */
    size_t n_known;
    bool has_heartbeat, validate; /* Delta: the dead-man switch is made */
    /* private stream */
    wk_websocket *socket;
    atomic_bool has_socket; /* its thread may use it */
    void *stream_ctx;
    void (*on_order)(void *ctx, const wk_venue_order *);
    void (*on_fill)(void *ctx, const wk_venue_fill *);
    void (*on_lost)(void *ctx);
    int64_t heard_ns, retry_ns, retry_wait_ns, sequence;
    bool connected, connecting, logged_in;
    char token[256];      /* Kraken: of the next connection */
    wk_http *stream_http; /* Kraken: tokens are fetched by the stream's thread */
} wk__account;

/* One signed exchange. On DONE the reply's document is open and `result` is its token; the caller
 * closes both with wk__exchange_finish, whatever came. */
typedef struct {
    wk_http_response response;
    wk__doc doc;
    uint32_t result;
    int64_t wait_ns;
    int status;
} wk__exchange;

void wk__exchange_finish(wk__exchange *e);
wk_request_result wk__delta_send(wk__account *a, const wk__request *request, wk__exchange *e,
                                 char *why);
/* `fields` begins with '&' or is empty. */
wk_request_result wk__kraken_send(wk__account *a, wk_http *http, const char *path,
                                  const char *fields, wk__exchange *e, char *why);
/* The venue's time minus ours, from the Date header or a field; 0 when unknown. */
int64_t wk__account_now(const wk__account *a);

void wk__delta_account(wk__account *a, wk_account *out);
void wk__kraken_account(wk__account *a, wk_account *out);
WK_MUST_CHECK wk_status wk__stream_open(void *self, void *ctx,
                                        void (*order)(void *ctx, const wk_venue_order *),
                                        void (*fill)(void *ctx, const wk_venue_fill *),
                                        void (*lost)(void *ctx), wk_err *err);
void wk__account_close(void *self);

#endif
