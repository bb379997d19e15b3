/* What comes in: streams, trades with their numbers, candles, repairs. */
#include <string.h>

#include "closer_internal.h"

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
    wk__closer_ask(c, from, c->next_ns);
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

void wk__closer_doubt(wk__closer *c, int64_t from_ns)
{
    int64_t from = wk_bucket_start(from_ns, c->base_ns);
    if (c->next_ns >= 0)
        wk__closer_ask(c, from < 0 ? 0 : from, c->next_ns);
}

static void forget_ids(wk__closer *c)
{
    memset(c->ids, 0xff, sizeof c->ids);
    c->n_ids_missing = 0;
}

/* Ids between the newest one and this are not there (yet): trades that are told late, or lost. */
static void skip_ids(wk__closer *c, int64_t id, int64_t n_skipped, int64_t exchange_ns,
                     int64_t venue_ns)
{
    c->counts.gaps++;
    /* What has been away for so long does not come any more, and must not hide a new gap. Nor does
     * what fills the new one prove that the old one lost nothing. */
    if (c->n_ids_missing && c->before_gap_ns == NEVER &&
        exchange_ns - c->hole_to_ns > GAP_FILLED_NS) {
        forget_ids(c);
        if (c->trades_from_ns <= c->hole_to_ns)
            c->trades_from_ns = c->hole_to_ns + 1;
    }
    if (n_skipped >= IDS - 1) {
        forget_ids(c);
        c->before_gap_ns = NEVER;
        if (c->trades_from_ns != NEVER)
            c->trades_from_ns = exchange_ns + 1;
        return;
    }
    if (c->n_ids_missing == 0)
        c->hole_from_ns = c->trade_newest_ns;
    /* Each jump, also while an earlier one is open: its bars may have closed without it. */
    if (c->trade_newest_ns < c->unasked_from_ns)
        c->unasked_from_ns = c->trade_newest_ns;
    /* The trade behind the jump may itself be told late: only its arrival is behind what is lost.
     */
    int64_t to_ns = exchange_ns > c->trade_newest_ns ? exchange_ns : c->trade_newest_ns;
    c->hole_to_ns = to_ns > venue_ns ? to_ns : venue_ns;
    for (int64_t k = c->id_newest + 1; k < id; k++)
        c->ids[k / 64 % (IDS / 64)] &= ~(UINT64_C(1) << (k % 64));
    c->n_ids_missing += n_skipped;
}

/* Marks an id as seen. False: it was seen before (or is older than what is remembered). */
static bool take_id(wk__closer *c, int64_t id, int64_t exchange_ns, int64_t venue_ns)
{
    if (c->id_newest == 0) {
        memset(c->ids, 0xff, sizeof c->ids); /* what came before us is not missed */
        c->id_newest = id;
        c->before_gap_ns = NEVER; /* nor does it prove that a gap before it lost nothing */
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
        skip_ids(c, id, n_skipped, exchange_ns, venue_ns);
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
    d->high = d->n_trades ? wk__closer_larger(d->high, price) : price;
    d->low = d->n_trades ? wk__closer_smaller(d->low, price) : price;
    wk__sum_add(&d->volume, e->trade.qty);
    d->n_trades++;
}

void wk__closer_trade(wk__closer *c, const wk_event *e, int64_t venue_ns)
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
    if (e->trade.id > 0 && !take_id(c, e->trade.id, e->exchange_ns, venue_ns)) {
        c->counts.duplicates++;
        mend(c); /* the newest we had is the newest there was */
        return;
    }
    c->counts.trades++;
    int64_t at = wk_bucket_start(e->exchange_ns, c->base_ns);
    detail *d = wk__closer_detail_of(c, at);
    if (!d) {
        c->counts.too_late++;
    } else {
        add_trade(d, e);
        if (c->next_ns >= 0 && at < c->next_ns) {
            c->counts.late += wk__closer_final_at(&c->finals[0], at) != NULL;
            c->touched_ns = at < c->touched_ns ? at : c->touched_ns;
            d->is_changed = true;
        }
    }
    if (e->exchange_ns > c->trade_newest_ns)
        c->trade_newest_ns = e->exchange_ns;
    if (e->trade.id > 0)
        mend(c);
}

static const char *candle_problem(const wk_event *e, wk_decimal volume)
{
    wk_bar bar = {.time_ns = e->candle.open_ns,
                  .open = wk_decimal_to_double(e->candle.open),
                  .high = wk_decimal_to_double(e->candle.high),
                  .low = wk_decimal_to_double(e->candle.low),
                  .close = wk_decimal_to_double(e->candle.close),
                  .volume = wk_decimal_to_double(volume)};
    return wk_bar_problem(&bar);
}

/* Delta's compact candle has no start, and a frame just behind a boundary may still carry the
 * bucket before it: the same figures again are not a new candle. */
static bool is_carried_over(wk__closer *c, const wk_event *e)
{
    const detail *before = wk__closer_detail_at(c, e->candle.open_ns - c->base_ns);
    if (e->candle.n_trades >= 0 || e->candle.volume.digits == 0 || !before || !before->has_candle ||
        e->exchange_ns - e->candle.open_ns > CARRIED_OVER_NS)
        return false;
    wk__closed same = before->candle;
    same.open = e->candle.open;
    same.high = e->candle.high;
    same.low = e->candle.low;
    same.close = e->candle.close;
    same.volume = e->candle.volume;
    return wk__closer_equal_bars(&same, &before->candle);
}

/* Closed, and so long ago that what the streams said of it is not kept any more. */
static bool is_behind_details(wk__closer *c, int64_t time_ns)
{
    return c->next_ns >= 0 && time_ns < c->next_ns - (DETAILS - 1) * c->base_ns &&
           time_ns >= wk__closer_oldest_kept(c, 0) && wk__closer_final_at(&c->finals[0], time_ns);
}

/* A snapshot is the venue's last word; another message may be an older one that comes late, and
 * the venue is asked. */
static void correct_old(wk__closer *c, const wk__closed *bar, const wk_event *e)
{
    const final *f = wk__closer_final_at(&c->finals[0], bar->time_ns);
    wk__closed same = *bar;
    same.provenance = f->bar.provenance;
    c->counts.too_late++;
    if (wk__closer_equal_bars(&same, &f->bar))
        return;
    if (!e->candle.is_snapshot) {
        wk__closer_ask(c, bar->time_ns, bar->time_ns + c->base_ns);
        return;
    }
    same.provenance = bar->provenance;
    if (f->bar.provenance == WK_PROV_REPAIRED && bar->provenance == WK_PROV_TRADED)
        same.provenance = WK_PROV_REPAIRED;
    wk__closer_emit_base(c, &same, e->receive_ns);
}

void wk__closer_candle(wk__closer *c, const wk_event *e)
{
    if (e->candle.timeframe_ns != c->base_ns)
        return;
    int64_t at = e->candle.open_ns;
    /* Candles of a mark price tell none: nothing trades there, and yet they are not empty. */
    bool is_told = e->candle.volume.scale >= 0;
    wk_decimal volume = is_told ? e->candle.volume : (wk_decimal){0};
    if (at <= 0 || wk_bucket_start(at, c->base_ns) != at || candle_problem(e, volume)) {
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
    bool is_empty = is_told && volume.digits == 0 && e->candle.n_trades <= 0;
    if (is_behind_details(c, at)) {
        wk__closed bar = {.time_ns = at,
                          .open = e->candle.open,
                          .high = e->candle.high,
                          .low = e->candle.low,
                          .close = e->candle.close,
                          .volume = volume,
                          .provenance = is_empty ? WK_PROV_CONFIRMED_EMPTY : WK_PROV_TRADED};
        correct_old(c, &bar, e);
        return;
    }
    detail *d = wk__closer_detail_of(c, at);
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
                             .volume = volume,
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
    const final *f = wk__closer_final_at(&c->finals[0], at);
    if (f || !e->candle.is_snapshot || at < c->known_until_ns || at < c->history_from_ns) {
        c->touched_ns = at < c->touched_ns ? at : c->touched_ns;
        wk__closed same = d->candle;
        same.provenance = f ? f->bar.provenance : same.provenance;
        d->is_changed |= !f || !wk__closer_equal_bars(&same, &f->bar);
        return;
    }
    wk__closed bar = d->candle;
    if (bar.provenance == WK_PROV_TRADED)
        bar.provenance = WK_PROV_REPAIRED;
    wk__closer_emit_base(c, &bar, e->receive_ns);
}

void wk__closer_repair(wk__closer *c, size_t timeframe, const wk__closed *bar, int64_t arrival_ns)
{
    WK_ASSERT(timeframe < c->options.n_timeframes);
    if (c->next_ns >= 0 && bar->time_ns + c->finals[timeframe].timeframe_ns > c->next_ns)
        return; /* it has not closed for us yet */
    wk__closed same = *bar;
    final *f = wk__closer_final_at(&c->finals[timeframe], bar->time_ns);
    if (f) {
        same.provenance = f->bar.provenance;
        if (wk__closer_equal_bars(&same, &f->bar)) {
            f->is_repaired = true;
            return;
        }
        /* A correction of what was seen is as strong as that. */
        same.provenance = bar->provenance;
        if (bar->provenance == WK_PROV_REPAIRED && f->bar.provenance != WK_PROV_REPAIRED)
            same.provenance = WK_PROV_TRADED;
    }
    if (timeframe > 0) {
        wk__closer_emit(c, timeframe, &same, arrival_ns);
        return;
    }
    if (!f && (!c->has_last || bar->time_ns > c->last_ns)) {
        c->last = bar->close;
        c->last_ns = bar->time_ns;
        c->has_last = true;
    }
    wk__closer_emit_base(c, &same, arrival_ns);
    f = wk__closer_final_at(&c->finals[0], bar->time_ns);
    if (f)
        f->is_repaired = true;
}

void wk__closer_count(const wk__closer *c, wk__closer_counts *out)
{
    *out = c->counts;
}
