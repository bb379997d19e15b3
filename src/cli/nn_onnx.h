/* wick nn predict --onnx. */
#ifndef NN_ONNX_H
#define NN_ONNX_H

#include "wick/cli.h"

WK_MUST_CHECK wk_status nn_onnx_predict(const wk_cli *cli, const char *model, const char *data,
                                        const char *out, wk_err *err);

#endif
