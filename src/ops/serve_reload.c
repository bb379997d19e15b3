/* Newer generations under a running service. A thread of its own loads them and warms a forecaster
 * for every session on the steps that the session has seen (kept in one nameless file); the thread
 * that serves takes both over between requests: the model for what has no state, at once, and for
 * each session when its forecaster has seen what its old one knows. Sessions without room in the
 * file feed both until the new one is warm. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "generation.h"
#include "serve_predict.h"
#include "wick/clock.h"
#include "wick/log.h"

enum { PAUSE_NS = 20000000 };

/* A session's way to another generation: planned and warmed by the loader, then its session's. */
struct wk__serve_move {
    wk__serve_move *next;
    wk__serve_session *session; /* the serving thread's: NULL when it has ended */
    atomic_bool cancelled;
    wk__serve_core *core;
    wk_arena arena;
    wk_forecaster *forecaster;
    wk_forecast *forecasts;
    wk__history history; /* as it was when the move began */
    const char (*symbols)[32];
    size_t S;
    uint64_t at, n_steps; /* next step it wants, and how many it has seen */
    bool is_complete, is_attached;
    wk_status status;
    wk_err err;
};

/* What a new generation must have in common with the first. */
typedef struct {
    const wk_serve_model_config *about;
    size_t S;
    char (*symbols)[32];
    int64_t timeframe_ns;
    wk_strings outside;
    uint64_t seen, unsure, version;
} watched;

struct wk__serve_reload {
    wk_arena arena;
    size_t n;
    watched *models;
    int64_t every_ns;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop, has_news;
    atomic_uint_fast64_t asked, looked;
    pthread_mutex_t lock;
    wk__serve_move *wanted, *done; /* under the lock */
    wk__serve_model *ready;        /* [n] under the lock; core NULL: none */
    /* The serving thread's: */
    wk__history file;
    size_t n_slots, n_free, *slots; /* free ones */
    size_t n_moving;                /* sessions that feed both */
};

/* ---- the loader ---- */

static void *read_buffer(const wk__step_layout *layout)
{
    void *buffer = malloc(layout->size_bytes);
    WK_ASSERT(buffer);
    return buffer;
}

/* Feeds the steps [move->at, history->next) of the session's past. */
static wk_status feed(wk__serve_move *m, const wk__history *history, wk_err *err)
{
    wk_status status = WK_OK;
    void *record = read_buffer(&history->layout);
    for (; status == WK_OK && m->at < history->next && !atomic_load(&m->cancelled); m->at++) {
        wk_features_step step;
        status = wk__history_read(history, m->at, record, err);
        if (status != WK_OK)
            break;
        wk__step_unpack(&history->layout, record, &step);
        wk_forecaster_push(m->forecaster, &step, m->forecasts);
        m->n_steps++;
    }
    free(record);
    return status;
}

static void warm(wk__serve_move *m)
{
    wk_arena_init(&m->arena);
    m->forecasts = wk_arena_array(&m->arena, wk_forecast, m->S);
    m->status = wk_forecaster_plan(&m->arena, &m->core->model, &m->core->config, m->symbols, m->S,
                                   &m->forecaster, &m->err);
    if (m->status != WK_OK || !m->history.capacity)
        return;
    wk_arena_freeze(&m->arena);
    m->at = m->history.first;
    m->is_complete = m->at == 0;
    m->status = feed(m, &m->history, &m->err);
}

static wk_status check(const watched *w, const wk__serve_model *m, wk_err *err)
{
    bool same = m->S == w->S && m->config.data.timeframe_ns == w->timeframe_ns &&
                m->K == w->outside.n && memcmp(m->symbols, w->symbols, w->S * 32) == 0;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_strings outside = wk_data_outside_names(&m->config.data, &arena);
    for (size_t i = 0; same && i < outside.n; i++)
        same = strcmp(outside.v[i], w->outside.v[i]) == 0;
    wk_arena_finish(&arena);
    return same ? WK_OK
                : wk_fail(err, WK_E_MODEL,
                          "%s: its markets, their order, the timeframe or the outside series "
                          "differ from those of the model before; restart the service",
                          w->about->dir);
}

static void look(wk__serve_reload *r, size_t k)
{
    watched *w = &r->models[k];
    const char *dir = w->about->dir;
    uint64_t now = wk__model_fingerprint(dir), version = 0;
    if (now == 0 || now == w->seen)
        return;
    if (now != w->unsure && !wk__model_is_published(dir)) {
        w->unsure = now; /* without checksums it must stand still first */
        return;
    }
    wk__serve_model m;
    wk_err err;
    int64_t number;
    char text[65];
    wk_status status = wk__model_version(dir, &version, text, &number, &err);
    if (status == WK_OK && version == w->version) {
        w->seen = now;
        return;
    }
    if (status == WK_OK)
        status = wk__serve_model_load(w->about, &m, &err);
    bool is_loaded = status == WK_OK;
    if (status == WK_OK)
        status = check(w, &m, &err);
    bool is_still = wk__model_fingerprint(dir) == now;
    if (is_loaded && (status != WK_OK || !is_still))
        wk__serve_core_release(m.core);
    if (!is_still)
        return; /* it changed under our hands: the next look sees the newest */
    w->seen = now;
    if (status != WK_OK) {
        wk_log_write(WK_LOG_WARN, "serve.reload",
                     "refused=\"%s\" note=\"the one before serves on\"", err.msg);
        return;
    }
    w->version = version;
    pthread_mutex_lock(&r->lock);
    wk__serve_core_release(r->ready[k].core);
    r->ready[k] = m;
    pthread_mutex_unlock(&r->lock);
    atomic_store(&r->has_news, true);
}

static void *run(void *context)
{
    wk__serve_reload *r = context;
    int64_t next_ns = 0;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    while (!atomic_load(&r->stop)) {
        uint64_t asked = atomic_load(&r->asked);
        pthread_mutex_lock(&r->lock);
        wk__serve_move *m = r->wanted;
        if (m)
            r->wanted = m->next;
        pthread_mutex_unlock(&r->lock);
        if (m) {
            warm(m);
            pthread_mutex_lock(&r->lock);
            m->next = r->done;
            r->done = m;
            pthread_mutex_unlock(&r->lock);
            atomic_store(&r->has_news, true);
            continue;
        }
        if (asked != atomic_load(&r->looked) || wk_clock_monotonic_ns() >= next_ns) {
            for (size_t k = 0; k < r->n; k++)
                look(r, k);
            next_ns = wk_clock_monotonic_ns() + r->every_ns;
            atomic_store(&r->looked, asked);
        }
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    return NULL;
}

/* ---- the serving thread ---- */

static void end_move(wk__serve_move *m)
{
    wk__serve_core_release(m->core);
    wk_arena_finish(&m->arena);
    free(m);
}

/* Whoever has it frees it: the session when it feeds both, else the next look at what is done. */
static void cancel(wk__serve_reload *r, wk__serve_session *s)
{
    wk__serve_move *m = s->move;
    s->move = NULL;
    if (!m)
        return;
    m->session = NULL;
    atomic_store(&m->cancelled, true);
    if (m->is_attached) {
        r->n_moving--;
        end_move(m);
    }
}

static void begin_move(wk__serve_reload *r, wk__serve_session *s)
{
    wk__serve_move *m = calloc(1, sizeof *m);
    WK_ASSERT(m);
    cancel(r, s);
    m->session = s;
    m->core = s->model->core;
    m->core->n_users++;
    m->symbols = (const char(*)[32])s->model->symbols;
    m->S = s->model->S;
    m->history = s->history;
    s->move = m;
    pthread_mutex_lock(&r->lock);
    m->next = r->wanted;
    r->wanted = m;
    pthread_mutex_unlock(&r->lock);
}

/* The session goes on with the new generation. True: it was warm. */
static bool swap(wk__serve_predictor *p, wk__serve_session *s)
{
    wk__serve_move *m = s->move;
    if (!m->is_complete && m->n_steps < wk_forecaster_warmup_bars(m->forecaster))
        return false;
    wk__serve_core *core = s->core;
    wk_arena arena = s->arena;
    s->core = m->core;
    s->arena = m->arena;
    s->forecaster = m->forecaster;
    s->forecasts = m->forecasts;
    m->core = core; /* goes with the move */
    m->arena = arena;
    s->move = NULL;
    p->counts.sessions_moved++;
    end_move(m);
    return true;
}

static void take_done(wk__serve_predictor *p, wk__serve_move *m)
{
    wk__serve_reload *r = p->reload;
    wk__serve_session *s = m->session;
    if (!s) {
        end_move(m);
        return;
    }
    /* What came meanwhile; when even that is gone from the file, once more. */
    wk_err err = m->err;
    bool lacks = s->history.capacity && m->status == WK_OK && m->at < s->history.first;
    if (m->status == WK_OK && s->history.capacity && !lacks)
        m->status = feed(m, &s->history, &err);
    if (lacks) {
        s->move = NULL;
        end_move(m);
        begin_move(r, s);
        return;
    }
    if (m->status != WK_OK) {
        wk_log_write(WK_LOG_WARN, "serve.reload", "session=\"%s\" why=\"%s\"", s->name, err.msg);
        s->move = NULL;
        end_move(m);
        return;
    }
    m->is_attached = true;
    if (!swap(p, s))
        r->n_moving++;
}

static void install(wk__serve_predictor *p, size_t k, const wk__serve_model *fresh)
{
    wk__serve_model *m = &p->models[k];
    wk__serve_core *before = m->core;
    wk_log_write(WK_LOG_INFO, "serve.reload", "model=%s version=%s before=%s", m->name,
                 fresh->version, m->version);
    char name[WK__SERVE_NAME_BYTES];
    memcpy(name, m->name, sizeof name);
    *m = *fresh;
    memcpy(m->name, name, sizeof name);
    wk__serve_core_release(before);
    p->counts.models_swapped++;
    for (wk__serve_session *s = p->newest; s; s = s->older)
        if (s->model == m)
            begin_move(p->reload, s);
}

void wk__serve_reload_poll(wk__serve_predictor *p)
{
    wk__serve_reload *r = p->reload;
    if (!r)
        return;
    for (wk__serve_session *s = r->n_moving ? p->newest : NULL; s; s = s->older)
        if (s->move && s->move->is_attached && swap(p, s))
            r->n_moving--;
    if (!atomic_exchange(&r->has_news, false))
        return;
    wk__serve_model ready[r->n];
    pthread_mutex_lock(&r->lock);
    memcpy(ready, r->ready, sizeof ready);
    memset(r->ready, 0, r->n * sizeof *r->ready);
    wk__serve_move *done = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->lock);
    while (done) {
        wk__serve_move *next = done->next;
        take_done(p, done);
        done = next;
    }
    for (size_t k = 0; k < r->n; k++)
        if (ready[k].core)
            install(p, k, &ready[k]);
}

void wk__serve_reload_begin(wk__serve_predictor *p, wk__serve_session *s)
{
    wk__serve_reload *r = p->reload;
    s->slot = SIZE_MAX;
    if (!r || r->n_free == 0)
        return;
    s->slot = r->slots[--r->n_free];
    wk__history_part(&r->file, s->slot, &s->history);
    s->history.layout = wk__step_layout_of(s->model->S, s->model->K);
}

void wk__serve_reload_step(wk__serve_predictor *p, wk__serve_session *s,
                           const wk_features_step *step)
{
    wk_err err;
    if (!p->reload)
        return;
    if (s->history.capacity) {
        uint64_t room[1 + s->history.layout.size_bytes / sizeof(uint64_t)];
        wk__step_pack(&s->history.layout, s->history.next, step, room);
        if (wk__history_append(&s->history, room, &err) != WK_OK) {
            wk_log_write(WK_LOG_WARN, "serve.reload", "session=\"%s\" why=\"%s\"", s->name,
                         err.msg);
            s->history.capacity = 0; /* it warms on what comes */
        }
    }
    if (s->move && s->move->is_attached) {
        wk_forecaster_push(s->move->forecaster, step, s->move->forecasts);
        s->move->n_steps++;
        s->move->at++;
    }
}

void wk__serve_reload_end(wk__serve_predictor *p, wk__serve_session *s)
{
    if (!p->reload)
        return;
    cancel(p->reload, s);
    if (s->slot != SIZE_MAX)
        p->reload->slots[p->reload->n_free++] = s->slot;
}

void wk__serve_reload_settle(wk__serve_predictor *p)
{
    wk__serve_reload *r = p->reload;
    for (int round = 0; r && round < 3; round++) {
        uint64_t asked = atomic_fetch_add(&r->asked, 1) + 1;
        while (atomic_load(&r->looked) < asked)
            nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS / 10}, NULL);
        wk__serve_reload_poll(p);
    }
}

/* ---- begin and end ---- */

static wk_status begin(wk__serve_predictor *p, wk__serve_reload *r, wk_err *err)
{
    const wk_serve_config *config = p->config;
    wk__step_layout largest = {0};
    size_t steps = 0;
    wk_arena_init(&r->arena);
    r->n = p->n_models;
    r->every_ns = (int64_t)(config->reload_s * 1e9);
    r->models = wk_arena_array(&r->arena, watched, r->n);
    r->ready = wk_arena_array(&r->arena, wk__serve_model, r->n);
    for (size_t k = 0; k < r->n; k++) {
        const wk__serve_model *m = &p->models[k];
        watched *w = &r->models[k];
        *w = (watched){.about = (const wk_serve_model_config *)config->models.v + k,
                       .S = m->S,
                       .timeframe_ns = m->config.data.timeframe_ns,
                       .version = strtoull(m->version, NULL, 16),
                       .outside = wk_data_outside_names(&m->config.data, &r->arena)};
        w->symbols = wk_arena_alloc(&r->arena, m->S * sizeof *w->symbols);
        memcpy(w->symbols, m->symbols, m->S * sizeof *w->symbols);
        for (size_t i = 0; i < w->outside.n; i++)
            w->outside.v[i] = wk_arena_strdup(&r->arena, w->outside.v[i]);
        wk__step_layout layout = wk__step_layout_of(m->S, m->K);
        largest = layout.size_bytes > largest.size_bytes ? layout : largest;
        steps = m->warmup_bars > steps ? m->warmup_bars : steps;
    }
    steps += steps / 4 + 64;
    r->n_slots = (size_t)config->history_mib * (1 << 20) / (steps * largest.size_bytes);
    size_t most = (size_t)config->sessions_max + r->n;
    r->n_slots = r->n_slots < most ? r->n_slots : most;
    if (r->n_slots)
        WK_TRY(wk__history_open("", &largest, steps, &r->file, err));
    r->slots = wk_arena_array(&r->arena, size_t, r->n_slots + 1);
    while (r->n_free < r->n_slots) {
        r->slots[r->n_free] = r->n_slots - 1 - r->n_free;
        r->n_free++;
    }
    pthread_mutex_init(&r->lock, NULL);
    if (pthread_create(&r->thread, NULL, run, r) != 0)
        return wk_fail(err, WK_E_IO, "cannot start a thread");
    r->has_thread = true;
    return WK_OK;
}

wk_status wk__serve_reload_open(wk__serve_predictor *p, wk_err *err)
{
    if (!(p->config->reload_s > 0))
        return WK_OK;
    p->reload = calloc(1, sizeof *p->reload);
    if (!p->reload)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    return begin(p, p->reload, err);
}

void wk__serve_reload_close(wk__serve_predictor *p)
{
    wk__serve_reload *r = p->reload;
    if (!r)
        return;
    atomic_store(&r->stop, true);
    if (r->has_thread)
        pthread_join(r->thread, NULL);
    wk__serve_move *lists[] = {r->wanted, r->done};
    for (size_t i = 0; i < 2; i++)
        while (lists[i]) {
            wk__serve_move *next = lists[i]->next;
            end_move(lists[i]);
            lists[i] = next;
        }
    for (size_t k = 0; k < r->n; k++)
        wk__serve_core_release(r->ready[k].core);
    wk__history_close(&r->file);
    wk_arena_finish(&r->arena);
    free(r);
    p->reload = NULL;
}
