/* Halts of the whole portfolio are the trader's doing; this tells people, the log and the journal
 * of each one once when it begins and once when it ends. It only looks: no intent depends on it. */
#include <stdarg.h>
#include <stdio.h>

#include "bot_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { TEXT_BYTES = 190 };

WK_PRINTF(2, 3) static void tell(wk_bot *b, const char *fmt, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    wk_journal_record note = {.kind = WK_JOURNAL_NOTE, .time_ns = b->now_ns};
    snprintf(note.text, sizeof note.text, "%s", text);
    if (b->journal)
        wk_journal_put(b->journal, &note);
    wk_log_write(WK_LOG_WARN, "trade.halt", "%s", text);
    wk__bot_alert(b, WK_ALERT_HALT, b->now_ns, "%s", text);
}

static double money(int64_t e8)
{
    return (double)e8 / 1e8;
}

/* Percent that the equity lies below `from_e8`. */
static double below(const wk_trade_halts *h, int64_t from_e8)
{
    return from_e8 > 0 ? (1 - (double)h->equity_e8 / (double)from_e8) * 100 : 0;
}

/* `still`: before it, when it began in a run before this one. */
static void tell_drawdown(wk_bot *b, const wk_trade_halts *h, const char *still)
{
    double limit = b->run_configs[0].trade.max_drawdown_stop;
    if (h->equity_e8 <= 0)
        tell(b, "%shalted for good: the equity is gone (%.2f)", still, money(h->equity_e8));
    else
        tell(b,
             "%shalted for good by max_drawdown_stop: equity %.2f, %.2f %% below its peak %.2f, "
             "limit %g %%; all is sold, no entry until a person restarts it with a higher limit",
             still, money(h->equity_e8), below(h, h->peak_e8), money(h->peak_e8), limit * 100);
}

static void tell_day(wk_bot *b, const wk_trade_halts *h, const char *still)
{
    char until[32];
    tell(b,
         "%shalted for the day by daily_loss_stop: equity %.2f, %.2f %% below the day's start "
         "%.2f, limit %g %%; all is sold, entries again from %s",
         still, money(h->equity_e8), below(h, h->day_equity_e8), money(h->day_equity_e8),
         b->run_configs[0].trade.daily_loss_stop * 100, wk_time_format(h->day_until_ns, until));
}

static void tell_pause(wk_bot *b, const wk_trade_halts *h, const char *still)
{
    char until[32];
    tell(b,
         "%spaused by loss_streak: %lld round trips in a row lost, limit %lld; what is held stays, "
         "entries again from %s",
         still, (long long)b->run_configs[0].trade.loss_streak,
         (long long)b->run_configs[0].trade.loss_streak, wk_time_format(h->pause_until_ns, until));
}

static void tell_markets(wk_bot *b, const wk_trade_halts *h)
{
    const wk_trade_config *c = &b->run_configs[0].trade;
    tell(b,
         "halted by stale_markets_max: %zu of %zu markets without a bar for %lld bars, limit %g "
         "%%; what is held stays, entries again when enough of them have bars",
         h->n_stale, h->n_known, (long long)c->stale_bars, c->stale_markets_max * 100);
}

/* What has ended, and whether anything else still holds. */
static void tell_end(wk_bot *b, const wk_trade_halts *h, const char *what)
{
    bool held = h->halted || h->day_halted || h->markets_stale || h->pause_until_ns != 0;
    tell(b, "%s%s", what, held ? ", but another halt holds" : ": entries are allowed again");
}

void wk__bot_halts_restored(wk_bot *b)
{
    static const char *still = "started and still ";
    wk_trade_halts h;
    wk_trader_halts(wk_engine_trader(b->engine), &h);
    /* One that ended while nobody ran is told to be over at the first close. */
    b->halts =
        (wk__halts){.drawdown = h.halted, .day = h.day_halted, .pause_until_ns = h.pause_until_ns};
    if (h.halted)
        tell_drawdown(b, &h, still);
    if (h.day_halted && b->now_ns < h.day_until_ns)
        tell_day(b, &h, still);
    if (b->now_ns < h.pause_until_ns)
        tell_pause(b, &h, still);
}

void wk__bot_halts(wk_bot *b, bool at_close)
{
    wk_trade_halts h;
    wk__halts *told = &b->halts;
    wk_trader_halts(wk_engine_trader(b->engine), &h);
    if (at_close && h.halted && !told->drawdown)
        tell_drawdown(b, &h, "");
    if (at_close && h.day_halted && !told->day)
        tell_day(b, &h, "");
    if (at_close && h.markets_stale && !told->markets)
        tell_markets(b, &h);
    if (h.pause_until_ns > told->pause_until_ns)
        tell_pause(b, &h, "");
    if (at_close && !h.day_halted && told->day)
        tell_end(b, &h, "the day of daily_loss_stop is over");
    if (at_close && !h.markets_stale && told->markets)
        tell_end(b, &h, "enough markets have bars again");
    if (h.pause_until_ns == 0 && told->pause_until_ns != 0)
        tell_end(b, &h, "the pause of loss_streak is over");
    if (at_close)
        *told = (wk__halts){.drawdown = h.halted, .day = h.day_halted, .markets = h.markets_stale};
    told->pause_until_ns = h.pause_until_ns;
}
