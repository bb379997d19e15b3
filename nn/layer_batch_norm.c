/* Batch norm over the channels, Ioffe & Szegedy 2015: y = gain (x - mean) / sqrt(variance + 1e-5) +
 * bias. In training mean and biased variance are those of the block of rows that one task runs,
 * over all its bars (a batch of up to that many rows is one block, and then this is what PyTorch
 * computes; larger batches have several, as the ghost batches of Hoffer et al. 2017). Rows and bars
 * that only pad the block do not count. In inference they are running means over training's
 * updates, momentum 0.1 and the unbiased variance, as PyTorch; a plan folds them into the product
 * before.
 *
 * Sums are taken in double, bar by bar, so the bits do not depend on the instruction set. */
#include <string.h>

#include "nn/layer.h"

static const double momentum = 0.1;
static const wk_real eps = (wk_real)1e-5;

enum { GAIN, BIAS, MEAN, VARIANCE, PARTS };

static wk_status shape(wk__layer *l, wk_err *err)
{
    static const char *const names[PARTS] = {"weight", "bias", "running_mean", "running_var"};
    (void)err;
    for (size_t k = 0; k < PARTS; k++)
        wk__layer_tensor_add(l, names[k], l->in, 1, 1, 1, false);
    /* Gain, bias, and what inference multiplies with and adds. */
    l->n_packed = PARTS * wk__pad(l->in);
    /* Gradients of gain and bias, sums of the blocks' means and variances times their counts, the
     * counts, and these less one for each block. */
    l->n_grad = PARTS * wk__pad(l->in) + WK__LANES;
    return WK_OK;
}

static void init(const wk__layer *l, wk_real *params, uint64_t seed)
{
    (void)seed;
    for (size_t c = 0; c < l->in; c++) {
        params[GAIN * l->in + c] = params[VARIANCE * l->in + c] = 1;
        params[BIAS * l->in + c] = params[MEAN * l->in + c] = 0;
    }
}

void wk__batch_norm_affine(const wk__layer *l, const wk_real *params, size_t c, wk_real *scale,
                           wk_real *shift)
{
    const wk_real variance = params[VARIANCE * l->in + c];
    *scale = params[GAIN * l->in + c] / wk__sqrt((variance > 0 ? variance : 0) + eps);
    *shift = params[BIAS * l->in + c] - params[MEAN * l->in + c] * *scale;
}

static void pack(const wk__layer *l, const wk_real *params, wk_real *packed)
{
    memset(packed, 0, l->n_packed * sizeof *packed);
    memcpy(packed, params, l->in * sizeof *packed);
    memcpy(packed + l->ldi, params + BIAS * l->in, l->in * sizeof *packed);
    for (size_t c = 0; c < l->in; c++)
        wk__batch_norm_affine(l, params, c, packed + 2 * l->ldi + c, packed + 3 * l->ldi + c);
}

/* Tape: normalised values [T, B, ld]; then of each channel 1 / sqrt(variance + eps), mean and
 * variance; then the count of values. */
static size_t n_tape(const wk__layer *l, size_t B, size_t T)
{
    return (T * B + 3) * wk__pad(l->in) + WK__LANES;
}

static bool counts(const wk__run *run, size_t m)
{
    return !run->bars || m / run->B < run->bars[m % run->B];
}

/* Sums over the values that count of 16 channels: of a - shift, or with `square` of its square. */
static void add_up(const wk__run *run, size_t M, size_t ld, const wk_real *a, const double *shift,
                   bool square, double *sums)
{
    for (size_t j = 0; j < WK__LANES; j++)
        sums[j] = 0;
    for (size_t m = 0; m < M; m++, a += ld) {
        if (!counts(run, m))
            continue;
        for (size_t j = 0; j < WK__LANES; j++) {
            const double d = (double)a[j] - shift[j];
            sums[j] += square ? d * d : d;
        }
    }
}

static void forward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                    wk_real *tape, const wk_real *x, wk_real *y, size_t T)
{
    (void)state;
    const size_t M = T * run->B, ld = l->ldi;
    wk_real *rstd = tape + M * ld, *means = rstd + ld, *variances = means + ld;
    if (!run->training) {
        const wk_real *scale = packed + 2 * ld, *shift = packed + 3 * ld;
        for (size_t m = 0; m < M; m++)
            for (size_t c = 0; c < ld; c++)
                y[m * ld + c] = x[m * ld + c] * scale[c] + shift[c];
        return;
    }
    size_t n = 0;
    for (size_t m = 0; m < M; m++)
        n += counts(run, m);
    rstd[3 * ld] = (wk_real)n;
    for (size_t c = 0; c < ld; c += WK__LANES) {
        double mean[WK__LANES] = {0}, squares[WK__LANES];
        add_up(run, M, ld, x + c, mean, false, squares);
        for (size_t j = 0; j < WK__LANES; j++)
            mean[j] = n ? squares[j] / (double)n : 0;
        add_up(run, M, ld, x + c, mean, true, squares);
        for (size_t j = 0; j < WK__LANES; j++) {
            const double variance = n ? squares[j] / (double)n : 1;
            means[c + j] = (wk_real)mean[j];
            variances[c + j] = (wk_real)variance;
            rstd[c + j] = c + j < l->in ? (wk_real)(1 / sqrt(variance + (double)eps)) : 0;
        }
    }
    for (size_t m = 0; m < M; m++)
        for (size_t c = 0; c < ld; c++) {
            const wk_real v = (x[m * ld + c] - means[c]) * rstd[c];
            tape[m * ld + c] = v;
            y[m * ld + c] = v * packed[c] + packed[ld + c];
        }
}

static void backward(const wk__layer *l, const wk__run *run, const wk_real *packed, wk_real *state,
                     wk_real *tape, const wk_real *x, const wk_real *y, wk_real *dy, wk_real *dx,
                     wk_real *grad, size_t T)
{
    (void)state, (void)x, (void)y;
    const size_t M = T * run->B, ld = l->ldi;
    const wk_real *rstd = tape + M * ld, *means = rstd + ld, *variances = means + ld;
    const double n = (double)rstd[3 * ld];
    WK_ASSERT(run->training);
    for (size_t c = 0; c < ld; c += WK__LANES) {
        double sum[WK__LANES] = {0}, along[WK__LANES] = {0};
        for (size_t m = 0; m < M; m++) {
            if (!counts(run, m))
                continue;
            for (size_t j = 0; j < WK__LANES; j++) {
                const double d = (double)dy[m * ld + c + j];
                sum[j] += d;
                along[j] += d * (double)tape[m * ld + c + j];
            }
        }
        for (size_t j = 0; j < WK__LANES; j++) {
            grad[c + j] += (wk_real)along[j];
            grad[ld + c + j] += (wk_real)sum[j];
            grad[2 * ld + c + j] += (wk_real)n * means[c + j];
            grad[3 * ld + c + j] += (wk_real)n * variances[c + j];
        }
        if (!dx || !(n > 0))
            continue;
        wk_real factor[WK__LANES], mean[WK__LANES], slope[WK__LANES];
        for (size_t j = 0; j < WK__LANES; j++) {
            factor[j] = packed[c + j] * rstd[c + j];
            mean[j] = (wk_real)(sum[j] / n);
            slope[j] = (wk_real)(along[j] / n);
        }
        for (size_t m = 0; m < M; m++) {
            const bool used = counts(run, m);
            for (size_t j = 0; j < WK__LANES; j++)
                dx[m * ld + c + j] = used ? factor[j] * (dy[m * ld + c + j] - mean[j] -
                                                         tape[m * ld + c + j] * slope[j])
                                          : 0;
        }
    }
    if (dx && !(n > 0))
        memset(dx, 0, M * ld * sizeof *dx);
    grad[4 * ld] += (wk_real)n;
    grad[4 * ld + 1] += n > 1 ? (wk_real)(n - 1) : 0;
}

static void unpack(const wk__layer *l, const wk_real *params, const wk_real *grad, wk_real *dparams)
{
    (void)params;
    memset(dparams, 0, l->n_params * sizeof *dparams);
    memcpy(dparams, grad, l->in * sizeof *grad);
    memcpy(dparams + BIAS * l->in, grad + l->ldi, l->in * sizeof *grad);
}

static void track(const wk__layer *l, const wk_real *grad, wk_real *params)
{
    const double n = (double)grad[4 * l->ldi], less = (double)grad[4 * l->ldi + 1];
    /* A single value has no variance to learn. */
    if (!(less > 0))
        return;
    for (size_t c = 0; c < l->in; c++) {
        wk_real *mean = params + MEAN * l->in + c, *variance = params + VARIANCE * l->in + c;
        *mean =
            (wk_real)((1 - momentum) * (double)*mean + momentum * (double)grad[2 * l->ldi + c] / n);
        *variance = (wk_real)((1 - momentum) * (double)*variance +
                              momentum * (double)grad[3 * l->ldi + c] / less);
    }
}

const wk__layer_ops wk__layer_batch_norm = {.name = "batch_norm",
                                            .shape = shape,
                                            .init = init,
                                            .pack = pack,
                                            .n_tape = n_tape,
                                            .forward = forward,
                                            .backward = backward,
                                            .unpack = unpack,
                                            .track = track};
