/* What people are told of halts: once when one begins, with its rule, value and limit, once when it
 * ends, and once more by a bot that is started while it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bot_rig.h"
#include "wick/clock.h"

enum { T0 = 600 };

/* The first step from T0 on that opens a UTC day. */
static size_t midnight(void)
{
    size_t t = T0;
    while (wk_panel_step(&rig_data.panel, t).time_ns % (24 * 60 * MINUTE) != 0)
        t++;
    return t;
}

static int64_t open_of(size_t t)
{
    return wk_panel_step(&rig_data.panel, t).time_ns;
}

/* A round trip within the bar after step t that loses this much of the quote. */
static void lose(rig *r, size_t t, double amount)
{
    const wk_trade_instrument *x = wk_bot_instruments(r->bot);
    int64_t lots = (int64_t)(amount / (100 * x->tick * x->lot) + 0.5);
    int64_t at = open_of(t) + 90 * MINUTE;
    say_fill(&r->venue, at, WK_SIDE_BUY, WK_REASON_ENTRY, 5000);
    say_fill(&r->venue, at + MINUTE, WK_SIDE_SELL, WK_REASON_STOP_LOSS, 4900);
    r->venue.said[r->venue.n - 2].qty_lots = r->venue.said[r->venue.n - 1].qty_lots = lots;
    rig_tend(r);
}

typedef struct {
    const char *part;
    size_t n_notes, n_alerts;
    char last[200];
} search;

static void look(void *ctx, const wk_journal_record *row, uint64_t seq)
{
    search *s = ctx;
    (void)seq;
    if (!strstr(row->text, s->part))
        return;
    s->n_notes += row->kind == WK_JOURNAL_NOTE;
    s->n_alerts += row->kind == WK_JOURNAL_ALERT;
    snprintf(s->last, sizeof s->last, "%s", row->text);
}

/* So many alerts, and as many notes, have this in their text; the newest one's text. */
static const char *expect_told(rig *r, const char *part, size_t n)
{
    static search s;
    wk_err err = {0};
    s = (search){.part = part};
    if (wk_journal_sync(r->journal, &err) ||
        wk_journal_read(r->journal, 1u << WK_JOURNAL_ALERT | 1u << WK_JOURNAL_NOTE, look, &s, &err))
        fail_msg("%s", err.msg);
    if (s.n_alerts != n || s.n_notes != n)
        fail_msg("\"%s\": %zu alerts and %zu notes, not %zu", part, s.n_alerts, s.n_notes, n);
    return s.last;
}

static void expect_part(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static rig *open_with(const char *name, const char *rule, const char *other)
{
    const char *rules[] = {rule, other};
    return rig_open(name, &(wk_strings){rules, 2});
}

static void test_a_drawdown_stop_is_told_once_and_again_at_each_start(void **state)
{
    (void)state;
    const char *rule = "trade.max_drawdown_stop=0.1";
    rig *r = open_with("drawdown", rule, rule);
    rig_step(r, T0);
    lose(r, T0, 990);
    rig_step(r, T0 + 1);
    expect_told(r, "max_drawdown_stop", 0);
    lose(r, T0 + 1, 30);
    rig_step(r, T0 + 2);
    const char *text = expect_told(r, "halted for good by max_drawdown_stop", 1);
    expect_part(text, "equity 8980.00, 10.20 % below its peak 10000.00, limit 10 %");
    expect_part(text, "until a person restarts it with a higher limit");
    for (size_t t = T0 + 3; t < T0 + 60; t++)
        rig_step(r, t);
    expect_told(r, "max_drawdown_stop", 1);
    expect_told(r, "entries are allowed again", 0);
    rig_close(r);

    r = open_with("drawdown", rule, rule);
    rig_step(r, T0 + 60);
    rig_step(r, T0 + 61);
    expect_told(r, "started and still halted for good by max_drawdown_stop", 1);
    expect_told(r, "max_drawdown_stop", 2);
    rig_close(r);

    /* As the message says. */
    r = open_with("drawdown", "trade.max_drawdown_stop=0.2", "trade.slots=5");
    rig_step(r, T0 + 62);
    expect_told(r, "max_drawdown_stop", 2);
    wk_trade_halts h;
    wk_trader_halts(wk_engine_trader(wk_bot_engine(r->bot)), &h);
    assert_false(h.halted);
    rig_close(r);
}

static void test_a_daily_loss_stop_is_told_with_the_time_at_which_it_ends(void **state)
{
    (void)state;
    size_t t = midnight() + 20;
    rig *r = open_with("day", "trade.daily_loss_stop=0.03", "trade.slots=5");
    char until[32];
    for (size_t k = t - 2; k <= t; k++)
        rig_step(r, k);
    lose(r, t, 310);
    rig_step(r, t + 1);
    const char *text = expect_told(r, "halted for the day by daily_loss_stop", 1);
    expect_part(text, "equity 9690.00, 3.10 % below the day's start 10000.00, limit 3 %");
    /* The next day's first bar, 00:00 to 01:00, is the first that may enter at its close. */
    expect_part(text, wk_time_format(open_of(t + 4) + 60 * MINUTE, until));
    rig_step(r, t + 2);
    rig_step(r, t + 3);
    expect_told(r, "daily_loss_stop", 1);
    rig_step(r, t + 4);
    expect_told(r, "the day of daily_loss_stop is over: entries are allowed again", 1);
    rig_step(r, t + 5);
    expect_told(r, "daily_loss_stop", 2);
    rig_close(r);
}

static void test_a_losing_streaks_pause_is_told_when_it_begins_and_ends(void **state)
{
    (void)state;
    rig *r = open_with("streak", "trade.loss_streak=2", "trade.loss_pause_bars=3");
    char until[32];
    rig_step(r, T0);
    lose(r, T0, 1);
    rig_step(r, T0 + 1);
    expect_told(r, "loss_streak", 0);
    lose(r, T0 + 1, 1); /* within the bar of step T0 + 2 */
    const char *text = expect_told(r, "paused by loss_streak", 1); /* at once, not at the close */
    expect_part(text, "2 round trips in a row lost, limit 2");
    expect_part(text, wk_time_format(open_of(T0 + 6), until)); /* after three closes */
    rig_step(r, T0 + 2);
    rig_step(r, T0 + 3);
    expect_told(r, "loss_streak", 1);
    rig_close(r);

    r = open_with("streak", "trade.loss_streak=2", "trade.loss_pause_bars=3");
    rig_step(r, T0 + 4);
    expect_part(expect_told(r, "started and still paused by loss_streak", 1),
                wk_time_format(open_of(T0 + 6), until));
    expect_told(r, "is over", 0);
    rig_step(r, T0 + 5);
    expect_told(r, "the pause of loss_streak is over: entries are allowed again", 1);
    rig_step(r, T0 + 6);
    expect_told(r, "loss_streak", 3);
    rig_close(r);
}

static void test_a_streak_without_a_pause_is_no_news(void **state)
{
    (void)state;
    rig *r = open_with("nopause", "trade.loss_streak=1", "trade.loss_pause_bars=0");
    rig_step(r, T0);
    lose(r, T0, 1);
    rig_step(r, T0 + 1);
    expect_told(r, "loss_streak", 0);
    rig_close(r);
}

static void test_an_end_says_when_another_halt_holds(void **state)
{
    (void)state;
    size_t t = midnight() + 20;
    rig *r = open_with("both", "trade.daily_loss_stop=0.03", "trade.max_drawdown_stop=0.1");
    rig_step(r, t);
    lose(r, t, 1100);
    for (size_t k = t + 1; k < t + 6; k++)
        rig_step(r, k);
    expect_told(r, "halted for good by max_drawdown_stop", 1);
    expect_told(r, "halted for the day by daily_loss_stop", 1);
    expect_told(r, "the day of daily_loss_stop is over, but another halt holds", 1);
    rig_close(r);
}

static void test_stale_markets_are_told(void **state)
{
    (void)state;
    const char *rules[] = {"trade.stale_bars=2", "trade.stale_markets_max=0.5"};
    rig *r = rig_open("stale", &(wk_strings){rules, 2});
    wk_err err = {0};
    rig_step(r, T0);
    for (size_t t = T0 + 1; t < T0 + 5; t++) {
        wk_features_step s = wk_panel_step(&rig_data.panel, t);
        uint8_t imputed = WK_PROV_IMPUTED;
        s.provenance = &imputed;
        if (wk_bot_step(r->bot, &s, false, &err))
            fail_msg("%s", err.msg);
        rig_tend(r);
    }
    expect_part(expect_told(r, "halted by stale_markets_max", 1),
                "1 of 1 markets without a bar for 2 bars, limit 50 %");
    rig_step(r, T0 + 5);
    expect_told(r, "enough markets have bars again: entries are allowed again", 1);
    rig_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_drawdown_stop_is_told_once_and_again_at_each_start),
        cmocka_unit_test(test_a_daily_loss_stop_is_told_with_the_time_at_which_it_ends),
        cmocka_unit_test(test_a_losing_streaks_pause_is_told_when_it_begins_and_ends),
        cmocka_unit_test(test_a_streak_without_a_pause_is_no_news),
        cmocka_unit_test(test_an_end_says_when_another_halt_holds),
        cmocka_unit_test(test_stale_markets_are_told),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
