/* Others' networks over arrays: a few sequences at a time through one plan. */
#include "nn_onnx.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "wick/array_file.h"
#include "wick/file.h"
#include "wick/onnx.h"

enum { SEQUENCES_AT_ONCE = 64 };

typedef struct {
    wk_onnx *model;
    wk_onnx_plan *plan;
    wk_array X;
    wk_draft draft;
    wk_onnx_shape in;
    size_t rows, columns; /* of a sequence's outputs: rows is 1, or its bars */
    size_t written;
} job;

/* One input of sequences; everything but N as the data have it. */
static wk_status check_input(const char *path, job *j, wk_err *err)
{
    if (wk_onnx_n_inputs(j->model) != 1)
        return wk_fail(
            err, WK_E_MODEL,
            "%s has %zu inputs; nn predict runs networks of one (a one-bar form with states "
            "needs a program of its own)",
            path, wk_onnx_n_inputs(j->model));
    const wk_onnx_shape *want = wk_onnx_input(j->model, 0);
    j->in = (wk_onnx_shape){.rank = j->X.rank};
    if (j->X.rank < 2)
        return wk_fail(err, WK_E_DATA, "the data have %zu dimensions; want [N, T, C] or [N, C]",
                       j->X.rank);
    /* A file's [N, T] is [N, T, 1] or [N, 1, T], whichever the network takes. */
    if (j->X.rank == 2 && want->rank == 3) {
        const bool channels_first = want->dims[1] == 1 && want->dims[2] != 1;
        j->in.rank = 3;
        j->in.dims[1] = channels_first ? 1 : (int64_t)j->X.shape[1];
        j->in.dims[2] = channels_first ? (int64_t)j->X.shape[1] : 1;
    } else {
        for (size_t k = 1; k < j->X.rank; k++)
            j->in.dims[k] = (int64_t)j->X.shape[k];
    }
    return WK_OK;
}

/* A plan for up to n sequences, for fewer when memory asks for it. */
static wk_status plan(job *j, size_t n, wk_err *err)
{
    const int64_t fixed =
        wk_onnx_input(j->model, 0)->rank ? wk_onnx_input(j->model, 0)->dims[0] : -1;
    size_t at_once = fixed > 0 ? (size_t)fixed : n < SEQUENCES_AT_ONCE ? n : SEQUENCES_AT_ONCE;
    for (;; at_once /= 2) {
        j->in.dims[0] = (int64_t)at_once;
        wk_status status = wk_onnx_plan_build(j->model, &j->in, 0, &j->plan, err);
        if (status != WK_E_RANGE || at_once < 2 || fixed > 0)
            return status;
    }
}

static wk_status check_output(const char *path, job *j, wk_err *err)
{
    wk_onnx_shape s;
    wk_onnx_plan_output(j->plan, 0, &s);
    if (s.rank < 1 || s.rank > 3 || s.dims[0] != j->in.dims[0])
        return wk_fail(err, WK_E_MODEL,
                       "%s: output \"%s\" has %zu dimensions and %" PRId64
                       " places on the first, for %" PRId64
                       " sequences; want [N], [N, K] or [N, T, K]",
                       path, s.name, s.rank, s.rank ? s.dims[0] : 0, j->in.dims[0]);
    j->rows = s.rank == 3 ? (size_t)s.dims[1] : 1;
    j->columns = s.rank == 1 ? 1 : (size_t)s.dims[s.rank - 1];
    if (s.rank == 3)
        fputs("sequence,bar,", j->draft.stream);
    for (size_t c = 0; c < j->columns; c++)
        fprintf(j->draft.stream, "%s%s_%zu", c ? "," : "", s.name, c);
    fputc('\n', j->draft.stream);
    return WK_OK;
}

static void write_rows(job *j, size_t n)
{
    wk_onnx_shape s;
    const float *y = wk_onnx_plan_output(j->plan, 0, &s);
    for (size_t i = 0; i < n * j->rows; i++, y += j->columns, j->written++) {
        if (s.rank == 3)
            fprintf(j->draft.stream, "%zu,%zu,", j->written / j->rows, j->written % j->rows);
        for (size_t c = 0; c < j->columns; c++)
            fprintf(j->draft.stream, "%.9g%c", (double)y[c], c + 1 < j->columns ? ',' : '\n');
    }
}

static wk_status run(const wk_cli *cli, job *j, const char *model, const char *data,
                     const char *out, wk_err *err)
{
    const char *name = wk_cli_option_value(cli, "x");
    WK_TRY(wk_onnx_load(model, &j->model, err));
    WK_TRY(wk_array_read(data, name ? name : "X", &j->X, err));
    WK_TRY(check_input(model, j, err));
    const size_t N = j->X.shape[0], each = N ? j->X.n / N : 0;
    for (size_t i = 0; i < j->X.n; i++)
        if (isnan(j->X.values[i]))
            return wk_fail(
                err, WK_E_DATA,
                "%s: sequence %zu (counted from 0) holds a NaN at place %zu; mend it first", data,
                i / each, i % each);
    WK_TRY(plan(j, N, err));
    WK_TRY(wk_draft_open(out, &j->draft, err));
    WK_TRY(check_output(model, j, err));
    const size_t at_once = (size_t)j->in.dims[0];
    for (size_t i = 0; i < N; i += at_once) {
        /* The last ones may be fewer; what is beside them is computed and dropped. */
        const size_t n = N - i < at_once ? N - i : at_once;
        memset(wk_onnx_plan_input(j->plan, 0), 0, at_once * each * sizeof(float));
        memcpy(wk_onnx_plan_input(j->plan, 0), j->X.values + i * each, n * each * sizeof(float));
        wk_onnx_run(j->plan);
        write_rows(j, n);
    }
    WK_TRY(wk_draft_publish(&j->draft, err));
    j->draft = (wk_draft){0};
    printf(wk_cli_json(cli) ? "{\"rows\": %zu}\n" : "%zu rows\n", j->written);
    return WK_OK;
}

wk_status nn_onnx_predict(const wk_cli *cli, const char *model, const char *data, const char *out,
                          wk_err *err)
{
    job j = {0};
    wk_status status = run(cli, &j, model, data, out, err);
    wk_draft_discard(&j.draft);
    wk_onnx_plan_destroy(j.plan);
    wk_onnx_destroy(j.model);
    wk_array_finish(&j.X);
    return status;
}
