/* The curve of training that the report plots: each loss at its own epoch, whatever is missing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../src/eval/walk.h"

static double at(const json_t *curve, const char *key, size_t i)
{
    const json_t *list = json_object_get(curve, key);
    assert_true(i < json_array_size(list));
    const json_t *one = json_array_get(list, i);
    return json_is_null(one) ? NAN : json_real_value(one);
}

static void test_an_epoch_without_a_loss_is_null_and_moves_no_other(void **state)
{
    (void)state;
    static const double train[] = {1.5, 1.25, INFINITY, 1.0}, valid[] = {NAN, 1.75, NAN, 1.5};
    json_t *curve = wk__walk_curve("lstm", train, valid, 4);
    assert_string_equal(json_string_value(json_object_get(curve, "name")), "lstm");
    assert_int_equal(json_array_size(json_object_get(curve, "train")), 4);
    assert_int_equal(json_array_size(json_object_get(curve, "valid")), 4);
    assert_true(at(curve, "train", 1) == 1.25 && isnan(at(curve, "train", 2)) &&
                at(curve, "train", 3) == 1.0);
    assert_true(isnan(at(curve, "valid", 0)) && at(curve, "valid", 1) == 1.75 &&
                isnan(at(curve, "valid", 2)) && at(curve, "valid", 3) == 1.5);
    json_decref(curve);
}

static void test_without_early_stopping_there_is_no_second_line(void **state)
{
    (void)state;
    static const double train[] = {1.5, 1.25}, none[] = {NAN, NAN};
    json_t *without = wk__walk_curve("gbdt", train, NULL, 2);
    json_t *unknown = wk__walk_curve("gbdt", train, none, 2);
    assert_int_equal(json_array_size(json_object_get(without, "train")), 2);
    assert_true(json_is_array(json_object_get(without, "valid")));
    assert_int_equal(json_array_size(json_object_get(without, "valid")), 0);
    assert_true(json_equal(without, unknown));
    json_decref(without);
    json_decref(unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_without_a_loss_is_null_and_moves_no_other),
        cmocka_unit_test(test_without_early_stopping_there_is_no_second_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
