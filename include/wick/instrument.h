/* What a venue says about one of its markets, with the time it was read. */
#ifndef WICK_INSTRUMENT_H
#define WICK_INSTRUMENT_H

#include <stdint.h>

#include "wick/decimal.h"

enum { WK_MARGIN_TIERS_MAX = 32 };

typedef struct {
    char venue[32];     /* "kraken", "kraken-futures", "delta-india", "delta-global", "amberdata" */
    char symbol[32];    /* wick's name, as stores and configs have it: "BTCUSD", "PF_XBTUSD" */
    char name_rest[40]; /* as REST requests want it: "XBTUSD" */
    char name_stream[40]; /* as the live channels want it: "BTC/USD" */
    char base[16], quote[16], settle[16];
    int64_t venue_id; /* Delta's product id; 0 without */
    int price_decimals, qty_decimals;
    wk_decimal tick; /* price increment */
    wk_decimal lot;  /* size increment, base currency or contracts */
    wk_decimal qty_min;
    wk_decimal cost_min; /* quote; scale -1: none told */
    wk_decimal
        contract_value; /* base currency (linear) or quote (inverse) a contract; 1 for spot */
    uint8_t is_contract, is_inverse, is_tradable;
    double maker_fee, taker_fee; /* fractions; NaN: not told */
    double initial_margin,
        maintenance_margin; /* fractions of the notional in the first tier; NaN */
    int n_tiers;
    struct {
        double notional_from, initial_margin, maintenance_margin; /* quote, fractions */
    } tiers[WK_MARGIN_TIERS_MAX];
    int64_t funding_interval_ns; /* 0: none */
    int64_t launch_ns;           /* 0: not told */
    int64_t read_ns;             /* when the venue said so */
} wk_instrument;

#endif
