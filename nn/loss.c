#include "nn/loss.h"

#include <math.h>

#include "wick/math.h"

enum { MAGNITUDE = 3, VOLATILITY = 4 };
static const double log_volatility_max = 20;

void wk__loss_norms(const wk__loss_config *config, const wk__target *t, wk__loss_sums *sums)
{
    if (t->direction >= 0)
        sums->norm[0] += t->weight * config->class_weight[t->direction];
    if (!isnan(t->magnitude))
        sums->norm[1] += t->weight;
    if (!isnan(t->volatility))
        sums->norm[2] += t->weight;
}

/* With targets a_c = (1 - eps) w_y [c = y] + eps w_c / 3 the loss is -sum a_c log p_c and its
 * gradient p_j sum(a) - a_j. */
static double direction(const wk__loss_config *config, const wk__target *t, const wk_real *out,
                        double scale, wk_real *dout)
{
    double top = out[0], z = 0, loss = 0, total = 0, p[WK__CLASSES], a[WK__CLASSES];
    for (int c = 1; c < WK__CLASSES; c++)
        if ((double)out[c] > top)
            top = out[c];
    for (int c = 0; c < WK__CLASSES; c++) {
        p[c] = wk_exp((double)out[c] - top);
        z += p[c];
    }
    double log_z = wk_log(z) + top;
    for (int c = 0; c < WK__CLASSES; c++) {
        a[c] = config->label_smoothing * config->class_weight[c] / WK__CLASSES;
        if (c == t->direction)
            a[c] += (1 - config->label_smoothing) * config->class_weight[c];
        total += a[c];
        loss += a[c] * (log_z - (double)out[c]);
    }
    for (int c = 0; dout && c < WK__CLASSES; c++)
        dout[c] = (wk_real)(scale * t->weight * (total * p[c] / z - a[c]));
    return t->weight * loss;
}

void wk__loss_bar(const wk__loss_config *config, const wk__target *t, const wk_real *out,
                  const double *scale, wk__loss_sums *sums, wk_real *dout)
{
    if (t->direction >= 0)
        sums->loss[0] += direction(config, t, out, scale ? scale[0] : 0, scale ? dout : NULL);
    if (!isnan(t->magnitude)) {
        double e = (double)out[MAGNITUDE] - t->magnitude, delta = config->huber_delta;
        double size = fabs(e);
        sums->loss[1] += t->weight * (size <= delta ? 0.5 * e * e : delta * (size - 0.5 * delta));
        if (scale)
            dout[MAGNITUDE] = (wk_real)(scale[1] * t->weight *
                                        (size <= delta ? e
                                         : e > 0       ? delta
                                                       : -delta));
    }
    if (!isnan(t->volatility)) {
        double o = out[VOLATILITY];
        o = o > log_volatility_max    ? log_volatility_max
            : o < -log_volatility_max ? -log_volatility_max
                                      : o;
        double log_ratio = 2 * wk_log(t->volatility) - 2 * o, ratio = wk_exp(log_ratio);
        sums->loss[2] += t->weight * (ratio - log_ratio - 1);
        /* Also beyond the clamp, where it leads back inside. */
        if (scale)
            dout[VOLATILITY] = (wk_real)(scale[2] * t->weight * 2 * (1 - ratio));
    }
}

double wk__loss_total(const wk__loss_config *config, const wk__loss_sums *sums)
{
    double total = 0;
    for (int i = 0; i < WK__LOSSES; i++)
        if (sums->norm[i] > 0)
            total += config->weight[i] * sums->loss[i] / sums->norm[i];
    return total;
}
