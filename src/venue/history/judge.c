/* What a reply means as a whole: rows, wait, try again, ask for less, or give up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "wick/clock.h"

typedef struct {
    const char *prefix; /* of what the venue says */
    wk_reply reply;
    const char *hint;
} meaning;

/* The first match counts. */
static const meaning kraken[] = {
    {"EAPI:Rate limit exceeded", WK_REPLY_WAIT, ""},
    {"EService: Throttled", WK_REPLY_WAIT, ""},
    {"EService:Throttled", WK_REPLY_WAIT, ""},
    {"EGeneral:Too many requests", WK_REPLY_WAIT, ""},
    {"EGeneral:Temporary lockout", WK_REPLY_WAIT, ""},
    {"EService:Unavailable", WK_REPLY_TRY, ""},
    {"EService:Busy", WK_REPLY_TRY, ""},
    {"EService:Timeout", WK_REPLY_TRY, ""},
    {"EService:Deadline elapsed", WK_REPLY_TRY, ""},
    {"EGeneral:Internal error", WK_REPLY_TRY, ""},
    {"EQuery:Unknown asset pair", WK_REPLY_REFUSED,
     "; wick fetch --venue kraken --what instruments --symbol all lists the pairs"},
    {"EGeneral:Invalid arguments", WK_REPLY_REFUSED, "; is the timeframe one that Kraken has?"},
    {NULL, WK_REPLY_REFUSED, ""}};

static const meaning futures[] = {
    {"apiLimitExceeded", WK_REPLY_WAIT, ""},
    {"Server Error", WK_REPLY_TRY, ""},
    {"Unavailable", WK_REPLY_TRY, ""},
    {"marketUnavailable", WK_REPLY_REFUSED, "; is the symbol spelled like PF_XBTUSD?"},
    {NULL, WK_REPLY_REFUSED, ""}};

static const meaning delta[] = {
    {"rate_limit", WK_REPLY_WAIT, ""},
    {"too_many_requests", WK_REPLY_WAIT, ""},
    {"internal_server_error", WK_REPLY_TRY, ""},
    {"server_error", WK_REPLY_TRY, ""},
    {"under_maintenance", WK_REPLY_TRY, ""},
    {"bad_schema", WK_REPLY_REFUSED,
     "; Delta has the timeframes 1m 3m 5m 15m 30m 1h 2h 4h 6h 1d 1w"},
    {"ip_not_whitelisted", WK_REPLY_REFUSED, "; add this machine's address to the key"},
    {NULL, WK_REPLY_REFUSED, ""}};

static const meaning none[] = {{NULL, WK_REPLY_REFUSED, ""}};

static wk_reply look_up(const meaning *table, char words[256])
{
    while (table->prefix && strncmp(words, table->prefix, strlen(table->prefix)) != 0)
        table++;
    size_t n = strlen(words);
    snprintf(words + n, 256 - n, "%s", table->hint);
    return table->reply;
}

/* The last number in "EService: Throttled: 1688672160" is when Kraken answers again. */
static int64_t throttled_until(const char *words)
{
    const char *colon = strrchr(words, ':');
    long long s = colon ? atoll(colon + 1) : 0;
    return s > 0 && s < INT64_MAX / WK_NS_PER_S ? s * WK_NS_PER_S : 0;
}

/* {"error":["E..."]}: warnings (W...) may stand beside a result. */
static wk_reply judge_kraken(const wk_doc *doc, char words[256], int64_t *until_ns)
{
    uint32_t list = wk__doc_get(doc, 0, "error");
    if (!wk__doc_is(doc, list, WK__JSON_ARRAY))
        return WK_REPLY_OK; /* the parser will say what it misses */
    for (uint32_t at = wk__doc_first(doc, list); at != WK_DOC_NONE;
         at = wk__doc_next(doc, list, at)) {
        wk__doc_copy(doc, at, words, 200);
        if (words[0] != 'E')
            continue;
        if (strstr(words, "Throttled"))
            *until_ns = throttled_until(words);
        return look_up(kraken, words);
    }
    return WK_REPLY_OK;
}

static wk_reply judge_futures(const wk_doc *doc, char words[256])
{
    uint32_t result = wk__doc_get(doc, 0, "result");
    uint32_t error = wk__doc_get(doc, 0, "error");
    if (error == WK_DOC_NONE && !wk__doc_equals(doc, result, "error"))
        return WK_REPLY_OK;
    wk__doc_copy(doc, error, words, 200);
    return look_up(futures, words);
}

/* {"success":false,"error":{"code":...}}, {"error":"SignatureExpired","message":...} */
static wk_reply judge_delta(const wk_doc *doc, char words[256])
{
    uint32_t error = wk__doc_get(doc, 0, "error");
    uint32_t success = wk__doc_get(doc, 0, "success");
    bool is_list = wk__doc_is(doc, error, WK__JSON_OBJECT);
    if ((error == WK_DOC_NONE || wk__doc_is(doc, error, WK__JSON_NULL)) &&
        !wk__doc_is(doc, success, WK__JSON_FALSE))
        return WK_REPLY_OK;
    wk__doc_copy(doc, is_list ? wk__doc_get(doc, error, "code") : error, words, 100);
    char message[100];
    uint32_t more = wk__doc_get(doc, is_list ? error : 0, "message");
    wk__doc_copy(doc, more, message, sizeof message);
    wk_reply reply = look_up(delta, words);
    if (message[0]) {
        size_t n = strlen(words);
        snprintf(words + n, 256 - n, " (%s)", message);
    }
    return reply;
}

static wk_reply judge_amberdata(int http_status, const wk_doc *doc, char words[256])
{
    int64_t status = http_status;
    uint32_t at = wk__doc_get(doc, 0, "status");
    if (at != WK_DOC_NONE && wk__doc_int(doc, at, &status))
        status = http_status;
    if (http_status < 300 && status < 300)
        return WK_REPLY_OK;
    uint32_t description = wk__doc_get(doc, 0, "description");
    if (description == WK_DOC_NONE)
        description = wk__doc_get(doc, 0, "message");
    wk__doc_copy(doc, description, words, 160);
    if (status == 429)
        return WK_REPLY_WAIT;
    if (status == 504 || (status == 400 && (strstr(words, "10MB") || strstr(words, "10 MB"))))
        return WK_REPLY_NARROWER;
    if (status >= 500)
        return WK_REPLY_TRY;
    const char *hint = status == 401   ? "; is WICK_AMBERDATA_KEY the right key?"
                       : status == 403 ? "; the subscription lacks this data set"
                       : status == 404
                           ? "; instruments are spelled like btc_usd, exchanges like gdax"
                           : "";
    size_t n = strlen(words);
    snprintf(words + n, 256 - n, "%s", hint);
    return WK_REPLY_REFUSED;
}

wk_reply wk__rest_judge(wk_rest_dialect dialect, int http_status, const wk_doc *doc,
                        char words[256], int64_t *until_ns)
{
    words[0] = 0;
    *until_ns = 0;
    if (doc->n == 0) { /* HTML of a gateway, a cut reply, nothing */
        snprintf(words, 256, "the reply is no JSON (HTTP status %d)", http_status);
        if (http_status == 429)
            return WK_REPLY_WAIT;
        return dialect == WK_REST_AMBERDATA && http_status == 504 ? WK_REPLY_NARROWER
                                                                  : WK_REPLY_TRY;
    }
    wk_reply reply = dialect == WK_REST_KRAKEN           ? judge_kraken(doc, words, until_ns)
                     : dialect == WK_REST_KRAKEN_FUTURES ? judge_futures(doc, words)
                     : dialect == WK_REST_DELTA          ? judge_delta(doc, words)
                                                         : judge_amberdata(http_status, doc, words);
    if (!words[0])
        snprintf(words, 256, "HTTP status %d", http_status);
    if (http_status == 429)
        return WK_REPLY_WAIT;
    if (http_status == 408 || http_status == 425)
        return WK_REPLY_TRY;
    if (http_status >= 500)
        return reply == WK_REPLY_NARROWER || reply == WK_REPLY_WAIT ? reply : WK_REPLY_TRY;
    if (reply == WK_REPLY_OK && http_status >= 300)
        return look_up(none, words);
    return reply;
}
