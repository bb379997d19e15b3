/* Tick and lot from the decimals that a market's prices and volumes show. */
#include <math.h>
#include <string.h>

#include "wick/backtest.h"

#define BARS_READ 20000
#define PLACES_MAX 10

static const double power10[PLACES_MAX + 1] = {1,   1e1, 1e2, 1e3, 1e4, 1e5,
                                               1e6, 1e7, 1e8, 1e9, 1e10};

/* At least `places`; more while x needs them. Doubles carry 15 digits, so a price of many digits
 * is allowed the error of its last ones. */
static int places_of(double x, int places, int most)
{
    for (; places < most; places++) {
        double scaled = x * power10[places];
        if (scaled > 9e15)
            return places;
        double miss = fabs(scaled - (double)(int64_t)(scaled + 0.5));
        if (miss < 1e-6 || miss < 1e-12 * scaled)
            return places;
    }
    return places;
}

wk_status wk_instruments_infer(const wk_panel *panel, wk_trade_instrument *instruments, wk_err *err)
{
    size_t S = panel->S, stride = panel->T / BARS_READ + 1;
    for (size_t s = 0; s < S; s++) {
        int price_places = 0, volume_places = 0, most = PLACES_MAX;
        double first = 0.0;
        for (size_t t = 0; t<panel->T; t += first> 0.0 ? stride : 1) {
            const wk_bar *b = &panel->bars[t * S + s];
            if (panel->provenance[t * S + s] == WK_PROV_UNKNOWN || !(b->close > 0.0))
                continue;
            if (!(first > 0.0)) {
                first = b->close;
                /* Nine digits of the price are enough; more are an average, not a price. */
                for (most = PLACES_MAX; most > 0 && first * power10[most] > 1e9; most--)
                    ;
            }
            price_places = places_of(b->open, price_places, most);
            price_places = places_of(b->high, price_places, most);
            price_places = places_of(b->low, price_places, most);
            price_places = places_of(b->close, price_places, most);
            if (b->volume > 0.0 && b->volume < 1e12)
                volume_places = places_of(b->volume, volume_places, 8);
        }
        if (!(first > 0.0))
            return wk_fail(err, WK_E_DATA,
                           "market %s has no bar with a price; leave it out of the panel",
                           panel->symbols[s]);
        int lot_places = volume_places;
        while (lot_places < PLACES_MAX && first > 0.1 * power10[lot_places])
            lot_places++;
        wk_trade_instrument *in = &instruments[s];
        memset(in, 0, sizeof *in);
        memcpy(in->symbol, panel->symbols[s], sizeof in->symbol);
        in->tick = 1.0 / power10[price_places];
        in->lot = 1.0 / power10[lot_places];
        in->min_lots = 1;
    }
    return WK_OK;
}
