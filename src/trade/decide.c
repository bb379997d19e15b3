/* What to do at a bar's close. At most one entry a market and bar: one trade a candle. */
#include <math.h>

#include "trader.h"

static uint64_t order_id(size_t s, int64_t bar, int leg, int attempt)
{
    return (uint64_t)s << 48 | ((uint64_t)bar & ((UINT64_C(1) << 40) - 1)) << 8 |
           (uint64_t)leg << 4 | (uint64_t)attempt;
}

static wk_order *append(wk_actions *actions, wk_action_kind kind, size_t s, uint64_t id)
{
    WK_ASSERT(actions->n < actions->capacity);
    wk_action *a = &actions->v[actions->n++];
    *a = (wk_action){.kind = kind, .order = {.id = id, .symbol = (uint32_t)s}};
    return &a->order;
}

/* Equity at this close: cash and positions at their marks. */
static void mark_to_market(wk_trader *t, const wk_trader_event *e)
{
    int64_t equity = t->cash_e8;
    /* Exposure values entries that wait, and a restored position the last close of the history. */
    bool all = t->exposed || e->warming;
    for (size_t s = 0; s < t->S; s++) {
        if (t->pos[s] == 0 && !all)
            continue;
        if (e->provenance[s] != WK_PROV_UNKNOWN && e->bars[s].close > 0.0)
            t->mark[s] = wk_money_ticks(e->bars[s].close, t->per_tick[s]);
        if (t->pos[s] == 0)
            continue;
        int64_t value;
        if (!wk_money_value(&t->unit[s], t->pos[s], t->mark[s], false, &value) ||
            __builtin_add_overflow(equity, value, &equity)) {
            t->failed = t->halted = true;
            return;
        }
    }
    int64_t open_ns = e->time_ns - t->timeframe_ns;
    int64_t day = open_ns / WK_DAY_NS - (open_ns % WK_DAY_NS < 0);
    if (day != t->day) {
        t->day = day;
        t->day_equity_e8 = t->equity_e8; /* of the last close before the day */
        t->day_halted = false;
    }
    t->equity_e8 = equity;
    t->peak_e8 = equity > t->peak_e8 ? equity : t->peak_e8;
    const wk_trade_config *c = &t->config;
    if (equity <= 0 || (c->max_drawdown_stop > 0.0 &&
                        (double)equity <= (double)t->peak_e8 * (1.0 - c->max_drawdown_stop)))
        t->halted = true;
    if (c->daily_loss_stop > 0.0 &&
        (double)equity <= (double)t->day_equity_e8 * (1.0 - c->daily_loss_stop))
        t->day_halted = true;
}

int64_t wk__trader_intended(const wk_trader *t, size_t s)
{
    return t->pos[s] + t->entry_flight[s] + t->exit_flight[s];
}

void wk__trader_leave(wk_trader *t, size_t s, int64_t lots, wk_reason reason, int attempt,
                      wk_actions *actions)
{
    uint64_t id = order_id(s, t->step, WK__LEG_EXIT, attempt);
    wk_order *o = append(actions, WK_ACTION_PLACE, s, id);
    o->side = lots > 0 ? WK_SIDE_SELL : WK_SIDE_BUY;
    o->kind = WK_ORDER_MARKET;
    o->reason = (uint8_t)reason;
    o->reduce_only = true;
    o->qty_lots = lots > 0 ? lots : -lots;
    t->exit_flight[s] -= lots;
}

void wk__trader_drop_limit(wk_trader *t, size_t s, wk_actions *actions)
{
    append(actions, WK_ACTION_CANCEL, s, t->limit[s].id);
    t->limit[s].id = 0;
}

/* Lots of a new position at about `ticks`; 0: too small to trade. */
static int64_t size_of(const wk_trader *t, size_t s, int64_t ticks, double sigma, double leverage,
                       double share)
{
    const wk_trade_config *c = &t->config;
    double capital = (double)(c->compound ? t->equity_e8 : t->initial_e8);
    double notional = capital * leverage / c->slots;
    if (c->size == 1)
        notional *= c->target_volatility / (sigma * t->sqrt_bars_year);
    notional *= share;
    if (c->max_position_fraction > 0.0 && notional > capital * c->max_position_fraction)
        notional = capital * c->max_position_fraction;
    double lots = notional / ((double)ticks * t->unit[s].e8);
    if (!(lots >= (double)t->min_lots[s]) || lots > 9e18)
        return 0;
    return (int64_t)lots;
}

/* Places an entry of `lots`, or 0: of the size that the rules give; `forced`: by a person. ENTER or
 * why not. */
static wk_trade_verdict enter(wk_trader *t, const wk_trader_event *e, size_t s, int side,
                              int64_t lots, bool limit, int attempt, bool forced,
                              wk_actions *actions)
{
    const wk_trade_config *c = &t->config;
    double close = e->bars[s].close, sigma = e->sigma[s];
    int64_t ticks = wk_money_ticks(close, t->per_tick[s]);
    if (limit) {
        double price = close * (1.0 - side * c->limit_offset_sigma * sigma) * t->per_tick[s];
        ticks = (int64_t)price;
        /* A buy is rounded down and a sell up, but for the last bit of a price on the grid. */
        if (price - (double)ticks > 1.0 - 1e-6 || (side < 0 && price - (double)ticks > 1e-6))
            ticks++;
    }
    bool bounded = c->liquidation_factor > 0.0;
    double leverage = bounded ? wk__rules_leverage(t, side, sigma) : c->leverage;
    if (lots == 0) {
        double share = c->confidence_full > 0.0 && !forced
                           ? wk__rules_size_share(c, &e->forecasts[s], side)
                           : 1.0;
        lots = ticks > 0 ? size_of(t, s, ticks, sigma, leverage, share) : 0;
        if (lots != 0 && t->exposed && (lots = wk__rules_fit(t, s, side, lots, ticks)) == 0)
            return WK_TRADE_EXPOSURE;
    }
    if (lots == 0 || ticks <= 0)
        return WK_TRADE_TOO_SMALL;
    wk_order *o = append(actions, WK_ACTION_PLACE, s,
                         order_id(s, t->step, limit ? WK__LEG_LIMIT : WK__LEG_ENTRY, attempt));
    o->side = (int8_t)side;
    o->kind = limit ? WK_ORDER_LIMIT : WK_ORDER_MARKET;
    o->reason = WK_REASON_ENTRY;
    o->qty_lots = lots;
    o->price_ticks = limit ? ticks : 0;
    o->leverage = bounded ? leverage : 0.0;
    if (c->stop_kind != 0) {
        double unit = c->stop_kind == 2 ? sigma * sqrt(24.0) : 1.0;
        double stop = (double)ticks * (1.0 - side * c->stop_loss * unit);
        double profit = (double)ticks * (1.0 + side * c->take_profit * unit);
        if (c->stop_loss > 0.0 && stop >= 1.0)
            o->stop_ticks = (int64_t)(stop + 0.5);
        if (c->take_profit > 0.0 && profit >= 1.0)
            o->profit_ticks = (int64_t)(profit + 0.5);
    }
    if (c->stop_kind != 0 || t->restored) {
        t->rule[s].stop = o->stop_ticks;
        t->rule[s].profit = o->profit_ticks;
    }
    if (limit) {
        if (c->limit_expiry_bars > 0)
            o->expires_ns = e->time_ns + c->limit_expiry_bars * t->timeframe_ns;
        t->limit[s] = (wk__limit){.id = o->id,
                                  .lots = lots,
                                  .ticks = ticks,
                                  .side = (int8_t)side,
                                  .attempt = (uint8_t)attempt};
    } else {
        t->entry_flight[s] += side * lots;
    }
    return forced ? WK_TRADE_FORCED : WK_TRADE_ENTER;
}

/* Has the signal behind a position or a limit of this side ended? */
static bool ended(const wk_trader *t, int side, int want, double x)
{
    return want == -side || (t->config.exit_at_zero && side * x <= 0.0);
}

/* Limits that wait, that expired to be taken, and that were given up. */
static void tend_limits(wk_trader *t, const wk_trader_event *e, size_t s, int want, double x,
                        bool stop, wk_actions *actions)
{
    bool priced = e->provenance[s] != WK_PROV_UNKNOWN && e->bars[s].close > 0.0;
    int64_t close = priced ? wk_money_ticks(e->bars[s].close, t->per_tick[s]) : 0;
    wk__limit *limit = &t->limit[s], *take = &t->take[s], *missed = &t->missed[s];
    if (limit->id != 0 && (stop || (t->config.cancel_on_flip && ended(t, limit->side, want, x)))) {
        if (priced)
            wk__trader_missed(t, s, limit, close);
        wk__trader_drop_limit(t, s, actions);
    }
    if (take->id != 0 && (stop || priced)) {
        if (!stop && !ended(t, take->side, want, x) && e->sigma[s] > 0.0)
            enter(t, e, s, take->side, take->lots, take->reprice, take->attempt + 1, false,
                  actions);
        else if (priced)
            wk__trader_missed(t, s, take, close);
        take->id = 0;
    }
    if (missed->id != 0 && priced && (stop || ended(t, missed->side, want, x))) {
        wk__trader_missed(t, s, missed, close);
        missed->id = 0;
    }
}

static bool allowed(const wk_trader *t, int side)
{
    return side > 0 ? t->config.allow_long : side < 0 ? t->config.allow_short : false;
}

/* Places the strongest candidates that still fit under max_positions. */
static void place_entries(wk_trader *t, const wk_trader_event *e, size_t n, wk_actions *actions)
{
    wk__candidate *v = t->candidates;
    size_t room = n;
    if (t->config.max_positions > 0) {
        size_t held = 0;
        for (size_t s = 0; s < t->S; s++)
            held += wk__trader_intended(t, s) != 0 || t->limit[s].id != 0 || t->take[s].id != 0;
        size_t most = (size_t)t->config.max_positions;
        room = held < most ? most - held : 0;
    }
    if (t->exposed)
        wk__rules_expose(t);
    for (size_t i = 0; i < n && i < room; i++) {
        if (room < n || t->exposed) {
            /* Candidates come in the order of their index, so a tie keeps the lower one. */
            size_t best = i;
            for (size_t j = i + 1; j < n; j++)
                if (v[j].strength > v[best].strength ||
                    (v[j].strength == v[best].strength && v[j].symbol < v[best].symbol))
                    best = j;
            wk__candidate c = v[best];
            v[best] = v[i];
            v[i] = c;
        }
        size_t s = v[i].symbol;
        if (t->missed[s].id != 0) {
            /* The signal is acted on again, so the miss ends at the new price. */
            wk__trader_missed(t, s, &t->missed[s],
                              wk_money_ticks(e->bars[s].close, t->per_tick[s]));
            t->missed[s].id = 0;
        }
        t->verdict[s] =
            (uint8_t)enter(t, e, s, v[i].side, 0, t->config.entry == 1, 0, v[i].forced, actions);
    }
}

/* Updates the run of equal signals and says which side is confirmed. */
static int confirm(wk_trader *t, size_t s, int want)
{
    if (want != 0 && want == t->last[s])
        t->run[s]++;
    else
        t->run[s] = want != 0;
    t->last[s] = (int8_t)want;
    return t->run[s] >= t->config.confirm_bars ? want : 0;
}

/* Why to leave a position of this side now; ENTRY: stay. */
static wk_reason exit_reason(const wk_trader *t, size_t s, int side, int act, double x)
{
    if (act == -side)
        return WK_REASON_FLIP;
    if (t->config.exit_at_zero && side * x <= 0.0)
        return WK_REASON_SCORE_ZERO;
    if (t->config.hold_bars > 0 && t->pos[s] != 0 &&
        t->step + 1 - t->entered[s] >= t->config.hold_bars)
        return WK_REASON_TIME;
    return WK_REASON_ENTRY;
}

/* The policy's side of market s, confirmed: *want before and the result after the confirmation.
 * *verdict says why HOLD. */
static int judge(wk_trader *t, const wk_trader_event *e, size_t s, int *want,
                 wk_trade_verdict *verdict)
{
    const wk_trade_config *c = &t->config;
    const wk_forecast *f = &e->forecasts[s];
    double x = t->x[s];
    *want = 0;
    if (isnan(x)) {
        bool bar = e->provenance[s] != WK_PROV_UNKNOWN && e->bars[s].close > 0.0;
        *verdict = bar && e->sigma[s] > 0.0 ? WK_TRADE_NO_FORECAST : WK_TRADE_NO_BAR;
        return confirm(t, s, 0);
    }
    *want = wk__signal_want(&t->signal, c, f, x, e->sigma[s]);
    *verdict = *want == 0 ? WK_TRADE_WEAK : WK_TRADE_UNCONFIRMED;
    if (*want != 0 && c->confidence_min > 0.0 && !wk__rules_sure(c, f, *want)) {
        *verdict = WK_TRADE_UNSURE;
        *want = 0;
    }
    return confirm(t, s, *want);
}

/* The first rule that keeps market s from entering on this side; NONE: it may. */
static wk_trade_verdict forbid(const wk_trader *t, const wk_trader_event *e, size_t s, int side)
{
    if (t->halted)
        return WK_TRADE_HALTED;
    if (t->day_halted)
        return WK_TRADE_DAY_HALTED;
    if (e->warming)
        return WK_TRADE_WARMING;
    if (e->time_ns <= t->config.entry_from_ns)
        return WK_TRADE_EARLY;
    if (!allowed(t, side))
        return WK_TRADE_SIDE_FORBIDDEN;
    if (t->step + 1 < t->cool[s])
        return WK_TRADE_COOLDOWN;
    if (t->limit[s].id != 0 || t->take[s].id != 0)
        return WK_TRADE_WORKING;
    return t->guarded ? wk__rules_forbid(t, e, s) : WK_TRADE_NONE;
}

/* The side that a person forces now; 0: none. */
static int forced_side(const wk_trader *t, const wk_trader_event *e, size_t s)
{
    return e->time_ns < t->rule[s].force_until_ns ? t->rule[s].force : 0;
}

/* Exits of market s; true when it may also enter. */
static bool tend_position(wk_trader *t, int64_t time_ns, size_t s, int act, int forced, bool stop,
                          wk_trade_verdict *verdict, wk_actions *actions)
{
    int64_t lots = wk__trader_intended(t, s);
    bool flat = t->overridden && t->rule[s].flat;
    if (lots == 0) {
        /* While it is blocked nothing new is on its way, but an entry may have filled before its
         * cancel came, and be told bars later. */
        if (flat && t->pos[s] == 0 && time_ns >= t->rule[s].block_until_ns)
            t->rule[s].flat = false;
        return true;
    }
    int side = lots > 0 ? 1 : -1;
    wk_reason reason;
    if (stop)
        reason = WK_REASON_DRAWDOWN;
    else if (flat || forced == -side)
        reason = WK_REASON_MANUAL;
    else if (forced == side)
        reason = WK_REASON_ENTRY;
    else
        reason = exit_reason(t, s, side, act, t->x[s]);
    *verdict = WK_TRADE_HOLD;
    if (reason == WK_REASON_ENTRY)
        return false;
    *verdict = WK_TRADE_LEAVE;
    wk__trader_leave(t, s, lots, reason, 0, actions);
    return reason == WK_REASON_FLIP || (reason == WK_REASON_MANUAL && !flat);
}

/* Market s: true when it is a candidate for an entry on side *side. */
static bool decide(wk_trader *t, const wk_trader_event *e, size_t s, bool stop, int *side,
                   wk_trade_verdict *verdict, wk_actions *actions)
{
    int want, act = judge(t, e, s, &want, verdict);
    int forced = t->overridden ? forced_side(t, e, s) : 0;
    bool changed = true;
    if (t->config.act_on_change && !isnan(t->x[s])) {
        changed = act != t->rule[s].spoken;
        t->rule[s].spoken = (int8_t)act;
    }
    if (forced != 0)
        want = act = forced;
    if (t->limit[s].id != 0 || t->take[s].id != 0 || t->missed[s].id != 0)
        tend_limits(t, e, s, want, forced != 0 ? forced : t->x[s],
                    stop || (t->guarded && wk__rules_forbid(t, e, s) != WK_TRADE_NONE), actions);
    if (!tend_position(t, e->time_ns, s, act, forced, stop, verdict, actions) || act == 0)
        return false;
    wk_trade_verdict no = forbid(t, e, s, act);
    if (no == WK_TRADE_NONE && forced == 0 && !changed)
        no = WK_TRADE_UNCHANGED;
    if (no == WK_TRADE_NONE && forced != 0 && isnan(t->x[s]) &&
        !(e->provenance[s] != WK_PROV_UNKNOWN && e->bars[s].close > 0.0 && e->sigma[s] > 0.0))
        no = WK_TRADE_NO_BAR;
    *verdict = no == WK_TRADE_NONE ? WK_TRADE_NO_ROOM : no; /* until it is placed */
    *side = act;
    return no == WK_TRADE_NONE;
}

void wk__trader_bars(wk_trader *t, const wk_trader_event *e, wk_actions *actions)
{
    t->step = e->time_ns / t->timeframe_ns;
    mark_to_market(t, e);
    double *x = t->x;
    for (size_t s = 0; s < t->S; s++) {
        const wk_forecast *f = &e->forecasts[s];
        double product = (double)f->score * e->sigma[s];
        bool usable = f->valid && e->provenance[s] != WK_PROV_UNKNOWN && e->bars[s].close > 0.0 &&
                      e->sigma[s] > 0.0 && fabs(product) < INFINITY;
        x[s] = usable ? product : NAN;
    }
    wk__signal_push(&t->signal, &t->config, t->step, e->time_ns - t->timeframe_ns, x, t->S);
    if (t->config.stale_bars > 0)
        wk__rules_stale(t, e);
    bool stop = t->halted || t->day_halted;
    size_t n = 0;
    for (size_t s = 0; s < t->S; s++) {
        int side;
        wk_trade_verdict verdict;
        if (decide(t, e, s, stop, &side, &verdict, actions)) {
            bool forced = t->overridden && forced_side(t, e, s) != 0;
            double strength = forced ? INFINITY : fabs(x[s]);
            t->candidates[n++] = (wk__candidate){(uint32_t)s, (int8_t)side, forced, strength};
        }
        t->verdict[s] = (uint8_t)verdict;
    }
    place_entries(t, e, n, actions);
}
