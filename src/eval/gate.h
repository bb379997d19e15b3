/* The gate: networks must earn their place among the trees.
 *
 * Two learners are refitted in every fold and forecast its test block: the stacked one sees the
 * features and the networks' outputs, the plain one the features alone. Before a fold the gate
 * looks at the blocks that lie behind it, where both forecast rows that neither had seen: a record
 * of out-of-sample losses of the very procedure that is to be used next (Dawid 1984, the
 * prequential principle). Each block is cut into slices of time, long against the labels, so that
 * the slices' differences are nearly independent. The stacked learner is used when the mean saving
 * of loss over all slices exceeds its standard error, else the trees alone: the burden of proof
 * lies with the added part, and a standard error keeps out networks whose gain is noise in five
 * cases of six. Losses are proper: squared error of a regression, log-loss of the calibrated
 * classes. Nothing of the fold's own test block is used. */
#ifndef WICK_EVAL_GATE_H
#define WICK_EVAL_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "wick/arena.h"

enum { WK_GATE_SLICES = 10 /* of a block */ };

/* The record: mean losses a slice and label, in the order of time. */
typedef struct {
    size_t n_losses, n, room;
    double *stacked, *plain; /* [room * n_losses] */
} wk_gate;

typedef struct {
    bool earned;
    size_t n;           /* slices */
    double gain, error; /* saving of loss and its standard error, fractions of the plain loss; NaN:
                           unknown */
} wk_gate_finding;

/* Room for `room` slices of `n_losses` labels, in the arena. */
wk_gate wk_gate_make(wk_arena *arena, size_t n_losses, size_t room);

/* Adds slices' mean losses [n_slices * n_losses]; a slice with a NaN (no labelled row) is left out.
 */
void wk_gate_add(wk_gate *gate, const double *stacked, const double *plain, size_t n_slices);

/* What the record says. Fewer than two slices prove nothing. */
wk_gate_finding wk_gate_judge(const wk_gate *gate);

#endif
