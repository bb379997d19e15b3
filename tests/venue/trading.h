/* The trading side of a venue: one account behind signed calls and private streams. */
#ifndef VENUE_TRADING_H
#define VENUE_TRADING_H

#include "engine.h"
#include "server.h"
#include "trade_schema.h"

typedef struct {
    market_instrument instrument; /* its texts live in `words` */
    char words[10][24];
    engine_point *path;
    size_t n_path;
} traded;

struct trading {
    venue *v;
    int is_kraken;
    engine e;
    traded markets[ENGINE_MARKETS_MAX];
    char key[128], secret[160], token[64];
    int64_t token_ns;
    int64_t clock_ns; /* virtual time: the newest signed timestamp */
    uint64_t nonce;   /* the newest */
    size_t n_signed;
    char heartbeat[72];
    double counter; /* Kraken's calls */
    int64_t counter_ns;
    int64_t outage_until_ns, outage_requests, outage_since_ns;
    int64_t n_requests_refused;
    const schema_call *call; /* of the request at hand */
    json_t *said;            /* what it says */
};
typedef struct trading trading;

/* NULL and a message when the candles cannot be read. The markets come from them, or else are the
 * protocol's own. */
trading *trading_open(venue *v, char *error, size_t error_size);
/* Once the venue's own markets are made. */
void trading_begin(venue *v);
void trading_close(trading *t);
int64_t trading_now(const venue *v); /* of virtual time */
/* Whether the request is for the trading side. */
int trading_owns(const request *r);
void trading_serve(request *r);
/* During an outage nothing answers: 1 cuts the connection. */
int trading_refuses(request *r);
void trading_advance(trading *t, int64_t now_ns);
/* The fault of a placed order: a share first. */
void trading_partial(request *r, engine_order *want);

int traded_named(trading *t, const char *name); /* -1: unknown */
int traded_with_id(trading *t, int64_t product_id);
/* Reads the candles of a file into a path. */
int candles_read(traded *m, const char *file, int is_kraken, char *error, size_t error_size);
void traded_words(traded *m, const char *name, int is_kraken);

/* "12.30" into units of 10^-decimals; 0 when it has more decimals than that. */
int units_of(const char *text_of, int decimals, int64_t *out);
/* A decimal as venues write it: without zeros at the end. */
const char *short_of(int64_t units, int decimals, char out[40]);
const char *fixed_of(int64_t units, int decimals, char out[40]);
json_t *json_short(int64_t units, int decimals);
json_t *json_fixed(int64_t units, int decimals);
/* The object as the whole reply. */
void reply_json(request *r, json_t *taken);

void delta_trade(request *r, trading *t);
void kraken_trade(request *r, trading *t);
json_t *delta_order(trading *t, const engine_order *o);
json_t *delta_position(trading *t, int which, int is_margined);
const char *kraken_txid(char first, uint64_t id, char out[24]);

/* Private streams: 1 when the message was for them. */
int delta_stream_received(session *s, json_t *message);
void delta_stream_tick(session *s);
int kraken_stream_received(session *s, json_t *message);
void kraken_stream_tick(session *s);
void stream_push(session *s, const char *channel, json_t *taken);

/* Everything there is to know, for comparison. */
json_t *trading_state(venue *v);
/* Writes it to the state file, where there is one. */
void trading_write(venue *v);

#endif
