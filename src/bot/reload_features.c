#include "reload_features.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bucket.h"
#include "wick/clock.h"

enum { DAYS = 30 };

typedef struct {
    const wk_run_config *config;
    int64_t step_ns, timeframe_ns, end_ns;
    size_t K, room, n; /* n: bars that have closed */
    uint32_t *market;  /* [S] of the record's */
    wk__bucket *buckets;
    int64_t open_ns, begin_ns; /* begin: of the first bar */
    wk_panel row;              /* the bar that closes */
    wk_panel panel;            /* the day's */
    wk_features *plan;
    double *values; /* [S, F] */
    uint8_t *valid; /* [S] */
    wk__history_columns *out;
} builder;

static const int64_t day_ns = INT64_C(86400) * WK_NS_PER_S;

/* ---- rows to the file, and back by columns ---- */

static wk_status move(bool write, int fd, void *data, size_t size_bytes, size_t at, wk_err *err)
{
    for (size_t done = 0; done < size_bytes;) {
        char *from = (char *)data + done;
        ssize_t n = write ? pwrite(fd, from, size_bytes - done, (off_t)(at + done))
                          : pread(fd, from, size_bytes - done, (off_t)(at + done));
        if (n <= 0)
            return wk_fail(err, WK_E_IO, "the file of features cannot be %s: %s",
                           write ? "written" : "read",
                           n < 0 ? strerror(errno) : "it ends too early");
        done += (size_t)n;
    }
    return WK_OK;
}

static wk_status flush_rows(wk__history_columns *h, wk_err *err)
{
    size_t first = h->columns.n_rows - h->n_buffered;
    for (size_t c = 0; c < h->columns.F; c++)
        WK_TRY(move(true, h->fd, h->buffer + c * WK__COLUMNS_ROWS, h->n_buffered * sizeof(float),
                    (c * h->room + first) * sizeof(float), err));
    h->n_buffered = 0;
    return WK_OK;
}

static wk_status add_row(wk__history_columns *h, const double *values, wk_err *err)
{
    for (size_t c = 0; c < h->columns.F; c++)
        h->buffer[c * WK__COLUMNS_ROWS + h->n_buffered] = (float)values[c];
    h->n_buffered++;
    h->columns.n_rows++;
    return h->n_buffered == WK__COLUMNS_ROWS ? flush_rows(h, err) : WK_OK;
}

static wk_status read_column(void *ctx, size_t c, float *values, wk_err *err)
{
    const wk__history_columns *h = ctx;
    return move(false, h->fd, values, h->columns.n_rows * sizeof *values,
                c * h->room * sizeof *values, err);
}

void wk__history_columns_finish(wk__history_columns *h)
{
    if (h->fd >= 0)
        close(h->fd);
    *h = (wk__history_columns){.fd = -1};
}

/* ---- bars ---- */

static wk_status find_markets(builder *b, const wk_trade_instrument *markets, size_t n, wk_err *err)
{
    for (size_t i = 0; i < b->row.S; i++) {
        const char *name = b->config->data.symbols.v[i];
        size_t s = 0;
        while (s < n && strcmp(markets[s].symbol, name) != 0)
            s++;
        if (s == n)
            return wk_fail(err, WK_E_CONFIG, "the market %s is not there", name);
        b->market[i] = (uint32_t)s;
        snprintf(b->row.symbols[i], sizeof b->row.symbols[i], "%s", name);
    }
    return WK_OK;
}

/* Bars that a signal of the day is judged by: also the one before its first close. */
static void keep_bar(builder *b)
{
    wk_panel *p = &b->panel, *row = &b->row;
    if (row->start_ns + 2 * b->timeframe_ns < b->end_ns - day_ns || p->T == b->room)
        return;
    if (p->T == 0)
        p->start_ns = row->start_ns;
    memcpy(p->bars + p->T * p->S, row->bars, p->S * sizeof *row->bars);
    memcpy(p->provenance + p->T * p->S, row->provenance, p->S);
    p->T++;
}

/* A bar of the model's own timeframe has closed: a row. */
static wk_status close_bar(builder *b, const wk_features_step *step, wk_err *err)
{
    wk_panel *row = &b->row;
    if (b->open_ns + b->timeframe_ns > b->end_ns)
        return WK_OK;
    if (b->n == 0)
        b->begin_ns = b->open_ns;
    row->start_ns = b->begin_ns + (int64_t)b->n++ * b->timeframe_ns;
    for (size_t i = 0; i < row->S; i++) {
        size_t s = b->market[i];
        wk__bucket_close(&b->buckets[i], &row->bars[i], &row->provenance[i]);
        row->funding_known[i] = step->funding_known ? step->funding_known[s] : NAN;
        for (size_t k = 0; k < row->K; k++)
            row->outside[i * row->K + k] = step->outside ? step->outside[s * b->K + k] : NAN;
    }
    keep_bar(b);
    wk_features_step own = wk_panel_step(row, 0);
    wk_features_push(b->plan, &own, b->values, b->valid);
    int64_t close_ns = row->start_ns + b->timeframe_ns;
    for (size_t i = 0; i < row->S; i++)
        if (b->valid[i] && close_ns > b->end_ns - DAYS * day_ns &&
            b->out->columns.n_rows < b->out->room)
            WK_TRY(add_row(b->out, b->values + i * b->out->columns.F, err));
    return WK_OK;
}

static wk_status add(builder *b, const wk_features_step *step, wk_err *err)
{
    int64_t start = wk_bucket_start(step->time_ns, b->timeframe_ns);
    if (start != b->open_ns) {
        if (b->open_ns == INT64_MIN && start != step->time_ns)
            return WK_OK;
        b->open_ns = start;
        for (size_t i = 0; i < b->row.S; i++)
            wk__bucket_begin(&b->buckets[i], start);
    }
    for (size_t i = 0; i < b->row.S; i++)
        wk__bucket_add(&b->buckets[i], &step->bars[b->market[i]], step->provenance[b->market[i]]);
    if (step->time_ns + b->step_ns == start + b->timeframe_ns)
        return close_bar(b, step, err);
    return WK_OK;
}

static wk_status read_all(builder *b, const wk__history *h, uint64_t from, wk_err *err)
{
    void *record = malloc(h->layout.size_bytes);
    wk_status status = record ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    for (uint64_t seq = from; seq < h->next && status == WK_OK; seq++) {
        wk_features_step step;
        status = wk__history_read(h, seq, record, err);
        if (status != WK_OK)
            break;
        wk__step_unpack(&h->layout, record, &step);
        status = add(b, &step, err);
    }
    free(record);
    return status;
}

static void plan_panels(builder *b, wk_arena *arena)
{
    wk_panel *row = &b->row, *panel = &b->panel;
    size_t S = row->S;
    row->symbols = wk_arena_alloc(arena, S * sizeof *row->symbols);
    row->bars = wk_arena_array(arena, wk_bar, S);
    row->provenance = wk_arena_array(arena, uint8_t, S);
    row->funding_known = wk_arena_array(arena, double, S);
    row->outside = row->K ? wk_arena_array(arena, double, S * row->K) : NULL;
    b->market = wk_arena_array(arena, uint32_t, S);
    b->buckets = wk_arena_array(arena, wk__bucket, S);
    b->room = (size_t)(day_ns / b->timeframe_ns) + 4;
    *panel = (wk_panel){.S = S, .timeframe_ns = b->timeframe_ns, .symbols = row->symbols};
    panel->bars = wk_arena_array(arena, wk_bar, b->room * S);
    panel->provenance = wk_arena_array(arena, uint8_t, b->room * S);
}

/* What only makes the features is in `scratch`. */
static wk_status make(const wk__history *h, const wk_trade_instrument *markets, size_t n_markets,
                      int64_t step_ns, const wk_run_config *config, int64_t end_ns, const char *dir,
                      wk_arena *arena, wk_arena *scratch, wk_panel *panel, wk__history_columns *out,
                      wk_err *err)
{
    wk_features_config features = config->features;
    features.outside = wk_data_outside_names(&config->data, arena);
    int64_t timeframe_ns = config->data.timeframe_ns;
    size_t S = config->data.symbols.n, ratio = (size_t)(timeframe_ns / step_ns),
           month = (size_t)(DAYS * day_ns / timeframe_ns);
    size_t bars = (size_t)(features.anchor_bars + features.warmup_bars) + month + 2;
    uint64_t wanted = (uint64_t)bars * ratio,
             from = h->next - h->first > wanted ? h->next - wanted : h->first;
    builder b = {.config = config,
                 .step_ns = step_ns,
                 .timeframe_ns = timeframe_ns,
                 .end_ns = end_ns,
                 .K = h->layout.K,
                 .open_ns = INT64_MIN,
                 .row = {.S = S, .T = 1, .timeframe_ns = timeframe_ns, .K = features.outside.n},
                 .out = out};
    if (b.row.K > b.K)
        return wk_fail(err, WK_E_STATE, "the history lacks the model's outside columns");
    plan_panels(&b, arena);
    WK_TRY(find_markets(&b, markets, n_markets, err));
    WK_TRY(wk_features_plan(scratch, &features, (const char(*)[32])b.row.symbols, S, timeframe_ns,
                            &b.plan, err));
    size_t F = wk_features_n(b.plan);
    b.valid = wk_arena_array(scratch, uint8_t, S);
    b.values = wk_arena_array(scratch, double, S *F);
    *out = (wk__history_columns){.columns = {.F = F, .read = read_column, .ctx = out},
                                 .fd = -1,
                                 .room = (month + 1) * S,
                                 .buffer = wk_arena_array(scratch, float, F *WK__COLUMNS_ROWS)};
    WK_TRY(wk__history_file(dir, &out->fd, err));
    WK_TRY(read_all(&b, h, from, err));
    if (b.n == 0)
        return wk_fail(err, WK_E_DATA, "no bar of the model's timeframe has closed yet");
    WK_TRY(flush_rows(out, err));
    out->buffer = NULL;
    *panel = b.panel;
    return WK_OK;
}

wk_status wk__history_features(const wk__history *h, const wk_trade_instrument *markets,
                               size_t n_markets, int64_t step_ns, const wk_run_config *config,
                               int64_t end_ns, const char *dir, wk_arena *arena, wk_panel *panel,
                               wk__history_columns *out, wk_err *err)
{
    wk_arena scratch;
    wk_arena_init(&scratch);
    wk_status status =
        make(h, markets, n_markets, step_ns, config, end_ns, dir, arena, &scratch, panel, out, err);
    wk_arena_finish(&scratch);
    return status;
}
