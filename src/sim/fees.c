/* Named fee scenarios. Source: reference/trading.md 3.1, as of 2026-05. */
#include "wick/sim.h"

void wk_sim_fees(const wk_sim_config *config, double *maker_bps, double *taker_bps)
{
    switch (config->fees) {
    case WK_FEES_FUTURES:
        *maker_bps = 2.0;
        *taker_bps = 5.0;
        return;
    case WK_FEES_LEGACY_016:
        *maker_bps = 16.0;
        *taker_bps = 26.0;
        return;
    case WK_FEES_KRAKEN_SPOT:
        *maker_bps = 25.0;
        *taker_bps = 40.0;
        return;
    case WK_FEES_DELTA_INDIA:
        *maker_bps = 2.36;
        *taker_bps = 5.9;
        return;
    default:
        *maker_bps = config->maker_fee_bps;
        *taker_bps = config->taker_fee_bps;
    }
}
