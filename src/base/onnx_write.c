#include "wick/onnx_write.h"

#include <stdlib.h>

#include "wick/version.h"

void wk_onnx_put_attribute(wk_text *node, const char *name, int type, wk_text *values)
{
    wk_text a = {0};
    wk_pb_put_string(&a, 1, name);
    wk_text_add_bytes(&a, values->s ? values->s : "", values->n);
    wk_pb_put_int(&a, 20, type);
    wk_pb_put_message(node, 5, &a);
    free(values->s);
    *values = (wk_text){0};
}

void wk_onnx_add_int(wk_text *values, int64_t x)
{
    wk_pb_put_int(values, 8, x);
}

void wk_onnx_add_float(wk_text *values, float x)
{
    wk_pb_put_float(values, 7, x);
}

void wk_onnx_put_int(wk_text *node, const char *name, int64_t value)
{
    wk_text v = {0};
    wk_pb_put_int(&v, 3, value);
    wk_onnx_put_attribute(node, name, WK_ONNX_ATTRIBUTE_INT, &v);
}

void wk_onnx_put_ints(wk_text *node, const char *name, const int64_t *values, size_t n)
{
    wk_text v = {0};
    for (size_t i = 0; i < n; i++)
        wk_onnx_add_int(&v, values[i]);
    wk_onnx_put_attribute(node, name, WK_ONNX_ATTRIBUTE_INTS, &v);
}

void wk_onnx_put_float(wk_text *node, const char *name, float value)
{
    wk_text v = {0};
    wk_pb_put_float(&v, 2, value);
    wk_onnx_put_attribute(node, name, WK_ONNX_ATTRIBUTE_FLOAT, &v);
}

void wk_onnx_put_string(wk_text *node, const char *name, const char *value)
{
    wk_text v = {0};
    wk_pb_put_string(&v, 4, value);
    wk_onnx_put_attribute(node, name, WK_ONNX_ATTRIBUTE_STRING, &v);
}

void wk_onnx_put_value_info(wk_text *graph, unsigned field, const char *name, int type,
                            const wk_onnx_dim *dims, size_t rank)
{
    wk_text dim = {0}, shape = {0}, tensor = {0}, kind = {0}, info = {0};
    for (size_t i = 0; i < rank; i++) {
        if (dims[i].name)
            wk_pb_put_string(&dim, 2, dims[i].name);
        else
            wk_pb_put_int(&dim, 1, dims[i].n);
        wk_pb_put_message(&shape, 1, &dim);
    }
    wk_pb_put_int(&tensor, 1, type);
    wk_pb_put_message(&tensor, 2, &shape);
    wk_pb_put_message(&kind, 1, &tensor);
    wk_pb_put_string(&info, 1, name);
    wk_pb_put_message(&info, 2, &kind);
    wk_pb_put_message(graph, field, &info);
}

void wk_onnx_put_tensor(wk_text *graph, const char *name, int type, const int64_t *dims,
                        size_t rank, const void *data, size_t size_bytes)
{
    wk_text tensor = {0};
    for (size_t i = 0; i < rank; i++)
        wk_pb_put_int(&tensor, 1, dims[i]);
    wk_pb_put_int(&tensor, 2, type);
    wk_pb_put_string(&tensor, 8, name);
    wk_pb_put_bytes(&tensor, 9, data, size_bytes);
    wk_pb_put_message(graph, 5, &tensor);
}

static void put_opset(wk_text *model, const char *domain, int64_t version)
{
    wk_text opset = {0};
    wk_pb_put_string(&opset, 1, domain);
    wk_pb_put_int(&opset, 2, version);
    wk_pb_put_message(model, 8, &opset);
}

void wk_onnx_put_model(wk_text *model, wk_text *graph, bool ml)
{
    wk_pb_put_int(model, 1, 8);
    wk_pb_put_string(model, 2, "wick");
    wk_pb_put_string(model, 3, wk_version());
    wk_pb_put_message(model, 7, graph);
    put_opset(model, "", 17);
    if (ml)
        put_opset(model, "ai.onnx.ml", 3);
}
