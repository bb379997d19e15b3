#include "retrain.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/file.h"
#include "wick/journal.h"
#include "wick/log.h"
#include "wick/publish.h"

#define AT(field) offsetof(wk_retrain_config, field)
static const wk_cfg_row rows[] = {
    {"run", WK_CFG_STRING, AT(run), NULL, NULL, 0, 0, NULL, NULL,
     "configuration of the experiment, as wick train takes it"},
    {"set", WK_CFG_STRINGS, AT(set), NULL, "[]", 0, 0, NULL, NULL,
     "changes to it: \"data.root=...\""},
    {"dir", WK_CFG_STRING, AT(dir), NULL, NULL, 0, 0, NULL, NULL,
     "of the challenger, the logs and the journal of decisions"},
    {"publish", WK_CFG_STRING, AT(publish), NULL, NULL, 0, 0, NULL, NULL,
     "where the champion lies; a better challenger takes its place"},
    {"window_days", WK_CFG_REAL, AT(window_days), "days", "730", 0, 1e5, NULL, NULL,
     "rolling training window before the block; 0: everything"},
    {"block_days", WK_CFG_REAL, AT(block_days), "days", "30", 0.01, 1e4, NULL, NULL,
     "newest days, kept from training, on which the two are compared"},
    {"metric", WK_CFG_ENUM, AT(metric), NULL, "\"auc\"", 0, 0, "auc|rank_ic", NULL,
     "of the score against the return over labels.judge_bars"},
    {"margin", WK_CFG_REAL, AT(margin), NULL, "0.002", 0, 1, NULL, NULL,
     "by so much the challenger must be better"},
    {"rows_min", WK_CFG_INT, AT(rows_min), "rows", "200", 1, 1e9, NULL, NULL,
     "with fewer in the block nothing is published"},
    {"nice", WK_CFG_INT, AT(nice), NULL, "10", 0, 19, NULL, NULL, "of the training process"},
    {"threads", WK_CFG_INT, AT(threads), NULL, "0", 0, 1024, NULL, NULL,
     "of the training process; 0: its default"},
    {"keep", WK_CFG_INT, AT(keep), NULL, "1", 1, 15, NULL, NULL,
     "how many former champions stay on disk, for rollback and for a bot's generations"},
    {"fetch", WK_CFG_STRINGS, AT(fetch), NULL, "[]", 0, 0, NULL, NULL,
     "arguments of wick fetch, run before each training, once for every market of the experiment "
     "unless they name a --symbol, with its --timeframe unless they name one; empty: nothing is "
     "fetched"},
    {"prune", WK_CFG_STRING, AT(prune), NULL, "\"\"", 0, 0, NULL, NULL,
     "what wick store prune keeps after that, such as 1h=3y; empty: everything"},
    {.key = NULL}};
const wk_cfg_table wk_retrain_config_table = {"retrain", "renewing a model",
                                              sizeof(wk_retrain_config), rows};

/* ---- a child ---- */

static wk_status run_child(const wk_retrain_config *c, const char **argv, const atomic_bool *stop,
                           wk_err *err)
{
    char log[PATH_MAX];
    int code;
    snprintf(log, sizeof log, "%s/train.log", c->dir);
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        return wk_fail(err, WK_E_IO, "cannot start a process: %s", strerror(errno));
    if (child == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        signal(SIGINT, SIG_DFL);
        signal(SIGTERM, SIG_DFL);
        /* It ends with its parent, however that ends. */
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
            getppid() != parent)
            _exit(126);
        setpriority(PRIO_PROCESS, 0, (int)c->nice);
        execv(argv[0], (char *const *)argv);
        _exit(127);
    }
    for (;;) {
        pid_t done = waitpid(child, &code, WNOHANG);
        if (done == child)
            break;
        if (done < 0 && errno != EINTR)
            return wk_fail(err, WK_E_IO, "cannot wait for %s: %s", argv[1], strerror(errno));
        if (atomic_load(stop)) {
            kill(child, SIGKILL);
            waitpid(child, &code, 0);
            return wk_fail(err, WK_E_CANCELLED, "stopped while wick %s ran", argv[1]);
        }
        struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
    }
    if (WIFEXITED(code) && WEXITSTATUS(code) == 0)
        return WK_OK;
    return wk_fail(err, WK_E_STATE, "wick %s ended with %s %d; see %s", argv[1],
                   WIFEXITED(code) ? "exit code" : "signal",
                   WIFEXITED(code) ? WEXITSTATUS(code) : WTERMSIG(code), log);
}

enum { FETCH_MOST = 60 };

/* The word after `option` among the arguments of fetch; NULL: it is not there. */
static const char *fetch_word(const wk_retrain_config *c, const char *option)
{
    for (size_t i = 0; i + 1 < c->fetch.n; i++)
        if (strcmp(c->fetch.v[i], option) == 0)
            return c->fetch.v[i + 1];
    return NULL;
}

static wk_status fetch_market(const wk_retrain_config *c, const char *program, const char *symbol,
                              int64_t timeframe_ns, const atomic_bool *stop, wk_err *err)
{
    char timeframe[16];
    const char *argv[FETCH_MOST + 7] = {program, "fetch"};
    size_t n = 2;
    for (size_t i = 0; i < c->fetch.n; i++)
        argv[n++] = c->fetch.v[i];
    if (symbol) {
        argv[n++] = "--symbol";
        argv[n++] = symbol;
    }
    if (!fetch_word(c, "--timeframe") && !fetch_word(c, "--what")) {
        argv[n++] = "--timeframe";
        argv[n++] = wk_timeframe_format(timeframe_ns, timeframe);
    }
    return run_child(c, argv, stop, err);
}

static wk_status prune(const wk_retrain_config *c, const char *program, const atomic_bool *stop,
                       wk_err *err)
{
    const char *store = fetch_word(c, "--store");
    const char *argv[] = {program, "store", "prune", "--keep", c->prune, store ? "--store" : NULL,
                          store,   NULL};
    return c->prune[0] ? run_child(c, argv, stop, err) : WK_OK;
}

/* What is new is appended to the store, and what left its window is dropped. */
static wk_status fetch(const wk_retrain_config *c, const char *program, const atomic_bool *stop,
                       wk_err *err)
{
    wk_arena arena;
    wk_run_config run;
    if (c->fetch.n > FETCH_MOST)
        return wk_fail(err, WK_E_CONFIG, "fetch: at most %d arguments", FETCH_MOST);
    wk_arena_init(&arena);
    wk_status status =
        wk_config_load(&wk_run_config_table, c->run, c->set.v, c->set.n, &arena, &run, err);
    bool named = fetch_word(c, "--symbol") != NULL;
    size_t n = c->fetch.n == 0 ? 0 : named ? 1 : run.data.symbols.n;
    for (size_t i = 0; status == WK_OK && i < n; i++)
        status = fetch_market(c, program, named ? NULL : run.data.symbols.v[i],
                              run.data.timeframe_ns, stop, err);
    wk_arena_finish(&arena);
    return status == WK_OK ? prune(c, program, stop, err) : status;
}

/* One fold, whose test block is the newest: the model has seen nothing of it, purged by the labels'
 * ends and split.embargo_bars. */
static wk_status train(const wk_retrain_config *c, const char *program, int64_t block_from_ns,
                       const atomic_bool *stop, wk_err *err)
{
    enum { MOST = 60 };
    char from[32], begin[64], window[64], out[PATH_MAX], threads[24];
    const char *argv[2 * MOST + 24];
    size_t n = 0;
    if (c->set.n > MOST)
        return wk_fail(err, WK_E_CONFIG, "set: at most %d changes", MOST);
    snprintf(out, sizeof out, "%s/challenger", c->dir);
    snprintf(begin, sizeof begin, "split.forecast_from=%s", wk_time_format(block_from_ns, from));
    snprintf(window, sizeof window, "split.train_window_days=%.10g", c->window_days);
    snprintf(threads, sizeof threads, "%lld", (long long)c->threads);
    const char *const fixed[] = {program, "train", c->run, "--out", out};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        argv[n++] = fixed[i];
    if (c->threads) {
        argv[n++] = "--threads";
        argv[n++] = threads;
    }
    const char *const ours[] = {begin, window, "split.refit_months=120", "split.judge_from=null",
                                "split.to=null"};
    for (size_t i = 0; i < c->set.n; i++) {
        argv[n++] = "--set";
        argv[n++] = c->set.v[i];
    }
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        argv[n++] = "--set";
        argv[n++] = ours[i];
    }
    argv[n] = NULL;
    return run_child(c, argv, stop, err);
}

/* ---- what was decided ---- */

static wk_status note(const wk_retrain_config *c, const wk_retrain_result *r, wk_err *err)
{
    char path[PATH_MAX], time[32], from[32], to[32];
    snprintf(path, sizeof path, "%s/retrain.jsonl", c->dir);
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:f, s:o, s:o, s:I, s:I, s:b, s:s, s:s}", "time",
        wk_time_format(wk_clock_wall_ns(), time), "block_from",
        wk_time_format(r->block_from_ns, from), "block_to", wk_time_format(r->block_to_ns, to),
        "metric", c->metric == WK_RETRAIN_RANK_IC ? "rank_ic" : "auc", "margin", c->margin,
        "challenger", isnan(r->challenger) ? json_null() : json_real(r->challenger), "champion",
        isnan(r->champion) ? json_null() : json_real(r->champion), "rows_challenger",
        (json_int_t)r->n_challenger, "rows_champion", (json_int_t)r->n_champion, "published",
        r->published, "version", r->version, "why", r->why);
    char *text = json_dumps(line, 0);
    json_decref(line);
    FILE *f = fopen(path, "ae");
    bool good = f && text && fprintf(f, "%s\n", text) > 0;
    if (f)
        good = fclose(f) == 0 && good;
    free(text);
    if (!good)
        return wk_fail(err, WK_E_IO, "cannot write %s", path);
    /* A journal of its own: that of a running bot has one writer. */
    wk_journal *journal = NULL;
    snprintf(path, sizeof path, "%s/journal.sqlite", c->dir);
    WK_TRY(wk_journal_open(path, &journal, err));
    wk_journal_record record = {.kind = r->published ? WK_JOURNAL_MODEL : WK_JOURNAL_NOTE,
                                .time_ns = wk_clock_wall_ns()};
    snprintf(record.text, sizeof record.text, "%.199s", r->why);
    snprintf(record.venue_id, sizeof record.venue_id, "%.63s", r->version);
    wk_status status = wk_journal_put(journal, &record) > 0
                           ? wk_journal_sync(journal, err)
                           : wk_fail(err, WK_E_IO, "the journal takes no record");
    wk_journal_close(journal);
    return status;
}

/* ---- a round ---- */

/* A champion from elsewhere may know the block; then the comparison favours it, which is said. */
static bool knows_block(const char *model_dir, int64_t block_from_ns)
{
    char path[PATH_MAX];
    int64_t until;
    wk_err err;
    snprintf(path, sizeof path, "%s/reference.json", model_dir);
    json_t *root = json_load_file(path, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "trained_to"));
    bool knows = text && wk_time_parse(text, &until, &err) == WK_OK && until > block_from_ns;
    json_decref(root);
    return knows;
}

/* Where the candles end, and over how many bars scores are judged. */
static wk_status find_block(const wk_retrain_config *c, const wk_store_reader *store,
                            wk_retrain_result *r, int64_t *bars, wk_err *err)
{
    wk_arena arena;
    wk_run_config run;
    wk_dataset d = {0};
    wk_arena_init(&arena);
    wk_status status =
        wk_config_load(&wk_run_config_table, c->run, c->set.v, c->set.n, &arena, &run, err);
    if (status == WK_OK)
        status = wk_dataset_load_panel(&run, store, &d, err);
    if (status == WK_OK) {
        int64_t tf = d.panel.timeframe_ns, length = (int64_t)(c->block_days * 86400e9) / tf * tf;
        r->block_to_ns = d.panel.start_ns + (int64_t)d.panel.T * tf;
        r->block_from_ns = r->block_to_ns - length;
        *bars = run.labels.judge_bars;
        if (length < tf || r->block_from_ns <= d.panel.start_ns)
            status = wk_fail(err, WK_E_DATA, "block_days %g: the candles do not reach back so far",
                             c->block_days);
        wk_dataset_finish(&d);
    }
    wk_arena_finish(&arena);
    return status;
}

/* The verdict is of the experiment, which the challenger is another fold of; it goes with the
 * model.
 */
static wk_status hand_on_verdict(const char *from, const char *to, wk_err *err)
{
    char source[PATH_MAX], target[PATH_MAX], *text;
    size_t n;
    if (snprintf(source, sizeof source, "%s/verdict.json", from) >= (int)sizeof source ||
        snprintf(target, sizeof target, "%s/verdict.json", to) >= (int)sizeof target)
        return wk_fail(err, WK_E_IO, "path too long: %s", to);
    if (!wk_file_exists(source) || wk_file_exists(target))
        return WK_OK;
    WK_TRY(wk_file_read(source, &text, &n, err));
    wk_status status = wk_file_write_atomic(target, text, n, err);
    free(text);
    return status;
}

wk_status wk_retrain_once(const wk_retrain_config *c, const char *program,
                          const wk_store_reader *store, const wk_loop *loop,
                          const atomic_bool *stop, wk_retrain_result *out, wk_err *err)
{
    char challenger[PATH_MAX];
    int64_t bars = 0;
    wk_retrain_result r = {.challenger = NAN, .champion = NAN};
    WK_TRY(wk_dir_create(c->dir, err));
    WK_TRY(fetch(c, program, stop, err));
    WK_TRY(find_block(c, store, &r, &bars, err));
    WK_TRY(train(c, program, r.block_from_ns, stop, err));
    snprintf(challenger, sizeof challenger, "%s/challenger/model", c->dir);
    WK_TRY(wk_retrain_judge(challenger, NULL, 0, store, loop, r.block_from_ns, bars, c->metric,
                            &r.challenger, &r.n_challenger, err));
    bool has_champion = wk_file_exists(c->publish);
    if (has_champion) {
        wk_err why;
        wk_status status =
            wk_retrain_judge(c->publish, c->set.v, c->set.n, store, loop, r.block_from_ns, bars,
                             c->metric, &r.champion, &r.n_champion, &why);
        if (status == WK_E_MODEL) /* damaged: whatever loads is better */
            has_champion = false;
        else if (status != WK_OK)
            return wk_fail(err, status, "the champion %s: %.900s", c->publish, why.msg);
    }
    wk_retrain_decide(c, has_champion, &r);
    if (has_champion && knows_block(c->publish, r.block_from_ns)) {
        size_t n = strlen(r.why);
        snprintf(r.why + n, sizeof r.why - n, "; the champion was trained on part of the block");
    }
    if (r.published) {
        wk_manifest p;
        if (has_champion)
            WK_TRY(hand_on_verdict(c->publish, challenger, err));
        WK_TRY(wk_publish_keep(challenger, c->publish, c->keep, &p, err));
        snprintf(r.version, sizeof r.version, "%s", p.version);
    }
    wk_log_write(WK_LOG_INFO, "retrain", "published=%d why=\"%s\"", (int)r.published, r.why);
    WK_TRY(note(c, &r, err));
    *out = r;
    return WK_OK;
}

wk_status wk_retrain_rollback(const wk_retrain_config *c, wk_retrain_result *out, wk_err *err)
{
    wk_manifest p;
    wk_retrain_result r = {.challenger = NAN, .champion = NAN, .published = true};
    WK_TRY(wk_dir_create(c->dir, err));
    WK_TRY(wk_publish_rollback(c->publish, &p, err));
    snprintf(r.version, sizeof r.version, "%s", p.version);
    snprintf(r.why, sizeof r.why, "rolled back to publication %lld", (long long)p.number);
    wk_log_write(WK_LOG_INFO, "retrain", "why=\"%s\" version=%.16s", r.why, r.version);
    WK_TRY(note(c, &r, err));
    *out = r;
    return WK_OK;
}

int64_t wk_retrain_next_ns(int64_t due_ns, int64_t every_ns, int64_t now_ns)
{
    int64_t next = due_ns + every_ns;
    /* What was missed is one round: the grid's newest point that has passed. */
    return next >= now_ns ? next : next + (now_ns - next) / every_ns * every_ns;
}
