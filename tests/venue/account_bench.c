#include "account_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../account_instruments.h"
#include "program.h"

#define DELTA_SECRET "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f"
#define KRAKEN_SECRET                                                                              \
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

void bench_begin(bench *b, int is_kraken, const venue_options *more, const char *secret)
{
    char error[256] = "";
    wk_err err;
    *b = (bench){.is_kraken = is_kraken, .next_id = 1, .lots = is_kraken ? 1000000 : 100};
    strcpy(b->dir, "/tmp/wick_account_XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    venue_options o = more ? *more : (venue_options){0};
    o.venue = is_kraken ? "kraken" : "delta";
    o.dir = b->dir;
    o.trade = o.manual = 1;
    o.rate_scale = -1;
    o.seed = 7;
    o.history_s = o.ahead_s = 3600;
    b->v = venue_start(&o, error, sizeof error);
    if (!b->v)
        fail_msg("%s", error);
    setenv("WICK_TVENUE_KEY", "WICKTESTKEY", 1);
    setenv("WICK_TVENUE_SECRET", secret ? secret : is_kraken ? KRAKEN_SECRET : DELTA_SECRET, 1);
    snprintf(b->nonce, sizeof b->nonce, "%s/nonce", b->dir);
    b->market = (wk_account_market){is_kraken ? &kraken_btc : &delta_btc,
                                    {1, 1},
                                    is_kraken ? (wk_decimal){1, 8} : (wk_decimal){1, 4},
                                    0};
    char stream[96];
    snprintf(stream, sizeof stream, "%s%s", venue_ws_url(b->v), is_kraken ? "/v2" : "");
    wk_account_options a = {.venue = is_kraken ? "kraken" : "delta-india",
                            .rest = venue_url(b->v),
                            .stream = stream,
                            .ca_file = venue_ca_file(b->v),
                            .key_prefix = "WICK_TVENUE",
                            .nonce_file = b->nonce,
                            .timeout_ns = 3 * WK_NS_PER_S,
                            .markets = &b->market,
                            .n_markets = 1};
    if (wk_account_open(&a, &b->account, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_true(venue_trade_price(b->v, b->market.instrument->name_rest, "60000.0"));
}

void bench_finish(bench *b, size_t violations)
{
    size_t n;
    b->account.close(b->account.self);
    char *said = venue_violations(b->v, &n);
    if (n != violations)
        fail_msg("%zu violations: %s", n, said);
    free(said);
    venue_stop(b->v);
    program_wipe(b->dir);
}

json_t *bench_state(bench *b)
{
    char *out = venue_trade_state(b->v);
    json_t *state = json_loads(out, 0, NULL);
    free(out);
    assert_non_null(state);
    return state;
}

const char *bench_word(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));
    return s ? s : "";
}

size_t bench_orders(bench *b)
{
    json_t *state = bench_state(b);
    size_t n = json_array_size(json_object_get(state, "orders"));
    json_decref(state);
    return n;
}

wk_order bench_entry(bench *b, wk_order_kind kind, int64_t price_ticks)
{
    return (wk_order){.id = 0xabc00 + b->next_id++,
                      .side = 1,
                      .kind = (uint8_t)kind,
                      .qty_lots = b->lots,
                      .price_ticks = price_ticks};
}

wk_request_result bench_place(bench *b, const wk_order *o, wk_venue_order *out)
{
    int64_t wait = 0;
    char why[256] = "";
    wk_request_result result = b->account.place(b->account.self, o, out, &wait, why);
    if (result != WK_REQUEST_DONE)
        print_message("# place: %d %s\n", (int)result, why);
    return result;
}

wk_request_result bench_ask(bench *b, uint64_t id, wk_venue_order *out)
{
    int64_t wait = 0;
    char why[256] = "";
    return b->account.query(b->account.self, 0, id, out, &wait, why);
}

const json_t *bench_stop(const json_t *state, size_t *n)
{
    const json_t *found = NULL, *one;
    size_t i;
    *n = 0;
    json_array_foreach(json_object_get(state, "orders"), i, one)
    {
        if (strcmp(bench_word(one, "trigger"), "stop_loss") == 0 &&
            strcmp(bench_word(one, "state"), "pending") == 0) {
            found = one;
            ++*n;
        }
    }
    return found;
}
