/* The configurations that `wickd config` knows. */
#include "cli_internal.h"
#include "wick/bot.h"
#include "wick/history.h"
#include "wick/live.h"
#include "wick/run.h"
#include "wick/serve.h"

const wk_cli_config wk_cli_configs[] = {
    {"run", &wk_run_config_table},       {"bot", &wk_bot_config_table},
    {"fetch", &wk_history_config_table}, {"record", &wk_live_config_table},
    {"serve", &wk_serve_config_table},   {0},
};
