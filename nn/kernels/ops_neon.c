#include "nn/kernels/ops.h"

/* The order matters: the bodies are written over the vector type of the first header. */
/* clang-format off */
#include "nn/kernels/vec_neon.h"
#include "nn/kernels/math_f32.h"
#include "nn/kernels/gemm_body.h"
#include "nn/kernels/cell_body.h"
#include "nn/kernels/peak_body.h"
/* clang-format on */

const wk__nn_ops wk__nn_ops_neon = WK__NN_OPS("neon");
