/* Bars made of recorded trades, by the live path's closer and by the history's builder, against
 * those that a script made of the same trades with exact decimals
 * (tests/golden/live/make_trade_bars.py).
 *
 * No recording of WICK_TEST_ROOT has both the trades of a market and the venue's own candles of the
 * same minutes: Kraken's and Binance's trades are of markets or times of which the candle files
 * have nothing, Delta's frames hold candles but no trade. Against a venue's own candles, made by
 * other code than the engine's, bars of trades are held in session.c, test_fetch.c and the
 * fuzz target of the live path (tests/fuzz/toy_venue.c). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../../src/venue/history/build.h"
#include "../../../src/venue/live/closer.h"
#include "../../../src/venue/live/exact.h"
#include "wick/bars.h"
#include "wick/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { BARS_MAX = 4096 };

static const char *root;

typedef struct {
    int64_t time_ns;
    wk_decimal v[5]; /* open, high, low, close, volume */
} bar;

/* The newest bar of each time that was traded, in order. */
typedef struct {
    bar bars[BARS_MAX];
    size_t n, n_empty;
} heard;

static void on_bar(void *ctx, size_t timeframe, const wk__closed *b, int64_t arrival_ns,
                   bool is_revision)
{
    heard *h = ctx;
    (void)timeframe;
    (void)arrival_ns;
    if (b->provenance == WK_PROV_CONFIRMED_EMPTY) {
        assert_int_equal(b->volume.digits, 0);
        h->n_empty++;
        return;
    }
    if (is_revision) {
        size_t i = h->n;
        while (i > 0 && h->bars[i - 1].time_ns != b->time_ns)
            i--;
        assert_true(i > 0);
        h->bars[i - 1] = (bar){b->time_ns, {b->open, b->high, b->low, b->close, b->volume}};
        return;
    }
    assert_true(h->n < BARS_MAX && (h->n == 0 || h->bars[h->n - 1].time_ns < b->time_ns));
    h->bars[h->n++] = (bar){b->time_ns, {b->open, b->high, b->low, b->close, b->volume}};
}

static void on_missing(void *ctx, int64_t from_ns, int64_t to_ns)
{
    (void)ctx;
    if (from_ns < to_ns)
        fail_msg("bars of [%lld, %lld) are missing", (long long)from_ns, (long long)to_ns);
}

static wk_decimal decimal(const char *text)
{
    wk_decimal x;
    const char *why = wk_decimal_parse(text, strlen(text), &x);
    if (why)
        fail_msg("%s: %s", text, why);
    return x;
}

static void expect(const bar *got, const bar *want, const char *what)
{
    assert_int_equal(got->time_ns, want->time_ns);
    for (int i = 0; i < 5; i++)
        if (wk__exact_compare(got->v[i], want->v[i]) != 0)
            fail_msg("%s at %lld s, value %d: %.17g, not %.17g", what,
                     (long long)(want->time_ns / WK_NS_PER_S), i, wk_decimal_to_double(got->v[i]),
                     wk_decimal_to_double(want->v[i]));
}

static size_t read_golden(const char *name, bar *out)
{
    char path[512], line[512], v[5][64], file[128];
    long long time_s;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/tests/golden/live/trade_bars.csv", root);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        assert_int_equal(sscanf(line, "%127[^,],%lld,%63[^,],%63[^,],%63[^,],%63[^,],%63[^,],",
                                file, &time_s, v[0], v[1], v[2], v[3], v[4]),
                         7);
        if (strcmp(file, name) != 0)
            continue;
        assert_true(n < BARS_MAX);
        out[n] = (bar){.time_ns = time_s * WK_NS_PER_S};
        for (int i = 0; i < 5; i++)
            out[n].v[i] = decimal(v[i]);
        n++;
    }
    fclose(f);
    return n;
}

typedef struct {
    const char *name;
    int64_t unit_ns, step_ns;
    int price_column; /* the size is the next one */
    size_t n_trades;  /* the file's */
} recording;

/* One trade a line; the first line names the columns. */
static bool next_trade(gzFile f, const recording *r, wk_event *e)
{
    char line[256], *field[8];
    size_t n = 0;
    if (!gzgets(f, line, sizeof line))
        return false;
    for (char *at = strtok(line, ",\r\n"); at && n < 8; at = strtok(NULL, ",\r\n"))
        field[n++] = at;
    assert_true(n > (size_t)r->price_column + 1);
    *e =
        (wk_event){.kind = WK_EVENT_TRADE, .exchange_ns = strtoll(field[0], NULL, 10) * r->unit_ns};
    e->trade.price = decimal(field[r->price_column]);
    e->trade.qty = decimal(field[r->price_column + 1]);
    return true;
}

static void check_recording(const recording *r)
{
    static bar golden[BARS_MAX], built[BARS_MAX];
    static heard h;
    char path[512], line[256];
    size_t n = read_golden(r->name, golden), n_trades = 0, n_built = 0;
    wk_candle_build build = {0};
    wk__closer *closer;
    wk_event e;
    h = (heard){0};
    assert_true(n > 0);
    snprintf(path, sizeof path, "%s/data/tick/%s", getenv("WICK_TEST_ROOT"), r->name);
    gzFile f = gzopen(path, "rb");
    assert_non_null(f);
    assert_non_null(gzgets(f, line, sizeof line));
    wk__closer_options options = {.timeframes_ns = {r->step_ns},
                                  .n_timeframes = 1,
                                  .uses_trades = true,
                                  .bar = on_bar,
                                  .missing = on_missing,
                                  .ctx = &h};
    assert_int_equal(wk__closer_create(&options, &closer, NULL), WK_OK);
    for (; next_trade(f, r, &e); n_trades++) {
        int64_t at = wk_bucket_start(e.exchange_ns, r->step_ns);
        if (n_trades == 0)
            wk__closer_up(closer, WK__STREAM_TRADES, at);
        wk__closer_trade(closer, &e, e.exchange_ns);
        wk__closer_settle(closer, e.exchange_ns);
        if (n_built == 0 || built[n_built - 1].time_ns != at) {
            assert_true(n_built < BARS_MAX && (!n_built || built[n_built - 1].time_ns < at));
            built[n_built++].time_ns = at;
            build = (wk_candle_build){0};
        }
        wk_decimal p = e.trade.price;
        wk__build_add(&build, p, p, p, p, e.trade.qty);
        assert_true(build.volume_is_exact);
        built[n_built - 1] =
            (bar){at, {build.open, build.high, build.low, build.close, build.volume}};
    }
    gzclose(f);
    wk__closer_close(closer, wk__closer_due(closer)); /* the last one, by the clock */
    assert_int_equal(n_trades, r->n_trades);
    assert_int_equal(h.n, n);
    assert_int_equal(n_built, n);
    for (size_t i = 0; i < n; i++) {
        expect(&h.bars[i], &golden[i], "the closer's bar");
        expect(&built[i], &golden[i], "the history's bar");
    }
    wk__closer_counts counts;
    wk__closer_count(closer, &counts);
    assert_int_equal(counts.trades, n_trades);
    /* Every bucket between the first and the last has a bar. */
    assert_int_equal(h.n + h.n_empty, (golden[n - 1].time_ns - golden[0].time_ns) / r->step_ns + 1);
    wk__closer_destroy(closer);
}

static void test_bars_of_recorded_trades_are_exact(void **state)
{
    (void)state;
    static const recording all[] = {
        {"trades/kraken/BCHEUR-2023q1.csv.gz", WK_NS_PER_S, 3600 * WK_NS_PER_S, 1, 148},
        {"trades/binance/XRPETH.csv.gz", 1000000, 14400 * WK_NS_PER_S, 2, 12477},
        {"lob/binance-spot/btcusdt-trades.csv.gz", 1000000, 60 * WK_NS_PER_S, 1, 19904},
        {"lob/binance-usdm/btcusdt-trades.csv.gz", 1000000, 60 * WK_NS_PER_S, 1, 21313}};
    if (!getenv("WICK_TEST_ROOT"))
        skip();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_recording(&all[i]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bars_of_recorded_trades_are_exact)};
    if (argc < 2)
        return 2;
    root = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
