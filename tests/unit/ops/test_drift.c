/* PSI and KS against numpy and scipy: tests/golden/ops/make_drift.py prints the numbers. */
#include "../data/temp.h"

#include <math.h>

#include "drift.h"

static void lcg(uint64_t seed, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (float)((double)(seed >> 40) / 16777216.0);
    }
}

static int rising(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void test_psi_and_ks_equal_numpy_and_scipy(void **state)
{
    (void)state;
    float points[100], now[700];
    lcg(1, 100, points);
    qsort(points, 100, sizeof *points, rising);
    wk_drift_column before = {.name = "x", .n_points = 100, .n = 5000, .points = points};
    lcg(2, 700, now);
    wk_drift d = wk_drift_measure(&before, now, 700);
    near(d.psi, 0.05351756779019164, 1e-6);
    near(d.ks, 0.07571428571428572, 1e-12);
    near(d.p, 0.0016321800419122898, 1e-10);
    lcg(3, 700, now);
    for (int i = 0; i < 700; i++)
        now[i] = now[i] * 0.5F + 0.25F;
    d = wk_drift_measure(&before, now, 700);
    near(d.psi, 3.083024440926939, 1e-6);
    near(d.ks, 0.26, 1e-12);
    near(d.p, 7.655018555361802e-37, 1e-8);
    lcg(4, 300, now);
    for (int i = 0; i < 300; i++)
        now[i] += 2;
    d = wk_drift_measure(&before, now, 300);
    near(d.psi, 8.283089355027482, 1e-6);
    near(d.ks, 1, 1e-12);
}

static void test_ks_p_equals_scipy(void **state)
{
    (void)state;
    near(wk_drift_ks_p(0.05, 500), 0.15955408974378785, 1e-10);
    near(wk_drift_ks_p(0.1, 100), 0.25622118507010405, 1e-10);
    near(wk_drift_ks_p(0.02, 3000), 0.17937436177315386, 1e-10);
    near(wk_drift_ks_p(0.3, 12), 0.1899287501801303, 1e-10);
    assert_true(wk_drift_ks_p(0.001, 50) == 1);
    assert_true(isnan(wk_drift_ks_p(NAN, 50)));
}

static void test_missing_values_are_counted_and_left_out(void **state)
{
    (void)state;
    float points[100], now[8] = {NAN, 0.5F, NAN, 0.25F, 0.75F, INFINITY, 0.1F, 0.9F};
    for (int i = 0; i < 100; i++)
        points[i] = (float)i / 100;
    wk_drift_column before = {.n_points = 100, .n = 5000, .points = points, .missing = 0.01};
    wk_drift d = wk_drift_measure(&before, now, 8);
    assert_int_equal(d.n, 5);
    near(d.missing, 3.0 / 8, 1e-12);
    d = wk_drift_measure(&before, now, 0);
    assert_true(isnan(d.psi) && isnan(d.ks));
}

/* 200 features without drift: few are flagged; one that moved is. */
static void test_the_false_discovery_rate_is_kept(void **state)
{
    (void)state;
    enum { F = 200, N = 400 };
    static float points[100], now[N];
    wk_drift drifts[F];
    for (int i = 0; i < 100; i++)
        points[i] = ((float)i + 0.5F) / 100;
    wk_drift_column before = {.n_points = 100, .n = 20000, .points = points};
    for (int c = 0; c < F; c++) {
        lcg(1000 + (uint64_t)c, N, now);
        for (int i = 0; i < N; i++)
            now[i] = c == 7 ? now[i] * now[i] : now[i];
        drifts[c] = wk_drift_measure(&before, now, N);
    }
    wk_drift_flag(drifts, F);
    int flagged = 0;
    for (int c = 0; c < F; c++)
        flagged += drifts[c].flagged;
    assert_true(drifts[7].flagged);
    assert_in_range(flagged, 1, 3);
}

static void test_a_damaged_reference_is_refused(void **state)
{
    wk_drift_reference r;
    wk_err err = {0};
    char dir[512];
    snprintf(dir, sizeof dir, "%s", ((temp_dir *)*state)->path);
    assert_int_equal(wk_drift_reference_read(dir, &r, &err), WK_E_NOT_FOUND);
    temp_write(state, "reference.json",
               "{\"wick_reference\": 1, \"features\": [{\"name\": \"a\", "
               "\"q\": [2, 1]}]}");
    assert_int_equal(wk_drift_reference_read(dir, &r, &err), WK_E_MODEL);
    ASSERT_CONTAINS(err.msg, "do not rise");
    temp_write(state, "reference.json", "{");
    assert_int_equal(wk_drift_reference_read(dir, &r, &err), WK_E_MODEL);
    temp_write(state, "reference.json",
               "{\"wick_reference\": 1, \"features\": [{\"name\": \"a\", "
               "\"n\": 9, \"q\": [1, 2]}]}");
    assert_int_equal(wk_drift_reference_read(dir, &r, &err), WK_OK);
    assert_int_equal(r.n, 1);
    wk_drift_reference_finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_psi_and_ks_equal_numpy_and_scipy),
        cmocka_unit_test(test_ks_p_equals_scipy),
        cmocka_unit_test(test_missing_values_are_counted_and_left_out),
        cmocka_unit_test(test_the_false_discovery_rate_is_kept),
        cmocka_unit_test_setup_teardown(test_a_damaged_reference_is_refused, temp_setup,
                                        temp_teardown),
    };
    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
