#include "nn/adamw.h"

#include "wick/math.h"

void wk__adamw_update(wk__adamw *opt, const wk__nn_ops *ops, size_t n, const wk_real *g,
                      double scale, const bool *decay, wk_real *p)
{
    opt->t++;
    const double fix1 = 1 - wk_pow(opt->beta1, (double)opt->t),
                 fix2 = 1 - wk_pow(opt->beta2, (double)opt->t);
    wk__adamw_step s = {.scale = (wk_real)scale,
                        .b1 = (wk_real)opt->beta1,
                        .c1 = (wk_real)(1 - opt->beta1),
                        .b2 = (wk_real)opt->beta2,
                        .c2 = (wk_real)(1 - opt->beta2),
                        .step = (wk_real)(opt->learning_rate / fix1),
                        .root = (wk_real)(1 / sqrt(fix2)),
                        .eps = (wk_real)opt->eps};
    /* Runs of parameters that decay and that do not, as the tensors lie. */
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        while (end < n && decay[end] == decay[i])
            end++;
        s.keep = decay[i] ? (wk_real)(1 - opt->learning_rate * opt->weight_decay) : 1;
        ops->adamw(end - i, &s, g + i, opt->m + i, opt->v + i, p + i);
    }
}

void wk__rmsprop_update(wk__adamw *opt, size_t n, const wk_real *g, double scale, const bool *decay,
                        wk_real *p)
{
    opt->t++;
    const wk_real s = (wk_real)scale, step = (wk_real)opt->learning_rate, eps = (wk_real)opt->eps,
                  keep = (wk_real)(1 - opt->learning_rate * opt->weight_decay);
    const wk_real old = (wk_real)0.99, new = (wk_real)(1 - 0.99), tiny = (wk_real)1e-30;
    for (size_t i = 0; i < n; i++) {
        wk_real gi = g[i] * s, v = old * opt->v[i] + new *gi *gi;
        v = v < tiny ? 0 : v;
        opt->v[i] = v;
        wk_real base = decay[i] ? p[i] * keep : p[i];
        p[i] = base - step * gi / (wk__sqrt(v) + eps);
    }
}

double wk__clip_scale(size_t n, const wk_real *g, double clip_norm)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    double norm = sqrt(sum);
    return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1;
}

double wk__schedule(size_t t, size_t total, double warmup_fraction)
{
    double rise = warmup_fraction * (double)total, at = (double)t;
    if (at < rise)
        return (at + 1) / (rise + 1);
    double x = total > rise ? (at - rise) / ((double)total - rise) : 1;
    return x >= 1 ? 0 : 0.5 * (1 + wk_cos(3.14159265358979324 * x));
}
