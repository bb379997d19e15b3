#include "closer.h"

#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "wick/bars.h"
#include "wick/clock.h"

enum { DETAILS = 64, IDS = 4096, RATIO_MAX = 1440, SKIP_BUCKETS = 20000 };

#define NEVER INT64_MAX
#define GAP_FILLED_NS (60 * WK_NS_PER_S)
#define CARRIED_OVER_NS (5 * WK_NS_PER_S)

/* What the streams said of one bucket. */
typedef struct {
    int64_t time_ns; /* of the bucket; -1: the slot is free */
    /* from trades */
    int64_t n_trades;
    int64_t first_ns, first_id, last_ns, last_id;
    wk_decimal open, high, low, close;
    wk__sum volume;
    /* the venue's candle */
    bool has_candle;
    int64_t candle_n, candle_exchange_ns;
    wk__closed candle;
} detail;

/* What went out of one bucket. */
typedef struct {
    int64_t time_ns; /* -1: nothing */
    wk__closed bar;
} final;

typedef struct {
    int64_t timeframe_ns;
    final *ring;
    size_t n;
} finals;

struct wk__closer {
    wk__closer_options options;
    int64_t base_ns;
    detail details[DETAILS];
    finals finals[WK__TIMEFRAMES_MAX];
    int64_t next_ns;        /* the bucket that closes next; -1: no stream yet */
    int64_t known_until_ns; /* 0: nothing is stored */
    bool has_asked_history;
    int64_t history_from_ns; /* what the first stream began by asking for */
    bool has_last;
    wk_decimal last; /* the newest price, for bars without trades */
    int64_t last_ns;
    /* Trades are whole from trades_from_ns on, candles from candles_from_ns. */
    int64_t trades_from_ns, candles_from_ns;
    int64_t before_gap_ns; /* what trades_from_ns was before the gap that may yet be filled */
    int64_t trade_newest_ns, candle_newest_ns;
    int64_t id_newest; /* 0: none yet */
    uint64_t ids[IDS / 64];
    int64_t n_ids_missing;
    /* While ids are missing in a stream that is up: they are of trades in [from, to]. */
    int64_t hole_from_ns, hole_to_ns;
    bool is_hole_asked;
    int64_t touched_ns; /* oldest closed bucket that changed in this message; NEVER */
    wk__closer_counts counts;
};

wk_status wk__closer_create(const wk__closer_options *options, wk__closer **out, wk_err *err)
{
    WK_ASSERT(options->n_timeframes >= 1 && options->n_timeframes <= WK__TIMEFRAMES_MAX);
    wk__closer *c = calloc(1, sizeof *c);
    if (!c)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    c->options = *options;
    c->base_ns = options->timeframes_ns[0];
    c->next_ns = -1;
    c->trades_from_ns = c->candles_from_ns = c->before_gap_ns = c->touched_ns = NEVER;
    c->trade_newest_ns = c->candle_newest_ns = -1;
    for (size_t i = 0; i < DETAILS; i++)
        c->details[i].time_ns = -1;
    int64_t longest = options->timeframes_ns[options->n_timeframes - 1];
    for (size_t t = 0; t < options->n_timeframes; t++) {
        int64_t ns = options->timeframes_ns[t];
        WK_ASSERT(ns % c->base_ns == 0 && ns / c->base_ns <= RATIO_MAX);
        WK_ASSERT(t == 0 || ns > options->timeframes_ns[t - 1]);
        size_t n = t ? DETAILS : (size_t)(2 * longest / c->base_ns) + DETAILS;
        c->finals[t] = (finals){.timeframe_ns = ns, .ring = malloc(n * sizeof(final)), .n = n};
        if (!c->finals[t].ring) {
            wk__closer_destroy(c);
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        }
        for (size_t i = 0; i < n; i++)
            c->finals[t].ring[i].time_ns = -1;
    }
    *out = c;
    return WK_OK;
}

void wk__closer_destroy(wk__closer *c)
{
    if (!c)
        return;
    for (size_t t = 0; t < WK__TIMEFRAMES_MAX; t++)
        free(c->finals[t].ring);
    free(c);
}

void wk__closer_resume(wk__closer *c, int64_t known_until_ns)
{
    c->known_until_ns = known_until_ns;
}

/* ---- rings ---- */

static final *final_slot(finals *f, int64_t time_ns)
{
    return &f->ring[(size_t)(time_ns / f->timeframe_ns) % f->n];
}

static final *final_at(finals *f, int64_t time_ns)
{
    final *x = final_slot(f, time_ns);
    return x->time_ns == time_ns ? x : NULL;
}

static detail *detail_at(wk__closer *c, int64_t time_ns)
{
    detail *d = &c->details[(size_t)(time_ns / c->base_ns) % DETAILS];
    return d->time_ns == time_ns ? d : NULL;
}

/* The bucket's detail, made when it is not there; NULL when it is too old to be kept. */
static detail *detail_of(wk__closer *c, int64_t time_ns)
{
    detail *d = &c->details[(size_t)(time_ns / c->base_ns) % DETAILS];
    if (d->time_ns > time_ns)
        return NULL;
    if (d->time_ns < time_ns) {
        memset(d, 0, sizeof *d);
        d->time_ns = time_ns;
    }
    return d;
}

/* ---- what goes out ---- */

static bool equal_bars(const wk__closed *a, const wk__closed *b)
{
    return wk__exact_compare(a->open, b->open) == 0 && wk__exact_compare(a->high, b->high) == 0 &&
           wk__exact_compare(a->low, b->low) == 0 && wk__exact_compare(a->close, b->close) == 0 &&
           wk__exact_compare(a->volume, b->volume) == 0 && a->provenance == b->provenance;
}

static int64_t oldest_kept(const wk__closer *c, size_t timeframe)
{
    const finals *f = &c->finals[timeframe];
    return c->next_ns < 0 ? 0 : c->next_ns - (int64_t)(f->n - 1) * f->timeframe_ns;
}

/* Puts a bar into its ring and out, unless it is there already. Returns whether it went out. */
static bool emit(wk__closer *c, size_t timeframe, const wk__closed *bar, int64_t arrival_ns)
{
    WK_ASSERT(wk_bucket_start(bar->time_ns, c->finals[timeframe].timeframe_ns) == bar->time_ns);
    final *f = final_slot(&c->finals[timeframe], bar->time_ns);
    if (f->time_ns > bar->time_ns || bar->time_ns < oldest_kept(c, timeframe)) {
        /* Too old to be remembered: out it goes, the store knows whether it is new. */
        c->options.bar(c->options.ctx, timeframe, bar, arrival_ns, false);
        return false;
    }
    bool is_revision = f->time_ns == bar->time_ns;
    if (is_revision && equal_bars(&f->bar, bar))
        return false;
    f->time_ns = bar->time_ns;
    f->bar = *bar;
    c->options.bar(c->options.ctx, timeframe, bar, arrival_ns, is_revision);
    return true;
}

static wk_decimal larger(wk_decimal a, wk_decimal b)
{
    return wk__exact_compare(a, b) < 0 ? b : a;
}

static wk_decimal smaller(wk_decimal a, wk_decimal b)
{
    return wk__exact_compare(b, a) < 0 ? b : a;
}

/* The longer bars that hold this bucket, when all of their parts are known. */
static void emit_multiples(wk__closer *c, int64_t time_ns, int64_t arrival_ns)
{
    for (size_t t = 1; t < c->options.n_timeframes; t++) {
        int64_t start = wk_bucket_start(time_ns, c->finals[t].timeframe_ns);
        wk__closed whole = {.time_ns = start, .provenance = WK_PROV_CONFIRMED_EMPTY};
        wk__sum volume = {0};
        bool is_whole = true, is_repaired = false, has_trades = false;
        for (int64_t at = start; is_whole && at < start + c->finals[t].timeframe_ns;
             at += c->base_ns) {
            const final *f = final_at(&c->finals[0], at);
            if (!f) {
                is_whole = false;
                break;
            }
            const wk__closed *b = &f->bar;
            bool is_empty = b->provenance == WK_PROV_CONFIRMED_EMPTY;
            /* Prices are those of trades; the closes that empty bars repeat are none. */
            if (at == start || (!is_empty && !has_trades)) {
                whole.open = b->open;
                whole.high = b->high;
                whole.low = b->low;
            }
            if (!is_empty || !has_trades) {
                whole.high = larger(whole.high, b->high);
                whole.low = smaller(whole.low, b->low);
                whole.close = b->close;
            }
            has_trades |= !is_empty;
            wk__sum_add(&volume, b->volume);
            is_repaired |= b->provenance == WK_PROV_REPAIRED;
        }
        if (!is_whole)
            continue;
        if (has_trades)
            whole.provenance = is_repaired ? WK_PROV_REPAIRED : WK_PROV_TRADED;
        whole.volume = wk__sum_value(&volume);
        emit(c, t, &whole, arrival_ns);
    }
}

static void emit_base(wk__closer *c, const wk__closed *bar, int64_t arrival_ns)
{
    if (!emit(c, 0, bar, arrival_ns))
        return;
    emit_multiples(c, bar->time_ns, arrival_ns);
    /* Bars without trades repeat the close before them. */
    wk__closed before = *bar;
    for (;;) {
        const final *f = final_at(&c->finals[0], before.time_ns + c->base_ns);
        if (!f || f->bar.provenance != WK_PROV_CONFIRMED_EMPTY ||
            wk__exact_compare(f->bar.close, before.close) == 0)
            return;
        wk__closed flat = f->bar;
        flat.open = flat.high = flat.low = flat.close = before.close;
        if (!emit(c, 0, &flat, arrival_ns))
            return;
        emit_multiples(c, flat.time_ns, arrival_ns);
        before = flat;
    }
}

/* ---- what the streams say together ---- */

static bool has_trades_of(const wk__closer *c, int64_t time_ns)
{
    return c->options.uses_trades && c->trades_from_ns <= time_ns;
}

static bool has_candle_of(const wk__closer *c, int64_t time_ns)
{
    return c->options.uses_candles && c->candles_from_ns <= time_ns;
}

static bool has_hole(const wk__closer *c, int64_t time_ns)
{
    return c->n_ids_missing && c->hole_from_ns < time_ns + c->base_ns && c->hole_to_ns >= time_ns;
}

static bool price_before(const wk__closer *c, int64_t time_ns, wk_decimal *price)
{
    for (int64_t at = time_ns - c->base_ns; at > time_ns - DETAILS * c->base_ns; at -= c->base_ns) {
        const final *f = &c->finals[0].ring[(size_t)(at / c->base_ns) % c->finals[0].n];
        if (f->time_ns == at) {
            *price = f->bar.close;
            return true;
        }
        const detail *d = &c->details[(size_t)(at / c->base_ns) % DETAILS];
        if (d->time_ns == at && d->n_trades) {
            *price = d->close;
            return true;
        }
    }
    if (c->has_last && c->last_ns < time_ns) {
        *price = c->last;
        return true;
    }
    return false;
}

static wk__closed from_trades(const detail *d)
{
    return (wk__closed){.time_ns = d->time_ns,
                        .open = d->open,
                        .high = d->high,
                        .low = d->low,
                        .close = d->close,
                        .volume = wk__sum_value(&d->volume),
                        .provenance = WK_PROV_TRADED};
}

/* Does the candle say at least as much as the whole trades? One that does not count its trades
 * cannot tell. */
static bool candle_leads(const detail *d)
{
    return d->candle_n >= 0 && d->candle_n >= d->n_trades;
}

/* The bucket's bar is the venue's own candle: lost trades cost nothing. */
static bool candle_tells(wk__closer *c, int64_t time_ns)
{
    const detail *d = detail_at(c, time_ns);
    return d && d->has_candle && has_candle_of(c, time_ns) && candle_leads(d);
}

/* The bucket's bar, when the streams know it wholly. */
static bool make_bar(wk__closer *c, int64_t time_ns, wk__closed *out)
{
    const detail *d = detail_at(c, time_ns);
    bool whole_trades = has_trades_of(c, time_ns), whole_candle = has_candle_of(c, time_ns);
    if (whole_candle && d && d->has_candle && (!whole_trades || candle_leads(d))) {
        *out = d->candle;
        return true;
    }
    if (whole_trades && d && d->n_trades) {
        *out = from_trades(d);
        return true;
    }
    if (whole_candle || whole_trades) {
        wk__closed flat = {.time_ns = time_ns, .provenance = WK_PROV_CONFIRMED_EMPTY};
        if (!price_before(c, time_ns, &flat.close))
            return false;
        flat.open = flat.high = flat.low = flat.close;
        *out = flat;
        return true;
    }
    return false;
}

static void ask(wk__closer *c, int64_t from_ns, int64_t to_ns)
{
    if (from_ns < to_ns)
        c->options.missing(c->options.ctx, from_ns, to_ns);
}

void wk__closer_close(wk__closer *c, int64_t arrival_ns)
{
    int64_t at = c->next_ns;
    WK_ASSERT(at >= 0);
    wk__closed bar;
    c->next_ns = at + c->base_ns;
    if (final_at(&c->finals[0], at))
        return; /* repaired already */
    if (!make_bar(c, at, &bar)) {
        ask(c, at, at + c->base_ns);
        return;
    }
    const detail *d = detail_at(c, at);
    if (d && d->has_candle && d->n_trades && has_trades_of(c, at) && has_candle_of(c, at)) {
        wk__closed trades = from_trades(d);
        c->counts.disagree += !equal_bars(&trades, &d->candle);
    }
    emit_base(c, &bar, arrival_ns);
    /* As seen; what the late or lost trades make of it follows. */
    if (has_hole(c, at) && !candle_tells(c, at))
        ask(c, at, at + c->base_ns);
}

int64_t wk__closer_due(const wk__closer *c)
{
    return c->next_ns < 0 ? NEVER : c->next_ns + c->base_ns + c->options.grace_ns;
}

void wk__closer_skip(wk__closer *c, int64_t venue_ns)
{
    if (c->next_ns < 0 || (venue_ns - c->next_ns) / c->base_ns <= SKIP_BUCKETS)
        return;
    int64_t to = wk_bucket_start(venue_ns, c->base_ns) - DETAILS * c->base_ns;
    ask(c, c->next_ns, to);
    c->next_ns = to;
}

/* Bars that could not be made when they were due, or were made of less than is known now. */
static void redo(wk__closer *c, int64_t from_ns, int64_t arrival_ns)
{
    int64_t oldest = c->next_ns - (DETAILS - 1) * c->base_ns;
    int64_t from = wk_bucket_start(from_ns, c->base_ns);
    for (int64_t at = from > oldest ? from : oldest; at < c->next_ns; at += c->base_ns) {
        wk__closed bar;
        const final *f = final_at(&c->finals[0], at);
        const detail *d = detail_at(c, at);
        if ((f && !d) || !make_bar(c, at, &bar))
            continue;
        if (!f && bar.provenance == WK_PROV_TRADED)
            bar.provenance = WK_PROV_REPAIRED;
        /* What came late changes a bar; that it came late does not. */
        if (f && f->bar.provenance == WK_PROV_REPAIRED)
            bar.provenance = WK_PROV_REPAIRED;
        emit_base(c, &bar, arrival_ns);
    }
}

void wk__closer_settle(wk__closer *c, int64_t arrival_ns)
{
    if (c->next_ns < 0)
        return;
    if (c->touched_ns < c->next_ns)
        redo(c, c->touched_ns, arrival_ns);
    c->touched_ns = NEVER;
    if (c->n_ids_missing && !c->is_hole_asked) {
        int64_t from = wk_bucket_start(c->hole_from_ns, c->base_ns);
        int64_t to = wk_bucket_start(c->hole_to_ns, c->base_ns) + c->base_ns;
        c->is_hole_asked = true;
        for (to = to < c->next_ns ? to : c->next_ns; from < to && candle_tells(c, from);)
            from += c->base_ns;
        ask(c, from, to);
    }
    for (;;) {
        int64_t at = c->next_ns, end = at + c->base_ns;
        bool trades_passed = has_trades_of(c, at) && c->trade_newest_ns >= end && !has_hole(c, at);
        bool candles_passed = has_candle_of(c, at) && c->candle_newest_ns >= end;
        const detail *d = detail_at(c, at);
        bool agree = d && d->has_candle && d->candle_n == d->n_trades;
        bool is_over = c->options.uses_trades
                           ? trades_passed && (!c->options.uses_candles || candles_passed || agree)
                           : candles_passed;
        if (!is_over)
            return;
        wk__closer_close(c, arrival_ns);
    }
}

/* ---- the streams come and go ---- */

static void begin(wk__closer *c, int64_t venue_ns)
{
    if (c->next_ns < 0)
        c->next_ns = wk_bucket_start(venue_ns, c->base_ns);
    if (c->has_asked_history)
        return;
    c->has_asked_history = true;
    int64_t longest = c->options.timeframes_ns[c->options.n_timeframes - 1];
    int64_t from = wk_bucket_start(c->next_ns, longest);
    if (c->known_until_ns && c->known_until_ns < from)
        from = c->known_until_ns;
    c->history_from_ns = from;
    ask(c, from, c->next_ns);
}

void wk__closer_up(wk__closer *c, wk__stream stream, int64_t venue_ns)
{
    if (stream == WK__STREAM_CANDLES) {
        if (c->candles_from_ns == NEVER)
            c->candles_from_ns = venue_ns;
    } else if (c->trades_from_ns == NEVER) {
        c->trades_from_ns = venue_ns;
    }
    begin(c, venue_ns);
}

void wk__closer_down(wk__closer *c, wk__stream stream)
{
    if (stream == WK__STREAM_CANDLES) {
        c->candles_from_ns = NEVER;
        return;
    }
    if (c->trades_from_ns != NEVER && c->before_gap_ns == NEVER)
        c->before_gap_ns = c->trades_from_ns;
    c->trades_from_ns = NEVER;
}

static void forget_ids(wk__closer *c)
{
    memset(c->ids, 0xff, sizeof c->ids);
    c->n_ids_missing = 0;
}

/* Ids between the newest one and this are not there (yet): trades that are told late, or lost. */
static void skip_ids(wk__closer *c, int64_t id, int64_t n_skipped, int64_t exchange_ns)
{
    c->counts.gaps++;
    /* What has been away for so long does not come any more, and must not hide a new gap. */
    if (c->n_ids_missing && c->before_gap_ns == NEVER &&
        exchange_ns - c->hole_to_ns > GAP_FILLED_NS)
        forget_ids(c);
    if (n_skipped >= IDS - 1) {
        forget_ids(c);
        c->before_gap_ns = NEVER;
        if (c->trades_from_ns != NEVER)
            c->trades_from_ns = exchange_ns + 1;
        return;
    }
    if (c->n_ids_missing == 0) {
        c->hole_from_ns = c->trade_newest_ns;
        c->is_hole_asked = false;
    }
    c->hole_to_ns = exchange_ns;
    for (int64_t k = c->id_newest + 1; k < id; k++)
        c->ids[k / 64 % (IDS / 64)] &= ~(UINT64_C(1) << (k % 64));
    c->n_ids_missing += n_skipped;
}

/* Marks an id as seen. False: it was seen before (or is older than what is remembered). */
static bool take_id(wk__closer *c, int64_t id, int64_t exchange_ns)
{
    if (c->id_newest == 0) {
        memset(c->ids, 0xff, sizeof c->ids); /* what came before us is not missed */
        c->id_newest = id;
        return true;
    }
    if (id <= c->id_newest) {
        uint64_t bit = UINT64_C(1) << (id % 64), *word = &c->ids[id / 64 % (IDS / 64)];
        if (c->id_newest - id >= IDS || (*word & bit))
            return false;
        *word |= bit;
        if (c->n_ids_missing > 0)
            c->n_ids_missing--;
        return true;
    }
    int64_t n_skipped = id - c->id_newest - 1;
    if (n_skipped > 0)
        skip_ids(c, id, n_skipped, exchange_ns);
    c->ids[id / 64 % (IDS / 64)] |= UINT64_C(1) << (id % 64);
    c->id_newest = id;
    return true;
}

/* All ids are there again: the stream has been whole since before the gap. */
static void mend(wk__closer *c)
{
    if (c->n_ids_missing != 0 || c->before_gap_ns == NEVER || c->trades_from_ns == NEVER)
        return;
    if (c->before_gap_ns < c->trades_from_ns) {
        c->trades_from_ns = c->before_gap_ns;
        c->touched_ns = c->touched_ns < c->before_gap_ns ? c->touched_ns : c->before_gap_ns;
    }
    c->before_gap_ns = NEVER;
}

static void add_trade(detail *d, const wk_event *e)
{
    wk_decimal price = e->trade.price;
    int64_t at = e->exchange_ns, id = e->trade.id;
    if (d->n_trades == 0 || at < d->first_ns || (at == d->first_ns && id < d->first_id)) {
        d->open = price;
        d->first_ns = at;
        d->first_id = id;
    }
    if (d->n_trades == 0 || at > d->last_ns || (at == d->last_ns && id >= d->last_id)) {
        d->close = price;
        d->last_ns = at;
        d->last_id = id;
    }
    d->high = d->n_trades ? larger(d->high, price) : price;
    d->low = d->n_trades ? smaller(d->low, price) : price;
    wk__sum_add(&d->volume, e->trade.qty);
    d->n_trades++;
}

void wk__closer_trade(wk__closer *c, const wk_event *e)
{
    if (e->trade.price.digits <= 0 || e->trade.qty.digits < 0 || e->exchange_ns <= 0) {
        c->counts.impossible++;
        return;
    }
    if (!c->has_last || e->exchange_ns >= c->last_ns) {
        c->last = e->trade.price;
        c->last_ns = e->exchange_ns;
        c->has_last = true;
    }
    if (e->trade.id == 0 && e->trade.is_snapshot)
        return; /* nothing tells which of these are known */
    if (e->trade.id > 0 && !take_id(c, e->trade.id, e->exchange_ns)) {
        c->counts.duplicates++;
        mend(c); /* the newest we had is the newest there was */
        return;
    }
    c->counts.trades++;
    int64_t at = wk_bucket_start(e->exchange_ns, c->base_ns);
    detail *d = detail_of(c, at);
    if (!d) {
        c->counts.too_late++;
    } else {
        add_trade(d, e);
        if (c->next_ns >= 0 && at < c->next_ns) {
            c->counts.late += final_at(&c->finals[0], at) != NULL;
            c->touched_ns = at < c->touched_ns ? at : c->touched_ns;
        }
    }
    if (e->exchange_ns > c->trade_newest_ns)
        c->trade_newest_ns = e->exchange_ns;
    if (e->trade.id > 0)
        mend(c);
}

static const char *candle_problem(const wk_event *e)
{
    wk_bar bar = {.time_ns = e->candle.open_ns,
                  .open = wk_decimal_to_double(e->candle.open),
                  .high = wk_decimal_to_double(e->candle.high),
                  .low = wk_decimal_to_double(e->candle.low),
                  .close = wk_decimal_to_double(e->candle.close),
                  .volume = wk_decimal_to_double(e->candle.volume)};
    return wk_bar_problem(&bar);
}

/* Delta's compact candle has no start, and a frame just behind a boundary may still carry the
 * bucket before it: the same figures again are not a new candle. */
static bool is_carried_over(wk__closer *c, const wk_event *e)
{
    const detail *before = detail_at(c, e->candle.open_ns - c->base_ns);
    if (e->candle.n_trades >= 0 || e->candle.volume.digits == 0 || !before || !before->has_candle ||
        e->exchange_ns - e->candle.open_ns > CARRIED_OVER_NS)
        return false;
    wk__closed same = before->candle;
    same.open = e->candle.open;
    same.high = e->candle.high;
    same.low = e->candle.low;
    same.close = e->candle.close;
    same.volume = e->candle.volume;
    return equal_bars(&same, &before->candle);
}

void wk__closer_candle(wk__closer *c, const wk_event *e)
{
    if (e->candle.timeframe_ns != c->base_ns)
        return;
    int64_t at = e->candle.open_ns;
    if (at <= 0 || wk_bucket_start(at, c->base_ns) != at || candle_problem(e)) {
        c->counts.impossible++;
        return;
    }
    /* A snapshot tells the running bucket as it is: that one is whole too. */
    if (e->candle.is_snapshot && c->candles_from_ns != NEVER && e->exchange_ns > 0) {
        int64_t running = wk_bucket_start(e->exchange_ns, c->base_ns);
        if (running < c->candles_from_ns)
            c->candles_from_ns = running;
    }
    if (is_carried_over(c, e))
        return;
    bool is_empty = e->candle.volume.digits == 0 && e->candle.n_trades <= 0;
    detail *d = detail_of(c, at);
    if (!d) {
        c->counts.too_late++;
        return;
    }
    /* A duplicate or reordered message must not take an older state for the newer one. */
    if (d->has_candle &&
        (e->candle.n_trades < d->candle_n || e->exchange_ns < d->candle_exchange_ns))
        return;
    d->has_candle = true;
    d->candle_exchange_ns = e->exchange_ns;
    d->candle_n = e->candle.n_trades;
    d->candle = (wk__closed){.time_ns = at,
                             .open = e->candle.open,
                             .high = e->candle.high,
                             .low = e->candle.low,
                             .close = e->candle.close,
                             .volume = e->candle.volume,
                             .provenance = is_empty ? WK_PROV_CONFIRMED_EMPTY : WK_PROV_TRADED};
    if (!c->has_last || at + c->base_ns > c->last_ns) {
        c->last = e->candle.close;
        c->last_ns = at;
        c->has_last = true;
    }
    if (at > c->candle_newest_ns)
        c->candle_newest_ns = at;
    if (c->next_ns < 0 || at >= c->next_ns)
        return;
    /* A closed bucket: a correction, or (from a snapshot) what was missed while nobody listened.
     * Rows of a snapshot before that are left alone: it leaves quiet buckets out, which would look
     * like gaps. */
    const final *f = final_at(&c->finals[0], at);
    if (f || !e->candle.is_snapshot || at < c->known_until_ns || at < c->history_from_ns) {
        c->touched_ns = at < c->touched_ns ? at : c->touched_ns;
        return;
    }
    wk__closed bar = d->candle;
    if (bar.provenance == WK_PROV_TRADED)
        bar.provenance = WK_PROV_REPAIRED;
    emit_base(c, &bar, e->receive_ns);
}

void wk__closer_repair(wk__closer *c, size_t timeframe, const wk__closed *bar, int64_t arrival_ns)
{
    WK_ASSERT(timeframe < c->options.n_timeframes);
    if (timeframe > 0) {
        emit(c, timeframe, bar, arrival_ns);
        return;
    }
    if (c->next_ns >= 0 && bar->time_ns >= c->next_ns)
        return; /* it has not closed for us yet */
    const final *f = final_at(&c->finals[0], bar->time_ns);
    if (f) {
        wk__closed same = *bar;
        same.provenance = f->bar.provenance;
        if (equal_bars(&same, &f->bar))
            return;
        /* A correction of what was seen is as strong as that. */
        same.provenance = bar->provenance;
        if (bar->provenance == WK_PROV_REPAIRED && f->bar.provenance != WK_PROV_REPAIRED)
            same.provenance = WK_PROV_TRADED;
        emit_base(c, &same, arrival_ns);
        return;
    }
    if (!c->has_last || bar->time_ns > c->last_ns) {
        c->last = bar->close;
        c->last_ns = bar->time_ns;
        c->has_last = true;
    }
    emit_base(c, bar, arrival_ns);
}

void wk__closer_count(const wk__closer *c, wk__closer_counts *out)
{
    *out = c->counts;
}
