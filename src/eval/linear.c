/* Ridge and logistic regression through one routine: the weighted normal equations of standardised
 * rows, with rows cut into a fixed number of partial sums that are joined in order. */
#include "wick/linear.h"

#include <math.h>
#include <string.h>

#include "wick/math.h"

#define PARTS 16      /* partial sums, whatever the number of threads */
#define BLOCK 64      /* rows standardised at a time */
#define CLIP 10.0     /* deviations */
#define NEWTON_MAX 25 /* steps of the logistic fit */

typedef struct {
    const wk_linear_data *data;
    const wk_linear *model;
    double weight_scale; /* brings the mean weight to 1 */
    size_t P;            /* columns and the intercept, which comes last */
    int threads;
} problem;

static size_t row_at(const wk_linear_data *d, size_t i)
{
    return d->rows ? d->rows[i] : i;
}

static double weight_at(const wk_linear_data *d, size_t row)
{
    return isnan(d->y[row]) ? 0 : d->weight ? (double)d->weight[row] : 1;
}

static double standardised(const wk_linear *m, size_t j, float x)
{
    if (isnan(x))
        return 0;
    double z = ((double)x - m->mean[j]) * m->scale[j];
    return z > CLIP ? CLIP : z < -CLIP ? -CLIP : z;
}

/* Means and deviations in two passes over the rows, column sums in row order. */
static double measure_columns(wk_arena *arena, const wk_linear_data *d, wk_linear *m)
{
    double *weight = wk_arena_array(arena, double, d->n_cols), total = 0;
    for (int pass = 0; pass < 2; pass++) {
        double *sum = pass ? m->scale : m->mean;
        memset(weight, 0, d->n_cols * sizeof *weight);
        total = 0;
        for (size_t i = 0; i < d->n_rows; i++) {
            size_t row = row_at(d, i);
            double w = weight_at(d, row);
            total += w;
            const float *x = d->X + row * d->stride;
            for (size_t j = 0; j < d->n_cols; j++) {
                if (isnan(x[j]))
                    continue;
                double v = (double)x[j];
                weight[j] += w;
                sum[j] += pass ? w * (v - m->mean[j]) * (v - m->mean[j]) : w * v;
            }
        }
        for (size_t j = 0; j < d->n_cols; j++)
            sum[j] = weight[j] > 0 ? sum[j] / weight[j] : 0;
    }
    for (size_t j = 0; j < d->n_cols; j++) {
        double sd = sqrt(m->scale[j]);
        m->scale[j] = sd > 1e-12 * (fabs(m->mean[j]) + 1e-30) && isfinite(sd) ? 1 / sd : 0;
    }
    return total;
}

/* Adds rows [from, to) to the lower triangle of A [P, P] and to b [P].
 * Squared error: A = sum w z z', b = sum w z y. Logistic, at beta: A = sum w p (1 - p) z z',
 * b = sum w z (y - p). */
static void accumulate(const problem *q, const double *beta, size_t from, size_t to, double *z,
                       double *A, double *b)
{
    const wk_linear_data *d = q->data;
    size_t P = q->P;
    for (size_t start = from; start < to; start += BLOCK) {
        size_t B = to - start < BLOCK ? to - start : BLOCK;
        double left[BLOCK], right[BLOCK]; /* row factors of A and b */
        for (size_t i = 0; i < B; i++) {
            size_t row = row_at(d, start + i);
            double w = weight_at(d, row) * q->weight_scale, *zi = z + i * P;
            double y = w > 0 ? (double)d->y[row] : 0;
            for (size_t j = 0; j < d->n_cols; j++)
                zi[j] = standardised(q->model, j, d->X[row * d->stride + j]);
            zi[P - 1] = 1;
            left[i] = w;
            right[i] = w * y;
            if (beta) {
                double sum = 0;
                for (size_t j = 0; j < P; j++)
                    sum += beta[j] * zi[j];
                double p = wk_sigmoid(sum);
                left[i] = w * p * (1 - p);
                right[i] = w * ((y > 0 ? 1 : 0) - p);
            }
        }
        for (size_t j = 0; j < P; j++) {
            double *Aj = A + j * P;
            for (size_t i = 0; i < B; i++) {
                const double *zi = z + i * P;
                double f = left[i] * zi[j];
                for (size_t k = 0; k <= j; k++)
                    Aj[k] += f * zi[k];
                b[j] += right[i] * zi[j];
            }
        }
    }
}

/* The normal equations of all rows in A [P, P] and b [P]; parts is scratch. */
static void normal_equations(const problem *q, const double *beta, double *parts, double *A,
                             double *b)
{
    size_t P = q->P, n = q->data->n_rows, size = P * P + P + BLOCK * P;
    memset(parts, 0, PARTS * size * sizeof *parts);
#pragma omp parallel for schedule(dynamic) num_threads(q->threads)
    for (size_t part = 0; part < PARTS; part++) {
        double *mine = parts + part * size;
        accumulate(q, beta, part * n / PARTS, (part + 1) * n / PARTS, mine + P * P + P, mine,
                   mine + P * P);
    }
    memset(A, 0, P * P * sizeof *A);
    memset(b, 0, P * sizeof *b);
    for (size_t part = 0; part < PARTS; part++) {
        for (size_t i = 0; i < P * P; i++)
            A[i] += parts[part * size + i];
        for (size_t i = 0; i < P; i++)
            b[i] += parts[part * size + P * P + i];
    }
}

/* Solves A x = b in place by Cholesky on the lower triangle. A direction without information (a
 * column that repeats others) gets coefficient 0. */
static void solve(double *A, double *b, size_t P)
{
    double most = 0;
    for (size_t j = 0; j < P; j++)
        most = A[j * P + j] > most ? A[j * P + j] : most;
    for (size_t j = 0; j < P; j++) {
        double pivot = A[j * P + j];
        for (size_t k = 0; k < j; k++)
            pivot -= A[j * P + k] * A[j * P + k];
        double root = pivot > 1e-11 * most ? sqrt(pivot) : 0;
        A[j * P + j] = root;
        for (size_t i = j + 1; i < P; i++) {
            double s = A[i * P + j];
            for (size_t k = 0; k < j; k++)
                s -= A[i * P + k] * A[j * P + k];
            A[i * P + j] = root > 0 ? s / root : 0;
        }
    }
    for (size_t i = 0; i < P; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= A[i * P + k] * b[k];
        b[i] = A[i * P + i] > 0 ? b[i] / A[i * P + i] : 0;
    }
    for (size_t i = P; i-- > 0;) {
        for (size_t k = i + 1; k < P; k++)
            b[i] -= A[k * P + i] * b[k];
        b[i] = A[i * P + i] > 0 ? b[i] / A[i * P + i] : 0;
    }
}

static wk_status check(const wk_linear_data *d, double l2, int threads, wk_err *err)
{
    if (d->n_cols == 0 || !(l2 >= 0) || threads < 1)
        return wk_fail(err, WK_E_ARG,
                       "linear model: %zu columns, l2 %g, %d threads; need at least one "
                       "column, l2 >= 0 and one thread",
                       d->n_cols, l2, threads);
    for (size_t i = 0; i < d->n_rows; i++)
        if (weight_at(d, row_at(d, i)) > 0)
            return WK_OK;
    return wk_fail(err, WK_E_DATA,
                   "linear model: none of %zu rows has a target and a weight above 0", d->n_rows);
}

/* The largest change of a coefficient in the step. */
static double largest(const double *step, size_t P)
{
    double most = 0;
    for (size_t j = 0; j < P; j++)
        most = fabs(step[j]) > most ? fabs(step[j]) : most;
    return most;
}

static wk_status fit(wk_arena *arena, const wk_linear_data *d, double l2, int threads, int logistic,
                     wk_linear *out, wk_err *err)
{
    WK_TRY(check(d, l2, threads, err));
    size_t P = d->n_cols + 1;
    wk_linear m = {.n_cols = d->n_cols, .logistic = logistic};
    m.coefficient = wk_arena_array(arena, double, d->n_cols);
    m.mean = wk_arena_array(arena, double, d->n_cols);
    m.scale = wk_arena_array(arena, double, d->n_cols);

    wk_arena scratch;
    wk_arena_init(&scratch);
    double total = measure_columns(&scratch, d, &m);
    problem q = {d, &m, (double)d->n_rows / total, P, threads};
    size_t square = P * P, partial = PARTS * (square + P + BLOCK * P);
    double *parts = wk_arena_array(&scratch, double, partial);
    double *A = wk_arena_array(&scratch, double, square), *b = wk_arena_array(&scratch, double, P);
    double *beta = wk_arena_array(&scratch, double, P);
    for (int step = 0; step < (logistic ? NEWTON_MAX : 1); step++) {
        normal_equations(&q, logistic ? beta : NULL, parts, A, b);
        for (size_t j = 0; j + 1 < P; j++) {
            A[j * P + j] += l2;
            b[j] -= l2 * beta[j];
        }
        solve(A, b, P);
        /* Separable rows would send the step to infinity: no step moves the log-odds of one
         * deviation by more than 4. */
        double most = largest(b, P), damp = logistic && most > 4 ? 4 / most : 1;
        for (size_t j = 0; j < P; j++)
            beta[j] += damp * b[j];
        if (most < 1e-9)
            break;
    }
    memcpy(m.coefficient, beta, d->n_cols * sizeof *beta);
    m.intercept = beta[P - 1];
    wk_arena_finish(&scratch);
    *out = m;
    return WK_OK;
}

wk_status wk_linear_fit(wk_arena *arena, const wk_linear_data *data, double l2, int threads,
                        wk_linear *out, wk_err *err)
{
    return fit(arena, data, l2, threads, 0, out, err);
}

wk_status wk_logistic_fit(wk_arena *arena, const wk_linear_data *data, double l2, int threads,
                          wk_linear *out, wk_err *err)
{
    return fit(arena, data, l2, threads, 1, out, err);
}

double wk_linear_predict(const wk_linear *model, const float *row)
{
    double sum = model->intercept;
    for (size_t j = 0; j < model->n_cols; j++)
        if (model->scale[j] > 0)
            sum += model->coefficient[j] * standardised(model, j, row[j]);
    return model->logistic ? wk_sigmoid(sum) : sum;
}
