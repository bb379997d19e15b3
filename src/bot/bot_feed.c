/* Between the live path and the bot: bars of many markets become steps, and history comes first. */
#include "bot_feed.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assemble.h"
#include "feed_columns.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/live.h"
#include "wick/log.h"
#include "wick/store.h"

enum { RING_RECORDS = 1 << 14, HISTORY_STEPS = 1024 };
/* A bar becomes known up to close_grace_ms after its end. */
#define LOOK_NS (WK_NS_PER_S / 50)
#define WARM_BEFORE_NS (WK_NS_PER_S / 50)
#define WARM_AFTER_NS (3 * WK_NS_PER_S)

typedef struct {
    const wk_bot_feed *about;
    wk_live_config live;
    wk_arena arena;
    wk_assembler *assembler;
    wk__feed_columns *columns; /* NULL: candles are all that the models want */
    bool begun;
    int64_t closed_ns; /* of the newest step */
    bool is_near;      /* a bar is about to close */
    int awake;         /* of wk_cpu_keep_awake, meanwhile */
    wk_status status;  /* of the bot; the feed's callbacks cannot fail */
    wk_err err;
    char root[4096];
} feed;

wk_status wk_bot_dir(const wk_bot_config *config, char *out, size_t size_bytes, wk_err *err)
{
    const char *home = getenv("WICK_HOME"), *user = getenv("HOME");
    int n;
    if (config->dir[0])
        n = snprintf(out, size_bytes, "%s", config->dir);
    else if (home && home[0])
        n = snprintf(out, size_bytes, "%s/bots/%s", home, config->name);
    else
        n = snprintf(out, size_bytes, "%s/.wick/bots/%s", user ? user : ".", config->name);
    return n >= 0 && (size_t)n < size_bytes
               ? WK_OK
               : wk_fail(err, WK_E_CONFIG, "dir: the path is too long");
}

/* The bot's market that this one of the feed is; SIZE_MAX: none. */
static size_t find_market(const feed *f, const char *venue, const char *symbol,
                          const char *name_stream)
{
    for (size_t s = 0; s < wk_bot_n_markets(f->about->bot); s++) {
        const wk_bot_market_config *m = wk_bot_market(f->about->bot, s);
        const char *wanted = m->feed[0] ? m->feed : m->symbol, *colon = strchr(wanted, ':');
        if (colon) {
            if (strlen(venue) != (size_t)(colon - wanted) ||
                strncmp(venue, wanted, (size_t)(colon - wanted)) != 0)
                continue;
            wanted = colon + 1;
        }
        if (strcmp(wanted, symbol) == 0 || strcmp(wanted, name_stream) == 0)
            return s;
    }
    return SIZE_MAX;
}

/* What the feed's configuration calls each market of the bot. */
static wk_status name_of(const feed *f, size_t s, char venue[32], char symbol[32], wk_err *err)
{
    const wk_live_venue *venues = f->live.venues.v;
    for (size_t v = 0; v < f->live.venues.n; v++)
        for (size_t i = 0; i < venues[v].symbols.n; i++) {
            char stored[32];
            size_t at = 0;
            for (const char *c = venues[v].symbols.v[i]; *c && at + 1 < sizeof stored; c++)
                if (*c != '/')
                    stored[at++] = *c;
            stored[at] = 0;
            if (find_market(f, venues[v].name, stored, venues[v].symbols.v[i]) == s) {
                snprintf(venue, 32, "%s", venues[v].name);
                snprintf(symbol, 32, "%s", stored);
                return WK_OK;
            }
        }
    const wk_bot_market_config *m = wk_bot_market(f->about->bot, s);
    return wk_fail(
        err, WK_E_CONFIG,
        "market %s: the feed %s has no %s; name its VENUE:SYMBOL as markets.%zu.feed, or add the "
        "symbol to the feed",
        m->symbol, f->about->config->feed, m->feed[0] ? m->feed : m->symbol, s);
}

static wk_status step_bot(feed *f, wk_features_step *step, bool warming, wk_err *err)
{
    f->closed_ns = step->time_ns + wk_bot_timeframe_ns(f->about->bot);
    step->outside = f->columns ? wk__feed_columns_at(f->columns, step->time_ns) : NULL;
    return wk_bot_step(f->about->bot, step, warming, err);
}

/* The stored bars of [from_ns, to_ns) as a panel, empty (T = 0) when there are none. n_bars [S]
 * counts them by market. */
static wk_status read_history(const feed *f, int64_t from_ns, int64_t to_ns, size_t *n_bars,
                              wk_panel *out, wk_err *err)
{
    size_t S = wk_bot_n_markets(f->about->bot), n = 0;
    int64_t timeframe_ns = wk_bot_timeframe_ns(f->about->bot);
    wk_series *series = calloc(S, sizeof *series);
    if (!series)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    *out = (wk_panel){0};
    for (size_t s = 0; s < S && status == WK_OK; s++) {
        char venue[32], symbol[32];
        wk_err unread;
        status = name_of(f, s, venue, symbol, err);
        const char *from = f->about->config->history_venue;
        if (status == WK_OK && wk_store_read(f->root, from[0] ? from : venue, symbol, timeframe_ns,
                                             from_ns, to_ns, &series[s], &unread) != WK_OK)
            status = wk_series_create(venue, symbol, timeframe_ns, 0, &series[s], err);
        if (status == WK_OK && f->columns)
            status = wk__feed_columns_history(f->columns, s, from[0] ? from : venue, symbol,
                                              from_ns, to_ns, err);
        n_bars[s] += series[s].n;
        n += series[s].n;
        snprintf(series[s].symbol, sizeof series[s].symbol, "%s",
                 wk_bot_market(f->about->bot, s)->symbol);
    }
    if (status == WK_OK && n)
        status = wk_panel_build(series, S, NULL, 0, 0, to_ns, out, err);
    for (size_t s = 0; s < S; s++)
        wk_series_finish(&series[s]);
    free(series);
    return status;
}

/* What the bot is told of history, step after step without a hole. */
typedef struct {
    wk_features_step empty; /* a step of which nothing is known */
    int64_t next_ns;        /* 0: before the first bar */
    /* From the first bar on: all steps, those in which no market has a bar, and how many of these
     * are the newest. */
    size_t steps, holes, newest;
} history;

static void count_step(history *h, const wk_features_step *step, size_t S)
{
    size_t s = 0;
    while (s < S && step->provenance[s] == WK_PROV_UNKNOWN)
        s++;
    h->steps++;
    h->holes += s == S;
    h->newest = s == S ? h->newest + 1 : 0;
}

static wk_status fill(feed *f, history *h, int64_t until_ns, wk_err *err)
{
    for (; h->next_ns && h->next_ns < until_ns; h->next_ns += wk_bot_timeframe_ns(f->about->bot)) {
        h->empty.time_ns = h->next_ns;
        WK_TRY(step_bot(f, &h->empty, true, err));
        count_step(h, &h->empty, wk_bot_n_markets(f->about->bot));
    }
    return WK_OK;
}

static wk_status push_panel(feed *f, history *h, const wk_panel *panel, wk_err *err)
{
    if (panel->T)
        WK_TRY(fill(f, h, panel->start_ns, err));
    for (size_t t = 0; t < panel->T; t++) {
        wk_features_step step = wk_panel_step(panel, t);
        WK_TRY(step_bot(f, &step, true, err));
        h->next_ns = step.time_ns + panel->timeframe_ns;
        count_step(h, &step, panel->S);
    }
    return WK_OK;
}

/* A state is warm when it has seen `wanted` steps, with a bar or without. The newest ones are
 * often not stored yet, as the bot starts after their close: more of them than one in a hundred
 * shape the features. */
static void tell_history(const history *h, size_t wanted)
{
    char note[160] = "";
    bool is_short = h->steps < wanted;
    bool is_old = h->newest > 2 && h->newest > wanted / 100;
    if (is_short)
        snprintf(note, sizeof note,
                 " note=\"forecasts begin later and are whole after %zu more bars; fetch more "
                 "history\"",
                 wanted - h->steps);
    else if (is_old)
        snprintf(note, sizeof note,
                 " note=\"the newest bars are not in the store: features begin without them; fetch "
                 "before the start\"");
    wk_log_write(is_short || is_old ? WK_LOG_WARN : WK_LOG_INFO, "bot.warm_up",
                 "steps=%zu wanted=%zu holes=%zu newest_missing=%zu%s", h->steps, wanted, h->holes,
                 h->newest, note);
}

/* History up to the first bar that comes, a piece at a time: a bot of several timeframes wants more
 * of it than a small machine's memory holds. */
static wk_status warm_up(feed *f, int64_t open_ns, wk_err *err)
{
    size_t wanted = wk_bot_warmup_steps(f->about->bot), S = wk_bot_n_markets(f->about->bot);
    int64_t timeframe_ns = wk_bot_timeframe_ns(f->about->bot);
    int64_t from_ns = open_ns - (int64_t)wanted * timeframe_ns;
    wk_bar *bars = calloc(S, sizeof *bars);
    uint8_t *provenance = malloc(S);
    size_t *n_bars = calloc(S, sizeof *n_bars);
    history h = {.empty = {.bars = bars, .provenance = provenance}};
    wk_status status =
        bars && provenance && n_bars ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t s = 0; status == WK_OK && s < S; s++) {
        bars[s] = (wk_bar){0, NAN, NAN, NAN, NAN, NAN};
        provenance[s] = WK_PROV_UNKNOWN;
    }
    if (from_ns < 1)
        from_ns = 1;
    while (status == WK_OK && from_ns < open_ns) {
        wk_panel panel;
        int64_t to_ns = from_ns + HISTORY_STEPS * timeframe_ns;
        to_ns = to_ns < open_ns ? to_ns : open_ns;
        status = read_history(f, from_ns, to_ns, n_bars, &panel, err);
        if (status != WK_OK)
            break;
        status = push_panel(f, &h, &panel, err);
        wk_panel_finish(&panel);
        from_ns = to_ns;
    }
    if (status == WK_OK)
        status = fill(f, &h, open_ns, err);
    for (size_t s = 0; status == WK_OK && s < S; s++)
        if (n_bars[s] == 0)
            wk_log_write(WK_LOG_WARN, "bot.history", "market=%s bars=none store=%s",
                         wk_bot_market(f->about->bot, s)->symbol, f->root);
    if (status == WK_OK)
        tell_history(&h, wanted);
    free(bars);
    free(provenance);
    free(n_bars);
    return status;
}

static void run_due(feed *f, int64_t now_ns)
{
    wk_features_step step;
    while (f->status == WK_OK && wk_assembler_next(f->assembler, now_ns, &step)) {
        f->status = step_bot(f, &step, false, &f->err);
        if (f->status == WK_OK)
            f->status = wk_bot_tend(f->about->bot, f->about->replay != NULL, &f->err);
    }
}

static void take_bar(feed *f, size_t s, const wk_live_bar *bar)
{
    if (s == SIZE_MAX || f->status != WK_OK ||
        bar->timeframe_ns != wk_bot_timeframe_ns(f->about->bot) || bar->is_revision)
        return;
    if (!f->begun) {
        f->begun = true;
        f->status = warm_up(f, bar->bar.time_ns, &f->err);
        malloc_trim(0); /* what history took goes back to a small machine */
        wk_assembler_begin(f->assembler, bar->bar.time_ns);
    }
    run_due(f, bar->arrival_ns);
    wk_assembler_bar(f->assembler, s, &bar->bar, bar->provenance, bar->arrival_ns);
    run_due(f, bar->arrival_ns);
}

/* ---- a recording ---- */

static void on_replayed(void *ctx, const wk_live_market *market, const wk_live_bar *bar)
{
    feed *f = ctx;
    take_bar(f, find_market(f, market->venue, market->symbol, market->name_stream), bar);
}

static void take_flow(feed *f, size_t s, const wk_live_flow *flow)
{
    if (s != SIZE_MAX && f->columns && flow->period_ns == wk_bot_timeframe_ns(f->about->bot))
        wk__feed_columns_put_flow(f->columns, s, flow->time_ns, flow->row);
}

static void on_replayed_flow(void *ctx, const wk_live_market *market, const wk_live_flow *flow)
{
    feed *f = ctx;
    take_flow(f, find_market(f, market->venue, market->symbol, market->name_stream), flow);
}

static wk_status run_replay(feed *f, wk_err *err)
{
    const char *period = f->columns ? wk__feed_columns_flow(f->columns) : "";
    wk_live_replay_options options = {.speed = f->about->speed,
                                      .bar = on_replayed,
                                      .flow = on_replayed_flow,
                                      .flow_period = period[0] ? period : NULL,
                                      .ctx = f};
    wk_live_summary summary;
    WK_TRY(wk_live_replay_run(f->about->replay, &options, f->about->stop, &summary, err));
    run_due(f, INT64_MAX);
    return WK_OK;
}

/* ---- live ---- */

typedef struct {
    feed *feed;
    wk_ring *ring;
    atomic_bool ended;
    wk_status status;
    wk_err err;
} session;

static void *run_session(void *context)
{
    session *s = context;
    wk_live_session_options options = {.ring = s->ring};
    wk_live_summary summary;
    s->status =
        wk_live_record_run(&s->feed->live, &options, s->feed->about->stop, &summary, &s->err);
    atomic_store(&s->ended, true);
    return NULL;
}

/* The feed's markets in its own order, as the bot's. */
static size_t *map_markets(const feed *f, size_t *n)
{
    const wk_live_venue *venues = f->live.venues.v;
    *n = 0;
    for (size_t v = 0; v < f->live.venues.n; v++)
        *n += venues[v].symbols.n;
    size_t *map = calloc(*n + 1, sizeof *map), at = 0;
    for (size_t v = 0; map && v < f->live.venues.n; v++)
        for (size_t i = 0; i < venues[v].symbols.n; i++) {
            char stored[32];
            size_t k = 0;
            for (const char *c = venues[v].symbols.v[i]; *c && k + 1 < sizeof stored; c++)
                if (*c != '/')
                    stored[k++] = *c;
            stored[k] = 0;
            map[at++] = find_market(f, venues[v].name, stored, venues[v].symbols.v[i]);
        }
    return map;
}

static void take_record(feed *f, const size_t *map, size_t n_markets, const wk_live_record *record)
{
    if (record->is_bar) {
        take_bar(f, record->bar.market < n_markets ? map[record->bar.market] : SIZE_MAX,
                 &record->bar);
    } else if (record->is_flow) {
        take_flow(f, record->flow.market < n_markets ? map[record->flow.market] : SIZE_MAX,
                  &record->flow);
    } else if (record->event.kind == WK_EVENT_FUNDING && record->event.symbol < n_markets &&
               map[record->event.symbol] != SIZE_MAX) {
        wk_assembler_funding(f->assembler, map[record->event.symbol],
                             wk_decimal_to_double(record->event.value.value));
    }
}

/* While a bar is about to close the trader's thread keeps its memory in the caches: a step out of
 * cold ones takes ten times as long. The wait, until then or between two looks. */
static int64_t idle(feed *f, int64_t now_ns)
{
    int64_t timeframe_ns = wk_bot_timeframe_ns(f->about->bot), into = now_ns % timeframe_ns;
    bool waits = into < WARM_AFTER_NS && f->closed_ns < now_ns - into;
    bool is_near = f->begun && (waits || into > timeframe_ns - WARM_BEFORE_NS);
    if (is_near != f->is_near) {
        f->is_near = is_near;
        wk_cpu_let_sleep(f->awake);
        f->awake = is_near && f->about->config->keep_awake ? wk_cpu_keep_awake() : -1;
    }
    if (is_near)
        return wk_bot_warm(f->about->bot);
    int64_t until = timeframe_ns - WARM_BEFORE_NS - into;
    return until < LOOK_NS && until > 0 ? until : LOOK_NS;
}

static wk_status run_live(feed *f, wk_err *err)
{
    session s = {.feed = f};
    pthread_t thread;
    size_t n_markets, *map = map_markets(f, &n_markets);
    if (!map)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = wk_ring_create(sizeof(wk_live_record), RING_RECORDS, &s.ring, err);
    if (status == WK_OK && pthread_create(&thread, NULL, run_session, &s) != 0)
        status = wk_fail(err, WK_E_IO, "cannot start the feed's thread");
    if (status == WK_OK) {
        wk_live_record record = {0};
        int64_t wait_ns = LOOK_NS, slack_ns = f->live.close_grace_ms * 1000000 +
                                              (int64_t)(f->about->config->patience_s * 1e9);
        while (f->status == WK_OK && !atomic_load(&s.ended)) {
            if (wk_ring_wait(s.ring, wait_ns))
                while (f->status == WK_OK && wk_ring_pop(s.ring, &record))
                    take_record(f, map, n_markets, &record);
            if (f->begun)
                run_due(f, wk_clock_wall_ns() + record.clock_offset_ns);
            if (f->status == WK_OK)
                f->status = wk_bot_listen(
                    f->about->bot, wk_clock_wall_ns() + record.clock_offset_ns, slack_ns, &f->err);
            if (f->status == WK_OK)
                f->status = wk_bot_tend(f->about->bot, false, &f->err);
            wait_ns = idle(f, wk_clock_wall_ns() + record.clock_offset_ns);
        }
        if (f->status != WK_OK)
            atomic_store(f->about->stop, true);
        wk_cpu_let_sleep(f->awake);
        pthread_join(thread, NULL);
        if (s.status != WK_OK) {
            *err = s.err;
            status = s.status;
        }
    }
    wk_ring_destroy(s.ring);
    free(map);
    return status;
}

/* A live session makes the flow rows that the models want, whatever its configuration has. */
static wk_status want_flow(feed *f, const char *period, int64_t period_ns, wk_err *err)
{
    wk_strings *flow = &f->live.flow;
    int64_t ns;
    for (size_t i = 0; i < flow->n; i++) {
        WK_TRY(wk_timeframe_parse(flow->v[i], &ns, err));
        if (ns == period_ns)
            return WK_OK;
    }
    const char **names = wk_arena_array(&f->arena, const char *, flow->n + 1);
    for (size_t i = 0; i < flow->n; i++)
        names[i] = flow->v[i];
    names[flow->n] = period;
    *flow = (wk_strings){names, flow->n + 1};
    return WK_OK;
}

static wk_status open_columns(feed *f, const wk_data_config *data, wk_err *err)
{
    size_t S = wk_bot_n_markets(f->about->bot);
    char(*symbols)[32] = wk_arena_alloc(&f->arena, S * sizeof *symbols);
    for (size_t s = 0; s < S; s++)
        snprintf(symbols[s], sizeof symbols[s], "%s", wk_bot_market(f->about->bot, s)->symbol);
    WK_TRY(wk__feed_columns_open(
        &(wk__feed_columns_options){.S = S,
                                    .timeframe_ns = wk_bot_timeframe_ns(f->about->bot),
                                    .data = data,
                                    .symbols = (const char(*)[32])symbols,
                                    .store = f->root,
                                    .is_replay = f->about->replay != NULL},
        &f->columns, err));
    const char *period = wk__feed_columns_flow(f->columns);
    if (period[0])
        WK_TRY(want_flow(f, period, wk_bot_timeframe_ns(f->about->bot), err));
    return WK_OK;
}

wk_status wk_bot_feed_run(const wk_bot_feed *about, wk_err *err)
{
    feed f = {.about = about, .awake = -1};
    const wk_data_config *data;
    WK_TRY(wk__feed_columns_agree(about->config, about->bot, &data, err));
    if (!about->config->feed[0])
        return wk_fail(
            err, WK_E_CONFIG,
            "feed is empty; name the feed's configuration file, such as configs/record.json");
    wk_arena_init(&f.arena);
    wk_status status =
        wk_config_load(&wk_live_config_table, about->config->feed, NULL, 0, &f.arena, &f.live, err);
    const char *store = about->config->store[0] ? about->config->store : f.live.store;
    if (status == WK_OK)
        status = wk_store_root(store && store[0] ? store : NULL, f.root, sizeof f.root, err);
    f.live.store = f.root;
    char venue[32], symbol[32];
    for (size_t s = 0; s < wk_bot_n_markets(about->bot) && status == WK_OK; s++)
        status = name_of(&f, s, venue, symbol, err);
    if (status == WK_OK && data)
        status = open_columns(&f, data, err);
    if (status == WK_OK) {
        f.assembler = wk_assembler_plan(&f.arena, wk_bot_n_markets(about->bot),
                                        wk_bot_timeframe_ns(about->bot),
                                        (int64_t)(about->config->patience_s * 1e9));
        status = about->replay ? run_replay(&f, err) : run_live(&f, err);
    }
    if (status == WK_OK && f.status != WK_OK) {
        *err = f.err;
        status = f.status;
    }
    wk__feed_columns_close(f.columns);
    wk_arena_finish(&f.arena);
    return status;
}
