/* The path: time, messages, connections. What events do is in live_events.c, notes in live_note.c.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "live_flow.h"
#include "live_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { BOOK_DECIMALS_PRICE = 9, BOOK_DECIMALS_QTY = 6, BACKOFF_MOST_S = 30 };

#define BACKOFF_FIRST_NS (WK_NS_PER_S / 2)

/* A connection that ends was dead since its newest frame, and what the venue told late by this much
 * may have been lost with it. */
#define DEAD_NS (10 * WK_NS_PER_S)

#define LEAP_NS (3600 * WK_NS_PER_S)
#define ANSWER_NS (30 * WK_NS_PER_S)

/* ---- what the closers say ---- */

static void on_bar(void *ctx, size_t timeframe, const wk__closed *bar, int64_t arrival_ns,
                   bool is_revision)
{
    wk__market *m = ctx;
    wk_live *live = m->live;
    wk_live_counts *counts = &live->venues[m->about.venue_index].counts;
    wk_live_bar out = {.market = (uint32_t)(m - live->markets),
                       .timeframe_ns = live->timeframes_ns[timeframe],
                       .bar = {.time_ns = bar->time_ns,
                               .open = wk_decimal_to_double(bar->open),
                               .high = wk_decimal_to_double(bar->high),
                               .low = wk_decimal_to_double(bar->low),
                               .close = wk_decimal_to_double(bar->close),
                               .volume = wk_decimal_to_double(bar->volume)},
                       .provenance = bar->provenance,
                       .is_revision = is_revision,
                       .arrival_ns = arrival_ns};
    /* No input makes such a bar; if one does, it must not stop the store. */
    const char *problem = wk_bar_problem(&out.bar);
    if (problem) {
        counts->impossible++;
        wk_log_write(WK_LOG_ERROR, "live.bar", "market=%s/%s time_ns=%" PRId64 " why=\"%s\"",
                     m->about.venue, m->about.symbol, bar->time_ns, problem);
        return;
    }
    counts->bars++;
    counts->revised += is_revision;
    counts->empty += bar->provenance == WK_PROV_CONFIRMED_EMPTY;
    counts->repaired += bar->provenance == WK_PROV_REPAIRED;
    if (!is_revision)
        wk__live_flow_end(live, m, out.timeframe_ns, bar->time_ns + out.timeframe_ns);
    if (live->sinks.bar)
        live->sinks.bar(live->sinks.ctx, &out);
}

static void on_missing(void *ctx, int64_t from_ns, int64_t to_ns)
{
    wk__market *m = ctx;
    wk_live *live = m->live;
    live->venues[m->about.venue_index].counts.missing +=
        (uint64_t)((to_ns - from_ns) / live->timeframes_ns[0]);
    if (live->sinks.missing)
        live->sinks.missing(live->sinks.ctx, (uint32_t)(m - live->markets), from_ns, to_ns);
}

/* ---- making it ---- */

static wk_status make_market(wk_live *live, wk__market *m, const wk__planned *plan, uint32_t index,
                             uint32_t connection, wk_err *err)
{
    const wk_live_venue *config = (const wk_live_venue *)live->config->venues.v + plan->venue;
    m->config = config;
    m->live = live;
    m->funding.scale = m->open_interest.scale = m->mark.scale = -1;
    double contract = config->contract_values.n ? config->contract_values.v[index] : 1;
    m->contract = wk__decimal_of(contract);
    wk__live_flow_plan(live, m);
    wk_live_market *about = &m->about;
    snprintf(about->venue, sizeof about->venue, "%s", config->name);
    snprintf(about->name_stream, sizeof about->name_stream, "%s", config->symbols.v[index]);
    wk__live_store_symbol(about->name_stream, about->symbol);
    about->venue_index = plan->venue;
    about->connection = connection;
    about->contract_value = contract;
    wk__closer_options options = {.n_timeframes = live->n_timeframes,
                                  .grace_ns = live->config->close_grace_ms * 1000000,
                                  .uses_trades = config->trades,
                                  .uses_candles = config->candles,
                                  .bar = on_bar,
                                  .missing = on_missing,
                                  .ctx = m};
    memcpy(options.timeframes_ns, live->timeframes_ns, sizeof options.timeframes_ns);
    WK_TRY(wk__closer_create(&options, &m->closer, err));
    if (config->book && config->dialect != WK_LIVE_KRAKEN) {
        /* Delta's texts keep their own decimals in the book: these only have to hold them. */
        WK_TRY(wk_book_create(BOOK_DECIMALS_PRICE, BOOK_DECIMALS_QTY, WK_BOOK_DEPTH_MAX, &m->book,
                              err));
        m->follower = (wk_book_follower){.book = m->book, .checksum = wk_book_checksum_delta};
    }
    return WK_OK;
}

static wk_dialect parser_dialect(int dialect)
{
    return dialect == WK_LIVE_KRAKEN  ? WK_DIALECT_KRAKEN
           : dialect == WK_LIVE_DELTA ? WK_DIALECT_DELTA
                                      : WK_DIALECT_DELTA_PUBLIC;
}

static wk_status make(wk_live *live, const wk__planned *plan, wk_err *err)
{
    const wk_live_venue *venues = live->config->venues.v;
    live->venues = calloc(live->n_venues, sizeof *live->venues);
    live->connections = calloc(live->n_connections, sizeof *live->connections);
    live->markets = calloc(live->n_markets, sizeof *live->markets);
    live->touched = calloc(live->n_markets, sizeof *live->touched);
    if (!live->venues || !live->connections || !live->markets || !live->touched)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t v = 0; v < live->n_venues; v++) {
        live->venues[v].config = &venues[v];
        live->venues[v].due_ns = INT64_MAX;
    }
    for (size_t c = 0; c < live->n_connections; c++) {
        wk__connection *connection = &live->connections[c];
        const wk__planned *p = &plan[c];
        memcpy(connection->name, p->name, sizeof connection->name);
        connection->venue = p->venue;
        connection->first_market = p->first_market;
        connection->n_markets = p->n_markets;
        uint32_t in_venue = p->first_market;
        for (size_t v = 0; v < p->venue; v++)
            in_venue -= (uint32_t)venues[v].symbols.n;
        WK_TRY(wk_parser_create(parser_dialect(venues[p->venue].dialect),
                                venues[p->venue].symbols.v + in_venue, p->n_markets,
                                &connection->parser, err));
        for (uint32_t k = 0; k < p->n_markets; k++)
            WK_TRY(make_market(live, &live->markets[p->first_market + k], p, in_venue + k,
                               (uint32_t)c, err));
    }
    return WK_OK;
}

wk_status wk_live_create(const wk_live_config *config, const wk_live_sinks *sinks, wk_live **out,
                         wk_err *err)
{
    wk__planned *plan = NULL;
    wk_live *live = calloc(1, sizeof *live);
    if (!live)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    live->config = config;
    live->sinks = *sinks;
    wk_arena_init(&live->arena);
    wk_status status = wk__live_plan(config, &plan, &live->n_connections, err);
    if (status == WK_OK)
        status = wk__live_timeframes(config, live->timeframes_ns, err);
    if (status == WK_OK)
        status = wk__live_flow_timeframes(config, &live->flow, err);
    if (status == WK_OK) {
        live->n_timeframes = config->timeframes.n;
        live->n_venues = config->venues.n;
        for (size_t c = 0; c < live->n_connections; c++)
            live->n_markets += plan[c].n_markets;
        status = make(live, plan, err);
    }
    free(plan);
    if (status != WK_OK) {
        wk_live_destroy(live);
        return status;
    }
    *out = live;
    return WK_OK;
}

void wk_live_destroy(wk_live *live)
{
    if (!live)
        return;
    for (size_t i = 0; live->markets && i < live->n_markets; i++) {
        wk__closer_destroy(live->markets[i].closer);
        wk_book_destroy(live->markets[i].book);
    }
    for (size_t i = 0; live->connections && i < live->n_connections; i++)
        wk_parser_destroy(live->connections[i].parser);
    free(live->venues);
    free(live->connections);
    free(live->markets);
    free(live->touched);
    wk_arena_finish(&live->arena);
    free(live);
}

/* ---- time ---- */

int64_t wk__live_venue_time(const wk_live *live, const wk__market *m, int64_t ns)
{
    return ns + live->venues[m->about.venue_index].clock.offset_ns;
}

static void find_due(wk_live *live)
{
    for (size_t v = 0; v < live->n_venues; v++)
        live->venues[v].due_ns = INT64_MAX;
    for (size_t i = 0; i < live->n_markets; i++) {
        int64_t *due = &live->venues[live->markets[i].about.venue_index].due_ns;
        int64_t at = wk__closer_due(live->markets[i].closer);
        *due = at < *due ? at : *due;
    }
}

/* By our clock; INT64_MAX: none. */
static int64_t venue_due(const wk__venue *venue)
{
    return venue->due_ns == INT64_MAX ? INT64_MAX : venue->due_ns - venue->clock.offset_ns;
}

/* Bars close in the order of their dues, then of the markets, each at its due: when this function
 * is called, and how often, changes nothing. */
void wk_live_advance(wk_live *live, int64_t now_ns)
{
    wk__live_flow_advance(live, now_ns);
    bool has_leapt = false;
    for (size_t v = 0; v < live->n_venues; v++)
        has_leapt |= now_ns - venue_due(&live->venues[v]) > LEAP_NS;
    for (size_t i = 0; has_leapt && i < live->n_markets; i++)
        wk__closer_skip(live->markets[i].closer,
                        wk__live_venue_time(live, &live->markets[i], now_ns));
    if (has_leapt)
        find_due(live);
    for (;;) {
        wk__venue *first = NULL;
        for (size_t v = 0; v < live->n_venues; v++)
            if (venue_due(&live->venues[v]) <= now_ns &&
                (!first || venue_due(&live->venues[v]) < venue_due(first)))
                first = &live->venues[v];
        if (!first)
            return;
        int64_t due = venue_due(first), venue_ns = first->due_ns;
        for (size_t i = 0; i < live->n_markets; i++) {
            wk__market *m = &live->markets[i];
            if (&live->venues[m->about.venue_index] == first &&
                wk__closer_due(m->closer) == venue_ns)
                wk__closer_close(m->closer, due > live->input_ns ? due : live->input_ns);
        }
        find_due(live);
    }
}

void wk__live_touch(wk_live *live, wk__market *m)
{
    if (m->is_touched)
        return;
    m->is_touched = true;
    live->touched[live->n_touched++] = (uint32_t)(m - live->markets);
}

/* After all events of a message: bars that both streams have passed close. */
static void settle(wk_live *live)
{
    bool is_moved = false;
    for (size_t i = 0; i < live->n_touched; i++) {
        wk__market *m = &live->markets[live->touched[i]];
        int64_t before = live->venues[m->about.venue_index].due_ns;
        wk__closer_settle(m->closer, live->input_ns);
        int64_t due = wk__closer_due(m->closer);
        is_moved |= due < before || before == INT64_MAX || due != before;
        m->is_touched = false;
    }
    live->n_touched = 0;
    if (is_moved)
        find_due(live);
}

/* ---- subscriptions ---- */

static bool is_wanted(const wk_live_venue *config, int channel)
{
    switch (channel) {
    case WK_LIVE_CHANNEL_CANDLES:
        return config->candles;
    case WK_LIVE_CHANNEL_TRADES:
        return config->trades;
    case WK_LIVE_CHANNEL_BOOK:
        return config->book;
    default:
        return config->ticker;
    }
}

void wk__live_ask(wk_live *live, wk__market *m, wk_live_channel channel, int64_t now_ns)
{
    int64_t *backoff = &m->backoff_ns[channel];
    *backoff = *backoff ? *backoff * 2 : BACKOFF_FIRST_NS;
    if (*backoff > BACKOFF_MOST_S * WK_NS_PER_S)
        *backoff = BACKOFF_MOST_S * WK_NS_PER_S;
    m->retry_ns[channel] = now_ns + *backoff;
    bool is_again = m->is_asked[channel];
    m->is_asked[channel] = true;
    if (live->sinks.subscribe)
        live->sinks.subscribe(live->sinks.ctx, (uint32_t)(m - live->markets), channel, is_again);
}

void wk_live_check(wk_live *live, int64_t now_ns)
{
    for (size_t i = 0; i < live->n_markets; i++) {
        wk__market *m = &live->markets[i];
        if (!live->connections[m->about.connection].is_open)
            continue;
        for (int channel = 0; channel < WK_LIVE_CHANNELS; channel++) {
            bool is_there = channel == WK_LIVE_CHANNEL_BOOK ? m->follower.is_live || !m->book
                                                            : m->is_subscribed[channel];
            if (is_wanted(m->config, channel) && !is_there && now_ns >= m->retry_ns[channel])
                wk__live_ask(live, m, (wk_live_channel)channel, now_ns);
        }
    }
}

void wk__live_gap(wk_live *live, wk__market *m, int64_t now_ns)
{
    wk_event gap = {
        .kind = WK_EVENT_GAP, .symbol = (uint32_t)(m - live->markets), .receive_ns = now_ns};
    wk_err ignored;
    if (m->book && wk_book_follow(&m->follower, &gap, &ignored) != WK_OK)
        WK_ASSERT(false);
    wk__live_flow_gap(live, m, now_ns);
    if (live->sinks.event)
        live->sinks.event(live->sinks.ctx, &gap,
                          live->venues[m->about.venue_index].clock.offset_ns);
}

void wk__live_doubt(wk_live *live, wk__market *m)
{
    int64_t frame_ns = live->connections[m->about.connection].frame_ns;
    if (frame_ns)
        wk__closer_doubt(m->closer, wk__live_venue_time(live, m, frame_ns) - DEAD_NS);
}

static void on_open(wk_live *live, wk__connection *c, int64_t now_ns)
{
    c->is_open = true;
    c->ping_ns = 0;
    live->venues[c->venue].counts.connects++;
    for (uint32_t i = 0; i < c->n_markets; i++) {
        wk__market *m = &live->markets[c->first_market + i];
        for (int channel = 0; channel < WK_LIVE_CHANNELS; channel++) {
            m->is_subscribed[channel] = false;
            m->is_asked[channel] = channel != WK_LIVE_CHANNEL_BOOK;
            m->backoff_ns[channel] = 0;
            m->retry_ns[channel] = now_ns + ANSWER_NS;
        }
        if (m->book && m->config->book)
            wk__live_ask(live, m, WK_LIVE_CHANNEL_BOOK, now_ns);
    }
}

static void on_closed(wk_live *live, wk__connection *c, const char *why, int64_t now_ns)
{
    if (!c->is_open)
        return;
    c->is_open = false;
    live->venues[c->venue].counts.disconnects++;
    wk_log_write(WK_LOG_WARN, "live.connection", "connection=%s closed=\"%s\"", c->name, why);
    for (uint32_t i = 0; i < c->n_markets; i++) {
        wk__market *m = &live->markets[c->first_market + i];
        wk__closer_down(m->closer, WK__STREAM_TRADES);
        wk__closer_down(m->closer, WK__STREAM_CANDLES);
        wk__live_doubt(live, m);
        wk__live_gap(live, m, now_ns);
    }
}

/* ---- messages ---- */

static wk__connection *find_connection(wk_live *live, const char *name)
{
    for (size_t i = 0; i < live->n_connections; i++)
        if (strcmp(live->connections[i].name, name) == 0)
            return &live->connections[i];
    return NULL;
}

static void on_frame(wk_live *live, wk__connection *c, const wk_recorded *m)
{
    wk_live_counts *counts = &live->venues[c->venue].counts;
    wk_err why;
    counts->messages++;
    counts->bytes += m->n;
    live->connection = c;
    c->frame_ns = m->receive_ns;
    /* A recording that begins in the middle of a session. */
    if (!c->is_open)
        on_open(live, c, m->receive_ns);
    if (wk_parser_feed(c->parser, m->bytes, m->n, m->receive_ns, wk__live_on_event, live, &why) !=
        WK_OK) {
        /* What it said is lost: a book that missed it fails its checksum, a trade its number. */
        counts->broken++;
        if (counts->broken <= 10 || counts->broken % 1000 == 0)
            wk_log_write(WK_LOG_WARN, "live.frame", "connection=%s broken=%" PRIu64 " why=\"%s\"",
                         c->name, counts->broken, why.msg);
    }
    settle(live);
}

static bool is_ping(const wk_recorded *m)
{
    return m->n < 200 && (memmem(m->bytes, m->n, "\"ping\"", 6) != NULL);
}

wk_status wk_live_feed(wk_live *live, const wk_recorded *m, wk_err *err)
{
    wk_live_advance(live, m->receive_ns);
    if (m->receive_ns > live->input_ns)
        live->input_ns = m->receive_ns;
    if (strcmp(m->connection, "wick") == 0) {
        wk_status status = m->direction == '!' ? wk__live_note(live, m, err) : WK_OK;
        settle(live);
        find_due(live);
        return status;
    }
    wk__connection *c = find_connection(live, m->connection);
    if (!c)
        return wk_fail(err, WK_E_PARSE, "the configuration has no connection named %s",
                       m->connection);
    if (m->direction == '<') {
        on_frame(live, c, m);
    } else if (m->direction == '>') {
        if (is_ping(m))
            c->ping_ns = m->receive_ns;
    } else if (m->n >= 4 && memcmp(m->bytes, "open", 4) == 0) {
        on_open(live, c, m->receive_ns);
    } else if (m->n >= 6 && memcmp(m->bytes, "closed", 6) == 0) {
        char why[200];
        snprintf(why, sizeof why, "%.*s", m->n > 7 ? (int)m->n - 7 : 0,
                 m->n > 7 ? m->bytes + 7 : "");
        on_closed(live, c, why, m->receive_ns);
    } else {
        return wk_fail(err, WK_E_PARSE, "an unknown note of %s", m->connection);
    }
    return WK_OK;
}

/* ---- looking at it ---- */

size_t wk_live_n_markets(const wk_live *live)
{
    return live->n_markets;
}

const wk_live_market *wk_live_market_at(const wk_live *live, uint32_t market)
{
    WK_ASSERT(market < live->n_markets);
    return &live->markets[market].about;
}

size_t wk_live_n_connections(const wk_live *live)
{
    return live->n_connections;
}

const char *wk_live_connection_name(const wk_live *live, uint32_t connection)
{
    WK_ASSERT(connection < live->n_connections);
    return live->connections[connection].name;
}

const wk_book *wk_live_book(const wk_live *live, uint32_t market)
{
    WK_ASSERT(market < live->n_markets);
    const wk__market *m = &live->markets[market];
    return m->book && m->follower.is_live ? m->book : NULL;
}

size_t wk_live_n_timeframes(const wk_live *live)
{
    return live->n_timeframes;
}

int64_t wk_live_timeframe_ns(const wk_live *live, size_t timeframe)
{
    WK_ASSERT(timeframe < live->n_timeframes);
    return live->timeframes_ns[timeframe];
}

static void add_venue(wk_live *live, size_t v, wk_live_counts *sum)
{
    wk__venue *venue = &live->venues[v];
    wk_live_counts c = venue->counts;
    const uint64_t *from = &c.messages;
    uint64_t *to = &sum->messages;
    for (size_t i = 0; i < (size_t)(&c.repaired - &c.messages) + 1; i++)
        to[i] += from[i];
    for (size_t i = 0; i < live->n_connections; i++) {
        const wk__connection *k = &live->connections[i];
        wk_parser_counts p;
        if (k->venue != v)
            continue;
        wk_parser_count(k->parser, &p);
        sum->unknown += p.unknown_channel + p.unknown_symbol;
        sum->connections++;
        sum->connections_open += k->is_open;
    }
    for (size_t i = 0; i < live->n_markets; i++) {
        const wk__market *m = &live->markets[i];
        wk__closer_counts n;
        if (m->about.venue_index != v)
            continue;
        wk__closer_count(m->closer, &n);
        sum->symbols++;
        sum->books += m->config->book;
        sum->books_live += m->follower.is_live != 0;
        sum->trades += n.trades;
        sum->duplicates += n.duplicates;
        sum->late += n.late;
        sum->too_late += n.too_late;
        sum->gaps += n.gaps;
        sum->disagree += n.disagree;
        sum->impossible += n.impossible;
    }
    if (sum->lag_ns_max < c.lag_ns_max) {
        sum->lag_ns_max = c.lag_ns_max;
        sum->lag_ns_last = c.lag_ns_last;
    }
    venue->counts.lag_ns_max = 0;
}

void wk_live_count(wk_live *live, int venue, wk_live_counts *out)
{
    *out = (wk_live_counts){0};
    for (size_t v = 0; v < live->n_venues; v++)
        if (venue < 0 || (size_t)venue == v)
            add_venue(live, v, out);
    const wk__clock_offset *clock = &live->venues[venue < 0 ? 0 : venue].clock;
    out->clock_offset_ns = clock->offset_ns;
    out->clock_uncertainty_ns = clock->is_measured ? clock->uncertainty_ns : -1;
    out->lost = live->lost;
}
