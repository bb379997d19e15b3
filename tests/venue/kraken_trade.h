/* What Kraken's trading files share. */
#ifndef VENUE_KRAKEN_TRADE_H
#define VENUE_KRAKEN_TRADE_H

#include "trading.h"

json_t *kraken_seconds_of(int64_t time_ns); /* 0: the integer 0 */
/* "buy 1.25000000 XBTUSD @ limit 27500.0", and its close order. */
void kraken_describe(trading *t, const engine_order *o, text *order, text *close);
json_t *kraken_order_json(trading *t, const engine_order *o, int with_trades);
json_t *kraken_trade_json(trading *t, const engine_fill *f);

#endif
