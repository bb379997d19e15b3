/* What goes through JSON and a session has the bits of wk_model_forecast over the same candles, and
 * so have raw candles. usage: test_serve_bits TINY.json */
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
#include "wick/log.h"

static const char *config_path;

static void add_step(wk_text *text, const wk_panel *panel, size_t t)
{
    wk_text_printf(text, "{\"time\":%lld,\"bars\":[",
                   (long long)((panel->start_ns + (int64_t)t * panel->timeframe_ns) / 1000000));
    for (size_t s = 0; s < panel->S; s++) {
        const wk_bar *b = &panel->bars[t * panel->S + s];
        wk_text_add(text, s ? "," : "");
        if (panel->provenance[t * panel->S + s] == WK_PROV_UNKNOWN)
            wk_text_add(text, "null");
        else
            wk_text_printf(text, "[%.17g,%.17g,%.17g,%.17g,%.17g]", b->open, b->high, b->low,
                           b->close, b->volume);
    }
    wk_text_add(text, "]}");
}

static void expect_same(const wk_forecast *a, const wk_forecast *b, size_t t)
{
    const float x[] = {a->p[0],      a->p[1],       a->p[2],     a->score,
                       a->magnitude, a->volatility, a->threshold};
    const float y[] = {b->p[0],      b->p[1],       b->p[2],     b->score,
                       b->magnitude, b->volatility, b->threshold};
    if (a->valid != b->valid || (a->valid && memcmp(x, y, sizeof x) != 0))
        fail_msg("step %zu: served %d %.9g, batch %d %.9g", t, a->valid, (double)a->score, b->valid,
                 (double)b->score);
}

static void ask(wk__serve_predictor *p, wk__serve_parser *parser, const wk_text *body,
                wk_text *answer)
{
    wk__serve_problem problem = {0};
    answer->n = 0;
    const wk__serve_request *r = wk__serve_scan(parser, body->s, body->n, &problem)
                                     ? wk__serve_parse(parser, 0, &problem)
                                     : NULL;
    if (!r || !wk__serve_answer(p, r, answer, &problem))
        fail_msg("%s: %s", problem.code, problem.message);
}

static void test_sessions_and_candles_have_the_bits_of_the_batch(void **state)
{
    (void)state;
    wk_err err = {0};
    wk_arena arena;
    wk_run_config config;
    wk_dataset d = {0};
    wk_model model = {0};
    char dir[] = "/tmp/wick-serve-XXXXXX", model_dir[64], command[96];
    wk_arena_init(&arena);
    wk_log_set_level(WK_LOG_ERROR);
    assert_non_null(mkdtemp(dir));
    snprintf(model_dir, sizeof model_dir, "%s/model", dir);
    if (wk_config_load(&wk_run_config_table, config_path, NULL, 0, &arena, &config, &err) ||
        wk_stage_train(&config, dir, 2, &err) || wk_dataset_load(&config, NULL, &d, &err) ||
        wk_model_load(model_dir, &model, &err))
        fail_msg("%s", err.msg);
    size_t T = d.panel.T, S = d.panel.S, valid = 0;
    wk_forecast *batch = calloc(T * S, sizeof *batch);
    if (wk_model_forecast(&model, &config, &d, 0, T, &(wk_loop){0}, batch, &err))
        fail_msg("%s", err.msg);
    wk_serve_model_config about = {"", model_dir};
    wk_serve_config serve = {
        .models = {&about, 1}, .sessions_max = 4, .steps_max = 100000, .venue = ""};
    wk__serve_predictor p;
    if (wk__serve_predictor_open(&serve, &p, &err))
        fail_msg("%s", err.msg);
    wk__serve_parser parser = {.steps_max = 100000, .batch_max = 1};
    wk_text body = {0}, answer = {0};
    for (size_t t = 0; t < T; t++) {
        body.n = 0;
        wk_text_add(&body, "{\"session\":\"a\",\"step\":");
        add_step(&body, &d.panel, t);
        wk_text_add(&body, "}");
        ask(&p, &parser, &body, &answer);
        for (size_t s = 0; s < S; s++) {
            expect_same(&p.newest->forecasts[s], &batch[t * S + s], t);
            valid += batch[t * S + s].valid;
        }
        /* The text says the same: the first market's score. */
        const char *score = strstr(answer.s, "\"score\":");
        assert_non_null(score);
        if (batch[t * S].valid) {
            float said = (float)strtod(score + 8, NULL);
            assert_memory_equal(&said, &batch[t * S].score, sizeof said);
        }
    }
    assert_true(valid > T);
    for (int twice = 0; twice < 2; twice++) {
        body.n = 0;
        wk_text_add(&body, "{\"candles\":[");
        size_t t0 = T - (size_t)twice * 300 - p.models[0].warmup_bars, t1 = T - (size_t)twice * 300;
        for (size_t t = t0; t < t1; t++) {
            wk_text_add(&body, t > t0 ? "," : "");
            add_step(&body, &d.panel, t);
        }
        wk_text_add(&body, "]}");
        ask(&p, &parser, &body, &answer);
        for (size_t s = 0; s < S; s++)
            expect_same(&p.models[0].forecasts[s], &batch[(t1 - 1) * S + s], t1 - 1);
    }
    free(body.s);
    free(answer.s);
    free(batch);
    wk__serve_parser_finish(&parser);
    wk__serve_predictor_close(&p);
    wk_model_finish(&model);
    wk_dataset_finish(&d);
    wk_arena_finish(&arena);
    snprintf(command, sizeof command, "rm -r '%s'", dir);
    assert_int_equal(system(command), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sessions_and_candles_have_the_bits_of_the_batch),
    };
    config_path = argc > 1 ? argv[1] : "tests/cli/tiny.json";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
