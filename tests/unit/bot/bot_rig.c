#include "bot_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "wick/file.h"
#include "wick/log.h"

static const char config_text[] =
    "{\"name\": \"events\", \"data\": {\"source\": \"synthetic\", \"synthetic\": {\"symbols\": 1, "
    "\"bars\": 3600, \"edge\": 0.3}}, \"features\": {\"families\": [\"momentum\"], "
    "\"anchor_bars\": 512, \"warmup_bars\": 300, \"warmup_valid_bars\": 100}, "
    "\"split\": {\"forecast_from\": \"2021-05-01\", \"refit_months\": 1, \"row_stride\": 2, "
    "\"early_stop_fraction\": 0, \"calibration_fraction\": 0, \"policy_fraction\": 0, "
    "\"branch_generations\": 1}, \"meta\": {\"score\": \"direction\", "
    "\"networks_must_earn\": false, \"params\": {\"num_boost_round\": 4, \"max_depth\": 2}}, "
    "\"trade\": {\"policy\": \"threshold\", \"threshold\": 0.9}}";

char rig_work[64];
static char model_dir[80];
static wk_arena arena;
static wk_run_config config;
wk_dataset rig_data;

static wk_status train(wk_err *err)
{
    wk_targets targets;
    wk_walk_forward walk;
    WK_TRY(wk_config_parse(&wk_run_config_table, "events", config_text, NULL, 0, &arena, &config,
                           err));
    WK_TRY(wk_dataset_load(&config, NULL, &rig_data, err));
    WK_TRY(wk_dataset_instruments(&config, &rig_data, err));
    WK_TRY(wk_targets_make(&config, &rig_data.panel, rig_data.table.sigma, &rig_data.arena,
                           &targets, err));
    WK_TRY(wk_walk_forward_run(&config, &rig_data, &targets, 1, &walk, err));
    snprintf(walk.model.feature_hash, sizeof walk.model.feature_hash, "%s", rig_data.feature_hash);
    WK_TRY(wk_model_save(&walk.model, &config, &rig_data, model_dir, err));
    wk_walk_forward_finish(&walk);
    return WK_OK;
}

int rig_set_up(void **state)
{
    wk_err err = {0};
    (void)state;
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(rig_work, sizeof rig_work, "%s/wick-events-XXXXXX",
             wk_file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    if (!mkdtemp(rig_work))
        return -1;
    snprintf(model_dir, sizeof model_dir, "%s/model", rig_work);
    if (train(&err) != WK_OK) {
        printf("# %s\n", err.msg);
        return -1;
    }
    return 0;
}

int rig_tear_down(void **state)
{
    char command[128];
    (void)state;
    wk_dataset_finish(&rig_data);
    wk_arena_finish(&arena);
    snprintf(command, sizeof command, "rm -rf %s", rig_work);
    return system(command) ? -1 : 0;
}

/* ---- the scripted executor: each thing the venue said is a row and its event ---- */

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

void say_fill(script *s, int64_t time_ns, int8_t side, wk_reason reason, int64_t ticks)
{
    s->said[s->n++] = (wk_trader_event){.kind = WK_TRADER_EVENT_FILL,
                                        .time_ns = time_ns,
                                        .side = side,
                                        .reason = (uint8_t)reason,
                                        .qty_lots = 1000,
                                        .price_ticks = ticks};
}

void say_funding(script *s, int64_t time_ns, int64_t amount_e8)
{
    s->said[s->n++] = (wk_trader_event){
        .kind = WK_TRADER_EVENT_FUNDING, .time_ns = time_ns, .amount_e8 = amount_e8};
}

/* ---- the bot ---- */

rig *rig_open(const char *name, const wk_strings *set)
{
    wk_err err = {0};
    rig *r = calloc(1, sizeof *r);
    char outbox[160];
    wk_executor executor = {
        .self = &r->venue, .submit = submit, .poll = poll, .row = row, .step = look_at_nothing};
    snprintf(r->dir, sizeof r->dir, "%s/%s", rig_work, name);
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
    if (set)
        r->config.set = *set;
    if (wk_dir_create(r->dir, &err) || wk_journal_open(r->journal_path, &r->journal, &err) ||
        wk_bot_open(&r->config, &executor, r->journal, &r->bot, &err) ||
        wk_bot_recover(r->bot, INT64_MIN, 10000 * E8, &err))
        fail_msg("%s", err.msg);
    snprintf(outbox, sizeof outbox, "%s/alerts.sqlite", r->dir);
    if (wk_alerts_open(&r->config.alerts, outbox, &r->alerts, &err))
        fail_msg("%s", err.msg);
    wk_bot_set_alerts(r->bot, r->alerts);
    return r;
}

void rig_close(rig *r)
{
    wk_bot_close(r->bot);
    wk_alerts_close(r->alerts, 0);
    wk_journal_close(r->journal);
    free(r);
}

void rig_tend(rig *r)
{
    wk_err err = {0};
    if (wk_bot_tend(r->bot, true, &err) || wk_journal_sync(r->journal, &err))
        fail_msg("%s", err.msg);
}

void rig_step(rig *r, size_t t)
{
    wk_err err = {0};
    wk_features_step s = wk_panel_step(&rig_data.panel, t);
    if (wk_bot_step(r->bot, &s, false, &err))
        fail_msg("%s", err.msg);
    rig_tend(r);
}
