/* What a bot tells people. */
#include <stdarg.h>
#include <stdio.h>

#include "bot_internal.h"
#include "reload.h"
#include "wick/clock.h"
#include "wick/log.h"

void wk_bot_set_alerts(wk_bot *b, wk_alerts *alerts)
{
    b->alerts = alerts;
}

void wk__bot_alert(wk_bot *b, wk_alert_kind kind, int64_t time_ns, const char *fmt, ...)
{
    if (!b->alerts)
        return;
    char text[1500];
    int n = snprintf(text, sizeof text, "%.60s: ", b->config->name);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    va_end(args);
    bool taken = wk_alerts_send(b->alerts, kind, text);
    if (!b->journal)
        return;
    wk_journal_record r = {.kind = WK_JOURNAL_ALERT, .time_ns = time_ns};
    snprintf(r.text, sizeof r.text, "%.199s", text);
    snprintf(r.state, sizeof r.state, "%s", taken ? "queued" : "queue full");
    wk_journal_put(b->journal, &r);
}

void wk__bot_alert_fill(wk_bot *b, const wk_trader_event *e, const wk_trade *closed)
{
    const wk_trade_instrument *x = &b->instruments[e->symbol];
    bool stops = e->reason == WK_REASON_STOP_LOSS || e->reason == WK_REASON_LIQUIDATION ||
                 e->reason == WK_REASON_DRAWDOWN;
    char result[64] = "";
    if (closed)
        snprintf(result, sizeof result, ", net %.2f (%.1f bp)", closed->net,
                 closed->net / closed->notional * 1e4);
    wk__bot_alert(b, stops ? WK_ALERT_STOP : WK_ALERT_FILL, e->time_ns, "%s %s %.12g @ %.12g, %s%s",
                  wk_bot_market(b, e->symbol)->symbol, e->side > 0 ? "bought" : "sold",
                  (double)e->qty_lots * x->lot, (double)e->price_ticks * x->tick,
                  wk_reason_name((wk_reason)e->reason), result);
}

/* What a time since `from` has brought, in the log and the journal; the row's number. */
static uint64_t tell_period(wk_bot *b, const char *name, const wk_bot_counts *from,
                            const wk_bot_counts *now, char text[200])
{
    snprintf(text, 200,
             "%s: net %.2f of %llu trades, %llu fills, equity %.2f (%+.2f %%), held back %llu",
             name, now->net - from->net, (unsigned long long)(now->trades - from->trades),
             (unsigned long long)(now->fills - from->fills), now->equity,
             from->equity > 0 ? (now->equity / from->equity - 1) * 100 : 0,
             (unsigned long long)(now->held_back - from->held_back));
    wk_log_write(WK_LOG_INFO, "trade.day", "%s", text);
    wk_journal_record r = {.kind = WK_JOURNAL_NOTE, .time_ns = b->now_ns};
    snprintf(r.text, sizeof r.text, "day %.190s", text);
    return b->journal ? wk_journal_put(b->journal, &r) : 0;
}

static const int64_t length = INT64_C(86400) * WK_NS_PER_S;

static int64_t shift_of(const wk_bot *b)
{
    return b->config->summary_hour * 3600 * WK_NS_PER_S;
}

/* A step belongs to the day that it closes in; the one that closes at the hour ends the old. */
int64_t wk__bot_day_of(const wk_bot *b, int64_t time_ns)
{
    return (time_ns - 1 - shift_of(b)) / length;
}

/* 1970 began with a Thursday; weeks begin with a Monday. */
int64_t wk__bot_week_of(int64_t day)
{
    return (day + 3) / 7;
}

void wk__bot_day(wk_bot *b)
{
    int64_t day = wk__bot_day_of(b, b->now_ns);
    if (day == b->day)
        return;
    wk_bot_counts now;
    wk_bot_count(b, &now);
    if (!b->day) {
        b->week_start = now;
    } else {
        char date[32], name[48], text[200];
        int64_t end_ns = (b->day + 1) * length + shift_of(b);
        wk_time_format(end_ns - length, date);
        snprintf(name, sizeof name, "%.10s", date);
        uint64_t seq = tell_period(b, name, &b->day_start, &now, text);
        if (!wk__reload_day(b, end_ns, seq))
            wk__bot_alert(b, WK_ALERT_SUMMARY, b->now_ns, "%s", text);
        if (wk__bot_week_of(b->day) != wk__bot_week_of(day)) {
            snprintf(name, sizeof name, "week to %.10s", date);
            tell_period(b, name, &b->week_start, &now, text);
            wk__bot_alert(b, WK_ALERT_SUMMARY, b->now_ns, "%s", text);
            b->week_start = now;
        }
    }
    b->day = day;
    b->day_start = now;
}
