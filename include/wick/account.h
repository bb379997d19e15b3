/* Trading accounts at Delta Exchange (India, Global, their testnets) and Kraken spot, behind
 * wk_account (wick/executor.h). */
#ifndef WICK_ACCOUNT_H
#define WICK_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/err.h"
#include "wick/executor.h"
#include "wick/instrument.h"

/* How the bot counts a market; prices and sizes of wk_order are in these. The venue's own steps
 * must be whole multiples of them: what the venue says then converts without a remainder, and what
 * the bot wants is rounded to the venue's steps (sizes down, limit prices against us). */
typedef struct {
    const wk_instrument *instrument; /* linear or spot; borrowed while the account is open */
    wk_decimal tick;                 /* quote */
    wk_decimal lot;                  /* base */
    int leverage; /* Kraken spot margin, a field of each order; 0: none, and then no shorts */
} wk_account_market;

typedef struct {
    const char *venue; /* "delta-india", "delta-global", "kraken" */
    bool testnet;      /* Delta's */
    const char *rest;  /* "https://host"; NULL: the venue's */
    const char *stream;
    const char *ca_file;
    const char *key_prefix; /* of the variables; NULL: WICK_DELTA_INDIA, ..._TESTNET, WICK_KRAKEN */
    const char *env_file;   /* NULL: the environment only */
    const char *nonce_file; /* Kraken: where nonces are kept */
    bool validate;          /* Kraken: orders are checked by the venue and not placed */
    int64_t timeout_ns;     /* of one request; 0: 10 s */
    int address_family;     /* 4 or 6 when only one is whitelisted */
    /* The clock of virtual time: requests are stamped with it, and nonces are its nanoseconds;
     * NULL: the wall clock, corrected by what the venue says, and nonces in microseconds. */
    int64_t (*now_ns)(void *ctx);
    void *time_ctx;
    const wk_account_market *markets; /* borrowed */
    size_t n_markets;
} wk_account_options;

/* The venue's own REST host; NULL: there is none such. */
const char *wk_account_rest(const char *venue, bool testnet);
/* Is this address at a host where a venue's orders cost real money? */
bool wk_account_is_real_money(const char *url);

/* Reads the keys; sends nothing. close() ends it. Calls from one thread, `stream` has its own. */
WK_MUST_CHECK wk_status wk_account_open(const wk_account_options *options, wk_account *out,
                                        wk_err *err);

#endif
