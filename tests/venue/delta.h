/* What Delta's REST and WebSocket files share. */
#ifndef VENUE_DELTA_H
#define VENUE_DELTA_H

#include "server.h"

#define DELTA_FUNDING_S 28800

void delta_serve(request *r);
void delta_ws_opened(session *s);
void delta_ws_received(session *s, json_t *message);
void delta_ws_tick(session *s, int64_t now_ns);

/* Seconds of a resolution such as 15m, or 0. */
int64_t delta_resolution(const char *word);
/* The rate of the interval that holds time_s, in percent, as a JSON number. */
void delta_add_funding(text *t, const market *m, int64_t time_s);
/* The fields of a ticker, as REST and the legacy channel have them, without braces. */
void delta_add_ticker(text *t, market *m, int64_t now_ns);
/* The checksum over the best ten levels a side, and the text that it is of. */
void delta_checksum_text(const market_book *book, const market_instrument *p, text *out);
uint32_t delta_checksum(const market_book *book, const market_instrument *p);

#endif
