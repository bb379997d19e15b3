/* The order matters: the body is written over the vector type of the first header. */
/* clang-format off */
#include "nn/kernels/vec_neon.h"
#include "nn/kernels/low_tile_v.h"
#include "nn/kernels/low_body.h"
/* clang-format on */

const wk__low_ops wk__low_ops_neon = WK__LOW_OPS("neon");
