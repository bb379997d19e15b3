#include "live_oracle.h"

#include <math.h>
#include <string.h>

#include "wick/bars.h"
#include "wick/clock.h"

/* One path at a time: a bar of another path is none. */
static oracle_bar bars[ORACLE_MARKETS][ORACLE_FRAMES][ORACLE_RING];
static uint64_t n_paths;

static oracle_bar *slot(uint32_t market, size_t timeframe, int64_t number)
{
    return &bars[market][timeframe][(uint64_t)number % ORACLE_RING];
}

const oracle_bar *oracle_at(const live_oracle *o, uint32_t market, size_t timeframe,
                            int64_t time_ns)
{
    const oracle_bar *b =
        slot(market, timeframe, time_ns / wk_live_timeframe_ns(o->live, timeframe));
    return b->path == o->path && b->time_ns == time_ns ? b : NULL;
}

static void digest(live_oracle *o, const void *bytes, size_t n)
{
    const uint8_t *b = bytes;
    for (size_t i = 0; i < n; i++)
        o->digest = (o->digest ^ b[i]) * UINT64_C(0x100000001b3);
}

/* A longer bar is what its parts say, as they were told. */
static void check_parts(const live_oracle *o, const wk_live_bar *out)
{
    const wk_bar *whole = &out->bar;
    wk_bar want = {0};
    bool has_trades = false, is_repaired = false;
    int64_t base_ns = wk_live_timeframe_ns(o->live, 0);
    for (int64_t at = whole->time_ns; at < whole->time_ns + out->timeframe_ns; at += base_ns) {
        const oracle_bar *part = oracle_at(o, out->market, 0, at);
        if (!part)
            return; /* of a time that is forgotten here */
        const wk_bar *b = &part->bar;
        bool is_empty = part->provenance == WK_PROV_CONFIRMED_EMPTY;
        want.volume += b->volume;
        is_repaired |= part->provenance == WK_PROV_REPAIRED;
        if (is_empty && has_trades)
            continue;
        if (at == whole->time_ns || (!is_empty && !has_trades)) {
            want.open = b->open;
            want.high = b->high;
            want.low = b->low;
        }
        want.high = b->high > want.high ? b->high : want.high;
        want.low = b->low < want.low ? b->low : want.low;
        want.close = b->close;
        has_trades |= !is_empty;
    }
    MUST(whole->open == want.open && whole->high == want.high && whole->low == want.low &&
         whole->close == want.close);
    /* The path's sums are exact up to 10^19, these are not. */
    MUST(want.volume > 1e15 || fabs(whole->volume - want.volume) <= 1e-9 * want.volume + 1e-15);
    MUST(out->provenance == (!has_trades   ? WK_PROV_CONFIRMED_EMPTY
                             : is_repaired ? WK_PROV_REPAIRED
                                           : WK_PROV_TRADED));
}

static void on_bar(void *ctx, const wk_live_bar *out)
{
    live_oracle *o = ctx;
    size_t timeframe = 0;
    while (wk_live_timeframe_ns(o->live, timeframe) != out->timeframe_ns)
        timeframe++;
    MUST(out->market < wk_live_n_markets(o->live) && out->provenance <= WK_PROV_IMPUTED);
    MUST(!wk_bar_problem(&out->bar));
    MUST(wk_bucket_start(out->bar.time_ns, out->timeframe_ns) == out->bar.time_ns);
    oracle_bar *b = slot(out->market, timeframe, out->bar.time_ns / out->timeframe_ns);
    bool is_told = b->path == o->path && b->time_ns == out->bar.time_ns;
    bool is_forgotten = b->path == o->path && b->time_ns > out->bar.time_ns;
    /* A revision is of a bar that went out. One that goes out anew is long past. */
    MUST(!out->is_revision || is_told || is_forgotten);
    MUST(out->is_revision || !is_told || o->latest_ns == INT64_MAX ||
         out->bar.time_ns < o->latest_ns - 60 * out->timeframe_ns);
    if (timeframe > 0 && !o->is_direct)
        check_parts(o, out);
    if (!is_forgotten)
        *b = (oracle_bar){o->path, out->bar.time_ns, out->bar, out->provenance};
    o->n_bars++;
    o->n_revised += out->is_revision;
    digest(o, &out->market, sizeof out->market);
    digest(o, &out->timeframe_ns, sizeof out->timeframe_ns);
    digest(o, &out->bar, sizeof out->bar);
    digest(o, &out->arrival_ns, sizeof out->arrival_ns);
    digest(o, &out->provenance, 1);
    digest(o, &out->is_revision, 1);
}

static void on_flow(void *ctx, const wk_live_flow *flow)
{
    live_oracle *o = ctx;
    MUST(flow->market < wk_live_n_markets(o->live) && flow->period_ns > 0);
    MUST(wk_bucket_start(flow->time_ns, flow->period_ns) == flow->time_ns);
    for (size_t i = 0; i < WK_FLOW_COLUMNS; i++)
        MUST(!isinf(flow->row[i]));
    o->n_rows++;
}

static void on_event(void *ctx, const wk_event *event, int64_t clock_offset_ns)
{
    live_oracle *o = ctx;
    (void)clock_offset_ns;
    MUST(event->symbol == WK_SYMBOL_NONE || event->symbol < wk_live_n_markets(o->live));
    MUST(event->kind != WK_EVENT_HEARTBEAT && event->kind != WK_EVENT_PONG);
}

static void on_value(void *ctx, uint32_t market, const char *name, int64_t time_ns,
                     int64_t known_ns, double value)
{
    live_oracle *o = ctx;
    (void)time_ns;
    (void)known_ns;
    MUST(market < wk_live_n_markets(o->live) && name[0] && isfinite(value));
}

static void on_instrument(void *ctx, uint32_t market, const wk_instrument *x)
{
    live_oracle *o = ctx;
    MUST(market < wk_live_n_markets(o->live) && x->venue[0] && x->symbol[0]);
    MUST(memchr(x->base, 0, sizeof x->base) && memchr(x->quote, 0, sizeof x->quote));
}

static void on_subscribe(void *ctx, uint32_t market, wk_live_channel channel, bool is_again)
{
    live_oracle *o = ctx;
    (void)is_again;
    MUST(market < wk_live_n_markets(o->live) && channel < WK_LIVE_CHANNELS);
}

static void on_missing(void *ctx, uint32_t market, int64_t from_ns, int64_t to_ns)
{
    live_oracle *o = ctx;
    MUST(market < wk_live_n_markets(o->live) && from_ns < to_ns);
    o->n_missing += (uint64_t)((to_ns - from_ns) / wk_live_timeframe_ns(o->live, 0));
    if (o->n_asks == ORACLE_ASKS)
        o->has_lost_asks = true;
    else
        o->asks[o->n_asks++] = (oracle_ask){market, from_ns, to_ns};
}

wk_live_sinks oracle_sinks(live_oracle *o)
{
    return (wk_live_sinks){.ctx = o,
                           .event = on_event,
                           .bar = on_bar,
                           .value = on_value,
                           .flow = on_flow,
                           .instrument = on_instrument,
                           .subscribe = on_subscribe,
                           .missing = on_missing};
}

void oracle_begin(live_oracle *o, wk_live *live)
{
    *o = (live_oracle){.live = live,
                       .path = ++n_paths,
                       .latest_ns = INT64_MAX,
                       .digest = UINT64_C(0xcbf29ce484222325)};
    MUST(wk_live_n_markets(live) <= ORACLE_MARKETS && wk_live_n_timeframes(live) <= ORACLE_FRAMES);
    for (uint32_t m = 0; m < wk_live_n_markets(live); m++) {
        const wk_live_market *about = wk_live_market_at(live, m);
        MUST(about->venue[0] && about->symbol[0]);
        MUST(about->connection < wk_live_n_connections(live));
    }
}

void oracle_finish(live_oracle *o)
{
    wk_live_counts all, sum = {0};
    wk_live_count(o->live, -1, &all);
    for (int v = 0; v <= (int)wk_live_market_at(o->live, 0)->venue_index; v++) {
        wk_live_counts one;
        wk_live_count(o->live, v, &one);
        sum.bars += one.bars;
        sum.symbols += one.symbols;
    }
    MUST(all.bars == o->n_bars && all.revised == o->n_revised && all.missing == o->n_missing);
    MUST(all.symbols == wk_live_n_markets(o->live) && all.books_live <= all.books);
    MUST(all.connections == wk_live_n_connections(o->live));
    MUST(all.connections_open <= all.connections && sum.bars <= all.bars);
}
