/* A model as a stream: the bars of a panel go in as they close, forecasts come out. The same
 * features, networks, trees and scale as wk_model_forecast, so equal bars give equal bits; paper,
 * live, serve and replay run this one. */
#ifndef WICK_FORECASTER_H
#define WICK_FORECASTER_H

#include "wick/hash.h"
#include "wick/model.h"

typedef struct wk_forecaster wk_forecaster;

/* Plans everything in the arena, which may be frozen afterwards: a push allocates nothing, takes no
 * lock and makes no system call. The model and config must outlive it. symbols [S] in the order of
 * the model's panel; the names of the markets' outside columns follow config->data. Refuses markets
 * or columns that the model does not know. */
WK_MUST_CHECK wk_status wk_forecaster_plan(wk_arena *arena, const wk_model *model,
                                           const wk_run_config *config, const char (*symbols)[32],
                                           size_t S, wk_forecaster **out, wk_err *err);

/* Bars that a fresh forecaster must have seen before its forecasts equal those of one that ran on:
 * the features' and networks' state plus the trailing windows of the score's scale. */
size_t wk_forecaster_warmup_bars(const wk_forecaster *f);

/* Forgets all steps: what follows has the bits of a freshly planned one. */
void wk_forecaster_reset(wk_forecaster *f);

/* The step that has just closed -> forecasts [S]. Steps come in order without a hole (an absent one
 * with all cells unknown). */
void wk_forecaster_push(wk_forecaster *f, const wk_features_step *step, wk_forecast *forecasts);

/* The same in three parts, of which only the first has to come before a decision is made by score:
 * then forecasts have their score, threshold and (of models scored by direction, or with a network
 * on top) probabilities. `heads` fills in the rest of them; `finish` does what can be done before
 * the next bar, and must be given the same step. In this order, all three for each step. */
void wk_forecaster_answer(wk_forecaster *f, const wk_features_step *step, wk_forecast *forecasts);
void wk_forecaster_heads(wk_forecaster *f, wk_forecast *forecasts);
void wk_forecaster_finish(wk_forecaster *f, const wk_features_step *step);

/* Goes the way of the next answer (and heads) with the newest bar once more, between two steps, so
 * that its code, weights and trees lie in the processor's caches when the bar closes. Changes no
 * bit of what follows. */
void wk_forecaster_warm(wk_forecaster *f, bool with_heads);

/* After a push: volatility of one bar [S], features [S * F] and which rows are valid [S]; borrowed.
 */
const double *wk_forecaster_sigma(const wk_forecaster *f);
const float *wk_forecaster_rows(const wk_forecaster *f, size_t *F);
const uint8_t *wk_forecaster_valid(const wk_forecaster *f);

/* One row of F features [F] -> a forecast, for models without branches: score is the raw mean of
 * its targets, in units of the labels, since a row alone has no trailing scale. WK_E_STATE with
 * branches. */
WK_MUST_CHECK wk_status wk_forecaster_row(wk_forecaster *f, const float *features, double sigma,
                                          wk_forecast *out, wk_err *err);

/* A running digest of all features and forecasts so far: equal digests, equal decisions. Starts
 * with WK_DIGEST_START; the batch path digests its table with the same function. */
uint64_t wk_digest_step(uint64_t digest, const float *rows, const uint8_t *valid, size_t S,
                        size_t F, const wk_forecast *forecasts);

#endif
