/* wk_account over the wire, against the local venue with its own reading of the protocols: whole
 * lives of orders, private streams, and the reactions to everything that may go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <pthread.h>

#include "account_bench.h"
#include "wick/clock.h"

#define PATIENCE_NS (40 * WK_NS_PER_S)

static wk_request_result place(bench *b, const wk_order *o, wk_venue_order *out)
{
    int64_t wait = 0;
    char why[256] = "";
    wk_request_result result = b->account.place(b->account.self, o, out, &wait, why);
    if (result != WK_REQUEST_DONE)
        print_message("# place: %d %s\n", (int)result, why);
    return result;
}

static wk_request_result ask(bench *b, uint64_t id, wk_venue_order *out)
{
    int64_t wait = 0;
    char why[256] = "";
    return b->account.query(b->account.self, 0, id, out, &wait, why);
}

static void test_orders_live_their_life(int is_kraken)
{
    bench b;
    wk_venue_order o = {0}, open[8];
    wk_venue_fill fills[8];
    wk_venue_position positions[4];
    size_t n;
    int64_t wait, cash, equity;
    char why[256] = "";
    bench_begin(&b, is_kraken, NULL, NULL);
    void *self = b.account.self;

    /* One that rests, is seen, is cancelled, and is gone. */
    wk_order resting = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    assert_int_equal(place(&b, &resting, &o), WK_REQUEST_DONE);
    assert_true(o.venue_id[0] != 0);
    assert_int_equal(b.account.open_orders(self, open, 8, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(open[0].client_id, resting.id);
    assert_int_equal(open[0].price_ticks, 590000);
    assert_int_equal(open[0].qty_lots, b.lots);
    assert_int_equal(ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_true(o.is_open);
    assert_int_equal(b.account.cancel(self, 0, resting.id, &wait, why), WK_REQUEST_DONE);
    assert_int_equal(ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, 0);
    assert_int_equal(b.account.cancel(self, 0, resting.id, &wait, why), WK_REQUEST_REFUSED);
    assert_int_equal(ask(&b, 0x999, &o), WK_REQUEST_REFUSED);

    /* One that rests and fills as maker when the price comes. */
    resting = bench_entry(&b, WK_ORDER_LIMIT, 595000);
    assert_int_equal(place(&b, &resting, &o), WK_REQUEST_DONE);
    assert_true(venue_trade_price(b.v, b.market.instrument->symbol, "59400.0"));
    assert_int_equal(ask(&b, resting.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, b.lots);
    assert_int_equal(o.average_ticks, 595000);

    /* And a market order, that takes. */
    wk_order taking = bench_entry(&b, WK_ORDER_MARKET, 0);
    assert_int_equal(place(&b, &taking, &o), WK_REQUEST_DONE);
    assert_int_equal(ask(&b, taking.id, &o), WK_REQUEST_DONE);
    assert_false(o.is_open);
    assert_int_equal(o.filled_lots, b.lots);

    assert_int_equal(
        b.account.fills(self, wk_clock_wall_ns() - 60 * WK_NS_PER_S, fills, 8, &n, why),
        WK_REQUEST_DONE);
    assert_int_equal(n, 2);
    size_t maker = fills[0].maker ? 0 : 1;
    assert_int_equal(fills[maker].client_id ? fills[maker].client_id : resting.id, resting.id);
    assert_true(fills[maker].maker && !fills[1 - maker].maker);
    assert_int_equal(fills[maker].price_ticks, 595000);
    assert_int_equal(fills[maker].qty_lots, b.lots);
    /* 595 USD: Delta's 0.02 %, Kraken's 0.25 %. */
    assert_int_equal(fills[maker].fee_e8, is_kraken ? 148750000 : 11900000);
    assert_int_equal(b.account.positions(self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 1);
    assert_int_equal(positions[0].qty_lots, 2 * b.lots);

    json_t *state = bench_state(&b);
    assert_int_equal(b.account.balance(self, &cash, &equity, why), WK_REQUEST_DONE);
    json_t *balances = json_object_get(state, "balances");
    double quote = strtod(bench_word(balances, is_kraken ? "ZUSD" : "USD"), NULL);
    assert_true(quote > 8000 && quote < 10000);
    /* Kraken shows four decimals of dollars. */
    assert_true(llabs(cash - (int64_t)(quote * 1e8 + 0.5)) <= (is_kraken ? 10000 : 0));
    assert_true(llabs(equity - (int64_t)(strtod(bench_word(state, "equity"), NULL) * 1e8 + 0.5)) <=
                (is_kraken ? 10000 : 1));
    json_decref(state);

    /* Leaving what is held. */
    wk_order leaving = bench_entry(&b, WK_ORDER_MARKET, 0);
    leaving.side = -1;
    leaving.qty_lots = 2 * b.lots;
    leaving.reduce_only = true;
    assert_int_equal(place(&b, &leaving, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.positions(self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    bench_finish(&b, 0);
}

static void test_delta_orders_live_their_life(void **state)
{
    (void)state;
    test_orders_live_their_life(0);
}

static void test_kraken_orders_live_their_life(void **state)
{
    (void)state;
    test_orders_live_their_life(1);
}

static void test_delta_brackets_protect_and_move(void **unused)
{
    (void)unused;
    bench b;
    wk_venue_order o = {0};
    wk_venue_position positions[4];
    size_t n;
    char why[256] = "";
    bench_begin(&b, 0, NULL, NULL);
    assert_int_equal(b.account.leverage(b.account.self, 0, 5, why), WK_REQUEST_DONE);
    wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
    want.stop_ticks = 590000;
    want.profit_ticks = 620000;
    assert_int_equal(place(&b, &want, &o), WK_REQUEST_DONE);
    json_t *state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "59000");
    assert_int_equal(n, 1);
    assert_string_equal(
        bench_word(json_array_get(json_object_get(state, "markets"), 0), "leverage"), "5");
    json_decref(state);
    assert_int_equal(b.account.protect(b.account.self, 0, 595000, 0, why), WK_REQUEST_DONE);
    state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "59500");
    assert_int_equal(n, 1);
    json_decref(state);
    assert_true(venue_trade_price(b.v, "BTCUSD", "59450.0"));
    assert_int_equal(b.account.positions(b.account.self, positions, 4, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    /* Nothing is left of the bracket. */
    assert_int_equal(b.account.open_orders(b.account.self, &o, 1, &n, why), WK_REQUEST_DONE);
    assert_int_equal(n, 0);
    /* Without a position there is nothing to protect; one without a bracket gets one. */
    assert_int_equal(b.account.protect(b.account.self, 0, 590000, 0, why), WK_REQUEST_REFUSED);
    want = bench_entry(&b, WK_ORDER_MARKET, 0);
    want.side = -1;
    assert_int_equal(place(&b, &want, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.protect(b.account.self, 0, 605000, 580000, why), WK_REQUEST_DONE);
    state = bench_state(&b);
    assert_string_equal(bench_word(bench_stop(state, &n), "trigger_price"), "60500");
    assert_string_equal(bench_word(bench_stop(state, &n), "side"), "buy");
    json_decref(state);
    bench_finish(&b, 0);
}

static void test_kraken_keeps_one_stop_a_position(void **unused)
{
    (void)unused;
    bench b;
    wk_venue_order o = {0};
    size_t n;
    int64_t wait;
    char why[256] = "";
    bench_begin(&b, 1, NULL, NULL);
    void *self = b.account.self;
    wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
    assert_int_equal(place(&b, &want, &o), WK_REQUEST_DONE);
#define PROTECT(lots, ticks, id, is_new)                                                           \
    b.account.protect_lots(self, 0, lots, ticks, id, is_new, &wait, why)
    assert_int_equal(PROTECT(b.lots, 590000, 0x5001, true), WK_REQUEST_DONE);
    /* One that rests is kept, and its size and trigger change in place: it never goes away. */
    size_t placed = venue_requests(b.v, "/0/private/AddOrder");
    assert_int_equal(PROTECT(b.lots, 590000, 0x5001, false), WK_REQUEST_DONE);
    assert_int_equal(PROTECT(b.lots / 2, 580000, 0x5001, false), WK_REQUEST_DONE);
    json_t *state = bench_state(&b);
    const json_t *stop = bench_stop(state, &n);
    assert_int_equal(n, 1);
    assert_string_equal(bench_word(stop, "trigger_price"), "58000");
    assert_string_equal(bench_word(stop, "qty"), "0.005");
    json_decref(state);
    assert_int_equal(venue_requests(b.v, "/0/private/AmendOrder"), 1);
    assert_int_equal(venue_requests(b.v, "/0/private/AddOrder"), placed);
    assert_int_equal(venue_requests(b.v, "/0/private/CancelOrder"), 0);
    /* One that is not there is not placed again under an id that may have filled. */
    assert_int_equal(PROTECT(b.lots, 590000, 0x5009, false), WK_REQUEST_REFUSED);
    assert_int_equal(venue_requests(b.v, "/0/private/AddOrder"), placed);
    assert_int_equal(PROTECT(b.lots, 595000, 0x5002, true), WK_REQUEST_DONE);
    state = bench_state(&b);
    stop = bench_stop(state, &n);
    assert_int_equal(n, 1);
    assert_string_equal(bench_word(stop, "trigger_price"), "59500");
    assert_string_equal(bench_word(stop, "qty"), "0.01");
    json_decref(state);
    assert_true(venue_trade_price(b.v, "XBTUSD", "59490.0"));
    assert_int_equal(ask(&b, 0x5002, &o), WK_REQUEST_DONE);
    assert_int_equal(o.filled_lots, b.lots);
    assert_int_equal(PROTECT(b.lots, 595000, 0x5002, false), WK_REQUEST_REFUSED); /* it filled */
    assert_int_equal(PROTECT(0, 0, 0x5003, false), WK_REQUEST_DONE);
#undef PROTECT
    bench_finish(&b, 0);
}

static void test_deadman_cancels(int is_kraken)
{
    bench b;
    wk_venue_order o = {0};
    char why[256] = "";
    bench_begin(&b, is_kraken, NULL, NULL);
    wk_order want = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    assert_int_equal(place(&b, &want, &o), WK_REQUEST_DONE);
    assert_int_equal(b.account.deadman(b.account.self, 60 * WK_NS_PER_S, why), WK_REQUEST_DONE);
    assert_int_equal(b.account.deadman(b.account.self, 0, why), WK_REQUEST_DONE);
    assert_int_equal(ask(&b, want.id, &o), WK_REQUEST_DONE);
    assert_true(o.is_open);
    assert_int_equal(b.account.deadman(b.account.self, WK_NS_PER_S, why), WK_REQUEST_DONE);
    for (int64_t end = wk_clock_monotonic_ns() + PATIENCE_NS; o.is_open;) {
        assert_true(wk_clock_monotonic_ns() < end);
        assert_int_equal(ask(&b, want.id, &o), WK_REQUEST_DONE);
        usleep(50000);
    }
    bench_finish(&b, 0);
}

static void test_delta_deadman_cancels(void **state)
{
    (void)state;
    test_deadman_cancels(0);
}

static void test_kraken_deadman_cancels(void **state)
{
    (void)state;
    test_deadman_cancels(1);
}

static void test_clock_is_measured(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        bench b;
        int64_t off = 0, tolerance = 0, cash, equity;
        char why[256] = "";
        venue_options o = {.skew_ns = 40 * WK_NS_PER_S};
        bench_begin(&b, is_kraken, &o, NULL);
        assert_int_equal(b.account.clock(b.account.self, &off, &tolerance, why), WK_REQUEST_DONE);
        assert_in_range(off, 38 * WK_NS_PER_S, 42 * WK_NS_PER_S);
        assert_int_equal(tolerance, 5 * WK_NS_PER_S);
        /* From here on it signs with the venue's time. */
        assert_int_equal(b.account.balance(b.account.self, &cash, &equity, why), WK_REQUEST_DONE);
        bench_finish(&b, 0);
    }
}

static void test_wrong_secret_stops(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        bench b;
        int64_t cash, equity;
        char why[256] = "";
        bench_begin(&b, is_kraken, NULL, is_kraken ? "U0VOVElORUxTRUNSRVQwMTIzNDU2Nzg5" : "wrong");
        assert_int_equal(b.account.balance(b.account.self, &cash, &equity, why), WK_REQUEST_STOP);
        bench_finish(&b, 1);
    }
}

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
            assert_int_equal(ask(&b, want.id, &out),
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

static void test_partial_fills_are_seen(void **state)
{
    (void)state;
    for (int is_kraken = 0; is_kraken < 2; is_kraken++) {
        static const char script[] = "{\"rest\":[{\"path\":\"/\",\"method\":\"POST\",\"first\":1,"
                                     "\"fault\":\"partial\",\"share\":0.4,\"seconds\":3600}]}";
        venue_options o = {.script = script};
        bench b;
        wk_venue_order out = {0};
        int64_t wait;
        char why[256] = "";
        bench_begin(&b, is_kraken, &o, NULL);
        wk_order want = bench_entry(&b, WK_ORDER_LIMIT, 601000);
        assert_int_equal(place(&b, &want, &out), WK_REQUEST_DONE);
        assert_int_equal(ask(&b, want.id, &out), WK_REQUEST_DONE);
        assert_true(out.is_open);
        assert_int_equal(out.filled_lots, b.lots * 4 / 10);
        assert_int_equal(b.account.cancel(b.account.self, 0, want.id, &wait, why), WK_REQUEST_DONE);
        assert_int_equal(ask(&b, want.id, &out), WK_REQUEST_DONE);
        assert_false(out.is_open);
        assert_int_equal(out.filled_lots, b.lots * 4 / 10);
        bench_finish(&b, 0);
    }
}

/* ---- private streams ---- */

typedef struct {
    pthread_mutex_t lock;
    size_t n_lost, n_fills, n_orders;
    wk_venue_fill fills[64];
    wk_venue_order orders[64];
} heard;

static void on_order(void *ctx, const wk_venue_order *o)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->orders[h->n_orders++ % 64] = *o;
    pthread_mutex_unlock(&h->lock);
}

static void on_fill(void *ctx, const wk_venue_fill *f)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->fills[h->n_fills++ % 64] = *f;
    pthread_mutex_unlock(&h->lock);
}

static void on_lost(void *ctx)
{
    heard *h = ctx;
    pthread_mutex_lock(&h->lock);
    h->n_lost++;
    pthread_mutex_unlock(&h->lock);
}

static size_t count(heard *h, const size_t *what)
{
    pthread_mutex_lock(&h->lock);
    size_t got = *what;
    pthread_mutex_unlock(&h->lock);
    return got;
}

static void await(heard *h, const size_t *what, size_t n, const char *name)
{
    for (int64_t end = wk_clock_monotonic_ns() + PATIENCE_NS;;) {
        size_t got = count(h, what);
        if (got >= n)
            return;
        if (wk_clock_monotonic_ns() > end)
            fail_msg("the stream told %zu %s, not %zu", got, name, n);
        usleep(10000);
    }
}

static void test_stream_tells_fills_and_orders(int is_kraken, const char *script, size_t drops)
{
    bench b;
    heard h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    wk_venue_order out = {0};
    wk_err err;
    venue_options o = {.script = script};
    bench_begin(&b, is_kraken, &o, NULL);
    assert_int_equal(b.account.stream(b.account.self, &h, on_order, on_fill, on_lost, &err), WK_OK);
    await(&h, &h.n_lost, 1, "logins");
    /* The subscription follows the login of Delta; what it tells then is what happens later. */
    for (int64_t end = wk_clock_monotonic_ns() + PATIENCE_NS; count(&h, &h.n_fills) == 0;) {
        wk_order want = bench_entry(&b, WK_ORDER_MARKET, 0);
        want.qty_lots = b.lots / 10;
        assert_int_equal(place(&b, &want, &out), WK_REQUEST_DONE);
        for (int i = 0; i < 100 && count(&h, &h.n_fills) == 0; i++)
            usleep(10000);
        assert_true(wk_clock_monotonic_ns() < end);
    }
    pthread_mutex_lock(&h.lock);
    assert_int_equal(h.fills[0].side, 1);
    assert_int_equal(h.fills[0].qty_lots, b.lots / 10);
    assert_true(h.fills[0].client_id >> 8 == 0xabc);
    assert_true(h.fills[0].fill_id[0] != 0);
    pthread_mutex_unlock(&h.lock);
    wk_order resting = bench_entry(&b, WK_ORDER_LIMIT, 590000);
    size_t before = count(&h, &h.n_orders);
    if (drops == 0) {
        assert_int_equal(place(&b, &resting, &out), WK_REQUEST_DONE);
        await(&h, &h.n_orders, before + 1, "orders");
        char why[256] = "";
        int64_t wait;
        assert_int_equal(b.account.cancel(b.account.self, 0, resting.id, &wait, why),
                         WK_REQUEST_DONE);
        await(&h, &h.n_orders, before + 2, "orders");
    } else {
        /* It comes back by itself, and says that something was lost. */
        await(&h, &h.n_lost, 1 + 2 * drops, "losses");
    }
    bench_finish(&b, 0);
}

static void test_delta_stream_tells_fills_and_orders(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(0, NULL, 0);
}

static void test_kraken_stream_tells_fills_and_orders(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1, NULL, 0);
}

static void test_delta_stream_comes_back(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(0,
                                       "{\"ws\":[{\"channel\":\"v2/user_trades\",\"nth\":[1],"
                                       "\"fault\":\"close\"}]}",
                                       1);
}

static void test_kraken_stream_comes_back(void **state)
{
    (void)state;
    /* The snapshot, and pending, new, trade and filled of one order. */
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[5],"
                                       "\"fault\":\"cut-socket\"}]}",
                                       1);
}

static void test_kraken_stream_notices_a_gap(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[3],"
                                       "\"fault\":\"drop\"}]}",
                                       1);
}

static void test_kraken_stream_notices_silence(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(1,
                                       "{\"ws\":[{\"channel\":\"executions\",\"nth\":[5],"
                                       "\"fault\":\"silence\"}]}",
                                       1);
}

/* The same frames twice, or in another order, break nothing: fills are told apart by their ids. */
static void test_delta_stream_bears_doubles_and_disorder(void **state)
{
    (void)state;
    test_stream_tells_fills_and_orders(
        0,
        "{\"ws\":[{\"channel\":\"v2/user_trades\",\"every\":1,\"fault\":\"duplicate\"},"
        "{\"channel\":\"orders\",\"nth\":[4],\"fault\":\"reorder\"}]}",
        0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_orders_live_their_life),
        cmocka_unit_test(test_kraken_orders_live_their_life),
        cmocka_unit_test(test_delta_brackets_protect_and_move),
        cmocka_unit_test(test_kraken_keeps_one_stop_a_position),
        cmocka_unit_test(test_delta_deadman_cancels),
        cmocka_unit_test(test_kraken_deadman_cancels),
        cmocka_unit_test(test_clock_is_measured),
        cmocka_unit_test(test_wrong_secret_stops),
        cmocka_unit_test(test_delta_errors_lead_to_their_reactions),
        cmocka_unit_test(test_kraken_errors_lead_to_their_reactions),
        cmocka_unit_test(test_partial_fills_are_seen),
        cmocka_unit_test(test_delta_stream_tells_fills_and_orders),
        cmocka_unit_test(test_kraken_stream_tells_fills_and_orders),
        cmocka_unit_test(test_delta_stream_comes_back),
        cmocka_unit_test(test_kraken_stream_comes_back),
        cmocka_unit_test(test_kraken_stream_notices_a_gap),
        cmocka_unit_test(test_kraken_stream_notices_silence),
        cmocka_unit_test(test_delta_stream_bears_doubles_and_disorder)};
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
