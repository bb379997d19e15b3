/* Rows of the flow engine, and the footprint of a period. */
#include "flow_internal.h"

#include <math.h>
#include <string.h>

#include "wick/math.h"

enum {
    SPREAD,
    SPREAD_MEAN,
    MICRO,
    MICRO_MEAN,
    IMBALANCE_1,
    IMBALANCE_3,
    IMBALANCE_5,
    IMBALANCE_10,
    IMBALANCE_5_MEAN,
    SLOPE,
    SLOPE_SKEW,
    OFI_1,
    OFI_10,
    BOOKS,
    TRADES,
    VOLUME_DELTA,
    SIGN_MEAN,
    LARGE_SHARE,
    LARGE_DELTA,
    VWAP,
    EFFECTIVE,
    REALISED,
    POC_POSITION,
    POC_DELTA,
    HIGH_DELTA,
    LOW_DELTA,
    N_COLUMNS
};
_Static_assert((int)N_COLUMNS == (int)WK_FLOW_COLUMNS, "a row of this table a column");

static const struct {
    const char *name, *doc;
} columns[] = {
    [SPREAD] = {"spread_bps", "quoted spread at the close, over the mid"},
    [SPREAD_MEAN] = {"spread_bps_mean", "the same, mean over the time of the period"},
    [MICRO] = {"micro_bps", "microprice less mid at the close"},
    [MICRO_MEAN] = {"micro_bps_mean", "the same, mean over time"},
    [IMBALANCE_1] = {"imbalance_1", "(bid - ask) / (bid + ask) size, best level"},
    [IMBALANCE_3] = {"imbalance_3", "the same over 3 levels"},
    [IMBALANCE_5] = {"imbalance_5", "over 5 levels"},
    [IMBALANCE_10] = {"imbalance_10", "over 10 levels"},
    [IMBALANCE_5_MEAN] = {"imbalance_5_mean", "over 5 levels, mean over time"},
    [SLOPE] = {"slope",
               "log of the size a basis point of distance, mean of the two sides, 10 levels"},
    [SLOPE_SKEW] = {"slope_skew", "log of the bids' slope over the asks'"},
    [OFI_1] = {"ofi_1", "order-flow imbalance of the best level over its mean depth"},
    [OFI_10] = {"ofi_10", "the same over 10 levels"},
    [BOOKS] = {"books", "log(1 + number of book messages)"},
    [TRADES] = {"trades", "log(1 + number of trades)"},
    [VOLUME_DELTA] = {"volume_delta",
                      "(bought - sold) / volume, by the taker's side; 0 without trades"},
    [SIGN_MEAN] = {"sign_mean", "mean sign of the trades; 0 without any"},
    [LARGE_SHARE] = {"large_share", "share of the volume in large trades"},
    [LARGE_DELTA] = {"large_delta", "large bought less large sold, over the volume"},
    [VWAP] = {"vwap_bps", "volume-weighted price less the last one"},
    [EFFECTIVE] = {"effective_bps", "effective spread, volume-weighted"},
    [REALISED] = {"realised_bps", "realised spread of the trades that came due, volume-weighted"},
    [POC_POSITION] = {"poc_position", "where in the range most was traded: 0 the low, 1 the high"},
    [POC_DELTA] = {"poc_delta", "(bought - sold) / volume at that price"},
    [HIGH_DELTA] = {"high_delta",
                    "(bought - sold) in the top quarter of the range, over all volume"},
    [LOW_DELTA] = {"low_delta", "the same in its bottom quarter"},
};

const char *wk_flow_name(size_t i)
{
    WK_ASSERT(i < N_COLUMNS);
    return columns[i].name;
}

const char *wk_flow_doc(size_t i)
{
    WK_ASSERT(i < N_COLUMNS);
    return columns[i].doc;
}

/* Largest power of two at or below x. */
static double power_below(double x)
{
    double p = 1;
    while (p > x)
        p /= 2;
    while (p * 2 <= x)
        p *= 2;
    return p;
}

static int64_t half_down(int64_t k)
{
    return k >> 1; /* arithmetic on every compiler we build with: floor */
}

static void merge_pairs(wk__footprint *f)
{
    int64_t first = half_down(f->first);
    double buy[WK_FLOW_BUCKETS] = {0}, sell[WK_FLOW_BUCKETS] = {0};
    for (size_t i = 0; i < f->n; i++) {
        size_t to = (size_t)(half_down(f->first + (int64_t)i) - first);
        buy[to] += f->buy[i];
        sell[to] += f->sell[i];
    }
    f->n = (size_t)(half_down(f->first + (int64_t)f->n - 1) - first) + 1;
    f->first = first;
    f->width *= 2;
    memcpy(f->buy, buy, sizeof buy);
    memcpy(f->sell, sell, sizeof sell);
}

void wk__footprint_add(wk__footprint *f, double price, double qty, bool is_buy)
{
    if (f->n == 0)
        *f = (wk__footprint){.width = power_below(price * 1e-6)};
    int64_t k;
    for (;;) {
        double at = price / f->width;
        while (at >= 0x1p62) { /* a price a trillion times the first one */
            merge_pairs(f);
            at = price / f->width;
        }
        k = (int64_t)at;
        if (f->n == 0)
            break;
        int64_t low = k < f->first ? k : f->first, last = f->first + (int64_t)f->n - 1,
                high = k > last ? k : last;
        if (high - low < WK_FLOW_BUCKETS)
            break;
        merge_pairs(f);
    }
    if (f->n == 0) {
        f->first = k;
        f->n = 1;
    } else if (k < f->first) {
        size_t shift = (size_t)(f->first - k);
        memmove(f->buy + shift, f->buy, f->n * sizeof *f->buy);
        memmove(f->sell + shift, f->sell, f->n * sizeof *f->sell);
        memset(f->buy, 0, shift * sizeof *f->buy);
        memset(f->sell, 0, shift * sizeof *f->sell);
        f->first = k;
        f->n += shift;
    } else if (k >= f->first + (int64_t)f->n) {
        size_t n = (size_t)(k - f->first) + 1;
        memset(f->buy + f->n, 0, (n - f->n) * sizeof *f->buy);
        memset(f->sell + f->n, 0, (n - f->n) * sizeof *f->sell);
        f->n = n;
    }
    (is_buy ? f->buy : f->sell)[k - f->first] += qty;
}

size_t wk_flow_footprint(const wk_flow *flow, wk_flow_bucket out[WK_FLOW_BUCKETS])
{
    const wk__footprint *f = &flow->period.footprint;
    for (size_t i = 0; i < f->n; i++) {
        double k = (double)(f->first + (int64_t)i);
        out[i] = (wk_flow_bucket){k * f->width, (k + 1) * f->width, f->buy[i], f->sell[i]};
    }
    return f->n;
}

static double imbalance(const wk__quote *q, size_t n)
{
    double bid = 0, ask = 0;
    for (size_t i = 0; i < n; i++) {
        bid += i < q->n_bids ? q->bid[i].qty : 0;
        ask += i < q->n_asks ? q->ask[i].qty : 0;
    }
    return (bid - ask) / (bid + ask);
}

/* Size a basis point between the mid and the last level looked at. */
static double slope(const wk_flow_level *level, size_t n, double mid)
{
    double sum = 0, distance = level[n - 1].price - mid;
    for (size_t i = 0; i < n; i++)
        sum += level[i].qty;
    return sum / ((distance < 0 ? -distance : distance) / mid * 1e4);
}

static void write_book(const wk_flow *flow, double *row)
{
    const wk__quote *q = &flow->quote;
    if (q->known) {
        row[SPREAD] = q->spread_bps;
        row[MICRO] = q->micro_bps;
        row[IMBALANCE_1] = imbalance(q, 1);
        row[IMBALANCE_3] = imbalance(q, 3);
        row[IMBALANCE_5] = q->imbalance5;
        row[IMBALANCE_10] = imbalance(q, 10);
        double bids = slope(q->bid, q->n_bids, q->mid), asks = slope(q->ask, q->n_asks, q->mid);
        row[SLOPE] = wk_log((bids + asks) / 2);
        row[SLOPE_SKEW] = wk_log(bids / asks);
    }
    if (flow->period.known_ns > 0) {
        double held = flow->period.known_ns;
        row[SPREAD_MEAN] = flow->period.spread / held;
        row[MICRO_MEAN] = flow->period.micro / held;
        row[IMBALANCE_5_MEAN] = flow->period.imbalance5 / held;
        row[OFI_1] = flow->period.ofi1 / (flow->period.depth1 / held);
        row[OFI_10] = flow->period.ofi10 / (flow->period.depth10 / held);
    }
    row[BOOKS] = wk_log(1 + (double)flow->period.n_books);
}

static void write_footprint(const wk_flow *flow, double *row)
{
    const wk__footprint *f = &flow->period.footprint;
    double low = flow->period.low, range = flow->period.high - low, volume = flow->period.volume;
    size_t most = 0;
    for (size_t i = 1; i < f->n; i++)
        if (f->buy[i] + f->sell[i] > f->buy[most] + f->sell[most])
            most = i;
    double middle = ((double)(f->first + (int64_t)most) + 0.5) * f->width;
    double position = range > 0 ? (middle - low) / range : 0.5;
    row[POC_POSITION] = position < 0 ? 0 : position > 1 ? 1 : position;
    row[POC_DELTA] = (f->buy[most] - f->sell[most]) / (f->buy[most] + f->sell[most]);
    double top = 0, bottom = 0;
    for (size_t i = 0; i < f->n && range > 0; i++) {
        double at = (((double)(f->first + (int64_t)i) + 0.5) * f->width - low) / range;
        if (at >= 0.75)
            top += f->buy[i] - f->sell[i];
        else if (at <= 0.25)
            bottom += f->buy[i] - f->sell[i];
    }
    row[HIGH_DELTA] = top / volume;
    row[LOW_DELTA] = bottom / volume;
}

void wk__flow_row(const wk_flow *flow, double *row)
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        row[i] = NAN;
    write_book(flow, row);
    size_t n = flow->period.n_trades;
    double volume = flow->period.volume;
    row[TRADES] = wk_log(1 + (double)n);
    row[VOLUME_DELTA] = n ? (flow->period.buy - flow->period.sell) / volume : 0;
    row[SIGN_MEAN] = n ? (2 * (double)flow->period.n_buys - (double)n) / (double)n : 0;
    if (n && flow->trades_seen >= WK__SIZE_TRADES_MIN + n) {
        row[LARGE_SHARE] = (flow->period.large_buy + flow->period.large_sell) / volume;
        row[LARGE_DELTA] = (flow->period.large_buy - flow->period.large_sell) / volume;
    }
    if (n) {
        row[VWAP] = (flow->period.notional / volume - flow->last_price) / flow->last_price * 1e4;
        write_footprint(flow, row);
    }
    if (flow->period.effective_qty > 0)
        row[EFFECTIVE] = flow->period.effective / flow->period.effective_qty;
    if (flow->period.realised_qty > 0)
        row[REALISED] = flow->period.realised / flow->period.realised_qty;
}
