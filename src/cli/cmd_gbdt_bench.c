/* wick bench gbdt.train, gbdt.row, gbdt.batch: the rows of boosted trees. One JSON line a case. The
 * peers' figures come from bench/peers_gbdt.py, which reads the same rows from the files of --data.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/gbdt.h"
#include "wick/math.h"
#include "wick/rng.h"
#include "wick/version.h"

enum { COLS = 64, CLASSES = 3, ROW_ROWS = 10000, SMALL_TRAIN = 100000 };

typedef struct {
    float *X, *y;
    size_t n_train, n_test;
} bench_data;

/* Correlated columns, 5 % missing; the class depends on products of a few of them with much noise.
 * The signs change beside 0, for which LightGBM has a bin of its own. */
static void make_row(size_t i, float *row, float *y)
{
    float common = (float)wk_rng_normal(1, 0, i);
    for (size_t f = 0; f < COLS; f++) {
        uint64_t r = wk_rng_u64(2, f, i);
        float u = (float)(r >> 40) * 0x1p-24f, v = (float)(r & 0xffffff) * 0x1p-24f;
        row[f] = r % 100 < 5 ? NAN : u + v - 1 + 0.3f * common;
    }
    float s = (float)wk_rng_normal(3, 0, i);
    for (size_t f = 0; f < 6; f++) {
        float a = row[f] - 0.113f, b = row[(f + 1) % 6 + 6 * (f & 1)] + 0.171f;
        s += isnan(a) ? 0.2f : a * b > 0 ? 0.5f : -0.4f;
    }
    *y = s > 0.7f ? 2 : s < -0.7f ? 0 : 1;
}

static wk_status make_data(size_t n_train, size_t n_test, bench_data *out, wk_err *err)
{
    size_t n = n_train + n_test;
    bench_data d = {malloc(n * COLS * sizeof(float)), malloc(n * sizeof(float)), n_train, n_test};
    if (!d.X || !d.y) {
        free(d.X);
        free(d.y);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu rows; lower --rows", n);
    }
    for (size_t i = 0; i < n; i++)
        make_row(i, d.X + i * COLS, &d.y[i]);
    *out = d;
    return WK_OK;
}

static void free_data(bench_data *d)
{
    free(d->X);
    free(d->y);
}

static wk_status write_npy(const char *dir, const char *name, const float *x, size_t n_rows,
                           size_t n_cols, wk_err *err)
{
    char path[4096], header[128];
    snprintf(path, sizeof path, "%s/%s.npy", dir, name);
    wk_draft draft;
    WK_TRY(wk_draft_open(path, &draft, err));
    int n =
        snprintf(header, sizeof header,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n_rows, n_cols);
    /* The head of an .npy file is 128 bytes here, of which the last is a new line. */
    fwrite("\x93NUMPY\x01\x00\x76\x00", 1, 10, draft.stream);
    fprintf(draft.stream, "%s%*s\n", header, 117 - n, "");
    fwrite(x, sizeof *x, n_rows * n_cols, draft.stream);
    return wk_draft_publish(&draft, err);
}

static wk_status write_data(const char *dir, const bench_data *d, wk_err *err)
{
    size_t n = d->n_train;
    WK_TRY(wk_dir_create(dir, err));
    WK_TRY(write_npy(dir, "x_train", d->X, n, COLS, err));
    WK_TRY(write_npy(dir, "y_train", d->y, n, 1, err));
    WK_TRY(write_npy(dir, "x_test", d->X + n * COLS, d->n_test, COLS, err));
    return write_npy(dir, "y_test", d->y + n, d->n_test, 1, err);
}

static wk_gbdt_params params_of(bool leafwise)
{
    return (wk_gbdt_params){.objective = WK_GBDT_SOFTPROB,
                            .num_class = CLASSES,
                            .rounds = 100,
                            .eta = leafwise ? 0.13333 : 0.1,
                            .grow_policy = leafwise,
                            .max_leaves = leafwise ? 63 : 0,
                            .max_depth = leafwise ? 0 : 6,
                            .max_bin = 255,
                            .lambda = 1,
                            .min_child_weight = 1e-3,
                            .min_rows_leaf = 1,
                            .subsample = 1,
                            .colsample_bytree = 1,
                            .base_score = NAN,
                            .seed = 1};
}

static double now_s(void)
{
    return (double)wk_clock_monotonic_ns() * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The peers' file holds one JSON object a line: name, case, peer, peer_version, peer_value. */
static wk_status print_peer(const wk_cli *cli, const char *name, const char *what, double value,
                            bool smaller_is_better, wk_err *err)
{
    const char *path = wk_cli_option_value(cli, "peers");
    char *text = NULL, *rest;
    json_t *best = NULL;
    double best_value = 0;
    if (!path) {
        printf(", \"peer\": null, \"peer_version\": null, \"peer_value\": null, \"ratio\": null");
        return WK_OK;
    }
    WK_TRY(wk_file_read(path, &text, NULL, err));
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *row = json_loads(line, 0, NULL);
        const char *row_name = json_string_value(json_object_get(row, "name"));
        const char *row_case = json_string_value(json_object_get(row, "case"));
        double v = json_number_value(json_object_get(row, "peer_value"));
        bool fits = row_name && row_case && strcmp(row_name, name) == 0 &&
                    strcmp(row_case, what) == 0 && v > 0;
        if (fits && (!best || (smaller_is_better ? v < best_value : v > best_value))) {
            json_decref(best);
            best = json_incref(row);
            best_value = v;
        }
        json_decref(row);
    }
    free(text);
    if (!best)
        return wk_fail(err, WK_E_DATA, "%s has no line with name \"%s\" and case \"%s\"", path,
                       name, what);
    const char *peer = json_string_value(json_object_get(best, "peer"));
    const char *version = json_string_value(json_object_get(best, "peer_version"));
    printf(", \"peer\": \"%s\", \"peer_version\": \"%s\", \"peer_value\": %.6g, \"ratio\": %.2f",
           peer ? peer : "", version ? version : "", best_value,
           smaller_is_better ? best_value / value : value / best_value);
    json_decref(best);
    return WK_OK;
}

typedef struct {
    const char *name, *what, *unit;
    double value, p50, p99;
    bool smaller_is_better;
    int threads;
    const char *extra; /* more members, or "" */
} bench_line;

static wk_status print_line(const wk_cli *cli, const bench_line *r, wk_err *err)
{
    printf("{\"name\": \"%s\", \"case\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"p50\": %.6g, "
           "\"p99\": %.6g, \"allocs\": null",
           r->name, r->what, r->value, r->unit, r->p50, r->p99);
    wk_status status = print_peer(cli, r->name, r->what, r->value, r->smaller_is_better, err);
    printf(", \"threads\": %d, \"cpu\": \"%s\", \"commit\": \"%s\"%s}\n", r->threads, wk_cpu_name(),
           wk_commit(), r->extra);
    fflush(stdout);
    return status;
}

static wk_status option_number(const wk_cli *cli, const char *name, size_t standard, size_t most,
                               size_t *out, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, name);
    char *end = NULL;
    unsigned long long n = text ? strtoull(text, &end, 10) : standard;
    if (text && (*end || n < 1 || n > most))
        return wk_fail(err, WK_E_ARG, "--%s %s: give a number from 1 to %zu", name, text, most);
    *out = (size_t)n;
    return WK_OK;
}

static double held_out_loss(const wk_forest *forest, const bench_data *d, int threads)
{
    float *p = malloc(d->n_test * CLASSES * sizeof *p);
    double sum = 0;
    WK_ASSERT(p);
    wk_forest_predict_batch(forest, d->X + d->n_train * COLS, d->n_test, COLS, threads, p);
    for (size_t i = 0; i < d->n_test; i++)
        sum -= wk_log((double)p[i * CLASSES + (size_t)d->y[d->n_train + i]]);
    free(p);
    return sum / (double)d->n_test;
}

/* The most resident memory of this program so far. (What getrusage says begins with the memory of
 * the process that started it.) */
static double rss_peak_mb(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    double kb = 0;
    while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %lf", &kb) != 1)
        ;
    if (status)
        fclose(status);
    return kb / 1024;
}

static wk_status train_on(const bench_data *d, const wk_gbdt_params *p, int threads,
                          wk_forest **forest, wk_err *err)
{
    wk_gbdt_data train = {
        .X = d->X, .n_rows = d->n_train, .n_cols = COLS, .stride = COLS, .y = d->y};
    return wk_gbdt_train(p, &train, NULL, NULL, threads, forest, NULL, err);
}

static int cmd_bench_train(const wk_cli *cli, wk_err *err)
{
    size_t n = 0, repeats = 0, rounds = 0;
    const char *dir = wk_cli_option_value(cli, "data");
    WK_TRY(option_number(cli, "rows", 400000, 100000000, &n, err));
    WK_TRY(option_number(cli, "repeats", 3, 100, &repeats, err));
    WK_TRY(option_number(cli, "rounds", 100, 100000, &rounds, err));
    bench_data d = {0};
    WK_TRY(make_data(n, n / 4, &d, err));
    wk_status status = dir ? write_data(dir, &d, err) : WK_OK;
    double seconds[100], cpu_best = HUGE_VAL, loss = 0;
    wk_gbdt_params p = params_of(true);
    p.rounds = (int64_t)rounds;
    for (size_t i = 0; i < repeats && status == WK_OK; i++) {
        struct rusage before, after;
        wk_forest *forest = NULL;
        getrusage(RUSAGE_SELF, &before);
        double start = now_s();
        status = train_on(&d, &p, wk_cli_threads(cli), &forest, err);
        seconds[i] = now_s() - start;
        getrusage(RUSAGE_SELF, &after);
        double cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                     (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) * 1e-6;
        cpu_best = cpu < cpu_best ? cpu : cpu_best;
        if (status == WK_OK && i + 1 == repeats)
            loss = held_out_loss(forest, &d, wk_cli_threads(cli));
        wk_forest_destroy(forest);
    }
    if (status == WK_OK) {
        char extra[256];
        snprintf(extra, sizeof extra,
                 ", \"user_cpu_s\": %.2f, \"logloss\": %.5f, \"rss_peak_mb\": %.0f, \"rows\": %zu, "
                 "\"rounds\": %zu",
                 cpu_best, loss, rss_peak_mb(), n, rounds);
        qsort(seconds, repeats, sizeof *seconds, by_value);
        const bench_line line = {"gbdt.train", "synthetic",          "s",
                                 seconds[0],   seconds[repeats / 2], seconds[repeats - 1],
                                 true,         wk_cli_threads(cli),  extra};
        status = print_line(cli, &line, err);
    }
    free_data(&d);
    return status;
}

/* One row a call, another one each time: the median of calls timed one by one, in the best of five
 * rounds over all rows. */
static wk_status time_rows(const wk_cli *cli, const wk_forest *forest, const bench_data *d,
                           const char *what, wk_err *err)
{
    static double samples[ROW_ROWS];
    double best = HUGE_VAL, p99 = 0, all = HUGE_VAL;
    float out[CLASSES];
    char extra[128];
    for (int round = 0; round < 20; round++) {
        double start = now_s();
        for (size_t i = 0; i < ROW_ROWS; i++)
            wk_forest_predict(forest, d->X + (i * 7919 % ROW_ROWS) * COLS, out);
        double mean = (now_s() - start) / ROW_ROWS * 1e6;
        all = mean < all ? mean : all;
        for (size_t i = 0; i < ROW_ROWS; i++) {
            int64_t begin = wk_clock_monotonic_ns();
            wk_forest_predict(forest, d->X + (i * 7919 % ROW_ROWS) * COLS, out);
            samples[i] = (double)(wk_clock_monotonic_ns() - begin) * 1e-3;
        }
        qsort(samples, ROW_ROWS, sizeof *samples, by_value);
        if (samples[ROW_ROWS / 2] < best) {
            best = samples[ROW_ROWS / 2];
            p99 = samples[ROW_ROWS - 1 - ROW_ROWS / 100];
        }
    }
    snprintf(extra, sizeof extra, ", \"back_to_back_us\": %.3f, \"kernel\": \"%s\"", all,
             wk_forest_kernel(forest));
    const bench_line line = {"gbdt.row", what, "us", best, best, p99, true, 1, extra};
    return print_line(cli, &line, err);
}

/* Time of this thread alone, which a loaded machine does not stretch much. */
static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static wk_status time_batch(const wk_cli *cli, const wk_forest *forest, const bench_data *d,
                            const char *what, wk_err *err)
{
    enum { RUNS = 9 };
    size_t n = d->n_train;
    double rate[RUNS], cpu_best = HUGE_VAL;
    char extra[128];
    float *out = malloc(n * CLASSES * sizeof *out);
    WK_ASSERT(out);
    for (int i = 0; i < RUNS; i++) {
        double start = now_s(), cpu_start = cpu_s();
        wk_forest_predict_batch(forest, d->X, n, COLS, 1, out);
        double cpu = cpu_s() - cpu_start;
        rate[i] = (double)n / (now_s() - start);
        cpu_best = cpu < cpu_best ? cpu : cpu_best;
    }
    free(out);
    qsort(rate, RUNS, sizeof *rate, by_value);
    snprintf(extra, sizeof extra, ", \"by_cpu_time\": %.6g, \"kernel\": \"%s\"",
             (double)n / cpu_best, wk_forest_kernel(forest));
    const bench_line line = {"gbdt.batch", what,  "rows/s", rate[RUNS - 1], rate[RUNS / 2],
                             rate[0],      false, 1,        extra};
    return print_line(cli, &line, err);
}

static wk_status predict_cases(const wk_cli *cli, bool rows, wk_err *err)
{
    static const char *const names[] = {"depth6", "leafwise"};
    const char *dir = wk_cli_option_value(cli, "data");
    bench_data d = {0};
    size_t n = 0;
    WK_TRY(option_number(cli, "rows", SMALL_TRAIN, 100000000, &n, err));
    if (rows && n < ROW_ROWS)
        return wk_fail(err, WK_E_ARG, "--rows %zu: give at least %d", n, ROW_ROWS);
    WK_TRY(make_data(n, 1000, &d, err));
    wk_status status = dir ? write_data(dir, &d, err) : WK_OK;
    for (int leafwise = 1; leafwise >= 0 && status == WK_OK; leafwise--) {
        wk_forest *forest = NULL;
        wk_gbdt_params p = params_of(leafwise);
        status = train_on(&d, &p, wk_cli_threads(cli), &forest, err);
        if (status == WK_OK)
            status = rows ? time_rows(cli, forest, &d, names[leafwise], err)
                          : time_batch(cli, forest, &d, names[leafwise], err);
        wk_forest_destroy(forest);
    }
    free_data(&d);
    return status;
}

static int cmd_bench_row(const wk_cli *cli, wk_err *err)
{
    return predict_cases(cli, true, err);
}

static int cmd_bench_batch(const wk_cli *cli, wk_err *err)
{
    return predict_cases(cli, false, err);
}

#define DATA_OPTION                                                                                \
    {                                                                                              \
        "data", "DIR", "also write the rows there as .npy files, for bench/peers_gbdt.py"          \
    }
#define PEERS_OPTION                                                                               \
    {                                                                                              \
        "peers", "FILE", "figures of the peers, one JSON object a line, from that script"          \
    }

static const wk_cli_option train_options[] = {
    {"rows", "N", "rows to train on (default 400000); a quarter more are held out"},
    {"rounds", "N", "rounds of three trees (default 100)"},
    {"repeats", "N", "trainings, of which the fastest counts (default 3)"},
    DATA_OPTION,
    PEERS_OPTION,
    {NULL, NULL, NULL}};
static const wk_cli_option predict_options[] = {
    {"rows", "N", "rows to train on, which the batch predicts too (default 100000)"},
    DATA_OPTION,
    PEERS_OPTION,
    {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_gbdt_train, wk_cmd_bench_gbdt_row, wk_cmd_bench_gbdt_batch;
const wk_cli_command wk_cmd_bench_gbdt_train = {
    .name = "bench gbdt.train",
    .usage = "[--rows N] [--rounds N] [--repeats N] [--data DIR] [--peers FILE]",
    .summary = "times the training of boosted trees",
    .details = "64 columns, 5 % missing, 3 classes, 63 leaves. Prints one JSON line: seconds, user "
               "CPU time and\n"
               "log-loss on held-out rows.",
    .example = "wick bench gbdt.train --rows 20000 --rounds 10 --repeats 1",
    .options = train_options,
    .run = cmd_bench_train};

const wk_cli_command wk_cmd_bench_gbdt_row = {
    .name = "bench gbdt.row",
    .usage = "[--rows N] [--data DIR] [--peers FILE]",
    .summary = "times the prediction of one row through 300 trees",
    .details = "A different one of 10,000 rows each call. Prints one JSON line for trees of 63 "
               "leaves and one for\n"
               "depth 6, in us.",
    .example = "wick bench gbdt.row --rows 10000",
    .options = predict_options,
    .run = cmd_bench_row};

const wk_cli_command wk_cmd_bench_gbdt_batch = {
    .name = "bench gbdt.batch",
    .usage = "[--rows N] [--data DIR] [--peers FILE]",
    .summary = "times the prediction of many rows through 300 trees, on one core",
    .details = "Prints one JSON line for trees of 63 leaves and one for depth 6, in rows a second.",
    .example = "wick bench gbdt.batch --rows 10000",
    .options = predict_options,
    .run = cmd_bench_batch};
