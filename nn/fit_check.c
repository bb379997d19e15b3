/* What a training on arrays refuses, with its place. */
#include <math.h>

#include "nn/fit.h"

wk_status wk__fit_check_array(const wk_nn *nn, const wk_nn_fit_config *c, const wk_nn_array *a,
                              const char *name, wk_err *err)
{
    const size_t O = nn->net.n_outputs;
    if (a->F != nn->net.F || !a->T || a->T > WK__WINDOW_MAX || (a->S != 1 && a->S != a->T))
        return wk_fail(
            err, WK_E_DATA,
            "%s: sequences of %zu bars x %zu inputs with targets at %zu of them; the network "
            "has %zu inputs, and targets stand at every bar or at the last one",
            name, a->T, a->F, a->S, nn->net.F);
    for (size_t k = 0; k < a->N * a->T * a->F; k++)
        if (!isfinite(a->X[k]))
            return wk_fail(
                err, WK_E_DATA,
                "%s: X of sequence %zu, bar %zu, channel %zu is %g; fill or drop it first", name,
                a->first + k / a->F / a->T, k / a->F % a->T, k % a->F, (double)a->X[k]);
    if (!c)
        return WK_OK;
    const bool classes = c->loss == WK_NN_CROSS_ENTROPY || c->loss == WK_NN_FOCAL;
    const bool trading = c->loss == WK_NN_TRADING;
    if (!a->K || (classes && a->K != 1) || (trading && a->K != 3) ||
        (!classes && wk_nn_fit_outputs(c, a->K) != O))
        return wk_fail(err, WK_E_DATA, "%s: %zu targets do not fit the loss and %zu outputs", name,
                       a->K, O);
    const size_t n_classes = trading ? 3 : O;
    for (size_t k = 0; k < a->N * a->S * a->K; k++) {
        const double y = (double)a->y[k];
        const bool class = classes || (trading && k % 3 == 0);
        const bool wrong = class ? !(y >= 0 && y < (double)n_classes && (double)(size_t)y == y)
                                 : isinf(y) || (trading && k % 3 == 2 && !(y > 0));
        if (!isnan(y) && wrong)
            return wk_fail(err, WK_E_DATA, "%s: target %zu of sequence %zu, bar %zu is %g; want %s",
                           name, k % a->K, a->first + k / a->K / a->S, k / a->K % a->S, y,
                           class ? "a class 0, 1, ... below the number of outputs"
                                 : "a finite number, and volatilities above 0");
    }
    for (size_t i = 0; a->weight && i < a->N; i++)
        if (!(a->weight[i] >= 0 && isfinite(a->weight[i])))
            return wk_fail(err, WK_E_DATA, "%s: the weight of sequence %zu is %g", name,
                           a->first + i, (double)a->weight[i]);
    return WK_OK;
}

wk_status wk__fit_check_config(const wk_nn_fit_config *c, wk_err *err)
{
    if (c->epochs < 1 || c->batch < 1 || !(c->learning_rate > 0) || c->patience < 0 ||
        !(c->clip_norm >= 0) || !(c->weight_decay >= 0) || c->step_epochs < 1 ||
        !(c->warmup_fraction >= 0 && c->warmup_fraction <= 1))
        return wk_fail(
            err, WK_E_CONFIG,
            "training: epochs %lld, batch %lld, step_epochs %lld must be at least 1, "
            "learning_rate %g positive, patience %lld, clip_norm %g, weight_decay %g not "
            "negative, warmup_fraction %g in [0, 1]",
            (long long)c->epochs, (long long)c->batch, (long long)c->step_epochs, c->learning_rate,
            (long long)c->patience, c->clip_norm, c->weight_decay, c->warmup_fraction);
    if (c->precision < WK_NN_FP32 || c->precision > WK_NN_BF16X3)
        return wk_fail(err, WK_E_CONFIG, "training: precision %d is unknown", c->precision);
    if (c->loss == WK_NN_PINBALL && !c->quantiles.n)
        return wk_fail(err, WK_E_CONFIG, "training: pinball needs quantiles");
    return WK_OK;
}
