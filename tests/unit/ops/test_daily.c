/* The daily summary of a running bot, over several days of a replay. usage: test_daily TINY.json */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "monitor.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"

enum { DAYS = 12, HOUR = 6 };
static const char *config_path;

/* The texts of a kind's rows, in their order. */
static size_t read_texts(const char *dir, const char *kind, const char *like, char (*out)[200],
                         size_t room)
{
    char path[400], sql[300];
    sqlite3 *db;
    sqlite3_stmt *s;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/journal.sqlite", dir);
    snprintf(sql, sizeof sql,
             "SELECT text FROM records WHERE kind = '%s' AND text LIKE '%s' ORDER BY seq", kind,
             like);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW && n < room)
        snprintf(out[n++], sizeof *out, "%s", (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void test_each_day_is_summed_up_once_at_the_configured_hour(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_arena arena;
    wk_run_config run;
    wk_bot_config config;
    wk_dataset d = {0};
    wk_journal *journal;
    wk_alerts *alerts;
    wk_bot *bot = NULL;
    char work[64], path[320], model[256], bot_dir[256], text[700], command[128];
    static char rows[400][200], first[10][200];
    static const char *const plain[] = {"branches=[]"};
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(work, sizeof work, "%s/wick-daily-XXXXXX",
             wk_file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(work));
    snprintf(path, sizeof path, "%s/run", work);
    if (wk_config_load(&wk_run_config_table, config_path, plain, 1, &arena, &run, &err) ||
        wk_stage_train(&run, path, 2, &err) || wk_dataset_load(&run, NULL, &d, &err))
        fail_msg("%s", err.msg);
    snprintf(model, sizeof model, "%s/run/model", work);
    snprintf(bot_dir, sizeof bot_dir, "%s/bot", work);
    snprintf(text, sizeof text,
             "{\"name\": \"test\", \"models\": [{\"dir\": \"%s\"}], \"dir\": \"%s\", "
             "\"summary_hour\": %d, \"reload_s\": 0}",
             model, bot_dir, HOUR);
    if (wk_config_parse(&wk_bot_config_table, "bot", text, NULL, 0, &arena, &config, &err) ||
        wk_dir_create(bot_dir, &err))
        fail_msg("%s", err.msg);
    snprintf(path, sizeof path, "%s/journal.sqlite", bot_dir);
    if (wk_journal_open(path, &journal, &err))
        fail_msg("%s", err.msg);
    snprintf(path, sizeof path, "%s/alerts.sqlite", bot_dir);
    wk_bot_watch watch = {.waits = true, .summarise = wk_monitor_summarise};
    if (wk_alerts_open(&config.alerts, path, &alerts, &err) ||
        wk_bot_open(&config, NULL, journal, &bot, &err) || wk_bot_watch_models(bot, &watch, &err))
        fail_msg("%s", err.msg);
    wk_bot_set_alerts(bot, alerts);
    size_t T = d.panel.T, traded_from = T - DAYS * 24;
    for (size_t t = 0; t < T; t++) {
        wk_features_step step = wk_panel_step(&d.panel, t);
        if (wk_bot_step(bot, &step, t < traded_from, &err) || wk_bot_tend(bot, true, &err))
            fail_msg("%s", err.msg);
    }
    if (wk_journal_sync(journal, &err))
        fail_msg("%s", err.msg);
    wk_bot_close(bot);
    wk_alerts_close(alerts, 0);
    wk_journal_close(journal);

    /* As many as hours of that name went by while it traded, each told on every channel. */
    size_t hours = 0;
    int64_t last_ns = 0;
    for (size_t t = traded_from + 1; t < T; t++) {
        int64_t open_ns = d.panel.start_ns + (int64_t)t * d.panel.timeframe_ns;
        if (wk_civil_from_ns(open_ns).hour == HOUR) {
            hours++;
            last_ns = open_ns;
        }
    }
    size_t n = read_texts(bot_dir, "note", "summary %", rows, 400);
    size_t heads = read_texts(bot_dir, "note", "summary 20% to %", first, 10);
    heads = heads < 10 ? heads : 10;
    assert_true(hours >= DAYS - 1 && heads == (hours < 10 ? hours : 10));
    for (size_t i = 0; i < heads; i++)
        assert_non_null(strstr(first[i], "T06:00 to "));
    static char queued[40][200];
    assert_int_equal(read_texts(bot_dir, "alert", "%T06:00 to %", queued, 40), hours);

    /* The newest is what `wick report --live` makes of the same journal and candles. */
    json_t *document;
    char brief[WK_BOT_SUMMARY_BYTES], *line = brief;
    wk_monitor_options o = {.journal = bot_dir,
                            .model = model,
                            .from_ns = last_ns - 86400 * WK_NS_PER_S,
                            .to_ns = last_ns};
    /* The bot knew the bars to the hour, no later ones: so may the other. */
    char until[64];
    snprintf(until, sizeof until, "data.synthetic.bars=%lld",
             (long long)((last_ns - d.panel.start_ns) / d.panel.timeframe_ns));
    const char *overrides[] = {until};
    o.overrides = overrides;
    o.n_overrides = 1;
    if (wk_monitor_read(&o, &document, &err))
        fail_msg("%s", err.msg);
    wk_monitor_brief(document, brief, sizeof brief);
    json_decref(document);
    /* Without a model there are no bars to judge by, but the bot had them and said so. */
    wk_monitor_options plain_options = {.journal = bot_dir, .model = ""};
    wk_text report = {0};
    if (wk_monitor_read(&plain_options, &document, &err))
        fail_msg("%s", err.msg);
    wk_monitor_text(document, &report);
    assert_true(json_array_size(json_object_get(document, "told")) >= 6);
    assert_non_null(strstr(report.s, ": accuracy "));
    assert_non_null(strstr(report.s, " psi "));
    assert_null(strstr(report.s, "nan"));
    size_t head = n - 1;
    while (strncmp(rows[head], "summary 20", 10) != 0)
        head--;
    assert_non_null(strstr(report.s, rows[head] + strlen("summary ")));
    free(report.s);
    json_decref(document);
    size_t n_lines = 0;
    for (const char *c = brief; *c; c++)
        n_lines += *c == '\n';
    n_lines++;
    assert_true(n_lines >= 6 && n >= n_lines * hours - 3 * hours);
    assert_non_null(strstr(brief, "\ndrift: "));
    assert_non_null(strstr(brief, " psi "));
    assert_non_null(strstr(brief, "\nby strategy: "));
    for (size_t i = 0; i + 1 < n_lines; i++) { /* all but the health, which is of now */
        size_t length = strcspn(line, "\n");
        const char *row = rows[n - n_lines + i] + strlen("summary ");
        if (strlen(row) != length || strncmp(row, line, length) != 0)
            fail_msg("line %zu: told \"%s\", reported \"%.*s\"", i, row, (int)length, line);
        line += length + 1;
    }
    assert_non_null(strstr(rows[n - 1], "summary health: "));
    wk_dataset_finish(&d);
    wk_arena_finish(&arena);
    snprintf(command, sizeof command, "rm -rf %s", work);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_day_is_summed_up_once_at_the_configured_hour),
    };
    config_path = argc > 1 ? argv[1] : "tests/cli/tiny.json";
    return cmocka_run_group_tests_name("daily", tests, NULL, NULL);
}
