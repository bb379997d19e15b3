#include "feed_columns.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/flow.h"
#include "wick/log.h"
#include "wick/store.h"

enum { KEPT = 64 };

typedef struct {
    int64_t open_ns; /* -1: none */
    double v[WK_FLOW_COLUMNS];
} flow_row;

/* One outside series of one market: rows in the order in which they became known, up to the newest
 * that is. */
typedef struct {
    wk_outside rows;
    size_t n_seen;         /* rows that were known before the last step's close */
    wk_outside_row newest; /* of those, by its time */
    bool has_newest;
    char path[PATH_MAX]; /* "": the store */
    struct timespec changed;
    int64_t size_bytes;
    bool is_failing;
} series;

struct wk__feed_columns {
    wk__feed_columns_options options;
    char (*symbols)[32];
    size_t K, n_flow, n_outside;
    char flow[16];
    flow_row *rows;  /* [S * KEPT] */
    flow_row **past; /* [S] of history */
    size_t *n_past;  /* [S] */
    series *series;  /* [n_outside * S], series by series */
    double *out;     /* [S * K] */
};

/* ---- what the models want ---- */

static size_t flow_of(const wk_data_config *data)
{
    return data->source == WK_SOURCE_TAPE ? WK_FLOW_COLUMNS : 0;
}

static const wk_outside_config *outside_of(const wk_data_config *data, size_t k)
{
    return (const wk_outside_config *)data->outside.v + k;
}

static bool is_same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool is_same_series(const wk_outside_config *a, const wk_outside_config *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->file, b->file) == 0 &&
           strcmp(a->series, b->series) == 0 && strcmp(a->venue, b->venue) == 0 &&
           strcmp(a->symbol, b->symbol) == 0 && strcmp(a->time, b->time) == 0 &&
           strcmp(a->value, b->value) == 0 && strcmp(a->known, b->known) == 0 &&
           is_same_number(a->delay_s, b->delay_s) && is_same_number(a->stale_s, b->stale_s);
}

static bool is_same_columns(const wk_data_config *a, const wk_data_config *b)
{
    if (flow_of(a) != flow_of(b) || a->outside.n != b->outside.n)
        return false;
    for (size_t k = 0; k < a->outside.n; k++)
        if (!is_same_series(outside_of(a, k), outside_of(b, k)))
            return false;
    return a->outside.n == 0 || (strcmp(a->venue, b->venue) == 0 && strcmp(a->root, b->root) == 0);
}

wk_status wk__feed_columns_agree(const wk_bot_config *config, const wk_bot *bot,
                                 const wk_data_config **data, wk_err *err)
{
    const wk_run_config *first = NULL;
    *data = NULL;
    for (size_t k = 0; k < config->models.n; k++) {
        const wk_run_config *model = wk_bot_model_run_config(bot, k);
        if (!flow_of(&model->data) && !model->data.outside.n)
            continue;
        if (flow_of(&model->data) && model->data.timeframe_ns != wk_bot_timeframe_ns(bot)) {
            char own[16], step[16];
            return wk_fail(
                err, WK_E_CONFIG,
                "the model \"%s\" has flow features of %s bars and the bot steps by %s; run "
                "it in a bot of its own",
                model->name, wk_timeframe_format(model->data.timeframe_ns, own),
                wk_timeframe_format(wk_bot_timeframe_ns(bot), step));
        }
        if (first && !is_same_columns(&first->data, &model->data))
            return wk_fail(err, WK_E_CONFIG,
                           "the models \"%s\" and \"%s\" have different flow features or outside "
                           "series; run them in two bots",
                           first->name, model->name);
        /* Replays of candles and models that are loaded anew take the first model's columns. */
        if (!first && k > 0)
            return wk_fail(err, WK_E_CONFIG,
                           "the model \"%s\" has flow features or outside series and the first "
                           "model has none; name it first in the models",
                           model->name);
        first = first ? first : model;
    }
    *data = first ? &first->data : NULL;
    return WK_OK;
}

/* ---- reading ---- */

/* From the store: rows of `from_ns` and later. */
static wk_status read_store(const wk__feed_columns *c, const wk_outside_config *about, size_t s,
                            int64_t from_ns, wk_outside *out, wk_err *err)
{
    wk_fresh_value *values = NULL;
    size_t n = 0;
    WK_TRY(wk_store_values(c->options.store,
                           about->venue[0] ? about->venue : c->options.data->venue,
                           about->symbol[0] ? about->symbol : c->symbols[s],
                           about->series[0] ? about->series : about->name, from_ns,
                           from_ns ? INT64_MAX : 0, &values, &n, err));
    wk_outside_row *rows = calloc(n + 1, sizeof *rows);
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = (wk_outside_row){values[i].time_ns, values[i].known_ns, values[i].value};
    free(values);
    if (!rows)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu values", n);
    *out = (wk_outside){n, rows};
    wk_outside_sort(out);
    return WK_OK;
}

/* A market may have no file. *is_new: it has changed since it was read. */
static wk_status read_file(const wk_outside_config *about, series *x, wk_outside *out, bool *is_new,
                           wk_err *err)
{
    struct stat now;
    *is_new = false;
    if (stat(x->path, &now) != 0 ||
        (now.st_size == x->size_bytes && now.st_mtim.tv_sec == x->changed.tv_sec &&
         now.st_mtim.tv_nsec == x->changed.tv_nsec))
        return WK_OK;
    WK_TRY(wk_outside_read(about, x->path, out, err));
    x->size_bytes = now.st_size;
    x->changed = now.st_mtim;
    *is_new = true;
    return WK_OK;
}

/* What was not seen is read anew. A row that is older than the newest seen can change nothing any
 * more: only rows of its time and later are asked for. */
static wk_status refresh(wk__feed_columns *c, size_t k, size_t s, wk_err *err)
{
    series *x = &c->series[k * c->options.S + s];
    const wk_outside_config *about = outside_of(c->options.data, k);
    wk_outside rows = {0};
    bool is_new = true;
    if (x->path[0])
        WK_TRY(read_file(about, x, &rows, &is_new, err));
    else
        WK_TRY(read_store(c, about, s, x->has_newest ? x->newest.time_ns : 0, &rows, err));
    if (!is_new)
        return WK_OK;
    wk_outside_finish(&x->rows);
    x->rows = rows;
    x->n_seen = 0;
    return WK_OK;
}

static wk_status resolve(wk__feed_columns *c, size_t k, size_t s, wk_err *err)
{
    const wk_outside_config *about = outside_of(c->options.data, k);
    series *x = &c->series[k * c->options.S + s];
    const char *root = c->options.data->root, *from_env = getenv("WICK_DATA");
    char relative[PATH_MAX];
    if (!about->file[0])
        return WK_OK;
    root = root[0] ? root : from_env ? from_env : "";
    if (wk_outside_path(about->file, c->symbols[s], relative, sizeof relative) &&
        snprintf(x->path, sizeof x->path, "%s%s%s", relative[0] == '/' ? "" : root,
                 relative[0] == '/' ? "" : "/", relative) < (int)sizeof x->path)
        return WK_OK;
    return wk_fail(err, WK_E_CONFIG, "the path \"%.200s\" is too long", about->file);
}

/* As in research: a market may lack a series, but some market must have it, or its name is wrong.
 */
static wk_status read_first(wk__feed_columns *c, wk_err *err)
{
    size_t S = c->options.S;
    for (size_t k = 0; k < c->n_outside; k++) {
        size_t found = 0;
        for (size_t s = 0; s < S; s++) {
            WK_TRY(resolve(c, k, s, err));
            WK_TRY(refresh(c, k, s, err));
            found += c->series[k * S + s].rows.n > 0;
        }
        if (!found)
            wk_log_write(WK_LOG_WARN, "bot.outside",
                         "series=%s rows=0 place=%s note=\"missing "
                         "until it comes; see wick outside fetch\"",
                         outside_of(c->options.data, k)->name,
                         c->series[k * S].path[0] ? c->series[k * S].path : c->options.store);
    }
    return WK_OK;
}

wk_status wk__feed_columns_open(const wk__feed_columns_options *options, wk__feed_columns **out,
                                wk_err *err)
{
    wk__feed_columns *c = calloc(1, sizeof *c);
    size_t S = options->S;
    if (!c)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    c->options = *options;
    c->n_flow = flow_of(options->data);
    c->n_outside = options->data->outside.n;
    c->K = c->n_flow + c->n_outside;
    if (c->n_flow)
        wk_timeframe_format(options->timeframe_ns, c->flow);
    c->symbols = calloc(S, sizeof *c->symbols);
    c->rows = calloc(S * KEPT, sizeof *c->rows);
    c->past = calloc(S, sizeof *c->past);
    c->n_past = calloc(S, sizeof *c->n_past);
    c->series = calloc(S * c->n_outside + 1, sizeof *c->series);
    c->out = calloc(S * c->K + 1, sizeof *c->out);
    wk_status status = WK_OK;
    if (!c->symbols || !c->rows || !c->past || !c->n_past || !c->series || !c->out)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; status == WK_OK && i < S * KEPT; i++)
        c->rows[i].open_ns = -1;
    if (status == WK_OK) {
        memcpy(c->symbols, options->symbols, S * sizeof *c->symbols);
        status = read_first(c, err);
    }
    if (status != WK_OK) {
        wk__feed_columns_close(c);
        return status;
    }
    *out = c;
    return WK_OK;
}

void wk__feed_columns_close(wk__feed_columns *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->series && i < c->options.S * c->n_outside; i++)
        wk_outside_finish(&c->series[i].rows);
    for (size_t s = 0; c->past && s < c->options.S; s++)
        free(c->past[s]);
    free(c->symbols);
    free(c->rows);
    free(c->past);
    free(c->n_past);
    free(c->series);
    free(c->out);
    free(c);
}

/* ---- flow ---- */

const char *wk__feed_columns_flow(const wk__feed_columns *c)
{
    return c->flow;
}

void wk__feed_columns_put_flow(wk__feed_columns *c, size_t s, int64_t open_ns, const double *row)
{
    WK_ASSERT(s < c->options.S);
    flow_row *cell = &c->rows[s * KEPT + (size_t)(open_ns / c->options.timeframe_ns) % KEPT];
    cell->open_ns = open_ns;
    memcpy(cell->v, row, sizeof cell->v);
}

wk_status wk__feed_columns_history(wk__feed_columns *c, size_t s, const char *venue,
                                   const char *symbol, int64_t from_ns, int64_t to_ns, wk_err *err)
{
    int64_t step_ns = c->options.timeframe_ns;
    from_ns = wk_bucket_start(from_ns + step_ns - 1, step_ns);
    if (!c->n_flow || from_ns >= to_ns)
        return WK_OK;
    size_t n_rows = (size_t)((to_ns - from_ns) / step_ns);
    flow_row *rows = calloc(n_rows + 1, sizeof *rows);
    if (!rows)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu rows of flow features", n_rows);
    for (size_t i = 0; i < n_rows; i++) {
        rows[i].open_ns = from_ns + (int64_t)i * step_ns;
        for (size_t k = 0; k < WK_FLOW_COLUMNS; k++)
            rows[i].v[k] = NAN;
    }
    for (size_t k = 0; k < WK_FLOW_COLUMNS; k++) {
        wk_fresh_value *values = NULL;
        size_t n = 0;
        char name[64];
        snprintf(name, sizeof name, "flow_%s.%s", c->flow, wk_flow_name(k));
        wk_status status = wk_store_values(c->options.store, venue, symbol, name, from_ns, to_ns,
                                           &values, &n, err);
        if (status != WK_OK) {
            free(rows);
            return status;
        }
        /* The value of a time that came first is what a bot saw. */
        for (size_t i = n; i-- > 0;) {
            size_t at = (size_t)((values[i].time_ns - from_ns) / step_ns);
            if (at < n_rows && values[i].time_ns == rows[at].open_ns)
                rows[at].v[k] = values[i].value;
        }
        free(values);
    }
    free(c->past[s]);
    c->past[s] = rows;
    c->n_past[s] = n_rows;
    return WK_OK;
}

static const double *flow_at(const wk__feed_columns *c, size_t s, int64_t time_ns)
{
    int64_t step_ns = c->options.timeframe_ns;
    const flow_row *kept = &c->rows[s * KEPT + (size_t)(time_ns / step_ns) % KEPT];
    if (kept->open_ns == time_ns)
        return kept->v;
    if (!c->n_past[s] || time_ns < c->past[s][0].open_ns)
        return NULL;
    size_t at = (size_t)((time_ns - c->past[s][0].open_ns) / step_ns);
    return at < c->n_past[s] && c->past[s][at].open_ns == time_ns ? c->past[s][at].v : NULL;
}

/* ---- a step ---- */

/* The newest value, by its time, among those known before the close. */
static double value_at(series *x, int64_t close_ns, double stale_s)
{
    for (; x->n_seen < x->rows.n && x->rows.rows[x->n_seen].known_ns < close_ns; x->n_seen++) {
        const wk_outside_row *row = &x->rows.rows[x->n_seen];
        if (x->has_newest && row->time_ns < x->newest.time_ns)
            continue;
        x->newest = *row;
        x->has_newest = true;
    }
    bool is_fresh =
        x->has_newest && (stale_s <= 0 || (double)(close_ns - x->newest.known_ns) <= stale_s * 1e9);
    return is_fresh ? x->newest.value : NAN;
}

const double *wk__feed_columns_at(wk__feed_columns *c, int64_t time_ns)
{
    size_t S = c->options.S;
    int64_t close_ns = time_ns + c->options.timeframe_ns;
    for (size_t s = 0; s < S; s++) {
        double *cells = c->out + s * c->K;
        const double *flow = c->n_flow ? flow_at(c, s, time_ns) : NULL;
        for (size_t k = 0; k < c->n_flow; k++)
            cells[k] = flow ? flow[k] : NAN;
        for (size_t k = 0; k < c->n_outside; k++) {
            series *x = &c->series[k * S + s];
            const wk_outside_config *about = outside_of(c->options.data, k);
            wk_err why;
            if (!c->options.is_replay) {
                bool is_failing = refresh(c, k, s, &why) != WK_OK;
                if (is_failing && !x->is_failing)
                    wk_log_write(WK_LOG_WARN, "bot.outside", "series=%s market=%s why=\"%s\"",
                                 about->name, c->symbols[s], why.msg);
                x->is_failing = is_failing;
            }
            cells[c->n_flow + k] = value_at(x, close_ns, about->stale_s);
        }
    }
    return c->out;
}
