/* wick nn train, wick nn predict: networks on arrays of one's own. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn_model.h"
#include "nn_onnx.h"
#include "wick/array_file.h"
#include "wick/cli.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/math.h"

enum { CLASSES_MAX = 4096 };

static wk_status need(const wk_cli *cli, const char *option, const char **value, wk_err *err)
{
    *value = wk_cli_option_value(cli, option);
    if (!*value)
        return wk_fail(err, WK_E_ARG, "--%s is missing; see --help", option);
    return WK_OK;
}

static bool learns_classes(const wk_nn_fit_config *c)
{
    return c->loss == WK_NN_CROSS_ENTROPY || c->loss == WK_NN_FOCAL;
}

/* ---- the data ---- */

/* X as [N, T, C]; one of two dimensions has one channel. */
static wk_status inputs_of(const char *path, wk_array *X, wk_err *err)
{
    if (X->rank == 2) {
        X->shape[2] = 1;
        X->rank = 3;
    }
    if (X->rank != 3 || !X->n)
        return wk_fail(
            err, WK_E_DATA,
            "%s: inputs of %zu dimensions (%zu x %zu x %zu); want [N, T, C] or [N, T], none 0",
            path, X->rank, X->shape[0], X->shape[1], X->shape[2]);
    return WK_OK;
}

static wk_status targets_of(const char *path, const nn_train_config *c, const wk_array *X,
                            const wk_array *y, wk_nn_array *data, wk_err *err)
{
    const size_t T = X->shape[1], second = y->shape[1];
    bool each = y->rank == 3 || (y->rank == 2 && learns_classes(&c->fit) && second == T && T > 1);
    if (c->targets)
        each = c->targets == 2;
    const bool fits = y->rank >= 1 && y->rank <= 3 && y->shape[0] == X->shape[0] &&
                      (each ? y->rank >= 2 && second == T : y->rank <= 2) &&
                      (!learns_classes(&c->fit) || (each ? y->shape[2] : second) == 1);
    if (!fits)
        return wk_fail(
            err, WK_E_DATA,
            "%s: targets [%zu, %zu, %zu] (%zu dimensions) do not fit inputs [%zu, %zu, %zu]; want "
            "[N] or [N, K], or with a target at every bar [N, T] or [N, T, K]",
            path, y->shape[0], y->shape[1], y->shape[2], y->rank, X->shape[0], X->shape[1],
            X->shape[2]);
    *data = (wk_nn_array){.N = X->shape[0],
                          .T = T,
                          .F = X->shape[2],
                          .X = X->values,
                          .S = each ? T : 1,
                          .K = each ? y->shape[2] : second,
                          .y = y->values};
    return WK_OK;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Replaces the labels by their place among the distinct ones, ascending. */
static wk_status number_classes(const char *path, wk_array *y, wk_arena *arena, nn_model *m,
                                wk_err *err)
{
    float *sorted = wk_arena_array(arena, float, y->n);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < y->n; i++)
        if (!isnan(y->values[i]))
            sorted[n++] = y->values[i];
    qsort(sorted, n, sizeof *sorted, by_value);
    m->classes = wk_arena_array(arena, double, CLASSES_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i && sorted[i] == sorted[i - 1])
            continue;
        if (kept == CLASSES_MAX)
            return wk_fail(
                err, WK_E_DATA,
                "%s: more than %d distinct labels; for real targets choose loss mse or huber", path,
                CLASSES_MAX);
        m->classes[kept++] = (double)sorted[i];
    }
    if (kept < 2)
        return wk_fail(err, WK_E_DATA, "%s: %zu distinct labels; at least two are needed to learn",
                       path, kept);
    if (kept > 2 && 2 * kept > n)
        wk_log_write(WK_LOG_WARN, "nn.train",
                     "classes=%zu targets=%zu note=\"each distinct label is a class; for real "
                     "targets set fit.loss to mse or huber\"",
                     kept, n);
    for (size_t i = 0; i < y->n; i++)
        for (size_t c = 0; c < kept; c++)
            if (m->classes[c] == (double)y->values[i]) {
                y->values[i] = (float)c;
                break;
            }
    m->n_classes = kept;
    return WK_OK;
}

/* Mean and deviation of each channel over the first N sequences; 0 and 1 when not wanted. */
static void fit_scale(const nn_train_config *c, const wk_nn_array *a, wk_arena *arena, nn_model *m)
{
    m->mean = wk_arena_array(arena, float, a->F);
    m->scale = wk_arena_array(arena, float, a->F);
    for (size_t f = 0; f < a->F; f++) {
        double sum = 0, square = 0;
        const size_t n = a->N * a->T;
        for (size_t i = 0; i < n; i++)
            sum += (double)a->X[i * a->F + f];
        const double mean = sum / (double)n;
        for (size_t i = 0; i < n; i++) {
            const double e = (double)a->X[i * a->F + f] - mean;
            square += e * e;
        }
        const double deviation = sqrt(square / (double)n);
        const bool use = c->standardize && isfinite(mean) && deviation > 0;
        m->mean[f] = use ? (float)mean : 0;
        m->scale[f] = use ? (float)deviation : 1;
    }
}

/* ---- training ---- */

static void show_epoch(void *context, const wk_nn_fit_progress *p)
{
    (void)context;
    wk_log_write(WK_LOG_INFO, "nn.train", "epoch=%zu of=%zu train_loss=%.6g valid_loss=%.6g",
                 p->epoch, p->epochs, p->train_loss, p->valid_loss);
}

typedef struct {
    wk_array X, y;
    nn_model model;
    wk_nn_log log;
} job;

static void job_finish(job *j)
{
    wk_array_finish(&j->X);
    wk_array_finish(&j->y);
    wk_nn_destroy(j->model.nn);
    wk_nn_log_finish(&j->log);
}

static void print_trained(const wk_cli *cli, const job *j, size_t n_train, size_t n_valid,
                          const char *out)
{
    const wk_nn_log *log = &j->log;
    const size_t best = log->best_epoch;
    const double train_loss = best ? log->train_loss[best - 1] : NAN,
                 valid_loss = best ? log->valid_loss[best - 1] : NAN;
    if (wk_cli_json(cli)) {
        printf(
            "{\"sequences\": %zu, \"valid_sequences\": %zu, \"parameters\": %zu, \"epochs\": %zu, "
            "\"best_epoch\": %zu, \"train_loss\": %.9g",
            n_train, n_valid, wk_nn_n_params(j->model.nn), log->n, best, train_loss);
        if (isfinite(valid_loss))
            printf(", \"valid_loss\": %.9g", valid_loss);
        printf("}\n");
        return;
    }
    printf("%zu sequences, %zu for validation, %zu parameters, %zu epochs\nloss: train %.6g",
           n_train, n_valid, wk_nn_n_params(j->model.nn), log->n, train_loss);
    if (isfinite(valid_loss))
        printf(", validation %.6g (epoch %zu)", valid_loss, best);
    printf("\n%s\n", out);
}

static wk_status train(const wk_cli *cli, wk_arena *arena, job *j, wk_err *err)
{
    const char *path, *out, *targets = wk_cli_option_value(cli, "targets");
    size_t n_overrides;
    const char *const *overrides = wk_cli_overrides(cli, &n_overrides);
    nn_train_config c;
    wk_nn_array data;
    nn_model *m = &j->model;
    WK_TRY(need(cli, "data", &path, err));
    WK_TRY(need(cli, "out", &out, err));
    WK_TRY(wk_config_load(&nn_train_config_table, wk_cli_arg(cli, 0), overrides, n_overrides, arena,
                          &c, err));
    if (!targets && !wk_array_is_hdf5(path))
        return wk_fail(err, WK_E_ARG,
                       "%s: an .npy file holds one array; give the targets with --targets F.npy",
                       path);
    /* Better known before the training than after it. */
    struct stat at;
    if (stat(out, &at) == 0 && !S_ISDIR(at.st_mode))
        return wk_fail(err, WK_E_IO, "--out %s: there is a file of that name; want a directory",
                       out);
    WK_TRY(wk_array_read(path, c.x, &j->X, err));
    WK_TRY(wk_array_read(targets ? targets : path, c.y, &j->y, err));
    WK_TRY(inputs_of(path, &j->X, err));
    WK_TRY(targets_of(targets ? targets : path, &c, &j->X, &j->y, &data, err));
    if (learns_classes(&c.fit))
        WK_TRY(number_classes(targets ? targets : path, &j->y, arena, m, err));
    const size_t n_valid = (size_t)((double)data.N * c.valid_fraction), n_train = data.N - n_valid;
    wk_nn_array first = data, last = data;
    first.N = n_train;
    last.N = n_valid;
    last.first = n_train;
    last.X += n_train * data.T * data.F;
    last.y += n_train * data.S * data.K;
    m->fit = c.fit;
    m->F = data.F;
    m->K = data.K;
    m->each_bar = data.S > 1 || c.targets == 2;
    m->x = c.x;
    fit_scale(&c, &first, arena, m);
    nn_model_scale(m, j->X.values, data.N * data.T);
    WK_TRY(wk_nn_create_graph(&c.network, data.F,
                              wk_nn_fit_outputs(&c.fit, m->n_classes ? m->n_classes : data.K),
                              (uint64_t)c.fit.seed, &m->nn, err));
    const bool resume = wk_cli_flag(cli, "resume");
    const wk_nn_fit_options options = {
        .threads = wk_cli_threads(cli),
        .checkpoint = wk_cli_flag(cli, "checkpoint") || resume
                          ? wk_arena_printf(arena, "%s.checkpoint.safetensors", out)
                          : NULL,
        .resume = resume,
        .on_epoch = show_epoch};
    wk_status status =
        wk_nn_fit(m->nn, &c.fit, &first, n_valid ? &last : NULL, &options, &j->log, err);
    if (status == WK_E_DATA)
        return wk_fail_prefix(err, "%s%s%s (sequences count from 0)", path, targets ? ", " : "",
                              targets ? targets : "");
    WK_TRY(status);
    WK_TRY(nn_model_save(m, &c, &j->log, out, err));
    if (options.checkpoint)
        remove(options.checkpoint);
    print_trained(cli, j, n_train, n_valid, out);
    return WK_OK;
}

static int cmd_train(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    job j = {0};
    wk_arena_init(&arena);
    wk_status status = train(cli, &arena, &j, err);
    job_finish(&j);
    wk_arena_finish(&arena);
    return status;
}

/* ---- prediction ---- */

static void print_header(FILE *f, const nn_model *m)
{
    static const char *const heads[] = {"p_sell", "p_hold", "p_buy", "magnitude", "volatility"};
    const char *separator = m->each_bar ? "sequence,bar," : "";
    fputs(separator, f);
    separator = "";
    for (size_t i = 0; i < m->n_classes; i++, separator = ",")
        fprintf(f, "%sp%g", separator, m->classes[i]);
    for (size_t i = 0; m->fit.loss == WK_NN_TRADING && i < WK_NN_HEADS; i++, separator = ",")
        fprintf(f, "%s%s", separator, heads[i]);
    for (size_t k = 0; !m->n_classes && m->fit.loss != WK_NN_TRADING && k < m->K; k++) {
        if (m->fit.loss == WK_NN_PINBALL)
            for (size_t q = 0; q < m->fit.quantiles.n; q++, separator = ",")
                fprintf(f, "%sy%zu_q%g", separator, k, m->fit.quantiles.v[q]);
        else if (m->fit.loss == WK_NN_GAUSSIAN || m->fit.loss == WK_NN_STUDENT_T)
            fprintf(f, "%sy%zu_mean,y%zu_scale", separator, k, k);
        else
            fprintf(f, "%sy%zu", separator, k);
        separator = ",";
    }
    fputc('\n', f);
}

/* Logits [n] become probabilities. */
static void softmax(float *v, size_t n)
{
    double top = (double)v[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        top = (double)v[i] > top ? (double)v[i] : top;
    for (size_t i = 0; i < n; i++)
        sum += wk_exp((double)v[i] - top);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)(wk_exp((double)v[i] - top) / sum);
}

/* Outputs as their columns' names say. */
static void finish_row(const nn_model *m, float *v)
{
    const bool likelihood = m->fit.loss == WK_NN_GAUSSIAN || m->fit.loss == WK_NN_STUDENT_T;
    if (m->n_classes)
        softmax(v, m->n_classes);
    for (size_t k = 0; likelihood && k < m->K; k++)
        v[2 * k + 1] = (float)wk_exp((double)v[2 * k + 1]);
    if (m->fit.loss == WK_NN_TRADING) {
        softmax(v, 3);
        v[4] = (float)wk_exp((double)v[4]);
    }
}

static wk_status write_csv(const nn_model *m, float *p, const wk_nn_array *data, const char *out,
                           wk_err *err)
{
    const size_t O = wk_nn_n_outputs(m->nn);
    wk_draft draft;
    WK_TRY(wk_draft_open(out, &draft, err));
    print_header(draft.stream, m);
    for (size_t i = 0; i < data->N * data->S; i++) {
        float *v = p + i * O;
        finish_row(m, v);
        if (m->each_bar)
            fprintf(draft.stream, "%zu,%zu,", i / data->S, i % data->S);
        for (size_t o = 0; o < O; o++)
            fprintf(draft.stream, "%.9g%c", (double)v[o], o + 1 < O ? ',' : '\n');
    }
    return wk_draft_publish(&draft, err);
}

static wk_status predict(const wk_cli *cli, wk_arena *arena, job *j, wk_err *err)
{
    const char *path, *out;
    nn_model *m = &j->model;
    WK_TRY(need(cli, "data", &path, err));
    WK_TRY(need(cli, "out", &out, err));
    const char *onnx = wk_cli_option_value(cli, "onnx");
    if ((wk_cli_n_args(cli) == 0) != (onnx != NULL))
        return wk_fail(err, WK_E_ARG, "give a network's DIR or --onnx FILE.onnx, one of the two");
    if (onnx)
        return nn_onnx_predict(cli, onnx, path, out, err);
    WK_TRY(nn_model_load(wk_cli_arg(cli, 0), arena, m, err));
    WK_TRY(wk_array_read(path, m->x, &j->X, err));
    WK_TRY(inputs_of(path, &j->X, err));
    const wk_array *X = &j->X;
    const wk_nn_array data = {.N = X->shape[0],
                              .T = X->shape[1],
                              .F = X->shape[2],
                              .X = X->values,
                              .S = m->each_bar ? X->shape[1] : 1};
    if (data.F != m->F)
        return wk_fail(err, WK_E_DATA, "%s: %zu channels, the network has %zu", path, data.F, m->F);
    nn_model_scale(m, X->values, data.N * data.T);
    float *p = wk_arena_array(arena, float, data.N *data.S *wk_nn_n_outputs(m->nn));
    wk_status status = wk_nn_apply(m->nn, &data, wk_cli_threads(cli), p, err);
    if (status == WK_E_DATA)
        return wk_fail_prefix(err, "%s (sequences count from 0)", path);
    WK_TRY(status);
    WK_TRY(write_csv(m, p, &data, out, err));
    printf(wk_cli_json(cli) ? "{\"rows\": %zu}\n" : "%zu rows\n", data.N * data.S);
    return WK_OK;
}

static int cmd_predict(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    job j = {0};
    wk_arena_init(&arena);
    wk_status status = predict(cli, &arena, &j, err);
    job_finish(&j);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option train_options[] = {
    {"data", "F",
     "inputs [N, T, C], or [N, T] of one channel: an .npy file, or an HDF5 file with X and y"},
    {"targets", "F", "targets in a file of their own"},
    {"out", "DIR",
     "the network: weights.safetensors, network.json, config.json, and the losses by epoch: "
     "training.json, training.svg"},
    {"checkpoint", NULL, "write DIR.checkpoint.safetensors after every epoch"},
    {"resume", NULL, "go on from that file if it is there, and keep writing it"},
    {NULL, NULL, NULL}};
static const wk_cli_option predict_options[] = {
    {"data", "F", "inputs as in training"},
    {"onnx", "FILE.onnx",
     "a network of another's instead of DIR: one input of "
     "floats, sequences first"},
    {"x", "NAME",
     "with --onnx: the inputs' name in an HDF5 file "
     "(default: X)"},
    {"out", "F.csv",
     "a column a class (p0, p1, ...) or output; with a "
     "target at every bar, sequence and bar first"},
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_nn_train, wk_cmd_nn_predict;
const wk_cli_command wk_cmd_nn_train = {
    .name = "nn train",
    .usage = "CONFIG --data F [--targets F] --out DIR [--resume]",
    .summary = "trains a network on arrays of sequences",
    .details =
        "CONFIG is a JSON file: {\"network\": {\"branches\": [...], \"layers\": [...]}, "
        "\"fit\": {\"loss\":\n"
        "\"cross_entropy\", ...}}. A branch is a name and layers over the input; the "
        "branches' outputs stand\n"
        "beside each other before `layers`. Labels of classes may be any numbers. All keys:\n"
        "wick config reference --kind nn.",
    .example = "wick nn train tests/cli/nn.json --data tests/golden/nn/arrays.h5 --out network",
    .args_min = 1,
    .args_max = 1,
    .options = train_options,
    .run = cmd_train};
const wk_cli_command wk_cmd_nn_predict = {
    .name = "nn predict",
    .usage = "DIR | --onnx FILE.onnx --data F --out F.csv",
    .summary = "runs a network that nn train wrote, or an ONNX file, over arrays of sequences",
    .details = "--onnx: a graph of opset 7 to 26, as PyTorch exports it, over whole windows; a "
               "column is an "
               "output of it\n"
               "(NAME_0, NAME_1, ...). An operator that wick does not have is named.",
    .example = "wick nn predict network --data tests/golden/nn/arrays.h5 --out outputs.csv",
    .args_min = 0,
    .args_max = 1,
    .options = predict_options,
    .run = cmd_predict};
