/* Models and sessions behind the service: requests in, JSON out. No sockets. */
#ifndef WICK_OPS_SERVE_PREDICT_H
#define WICK_OPS_SERVE_PREDICT_H

#include "serve_request.h"
#include "wick/forecaster.h"
#include "wick/serve.h"
#include "wick/text.h"

/* The session that follows the store: clients read it, only the service pushes into it. */
#define WK__SERVE_STORE "store"

typedef struct {
    char name[WK__SERVE_NAME_BYTES];
    char version[17]; /* digest of the bundle's files */
    const char *dir;
    wk_model model;
    wk_run_config config;
    wk_arena arena;
    size_t S, K, F;
    char (*symbols)[32];
    wk_forecaster *fresh;   /* for candles and rows; its arena is `arena` */
    wk_forecast *forecasts; /* [S] */
    wk_features *features;  /* for their names only */
    size_t warmup_bars;
} wk__serve_model;

typedef struct wk__serve_session wk__serve_session;
struct wk__serve_session {
    wk__serve_session *hash_next, *older, *newer;
    char name[WK__SERVE_NAME_BYTES];
    wk__serve_model *model;
    wk_arena arena;
    wk_forecaster *forecaster;
    wk_forecast *forecasts; /* [S] after the newest step */
    int64_t time_ns;        /* open of the newest step */
    uint64_t digest;        /* of its bars */
    uint64_t n_steps;
};

typedef struct {
    uint64_t predictions, steps, sessions_made, sessions_dropped;
} wk__serve_counts;

typedef struct {
    const wk_serve_config *config;
    wk__serve_model *models;
    size_t n_models;
    wk__serve_session **buckets;
    size_t n_buckets, n_sessions;
    wk__serve_session *oldest, *newest;
    wk_bar *no_bars; /* of a step without any */
    uint8_t *no_provenance;
    wk__serve_counts counts;
} wk__serve_predictor;

WK_MUST_CHECK wk_status wk__serve_predictor_open(const wk_serve_config *config,
                                                 wk__serve_predictor *out, wk_err *err);
void wk__serve_predictor_close(wk__serve_predictor *predictor);

/* Appends the answer, or says why there is none and appends nothing. */
bool wk__serve_answer(wk__serve_predictor *predictor, const wk__serve_request *request,
                      wk_text *out, wk__serve_problem *problem);

/* Pushes one step into a session, made where it is not there. */
bool wk__serve_push(wk__serve_predictor *predictor, wk__serve_model *model, const char *session,
                    const wk_features_step *step, wk__serve_problem *problem);

/* The newest forecast of a market, of the given session or of any; false: none. */
bool wk__serve_signal(wk__serve_predictor *predictor, const char *symbol, const char *session,
                      wk_text *out);
void wk__serve_describe_models(const wk__serve_predictor *predictor, wk_text *out);

/* One forecast as a JSON object. */
void wk__serve_forecast_write(const char *symbol, const wk_forecast *forecast, wk_text *out);

#endif
