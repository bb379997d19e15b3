/* The configurations that `wick config` knows, the main one first. */
#include "cli_internal.h"

const wk_cli_config wk_cli_configs[] = {
    {0},
};
