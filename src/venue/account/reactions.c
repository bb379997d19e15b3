/* What every error of the venues leads to. One row an error of their documentation; what is in no
 * row falls to the rules below the tables. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account_internal.h"
#include "reactions.h"
#include "wick/clock.h"

#define S WK_NS_PER_S

static const wk__reaction_row delta_rows[] = {
    /* keys, permissions: a person must act */
    {"InvalidApiKey", WK_REQUEST_STOP, 0, "wrong key, or a key of another environment"},
    {"invalid_api_key", WK_REQUEST_STOP, 0, "wrong key, or a key of another environment"},
    {"api_key_not_found", WK_REQUEST_STOP, 0, "wrong key, or a key of another environment"},
    {"UnauthorizedApiAccess", WK_REQUEST_STOP, 0, "the key lacks the permission to trade"},
    {"ip_not_whitelisted_for_api_key", WK_REQUEST_STOP, 0,
     "put this address on the key's whitelist"},
    {"ip_not_whitelisted", WK_REQUEST_STOP, 0, "put this address on the key's whitelist"},
    {"Signature Mismatch", WK_REQUEST_STOP, 0, "the secret does not belong to the key"},
    {"invalid_signature", WK_REQUEST_STOP, 0, "the secret does not belong to the key"},
    {"Forbidden", WK_REQUEST_STOP, 0, "blocked in front of the venue"},
    {"incomplete_payload", WK_REQUEST_STOP, 0, "the login was not understood"},
    /* refused before anything was done */
    {"SignatureExpired", WK_REQUEST_LATER, S / 2, "clock or network is behind"},
    {"expired_signature", WK_REQUEST_LATER, S / 2, "clock or network is behind"},
    {"request_expired", WK_REQUEST_LATER, S / 2, "clock or network is behind"},
    /* the venue's no */
    {"insufficient_margin", WK_REQUEST_REFUSED, 0, "not enough margin"},
    {"order_size_exceed_available", WK_REQUEST_REFUSED, 0, "the book is too thin"},
    {"risk_limits_breached", WK_REQUEST_REFUSED, 0, "above the position limit"},
    {"invalid_contract", WK_REQUEST_REFUSED, 0, "no such product, or it is not trading"},
    {"immediate_liquidation", WK_REQUEST_REFUSED, 0, "the position would be liquidated at once"},
    {"out_of_bankruptcy", WK_REQUEST_REFUSED, 0, "the price lies beyond bankruptcy"},
    {"self_matching_disrupted_post_only", WK_REQUEST_REFUSED, 0, "would match an order of ours"},
    {"immediate_execution_post_only", WK_REQUEST_REFUSED, 0, "a post-only order would cross"},
    {"bad_schema", WK_REQUEST_REFUSED, 0, "a field is wrong"},
    {"internal_server_error", WK_REQUEST_UNKNOWN, S, "the venue failed"},
    {NULL, WK_REQUEST_DONE, 0, NULL},
};

/* A row matches an error that starts with it. */
static const wk__reaction_row kraken_rows[] = {
    {"EAPI:Invalid key", WK_REQUEST_STOP, 0, "wrong key"},
    {"EAPI:Invalid signature", WK_REQUEST_STOP, 0, "the secret does not belong to the key"},
    {"EGeneral:Permission denied", WK_REQUEST_STOP, 0, "the key lacks a permission"},
    {"EGeneral:Temporary lockout", WK_REQUEST_LATER, 900 * S,
     "locked out for a quarter of an hour"},
    {"EAPI:Invalid nonce", WK_REQUEST_LATER, S, "another user of this key, or a clock behind"},
    {"EAPI:Rate limit exceeded", WK_REQUEST_LATER, 5 * S, "the call counter must decay"},
    {"EService: Throttled", WK_REQUEST_LATER, S, "too many requests at once"},
    {"EService:Throttled", WK_REQUEST_LATER, S, "too many requests at once"},
    {"EService:Market in cancel_only mode", WK_REQUEST_LATER, 5 * S, "no new orders now"},
    {"EService:Market in post_only mode", WK_REQUEST_LATER, 5 * S, "only resting orders now"},
    {"EService:Deadline elapsed", WK_REQUEST_UNKNOWN, S / 2,
     "it may have been placed all the same"},
    {"EService:Unavailable", WK_REQUEST_UNKNOWN, S, "the venue failed"},
    {"EGeneral:Internal error", WK_REQUEST_UNKNOWN, S, "the venue failed"},
    {"EOrder:Rate limit exceeded", WK_REQUEST_LATER, 5 * S, "the pair's counter must decay"},
    {"EOrder:Orders limit exceeded", WK_REQUEST_LATER, 10 * S, "too many open orders"},
    {"EOrder:Insufficient funds", WK_REQUEST_REFUSED, 0, "not enough funds"},
    {"EOrder:Order minimum not met", WK_REQUEST_REFUSED, 0, "below the minimum size"},
    {"EOrder:Cost minimum not met", WK_REQUEST_REFUSED, 0, "below the minimum cost"},
    {"EOrder:Tick size check failed", WK_REQUEST_REFUSED, 0, "the price is between ticks"},
    {"EOrder:Invalid price", WK_REQUEST_REFUSED, 0, "a wrong price"},
    {"EOrder:Reduce only:No position exists", WK_REQUEST_REFUSED, 0, "nothing to reduce"},
    {"EOrder:Reduce only:Position is closed", WK_REQUEST_REFUSED, 0, "nothing to reduce"},
    {"EOrder:Margin allowance exceeded", WK_REQUEST_REFUSED, 0, "not enough margin"},
    {"EOrder:Insufficient margin", WK_REQUEST_REFUSED, 0, "not enough margin"},
    {"EOrder:Margin level too low", WK_REQUEST_REFUSED, 0, "not enough margin"},
    {"EOrder:", WK_REQUEST_REFUSED, 0, "refused"},
    {"EGeneral:Invalid arguments", WK_REQUEST_REFUSED, 0, "a field is wrong"},
    {"EGeneral:Unknown method", WK_REQUEST_REFUSED, 0, "no such call"},
    {"EQuery:", WK_REQUEST_REFUSED, 0, "a wrong name"},
    {"EAPI:", WK_REQUEST_STOP, 0, "the key was refused"},
    {NULL, WK_REQUEST_DONE, 0, NULL},
};

const wk__reaction_row *wk__reaction_rows(wk__venue venue)
{
    return venue == WK__VENUE_DELTA ? delta_rows : kraken_rows;
}

static wk__reaction make(wk_request_result result, int64_t wait_ns, const char *code,
                         const char *hint)
{
    wk__reaction r = {.result = result, .wait_ns = wait_ns};
    snprintf(r.why, sizeof r.why, "%.150s%s%.90s", code, *code && *hint ? ": " : "", hint);
    for (char *p = r.why; *p; p++)
        if ((unsigned char)*p < ' ')
            *p = ' ';
    return r;
}

static const wk__reaction_row *find(wk__venue venue, const char *code)
{
    for (const wk__reaction_row *row = wk__reaction_rows(venue); row->code; row++)
        if (venue == WK__VENUE_DELTA ? strcmp(code, row->code) == 0
                                     : strncmp(code, row->code, strlen(row->code)) == 0)
            return row;
    return NULL;
}

wk__reaction wk__react_code(wk__venue venue, const char *code, int64_t now_ns)
{
    const wk__reaction_row *row = find(venue, code);
    if (!row)
        return make(WK_REQUEST_UNKNOWN, S, code, "an error this program does not know");
    wk__reaction r = make(row->result, row->wait_ns, code, row->hint);
    r.clock = strstr(code, "xpired") != NULL || strcmp(code, "EAPI:Invalid nonce") == 0;
    const char *until = strstr(code, "Throttled: ");
    if (until) {
        int64_t wait = (int64_t)strtoll(until + 11, NULL, 10);
        if (wait > 0 && wait < INT64_MAX / S && wait * S > now_ns && wait * S - now_ns < 3600 * S)
            r.wait_ns = wait * S - now_ns;
    }
    return r;
}

static wk__reaction react_delta(int status, const wk__doc *doc, int64_t now_ns)
{
    char code[160] = "", detail[64] = "";
    uint32_t error = wk__reply_get(doc, 0, "error");
    if (status >= 200 && status < 300 && wk__reply_true(doc, 0, "success") &&
        error == WK__JSON_ABSENT)
        return make(WK_REQUEST_DONE, 0, "", "");
    if (wk__reply_kind(doc, error, WK__JSON_OBJECT)) {
        wk__reply_text(doc, error, "code", code, sizeof code);
        uint32_t context = wk__reply_get(doc, error, "context");
        if (!wk__reply_text(doc, context, "client_ip", detail, sizeof detail))
            wk__reply_text(doc, context, "additional_margin_required", detail, sizeof detail);
        if (!detail[0])
            wk__reply_text(doc, error, "message", detail, sizeof detail);
    } else {
        wk__reply_token_text(doc, error, code, sizeof code);
        wk__reply_text(doc, 0, "message", detail, sizeof detail);
    }
    wk__reaction r;
    if (find(WK__VENUE_DELTA, code))
        r = wk__react_code(WK__VENUE_DELTA, code, now_ns);
    else if (status == 401)
        r = make(WK_REQUEST_STOP, 0, code, "the key was refused");
    else if (status == 400 || (status >= 404 && status <= 406) || status == 422)
        r = make(WK_REQUEST_REFUSED, 0, code, "refused");
    else
        r = make(WK_REQUEST_UNKNOWN, S, code, "an answer this program does not know");
    if (detail[0]) {
        size_t n = strlen(r.why);
        snprintf(r.why + n, sizeof r.why - n, " (%s)", detail);
    }
    return r;
}

/* How grave a reaction is, when Kraken tells several errors at once: what stops the bot counts
 * most, then what leaves an order in doubt. */
static int gravity(wk_request_result result)
{
    static const int rank[] = {0, 1, 3, 2, 4}; /* DONE REFUSED UNKNOWN LATER STOP */
    return rank[result];
}

static wk__reaction react_kraken(const wk__doc *doc, int64_t now_ns)
{
    uint32_t errors = wk__reply_get(doc, 0, "error");
    if (!wk__reply_kind(doc, errors, WK__JSON_ARRAY))
        return make(WK_REQUEST_UNKNOWN, S, "", "the answer has no list of errors");
    wk__reaction worst = make(WK_REQUEST_DONE, 0, "", "");
    for (uint32_t e = wk__reply_first(doc, errors); e != WK__JSON_ABSENT;
         e = wk__reply_after(doc, errors, e)) {
        char code[160] = "";
        wk__reply_token_text(doc, e, code, sizeof code);
        if (code[0] == 'W')
            continue;
        wk__reaction one = wk__react_code(WK__VENUE_KRAKEN, code, now_ns);
        if (gravity(one.result) > gravity(worst.result))
            worst = one;
    }
    if (worst.result == WK_REQUEST_DONE && wk__reply_get(doc, 0, "result") == WK__JSON_ABSENT)
        return make(WK_REQUEST_UNKNOWN, S, "", "the answer has neither an error nor a result");
    return worst;
}

wk__reaction wk__react(wk__venue venue, int status, bool sent, int64_t retry_after_ns,
                       const char *body, size_t n, int64_t now_ns)
{
    if (status == 0)
        return sent ? make(WK_REQUEST_UNKNOWN, S / 4, "", "no answer came")
                    : make(WK_REQUEST_LATER, S, "", "the venue cannot be reached");
    if (status == 429)
        return make(WK_REQUEST_LATER, retry_after_ns >= 0 ? retry_after_ns : S, "HTTP 429",
                    "rate limit");
    char code[32];
    snprintf(code, sizeof code, "HTTP %d", status);
    wk__doc doc;
    if (!wk__reply_open(body, n, &doc)) {
        wk__reaction r = make(WK_REQUEST_UNKNOWN, S, code, "the answer is not JSON");
        if (retry_after_ns > r.wait_ns)
            r.wait_ns = retry_after_ns;
        return r;
    }
    wk__reaction r;
    if (status >= 500)
        r = make(WK_REQUEST_UNKNOWN, retry_after_ns > S ? retry_after_ns : S, code,
                 "the venue failed");
    else if (venue == WK__VENUE_DELTA)
        r = react_delta(status, &doc, now_ns);
    else if (status != 200)
        r = make(WK_REQUEST_UNKNOWN, S, code, "the request did not reach the venue's API");
    else
        r = react_kraken(&doc, now_ns);
    wk__reply_close(&doc);
    return r;
}
