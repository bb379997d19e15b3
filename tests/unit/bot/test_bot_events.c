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

#include "walk_forward.h"
#include "wick/bot.h"
#include "wick/file.h"
#include "wick/log.h"

#define MINUTE INT64_C(60000000000)
#define E8 INT64_C(100000000)

static const char config_text[] =
    "{\"name\": \"events\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 1, "
    "\"bars\": 3600, \"edge\": 0.3}}, \"features\": {\"families\": [\"momentum\"], "
    "\"anchor_bars\": 512, \"warmup_bars\": 300, \"warmup_valid_bars\": 100}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"early_stop_fraction\": 0, \"calibration_fraction\": 0, \"policy_fraction\": 0, "
    "\"branch_generations\": 1}, \"meta\": {\"score\": \"direction\", "
    "\"networks_must_earn\": false, \"params\": {\"num_boost_round\": 4, \"max_depth\": 2}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.9}}";

static char work[64], model_dir[80];
static wk_arena arena;
static wk_run_config config;
static wk_dataset d;

static wk_status train(wk_err *err)
{
    wk_targets targets;
    wk_walk_forward walk;
    WK_TRY(wk_config_parse(&wk_run_config_table, "events", config_text, NULL, 0, &arena, &config,
                           err));
    WK_TRY(wk_dataset_load(&config, NULL, &d, err));
    WK_TRY(wk_dataset_instruments(&config, &d, err));
    WK_TRY(wk_targets_make(&config, &d.panel, d.table.sigma, &d.arena, &targets, err));
    WK_TRY(wk_walk_forward_run(&config, &d, &targets, 1, &walk, err));
    snprintf(walk.model.feature_hash, sizeof walk.model.feature_hash, "%s", d.feature_hash);
    WK_TRY(wk_model_save(&walk.model, &config, &d, model_dir, err));
    wk_walk_forward_finish(&walk);
    return WK_OK;
}

static int set_up(void **state)
{
    wk_err err = {0};
    (void)state;
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(work, sizeof work, "%s/wick-events-XXXXXX",
             wk_file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    if (!mkdtemp(work))
        return -1;
    snprintf(model_dir, sizeof model_dir, "%s/model", work);
    if (train(&err) != WK_OK) {
        printf("# %s\n", err.msg);
        return -1;
    }
    return 0;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    wk_dataset_finish(&d);
    wk_arena_finish(&arena);
    snprintf(command, sizeof command, "rm -rf %s", work);
    return system(command) ? -1 : 0;
}

/* ---- the scripted executor: each thing the venue said is a row and its event ---- */

typedef struct {
    wk_trader_event said[16];
    size_t n, next;
    bool row_taken;
} script;

static bool submit(void *self, const wk_action *action, int64_t now_ns)
{
    (void)self;
    (void)action;
    (void)now_ns;
    return true;
}

static bool poll(void *self, wk_trader_event *out)
{
    script *s = self;
    if (s->next == s->n || !s->row_taken)
        return false;
    *out = s->said[s->next++];
    s->row_taken = false;
    return true;
}

static bool row(void *self, wk_journal_record *out)
{
    script *s = self;
    if (s->next == s->n || s->row_taken)
        return false;
    const wk_trader_event *e = &s->said[s->next];
    *out = (wk_journal_record){.kind = e->kind == WK_TRADER_EVENT_FILL ? WK_JOURNAL_FILL
                                                                       : WK_JOURNAL_FUNDING,
                               .market = e->symbol,
                               .time_ns = e->time_ns,
                               .side = e->side,
                               .reason = e->reason,
                               .qty_lots = e->qty_lots,
                               .price_ticks = e->price_ticks,
                               .amount_e8 = e->amount_e8};
    snprintf(out->venue_id, sizeof out->venue_id, "%zu", s->next);
    s->row_taken = true;
    return true;
}

static void look_at_nothing(void *self, const wk_features_step *step, const double *sigma)
{
    (void)self;
    (void)step;
    (void)sigma;
}

static void say_fill(script *s, int64_t time_ns, int8_t side, wk_reason reason, int64_t ticks)
{
    s->said[s->n++] = (wk_trader_event){.kind = WK_TRADER_EVENT_FILL,
                                        .time_ns = time_ns,
                                        .side = side,
                                        .reason = (uint8_t)reason,
                                        .qty_lots = 1000,
                                        .price_ticks = ticks};
}

static void say_funding(script *s, int64_t time_ns, int64_t amount_e8)
{
    s->said[s->n++] = (wk_trader_event){
        .kind = WK_TRADER_EVENT_FUNDING, .time_ns = time_ns, .amount_e8 = amount_e8};
}

/* ---- the bot ---- */

typedef struct {
    script venue;
    wk_bot *bot;
    wk_bot_config config;
    wk_bot_model_config model;
    wk_journal *journal;
    char dir[128], journal_path[160], table_path[160];
} rig;

/* With recovery: what an earlier bot of this name left is taken up. */
static rig *open_bot(const char *name)
{
    wk_err err = {0};
    rig *r = calloc(1, sizeof *r);
    wk_executor executor = {
        .self = &r->venue, .submit = submit, .poll = poll, .row = row, .step = look_at_nothing};
    snprintf(r->dir, sizeof r->dir, "%s/%s", work, name);
    snprintf(r->journal_path, sizeof r->journal_path, "%s/journal.sqlite", r->dir);
    snprintf(r->table_path, sizeof r->table_path, "%s/trades.csv", r->dir);
    if (wk_config_parse(&wk_bot_config_table, "bot",
                        "{\"name\": \"test\", \"models\": [{\"dir\": \"x\"}], \"venue\": "
                        "\"delta-india\", \"initial_cash\": 10000}",
                        NULL, 0, &arena, &r->config, &err))
        fail_msg("%s", err.msg);
    r->model = *(wk_bot_model_config *)r->config.models.v;
    r->model.dir = model_dir;
    r->config.models.v = &r->model;
    r->config.dir = r->dir;
    if (wk_dir_create(r->dir, &err) || wk_journal_open(r->journal_path, &r->journal, &err) ||
        wk_bot_open(&r->config, &executor, r->journal, &r->bot, &err) ||
        wk_bot_recover(r->bot, INT64_MIN, 10000 * E8, &err))
        fail_msg("%s", err.msg);
    return r;
}

static void close_bot(rig *r)
{
    wk_bot_close(r->bot);
    wk_journal_close(r->journal);
    free(r);
}

static void tend(rig *r)
{
    wk_err err = {0};
    if (wk_bot_tend(r->bot, true, &err) || wk_journal_sync(r->journal, &err))
        fail_msg("%s", err.msg);
}

static void step(rig *r, size_t t)
{
    wk_err err = {0};
    wk_features_step s = wk_panel_step(&d.panel, t);
    if (wk_bot_step(r->bot, &s, false, &err))
        fail_msg("%s", err.msg);
    tend(r);
}

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
    rig *r = open_bot("early");
    wk_bot_counts counts;
    int64_t open_ns = wk_panel_step(&d.panel, 600).time_ns;
    uint32_t kinds = 1u << WK_JOURNAL_FILL | 1u << WK_JOURNAL_FUNDING;
    (void)state;
    say_fill(&r->venue, open_ns, WK_SIDE_BUY, WK_REASON_ENTRY, 5000);
    say_funding(&r->venue, open_ns + MINUTE, -2 * E8);
    say_fill(&r->venue, open_ns + 2 * MINUTE, WK_SIDE_SELL, WK_REASON_STOP_LOSS, 4900);
    tend(r);
    assert_int_equal(count_rows(r, kinds), 3);
    wk_bot_count(r->bot, &counts);
    assert_int_equal(counts.fills, 0);
    step(r, 600); /* now the trader is there, and hears them in their order */
    wk_bot_count(r->bot, &counts);
    assert_int_equal(counts.fills, 2);
    assert_int_equal(counts.trades, 1);
    assert_int_equal(count_rows(r, kinds), 3);
    close_bot(r);
}

static void test_late_funding_changes_the_line_of_the_trade_that_paid_it(void **state)
{
    rig *r = open_bot("late");
    wk_bot_counts before, after;
    int64_t open_ns = wk_panel_step(&d.panel, 600).time_ns;
    (void)state;
    step(r, 600);
    say_fill(&r->venue, open_ns, WK_SIDE_BUY, WK_REASON_ENTRY, 5000);
    say_fill(&r->venue, open_ns + 9 * MINUTE, WK_SIDE_SELL, WK_REASON_FLIP, 5100);
    say_fill(&r->venue, open_ns + 9 * MINUTE, WK_SIDE_SELL, WK_REASON_ENTRY, 5100);
    tend(r);
    wk_bot_count(r->bot, &before);
    assert_int_equal(before.trades, 1);
    char *table = read_table(r);
    double net = field(table, "net,");
    assert_true(field(table, "funding,") == 0);
    free(table);
    say_funding(&r->venue, open_ns + 5 * MINUTE, -2 * E8);
    tend(r);
    wk_bot_count(r->bot, &after);
    assert_true(after.net - before.net + 2 < 1e-9 && before.net - after.net - 2 < 1e-9);
    table = read_table(r);
    assert_true(field(table, "funding,") == -2);
    assert_true(field(table, "net,") - net + 2 < 1e-9 && net - field(table, "net,") - 2 < 1e-9);
    close_bot(r);
    /* The next start, which reads only the journal, finds the table as it is. */
    r = open_bot("late");
    char *anew = read_table(r);
    assert_string_equal(anew, table);
    /* It was not another one's by chance: without the file it is written again. */
    close_bot(r);
    char path[160];
    snprintf(path, sizeof path, "%s/late/trades.csv", work);
    assert_int_equal(unlink(path), 0);
    r = open_bot("late");
    free(anew);
    anew = read_table(r);
    assert_string_equal(anew, table);
    close_bot(r);
    free(anew);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_do_not_wait_behind_events_before_the_first_step),
        cmocka_unit_test(test_late_funding_changes_the_line_of_the_trade_that_paid_it),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
