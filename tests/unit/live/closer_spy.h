/* A closer whose words are written down, one line each. */
#ifndef WICK_TEST_CLOSER_SPY_H
#define WICK_TEST_CLOSER_SPY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../src/venue/live/closer.h"
#include "../../../src/venue/live/exact.h"
#include "wick/bars.h"
#include "wick/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define S WK_NS_PER_S
#define M (60 * S)

/* Everything the closer said, one line each: "TF minute open high low close volume provenance
 * [revised] @second", times relative to START. */
typedef struct {
    wk__closer *closer;
    char log[8192];
    size_t n;
} spy;

#define START (INT64_C(1700006400) * S) /* a full hour */

static inline const char *number(wk_decimal x, char out[40])
{
    wk__sum sum = {.digits = x.digits, .scale = x.scale};
    x = wk__sum_value(&sum);
    wk_units_format(x.digits, x.scale, out);
    return out;
}

static inline void on_bar(void *ctx, size_t timeframe, const wk__closed *b, int64_t arrival_ns,
                          bool is_revision)
{
    spy *s = ctx;
    char v[5][40];
    static const char *const provenance[] = {"traded", "empty", "repaired", "imputed"};
    s->n += (size_t)snprintf(s->log + s->n, sizeof s->log - s->n,
                             "%zu %lld %s %s %s %s %s %s%s @%lld\n", timeframe,
                             (long long)((b->time_ns - START) / M), number(b->open, v[0]),
                             number(b->high, v[1]), number(b->low, v[2]), number(b->close, v[3]),
                             number(b->volume, v[4]), provenance[b->provenance],
                             is_revision ? " revised" : "", (long long)((arrival_ns - START) / S));
}

static inline void on_missing(void *ctx, int64_t from_ns, int64_t to_ns)
{
    spy *s = ctx;
    s->n += (size_t)snprintf(s->log + s->n, sizeof s->log - s->n, "missing %lld..%lld\n",
                             (long long)((from_ns - START) / M), (long long)((to_ns - START) / M));
}

static inline void start(spy *s, bool trades, bool candles)
{
    memset(s, 0, sizeof *s);
    wk__closer_options options = {.timeframes_ns = {M, 3 * M},
                                  .n_timeframes = 2,
                                  .grace_ns = 2 * S,
                                  .uses_trades = trades,
                                  .uses_candles = candles,
                                  .bar = on_bar,
                                  .missing = on_missing,
                                  .ctx = s};
    assert_int_equal(wk__closer_create(&options, &s->closer, NULL), WK_OK);
}

static inline wk_decimal dec(const char *text)
{
    wk_decimal x;
    assert_null(wk_decimal_parse(text, strlen(text), &x));
    return x;
}

static inline void trade(spy *s, int64_t id, double at_s, const char *price, const char *qty)
{
    wk_event e = {.kind = WK_EVENT_TRADE, .exchange_ns = START + (int64_t)(at_s * 1e9)};
    e.trade.id = id;
    e.trade.price = dec(price);
    e.trade.qty = dec(qty);
    wk__closer_trade(s->closer, &e, e.exchange_ns);
}

static inline void candle(spy *s, int minute, double told_s, const char *open, const char *high,
                          const char *low, const char *close, const char *volume, int64_t n,
                          bool is_snapshot)
{
    wk_event e = {.kind = WK_EVENT_CANDLE,
                  .exchange_ns = START + (int64_t)(told_s * 1e9),
                  .receive_ns = START + (int64_t)(told_s * 1e9)};
    e.candle.open_ns = START + minute * M;
    e.candle.timeframe_ns = M;
    e.candle.open = dec(open);
    e.candle.high = dec(high);
    e.candle.low = dec(low);
    e.candle.close = dec(close);
    e.candle.volume = dec(volume);
    e.candle.n_trades = n;
    e.candle.is_snapshot = is_snapshot;
    wk__closer_candle(s->closer, &e);
}

static inline void settle(spy *s, double at_s)
{
    wk__closer_settle(s->closer, START + (int64_t)(at_s * 1e9));
}

/* The clock reaches at_s: what is due closes. */
static inline void until(spy *s, double at_s)
{
    while (wk__closer_due(s->closer) <= START + (int64_t)(at_s * 1e9))
        wk__closer_close(s->closer, wk__closer_due(s->closer));
}

static inline void says(spy *s, const char *expected)
{
    assert_string_equal(s->log, expected);
    s->n = 0;
    s->log[0] = 0;
}

static inline void end(spy *s)
{
    wk__closer_destroy(s->closer);
}

#endif
