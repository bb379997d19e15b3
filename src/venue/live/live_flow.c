/* Flow features of the live streams: each market's trades and book through the engine of
 * wick/flow.h, a row a period.
 *
 * A period ends when an event of a later time comes, or when the venue's clock has passed its end
 * by close_grace_ms. What comes later still counts in the running period: a row is what was known,
 * and is not revised. */
#include "live_flow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/flow.h"

enum { PERIODS_AT_ONCE = 4096 }; /* a longer silence is a hole, not rows */

wk_status wk__live_flow_timeframes(const wk_live_config *config, wk__flow_frames *out, wk_err *err)
{
    *out = (wk__flow_frames){0};
    if (config->flow.n > WK__FLOW_FRAMES_MAX)
        return wk_fail(err, WK_E_CONFIG, "flow: %zu timeframes; at most %d", config->flow.n,
                       WK__FLOW_FRAMES_MAX);
    for (size_t i = 0; i < config->flow.n; i++) {
        if (wk_timeframe_parse(config->flow.v[i], &out->ns[i], err) != WK_OK)
            return wk_fail_prefix(err, "flow");
        wk_timeframe_format(out->ns[i], out->name[i]);
    }
    out->n = config->flow.n;
    return WK_OK;
}

void wk__live_flow_plan(wk_live *live, wk__market *m)
{
    for (size_t i = 0; i < live->flow.n; i++) {
        m->flow[i] = wk_flow_plan(&live->arena, NULL);
        m->flow_open_ns[i] = INT64_MIN;
    }
}

static void tell(wk_live *live, wk__market *m, size_t i, int64_t open_ns, int64_t known_ns,
                 const double *row)
{
    char name[64];
    for (size_t c = 0; c < WK_FLOW_COLUMNS && live->sinks.value; c++) {
        if (isnan(row[c]))
            continue;
        snprintf(name, sizeof name, "flow_%s.%s", live->flow.name[i], wk_flow_name(c));
        live->sinks.value(live->sinks.ctx, (uint32_t)(m - live->markets), name, open_ns, known_ns,
                          row[c]);
    }
}

/* When a period's row was known, by our clock: at the message that ended it, or when its grace was
 * over. */
static int64_t known_at(const wk_live *live, const wk__market *m, int64_t end_ns, bool by_clock)
{
    int64_t due_ns =
        end_ns + live->config->close_grace_ms * 1000000 - wk__live_venue_time(live, m, 0);
    return by_clock && due_ns > live->input_ns ? due_ns : live->input_ns;
}

/* Ends the periods that lie wholly before time_ns (venue's clock). A market of which nothing is
 * known tells nothing. */
static void end_periods(wk_live *live, wk__market *m, size_t i, int64_t time_ns, bool by_clock)
{
    int64_t length = live->flow.ns[i], *open = &m->flow_open_ns[i];
    double row[WK_FLOW_COLUMNS];
    if (*open == INT64_MIN) {
        *open = wk_bucket_start(time_ns, length);
        wk_flow_close(m->flow[i], *open, NULL, row);
        m->flow_is_whole[i] = *open == time_ns;
        return;
    }
    if ((time_ns - *open) / length > PERIODS_AT_ONCE) {
        wk_flow_reset(m->flow[i]);
        *open = INT64_MIN;
        end_periods(live, m, i, time_ns, by_clock);
        return;
    }
    for (; time_ns >= *open + length; *open += length) {
        size_t n_trades = wk_flow_close(m->flow[i], *open + length, NULL, row);
        if (m->flow_is_whole[i] && live->sinks.flow) {
            wk_live_flow out = {.market = (uint32_t)(m - live->markets),
                                .period_ns = length,
                                .time_ns = *open,
                                .arrival_ns = known_at(live, m, *open + length, by_clock)};
            memcpy(out.row, row, sizeof out.row);
            live->sinks.flow(live->sinks.ctx, &out);
        }
        if (m->flow_is_whole[i] && (n_trades || !isnan(row[0])))
            tell(live, m, i, *open, known_at(live, m, *open + length, by_clock), row);
        m->flow_is_whole[i] = true; /* the first one began before we did */
    }
}

static int64_t time_of(wk_live *live, wk__market *m, const wk_event *e)
{
    return e->exchange_ns > 0 ? e->exchange_ns : wk__live_venue_time(live, m, e->receive_ns);
}

void wk__live_flow_trade(wk_live *live, wk__market *m, const wk_event *e)
{
    int64_t time_ns = time_of(live, m, e);
    if (e->trade.is_snapshot)
        return;
    for (size_t i = 0; i < live->flow.n; i++) {
        end_periods(live, m, i, time_ns, false);
        wk_flow_trade(m->flow[i], time_ns, wk_decimal_to_double(e->trade.price),
                      wk_decimal_to_double(e->trade.qty), (wk_side)e->trade.side);
    }
}

static size_t levels_of(const wk__market *m, wk_side side, wk_flow_level out[WK_FLOW_LEVELS])
{
    size_t n;
    const wk_book_level *level = wk_book_levels(m->book, side, &n);
    int price_decimals = wk_book_price_decimals(m->book),
        qty_decimals = wk_book_qty_decimals(m->book);
    double unit = m->about.contract_value > 0 ? m->about.contract_value : 1;
    n = n < WK_FLOW_LEVELS ? n : WK_FLOW_LEVELS;
    for (size_t i = 0; i < n; i++)
        out[i] = (wk_flow_level){wk_units_to_double(level[i].price, price_decimals),
                                 wk_units_to_double(level[i].qty, qty_decimals) * unit};
    return n;
}

void wk__live_flow_book(wk_live *live, wk__market *m, const wk_event *e)
{
    wk_flow_level bids[WK_FLOW_LEVELS], asks[WK_FLOW_LEVELS];
    if (live->flow.n == 0)
        return;
    int64_t time_ns = time_of(live, m, e);
    size_t n_bids = levels_of(m, WK_SIDE_BUY, bids), n_asks = levels_of(m, WK_SIDE_SELL, asks);
    for (size_t i = 0; i < live->flow.n; i++) {
        end_periods(live, m, i, time_ns, false);
        wk_flow_book(m->flow[i], time_ns, bids, n_bids, asks, n_asks);
    }
}

void wk__live_flow_gap(wk_live *live, wk__market *m, int64_t now_ns)
{
    for (size_t i = 0; i < live->flow.n; i++)
        if (m->flow_open_ns[i] != INT64_MIN)
            wk_flow_gap(m->flow[i], wk__live_venue_time(live, m, now_ns));
}

void wk__live_flow_end(wk_live *live, wk__market *m, int64_t length_ns, int64_t end_ns)
{
    for (size_t i = 0; i < live->flow.n; i++)
        if (live->flow.ns[i] == length_ns && m->flow_open_ns[i] != INT64_MIN &&
            m->flow_open_ns[i] + length_ns == end_ns)
            end_periods(live, m, i, end_ns, false);
}

void wk__live_flow_advance(wk_live *live, int64_t now_ns)
{
    int64_t grace_ns = live->config->close_grace_ms * 1000000;
    for (size_t k = 0; k < live->n_markets && live->flow.n; k++) {
        wk__market *m = &live->markets[k];
        int64_t venue_ns = wk__live_venue_time(live, m, now_ns) - grace_ns;
        for (size_t i = 0; i < live->flow.n; i++)
            if (m->flow_open_ns[i] != INT64_MIN &&
                venue_ns >= m->flow_open_ns[i] + live->flow.ns[i])
                end_periods(live, m, i, venue_ns, true);
    }
}
