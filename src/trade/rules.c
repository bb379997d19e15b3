/* Rules that are off by default, and where they stand in the step of a closed bar:
 *
 *   1. marks, equity, max_drawdown_stop, daily_loss_stop
 *   2. stale_bars, stale_markets_max: which markets have no data
 *   3. the policy's side; confidence_min makes it HOLD; confirm_bars; a forced side replaces it
 *   4. waiting limits: cancelled when their signal ended or an entry would now be forbidden (halts,
 *      blocks, stale data, losing streak); placed anew (reprice_max) or taken when they expired
 *   5. exits: left by hand, halts, flip, zero, time
 *   6. who may enter: the order of wk_trade_verdict from HALTED to UNCHANGED
 *   7. the strongest first under max_positions; size, confidence, leverage, max_position_fraction,
 *      then max_gross_exposure and max_net_exposure cut what is left
 *
 * A fill adds to the round trip of its market; one that closes it counts for the losing streak. */
#include <math.h>

#include "trader.h"

/* After so many times stale_bars without data a market is gone rather than stale. */
#define GONE 100

static bool has_classes(const wk_forecast *f)
{
    return (double)f->p[0] + (double)f->p[1] + (double)f->p[2] > 0.0;
}

bool wk__rules_sure(const wk_trade_config *c, const wk_forecast *f, int side)
{
    return !has_classes(f) || (double)f->p[1 + side] >= c->confidence_min;
}

/* The formula of confidence_full, within [confidence_share, 1]. */
double wk__rules_size_share(const wk_trade_config *c, const wk_forecast *f, int side)
{
    double confidence = has_classes(f) ? (double)f->p[1 + side] : fabs((double)f->score);
    double way = (confidence - c->confidence_low) / (c->confidence_full - c->confidence_low);
    way = way < 1.0 ? way : 1.0;
    way = way > 0.0 ? way : 0.0; /* a NaN too */
    return c->confidence_share + (1.0 - c->confidence_share) * way;
}

/* The most leverage up to the configured one whose liquidation lies liquidation_factor stops away.
 * An isolated position of leverage L is liquidated at entry (1 -/+ 1/L) / (1 -/+ m), so its
 * distance is (1/L - m) / (1 -/+ m) of the entry. Source: reference/trading.md 3.5. */
double wk__rules_leverage(const wk_trader *t, int side, double sigma)
{
    const wk_trade_config *c = &t->config;
    double stop = c->stop_loss * (c->stop_kind == 2 ? sigma * sqrt(24.0) : 1.0);
    double m = c->maintenance_margin;
    double most = 1.0 / (m + c->liquidation_factor * stop * (1.0 - side * m));
    return most < c->leverage ? most : c->leverage;
}

void wk__rules_fill(wk_trader *t, size_t s, int64_t cash_e8)
{
    wk__rule *r = &t->rule[s];
    if (__builtin_add_overflow(r->trip_e8, cash_e8, &r->trip_e8)) {
        t->failed = t->halted = true;
        return;
    }
    if (t->pos[s] != 0)
        return;
    t->losses = r->trip_e8 < 0 ? t->losses + 1 : 0;
    r->trip_e8 = 0;
    if (t->losses >= t->config.loss_streak) {
        t->losses = 0;
        t->pause_until = t->step + 1 + t->config.loss_pause_bars;
    }
}

void wk__rules_stale(wk_trader *t, const wk_trader_event *e)
{
    int64_t k = t->config.stale_bars;
    size_t known = 0, stale = 0;
    for (size_t s = 0; s < t->S; s++) {
        wk__rule *r = &t->rule[s];
        if (e->provenance[s] < WK_PROV_IMPUTED)
            r->seen = t->step;
        int64_t age = t->step - r->seen;
        r->stale = age >= k;
        /* Markets that are not listed yet or any more say nothing about the feed. */
        if (r->seen == 0 || age / GONE >= k)
            continue;
        known++;
        stale += r->stale;
    }
    t->n_known = known;
    t->n_stale = stale;
    t->markets_stale = t->config.stale_markets_max > 0.0 &&
                       (double)stale > t->config.stale_markets_max * (double)known;
}

/* What all positions and waiting entries are worth at the newest closes. */
void wk__rules_expose(wk_trader *t)
{
    t->gross = t->net = 0.0;
    for (size_t s = 0; s < t->S; s++) {
        double lots = (double)wk__trader_intended(t, s);
        if (t->limit[s].id != 0)
            lots += (double)(t->limit[s].side * t->limit[s].lots);
        if (t->take[s].id != 0)
            lots += (double)(t->take[s].side * t->take[s].lots);
        double value = lots * (double)t->mark[s] * t->unit[s].e8;
        t->gross += fabs(value);
        t->net += value;
    }
}

/* Lots of a new entry that the limits of exposure leave; what is left is booked. */
int64_t wk__rules_fit(wk_trader *t, size_t s, int side, int64_t lots, int64_t ticks)
{
    const wk_trade_config *c = &t->config;
    double equity = (double)t->equity_e8, per_lot = (double)ticks * t->unit[s].e8;
    double room = (double)lots * per_lot;
    if (c->max_gross_exposure > 0.0 && room > c->max_gross_exposure * equity - t->gross)
        room = c->max_gross_exposure * equity - t->gross;
    if (c->max_net_exposure > 0.0 && room > c->max_net_exposure * equity - side * t->net)
        room = c->max_net_exposure * equity - side * t->net;
    double whole = room / per_lot * (1.0 + 1e-12); /* but for the last bit of a whole number */
    int64_t fit = whole >= (double)lots ? lots : whole > 0.0 ? (int64_t)whole : 0;
    if (fit < t->min_lots[s])
        return 0;
    t->gross += (double)fit * per_lot;
    t->net += side * (double)fit * per_lot;
    return fit;
}

wk_trade_verdict wk__rules_forbid(const wk_trader *t, const wk_trader_event *e, size_t s)
{
    const wk__rule *r = &t->rule[s];
    if (e->time_ns < r->block_until_ns)
        return WK_TRADE_BLOCKED;
    if (r->stale)
        return WK_TRADE_STALE;
    if (t->markets_stale)
        return WK_TRADE_MARKETS_STALE;
    if (t->step < t->pause_until)
        return WK_TRADE_LOSS_PAUSE;
    return WK_TRADE_NONE;
}
