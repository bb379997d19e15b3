/* The keys of the simulated venue. */
#include "wick/sim.h"

#define AT(field) offsetof(wk_sim_config, field)

static const wk_cfg_row rows[] = {
    {"fees", WK_CFG_ENUM, AT(fees), NULL, "\"futures\"", 0, 0,
     "custom|futures|legacy_0.16|kraken_spot|delta_india", NULL,
     "fee scenario, maker/taker in %: custom (the two keys below), futures 0.02/0.05, "
     "legacy_0.16 0.16/0.26, kraken_spot 0.25/0.40, delta_india 0.0236/0.059"},
    {"maker_fee_bps", WK_CFG_REAL, AT(maker_fee_bps), "bps", "2", -100, 1000, NULL, NULL,
     "maker fee of the custom scenario"},
    {"taker_fee_bps", WK_CFG_REAL, AT(taker_fee_bps), "bps", "5", -100, 1000, NULL, NULL,
     "taker fee of the custom scenario"},
    {"slippage_bps", WK_CFG_REAL, AT(slippage_bps), "bps", "2", 0, 1000, NULL, NULL,
     "slippage a side of market, stop and liquidation fills"},
    {"slippage_sigma", WK_CFG_REAL, AT(slippage_sigma), NULL, "0", 0, 10, NULL, NULL,
     "more slippage a side: this share of the volatility of one bar"},
    {"latency_ms", WK_CFG_REAL, AT(latency_ms), "ms", "250", 0, 1e12, NULL, NULL,
     "from the bar's close to the order's arrival; below one bar the order meets the next bar's "
     "open"},
    {"delay_bars", WK_CFG_INT, AT(delay_bars), "bars", "0", 0, 1000, NULL, NULL,
     "extra whole bars between signal and order (stress)"},
    {"funding", WK_CFG_BOOL, AT(funding), NULL, "true", 0, 0, NULL, NULL,
     "charge the recorded funding rates"},
    {"leverage", WK_CFG_REAL, AT(leverage), NULL, "1", 1, 200, NULL, NULL,
     "isolated margin: notional / leverage is posted and can be lost"},
    {"maintenance_margin", WK_CFG_REAL, AT(maintenance_margin), NULL, "0.005", 0, 0.5, NULL, NULL,
     "maintenance margin as a share of the mark value"},
    {"liquidation_penalty", WK_CFG_REAL, AT(liquidation_penalty), NULL, "0", 0, 0.5, NULL, NULL,
     "charged on the notional of a liquidation, beside the taker fee"},
    {"initial_cash", WK_CFG_REAL, AT(initial_cash), "quote", "10000", 1e-6, 9e10, NULL, NULL,
     "capital at the start"},
    {"cost_multiplier", WK_CFG_REAL, AT(cost_multiplier), NULL, "1", 0, 100, NULL, NULL,
     "fees and slippage times this (stress)"},
    {"margin_long_bps", WK_CFG_REAL, AT(margin_long_bps), "bps", "0", 0, 1000, NULL, NULL,
     "spot margin: a long's fee on its cost, at the opening and at each rollover, for borrowed "
     "quote (Kraken, USD: 2.5); 0: spot without margin, or a derivative"},
    {"margin_short_bps", WK_CFG_REAL, AT(margin_short_bps), "bps", "0", 0, 1000, NULL, NULL,
     "the same of a short, for the borrowed coin (Kraken, BTC: 1; most others: 2)"},
    {"margin_rollover_h", WK_CFG_REAL, AT(margin_rollover_h), "h", "4", 0.1, 8760, NULL, NULL,
     "so long after its opening a position is rolled over, and again and again"},
    {0},
};

const wk_cfg_table wk_sim_config_table = {"sim", "the simulated venue of a backtest",
                                          sizeof(wk_sim_config), rows};
