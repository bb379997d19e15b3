/* What keeps the whole portfolio from entering, for those who tell people of it. */
#include "trader.h"

/* The first close of a bar that opens after this UTC day. */
static int64_t day_over(const wk_trader *t)
{
    int64_t next_ns = (t->day + 1) * WK_DAY_NS;
    return (next_ns + t->timeframe_ns - 1) / t->timeframe_ns * t->timeframe_ns + t->timeframe_ns;
}

void wk_trader_halts(const wk_trader *t, wk_trade_halts *out)
{
    *out = (wk_trade_halts){.halted = t->halted,
                            .day_halted = t->day_halted,
                            .markets_stale = t->markets_stale,
                            .equity_e8 = t->equity_e8,
                            .peak_e8 = t->peak_e8,
                            .day_equity_e8 = t->day_equity_e8,
                            .n_known = t->n_known,
                            .n_stale = t->n_stale};
    if (t->day_halted)
        out->day_until_ns = day_over(t);
    if (t->config.loss_streak > 0 && t->config.loss_pause_bars > 0 && t->pause_until > t->step)
        out->pause_until_ns = t->pause_until * t->timeframe_ns;
}
