/* Outside series over HTTP: any JSON endpoint whose rows hold a time and a value (news sentiment,
 * long/short ratios, on-chain figures) into the store, each row with the time at which it arrived.
 */
#ifndef WICK_OUTSIDE_FETCH_H
#define WICK_OUTSIDE_FETCH_H

#include "wick/config.h"
#include "wick/fresh.h"

typedef struct {
    const char *name;           /* of the series in the store */
    const char *venue, *symbol; /* under which it is stored */
    const char *url;
    const char
        *rows; /* JSON pointer to the array of rows, or to a single row; "" = the whole reply */
    const char *time, *value; /* JSON pointers within a row */
    const char *key_header;   /* "X-API-Key: " or "Authorization: Bearer "; "" = no key is sent */
    const char *key_env;      /* the environment variable with the key */
} wk_outside_source;

typedef struct {
    wk_sections series; /* wk_outside_source */
    double every_s, timeout_s;
    int64_t tries;
    double backoff_s;
    const char *store, *ca_file;
} wk_outside_fetch_config;
extern const wk_cfg_table wk_outside_fetch_config_table;

/* The rows of a reply; no I/O. Times are Unix seconds to nanoseconds or ISO 8601, values numbers or
 * texts of numbers; null is skipped. Every row is known at known_ns: when we were told, not when it
 * happened. The caller frees *out. */
WK_MUST_CHECK wk_status wk_outside_parse_json(const wk_outside_source *source, const char *text,
                                              size_t n_bytes, int64_t known_ns,
                                              wk_fresh_value **out, size_t *n, wk_err *err);

/* Asks once and stores; tries again after 429, 5xx and broken connections. */
WK_MUST_CHECK wk_status wk_outside_fetch(const wk_outside_fetch_config *config,
                                         const wk_outside_source *source, wk_fresh *fresh,
                                         wk_fresh_outcome *outcome, wk_err *err);

#endif
