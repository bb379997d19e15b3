/* Faults on demand: by script, by seed, or both. A script is JSON:
 *
 *   {"rest": [{"path": "/0/public/Trades", "nth": [2, 5], "fault": "429-retry", "seconds": 1},
 *             {"path": "/", "every": 7, "fault": "cut-body"}],
 *    "ws":   [{"channel": "book", "nth": [10], "fault": "bad-checksum"},
 *             {"channel": "", "every": 50, "fault": "drop"}]}
 *
 * A rule counts what matches it (a prefix of the path or channel) from 1; `nth` lists when it
 * strikes, `every` strikes each multiple, `first` the first so many. The first rule wins.
 *
 * REST, instead of the reply: 400 401 403 404 410 429 429-retry (`seconds`) 500 502 503 504,
 *   html-403 html-502 html-200, eapi-rate eservice-unavailable eservice-throttled
 *   egeneral-internal (Kraken), api-limit (Kraken Futures)
 * REST, on its way: cut cut-body truncate slow-body (`seconds` in all) hang gzip-damage
 * REST, in its rows: duplicate-page (the reply before, again) duplicate-rows reverse-rows
 *   empty-page short-page (though there is more) foreign-next same-next (links of Amberdata)
 * REST, of the trading side: timeout-before, cut-before (never served), timeout-after, cut (served,
 *   never answered), reject (`error`: the reply's body, `status`), partial (an order fills `share`
 *   at once, the rest after `seconds`), outage (nothing is answered for `seconds`, or for
 * `requests`) A rule may have a `method` too. WS, on a pushed message: drop duplicate reorder
 * corrupt (a digit of a size or price) bad-checksum silence (`seconds`, 0 for good) close (`code`)
 * cut-socket WS, on a subscription: refuse */
#ifndef VENUE_FAULT_H
#define VENUE_FAULT_H

#include <jansson.h>
#include <stdint.h>

typedef enum {
    FAULT_NONE,
    FAULT_STATUS, /* the number is in `status` */
    FAULT_STATUS_RETRY,
    FAULT_HTML,
    FAULT_CUT,
    FAULT_CUT_BODY,
    FAULT_TRUNCATE,
    FAULT_SLOW_BODY,
    FAULT_HANG,
    FAULT_HANG_BEFORE, /* and the request is never served */
    FAULT_CUT_BEFORE,
    FAULT_OUTAGE,
    FAULT_REJECT,
    FAULT_PARTIAL,
    FAULT_GZIP_DAMAGE,
    FAULT_DUPLICATE_PAGE,
    FAULT_DUPLICATE_ROWS,
    FAULT_REVERSE_ROWS,
    FAULT_EMPTY_PAGE,
    FAULT_SHORT_PAGE,
    FAULT_FOREIGN_NEXT, /* the link to the next page leads to another host */
    FAULT_SAME_NEXT,    /* or to the page that it is on */
    FAULT_API,          /* the venue's own error text, with HTTP 200 */
    FAULT_WS_DROP,
    FAULT_WS_DUPLICATE,
    FAULT_WS_REORDER,
    FAULT_WS_CORRUPT,
    FAULT_WS_CHECKSUM,
    FAULT_WS_SILENCE,
    FAULT_WS_CLOSE,
    FAULT_WS_CUT,
    FAULT_WS_REFUSE
} fault_kind;

typedef struct {
    fault_kind kind;
    int status;
    const char *text; /* of FAULT_API and FAULT_REJECT */
    double seconds;   /* to wait: retry-after, slowness or silence */
    int code;         /* of a close; requests of an outage */
    double share;     /* of FAULT_PARTIAL */
} fault;

typedef struct fault_script fault_script;

/* NULL and a message when the script is wrong. `script` NULL: no rules, only random faults. */
fault_script *fault_open(json_t *script, const char *venue, uint64_t seed, int rest_permille,
                         int ws_permille, char *error, size_t error_size);
void fault_close(fault_script *s);

/* What happens to this one. */
fault fault_for_request(fault_script *s, const char *method, const char *path);
fault fault_for_message(fault_script *s, const char *channel);
fault fault_for_subscription(fault_script *s, const char *channel);

#endif
