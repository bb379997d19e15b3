/* The best split of a feature in a node, compiled once for each instruction set: every operation is
 * IEEE's and stands alone, so the width of the vectors changes no bit.
 *
 * gain = T(GL)^2/(HL+lambda) + T(GR)^2/(HR+lambda) - T(G)^2/(H+lambda), with no factor 1/2,
 * compared as f32. As in XGBoost a forward pass sends missing values right, and where the node has
 * any, a backward pass sends them left and must be strictly better; the first best bin met in a
 * pass wins. */
#ifndef WICK_GBDT_SEARCH_BODY_H
#define WICK_GBDT_SEARCH_BODY_H

#include <math.h>
#include <string.h>

#include "gbdt/kernels/train_ops.h"

#define SLOTS_MAX 256

static inline double square_of_excess(double g, double alpha)
{
    double t = fabs(g) - alpha;
    t = t > 0 ? t : 0;
    return t * t;
}

/* Gains of all bins as the bits of non-negative floats (which order like integers); 0 where the
 * split is not allowed or does not help. Returns the largest. */
static int32_t score_bins(const wk__gbdt_node_sums *node, const double *gl, const double *hl,
                          const double *cl, uint32_t n, int32_t *score)
{
    double G = wk__gbdt_g(node->sum) * node->g_unit, H = wk__gbdt_h(node->sum) * node->h_unit;
    double lambda = node->lambda, alpha = node->alpha, least = node->min_child_weight;
    double n_rows = (double)node->n_rows, min_rows = (double)node->min_rows;
    double parent = square_of_excess(G, alpha) / (H + lambda);
    float gain[SLOTS_MAX];
    for (uint32_t b = 0; b < n; b++) {
        double gr = G - gl[b], hr = H - hl[b];
        double a = hl[b] + lambda, c = hr + lambda;
        double s = (square_of_excess(gl[b], alpha) * c + square_of_excess(gr, alpha) * a) / (a * c);
        double d = s - parent;
        bool ok = (hl[b] >= least) & (hr >= least) & (hl[b] > 0) & (hr > 0) & (cl[b] >= min_rows) &
                  (n_rows - cl[b] >= min_rows) & (d > 0);
        gain[b] = (float)(ok ? d : 0);
    }
    memcpy(score, gain, n * sizeof *score);
    int32_t best = 0;
    for (uint32_t b = 0; b < n; b++)
        best = score[b] > best ? score[b] : best;
    return best < 0x7f800000 ? best : 0;
}

static float bits_to_float(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void search(const wk__gbdt_node_sums *node, uint32_t feature, uint32_t n_bins,
                   size_t n_slots, const int64_t *cells, const uint32_t *counts,
                   wk__gbdt_split *best)
{
    if (n_bins == 0)
        return;
    int64_t left[SLOTS_MAX], sum = 0;
    double gl[SLOTS_MAX], hl[SLOTS_MAX], cl[SLOTS_MAX];
    int32_t score[SLOTS_MAX];
    size_t n_left = 0;
    for (uint32_t b = 0; b < n_bins; b++) {
        sum += cells[b];
        left[b] = sum;
        gl[b] = wk__gbdt_g(sum) * node->g_unit;
        hl[b] = wk__gbdt_h(sum) * node->h_unit;
    }
    /* Without counts every row is taken to weigh 1, or min_rows is 1 and the hessian decides. */
    if (counts)
        for (uint32_t b = 0; b < n_bins; b++) {
            n_left += counts[b];
            cl[b] = (double)n_left;
        }
    else if (node->unit_hessian)
        memcpy(cl, hl, n_bins * sizeof *cl);
    else
        for (uint32_t b = 0; b < n_bins; b++)
            cl[b] = (double)node->n_rows * 0.5;
    int64_t missing = node->sum - sum;
    bool any_missing = missing != 0;
    uint32_t n = any_missing ? n_bins : n_bins - 1;
    int32_t top = score_bins(node, gl, hl, cl, n, score);
    if (top > 0 && bits_to_float(top) > best->gain) {
        uint32_t b = 0;
        while (score[b] != top)
            b++;
        *best = (wk__gbdt_split){bits_to_float(top), feature, (int32_t)b, false, left[b]};
    }
    if (!any_missing)
        return;
    /* Missing values go left: entry b now means that bins below b do too. */
    double g0 = wk__gbdt_g(missing) * node->g_unit, h0 = wk__gbdt_h(missing) * node->h_unit;
    double c0 = counts ? (double)counts[n_slots - 1] : node->unit_hessian ? h0 : 0;
    for (uint32_t b = n_bins - 1; b > 0; b--) {
        gl[b] = gl[b - 1] + g0;
        hl[b] = hl[b - 1] + h0;
        cl[b] = cl[b - 1] + c0;
    }
    gl[0] = g0;
    hl[0] = h0;
    cl[0] = counts || node->unit_hessian ? c0 : cl[0];
    top = score_bins(node, gl, hl, cl, n_bins, score);
    if (top > 0 && bits_to_float(top) > best->gain) {
        uint32_t b = n_bins - 1;
        while (score[b] != top)
            b--;
        *best = (wk__gbdt_split){bits_to_float(top), feature, (int32_t)b - 1, true,
                                 missing + (b ? left[b - 1] : 0)};
    }
}

#endif
