/* A log travels inside a model, so its end belongs to the infer half. */
#include "wick/gbdt.h"

#include <stdlib.h>

void wk_gbdt_log_finish(wk_gbdt_log *log)
{
    if (!log)
        return;
    free(log->train_metric);
    free(log->valid_metric);
    *log = (wk_gbdt_log){0};
}
