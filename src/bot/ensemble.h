/* Weights of a model's generations: they fade with age and with what each loses live.
 *
 * At every bar of the model the label of an earlier one becomes known (labels.direction: with the
 * close of the bar that it ends at), and with it the log-loss of what each generation said then,
 * l_i, and of the mixture of them all, l. The mean over the markets enters the discounted regret
 *
 *     R_i <- g R_i + (l - l_i),      g = 2^(-bar / loss_half_life)
 *
 * A generation that did not speak then, or whose training saw that bar, is asleep: 0 is added, as
 * if it had lost what the mixture lost. The weights are
 *
 *     a_i ~ 2^(-age_i / half_life)              age: bar's time less the end of its training
 *     w_i = (1 - share) a_i exp(eta R_i) / sum  +  share a_i / sum
 *
 * Sources: exponentially weighted averages and discounted regrets, Cesa-Bianchi and Lugosi,
 * Prediction, Learning, and Games, 2006, ch. 2.1 and 2.11; sleeping experts, Freund, Schapire,
 * Singer and Warmuth 1997; the share, Herbster and Warmuth 1998, here towards the weights by age.
 *
 * A forecast without classes counts as p(up) = 1 / (1 + exp(-score)); a label of HOLD then costs
 * half of either side's loss. Probabilities are at least 1e-4 in a loss. */
#ifndef WICK_BOT_ENSEMBLE_H
#define WICK_BOT_ENSEMBLE_H

#include "member.h"

typedef struct wk__ensemble wk__ensemble;

/* For S markets of the engine and bars of timeframe_ns; the label is that of `run`. */
WK_MUST_CHECK wk_status wk__ensemble_plan(wk_arena *arena, const wk_ensemble_config *config,
                                          const wk_run_config *run, size_t S, wk__ensemble **out,
                                          wk_err *err);

/* How many bars a generation remembers of its own forecasts. */
size_t wk__ensemble_memory(const wk_run_config *run);

/* All generations have forecast the bar that has just closed (the newest one's bars are looked at):
 * learns from the label that became known, renews their weights, then remembers what was said. */
void wk__ensemble_close(wk__ensemble *ensemble, const wk_engine_generations *list);

/* The loss of a forecast under a class of 0, 1, 2. */
double wk__forecast_loss(const wk_forecast *forecast, int label);

#endif
