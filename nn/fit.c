/* Training on whole windows: a batch is cut into blocks of rows, blocks into shards. A shard is one
 * task with its own gradient; the shards' gradients are added in their order. Both cuts follow from
 * the batch alone, so the number of threads changes nothing. */
#include "nn/fit.h"

#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/kernels/flush.h"
#include "nn/precision.h"
#include "wick/file.h"
#include "wick/hash.h"
#include "wick/log.h"
#include "wick/rng.h"

typedef struct {
    wk__window *work; /* [n_workers] */
    size_t n_workers, B, T, F, S;
    const wk__nn_ops *ops;
    wk__gang gang;
    float *packed;
} runner;

typedef struct {
    runner run;
    wk_nn *nn;
    const wk_nn_fit_config *config;
    const wk_nn_fit_options *options;
    const wk_nn_array *train, *valid;
    wk__array_loss loss;
    wk__precision precision;
    float *grad[WK__FIT_SHARDS], *dparams;
    wk__array_sums sums[WK__FIT_SHARDS];
    wk__adamw optimiser;
    size_t *order;
    size_t batches, tick; /* a full epoch's; batches begun */
    wk__fit_state state;
    char what[65];
} fitter;

/* ---- running blocks ---- */

/* Rows [at, at + n) of `order` into the window, zeros in the rows beyond. */
static void gather(const runner *r, wk__window *w, const wk_nn_array *a, const size_t *order,
                   size_t at, size_t n)
{
    const size_t F = r->F, ld = wk__pad(F);
    for (size_t b = 0; b < r->B; b++) {
        const size_t i = order ? order[at + (b < n ? b : 0)] : at + (b < n ? b : 0);
        const float *x = a->X + i * r->T * F;
        for (size_t t = 0; t < r->T; t++, x += F) {
            float *to = w->x + (t * r->B + b) * ld;
            if (b < n)
                memcpy(to, x, F * sizeof *to);
            else
                memset(to, 0, F * sizeof *to);
        }
    }
}

static const float *target_of(const wk_nn_array *a, size_t i, size_t s)
{
    return a->y + (i * a->S + s) * a->K;
}

static double weight_of(const wk_nn_array *a, size_t i)
{
    return a->weight ? (double)a->weight[i] : 1;
}

/* A batch, or with grad NULL a whole array, as the tasks see it. */
typedef struct {
    fitter *f;
    const wk_nn_array *a;
    const size_t *order; /* NULL: as they lie */
    size_t at, n, blocks, shards;
    const double *scale;  /* NULL: no gradient */
    wk__array_sums *sums; /* [shards] */
} job;

static void run_block(const job *j, wk__window *w, float *grad, size_t block, wk__array_sums *sums)
{
    const fitter *f = j->f;
    const runner *r = &f->run;
    const wk__net *net = &f->nn->net;
    const size_t first = block * r->B, left = j->n - first, n = left < r->B ? left : r->B;
    const size_t ld = wk__pad(net->n_outputs);
    gather(r, w, j->a, j->order, j->at + first, n);
    w->run.training = j->scale != NULL;
    w->run.seed = (uint64_t)f->config->seed;
    w->run.tick = f->tick;
    w->run.row0 = first;
    w->run.n_rows = j->blocks * r->B;
    size_t bars[WK__FIT_ROWS];
    for (size_t b = 0; b < r->B; b++)
        bars[b] = b < n ? r->T : 0;
    w->run.bars = n < r->B ? bars : NULL;
    const float *y = wk__window_forward(net, r->packed, w);
    if (j->scale)
        memset(w->d[0], 0, r->S * r->B * ld * sizeof *y);
    for (size_t s = 0; s < r->S; s++)
        for (size_t b = 0; b < n; b++) {
            const size_t i = j->order ? j->order[j->at + first + b] : j->at + first + b;
            const size_t at = (s * r->B + b) * ld;
            wk__array_loss_row(&f->loss, target_of(j->a, i, s), weight_of(j->a, i), y + at,
                               j->scale, sums, j->scale ? w->d[0] + at : NULL);
        }
    if (j->scale)
        wk__window_backward(net, r->packed, w, grad);
    w->run.bars = NULL;
}

static void run_shard(void *context, size_t shard, size_t worker)
{
    const job *j = context;
    fitter *f = j->f;
    j->sums[shard] = (wk__array_sums){0};
    float *grad = j->scale ? f->grad[shard] : NULL;
    if (grad)
        memset(grad, 0, f->nn->net.n_grad * sizeof *grad);
    wk__precision_use(&f->precision, grad != NULL, worker, &f->run.work[worker].run);
    for (size_t i = shard * j->blocks / j->shards; i < (shard + 1) * j->blocks / j->shards; i++)
        run_block(j, &f->run.work[worker], grad, i, &j->sums[shard]);
}

/* The loss of rows [at, at + n) of `order`, and their gradient in grad[0] if asked for. */
static void run_rows(fitter *f, const wk_nn_array *a, const size_t *order, size_t at, size_t n,
                     bool gradient, wk__array_sums *sums)
{
    double scale[WK__PARTS];
    wk__array_sums shard_sums[WK__FIT_SHARDS], norms = {0};
    for (size_t k = 0; k < n; k++) {
        const size_t i = order ? order[at + k] : at + k;
        for (size_t s = 0; s < a->S; s++)
            wk__array_loss_norms(&f->loss, target_of(a, i, s), weight_of(a, i), &norms);
    }
    bool any = false;
    for (int k = 0; k < WK__PARTS; k++) {
        any = any || norms.norm[k] > 0;
        scale[k] = norms.norm[k] > 0 ? 1 / norms.norm[k] : 0;
        sums->norm[k] += norms.norm[k];
    }
    const size_t blocks = (n + f->run.B - 1) / f->run.B;
    job j = {f,
             a,
             order,
             at,
             n,
             blocks,
             blocks < WK__FIT_SHARDS ? blocks : WK__FIT_SHARDS,
             gradient && any ? scale : NULL,
             shard_sums};
    wk__gang_run(&f->run.gang, j.shards, run_shard, &j);
    for (size_t i = 0; i < j.shards; i++)
        for (int k = 0; k < WK__PARTS; k++)
            sums->loss[k] += shard_sums[i].loss[k];
    for (size_t i = 1; j.scale && i < j.shards; i++)
        f->run.ops->add(f->nn->net.n_grad, f->grad[i], f->grad[0]);
    if (gradient && !any)
        memset(f->grad[0], 0, f->nn->net.n_grad * sizeof(float));
}

static void runner_build(runner *r, wk_arena *arena, const wk_nn *nn, size_t T, size_t S, size_t B,
                         int threads, bool all, bool backward)
{
    *r = (runner){.n_workers = threads > 1 ? (size_t)threads : 1,
                  .B = B,
                  .T = T,
                  .F = nn->net.F,
                  .S = S,
                  .ops = wk__nn_ops_best(),
                  .packed = wk_arena_array(arena, float, nn->net.n_packed)};
    const wk__span out = S > 1 || T == 1 ? (wk__span){T, 1} : (wk__span){1, 0};
    r->work = wk_arena_array(arena, wk__window, r->n_workers);
    for (size_t i = 0; i < r->n_workers; i++)
        wk__window_build(arena, &nn->net, r->ops, B, T, out, all, backward, &r->work[i]);
    wk__net_pack(&nn->net, nn->params, r->packed);
}

/* ---- epochs ---- */

static double rate_of(const fitter *f, size_t epoch)
{
    const wk_nn_fit_config *c = f->config;
    const size_t total = f->batches * (size_t)c->epochs, t = f->optimiser.t;
    if (c->schedule == 1)
        return c->learning_rate * wk__schedule(t, total, c->warmup_fraction);
    const double rise = c->warmup_fraction * (double)total;
    double rate = c->learning_rate;
    if ((double)t < rise)
        rate *= ((double)t + 1) / (rise + 1);
    for (size_t k = (size_t)c->step_epochs; c->schedule == 2 && k < epoch;
         k += (size_t)c->step_epochs)
        rate *= c->step_factor;
    return rate;
}

/* Learned weights of the tasks follow the batch's losses; then the gradient's factors follow them.
 */
static void update_tasks(fitter *f, const wk__array_sums *sums)
{
    wk__uncertainty *u = &f->state.tasks;
    const size_t n = f->loss.n_parts;
    const bool square = f->config->loss == WK_NN_MSE;
    double losses[WK__PARTS];
    for (size_t i = 0; i < n; i++)
        losses[i] = sums->norm[i] > 0 ? sums->loss[i] / sums->norm[i] : NAN;
    wk__uncertainty_update(u, n, square, f->loss.weight, losses, f->optimiser.learning_rate,
                           f->optimiser.t);
    wk__uncertainty_factors(u, n, square, f->loss.weight, f->loss.factor);
}

static void update(fitter *f, size_t epoch, const wk__array_sums *sums)
{
    wk_nn *nn = f->nn;
    const wk__net *net = &nn->net;
    wk__net_unpack(net, nn->params, f->grad[0], f->dparams);
    f->optimiser.learning_rate = rate_of(f, epoch);
    const double scale = wk__clip_scale(net->n_params, f->dparams, f->config->clip_norm);
    if (f->config->optimiser == 0)
        wk__adamw_update(&f->optimiser, f->run.ops, net->n_params, f->dparams, scale, nn->decay,
                         nn->params);
    else
        wk__rmsprop_update(&f->optimiser, net->n_params, f->dparams, scale, nn->decay, nn->params);
    wk__net_track(net, f->grad[0], nn->params);
    if (f->config->learn_task_weights)
        update_tasks(f, sums);
    wk__net_pack(net, nn->params, f->run.packed);
    wk__precision_pack(&f->precision, &f->run.gang);
}

static void shuffle(fitter *f, size_t epoch)
{
    const size_t n = f->train->N;
    for (size_t i = 0; i < n; i++)
        f->order[i] = i;
    for (size_t i = n; f->config->shuffle && i > 1; i--) {
        const size_t j = (size_t)wk_rng_below((uint64_t)f->config->seed, epoch, i, i),
                     swap = f->order[j];
        f->order[j] = f->order[i - 1];
        f->order[i - 1] = swap;
    }
}

static bool enough(const fitter *f)
{
    return f->options->batches_max && f->tick >= f->options->batches_max;
}

static wk_status train_epoch(fitter *f, size_t epoch, double *loss, wk_err *err)
{
    const size_t N = f->train->N, batch = (size_t)f->config->batch;
    wk__array_sums sums = {0};
    shuffle(f, epoch);
    for (size_t at = 0; at < N && !enough(f); at += batch) {
        const size_t n = N - at < batch ? N - at : batch;
        wk__array_sums now = {0};
        f->tick++;
        run_rows(f, f->train, f->order, at, n, true, &now);
        const double mean = wk__array_loss_total(&f->loss, &now);
        if (!isfinite(mean))
            return wk_fail(
                err, WK_E_DATA,
                "training diverged in epoch %zu, batch %zu: the loss is %g; lower "
                "learning_rate (%g) or clip_norm (%g), and look for outliers in the data",
                /* Without the sign that a NaN may carry. */
                epoch, at / batch + 1, isnan(mean) ? NAN : mean, f->config->learning_rate,
                f->config->clip_norm);
        update(f, epoch, &now);
        for (int k = 0; k < WK__PARTS; k++) {
            sums.loss[k] += now.loss[k];
            sums.norm[k] += now.norm[k];
        }
        if (f->options->on_batch)
            f->options->on_batch(f->options->context, f->tick, mean);
    }
    *loss = wk__array_loss_total(&f->loss, &sums);
    return WK_OK;
}

static double validate(fitter *f)
{
    wk__array_sums sums = {0};
    if (!f->valid || !f->valid->N)
        return NAN;
    run_rows(f, f->valid, NULL, 0, f->valid->N, false, &sums);
    return wk__array_loss_total(&f->loss, &sums);
}

static wk_status run_epochs(fitter *f, wk_err *err)
{
    wk__fit_state *s = &f->state;
    const wk_nn_fit_config *c = f->config;
    const size_t size = s->n * sizeof(float), patience = (size_t)c->patience;
    wk__precision_pack(&f->precision, &f->run.gang);
    while (s->epoch < (size_t)c->epochs && !enough(f)) {
        double train_loss = NAN, valid_loss = NAN;
        WK_TRY(train_epoch(f, s->epoch + 1, &train_loss, err));
        valid_loss = validate(f);
        s->train_loss[s->epoch] = train_loss;
        s->valid_loss[s->epoch++] = valid_loss;
        const bool stopping = !isnan(valid_loss) && patience > 0;
        const bool better = !stopping || valid_loss < s->best_loss;
        if (better) {
            memcpy(s->best, s->params, size);
            s->best_epoch = s->epoch;
            s->best_loss = valid_loss;
        }
        s->updates = f->optimiser.t;
        if (f->options->checkpoint)
            WK_TRY(wk__fit_save(s, f->what, f->options->checkpoint, err));
        wk_log_write(WK_LOG_DEBUG, "nn.fit", "epoch=%zu train_loss=%.6g valid_loss=%.6g", s->epoch,
                     train_loss, valid_loss);
        if (f->options->on_epoch)
            f->options->on_epoch(f->options->context,
                                 &(wk_nn_fit_progress){s->epoch, (size_t)c->epochs, f->tick,
                                                       train_loss, valid_loss,
                                                       f->optimiser.learning_rate});
        if (!better && s->epoch - s->best_epoch >= patience)
            break;
    }
    return WK_OK;
}

/* ---- the training ---- */

/* Weights of classes: N / (C n_c), of all targets that count. */
static void balance(fitter *f, wk_arena *arena)
{
    const wk_nn_array *a = f->train;
    const size_t C = f->loss.n_outputs;
    double *w = wk_arena_array(arena, double, C), total = 0;
    for (size_t k = 0; k < a->N * a->S; k++)
        if (!isnan(a->y[k])) {
            w[(size_t)a->y[k]]++;
            total++;
        }
    for (size_t c = 0; c < C; c++)
        w[c] = w[c] > 0 ? total / ((double)C * w[c]) : 1;
    f->loss.class_weight = w;
}

/* What a checkpoint must belong to: the configuration, the network and the data. */
static void identify(fitter *f)
{
    wk_hash *h = wk_hash_create();
    char *config = wk_config_dump(&wk_nn_fit_config_table, f->config);
    wk_hash_feed(h, config, strlen(config));
    free(config);
    for (size_t i = 0; i < f->nn->n_tensors; i++)
        wk_hash_feed(h, f->nn->names[i], strlen(f->nn->names[i]) + 1);
    for (int k = 0; k < 2; k++) {
        const wk_nn_array *a = k ? f->valid : f->train;
        if (!a)
            continue;
        const uint64_t shape[] = {a->N, a->T, a->F, a->S, a->K};
        wk_hash_feed(h, shape, sizeof shape);
        wk_hash_feed(h, a->X, a->N * a->T * a->F * sizeof *a->X);
        wk_hash_feed(h, a->y, a->N * a->S * a->K * sizeof *a->y);
    }
    wk_hash_finish(h, f->what);
}

static wk_status prepare(fitter *f, wk_arena *arena, wk_err *err)
{
    const wk_nn_fit_config *c = f->config;
    const wk__net *net = &f->nn->net;
    const size_t n = net->n_params, batch = (size_t)c->batch;
    if (!f->train->N)
        return wk_fail(err, WK_E_DATA, "training: no sequence");
    const size_t rows = batch < f->train->N ? batch : f->train->N;
    runner_build(&f->run, arena, f->nn, f->train->T, f->train->S,
                 rows < WK__FIT_ROWS ? rows : WK__FIT_ROWS, f->options->threads,
                 f->options->all_positions, true);
    wk__precision_build(arena, net, c->precision, f->run.packed, f->run.n_workers, &f->precision);
    f->batches = (f->train->N + batch - 1) / batch;
    f->order = wk_arena_array(arena, size_t, f->train->N);
    f->dparams = wk_arena_array(arena, float, n);
    for (size_t i = 0; i < WK__FIT_SHARDS; i++)
        f->grad[i] = wk_arena_array(arena, float, net->n_grad);
    if (c->balanced && (c->loss == WK_NN_CROSS_ENTROPY || c->loss == WK_NN_FOCAL))
        balance(f, arena);
    f->state = (wk__fit_state){.n = n,
                               .best_loss = INFINITY,
                               .train_loss = wk_arena_array(arena, double, (size_t)c->epochs),
                               .valid_loss = wk_arena_array(arena, double, (size_t)c->epochs),
                               .params = f->nn->params,
                               .m = wk_arena_array(arena, float, n),
                               .v = wk_arena_array(arena, float, n),
                               .best = wk_arena_array(arena, float, n)};
    memcpy(f->state.best, f->nn->params, n * sizeof(float));
    f->state.n_tasks = c->learn_task_weights ? f->loss.n_parts : 0;
    if (f->options->checkpoint) {
        identify(f);
        if (f->options->resume && wk_file_exists(f->options->checkpoint))
            WK_TRY(
                wk__fit_load(&f->state, (size_t)c->epochs, f->what, f->options->checkpoint, err));
    }
    f->optimiser = (wk__adamw){.beta1 = 0.9,
                               .beta2 = 0.999,
                               .eps = 1e-8,
                               .weight_decay = c->weight_decay,
                               .t = f->state.updates,
                               .m = f->state.m,
                               .v = f->state.v};
    f->tick = f->state.updates;
    if (c->learn_task_weights)
        wk__uncertainty_factors(&f->state.tasks, f->loss.n_parts, c->loss == WK_NN_MSE,
                                f->loss.weight, f->loss.factor);
    wk__net_pack(net, f->nn->params, f->run.packed);
    return WK_OK;
}

/* Runs `work` with the gang's helpers around it. */
static wk_status with_gang(runner *r, wk_status (*work)(void *, wk_err *), void *context,
                           wk_err *err)
{
    wk_status status = WK_OK;
    wk__gang_init(&r->gang);
#pragma omp parallel num_threads((int)r->n_workers)
    {
        unsigned mode = wk__flush_begin();
        if (omp_get_thread_num() == 0) {
            status = work(context, err);
            wk__gang_close(&r->gang);
        } else {
            wk__gang_help(&r->gang, (size_t)omp_get_thread_num());
        }
        wk__flush_end(mode);
    }
    wk__gang_finish(&r->gang);
    return status;
}

static wk_status fit_work(void *context, wk_err *err)
{
    return run_epochs(context, err);
}

static wk_status copy_log(const wk__fit_state *s, wk_nn_log *log, wk_err *err)
{
    wk_nn_log l = {.n = s->epoch,
                   .train_loss = calloc(s->epoch + 1, sizeof(double)),
                   .valid_loss = calloc(s->epoch + 1, sizeof(double)),
                   .best_epoch = s->best_epoch,
                   .n_tasks = s->n_tasks};
    memcpy(l.task_log_variance, s->tasks.s, sizeof l.task_log_variance);
    if (!l.train_loss || !l.valid_loss) {
        wk_nn_log_finish(&l);
        return wk_fail(err, WK_E_NOMEM, "training: out of memory");
    }
    memcpy(l.train_loss, s->train_loss, s->epoch * sizeof(double));
    memcpy(l.valid_loss, s->valid_loss, s->epoch * sizeof(double));
    *log = l;
    return WK_OK;
}

wk_status wk_nn_fit(wk_nn *nn, const wk_nn_fit_config *config, const wk_nn_array *train,
                    const wk_nn_array *valid, const wk_nn_fit_options *options, wk_nn_log *log,
                    wk_err *err)
{
    WK_TRY(wk__fit_check_config(config, err));
    WK_TRY(wk__fit_check_array(nn, config, train, "training data", err));
    if (valid)
        WK_TRY(wk__fit_check_array(nn, config, valid, "validation data", err));
    if (valid && (valid->T != train->T || valid->S != train->S))
        return wk_fail(
            err, WK_E_DATA,
            "validation data of %zu bars, training data of %zu, or targets at other places",
            valid->T, train->T);
    wk_arena arena;
    wk_arena_init(&arena);
    const size_t n = nn->net.n_params;
    float *before = wk_arena_array(&arena, float, n);
    memcpy(before, nn->params, n * sizeof *before);
    fitter f = {.nn = nn, .config = config, .options = options, .train = train, .valid = valid};
    wk_status status = wk__array_loss_init(config, nn->net.n_outputs, train->K, &f.loss, err);
    if (status == WK_OK)
        status = prepare(&f, &arena, err);
    if (status == WK_OK)
        status = with_gang(&f.run, fit_work, &f, err);
    if (status == WK_OK && log)
        status = copy_log(&f.state, log, err);
    memcpy(nn->params, status == WK_OK ? f.state.best : before, n * sizeof *before);
    if (status == WK_OK)
        nn->updates += f.optimiser.t;
    wk_arena_finish(&arena);
    return status;
}

/* ---- applying ---- */

typedef struct {
    runner run;
    const wk_nn *nn;
    const wk_nn_array *data;
    float *out;
} applier;

static void apply_block(void *context, size_t block, size_t worker)
{
    const applier *a = context;
    const runner *r = &a->run;
    wk__window *w = &r->work[worker];
    const size_t at = block * r->B, left = a->data->N - at, n = left < r->B ? left : r->B;
    const size_t O = a->nn->net.n_outputs;
    gather(r, w, a->data, NULL, at, n);
    const float *y = wk__window_forward(&a->nn->net, r->packed, w);
    for (size_t s = 0; s < r->S; s++)
        for (size_t b = 0; b < n; b++)
            memcpy(a->out + ((at + b) * r->S + s) * O, y + (s * r->B + b) * wk__pad(O),
                   O * sizeof *y);
}

static wk_status apply_work(void *context, wk_err *err)
{
    (void)err;
    applier *a = context;
    wk__gang_run(&a->run.gang, (a->data->N + a->run.B - 1) / a->run.B, apply_block, a);
    return WK_OK;
}

wk_status wk_nn_apply(const wk_nn *nn, const wk_nn_array *data, int threads, float *out,
                      wk_err *err)
{
    WK_TRY(wk__fit_check_array(nn, NULL, data, "data", err));
    wk_arena arena;
    wk_arena_init(&arena);
    applier a = {.nn = nn, .data = data, .out = out};
    const size_t rows = data->N < WK__FIT_ROWS ? data->N : WK__FIT_ROWS;
    runner_build(&a.run, &arena, nn, data->T, data->S, rows ? rows : 1, threads, false, false);
    wk_status status = with_gang(&a.run, apply_work, &a, err);
    wk_arena_finish(&arena);
    return status;
}

wk_status wk_nn_evaluate(const wk_nn *nn, const wk_nn_fit_config *config, const wk_nn_array *data,
                         int threads, double *loss, wk_err *err)
{
    WK_TRY(wk__fit_check_array(nn, config, data, "data", err));
    const size_t O = nn->net.n_outputs;
    float *out = malloc((data->N * data->S * O + 1) * sizeof *out);
    if (!out)
        return wk_fail(err, WK_E_NOMEM, "evaluation: out of memory");
    wk_status status = wk_nn_apply(nn, data, threads, out, err);
    wk__array_loss l = {0};
    if (status == WK_OK)
        status = wk__array_loss_init(config, O, data->K, &l, err);
    wk__array_sums sums = {0};
    for (size_t k = 0; status == WK_OK && k < data->N * data->S; k++) {
        const double weight = weight_of(data, k / data->S);
        wk__array_loss_norms(&l, data->y + k * data->K, weight, &sums);
        wk__array_loss_row(&l, data->y + k * data->K, weight, out + k * O, NULL, &sums, NULL);
    }
    free(out);
    if (status == WK_OK)
        *loss = wk__array_loss_total(&l, &sums);
    return status;
}
