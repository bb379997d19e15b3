/* Truncated back-propagation through time over batches of sequence pieces.
 *
 * A batch is cut into blocks of 8 rows; a block belongs to one task, has its own state, tape and
 * gradient, and the gradients of all blocks are added in their order. So the number of threads
 * changes nothing. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "nn/adamw.h"
#include "nn/array_loss.h"
#include "nn/batch.h"
#include "nn/gang.h"
#include "nn/kernels/flush.h"
#include "nn/loss.h"
#include "nn/nn.h"
#include "nn/precision.h"
#include "wick/log.h"
#include "wick/math.h"

typedef struct {
    wk__work work;
    float *grad;        /* [n_grad] */
    wk__loss_sums sums; /* of the chunk */
} block;

typedef struct {
    const wk_nn_sequence *sequences;
    const wk_nn_train_config *config;
    wk_nn *nn;
    wk__loss_config loss;
    wk__gang gang;
    const wk__nn_ops *ops; /* asked for once: CPUID is slow in virtual machines */
    float *packed, *dparams;
    wk__precision precision;
    wk__adamw optimiser;
    block *blocks; /* for the wider of both batches */
    size_t n_blocks;
    wk__batch train, valid;
    wk__cut train_cut, valid_cut;
    size_t chunks_total, tick, epoch;
    wk__uncertainty tasks;     /* learned weights */
    double losses[WK__LOSSES]; /* means of the last chunk, NaN: it had none */
} trainer;

/* The bar's targets, or false when it is outside the loss. */
static bool target_of(const trainer *tr, const wk__row *row, size_t t, bool valid, wk__target *out)
{
    const wk_nn_sequence *s = &tr->sequences[row->piece->sequence];
    const uint8_t *mask = valid ? s->in_valid : s->in_train;
    const size_t at = row->at + t;
    if (at < row->piece->count_from || !mask[at])
        return false;
    *out = (wk__target){s->direction ? s->direction[at] : -1, s->magnitude ? s->magnitude[at] : NAN,
                        s->volatility ? s->volatility[at] : NAN, s->weight ? s->weight[at] : 1};
    return true;
}

/* Inputs of the block's rows, zeros where a row is idle or its piece has ended. */
static void gather(const trainer *tr, block *b, const wk__row *rows, size_t T)
{
    const size_t F = tr->nn->net.F, ld = wk__pad(F);
    for (size_t t = 0; t < T; t++)
        for (size_t r = 0; r < WK__BLOCK_ROWS; r++) {
            float *x = b->work.x + (t * WK__BLOCK_ROWS + r) * ld;
            if (t < rows[r].n)
                memcpy(x, tr->sequences[rows[r].piece->sequence].X + (rows[r].at + t) * F,
                       F * sizeof *x);
            else
                memset(x, 0, F * sizeof *x);
        }
}

/* Forward, loss and (scale given) backward of one block. */
static void run_block(const trainer *tr, block *b, const wk__row *rows, size_t T, bool valid,
                      const double *scale)
{
    const wk__net *net = &tr->nn->net;
    const size_t ld = wk__pad(net->n_outputs);
    for (size_t r = 0; r < WK__BLOCK_ROWS; r++)
        if (rows[r].fresh)
            wk__work_reset(net, &b->work, r);
    gather(tr, b, rows, T);
    const float *y = wk__net_forward(net, tr->packed, &b->work, T);
    b->sums = (wk__loss_sums){0};
    if (scale) {
        memset(b->work.d[0], 0, T * WK__BLOCK_ROWS * ld * sizeof *y);
        memset(b->grad, 0, net->n_grad * sizeof *b->grad);
    }
    for (size_t t = 0; t < T; t++)
        for (size_t r = 0; r < WK__BLOCK_ROWS; r++) {
            wk__target target;
            size_t at = (t * WK__BLOCK_ROWS + r) * ld;
            if (t < rows[r].n && target_of(tr, &rows[r], t, valid, &target))
                wk__loss_bar(&tr->loss, &target, y + at, scale, &b->sums, b->work.d[0] + at);
        }
    if (scale)
        wk__net_backward(net, tr->packed, &b->work, b->grad, T);
}

/* A chunk of the batch, as the blocks see it. */
typedef struct {
    trainer *tr;
    const wk__batch *batch;
    size_t T;
    bool valid;
    const double *scale; /* NULL: no gradient */
} chunk;

static void chunk_block(void *context, size_t i, size_t worker)
{
    const chunk *c = context;
    block *b = &c->tr->blocks[i];
    wk__precision_use(&c->tr->precision, c->scale != NULL, worker, &b->work.run);
    b->work.run.training = !c->valid;
    b->work.run.tick = c->tr->tick;
    b->work.run.row0 = i * WK__BLOCK_ROWS;
    b->work.run.n_rows = c->batch->cut->n_rows;
    const wk__row *rows = c->batch->rows + i * WK__BLOCK_ROWS;
    size_t bars[WK__BLOCK_ROWS];
    uint64_t sequence[WK__BLOCK_ROWS];
    for (size_t r = 0; r < WK__BLOCK_ROWS; r++) {
        bars[r] = rows[r].n;
        /* A piece is new in every epoch. */
        sequence[r] = c->tr->epoch * c->batch->cut->n_pieces;
        if (rows[r].piece)
            sequence[r] += (uint64_t)(rows[r].piece - c->batch->cut->pieces);
    }
    b->work.run.bars = bars;
    b->work.run.sequence = sequence;
    run_block(c->tr, b, rows, c->T, c->valid, c->scale);
    b->work.run.bars = NULL;
    b->work.run.sequence = NULL;
}

/* One chunk of the batch over all blocks; adds to *epoch. */
static void run_chunk(trainer *tr, wk__batch *batch, size_t T, bool valid, wk__loss_sums *epoch,
                      bool *has_loss)
{
    wk__loss_sums norms = {0};
    for (size_t r = 0; r < batch->cut->n_rows; r++)
        for (size_t t = 0; t < batch->rows[r].n; t++) {
            wk__target target;
            if (target_of(tr, &batch->rows[r], t, valid, &target))
                wk__loss_norms(&tr->loss, &target, &norms);
        }
    double scale[WK__LOSSES], factor[WK__LOSSES];
    memcpy(factor, tr->loss.weight, sizeof factor);
    if (tr->config->learn_weights)
        wk__uncertainty_factors(&tr->tasks, WK__LOSSES, false, tr->loss.weight, factor);
    *has_loss = false;
    for (int i = 0; i < WK__LOSSES; i++) {
        scale[i] = norms.norm[i] > 0 ? factor[i] / norms.norm[i] : 0;
        *has_loss = *has_loss || norms.norm[i] > 0;
        epoch->norm[i] += norms.norm[i];
    }
    const size_t n = batch->cut->n_rows / WK__BLOCK_ROWS;
    chunk c = {tr, batch, T, valid, *has_loss && !valid ? scale : NULL};
    tr->tick++;
    wk__gang_run(&tr->gang, n, chunk_block, &c);
    for (int k = 0; k < WK__LOSSES; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sum += tr->blocks[i].sums.loss[k];
            epoch->loss[k] += tr->blocks[i].sums.loss[k];
        }
        tr->losses[k] = norms.norm[k] > 0 ? sum / norms.norm[k] : NAN;
    }
}

static void update(trainer *tr, size_t n_blocks)
{
    wk_nn *nn = tr->nn;
    const wk__net *net = &nn->net;
    const wk_nn_train_config *c = tr->config;
    for (size_t i = 1; i < n_blocks; i++)
        tr->ops->add(net->n_grad, tr->blocks[i].grad, tr->blocks[0].grad);
    wk__net_unpack(net, nn->params, tr->blocks[0].grad, tr->dparams);
    tr->optimiser.learning_rate =
        c->learning_rate * wk__schedule(tr->optimiser.t, tr->chunks_total, c->warmup_fraction);
    wk__adamw_update(&tr->optimiser, tr->ops, net->n_params, tr->dparams,
                     wk__clip_scale(net->n_params, tr->dparams, c->clip_norm), nn->decay,
                     nn->params);
    wk__net_track(net, tr->blocks[0].grad, nn->params);
    if (c->learn_weights)
        wk__uncertainty_update(&tr->tasks, WK__LOSSES, false, tr->loss.weight, tr->losses,
                               tr->optimiser.learning_rate, tr->optimiser.t);
    wk__net_pack(net, nn->params, tr->packed);
    wk__precision_pack(&tr->precision, &tr->gang);
}

static wk_status train_epoch(trainer *tr, size_t epoch, double *loss, wk_err *err)
{
    wk__loss_sums sums = {0};
    const wk_nn_train_config *c = tr->config;
    const size_t n_blocks = tr->train_cut.n_rows / WK__BLOCK_ROWS;
    tr->epoch = epoch;
    wk__batch_start(&tr->train, (uint64_t)c->seed, epoch);
    for (size_t i = 0; i < n_blocks; i++)
        wk__work_reset(&tr->nn->net, &tr->blocks[i].work, WK__BLOCK_ROWS);
    size_t at = 0, T;
    while ((T = wk__batch_next(&tr->train, (size_t)c->truncation_bars)) != 0) {
        at++;
        bool has_loss;
        run_chunk(tr, &tr->train, T, false, &sums, &has_loss);
        double now = wk__loss_total(&tr->loss, &sums);
        if (!isfinite(now))
            return wk_fail(
                err, WK_E_DATA,
                "training diverged in epoch %zu, chunk %zu: the loss is %g; lower learning_rate "
                "(%g) or clip_norm (%g), and look for outliers in the inputs",
                /* Without the sign that a NaN may carry. */
                epoch, at, isnan(now) ? NAN : now, c->learning_rate, c->clip_norm);
        if (has_loss)
            update(tr, n_blocks);
    }
    if (!tr->optimiser.t)
        return wk_fail(
            err, WK_E_DATA,
            "training: none of the rows in_train has a target (direction -1, magnitude and "
            "volatility NaN everywhere)");
    *loss = wk__loss_total(&tr->loss, &sums);
    return WK_OK;
}

/* NaN when no validation row has a target. */
static double validate(trainer *tr)
{
    wk__loss_sums sums = {0};
    bool has_loss;
    wk__batch_start(&tr->valid, 0, 0);
    for (size_t i = 0; i < tr->valid_cut.n_rows / WK__BLOCK_ROWS; i++)
        wk__work_reset(&tr->nn->net, &tr->blocks[i].work, WK__BLOCK_ROWS);
    for (size_t T; (T = wk__batch_next(&tr->valid, (size_t)tr->config->truncation_bars)) != 0;)
        run_chunk(tr, &tr->valid, T, true, &sums, &has_loss);
    bool any = sums.norm[0] > 0 || sums.norm[1] > 0 || sums.norm[2] > 0;
    return any ? wk__loss_total(&tr->loss, &sums) : NAN;
}

static wk_status check_config(const wk_nn *nn, const wk_nn_train_config *c, wk_err *err)
{
    if (nn->net.n_outputs != WK_NN_HEADS)
        return wk_fail(err, WK_E_ARG,
                       "training: the network has %zu outputs, the three heads need %d",
                       nn->net.n_outputs, WK_NN_HEADS);
    if (c->epochs < 1 || c->batch_sequences < 1 || c->truncation_bars < 1 || c->patience < 0)
        return wk_fail(
            err, WK_E_CONFIG,
            "training: epochs %lld, batch_sequences %lld, truncation_bars %lld must be at least 1 "
            "and patience %lld at least 0",
            (long long)c->epochs, (long long)c->batch_sequences, (long long)c->truncation_bars,
            (long long)c->patience);
    if (c->precision < WK_NN_FP32 || c->precision > WK_NN_BF16X3)
        return wk_fail(err, WK_E_CONFIG, "training: precision %d is unknown", c->precision);
    if (!(c->learning_rate > 0) || !(c->weight_decay >= 0) || !(c->clip_norm >= 0) ||
        !(c->warmup_fraction >= 0 && c->warmup_fraction <= 1))
        return wk_fail(
            err, WK_E_CONFIG,
            "training: learning_rate %g must be positive, weight_decay %g and clip_norm %g not "
            "negative, warmup_fraction %g in [0, 1]",
            c->learning_rate, c->weight_decay, c->clip_norm, c->warmup_fraction);
    if (!(c->label_smoothing >= 0 && c->label_smoothing < 1) || !(c->huber_delta > 0) ||
        !(c->weight_direction >= 0) || !(c->weight_magnitude >= 0) || !(c->weight_volatility >= 0))
        return wk_fail(
            err, WK_E_CONFIG,
            "training: label_smoothing %g must be in [0, 1), huber_delta %g positive, the weights "
            "of the losses %g, %g, %g not negative",
            c->label_smoothing, c->huber_delta, c->weight_direction, c->weight_magnitude,
            c->weight_volatility);
    return WK_OK;
}

static wk_status check_sequences(size_t F, const wk_nn_sequence *sequences, size_t n, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const wk_nn_sequence *s = &sequences[i];
        for (size_t k = 0; k < s->T * F; k++)
            if (!isfinite(s->X[k]))
                return wk_fail(
                    err, WK_E_DATA,
                    "training: X of sequence %zu, row %zu, column %zu is %g; fill or drop it "
                    "before training",
                    i, k / F, k % F, (double)s->X[k]);
        for (size_t t = 0; t < s->T; t++) {
            if (s->direction && (s->direction[t] < -1 || s->direction[t] >= WK__CLASSES))
                return wk_fail(err, WK_E_DATA,
                               "training: direction of sequence %zu, row %zu is %d; want -1..2", i,
                               t, s->direction[t]);
            if (s->volatility && !isnan(s->volatility[t]) &&
                !(s->volatility[t] > 0 && isfinite(s->volatility[t])))
                return wk_fail(
                    err, WK_E_DATA,
                    "training: volatility of sequence %zu, row %zu is %g; want a positive number "
                    "or NaN",
                    i, t, (double)s->volatility[t]);
            if (s->magnitude && isinf(s->magnitude[t]))
                return wk_fail(err, WK_E_DATA,
                               "training: magnitude of sequence %zu, row %zu is infinite", i, t);
            if (s->weight && !(s->weight[t] >= 0 && isfinite(s->weight[t])))
                return wk_fail(
                    err, WK_E_DATA,
                    "training: weight of sequence %zu, row %zu is %g; want a number not negative",
                    i, t, (double)s->weight[t]);
        }
    }
    return WK_OK;
}

/* A fresh network's volatility head starts at the constant that QLIKE likes best, log of the
 * training rows' root mean square: from 0 it would walk there for thousands of updates. */
static void start_volatility(trainer *tr, size_t n_sequences)
{
    double sum = 0, weight = 0;
    for (size_t i = 0; i < n_sequences; i++) {
        const wk_nn_sequence *s = &tr->sequences[i];
        for (size_t t = 0; s->volatility && s->in_train && t < s->T; t++)
            if (s->in_train[t] && !isnan(s->volatility[t])) {
                double w = s->weight ? s->weight[t] : 1;
                sum += w * s->volatility[t] * s->volatility[t];
                weight += w;
            }
    }
    if (tr->nn->updates || !(sum > 0))
        return;
    const wk__net *net = &tr->nn->net;
    const wk__layer *head = &net->layers[net->n_layers - 1];
    tr->nn->params[head->at_params + head->tensors[1].at + WK_NN_HEADS - 1] =
        (float)(0.5 * wk_log(sum / weight));
}

static wk_status prepare(trainer *tr, wk_arena *arena, size_t n_sequences, size_t n_workers,
                         wk_err *err)
{
    const wk_nn_train_config *c = tr->config;
    const wk__net *net = &tr->nn->net;
    const size_t rows = (size_t)c->batch_sequences, T = (size_t)c->truncation_bars;
    tr->nn->warmup = WK__WARMUP_CHUNKS * T;
    const size_t warmup = wk_nn_receptive(tr->nn);
    wk__cut_build(arena, tr->sequences, n_sequences, false, rows, 4 * T, warmup, false,
                  &tr->train_cut);
    wk__cut_build(arena, tr->sequences, n_sequences, true, rows, warmup, warmup, true,
                  &tr->valid_cut);
    if (!tr->train_cut.n_pieces)
        return wk_fail(err, WK_E_DATA, "training: no row of %zu sequences is in_train",
                       n_sequences);
    wk__batch_build(arena, &tr->train_cut, &tr->train);
    wk__batch_build(arena, &tr->valid_cut, &tr->valid);
    size_t widest =
        tr->train_cut.n_rows > tr->valid_cut.n_rows ? tr->train_cut.n_rows : tr->valid_cut.n_rows;
    tr->n_blocks = widest / WK__BLOCK_ROWS;
    tr->blocks = wk_arena_array(arena, block, tr->n_blocks);
    tr->ops = wk__nn_ops_best();
    for (size_t i = 0; i < tr->n_blocks; i++) {
        wk__work_build(arena, net, tr->ops, WK__BLOCK_ROWS, T, true, &tr->blocks[i].work);
        tr->blocks[i].work.run.seed = (uint64_t)c->seed;
        tr->blocks[i].grad = wk_arena_array(arena, float, net->n_grad);
    }
    tr->packed = wk_arena_array(arena, float, net->n_packed);
    wk__precision_build(arena, net, c->precision, tr->packed, n_workers, &tr->precision);
    tr->dparams = wk_arena_array(arena, float, net->n_params);
    tr->optimiser = (wk__adamw){.beta1 = 0.9,
                                .beta2 = 0.999,
                                .eps = 1e-8,
                                .weight_decay = c->weight_decay,
                                .m = wk_arena_array(arena, float, net->n_params),
                                .v = wk_arena_array(arena, float, net->n_params)};
    wk__batch_start(&tr->train, (uint64_t)c->seed, 1);
    size_t chunks = 0;
    while (wk__batch_next(&tr->train, T))
        chunks++;
    tr->chunks_total = chunks * (size_t)c->epochs;
    return WK_OK;
}

/* All epochs; best [n_params] ends as the weights to keep. */
static wk_status run_epochs(trainer *tr, float *best, wk_nn_log *log, wk_err *err)
{
    const wk_nn_train_config *c = tr->config;
    const size_t size = tr->nn->net.n_params * sizeof *best;
    const bool has_valid = tr->valid_cut.n_pieces > 0;
    double best_loss = INFINITY;
    wk__precision_pack(&tr->precision, &tr->gang);
    for (size_t epoch = 1; epoch <= (size_t)c->epochs; epoch++) {
        double train_loss = NAN, valid_loss = NAN;
        WK_TRY(train_epoch(tr, epoch, &train_loss, err));
        if (has_valid)
            valid_loss = validate(tr);
        log->train_loss[log->n] = train_loss;
        log->valid_loss[log->n++] = valid_loss;
        wk_log_write(WK_LOG_DEBUG, "nn.train", "epoch=%zu train_loss=%.6g valid_loss=%.6g", epoch,
                     train_loss, valid_loss);
        bool stopping = !isnan(valid_loss) && c->patience > 0;
        if (!stopping || valid_loss < best_loss) {
            memcpy(best, tr->nn->params, size);
            log->best_epoch = epoch;
            best_loss = valid_loss;
        } else if (epoch - log->best_epoch >= (size_t)c->patience) {
            break;
        }
    }
    return WK_OK;
}

wk_status wk_nn_train(wk_nn *nn, const wk_nn_train_config *config, const wk_nn_sequence *sequences,
                      size_t n_sequences, const float *class_weight, int threads, wk_nn_log *log,
                      wk_err *err)
{
    WK_TRY(check_config(nn, config, err));
    WK_TRY(check_sequences(nn->net.F, sequences, n_sequences, err));
    trainer tr = {
        .sequences = sequences,
        .config = config,
        .nn = nn,
        .loss = {config->label_smoothing,
                 config->huber_delta,
                 {config->weight_direction, config->weight_magnitude, config->weight_volatility},
                 {1, 1, 1}}};
    for (int k = 0; config->learn_weights && k < WK__LOSSES; k++)
        tr.loss.weight[k] = 1;
    for (int k = 0; class_weight && k < WK__CLASSES; k++) {
        if (!(class_weight[k] >= 0 && isfinite(class_weight[k])))
            return wk_fail(err, WK_E_ARG,
                           "training: class weight %d is %g; want a number not negative", k,
                           (double)class_weight[k]);
        tr.loss.class_weight[k] = class_weight[k];
    }
    wk_arena arena;
    wk_arena_init(&arena);
    const size_t n = nn->net.n_params, warmup_before = nn->warmup;
    float *before = wk_arena_array(&arena, float, n), *best = wk_arena_array(&arena, float, n);
    memcpy(before, nn->params, n * sizeof *before);
    wk_nn_log done = {.train_loss = calloc((size_t)config->epochs, sizeof(double)),
                      .valid_loss = calloc((size_t)config->epochs, sizeof(double))};
    wk_status status =
        done.train_loss && done.valid_loss
            ? prepare(&tr, &arena, n_sequences, threads > 1 ? (size_t)threads : 1, err)
            : wk_fail(err, WK_E_NOMEM, "training: out of memory");
    if (status == WK_OK) {
        start_volatility(&tr, n_sequences);
        wk__net_pack(&nn->net, nn->params, tr.packed);
        wk__gang_init(&tr.gang);
#pragma omp parallel num_threads(threads > 1 ? threads : 1)
        {
            unsigned mode = wk__flush_begin();
            if (omp_get_thread_num() == 0) {
                status = run_epochs(&tr, best, &done, err);
                wk__gang_close(&tr.gang);
            } else {
                wk__gang_help(&tr.gang, (size_t)omp_get_thread_num());
            }
            wk__flush_end(mode);
        }
        wk__gang_finish(&tr.gang);
    }
    memcpy(nn->params, status == WK_OK ? best : before, n * sizeof *before);
    if (config->learn_weights) {
        done.n_tasks = WK__LOSSES;
        memcpy(done.task_log_variance, tr.tasks.s, sizeof done.task_log_variance);
    }
    if (status == WK_OK)
        nn->updates += tr.optimiser.t;
    else
        nn->warmup = warmup_before;
    if (status == WK_OK && log)
        *log = done;
    else
        wk_nn_log_finish(&done);
    wk_arena_finish(&arena);
    return status;
}
