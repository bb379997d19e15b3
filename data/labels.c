#include "wick/labels.h"

#include <math.h>
#include <stdlib.h>

#include "wick/math.h"

static const wk_cfg_row rows[] = {
    {"kind", WK_CFG_ENUM, offsetof(wk_label_config, kind), NULL, "\"bounded\"", 0, 0,
     "bounded|forward_return|threshold|triple_barrier|volatility", NULL,
     "what is learnt about the bars after a step, entered at its next open"},
    {"horizon_bars", WK_CFG_INT, offsetof(wk_label_config, horizon_bars), "bars", "3", 1, 100000,
     NULL, NULL, "how far ahead the label looks"},
    {"bound", WK_CFG_REAL, offsetof(wk_label_config, bound), NULL, "0.005", 1e-9, 1000, NULL, NULL,
     "width: a fraction of the price, or multiples of sigma when vol_scaled"},
    {"take_profit", WK_CFG_REAL, offsetof(wk_label_config, take_profit), NULL, "0", 0, 1000, NULL,
     NULL, "upper barrier's width; 0: bound"},
    {"stop_loss", WK_CFG_REAL, offsetof(wk_label_config, stop_loss), NULL, "0", 0, 1000, NULL, NULL,
     "lower barrier's width; 0: bound"},
    {"vol_scaled", WK_CFG_BOOL, offsetof(wk_label_config, vol_scaled), NULL, "false", 0, 0, NULL,
     NULL, "multiply the widths by sigma * sqrt(horizon_bars)"},
    {0}};

const wk_cfg_table wk_label_config_table = {"label", "what a model learns to predict",
                                            sizeof(wk_label_config), rows};

static double clip_one(double x)
{
    return x > 1 ? 1 : x < -1 ? -1 : x;
}

/* Did this cell see a bar? An imputed bar counts, an absent one does not. */
static int exists(const wk_panel *p, size_t t, size_t s)
{
    return p->provenance[t * p->S + s] != WK_PROV_UNKNOWN;
}

static double forward_return(const wk_panel *p, size_t t, size_t s, size_t k)
{
    if (!exists(p, t + 1, s) || !exists(p, t + 1 + k, s))
        return NAN;
    return wk_log(p->bars[(t + 1 + k) * p->S + s].open / p->bars[(t + 1) * p->S + s].open);
}

static double triple_barrier(const wk_panel *p, size_t t, size_t s, size_t k, double up,
                             double down)
{
    double entry = p->bars[(t + 1) * p->S + s].open;
    double upper = entry * (1 + up), lower = entry * (1 - down);
    for (size_t j = t + 1; j <= t + k; j++)
        if (!exists(p, j, s))
            return NAN;
    for (size_t j = t + 1; j <= t + k; j++) {
        const wk_bar *b = &p->bars[j * p->S + s];
        int above = b->high >= upper, below = b->low <= lower;
        if (above && below)
            return 0; /* nobody knows which came first */
        if (above || below)
            return above ? 1 : -1;
    }
    double gain = p->bars[(t + k) * p->S + s].close / entry - 1;
    return clip_one(gain / (gain >= 0 ? up : down));
}

/* The first return runs from the open of t+1, so that the label needs no bar before it. */
static double volatility(const wk_panel *p, size_t t, size_t s, size_t k)
{
    double sum = 0, before = NAN;
    for (size_t j = t + 1; j <= t + k; j++) {
        if (!exists(p, j, s))
            return NAN;
        const wk_bar *b = &p->bars[j * p->S + s];
        double r = wk_log(b->close / (j == t + 1 ? b->open : before));
        sum += r * r;
        before = b->close;
    }
    return sqrt(sum / (double)k);
}

static double label_of(const wk_label_config *c, const wk_panel *p, size_t t, size_t s,
                       double scale)
{
    size_t k = (size_t)c->horizon_bars;
    double bound = c->bound * scale;
    double r;
    switch ((wk_label_kind)c->kind) {
    case WK_LABEL_BOUNDED:
        return clip_one(forward_return(p, t, s, k) / bound);
    case WK_LABEL_FORWARD_RETURN:
        return forward_return(p, t, s, k);
    case WK_LABEL_THRESHOLD:
        r = forward_return(p, t, s, k);
        return isnan(r) ? NAN : r < -bound ? 0 : r > bound ? 2 : 1;
    case WK_LABEL_TRIPLE_BARRIER:
        return triple_barrier(p, t, s, k, (c->take_profit > 0 ? c->take_profit : c->bound) * scale,
                              (c->stop_loss > 0 ? c->stop_loss : c->bound) * scale);
    case WK_LABEL_VOLATILITY:
        return volatility(p, t, s, k);
    }
    return NAN;
}

wk_status wk_labels_make(const wk_label_config *config, const wk_panel *panel, const double *sigma,
                         float *y, int32_t *end, wk_err *err)
{
    if (config->kind < WK_LABEL_BOUNDED || config->kind > WK_LABEL_VOLATILITY)
        return wk_fail(err, WK_E_ARG, "unknown label kind %d", config->kind);
    if (config->horizon_bars < 1 || config->horizon_bars > 100000)
        return wk_fail(err, WK_E_ARG, "label horizon of %lld bars; choose 1 to 100000",
                       (long long)config->horizon_bars);
    int has_width = config->kind != WK_LABEL_FORWARD_RETURN && config->kind != WK_LABEL_VOLATILITY;
    if (has_width && !(config->bound > 0 && config->take_profit >= 0 && config->stop_loss >= 0))
        return wk_fail(err, WK_E_ARG, "label widths %g, %g, %g; they must be positive",
                       config->bound, config->take_profit, config->stop_loss);
    if (has_width && config->vol_scaled && !sigma)
        return wk_fail(err, WK_E_ARG, "a volatility-scaled label needs sigma");
    size_t k = (size_t)config->horizon_bars;
    int needs_open_after = config->kind <= WK_LABEL_THRESHOLD;
    size_t reach = k + (needs_open_after ? 1 : 0);
    double horizon_root = sqrt((double)k);
    for (size_t t = 0; t < panel->T; t++)
        for (size_t s = 0; s < panel->S; s++) {
            size_t cell = t * panel->S + s;
            double scale = 1;
            if (has_width && config->vol_scaled)
                scale = sigma[cell] > 0 ? sigma[cell] * horizon_root : NAN;
            double value = NAN;
            if (t + reach < panel->T && isfinite(scale))
                value = label_of(config, panel, t, s, scale);
            y[cell] = (float)value;
            end[cell] = isnan(value) ? 0 : (int32_t)(t + reach);
        }
    return WK_OK;
}

void wk_labels_uniqueness(const int32_t *end, size_t T, size_t S, float *w)
{
    int32_t *alive = malloc((T + 1) * sizeof *alive);
    double *shares = malloc((T + 1) * sizeof *shares);
    WK_ASSERT(alive && shares && "out of memory");
    for (size_t s = 0; s < S; s++) {
        for (size_t t = 0; t <= T; t++)
            alive[t] = 0;
        for (size_t t = 0; t < T; t++)
            if (end[t * S + s] > 0) {
                WK_ASSERT((size_t)end[t * S + s] > t && (size_t)end[t * S + s] < T);
                alive[t + 1]++;
                alive[end[t * S + s] + 1]--;
            }
        int32_t now = 0;
        shares[0] = 0;
        for (size_t t = 0; t < T; t++) {
            now += alive[t];
            shares[t + 1] = shares[t] + (now > 0 ? 1.0 / now : 0);
        }
        for (size_t t = 0; t < T; t++) {
            size_t e = (size_t)end[t * S + s];
            w[t * S + s] = e > 0 ? (float)((shares[e + 1] - shares[t + 1]) / (double)(e - t)) : 0;
        }
    }
    free(shares);
    free(alive);
}
