/* Flow features of the live path, over the golden recording: the rows are those of the engine fed
 * with the events that the path tells, and no row is known before its period is over. argv[1] is
 * the source root. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/flow.h"
#include "wick/live.h"
#include "wick/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define SECOND INT64_C(1000000000)

enum { MARKETS = 3, SECONDS = 64 };

static const char *root;

/* What the path told of a second of a market, and what the engine beside it says. */
typedef struct {
    int64_t open_ns, known_ns;
    int n_told;
    bool is_expected;
    double told[WK_FLOW_COLUMNS], expected[WK_FLOW_COLUMNS];
} second;

typedef struct {
    wk_live *live;
    wk_arena arena;
    wk_flow *flow[MARKETS];
    int64_t open_ns[MARKETS];
    bool is_whole[MARKETS];
    int64_t begin_ns;
    second seconds[MARKETS][SECONDS];
} world;

static second *at(world *w, uint32_t market, int64_t open_ns)
{
    if (!w->begin_ns)
        w->begin_ns = open_ns - 2 * SECOND;
    int64_t k = (open_ns - w->begin_ns) / SECOND;
    assert_true(market < MARKETS && k >= 0 && k < SECONDS);
    w->seconds[market][k].open_ns = open_ns;
    return &w->seconds[market][k];
}

static void on_value(void *ctx, uint32_t market, const char *name, int64_t time_ns,
                     int64_t known_ns, double value)
{
    world *w = ctx;
    if (strncmp(name, "flow_1s.", 8) != 0)
        return;
    second *s = at(w, market, time_ns);
    for (size_t c = 0; c < WK_FLOW_COLUMNS; c++)
        if (strcmp(wk_flow_name(c), name + 8) == 0)
            s->told[c] = value;
    s->n_told++;
    s->known_ns = known_ns;
}

static void pass(world *w, uint32_t m, int64_t time_ns)
{
    double row[WK_FLOW_COLUMNS];
    if (!w->open_ns[m]) {
        w->open_ns[m] = time_ns / SECOND * SECOND;
        wk_flow_close(w->flow[m], w->open_ns[m], NULL, row);
        return;
    }
    for (; time_ns >= w->open_ns[m] + SECOND; w->open_ns[m] += SECOND, w->is_whole[m] = true) {
        wk_flow_close(w->flow[m], w->open_ns[m] + SECOND, NULL, row);
        second *s = at(w, m, w->open_ns[m]);
        memcpy(s->expected, row, sizeof row);
        s->is_expected = w->is_whole[m];
    }
}

static void on_event(void *ctx, const wk_event *e, int64_t offset_ns)
{
    world *w = ctx;
    if (e->symbol >= MARKETS)
        return;
    int64_t time_ns = e->exchange_ns ? e->exchange_ns : e->receive_ns + offset_ns;
    wk_flow *flow = w->flow[e->symbol];
    if (e->kind == WK_EVENT_TRADE && !e->trade.is_snapshot) {
        pass(w, e->symbol, time_ns);
        wk_flow_trade(flow, time_ns, wk_decimal_to_double(e->trade.price),
                      wk_decimal_to_double(e->trade.qty), (wk_side)e->trade.side);
    } else if (e->kind == WK_EVENT_GAP && w->open_ns[e->symbol]) {
        wk_flow_gap(flow, e->receive_ns + offset_ns);
    } else if (e->kind == WK_EVENT_BOOK_END) {
        const wk_book *book = wk_live_book(w->live, e->symbol);
        if (!book)
            return;
        pass(w, e->symbol, time_ns);
        wk_flow_level levels[2][WK_FLOW_LEVELS];
        size_t n[2];
        for (int side = 0; side < 2; side++) {
            const wk_book_level *from =
                wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n[side]);
            n[side] = n[side] < WK_FLOW_LEVELS ? n[side] : WK_FLOW_LEVELS;
            for (size_t i = 0; i < n[side]; i++)
                levels[side][i] =
                    (wk_flow_level){wk_units_to_double(from[i].price, wk_book_price_decimals(book)),
                                    wk_units_to_double(from[i].qty, wk_book_qty_decimals(book))};
        }
        wk_flow_book(flow, time_ns, levels[0], n[0], levels[1], n[1]);
    }
}

static void feed_all(world *w, wk_recording *recording, wk_arena *arena)
{
    wk_live_config config;
    wk_recorded m;
    wk_err err = {0};
    const char *overrides[] = {"flow=[\"1s\"]"};
    wk_live_sinks sinks = {.ctx = w, .value = on_value, .event = on_event};
    wk_status status;
    while ((status = wk_recording_next(recording, &m, &err)) == WK_OK) {
        if (!w->live) {
            char *text = strndup(m.bytes + 6, m.n - 6); /* after "start " */
            if (wk_config_parse(&wk_live_config_table, "start", text, overrides, 1, arena, &config,
                                &err) ||
                wk_live_create(&config, &sinks, &w->live, &err))
                fail_msg("%s", err.msg);
            free(text);
        }
        if (wk_live_feed(w->live, &m, &err))
            fail_msg("%s", err.msg);
    }
    assert_int_equal(status, WK_E_NOT_FOUND);
    wk_live_destroy(w->live); /* before its configuration goes */
}

static void test_rows_are_the_engines_and_known_after_their_end(void **state)
{
    (void)state;
    static world w;
    char path[512];
    wk_arena arena;
    wk_recording *recording;
    wk_err err;
    wk_log_set_level(WK_LOG_ERROR);
    wk_arena_init(&arena);
    wk_arena_init(&w.arena);
    for (int m = 0; m < MARKETS; m++)
        w.flow[m] = wk_flow_plan(&w.arena, NULL);
    for (int m = 0; m < MARKETS; m++)
        for (int k = 0; k < SECONDS; k++)
            for (int c = 0; c < WK_FLOW_COLUMNS; c++)
                w.seconds[m][k].told[c] = w.seconds[m][k].expected[c] = NAN;
    snprintf(path, sizeof path, "%s/tests/golden/live", root);
    assert_int_equal(wk_recording_open(path, &recording, &err), WK_OK);
    feed_all(&w, recording, &arena);
    wk_recording_close(recording);
    size_t compared = 0, with_book = 0;
    for (int m = 0; m < MARKETS; m++)
        for (int k = 0; k < SECONDS; k++) {
            const second *s = &w.seconds[m][k];
            if (!s->n_told)
                continue;
            assert_true(s->is_expected);
            /* The venue's clock is 0.7 s ahead of ours. */
            assert_true(s->known_ns >= s->open_ns + SECOND - 710000000);
            for (size_t c = 0; c < WK_FLOW_COLUMNS; c++)
                if (!(s->told[c] == s->expected[c] || (isnan(s->told[c]) && isnan(s->expected[c]))))
                    fail_msg("market %d second %d %s: %.17g, the engine %.17g", m, k,
                             wk_flow_name(c), s->told[c], s->expected[c]);
            compared++;
            with_book += !isnan(s->told[0]);
        }
    assert_true(compared > 20 && with_book > 15);
    wk_arena_finish(&w.arena);
    wk_arena_finish(&arena);
}

static void test_a_period_that_is_none_is_refused(void **state)
{
    (void)state;
    wk_arena arena;
    wk_live_config config;
    wk_live *live = NULL;
    wk_err err;
    const char *text =
        "{\"venues\": [{\"name\": \"v\", \"symbols\": [\"A/B\"], \"url\": \"wss://localhost/\"}], "
        "\"flow\": [\"often\"]}";
    wk_arena_init(&arena);
    assert_int_equal(
        wk_config_parse(&wk_live_config_table, "x", text, NULL, 0, &arena, &config, &err), WK_OK);
    assert_true(wk_live_create(&config, &(wk_live_sinks){0}, &live, &err) != WK_OK);
    assert_non_null(strstr(err.msg, "flow"));
    wk_arena_finish(&arena);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_the_engines_and_known_after_their_end),
        cmocka_unit_test(test_a_period_that_is_none_is_refused),
    };
    root = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
