/* What a venue tells a bot, by a scripted executor: rows reach the journal whatever waits before
 * them, and funding that comes late is found in the trade that it belongs to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "bot_rig.h"
#include "wick/file.h"

static void count_row(void *ctx, const wk_journal_record *record, uint64_t seq)
{
    (void)record;
    (void)seq;
    ++*(size_t *)ctx;
}

static size_t count_rows(rig *r, uint32_t kinds)
{
    size_t n = 0;
    wk_err err = {0};
    if (wk_journal_read(r->journal, kinds, count_row, &n, &err))
        fail_msg("%s", err.msg);
    return n;
}

/* The caller frees it. */
static char *read_table(rig *r)
{
    char *text;
    size_t n;
    wk_err err = {0};
    if (wk_file_read(r->table_path, &text, &n, &err))
        fail_msg("%s", err.msg);
    return text;
}

/* Of the table's only line. */
static double field(const char *table, const char *name)
{
    int column = 0;
    const char *header = table, *line = strchr(table, '\n') + 1, *at = strstr(header, name);
    assert_true(at && at < line);
    for (const char *c = header; c < at; c++)
        column += *c == ',';
    for (; column > 0; column--)
        line = strchr(line, ',') + 1;
    return strtod(line, NULL);
}

/* A bot of hourly bars that has just started, or that is stopped again before the first closes. */
static void test_rows_do_not_wait_behind_events_before_the_first_step(void **state)
{
    rig *r = rig_open("early", NULL);
    wk_bot_counts counts;
    int64_t open_ns = wk_panel_step(&rig_data.panel, 600).time_ns;
    uint32_t kinds = 1u << WK_JOURNAL_FILL | 1u << WK_JOURNAL_FUNDING;
    (void)state;
    say_fill(&r->venue, open_ns, WK_SIDE_BUY, WK_REASON_ENTRY, 5000);
    say_funding(&r->venue, open_ns + MINUTE, -2 * E8);
    say_fill(&r->venue, open_ns + 2 * MINUTE, WK_SIDE_SELL, WK_REASON_STOP_LOSS, 4900);
    rig_tend(r);
    assert_int_equal(count_rows(r, kinds), 3);
    wk_bot_count(r->bot, &counts);
    assert_int_equal(counts.fills, 0);
    rig_step(r, 600); /* now the trader is there, and hears them in their order */
    wk_bot_count(r->bot, &counts);
    assert_int_equal(counts.fills, 2);
    assert_int_equal(counts.trades, 1);
    assert_int_equal(count_rows(r, kinds), 3);
    rig_close(r);
}

static void test_late_funding_changes_the_line_of_the_trade_that_paid_it(void **state)
{
    rig *r = rig_open("late", NULL);
    wk_bot_counts before, after;
    int64_t open_ns = wk_panel_step(&rig_data.panel, 600).time_ns;
    (void)state;
    rig_step(r, 600);
    say_fill(&r->venue, open_ns, WK_SIDE_BUY, WK_REASON_ENTRY, 5000);
    say_fill(&r->venue, open_ns + 9 * MINUTE, WK_SIDE_SELL, WK_REASON_FLIP, 5100);
    say_fill(&r->venue, open_ns + 9 * MINUTE, WK_SIDE_SELL, WK_REASON_ENTRY, 5100);
    rig_tend(r);
    wk_bot_count(r->bot, &before);
    assert_int_equal(before.trades, 1);
    char *table = read_table(r);
    double net = field(table, "net,");
    assert_true(field(table, "funding,") == 0);
    free(table);
    say_funding(&r->venue, open_ns + 5 * MINUTE, -2 * E8);
    rig_tend(r);
    wk_bot_count(r->bot, &after);
    assert_true(after.net - before.net + 2 < 1e-9 && before.net - after.net - 2 < 1e-9);
    table = read_table(r);
    assert_true(field(table, "funding,") == -2);
    assert_true(field(table, "net,") - net + 2 < 1e-9 && net - field(table, "net,") - 2 < 1e-9);
    rig_close(r);
    /* The next start, which reads only the journal, finds the table as it is. */
    r = rig_open("late", NULL);
    char *anew = read_table(r);
    assert_string_equal(anew, table);
    /* It was not another one's by chance: without the file it is written again. */
    rig_close(r);
    char path[160];
    snprintf(path, sizeof path, "%s/late/trades.csv", rig_work);
    assert_int_equal(unlink(path), 0);
    r = rig_open("late", NULL);
    free(anew);
    anew = read_table(r);
    assert_string_equal(anew, table);
    rig_close(r);
    free(anew);
    free(table);
}

static void keep_text(void *ctx, const wk_journal_record *record, uint64_t seq)
{
    (void)seq;
    snprintf(ctx, 200, "%s", record->text);
}

/* The strategy of the newest signal, after one step of a new bot. */
static void expect_strategy(const char *name, const char *rule, const char *wish, const char *want)
{
    const char *rules[] = {rule};
    char path[160], text[200] = "";
    wk_err err = {0};
    rig *r = rig_open(name, &(wk_strings){rules, 1});
    if (wish[0]) {
        snprintf(path, sizeof path, "%s/overrides", r->dir);
        if (wk_file_write_atomic(path, wish, strlen(wish), &err))
            fail_msg("%s", err.msg);
    }
    for (size_t t = 0; t < 601; t++) { /* the first ones are history */
        wk_features_step s = wk_panel_step(&rig_data.panel, t);
        if (wk_bot_step(r->bot, &s, t < 600, &err))
            fail_msg("%s", err.msg);
    }
    rig_tend(r);
    if (wk_journal_read(r->journal, 1u << WK_JOURNAL_SIGNAL, keep_text, text, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(text, want);
    rig_close(r);
}

static void test_a_signal_names_the_experiment_or_the_person_behind_it(void **state)
{
    char wish[80];
    (void)state;
    snprintf(wish, sizeof wish, "buy %s\n", rig_data.panel.symbols[0]);
    expect_strategy("decided", "trade.threshold=0.000001", "", "events 1h");
    expect_strategy("forced", "trade.threshold=0.9", wish, "manual");
    expect_strategy("weak", "trade.threshold=0.9", "", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_do_not_wait_behind_events_before_the_first_step),
        cmocka_unit_test(test_late_funding_changes_the_line_of_the_trade_that_paid_it),
        cmocka_unit_test(test_a_signal_names_the_experiment_or_the_person_behind_it),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
