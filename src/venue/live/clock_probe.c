#include "clock_probe.h"

#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"

int64_t wk__clock_read(const char *body, size_t n, int64_t *step_ns)
{
    static const struct {
        const char *key;
        int64_t unit_ns;
    } keys[] = {{"\"server_time\"", 1000}, {"\"unixtime\"", WK_NS_PER_S}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *at = memmem(body, n, keys[i].key, strlen(keys[i].key)), *end = body + n;
        if (!at)
            continue;
        at += strlen(keys[i].key);
        while (at < end && strchr(": \"\t\r\n", *at))
            at++;
        int64_t value = 0;
        int digits = 0;
        for (; at < end && *at >= '0' && *at <= '9' && digits < 17; at++, digits++)
            value = value * 10 + (*at - '0');
        if (digits == 0 || value > INT64_MAX / keys[i].unit_ns)
            continue;
        *step_ns = keys[i].unit_ns;
        return value * keys[i].unit_ns;
    }
    return 0;
}

wk_status wk__clock_probe(wk_http *http, const char *url, int64_t *offset_ns,
                          int64_t *uncertainty_ns, wk_err *err)
{
    wk_http_request request = {.method = "GET", .url = url};
    wk_http_response reply;
    WK_TRY(wk_http_call(http, &request, &reply, err));
    int64_t step_ns = WK_NS_PER_S;
    int64_t venue_ns =
        reply.status == 200 ? wk__clock_read(reply.body, reply.body_bytes, &step_ns) : 0;
    int64_t half_ns = (reply.received_ns - reply.sent_ns) / 2, middle_ns = reply.sent_ns + half_ns;
    int status = reply.status;
    wk_http_response_finish(&reply);
    if (venue_ns == 0 || half_ns < 0)
        return wk_fail(err, WK_E_DATA, "%s tells no time (HTTP %d); correct clock_url", url,
                       status);
    /* A clock of whole seconds was cut: on the average it is half a step behind. */
    *offset_ns = venue_ns + step_ns / 2 - middle_ns;
    *uncertainty_ns = half_ns + step_ns / 2;
    return WK_OK;
}
