/* The columns of a feed against those of a dataset: the same data, the same bits. argv[1] is the
 * source root. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "feed_columns.h"
#include "wick/clock.h"
#include "wick/flow.h"
#include "wick/fresh.h"
#include "wick/live.h"
#include "wick/log.h"
#include "wick/rng.h"
#include "wick/tape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define HOUR (3600 * WK_NS_PER_S)
#define START (INT64_C(1700006400) * WK_NS_PER_S)

enum { S = 2, K = 3, T = 120, ROWS = 200 };

static const char *root;
static char dir[64];
static const char symbols[S][32] = {"BTCUSD", "ETHUSD"};

/* ---- outside series ---- */

typedef struct {
    wk_outside rows[K * S]; /* all that will ever be known, in the order of becoming known */
    wk_outside_config configs[K];
    wk_data_config data;
} world;

static void make_world(world *w, char store[128])
{
    static int n;
    snprintf(store, 128, "%s/store%d", dir, n++);
    static char file[160];
    snprintf(file, sizeof file, "%s/{base}-%d.csv", dir, n);
    wk_outside_config blank = {.file = "",
                               .series = "",
                               .venue = "",
                               .symbol = "",
                               .time = "time",
                               .value = "value",
                               .known = "",
                               .delay_s = NAN};
    *w = (world){.configs = {blank, blank, blank}};
    w->configs[0].name = "mood";
    w->configs[1].name = "oi";
    w->configs[1].series = "open_interest";
    w->configs[1].venue = "elsewhere";
    w->configs[1].stale_s = 3 * 3600;
    w->configs[2].name = "file";
    w->configs[2].file = file;
    w->configs[2].known = "known";
    w->configs[2].stale_s = 5000;
    w->data = (wk_data_config){.source = WK_SOURCE_STORE,
                               .root = "",
                               .venue = "kraken",
                               .timeframe_ns = HOUR,
                               .outside = {w->configs, K}};
    for (uint64_t i = 0; i < K * S; i++) {
        wk_outside *x = &w->rows[i];
        if (i == K * S - 1)
            continue; /* a market may lack a series */
        x->rows = calloc(ROWS, sizeof *x->rows);
        for (uint64_t r = 0; r < ROWS; r++) {
            /* Many at the same time or corrected later, some known at the very close of a step. */
            int64_t time_ns = START + (int64_t)(wk_rng_uniform(i, 1, r) * 100) * HOUR;
            int64_t delay_ns = (int64_t)(wk_rng_uniform(i, 2, r) * 8 * (double)HOUR);
            if (r % 5 == 0)
                delay_ns = delay_ns / HOUR * HOUR;
            delay_ns -= delay_ns % 1000000; /* what a CSV holds */
            x->rows[x->n++] =
                (wk_outside_row){time_ns, time_ns + delay_ns, wk_rng_uniform(i, 3, r) - 0.5};
        }
        /* Two values of one time that were learnt at the same time would have no order. */
        wk_outside_sort(x);
        size_t n_kept = 0;
        for (size_t r = 0; r < x->n; r++)
            if (!n_kept || x->rows[n_kept - 1].known_ns != x->rows[r].known_ns)
                x->rows[n_kept++] = x->rows[r];
        x->n = n_kept;
    }
}

static void end_world(world *w)
{
    for (size_t i = 0; i < K * S; i++)
        wk_outside_finish(&w->rows[i]);
}

/* Stores what became known in [from_ns, to_ns), as fetchers do. */
static void tell(const world *w, const char *store, int64_t from_ns, int64_t to_ns)
{
    wk_fresh *fresh;
    wk_err err = {0};
    if (wk_fresh_open(store, &fresh, &err))
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < K; k++)
        for (size_t s = 0; s < S; s++) {
            const wk_outside *x = &w->rows[k * S + s];
            const wk_outside_config *about = &w->configs[k];
            char path[256];
            FILE *file = NULL;
            if (about->file[0] && x->n) {
                assert_true(wk_outside_path(about->file, symbols[s], path, sizeof path));
                bool is_there = access(path, F_OK) == 0;
                file = fopen(path, "a");
                assert_non_null(file);
                if (!is_there)
                    fputs("time,known,value\n", file);
            }
            wk_fresh_value values[ROWS];
            size_t n = 0;
            for (size_t r = 0; r < x->n; r++) {
                const wk_outside_row *row = &x->rows[r];
                if (row->known_ns < from_ns || row->known_ns >= to_ns)
                    continue;
                if (file)
                    fprintf(file, "%lld,%lld,%.17g\n", (long long)(row->time_ns / 1000000),
                            (long long)(row->known_ns / 1000000), row->value);
                else
                    values[n++] = (wk_fresh_value){row->time_ns, row->known_ns, row->value};
            }
            if (n && wk_fresh_put_values(fresh, about->venue[0] ? about->venue : "kraken",
                                         symbols[s], about->series[0] ? about->series : about->name,
                                         values, n, NULL, NULL, &err))
                fail_msg("%s", err.msg);
            if (file)
                fclose(file);
        }
    wk_fresh_close(fresh);
}

/* What training sees. */
static void make_panel(const world *w, wk_panel *panel)
{
    wk_series series[S];
    memset(series, 0, sizeof series);
    wk_err err = {0};
    double stale[K];
    for (size_t s = 0; s < S; s++) {
        if (wk_series_create("kraken", symbols[s], HOUR, T, &series[s], &err))
            fail_msg("%s", err.msg);
        for (size_t t = 0; t < T; t++)
            series[s].bars[t] = (wk_bar){START + (int64_t)t * HOUR, 1, 1, 1, 1, 1};
    }
    if (wk_panel_build(series, S, NULL, 0, 0, 0, panel, &err))
        fail_msg("%s", err.msg);
    for (size_t k = 0; k < K; k++)
        stale[k] = w->configs[k].stale_s;
    if (wk_panel_join(panel, w->rows, stale, K, &err))
        fail_msg("%s", err.msg);
    for (size_t s = 0; s < S; s++)
        wk_series_finish(&series[s]);
}

static wk__feed_columns *open_columns(const world *w, const char *store, bool is_replay)
{
    wk_err err = {0};
    wk__feed_columns *columns = NULL;
    if (wk__feed_columns_open(&(wk__feed_columns_options){.S = S,
                                                          .timeframe_ns = HOUR,
                                                          .data = &w->data,
                                                          .symbols = symbols,
                                                          .store = store,
                                                          .is_replay = is_replay},
                              &columns, &err))
        fail_msg("%s", err.msg);
    return columns;
}

static void compare(const wk_panel *panel, size_t t, const double *got, size_t *n_known)
{
    for (size_t i = 0; i < S * K; i++) {
        double wanted = panel->outside[t * S * K + i];
        if (!(got[i] == wanted || (isnan(got[i]) && isnan(wanted))))
            fail_msg("step %zu, column %zu of market %zu: %.17g, training saw %.17g", t, i % K,
                     i / K, got[i], wanted);
        *n_known += !isnan(wanted);
    }
}

static void test_outside_series_of_a_replay_are_what_training_saw(void **state)
{
    (void)state;
    world w;
    wk_panel panel;
    char store[128];
    size_t n_known = 0;
    make_world(&w, store);
    tell(&w, store, 0, INT64_MAX);
    make_panel(&w, &panel);
    wk__feed_columns *columns = open_columns(&w, store, true);
    for (size_t t = 0; t < T; t++)
        compare(&panel, t, wk__feed_columns_at(columns, START + (int64_t)t * HOUR), &n_known);
    assert_true(n_known > 300 && n_known < S * K * T - 120);
    wk__feed_columns_close(columns);
    wk_panel_finish(&panel);
    end_world(&w);
}

static void test_outside_series_that_arrive_while_it_runs_are_what_training_will_see(void **state)
{
    (void)state;
    world w;
    wk_panel panel;
    char store[128];
    size_t n_known = 0;
    make_world(&w, store);
    make_panel(&w, &panel);
    tell(&w, store, 0, START); /* makes the store; nothing is known yet */
    wk__feed_columns *columns = open_columns(&w, store, false);
    int64_t told_ns = 0;
    for (size_t t = 0; t < T; t++) {
        int64_t close_ns = START + (int64_t)(t + 1) * HOUR;
        /* Now and then what is known later is there already: it must not be looked at. */
        int64_t until_ns = close_ns + (t % 7 == 0 ? 5 * HOUR : 1000000);
        if (until_ns > told_ns) {
            tell(&w, store, told_ns, until_ns);
            told_ns = until_ns;
        }
        compare(&panel, t, wk__feed_columns_at(columns, close_ns - HOUR), &n_known);
    }
    assert_true(n_known > 300);
    wk__feed_columns_close(columns);
    wk_panel_finish(&panel);
    end_world(&w);
}

/* ---- order flow ---- */

enum { MARKETS = 2 };

#define PERIOD WK_NS_PER_S

typedef struct {
    wk_live *live;
    FILE *trades[MARKETS], *books[MARKETS];
    int64_t newest_ns[MARKETS];
} writer;

static long long stamp(writer *w, const wk_event *e, int64_t offset_ns)
{
    int64_t ns = e->exchange_ns ? e->exchange_ns : e->receive_ns + offset_ns;
    int64_t *newest = &w->newest_ns[e->symbol];
    *newest = ns > *newest ? ns : *newest;
    return (long long)*newest;
}

/* The recording as the files that tapes are made of. */
static void write_event(void *ctx, const wk_event *e, int64_t offset_ns)
{
    writer *w = ctx;
    if (e->symbol >= MARKETS)
        return;
    if (e->kind == WK_EVENT_TRADE && !e->trade.is_snapshot) {
        fprintf(w->trades[e->symbol], "%lld,%.17g,%.17g,%s\n", stamp(w, e, offset_ns),
                wk_decimal_to_double(e->trade.price), wk_decimal_to_double(e->trade.qty),
                e->trade.side == WK_SIDE_BUY ? "buy" : "sell");
    } else if (e->kind == WK_EVENT_BOOK_END) {
        const wk_book *book = wk_live_book(w->live, e->symbol);
        if (!book)
            return;
        FILE *file = w->books[e->symbol];
        fprintf(file, "%lld", stamp(w, e, offset_ns));
        size_t n[2];
        const wk_book_level *asks = wk_book_levels(book, WK_SIDE_SELL, &n[0]),
                            *bids = wk_book_levels(book, WK_SIDE_BUY, &n[1]);
        for (size_t i = 0; i < WK_FLOW_LEVELS; i++)
            for (int side = 0; side < 2; side++) {
                const wk_book_level *level = side ? &bids[i] : &asks[i];
                if (i < n[side])
                    fprintf(file, ",%.17g,%.17g",
                            wk_units_to_double(level->price, wk_book_price_decimals(book)),
                            wk_units_to_double(level->qty, wk_book_qty_decimals(book)));
                else
                    fputs(",,", file);
            }
        fputs("\n", file);
    }
}

static void write_tapes(const char *recorded)
{
    writer w = {0};
    wk_recording *recording;
    wk_recorded m;
    wk_arena arena;
    wk_live_config config;
    wk_err err = {0};
    wk_status status;
    wk_live_sinks sinks = {.ctx = &w, .event = write_event};
    char path[128];
    wk_arena_init(&arena);
    for (int i = 0; i < MARKETS; i++) {
        snprintf(path, sizeof path, "%s/%d-trades.csv", dir, i);
        w.trades[i] = fopen(path, "w");
        fputs("time,price,size,side\n", w.trades[i]);
        snprintf(path, sizeof path, "%s/%d-book.csv", dir, i);
        w.books[i] = fopen(path, "w");
        fputs("time", w.books[i]);
        for (int k = 1; k <= WK_FLOW_LEVELS; k++)
            fprintf(w.books[i], ",ask_price_%d,ask_size_%d,bid_price_%d,bid_size_%d", k, k, k, k);
        fputs("\n", w.books[i]);
    }
    assert_int_equal(wk_recording_open(recorded, &recording, &err), WK_OK);
    while ((status = wk_recording_next(recording, &m, &err)) == WK_OK) {
        if (!w.live) {
            char *text = strndup(m.bytes + 6, m.n - 6); /* after "start " */
            if (wk_config_parse(&wk_live_config_table, "start", text, NULL, 0, &arena, &config,
                                &err) ||
                wk_live_create(&config, &sinks, &w.live, &err))
                fail_msg("%s", err.msg);
            free(text);
        }
        if (wk_live_feed(w.live, &m, &err))
            fail_msg("%s", err.msg);
    }
    assert_int_equal(status, WK_E_NOT_FOUND);
    wk_live_destroy(w.live);
    wk_recording_close(recording);
    for (int i = 0; i < MARKETS; i++) {
        fclose(w.trades[i]);
        fclose(w.books[i]);
    }
    wk_arena_finish(&arena);
}

static const char flow_symbols[MARKETS][32] = {"BTCUSD", "ETHUSD"};

typedef struct {
    wk__feed_columns *columns;
    wk_tape tapes[MARKETS];
    size_t n_compared, n_with_book;
} flow_world;

static size_t market_of(const char *symbol)
{
    size_t s = 0;
    while (strcmp(flow_symbols[s], symbol) != 0)
        assert_true(++s < MARKETS);
    return s;
}

static void on_flow(void *ctx, const wk_live_market *market, const wk_live_flow *flow)
{
    if (flow->period_ns == PERIOD)
        wk__feed_columns_put_flow(((flow_world *)ctx)->columns, market_of(market->symbol),
                                  flow->time_ns, flow->row);
}

/* When a bar goes out, its row of flow features is there. */
static void on_bar(void *ctx, const wk_live_market *market, const wk_live_bar *bar)
{
    flow_world *w = ctx;
    size_t s = market_of(market->symbol);
    const wk_tape *tape = &w->tapes[s];
    if (bar->timeframe_ns != PERIOD || bar->is_revision)
        return;
    for (size_t i = 0; i < tape->series.n; i++) {
        if (tape->series.bars[i].time_ns != bar->bar.time_ns)
            continue;
        const double *row = wk__feed_columns_at(w->columns, bar->bar.time_ns) + s * WK_FLOW_COLUMNS;
        const double *wanted = tape->flow + i * WK_FLOW_COLUMNS;
        for (size_t k = 0; k < WK_FLOW_COLUMNS; k++)
            if (!(row[k] == wanted[k] || (isnan(row[k]) && isnan(wanted[k]))))
                fail_msg("%s bar %zu, %s: %.17g, the tape %.17g", market->symbol, i,
                         wk_flow_name(k), row[k], wanted[k]);
        w->n_compared++;
        w->n_with_book += !isnan(wanted[0]);
    }
}

static void test_flow_rows_of_a_replay_are_those_of_the_tape(void **state)
{
    (void)state;
    char recorded[512], store[128];
    static flow_world w;
    wk_err err = {0};
    wk_live_summary summary;
    atomic_bool never = false;
    snprintf(recorded, sizeof recorded, "%s/tests/golden/live_busy", root);
    write_tapes(recorded);
    for (int i = 0; i < MARKETS; i++) {
        char trades[128], books[128];
        snprintf(trades, sizeof trades, "%s/%d-trades.csv", dir, i);
        snprintf(books, sizeof books, "%s/%d-book.csv", dir, i);
        if (wk_tape_read(trades, books, "kraken", flow_symbols[i], PERIOD, &w.tapes[i], &err))
            fail_msg("%s", err.msg);
    }
    snprintf(store, sizeof store, "%s/flow-store", dir);
    wk_data_config data = {
        .source = WK_SOURCE_TAPE, .root = "", .venue = "kraken", .timeframe_ns = PERIOD};
    if (wk__feed_columns_open(&(wk__feed_columns_options){.S = MARKETS,
                                                          .timeframe_ns = PERIOD,
                                                          .data = &data,
                                                          .symbols = flow_symbols,
                                                          .store = store,
                                                          .is_replay = true},
                              &w.columns, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(wk__feed_columns_flow(w.columns), "1s");
    wk_live_replay_options options = {
        .bar = on_bar, .flow = on_flow, .flow_period = "1s", .ctx = &w};
    if (wk_live_replay_run(recorded, &options, &never, &summary, &err))
        fail_msg("%s", err.msg);
    print_message("# %zu rows, %zu with a book\n", w.n_compared, w.n_with_book);
    assert_true(w.n_compared >= 12 && w.n_with_book >= 12);
    wk__feed_columns_close(w.columns);
    for (int i = 0; i < MARKETS; i++)
        wk_tape_finish(&w.tapes[i]);
}

/* What wick record stored is the history of flow rows that a bot warms up on. */
static void test_stored_flow_rows_are_history(void **state)
{
    (void)state;
    char store[128];
    wk_err err = {0};
    wk_fresh *fresh;
    wk__feed_columns *columns;
    snprintf(store, sizeof store, "%s/history", dir);
    assert_int_equal(wk_fresh_open(store, &fresh, &err), WK_OK);
    for (int64_t t = 0; t < 5; t++)
        for (size_t k = 0; k < WK_FLOW_COLUMNS; k++) {
            char name[64];
            wk_fresh_value value = {START + t * PERIOD, START + (t + 1) * PERIOD,
                                    (double)t * 100 + (double)k};
            snprintf(name, sizeof name, "flow_1s.%s", wk_flow_name(k));
            if (t != 3 &&
                wk_fresh_put_values(fresh, "kraken", "BTCUSD", name, &value, 1, NULL, NULL, &err))
                fail_msg("%s", err.msg);
        }
    wk_fresh_close(fresh);
    wk_data_config data = {
        .source = WK_SOURCE_TAPE, .root = "", .venue = "kraken", .timeframe_ns = PERIOD};
    if (wk__feed_columns_open(&(wk__feed_columns_options){.S = 1,
                                                          .timeframe_ns = PERIOD,
                                                          .data = &data,
                                                          .symbols = flow_symbols,
                                                          .store = store},
                              &columns, &err) ||
        wk__feed_columns_history(columns, 0, "kraken", "BTCUSD", START + PERIOD - 1,
                                 START + 5 * PERIOD, &err))
        fail_msg("%s", err.msg);
    for (int64_t t = 0; t < 6; t++) {
        const double *row = wk__feed_columns_at(columns, START + t * PERIOD);
        for (size_t k = 0; k < WK_FLOW_COLUMNS; k++) {
            double wanted = t == 0 || t == 3 || t == 5 ? (double)NAN : (double)t * 100 + (double)k;
            assert_true(row[k] == wanted || (isnan(row[k]) && isnan(wanted)));
        }
    }
    /* What the feed brings goes before what was stored. */
    double live[WK_FLOW_COLUMNS] = {7};
    wk__feed_columns_put_flow(columns, 0, START + 4 * PERIOD, live);
    assert_true(wk__feed_columns_at(columns, START + 4 * PERIOD)[0] == 7);
    wk__feed_columns_close(columns);
}

static int setup(void **state)
{
    (void)state;
    wk_log_set_level(WK_LOG_ERROR);
    snprintf(dir, sizeof dir, "/tmp/wick-columns-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

int main(int argc, char **argv)
{
    root = argc > 1 ? argv[1] : ".";
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outside_series_of_a_replay_are_what_training_saw),
        cmocka_unit_test(test_outside_series_that_arrive_while_it_runs_are_what_training_will_see),
        cmocka_unit_test(test_flow_rows_of_a_replay_are_those_of_the_tape),
        cmocka_unit_test(test_stored_flow_rows_are_history),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
