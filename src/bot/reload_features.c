#include "reload_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket.h"
#include "wick/clock.h"

enum { DAYS = 30 };

typedef struct {
    const wk_run_config *config;
    int64_t step_ns, timeframe_ns, end_ns;
    size_t K, room;
    uint32_t *market; /* [S] of the record's */
    wk__bucket *buckets;
    int64_t open_ns;
    wk_panel panel;
} builder;

static wk_status find_markets(builder *b, const wk_trade_instrument *markets, size_t n, wk_err *err)
{
    for (size_t i = 0; i < b->panel.S; i++) {
        const char *name = b->config->data.symbols.v[i];
        size_t s = 0;
        while (s < n && strcmp(markets[s].symbol, name) != 0)
            s++;
        if (s == n)
            return wk_fail(err, WK_E_CONFIG, "the market %s is not there", name);
        b->market[i] = (uint32_t)s;
        snprintf(b->panel.symbols[i], sizeof b->panel.symbols[i], "%s", name);
    }
    return WK_OK;
}

/* A bar of the model's own timeframe has closed: a row. */
static void close_bar(builder *b, const wk_features_step *step)
{
    wk_panel *p = &b->panel;
    if (b->open_ns + b->timeframe_ns > b->end_ns || p->T == b->room)
        return;
    if (p->T == 0)
        p->start_ns = b->open_ns;
    for (size_t i = 0; i < p->S; i++) {
        size_t cell = p->T * p->S + i, s = b->market[i];
        wk__bucket_close(&b->buckets[i], &p->bars[cell], &p->provenance[cell]);
        p->funding_known[cell] = step->funding_known ? step->funding_known[s] : NAN;
        for (size_t k = 0; k < p->K; k++)
            p->outside[cell * p->K + k] = step->outside ? step->outside[s * b->K + k] : NAN;
    }
    p->T++;
}

static void add(builder *b, const wk_features_step *step)
{
    int64_t start = wk_bucket_start(step->time_ns, b->timeframe_ns);
    if (start != b->open_ns) {
        if (b->open_ns == INT64_MIN && start != step->time_ns)
            return;
        b->open_ns = start;
        for (size_t i = 0; i < b->panel.S; i++)
            wk__bucket_begin(&b->buckets[i], start);
    }
    for (size_t i = 0; i < b->panel.S; i++)
        wk__bucket_add(&b->buckets[i], &step->bars[b->market[i]], step->provenance[b->market[i]]);
    if (step->time_ns + b->step_ns == start + b->timeframe_ns)
        close_bar(b, step);
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
        add(b, &step);
    }
    free(record);
    return status;
}

wk_status wk__history_features(const wk__history *h, const wk_trade_instrument *markets,
                               size_t n_markets, int64_t step_ns, const wk_run_config *config,
                               int64_t end_ns, wk_arena *arena, wk_panel *panel,
                               wk_feature_table *table, wk_err *err)
{
    wk_features_config features = config->features;
    features.outside = wk_data_outside_names(&config->data, arena);
    int64_t timeframe_ns = config->data.timeframe_ns;
    size_t S = config->data.symbols.n, ratio = (size_t)(timeframe_ns / step_ns);
    size_t bars = (size_t)(features.anchor_bars + features.warmup_bars +
                           DAYS * (86400 * WK_NS_PER_S / timeframe_ns) + 2);
    uint64_t wanted = (uint64_t)bars * ratio,
             from = h->next - h->first > wanted ? h->next - wanted : h->first;
    builder b = {.config = config,
                 .step_ns = step_ns,
                 .timeframe_ns = timeframe_ns,
                 .end_ns = end_ns,
                 .K = h->layout.K,
                 .room = (size_t)(h->next - from) / ratio + 1,
                 .open_ns = INT64_MIN,
                 .panel = {.S = S, .timeframe_ns = timeframe_ns, .K = features.outside.n}};
    wk_panel *p = &b.panel;
    b.market = wk_arena_array(arena, uint32_t, S);
    b.buckets = wk_arena_array(arena, wk__bucket, S);
    p->symbols = wk_arena_alloc(arena, S * sizeof *p->symbols);
    p->bars = wk_arena_array(arena, wk_bar, b.room * S);
    p->provenance = wk_arena_array(arena, uint8_t, b.room * S);
    p->funding = wk_arena_array(arena, double, b.room *S);
    p->funding_known = wk_arena_array(arena, double, b.room *S);
    p->outside = p->K ? wk_arena_array(arena, double, b.room *S * p->K) : NULL;
    if (p->K > b.K)
        return wk_fail(err, WK_E_STATE, "the history lacks the model's outside columns");
    WK_TRY(find_markets(&b, markets, n_markets, err));
    WK_TRY(read_all(&b, h, from, err));
    if (p->T == 0)
        return wk_fail(err, WK_E_DATA, "no bar of the model's timeframe has closed yet");
    wk_features *plan;
    WK_TRY(wk_features_plan(arena, &features, (const char(*)[32])p->symbols, S, timeframe_ns, &plan,
                            err));
    WK_TRY(wk_features_batch(plan, p, arena, table, err));
    *panel = b.panel;
    return WK_OK;
}
