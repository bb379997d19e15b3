/* libFuzzer target over the live path: frames, notes, connections and time, of real dialects and of
 * a toy venue that knows what truly happened. Each line is a step; what it begins with says which:
 *
 *   =N   (first line) the configuration
 *   @N   frames that follow come over connection N
 *   +N   N seconds pass, up to 600; +N! the clock leaps by weeks
 *   !TEXT a note of "wick", #TEXT one of the connection, >TEXT a message of ours
 *   I    the toy venue tells its markets     O   a connection opens, all is subscribed
 *   L    it closes                           P   ping and pong
 *   T    trades, four letters each: market, how late, price, size
 *   C    candle of a market, minutes back    B   levels, three letters each: side, place, size
 *   S    snapshot of the book                ?   the venue's history answers what is missing
 *   else a frame as it stands
 *
 * Before T, C, B, S: x the message is dropped, d comes twice, h comes after the next one, w has a
 * wrong checksum; X drops a trade and its candle.
 *
 * Whatever comes, what goes out is sound (live_oracle.c). The book is the venue's or there is none,
 * a wrong checksum ends it at that message, a snapshot brings it back. When only the toy venue
 * spoke, the bars at the end are the venue's own candles, each of them. When nobody looks at the
 * clock between messages, the same bars come out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "live_stage.h"
#include "wick/arena.h"
#include "wick/clock.h"
#include "wick/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define BEGIN_NS (INT64_C(1696436761) * WK_NS_PER_S) /* 2023-10-04T16:26:01Z */

enum {
    CONFIGS = 4,
    ANSWERS = 8,
    SKIPPED = 15000,
    COMPARED = 200,
    ANSWERED = 64,
    PASS_MOST_S = 600,
    LEAP_DAYS = 14
};

static const char *const texts[CONFIGS] = {
    "{\"venues\": [{\"name\": \"k\", \"symbols\": [\"BTC/USD\", \"ALGO/USD\"]}], "
    "\"timeframes\": [\"1m\", \"5m\", \"15m\"]}",
    "{\"venues\": [{\"name\": \"k\", \"symbols\": [\"BTC/USD\", \"ALGO/USD\"]}, {\"name\": \"d\", "
    "\"dialect\": \"delta\", \"url\": \"wss://d.test\", \"symbols\": [\"BTCUSD\"], "
    "\"contract_values\": [0.001]}, {\"name\": \"p\", \"dialect\": \"delta_public\", \"url\": "
    "\"wss://p.test\", \"symbols\": [\"BTCUSD\"]}], \"timeframes\": [\"1m\", \"15m\"], \"flow\": "
    "[\"1m\"]}",
    "{\"venues\": [{\"name\": \"k\", \"symbols\": [\"BTC/USD\", \"ALGO/USD\"], \"candles\": "
    "false}], \"timeframes\": [\"1m\", \"5m\"], \"flow\": [\"15s\"]}",
    "{\"venues\": [{\"name\": \"k\", \"symbols\": [\"BTC/USD\", \"ALGO/USD\"], \"trades\": false, "
    "\"ticker\": false}], \"timeframes\": [\"1m\", \"5m\"], \"close_grace_ms\": 0}"};

static const wk_live_config *config(size_t which)
{
    static wk_live_config all[CONFIGS];
    static wk_arena arena;
    static bool is_made;
    wk_err err;
    if (!is_made) {
        wk_log_set_level(WK_LOG_ERROR);
        wk_arena_init(&arena);
        for (size_t i = 0; i < CONFIGS; i++)
            MUST(wk_config_parse(&wk_live_config_table, "fuzz", texts[i], NULL, 0, &arena, &all[i],
                                 &err) == WK_OK);
        is_made = true;
    }
    return &all[which];
}

static const char *name_of(const stage *s)
{
    return wk_live_connection_name(s->live, s->connection);
}

/* ---- the venue's history ---- */

static double tenths(int64_t x)
{
    return (double)x / 10;
}

/* The bar that the venue's history has of a minute; false: none before the first trade. */
static bool truth(const stage *s, uint32_t market, int64_t open_ns, wk_bar *bar,
                  uint8_t *provenance)
{
    const toy_candle *c = toy_candle_at(s->venue, (int)market, open_ns);
    if (c) {
        *bar = (wk_bar){open_ns,        tenths(c->open),  tenths(c->high),
                        tenths(c->low), tenths(c->close), (double)c->volume / 1000};
        *provenance = WK_PROV_REPAIRED;
        return true;
    }
    c = toy_candle_before(s->venue, (int)market, open_ns);
    if (!c)
        return false;
    double p = tenths(c->close);
    *bar = (wk_bar){open_ns, p, p, p, p, 0};
    *provenance = WK_PROV_CONFIRMED_EMPTY;
    return true;
}

/* A piece of what is asked, and what is left to be asked again: the rest, and what the venue does
 * not know yet. */
static oracle_ask answer(stage *s, oracle_ask ask)
{
    wk_bar bars[ANSWERED];
    uint8_t provenance[ANSWERED];
    wk_series series = {.bars = bars, .provenance = provenance};
    int64_t at = ask.from_ns, unknown_ns = INT64_MAX;
    for (; at < ask.to_ns && at < ask.from_ns + ANSWERED * MINUTE_NS; at += MINUTE_NS) {
        if (truth(s, ask.market, at, &bars[series.n], &provenance[series.n]))
            series.n++;
        else if (unknown_ns == INT64_MAX)
            unknown_ns = at;
    }
    if (series.n) {
        char *text = wk_live_repair_note(ask.market, MINUTE_NS, &series);
        MUST(text);
        stage_note(s, text);
        free(text);
    }
    ask.from_ns = unknown_ns < at ? unknown_ns : at;
    return ask;
}

static void answer_all(stage *s)
{
    oracle_ask asks[ORACLE_ASKS];
    int64_t until_ns[ORACLE_ASKS];
    size_t n = s->oracle.n_asks;
    memcpy(asks, s->oracle.asks, n * sizeof *asks);
    s->oracle.n_asks = 0;
    for (size_t i = 0; i < n; i++) {
        oracle_ask left = asks[i];
        bool is_told = left.market >= TOY_MARKETS;
        for (size_t k = 0; k < i && !is_told; k++) /* the same again */
            is_told = asks[k].market == left.market && asks[k].from_ns <= left.from_ns &&
                      until_ns[k] >= left.to_ns;
        if (is_told && left.market < TOY_MARKETS)
            left.from_ns = left.to_ns;
        if (!is_told)
            left = answer(s, left);
        until_ns[i] = left.from_ns;
        if (left.from_ns < left.to_ns && s->oracle.n_asks < ORACLE_ASKS)
            s->oracle.asks[s->oracle.n_asks++] = left;
    }
}

/* ---- the play ---- */

static void pass(stage *s, int64_t ns)
{
    s->now_ns += ns;
    if (!s->looks)
        return;
    s->oracle.latest_ns = s->is_toy ? stage_venue_now(s) + MINUTE_NS : INT64_MAX;
    wk_live_advance(s->live, s->now_ns);
    wk_live_check(s->live, s->now_ns);
}

static int64_t number(const char *at, const char *end, int64_t most)
{
    int64_t n = 0;
    for (; at < end && *at >= '0' && *at <= '9' && n < most; at++)
        n = 10 * n + (*at - '0');
    return n < most ? n : most;
}

static int64_t leap(const char *at, const char *end)
{
    return (LEAP_DAYS + number(at + 1, end, LEAP_DAYS)) * 24 * 60 * MINUTE_NS;
}

/* Marks before a message. */
static const char *marks(stage *s, const char *at, const char *end)
{
    for (; at < end && strchr("xdhwX", *at) && *at; at++) {
        s->is_dropped |= *at == 'x';
        s->is_twice |= *at == 'd';
        s->is_held |= *at == 'h';
        s->is_wrong |= *at == 'w';
        s->is_all_dropped |= *at == 'X';
    }
    return at;
}

static void raw(stage *s, const char *line, const char *end)
{
    char kind = line < end ? *line : 0;
    s->is_toy = false;
    if (kind == '!') {
        s->oracle.is_direct = true;
        stage_feed(s, "wick", '!', line + 1, (size_t)(end - line - 1));
        s->oracle.is_direct = false;
    } else if (kind == '#') {
        stage_feed(s, name_of(s), '!', line + 1, (size_t)(end - line - 1));
    } else if (kind == '>') {
        stage_feed(s, name_of(s), '>', line + 1, (size_t)(end - line - 1));
    } else {
        stage_feed(s, name_of(s), '<', line, (size_t)(end - line));
    }
}

static void step(stage *s, const char *line, const char *end)
{
    const char *at = marks(s, line, end);
    char kind = at < end ? *at : 0;
    wk_text text = {0};
    switch (kind) {
    case '+':
        pass(s, end[-1] == '!' ? leap(at, end) : number(at + 1, end, PASS_MOST_S) * WK_NS_PER_S);
        break;
    case '@':
        s->connection =
            (uint32_t)(number(at + 1, end, 9) % (int64_t)wk_live_n_connections(s->live));
        break;
    case 'I':
        toy_instruments(&text);
        s->is_told |= stage_deliver(s, &text, false);
        break;
    case 'O':
        stage_open(s);
        break;
    case 'L':
        stage_close(s);
        break;
    case 'P':
        stage_ping(s);
        break;
    case 'T':
        stage_trades(s, at + 1, end);
        break;
    case 'C':
        stage_candle(s, at + 1, end);
        break;
    case 'B':
    case 'S':
        stage_book(s, at + 1, end, kind == 'S');
        break;
    case '?':
        wk_live_advance(s->live, s->now_ns);
        answer_all(s);
        break;
    default:
        raw(s, line, end);
    }
    stage_forget_marks(s);
}

static void tell(const char *what, const wk_bar *b)
{
    fprintf(stderr, "%s %.10g %.10g %.10g %.10g %.10g\n", what, b->open, b->high, b->low, b->close,
            b->volume);
}

static void differ(uint32_t market, const wk_bar *want, const oracle_bar *got)
{
    char time[32];
    fprintf(stderr, "market %" PRIu32 " at %s\n", market, wk_time_format(want->time_ns, time));
    tell("the venue has", want);
    if (got)
        tell("went out:", &got->bar);
    MUST(!"the bars are the venue's");
}

/* All that was missed is answered, and the bars are the venue's. */
static void compare(stage *s)
{
    stage_open(s);
    static const char last[] = "00111011";
    stage_trades(s, last, last + sizeof last - 1);
    pass(s, 3 * MINUTE_NS);
    wk_live_advance(s->live, s->now_ns);
    for (int i = 0; i < ANSWERS && s->oracle.n_asks; i++)
        answer_all(s);
    if (s->oracle.has_lost_asks || s->venue->is_full || s->oracle.n_missing > SKIPPED)
        return;
    for (uint32_t m = 0; m < TOY_MARKETS; m++) {
        int64_t until = stage_venue_now(s) / MINUTE_NS - 2;
        for (int64_t i = s->open_ns / MINUTE_NS; i < until && until - i < COMPARED; i++) {
            wk_bar want;
            uint8_t provenance;
            const oracle_bar *got = oracle_at(&s->oracle, m, 0, i * MINUTE_NS);
            if (!truth(s, m, i * MINUTE_NS, &want, &provenance))
                continue;
            if (!got || memcmp(&got->bar, &want, sizeof want) != 0)
                differ(m, &want, got);
            MUST((got->provenance == WK_PROV_CONFIRMED_EMPTY) ==
                 (provenance == WK_PROV_CONFIRMED_EMPTY));
        }
    }
}

static live_oracle play(const char *at, const char *end, bool looks)
{
    static stage s;
    static toy_venue venue;
    wk_err err;
    size_t which = 0;
    if (end - at > 1 && *at == '=') {
        which = (size_t)at[1] % CONFIGS;
        const char *line = memchr(at, '\n', (size_t)(end - at));
        at = line ? line + 1 : end;
    }
    toy_begin(&venue);
    s = (stage){.now_ns = BEGIN_NS,
                .looks = looks,
                .uses_candles = which < 2 || which == 3,
                .is_toy = true,
                .is_whole = true,
                .venue = &venue};
    wk_live_sinks sinks = oracle_sinks(&s.oracle);
    MUST(wk_live_create(config(which), &sinks, &s.live, &err) == WK_OK);
    oracle_begin(&s.oracle, s.live);
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line)
            line = end;
        step(&s, at, line);
        at = line < end ? line + 1 : end;
    }
    if (s.is_toy && s.is_whole && s.open_ns)
        compare(&s);
    wk_live_advance(s.live, s.now_ns);
    oracle_finish(&s.oracle);
    free(s.held);
    wk_live_destroy(s.live);
    return s.oracle;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *text = (const char *)bytes;
    live_oracle seen = play(text, text + n, true);
    if (n % 4 == 0) {
        live_oracle unseen = play(text, text + n, false);
        /* Over a leap of the clock bars are asked for instead. */
        if (seen.n_missing < SKIPPED && unseen.n_missing < SKIPPED)
            MUST(seen.digest == unseen.digest && seen.n_missing == unseen.n_missing);
    }
    return 0;
}
