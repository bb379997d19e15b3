/* What wk_account makes of everything that the local venue may answer to an order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "account_bench.h"

/* Each error of the documentation, told in answer to an order: what the client makes of it. */
typedef struct {
    const char *error; /* the body; NULL: another fault */
    const char *fault;
    int status;
    wk_request_result result;
} case_of;

static void reacts(int is_kraken, const case_of *cases, size_t n)
{
    json_t *rules = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *rule =
            json_pack("{s:s,s:s,s:[I],s:s}", "path",
                      is_kraken ? "/0/private/AddOrder" : "/v2/orders", "method", "POST", "nth",
                      (json_int_t)(i + 1), "fault", cases[i].error ? "reject" : cases[i].fault);
        if (cases[i].error)
            json_object_set_new(rule, "error", json_loads(cases[i].error, 0, NULL));
        if (cases[i].status)
            json_object_set_new(rule, "status", json_integer(cases[i].status));
        json_object_set_new(rule, "seconds", json_integer(3));
        json_array_append_new(rules, rule);
    }
    json_t *script = json_pack("{s:o}", "rest", rules);
    char *text_of = json_dumps(script, 0);
    venue_options o = {.script = text_of};
    bench b;
    bench_begin(&b, is_kraken, &o, NULL);
    for (size_t i = 0; i < n; i++) {
        wk_venue_order out = {0};
        wk_order want = bench_entry(&b, WK_ORDER_LIMIT, 590000);
        int64_t wait = 0;
        char why[256] = "";
        size_t before = bench_orders(&b);
        wk_request_result got = b.account.place(b.account.self, &want, &out, &wait, why);
        if (got != cases[i].result)
            fail_msg("%s: %d, not %d (%s)", cases[i].error ? cases[i].error : cases[i].fault,
                     (int)got, (int)cases[i].result, why);
        assert_true(why[0] != 0);
        if (got == WK_REQUEST_LATER)
            assert_true(wait > 0);
        if (cases[i].fault && strcmp(cases[i].fault, "429-retry") == 0)
            assert_in_range(wait, 3 * WK_NS_PER_S, 5 * WK_NS_PER_S);
        if (got != WK_REQUEST_UNKNOWN)
            assert_int_equal(bench_orders(&b), before);
        /* In doubt, the query tells: what exists is found, what does not is denied. */
        if (got == WK_REQUEST_UNKNOWN)
            assert_int_equal(bench_ask(&b, want.id, &out),
                             bench_orders(&b) > before ? WK_REQUEST_DONE : WK_REQUEST_REFUSED);
    }
    json_decref(script);
    free(text_of);
    bench_finish(&b, 0);
}

static void test_delta_errors_lead_to_their_reactions(void **state)
{
    (void)state;
#define CODE(code) "{\"success\":false,\"error\":{\"code\":\"" code "\",\"context\":{}}}"
    static const case_of cases[] = {
        {CODE("insufficient_margin"), NULL, 400, WK_REQUEST_REFUSED},
        {"{\"success\":false,\"error\":{\"code\":\"insufficient_margin\",\"context\":"
         "{\"additional_margin_required\":\"0.121\"}}}",
         NULL, 400, WK_REQUEST_REFUSED},
        {CODE("order_size_exceed_available"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("risk_limits_breached"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("invalid_contract"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("immediate_liquidation"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("out_of_bankruptcy"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("self_matching_disrupted_post_only"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("immediate_execution_post_only"), NULL, 400, WK_REQUEST_REFUSED},
        {CODE("bad_schema"), NULL, 400, WK_REQUEST_REFUSED},
        {"{\"error\":\"SignatureExpired\",\"message\":\"late\"}", NULL, 401, WK_REQUEST_LATER},
        {CODE("expired_signature"), NULL, 401, WK_REQUEST_LATER},
        {"{\"error\":\"InvalidApiKey\",\"message\":\"no\"}", NULL, 401, WK_REQUEST_STOP},
        {CODE("invalid_api_key"), NULL, 401, WK_REQUEST_STOP},
        {"{\"error\":\"UnauthorizedApiAccess\",\"message\":\"no\"}", NULL, 401, WK_REQUEST_STOP},
        {"{\"success\":false,\"error\":{\"code\":\"ip_not_whitelisted_for_api_key\",\"context\":"
         "{\"client_ip\":\"1.2.3.4\"}}}",
         NULL, 401, WK_REQUEST_STOP},
        {CODE("Signature Mismatch"), NULL, 401, WK_REQUEST_STOP},
        {NULL, "429", 0, WK_REQUEST_LATER},
        {NULL, "429-retry", 0, WK_REQUEST_LATER},
        {NULL, "500", 0, WK_REQUEST_UNKNOWN},
        {NULL, "503", 0, WK_REQUEST_UNKNOWN},
        {NULL, "html-502", 0, WK_REQUEST_UNKNOWN},
        {NULL, "html-200", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut-body", 0, WK_REQUEST_UNKNOWN},
        {NULL, "truncate", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut-before", 0, WK_REQUEST_UNKNOWN},
        {NULL, "timeout-after", 0, WK_REQUEST_UNKNOWN},
        {NULL, "timeout-before", 0, WK_REQUEST_UNKNOWN}};
    reacts(0, cases, sizeof cases / sizeof *cases);
#undef CODE
}

static void test_kraken_errors_lead_to_their_reactions(void **state)
{
    (void)state;
#define SAYS(error) "{\"error\":[\"" error "\"]}"
    static const case_of cases[] = {
        {SAYS("EAPI:Invalid key"), NULL, 0, WK_REQUEST_STOP},
        {SAYS("EAPI:Invalid signature"), NULL, 0, WK_REQUEST_STOP},
        {SAYS("EGeneral:Permission denied"), NULL, 0, WK_REQUEST_STOP},
        {SAYS("EGeneral:Temporary lockout"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EAPI:Invalid nonce"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EAPI:Rate limit exceeded"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EService: Throttled: 99999999999"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EService:Unavailable"), NULL, 0, WK_REQUEST_UNKNOWN},
        {SAYS("EGeneral:Internal error"), NULL, 0, WK_REQUEST_UNKNOWN},
        {SAYS("EGeneral:Internal error:12"), NULL, 0, WK_REQUEST_UNKNOWN},
        {SAYS("EService:Market in cancel_only mode"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EService:Market in post_only mode"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EService:Deadline elapsed"), NULL, 0, WK_REQUEST_UNKNOWN},
        {SAYS("EOrder:Rate limit exceeded"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EOrder:Orders limit exceeded"), NULL, 0, WK_REQUEST_LATER},
        {SAYS("EOrder:Insufficient funds"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Order minimum not met"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Cost minimum not met"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Tick size check failed"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Invalid price"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Reduce only:No position exists"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Reduce only:Position is closed"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Margin allowance exceeded"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Insufficient margin"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EOrder:Margin level too low"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EQuery:Unknown asset pair"), NULL, 0, WK_REQUEST_REFUSED},
        {SAYS("EGeneral:Invalid arguments:ordertype"), NULL, 0, WK_REQUEST_REFUSED},
        {NULL, "429-retry", 0, WK_REQUEST_LATER},
        {NULL, "502", 0, WK_REQUEST_UNKNOWN},
        {NULL, "html-403", 0, WK_REQUEST_UNKNOWN},
        {NULL, "html-200", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut-body", 0, WK_REQUEST_UNKNOWN},
        {NULL, "truncate", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut", 0, WK_REQUEST_UNKNOWN},
        {NULL, "cut-before", 0, WK_REQUEST_UNKNOWN},
        {NULL, "timeout-after", 0, WK_REQUEST_UNKNOWN},
        {NULL, "timeout-before", 0, WK_REQUEST_UNKNOWN}};
    reacts(1, cases, sizeof cases / sizeof *cases);
#undef SAYS
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_errors_lead_to_their_reactions),
        cmocka_unit_test(test_kraken_errors_lead_to_their_reactions),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
