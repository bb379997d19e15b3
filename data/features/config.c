/* Keys of the "features" section. */
#include "wick/features.h"

static const wk_cfg_row rows[] = {
    {"families", WK_CFG_STRINGS, offsetof(wk_features_config, families), NULL, "[]", 0, 0, NULL,
     NULL,
     "families of columns, of: momentum lead cross volatility calendar ribbon oscillator range "
     "volume "
     "candle divergence htf funding cycle outside; empty = all"},
    {"drop", WK_CFG_STRINGS, offsetof(wk_features_config, drop), NULL, "[]", 0, 0, NULL, NULL,
     "names of columns to leave out"},
    {"leaders", WK_CFG_STRINGS, offsetof(wk_features_config, leaders), NULL, "[\"BTC*\", \"ETH*\"]",
     0, 0, NULL, NULL,
     "symbols of the lead family, the market leader first; a trailing * matches any end"},
    {"outside_forms", WK_CFG_STRINGS, offsetof(wk_features_config, outside_forms), NULL,
     "[\"level\", \"z\", \"change\", \"missing\"]", 0, 0, NULL, NULL,
     "columns made of each, of: level, z (against an exponential mean of span 96), change (over 24 "
     "bars), missing"},
    {"anchor_bars", WK_CFG_INT, offsetof(wk_features_config, anchor_bars), "bars", "4096", 1, 1e9,
     NULL, NULL, "feature state starts afresh at every multiple of this many bars since 1970"},
    {"warmup_bars", WK_CFG_INT, offsetof(wk_features_config, warmup_bars), "bars", "2400", 0, 1e9,
     NULL, NULL, "bars that a fresh state has seen when it takes over; at most anchor_bars"},
    {"warmup_valid_bars", WK_CFG_INT, offsetof(wk_features_config, warmup_valid_bars), "bars",
     "744", 0, 1e9, NULL, NULL,
     "a row is valid once its symbol has been seen for more bars than this"},
    {NULL}};

const wk_cfg_table wk_features_config_table = {
    .name = "features",
    .doc = "columns, one streaming implementation for research, backtest, paper and live",
    .struct_size = sizeof(wk_features_config),
    .rows = rows,
};
