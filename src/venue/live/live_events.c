/* What an event of the venue does to its market. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "exact.h"
#include "live_flow.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { VALUE_EVERY_S = 60, GOOD_MESSAGES = 20, IMPOSSIBLE_RUN = 20 };

#define FAR_NS (3600 * WK_NS_PER_S)
#define SLACK_NS WK_NS_PER_S /* the venue's clock is not known better */

/* Contracts to the base currency, exactly. */
static wk_decimal times(wk_decimal a, wk_decimal b)
{
    if (b.digits == 1 && b.scale == 0)
        return a;
    wk__sum product = {.digits = (wk__int128)a.digits * b.digits, .scale = a.scale + b.scale};
    return wk__sum_value(&product);
}

/* The clock, and how late the message is. */
static void stamp(wk__venue *venue, const wk_event *e)
{
    if (e->exchange_ns <= 0)
        return;
    wk__clock_offset_stamp(&venue->clock, e->exchange_ns, e->receive_ns);
    int64_t lag = e->receive_ns + venue->clock.offset_ns - e->exchange_ns;
    venue->counts.lag_ns_last = lag;
    if (lag > venue->counts.lag_ns_max)
        venue->counts.lag_ns_max = lag;
}

void wk__live_subscribed(wk_live *live, wk__market *m, wk_live_channel channel, int64_t venue_ns,
                         int64_t now_ns)
{
    (void)live;
    (void)now_ns;
    if (m->is_subscribed[channel])
        return;
    m->is_subscribed[channel] = true;
    if (channel == WK_LIVE_CHANNEL_CANDLES)
        wk__closer_up(m->closer, WK__STREAM_CANDLES, venue_ns);
    if (channel == WK_LIVE_CHANNEL_TRADES)
        wk__closer_up(m->closer, WK__STREAM_TRADES, venue_ns);
    wk__live_touch(live, m);
}

/* A stream whose reply nobody saw is there when it speaks. */
static void speaks(wk_live *live, wk__market *m, wk_live_channel channel, const wk_event *e)
{
    if (!m->is_subscribed[channel])
        wk__live_subscribed(live, m, channel, wk__live_venue_time(live, m, e->receive_ns),
                            e->receive_ns);
}

static void on_trade(wk_live *live, wk__market *m, const wk_event *e)
{
    speaks(live, m, WK_LIVE_CHANNEL_TRADES, e);
    wk_event in_base = *e;
    in_base.trade.qty = times(e->trade.qty, m->contract);
    /* Rather late than early: an offset that was measured on a trade told late lags behind. */
    int64_t venue_ns = wk__live_venue_time(live, m, e->receive_ns);
    venue_ns = venue_ns > e->receive_ns ? venue_ns : e->receive_ns;
    wk__closer_trade(m->closer, &in_base, venue_ns + SLACK_NS);
    wk__live_flow_trade(live, m, &in_base);
    wk__live_touch(live, m);
}

static void on_candle(wk_live *live, wk__market *m, const wk_event *e)
{
    speaks(live, m, WK_LIVE_CHANNEL_CANDLES, e);
    wk_event in_base = *e;
    if (e->candle.volume.scale >= 0)
        in_base.candle.volume = times(e->candle.volume, m->contract);
    wk__closer_candle(m->closer, &in_base);
    wk__live_touch(live, m);
}

static void on_book(wk_live *live, wk__market *m, const wk_event *e)
{
    wk_err why;
    int was_live = m->follower.is_live;
    if (!m->book)
        return;
    if (wk_book_follow(&m->follower, e, &why) == WK_OK) {
        if (m->follower.is_live && !was_live) {
            m->n_checked_fresh = m->follower.n_checked;
            m->is_subscribed[WK_LIVE_CHANNEL_BOOK] = true;
        }
        if (e->kind == WK_EVENT_BOOK_END && m->follower.is_live)
            wk__live_flow_book(live, m, e);
        return;
    }
    wk__venue *venue = &live->venues[m->about.venue_index];
    venue->counts.checksum_failures++;
    wk_log_write(WK_LOG_WARN, "live.book", "market=%s/%s failed=\"%s\"", m->about.venue,
                 m->about.symbol, why.msg);
    wk__live_gap(live, m, e->receive_ns);
    /* At once after a book that was good for a while; one that fails when it is fresh waits longer
     * each time, in wk_live_check. */
    if (m->follower.n_checked - m->n_checked_fresh >= GOOD_MESSAGES)
        m->backoff_ns[WK_LIVE_CHANNEL_BOOK] = 0;
    if (m->backoff_ns[WK_LIVE_CHANNEL_BOOK] == 0 ||
        e->receive_ns >= m->retry_ns[WK_LIVE_CHANNEL_BOOK])
        wk__live_ask(live, m, WK_LIVE_CHANNEL_BOOK, e->receive_ns);
}

static bool is_told(wk_decimal x)
{
    return x.scale >= 0;
}

static bool is_same(wk_decimal a, wk_decimal b)
{
    return is_told(a) && is_told(b) && wk__exact_compare(a, b) == 0;
}

static void tell_value(wk_live *live, wk__market *m, const char *name, const wk_event *e,
                       wk_decimal value)
{
    if (live->sinks.value)
        live->sinks.value(live->sinks.ctx, (uint32_t)(m - live->markets), name,
                          e->exchange_ns ? e->exchange_ns
                                         : wk__live_venue_time(live, m, e->receive_ns),
                          e->receive_ns, wk_decimal_to_double(value));
}

static void on_funding(wk_live *live, wk__market *m, const wk_event *e)
{
    if (is_same(m->funding, e->value.value))
        return;
    m->funding = e->value.value;
    tell_value(live, m, "funding", e, e->value.value);
}

static void on_open_interest(wk_live *live, wk__market *m, const wk_event *e)
{
    wk_decimal base = e->value.is_contracts ? times(e->value.value, m->contract) : e->value.value;
    if (is_same(m->open_interest, base) ||
        (m->open_interest_ns && e->receive_ns - m->open_interest_ns < VALUE_EVERY_S * WK_NS_PER_S))
        return;
    m->open_interest = base;
    m->open_interest_ns = e->receive_ns;
    tell_value(live, m, "open_interest", e, base);
}

static void on_ticker(wk_live *live, wk__market *m, const wk_event *e)
{
    m->is_subscribed[WK_LIVE_CHANNEL_TICKER] = true;
    if (!is_told(e->ticker.mark) || is_same(m->mark, e->ticker.mark) ||
        (m->mark_ns && e->receive_ns - m->mark_ns < VALUE_EVERY_S * WK_NS_PER_S))
        return;
    m->mark = e->ticker.mark;
    m->mark_ns = e->receive_ns;
    tell_value(live, m, "mark", e, e->ticker.mark);
}

static wk_instrument describe(const wk__market *m, const wk_event *e)
{
    wk_instrument x = {.price_decimals = e->instrument.price_decimals,
                       .qty_decimals = e->instrument.qty_decimals,
                       .tick = e->instrument.price_increment,
                       .lot = e->instrument.qty_increment,
                       .qty_min = e->instrument.qty_min,
                       .cost_min = {.scale = -1},
                       .contract_value = m->contract,
                       .is_contract = m->config->contract_values.n > 0,
                       .is_tradable = e->instrument.is_tradable,
                       .maker_fee = NAN,
                       .taker_fee = NAN,
                       .initial_margin = NAN,
                       .maintenance_margin = NAN,
                       .read_ns = e->receive_ns};
    snprintf(x.venue, sizeof x.venue, "%s", m->about.venue);
    snprintf(x.symbol, sizeof x.symbol, "%s", m->about.symbol);
    snprintf(x.name_stream, sizeof x.name_stream, "%s", m->about.name_stream);
    const char *slash = strchr(m->about.name_stream, '/');
    if (slash) {
        snprintf(x.base, sizeof x.base, "%.*s", (int)(slash - m->about.name_stream),
                 m->about.name_stream);
        snprintf(x.quote, sizeof x.quote, "%.15s", slash + 1);
    }
    return x;
}

static void on_instrument(wk_live *live, wk__market *m, const wk_event *e)
{
    wk_instrument told = describe(m, e);
    bool is_new = m->instrument.read_ns == 0 ||
                  told.price_decimals != m->instrument.price_decimals ||
                  told.qty_decimals != m->instrument.qty_decimals ||
                  told.is_tradable != m->instrument.is_tradable ||
                  !is_same(told.tick, m->instrument.tick) || !is_same(told.lot, m->instrument.lot);
    bool is_rescaled = !m->book || told.price_decimals != m->instrument.price_decimals ||
                       told.qty_decimals != m->instrument.qty_decimals;
    m->instrument = told;
    if (is_new && live->sinks.instrument)
        live->sinks.instrument(live->sinks.ctx, (uint32_t)(m - live->markets), &told);
    if (!m->config->book || m->config->dialect != WK_LIVE_KRAKEN || !is_rescaled ||
        told.price_decimals < 0 || told.qty_decimals < 0)
        return;
    wk_err why;
    wk_book *book;
    if (wk_book_create(told.price_decimals, told.qty_decimals, (size_t)m->config->book_depth, &book,
                       &why) != WK_OK) {
        wk_log_write(WK_LOG_ERROR, "live.book", "market=%s/%s why=\"%s\"", m->about.venue,
                     m->about.symbol, why.msg);
        return;
    }
    wk_book_destroy(m->book);
    m->book = book;
    m->follower = (wk_book_follower){.book = book, .checksum = wk_book_checksum_kraken};
    wk__live_ask(live, m, WK_LIVE_CHANNEL_BOOK, e->receive_ns);
}

/* The channel that a reply speaks of, in any dialect; WK_LIVE_CHANNELS: none of ours. */
static wk_live_channel channel_named(const char *text)
{
    static const struct {
        const char *begins;
        wk_live_channel channel;
    } names[] = {{"ohlc", WK_LIVE_CHANNEL_CANDLES},  {"candle", WK_LIVE_CHANNEL_CANDLES},
                 {"trade", WK_LIVE_CHANNEL_TRADES},  {"all_trades", WK_LIVE_CHANNEL_TRADES},
                 {"ticker", WK_LIVE_CHANNEL_TICKER}, {"v2/ticker", WK_LIVE_CHANNEL_TICKER}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(text, names[i].begins, strlen(names[i].begins)) == 0)
            return names[i].channel;
    return WK_LIVE_CHANNELS;
}

static void on_subscribed(wk_live *live, wk__market *m, const wk_event *e)
{
    wk_live_channel channel = channel_named(e->text);
    if (channel == WK_LIVE_CHANNELS)
        return;
    int64_t from = e->exchange_ns ? e->exchange_ns : wk__live_venue_time(live, m, e->receive_ns);
    wk__live_subscribed(live, m, channel, from, e->receive_ns);
}

static void on_venue(wk_live *live, wk__venue *venue, const wk_event *e)
{
    wk__connection *c = live->connection;
    if (e->kind == WK_EVENT_PONG && c->ping_ns) {
        wk__clock_offset_ping(&venue->clock, c->ping_ns, e->exchange_ns, e->receive_ns);
        c->ping_ns = 0;
    } else if (e->kind == WK_EVENT_STATUS && strcmp(venue->status, e->text) != 0) {
        memcpy(venue->status, e->text, sizeof venue->status);
        wk_log_write(WK_LOG_INFO, "live.status", "venue=%s status=\"%s\"", venue->config->name,
                     e->text);
    } else if (e->kind == WK_EVENT_REFUSED) {
        venue->counts.refused++;
        if (venue->counts.refused <= 20 || venue->counts.refused % 1000 == 0)
            wk_log_write(WK_LOG_WARN, "live.refused", "connection=%s why=\"%s\"", c->name, e->text);
    } else if (e->kind == WK_EVENT_SUBSCRIBED && e->symbol == WK_SYMBOL_NONE) {
        for (uint32_t i = 0; i < c->n_markets; i++)
            on_subscribed(live, &live->markets[c->first_market + i], e);
    }
}

static bool is_snapshot(const wk_event *e)
{
    switch (e->kind) {
    case WK_EVENT_TRADE:
        return e->trade.is_snapshot;
    case WK_EVENT_CANDLE:
        return e->candle.is_snapshot;
    case WK_EVENT_BOOK_BEGIN:
        return e->book_begin.is_snapshot;
    default:
        return false;
    }
}

/* A time far from the venue's clock is a damaged one: it would close bars by the thousand. What our
 * own clock says does not matter, once a first message has told how far it is off. */
static bool has_impossible_time(const wk__venue *venue, const wk_event *e)
{
    int64_t now = e->receive_ns + venue->clock.offset_ns;
    if (!venue->clock.has_bound && !venue->clock.is_measured)
        return false;
    if (e->exchange_ns > now + FAR_NS ||
        (e->kind == WK_EVENT_CANDLE && e->candle.open_ns > now + FAR_NS))
        return true;
    return e->exchange_ns > 0 && e->exchange_ns < now - FAR_NS && !is_snapshot(e);
}

void wk__live_on_event(void *ctx, const wk_event *given)
{
    wk_live *live = ctx;
    wk__connection *c = live->connection;
    wk__venue *venue = &live->venues[c->venue];
    wk_event e = *given;
    wk__market *m = NULL;
    venue->counts.events++;
    if (e.symbol != WK_SYMBOL_NONE) {
        WK_ASSERT(e.symbol < c->n_markets);
        e.symbol += c->first_market;
        m = &live->markets[e.symbol];
    }
    bool is_impossible = has_impossible_time(venue, &e);
    venue->n_impossible_run = is_impossible ? venue->n_impossible_run + 1 : 0;
    if (venue->n_impossible_run >= IMPOSSIBLE_RUN) {
        /* Not they: what was taken for the venue's clock is wrong. */
        venue->clock = (wk__clock_offset){0};
        venue->n_impossible_run = 0;
        is_impossible = false;
    }
    if (is_impossible) {
        venue->counts.impossible++;
        e.exchange_ns = 0;
        if (e.kind == WK_EVENT_TRADE || e.kind == WK_EVENT_CANDLE)
            return;
    }
    /* Messages that leave the venue when they happen; a snapshot speaks of the past. */
    if ((e.kind == WK_EVENT_TRADE || e.kind == WK_EVENT_BOOK_BEGIN || e.kind == WK_EVENT_TICKER) &&
        !is_snapshot(&e))
        stamp(venue, &e);
    if (!m || e.kind == WK_EVENT_REFUSED) {
        on_venue(live, venue, &e);
    } else {
        switch (e.kind) {
        case WK_EVENT_TRADE:
            on_trade(live, m, &e);
            break;
        case WK_EVENT_CANDLE:
            on_candle(live, m, &e);
            break;
        case WK_EVENT_BOOK_BEGIN:
        case WK_EVENT_BOOK_LEVEL:
        case WK_EVENT_BOOK_END:
            on_book(live, m, &e);
            break;
        case WK_EVENT_TICKER:
            on_ticker(live, m, &e);
            break;
        case WK_EVENT_FUNDING:
            on_funding(live, m, &e);
            break;
        case WK_EVENT_OPEN_INTEREST:
            on_open_interest(live, m, &e);
            break;
        case WK_EVENT_INSTRUMENT:
            on_instrument(live, m, &e);
            break;
        case WK_EVENT_SUBSCRIBED:
            on_subscribed(live, m, &e);
            break;
        default:
            break;
        }
    }
    if (live->sinks.event && e.kind != WK_EVENT_HEARTBEAT && e.kind != WK_EVENT_PONG &&
        e.kind != WK_EVENT_SUBSCRIBED)
        live->sinks.event(live->sinks.ctx, &e, venue->clock.offset_ns);
}
