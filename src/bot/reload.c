/* One offer a model, handed over by its state: the watcher owns it while HELD, the trader while
 * TAKEN. An offer of steps [.., n) fits only before step n; the watcher takes it back to feed it
 * what closed meanwhile. The trader hands step n over after it looked, so an offer that says n has
 * seen all before it and nothing else. */
#include "reload.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "reload_features.h"
#include "reload_history.h"
#include "reload_load.h"
#include "wick/clock.h"
#include "wick/log.h"
#include "wick/manifest.h"
#include "wick/ring.h"

enum { RING_BYTES = 8 << 20, RING_STEPS_MIN = 64, RING_STEPS_MAX = 512, NOTICES = 64 };
enum { HISTORY_SPARE = 4096 }; /* steps kept beyond what a warm-up needs */
enum { PAUSE_NS = 10000000, ABSENT_LOOKS = 3 };
enum { HELD, OFFERED, TAKEN, SWAPPED };

/* Of watcher to trader. */
typedef struct {
    bool is_summary;
    uint64_t version;
    char text[WK_BOT_SUMMARY_BYTES];
} notice;

typedef struct {
    const char *dir;
    uint64_t seen, unsure; /* fingerprints: looked at; to be seen twice before it is believed */
    int absent;            /* looks in a row that found nothing */
    size_t n_current;      /* newest first; the watcher's */
    wk__generation *current[WK_ENGINE_GENERATIONS_MAX];
    size_t n_next; /* what is to be current after the swap */
    wk__generation *next[WK_ENGINE_GENERATIONS_MAX];
    wk__generation *candidate; /* next[0] when it is new and warms */
    /* The offer: */
    atomic_int state;
    atomic_uint_fast64_t fits; /* number of the step before which it fits; UINT64_MAX: any */
    wk_engine_generations list;
    uint64_t version;
    char version_text[65], before_text[65];
} watch;

struct wk__reload {
    wk_bot *bot;
    wk_bot_watch how;
    wk_ring *steps, *notices;
    wk__history history;
    void *packed;   /* the trader's record */
    void *unpacked; /* the watcher's */
    uint64_t seq;   /* of the next step; the trader's */
    watch *watches; /* [n] */
    size_t n;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;
    atomic_uint_fast64_t drained;       /* steps that the watcher has */
    atomic_uint_fast64_t asked, looked; /* rounds: settle */
    bool is_broken;                     /* the history cannot be kept */
    /* A day that has ended, and the row of the journal up to which it is to be read. */
    atomic_int_fast64_t day_end_ns, day_now_ns, day_done_ns;
    atomic_uint_fast64_t day_seq;
};

/* ---- the trader's thread ---- */

static void pause_ns(int64_t ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

static void journal_model(wk_bot *b, size_t k, uint64_t version, const char *text, const char *note)
{
    if (!b->journal)
        return;
    wk_journal_record r = {
        .kind = WK_JOURNAL_MODEL, .time_ns = b->now_ns, .model_version = version};
    snprintf(r.venue_id, sizeof r.venue_id, "%.63s", text);
    snprintf(r.text, sizeof r.text, "%.60s: %s", b->run_configs[k].name, note);
    wk_journal_put(b->journal, &r);
}

static void take(wk__reload *r, size_t k)
{
    watch *w = &r->watches[k];
    int expected = OFFERED;
    if (atomic_load_explicit(&w->state, memory_order_relaxed) != OFFERED ||
        !atomic_compare_exchange_strong(&w->state, &expected, TAKEN))
        return;
    uint64_t fits = atomic_load(&w->fits);
    if (fits != UINT64_MAX && fits != r->seq) {
        atomic_store(&w->state, OFFERED);
        return;
    }
    wk_engine_swap(r->bot->engine, k, &w->list);
    char note[120];
    snprintf(note, sizeof note, "version %.16s serves, after %.16s", w->version_text,
             w->before_text);
    journal_model(r->bot, k, w->version, w->version_text, note);
    wk_log_write(WK_LOG_INFO, "trade.model", "model=\"%s\" version=%.16s before=%.16s",
                 r->bot->run_configs[k].name, w->version_text, w->before_text);
    atomic_store(&w->state, SWAPPED);
}

void wk__reload_boundary(wk_bot *b, const wk_features_step *step, bool warming)
{
    wk__reload *r = b->reload;
    if (!r)
        return;
    for (size_t k = 0; k < r->n; k++)
        take(r, k);
    wk__step_pack(&r->history.layout, r->seq, step, r->packed);
    bool may_wait = warming || r->how.waits;
    while (!wk_ring_push(r->steps, r->packed) && may_wait)
        pause_ns(PAUSE_NS / 10);
    r->seq++;
}

/* A row of the journal and of the log a line, one message for people. */
static void tell_summary(wk_bot *b, const char *text)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        wk_journal_record row = {.kind = WK_JOURNAL_NOTE, .time_ns = b->now_ns};
        snprintf(row.text, sizeof row.text, "summary %.*s", (int)(n < 190 ? n : 190), line);
        if (b->journal)
            wk_journal_put(b->journal, &row);
        wk_log_write(WK_LOG_INFO, "trade.summary", "%.*s", (int)n, line);
        line += n + (line[n] == '\n');
    }
    wk__bot_alert(b, WK_ALERT_SUMMARY, b->now_ns, "%s", text);
}

bool wk__reload_day(wk_bot *b, int64_t end_ns, uint64_t seq)
{
    wk__reload *r = b->reload;
    if (!r || !r->how.summarise)
        return false;
    atomic_store(&r->day_seq, seq);
    atomic_store(&r->day_now_ns, b->now_ns);
    atomic_store(&r->day_end_ns, end_ns);
    while (r->how.waits && atomic_load(&r->day_done_ns) != end_ns)
        pause_ns(PAUSE_NS / 10);
    return true;
}

void wk__reload_tell(wk_bot *b)
{
    notice n;
    while (b->reload && wk_ring_pop(b->reload->notices, &n)) {
        if (n.is_summary) {
            tell_summary(b, n.text);
            continue;
        }
        wk_journal_record row = {
            .kind = WK_JOURNAL_NOTE, .time_ns = b->now_ns, .model_version = n.version};
        snprintf(row.text, sizeof row.text, "%.199s", n.text);
        if (b->journal)
            wk_journal_put(b->journal, &row);
        wk__bot_alert(b, WK_ALERT_ERROR, b->now_ns, "%s", n.text);
    }
}

void wk_bot_settle(wk_bot *b)
{
    wk__reload *r = b->reload;
    if (!r)
        return;
    /* Twice: what is not published must look the same twice. */
    for (int round = 0; round < 3; round++) {
        uint64_t asked = atomic_fetch_add(&r->asked, 1) + 1;
        while (atomic_load(&r->looked) < asked)
            pause_ns(PAUSE_NS / 10);
    }
}

/* ---- the watcher: offers ---- */

static void tell(wk__reload *r, size_t k, uint64_t version, const char *why)
{
    notice n = {.version = version};
    snprintf(n.text, sizeof n.text, "model %.200s: %.180s", r->watches[k].dir, why);
    wk_log_write(WK_LOG_WARN, "bot.reload", "model=%s refused=\"%s\"", r->watches[k].dir, why);
    wk_ring_push(r->notices, &n);
}

/* Where the swap is done: what speaks no more is freed. */
static void finish_swap(watch *w)
{
    if (atomic_load(&w->state) != SWAPPED)
        return;
    for (size_t i = 0; i < w->n_current; i++) {
        bool stays = false;
        for (size_t j = 0; j < w->n_next; j++)
            stays = stays || w->next[j] == w->current[i];
        if (!stays)
            wk__generation_free(w->current[i]);
    }
    memcpy(w->current, w->next, sizeof w->next);
    w->n_current = w->n_next;
    w->n_next = 0;
    w->candidate = NULL;
    atomic_store(&w->state, HELD);
}

/* Takes an offer back; afterwards there is none, or it was swapped in and is finished. */
static void hold(watch *w)
{
    int expected = OFFERED;
    while (!atomic_compare_exchange_strong(&w->state, &expected, HELD)) {
        if (expected == HELD)
            break;
        if (expected == SWAPPED) {
            finish_swap(w);
            break;
        }
        expected = OFFERED; /* the trader looks at it: a moment */
    }
}

static void offer(watch *w, uint64_t fits)
{
    w->list.n = w->n_next;
    for (size_t i = 0; i < w->n_next; i++)
        w->list.v[i] = w->next[i]->member;
    w->version = w->next[0]->version;
    memcpy(w->version_text, w->next[0]->version_text, sizeof w->version_text);
    memcpy(w->before_text, w->current[0]->version_text, sizeof w->before_text);
    atomic_store(&w->fits, fits);
    atomic_store(&w->state, OFFERED);
}

static void drop_candidate(watch *w)
{
    wk__generation_free(w->candidate);
    w->candidate = NULL;
    w->n_next = 0;
}

/* ---- the watcher: steps ---- */

static void drain(wk__reload *r)
{
    wk_err err;
    while (wk_ring_pop(r->steps, r->unpacked)) {
        if (!r->is_broken && wk__history_append(&r->history, r->unpacked, &err) != WK_OK) {
            r->is_broken = true;
            tell(r, 0, 0, err.msg);
        }
        atomic_fetch_add(&r->drained, 1);
    }
}

/* Feeds a candidate what it lacks. False: it cannot be caught up, and begins again. */
static bool feed(wk__reload *r, wk__generation *g)
{
    wk_err err;
    if (g->n_steps == 0) {
        g->next = r->history.first;
        g->is_complete = g->next == 0;
    }
    while (!atomic_load(&r->stop)) {
        if (g->next < r->history.first)
            return false;
        if (g->next >= r->history.next) {
            drain(r); /* what closed while it was fed */
            if (g->next == r->history.next)
                break;
            continue;
        }
        wk_features_step step;
        if (wk__history_read(&r->history, g->next, r->unpacked, &err) != WK_OK)
            return false;
        wk__step_unpack(&r->history.layout, r->unpacked, &step);
        wk_engine_member_push(g->member, &step);
        g->next++;
        if (++g->n_steps % 64 == 0)
            drain(r);
    }
    return true;
}

static void advance(wk__reload *r, size_t k)
{
    watch *w = &r->watches[k];
    finish_swap(w);
    if (!w->candidate || (atomic_load(&w->state) == OFFERED &&
                          atomic_load(&w->fits) == r->history.next && !wk_ring_used(r->steps)))
        return;
    hold(w);
    wk__generation *g = w->candidate;
    if (!g || r->is_broken)
        return;
    if (!feed(r, g)) {
        drop_candidate(w);
        w->seen = 0; /* again, from what history there is now */
        return;
    }
    if (g->is_complete || g->n_steps >= wk_engine_member_warmup_steps(g->member))
        offer(w, g->next);
}

/* ---- the watcher: disk ---- */

static void refuse(wk__reload *r, size_t k, uint64_t version, const wk_err *err)
{
    char why[400];
    snprintf(why, sizeof why, "the new one is refused, the one before serves on: %.320s", err->msg);
    tell(r, k, version, why);
}

/* A new generation, or one that was rolled back to. */
static void renew(wk__reload *r, size_t k, uint64_t fingerprint)
{
    watch *w = &r->watches[k];
    const wk_bot_model_config *about = (const wk_bot_model_config *)r->bot->config->models.v + k;
    wk__generation *g = NULL;
    wk_err err;
    uint64_t version = 0;
    int64_t number;
    char text[65];
    wk_status status = wk__model_version(w->dir, &version, text, &number, &err);
    size_t at = 0;
    while (status == WK_OK && at < w->n_current && w->current[at]->version != version)
        at++;
    if (status == WK_OK && w->candidate && w->candidate->version == version) {
        w->seen = fingerprint; /* published again while it warms */
        return;
    }
    hold(w);
    if (w->candidate)
        drop_candidate(w);
    w->n_next = 0;
    if (status == WK_OK && at < w->n_current) {
        w->seen = fingerprint;
        if (at == 0)
            return; /* the same again */
        for (size_t i = at; i < w->n_current; i++)
            w->next[w->n_next++] = w->current[i];
        offer(w, UINT64_MAX);
        return;
    }
    if (status == WK_OK && r->how.accept)
        status = r->how.accept(r->how.ctx, w->dir, &err);
    if (status == WK_OK)
        status = wk__generation_load(r->bot, k, w->dir, w->current[0]->config, &g, &err);
    if (wk__model_fingerprint(w->dir) != fingerprint) {
        wk__generation_free(g); /* it changed under our hands: the next look sees the newest */
        return;
    }
    w->seen = fingerprint;
    if (status != WK_OK) {
        refuse(r, k, version, &err);
        return;
    }
    wk_log_write(WK_LOG_INFO, "bot.reload", "model=%s version=%.16s state=warming steps=%llu",
                 w->dir, g->version_text,
                 (unsigned long long)wk_engine_member_warmup_steps(g->member));
    w->candidate = g;
    w->next[w->n_next++] = g;
    for (size_t i = 0; i < w->n_current && (int64_t)w->n_next < about->ensemble.generations; i++)
        w->next[w->n_next++] = w->current[i];
}

static void look(wk__reload *r, size_t k)
{
    watch *w = &r->watches[k];
    uint64_t now = wk__model_fingerprint(w->dir);
    if (now == 0) {
        wk_err err = {.msg = "there is no model.json any more"};
        if (++w->absent == ABSENT_LOOKS)
            refuse(r, k, 0, &err);
        return;
    }
    w->absent = 0;
    if (now == w->seen)
        return;
    /* Without checksums a half copy looks like a model: it must stand still first. */
    if (now != w->unsure && !wk__model_is_published(w->dir)) {
        w->unsure = now;
        return;
    }
    finish_swap(w);
    renew(r, k, now);
}

/* ---- the watcher: the day's summary ---- */

static void summarise(wk__reload *r)
{
    wk_bot *b = r->bot;
    wk_arena arena;
    wk_err err;
    notice n = {.is_summary = true};
    int64_t end_ns = atomic_load(&r->day_end_ns);
    uint64_t seq = atomic_load(&r->day_seq);
    if (end_ns == atomic_load(&r->day_done_ns))
        return;
    drain(r);
    for (int64_t left = 10 * WK_NS_PER_S; /* a stalled disk: then without its newest rows */
         b->journal && left > 0 && wk_journal_durable(b->journal) < seq; left -= PAUSE_NS)
        pause_ns(PAUSE_NS);
    watch *w = &r->watches[0];
    wk_bot_day day = {.from_ns = end_ns - 86400 * WK_NS_PER_S,
                      .to_ns = end_ns,
                      .now_ns = r->how.waits ? atomic_load(&r->day_now_ns) : wk_clock_wall_ns(),
                      .journal = b->config->dir,
                      .model = w->dir,
                      .config = w->current[0]->config};
    wk_panel panel;
    wk__history_columns columns = {.fd = -1};
    wk_arena_init(&arena);
    if (r->history.next > r->history.first && !r->is_broken) {
        if (wk__history_features(&r->history, b->instruments, b->S, b->timeframe_ns, day.config,
                                 end_ns, b->config->dir, &arena, &panel, &columns, &err) == WK_OK) {
            day.panel = &panel;
            day.columns = &columns.columns;
        } else {
            wk_log_write(WK_LOG_WARN, "trade.summary", "features=none why=\"%s\"", err.msg);
        }
    }
    if (r->how.summarise(r->how.ctx, &day, n.text, &err) == WK_OK)
        wk_ring_push(r->notices, &n);
    else
        wk_log_write(WK_LOG_ERROR, "trade.summary", "error=\"%s\"", err.msg);
    wk__history_columns_finish(&columns);
    wk_arena_finish(&arena);
    malloc_trim(0); /* a day's figures are made of many small pieces */
    atomic_store(&r->day_done_ns, end_ns);
}

static void *run(void *context)
{
    wk__reload *r = context;
    int64_t every_ns = (int64_t)(r->bot->config->reload_s * 1e9), next_ns = 0;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10); /* only ever the spare time */
    while (!atomic_load(&r->stop)) {
        uint64_t asked = atomic_load(&r->asked);
        drain(r);
        summarise(r);
        if (asked != atomic_load(&r->looked) || wk_clock_monotonic_ns() >= next_ns) {
            for (size_t k = 0; k < r->n && !r->is_broken && every_ns > 0; k++)
                look(r, k);
            next_ns = wk_clock_monotonic_ns() + every_ns;
        }
        for (size_t k = 0; k < r->n; k++)
            advance(r, k);
        bool again = asked != atomic_load(&r->looked);
        atomic_store(&r->looked, asked);
        if (!again && !wk_ring_used(r->steps))
            pause_ns(PAUSE_NS);
    }
    return NULL;
}

/* ---- begin and end ---- */

/* What a publisher kept of the generations before this one, the newest first. */
static void load_older(wk__reload *r, size_t k)
{
    watch *w = &r->watches[k];
    const wk_bot_model_config *about = (const wk_bot_model_config *)r->bot->config->models.v + k;
    wk_engine_generations list;
    wk_engine_list(r->bot->engine, k, &list);
    for (int64_t number = w->current[0]->number - 1;
         number > 0 && (int64_t)w->n_current < about->ensemble.generations; number--) {
        char dir[4096];
        wk_err err;
        wk__generation *g;
        if (!wk_publish_find(w->dir, number, dir))
            break;
        if (wk__generation_load(r->bot, k, dir, w->current[0]->config, &g, &err) != WK_OK) {
            wk_log_write(WK_LOG_WARN, "bot.reload", "model=%s left_out=\"%s\"", dir, err.msg);
            continue;
        }
        w->current[w->n_current++] = g;
        list.v[list.n++] = g->member;
        journal_model(r->bot, k, g->version, g->version_text, "an older generation, serves too");
    }
    wk_engine_swap(r->bot->engine, k, &list);
}

static wk_status begin(wk__reload *r, wk_err *err)
{
    wk_bot *b = r->bot;
    size_t K = wk_data_outside_names(&b->run_configs[0].data, &b->watch_arena).n;
    wk__step_layout layout = wk__step_layout_of(b->S, K);
    size_t room = RING_BYTES / layout.size_bytes, warmup = wk_engine_warmup_steps(b->engine);
    room = room < RING_STEPS_MIN ? RING_STEPS_MIN : room > RING_STEPS_MAX ? RING_STEPS_MAX : room;
    WK_TRY(wk__history_open(b->config->dir, &layout, warmup + warmup / 4 + HISTORY_SPARE,
                            &r->history, err));
    WK_TRY(wk_ring_create(layout.size_bytes, room, &r->steps, err));
    WK_TRY(wk_ring_create(sizeof(notice), NOTICES, &r->notices, err));
    r->packed = calloc(1, layout.size_bytes);
    r->unpacked = calloc(1, layout.size_bytes);
    r->n = b->n_models;
    r->watches = calloc(r->n, sizeof *r->watches);
    if (!r->packed || !r->unpacked || !r->watches)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t k = 0; k < r->n; k++) {
        watch *w = &r->watches[k];
        wk__generation *g = calloc(1, sizeof *g);
        if (!g)
            return wk_fail(err, WK_E_NOMEM, "out of memory");
        wk_engine_generations list;
        wk_engine_list(b->engine, k, &list);
        w->dir = ((const wk_bot_model_config *)b->config->models.v)[k].dir;
        *g = (wk__generation){
            .model = &b->models[k], .config = &b->run_configs[k], .member = list.v[0]};
        w->current[w->n_current++] = g;
        WK_TRY(wk__model_version(w->dir, &g->version, g->version_text, &g->number, err));
        journal_model(b, k, g->version, g->version_text, "serves from the start");
        load_older(r, k);
    }
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return wk_fail(err, WK_E_IO, "cannot start a thread");
    r->has_thread = true;
    return WK_OK;
}

wk_status wk_bot_watch_models(wk_bot *b, const wk_bot_watch *how, wk_err *err)
{
    WK_ASSERT(!b->reload && b->now_ns == 0);
    if (!(b->config->reload_s > 0) && !how->summarise)
        return WK_OK;
    wk__reload *r = calloc(1, sizeof *r);
    if (!r)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    r->bot = b;
    r->how = *how;
    wk_status status = begin(r, err);
    if (status != WK_OK) {
        wk__reload_close(r);
        return status;
    }
    b->reload = r;
    return WK_OK;
}

void wk__reload_close(wk__reload *r)
{
    if (!r)
        return;
    atomic_store(&r->stop, true);
    if (r->has_thread)
        pthread_join(r->thread, NULL);
    for (size_t k = 0; r->watches && k < r->n; k++) {
        watch *w = &r->watches[k];
        finish_swap(w);
        wk__generation_free(w->candidate);
        for (size_t i = 0; i < w->n_current; i++)
            wk__generation_free(w->current[i]);
    }
    free(r->watches);
    wk_ring_destroy(r->steps);
    wk_ring_destroy(r->notices);
    wk__history_close(&r->history);
    free(r->packed);
    free(r->unpacked);
    free(r);
}
