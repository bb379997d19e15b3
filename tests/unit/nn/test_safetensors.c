#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/nn.h"
#include "wick/file.h"
#include "wick/rng.h"

enum { F = 3, OUT = 5 };
static const wk_nn_layer_config all[] = {
    {WK_NN_DENSE, .units = 6},
    {WK_NN_RELU},
    {WK_NN_CONV1D, .units = 5, .kernel = 3, .dilation = 2},
    {WK_NN_TANH},
    {WK_NN_LSTM, .units = 4},
    {WK_NN_GRU, .units = 3},
    {WK_NN_TCN, .units = 4, .kernel = 2, .dilation = 1, .dropout = 0.125},
    {WK_NN_LAYER_NORM},
    {WK_NN_DROPOUT, .dropout = 0.25},
    {WK_NN_BATCH_NORM},
    {WK_NN_DROPOUT, .dropout = 0.25, .locked = true},
    {WK_NN_MEAN, .units = 7}};
enum { N_ALL = sizeof all / sizeof *all };

static wk_nn *create(void)
{
    wk_nn *nn;
    assert_int_equal(wk_nn_create(all, N_ALL, F, OUT, 9, &nn, NULL), WK_OK);
    return nn;
}

/* The file of `create` in memory. */
static char *saved(size_t *size)
{
    char path[] = "nn_saved_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    wk_nn *nn = create();
    char *bytes;
    assert_int_equal(wk_nn_save(nn, path, NULL), WK_OK);
    assert_int_equal(wk_file_read(path, &bytes, size, NULL), WK_OK);
    unlink(path);
    wk_nn_destroy(nn);
    return bytes;
}

static void run(const wk_nn *nn, float *out)
{
    float X[50 * F];
    for (size_t i = 0; i < 50 * F; i++)
        X[i] = (float)wk_rng_normal(1, 1, i);
    wk_arena arena;
    wk_arena_init(&arena);
    wk_nn_plan *plan;
    assert_int_equal(wk_nn_plan_build(&arena, nn, &plan, NULL), WK_OK);
    wk_nn_sequence_forward(plan, wk_nn_state_create(&arena, plan), X, 50, out);
    wk_arena_finish(&arena);
}

static void test_a_saved_network_computes_the_same_bits(void **unused)
{
    (void)unused;
    size_t size;
    char *bytes = saved(&size);
    wk_nn *a = create(), *b = NULL;
    wk_err err;
    if (wk__nn_parse("t", bytes, size, &b, &err) != WK_OK)
        fail_msg("%s", err.msg);
    float x[50 * OUT], y[50 * OUT];
    run(a, x);
    run(b, y);
    assert_memory_equal(x, y, sizeof x);
    assert_int_equal(wk_nn_receptive(a), wk_nn_receptive(b));
    assert_int_equal(wk_nn_n_inputs(b), F);
    assert_int_equal(wk_nn_n_outputs(b), OUT);
    assert_true(b->net.layers[6].config.dropout == 0.125);
    wk_nn_destroy(a), wk_nn_destroy(b);
    free(bytes);
}

/* Parses a changed file, which must be refused with `hint` in the message. */
static void refused(const char *what, const char *bytes, size_t size, const char *hint)
{
    wk_nn *nn = NULL;
    wk_err err = {0};
    if (wk__nn_parse("weights", bytes, size, &nn, &err) == WK_OK)
        fail_msg("%s: accepted", what);
    assert_null(nn);
    if (!strstr(err.msg, hint) || strncmp(err.msg, "weights", 7) != 0)
        fail_msg("%s: the message is \"%s\", want \"%s\" in it", what, err.msg, hint);
}

static void test_a_cut_or_lengthened_file_is_refused(void **unused)
{
    (void)unused;
    size_t size;
    char *bytes = saved(&size);
    refused("empty", bytes, 0, "shorter than");
    refused("prefix", bytes, 7, "shorter than");
    refused("no header", bytes, 8, "claims");
    /* Every cut, exactly allocated so that a sanitiser sees a read past the end. */
    for (size_t n = 8; n < size; n += n < 200 ? 1 : 97) {
        char *cut = malloc(n);
        memcpy(cut, bytes, n);
        refused("cut", cut, n, "");
        free(cut);
    }
    char *more = calloc(1, size + 4);
    memcpy(more, bytes, size);
    refused("longer", more, size + 4, "bytes of tensors");
    free(more), free(bytes);
}

static void test_a_hostile_header_is_refused(void **unused)
{
    (void)unused;
    size_t size;
    char *bytes = saved(&size), *copy = malloc(size);
    memcpy(copy, bytes, size);
    memset(copy, 0xff, 8);
    refused("huge header", copy, size, "claims");
    memcpy(copy, bytes, size);
    copy[8] = '[';
    refused("not JSON", copy, size, "not a JSON object");
    free(copy), free(bytes);
}

/* Replaces the first `from` in the header by `to` of the same length. */
static void edited(const char *from, const char *to, const char *hint)
{
    size_t size;
    char *bytes = saved(&size);
    assert_int_equal(strlen(from), strlen(to));
    char *at = memmem(bytes, size, from, strlen(from));
    if (!at)
        fail_msg("%s is not in the header: %.*s", from, 1500, bytes + 8);
    memcpy(at, to, strlen(to));
    refused(to, bytes, size, hint);
    free(bytes);
}

static void test_wrong_entries_are_refused_by_name(void **unused)
{
    (void)unused;
    edited("\"dtype\":\"F32\"", "\"dtype\":\"F64\"", "dtype F64");
    edited("\"shape\":[6,3]", "\"shape\":[3,6]", "0.weight");
    edited("\"shape\":[6,3]", "\"shape\":[6,-]", "not a JSON object");
    /* 0.bias moved onto 0.weight: overlap; 72..96 follows 0..72. */
    edited("\"data_offsets\":[72,96]", "\"data_offsets\":[48,72]", "overlap");
    edited("\"data_offsets\":[72,96]", "\"data_offsets\":[-2,22]", "0.bias lies at -2");
    edited("\"data_offsets\":[72,96]", "\"data_offsets\":[72,76]", "its shape needs 24");
    edited("\"data_offsets\":[0,72]", "\"data_offsets\":[9,72]", "0.weight lies at");
    edited("\"0.bias\"", "\"0.bios\"", "0.bias is missing");
    edited("\"n_inputs\":\"3\"", "\"n_inputs\":\"x\"", "n_inputs");
    edited("\"n_inputs\":\"3\"", "\"n_inputs\":\"4\"", "its layers need");
    edited("\\\"dense\\\"", "\\\"tense\\\"", "unknown type tense");
    edited("\\\"units\\\":6,", "\\\"units\\\":0,", "units 0");
    edited("\\\"units\\\":6,", "\\\"units\\\":9,", "its layers need");
    edited("\"layers\"", "\"lawyer\"", "no list");
    edited("\"0.bias\"", "\"1.bias\"", "0.bias is missing");
}

static void test_numbers_that_are_not_finite_are_refused(void **unused)
{
    (void)unused;
    size_t size;
    char *bytes = saved(&size);
    const float nan = NAN;
    memcpy(bytes + size - 4, &nan, 4);
    refused("nan", bytes, size, "not a finite number");
    free(bytes);
}

static void test_any_flipped_byte_never_crashes(void **unused)
{
    (void)unused;
    size_t size;
    char *bytes = saved(&size);
    for (uint64_t i = 0; i < 3000; i++) {
        size_t at = (size_t)wk_rng_below(2, 1, i, size < 3000 ? size : 3000);
        char keep = bytes[at];
        bytes[at] = (char)wk_rng_u64(2, 2, i);
        wk_nn *nn = NULL;
        wk_err err;
        if (wk__nn_parse("weights", bytes, size, &nn, &err) == WK_OK)
            wk_nn_destroy(nn);
        bytes[at] = keep;
    }
    free(bytes);
}

static void test_a_missing_file_is_an_io_error(void **unused)
{
    (void)unused;
    wk_nn *nn = NULL;
    wk_err err;
    assert_int_equal(wk_nn_load("no/such/file.safetensors", &nn, &err), WK_E_IO);
    assert_null(nn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_saved_network_computes_the_same_bits),
        cmocka_unit_test(test_a_cut_or_lengthened_file_is_refused),
        cmocka_unit_test(test_a_hostile_header_is_refused),
        cmocka_unit_test(test_wrong_entries_are_refused_by_name),
        cmocka_unit_test(test_numbers_that_are_not_finite_are_refused),
        cmocka_unit_test(test_any_flipped_byte_never_crashes),
        cmocka_unit_test(test_a_missing_file_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
