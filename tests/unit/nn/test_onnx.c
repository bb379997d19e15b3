/* ONNX files of others: what ONNX Runtime gave (tests/golden/nn/make_onnx.py), and files that are
 * damaged, hostile or ask for what we lack. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"
#include "wick/npy.h"
#include "wick/onnx.h"
#include "wick/onnx_write.h"

/* ---- fixtures ---- */

static char *golden(const char *name, const char *end, size_t *size)
{
    char path[512], *bytes;
    wk_err err;
    snprintf(path, sizeof path, "%s/onnx/%s%s", getenv("WICK_GOLDEN_NN"), name, end);
    if (wk_file_read(path, &bytes, size, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return bytes;
}

static void check_fixture(const char *name)
{
    size_t n_model, n_x, n_y;
    char *bytes = golden(name, ".onnx", &n_model), *bytes_x = golden(name, ".x.npy", &n_x),
         *bytes_y = golden(name, ".y.npy", &n_y);
    wk_npy x, y;
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    wk_err err;
    assert_int_equal(wk_npy_parse("x", bytes_x, n_x, &x, NULL), WK_OK);
    assert_int_equal(wk_npy_parse("y", bytes_y, n_y, &y, NULL), WK_OK);
    wk_onnx_shape shape = {.rank = x.rank}, out;
    for (size_t k = 0; k < x.rank; k++)
        shape.dims[k] = (int64_t)x.shape[k];
    if (wk_onnx_parse(name, bytes, n_model, &model, &err) != WK_OK ||
        wk_onnx_plan_build(model, &shape, 0, &plan, &err) != WK_OK)
        fail_msg("%s", err.msg);
    /* Twice: a run leaves nothing behind. */
    for (int run = 0; run < 2; run++) {
        wk_npy_floats(&x, 0, x.n, wk_onnx_plan_input(plan, 0));
        wk_onnx_run(plan);
        const float *got = wk_onnx_plan_output(plan, 0, &out);
        assert_int_equal(out.rank, y.rank);
        for (size_t k = 0; k < y.rank; k++)
            assert_int_equal(out.dims[k], y.shape[k]);
        for (size_t i = 0; i < y.n; i++) {
            const double want = wk_npy_at(&y, i);
            if (!(fabs((double)got[i] - want) <= 1e-5 * fmax(1, fabs(want))))
                fail_msg("%s: output %zu is %.9g, not %.9g", name, i, (double)got[i], want);
        }
    }
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
    free(bytes);
    free(bytes_x);
    free(bytes_y);
}

static void test_gives_what_onnx_runtime_gave(void **unused)
{
    (void)unused;
    char folder[512];
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/onnx", getenv("WICK_GOLDEN_NN"));
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char name[256];
        const size_t length = strlen(e->d_name);
        if (length < 6 || strcmp(e->d_name + length - 5, ".onnx") != 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(length - 5), e->d_name);
        check_fixture(name);
        n++;
    }
    closedir(dir);
    assert_int_equal(n, 30);
}

/* ---- graphs made here ---- */

typedef struct {
    wk_text graph;
} draft;

static void add_input(draft *d, const char *name, const wk_onnx_dim *dims, size_t rank)
{
    wk_onnx_put_value_info(&d->graph, WK_ONNX_INPUT, name, WK_ONNX_FLOAT, dims, rank);
}

static void add_output(draft *d, const char *name)
{
    wk_onnx_put_value_info(&d->graph, WK_ONNX_OUTPUT, name, WK_ONNX_FLOAT, NULL, 0);
}

/* Inputs by commas; attributes are freed. */
static void add_node(draft *d, const char *op, const char *in, const char *out, wk_text *attributes)
{
    wk_text node = {0};
    while (*in) {
        const size_t n = strcspn(in, ",");
        wk_pb_put_bytes(&node, 1, in, n);
        in += n + (in[n] == ',');
    }
    wk_pb_put_string(&node, 2, out);
    wk_pb_put_string(&node, 3, "the node");
    wk_pb_put_string(&node, 4, op);
    if (attributes) {
        wk_text_add_bytes(&node, attributes->s, attributes->n);
        free(attributes->s);
    }
    wk_pb_put_message(&d->graph, 1, &node);
}

static void add_floats(draft *d, const char *name, const int64_t *dims, size_t rank, const float *v,
                       size_t n)
{
    wk_onnx_put_tensor(&d->graph, name, WK_ONNX_FLOAT, dims, rank, v, n * sizeof *v);
}

static void add_ints(draft *d, const char *name, const int64_t *v, size_t n)
{
    const int64_t dim = (int64_t)n;
    wk_onnx_put_tensor(&d->graph, name, WK_ONNX_INT64, &dim, 1, v, n * sizeof *v);
}

static wk_status read_draft(draft *d, wk_onnx **model, wk_err *err)
{
    wk_text bytes = {0};
    wk_onnx_put_model(&bytes, &d->graph, false);
    wk_status status = wk_onnx_parse("draft", bytes.s, bytes.n, model, err);
    free(bytes.s);
    return status;
}

static const wk_onnx_dim any_nc[] = {{.name = "N"}, {.n = 3}};

/* Reading or planning with X [N, 3] fails, and the message holds the words. */
static void refused(draft *d, size_t N, const char *words)
{
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    wk_err err = {0};
    const wk_onnx_shape shape = {.rank = 2, .dims = {(int64_t)N, 3}};
    wk_status status = read_draft(d, &model, &err);
    if (status == WK_OK)
        status = wk_onnx_plan_build(model, &shape, 1 << 20, &plan, &err);
    assert_int_not_equal(status, WK_OK);
    assert_null(plan);
    if (!strstr(err.msg, words))
        fail_msg("no \"%s\" in \"%s\"", words, err.msg);
    wk_onnx_destroy(model);
}

static draft with_input(void)
{
    draft d = {0};
    add_input(&d, "x", any_nc, 2);
    return d;
}

static void test_an_unknown_operator_is_named_with_its_node(void **unused)
{
    (void)unused;
    draft d = with_input();
    add_node(&d, "Scan", "x", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "Scan of node \"the node\": this operator is unknown");
}

static void test_names_are_checked(void **unused)
{
    (void)unused;
    draft d = with_input();
    add_node(&d, "Relu", "b", "a", NULL);
    add_node(&d, "Relu", "a", "b", NULL);
    add_output(&d, "b");
    refused(&d, 2, "reads \"b\", which nothing before it gives");
    d = with_input();
    add_node(&d, "Relu", "x", "x", NULL);
    add_output(&d, "x");
    refused(&d, 2, "gives \"x\" a second time");
    d = with_input();
    add_input(&d, "x", any_nc, 2);
    add_output(&d, "x");
    refused(&d, 2, "an input gives \"x\" a second time");
    d = with_input();
    add_output(&d, "z");
    refused(&d, 2, "output \"z\" is given by no node");
    d = with_input();
    refused(&d, 2, "no outputs");
    d = with_input();
    add_node(&d, "Sub", "x", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "Sub of node \"the node\": input 1 is missing");
}

static void test_shapes_are_checked(void **unused)
{
    (void)unused;
    const float w[12] = {1};
    draft d = with_input();
    add_floats(&d, "w", (int64_t[]){4, 3}, 2, w, 12);
    add_node(&d, "MatMul", "x,w", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "rows of 3 numbers meet a matrix of 4 rows");
    d = with_input();
    add_floats(&d, "w", (int64_t[]){4, 3}, 2, w, 12);
    add_node(&d, "Add", "x,w", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "2 and 4 places on axis 0");
    d = with_input();
    add_floats(&d, "w", (int64_t[]){4, 3, 1}, 3, w, 12);
    add_node(&d, "Conv", "x,w", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "want [N, C, T]");
    d = with_input();
    add_ints(&d, "s", (int64_t[]){5, 5}, 2);
    add_node(&d, "Reshape", "x,s", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "6 numbers do not fit a shape of 25");
    d = with_input();
    wk_text axis = {0};
    wk_onnx_put_int(&axis, "axis", 2);
    add_node(&d, "Softmax", "x", "y", &axis);
    add_output(&d, "y");
    refused(&d, 2, "axis 2 of 2 dimensions");
}

static void test_sizes_that_overflow_are_refused(void **unused)
{
    (void)unused;
    const int64_t huge[] = {INT64_C(1) << 29, INT64_C(1) << 29, INT64_C(1) << 29},
                  wrap[] = {INT64_MAX, 2};
    draft d = with_input();
    add_ints(&d, "s", huge, 3);
    add_node(&d, "ConstantOfShape", "s", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "a value of more than");
    d = with_input();
    add_floats(&d, "w", huge, 3, (const float[]){0}, 1);
    add_output(&d, "x");
    refused(&d, 2, "more than its");
    d = with_input();
    add_floats(&d, "w", wrap, 2, (const float[]){0}, 1);
    add_output(&d, "x");
    refused(&d, 2, "more than its");
    d = with_input();
    add_floats(&d, "w", (int64_t[]){-1}, 1, (const float[]){0}, 1);
    add_output(&d, "x");
    refused(&d, 2, "dimension 0 is -1");
    /* 1 MiB is the limit of `refused`. */
    d = with_input();
    add_ints(&d, "s", (int64_t[]){1 << 20, 1}, 2);
    add_node(&d, "ConstantOfShape", "s", "y", NULL);
    add_output(&d, "y");
    refused(&d, 2, "over the limit of 1048576 bytes");
    d = with_input();
    wk_text pads = {0};
    wk_onnx_put_ints(&pads, "pads", (int64_t[]){INT64_MAX, 0, INT64_MAX, 0}, 4);
    add_node(&d, "Pad", "x", "y", &pads);
    add_output(&d, "y");
    refused(&d, 2, "more than");
}

static void test_what_lies_elsewhere_or_is_of_another_type_is_refused(void **unused)
{
    (void)unused;
    draft d = with_input();
    wk_text tensor = {0};
    wk_pb_put_int(&tensor, 2, WK_ONNX_FLOAT);
    wk_pb_put_string(&tensor, 8, "w");
    wk_pb_put_int(&tensor, 14, 1);
    wk_pb_put_message(&d.graph, 5, &tensor);
    add_output(&d, "x");
    refused(&d, 2, "tensor \"w\" lies in another file");
    d = with_input();
    wk_onnx_put_tensor(&d.graph, "w", 10, NULL, 0, "ab", 2);
    add_output(&d, "x");
    refused(&d, 2, "tensor \"w\" is of type float16");
    d = with_input();
    wk_onnx_put_tensor(&d.graph, "w", WK_ONNX_FLOAT, NULL, 0, "ab", 2);
    add_output(&d, "x");
    refused(&d, 2, "tensor \"w\" has 2 bytes; its shape needs 4");
    d = (draft){0};
    wk_onnx_put_value_info(&d.graph, WK_ONNX_INPUT, "x", WK_ONNX_INT64, any_nc, 2);
    add_output(&d, "x");
    refused(&d, 2, "input \"x\" is not of floats");
}

static void test_inputs_must_fit_the_graph(void **unused)
{
    (void)unused;
    draft d = with_input();
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    wk_err err;
    add_node(&d, "Relu", "x", "y", NULL);
    add_output(&d, "y");
    assert_int_equal(read_draft(&d, &model, &err), WK_OK);
    assert_int_equal(
        wk_onnx_plan_build(model, &(wk_onnx_shape){.rank = 3, .dims = {1, 1, 3}}, 0, &plan, &err),
        WK_E_MODEL);
    assert_non_null(strstr(err.msg, "has 2 dimensions; the data have 3"));
    assert_int_equal(
        wk_onnx_plan_build(model, &(wk_onnx_shape){.rank = 2, .dims = {1, 4}}, 0, &plan, &err),
        WK_E_MODEL);
    assert_non_null(strstr(err.msg, "dimension 1 is 3; the data have 4"));
    assert_null(plan);
    wk_onnx_destroy(model);
}

/* An output of `op` over x [rows, 3]. */
static void run_one(const char *op, size_t rows, const float *x, float *y)
{
    draft d = with_input();
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    wk_onnx_shape out;
    wk_err err;
    add_node(&d, op, "x", "y", NULL);
    add_output(&d, "y");
    if (read_draft(&d, &model, &err) != WK_OK ||
        wk_onnx_plan_build(model, &(wk_onnx_shape){.rank = 2, .dims = {(int64_t)rows, 3}}, 0, &plan,
                           &err) != WK_OK)
        fail_msg("%s", err.msg);
    if (rows)
        memcpy(wk_onnx_plan_input(plan, 0), x, rows * 3 * sizeof *x);
    wk_onnx_run(plan);
    const float *got = wk_onnx_plan_output(plan, 0, &out);
    assert_int_equal(out.dims[0], rows);
    if (rows)
        memcpy(y, got, rows * 3 * sizeof *y);
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
}

static void test_no_sequences_and_not_a_number(void **unused)
{
    (void)unused;
    const char *const ops[] = {"Relu",     "Tanh",       "Sigmoid",  "Elu",      "LeakyRelu",
                               "Softmax",  "LogSoftmax", "Softplus", "Selu",     "HardSigmoid",
                               "Gelu",     "Exp",        "Erf",      "Clip",     "Mish",
                               "Softsign", "HardSwish",  "Celu",     "Identity", "ThresholdedRelu"};
    const float x[6] = {0.5F, NAN, -1, 1, 2, 3};
    float y[6];
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        run_one(ops[i], 0, NULL, NULL);
        run_one(ops[i], 2, x, y);
        if (!isnan(y[1]))
            fail_msg("%s makes %g of NaN", ops[i], (double)y[1]);
        /* The other row does not see it. */
        for (size_t k = 3; k < 6; k++)
            assert_true(isfinite(y[k]));
    }
}

static void test_every_cut_is_refused(void **unused)
{
    (void)unused;
    const char *const names[] = {"op_lstm_states", "op_plumbing", "padded_dynamo"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n, accepted = 0;
        char *bytes = golden(names[k], ".onnx", &n);
        for (size_t cut = 0; cut < n; cut++) {
            wk_onnx *model = NULL;
            wk_err err = {0};
            /* A copy of exact size: what is read past it is seen. */
            char *copy = malloc(cut ? cut : 1);
            memcpy(copy, bytes, cut);
            if (wk_onnx_parse("cut", copy, cut, &model, &err) == WK_OK)
                accepted++;
            else
                assert_true(err.msg[0] && !model);
            wk_onnx_destroy(model);
            free(copy);
        }
        /* Only fields after the graph and the operator set may go. */
        assert_true(accepted <= 4);
        free(bytes);
    }
}

/* Every byte in turn is another: it is refused with a reason, or runs. */
static void test_every_damaged_byte_is_survived(void **unused)
{
    (void)unused;
    const char *const names[] = {"op_plumbing", "op_pools", "op_gru_before", "op_old"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n;
        char *bytes = golden(names[k], ".onnx", &n);
        for (size_t i = 0; i < 3 * n; i++) {
            wk_onnx *model = NULL;
            wk_onnx_plan *plan = NULL;
            wk_err err = {0};
            const char was = bytes[i / 3];
            bytes[i / 3] = (char)(uint8_t)((uint8_t)was + (i % 3 == 0   ? 1
                                                           : i % 3 == 1 ? 127
                                                                        : 255));
            if (wk_onnx_parse("damaged", bytes, n, &model, &err) == WK_OK &&
                wk_onnx_n_inputs(model) == 1) {
                wk_onnx_shape s = *wk_onnx_input(model, 0);
                for (size_t d = 0; d < s.rank; d++)
                    s.dims[d] = s.dims[d] < 0 ? 2 : s.dims[d];
                if (wk_onnx_plan_build(model, &s, 1 << 20, &plan, &err) == WK_OK)
                    wk_onnx_run(plan);
            }
            assert_true(plan || err.msg[0] || wk_onnx_n_inputs(model) != 1);
            wk_onnx_plan_destroy(plan);
            wk_onnx_destroy(model);
            bytes[i / 3] = was;
        }
        free(bytes);
    }
}

static void test_messages_in_messages_without_end_are_refused(void **unused)
{
    (void)unused;
    /* A graph in an attribute in a node in a graph ..., 200 deep. */
    wk_text inner = {0};
    for (size_t i = 0; i < 200; i++) {
        wk_text attribute = {0}, node = {0};
        wk_pb_put_message(&attribute, 6, &inner);
        wk_pb_put_string(&node, 4, "If");
        wk_pb_put_message(&node, 5, &attribute);
        wk_pb_put_message(&inner, 1, &node);
    }
    draft d = {inner};
    refused(&d, 2, "operator If of node \"\" holds a graph");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gives_what_onnx_runtime_gave),
        cmocka_unit_test(test_an_unknown_operator_is_named_with_its_node),
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_shapes_are_checked),
        cmocka_unit_test(test_sizes_that_overflow_are_refused),
        cmocka_unit_test(test_what_lies_elsewhere_or_is_of_another_type_is_refused),
        cmocka_unit_test(test_inputs_must_fit_the_graph),
        cmocka_unit_test(test_no_sequences_and_not_a_number),
        cmocka_unit_test(test_every_cut_is_refused),
        cmocka_unit_test(test_every_damaged_byte_is_survived),
        cmocka_unit_test(test_messages_in_messages_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
