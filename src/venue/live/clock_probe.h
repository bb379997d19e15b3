/* The venue's clock by REST, where pings do not tell it. */
#ifndef WICK_VENUE_CLOCK_PROBE_H
#define WICK_VENUE_CLOCK_PROBE_H

#include <stdint.h>

#include "wick/err.h"
#include "wick/http.h"

/* Asks `url` and reads its "server_time" (microseconds) or "unixtime" (seconds). The Date
 * header is no use: the stamps of the stream tell more than whole seconds do. venue = ours +
 * *offset_ns, give or take *uncertainty_ns. */
WK_MUST_CHECK wk_status wk__clock_probe(wk_http *http, const char *url, int64_t *offset_ns,
                                        int64_t *uncertainty_ns, wk_err *err);

/* The time in a reply's text, and how fine it is; 0 when there is none. */
int64_t wk__clock_read(const char *body, size_t n, int64_t *step_ns);

#endif
