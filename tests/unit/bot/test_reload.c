/* Models that are renewed under a running bot: no bar is missed, and from the swap on the bits are
 * those of a bot that was started with the new model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "walk_forward.h"
#include "wick/bot.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/publish.h"

static const char config_text[] =
    "{\"name\": \"reload\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 3, "
    "\"bars\": 3600, \"edge\": 0.3}}, \"features\": {\"families\": [\"momentum\"], "
    "\"anchor_bars\": 512, \"warmup_bars\": 300, \"warmup_valid_bars\": 100}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"early_stop_fraction\": 0, \"calibration_fraction\": 0, \"policy_fraction\": 0, "
    "\"branch_generations\": 1}, "
    "\"branches\": [{\"name\": \"lstm\", \"families\": [\"momentum\"], \"layers\": [{\"type\": "
    "\"lstm\", \"units\": 4}], \"train\": {\"epochs\": 1}}], "
    "\"meta\": {\"score\": \"targets\", \"networks_must_earn\": false, \"targets\": [{\"kind\": "
    "\"bounded\"}], "
    "\"scale_days\": 20, \"scale_min_days\": 2, \"params\": {\"num_boost_round\": 8, "
    "\"max_depth\": 3}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.8, \"stop_kind\": \"fraction\", "
    "\"stop_loss\": 0.02, \"take_profit\": 0.04, \"cooldown_bars\": 3}}";

static char work[64];
static wk_arena arena;
static wk_run_config config;
static wk_dataset d;

static char *in_work(const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", work, name);
    return out;
}

/* A model of its own kind by `change`, in work/name. */
static wk_status train(const char *name, const char *const *change, size_t n, wk_err *err)
{
    char dir[256];
    wk_targets targets;
    wk_walk_forward walk;
    wk_run_config own;
    wk_dataset data;
    WK_TRY(wk_config_parse(&wk_run_config_table, name, config_text, change, n, &arena, &own, err));
    WK_TRY(wk_dataset_load(&own, NULL, &data, err));
    WK_TRY(wk_dataset_instruments(&own, &data, err));
    WK_TRY(wk_targets_make(&own, &data.panel, data.table.sigma, &data.arena, &targets, err));
    WK_TRY(wk_walk_forward_run(&own, &data, &targets, 1, &walk, err));
    snprintf(walk.model.feature_hash, sizeof walk.model.feature_hash, "%s", data.feature_hash);
    WK_TRY(wk_model_save(&walk.model, &own, &data, in_work(name, dir), err));
    wk_walk_forward_finish(&walk);
    wk_dataset_finish(&data);
    return WK_OK;
}

static int set_up(void **state)
{
    wk_err err = {0};
    (void)state;
    static const char *const deeper[] = {"meta.params.max_depth=2", "seed=9"};
    static const char *const other[] = {"features.families=[\"momentum\", \"volatility\"]"};
    static const char *const fewer[] = {"data.synthetic.symbols=2"};
    static const char *const slower[] = {"data.timeframe=4h", "split.forecast_from=2021-08-01"};
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(work, sizeof work, "%s/wick-reload-XXXXXX",
             wk_file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    if (!mkdtemp(work) ||
        wk_config_parse(&wk_run_config_table, "reload", config_text, NULL, 0, &arena, &config,
                        &err) ||
        wk_dataset_load(&config, NULL, &d, &err) || train("a", NULL, 0, &err) ||
        train("b", deeper, 2, &err) || train("other", other, 1, &err) ||
        train("fewer", fewer, 1, &err) || train("slower", slower, 2, &err)) {
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

static void publish(const char *model)
{
    char from[256], to[256];
    wk_manifest m;
    wk_err err;
    if (wk_publish(in_work(model, from), in_work("live", to), &m, &err))
        fail_msg("%s", err.msg);
}

static void forget_published(void)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf %s/live %s/live.*", work, work);
    assert_int_equal(system(command), 0);
}

typedef struct {
    wk_bot *bot;
    wk_bot_config config;
    wk_bot_model_config model;
    wk_journal *journal;
    char dir[256], place[256];
} rig;

static rig *open_bot(const char *model, int64_t generations, wk_journal *journal,
                     wk_status (*accept)(void *, const char *, wk_err *))
{
    wk_err err = {0};
    rig *r = calloc(1, sizeof *r);
    if (wk_config_parse(&wk_bot_config_table, "bot",
                        "{\"name\": \"test\", \"models\": [{\"dir\": \"x\"}]}", NULL, 0, &arena,
                        &r->config, &err))
        fail_msg("%s", err.msg);
    r->model = *(wk_bot_model_config *)r->config.models.v;
    r->model.dir = in_work(model, r->place);
    r->model.ensemble.generations = generations;
    r->config.models.v = &r->model;
    r->config.reload_s = 0.001;
    r->journal = journal;
    wk_bot_watch watch = {.waits = true, .accept = accept};
    if (wk_bot_open(&r->config, NULL, journal, &r->bot, &err) ||
        wk_bot_watch_models(r->bot, &watch, &err))
        fail_msg("%s", err.msg);
    return r;
}

static void close_bot(rig *r)
{
    wk_bot_close(r->bot);
    free(r);
}

static void step(rig *r, size_t t, bool warming)
{
    wk_err err = {0};
    wk_features_step s = wk_panel_step(&d.panel, t);
    if (wk_bot_step(r->bot, &s, warming, &err) || wk_bot_tend(r->bot, true, &err))
        fail_msg("%s", err.msg);
}

static const wk_forecast *forecasts(const rig *r)
{
    return wk_engine_model_forecasts(wk_bot_engine(r->bot), 0);
}

static bool equal(const wk_forecast *a, const wk_forecast *b)
{
    return memcmp(a, b, d.panel.S * sizeof *a) == 0;
}

static void test_a_swapped_model_has_the_bits_of_a_fresh_bot(void **state)
{
    (void)state;
    size_t T = d.panel.T, at = 3000, differ = 0, valid = 0;
    forget_published();
    publish("a");
    rig *swapped = open_bot("live", 1, NULL, NULL), *old = open_bot("a", 1, NULL, NULL),
        *fresh = open_bot("b", 1, NULL, NULL);
    for (size_t t = 0; t < T; t++) {
        if (t == at) {
            publish("b");
            wk_bot_settle(swapped->bot);
        }
        step(swapped, t, t < 2000);
        step(old, t, t < 2000);
        step(fresh, t, t < 2000);
        differ += !equal(forecasts(old), forecasts(fresh));
        valid += forecasts(swapped)[0].valid;
        if (!equal(forecasts(swapped), forecasts(t < at ? old : fresh)))
            fail_msg("step %zu: not the forecasts of the %s model", t, t < at ? "old" : "new");
    }
    wk_bot_counts counts;
    wk_bot_count(swapped->bot, &counts);
    assert_int_equal(counts.steps, T - 2000);
    assert_true(differ > 500 && valid > 2500);
    close_bot(swapped);
    close_bot(old);
    close_bot(fresh);
}

static void test_a_rollback_swaps_back(void **state)
{
    (void)state;
    char place[256];
    wk_manifest m;
    wk_err err;
    forget_published();
    publish("a");
    publish("b");
    rig *swapped = open_bot("live", 1, NULL, NULL), *old = open_bot("a", 1, NULL, NULL);
    for (size_t t = 0; t < d.panel.T; t++) {
        if (t == 3200) {
            assert_int_equal(wk_publish_rollback(in_work("live", place), &m, &err), WK_OK);
            wk_bot_settle(swapped->bot);
        }
        step(swapped, t, t < 2000);
        step(old, t, t < 2000);
        if (t >= 3200 && !equal(forecasts(swapped), forecasts(old)))
            fail_msg("step %zu: not rolled back", t);
    }
    close_bot(swapped);
    close_bot(old);
}

/* A model whose directory was written in place, without a manifest. */
static void test_an_unpublished_model_is_taken_when_it_stands_still(void **state)
{
    (void)state;
    char command[600];
    snprintf(command, sizeof command, "rm -rf %s/plain; cp -r %s/a %s/plain", work, work, work);
    assert_int_equal(system(command), 0);
    rig *swapped = open_bot("plain", 1, NULL, NULL), *fresh = open_bot("b", 1, NULL, NULL);
    snprintf(command, sizeof command, "cp %s/b/* %s/plain/", work, work);
    for (size_t t = 0; t < 3000; t++) {
        if (t == 2500) {
            assert_int_equal(system(command), 0);
            wk_bot_settle(swapped->bot);
        }
        step(swapped, t, t < 2000);
        step(fresh, t, t < 2000);
        if (t >= 2500)
            assert_true(equal(forecasts(swapped), forecasts(fresh)));
    }
    close_bot(swapped);
    close_bot(fresh);
}

/* A bot whose history is shorter than a model's warm-up: its own first step is the origin of both.
 */
static void test_a_model_that_is_not_warm_yet_waits_or_begins_like_the_bot(void **state)
{
    (void)state;
    forget_published();
    publish("a");
    rig *swapped = open_bot("live", 1, NULL, NULL), *fresh = open_bot("b", 1, NULL, NULL);
    for (size_t t = 100; t < 1500; t++) {
        if (t == 400) {
            publish("b");
            wk_bot_settle(swapped->bot);
        }
        step(swapped, t, false);
        step(fresh, t, false);
        if (t >= 400)
            assert_true(equal(forecasts(swapped), forecasts(fresh)));
    }
    close_bot(swapped);
    close_bot(fresh);
}

static wk_status accept_none(void *ctx, const char *dir, wk_err *err)
{
    (void)ctx;
    return wk_fail(err, WK_E_MODEL, "%s: the verdict is NOT USEFUL", dir);
}

static wk_journal *open_journal(const char *name, char path[256])
{
    wk_journal *journal;
    wk_err err;
    if (wk_journal_open(in_work(name, path), &journal, &err))
        fail_msg("%s", err.msg);
    return journal;
}

/* What sqlite3 would print: count of rows of `kind` whose text has `like`. */
static int count_rows(const char *path, const char *kind, const char *like)
{
    char sql[512];
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM records WHERE kind = '%s' AND text LIKE '%s'",
             kind, like);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

/* Refused: other markets, another timeframe, damaged, not accepted. The old one serves on. */
static void refuse(const char *model, bool damage, const char *why,
                   wk_status (*accept)(void *, const char *, wk_err *))
{
    char path[256], name[32], command[400];
    wk_err err;
    static int number;
    snprintf(name, sizeof name, "j%d.sqlite", number++);
    forget_published();
    publish("a");
    wk_journal *journal = open_journal(name, path);
    rig *kept = open_bot("live", 1, journal, accept), *old = open_bot("a", 1, NULL, NULL);
    for (size_t t = 0; t < 2400; t++) {
        if (t == 2200) {
            publish(model);
            snprintf(command, sizeof command, "printf x >>%s/live/model.json", work);
            if (damage)
                assert_int_equal(system(command), 0);
            wk_bot_settle(kept->bot);
        }
        step(kept, t, t < 2000);
        step(old, t, t < 2000);
        assert_true(equal(forecasts(kept), forecasts(old)));
    }
    assert_int_equal(wk_journal_sync(journal, &err), WK_OK);
    close_bot(kept);
    close_bot(old);
    wk_journal_close(journal);
    if (count_rows(path, "note", why) != 1)
        fail_msg("%s: no single note like %s", model, why);
    assert_int_equal(count_rows(path, "model", "%"), 1);
}

static void test_models_that_do_not_fit_are_refused_once_and_the_old_one_serves_on(void **state)
{
    (void)state;
    refuse("fewer", false, "%refused%does not speak of%", NULL);
    refuse("slower", false, "%refused%bars are of 4h%", NULL);
    refuse("b", true, "%refused%model.json is damaged%", NULL);
    refuse("b", false, "%refused%NOT USEFUL%", accept_none);
}

static void test_a_swap_is_a_row_of_the_journal_and_signals_carry_the_version(void **state)
{
    (void)state;
    char path[256],
        sql[] = "SELECT count(DISTINCT model_version) FROM records WHERE kind = 'signal'";
    wk_err err;
    forget_published();
    publish("a");
    wk_journal *journal = open_journal("versions.sqlite", path);
    rig *r = open_bot("live", 1, journal, NULL);
    for (size_t t = 0; t < d.panel.T; t++) {
        if (t == 2800) {
            publish("b");
            wk_bot_settle(r->bot);
        }
        step(r, t, t < 2000);
    }
    assert_int_equal(wk_journal_sync(journal, &err), WK_OK);
    close_bot(r);
    wk_journal_close(journal);
    assert_int_equal(count_rows(path, "model", "%serves from the start"), 1);
    assert_int_equal(count_rows(path, "model", "%serves, after%"), 1);
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(s, 0), 2);
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* Publications as fast as they come, while bars close: never a bar without the forecast of one of
 * the two. */
static void test_many_swaps_in_a_row_leave_no_bar_without_a_forecast(void **state)
{
    (void)state;
    size_t swaps = 0;
    bool was_b = false;
    forget_published();
    publish("a");
    rig *swapped = open_bot("live", 1, NULL, NULL), *a = open_bot("a", 1, NULL, NULL),
        *b = open_bot("b", 1, NULL, NULL);
    for (size_t t = 0; t < 2300; t++) {
        if (t >= 2000 && t % 20 == 0)
            publish(t % 40 ? "a" : "b");
        if (t >= 2000 && t % 20 == 10)
            wk_bot_settle(swapped->bot);
        step(swapped, t, t < 1900);
        step(a, t, t < 1900);
        step(b, t, t < 1900);
        bool is_a = equal(forecasts(swapped), forecasts(a)),
             is_b = equal(forecasts(swapped), forecasts(b));
        assert_true(is_a || is_b);
        if (is_a != is_b) {
            swaps += is_b != was_b;
            was_b = is_b;
        }
    }
    assert_true(swaps >= 10);
    close_bot(swapped);
    close_bot(a);
    close_bot(b);
}

static void test_generations_speak_together_and_a_rollback_takes_the_newest_away(void **state)
{
    (void)state;
    char place[256];
    wk_manifest m;
    wk_err err;
    size_t between = 0, differ = 0;
    forget_published();
    publish("a");
    rig *both = open_bot("live", 2, NULL, NULL), *a = open_bot("a", 1, NULL, NULL),
        *b = open_bot("b", 1, NULL, NULL);
    wk_engine *engine = wk_bot_engine(both->bot);
    for (size_t t = 0; t < d.panel.T; t++) {
        if (t == 2600)
            publish("b");
        if (t == 3200)
            assert_int_equal(wk_publish_rollback(in_work("live", place), &m, &err), WK_OK);
        if (t == 2600 || t == 3200)
            wk_bot_settle(both->bot);
        step(both, t, t < 2000);
        step(a, t, t < 2000);
        step(b, t, t < 2000);
        wk_engine_generations list;
        wk_engine_list(engine, 0, &list);
        assert_int_equal(list.n, t < 2600 || t >= 3200 ? 1 : 2);
        const wk_forecast *x = forecasts(a), *y = forecasts(b);
        if (list.n == 1) {
            assert_true(equal(forecasts(both), x));
            continue;
        }
        assert_true(equal(wk_engine_member_forecasts(list.v[0]), y));
        assert_true(equal(wk_engine_member_forecasts(list.v[1]), x));
        double u = wk_engine_generation_weight(engine, 0, 0),
               v = wk_engine_generation_weight(engine, 0, 1);
        assert_true(u > 0 && v > 0 && u + v > 1 - 1e-9 && u + v < 1 + 1e-9);
        const wk_forecast *mixed = wk_bot_forecasts(both->bot);
        for (size_t s = 0; s < d.panel.S; s++) {
            if (!x[s].valid || !y[s].valid)
                continue;
            float wanted = (float)((u * (double)y[s].score + v * (double)x[s].score) / (u + v));
            assert_true(fabsf(mixed[s].score - wanted) < 1e-5f);
            between++;
            differ += x[s].score < y[s].score || x[s].score > y[s].score;
        }
    }
    assert_true(between > 1000 && differ > 500);
    close_bot(both);
    close_bot(a);
    close_bot(b);
}

/* A restart finds the generations that the publisher kept. */
static void test_a_restart_brings_the_older_generations_back(void **state)
{
    (void)state;
    char from[256], to[256];
    wk_manifest m;
    wk_err err;
    wk_engine_generations list;
    forget_published();
    static const char *const models[] = {"a", "b", "a", "b"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(
            wk_publish_keep(in_work(models[i], from), in_work("live", to), 2, &m, &err), WK_OK);
    assert_int_equal(m.number, 4);
    rig *r = open_bot("live", 3, NULL, NULL);
    wk_engine_list(wk_bot_engine(r->bot), 0, &list);
    assert_int_equal(list.n, 3); /* the first is gone: two were to be kept */
    close_bot(r);
    r = open_bot("live", 8, NULL, NULL);
    wk_engine_list(wk_bot_engine(r->bot), 0, &list);
    assert_int_equal(list.n, 3);
    close_bot(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_swapped_model_has_the_bits_of_a_fresh_bot),
        cmocka_unit_test(test_a_rollback_swaps_back),
        cmocka_unit_test(test_an_unpublished_model_is_taken_when_it_stands_still),
        cmocka_unit_test(test_a_model_that_is_not_warm_yet_waits_or_begins_like_the_bot),
        cmocka_unit_test(test_models_that_do_not_fit_are_refused_once_and_the_old_one_serves_on),
        cmocka_unit_test(test_a_swap_is_a_row_of_the_journal_and_signals_carry_the_version),
        cmocka_unit_test(test_many_swaps_in_a_row_leave_no_bar_without_a_forecast),
        cmocka_unit_test(test_generations_speak_together_and_a_rollback_takes_the_newest_away),
        cmocka_unit_test(test_a_restart_brings_the_older_generations_back),
    };
    return cmocka_run_group_tests_name("reload", tests, set_up, tear_down);
}
