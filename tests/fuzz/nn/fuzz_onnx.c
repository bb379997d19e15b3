/* libFuzzer target over the reader of ONNX files: what it accepts is planned in little memory, and
 * what can be planned must run. */
#include <stdint.h>
#include <stdlib.h>

#include "wick/onnx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { INPUTS_MAX = 8, MEMORY_MAX = 1 << 18, FREE_DIM = 3 };

/* Every output is read. */
static volatile float sink;

static void run(const wk_onnx *model, wk_onnx_plan *plan, const wk_onnx_shape *shapes)
{
    for (size_t i = 0; i < wk_onnx_n_inputs(model); i++) {
        size_t count = 1;
        for (size_t k = 0; k < shapes[i].rank; k++)
            count *= (size_t)shapes[i].dims[k];
        for (size_t k = 0; k < count; k++)
            wk_onnx_plan_input(plan, i)[k] = (float)(k % 5) - 1.5F;
    }
    wk_onnx_run(plan);
    for (size_t i = 0; i < wk_onnx_n_outputs(model); i++) {
        wk_onnx_shape s;
        const float *y = wk_onnx_plan_output(plan, i, &s);
        if (!wk_onnx_output_name(model, i))
            abort();
        size_t count = 1;
        for (size_t k = 0; k < s.rank; k++)
            count *= (size_t)s.dims[k];
        for (size_t k = 0; k < count; k++)
            sink = y[k];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_onnx *model = NULL;
    wk_onnx_plan *plan = NULL;
    wk_err err = {0};
    wk_onnx_shape shapes[INPUTS_MAX];
    if (wk_onnx_parse("fuzz", bytes, n, &model, &err) != WK_OK) {
        if (!err.msg[0] || model)
            abort();
        return 0;
    }
    if (wk_onnx_n_inputs(model) <= INPUTS_MAX) {
        for (size_t i = 0; i < wk_onnx_n_inputs(model); i++) {
            shapes[i] = *wk_onnx_input(model, i);
            for (size_t k = 0; k < shapes[i].rank; k++)
                if (shapes[i].dims[k] < 0)
                    shapes[i].dims[k] = FREE_DIM;
        }
        if (wk_onnx_plan_build(model, shapes, MEMORY_MAX, &plan, &err) == WK_OK)
            run(model, plan, shapes);
        else if (!err.msg[0] || plan)
            abort();
    }
    wk_onnx_plan_destroy(plan);
    wk_onnx_destroy(model);
    return 0;
}
