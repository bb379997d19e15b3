/* The folds of an experiment, in time order:
 *
 *   |--- rows the models learn from ---|- early stop -|- calibration -|- policy -| purge |-- test --|
 *
 * Branches are refitted once a fold (a generation). The outputs of a generation on its own test block
 * are out-of-sample; they are the branch columns that meta-learners of later folds train on. Generations before the
 * first fold (split.branch_generations) give the first fold such columns too. */
#include "walk_forward.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/calibrate.h"
#include "wick/clock.h"
#include "wick/linear.h"
#include "wick/log.h"
#include "wick/split.h"

/* hybrid, gbdt and linear, and two ablations a branch */
enum { BRANCHES_MAX = 16, STRATEGIES_MAX = 3 + 2 * BRANCHES_MAX, MIN_TRAIN_STEPS = 500 };

typedef enum { KIND_META, KIND_BRANCH, KIND_LINEAR } strategy_kind;

/* What a strategy is made of, beside its public part. */
typedef struct {
    strategy_kind kind;
    wk_run_config config; /* the experiment's, or with another meta-learner */
    size_t branch;        /* KIND_BRANCH: which */
    uint32_t *columns;    /* KIND_META */
    size_t n_columns;
    bool heads, is_direction;
    size_t n_raw;
    float *raw; /* [T * S * n_raw] */
} recipe;

/* Step indices that cut a fold. */
typedef struct {
    size_t begin, stop, calibrate, policy, test, end;
} blocks;

typedef struct {
    const wk_run_config *config;
    const wk_dataset *dataset;
    const wk_targets *targets;
    int threads;
    wk_loop loop; /* of so many threads */
    size_t T, S, n_branches, n_branch_columns;
    float *branch_columns; /* [T * S * n_branch_columns], NaN where no generation has spoken yet */
    wk_columns columns;
    recipe recipes[STRATEGIES_MAX];
    float *raw;             /* scratch of one fold, [T * S * max n_raw] */
    wk_forecast *forecasts; /* scratch of one fold, [T * S] */
    wk_arena arena;
    wk_walk_forward *out;
} walk;

static blocks cut(const walk *w, const wk_fold *fold)
{
    const wk_split_config *split = &w->config->split;
    double n = (double)(fold->test_begin - fold->train_begin);
    blocks b = {.begin = fold->train_begin, .test = fold->test_begin, .end = fold->test_end};
    b.policy = b.test - (size_t)(split->policy_fraction * n);
    b.calibrate = b.policy - (size_t)(split->calibration_fraction * n);
    b.stop = b.calibrate - (size_t)(split->early_stop_fraction * n);
    return b;
}

/* ---- the list of strategies ---- */

/* meta_kind: 0 gbdt, 1 mlp (KIND_META only). */
static recipe *add_strategy(walk *w, const char *name, strategy_kind kind, int meta_kind, bool main)
{
    wk_walk_forward *out = w->out;
    WK_ASSERT(out->n_strategies < STRATEGIES_MAX);
    size_t i = out->n_strategies++;
    wk_strategy *strategy = &out->strategies[i];
    snprintf(strategy->name, sizeof strategy->name, "%s", name);
    strategy->main = main;
    strategy->forecasts = calloc(w->T * w->S, sizeof *strategy->forecasts);
    WK_ASSERT(strategy->forecasts && "out of memory");
    recipe *r = &w->recipes[i];
    *r = (recipe){.kind = kind, .config = *w->config, .heads = main};
    r->config.meta.kind = meta_kind;
    r->is_direction = kind == KIND_BRANCH || meta_kind == 1 || w->config->meta.score == WK_SCORE_DIRECTION;
    r->n_raw = r->is_direction ? 3 : w->targets->n_targets;
    r->raw = wk_arena_array(&w->arena, float, w->T * w->S * r->n_raw);
    return r;
}

/* Features and the columns of all branches but `without` (n_branches: all; SIZE_MAX: none of them). */
static void choose_columns(walk *w, recipe *r, size_t without)
{
    size_t F = w->dataset->table.F;
    r->columns = wk_arena_array(&w->arena, uint32_t, F + w->n_branch_columns);
    for (size_t i = 0; i < F; i++)
        r->columns[r->n_columns++] = (uint32_t)i;
    for (size_t i = 0; without != SIZE_MAX && i < w->n_branch_columns; i++)
        if (i / WK_BRANCH_COLUMNS != without)
            r->columns[r->n_columns++] = (uint32_t)(F + i);
}

static void list_strategies(walk *w)
{
    const wk_branch_config *branches = w->config->branches.v;
    char name[64];
    int kind = w->config->meta.kind;
    if (w->n_branches > 0 || kind == 1)
        choose_columns(w, add_strategy(w, "hybrid", KIND_META, kind, true), w->n_branches);
    choose_columns(w, add_strategy(w, "gbdt", KIND_META, 0, w->out->n_strategies == 0), SIZE_MAX);
    add_strategy(w, w->config->meta.score == WK_SCORE_TARGETS ? "ridge" : "logistic", KIND_LINEAR, 0,
                 false);
    if (!w->config->ablations)
        return;
    for (size_t i = 0; i < w->n_branches; i++) {
        snprintf(name, sizeof name, "%s alone", branches[i].name);
        add_strategy(w, name, KIND_BRANCH, 0, false)->branch = i;
    }
    for (size_t i = 0; i < w->n_branches; i++) {
        snprintf(name, sizeof name, "hybrid without %s", branches[i].name);
        choose_columns(w, add_strategy(w, name, KIND_META, kind, false), i);
    }
}

/* ---- branches ---- */

static json_t *curve(const char *name, const double *train, const double *valid, size_t n)
{
    json_t *a = json_array(), *b = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(a, isfinite(train[i]) ? json_real(train[i]) : json_null());
        if (valid && isfinite(valid[i]))
            json_array_append_new(b, json_real(valid[i]));
    }
    return json_pack("{s:s, s:o, s:o}", "name", name, "train", a, "valid", b);
}

/* Trains all branches for the fold; the outputs of steps [from, to) go to the shared columns. */
static wk_status refit_branches(walk *w, const blocks *b, size_t generation, size_t from, size_t to,
                                wk_branch *branches, wk_err *err)
{
    const wk_branch_config *configs = w->config->branches.v;
    for (size_t i = 0; i < w->n_branches; i++) {
        uint32_t *columns;
        size_t n_columns;
        WK_TRY(wk_branch_columns(&configs[i], w->dataset, &w->arena, &columns, &n_columns, err));
        wk_branch_span span = {.begin = b->begin,
                               .valid_begin = b->stop,
                               .valid_end = b->calibrate,
                               .embargo = (size_t)w->config->split.embargo_bars,
                               .seed = (uint64_t)w->config->seed * 1000003u + generation * 101u + i,
                               .threads = w->threads};
        WK_TRY(wk_branch_train(configs[i].name, &configs[i].layers, &configs[i].train, &w->columns,
                               columns, n_columns, w->targets, &span, &branches[i], err));
        WK_TRY(wk_branch_outputs(&branches[i], &w->dataset->panel, &w->columns, &w->config->features,
                                 from, to, w->branch_columns + i * WK_BRANCH_COLUMNS,
                                 w->n_branch_columns, &w->loop, err));
        wk_log_write(WK_LOG_INFO, "train.branch", "generation=%zu branch=%s epochs=%zu best=%zu",
                     generation, configs[i].name, branches[i].log.n, branches[i].log.best_epoch);
    }
    return WK_OK;
}

/* ---- one strategy in one fold ---- */

static wk_status fit_temperature(const walk *w, const blocks *b, double *temperature, wk_err *err)
{
    const wk_label *label = &w->targets->direction;
    size_t n = 0, capacity = (b->policy - b->calibrate) * w->S;
    if (capacity == 0)
        return WK_OK;
    float *p = malloc(capacity * 3 * sizeof *p);
    int8_t *y = malloc(capacity * sizeof *y);
    if (!p || !y) {
        free(p);
        free(y);
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    }
    for (size_t t = b->calibrate; t < b->policy; t++)
        for (size_t s = 0; s < w->S; s++) {
            size_t r = t * w->S + s;
            if (!w->forecasts[r].valid ||
                !wk_split_keeps(label->end[r], (size_t)w->config->split.embargo_bars, b->policy))
                continue;
            memcpy(p + n * 3, w->raw + r * 3, 3 * sizeof *p);
            y[n++] = (int8_t)label->y[r];
        }
    if (n >= 200)
        *temperature = wk_temperature_fit_probabilities(p, y, NULL, n, 3);
    free(p);
    free(y);
    return WK_OK;
}

static double net_of(const wk_backtest *bt, size_t *wins)
{
    double net = 0;
    *wins = 0;
    for (size_t i = 0; i < bt->n_trades; i++) {
        net += bt->trades[i].net;
        *wins += bt->trades[i].net > 0;
    }
    return net;
}

/* The threshold on expected value that earned most on the policy block, among those whose share of
 * winning trades reaches the floor; INFINITY (do not trade) when none earned anything. */
static wk_status fit_threshold(const walk *w, const blocks *b, float *threshold, wk_err *err)
{
    static const double candidates[] = {1e-9, 0.0003, 0.0006, 0.001, 0.0015, 0.002, 0.003, 0.004, 0.006};
    enum { TRADES_MIN = 20 };
    double best = 0;
    *threshold = INFINITY;
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        wk_trade_config trade = w->config->trade;
        wk_backtest bt;
        size_t wins;
        trade.threshold = candidates[i];
        WK_TRY(wk_backtest_run(&w->dataset->panel, w->forecasts, w->dataset->table.sigma, b->policy,
                               b->test, &trade, &w->config->sim, w->dataset->instruments, &bt, err));
        double net = net_of(&bt, &wins);
        if (bt.n_trades >= TRADES_MIN && net > best &&
            (double)wins >= w->config->split.precision_floor * (double)bt.n_trades) {
            best = net;
            *threshold = (float)candidates[i];
        }
        wk_backtest_finish(&bt);
    }
    return WK_OK;
}

/* Scores of three-class forecasts, ready for the policy block. */
static void score_direction(wk_forecast *forecasts, size_t begin, size_t end)
{
    for (size_t r = begin; r < end; r++)
        if (forecasts[r].valid)
            forecasts[r].score = forecasts[r].p[2] - forecasts[r].p[0];
}

/* Forecasts of a branch alone: its own outputs. */
static void forecast_branch(walk *w, size_t branch, size_t t0, size_t t1)
{
    for (size_t r = t0 * w->S; r < t1 * w->S; r++) {
        const float *o = w->branch_columns + r * w->n_branch_columns + branch * WK_BRANCH_COLUMNS;
        wk_forecast *f = &w->forecasts[r];
        *f = (wk_forecast){0};
        if (!w->dataset->table.valid[r] || o[0] != o[0])
            continue;
        double sigma = w->dataset->table.sigma[r];
        float *raw = w->raw + r * 3;
        raw[0] = f->p[0] = o[0];
        raw[1] = f->p[1] = 1 - o[0] - o[1];
        raw[2] = f->p[2] = o[1];
        f->magnitude = (float)((double)o[2] * sigma * sqrt((double)w->config->labels.magnitude_bars));
        f->volatility = (float)sigma;
        f->valid = 1;
    }
}

static wk_status forecast_meta(walk *w, const recipe *r, const blocks *b, bool newest, double *temperature,
                               wk_err *err)
{
    wk_meta meta = {0};
    bool stops = r->config.meta.params.early_stopping_rounds > 0 || r->config.meta.kind == 1;
    size_t train_end = stops ? b->stop : b->calibrate;
    wk_status status = wk_meta_train(&r->config, w->dataset, w->targets, &w->columns, r->columns,
                                     r->n_columns, r->heads, b->begin, train_end, b->calibrate,
                                     w->threads, &meta, err);
    if (status == WK_OK)
        status = wk_meta_forecast(&meta, &r->config, w->dataset, &w->columns, b->calibrate, b->end,
                                  &w->loop, w->raw, w->forecasts, err);
    if (status == WK_OK && r->is_direction)
        status = fit_temperature(w, b, &meta.temperature, err);
    if (status == WK_OK && meta.temperature != 1)
        status = wk_meta_forecast(&meta, &r->config, w->dataset, &w->columns, b->calibrate, b->end,
                                  &w->loop, w->raw, w->forecasts, err);
    *temperature = meta.temperature;
    if (status == WK_OK && r->heads && newest) {
        /* The main strategy of the newest fold is the model that is kept. */
        if (meta.log.n > 0)
            json_array_append_new(w->out->training, curve(meta.is_mlp ? "mlp" : "gbdt",
                                                          meta.log.train_metric, meta.log.valid_metric,
                                                          meta.log.n));
        w->out->model.meta = meta;
        meta = (wk_meta){0};
    }
    wk_meta_finish(&meta);
    return status;
}

/* The rows of a linear model: those that the trees see; for the direction label without HOLD, which
 * says nothing about up against down. */
static size_t linear_rows(const walk *w, const blocks *b, const wk_label *label, bool direction,
                          uint32_t *rows)
{
    size_t embargo = (size_t)w->config->split.embargo_bars, n = 0;
    size_t stride = (size_t)w->config->split.row_stride;
    for (size_t t = b->begin; t < b->calibrate; t++)
        for (size_t s = 0; s < w->S; s++) {
            size_t row = t * w->S + s;
            if ((t + 3 * s) % stride == 0 && w->dataset->table.valid[row] &&
                wk_split_keeps(label->end[row], embargo, b->calibrate) &&
                !(direction && label->y[row] == 1))
                rows[n++] = (uint32_t)row;
        }
    return n;
}

static void write_linear(walk *w, const recipe *r, const wk_linear *model, size_t k, const blocks *b)
{
    const wk_feature_table *table = &w->dataset->table;
    for (size_t row = b->calibrate * w->S; row < b->end * w->S; row++) {
        wk_forecast *f = &w->forecasts[row];
        float *raw = w->raw + row * r->n_raw;
        if (k == 0)
            *f = (wk_forecast){.volatility = (float)table->sigma[row], .valid = table->valid[row]};
        if (!f->valid) {
            for (size_t i = 0; i < r->n_raw; i++)
                raw[i] = NAN;
            continue;
        }
        float v = (float)wk_linear_predict(model, table->X + row * table->F);
        if (r->is_direction) {
            raw[0] = f->p[0] = 1 - v;
            raw[1] = f->p[1] = 0;
            raw[2] = f->p[2] = v;
        } else {
            raw[k] = v;
        }
    }
}

/* A linear model on the same rows: ridge on each target, or a logistic regression on up against down. */
static wk_status forecast_linear(walk *w, const recipe *r, const blocks *b, wk_err *err)
{
    size_t n_models = r->is_direction ? 1 : w->targets->n_targets, cells = b->calibrate * w->S;
    uint32_t *rows = malloc((cells + 1) * sizeof *rows);
    float *up_down = malloc((cells + 1) * sizeof *up_down);
    wk_status status = WK_OK;
    if (!rows || !up_down)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t k = 0; status == WK_OK && k < n_models; k++) {
        const wk_label *label = r->is_direction ? &w->targets->direction : &w->targets->targets[k];
        size_t n = linear_rows(w, b, label, r->is_direction, rows);
        for (size_t i = 0; r->is_direction && i < n; i++)
            up_down[rows[i]] = label->y[rows[i]] - 1;
        wk_linear_data data = {.X = w->dataset->table.X,
                               .stride = w->dataset->table.F,
                               .n_cols = w->dataset->table.F,
                               .rows = rows,
                               .n_rows = n,
                               .y = r->is_direction ? up_down : label->y};
        wk_arena arena;
        wk_arena_init(&arena);
        wk_linear model;
        double l2 = 0.01 * (double)n;
        status = r->is_direction ? wk_logistic_fit(&arena, &data, l2, w->threads, &model, err)
                                 : wk_linear_fit(&arena, &data, l2, w->threads, &model, err);
        if (status == WK_OK)
            write_linear(w, r, &model, k, b);
        wk_arena_finish(&arena);
    }
    free(rows);
    free(up_down);
    return status;
}

static wk_status run_strategy(walk *w, size_t i, const blocks *b, bool newest, json_t *fold, wk_err *err)
{
    recipe *r = &w->recipes[i];
    wk_strategy *strategy = &w->out->strategies[i];
    double temperature = 1;
    float threshold = 0;
    switch (r->kind) {
    case KIND_META:
        WK_TRY(forecast_meta(w, r, b, newest, &temperature, err));
        break;
    case KIND_BRANCH:
        forecast_branch(w, r->branch, b->calibrate, b->end);
        break;
    case KIND_LINEAR:
        WK_TRY(forecast_linear(w, r, b, err));
        break;
    }
    if (r->is_direction && w->config->trade.policy == WK_POLICY_EXPECTED_VALUE && b->policy < b->test) {
        score_direction(w->forecasts, b->policy * w->S, b->test * w->S);
        WK_TRY(fit_threshold(w, b, &threshold, err));
    }
    for (size_t row = b->test * w->S; row < b->end * w->S; row++) {
        strategy->forecasts[row] = w->forecasts[row];
        strategy->forecasts[row].threshold = threshold;
        memcpy(r->raw + row * r->n_raw, w->raw + row * r->n_raw, r->n_raw * sizeof(float));
    }
    if (strategy->main) {
        if (newest)
            w->out->model.meta.threshold = threshold == 0 ? NAN : (double)threshold;
        json_object_set_new(fold, "temperature", json_real(temperature));
        if (threshold != 0)
            json_object_set_new(fold, "threshold",
                                isfinite(threshold) ? json_real((double)threshold)
                                                    : json_string("no trade"));
    }
    return WK_OK;
}

static json_t *describe_fold(const walk *w, const blocks *b, size_t number)
{
    char from[32], test[32], end[32];
    const wk_panel *p = &w->dataset->panel;
    wk_time_format(p->start_ns + (int64_t)b->begin * p->timeframe_ns, from);
    wk_time_format(p->start_ns + (int64_t)b->test * p->timeframe_ns, test);
    wk_time_format(p->start_ns + (int64_t)b->end * p->timeframe_ns, end);
    from[10] = test[10] = end[10] = 0; /* the date is enough for a reader */
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:i}", "fold", (int)number, "train_from", from,
                     "test_from", test, "test_to", end, "begin_step", (int)b->test, "end_step",
                     (int)b->end);
}

static wk_status run_fold(walk *w, const wk_fold *fold, size_t generation, bool branches_only,
                          bool newest, wk_err *err)
{
    blocks b = cut(w, fold);
    size_t slice = (b.test - b.calibrate) * w->S * w->n_branch_columns;
    size_t offset = b.calibrate * w->S * w->n_branch_columns;
    wk_branch *branches = calloc(w->n_branches + 1, sizeof *branches);
    float *kept = malloc((slice + 1) * sizeof *kept);
    json_t *description = NULL;
    wk_status status = WK_OK;
    if (!branches || !kept) {
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
        goto done;
    }
    if (w->n_branches > 0) {
        /* Calibration and policy rows are judged with this generation's outputs; afterwards the older
         * generation's come back, so that every row keeps out-of-fold columns for later folds. */
        memcpy(kept, w->branch_columns + offset, slice * sizeof *kept);
        status = refit_branches(w, &b, generation, branches_only ? b.test : b.calibrate, b.end, branches,
                                err);
    }
    if (status == WK_OK && !branches_only) {
        description = describe_fold(w, &b, json_array_size(w->out->folds) + 1);
        for (size_t i = 0; status == WK_OK && i < w->out->n_strategies; i++)
            status = run_strategy(w, i, &b, newest, description, err);
        for (size_t i = 0; status == WK_OK && i < w->n_branches; i++) {
            char key[64];
            snprintf(key, sizeof key, "%s_epochs", branches[i].name);
            json_object_set_new(description, key, json_integer((json_int_t)branches[i].log.best_epoch));
        }
        if (status == WK_OK)
            json_array_append(w->out->folds, description);
    }
    if (status == WK_OK && w->n_branches > 0 && !branches_only)
        memcpy(w->branch_columns + offset, kept, slice * sizeof *kept);
    if (status == WK_OK && newest) {
        for (size_t i = 0; i < w->n_branches; i++)
            json_array_append_new(w->out->training,
                                  curve(branches[i].name, branches[i].log.train_loss,
                                        branches[i].log.valid_loss, branches[i].log.n));
        w->out->model.branches = branches;
        w->out->model.n_branches = w->n_branches;
        branches = NULL;
    }
done:
    json_decref(description);
    for (size_t i = 0; branches && i < w->n_branches; i++)
        wk_branch_finish(&branches[i]);
    free(branches);
    free(kept);
    return status;
}

/* ---- after the folds ---- */

static void finish_scores(walk *w)
{
    const wk_meta_config *meta = &w->config->meta;
    double bars_a_day = 86400e9 / (double)w->dataset->panel.timeframe_ns;
    size_t window = (size_t)(meta->scale_days * bars_a_day), S = w->S;
    float *score = wk_arena_array(&w->arena, float, S);
    for (size_t i = 0; i < w->out->n_strategies; i++) {
        recipe *r = &w->recipes[i];
        wk_forecast *forecasts = w->out->strategies[i].forecasts;
        if (r->is_direction) {
            score_direction(forecasts, w->out->first_step * S, w->out->end_step * S);
            continue;
        }
        wk_score_scale *scale = wk_score_scale_plan(&w->arena, r->n_raw, window ? window : 1,
                                                    (size_t)(meta->scale_min_days * bars_a_day));
        for (size_t t = w->out->first_step; t < w->out->end_step; t++) {
            wk_score_scale_push(scale, r->raw + t * S * r->n_raw, S, score);
            for (size_t s = 0; s < S; s++) {
                wk_forecast *f = &forecasts[t * S + s];
                f->score = score[s];
                if (f->score != f->score)
                    *f = (wk_forecast){0};
            }
        }
    }
}

static void collect_importance(walk *w)
{
    const wk_meta *meta = &w->out->model.meta;
    size_t F = w->dataset->table.F, n = meta->n_targets * meta->n_seeds;
    if (meta->is_mlp || n == 0)
        return;
    double *total = wk_arena_array(&w->arena, double, meta->n_columns);
    double *gain = wk_arena_array(&w->arena, double, meta->n_columns);
    for (size_t i = 0; i < n; i++) {
        wk_forest_importance(meta->forests[i], gain);
        for (size_t c = 0; c < wk_forest_n_features(meta->forests[i]); c++)
            total[c] += gain[c] / (double)n;
    }
    const wk_branch_config *branches = w->config->branches.v;
    static const char *const outputs[WK_BRANCH_COLUMNS] = {"p_sell", "p_buy", "magnitude", "log_vol"};
    for (size_t c = 0; c < meta->n_columns; c++) {
        uint32_t column = meta->columns[c];
        char name[96];
        const char *family = "branch";
        if (column < F) {
            snprintf(name, sizeof name, "%s", w->dataset->feature_names[column]);
            family = w->dataset->feature_families[column];
        } else {
            size_t k = column - F;
            snprintf(name, sizeof name, "%s.%s", branches[k / WK_BRANCH_COLUMNS].name,
                     outputs[k % WK_BRANCH_COLUMNS]);
        }
        json_array_append_new(w->out->importance, json_pack("{s:s, s:s, s:f}", "name", name, "family",
                                                            family, "gain", total[c]));
    }
}

/* First step at or after the time. */
static size_t step_of(const wk_panel *panel, int64_t time_ns)
{
    if (time_ns <= panel->start_ns)
        return 0;
    int64_t n = (time_ns - panel->start_ns + panel->timeframe_ns - 1) / panel->timeframe_ns;
    return (size_t)n < panel->T ? (size_t)n : panel->T;
}

static int64_t months_before(int64_t time_ns, int64_t months)
{
    wk_civil c = wk_civil_from_ns(time_ns);
    int64_t m = (int64_t)c.year * 12 + c.month - 1 - months;
    int64_t first = wk_civil_to_ns((int)(m / 12), (int)(m % 12) + 1, 1);
    return first + (time_ns - wk_civil_to_ns(c.year, c.month, 1));
}

/* Can a generation of branches learn from the bars before `step`? Rows count once features are warm, and up
 * to the blocks that are held back. */
static bool enough_past(const wk_run_config *config, size_t step)
{
    const wk_split_config *split = &config->split;
    double held_back = split->early_stop_fraction + split->calibration_fraction + split->policy_fraction;
    double rows = (double)step * (1 - held_back) - (double)config->features.warmup_valid_bars;
    return step >= MIN_TRAIN_STEPS && rows >= MIN_TRAIN_STEPS / 2;
}

static wk_status run_folds(walk *w, wk_err *err)
{
    const wk_split_config *split = &w->config->split;
    const wk_panel *panel = &w->dataset->panel;
    int64_t from = split->forecast_from_ns;
    if (from == 0)
        from = panel->start_ns +
               (int64_t)((double)panel->T * split->forecast_from_fraction) * panel->timeframe_ns;
    int64_t generations = w->n_branches ? split->branch_generations : 0;
    while (generations > 0 &&
           !enough_past(w->config,
                        step_of(panel, months_before(from, generations * split->refit_months))))
        generations--;
    int64_t window = (int64_t)(split->train_window_days * 86400e9 / (double)panel->timeframe_ns);
    wk_fold *folds;
    size_t n;
    WK_TRY(wk_folds_make(panel, months_before(from, generations * split->refit_months), split->to_ns,
                         (int)split->refit_months, window, &folds, &n, err));
    size_t first = (size_t)generations;
    wk_status status = WK_OK;
    if (n <= first || folds[first].test_begin < MIN_TRAIN_STEPS) {
        status = wk_fail(err, WK_E_DATA,
                         "no fold fits: %zu bars, the first test block would begin at bar %zu; read more "
                         "history or set split.forecast_from later",
                         panel->T, n > first ? folds[first].test_begin : panel->T);
        goto done;
    }
    w->out->first_step = folds[first].test_begin;
    w->out->end_step = folds[n - 1].test_end;
    w->out->judge_step = step_of(panel, split->judge_from_ns);
    if (w->out->judge_step < w->out->first_step)
        w->out->judge_step = w->out->first_step;
    if (w->out->judge_step >= w->out->end_step) {
        char judge[32], end[32];
        int64_t end_ns = panel->start_ns + (int64_t)w->out->end_step * panel->timeframe_ns;
        status = wk_fail(err, WK_E_CONFIG,
                         "split.judge_from %s is not before %s, where the last fold ends; set it earlier, "
                         "or read more history",
                         wk_time_format(split->judge_from_ns, judge), wk_time_format(end_ns, end));
        goto done;
    }
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        wk_progress("walk-forward folds", i, n);
        status = run_fold(w, &folds[i], i, i < first, i + 1 == n, err);
    }
    wk_progress("walk-forward folds", n, n);
done:
    free(folds);
    return status;
}

/* What the tables of the configuration cannot say: how its values go together. */
static wk_status check(const wk_run_config *config, wk_err *err)
{
    const wk_split_config *split = &config->split;
    const wk_branch_config *branches = config->branches.v;
    double held_back = split->early_stop_fraction + split->calibration_fraction + split->policy_fraction;
    if (held_back > 0.8)
        return wk_fail(err, WK_E_CONFIG,
                       "split.early_stop_fraction, calibration_fraction and policy_fraction hold back %g of a "
                       "fold's past, at most 0.8 leaves rows to learn from; lower them",
                       held_back);
    if (config->branches.n > BRANCHES_MAX)
        return wk_fail(err, WK_E_CONFIG, "%zu branches, at most %d are possible; leave some out",
                       config->branches.n, BRANCHES_MAX);
    for (size_t i = 0; i < config->branches.n; i++) {
        const char *name = branches[i].name;
        if (!name[0] || strlen(name) >= sizeof((wk_branch *)0)->name || strchr(name, '/'))
            return wk_fail(err, WK_E_CONFIG,
                           "branches[%zu].name \"%s\" names a file of the model; give it 1 to %zu characters "
                           "without a slash",
                           i, name, sizeof((wk_branch *)0)->name - 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, branches[k].name) == 0)
                return wk_fail(err, WK_E_CONFIG,
                               "branches[%zu] and branches[%zu] are both named \"%s\"; give each its own name",
                               k, i, name);
    }
    return WK_OK;
}

void wk_walk_forward_finish(wk_walk_forward *out)
{
    if (!out)
        return;
    for (size_t i = 0; i < out->n_strategies; i++)
        free(out->strategies[i].forecasts);
    free(out->strategies);
    json_decref(out->folds);
    json_decref(out->importance);
    json_decref(out->training);
    wk_model_finish(&out->model);
    *out = (wk_walk_forward){0};
}

wk_status wk_walk_forward_run(const wk_run_config *config, const wk_dataset *dataset,
                              const wk_targets *targets, int threads, wk_walk_forward *out, wk_err *err)
{
    WK_TRY(check(config, err));
    wk_walk_forward result = {.strategies = calloc(STRATEGIES_MAX, sizeof *result.strategies),
                              .folds = json_array(),
                              .importance = json_array(),
                              .training = json_array()};
    WK_ASSERT(result.strategies && "out of memory");
    walk *w = calloc(1, sizeof *w);
    WK_ASSERT(w && "out of memory");
    *w = (walk){.config = config,
                .dataset = dataset,
                .targets = targets,
                .threads = threads,
                .loop = wk_loop_openmp(threads),
                .T = dataset->panel.T,
                .S = dataset->panel.S,
                .n_branches = config->branches.n,
                .n_branch_columns = config->branches.n * WK_BRANCH_COLUMNS,
                .out = &result};
    wk_arena_init(&w->arena);
    size_t cells = w->T * w->S, n_raw_max = targets->n_targets > 3 ? targets->n_targets : 3;
    w->branch_columns = wk_arena_array(&w->arena, float, cells * w->n_branch_columns + 1);
    for (size_t i = 0; i < cells * w->n_branch_columns; i++)
        w->branch_columns[i] = NAN;
    w->columns = (wk_columns){&dataset->table, w->branch_columns, w->n_branch_columns};
    w->raw = wk_arena_array(&w->arena, float, cells * n_raw_max);
    w->forecasts = wk_arena_array(&w->arena, wk_forecast, cells);
    list_strategies(w);
    wk_status status = run_folds(w, err);
    if (status == WK_OK) {
        finish_scores(w);
        collect_importance(w);
        snprintf(result.model.feature_hash, sizeof result.model.feature_hash, "%s", dataset->feature_hash);
    }
    wk_arena_finish(&w->arena);
    free(w);
    if (status != WK_OK) {
        wk_walk_forward_finish(&result);
        return status;
    }
    *out = result;
    return WK_OK;
}
