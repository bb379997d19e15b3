/* What stands behind wk_nn_plan, wk_nn_state and wk_nn_window. */
#ifndef WK_NN_PLAN_H
#define WK_NN_PLAN_H

#include "nn/nn.h"
#include "nn/window.h"

struct wk_nn_plan {
    wk__net net;
    const wk__nn_ops *ops;
    float *packed;
    size_t n_bytes; /* of its arena */
};

struct wk_nn_state {
    wk__work work;
};

struct wk_nn_window {
    wk__window window;
};

#endif
