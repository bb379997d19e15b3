/* A trader that goes on from a journal. */
#include "trader.h"

void wk_trader_restore(wk_trader *t, size_t s, int64_t lots, int64_t entry_ticks,
                       int64_t stop_ticks, int64_t profit_ticks)
{
    WK_ASSERT(s < t->S && (lots == 0 || entry_ticks > 0));
    t->pos[s] = lots;
    t->entry[s] = lots != 0 ? entry_ticks : 0;
    if (t->mark[s] == 0) /* the history had no bar of it */
        t->mark[s] = entry_ticks;
    t->entered[s] = t->step;
    t->restored = true;
    t->rule[s].stop = stop_ticks;
    t->rule[s].profit = profit_ticks;
}

void wk_trader_restore_trip(wk_trader *t, size_t s, int64_t entered_ns, int64_t stopped_ns,
                            int64_t trip_e8)
{
    WK_ASSERT(s < t->S);
    if (entered_ns != 0)
        t->entered[s] = entered_ns / t->timeframe_ns;
    if (stopped_ns != 0)
        t->cool[s] = stopped_ns / t->timeframe_ns + t->config.cooldown_bars;
    t->rule[s].trip_e8 = trip_e8;
}

void wk_trader_restore_cash(wk_trader *t, int64_t time_ns, int64_t cash_e8, int64_t peak_e8,
                            int64_t day_equity_e8)
{
    int64_t equity = cash_e8, value, open_ns = time_ns - t->timeframe_ns;
    for (size_t s = 0; s < t->S; s++)
        if (t->pos[s] != 0 && (!wk_money_value(&t->unit[s], t->pos[s], t->mark[s], false, &value) ||
                               __builtin_add_overflow(equity, value, &equity))) {
            t->failed = t->halted = true;
            return;
        }
    t->step = time_ns / t->timeframe_ns;
    t->day = open_ns / WK_DAY_NS - (open_ns % WK_DAY_NS < 0);
    t->cash_e8 = cash_e8;
    t->equity_e8 = equity;
    t->peak_e8 = peak_e8 > equity ? peak_e8 : equity;
    t->day_equity_e8 = day_equity_e8 != 0 ? day_equity_e8 : equity;
    /* The next close judges the restored equity; that of the history was none. */
    t->halted = t->day_halted = false;
}

void wk_trader_restore_streak(wk_trader *t, int64_t losses, int64_t pause_until_ns)
{
    t->losses = losses;
    t->pause_until = pause_until_ns / t->timeframe_ns;
}

void wk_trader_restore_order(wk_trader *t, const wk_order *order, int64_t left)
{
    size_t s = order->symbol;
    WK_ASSERT(s < t->S && left > 0);
    switch (wk__order_id_leg(order->id)) {
    case WK__LEG_LIMIT:
        t->limit[s] = (wk__limit){.id = order->id,
                                  .lots = left,
                                  .ticks = order->price_ticks,
                                  .side = order->side,
                                  .attempt = (uint8_t)(order->id & 15)};
        break;
    case WK__LEG_ENTRY:
        t->entry_flight[s] += order->side * left;
        break;
    case WK__LEG_EXIT:
        t->exit_flight[s] += order->side * left;
        break;
    default:
        break; /* of the executor's own */
    }
    /* The bracket that its fills will have. */
    if (!order->reduce_only && t->pos[s] == 0) {
        t->rule[s].stop = order->stop_ticks;
        t->rule[s].profit = order->profit_ticks;
    }
}

void wk_trader_restore_initial(wk_trader *t, int64_t cash_e8)
{
    t->initial_e8 = cash_e8;
}

void wk_trader_restore_halts(wk_trader *t, bool halted, bool day_halted)
{
    t->halted |= halted;
    t->day_halted |= day_halted;
}
