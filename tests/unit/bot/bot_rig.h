/* A bot on a small model's candles with a scripted executor: each thing the venue said is a row and
 * its event. */
#ifndef WICK_TESTS_BOT_RIG_H
#define WICK_TESTS_BOT_RIG_H

#include "walk_forward.h"
#include "wick/bot.h"

#define MINUTE INT64_C(60000000000)
#define E8 INT64_C(100000000)

extern char rig_work[64];
extern wk_dataset rig_data;
int rig_set_up(void **state);
int rig_tear_down(void **state);

typedef struct {
    wk_trader_event said[16];
    size_t n, next;
    bool row_taken;
} script;

typedef struct {
    script venue;
    wk_bot *bot;
    wk_bot_config config;
    wk_bot_model_config model;
    wk_journal *journal;
    wk_alerts *alerts; /* no channel: the journal has them */
    char dir[128], journal_path[160], table_path[160];
} rig;

/* With recovery: what an earlier bot of this name left is taken up. `set`: as the configuration's;
 * may be NULL. */
rig *rig_open(const char *name, const wk_strings *set);
void rig_close(rig *r);
void rig_tend(rig *r);
void rig_step(rig *r, size_t t);
/* 1000 lots at so many ticks. */
void say_fill(script *s, int64_t time_ns, int8_t side, wk_reason reason, int64_t ticks);
void say_funding(script *s, int64_t time_ns, int64_t amount_e8);

#endif
