/* The configurations that `wick config` knows, the main one first. */
#include "cli_internal.h"
#include "gbdt_config.h"
#include "nn_model.h"
#include "retrain.h"
#include "wick/bot.h"
#include "wick/history.h"
#include "wick/live.h"
#include "wick/outside_fetch.h"
#include "wick/run.h"
#include "wick/serve.h"

const wk_cli_config wk_cli_configs[] = {
    {"run", &wk_run_config_table},
    {"bot", &wk_bot_config_table},
    {"fetch", &wk_history_config_table},
    {"record", &wk_live_config_table},
    {"gbdt", &gbdt_config_table},
    {"retrain", &wk_retrain_config_table},
    {"outside", &wk_outside_fetch_config_table},
    {"serve", &wk_serve_config_table},
    {"nn", &nn_train_config_table},
    {0},
};
