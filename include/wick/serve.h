/* The service of trained models: HTTP and WebSocket, one thread, a dashboard. `wick serve` runs it.
 *
 * A request asks for one bar of a named session (a stream whose state the server keeps), for raw
 * candles, which go through a forecaster that has seen nothing else, or for rows of features.
 * Equal bars give the bits of wk_model_forecast and of a bot. */
#ifndef WICK_SERVE_H
#define WICK_SERVE_H

#include <stdatomic.h>

#include "wick/config.h"
#include "wick/err.h"

typedef struct {
    const char *name; /* "" = the last part of dir that is not "model" */
    const char *dir;  /* of a trained model */
} wk_serve_model_config;

typedef struct {
    const char *address; /* an IP address; what is not loopback needs the token */
    int64_t port;        /* 0: any free one */
    wk_sections models;  /* wk_serve_model_config */
    int64_t sessions_max, body_bytes_max, batch_max, steps_max, connections_max;
    double header_s, body_s, idle_s, drain_s; /* time limits of a connection */
    const char *tls_cert, *tls_key;           /* PEM files, "" = plain HTTP */
    const char *journal;                      /* a bot's directory or journal.sqlite; "" = none */
    const char *store, *venue;                /* candles to warm on and to draw; venue "" = none */
    double reload_s;                          /* how often models are looked at; 0: never */
    int64_t history_mib;                      /* of sessions' steps, on disk */
    double poll_s;                            /* how often journal and store are looked at */
    double patience_s;  /* how long the newest stored step waits for markets that lack it */
    int64_t stale_bars; /* /readyz says 503 when a session "store" is behind by more; 0: never */
} wk_serve_config;
extern const wk_cfg_table wk_serve_config_table;

typedef struct wk_serve wk_serve;

/* Loads the models and listens. `token` may be NULL or "" on loopback only. `config` must outlive
 * it. */
WK_MUST_CHECK wk_status wk_serve_open(const wk_serve_config *config, const char *token,
                                      wk_serve **out, wk_err *err);
int wk_serve_port(const wk_serve *serve);

/* Serves on this thread until *stop: then it answers what it has begun, for at most drain_s, and
 * returns. Where the configuration names a venue it first warms the session "store" of every model,
 * a piece at a time between requests, and is ready when they are warm; then they follow the store.
 */
WK_MUST_CHECK wk_status wk_serve_run(wk_serve *serve, const atomic_bool *stop, wk_err *err);
void wk_serve_close(wk_serve *serve);

#endif
