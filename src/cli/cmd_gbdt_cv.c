/* wick gbdt cv, wick gbdt importance: what boosted trees do on rows that they have not seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "curve_svg.h"
#include "gbdt_config.h"
#include "gbdt_progress.h"
#include "wick/file.h"
#include "wick/text.h"

typedef struct {
    gbdt_job job;
    wk_gbdt_fold *folds;
    size_t n_folds;
    wk_gbdt_cv cv;
} validation;

static void validation_finish(validation *v)
{
    wk_gbdt_cv_finish(&v->cv);
    wk_gbdt_table_finish(&v->job.table);
}

/* Reads, cuts and trains; all rows of the table take part. */
static wk_status validate(const wk_cli *cli, const char *topic, wk_arena *arena, validation *v,
                          wk_err *err)
{
    gbdt_job *job = &v->job;
    WK_TRY(gbdt_job_open(cli, arena, job, err));
    const gbdt_config *c = &job->config;
    /* valid_fraction is of gbdt train: the rows that it holds back stand behind the others. */
    job->train.n_rows += job->valid.n_rows;
    job->train.n_groups += job->valid.n_groups;
    bool classes =
        c->params.objective == WK_GBDT_LOGISTIC || c->params.objective == WK_GBDT_SOFTPROB;
    gbdt_progress progress;
    WK_TRY(gbdt_progress_start(cli, topic, &c->params, &progress, err));
    wk_status status =
        wk_gbdt_folds_make(&c->cv, job->train.n_rows, job->train.y, classes, c->columns.query,
                           job->table.time, job->table.end, arena, &v->folds, &v->n_folds, err);
    if (status == WK_OK)
        status = wk_gbdt_cv_run(&c->params, NULL, &job->train, v->folds, v->n_folds,
                                (const char *const *)job->table.names, wk_cli_threads(cli),
                                gbdt_progress_cv, &progress, &v->cv, err);
    return status == WK_E_DATA ? wk_fail_prefix(err, "%s (rows count from 0)", job->path) : status;
}

static const char *metric_of(const validation *v)
{
    return wk_gbdt_metric_name(&v->job.config.params);
}

/* Without early stopping all rounds are kept, good or not. */
static bool stops(const validation *v)
{
    return v->job.config.params.early_stopping_rounds > 0;
}

static wk_status save(const char *path, wk_text *t, wk_err *err)
{
    wk_status status = wk_file_write_atomic(path, t->s ? t->s : "", t->n, err);
    free(t->s);
    return status;
}

/* The columns of xgboost.cv's data frame, up to the best round. */
static wk_status save_rounds(const validation *v, const char *path, wk_err *err)
{
    const char *m = metric_of(v);
    const wk_gbdt_cv *cv = &v->cv;
    wk_text t = {0};
    wk_text_printf(&t, "round,train-%s-mean,train-%s-std,test-%s-mean,test-%s-std\n", m, m, m, m);
    for (size_t i = 0; i < cv->best_round; i++)
        wk_text_printf(&t, "%zu,%.9g,%.9g,%.9g,%.9g\n", i, cv->train_mean[i], cv->train_std[i],
                       cv->test_mean[i], cv->test_std[i]);
    return save(path, &t, err);
}

static wk_status save_folds(const validation *v, const char *path, wk_err *err)
{
    wk_text t = {0};
    wk_text_add(&t, "fold,row,part\n");
    for (size_t k = 0; k < v->n_folds; k++)
        for (int part = 0; part < 2; part++) {
            const wk_gbdt_fold *f = &v->folds[k];
            for (size_t i = 0; i < (part ? f->n_test : f->n_train); i++)
                wk_text_printf(&t, "%zu,%u,%s\n", k, part ? f->test[i] : f->train[i],
                               part ? "test" : "train");
        }
    return save(path, &t, err);
}

static void add_number(wk_text *t, const char *key, double value)
{
    wk_text_printf(t, isfinite(value) ? "%s%.9g" : "%snull", key, value);
}

static void add_curve(wk_text *t, const char *name, const double *value, size_t n)
{
    wk_text_printf(t, ", \"%s\": [", name);
    for (size_t i = 0; i < n; i++)
        add_number(t, i ? ", " : "", value[i]);
    wk_text_add(t, "]");
}

static void print_json(const validation *v)
{
    const wk_gbdt_cv *cv = &v->cv;
    size_t n = cv->best_round;
    wk_text t = {0};
    wk_text_printf(&t,
                   "{\"rows\": %zu, \"features\": %zu, \"metric\": \"%s\", \"rounds\": %zu, "
                   "\"best_round\": %zu, \"folds\": [",
                   v->job.train.n_rows, v->job.train.n_cols, metric_of(v), cv->n_rounds, n);
    for (size_t k = 0; k < v->n_folds; k++) {
        wk_text_printf(&t, "%s{\"train_rows\": %zu, \"test_rows\": %zu", k ? ", " : "",
                       v->folds[k].n_train, v->folds[k].n_test);
        if (n > 0) {
            add_number(&t, ", \"train\": ", cv->train[k * cv->n_rounds + n - 1]);
            add_number(&t, ", \"test\": ", cv->test[k * cv->n_rounds + n - 1]);
        }
        wk_text_add(&t, "}");
    }
    wk_text_add(&t, "]");
    add_curve(&t, "train_mean", cv->train_mean, n);
    add_curve(&t, "train_std", cv->train_std, n);
    add_curve(&t, "test_mean", cv->test_mean, n);
    add_curve(&t, "test_std", cv->test_std, n);
    printf("%s}\n", t.s);
    free(t.s);
}

static void print_text(const validation *v)
{
    const wk_gbdt_cv *cv = &v->cv;
    size_t n = cv->best_round;
    printf("%zu rows, %zu features, %zu folds, %zu rounds", v->job.train.n_rows,
           v->job.train.n_cols, v->n_folds, cv->n_rounds);
    if (stops(v))
        printf(", best %zu", n);
    printf("\n%6s %12s %12s %14s %14s\n", "fold", "train rows", "test rows", "train", "test");
    for (size_t k = 0; k < v->n_folds && n > 0; k++)
        printf("%6zu %12zu %12zu %14.6f %14.6f\n", k, v->folds[k].n_train, v->folds[k].n_test,
               cv->train[k * cv->n_rounds + n - 1], cv->test[k * cv->n_rounds + n - 1]);
    if (n > 0)
        printf("%s: train %.6f +- %.6f, test %.6f +- %.6f\n", metric_of(v), cv->train_mean[n - 1],
               cv->train_std[n - 1], cv->test_mean[n - 1], cv->test_std[n - 1]);
}

static wk_status run_cv(const wk_cli *cli, wk_arena *arena, validation *v, wk_err *err)
{
    const char *out = wk_cli_option_value(cli, "out"), *svg = wk_cli_option_value(cli, "svg"),
               *folds = wk_cli_option_value(cli, "folds");
    const wk_gbdt_cv *cv = &v->cv;
    WK_TRY(validate(cli, "gbdt.cv", arena, v, err));
    const curve_line lines[] = {{"train", cv->train_mean, cv->train_std},
                                {"test", cv->test_mean, cv->test_std}};
    if (out)
        WK_TRY(save_rounds(v, out, err));
    if (folds)
        WK_TRY(save_folds(v, folds, err));
    if (svg)
        WK_TRY(curve_svg_write(svg, metric_of(v), lines, 2, cv->n_rounds,
                               stops(v) ? cv->best_round : 0, err));
    if (wk_cli_json(cli))
        print_json(v);
    else
        print_text(v);
    return WK_OK;
}

static int cmd_gbdt_cv(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    validation v = {0};
    wk_arena_init(&arena);
    wk_status status = run_cv(cli, &arena, &v, err);
    validation_finish(&v);
    wk_arena_finish(&arena);
    return status;
}

/* ---- importance ---- */

static wk_status count_repeats(const wk_cli *cli, size_t *repeats, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, "repeats");
    char *end;
    *repeats = 5;
    if (!text)
        return WK_OK;
    unsigned long n = strtoul(text, &end, 10);
    if (end == text || *end || n < 1 || n > 1000)
        return wk_fail(err, WK_E_ARG, "--repeats %s: write a number from 1 to 1000", text);
    *repeats = n;
    return WK_OK;
}

/* -1: permutation. */
static wk_status find_kind(const wk_cli *cli, int *kind, wk_err *err)
{
    const char *name = wk_cli_option_value(cli, "kind");
    *kind = -1;
    if (!name || strcmp(name, "permutation") == 0)
        return WK_OK;
    for (*kind = 0; *kind < WK_FOREST_MEASURES; ++*kind)
        if (strcmp(name, wk_forest_measure_name(*kind)) == 0)
            return WK_OK;
    return wk_fail(err, WK_E_ARG,
                   "--kind %s: write permutation, weight, gain, cover, total_gain or total_cover",
                   name);
}

/* Mean and deviation of a measure over the folds' forests. */
static void score_folds(const validation *v, int kind, double *mean, double *deviation,
                        wk_arena *arena)
{
    size_t F = v->job.train.n_cols;
    double *score = wk_arena_array(arena, double, F), n = (double)v->n_folds;
    for (size_t k = 0; k < v->n_folds; k++) {
        wk_forest_score(v->cv.forests[k], kind, score);
        for (size_t f = 0; f < F; f++) {
            mean[f] += score[f] / n;
            deviation[f] += score[f] * score[f] / n;
        }
    }
    for (size_t f = 0; f < F; f++) {
        double variance = deviation[f] - mean[f] * mean[f];
        deviation[f] = variance > 0 ? sqrt(variance) : 0;
    }
}

static void print_importance(const wk_cli *cli, const validation *v, const char *kind,
                             const double *mean, const double *deviation, const size_t *order)
{
    size_t F = v->job.train.n_cols;
    wk_text t = {0};
    char name[32];
    if (wk_cli_json(cli))
        wk_text_printf(&t,
                       "{\"kind\": \"%s\", \"metric\": \"%s\", \"folds\": %zu, \"rounds\": %zu, "
                       "\"features\": [",
                       kind, metric_of(v), v->n_folds, v->cv.best_round);
    else
        wk_text_printf(&t, "%zu folds, %zu rounds\n%-32s %14s %14s\n", v->n_folds, v->cv.best_round,
                       "feature", kind, "+-");
    for (size_t i = 0; i < F; i++) {
        size_t f = order[i];
        snprintf(name, sizeof name, "f%zu", f);
        const char *shown = v->job.table.names ? v->job.table.names[f] : name;
        if (wk_cli_json(cli)) {
            wk_text_add(&t, i ? ", {\"name\": " : "{\"name\": ");
            wk_text_add_json_string(&t, shown);
            add_number(&t, ", \"mean\": ", mean[f]);
            add_number(&t, ", \"std\": ", deviation[f]);
            wk_text_add(&t, "}");
        } else {
            wk_text_printf(&t, "%-32s %14.6g %14.3g\n", shown, mean[f], deviation[f]);
        }
    }
    printf(wk_cli_json(cli) ? "%s]}\n" : "%s", t.s);
    free(t.s);
}

static wk_status run_importance(const wk_cli *cli, wk_arena *arena, validation *v, wk_err *err)
{
    size_t repeats;
    int kind;
    WK_TRY(count_repeats(cli, &repeats, err));
    WK_TRY(find_kind(cli, &kind, err));
    WK_TRY(validate(cli, "gbdt.importance", arena, v, err));
    size_t F = v->job.train.n_cols;
    double *mean = wk_arena_array(arena, double, F), *deviation = wk_arena_array(arena, double, F);
    size_t *order = wk_arena_array(arena, size_t, F);
    if (kind >= 0)
        score_folds(v, kind, mean, deviation, arena);
    else
        WK_TRY(wk_gbdt_cv_permutation(&v->job.config.params, NULL, &v->job.train, v->folds, &v->cv,
                                      repeats, (uint64_t)v->job.config.cv.seed, wk_cli_threads(cli),
                                      mean, deviation, err));
    /* The largest first, equal ones in the table's order. */
    for (size_t f = 0; f < F; f++) {
        size_t at = f;
        for (; at > 0 && mean[order[at - 1]] < mean[f]; at--)
            order[at] = order[at - 1];
        order[at] = f;
    }
    print_importance(cli, v, kind < 0 ? "permutation" : wk_forest_measure_name(kind), mean,
                     deviation, order);
    return WK_OK;
}

static int cmd_gbdt_importance(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    validation v = {0};
    wk_arena_init(&arena);
    wk_status status = run_importance(cli, &arena, &v, err);
    validation_finish(&v);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option cv_options[] = {
    {"data", "F", "table: " GBDT_TABLE_FORMS},
    {"out", "F.csv", "mean and deviation of the metric by round, in the columns of xgboost.cv"},
    {"folds", "F.csv", "which rows train and which test in each fold"},
    {"svg", "F.svg", "a plot of the metric over the rounds, with its deviation"},
    GBDT_PROGRESS_OPTION,
    {NULL, NULL, NULL}};

static const wk_cli_option importance_options[] = {
    {"data", "F", "table: " GBDT_TABLE_FORMS},
    {"kind", "NAME", "permutation (default), weight, gain, cover, total_gain or total_cover"},
    {"repeats", "N", "shuffles of a column in each fold (default: 5)"},
    GBDT_PROGRESS_OPTION,
    {NULL, NULL, NULL}};

const wk_cli_command wk_cmd_gbdt_cv = {
    .name = "gbdt cv",
    .usage = "CONFIG --data F [--out F.csv] [--svg F.svg]",
    .summary = "cross-validates boosted trees on a table",
    .details =
        "CONFIG is that of gbdt train with a section cv: {\"cv\": {\"split\": \"auto\", \"nfold\": "
        "5, \"embargo\": 0}}. With a\n"
        "time_column (or HDF5's time) folds are cut in time order, and rows whose label is not yet "
        "known when a test\n"
        "block begins do not train: those up to end_column or time + cv.horizon, + cv.embargo. "
        "Else "
        "groups stay together,\n"
        "and classes are shared out alike. params.early_stopping_rounds watches the mean over the "
        "folds.\n" GBDT_TABLE_NOTES,
    .example = "wick gbdt cv tests/cli/gbdt.json --data "
               "tests/golden/gbdt/softprob_missing.csv --svg curve.svg",
    .args_min = 1,
    .args_max = 1,
    .options = cv_options,
    .run = cmd_gbdt_cv};

const wk_cli_command wk_cmd_gbdt_importance = {
    .name = "gbdt importance",
    .usage = "CONFIG --data F [--kind NAME]",
    .summary = "what the features are worth on rows that the trees have not seen",
    .details =
        "Trains on the folds of gbdt cv. permutation: how much worse the metric on a fold's test "
        "rows becomes when a\n"
        "column's values change places among them; below 0 the column misleads. The others are "
        "XGBoost's importances of\n"
        "the folds' trees. Prints the mean over the folds and its deviation.",
    .example = "wick gbdt importance tests/cli/gbdt.json --data "
               "tests/golden/gbdt/softprob_missing.csv --repeats 3",
    .args_min = 1,
    .args_max = 1,
    .options = importance_options,
    .run = cmd_gbdt_importance};
