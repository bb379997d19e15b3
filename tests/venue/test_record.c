/* The program against the local venues: `wick record` on each dialect, while books are damaged in
 * every way and connections break. Its recording is then fed through the live path, message by
 * message: a book that is there is the venue's own, its bars are the venue's.
 * usage: test_record WICK [TESTS]; WICK_LONG=1 records for a minute each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "program.h"
#include "venue.h"
#include "wick/arena.h"
#include "wick/live.h"

static const char *wick;

typedef struct {
    const char *server, *dialect, *channel, *path, *symbols;
    const char *truth[2];
} setting;

static const setting settings[] = {
    {"kraken", "kraken", "book", "/v2", "[\"BTC/USD\", \"DOGE/USD\"]", {"BTC/USD", "DOGE/USD"}},
    {"delta",
     "delta_public",
     "ob_updates",
     "/",
     "[\"BTCUSD\", \"DOGEUSD\"]",
     {"BTCUSD", "DOGEUSD"}},
    {"delta", "delta", "l2_updates", "/", "[\"BTCUSD\", \"DOGEUSD\"]", {"BTCUSD", "DOGEUSD"}},
};

typedef struct {
    int64_t at_ns[2];
    int changed[2];
} watch;

static void on_event(void *ctx, const wk_event *e, int64_t offset_ns)
{
    (void)offset_ns;
    watch *w = ctx;
    if (e->kind == WK_EVENT_BOOK_END && e->symbol < 2) {
        w->at_ns[e->symbol] = e->exchange_ns;
        w->changed[e->symbol] = 1;
    }
}

static int64_t scaled(int64_t value, int decimals, int wanted)
{
    for (; decimals < wanted; decimals++)
        value *= 10;
    return value;
}

/* Levels of the first ten that differ; further down a damaged level is nobody's to see. */
static int differ(const wk_book *book, const market_book *truth, const market_instrument *what)
{
    int wrong = 0, p = wk_book_price_decimals(book), q = wk_book_qty_decimals(book);
    for (int side = 0; side < 2; side++) {
        size_t n;
        const wk_book_level *levels = wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n);
        for (size_t i = 0; i < 10; i++) {
            const market_level *level = &truth->side[side][i];
            wrong += i >= n || levels[i].price != scaled(level->price, what->price_decimals, p) ||
                     levels[i].qty != scaled(level->qty, what->qty_decimals, q);
        }
    }
    return wrong;
}

static void compare_books(const setting *s, venue *v, const wk_live_config *config, const char *raw)
{
    static market_book truth;
    wk_recording *recording;
    wk_recorded message;
    wk_live *live;
    wk_err err;
    watch w = {0};
    size_t n = 0, n_live = 0;
    size_t live_at[2] = {0};
    int64_t seen_ns[2] = {0}, longest_ns = 0;
    wk_live_sinks sinks = {.ctx = &w, .event = on_event};
    assert_int_equal(wk_live_create(config, &sinks, &live, &err), WK_OK);
    assert_int_equal(wk_recording_open(raw, &recording, &err), WK_OK);
    while (wk_recording_next(recording, &message, &err) == WK_OK) {
        w.changed[0] = w.changed[1] = 0;
        assert_int_equal(wk_live_feed(live, &message, &err), WK_OK);
        for (uint32_t i = 0; i < 2; i++) {
            const wk_book *book = wk_live_book(live, i);
            n += w.changed[i] != 0;
            if (!w.changed[i] || !book)
                continue;
            n_live++;
            if (w.at_ns[i] - seen_ns[i] > longest_ns && seen_ns[i])
                longest_ns = w.at_ns[i] - seen_ns[i];
            seen_ns[i] = w.at_ns[i];
            live_at[i] = n;
            assert_int_equal(venue_book(v, s->truth[i], w.at_ns[i], &truth), 1);
            if (differ(book, &truth, venue_market(v, s->truth[i])->instrument))
                fail_msg("%s: the book of %s is not the venue's after message %zu (%lld): %.300s",
                         s->dialect, s->truth[i], n, (long long)w.at_ns[i], message.bytes);
        }
    }
    wk_live_counts counts;
    wk_live_count(live, -1, &counts);
    print_message(
        "%s: %zu of %zu book messages with a book, all equal; %llu damaged seen, %zu faults, "
        "%zu connections, longest without a book %.2f s\n",
        s->dialect, n_live, n, (unsigned long long)counts.checksum_failures, venue_faults(v),
        venue_connections(v), (double)longest_ns / 1e9);
    assert_true(n > 500 && n_live > n / 3 && counts.checksum_failures > 3);
    assert_true(live_at[0] + 400 > n && live_at[1] + 400 > n); /* it has recovered each time */
    wk_recording_close(recording);
    wk_live_destroy(live);
}

/* Digits of a decimal in units of 10^-decimals. */
static int64_t exact(const char *word, int decimals)
{
    return (int64_t)(strtod(word, NULL) * scaled(1, 0, decimals) + 0.5);
}

/* Every bar in the store is the venue's candle: what was not seen whole is not there. A bar without
 * trades right behind a break may be flat at the last price seen, as Delta's trades have no numbers
 * that would tell of a lost one. */
static size_t compare_bars(const setting *s, venue *v, const char *dir, size_t k)
{
    char store[64], csv[64], log[64], line[256], stored[16] = "";
    snprintf(store, sizeof store, "%s/store", dir);
    snprintf(csv, sizeof csv, "%s/bars.csv", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    for (const char *c = s->truth[k]; *c; c++)
        if (*c != '/')
            strncat(stored, c, 1);
    char *export[] = {(char *)wick, "store",
                      "export",     strcmp(s->server, "delta") == 0 ? "delta-india" : "kraken",
                      stored,       "1s",
                      "--store",    store,
                      "--out",      csv,
                      NULL};
    if (program_run(export, log, 0) != 0) {
        program_show(log);
        fail_msg("%s: the export of %s failed", s->dialect, stored);
    }
    const market_instrument *what = venue_market(v, s->truth[k])->instrument;
    double unit = what->contract_value ? strtod(what->contract_value, NULL) : 1;
    FILE *file = fopen(csv, "r");
    assert_non_null(file);
    size_t n = 0, n_stale = 0;
    while (fgets(line, sizeof line, file)) {
        long long at;
        char field[5][32];
        if (sscanf(line, "%lld,%31[^,],%31[^,],%31[^,],%31[^,],%31[^,\n]", &at, field[0], field[1],
                   field[2], field[3], field[4]) != 6)
            continue;
        market_candle c;
        assert_int_equal(venue_candles(v, s->truth[k], 1, at, at + 1, &c, 1), 1);
        const int64_t prices[4] = {c.open, c.high, c.low, c.close};
        int wrong = 0;
        for (int i = 0; i < 4; i++)
            wrong += exact(field[i], what->price_decimals) != prices[i];
        double volume = strtod(field[4], NULL) / unit;
        wrong += (int64_t)(volume * (double)scaled(1, 0, what->qty_decimals) + 0.5) != c.volume;
        int is_empty = c.n_trades == 0 && volume == 0;
        n_stale += wrong && is_empty;
        if (wrong && !is_empty)
            fail_msg("%s, %s: the bar is %s, the venue's has close %lld, volume %lld, %lld trades",
                     s->dialect, stored, line, (long long)c.close, (long long)c.volume,
                     (long long)c.n_trades);
        n++;
    }
    fclose(file);
    print_message("%s: %zu bars of %s, equal but for %zu flat ones\n", s->dialect, n, s->truth[k],
                  n_stale);
    return n;
}

static void record(const setting *s)
{
    static const char *const kinds[] = {"drop", "duplicate", "reorder", "corrupt", "bad-checksum"};
    static const int every[] = {421, 313, 487, 613, 797};
    char dir[] = "/tmp/wick-record-XXXXXX", script[1024], config_file[64], log[64], raw[64],
         json[1024], error[256], ca[96];
    assert_non_null(mkdtemp(dir));
    int n = snprintf(script, sizeof script, "{\"ws\":[");
    for (size_t i = 0; i < 5; i++)
        n += snprintf(script + n, sizeof script - (size_t)n,
                      "{\"channel\":\"%s\",\"every\":%d,\"fault\":\"%s\"},", s->channel, every[i],
                      kinds[i]);
    snprintf(script + n, sizeof script - (size_t)n,
             "{\"channel\":\"%s\",\"nth\":[400],\"fault\":\"close\"},"
             "{\"channel\":\"%s\",\"nth\":[650],\"fault\":\"cut-socket\"}],"
             "\"rest\":[{\"path\":\"websocket\",\"nth\":[2],\"fault\":\"503\"}]}",
             s->channel, s->channel);
    venue_options options = {.venue = s->server, .dir = dir, .seed = 23, .script = script};
    options.book_step_ns = 10000000;
    options.rate_scale = 100;
    options.busy = 150;
    venue *v = venue_start(&options, error, sizeof error);
    if (!v)
        fail_msg("%s", error);
    snprintf(ca, sizeof ca, "%s", venue_ca_file(v));
    snprintf(config_file, sizeof config_file, "%s/record.json", dir);
    snprintf(log, sizeof log, "%s/log", dir);
    snprintf(raw, sizeof raw, "%s/store/raw", dir);
    snprintf(
        json, sizeof json,
        "{\"venues\": [{\"name\": \"%s\", \"dialect\": \"%s\", \"url\": \"%s%s\", \"symbols\": "
        "%s%s, \"candles\": false, \"ping_s\": 0.5, \"backoff_min_ms\": 20, \"backoff_max_ms\": "
        "200, \"connects_max\": "
        "1000}], \"timeframes\": [\"1s\"], \"close_grace_ms\": 300, \"store\": \"%s/store\", "
        "\"ca_file\": \"%s\", \"keep_raw\": true, \"repair\": false}",
        strcmp(s->server, "delta") == 0 ? "delta-india" : "kraken", s->dialect, venue_ws_url(v),
        s->path, s->symbols,
        strcmp(s->server, "delta") == 0 ? ", \"contract_values\": [0.001, 100]" : "", dir, ca);
    FILE *file = fopen(config_file, "w");
    assert_non_null(file);
    fputs(json, file);
    fclose(file);
    char *arguments[] = {
        (char *)wick, "record", config_file, "--seconds", getenv("WICK_LONG") ? "60" : "8", NULL};
    if (program_run(arguments, log, 0) != 0) {
        program_show(log);
        fail_msg("%s: wick record failed", s->dialect);
    }
    wk_arena arena;
    wk_live_config config;
    wk_err err;
    wk_arena_init(&arena);
    if (wk_config_parse(&wk_live_config_table, "test", json, NULL, 0, &arena, &config, &err) !=
        WK_OK)
        fail_msg("%s", err.msg);
    compare_books(s, v, &config, raw);
    for (size_t i = 0; i < 2; i++)
        assert_true(compare_bars(s, v, dir, i) > 0);
    wk_arena_finish(&arena);
    size_t n_violations;
    char *violations = venue_violations(v, &n_violations);
    if (n_violations)
        fail_msg("%s: %zu violations: %.2000s", s->dialect, n_violations, violations);
    free(violations);
    venue_stop(v);
    program_wipe(dir);
}

static void test_kraken(void **state)
{
    (void)state;
    record(&settings[0]);
}

static void test_delta_compact(void **state)
{
    (void)state;
    record(&settings[1]);
}

static void test_delta_legacy(void **state)
{
    (void)state;
    record(&settings[2]);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: test_record WICK\n");
        return 2;
    }
    wick = argv[1];
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kraken),
        cmocka_unit_test(test_delta_compact),
        cmocka_unit_test(test_delta_legacy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
