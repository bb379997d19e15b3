/* What the two halves of the closer share. */
#ifndef WICK_VENUE_CLOSER_INTERNAL_H
#define WICK_VENUE_CLOSER_INTERNAL_H

#include "closer.h"
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
    bool is_changed; /* after its bar went out; redo looks at it */
} detail;

/* What went out of one bucket. */
typedef struct {
    int64_t time_ns; /* -1: nothing */
    wk__closed bar;
    bool is_repaired; /* said so or confirmed from elsewhere, when the streams may have a hole */
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
    int64_t unasked_from_ns; /* begin of the jumps that were not asked for yet; NEVER */
    int64_t touched_ns;      /* oldest closed bucket that changed in this message; NEVER */
    wk__closer_counts counts;
};

detail *wk__closer_detail_of(wk__closer *c, int64_t time_ns);
detail *wk__closer_detail_at(wk__closer *c, int64_t time_ns);
final *wk__closer_final_at(finals *f, int64_t time_ns);
/* Bars that begin before it are not remembered any more, though they may still lie in the ring. */
int64_t wk__closer_oldest_kept(const wk__closer *c, size_t timeframe);
wk_decimal wk__closer_larger(wk_decimal a, wk_decimal b);
wk_decimal wk__closer_smaller(wk_decimal a, wk_decimal b);
void wk__closer_ask(wk__closer *c, int64_t from_ns, int64_t to_ns);
bool wk__closer_emit(wk__closer *c, size_t timeframe, const wk__closed *bar, int64_t arrival_ns);
void wk__closer_emit_base(wk__closer *c, const wk__closed *bar, int64_t arrival_ns);
bool wk__closer_equal_bars(const wk__closed *a, const wk__closed *b);

#endif
