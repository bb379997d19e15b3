/* wick nn reproduce: published experiments from their configurations, ours beside the papers'
 * figures. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_results.h"
#include "nn_tasks.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/config.h"
#include "wick/file.h"
#include "wick/hash.h"
#include "wick/log.h"
#include "wick/math.h"

typedef struct {
    const char *name;
    double published;
    int64_t ensemble;
    wk_nn_config network;
    wk_nn_fit_config fit;
} model_config;

typedef struct {
    const char *name, *dataset, *source;
    int task; /* 0 adding, 1 copy, 2 ucr */
    int64_t bars, train_sequences, test_sequences, seeds;
    wk_sections models;
} experiment;

#define AT(field) offsetof(model_config, field)
static const wk_cfg_row model_rows[] = {
    {"name", WK_CFG_STRING, AT(name), NULL, NULL, 0, 0, NULL, NULL, "in the table"},
    {"published", WK_CFG_REAL, AT(published), NULL, "null", 0, 0, NULL, NULL,
     "the figure to stand beside"},
    {"ensemble", WK_CFG_INT, AT(ensemble), NULL, "1", 1, 100, NULL, NULL,
     "of ucr: networks of other seeds whose probabilities are averaged, for each seed"},
    {"network", WK_CFG_SECTION, AT(network), NULL, NULL, 0, 0, NULL, &wk_nn_config_table,
     "its layers"},
    {"fit", WK_CFG_SECTION, AT(fit), NULL, NULL, 0, 0, NULL, &wk_nn_fit_config_table,
     "its training"},
    {0},
};
#undef AT
static const wk_cfg_table model_table = {"model", "One network of an experiment.",
                                         sizeof(model_config), model_rows};

#define AT(field) offsetof(experiment, field)
static const wk_cfg_row rows[] = {
    {"name", WK_CFG_STRING, AT(name), NULL, NULL, 0, 0, NULL, NULL, "in the table"},
    {"source", WK_CFG_STRING, AT(source), NULL, "\"\"", 0, 0, NULL, NULL,
     "where the published figures stand"},
    {"task", WK_CFG_ENUM, AT(task), NULL, NULL, 0, 0, "adding|copy|ucr", NULL,
     "the first two score by loss, the last by accuracy on the archive's test part"},
    {"dataset", WK_CFG_STRING, AT(dataset), NULL, "\"\"", 0, 0, NULL, NULL,
     "of ucr: name of its files"},
    {"bars", WK_CFG_INT, AT(bars), "bars", "200", 1, 100000, NULL, NULL, "T of adding and copy"},
    {"train_sequences", WK_CFG_INT, AT(train_sequences), NULL, "50000", 1, 10000000, NULL, NULL,
     "of adding and copy"},
    {"test_sequences", WK_CFG_INT, AT(test_sequences), NULL, "1000", 1, 10000000, NULL, NULL,
     "of adding and copy"},
    {"seeds", WK_CFG_INT, AT(seeds), NULL, "1", 1, 1000, NULL, NULL, "runs averaged"},
    {"models", WK_CFG_SECTIONS, AT(models), NULL, NULL, 0, 0, NULL, &model_table,
     "the networks compared"},
    {0},
};
#undef AT
static const wk_cfg_table table = {"experiment", "A published experiment.", sizeof(experiment),
                                   rows};

static wk_status make_task(const experiment *e, const char *dir, nn_task *task, wk_err *err)
{
    const size_t n = (size_t)e->train_sequences, n_test = (size_t)e->test_sequences;
    if (e->task == 0)
        return nn_task_adding((size_t)e->bars, n, n_test, 1, task, err);
    if (e->task == 1)
        return nn_task_copy((size_t)e->bars, n, n_test, 1, task, err);
    if (!dir)
        return wk_fail(err, WK_E_ARG, "%s: --data must name the folder of %s_TRAIN.csv.gz", e->name,
                       e->dataset);
    return nn_task_ucr(dir, e->dataset, task, err);
}

/* Adds the network's probabilities of each class to sums [N, O]. */
static wk_status add_probabilities(const wk_nn *nn, const wk_nn_array *a, int threads, double *sums,
                                   wk_err *err)
{
    const size_t O = wk_nn_n_outputs(nn);
    float *p = malloc(a->N * O * sizeof *p);
    if (!p)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = wk_nn_apply(nn, a, threads, p, err);
    for (size_t i = 0; status == WK_OK && i < a->N; i++) {
        const float *row = p + i * O;
        double top = (double)row[0], z = 0;
        for (size_t o = 1; o < O; o++)
            top = (double)row[o] > top ? (double)row[o] : top;
        for (size_t o = 0; o < O; o++)
            z += wk_exp((double)row[o] - top);
        for (size_t o = 0; o < O; o++)
            sums[i * O + o] += wk_exp((double)row[o] - top) / z;
    }
    free(p);
    return status;
}

static double accuracy(const wk_nn_array *a, const double *probabilities, size_t O)
{
    size_t right = 0;
    for (size_t i = 0; i < a->N; i++) {
        const double *p = probabilities + i * O;
        size_t best = 0;
        for (size_t o = 1; o < O; o++)
            best = p[o] > p[best] ? o : best;
        right += (float)best == a->y[i];
    }
    return (double)right / (double)a->N;
}

static void show_epoch(void *context, const wk_nn_fit_progress *p)
{
    wk_log_write(WK_LOG_INFO, "nn.reproduce", "model=\"%s\" epoch=%zu of=%zu train_loss=%.6g",
                 (const char *)context, p->epoch, p->epochs, p->train_loss);
}

/* Trains network `member` of an ensemble and adds to the result of this seed. */
static wk_status run_member(const experiment *e, const model_config *m, const nn_task *task,
                            int64_t seed, const char *name, int threads, double *probabilities,
                            nn_result *r, wk_err *err)
{
    const size_t outputs = task->n_classes ? task->n_classes : 1;
    wk_nn *nn;
    wk_nn_fit_config fit = m->fit;
    fit.seed += seed;
    const wk_nn_fit_options options = {
        .threads = threads, .on_epoch = show_epoch, .context = (void *)name};
    WK_TRY(wk_nn_create_graph(&m->network, task->train.F, wk_nn_fit_outputs(&fit, outputs),
                              (uint64_t)fit.seed, &nn, err));
    r->params = wk_nn_n_params(nn);
    wk_status status = wk_nn_fit(nn, &fit, &task->train, NULL, &options, NULL, err);
    double now = 0;
    if (status == WK_OK && e->task != 2)
        status = wk_nn_evaluate(nn, &fit, &task->test, threads, &now, err);
    if (status == WK_OK && e->task == 2) {
        double *alone = calloc(task->test.N * outputs, sizeof *alone);
        WK_ASSERT(alone);
        status = add_probabilities(nn, &task->test, threads, alone, err);
        now = accuracy(&task->test, alone, outputs);
        for (size_t k = 0; k < task->test.N * outputs; k++)
            probabilities[k] += alone[k];
        free(alone);
    }
    wk_nn_destroy(nn);
    r->single += now;
    return status;
}

static wk_status run_model(const experiment *e, const model_config *m, const nn_task *task,
                           size_t seeds, int threads, nn_result *out, wk_err *err)
{
    const size_t O = task->n_classes ? task->n_classes : 1, members = (size_t)m->ensemble;
    nn_result r = {0};
    double *sums = calloc(task->test.N * O, sizeof *sums);
    if (!sums)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    for (size_t s = 0; s < seeds && status == WK_OK; s++) {
        memset(sums, 0, task->test.N * O * sizeof *sums);
        const double before = r.single;
        for (size_t k = 0; k < members && status == WK_OK; k++) {
            char name[128];
            snprintf(name, sizeof name, "%s/%s/%zu", e->name, m->name, s * members + k + 1);
            status =
                run_member(e, m, task, (int64_t)(s * members + k), name, threads, sums, &r, err);
            if (status != WK_OK)
                status = wk_fail_prefix(err, "%s", name);
        }
        r.score +=
            e->task == 2 ? accuracy(&task->test, sums, O) : (r.single - before) / (double)members;
    }
    free(sums);
    r.score /= (double)seeds;
    r.single /= (double)(seeds * members);
    *out = r;
    return status;
}

/* Cross-validation on the training part: each class is dealt over the folds in a drawn order, and
 * each fold judged by networks of the others. The test part is not looked at. */
static wk_status cross_validate(const experiment *e, const model_config *m, const nn_task *whole,
                                size_t folds, size_t seeds, int threads, nn_result *out,
                                wk_err *err)
{
    const size_t N = whole->train.N, row = whole->train.T * whole->train.F;
    nn_result sum = {0};
    nn_task t = {.n_classes = whole->n_classes};
    float *X = malloc(2 * N * row * sizeof *X), *y = malloc(2 * N * sizeof *y);
    size_t *fold = malloc(N * sizeof *fold);
    WK_ASSERT(X && y && fold);
    nn_folds(whole->train.y, N, whole->n_classes, folds, fold);
    wk_status status = WK_OK;
    for (size_t k = 0; k < folds && status == WK_OK; k++) {
        size_t n[2] = {0};
        for (size_t i = 0; i < N; i++) {
            const size_t part = fold[i] == k, at = part * N + n[part]++;
            memcpy(X + at * row, whole->train.X + i * row, row * sizeof *X);
            y[at] = whole->train.y[i];
        }
        t.train = t.test = whole->train;
        t.train.X = X;
        t.train.y = y;
        t.train.N = n[0];
        t.test.X = X + N * row;
        t.test.y = y + N;
        t.test.N = n[1];
        nn_result r = {0};
        if (n[0] && n[1])
            status = run_model(e, m, &t, seeds, threads, &r, err);
        sum.score += r.score * (double)n[1] / (double)N;
        sum.single += r.single * (double)n[1] / (double)N;
        sum.params = r.params;
    }
    free(X);
    free(y);
    free(fold);
    *out = sum;
    return status;
}

static const char *what_of(const experiment *e, size_t folds)
{
    return folds ? "cross-validated" : e->task == 2 ? "accuracy" : "loss";
}

static void print_head(void)
{
    printf("%-20s %-8s %10s %-15s %9s %9s %9s %7s %-8s %8s\n", "experiment", "model", "parameters",
           "score", "wick", "published", "alone", "epochs", "networks", "seconds");
}

static void print_row(const wk_cli *cli, const experiment *e, const model_config *m,
                      const nn_result *r, size_t seeds, size_t folds)
{
    const char *what = what_of(e, folds);
    if (wk_cli_json(cli)) {
        printf("{\"experiment\": \"%s\", \"model\": \"%s\", \"parameters\": %zu, \"%s\": %.6g, ",
               e->name, m->name, r->params, what, r->score);
        if (m->ensemble > 1)
            printf("\"ensemble\": %lld, \"single\": %.6g, ", (long long)m->ensemble, r->single);
        if (isfinite(m->published))
            printf("\"published\": %.6g, ", m->published);
        printf("\"source\": \"%s\", \"epochs\": %lld, \"seeds\": %zu, \"seconds\": %.1f}\n",
               e->source, (long long)m->fit.epochs, seeds, r->seconds);
    } else {
        char published[32] = "-", single[32] = "", seconds[32] = "-";
        if (isfinite(m->published))
            snprintf(published, sizeof published, "%.4g", m->published);
        if (r->seconds > 0)
            snprintf(seconds, sizeof seconds, "%.1f", r->seconds);
        if (m->ensemble > 1)
            snprintf(single, sizeof single, "%.4g", r->single);
        printf("%-20s %-8s %10zu %-15s %9.4g %9s %9s %7lld %2lld x %-3zu %8s\n", e->name, m->name,
               r->params, what, r->score, published, single, (long long)m->fit.epochs,
               (long long)m->ensemble, seeds, seconds);
    }
    fflush(stdout);
}

/* What a section says beyond its defaults, so that a key which comes new changes no name. */
static json_t *without_defaults(json_t *section, json_t *defaults)
{
    const char *key;
    json_t *value;
    json_object_foreach(defaults, key, value)
    {
        if (json_equal(json_object_get(section, key), value))
            json_object_del(section, key);
    }
    return section;
}

static json_t *dumped(const wk_cfg_table *of, const void *config)
{
    char *text = wk_config_dump(of, config);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    WK_ASSERT(root);
    return root;
}

/* A name for all that a model's result depends on. */
static void identify(const experiment *e, const model_config *m, size_t seeds, size_t folds,
                     char of[65])
{
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_fit_config fit;
    wk_nn_layer_config layer;
    wk_config_defaults(&wk_nn_fit_config_table, &arena, &fit);
    wk_status parsed = wk_config_parse(&wk_nn_layer_config_table, "", "{\"type\": \"relu\"}", NULL,
                                       0, &arena, &layer, NULL);
    WK_ASSERT(parsed == WK_OK);
    json_t *fits = dumped(&wk_nn_fit_config_table, &fit),
           *layers = dumped(&wk_nn_layer_config_table, &layer),
           *model = dumped(&wk_nn_config_table, &m->network), *branches, *of_branch, *item;
    json_object_del(layers, "type");
    size_t i, k;
    json_array_foreach(json_object_get(model, "layers"), i, item) without_defaults(item, layers);
    branches = json_object_get(model, "branches");
    json_array_foreach(branches, i, of_branch)
        json_array_foreach(json_object_get(of_branch, "layers"), k, item)
            without_defaults(item, layers);
    json_t *all =
        json_pack("{s:o, s:o, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "network", model, "fit",
                  without_defaults(dumped(&wk_nn_fit_config_table, &m->fit), fits), "task", e->task,
                  "dataset", e->dataset, "bars", (json_int_t)e->bars, "train",
                  (json_int_t)e->train_sequences, "test", (json_int_t)e->test_sequences, "ensemble",
                  (json_int_t)m->ensemble, "seeds", (json_int_t)seeds, "folds", (json_int_t)folds);
    char *text = json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT);
    wk_hash_bytes(text, strlen(text), of);
    free(text);
    json_decref(all);
    json_decref(fits);
    json_decref(layers);
    wk_arena_finish(&arena);
}

typedef struct {
    experiment e;
    nn_task task;
    bool made; /* the task's data are there */
    size_t seeds, folds;
    int threads;
    const char *data, *results;
    bool show;
} session;

/* From the file of results, or by training. */
static wk_status result_of(session *s, const model_config *m, nn_result *r, bool *found,
                           wk_err *err)
{
    const experiment *e = &s->e;
    char of[65];
    identify(e, m, s->seeds, s->folds, of);
    *found = false;
    if (s->results)
        WK_TRY(nn_results_find(s->results, of, r, found, err));
    if (*found || s->show)
        return WK_OK;
    wk_log_write(WK_LOG_INFO, "nn.reproduce", "model=\"%s/%s\" of=%s", e->name, m->name, of);
    if (!s->made)
        WK_TRY(make_task(e, s->data, &s->task, err));
    s->made = true;
    const int64_t start = wk_clock_monotonic_ns();
    WK_TRY(s->folds ? cross_validate(e, m, &s->task, s->folds, s->seeds, s->threads, r, err)
                    : run_model(e, m, &s->task, s->seeds, s->threads, r, err));
    r->seconds = (double)(wk_clock_monotonic_ns() - start) * 1e-9;
    *found = true;
    return s->results
               ? nn_results_add(s->results, of, e->name, m->name, what_of(e, s->folds), r, err)
               : WK_OK;
}

/* *n_models counts the models asked for; the table's head stands before the first of them. */
static wk_status run_file(const wk_cli *cli, const char *path, wk_arena *arena, size_t *n_models,
                          wk_err *err)
{
    size_t n_overrides;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    const char *only = wk_cli_option_value(cli, "model"),
               *count = wk_cli_option_value(cli, "seeds"),
               *deal = wk_cli_option_value(cli, "folds");
    session s = {.threads = wk_cli_threads(cli),
                 .data = wk_cli_option_value(cli, "data"),
                 .results = wk_cli_option_value(cli, "results"),
                 .show = wk_cli_flag(cli, "show")};
    const experiment *e = &s.e;
    WK_TRY(wk_config_load(&table, path, overrides, n_overrides, arena, &s.e, err));
    char *end = NULL;
    s.seeds = count ? strtoul(count, &end, 10) : (size_t)e->seeds;
    if (count && (*end || s.seeds < 1 || s.seeds > 1000))
        return wk_fail(err, WK_E_ARG, "--seeds %s: give a number from 1 to 1000", count);
    s.folds = deal ? strtoul(deal, &end, 10) : 0;
    if (deal && (*end || s.folds < 2 || s.folds > 100 || e->task != 2))
        return wk_fail(err, WK_E_ARG, "--folds %s: a number from 2 to 100, with task ucr", deal);
    if (s.show && !s.results)
        return wk_fail(err, WK_E_ARG, "--show prints what --results FILE has");
    if (s.show && !wk_file_exists(s.results))
        return wk_fail(err, WK_E_IO, "--show: there is no file %s", s.results);
    const model_config *models = e->models.v;
    wk_status status = WK_OK;
    for (size_t i = 0; i < e->models.n && status == WK_OK; i++) {
        nn_result r = {0};
        bool found;
        if (only && strcmp(only, models[i].name) != 0)
            continue;
        status = result_of(&s, &models[i], &r, &found, err);
        if (status == WK_OK && (*n_models)++ == 0 && !wk_cli_json(cli))
            print_head();
        if (status == WK_OK && found)
            print_row(cli, e, &models[i], &r, s.seeds, s.folds);
        else if (status == WK_OK && !wk_cli_json(cli))
            printf("%-20s %-8s not run yet\n", e->name, models[i].name);
    }
    if (s.made)
        nn_task_finish(&s.task);
    return status;
}

static int cmd_reproduce(const wk_cli *cli, wk_err *err)
{
    size_t n_models = 0;
    for (size_t i = 0; i < wk_cli_n_args(cli); i++) {
        wk_arena arena;
        wk_arena_init(&arena);
        wk_status status = run_file(cli, wk_cli_arg(cli, i), &arena, &n_models, err);
        wk_arena_finish(&arena);
        WK_TRY(status);
    }
    const char *only = wk_cli_option_value(cli, "model");
    if (only && !n_models)
        return wk_fail(err, WK_E_ARG, "--model %s: no configuration given has a model of that name",
                       only);
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"data", "DIR", "folder of the UCR archive's NAME_TRAIN.csv.gz and NAME_TEST.csv.gz"},
    {"model", "NAME", "run this network only"},
    {"seeds", "N", "runs averaged, instead of the configuration's"},
    {"folds", "K", "of ucr: cross-validate on the training part, without a look at the test part"},
    {"results", "FILE", "do not run what FILE has already, and add the other rows to it"},
    {"show", NULL, "with --results: print its rows and run nothing"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_nn_reproduce;
const wk_cli_command wk_cmd_nn_reproduce = {
    .name = "nn reproduce",
    .usage = "CONFIG... [--data DIR] [--model NAME]",
    .summary = "runs published experiments and prints our scores beside the papers'",
    .details =
        "The configurations are in configs/experiments/nn, what was run here in its "
        "results.jsonl.\n"
        "Test parts are looked at once, after training; --folds is for choosing a configuration\n"
        "before. \"networks\" is the networks of an ensemble times the seeds, \"alone\" the mean "
        "of\n"
        "its networks one by one.",
    .example = "wick nn reproduce configs/experiments/nn/adding-200.json --model GRU "
               "--set train_sequences=64 --set bars=20 --set models.1.fit.epochs=1",
    .args_min = 1,
    .args_max = 64,
    .options = options,
    .run = cmd_reproduce};
