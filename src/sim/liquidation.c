/* Liquidation prices of isolated positions. Source: reference/trading.md 3.5. */
#include "wick/sim.h"

double wk_liquidation_mark_based(int side, double entry, double leverage, double m)
{
    return entry * (1.0 - side / leverage) / (1.0 - side * m);
}

double wk_liquidation_entry_based(int side, double entry, double leverage, double m)
{
    return entry * (1.0 - side / leverage + side * m);
}

double wk_liquidation_inverse_long(double entry, double contracts, double margin_coin, double m)
{
    return contracts * (1.0 + m) / (contracts / entry + margin_coin);
}
