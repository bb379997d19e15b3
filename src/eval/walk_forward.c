/* The folds of an experiment, in time order:
 *
 *   |--- rows the models learn from ---|- early stop -|- calibration -|- policy -| purge |-- test
 * --|
 *
 * Branches are refitted once a fold (a generation). The outputs of a generation on its own test
 * block are out-of-sample; they are the branch columns that meta-learners of later folds train on.
 * Generations before the first fold (split.branch_generations) give the first fold such columns
 * too, and from the second on a record to the gate (gate.h), which decides fold by fold whether the
 * networks count. */
#include "walk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/log.h"
#include "wick/report.h"
#include "wick/split.h"

enum { MIN_TRAIN_STEPS = 500 };

static wk_blocks cut(const wk_walk *w, const wk_fold *fold)
{
    const wk_split_config *split = &w->config->split;
    double n = (double)(fold->test_begin - fold->train_begin);
    wk_blocks b = {.begin = fold->train_begin, .test = fold->test_begin, .end = fold->test_end};
    b.policy = b.test - (size_t)(split->policy_fraction * n);
    b.calibrate = b.policy - (size_t)(split->calibration_fraction * n);
    b.stop = b.calibrate - (size_t)(split->early_stop_fraction * n);
    return b;
}

/* ---- the list of strategies ---- */

/* meta_kind: 0 gbdt, 1 mlp (WK_WALK_META only). */
static wk_recipe *add_strategy(wk_walk *w, const char *name, wk_walk_kind kind, int meta_kind,
                               bool main)
{
    wk_walk_forward *out = w->out;
    WK_ASSERT(out->n_strategies < WK_STRATEGIES_MAX);
    size_t i = out->n_strategies++;
    wk_strategy *strategy = &out->strategies[i];
    snprintf(strategy->name, sizeof strategy->name, "%s", name);
    strategy->main = main;
    strategy->forecasts = calloc(w->T * w->S, sizeof *strategy->forecasts);
    WK_ASSERT(strategy->forecasts && "out of memory");
    wk_recipe *r = &w->recipes[i];
    *r = (wk_recipe){.kind = kind, .config = *w->config};
    r->config.meta.kind = meta_kind;
    r->is_direction =
        kind == WK_WALK_BRANCH || meta_kind == 1 || w->config->meta.score == WK_SCORE_DIRECTION;
    r->n_raw = r->is_direction ? 3 : w->targets->n_targets;
    r->raw = wk_arena_array(&w->arena, float, w->T * w->S * r->n_raw);
    if (main)
        w->source = i;
    return r;
}

/* Features and the columns of all branches but `without` (n_branches: all; SIZE_MAX: none of them).
 */
static void choose_columns(wk_walk *w, wk_recipe *r, size_t without)
{
    size_t F = w->dataset->table.F;
    r->columns = wk_arena_array(&w->arena, uint32_t, F + w->n_branch_columns);
    for (size_t i = 0; i < F; i++)
        r->columns[r->n_columns++] = (uint32_t)i;
    for (size_t i = 0; without != SIZE_MAX && i < w->n_branch_columns; i++)
        if (i / WK_BRANCH_COLUMNS != without)
            r->columns[r->n_columns++] = (uint32_t)(F + i);
}

static void list_strategies(wk_walk *w)
{
    const wk_branch_config *branches = w->config->branches.v;
    char name[64];
    int kind = w->config->meta.kind;
    w->gated = w->n_branches > 0 && kind == 0 && w->config->meta.networks_must_earn;
    if (w->gated)
        add_strategy(w, "hybrid", WK_WALK_GATED, kind, true);
    else if (w->n_branches > 0 || kind == 1)
        choose_columns(w, add_strategy(w, "hybrid", WK_WALK_META, kind, true), w->n_branches);
    w->trees = w->out->n_strategies;
    choose_columns(w, add_strategy(w, "gbdt", WK_WALK_META, 0, w->out->n_strategies == 0),
                   SIZE_MAX);
    add_strategy(w, w->config->meta.score == WK_SCORE_TARGETS ? "ridge" : "logistic",
                 WK_WALK_LINEAR, 0, false);
    if (w->gated) {
        w->stacked = w->out->n_strategies;
        choose_columns(w, add_strategy(w, "hybrid, networks always", WK_WALK_META, kind, false),
                       w->n_branches);
        size_t n = WK_GATE_SLICES * wk__walk_n_losses(w);
        w->recipes[w->trees].losses = wk_arena_array(&w->arena, double, n);
        w->recipes[w->stacked].losses = wk_arena_array(&w->arena, double, n);
    }
    if (!w->config->ablations)
        return;
    for (size_t i = 0; i < w->n_branches; i++) {
        snprintf(name, sizeof name, "%s alone", branches[i].name);
        add_strategy(w, name, WK_WALK_BRANCH, 0, false)->branch = i;
    }
    for (size_t i = 0; i < w->n_branches; i++) {
        snprintf(name, sizeof name, "hybrid without %s", branches[i].name);
        choose_columns(w, add_strategy(w, name, WK_WALK_META, kind, false), i);
    }
}

/* ---- branches ---- */

/* Trains all branches for the fold; the outputs of steps [from, to) go to the shared columns. */
static wk_status refit_branches(wk_walk *w, const wk_blocks *b, size_t generation, size_t from,
                                size_t to, wk_branch *branches, wk_err *err)
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
        WK_TRY(wk_branch_outputs(
            &branches[i], &w->dataset->panel, &w->columns, &w->config->features, from, to,
            w->branch_columns + i * WK_BRANCH_COLUMNS, w->n_branch_columns, &w->loop, err));
        wk_log_write(WK_LOG_INFO, "train.branch", "generation=%zu branch=%s epochs=%zu best=%zu",
                     generation, configs[i].name, branches[i].log.n, branches[i].log.best_epoch);
    }
    return WK_OK;
}

static json_t *describe_fold(const wk_walk *w, const wk_blocks *b, size_t number)
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

/* ---- the gate ---- */

/* The main strategy of the fold, by the record of the blocks before it. */
static void pass_gate(wk_walk *w, json_t *fold)
{
    wk_gate_finding found = wk_gate_judge(&w->gate);
    w->source = found.earned ? w->stacked : w->trees;
    const char *networks = found.earned ? "earned" : found.n < 2 ? "no record" : "not earned";
    json_object_set_new(fold, "networks", json_string(networks));
    json_object_set_new(fold, "network_gain_pct", wk_report_number(found.gain * 100));
    json_object_set_new(fold, "network_error_pct", wk_report_number(found.error * 100));
    wk_log_write(WK_LOG_INFO, "train.gate",
                 "networks=\"%s\" gain_pct=%.4f error_pct=%.4f slices=%zu", networks,
                 found.gain * 100, found.error * 100, found.n);
}

/* Has the generation rows enough for trees that are only to be compared? */
static bool enough_rows(const wk_walk *w, const wk_blocks *b)
{
    const wk_label *label = w->config->meta.score == WK_SCORE_TARGETS ? &w->targets->targets[0]
                                                                      : &w->targets->direction;
    size_t stride = (size_t)w->config->split.row_stride, n = 0;
    for (size_t t = b->begin; t < b->stop; t++)
        for (size_t s = 0; s < w->S; s++)
            n += (t + 3 * s) % stride == 0 && w->dataset->table.valid[t * w->S + s] &&
                 wk_split_keeps(label->end[t * w->S + s], (size_t)w->config->split.embargo_bars,
                                b->stop);
    return n >= MIN_TRAIN_STEPS / 2;
}

/* The first generation's candidates are no comparison: no out-of-fold column is there to train on.
 */
static void extend_record(wk_walk *w, size_t generation)
{
    if (generation > 0)
        wk_gate_add(&w->gate, w->recipes[w->stacked].losses, w->recipes[w->trees].losses,
                    WK_GATE_SLICES);
}

/* ---- a fold ---- */

/* A generation before the first fold: the gate's two candidates forecast its block, for the record
 * alone. */
static wk_status run_rehearsal(wk_walk *w, const wk_blocks *b, size_t generation, wk_err *err)
{
    if (!w->gated || generation == 0 || !enough_rows(w, b))
        return WK_OK;
    w->source = SIZE_MAX;
    WK_TRY(wk__walk_train(w, w->trees, b, false, err));
    WK_TRY(wk__walk_train(w, w->stacked, b, false, err));
    extend_record(w, generation);
    return WK_OK;
}

static wk_status run_strategies(wk_walk *w, const wk_blocks *b, size_t generation, bool newest,
                                json_t *fold, wk_err *err)
{
    size_t gated = SIZE_MAX;
    if (w->gated)
        pass_gate(w, fold);
    for (size_t i = 0; i < w->out->n_strategies; i++) {
        if (w->recipes[i].kind == WK_WALK_GATED) {
            gated = i;
            continue;
        }
        WK_TRY(wk__walk_train(w, i, b, newest, err));
        WK_TRY(wk__walk_publish(w, i, b, err));
    }
    if (w->gated) {
        wk__walk_publish_gated(w, gated, b);
        extend_record(w, generation);
    }
    const wk_recipe *source = &w->recipes[w->source];
    double threshold = (double)source->threshold;
    if (newest)
        w->out->model.meta.threshold = threshold == 0 ? NAN : threshold;
    json_object_set_new(fold, "temperature", json_real(source->temperature));
    if (threshold != 0)
        json_object_set_new(fold, "threshold",
                            isfinite(threshold) ? json_real(threshold) : json_string("no trade"));
    return WK_OK;
}

/* The networks of the newest fold: their curves, and they themselves where the model sees them. */
static void keep_networks(wk_walk *w, wk_branch **branches)
{
    for (size_t i = 0; i < w->n_branches; i++) {
        const wk_branch *branch = &(*branches)[i];
        json_array_append_new(w->out->training,
                              wk__walk_curve(branch->name, branch->log.train_loss,
                                             branch->log.valid_loss, branch->log.n));
    }
    if (w->gated && w->source == w->trees)
        return;
    w->out->model.branches = *branches;
    w->out->model.n_branches = w->n_branches;
    *branches = NULL;
}

static wk_status run_fold(wk_walk *w, const wk_fold *fold, size_t generation, bool branches_only,
                          bool newest, wk_err *err)
{
    wk_blocks b = cut(w, fold);
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
        /* Calibration and policy rows are judged with this generation's outputs; afterwards the
         * older generation's come back, so that every row keeps out-of-fold columns for later
         * folds. */
        memcpy(kept, w->branch_columns + offset, slice * sizeof *kept);
        status = refit_branches(w, &b, generation, b.calibrate, b.end, branches, err);
    }
    if (status == WK_OK && branches_only)
        status = run_rehearsal(w, &b, generation, err);
    if (status == WK_OK && !branches_only) {
        description = describe_fold(w, &b, json_array_size(w->out->folds) + 1);
        status = run_strategies(w, &b, generation, newest, description, err);
        for (size_t i = 0; status == WK_OK && i < w->n_branches; i++) {
            char key[64];
            snprintf(key, sizeof key, "%s_epochs", branches[i].name);
            json_object_set_new(description, key,
                                json_integer((json_int_t)branches[i].log.best_epoch));
        }
        if (status == WK_OK)
            json_array_append(w->out->folds, description);
    }
    if (status == WK_OK && w->n_branches > 0)
        memcpy(w->branch_columns + offset, kept, slice * sizeof *kept);
    if (status == WK_OK && newest)
        keep_networks(w, &branches);
done:
    json_decref(description);
    for (size_t i = 0; branches && i < w->n_branches; i++)
        wk_branch_finish(&branches[i]);
    free(branches);
    free(kept);
    return status;
}

/* ---- after the folds ---- */

static void finish_scores(wk_walk *w)
{
    const wk_meta_config *meta = &w->config->meta;
    double bars_a_day = 86400e9 / (double)w->dataset->panel.timeframe_ns;
    size_t window = (size_t)(meta->scale_days * bars_a_day), S = w->S;
    float *score = wk_arena_array(&w->arena, float, S);
    for (size_t i = 0; i < w->out->n_strategies; i++) {
        wk_recipe *r = &w->recipes[i];
        wk_forecast *forecasts = w->out->strategies[i].forecasts;
        if (r->is_direction) {
            wk__walk_score_direction(forecasts, w->out->first_step * S, w->out->end_step * S);
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

/* Can a generation of branches learn from the bars before `step`? Rows count once features are
 * warm, and up to the blocks that are held back. */
static bool enough_past(const wk_run_config *config, size_t step)
{
    const wk_split_config *split = &config->split;
    double held_back =
        split->early_stop_fraction + split->calibration_fraction + split->policy_fraction;
    double rows = (double)step * (1 - held_back) - (double)config->features.warmup_valid_bars;
    return step >= MIN_TRAIN_STEPS && rows >= MIN_TRAIN_STEPS / 2;
}

static wk_status run_folds(wk_walk *w, wk_err *err)
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
    WK_TRY(wk_folds_make(panel, months_before(from, generations * split->refit_months),
                         split->to_ns, (int)split->refit_months, window, &folds, &n, err));
    size_t first = (size_t)generations;
    wk_status status = WK_OK;
    if (n <= first || folds[first].test_begin < MIN_TRAIN_STEPS) {
        status = wk_fail(
            err, WK_E_DATA,
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
        status = wk_fail(
            err, WK_E_CONFIG,
            "split.judge_from %s is not before %s, where the last fold ends; set it earlier, "
            "or read more history",
            wk_time_format(split->judge_from_ns, judge), wk_time_format(end_ns, end));
        goto done;
    }
    w->gate = wk_gate_make(&w->arena, wk__walk_n_losses(w), n * WK_GATE_SLICES);
    w->explain = wk__explain_make(&w->arena, w->dataset->table.F + w->n_branch_columns, n - first);
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
    double held_back =
        split->early_stop_fraction + split->calibration_fraction + split->policy_fraction;
    if (held_back > 0.8)
        return wk_fail(
            err, WK_E_CONFIG,
            "split.early_stop_fraction, calibration_fraction and policy_fraction hold back %g of a "
            "fold's past, at most 0.8 leaves rows to learn from; lower them",
            held_back);
    if (config->branches.n > WK_BRANCHES_MAX)
        return wk_fail(err, WK_E_CONFIG, "%zu branches, at most %d are possible; leave some out",
                       config->branches.n, WK_BRANCHES_MAX);
    for (size_t i = 0; i < config->branches.n; i++) {
        const char *name = branches[i].name;
        if (!name[0] || strlen(name) >= sizeof((wk_branch *)0)->name || strchr(name, '/'))
            return wk_fail(
                err, WK_E_CONFIG,
                "branches[%zu].name \"%s\" names a file of the model; give it 1 to %zu characters "
                "without a slash",
                i, name, sizeof((wk_branch *)0)->name - 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, branches[k].name) == 0)
                return wk_fail(
                    err, WK_E_CONFIG,
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
    json_decref(out->explanation);
    json_decref(out->training);
    wk_model_finish(&out->model);
    *out = (wk_walk_forward){0};
}

wk_status wk_walk_forward_run(const wk_run_config *config, const wk_dataset *dataset,
                              const wk_targets *targets, int threads, wk_walk_forward *out,
                              wk_err *err)
{
    WK_TRY(check(config, err));
    wk_walk_forward result = {.strategies = calloc(WK_STRATEGIES_MAX, sizeof *result.strategies),
                              .folds = json_array(),
                              .importance = json_array(),
                              .training = json_array()};
    WK_ASSERT(result.strategies && "out of memory");
    wk_walk *w = calloc(1, sizeof *w);
    WK_ASSERT(w && "out of memory");
    *w = (wk_walk){.config = config,
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
    w->raw = wk_arena_array(&w->arena, float, cells *n_raw_max);
    w->forecasts = wk_arena_array(&w->arena, wk_forecast, cells);
    list_strategies(w);
    wk_status status = run_folds(w, err);
    if (status == WK_OK) {
        finish_scores(w);
        wk__walk_explain(w);
        snprintf(result.model.feature_hash, sizeof result.model.feature_hash, "%s",
                 dataset->feature_hash);
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
