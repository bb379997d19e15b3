#include "nn/array_loss.h"

#include "nn/loss.h"
#include "wick/math.h"

static const double log_scale_max = 20, half_log_2pi = 0.91893853320467274178;

/* The three heads in wk_nn_train_config's defaults. */
static const wk__loss_config heads = {0.05, 1, {1, 0.5, 0.2}, {1, 1, 1}};

static bool is_classes(const wk__array_loss *l)
{
    return l->config->loss == WK_NN_CROSS_ENTROPY || l->config->loss == WK_NN_FOCAL;
}

/* The part that target k belongs to. */
static size_t part_of(const wk__array_loss *l, size_t k)
{
    return l->n_parts > 1 ? k : 0;
}

static double class_weight(const wk__array_loss *l, size_t c)
{
    return l->class_weight ? l->class_weight[c] : 1;
}

static wk__target heads_target(const float *y, double weight)
{
    return (wk__target){isnan(y[0]) ? -1 : (int)y[0], (double)y[1], (double)y[2], weight};
}

wk_status wk__array_loss_init(const wk_nn_fit_config *config, size_t n_outputs, size_t K,
                              wk__array_loss *out, wk_err *err)
{
    const wk_reals given = config->task_weights;
    const bool trading = config->loss == WK_NN_TRADING, learn = config->learn_task_weights;
    wk__array_loss l = {.config = config, .n_outputs = n_outputs, .K = K, .n_parts = 1};
    if (trading)
        l.n_parts = WK__LOSSES;
    else if (!is_classes(&l) && (given.n || learn))
        l.n_parts = K;
    if (l.n_parts > WK__PARTS)
        return wk_fail(err, WK_E_CONFIG, "training: %zu tasks with weights; at most %d", l.n_parts,
                       WK__PARTS);
    if (given.n && given.n != (is_classes(&l) ? 0 : l.n_parts))
        return wk_fail(err, WK_E_CONFIG, "training: %zu task_weights for %zu tasks", given.n,
                       l.n_parts);
    if (learn && l.n_parts < 2)
        return wk_fail(err, WK_E_CONFIG,
                       "training: learn_task_weights needs two tasks or more, there is one");
    /* Their likelihoods have a scale of their own, and no lower bound that the weights could rest
     * on. */
    if (learn && (config->loss == WK_NN_GAUSSIAN || config->loss == WK_NN_STUDENT_T))
        return wk_fail(err, WK_E_CONFIG,
                       "training: learn_task_weights does not go with a likelihood, which learns "
                       "the scale of each target already");
    double most = 0;
    for (size_t i = 0; i < l.n_parts; i++) {
        l.weight[i] = given.n ? given.v[i] : trading && !learn ? heads.weight[i] : 1;
        most = l.weight[i] > most ? l.weight[i] : most;
        if (!(l.weight[i] >= 0))
            return wk_fail(err, WK_E_CONFIG, "training: task weight %zu is %g", i, l.weight[i]);
        l.factor[i] = l.weight[i];
    }
    if (!(most > 0))
        return wk_fail(err, WK_E_CONFIG, "training: all task_weights are 0");
    *out = l;
    return WK_OK;
}

static const double log_variance_max = 10;

static double half(bool square)
{
    return square ? 0.5 : 1;
}

void wk__uncertainty_factors(const wk__uncertainty *u, size_t n, bool square, const double *weight,
                             double *factor)
{
    for (size_t i = 0; i < n; i++)
        factor[i] = weight[i] * half(square) * wk_exp(-u->s[i]);
}

void wk__uncertainty_update(wk__uncertainty *u, size_t n, bool square, const double *weight,
                            const double *losses, double learning_rate, size_t t)
{
    const double fix1 = 1 - wk_pow(0.9, (double)t), fix2 = 1 - wk_pow(0.999, (double)t);
    for (size_t i = 0; i < n; i++) {
        if (isnan(losses[i]))
            continue;
        const double g = weight[i] * (0.5 - half(square) * wk_exp(-u->s[i]) * losses[i]);
        u->m[i] = 0.9 * u->m[i] + (1 - 0.9) * g;
        u->v[i] = 0.999 * u->v[i] + (1 - 0.999) * g * g;
        const double s = u->s[i] - learning_rate * (u->m[i] / fix1) / (sqrt(u->v[i] / fix2) + 1e-8);
        u->s[i] = s > log_variance_max    ? log_variance_max
                  : s < -log_variance_max ? -log_variance_max
                                          : s;
    }
}

void wk__array_loss_norms(const wk__array_loss *l, const float *target, double weight,
                          wk__array_sums *sums)
{
    if (l->config->loss == WK_NN_TRADING) {
        const wk__target t = heads_target(target, weight);
        wk__loss_sums s = {0};
        wk__loss_norms(&heads, &t, &s);
        for (int i = 0; i < WK__LOSSES; i++)
            sums->norm[i] += s.norm[i];
        return;
    }
    for (size_t k = 0; k < l->K; k++)
        if (!isnan(target[k]))
            sums->norm[part_of(l, k)] +=
                weight * (is_classes(l) ? class_weight(l, (size_t)target[k]) : 1);
}

/* Softmax cross-entropy as PyTorch: targets a_c = (1 - eps) w_y [c = y] + eps w_c / C; the loss is
 * -sum a_c log p_c. Focal: (1 - p_y)^gamma times -log p_y. */
static double classes(const wk__array_loss *l, size_t y, const wk_real *out, double scale,
                      wk_real *dout)
{
    const size_t C = l->n_outputs;
    const double eps = l->config->loss == WK_NN_FOCAL ? 0 : l->config->label_smoothing;
    double top = (double)out[0], z = 0;
    for (size_t c = 1; c < C; c++)
        top = (double)out[c] > top ? (double)out[c] : top;
    for (size_t c = 0; c < C; c++)
        z += wk_exp((double)out[c] - top);
    const double log_z = wk_log(z) + top;
    if (l->config->loss == WK_NN_FOCAL) {
        const double gamma = l->config->focal_gamma, w = class_weight(l, y);
        const double log_p = (double)out[y] - log_z, p = wk_exp(log_p), q = 1 - p;
        const double keep = gamma > 0 ? (q > 0 ? wk_pow(q, gamma) : 0) : 1;
        const double slope =
            gamma > 0 && q > 0 ? gamma * p * wk_pow(q, gamma - 1) * log_p - keep : -keep;
        for (size_t c = 0; dout && c < C; c++)
            dout[c] =
                (wk_real)(scale * w * slope * ((double)(c == y) - wk_exp((double)out[c] - log_z)));
        return -w * keep * log_p;
    }
    double loss = 0, total = 0;
    for (size_t c = 0; c < C; c++) {
        const double a = (eps / (double)C + (c == y ? 1 - eps : 0)) * class_weight(l, c);
        total += a;
        loss += a * (log_z - (double)out[c]);
    }
    for (size_t c = 0; dout && c < C; c++) {
        const double a = (eps / (double)C + (c == y ? 1 - eps : 0)) * class_weight(l, c);
        dout[c] = (wk_real)(scale * (total * wk_exp((double)out[c] - log_z) - a));
    }
    return loss;
}

/* A likelihood of e = y - mean with deviation exp(s), s clamped to [-20, 20]; beyond the clamp its
 * gradient leads back inside. */
static double likelihood(const wk__array_loss *l, double y, const wk_real *out, double scale,
                         wk_real *dout)
{
    double s = (double)out[1];
    s = s > log_scale_max ? log_scale_max : s < -log_scale_max ? -log_scale_max : s;
    const double inverse = wk_exp(-s), z = (y - (double)out[0]) * inverse;
    const bool student = l->config->loss == WK_NN_STUDENT_T;
    const double nu = l->config->degrees_of_freedom;
    /* d loss / d z, and z times it. */
    const double pull = student ? (nu + 1) * z / (nu + z * z) : z;
    if (dout) {
        dout[0] = (wk_real)(-scale * pull * inverse);
        dout[1] = (wk_real)(scale * (1 - pull * z));
    }
    return s + (student ? 0.5 * (nu + 1) * wk_log(1 + z * z / nu) : 0.5 * z * z + half_log_2pi);
}

/* One target of a regression. */
static double regression(const wk__array_loss *l, double y, const wk_real *out, double scale,
                         wk_real *dout)
{
    const wk_nn_fit_config *c = l->config;
    const double e = (double)out[0] - y, size = fabs(e), delta = c->huber_delta;
    if (c->loss == WK_NN_MSE) {
        if (dout)
            dout[0] = (wk_real)(scale * 2 * e);
        return e * e;
    }
    if (c->loss == WK_NN_HUBER) {
        if (dout)
            dout[0] = (wk_real)(scale * (size <= delta ? e : e > 0 ? delta : -delta));
        return size <= delta ? 0.5 * e * e : delta * (size - 0.5 * delta);
    }
    if (c->loss != WK_NN_PINBALL)
        return likelihood(l, y, out, scale, dout);
    double sum = 0;
    for (size_t i = 0; i < c->quantiles.n; i++) {
        const double q = c->quantiles.v[i], over = (double)out[i] - y;
        sum += over > 0 ? (1 - q) * over : -q * over;
        if (dout)
            dout[i] = (wk_real)(scale *
                                (over > 0   ? 1 - q
                                 : over < 0 ? -q
                                            : 0) /
                                (double)c->quantiles.n);
    }
    return sum / (double)c->quantiles.n;
}

void wk__array_loss_row(const wk__array_loss *l, const float *target, double weight,
                        const wk_real *out, const double *scale, wk__array_sums *sums,
                        wk_real *dout)
{
    if (!scale)
        dout = NULL;
    if (l->config->loss == WK_NN_TRADING) {
        const wk__target t = heads_target(target, weight);
        double parts[WK__LOSSES];
        wk__loss_sums s = {0};
        for (int i = 0; scale && i < WK__LOSSES; i++)
            parts[i] = scale[i] * l->factor[i];
        wk__loss_bar(&heads, &t, out, scale ? parts : NULL, &s, dout);
        for (int i = 0; i < WK__LOSSES; i++)
            sums->loss[i] += s.loss[i];
        return;
    }
    if (is_classes(l)) {
        const double s = scale ? scale[0] * l->factor[0] * weight : 0;
        if (!isnan(target[0]))
            sums->loss[0] += weight * classes(l, (size_t)target[0], out, s, dout);
        return;
    }
    const size_t each = l->n_outputs / l->K;
    for (size_t k = 0; k < l->K; k++) {
        const size_t part = part_of(l, k);
        const double s = scale ? scale[part] * l->factor[part] * weight : 0;
        if (!isnan(target[k]))
            sums->loss[part] += weight * regression(l, (double)target[k], out + k * each, s,
                                                    dout ? dout + k * each : NULL);
    }
}

double wk__array_loss_total(const wk__array_loss *l, const wk__array_sums *sums)
{
    double total = 0;
    for (size_t i = 0; i < l->n_parts; i++)
        if (sums->norm[i] > 0)
            total += l->weight[i] * sums->loss[i] / sums->norm[i];
    return total;
}
