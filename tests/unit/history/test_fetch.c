/* wk_history_fetch against local servers that speak the venues' protocols over TLS, with faults:
 * what is stored is the venue's truth, whole and exact, and every request conforms. */
#include "../data/temp.h"

#include <math.h>

#include "venue.h"
#include "wick/history.h"

#define MINUTE (60 * WK_NS_PER_S)

typedef struct {
    venue *server;
    wk_arena arena;
    wk_history_config config;
    wk_history_request request;
    wk_history_report report;
    wk_fresh *fresh;
    wk_err err;
    int64_t now_ns;
} bench;

/* What a test varies. */
typedef struct {
    const char *server, *venue, *symbol, *store_symbol, *truth, *exchange;
    const char *script;
    int64_t timeframe_ns, history_s;
    double volume_unit;
    bool leaves_gaps; /* candles without a trade may be absent */
} setting;

static void begin(void **state, bench *b, const setting *s)
{
    char error[256];
    *b = (bench){0};
    b->server = venue_start(&(venue_options){.venue = s->server,
                                             .dir = ((temp_dir *)*state)->path,
                                             .seed = 7,
                                             .history_s = s->history_s ? s->history_s : 3 * 86400,
                                             .rate_scale = -1,
                                             .script = s->script},
                            error, sizeof error);
    if (!b->server)
        fail_msg("the server does not start: %s", error);
    wk_arena_init(&b->arena);
    wk_config_defaults(&wk_history_config_table, &b->arena, &b->config);
    wk_history_venue *all[] = {&b->config.venues.kraken, &b->config.venues.kraken_futures,
                               &b->config.venues.delta_india, &b->config.venues.delta_global,
                               &b->config.venues.amberdata};
    for (size_t i = 0; i < 5; i++) {
        all[i]->host = venue_url(b->server);
        all[i]->weight_per_s = all[i]->weight_burst = 1e6;
    }
    b->config.ca_file = venue_ca_file(b->server);
    b->config.backoff_s = 0.002;
    b->config.backoff_max_s = 0.02;
    b->config.timeout_s = 2;
    b->config.close_grace_s = 0;
    b->now_ns = wk_bucket_start(venue_now_ns(b->server), MINUTE);
    b->request = (wk_history_request){.venue = s->venue,
                                      .symbol = s->symbol,
                                      .exchange = s->exchange,
                                      .key = "UAKtest",
                                      .timeframe_ns = s->timeframe_ns};
    assert_int_equal(wk_fresh_open(temp_path(state, "store"), &b->fresh, &b->err), WK_OK);
}

static void end(bench *b)
{
    size_t n;
    char *violations = venue_violations(b->server, &n);
    if (n > 0)
        fail_msg("the venue complains: %s", violations);
    free(violations);
    wk_fresh_close(b->fresh);
    wk_arena_finish(&b->arena);
    venue_stop(b->server);
}

static void fetch(bench *b)
{
    if (wk_history_fetch(&b->config, &b->request, b->fresh, &b->report, &b->err) != WK_OK)
        fail_msg("%s", b->err.msg);
}

/* Every candle of the request's span is stored as the venue has it. */
static void assert_is_truth(bench *b, const setting *s)
{
    const wk_history_request *r = &b->request;
    int64_t tf_s = r->timeframe_ns / WK_NS_PER_S;
    int64_t from_s = r->since_ns / WK_NS_PER_S, to_s = r->until_ns / WK_NS_PER_S;
    size_t n_max = (size_t)((to_s - from_s) / tf_s) + 1, n_expected = 0;
    market_candle *truth = calloc(n_max, sizeof *truth);
    const market *m = venue_market(b->server, s->truth);
    assert_non_null(m);
    size_t n = venue_candles(b->server, s->truth, tf_s, from_s, to_s, truth, n_max);
    wk_series got;
    char store_venue[64];
    snprintf(store_venue, sizeof store_venue, "%s%s%s", s->venue, s->exchange ? "-" : "",
             s->exchange ? s->exchange : "");
    if (wk_fresh_bars(b->fresh, store_venue, s->store_symbol, r->timeframe_ns, 0, 0, &got,
                      &b->err) != WK_OK)
        fail_msg("%s", b->err.msg);
    for (size_t i = 0; i < n; i++) {
        const market_candle *t = &truth[i];
        if (s->leaves_gaps && t->n_trades == 0)
            continue;
        if (n_expected >= got.n)
            fail_msg("%zu bars are stored, more are true", got.n);
        const wk_bar *bar = &got.bars[n_expected];
        int d = m->instrument->price_decimals;
        double volume = wk_units_to_double(t->volume, m->instrument->qty_decimals) * s->volume_unit;
        if (bar->time_ns != t->open_s * WK_NS_PER_S ||
            bar->open != wk_units_to_double(t->open, d) ||
            bar->high != wk_units_to_double(t->high, d) ||
            bar->low != wk_units_to_double(t->low, d) ||
            bar->close != wk_units_to_double(t->close, d) ||
            fabs(bar->volume - volume) > (s->volume_unit == 1 ? 0 : 1e-15 * volume) ||
            got.provenance[n_expected] !=
                (t->n_trades > 0 ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY))
            fail_msg("bar %zu at %lld (truth %lld): %.10g %.10g %.10g %.10g %.10g, provenance %d; "
                     "%lld trades, close %lld, volume %.17g",
                     i, (long long)(bar->time_ns / WK_NS_PER_S), (long long)t->open_s, bar->open,
                     bar->high, bar->low, bar->close, bar->volume, got.provenance[n_expected],
                     (long long)t->n_trades, (long long)t->close, volume);
        n_expected++;
    }
    assert_int_equal(got.n, n_expected);
    assert_true(n_expected > 100);
    wk_series_finish(&got);
    free(truth);
}

static void fetch_and_compare(void **state, const setting *s, int64_t back_s)
{
    bench b;
    begin(state, &b, s);
    b.request.until_ns = b.now_ns - b.now_ns % s->timeframe_ns;
    b.request.since_ns = b.request.until_ns - back_s * WK_NS_PER_S;
    b.request.since_ns -= b.request.since_ns % s->timeframe_ns;
    fetch(&b);
    assert_is_truth(&b, s);
    if (s->script && strcmp(s->script, "{}") != 0)
        assert_true(venue_faults(b.server) > 0);
    end(&b);
}

#define KRAKEN                                                                                     \
    .server = "kraken", .venue = "kraken", .symbol = "BTCUSD", .store_symbol = "BTCUSD",           \
    .truth = "XXBTZUSD", .volume_unit = 1
#define KRAKEN_OTHER                                                                               \
    .server = "kraken", .venue = "kraken", .symbol = "DOGEUSD", .store_symbol = "DOGEUSD",         \
    .truth = "XDGUSD", .volume_unit = 1
#define DELTA                                                                                      \
    .server = "delta", .venue = "delta-india", .symbol = "BTCUSD", .store_symbol = "BTCUSD",       \
    .truth = "BTCUSD", .volume_unit = 0.001
#define FUTURES                                                                                    \
    .server = "kraken-futures", .venue = "kraken-futures", .symbol = "PF_XBTUSD",                  \
    .store_symbol = "PF_XBTUSD", .truth = "PF_XBTUSD", .volume_unit = 1
#define AMBERDATA                                                                                  \
    .server = "amberdata", .venue = "amberdata", .symbol = "btc_usd", .store_symbol = "BTCUSD",    \
    .truth = "btc_usd@kraken", .volume_unit = 1, .exchange = "kraken", .leaves_gaps = true

static void kraken_newest(void **state)
{
    fetch_and_compare(state, &(setting){KRAKEN, .timeframe_ns = MINUTE}, 600 * 60);
}

static void kraken_beyond_720_from_trades(void **state)
{
    fetch_and_compare(state, &(setting){KRAKEN, .timeframe_ns = MINUTE}, 1500 * 60);
}

static void delta_candles(void **state)
{
    fetch_and_compare(state, &(setting){DELTA, .timeframe_ns = MINUTE}, 4100 * 60);
}

static void futures_candles(void **state)
{
    fetch_and_compare(state, &(setting){FUTURES, .timeframe_ns = MINUTE}, 4100 * 60);
}

static void amberdata_candles(void **state)
{
    fetch_and_compare(state, &(setting){AMBERDATA, .timeframe_ns = MINUTE}, 2000 * 60);
}

/* Each fault in every n-th request. */
static void assert_survives_every_fault(void **state, setting s, int64_t back_s, int every,
                                        const char *const *faults)
{
    for (; *faults; faults++) {
        char script[256], when[32];
        /* These two make us wait whole seconds. */
        bool is_slow = strcmp(*faults, "429-retry") == 0 || strstr(*faults, "throttled");
        snprintf(when, sizeof when, is_slow ? "\"nth\":[%d]" : "\"every\":%d", every);
        /* In ten pieces, each a while after the other. */
        const char *seconds = strcmp(*faults, "slow-body") == 0 ? ",\"seconds\":0.05" : "";
        snprintf(script, sizeof script, "{\"rest\":[{\"path\":\"/\",%s,\"fault\":\"%s\"%s}]}", when,
                 *faults, seconds);
        s.script = script;
        print_message("%s\n", *faults);
        fetch_and_compare(state, &s, back_s);
        temp_teardown(state);
        temp_setup(state);
    }
}

#define FAULTS                                                                                     \
    "429", "429-retry", "500", "502", "503", "html-403", "html-502", "html-200", "cut",            \
        "cut-body", "truncate", "gzip-damage", "duplicate-page", "duplicate-rows", "reverse-rows", \
        "empty-page", "short-page", "slow-body"

static void kraken_survives_every_fault(void **state)
{
    static const char *const faults[] = {
        FAULTS, "eapi-rate", "eservice-unavailable", "eservice-throttled", "egeneral-internal",
        NULL};
    assert_survives_every_fault(state, (setting){KRAKEN, .timeframe_ns = MINUTE}, 4200 * 60, 3,
                                faults);
}

static void delta_survives_every_fault(void **state)
{
    static const char *const faults[] = {FAULTS, NULL};
    assert_survives_every_fault(state, (setting){DELTA, .timeframe_ns = MINUTE}, 4100 * 60, 3,
                                faults);
}

static void futures_survive_every_fault(void **state)
{
    static const char *const faults[] = {FAULTS, "api-limit", NULL};
    assert_survives_every_fault(state, (setting){FUTURES, .timeframe_ns = MINUTE}, 4100 * 60, 3,
                                faults);
}

static void amberdata_survives_every_fault(void **state)
{
    static const char *const faults[] = {FAULTS, "504", "foreign-next", "same-next", NULL};
    assert_survives_every_fault(state, (setting){AMBERDATA, .timeframe_ns = MINUTE}, 2000 * 60, 3,
                                faults);
}

/* The values of a series that the span of the request holds; the caller frees. */
static size_t values_of(bench *b, const char *venue_name, const char *symbol, const char *name,
                        wk_fresh_value **out)
{
    size_t n;
    if (wk_fresh_values(b->fresh, venue_name, symbol, name, 0, 0, out, &n, &b->err) != WK_OK)
        fail_msg("%s", b->err.msg);
    return n;
}

static void futures_funding_is_whole_though_lists_are_cut(void **state)
{
    bench b;
    wk_fresh_value *got;
    begin(state, &b,
          &(setting){FUTURES, .timeframe_ns = 60 * MINUTE,
                     .script = "{\"rest\":[{\"path\":\"/derivatives/api/v3/hist\",\"nth\":[1],"
                               "\"fault\":\"short-page\"}]}"});
    b.request.what = WK_HISTORY_FUNDING;
    b.request.until_ns = b.now_ns;
    b.request.since_ns = wk_bucket_start(b.now_ns, 60 * MINUTE) - 48 * 60 * MINUTE;
    fetch(&b);
    const market *m = venue_market(b.server, "PF_XBTUSD");
    size_t n = values_of(&b, "kraken-futures", "PF_XBTUSD", "funding", &got);
    assert_in_range(n, 48, 49);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got[i].time_ns, b.request.since_ns + (int64_t)i * 60 * MINUTE);
        assert_true(fabs(got[i].value - (double)market_funding(m, got[i].time_ns / (60 * MINUTE)) *
                                            1e-12) < 1e-15);
    }
    free(got);
    end(&b);
}

static void delta_funding_is_paid_at_its_interval_and_open_interest_is_each_close(void **state)
{
    bench b;
    wk_fresh_value *got;
    begin(state, &b, &(setting){DELTA, .timeframe_ns = 60 * MINUTE});
    b.request.what = WK_HISTORY_FUNDING;
    b.request.until_ns = b.now_ns;
    b.request.since_ns = wk_bucket_start(b.now_ns, 60 * MINUTE) - 48 * 60 * MINUTE;
    fetch(&b);
    const market *m = venue_market(b.server, "BTCUSD");
    size_t n = values_of(&b, "delta-india", "BTCUSD", "funding", &got);
    assert_in_range(n, 5, 7);
    for (size_t i = 0; i < n; i++) {
        int64_t interval_ns = 8 * 60 * MINUTE;
        assert_int_equal(got[i].time_ns % interval_ns, 0);
        /* the rate of the interval that ends here */
        assert_true(fabs(got[i].value -
                         (double)market_funding(m, got[i].time_ns / interval_ns - 1) * 1e-12) <
                    1e-15);
    }
    free(got);
    n = values_of(&b, "delta-india", "BTCUSD", "funding_predicted", &got);
    assert_in_range(n, 47, 49);
    free(got);

    b.request.what = WK_HISTORY_CANDLES; /* by another name */
    b.request.symbol = "OI:BTCUSD";
    fetch(&b);
    n = values_of(&b, "delta-india", "BTCUSD", "open_interest", &got);
    assert_in_range(n, 47, 49);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].value == (double)market_open_interest(m, got[i].time_ns / MINUTE - 1));
    free(got);
    end(&b);
}

static void mark_candles_are_a_market_of_their_own(void **state)
{
    bench b;
    wk_series got;
    market_candle c[60];
    begin(state, &b, &(setting){DELTA, .timeframe_ns = MINUTE});
    b.request.symbol = "MARK:BTCUSD";
    b.request.until_ns = b.now_ns;
    b.request.since_ns = b.now_ns - 60 * MINUTE;
    fetch(&b);
    size_t n = venue_candles(b.server, "BTCUSD", 60, b.request.since_ns / WK_NS_PER_S,
                             b.now_ns / WK_NS_PER_S, c, 60);
    assert_int_equal(
        wk_fresh_bars(b.fresh, "delta-india", "MARK_BTCUSD", MINUTE, 0, 0, &got, &b.err), WK_OK);
    assert_int_equal(n, 60);
    assert_int_equal(got.n, 60);
    for (size_t i = 0; i < n; i++)
        assert_true(got.bars[i].close == wk_units_to_double(c[i].close + 5, 1));
    wk_series_finish(&got);
    end(&b);
}

static void amberdata_values_come_page_by_page(void **state)
{
    bench b;
    wk_fresh_value *got;
    begin(
        state, &b,
        &(setting){.server = "amberdata",
                   .venue = "amberdata",
                   .symbol = "BTCUSDT",
                   .exchange = "binance",
                   .timeframe_ns = 60 * MINUTE,
                   .script = "{\"rest\":[{\"path\":\"/\",\"every\":3,\"fault\":\"short-page\"}]}"});
    const market *m = venue_market(b.server, "BTCUSDT@binance");
    b.request.what = WK_HISTORY_OPEN_INTEREST;
    b.request.until_ns = b.now_ns;
    b.request.since_ns = b.now_ns - 40 * 60 * MINUTE;
    fetch(&b);
    size_t n = values_of(&b, "amberdata-binance", "BTCUSDT", "open_interest", &got);
    assert_int_equal(n, 40 * 60);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].time_ns == b.request.since_ns + (int64_t)i * MINUTE &&
                    got[i].value == (double)market_open_interest(m, got[i].time_ns / MINUTE));
    free(got);
    b.request.what = WK_HISTORY_FUNDING;
    fetch(&b);
    n = values_of(&b, "amberdata-binance", "BTCUSDT", "funding", &got);
    assert_int_equal(n, 5);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i].time_ns % (8 * 60 * MINUTE), 0); /* no forecast among them */
    free(got);
    end(&b);
}

static void books_become_values(void **state)
{
    static const setting settings[] = {{KRAKEN, .timeframe_ns = 60 * MINUTE},
                                       {DELTA, .timeframe_ns = 60 * MINUTE}};
    for (size_t i = 0; i < 2; i++) {
        bench b;
        wk_fresh_value *bid, *ask, *imbalance;
        begin(state, &b, &settings[i]);
        b.request.what = WK_HISTORY_BOOK;
        b.request.since_ns = b.now_ns - 60 * MINUTE;
        fetch(&b);
        assert_int_equal(values_of(&b, settings[i].venue, "BTCUSD", "book_bid", &bid), 1);
        assert_int_equal(values_of(&b, settings[i].venue, "BTCUSD", "book_ask", &ask), 1);
        assert_int_equal(values_of(&b, settings[i].venue, "BTCUSD", "book_imbalance10", &imbalance),
                         1);
        assert_true(bid[0].value > 0 && bid[0].value < ask[0].value);
        assert_true(fabs(imbalance[0].value) < 1);
        free(bid);
        free(ask);
        free(imbalance);
        end(&b);
        temp_teardown(state);
        temp_setup(state);
    }
}

static void all_markets_and_their_instruments(void **state)
{
    bench b;
    wk_instrument instrument;
    begin(state, &b, &(setting){KRAKEN, .timeframe_ns = 60 * MINUTE});
    b.request.symbol = "all";
    b.request.until_ns = wk_bucket_start(b.now_ns, 60 * MINUTE);
    b.request.since_ns = b.request.until_ns - 24 * 60 * MINUTE;
    fetch(&b);
    assert_int_equal(b.report.n_series, 4);
    assert_int_equal(b.report.n_added, 4 * 24);
    assert_int_equal(wk_fresh_instrument(b.fresh, "kraken", "DOGEUSD", &instrument, &b.err), WK_OK);
    assert_string_equal(instrument.name_rest, "XDGUSD");
    assert_true(instrument.read_ns >= b.now_ns);
    fetch(&b); /* idempotent, and nearly free */
    assert_int_equal(b.report.n_rows, 0);
    assert_int_equal(b.report.n_requests, 1);
    b.request.again = true;
    fetch(&b);
    assert_int_equal(b.report.n_equal, 4 * 24);
    assert_int_equal(b.report.n_revised, 0);
    end(&b);
}

static void a_span_before_the_market_s_first_trade_is_no_failure(void **state)
{
    static const setting settings[] = {{KRAKEN, .timeframe_ns = 60 * MINUTE},
                                       {DELTA, .timeframe_ns = 60 * MINUTE},
                                       {FUTURES, .timeframe_ns = 60 * MINUTE},
                                       {AMBERDATA, .timeframe_ns = 60 * MINUTE}};
    for (size_t i = 0; i < 4; i++) {
        bench b;
        wk_series got;
        begin(state, &b, &settings[i]);
        b.request.until_ns = wk_bucket_start(b.now_ns, 60 * MINUTE);
        b.request.since_ns = b.request.until_ns - 40 * 24 * 60 * MINUTE;
        fetch(&b);
        char name[64];
        snprintf(name, sizeof name, "%s%s", settings[i].venue,
                 settings[i].exchange ? "-kraken" : "");
        assert_int_equal(
            wk_fresh_bars(b.fresh, name, settings[i].store_symbol, 60 * MINUTE, 0, 0, &got, &b.err),
            WK_OK);
        assert_in_range(got.n, 70, 73); /* three days of history */
        wk_series_finish(&got);
        end(&b);
        temp_teardown(state);
        temp_setup(state);
    }
}

/* The server repeats the reply to the market before: another market's candles. */
static void a_reply_about_another_market_is_not_taken(void **state)
{
    const setting s = {KRAKEN, .timeframe_ns = MINUTE,
                       .script = "{\"rest\":[{\"path\":\"/0/public/OHLC\",\"every\":2,"
                                 "\"fault\":\"duplicate-page\"}]}"};
    bench b;
    begin(state, &b, &s);
    b.request.symbol = "all";
    b.request.until_ns = b.now_ns;
    b.request.since_ns = b.now_ns - 300 * MINUTE;
    fetch(&b);
    assert_true(venue_faults(b.server) > 0);
    assert_is_truth(&b, &s);
    assert_is_truth(&b, &(setting){KRAKEN_OTHER, .timeframe_ns = MINUTE});
    end(&b);
}

static void longer_timeframes_are_built_from_the_venue_s(void **state)
{
    fetch_and_compare(state, &(setting){KRAKEN, .timeframe_ns = 3 * MINUTE}, 1800 * 60);
}

/* Asked first where it is configured; a refusal changes nothing. */
static void amberdata_s_legacy_path_is_an_extra(void **state)
{
    static const char *const scripts[] = {
        NULL, "{\"rest\":[{\"path\":\"/market/\",\"every\":1,\"fault\":\"410\"}]}"};
    for (size_t i = 0; i < 2; i++) {
        bench b;
        const setting s = {AMBERDATA, .timeframe_ns = MINUTE, .script = scripts[i]};
        begin(state, &b, &s);
        b.config.venues.amberdata.latest_path = "/market/spot/ohlcv/exchange/%s/latest";
        b.request.until_ns = b.now_ns;
        b.request.since_ns = b.now_ns - 300 * MINUTE;
        fetch(&b);
        assert_is_truth(&b, &s);
        assert_true(venue_requests(b.server, "/market/spot/ohlcv/exchange/kraken/latest") > 0);
        end(&b);
        temp_teardown(state);
        temp_setup(state);
    }
}

static void what_never_helps_is_not_tried_again(void **state)
{
    bench b;
    begin(state, &b,
          &(setting){AMBERDATA, .timeframe_ns = MINUTE,
                     .script = "{\"rest\":[{\"path\":\"/\",\"every\":1,\"fault\":\"403\"}]}"});
    b.request.since_ns = b.now_ns - 100 * MINUTE;
    assert_int_equal(wk_history_fetch(&b.config, &b.request, b.fresh, &b.report, &b.err),
                     WK_E_DATA);
    ASSERT_CONTAINS(b.err.msg, "subscription lacks");
    assert_null(strstr(b.err.msg, "UAKtest"));
    assert_int_equal(b.report.n_requests, 1);
    b.config.ca_file = "";
    assert_int_equal(wk_history_fetch(&b.config, &b.request, b.fresh, &b.report, &b.err),
                     WK_E_DATA);
    ASSERT_CONTAINS(b.err.msg, "certificate");
    end(&b);
}

static void a_server_that_hangs_is_left_and_asked_again(void **state)
{
    /* The second one stops in the middle of a page. */
    static const char *const scripts[] = {
        "{\"rest\":[{\"path\":\"/v2/history\",\"nth\":[1],\"fault\":\"hang\"}]}",
        "{\"rest\":[{\"path\":\"/v2/history\",\"nth\":[1],\"fault\":\"slow-body\","
        "\"seconds\":600}]}"};
    for (size_t i = 0; i < 2; i++) {
        bench b;
        const setting s = {DELTA, .timeframe_ns = MINUTE, .script = scripts[i]};
        begin(state, &b, &s);
        b.config.timeout_s = 0.5;
        b.request.until_ns = b.now_ns;
        b.request.since_ns = b.now_ns - 300 * MINUTE;
        fetch(&b);
        assert_is_truth(&b, &s);
        assert_true(b.report.n_repeated >= 1);
        assert_int_equal(venue_faults(b.server), 1);
        end(&b);
        temp_teardown(state);
        temp_setup(state);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(kraken_newest),
        CASE(kraken_beyond_720_from_trades),
        CASE(delta_candles),
        CASE(futures_candles),
        CASE(amberdata_candles),
        CASE(kraken_survives_every_fault),
        CASE(delta_survives_every_fault),
        CASE(futures_survive_every_fault),
        CASE(amberdata_survives_every_fault),
        CASE(futures_funding_is_whole_though_lists_are_cut),
        CASE(delta_funding_is_paid_at_its_interval_and_open_interest_is_each_close),
        CASE(mark_candles_are_a_market_of_their_own),
        CASE(amberdata_values_come_page_by_page),
        CASE(books_become_values),
        CASE(all_markets_and_their_instruments),
        CASE(a_reply_about_another_market_is_not_taken),
        CASE(a_span_before_the_market_s_first_trade_is_no_failure),
        CASE(longer_timeframes_are_built_from_the_venue_s),
        CASE(amberdata_s_legacy_path_is_an_extra),
        CASE(what_never_helps_is_not_tried_again),
        CASE(a_server_that_hangs_is_left_and_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
