/* Models and sessions behind the service: requests in, JSON out. No sockets. */
#ifndef WICK_OPS_SERVE_PREDICT_H
#define WICK_OPS_SERVE_PREDICT_H

#include "reload_history.h"
#include "serve_request.h"
#include "wick/forecaster.h"
#include "wick/serve.h"
#include "wick/text.h"

/* The session that follows the store: clients read it, only the service pushes into it. */
#define WK__SERVE_STORE "store"

/* One generation of a model. The sessions that began with it keep it until they have moved on. */
typedef struct {
    wk_arena arena;
    wk_model model;
    wk_run_config config;
    char version[17]; /* digest of the bundle's files */
    size_t n_users;   /* sessions, and the table of models */
} wk__serve_core;

typedef struct {
    char name[WK__SERVE_NAME_BYTES];
    char version[17]; /* of the newest generation, to which all of the following belong */
    const char *dir;
    wk_model model;       /* as in the core */
    wk_run_config config; /* likewise */
    wk__serve_core *core;
    size_t S, K, F;
    char (*symbols)[32];
    wk_forecaster *fresh;   /* for candles and rows; in the core's arena */
    wk_forecast *forecasts; /* [S] */
    wk_features *features;  /* for their names only */
    size_t warmup_bars;
} wk__serve_model;

typedef struct wk__serve_session wk__serve_session;
typedef struct wk__serve_move wk__serve_move;
struct wk__serve_session {
    wk__serve_session *hash_next, *older, *newer;
    char name[WK__SERVE_NAME_BYTES];
    wk__serve_model *model;
    wk__serve_core *core; /* that it runs on, maybe not yet the model's newest */
    wk_arena arena;
    wk_forecaster *forecaster;
    wk__serve_move *move; /* to a newer one; NULL: none */
    wk__history history;  /* of its steps; capacity 0: there is no room for it */
    size_t slot;
    wk_forecast *forecasts; /* [S] after the newest step */
    int64_t time_ns;        /* open of the newest step */
    uint64_t digest;        /* of its bars */
    uint64_t n_steps;
};

typedef struct {
    uint64_t predictions, steps, sessions_made, sessions_dropped, models_swapped, sessions_moved;
} wk__serve_counts;

typedef struct wk__serve_reload wk__serve_reload;

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
    wk__serve_reload *reload; /* NULL: the models stay as they are */
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

/* ---- serve_models.c: loading ---- */

WK_MUST_CHECK wk_status wk__serve_model_load(const wk_serve_model_config *about,
                                             wk__serve_model *out, wk_err *err);
void wk__serve_core_release(wk__serve_core *core);

/* ---- serve_reload.c: a newer generation ---- */

/* Begins to watch the directories; nothing with reload_s 0. */
WK_MUST_CHECK wk_status wk__serve_reload_open(wk__serve_predictor *predictor, wk_err *err);
void wk__serve_reload_close(wk__serve_predictor *predictor);
/* Between requests: takes over what the loader has done. Cheap when there is nothing. */
void wk__serve_reload_poll(wk__serve_predictor *predictor);
/* A session begins, sees a step (after its forecaster did), ends. */
void wk__serve_reload_begin(wk__serve_predictor *predictor, wk__serve_session *session);
void wk__serve_reload_step(wk__serve_predictor *predictor, wk__serve_session *session,
                           const wk_features_step *step);
void wk__serve_reload_end(wk__serve_predictor *predictor, wk__serve_session *session);
/* Waits until the loader has looked at the directories: for tests. */
void wk__serve_reload_settle(wk__serve_predictor *predictor);

/* One forecast as a JSON object. */
void wk__serve_forecast_write(const char *symbol, const wk_forecast *forecast, wk_text *out);

#endif
