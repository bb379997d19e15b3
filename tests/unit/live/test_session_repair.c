/* What a session misses, and what an earlier one left wrong, is repaired from the venue's history.
 * argv[1] is a pattern of the tests to run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "session.h"
#include "wick/clock.h"
#include "wick/fresh.h"

#define S WK_NS_PER_S

static wk_status true_history(void *ctx, const char *venue_name, const char *name_stream,
                              int64_t timeframe_ns, int64_t from_ns, int64_t to_ns, wk_series *out,
                              wk_err *err)
{
    session *s = ctx;
    const market *m = venue_market(s->venue, name_stream);
    assert_non_null(m);
    int64_t now = venue_now_ns(s->venue);
    size_t n_max = (size_t)((to_ns - from_ns) / timeframe_ns);
    market_candle *candles = calloc(n_max + 1, sizeof *candles);
    if (to_ns > now)
        to_ns = now / timeframe_ns * timeframe_ns;
    size_t n = venue_candles(s->venue, name_stream, timeframe_ns / S, from_ns / S, to_ns / S,
                             candles, n_max);
    WK_TRY(wk_series_create(venue_name, "X", timeframe_ns, n, out, err));
    for (size_t i = 0; i < n; i++) {
        int p = m->instrument->price_decimals, q = m->instrument->qty_decimals;
        out->bars[i] = (wk_bar){candles[i].open_s * S,
                                wk_units_to_double(candles[i].open, p),
                                wk_units_to_double(candles[i].high, p),
                                wk_units_to_double(candles[i].low, p),
                                wk_units_to_double(candles[i].close, p),
                                wk_units_to_double(candles[i].volume, q)};
        out->provenance[i] = candles[i].n_trades ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY;
    }
    free(candles);
    return WK_OK;
}

static const char *const stored_symbols[] = {"BTCUSD", "ETHUSD", "DOGEUSD"};

/* Until all bars of [first_s, last_s) are stored and right: after repairs and confirmations, so in
 * seconds, on a busy machine in many. */
static void await_the_venues(session *s, int64_t first_s, int64_t last_s)
{
    int64_t begun = wk_clock_monotonic_ns();
    for (bool is_done = false; !is_done && wk_clock_monotonic_ns() - begun < 60 * S;) {
        session_sleep_s(0.5);
        is_done = true;
        for (int i = 0; i < 3; i++)
            for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
                size_t n_wrong;
                size_t n = session_bars(s, stored_symbols[i], timeframe_s, first_s, last_s,
                                        &n_wrong, true);
                is_done &= n == (size_t)(last_s - first_s) / (size_t)timeframe_s && n_wrong == 0;
            }
    }
}

static void
test_silence_and_broken_connections_are_left_and_what_was_missed_is_repaired(void **state)
{
    (void)state;
    session *s = session_new();
    /* Trades are lost as well, the newest of a market perhaps, which nothing but the venue's
     * history tells; a silent connection is left after 1.2 s. */
    session_venue(
        s, (venue_options){
               .seed = 11,
               .busy = 60,
               .book_step_ns = 50000000,
               .late_every = 4,
               .late_ns_most = 3000000000,
               .script = "{\"ws\": [{\"channel\": \"book\", \"nth\": [80], \"fault\": \"silence\"},"
                         "{\"channel\": \"book\", \"nth\": [160], \"fault\": \"close\"},"
                         "{\"channel\": \"book\", \"nth\": [240], \"fault\": \"cut-socket\"},"
                         "{\"channel\": \"trade\", \"nth\": [5, 9, 12, 15], \"fault\": \"drop\"},"
                         "{\"channel\": \"trade\", \"nth\": [7, 10], \"fault\": \"duplicate\"}]}"});
    session_configure(s, ", \"silence_s\": 1.2", ", \"confirm_s\": 2");
    s->options.history = true_history;
    s->options.history_ctx = s;
    session_begin(s);
    int64_t first_s = venue_now_ns(s->venue) / S / 4 * 4;
    session_sleep_s(8);
    session_wait(s, 0, 0, 9);
    int64_t last_s = venue_now_ns(s->venue) / S / 4 * 4;
    await_the_venues(s, first_s, last_s);
    session_end(s);
    assert_int_equal(s->summary.counts.impossible, 0);
    assert_true(s->summary.counts.disconnects >= 5); /* three of faults, two at the end */
    session_replays(s);
    for (int i = 0; i < 3; i++)
        for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            size_t n_wrong;
            size_t n =
                session_bars(s, stored_symbols[i], timeframe_s, first_s, last_s, &n_wrong, false);
            assert_int_equal(n, (last_s - first_s) / timeframe_s);
            assert_int_equal(n_wrong, 0);
        }
    size_t n_messages;
    uint64_t n_failures;
    bool is_live[3];
    session_books(s, &n_messages, &n_failures, is_live);
    assert_true(is_live[0] && is_live[1] && is_live[2]);
    session_finish(s, false);
}

/* Bars as a session left them that was killed before their repair: flat, where the venue traded. */
static void store_wrong_bars(session *s, int64_t first_s, int64_t last_s)
{
    wk_fresh *fresh;
    wk_err err;
    assert_int_equal(wk_fresh_open(s->store, &fresh, &err), WK_OK);
    for (int i = 0; i < 3; i++)
        for (int64_t timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            wk_fresh_bar bars[32];
            char key[64], next[32];
            size_t n = 0;
            for (int64_t at = first_s; at < last_s; at += timeframe_s)
                bars[n++] = (wk_fresh_bar){
                    {at * S, 7, 7, 7, 7, 0}, WK_PROV_CONFIRMED_EMPTY, (at + timeframe_s) * S};
            snprintf(key, sizeof key, "record/kraken/%s/%llds", stored_symbols[i],
                     (long long)timeframe_s);
            snprintf(next, sizeof next, "%lld", (long long)(last_s * S));
            assert_int_equal(wk_fresh_put_bars(fresh, "kraken", stored_symbols[i], timeframe_s * S,
                                               bars, n, &(wk_fresh_cursor){key, next}, NULL, &err),
                             WK_OK);
        }
    wk_fresh_close(fresh);
}

static void test_what_an_earlier_session_left_wrong_is_corrected(void **state)
{
    (void)state;
    session *s = session_new();
    session_venue(s, (venue_options){.seed = 19, .busy = 60});
    session_configure(s, "", ", \"confirm_s\": 60");
    s->options.history = true_history;
    s->options.history_ctx = s;
    int64_t last_s = venue_now_ns(s->venue) / S / 4 * 4, first_s = last_s - 40;
    store_wrong_bars(s, first_s, last_s);
    session_begin(s);
    await_the_venues(s, first_s, last_s);
    session_end(s);
    for (int i = 0; i < 3; i++)
        for (int timeframe_s = 2; timeframe_s <= 4; timeframe_s += 2) {
            size_t n_wrong;
            assert_int_equal(
                session_bars(s, stored_symbols[i], timeframe_s, first_s, last_s, &n_wrong, false),
                (last_s - first_s) / timeframe_s);
            assert_int_equal(n_wrong, 0);
        }
    session_replays(s);
    session_finish(s, false);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]); /* each waits for a clock: side by side they take less */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_silence_and_broken_connections_are_left_and_what_was_missed_is_repaired),
        cmocka_unit_test(test_what_an_earlier_session_left_wrong_is_corrected),
    };
    return cmocka_run_group_tests(tests, session_setup, session_teardown);
}
