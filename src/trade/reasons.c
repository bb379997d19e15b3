/* The names of reasons, for and against. */
#include <math.h>

#include "trader.h"

const char *wk_reason_name(wk_reason reason)
{
    static const char *const names[WK_REASON_COUNT] = {
        "entry",       "stop_loss", "take_profit", "score_zero", "flip",  "time",
        "liquidation", "drawdown",  "end",         "expired",    "manual"};
    return (unsigned)reason < WK_REASON_COUNT ? names[reason] : "unknown";
}

const char *wk_trade_verdict_name(wk_trade_verdict verdict)
{
    static const char *const names[WK_TRADE_COUNT] = {
        [WK_TRADE_NONE] = "none",
        [WK_TRADE_ENTER] = "enter",
        [WK_TRADE_FORCED] = "forced",
        [WK_TRADE_LEAVE] = "leave",
        [WK_TRADE_HOLD] = "hold",
        [WK_TRADE_NO_BAR] = "no_bar",
        [WK_TRADE_NO_FORECAST] = "no_forecast",
        [WK_TRADE_NO_THRESHOLD] = "no_threshold",
        [WK_TRADE_WEAK] = "weak",
        [WK_TRADE_UNSURE] = "unsure",
        [WK_TRADE_UNCONFIRMED] = "unconfirmed",
        [WK_TRADE_HALTED] = "halted",
        [WK_TRADE_DAY_HALTED] = "day_halted",
        [WK_TRADE_WARMING] = "warming",
        [WK_TRADE_EARLY] = "early",
        [WK_TRADE_SIDE_FORBIDDEN] = "side_forbidden",
        [WK_TRADE_COOLDOWN] = "cooldown",
        [WK_TRADE_WORKING] = "working",
        [WK_TRADE_BLOCKED] = "blocked",
        [WK_TRADE_STALE] = "stale",
        [WK_TRADE_MARKETS_STALE] = "markets_stale",
        [WK_TRADE_LOSS_PAUSE] = "loss_pause",
        [WK_TRADE_UNCHANGED] = "unchanged",
        [WK_TRADE_NO_ROOM] = "no_room",
        [WK_TRADE_EXPOSURE] = "exposure",
        [WK_TRADE_TOO_SMALL] = "too_small",
    };
    return (unsigned)verdict < WK_TRADE_COUNT ? names[verdict] : "unknown";
}

wk_trade_verdict wk_trader_verdict(const wk_trader *t, size_t s)
{
    WK_ASSERT(s < t->S);
    wk_trade_verdict verdict = (wk_trade_verdict)t->verdict[s];
    /* Told apart here rather than in the step. */
    if (verdict == WK_TRADE_WEAK && t->signal.threshold == INFINITY)
        return WK_TRADE_NO_THRESHOLD;
    return verdict;
}
