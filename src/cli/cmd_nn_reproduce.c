/* wick nn reproduce: published experiments from their configurations, ours beside the papers'
 * figures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_tasks.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/config.h"
#include "wick/log.h"

typedef struct {
    const char *name;
    double published;
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

static wk_status accuracy(const wk_nn *nn, const wk_nn_array *a, int threads, double *out,
                          wk_err *err)
{
    const size_t O = wk_nn_n_outputs(nn);
    float *p = malloc(a->N * O * sizeof *p);
    if (!p)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = wk_nn_apply(nn, a, threads, p, err);
    size_t right = 0;
    for (size_t i = 0; status == WK_OK && i < a->N; i++) {
        size_t best = 0;
        for (size_t o = 1; o < O; o++)
            best = p[i * O + o] > p[i * O + best] ? o : best;
        right += (float)best == a->y[i];
    }
    free(p);
    *out = (double)right / (double)a->N;
    return status;
}

static void show_epoch(void *context, const wk_nn_fit_progress *p)
{
    wk_log_write(WK_LOG_INFO, "nn.reproduce", "model=%s epoch=%zu of=%zu train_loss=%.6g",
                 (const char *)context, p->epoch, p->epochs, p->train_loss);
}

/* Mean score over the seeds. */
static wk_status run_model(const experiment *e, const model_config *m, const nn_task *task,
                           size_t seeds, int threads, double *score, size_t *params, wk_err *err)
{
    const size_t outputs = task->n_classes ? task->n_classes : 1;
    double sum = 0;
    for (size_t s = 0; s < seeds; s++) {
        wk_nn *nn;
        wk_nn_fit_config fit = m->fit;
        fit.seed += (int64_t)s;
        char name[128];
        snprintf(name, sizeof name, "%s/%s/%zu", e->name, m->name, s + 1);
        const wk_nn_fit_options options = {
            .threads = threads, .on_epoch = show_epoch, .context = name};
        double now = 0;
        WK_TRY(wk_nn_create_graph(&m->network, task->train.F, wk_nn_fit_outputs(&fit, outputs),
                                  (uint64_t)fit.seed, &nn, err));
        *params = wk_nn_n_params(nn);
        wk_status status = wk_nn_fit(nn, &fit, &task->train, NULL, &options, NULL, err);
        if (status == WK_OK)
            status = e->task == 2 ? accuracy(nn, &task->test, threads, &now, err)
                                  : wk_nn_evaluate(nn, &fit, &task->test, threads, &now, err);
        wk_nn_destroy(nn);
        if (status != WK_OK)
            return wk_fail_prefix(err, "%s", name);
        sum += now;
    }
    *score = sum / (double)seeds;
    return WK_OK;
}

static void print_row(const wk_cli *cli, const experiment *e, const model_config *m, double score,
                      size_t params, size_t seeds, double seconds)
{
    const char *what = e->task == 2 ? "accuracy" : "loss";
    if (wk_cli_json(cli)) {
        printf("{\"experiment\": \"%s\", \"model\": \"%s\", \"parameters\": %zu, \"%s\": %.6g, ",
               e->name, m->name, params, what, score);
        if (isfinite(m->published))
            printf("\"published\": %.6g, ", m->published);
        printf("\"source\": \"%s\", \"epochs\": %lld, \"seeds\": %zu, \"seconds\": %.1f}\n",
               e->source, (long long)m->fit.epochs, seeds, seconds);
    } else {
        char published[32] = "-";
        if (isfinite(m->published))
            snprintf(published, sizeof published, "%.4g", m->published);
        printf("%-22s %-8s %10zu %-9s %12.4g %12s %7lld %6zu %9.1f\n", e->name, m->name, params,
               what, score, published, (long long)m->fit.epochs, seeds, seconds);
    }
    fflush(stdout);
}

static wk_status run_file(const wk_cli *cli, const char *path, wk_arena *arena, wk_err *err)
{
    experiment e;
    nn_task task;
    size_t n_overrides;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    const char *only = wk_cli_option_value(cli, "model"),
               *count = wk_cli_option_value(cli, "seeds");
    WK_TRY(wk_config_load(&table, path, overrides, n_overrides, arena, &e, err));
    char *end = NULL;
    const unsigned long seeds = count ? strtoul(count, &end, 10) : (unsigned long)e.seeds;
    if (count && (*end || seeds < 1 || seeds > 1000))
        return wk_fail(err, WK_E_ARG, "--seeds %s: give a number from 1 to 1000", count);
    WK_TRY(make_task(&e, wk_cli_option_value(cli, "data"), &task, err));
    const model_config *models = e.models.v;
    wk_status status = WK_OK;
    for (size_t i = 0; i < e.models.n && status == WK_OK; i++) {
        double score = 0;
        size_t params = 0;
        if (only && strcmp(only, models[i].name) != 0)
            continue;
        const int64_t start = wk_clock_monotonic_ns();
        status = run_model(&e, &models[i], &task, seeds, wk_cli_threads(cli), &score, &params, err);
        if (status == WK_OK)
            print_row(cli, &e, &models[i], score, params, seeds,
                      (double)(wk_clock_monotonic_ns() - start) * 1e-9);
    }
    nn_task_finish(&task);
    return status;
}

static int cmd_reproduce(const wk_cli *cli, wk_err *err)
{
    if (!wk_cli_json(cli))
        printf("%-22s %-8s %10s %-9s %12s %12s %7s %6s %9s\n", "experiment", "model", "parameters",
               "score", "wick", "published", "epochs", "seeds", "seconds");
    for (size_t i = 0; i < wk_cli_n_args(cli); i++) {
        wk_arena arena;
        wk_arena_init(&arena);
        wk_status status = run_file(cli, wk_cli_arg(cli, i), &arena, err);
        wk_arena_finish(&arena);
        WK_TRY(status);
    }
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"data", "DIR", "folder of the UCR archive's NAME_TRAIN.csv.gz and NAME_TEST.csv.gz"},
    {"model", "NAME", "run this network only"},
    {"seeds", "N", "runs averaged, instead of the configuration's"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_nn_reproduce;
const wk_cli_command wk_cmd_nn_reproduce = {
    .name = "nn reproduce",
    .usage = "CONFIG... [--data DIR] [--model NAME]",
    .summary = "run published experiments and print our scores beside the papers'",
    .details = "The configurations are in configs/experiments/nn. Test parts are looked at once, "
               "after training.",
    .example = "wick nn reproduce configs/experiments/nn/adding-200.json --model GRU "
               "--set train_sequences=64 --set bars=20 --set models.1.fit.epochs=1",
    .args_min = 1,
    .args_max = 64,
    .options = options,
    .run = cmd_reproduce};
