/* One model with its own markets and timeframe, as the engine holds it. */
#ifndef WICK_BOT_MEMBER_H
#define WICK_BOT_MEMBER_H

#include "bucket.h"
#include "wick/engine.h"

struct wk_engine_member {
    wk_engine_model about;
    wk_forecaster *forecaster;
    size_t S, K;      /* its markets, its outside columns */
    uint32_t *market; /* [S] index among the engine's */
    int64_t timeframe_ns, step_ns;
    double sqrt_ratio;   /* of its timeframe to the engine's: turns its volatility into ours */
    int64_t bucket_ns;   /* open of the running bucket, INT64_MIN before the first */
    wk__bucket *buckets; /* [S] */
    wk_bar *bars;        /* [S] */
    uint8_t *provenance; /* [S] */
    double *funding, *outside;
    bool has_funding, has_outside;
    bool pending;           /* its newest bar has been answered, and not finished */
    wk_forecast *forecasts; /* [S] of its newest bar */
    const double *sigma;    /* [S] of its newest bar, of its own timeframe */
    /* Of an ensemble of generations, see ensemble.h: */
    double regret;     /* discounted sum of what it lost less than the mixture */
    double weight;     /* among them; 1 for one that is alone */
    wk_forecast *past; /* [memory, S] by bar modulo memory; NULL: it is alone */
    int64_t *past_bar; /* [memory] */
};

/* Plans it for markets `symbols` [S] and steps of step_ns. */
WK_MUST_CHECK wk_status wk__member_plan(wk_arena *arena, const wk_engine_model *about,
                                        const char (*symbols)[32], size_t S, int64_t step_ns,
                                        wk_engine_member **out, wk_err *err);

/* Adds a step to the running bar; true when it was its last: forecasts are new. Without heads they
 * have their scores only, until wk__member_finish, which must follow (and does nothing when no bar
 * has ended). */
bool wk__member_feed(wk_engine_member *member, const wk_features_step *step, bool heads);
void wk__member_finish(wk_engine_member *member, bool heads);

/* Goes the way of the next bar without a trace, see wk_forecaster_warm. */
void wk__member_warm(wk_engine_member *member, bool heads);

/* What the generations say together of the engine's market s, and the newest one's sigma (of the
 * model's timeframe; untouched when none speaks of it). A lone forecast comes back bit for bit. */
wk_forecast wk__generations_mix(const wk_engine_generations *list, size_t s, double *sigma);

#endif
