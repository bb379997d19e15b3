/* A log travels inside a model, so its end belongs to the infer half. */
#include "wick/nn.h"

#include <stdlib.h>

void wk_nn_log_finish(wk_nn_log *log)
{
    if (!log)
        return;
    free(log->train_loss);
    free(log->valid_loss);
    *log = (wk_nn_log){0};
}
