/* How far back a forecast reaches, by hand for anchors every 100 bars and a warm-up of 20. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wick/clock.h"
#include "wick/model.h"

static const int64_t HOUR = 3600 * WK_NS_PER_S;
static const wk_features_config features = {.anchor_bars = 100, .warmup_bars = 20};

/* Of a panel whose step 0 is bar 1007 since 1970, so step 400 is bar 1407. */
static size_t first_step(size_t n_branches, bool is_mlp, size_t t0)
{
    wk_panel panel = {.T = 1000, .S = 1, .timeframe_ns = HOUR, .start_ns = 1007 * HOUR};
    wk_model model = {.n_branches = n_branches, .meta = {.is_mlp = is_mlp}};
    return wk_model_first_step(&model, &features, &panel, t0);
}

static void test_trees_need_the_features_alone(void **state)
{
    (void)state;
    assert_int_equal(first_step(0, false, 400), 1380 - 1007);
    assert_int_equal(first_step(0, false, 393), 1380 - 1007); /* bar 1400 is an anchor itself */
    assert_int_equal(first_step(0, false, 392), 1280 - 1007);
}

static void test_each_stage_of_networks_reaches_one_warm_up_further(void **state)
{
    (void)state;
    assert_int_equal(first_step(2, false, 400), 1280 - 1007);
    assert_int_equal(first_step(0, true, 400), 1280 - 1007);
    assert_int_equal(first_step(2, true, 400), 1180 - 1007);
}

static void test_nothing_reaches_before_the_panel(void **state)
{
    (void)state;
    assert_int_equal(first_step(0, false, 5), 0);
    assert_int_equal(first_step(2, true, 150), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees_need_the_features_alone),
        cmocka_unit_test(test_each_stage_of_networks_reaches_one_warm_up_further),
        cmocka_unit_test(test_nothing_reaches_before_the_panel),
    };
    return cmocka_run_group_tests_name("first step", tests, NULL, NULL);
}
