/* What the venues' protocol files share: one request, one WebSocket session, and the complaints. */
#ifndef VENUE_SERVER_H
#define VENUE_SERVER_H

#include <jansson.h>
#include <pthread.h>

#include "fault.h"
#include "text.h"
#include "venue.h"
#include "wire.h"

#define PARAMS_MAX 24
#define MARKETS_MAX 24
#define SUBSCRIPTIONS_MAX 256

typedef struct {
    double tokens;
    int64_t at_ms;
    int is_open;
} rate_bucket;

typedef struct request request;
typedef struct session session;

typedef struct {
    const char *name;
    const market_instrument *instruments;
    size_t n_instruments;
    void (*serve)(request *r);
    /* WebSocket: NULL where the venue here has none. All are called with the venue's lock held. */
    void (*opened)(session *s);
    void (*received)(session *s, json_t *message);
    void (*tick)(session *s, int64_t now_ns);
    const char *status_body; /* of an error status */
    int64_t connections_ms;  /* 150 WebSockets may be opened in this time */
} protocol;

extern const protocol protocol_kraken, protocol_kraken_futures, protocol_delta, protocol_amberdata;

struct venue {
    venue_options options;
    const protocol *protocol;
    pthread_mutex_t lock; /* guards all below */
    SSL_CTX *tls;
    int listener, port;
    char url[64], ws_url[64], ca_file[512], dir[400], api_key[128];
    atomic_int stopping, n_running;
    pthread_t accepting;
    int64_t start_ns, mono_ns, stepped_ns;
    market markets[MARKETS_MAX];
    size_t n_markets;
    fault_script *faults;
    text violations;
    size_t n_violations, n_faults, n_connections, n_requests;
    int64_t opened_ms[160]; /* a ring of the times when WebSockets were opened */
    text log;               /* one line a request or subscription: its path or channel */
    rate_bucket rates[8];   /* as the protocol numbers them */
    int64_t window_start_ms;
    double window_used;
    struct trading *trading; /* NULL: market data only */
    struct {
        char path[256];
        text body;
    } last[16]; /* for duplicate-page: the newest reply of each path */
};

struct request {
    venue *v;
    const wire_request *http;
    int64_t now_ns;
    char path[2048], query[2048];
    int n_params;
    struct {
        char name[64], value[2048];
        int is_known;
    } param[PARAMS_MAX];
    fault fault; /* page faults are the handler's; those it applied it sets `did_page` for */
    int did_page, is_odd;
    /* Its client gave up or died before it was looked at: late, it may come behind newer ones. */
    int is_abandoned;
    int status;
    text headers; /* extra ones, each with its CRLF */
    text body;
    text *rows; /* while a list is built */
    size_t n_rows, rows_size;
    int always_gzip;
};

/* Writes down that the client broke the protocol. With the lock held. */
void complain(venue *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void complain_request(request *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int64_t now_of(const venue *v);
market *market_named(venue *v, const char *name);

/* The value of a parameter, or NULL; marks it as known. Call it for each one the venue knows. */
const char *param(request *r, const char *name);
/* The same as a whole number within the limits; complains and returns `otherwise` when it is not.
 */
int64_t param_int(request *r, const char *name, int64_t least, int64_t most, int64_t otherwise);
/* Complains about the parameters that nobody asked for; returns how many. */
int params_unknown(request *r);
/* Whether `value` is one of the words in the space-separated list. */
int one_of(const char *value, const char *list);

/* Splits name=value&... into the request's parameters; 0 when it is malformed. */
int form_read(request *r, const char *from);

/* Takes `cost` out of bucket `which`; complains and returns 0 when the client is too fast. */
int rate_take(request *r, int which, double capacity, double per_second, double cost);

/* How many of n rows to serve: fewer when the page is to lie about its end. */
size_t page_rows(request *r, size_t n);
text *row_add(request *r);
/* Joins the rows with commas into `out`, turned round or doubled when the fault says so. */
void rows_join(request *r, text *out);

typedef struct {
    int channel; /* the protocol's number */
    market *m;
    int interval_min, depth, is_bbo, is_legacy;
    size_t at_trade; /* index into by_arrival */
    size_t at_event;
    market_book book; /* as of at_event */
    int64_t sequence, next_ns, bbo[2];
} subscription;

struct session {
    venue *v;
    wire *w;
    int64_t number;
    subscription *subs;
    size_t n_subs;
    text out;       /* frames to send once the lock is released: their length, then their bytes */
    text held;      /* a message that is to come after its successor */
    int close_code; /* 0: open; -1: cut */
    int64_t silent_until_ms;
    int64_t opened_ms, heard_ms, sent_ms, beat_ms;
    int has_heartbeat, has_spoken, generation;
    int64_t ping_ms;
    int pings_open;
    struct {
        int is_authenticated, channels; /* bits, as the stream has them */
        size_t at_event;                /* of the engine */
        int64_t sequence;
    } account;
};

int64_t real_ms(void);
/* Sends a reply or control message as it is. */
void session_send(session *s, const text *message);
/* Sends pushed data of a channel, unless a fault changes that. */
void session_push(session *s, const char *channel, const text *message);
subscription *session_subscribe(session *s, int channel, market *m);
void session_unsubscribe(session *s, subscription *sub);
void complain_session(session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Complains about keys of the object that are not in the space-separated list; returns how many. */
int keys_unknown(session *s, json_t *object, const char *where, const char *list);
void session_run(session *s);
/* Answers one request, as its fault has it; 0 ends the connection (then *abruptly says how). */
int serve_http(venue *v, wire *w, const wire_request *http, bool *abruptly);
void log_line(venue *v, const char *what);

#endif
