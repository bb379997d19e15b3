/* What a data section adds beside the candles. */
#include "wick/flow.h"
#include "wick/run.h"

wk_strings wk_data_outside_names(const wk_data_config *data, wk_arena *arena)
{
    size_t flow = data->source == WK_SOURCE_TAPE ? WK_FLOW_COLUMNS : 0, n = flow + data->outside.n;
    const char **names = wk_arena_array(arena, const char *, n + 1);
    for (size_t i = 0; i < flow; i++)
        names[i] = wk_arena_printf(arena, "flow.%s", wk_flow_name(i));
    for (size_t k = 0; k < data->outside.n; k++)
        names[flow + k] = wk_arena_printf(arena, "outside.%s",
                                          ((const wk_outside_config *)data->outside.v)[k].name);
    return (wk_strings){names, n};
}
