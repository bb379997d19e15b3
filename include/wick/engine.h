/* The engine of a bot: models and the trader as one stream. Bars that close go in, order intents
 * come out; nothing else. No thread, socket, clock or disk: paper, live and replay feed the same
 * engine, and with the same bars and the same venue events it does the same, which its digests
 * show.
 *
 * Several models may speak of one market, each on its own timeframe (a multiple of the shortest): a
 * combination rule makes one forecast of theirs, and one trader acts on it. */
#ifndef WICK_ENGINE_H
#define WICK_ENGINE_H

#include "wick/forecaster.h"
#include "wick/trade.h"

typedef enum {
    WK_COMBINE_NET = 0,  /* weighted mean of scores and probabilities */
    WK_COMBINE_PRIORITY, /* the first (by priority) that is not HOLD */
    WK_COMBINE_VOTE,     /* a side needs more than half of the weight */
    WK_COMBINE_VETO      /* all must agree: one that says the other side makes it HOLD */
} wk_combine_rule;

/* Several generations of one model that speak together, with weights that fade; see ensemble.h for
 * the formula. */
typedef struct {
    int64_t generations; /* 0 and 1: one at a time, and nothing below is looked at */
    double half_life_days, loss_half_life_days; /* of a weight by age, of a regret */
    double learning_rate;                       /* how far losses move the weights; 0: age alone */
    double share;                               /* of the weights that goes by age alone */
} wk_ensemble_config;

typedef struct {
    const wk_model *model;
    const wk_run_config *config; /* of the model; its data.timeframe is the model's */
    double weight;    /* >= 0; the ensemble may change it at any bar (wk_engine_set_weight) */
    int64_t priority; /* smaller first */
    uint64_t version; /* for journals: of the bundle on disk */
    wk_ensemble_config ensemble;
    int64_t born_ns; /* end of its training; 0: when its first bar closes here */
} wk_engine_model;

/* One generation of a model as the engine runs it: features, networks and the bar that is being
 * built. */
typedef struct wk_engine_member wk_engine_member;

/* The generations of one model, newest first; several are weighted, see ensemble.h. */
enum { WK_ENGINE_GENERATIONS_MAX = 16 };
typedef struct {
    size_t n;
    wk_engine_member *v[WK_ENGINE_GENERATIONS_MAX];
} wk_engine_generations;

typedef struct {
    const wk_engine_model *models;
    size_t n_models;
    int combine;               /* wk_combine_rule */
    int64_t timeframe_ns;      /* of the steps that are pushed: the shortest of the models' */
    const char (*symbols)[32]; /* [S] markets, of all models together */
    const wk_trade_instrument *instruments; /* [S] */
    size_t S;
    const wk_trade_config *trade;
    int64_t initial_cash_e8;
} wk_engine_config;

typedef struct wk_engine wk_engine;

/* All memory comes from the arena, which may be frozen afterwards. */
WK_MUST_CHECK wk_status wk_engine_plan(wk_arena *arena, const wk_engine_config *config,
                                       wk_engine **out, wk_err *err);

/* How many steps of history a fresh engine wants before it trades. */
size_t wk_engine_warmup_steps(const wk_engine *engine);

/* What one step led to; borrowed until the next. */
typedef struct {
    int64_t time_ns;              /* close of the step */
    const wk_forecast *forecasts; /* [S] combined */
    const double *sigma;          /* [S] */
    const uint64_t *versions;     /* [S] of the model whose doing the forecast is (of several see
                                     wk__combine_speaker, the newest of its generations); 0: none */
    const size_t *deciders;       /* [S] index of that model; SIZE_MAX: none */
    const wk_actions *actions;
    uint64_t inputs_digest;  /* of this step's features and forecasts of all models */
    uint64_t running_digest; /* of all steps so far */
} wk_engine_outcome;

/* A step that has closed. `warming`: history; models and trailing windows learn from it, no entry
 * is made. */
void wk_engine_step(wk_engine *engine, const wk_features_step *step, bool warming,
                    wk_engine_outcome *out);

/* The same in two parts. Decided: forecasts have at least what the trader looked at, and actions
 * stand; digests are of the step before. Finished: all else of the outcome, as wk_engine_step gives
 * it; actions stay. Nothing else may be done with the engine between the two. */
void wk_engine_decide(wk_engine *engine, const wk_features_step *step, bool warming,
                      wk_engine_outcome *out);
void wk_engine_finish(wk_engine *engine, wk_engine_outcome *out);

/* Goes the way of a step once more with the newest bars, models and trader, so that what the next
 * one needs lies in the processor's caches. Changes no bit of what follows. */
void wk_engine_warm(wk_engine *engine);

/* Something the venue said: fills, rejections, cancellations, funding. Actions as above. */
void wk_engine_event(wk_engine *engine, const wk_trader_event *event, wk_engine_outcome *out);

void wk_engine_set_weight(wk_engine *engine, size_t model, double weight);

/* ---- another generation of a model, at a step's boundary ---- */

/* Plans one in an arena of its own, on any thread: it borrows from the engine what never changes.
 * Refuses markets and timeframes that the engine does not have. */
WK_MUST_CHECK wk_status wk_engine_member_plan(wk_arena *arena, const wk_engine *engine,
                                              const wk_engine_model *about, wk_engine_member **out,
                                              wk_err *err);
/* The step that has closed: those that the engine saw, in their order. A member that has seen as
 * many as wk_engine_member_warmup_steps goes on with the bits of one that saw them all. */
void wk_engine_member_push(wk_engine_member *member, const wk_features_step *step);
size_t wk_engine_member_warmup_steps(const wk_engine_member *member);
const wk_forecast *wk_engine_member_forecasts(const wk_engine_member *member);

/* What speaks for a model now; and the exchange of it for *list, which receives what spoke before.
 * All of `list` must have seen the engine's newest step. Only between steps; copies a few pointers.
 */
/* Its share among the generations of the model, the newest one 0; 1 for one that is alone. */
double wk_engine_generation_weight(const wk_engine *engine, size_t model, size_t generation);
void wk_engine_list(const wk_engine *engine, size_t model, wk_engine_generations *out);
void wk_engine_swap(wk_engine *engine, size_t model, wk_engine_generations *list);

const wk_trader *wk_engine_trader(const wk_engine *engine);
wk_trader *wk_engine_trader_mutable(wk_engine *engine);
/* The forecasts of model k at its newest step [S] (invalid where it does not speak of the market).
 */
const wk_forecast *wk_engine_model_forecasts(const wk_engine *engine, size_t k);
uint64_t wk_engine_intents_digest(const wk_engine *engine); /* of all actions so far */

#endif
