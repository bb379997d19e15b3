/* A feed that says nothing closes no bar, and only a bar makes the trader look: trade.stale_bars
 * would never be asked. So the time is watched too. What is held keeps its stops at the venue. */
#include "bot_internal.h"
#include "wick/clock.h"
#include "wick/log.h"

/* Without stale_bars nothing is halted, but somebody is told. */
static const int64_t told_after_ns = 60 * WK_NS_PER_S;

static void tell(wk_bot *b, int64_t now_ns, bool halts, const char *text)
{
    wk_journal_record note = {.kind = WK_JOURNAL_NOTE, .time_ns = now_ns};
    snprintf(note.text, sizeof note.text, "feed: %.190s", text);
    if (b->journal)
        wk_journal_put(b->journal, &note);
    wk_log_write(WK_LOG_WARN, "trade.feed", "%s", text);
    wk__bot_alert(b, halts ? WK_ALERT_HALT : WK_ALERT_ERROR, now_ns, "%s", text);
}

/* Entries that wait for their row, and those that wait at the venue. */
static wk_status halt(wk_bot *b, int64_t now_ns, wk_err *err)
{
    wk_trader_event give_up = {.kind = WK_TRADER_EVENT_OVERRIDE,
                               .time_ns = now_ns,
                               .symbol = WK_ALL_MARKETS,
                               .override = WK_OVERRIDE_GIVE_UP};
    for (size_t i = 0; i < b->n_waiting; i++)
        b->waiting[i].since_ns = INT64_MIN / 2;
    return b->began ? wk__bot_override(b, &give_up, err) : WK_OK;
}

wk_status wk_bot_listen(wk_bot *b, int64_t now_ns, int64_t slack_ns, wk_err *err)
{
    int64_t bars = b->run_configs[0].trade.stale_bars;
    int64_t patience_ns = bars > 0 ? bars * b->timeframe_ns : b->timeframe_ns + told_after_ns;
    char text[160], when[32];
    if (b->began)
        b->heard_ns = b->now_ns;
    else if (b->heard_ns == 0)
        b->heard_ns = now_ns; /* of its start */
    int64_t silent_ns = now_ns - b->heard_ns;
    if (b->silent_ns != 0 && b->heard_ns > b->silent_ns) {
        snprintf(text, sizeof text, "bars come again, after %.0f s without one",
                 (double)(b->heard_ns - b->silent_ns) / 1e9);
        tell(b, now_ns, bars > 0, text);
        b->silent_ns = 0;
    }
    if (b->silent_ns != 0 || silent_ns <= patience_ns + slack_ns)
        return WK_OK;
    b->silent_ns = b->heard_ns;
    snprintf(text, sizeof text, "no bar since %s, %.0f s ago: %s",
             wk_time_format(b->heard_ns, when), (double)silent_ns / 1e9,
             bars > 0 ? "waiting entries are taken back, stops stay"
                      : "entries that wait stay where they are (trade.stale_bars is 0)");
    tell(b, now_ns, bars > 0, text);
    return bars > 0 ? halt(b, now_ns, err) : WK_OK;
}
