/* Markets of the tests of accounts, as the venues describe them. */
#ifndef WICK_TESTS_ACCOUNT_INSTRUMENTS_H
#define WICK_TESTS_ACCOUNT_INSTRUMENTS_H

#include "wick/instrument.h"

/* BTCUSD: 0.001 BTC a contract, half-dollar ticks; the bot counts 0.0001 BTC and dimes. */
static const wk_instrument delta_btc = {.venue = "delta-india",
                                        .symbol = "BTCUSD",
                                        .name_rest = "BTCUSD",
                                        .name_stream = "BTCUSD",
                                        .base = "BTC",
                                        .quote = "USD",
                                        .settle = "USD",
                                        .venue_id = 27,
                                        .tick = {5, 1},
                                        .lot = {1, 0},
                                        .qty_min = {1, 0},
                                        .cost_min = {0, -1},
                                        .contract_value = {1, 3},
                                        .is_contract = 1,
                                        .is_tradable = 1};
static const wk_instrument delta_doge = {.venue = "delta-india",
                                         .symbol = "DOGEUSD",
                                         .name_rest = "DOGEUSD",
                                         .name_stream = "DOGEUSD",
                                         .venue_id = 14745,
                                         .tick = {1, 6},
                                         .lot = {1, 0},
                                         .qty_min = {1, 0},
                                         .cost_min = {0, -1},
                                         .contract_value = {100, 0},
                                         .is_contract = 1};
static const wk_instrument kraken_btc = {.venue = "kraken",
                                         .symbol = "BTCUSD",
                                         .name_rest = "XBTUSD",
                                         .name_stream = "BTC/USD",
                                         .base = "BTC",
                                         .quote = "USD",
                                         .tick = {1, 1},
                                         .lot = {1, 8},
                                         .qty_min = {5, 5},
                                         .cost_min = {5, 1},
                                         .contract_value = {1, 0},
                                         .is_tradable = 1};

#endif
