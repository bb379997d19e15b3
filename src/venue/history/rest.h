/* One venue's REST service as a client sees it: calls at the venue's pace, repeated while that
 * makes sense, their replies read and judged. */
#ifndef WICK_VENUE_HISTORY_REST_H
#define WICK_VENUE_HISTORY_REST_H

#include "pace.h"
#include "rows.h"
#include "wick/history.h"
#include "wick/http.h"

typedef struct {
    wk_http *http;
    const char *name; /* of the venue */
    const char *host; /* without a slash at its end */
    wk_rest_dialect dialect;
    wk_pace pace;
    int tries;
    int64_t backoff_ns, backoff_max_ns;
    char key_header[256]; /* "" without a key */
    bool has_answered;
    uint64_t seed, n_chances;
    int64_t server_ahead_ns; /* of the venue's clock, by its Date header; 0: not told */
    size_t n_requests, n_repeated;
    wk_doc doc; /* the last reply */
    wk_http_response response;
} wk_rest;

WK_MUST_CHECK wk_status wk__rest_open(const wk_history_config *config,
                                      const wk_history_venue *venue, const char *name,
                                      wk_rest_dialect dialect, const char *key, wk_rest *out,
                                      wk_err *err);
void wk__rest_close(wk_rest *rest);

/* GETs host + path. WK_OK: rest->doc is a reply that the venue calls good, or *narrower says that
 * less must be asked for. Else the venue refused (WK_E_DATA, in its own words) or did not answer
 * (WK_E_IO) in all tries. */
WK_MUST_CHECK wk_status wk__rest_get(wk_rest *rest, const char *path, double weight, bool *narrower,
                                     wk_err *err);

/* Now, as the venue sees it where its clock is behind ours: no candle is called closed too early.
 */
int64_t wk__rest_now_ns(const wk_rest *rest);

#endif
