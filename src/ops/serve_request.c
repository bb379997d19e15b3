#include "serve_request.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_number.h"
#include "wick/clock.h"

/* No token of ours is further in: batch, request, steps, step, bars, bar. */
enum { TOKENS_FIRST = 1024 };

bool wk__serve_refuse(wk__serve_problem *problem, int status, const char *code, const char *fmt,
                      ...)
{
    va_list args;
    problem->status = status;
    problem->code = code;
    va_start(args, fmt);
    vsnprintf(problem->message, sizeof problem->message, fmt, args);
    va_end(args);
    return false;
}

static void *grow(void *old, size_t n, size_t size)
{
    void *grown = realloc(old, n * size);
    WK_ASSERT(grown);
    return grown;
}

void wk__serve_parser_finish(wk__serve_parser *p)
{
    if (!p)
        return;
    free(p->tokens);
    free(p->requests);
    free(p->request.time_ns);
    free(p->request.bars);
    free(p->request.provenance);
    free(p->request.funding);
    free(p->request.outside);
    free(p->request.rows);
    free(p->request.sigma);
    *p = (wk__serve_parser){0};
}

static const wk__json_token *token_at(const wk__serve_parser *p, uint32_t i)
{
    return &p->tokens[i];
}

static uint32_t count(const wk__serve_parser *p, uint32_t array)
{
    uint32_t n = 0;
    for (uint32_t i = array + 1; i < token_at(p, array)->next; i = token_at(p, i)->next)
        n++;
    return n;
}

static bool bad(wk__serve_problem *problem, const char *where, const char *what)
{
    return wk__serve_refuse(problem, 400, "bad_request", "%s: %s", where, what);
}

/* ---- the body as a whole ---- */

static bool scan_batch(wk__serve_parser *p, uint32_t list, wk__serve_problem *problem)
{
    if (token_at(p, list)->kind != WK__JSON_ARRAY)
        return bad(problem, "requests", "must be an array of requests");
    size_t n = count(p, list), at = 0;
    if (n == 0)
        return bad(problem, "requests", "is empty");
    if (n > (size_t)p->batch_max)
        return wk__serve_refuse(problem, 413, "too_large",
                                "requests: %zu of them; at most %lld go into one batch", n,
                                (long long)p->batch_max);
    if (n > p->requests_max) {
        p->requests = grow(p->requests, n, sizeof *p->requests);
        p->requests_max = n;
    }
    for (uint32_t i = list + 1; i < token_at(p, list)->next; i = token_at(p, i)->next)
        p->requests[at++] = i;
    p->n_requests = n;
    p->is_batch = true;
    return true;
}

size_t wk__serve_scan(wk__serve_parser *p, const char *text, size_t n, wk__serve_problem *problem)
{
    const char *reason = "";
    size_t at = 0;
    if (!p->tokens) {
        p->tokens = grow(NULL, TOKENS_FIRST, sizeof *p->tokens);
        p->tokens_max = TOKENS_FIRST;
    }
    wk__json_result result;
    while ((result = wk__json_scan(text, n, p->tokens, p->tokens_max, &p->n_tokens, &reason,
                                   &at)) == WK__JSON_FULL) {
        p->tokens_max =
            4 * p->tokens_max < WK__JSON_TOKENS_MAX ? 4 * p->tokens_max : WK__JSON_TOKENS_MAX;
        p->tokens = grow(p->tokens, p->tokens_max, sizeof *p->tokens);
    }
    if (result == WK__JSON_BROKEN) {
        wk__serve_refuse(problem, 400, "bad_json", "the body is no JSON: %s, at byte %zu", reason,
                         at);
        return 0;
    }
    p->json = (wk__json){text, p->tokens};
    if (token_at(p, 0)->kind != WK__JSON_OBJECT) {
        bad(problem, "the body", "must be an object");
        return 0;
    }
    if (!p->requests) {
        p->requests = grow(NULL, 1, sizeof *p->requests);
        p->requests_max = 1;
    }
    p->requests[0] = 0;
    p->n_requests = 1;
    p->is_batch = false;
    if (p->n_tokens > 2 && wk__json_equals(&p->json, 1, "requests")) {
        if (token_at(p, 2)->next != p->n_tokens) {
            bad(problem, "requests", "stands alone; other keys belong into the requests");
            return 0;
        }
        return scan_batch(p, 2, problem) ? p->n_requests : 0;
    }
    return 1;
}

/* ---- values ---- */

static bool read_number(const wk__serve_parser *p, uint32_t i, double *out)
{
    const wk__json_token *token = token_at(p, i);
    return token->kind == WK__JSON_NUMBER &&
           wk__serve_number_read(p->json.text + token->start, token->n, out);
}

static bool read_name(const wk__serve_parser *p, uint32_t i, const char *key, char *out,
                      wk__serve_problem *problem)
{
    if (token_at(p, i)->kind != WK__JSON_STRING)
        return bad(problem, key, "must be a string");
    size_t n = wk__json_decode(&p->json, i, out, WK__SERVE_NAME_BYTES);
    if (n == SIZE_MAX || n == 0 || strlen(out) != n)
        return bad(problem, key, "must have 1 to 63 bytes");
    return true;
}

/* Milliseconds since 1970, or "2024-06-30T23:00:00Z". */
static bool read_time(const wk__serve_parser *p, uint32_t i, int64_t *out,
                      wk__serve_problem *problem)
{
    const wk__json_token *token = token_at(p, i);
    char text[32];
    double ms;
    wk_err unread;
    if (read_number(p, i, &ms)) {
        if (!(ms >= 0 && ms < 4e12) || ms != (double)(int64_t)ms)
            return bad(problem, "time", "must be whole milliseconds since 1970, before 2096");
        *out = (int64_t)ms * 1000000;
        return true;
    }
    if (token->kind != WK__JSON_STRING ||
        wk__json_decode(&p->json, i, text, sizeof text) == SIZE_MAX ||
        wk_time_parse(text, out, &unread) != WK_OK || *out < 0)
        return bad(problem, "time",
                   "write the bar's open as 2024-06-30T23:00:00Z or in milliseconds since 1970");
    return true;
}

static bool read_bar(const wk__serve_parser *p, uint32_t i, int64_t time_ns, wk_bar *bar,
                     uint8_t *provenance, wk__serve_problem *problem)
{
    double v[5];
    if (token_at(p, i)->kind == WK__JSON_NULL) {
        *bar = (wk_bar){time_ns, NAN, NAN, NAN, NAN, NAN};
        *provenance = WK_PROV_UNKNOWN;
        return true;
    }
    if (token_at(p, i)->kind != WK__JSON_ARRAY || count(p, i) != 5)
        return bad(problem, "bars", "a bar is [open, high, low, close, volume] or null");
    for (uint32_t k = 0; k < 5; k++)
        if (!read_number(p, i + 1 + k, &v[k]))
            return bad(problem, "bars", "open, high, low, close and volume are finite numbers");
    *bar = (wk_bar){time_ns, v[0], v[1], v[2], v[3], v[4]};
    *provenance = WK_PROV_TRADED;
    const char *wrong = wk_bar_problem(bar);
    if (wrong) {
        char time[32];
        return wk__serve_refuse(problem, 400, "bad_bar", "the bar at %s is impossible: %s",
                                wk_time_format(time_ns, time), wrong);
    }
    return true;
}

/* Numbers or null into out [n]. */
static bool read_reals(const wk__serve_parser *p, uint32_t list, const char *key, size_t n,
                       double *out, wk__serve_problem *problem)
{
    if (token_at(p, list)->kind != WK__JSON_ARRAY || count(p, list) != n)
        return wk__serve_refuse(problem, 400, "bad_request", "%s: must be an array of %zu", key, n);
    for (uint32_t i = list + 1; i < token_at(p, list)->next; i = token_at(p, i)->next) {
        if (token_at(p, i)->kind == WK__JSON_NULL)
            *out = NAN;
        else if (!read_number(p, i, out))
            return bad(problem, key, "must hold finite numbers or null");
        out++;
    }
    return true;
}

/* ---- keys ---- */

/* values[i] of names [n_names]; anything else is refused. */
static bool read_keys(const wk__serve_parser *p, uint32_t object, const char *what,
                      const char *const *names, size_t n_names, uint32_t *values,
                      wk__serve_problem *problem)
{
    if (token_at(p, object)->kind != WK__JSON_OBJECT)
        return bad(problem, what, "must be an object");
    for (size_t k = 0; k < n_names; k++)
        values[k] = WK__JSON_ABSENT;
    for (uint32_t i = object + 1; i < token_at(p, object)->next;) {
        size_t k = 0;
        while (k < n_names && !wk__json_equals(&p->json, i, names[k]))
            k++;
        if (k == n_names || values[k] != WK__JSON_ABSENT) {
            char key[40];
            wk__json_decode(&p->json, i, key, sizeof key);
            return wk__serve_refuse(problem, 400, "bad_request", "%s: the key \"%s\" %s", what, key,
                                    k == n_names ? "is unknown" : "stands twice");
        }
        values[k] = token_at(p, i)->next;
        i = token_at(p, values[k])->next;
    }
    return true;
}

/* ---- steps ---- */

static void room_for_steps(wk__serve_parser *p, size_t n, size_t S)
{
    wk__serve_request *r = &p->request;
    if (n > p->steps_room) {
        r->time_ns = grow(r->time_ns, n, sizeof *r->time_ns);
        r->sigma = grow(r->sigma, n, sizeof *r->sigma);
        p->steps_room = n;
    }
    if (n * S > p->bars_room) {
        r->bars = grow(r->bars, n * S, sizeof *r->bars);
        r->provenance = grow(r->provenance, n * S, 1);
        r->funding = grow(r->funding, n * S, sizeof *r->funding);
        p->bars_room = n * S;
    }
}

enum { TIME, BARS, FUNDING, OUTSIDE, N_STEP_KEYS };
static const char *const step_keys[] = {"time", "bars", "funding", "outside"};

static bool read_outside(wk__serve_parser *p, uint32_t list, size_t t, wk__serve_problem *problem)
{
    wk__serve_request *r = &p->request;
    if (token_at(p, list)->kind != WK__JSON_ARRAY || count(p, list) != r->S)
        return bad(problem, "outside", "must be an array of one array a market");
    size_t s = 0;
    for (uint32_t i = list + 1; i < token_at(p, list)->next; i = token_at(p, i)->next, s++) {
        size_t K = token_at(p, i)->kind == WK__JSON_ARRAY ? count(p, i) : 0;
        if (K == 0 || K > WK__SERVE_VALUES_MAX || (r->K && K != r->K))
            return bad(problem, "outside", "must hold the same number of values for every market");
        if (!r->K) {
            size_t cells = r->n * r->S * K;
            if (t > 0 || cells > p->n_tokens)
                return bad(problem, "outside", "must stand in every step or in none");
            if (cells > p->outside_room) {
                r->outside = grow(r->outside, cells, sizeof *r->outside);
                p->outside_room = cells;
            }
            r->K = K;
        }
        if (!read_reals(p, i, "outside", K, r->outside + (t * r->S + s) * K, problem))
            return false;
    }
    return true;
}

/* "candles" and "steps" are arrays of what "step" is: a message says so. */
static bool read_step_keys(const wk__serve_parser *p, uint32_t step, uint32_t *v,
                           wk__serve_problem *problem)
{
    if (token_at(p, step)->kind != WK__JSON_OBJECT)
        return bad(problem, "step",
                   "must be {\"time\", \"bars\"}, and steps or candles an array of these");
    return read_keys(p, step, "step", step_keys, N_STEP_KEYS, v, problem);
}

static bool read_step(wk__serve_parser *p, uint32_t step, size_t t, wk__serve_problem *problem)
{
    wk__serve_request *r = &p->request;
    uint32_t v[N_STEP_KEYS];
    if (!read_step_keys(p, step, v, problem))
        return false;
    if (v[TIME] == WK__JSON_ABSENT || v[BARS] == WK__JSON_ABSENT)
        return bad(problem, "step", "needs time and bars");
    if (!read_time(p, v[TIME], &r->time_ns[t], problem))
        return false;
    if (token_at(p, v[BARS])->kind != WK__JSON_ARRAY || count(p, v[BARS]) != r->S)
        return wk__serve_refuse(problem, 400, "bad_request",
                                "bars: step %zu has not the %zu bars of the first", t, r->S);
    size_t cell = t * r->S;
    for (uint32_t i = v[BARS] + 1; i < token_at(p, v[BARS])->next; i = token_at(p, i)->next, cell++)
        if (!read_bar(p, i, r->time_ns[t], &r->bars[cell], &r->provenance[cell], problem))
            return false;
    for (size_t s = 0; s < r->S; s++)
        r->funding[t * r->S + s] = NAN;
    if (v[FUNDING] != WK__JSON_ABSENT &&
        !read_reals(p, v[FUNDING], "funding", r->S, r->funding + t * r->S, problem))
        return false;
    if (v[OUTSIDE] == WK__JSON_ABSENT)
        return r->K == 0 || bad(problem, "outside", "must stand in every step or in none");
    return read_outside(p, v[OUTSIDE], t, problem);
}

/* How many bars the first step has. */
static bool first_bars(const wk__serve_parser *p, uint32_t step, size_t *S,
                       wk__serve_problem *problem)
{
    uint32_t v[N_STEP_KEYS];
    if (!read_step_keys(p, step, v, problem))
        return false;
    *S = v[BARS] != WK__JSON_ABSENT && token_at(p, v[BARS])->kind == WK__JSON_ARRAY
             ? count(p, v[BARS])
             : 0;
    if (*S == 0 || *S > WK__SERVE_SYMBOLS_MAX)
        return bad(problem, "bars", "must hold one bar, or null, for each market of the model");
    return true;
}

static bool read_steps(wk__serve_parser *p, uint32_t value, bool is_list,
                       wk__serve_problem *problem)
{
    wk__serve_request *r = &p->request;
    if (is_list && token_at(p, value)->kind != WK__JSON_ARRAY)
        return bad(problem, "steps", "must be an array of steps");
    uint32_t first = is_list ? value + 1 : value;
    r->n = is_list ? count(p, value) : 1;
    if (r->n == 0)
        return bad(problem, "steps", "is empty");
    if (r->n > (size_t)p->steps_max)
        return wk__serve_refuse(problem, 413, "too_large",
                                "%zu steps; at most %lld go into one request", r->n,
                                (long long)p->steps_max);
    if (!first_bars(p, first, &r->S, problem))
        return false;
    /* Every bar is a token at least: so much room and no more. */
    if (r->n * r->S > p->n_tokens)
        return bad(problem, "bars", "every step has as many as the first");
    room_for_steps(p, r->n, r->S);
    uint32_t i = first;
    for (size_t t = 0; t < r->n; t++, i = token_at(p, i)->next)
        if (!read_step(p, i, t, problem))
            return false;
    return true;
}

/* ---- rows ---- */

static bool read_row(wk__serve_parser *p, uint32_t list, size_t row, wk__serve_problem *problem)
{
    wk__serve_request *r = &p->request;
    if (token_at(p, list)->kind != WK__JSON_ARRAY || count(p, list) != r->F)
        return bad(problem, "rows", "every row has the same number of features");
    float *out = r->rows + row * r->F;
    for (uint32_t i = list + 1; i < token_at(p, list)->next; i = token_at(p, i)->next) {
        double x = NAN;
        if (token_at(p, i)->kind != WK__JSON_NULL && !read_number(p, i, &x))
            return bad(problem, "rows", "features are finite numbers or null");
        *out++ = fabs(x) > 3.4e38 ? (x > 0 ? 3.4e38f : -3.4e38f) : (float)x;
    }
    return true;
}

static bool read_rows(wk__serve_parser *p, uint32_t value, uint32_t sigma, bool is_list,
                      wk__serve_problem *problem)
{
    wk__serve_request *r = &p->request;
    uint32_t first = is_list ? value + 1 : value;
    if (token_at(p, value)->kind != WK__JSON_ARRAY)
        return bad(problem, "row", "must be an array");
    r->n = is_list ? count(p, value) : 1;
    if (r->n > (size_t)p->steps_max)
        return wk__serve_refuse(problem, 413, "too_large",
                                "%zu rows; at most %lld go into one request", r->n,
                                (long long)p->steps_max);
    r->F = r->n && token_at(p, first)->kind == WK__JSON_ARRAY ? count(p, first) : 0;
    if (r->F == 0 || r->F > WK__SERVE_VALUES_MAX)
        return bad(problem, "row", "must hold the features of the model, in its order");
    if (r->n * r->F > p->n_tokens)
        return bad(problem, "rows", "every row has the same number of features");
    room_for_steps(p, r->n, 0);
    if (r->n * r->F > p->rows_room) {
        r->rows = grow(r->rows, r->n * r->F, sizeof *r->rows);
        p->rows_room = r->n * r->F;
    }
    uint32_t i = first;
    for (size_t k = 0; k < r->n; k++, i = token_at(p, i)->next) {
        if (!read_row(p, i, k, problem))
            return false;
        r->sigma[k] = NAN;
    }
    if (sigma == WK__JSON_ABSENT)
        return true;
    if (is_list)
        return read_reals(p, sigma, "sigma", r->n, r->sigma, problem);
    return read_number(p, sigma, &r->sigma[0]) || bad(problem, "sigma", "must be a number");
}

const wk__serve_request *wk__serve_parse(wk__serve_parser *p, size_t i, wk__serve_problem *problem)
{
    enum { MODEL, NAME, STEP, STEPS, CANDLES, ROW, ROWS, SIGMA, ALL, N };
    static const char *const keys[] = {"model", "session", "step",  "steps", "candles",
                                       "row",   "rows",    "sigma", "all"};
    wk__serve_request *r = &p->request;
    uint32_t v[N];
    r->model[0] = r->session[0] = 0;
    r->all = false;
    r->n = r->S = r->K = r->F = 0;
    if (!read_keys(p, p->requests[i], "the request", keys, N, v, problem))
        return NULL;
    if ((v[MODEL] != WK__JSON_ABSENT && !read_name(p, v[MODEL], "model", r->model, problem)) ||
        (v[NAME] != WK__JSON_ABSENT && !read_name(p, v[NAME], "session", r->session, problem)))
        return NULL;
    int inputs = 0;
    for (int k = STEP; k <= ROWS; k++)
        inputs += v[k] != WK__JSON_ABSENT;
    bool of_session = v[STEP] != WK__JSON_ABSENT || v[STEPS] != WK__JSON_ABSENT;
    bool of_rows = v[ROW] != WK__JSON_ABSENT || v[ROWS] != WK__JSON_ABSENT;
    if (inputs != 1 || of_session != (r->session[0] != 0) ||
        (v[SIGMA] != WK__JSON_ABSENT && !of_rows) || (v[ALL] != WK__JSON_ABSENT && of_rows)) {
        bad(problem, "the request",
            "has exactly one of: session with step or steps (and all), candles (and all), row or "
            "rows (and "
            "sigma)");
        return NULL;
    }
    if (v[ALL] != WK__JSON_ABSENT) {
        uint8_t kind = token_at(p, v[ALL])->kind;
        if (kind != WK__JSON_TRUE && kind != WK__JSON_FALSE) {
            bad(problem, "all", "must be true or false");
            return NULL;
        }
        r->all = kind == WK__JSON_TRUE;
    }
    bool ok;
    if (of_rows) {
        r->kind = WK__SERVE_ROWS;
        ok = read_rows(p, v[ROW] != WK__JSON_ABSENT ? v[ROW] : v[ROWS], v[SIGMA],
                       v[ROWS] != WK__JSON_ABSENT, problem);
    } else {
        r->kind = of_session ? WK__SERVE_SESSION : WK__SERVE_CANDLES;
        uint32_t value = v[STEP] != WK__JSON_ABSENT    ? v[STEP]
                         : v[STEPS] != WK__JSON_ABSENT ? v[STEPS]
                                                       : v[CANDLES];
        ok = read_steps(p, value, v[STEP] == WK__JSON_ABSENT, problem);
    }
    return ok ? r : NULL;
}
