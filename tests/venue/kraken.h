/* What Kraken's REST and WebSocket files share. */
#ifndef VENUE_KRAKEN_H
#define VENUE_KRAKEN_H

#include "server.h"

void kraken_serve(request *r);
void kraken_ws_opened(session *s);
void kraken_ws_received(session *s, json_t *message);
void kraken_ws_tick(session *s, int64_t now_ns);

/* The checksum over the best ten levels a side, and the text that it is of. */
void kraken_checksum_text(const market_book *book, text *out);
uint32_t kraken_checksum(const market_book *book);

#endif
