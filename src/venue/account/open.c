/* Opens and closes accounts: hosts, keys, markets, connections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "account.h"
#include "wick/clock.h"

#define TOKEN_NS_MAX (2 * WK_NS_PER_S)

typedef struct {
    const char *venue;
    bool testnet;
    wk__venue kind;
    const char *rest, *stream, *prefix;
} host;

static const host hosts[] = {
    {"delta-india", false, WK__VENUE_DELTA, "https://api.india.delta.exchange",
     "wss://socket.india.delta.exchange", "WICK_DELTA_INDIA"},
    {"delta-india", true, WK__VENUE_DELTA, "https://cdn-ind.testnet.deltaex.org",
     "wss://socket-ind.testnet.deltaex.org", "WICK_DELTA_INDIA_TESTNET"},
    {"delta-global", false, WK__VENUE_DELTA, "https://api.delta.exchange",
     "wss://socket.delta.exchange", "WICK_DELTA_GLOBAL"},
    {"delta-global", true, WK__VENUE_DELTA, "https://testnet-api.delta.exchange",
     "wss://testnet-socket.delta.exchange", "WICK_DELTA_GLOBAL_TESTNET"},
    {"kraken", false, WK__VENUE_KRAKEN, "https://api.kraken.com", "wss://ws-auth.kraken.com/v2",
     "WICK_KRAKEN"},
};

const char *wk_account_rest(const char *venue, bool testnet)
{
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strcmp(hosts[i].venue, venue) == 0 && hosts[i].testnet == testnet)
            return hosts[i].rest;
    return NULL;
}

static bool is_same_host(const char *url, const char *of)
{
    const char *a = strstr(url, "://"), *b = strstr(of, "://") + 3;
    a = a ? a + 3 : url;
    size_t n = strcspn(a, ":/?#");
    return n == strcspn(b, "/") && strncasecmp(a, b, n) == 0;
}

bool wk_account_is_real_money(const char *url)
{
    bool found = false;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        found |= !hosts[i].testnet &&
                 (is_same_host(url, hosts[i].rest) || is_same_host(url, hosts[i].stream));
    return found;
}

static wk_status find_host(const wk_account_options *o, const host **out, wk_err *err)
{
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strcmp(hosts[i].venue, o->venue) == 0 && hosts[i].testnet == o->testnet) {
            *out = &hosts[i];
            return WK_OK;
        }
    if (strcmp(o->venue, "kraken") == 0)
        return wk_fail(err, WK_E_CONFIG,
                       "kraken has no spot testnet; use validate (orders are checked, not placed)");
    return wk_fail(err, WK_E_CONFIG, "no account at '%s'; one of delta-india, delta-global, kraken",
                   o->venue);
}

void wk__account_close(void *self)
{
    wk__account *a = self;
    if (!a)
        return;
    if (a->stream_http)
        wk_http_cancel(a->stream_http);
    atomic_store(&a->has_socket, false); /* the end is no news to anybody */
    wk_websocket_close(a->socket);
    wk_http_close(a->stream_http);
    wk_http_close(a->http);
    wk_nonce_close(a->nonce);
    wk_keys_forget(&a->keys);
    pthread_mutex_destroy(&a->sending);
    free((char *)a->options.ca_file);
    free(a->markets);
    free(a);
}

/* A stream that is named by its host alone has the path of the venue's own: Kraken's is /v2. */
static const char *path_missing(const char *url, const char *own)
{
    const char *name = strstr(url, "://"), *path = strchr(strstr(own, "://") + 3, '/');
    return name && path && !strchr(name + 3, '/') ? path : "";
}

wk_status wk_account_open(const wk_account_options *o, wk_account *out, wk_err *err)
{
    const host *h = NULL;
    WK_TRY(find_host(o, &h, err));
    if (o->n_markets == 0)
        return wk_fail(err, WK_E_ARG, "an account needs a market to trade");
    if (h->kind == WK__VENUE_KRAKEN && !o->nonce_file)
        return wk_fail(err, WK_E_ARG, "a Kraken account needs a file that keeps its nonces");
    wk__account *a = calloc(1, sizeof *a);
    wk__market *markets = calloc(o->n_markets, sizeof *markets);
    if (!a || !markets) {
        free(a);
        free(markets);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    pthread_mutex_init(&a->sending, NULL);
    a->markets = markets;
    a->n_markets = o->n_markets;
    a->venue = h->kind;
    a->validate = o->validate;
    a->options.address_family = o->address_family;
    a->options.now_ns = o->now_ns;
    a->options.time_ctx = o->time_ctx;
    a->options.ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
    snprintf(a->name, sizeof a->name, "%s", h->venue);
    snprintf(a->rest, sizeof a->rest, "%s", o->rest ? o->rest : h->rest);
    snprintf(a->stream_url, sizeof a->stream_url, "%s%s", o->stream ? o->stream : h->stream,
             o->stream ? path_missing(o->stream, h->stream) : "");
    wk_http_options http = {.ca_file = a->options.ca_file,
                            .connect_timeout_ns = 5 * WK_NS_PER_S,
                            .total_timeout_ns =
                                o->timeout_ns > 0 ? o->timeout_ns : 10 * WK_NS_PER_S,
                            .body_bytes_max = 16 << 20,
                            .address_family = o->address_family};
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < o->n_markets; i++)
        status = wk__market_init(&o->markets[i], &markets[i], err);
    if (status == WK_OK)
        status =
            wk_keys_read(o->key_prefix ? o->key_prefix : h->prefix, o->env_file, &a->keys, err);
    if (status == WK_OK)
        status = wk_http_open(&http, &a->http, err);
    if (status == WK_OK && h->kind == WK__VENUE_KRAKEN) {
        status = wk_nonce_open(o->nonce_file, &a->nonce, err);
        if (status == WK_OK && o->now_ns)
            wk_nonce_set_clock(a->nonce, o->now_ns, o->time_ctx);
        /* Orders wait behind a token's request, see `sending`: it gives up early. */
        if (http.total_timeout_ns > TOKEN_NS_MAX)
            http.connect_timeout_ns = http.total_timeout_ns = TOKEN_NS_MAX;
        if (status == WK_OK)
            status = wk_http_open(&http, &a->stream_http, err);
    }
    if (status != WK_OK) {
        wk__account_close(a);
        return status;
    }
    if (h->kind == WK__VENUE_DELTA)
        wk__delta_account(a, out);
    else
        wk__kraken_account(a, out);
    return WK_OK;
}
