/* wick import: candle files into the store. */
#include <dirent.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/import.h"
#include "wick/log.h"
#include "wick/store.h"

typedef struct {
    char path[PATH_MAX];
    char venue[32], symbol[32];
    int64_t timeframe_ns; /* 0: inferred from the rows */
    wk_import_report report;
    size_t added, changed;
    int price_decimals, volume_decimals;
    wk_series series; /* kept from the check, n 0 otherwise */
} job;

/* Bars that are kept in memory between check and store (800 MB); files beyond are read twice. */
enum { KEPT_BARS_MAX = 1 << 24 };

/* Fresh bars of a series that an import leaves for programs without HDF5. */
enum { FRESH_KEPT = 100000 };

typedef struct {
    job *v;
    size_t n;
    const char *venue, *symbol; /* what the options say, or NULL */
    int64_t timeframe_ns;
} job_list;

static int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static int is_candle_name(const char *name)
{
    return name[0] != '.' &&
           (ends_with(name, ".csv") || ends_with(name, ".csv.gz") || ends_with(name, ".zip"));
}

/* "BTCUSDT-1h.csv.gz", Binance's "BTCUSDT-1h-2024-01.csv" and Kraken's "XBTUSD_60.csv" (minutes)
 * name symbol and timeframe; anything else is a symbol as it stands. */
static void read_file_name(const char *name, char symbol[32], int64_t *timeframe_ns)
{
    char stem[NAME_MAX + 1];
    snprintf(stem, sizeof stem, "%s", name);
    stem[strcspn(stem, ".")] = 0;
    *timeframe_ns = 0;
    for (char *dash = strchr(stem, '-'); dash; dash = strchr(dash + 1, '-')) {
        char part[16];
        wk_err ignored;
        snprintf(part, sizeof part, "%.*s", (int)strcspn(dash + 1, "-"), dash + 1);
        if (wk_timeframe_parse(part, timeframe_ns, &ignored) == WK_OK) {
            *dash = 0;
            break;
        }
    }
    char *underscore = strrchr(stem, '_');
    if (*timeframe_ns == 0 && underscore && underscore[1] &&
        strspn(underscore + 1, "0123456789") <= 5 &&
        underscore[1 + strspn(underscore + 1, "0123456789")] == 0 && atoi(underscore + 1) > 0) {
        *timeframe_ns = atoi(underscore + 1) * 60 * WK_NS_PER_S;
        *underscore = 0;
    }
    snprintf(symbol, 32, "%.31s", stem);
}

static wk_status add_file(job_list *list, const char *path, const char *venue, wk_err *err)
{
    job *grown = realloc(list->v, (list->n + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    list->v = grown;
    job *j = &list->v[list->n];
    *j = (job){0};
    const char *slash = strrchr(path, '/');
    read_file_name(slash ? slash + 1 : path, j->symbol, &j->timeframe_ns);
    if (list->symbol)
        snprintf(j->symbol, sizeof j->symbol, "%s", list->symbol);
    if (list->timeframe_ns)
        j->timeframe_ns = list->timeframe_ns;
    if (list->venue)
        venue = list->venue;
    if (!venue)
        return wk_fail(err, WK_E_ARG, "%s: which venue is it from? add --venue NAME", path);
    if (snprintf(j->path, sizeof j->path, "%s", path) >= (int)sizeof j->path ||
        snprintf(j->venue, sizeof j->venue, "%s", venue) >= (int)sizeof j->venue)
        return wk_fail(err, WK_E_ARG, "path or venue too long: %s", path);
    list->n++;
    return WK_OK;
}

/* Each candle file of an archive by itself. */
static wk_status add_archive(job_list *list, const char *path, const char *venue, wk_err *err)
{
    char **names, inner[PATH_MAX];
    size_t n;
    WK_TRY(wk_import_zip_names(path, &names, &n, err));
    wk_status status = WK_OK;
    for (size_t i = 0; i < n; i++) {
        if (status == WK_OK && ends_with(names[i], ".csv")) {
            if (snprintf(inner, sizeof inner, "%s/%s", path, names[i]) >= (int)sizeof inner)
                status = wk_fail(err, WK_E_ARG, "path too long: %s", path);
            else
                status = add_file(list, inner, venue, err);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

static wk_status add_path(job_list *list, const char *path, const char *venue, wk_err *err)
{
    return ends_with(path, ".zip") ? add_archive(list, path, venue, err)
                                   : add_file(list, path, venue, err);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* A folder of candle files is a venue's; a folder of such folders holds several. Others are
 * skipped. */
static wk_status add_directory(job_list *list, const char *path, const char *venue, int depth,
                               wk_err *err)
{
    struct dirent **entries;
    int n = scandir(path, &entries, visible, by_bytes);
    if (n < 0)
        return wk_fail(err, WK_E_IO, "cannot open the folder %s; is it there and readable?", path);
    wk_status status = WK_OK;
    for (int i = 0; i < n; i++) {
        char below[PATH_MAX];
        struct stat st;
        int fits =
            snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name) < (int)sizeof below;
        if (status == WK_OK && fits && stat(below, &st) == 0) {
            if (S_ISDIR(st.st_mode) && depth == 0)
                status = add_directory(list, below, entries[i]->d_name, 1, err);
            else if (S_ISREG(st.st_mode) && is_candle_name(entries[i]->d_name))
                status = add_path(list, below, venue, err);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

static wk_status collect(job_list *list, const wk_cli *cli, wk_err *err)
{
    const char *timeframe = wk_cli_option_value(cli, "timeframe");
    list->venue = wk_cli_option_value(cli, "venue");
    list->symbol = wk_cli_option_value(cli, "symbol");
    if ((list->venue && strlen(list->venue) > 31) || (list->symbol && strlen(list->symbol) > 31))
        return wk_fail(err, WK_E_ARG, "--venue and --symbol take at most 31 letters");
    if (timeframe && wk_timeframe_parse(timeframe, &list->timeframe_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--timeframe %s: write 1m, 15m, 1h, 4h or 1d", timeframe);
    for (size_t i = 0; i < wk_cli_n_args(cli); i++) {
        const char *path = wk_cli_arg(cli, i);
        struct stat st;
        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            char name[PATH_MAX];
            snprintf(name, sizeof name, "%s", path);
            size_t n = strlen(name);
            while (n > 1 && name[n - 1] == '/')
                name[--n] = 0;
            const char *slash = strrchr(name, '/');
            const char *last = slash ? slash + 1 : name;
            WK_TRY(add_directory(list, name, strcmp(last, ".") && strcmp(last, "..") ? last : NULL,
                                 0, err));
        } else {
            WK_TRY(add_path(list, path, NULL, err));
        }
    }
    if (list->n == 0)
        return wk_fail(err, WK_E_DATA,
                       "no .csv, .csv.gz or .zip file in %s; the layout is "
                       "<venue>/<SYMBOL>-<timeframe>.csv.gz",
                       wk_cli_arg(cli, 0));
    return WK_OK;
}

static wk_status read_job(job *j, int lenient, wk_series *series, wk_err *err)
{
    wk_status status = wk_import_candles(j->path, j->venue, j->symbol, j->timeframe_ns, lenient,
                                         series, &j->report, err);
    if (status == WK_OK)
        wk_series_decimals(series, &j->price_decimals, &j->volume_decimals);
    return status;
}

/* Every file is read and checked before the first is stored, so that a bad one leaves the store
 * untouched. */
static wk_status check_all(job_list *list, int lenient, wk_err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        job *j = &list->v[i];
        WK_TRY(read_job(j, lenient, &j->series, err));
        if (kept + j->series.n <= KEPT_BARS_MAX)
            kept += j->series.n;
        else
            wk_series_finish(&j->series);
        wk_progress("check", i + 1, list->n);
    }
    return WK_OK;
}

/* Does the file of job j go on where the series ends? Then one merge serves both. */
static int continues(const wk_series *all, const wk_series *next)
{
    return all->timeframe_ns == next->timeframe_ns && !strcmp(all->venue, next->venue) &&
           !strcmp(all->symbol, next->symbol) &&
           next->bars[0].time_ns > all->bars[all->n - 1].time_ns &&
           (next->bars[0].time_ns - all->bars[0].time_ns) % all->timeframe_ns == 0 &&
           all->n + next->n <= KEPT_BARS_MAX;
}

static wk_status join(wk_series *all, wk_series *next, wk_err *err)
{
    wk_bar *bars = realloc(all->bars, (all->n + next->n) * sizeof *bars);
    if (bars)
        all->bars = bars;
    uint8_t *provenance = realloc(all->provenance, all->n + next->n);
    if (provenance)
        all->provenance = provenance;
    if (!bars || !provenance)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu bars", all->n + next->n);
    memcpy(all->bars + all->n, next->bars, next->n * sizeof *bars);
    memcpy(all->provenance + all->n, next->provenance, next->n);
    all->n += next->n;
    wk_series_finish(next);
    return WK_OK;
}

/* Stores the series that the files of jobs [begin, end) make together. */
static wk_status store_group(job_list *list, size_t begin, size_t end, const wk_series *all,
                             const char *root, wk_err *err)
{
    uint8_t *marks = malloc(all->n);
    if (!marks)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu bars", all->n);
    wk_status status = wk_store_merge_marks(root, all, marks, NULL, NULL, err);
    size_t at = 0;
    for (size_t i = begin; status == WK_OK && i < end; i++) {
        job *j = &list->v[i];
        for (size_t k = 0; k < j->report.kept; k++, at++) {
            j->added += marks[at] == WK_STORE_ADDED;
            j->changed += marks[at] == WK_STORE_CHANGED;
        }
        if (j->report.first_problem[0])
            wk_log_write(WK_LOG_WARN, "data.import", "first_problem=\"%s\"",
                         j->report.first_problem);
    }
    free(marks);
    return status;
}

static wk_status take_series(job *j, int lenient, wk_series *out, wk_err *err)
{
    if (j->series.n > 0) {
        *out = j->series;
        j->series = (wk_series){0};
    } else {
        WK_TRY(read_job(j, lenient, out, err));
    }
    j->timeframe_ns = out->timeframe_ns;
    return WK_OK;
}

static wk_status store_all(job_list *list, const char *root, int lenient, wk_err *err)
{
    wk_series next = {0};
    wk_status status = take_series(&list->v[0], lenient, &next, err);
    for (size_t i = 0; status == WK_OK && i < list->n;) {
        wk_series all = next;
        size_t begin = i++;
        next = (wk_series){0};
        int joined = 1;
        while (status == WK_OK && i < list->n && joined) {
            status = take_series(&list->v[i], lenient, &next, err);
            joined = status == WK_OK && continues(&all, &next);
            if (joined) {
                status = join(&all, &next, err);
                i++;
            }
        }
        if (status == WK_OK)
            status = store_group(list, begin, i, &all, root, err);
        wk_series_finish(&all);
        wk_progress("import", i, list->n);
    }
    wk_series_finish(&next);
    return status;
}

/* What is fresh came before this import and must not stand over it afterwards. */
static wk_status flush_fresh(const char *root, wk_err *err)
{
    char path[PATH_MAX];
    wk_fresh *f = NULL;
    if (snprintf(path, sizeof path, "%s/fresh.sqlite", root) >= (int)sizeof path ||
        !wk_file_exists(path))
        return WK_OK;
    WK_TRY(wk_fresh_open(root, &f, err));
    wk_status status = wk_fresh_flush(f, FRESH_KEPT, err);
    wk_fresh_close(f);
    return status;
}

static void print_table(const job_list *list, const char *root)
{
    size_t bars = 0;
    printf("%-12s %-12s %-4s %9s %9s %9s %8s %6s %8s %6s %6s %6s %8s %6s %6s\n", "venue", "symbol",
           "tf", "rows", "kept", "added", "changed", "dupl", "disorder", "broken", "imposs", "gaps",
           "missing", "tick", "lot");
    for (size_t i = 0; i < list->n; i++) {
        const job *j = &list->v[i];
        const wk_import_report *r = &j->report;
        char timeframe[16], tick[16], lot[16];
        snprintf(tick, sizeof tick, j->price_decimals ? "1e-%d" : "1", j->price_decimals);
        snprintf(lot, sizeof lot, j->volume_decimals ? "1e-%d" : "1", j->volume_decimals);
        printf("%-12s %-12s %-4s %9zu %9zu %9zu %8zu %6zu %8zu %6zu %6zu %6zu %8zu %6s %6s\n",
               j->venue, j->symbol, wk_timeframe_format(j->timeframe_ns, timeframe), r->rows,
               r->kept, j->added, j->changed, r->duplicates, r->disordered, r->broken,
               r->impossible, r->gaps, r->bars_missing, tick, lot);
        bars += r->kept;
    }
    printf("%zu bars of %zu files are in %s\n", bars, list->n, root);
}

static void print_json(const job_list *list, const char *root)
{
    json_t *files = json_array();
    for (size_t i = 0; i < list->n; i++) {
        const job *j = &list->v[i];
        const wk_import_report *r = &j->report;
        char timeframe[16];
        json_array_append_new(
            files,
            json_pack("{ss ss ss ss sI sI sI sI sI sI sI sI sI sI si si ss}", "path", j->path,
                      "venue", j->venue, "symbol", j->symbol, "timeframe",
                      wk_timeframe_format(j->timeframe_ns, timeframe), "rows", (json_int_t)r->rows,
                      "kept", (json_int_t)r->kept, "added", (json_int_t)j->added, "changed",
                      (json_int_t)j->changed, "duplicates", (json_int_t)r->duplicates, "disordered",
                      (json_int_t)r->disordered, "broken", (json_int_t)r->broken, "impossible",
                      (json_int_t)r->impossible, "gaps", (json_int_t)r->gaps, "bars_missing",
                      (json_int_t)r->bars_missing, "price_decimals", j->price_decimals,
                      "volume_decimals", j->volume_decimals, "first_problem", r->first_problem));
    }
    json_t *all = json_pack("{ss so}", "store", root, "files", files);
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static int cmd_import(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    WK_TRY(wk_store_root(wk_cli_option_value(cli, "store"), root, sizeof root, err));
    int lenient = wk_cli_flag(cli, "lenient");
    job_list list = {0};
    wk_status status = collect(&list, cli, err);
    if (status == WK_OK && list.n > 1)
        status = check_all(&list, lenient, err);
    if (status == WK_OK)
        status = flush_fresh(root, err);
    if (status == WK_OK)
        status = store_all(&list, root, lenient, err);
    if (status == WK_OK && wk_cli_json(cli))
        print_json(&list, root);
    else if (status == WK_OK)
        print_table(&list, root);
    for (size_t i = 0; i < list.n; i++)
        wk_series_finish(&list.v[i].series);
    free(list.v);
    return status;
}

static const wk_cli_option options[] = {
    {"venue", "NAME", "the venue the files are from; a folder's own name otherwise"},
    {"symbol", "NAME", "the market; from the file's name otherwise"},
    {"timeframe", "TF", "1m, 15m, 1h, 4h or 1d; from the file's name, or its rows, otherwise"},
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"lenient", NULL,
     "drop and count broken rows, sort unsorted ones; otherwise the first is an error"},
    {.name = NULL}};

const wk_cli_command wk_cmd_import = {
    .name = "import",
    .usage = "PATH... [--venue NAME] [--symbol NAME] [--store DIR] [--lenient]",
    .summary = "reads candle files into the store and reports what they held",
    .details =
        "A PATH is a .csv, .csv.gz or .zip file, a folder of them, or a folder of venues\n"
        "(<venue>/<SYMBOL>-<timeframe>.csv.gz). Forms: the header time,open,high,low,close,volume\n"
        "(Unix seconds, milliseconds, or ISO time), Kraken's OHLCVT and Binance's kline files. "
        "Nothing is\n"
        "stored unless every file is sound. Importing again adds what is new; newer values win.",
    .example = "wick import tests/golden/data/candles --store out/store",
    .args_min = 1,
    .args_max = 1000,
    .options = options,
    .run = cmd_import};
