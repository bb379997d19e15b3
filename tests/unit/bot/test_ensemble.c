/* Weights of generations: against the formula written out over the whole past, on forecasts and
 * bars made here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ensemble.h"
#include "wick/math.h"
#include "wick/rng.h"

enum { S = 2, G = 3, T = 900, H = 4 };
static const int64_t hour_ns = INT64_C(3600000000000);

/* Bars whose direction over H bars is partly told by `hint`. */
static wk_bar bars[T][S];
static int truth[T][S]; /* class over H bars from the next open, -1: unknown yet */

typedef struct {
    wk_arena arena;
    wk_run_config run;
    wk__ensemble *ensemble;
    wk_engine_member members[G];
    wk_engine_generations list;
    double sigma[S];
} rig;

static double uniform(uint64_t stream, uint64_t i)
{
    return wk_rng_uniform(7, stream, i);
}

static int set_up(void **state)
{
    (void)state;
    double price[S] = {100, 50};
    for (size_t t = 0; t < T; t++)
        for (size_t s = 0; s < S; s++) {
            double open = price[s];
            price[s] *= 1 + 0.02 * (uniform(s, t) - 0.5);
            bars[t][s] =
                (wk_bar){(int64_t)t * hour_ns, open, open * 1.02, open * 0.98, price[s], 1};
        }
    for (size_t t = 0; t < T; t++)
        for (size_t s = 0; s < S; s++) {
            truth[t][s] = -1;
            if (t + 1 + H >= T)
                continue;
            double r = wk_log(bars[t + 1 + H][s].open / bars[t + 1][s].open);
            truth[t][s] = r < -0.005 ? 0 : r > 0.005 ? 2 : 1;
        }
    return 0;
}

static rig *open_rig(double half_life, double loss_half_life, double rate, double share)
{
    rig *r = calloc(1, sizeof *r);
    wk_err err;
    wk_arena_init(&r->arena);
    r->run.labels.direction =
        (wk_label_config){.kind = WK_LABEL_THRESHOLD, .horizon_bars = H, .bound = 0.005};
    r->run.data.timeframe_ns = hour_ns;
    wk_ensemble_config config = {G, half_life, loss_half_life, rate, share};
    if (wk__ensemble_plan(&r->arena, &config, &r->run, S, &r->ensemble, &err))
        fail_msg("%s", err.msg);
    size_t memory = wk__ensemble_memory(&r->run);
    r->list.n = G;
    for (size_t g = 0; g < G; g++) {
        wk_engine_member *m = &r->members[g];
        *m = (wk_engine_member){.S = S, .timeframe_ns = hour_ns, .step_ns = hour_ns, .weight = 1};
        m->market = wk_arena_array(&r->arena, uint32_t, S);
        m->market[1] = 1;
        m->bars = wk_arena_array(&r->arena, wk_bar, S);
        m->provenance = wk_arena_array(&r->arena, uint8_t, S);
        m->forecasts = wk_arena_array(&r->arena, wk_forecast, S);
        m->past = wk_arena_array(&r->arena, wk_forecast, memory * S);
        m->past_bar = wk_arena_array(&r->arena, int64_t, memory);
        for (size_t i = 0; i < memory; i++)
            m->past_bar[i] = -1;
        m->sigma = r->sigma;
        m->about.born_ns = 1;
        r->list.v[g] = m;
    }
    return r;
}

static void close_rig(rig *r)
{
    wk_arena_finish(&r->arena);
    free(r);
}

/* Generation g knows the truth with probability `skill`, and says so with 0.6 against 0.2. */
static wk_forecast say(size_t g, size_t t, size_t s, double skill)
{
    int guess = (int)(3 * uniform(100 + g, t * S + s));
    if (truth[t][s] >= 0 && uniform(200 + g, t * S + s) < skill)
        guess = truth[t][s];
    wk_forecast f = {.valid = 1, .p = {0.2f, 0.2f, 0.2f}};
    f.p[guess > 2 ? 2 : guess] = 0.6f;
    f.score = f.p[2] - f.p[0];
    return f;
}

static void close_bar(rig *r, size_t t, const double skill[G])
{
    for (size_t g = 0; g < G; g++) {
        wk_engine_member *m = &r->members[g];
        m->bucket_ns = (int64_t)t * hour_ns;
        for (size_t s = 0; s < S; s++) {
            m->bars[s] = bars[t][s];
            m->provenance[s] = WK_PROV_TRADED;
            m->forecasts[s] = say(g, t, s, skill[g]);
        }
    }
    wk__ensemble_close(r->ensemble, &r->list);
}

static void test_weights_are_those_of_the_formula_over_the_whole_past(void **state)
{
    (void)state;
    const double skill[G] = {0.6, 0.3, 0.1};
    rig *r = open_rig(20, 5, 0.7, 0.1);
    r->members[0].about.born_ns = 300 * hour_ns; /* asleep, and of age 0, until then */
    double weight[T][G], regret[G];
    static double loss[T][G][S], mixed[T][S];
    for (size_t t = 0; t < T; t++) {
        close_bar(r, t, skill);
        double fade = wk_exp(-0.69314718055994531 / (5 * 24)), age[G], ages = 0, sum = 0;
        /* From the beginning, every time. */
        for (size_t g = 0; g < G; g++) {
            regret[g] = 0;
            for (size_t k = 0; k + H + 1 <= t; k++) {
                size_t known = k + H + 1;
                double advantage = 0;
                for (size_t s = 0; s < S; s++)
                    advantage += (mixed[k][s] - loss[k][g][s]) / S;
                if (k < (g == 0 ? 300 : 1)) /* the others' training ended within bar 0 */
                    advantage = 0;
                regret[g] += wk_pow(fade, (double)(t - known)) * advantage;
            }
            double born = g == 0 ? 300 : 0, days = ((double)(t + 1) - born) / 24;
            age[g] = wk_exp(-0.69314718055994531 * (days > 0 ? days : 0) / 20);
            ages += age[g];
        }
        for (size_t g = 0; g < G; g++)
            sum += age[g] * wk_exp(0.7 * regret[g]);
        for (size_t g = 0; g < G; g++) {
            weight[t][g] = 0.9 * age[g] * wk_exp(0.7 * regret[g]) / sum + 0.1 * age[g] / ages;
            if (fabs(weight[t][g] - r->members[g].weight) > 1e-9)
                fail_msg("bar %zu, generation %zu: weight %.12f, not %.12f", t, g,
                         r->members[g].weight, weight[t][g]);
        }
        for (size_t s = 0; s < S && truth[t][s] >= 0; s++) {
            double p = 0;
            for (size_t g = 0; g < G; g++) {
                wk_forecast f = say(g, t, s, skill[g]);
                loss[t][g][s] = -wk_log((double)f.p[truth[t][s]]);
                p += weight[t][g] * (double)f.p[truth[t][s]];
            }
            mixed[t][s] = -wk_log((double)(float)p);
        }
    }
    close_rig(r);
}

static void test_a_stale_generation_fades_and_a_recovered_one_comes_back(void **state)
{
    (void)state;
    rig *r = open_rig(1e5, 3, 1, 0.05);
    const double fresh_wins[G] = {0.7, 0.0, 0.0}, old_wins[G] = {0.0, 0.7, 0.0};
    for (size_t t = 0; t < 400; t++)
        close_bar(r, t, fresh_wins);
    assert_true(r->members[0].weight > 0.9 && r->members[1].weight < 0.05);
    for (size_t t = 400; t < 800; t++)
        close_bar(r, t, old_wins);
    assert_true(r->members[1].weight > 0.9 && r->members[0].weight < 0.05);
    close_rig(r);
}

static void test_age_alone_halves_a_weight_every_half_life(void **state)
{
    (void)state;
    rig *r = open_rig(10, 5, 0, 0.3);
    const double skill[G] = {0.9, 0.1, 0.5};
    r->members[1].about.born_ns = 10 * 24 * hour_ns;
    r->members[2].about.born_ns = 20 * 24 * hour_ns;
    for (size_t t = 0; t < 30 * 24; t++)
        close_bar(r, t, skill);
    assert_true(fabs(r->members[1].weight / r->members[0].weight - 2) < 1e-3);
    assert_true(fabs(r->members[2].weight / r->members[1].weight - 2) < 1e-3);
    close_rig(r);
}

/* What comes later changes nothing that was: the weights at bar t are those of a run that ends
 * there on other bars. */
static void test_later_bars_do_not_change_earlier_weights(void **state)
{
    (void)state;
    const double skill[G] = {0.6, 0.3, 0.1};
    static double weights[T][G];
    static wk_bar kept[T][S];
    rig *r = open_rig(20, 5, 1, 0.05);
    for (size_t t = 0; t < 500; t++) {
        close_bar(r, t, skill);
        for (size_t g = 0; g < G; g++)
            weights[t][g] = r->members[g].weight;
    }
    close_rig(r);
    memcpy(kept, bars, sizeof bars);
    for (size_t t = 401; t < T; t++)
        for (size_t s = 0; s < S; s++)
            bars[t][s].open *= t % 7 ? 1.1 : 0.9;
    r = open_rig(20, 5, 1, 0.05);
    size_t differ = 0;
    for (size_t t = 0; t < 500; t++) {
        close_bar(r, t, skill);
        for (size_t g = 0; g < G; g++) {
            if (t <= 400)
                assert_true(memcmp(&weights[t][g], &r->members[g].weight, sizeof(double)) == 0);
            differ += t > 400 && memcmp(&weights[t][g], &r->members[g].weight, sizeof(double)) != 0;
        }
    }
    assert_true(differ > 100);
    memcpy(bars, kept, sizeof bars);
    close_rig(r);
}

static void test_losses_of_scores_without_classes(void **state)
{
    (void)state;
    wk_forecast f = {.valid = 1, .score = 1};
    double up = wk_log(1 + wk_exp(-1)), down = wk_log(1 + wk_exp(1));
    assert_true(fabs(wk__forecast_loss(&f, 2) - up) < 1e-12);
    assert_true(fabs(wk__forecast_loss(&f, 0) - down) < 1e-12);
    assert_true(fabs(wk__forecast_loss(&f, 1) - (up + down) / 2) < 1e-12);
    f = (wk_forecast){.valid = 1, .p = {0, 1, 0}};
    assert_true(fabs(wk__forecast_loss(&f, 0) + wk_log(1e-4)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights_are_those_of_the_formula_over_the_whole_past),
        cmocka_unit_test(test_a_stale_generation_fades_and_a_recovered_one_comes_back),
        cmocka_unit_test(test_age_alone_halves_a_weight_every_half_life),
        cmocka_unit_test(test_later_bars_do_not_change_earlier_weights),
        cmocka_unit_test(test_losses_of_scores_without_classes),
    };
    return cmocka_run_group_tests_name("ensemble", tests, set_up, NULL);
}
