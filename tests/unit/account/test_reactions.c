/* Every error of the venues' tables, row by row and through whole replies, and what stands in no
 * table: HTML, 5xx, time-outs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reactions.h"
#include "wick/clock.h"

#define NOW (INT64_C(1700000000) * WK_NS_PER_S)

static wk__reaction react(wk__venue venue, int status, const char *body)
{
    return wk__react(venue, status, true, -1, body, strlen(body), NOW);
}

/* The lists of the notes, written again by hand: D done, R refused, U unknown, L later, S stop. */
static const struct {
    const char *code;
    char expected;
} delta[] = {{"SignatureExpired", 'L'},
             {"expired_signature", 'L'},
             {"request_expired", 'L'},
             {"InvalidApiKey", 'S'},
             {"invalid_api_key", 'S'},
             {"api_key_not_found", 'S'},
             {"UnauthorizedApiAccess", 'S'},
             {"ip_not_whitelisted_for_api_key", 'S'},
             {"ip_not_whitelisted", 'S'},
             {"Signature Mismatch", 'S'},
             {"invalid_signature", 'S'},
             {"Forbidden", 'S'},
             {"incomplete_payload", 'S'},
             {"insufficient_margin", 'R'},
             {"order_size_exceed_available", 'R'},
             {"risk_limits_breached", 'R'},
             {"invalid_contract", 'R'},
             {"immediate_liquidation", 'R'},
             {"out_of_bankruptcy", 'R'},
             {"self_matching_disrupted_post_only", 'R'},
             {"immediate_execution_post_only", 'R'},
             {"bad_schema", 'R'},
             {"internal_server_error", 'U'}},
  kraken[] = {{"EAPI:Invalid key", 'S'},
              {"EAPI:Invalid signature", 'S'},
              {"EGeneral:Permission denied", 'S'},
              {"EGeneral:Temporary lockout", 'L'},
              {"EAPI:Invalid nonce", 'L'},
              {"EAPI:Rate limit exceeded", 'L'},
              {"EService: Throttled: 1700000007", 'L'},
              {"EService:Throttled", 'L'},
              {"EService:Market in cancel_only mode", 'L'},
              {"EService:Market in post_only mode", 'L'},
              {"EService:Deadline elapsed", 'U'},
              {"EService:Unavailable", 'U'},
              {"EGeneral:Internal error", 'U'},
              {"EGeneral:Internal error:3", 'U'},
              {"EOrder:Rate limit exceeded", 'L'},
              {"EOrder:Orders limit exceeded", 'L'},
              {"EOrder:Insufficient funds", 'R'},
              {"EOrder:Order minimum not met", 'R'},
              {"EOrder:Cost minimum not met", 'R'},
              {"EOrder:Tick size check failed", 'R'},
              {"EOrder:Invalid price", 'R'},
              {"EOrder:Reduce only:No position exists", 'R'},
              {"EOrder:Reduce only:Position is closed", 'R'},
              {"EOrder:Margin allowance exceeded", 'R'},
              {"EOrder:Insufficient margin", 'R'},
              {"EOrder:Margin level too low", 'R'},
              {"EOrder:Unknown order", 'R'},
              {"EQuery:Unknown asset pair", 'R'},
              {"EGeneral:Invalid arguments:ordertype", 'R'},
              {"EGeneral:Unknown method", 'R'},
              {"EAPI:Something new", 'S'},
              {"EGeneral:Something new", 'U'}};

static char letter(wk_request_result result)
{
    return "DRULS"[result];
}

static void test_every_row_through_a_whole_reply(void **state)
{
    (void)state;
    char body[512];
    for (size_t i = 0; i < sizeof delta / sizeof *delta; i++)
        for (int form = 0; form < 2; form++) {
            snprintf(body, sizeof body,
                     form ? "{\"error\":\"%s\",\"message\":\"words\"}"
                          : "{\"success\":false,\"error\":{\"code\":\"%s\",\"context\":{}}}",
                     delta[i].code);
            wk__reaction r = react(WK__VENUE_DELTA, 400, body);
            if (letter(r.result) != delta[i].expected)
                fail_msg("%s: %c", delta[i].code, letter(r.result));
            assert_non_null(strstr(r.why, delta[i].code));
        }
    for (size_t i = 0; i < sizeof kraken / sizeof *kraken; i++) {
        snprintf(body, sizeof body, "{\"error\":[\"%s\"]}", kraken[i].code);
        wk__reaction r = react(WK__VENUE_KRAKEN, 200, body);
        if (letter(r.result) != kraken[i].expected)
            fail_msg("%s: %c", kraken[i].code, letter(r.result));
        assert_non_null(strstr(r.why, kraken[i].code));
    }
}

static void test_no_row_is_without_a_test(void **state)
{
    (void)state;
    for (const wk__reaction_row *row = wk__reaction_rows(WK__VENUE_DELTA); row->code; row++) {
        bool found = false;
        for (size_t i = 0; i < sizeof delta / sizeof *delta; i++)
            found |= strcmp(delta[i].code, row->code) == 0;
        if (!found)
            fail_msg("no test of %s", row->code);
    }
    for (const wk__reaction_row *row = wk__reaction_rows(WK__VENUE_KRAKEN); row->code; row++) {
        bool found = false;
        for (size_t i = 0; i < sizeof kraken / sizeof *kraken; i++)
            found |= strncmp(kraken[i].code, row->code, strlen(row->code)) == 0;
        if (!found)
            fail_msg("no test of %s", row->code);
    }
}

static void test_waits(void **state)
{
    (void)state;
    wk__reaction r = wk__react(WK__VENUE_DELTA, 429, true, 1234, "<html>", 6, NOW);
    assert_int_equal(r.result, WK_REQUEST_LATER);
    assert_int_equal(r.wait_ns, 1234);
    r = wk__react(WK__VENUE_KRAKEN, 429, true, -1, "", 0, NOW);
    assert_int_equal(r.result, WK_REQUEST_LATER);
    assert_int_equal(r.wait_ns, WK_NS_PER_S);
    r = react(WK__VENUE_KRAKEN, 200, "{\"error\":[\"EService: Throttled: 1700000007\"]}");
    assert_int_equal(r.wait_ns, 7 * WK_NS_PER_S);
    r = react(WK__VENUE_DELTA, 401, "{\"error\":\"SignatureExpired\",\"message\":\"x\"}");
    assert_true(r.clock);
}

static void test_doubt(void **state)
{
    (void)state;
    static const char html[] = "<html><body>Request blocked</body></html>";
    static const int statuses[] = {200, 301, 403, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        for (wk__venue v = WK__VENUE_DELTA; v <= WK__VENUE_KRAKEN; v++)
            assert_int_equal(react(v, statuses[i], html).result, WK_REQUEST_UNKNOWN);
    static const char *const bodies[] = {"",
                                         "{",
                                         "[]",
                                         "{}",
                                         "null",
                                         "{\"success\":false}",
                                         "{\"error\":[]}",
                                         "{\"success\":\"no\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        for (wk__venue v = WK__VENUE_DELTA; v <= WK__VENUE_KRAKEN; v++)
            assert_int_equal(react(v, 200, bodies[i]).result, WK_REQUEST_UNKNOWN);
    assert_int_equal(
        react(WK__VENUE_DELTA, 503, "{\"success\":false,\"error\":{\"code\":\"x\"}}").result,
        WK_REQUEST_UNKNOWN);
    assert_int_equal(wk__react(WK__VENUE_DELTA, 0, true, -1, NULL, 0, NOW).result,
                     WK_REQUEST_UNKNOWN);
    assert_int_equal(wk__react(WK__VENUE_DELTA, 0, false, -1, NULL, 0, NOW).result,
                     WK_REQUEST_LATER);
}

static void test_success_warnings_and_context(void **state)
{
    (void)state;
    assert_int_equal(react(WK__VENUE_DELTA, 200, "{\"success\":true,\"result\":{\"id\":1}}").result,
                     WK_REQUEST_DONE);
    assert_int_equal(
        react(WK__VENUE_KRAKEN, 200, "{\"error\":[\"WGeneral:old\"],\"result\":{\"count\":1}}")
            .result,
        WK_REQUEST_DONE);
    wk__reaction r =
        react(WK__VENUE_DELTA, 401,
              "{\"success\":false,\"error\":{\"code\":\"ip_not_whitelisted_for_api_key\","
              "\"context\":{\"client_ip\":\"203.0.113.9\"}}}");
    assert_int_equal(r.result, WK_REQUEST_STOP);
    assert_non_null(strstr(r.why, "203.0.113.9"));
    r = react(WK__VENUE_DELTA, 400,
              "{\"success\":false,\"error\":{\"code\":\"insufficient_margin\",\"context\":"
              "{\"additional_margin_required\":\"0.121\"}}}");
    assert_non_null(strstr(r.why, "0.121"));
    /* the worst of several counts */
    r = react(WK__VENUE_KRAKEN, 200,
              "{\"error\":[\"EOrder:Invalid price\",\"EService:Unavailable\"]}");
    assert_int_equal(r.result, WK_REQUEST_UNKNOWN);
    assert_int_equal(react(WK__VENUE_DELTA, 404,
                           "{\"success\":false,\"error\":{\"code\":"
                           "\"order_not_found\"}}")
                         .result,
                     WK_REQUEST_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_through_a_whole_reply),
        cmocka_unit_test(test_no_row_is_without_a_test),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_doubt),
        cmocka_unit_test(test_success_warnings_and_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
