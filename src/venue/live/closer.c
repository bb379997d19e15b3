/* What goes out, and when. What comes in is in closer_streams.c. */
#include <stdlib.h>
#include <string.h>

#include "closer_internal.h"

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
    c->unasked_from_ns = NEVER;
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
    /* A note that was changed must not shift the bars. */
    c->known_until_ns = known_until_ns > 0 ? wk_bucket_start(known_until_ns, c->base_ns) : 0;
}

/* ---- rings ---- */

static final *final_slot(finals *f, int64_t time_ns)
{
    return &f->ring[(size_t)(time_ns / f->timeframe_ns) % f->n];
}

final *wk__closer_final_at(finals *f, int64_t time_ns)
{
    final *x = final_slot(f, time_ns);
    return x->time_ns == time_ns ? x : NULL;
}

detail *wk__closer_detail_at(wk__closer *c, int64_t time_ns)
{
    detail *d = &c->details[(size_t)(time_ns / c->base_ns) % DETAILS];
    return d->time_ns == time_ns ? d : NULL;
}

/* The bucket's detail, made when it is not there; NULL when it is too old to be kept. */
detail *wk__closer_detail_of(wk__closer *c, int64_t time_ns)
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

bool wk__closer_equal_bars(const wk__closed *a, const wk__closed *b)
{
    return wk__exact_compare(a->open, b->open) == 0 && wk__exact_compare(a->high, b->high) == 0 &&
           wk__exact_compare(a->low, b->low) == 0 && wk__exact_compare(a->close, b->close) == 0 &&
           wk__exact_compare(a->volume, b->volume) == 0 && a->provenance == b->provenance;
}

int64_t wk__closer_oldest_kept(const wk__closer *c, size_t timeframe)
{
    const finals *f = &c->finals[timeframe];
    return c->next_ns < 0 ? 0 : c->next_ns - (int64_t)(f->n - 1) * f->timeframe_ns;
}

/* Puts a bar into its ring and out, unless it is there already. Returns whether it went out. */
bool wk__closer_emit(wk__closer *c, size_t timeframe, const wk__closed *bar, int64_t arrival_ns)
{
    WK_ASSERT(wk_bucket_start(bar->time_ns, c->finals[timeframe].timeframe_ns) == bar->time_ns);
    final *f = final_slot(&c->finals[timeframe], bar->time_ns);
    if (f->time_ns > bar->time_ns || bar->time_ns < wk__closer_oldest_kept(c, timeframe)) {
        /* Too old to be remembered: out it goes, the store knows whether it is new. */
        c->options.bar(c->options.ctx, timeframe, bar, arrival_ns, false);
        return false;
    }
    bool is_revision = f->time_ns == bar->time_ns;
    if (is_revision && wk__closer_equal_bars(&f->bar, bar))
        return false;
    f->time_ns = bar->time_ns;
    f->bar = *bar;
    f->is_repaired = false;
    c->options.bar(c->options.ctx, timeframe, bar, arrival_ns, is_revision);
    return true;
}

wk_decimal wk__closer_larger(wk_decimal a, wk_decimal b)
{
    return wk__exact_compare(a, b) < 0 ? b : a;
}

wk_decimal wk__closer_smaller(wk_decimal a, wk_decimal b)
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
            const final *f = wk__closer_final_at(&c->finals[0], at);
            if (!f || at < wk__closer_oldest_kept(c, 0)) {
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
                whole.high = wk__closer_larger(whole.high, b->high);
                whole.low = wk__closer_smaller(whole.low, b->low);
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
        wk__closer_emit(c, t, &whole, arrival_ns);
    }
}

void wk__closer_emit_base(wk__closer *c, const wk__closed *bar, int64_t arrival_ns)
{
    if (!wk__closer_emit(c, 0, bar, arrival_ns))
        return;
    emit_multiples(c, bar->time_ns, arrival_ns);
    /* Bars without trades repeat the close before them. */
    wk__closed before = *bar;
    for (;;) {
        const final *f = wk__closer_final_at(&c->finals[0], before.time_ns + c->base_ns);
        if (!f || f->bar.provenance != WK_PROV_CONFIRMED_EMPTY ||
            wk__exact_compare(f->bar.close, before.close) == 0)
            return;
        wk__closed flat = f->bar;
        flat.open = flat.high = flat.low = flat.close = before.close;
        if (!wk__closer_emit(c, 0, &flat, arrival_ns))
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
    const detail *d = wk__closer_detail_at(c, time_ns);
    return d && d->has_candle && has_candle_of(c, time_ns) && candle_leads(d);
}

/* The bucket's bar, when the streams know it wholly. */
static bool make_bar(wk__closer *c, int64_t time_ns, wk__closed *out)
{
    const detail *d = wk__closer_detail_at(c, time_ns);
    bool whole_trades = has_trades_of(c, time_ns), whole_candle = has_candle_of(c, time_ns);
    if (whole_candle && d && d->has_candle && (!whole_trades || candle_leads(d))) {
        *out = d->candle;
        return true;
    }
    /* Fewer trades than the venue counted are not all of them, whatever their numbers say. */
    if (d && d->has_candle && d->candle_n > d->n_trades)
        return false;
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

void wk__closer_ask(wk__closer *c, int64_t from_ns, int64_t to_ns)
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
    if (wk__closer_final_at(&c->finals[0], at))
        return; /* repaired already */
    if (!make_bar(c, at, &bar)) {
        wk__closer_ask(c, at, at + c->base_ns);
        return;
    }
    const detail *d = wk__closer_detail_at(c, at);
    if (d && d->has_candle && d->n_trades && has_trades_of(c, at) && has_candle_of(c, at)) {
        wk__closed trades = from_trades(d);
        c->counts.disagree += !wk__closer_equal_bars(&trades, &d->candle);
    }
    wk__closer_emit_base(c, &bar, arrival_ns);
    /* As seen; what the late or lost trades make of it follows. */
    if (has_hole(c, at) && !candle_tells(c, at))
        wk__closer_ask(c, at, at + c->base_ns);
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
    wk__closer_ask(c, c->next_ns, to);
    c->next_ns = to;
}

/* Bars that could not be made when they were due, or were made of less than is known now. */
static void redo(wk__closer *c, int64_t from_ns, int64_t arrival_ns)
{
    int64_t oldest = c->next_ns - (DETAILS - 1) * c->base_ns;
    int64_t from = wk_bucket_start(from_ns, c->base_ns);
    for (int64_t at = from > oldest ? from : oldest; at < c->next_ns; at += c->base_ns) {
        wk__closed bar;
        const final *f = wk__closer_final_at(&c->finals[0], at);
        detail *d = wk__closer_detail_at(c, at);
        bool is_changed = d && d->is_changed;
        if (is_changed)
            d->is_changed = false;
        if (f && !is_changed) {
            /* What the streams say of it went out, or better from elsewhere; only the close that an
             * empty bar repeats may be another now. */
            if (f->bar.provenance == WK_PROV_CONFIRMED_EMPTY && !f->is_repaired &&
                make_bar(c, at, &bar) && bar.provenance == WK_PROV_CONFIRMED_EMPTY)
                wk__closer_emit_base(c, &bar, arrival_ns);
            continue;
        }
        bool is_known = make_bar(c, at, &bar), is_part = has_hole(c, at) && !candle_tells(c, at);
        bool is_better = f && f->is_repaired && is_part; /* than what the streams say */
        if (is_known && !is_better) {
            if (!f && bar.provenance == WK_PROV_TRADED)
                bar.provenance = WK_PROV_REPAIRED;
            /* What came late changes a bar; that it came late does not. */
            if (f && f->bar.provenance == WK_PROV_REPAIRED)
                bar.provenance = WK_PROV_REPAIRED;
            wk__closer_emit_base(c, &bar, arrival_ns);
        }
        /* The streams hold a part of it, and that changed: what came from elsewhere holds more, but
         * may be older than the change. */
        if (f && (!is_known || is_part))
            wk__closer_ask(c, at, at + c->base_ns);
    }
}

void wk__closer_settle(wk__closer *c, int64_t arrival_ns)
{
    if (c->next_ns < 0)
        return;
    if (c->touched_ns < c->next_ns)
        redo(c, c->touched_ns, arrival_ns);
    c->touched_ns = NEVER;
    if (c->unasked_from_ns != NEVER && c->n_ids_missing == 0)
        c->unasked_from_ns = NEVER; /* they came in the same message */
    if (c->unasked_from_ns != NEVER) {
        int64_t from = wk_bucket_start(c->unasked_from_ns, c->base_ns);
        int64_t to = wk_bucket_start(c->hole_to_ns, c->base_ns) + c->base_ns;
        c->unasked_from_ns = NEVER;
        for (to = to < c->next_ns ? to : c->next_ns; from < to && candle_tells(c, from);)
            from += c->base_ns;
        wk__closer_ask(c, from, to);
    }
    for (;;) {
        int64_t at = c->next_ns, end = at + c->base_ns;
        bool trades_passed = has_trades_of(c, at) && c->trade_newest_ns >= end && !has_hole(c, at);
        bool candles_passed = has_candle_of(c, at) && c->candle_newest_ns >= end;
        const detail *d = wk__closer_detail_at(c, at);
        bool agree = d && d->has_candle && d->candle_n == d->n_trades;
        bool is_over = c->options.uses_trades
                           ? trades_passed && (!c->options.uses_candles || candles_passed || agree)
                           : candles_passed;
        if (!is_over)
            return;
        wk__closer_close(c, arrival_ns);
    }
}
