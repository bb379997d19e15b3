/* History over REST: candles, funding rates, open interest, book snapshots and instruments of a
 * venue, into the store. Any interruption is harmless: rows and the note of what is known are
 * written together, so that the same request goes on where it stopped and a repeated one asks only
 * for what is new. */
#ifndef WICK_HISTORY_H
#define WICK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/config.h"
#include "wick/fresh.h"

/* A venue's address and pace: the section "venues" of the configuration. */
typedef struct {
    const char *host;    /* "https://api.kraken.com" */
    double weight_per_s; /* what the venue allows for long, and at once */
    double weight_burst;
    const char *candles_path; /* amberdata: before the instrument */
    const char *latest_path;  /* amberdata: legacy, %s is the exchange; "": never asked */
    const char *ca_file;      /* "": that of wk_history_config */
} wk_history_venue;

typedef struct {
    wk_history_venue kraken, kraken_futures, delta_india, delta_global, amberdata;
} wk_history_venues;

typedef struct {
    wk_history_venues venues;
    const char *ca_file;
    int64_t tries;
    double backoff_s, backoff_max_s, timeout_s, close_grace_s;
    int64_t address_family;
} wk_history_config;

extern const wk_cfg_table wk_history_config_table;

typedef enum {
    WK_HISTORY_CANDLES,
    WK_HISTORY_FUNDING,
    WK_HISTORY_OPEN_INTEREST,
    WK_HISTORY_BOOK,
    WK_HISTORY_INSTRUMENTS
} wk_history_what;

typedef struct {
    const char *venue; /* "kraken", "kraken-futures", "delta-india", "delta-global", "amberdata" */
    const char *exchange; /* amberdata: whose data, e.g. "gdax" */
    const char *symbol;   /* wick's or the venue's name, or "all" */
    wk_history_what what;
    int64_t timeframe_ns;
    int64_t since_ns, until_ns; /* by open time; until 0: now */
    bool again;                 /* asks for what is known already, too */
    const char *key;            /* amberdata's; goes into one header and nowhere else */
    /* Called as it goes, may be NULL: parts done and all parts; one of a candle is one candle. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
} wk_history_request;

typedef struct {
    size_t n_series, n_failed; /* asked for, and given up (only with "all") */
    size_t n_rows;             /* candles, values, instruments received and stored or equal */
    size_t n_added, n_equal, n_revised;
    size_t n_missing; /* candles that the venue leaves out though it fills gaps */
    size_t n_requests, n_repeated;
    char first_failure[512];
} wk_history_report;

/* Fetches and stores; blocks. On failure what was fetched so far is stored, and the message says
 * how to go on. *report (not NULL) is filled either way. */
WK_MUST_CHECK wk_status wk_history_fetch(const wk_history_config *config,
                                         const wk_history_request *request, wk_fresh *fresh,
                                         wk_history_report *report, wk_err *err);

#endif
