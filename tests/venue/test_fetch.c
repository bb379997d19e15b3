/* The program against the local venues: `wick fetch`, killed again and again at random instants,
 * with every kind of fault on the way, ends with exactly the venue's history in the store. usage:
 * test_fetch WICK; WICK_LONG=1 kills 200 times a venue instead of 8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "program.h"
#include "venue.h"

static const char *wick;

typedef struct {
    const char *server, *venue, *symbol, *truth, *exchange;
    const char *stored_as; /* venue and symbol in the store */
    int64_t seconds;       /* length of the history */
    int price_decimals, qty_decimals;
    double volume_unit;
    int leaves_gaps; /* the venue has no candle where nothing traded */
} setting;

/* Digits of a decimal in units of 10^-decimals; further digits have to be 0. */
static int64_t exact(const char *word, int decimals)
{
    int64_t n = 0;
    int behind = -1;
    for (; *word && *word != ',' && *word != '\n'; word++) {
        if (*word == '.') {
            behind = 0;
        } else if (behind < decimals) {
            n = n * 10 + (*word - '0');
            behind += behind >= 0;
        } else if (*word != '0') {
            return -1;
        }
    }
    for (behind = behind < 0 ? 0 : behind; behind < decimals; behind++)
        n *= 10;
    return n;
}

typedef struct {
    market_candle *rows;
    size_t n, at;
} truth;

static void compare(const setting *s, truth *t, const char *csv)
{
    char line[512];
    FILE *file = fopen(csv, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* names of columns */
    size_t n = 0;
    while (fgets(line, sizeof line, file)) {
        if (line[0] < '0' || line[0] > '9')
            continue;
        char *field[6], *save = NULL;
        int k = 0;
        for (char *one = strtok_r(line, ",\n", &save); one && k < 6;
             one = strtok_r(NULL, ",\n", &save))
            field[k++] = one;
        assert_int_equal(k, 6);
        int64_t time_s = strtoll(field[0], NULL, 10);
        if (t->at == t->n)
            fail_msg("the store has %lld, which the venue has not", (long long)time_s);
        const market_candle *c = &t->rows[t->at++];
        const int64_t prices[4] = {c->open, c->high, c->low, c->close};
        if (time_s != c->open_s)
            fail_msg("row %zu: the store has %lld, the venue %lld", n, (long long)time_s,
                     (long long)c->open_s);
        for (int i = 0; i < 4; i++)
            if (exact(field[1 + i], s->price_decimals) != prices[i])
                fail_msg("%lld: price %d is %s, the venue has %lld", (long long)time_s, i,
                         field[1 + i], (long long)prices[i]);
        double volume = (double)c->volume * s->volume_unit, stored = strtod(field[5], NULL);
        if (stored - volume > 1e-9 * volume || volume - stored > 1e-9 * volume)
            fail_msg("%lld: volume is %s, the venue has %.10g", (long long)time_s, field[5],
                     volume);
        n++;
    }
    fclose(file);
    if (t->at < t->n)
        fail_msg("%s: the store ends after %zu rows, the venue has %zu", s->venue, n, t->n);
}

typedef struct {
    const setting *s;
    venue *v;
    char dir[64], store[96], log[96], csv[96];
    int64_t from, to;
} bench;

/* What the store has is what the venue has. */
static size_t check(bench *b)
{
    const setting *s = b->s;
    char *export[] = {(char *)wick,
                      "store",
                      "export",
                      (char *)s->stored_as,
                      strchr(s->stored_as, 0) + 1,
                      "1m",
                      "--store",
                      b->store,
                      "--out",
                      b->csv,
                      NULL};
    if (program_run(export, b->log, 0) != 0) {
        program_show(b->log);
        fail_msg("%s: the export failed", s->venue);
    }
    truth all = {0};
    size_t n = venue_candles(b->v, s->truth, 60, b->from, b->to, NULL, 0), kept = 0;
    all.rows = calloc(n, sizeof *all.rows);
    venue_candles(b->v, s->truth, 60, b->from, b->to, all.rows, n);
    for (size_t i = 0; i < n; i++)
        if (all.rows[i].n_trades > 0 || !s->leaves_gaps)
            all.rows[kept++] = all.rows[i];
    all.n = kept;
    compare(s, &all, b->csv);
    free(all.rows);
    return kept;
}

static void begin(bench *b, const setting *s, const venue_options *with)
{
    char error[256];
    *b = (bench){.s = s, .dir = "/tmp/wick-fetch-XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->store, sizeof b->store, "%s/store", b->dir);
    snprintf(b->log, sizeof b->log, "%s/log", b->dir);
    snprintf(b->csv, sizeof b->csv, "%s/out.csv", b->dir);
    venue_options options = *with;
    options.venue = s->server;
    options.dir = b->dir;
    options.rate_scale = -1;
    options.history_s = s->seconds + 3600;
    b->v = venue_start(&options, error, sizeof error);
    if (!b->v)
        fail_msg("%s", error);
    int64_t now_s = venue_now_ns(b->v) / NS_A_SECOND;
    b->from = (now_s - s->seconds) / 60 * 60;
    b->to = now_s / 60 * 60 - 60;
    /* A venue tells nothing ahead of the first trade of a window: begin where there is one. */
    const market *m = venue_market(b->v, s->truth);
    market_candle candle;
    while (!market_candle_at(m, b->from, 60, INT64_MAX, &candle) || candle.n_trades == 0)
        b->from += 60;
}

static void write_time(char out[32], int64_t time_s)
{
    struct tm at;
    time_t t = (time_t)time_s;
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&t, &at));
}

/* One run of the program; kill_ms as for program_run(). */
static int fetch(bench *b, int64_t kill_ms)
{
    const setting *s = b->s;
    char since[32], until[32], pace[2][64], id[32];
    write_time(since, b->from);
    write_time(until, b->to);
    snprintf(id, sizeof id, "%s", s->venue);
    for (char *c = id; *c; c++)
        *c = *c == '-' ? '_' : *c;
    snprintf(pace[0], sizeof pace[0], "venues.%s.weight_per_s=100000", id);
    snprintf(pace[1], sizeof pace[1], "venues.%s.weight_burst=100000", id);
    char *arguments[40] = {(char *)wick,  "fetch",
                           "--venue",     (char *)s->venue,
                           "--symbol",    (char *)s->symbol,
                           "--timeframe", "1m",
                           "--since",     since,
                           "--store",     b->store,
                           "--host",      (char *)venue_url(b->v),
                           "--ca-file",   (char *)venue_ca_file(b->v),
                           "--set",       pace[0],
                           "--set",       pace[1],
                           "--set",       "backoff_s=0.002",
                           "--set",       "backoff_max_s=0.02",
                           "--set",       "timeout_s=3"};
    int n = 0;
    while (arguments[n])
        n++;
    if (s->exchange) {
        arguments[n++] = "--exchange";
        arguments[n++] = (char *)s->exchange;
    }
    if (b->to) { /* otherwise up to now */
        arguments[n++] = "--until";
        arguments[n++] = until;
    }
    setenv("WICK_AMBERDATA_KEY", "UAKtest", 1);
    return program_run(arguments, b->log, kill_ms);
}

/* Ends the bench; the client has broken no rule. */
static void finish(bench *b, const char *what, int allowed)
{
    size_t n;
    char *violations = venue_violations(b->v, &n);
    if (n && !allowed)
        fail_msg("%s, %s: %zu violations: %.2000s", b->s->venue, what, n, violations);
    free(violations);
    venue_stop(b->v);
    program_wipe(b->dir);
}

static void fetch_killed(const setting *s)
{
    int kills = getenv("WICK_LONG") ? 200 : 6, killed = 0, whole = 0, status = 1;
    uint64_t seed = getenv("WICK_SEED") ? strtoull(getenv("WICK_SEED"), NULL, 10) : 11;
    bench b;
    begin(&b, s, &(venue_options){.seed = seed, .fault_permille = 150, .latency_ms = 10});
    for (uint64_t i = 0; killed < kills; i++) {
        status = fetch(&b, 1 + (int64_t)(market_hash(seed, 50, i) % 250));
        killed += status == -1;
        if (status != 0)
            continue;
        /* It was quicker than the killer: whole already, so begin anew. */
        check(&b);
        whole++;
        program_wipe(b.store);
    }
    for (int i = 0; i < 5 && status != 0; i++)
        status = fetch(&b, 0);
    if (status != 0) {
        program_show(b.log);
        fail_msg("%s: the fetch does not end well, status %d", s->venue, status);
    }
    size_t n = check(&b);
    print_message("%s: %zu candles, %d times whole, %zu requests, %zu faults, %d kills\n", s->venue,
                  n, whole + 1, venue_requests(b.v, "/"), venue_faults(b.v), killed);
    finish(&b, "kills", 0);
}

static void fetch_under(const setting *whole, const char *name)
{
    /* Shorter, but still more than the venues give at once. */
    setting copy = *whole, *s = &copy;
    if (s->seconds > 130000)
        s->seconds = 130000;
    char script[160];
    bench b;
    snprintf(script, sizeof script,
             "{\"rest\":[{\"path\":\"/\",\"every\":2,\"fault\":\"%s\",\"seconds\":0.1}]}", name);
    begin(&b, s, &(venue_options){.seed = 5, .script = script});
    int status = 1;
    for (int i = 0; i < 3 && status != 0; i++)
        status = fetch(&b, 0);
    if (status != 0) {
        program_show(b.log);
        fail_msg("%s, %s: the fetch does not end well, status %d", s->venue, name, status);
    }
    size_t n = check(&b);
    print_message("%s, %s: %zu candles, %zu requests, %zu faults\n", s->venue, name, n,
                  venue_requests(b.v, "/"), venue_faults(b.v));
    finish(&b, name, 0);
}

static const setting settings[] = {
    {.server = "kraken",
     .venue = "kraken",
     .symbol = "BTCUSD",
     .truth = "XBTUSD",
     .stored_as = "kraken\0BTCUSD",
     .seconds = 40000,
     .price_decimals = 1,
     .volume_unit = 1e-8},
    /* Older than the 720 candles that there are: built from trades. */
    {.server = "kraken",
     .venue = "kraken",
     .symbol = "ETHUSD",
     .truth = "ETHUSD",
     .stored_as = "kraken\0ETHUSD",
     .seconds = 3 * 86400,
     .price_decimals = 2,
     .volume_unit = 1e-8},
    {.server = "kraken-futures",
     .venue = "kraken-futures",
     .symbol = "PF_XBTUSD",
     .truth = "PF_XBTUSD",
     .stored_as = "kraken-futures\0PF_XBTUSD",
     .seconds = 4 * 86400,
     .price_decimals = 1,
     .volume_unit = 1e-4},
    {.server = "delta",
     .venue = "delta-india",
     .symbol = "BTCUSD",
     .truth = "BTCUSD",
     .stored_as = "delta-india\0BTCUSD",
     .seconds = 4 * 86400,
     .price_decimals = 1,
     .volume_unit = 1e-3},
    {.server = "amberdata",
     .venue = "amberdata",
     .symbol = "btc_usd",
     .exchange = "gdax",
     .truth = "btc_usd@gdax",
     .stored_as = "amberdata-gdax\0BTCUSD",
     .seconds = 2 * 86400,
     .price_decimals = 2,
     .volume_unit = 1e-8,
     .leaves_gaps = 1},
};
#define N_SETTINGS (sizeof settings / sizeof settings[0])

static void test_history_is_whole_though_killed_at_random(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETTINGS; i++)
        fetch_killed(&settings[i]);
}

/* Every second reply has the same fault; the history is whole all the same. */
static void test_history_is_whole_under_each_fault(void **state)
{
    (void)state;
    static const char *const faults[] = {"429",
                                         "429-retry",
                                         "500",
                                         "502",
                                         "503",
                                         "504",
                                         "html-403",
                                         "html-502",
                                         "html-200",
                                         "cut",
                                         "cut-body",
                                         "truncate",
                                         "slow-body",
                                         "gzip-damage",
                                         "duplicate-page",
                                         "duplicate-rows",
                                         "reverse-rows",
                                         "empty-page",
                                         "short-page",
                                         "eapi-rate",
                                         "eservice-unavailable",
                                         "eservice-throttled",
                                         "egeneral-internal",
                                         "api-limit",
                                         "same-next"};
    static const char *const only[][2] = {
        {"eapi-rate", "kraken"},          {"eservice-unavailable", "kraken"},
        {"eservice-throttled", "kraken"}, {"egeneral-internal", "kraken"},
        {"api-limit", "kraken-futures"},  {"same-next", "amberdata"}};
    size_t n_faults = sizeof faults / sizeof faults[0];
    for (size_t i = 0; i < n_faults * N_SETTINGS; i++) {
        const char *name = faults[i / N_SETTINGS];
        const setting *s = &settings[i % N_SETTINGS];
        int applies = 1, special = 0;
        for (size_t k = 0; k < sizeof only / sizeof only[0]; k++)
            if (strcmp(only[k][0], name) == 0) {
                special = 1;
                applies = strcmp(only[k][1], s->server) == 0 && s != &settings[0];
            }
        /* In the short run each general fault meets one venue. */
        const char *only_one = getenv("WICK_FAULT");
        if (only_one)
            applies = applies && strcmp(only_one, name) == 0;
        else if (!getenv("WICK_LONG") && !special)
            applies = i / N_SETTINGS % N_SETTINGS == i % N_SETTINGS;
        if (applies)
            fetch_under(s, name);
    }
}

static void test_a_bad_certificate_is_refused(void **state)
{
    (void)state;
    static const char *const flaws[] = {"wrong-host", "expired", "other-ca"};
    for (size_t i = 0; i < 3; i++) {
        bench b;
        begin(&b, &settings[3], &(venue_options){.seed = 5, .certificate = flaws[i]});
        assert_int_not_equal(fetch(&b, 0), 0);
        assert_int_equal(venue_requests(b.v, ""), 0);
        finish(&b, flaws[i], 0);
    }
}

/* The link to the next page leads elsewhere: whoever follows it hands over the key. The server
 * answers there, too, and would complain of the Host header. */
static void test_the_key_goes_to_its_venue_only(void **state)
{
    (void)state;
    bench b;
    begin(&b, &settings[4],
          &(venue_options){.seed = 5,
                           .script = "{\"rest\":[{\"path\":\"/markets/spot/ohlcv/btc_usd\","
                                     "\"first\":100,\"fault\":\"foreign-next\"}]}"});
    fetch(&b, 0);
    assert_true(venue_faults(b.v) > 0);
    finish(&b, "foreign-next", 0);
}

/* The venue's clock is behind ours by one to two minutes, 20 s into one of its minutes: who asks
 * the wall clock asks for the future, and takes candles for closed that are still running. */
static void test_now_is_the_venues_now(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETTINGS; i++) {
        bench b;
        setting s = settings[i];
        s.seconds = s.seconds > 60000 ? 60000 : 30000;
        begin(&b, &s,
              &(venue_options){.seed = 5, .skew_ns = -(60 + (time(NULL) + 40) % 60) * NS_A_SECOND});
        int64_t now_s = venue_now_ns(b.v) / NS_A_SECOND;
        assert_in_range(now_s % 60, 19, 30);
        b.to = 0;
        int status = fetch(&b, 0);
        if (status != 0) {
            program_show(b.log);
            fail_msg("%s: status %d", s.venue, status);
        }
        b.to = now_s / 60 * 60;
        check(&b);
        finish(&b, "clock", 0);
    }
}

/* `--symbol all`: each market of the venue, checked one by one. */
static void test_all_markets_of_a_venue(void **state)
{
    (void)state;
    static const setting all[] = {
        {.server = "kraken",
         .venue = "kraken",
         .symbol = "all",
         .truth = "XBTUSD",
         .stored_as = "kraken\0BTCUSD",
         .seconds = 20000,
         .price_decimals = 1,
         .volume_unit = 1e-8},
        {.truth = "ETHUSD",
         .stored_as = "kraken\0ETHUSD",
         .price_decimals = 2,
         .volume_unit = 1e-8},
        {.truth = "XDGUSD",
         .stored_as = "kraken\0DOGEUSD",
         .price_decimals = 7,
         .volume_unit = 1e-8},
        {.truth = "XBTUSDT",
         .stored_as = "kraken\0BTCUSDT",
         .price_decimals = 1,
         .volume_unit = 1e-8},
    };
    bench b;
    begin(&b, &all[0], &(venue_options){.seed = 5, .fault_permille = 100});
    int status = 1;
    for (int i = 0; i < 3 && status != 0; i++)
        status = fetch(&b, 0);
    if (status != 0) {
        program_show(b.log);
        fail_msg("the fetch of all markets does not end well, status %d", status);
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        b.s = &all[i];
        assert_true(check(&b) > 300);
    }
    b.s = &all[0];
    finish(&b, "all", 0);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: test_fetch WICK\n");
        return 2;
    }
    wick = argv[1];
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_is_whole_though_killed_at_random),
        cmocka_unit_test(test_history_is_whole_under_each_fault),
        cmocka_unit_test(test_a_bad_certificate_is_refused),
        cmocka_unit_test(test_the_key_goes_to_its_venue_only),
        cmocka_unit_test(test_now_is_the_venues_now),
        cmocka_unit_test(test_all_markets_of_a_venue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
