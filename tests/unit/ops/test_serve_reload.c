/* A newer generation under the service: sessions go on with the bits of sessions that were always
 * its own, and no step is refused meanwhile. usage: test_serve_reload TINY.json */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "serve_predict.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/publish.h"

static const char *config_path;
static char work[64];
static wk_dataset d;

static char *in_work(const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", work, name);
    return out;
}

static wk_status train(const char *name, const char *const *change, size_t n, wk_err *err)
{
    char dir[256];
    wk_arena arena;
    wk_run_config config;
    wk_arena_init(&arena);
    wk_status status =
        wk_config_load(&wk_run_config_table, config_path, change, n, &arena, &config, err);
    if (status == WK_OK)
        status = wk_stage_train(&config, in_work(name, dir), 2, err);
    if (status == WK_OK && !d.panel.T)
        status = wk_dataset_load(&config, NULL, &d, err);
    wk_arena_finish(&arena);
    return status;
}

static int set_up(void **state)
{
    static const char *const other[] = {"meta.params.max_depth=2", "seed=8"};
    static const char *const fewer[] = {"data.synthetic.symbols=1"};
    wk_err err = {0};
    (void)state;
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(work, sizeof work, "%s/wick-serve-XXXXXX",
             wk_file_exists("/dev/shm") ? "/dev/shm" : "/tmp");
    if (!mkdtemp(work) || train("a", NULL, 0, &err) || train("b", other, 2, &err) ||
        train("fewer", fewer, 1, &err)) {
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
    snprintf(command, sizeof command, "rm -rf %s", work);
    return system(command) ? -1 : 0;
}

static void publish(const char *model)
{
    char from[256], to[256], name[64];
    wk_manifest m;
    wk_err err;
    snprintf(name, sizeof name, "%s/model", model);
    if (wk_publish(in_work(name, from), in_work("live", to), &m, &err))
        fail_msg("%s", err.msg);
}

typedef struct {
    char dir[256];
    wk_serve_model_config about;
    wk_serve_config config;
    wk__serve_predictor p;
} rig;

static rig *open_rig(const char *dir, int64_t history_mib)
{
    rig *r = calloc(1, sizeof *r);
    wk_err err;
    r->about = (wk_serve_model_config){"m", in_work(dir, r->dir)};
    r->config = (wk_serve_config){.models = {&r->about, 1},
                                  .sessions_max = 4,
                                  .steps_max = 100000,
                                  .reload_s = 0.01,
                                  .history_mib = history_mib,
                                  .venue = ""};
    if (wk__serve_predictor_open(&r->config, &r->p, &err))
        fail_msg("%s", err.msg);
    return r;
}

static void close_rig(rig *r)
{
    wk__serve_predictor_close(&r->p);
    free(r);
}

static const wk__serve_session *push(rig *r, const char *session, size_t t)
{
    wk__serve_problem problem = {0};
    wk_features_step step = wk_panel_step(&d.panel, t);
    wk__serve_reload_poll(&r->p); /* as every request does */
    if (!wk__serve_push(&r->p, &r->p.models[0], session, &step, &problem))
        fail_msg("step %zu: %s", t, problem.message);
    return r->p.newest;
}

static bool same(const wk__serve_session *a, const wk__serve_session *b)
{
    return memcmp(a->forecasts, b->forecasts, d.panel.S * sizeof *a->forecasts) == 0;
}

static bool moved(const rig *r)
{
    return r->p.counts.sessions_moved == 2;
}

/* One session has seen all, the other is younger. */
static void test_sessions_go_on_with_the_bits_of_the_new_model(void **state)
{
    (void)state;
    size_t T = d.panel.T, differ = 0, after = 0;
    publish("a");
    rig *live = open_rig("live", 64), *old = open_rig("a/model", 0),
        *fresh = open_rig("b/model", 0);
    for (size_t t = T - 2200; t < T; t++) {
        if (t == T - 400) {
            publish("b");
            wk__serve_reload_settle(&live->p);
        }
        bool is_new = moved(live);
        for (int k = 0; k < 2; k++) {
            const char *name = k ? "young" : "long";
            if (k && t < T - 900)
                continue;
            const wk__serve_session *now = push(live, name, t);
            bool is_moved = strcmp(now->core->version, live->p.models[0].version) == 0;
            const wk__serve_session *x = push(old, name, t), *y = push(fresh, name, t);
            if (!same(now, is_moved && t >= T - 400 ? y : x))
                fail_msg("step %zu: session %s has not the bits of its model", t, name);
            differ += !same(x, y);
        }
        after += is_new;
        if (t == T - 390) /* wherever the loader is: it must come to an end */
            while (!moved(live))
                wk__serve_reload_settle(&live->p);
    }
    assert_true(after > 300 && differ > 1000);
    assert_int_equal(live->p.counts.models_swapped, 1);
    close_rig(live);
    close_rig(old);
    close_rig(fresh);
}

/* Without room for its past, a session feeds both until the new one has seen enough. */
static void test_a_session_without_a_history_warms_on_what_comes(void **state)
{
    (void)state;
    size_t T = d.panel.T, t = 0;
    publish("a");
    rig *live = open_rig("live", 0), *fresh = open_rig("b/model", 0);
    for (; t < 300; t++)
        push(live, "s", t);
    for (size_t k = 0; k < t; k++)
        push(fresh, "s", k);
    publish("b");
    wk__serve_reload_settle(&live->p);
    wk__serve_reload_settle(&live->p);
    size_t needed = live->p.models[0].warmup_bars;
    assert_true(300 + needed < T);
    for (; t < T; t++) {
        const wk__serve_session *a = push(live, "s", t), *b = push(fresh, "s", t);
        bool is_moved = live->p.counts.sessions_moved == 1;
        if (t >= 300 + needed + 1)
            assert_true(is_moved);
        else if (t < 300 + needed - 1)
            assert_false(is_moved);
        if (is_moved)
            assert_true(same(a, b));
    }
    close_rig(live);
    close_rig(fresh);
}

static void test_a_generation_that_does_not_fit_is_left_alone(void **state)
{
    (void)state;
    char command[200];
    publish("a");
    rig *live = open_rig("live", 64);
    char version[17];
    memcpy(version, live->p.models[0].version, sizeof version);
    for (size_t t = 0; t < 50; t++)
        push(live, "s", t);
    publish("fewer");
    wk__serve_reload_settle(&live->p);
    publish("b");
    snprintf(command, sizeof command, "printf x >>%s/live/meta.0.xgb.json", work);
    assert_int_equal(system(command), 0);
    /* Whole for a moment: the version before the damage may have been seen. */
    wk__serve_reload_settle(&live->p);
    push(live, "s", 50);
    assert_true(live->p.counts.models_swapped <= 1);
    publish("a");
    wk__serve_reload_settle(&live->p);
    wk__serve_reload_settle(&live->p);
    assert_string_equal(live->p.models[0].version, version);
    push(live, "s", 51);
    close_rig(live);
}

/* Sessions end, begin and are pushed out while the loader works for them. */
static void test_sessions_may_end_while_they_are_moved(void **state)
{
    (void)state;
    char name[16];
    publish("a");
    rig *live = open_rig("live", 64);
    for (size_t round = 0; round < 12; round++) {
        publish(round % 2 ? "a" : "b");
        if (round % 3 == 0)
            wk__serve_reload_settle(&live->p);
        for (size_t k = 0; k < 3; k++) {
            snprintf(name, sizeof name, "s%zu", round * 3 + k);
            for (size_t t = 0; t < 40; t++)
                push(live, name, t);
        }
    }
    assert_true(live->p.counts.sessions_dropped >= 30);
    assert_int_equal(live->p.n_sessions, 4);
    close_rig(live);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_go_on_with_the_bits_of_the_new_model),
        cmocka_unit_test(test_a_session_without_a_history_warms_on_what_comes),
        cmocka_unit_test(test_a_generation_that_does_not_fit_is_left_alone),
        cmocka_unit_test(test_sessions_may_end_while_they_are_moved),
    };
    config_path = argc > 1 ? argv[1] : "tests/cli/tiny.json";
    return cmocka_run_group_tests_name("serve_reload", tests, set_up, tear_down);
}
