#include <limits.h>

#include "wick/run.h"
#include "wick/store.h"

wk_status wk_dataset_store(const wk_data_config *data, const char *symbol, int64_t timeframe_ns,
                           wk_series *out, wk_err *err)
{
    char root[PATH_MAX];
    WK_TRY(wk_store_root(data->root[0] ? data->root : NULL, root, sizeof root, err));
    return wk_store_read(root, data->venue, symbol, timeframe_ns, data->from_ns, data->to_ns, out, err);
}
