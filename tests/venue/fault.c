#include "fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "market.h"

#define RULES_MAX 64
#define NTH_MAX 64

typedef struct {
    const char *name;
    fault_kind kind;
    int status;
    const char *text;
    const char *venue; /* part of random faults of these venues; "": of all, NULL: of none */
} fault_name;

static const fault_name names[] = {
    {"429", FAULT_STATUS, 429, NULL, ""},
    {"429-retry", FAULT_STATUS_RETRY, 429, NULL, ""},
    {"500", FAULT_STATUS, 500, NULL, ""},
    {"502", FAULT_STATUS, 502, NULL, ""},
    {"503", FAULT_STATUS, 503, NULL, ""},
    {"504", FAULT_STATUS, 504, NULL, NULL},
    {"400", FAULT_STATUS, 400, NULL, NULL},
    {"401", FAULT_STATUS, 401, NULL, NULL},
    {"403", FAULT_STATUS, 403, NULL, NULL},
    {"404", FAULT_STATUS, 404, NULL, NULL},
    {"410", FAULT_STATUS, 410, NULL, NULL},
    {"foreign-next", FAULT_FOREIGN_NEXT, 0, NULL, NULL},
    {"same-next", FAULT_SAME_NEXT, 0, NULL, NULL},
    {"html-403", FAULT_HTML, 403, NULL, NULL},
    {"html-502", FAULT_HTML, 502, NULL, ""},
    {"html-200", FAULT_HTML, 200, NULL, ""},
    {"cut", FAULT_CUT, 0, NULL, ""},
    {"cut-body", FAULT_CUT_BODY, 0, NULL, ""},
    {"truncate", FAULT_TRUNCATE, 0, NULL, ""},
    {"slow-body", FAULT_SLOW_BODY, 0, NULL, ""},
    {"hang", FAULT_HANG, 0, NULL, NULL},
    {"timeout-after", FAULT_HANG, 0, NULL, NULL},
    {"timeout-before", FAULT_HANG_BEFORE, 0, NULL, NULL},
    {"cut-before", FAULT_CUT_BEFORE, 0, NULL, NULL},
    {"outage", FAULT_OUTAGE, 0, NULL, NULL},
    {"reject", FAULT_REJECT, 0, NULL, NULL},
    {"partial", FAULT_PARTIAL, 0, NULL, NULL},
    {"gzip-damage", FAULT_GZIP_DAMAGE, 0, NULL, ""},
    {"duplicate-page", FAULT_DUPLICATE_PAGE, 0, NULL, ""},
    {"duplicate-rows", FAULT_DUPLICATE_ROWS, 0, NULL, ""},
    {"reverse-rows", FAULT_REVERSE_ROWS, 0, NULL, ""},
    {"empty-page", FAULT_EMPTY_PAGE, 0, NULL, ""},
    {"short-page", FAULT_SHORT_PAGE, 0, NULL, ""},
    {"eapi-rate", FAULT_API, 0, "EAPI:Rate limit exceeded", "kraken"},
    {"eservice-unavailable", FAULT_API, 0, "EService:Unavailable", "kraken"},
    {"eservice-throttled", FAULT_API, 0, "EService: Throttled: ", "kraken"},
    {"egeneral-internal", FAULT_API, 0, "EGeneral:Internal error", "kraken"},
    {"api-limit", FAULT_API, 0, "apiLimitExceeded", "kraken-futures"},
    {"drop", FAULT_WS_DROP, 0, NULL, NULL},
    {"duplicate", FAULT_WS_DUPLICATE, 0, NULL, NULL},
    {"reorder", FAULT_WS_REORDER, 0, NULL, NULL},
    {"corrupt", FAULT_WS_CORRUPT, 0, NULL, NULL},
    {"bad-checksum", FAULT_WS_CHECKSUM, 0, NULL, NULL},
    {"silence", FAULT_WS_SILENCE, 0, NULL, NULL},
    {"close", FAULT_WS_CLOSE, 0, NULL, NULL},
    {"cut-socket", FAULT_WS_CUT, 0, NULL, NULL},
    {"refuse", FAULT_WS_REFUSE, 0, NULL, NULL},
};
#define N_NAMES (sizeof names / sizeof names[0])

typedef struct {
    char prefix[128], method[8];
    char *body; /* of a reject */
    fault what;
    int64_t nth[NTH_MAX];
    size_t n_nth;
    int64_t every, first, seen;
} rule;

struct fault_script {
    const char *venue;
    uint64_t seed, n_rest, n_ws;
    int rest_permille, ws_permille;
    rule rest[RULES_MAX], ws[RULES_MAX];
    size_t n_rest_rules, n_ws_rules;
};

static fault fault_named(const fault_name *name)
{
    fault f = {.kind = name->kind, .status = name->status, .text = name->text, .seconds = 1};
    f.code = 1001;
    if (f.kind == FAULT_WS_SILENCE)
        f.seconds = 0;
    return f;
}

static int read_rule(json_t *from, const char *prefix_key, rule *out, char *error, size_t size)
{
    memset(out, 0, sizeof *out);
    const char *key;
    json_t *value;
    int known = 0;
    json_object_foreach(from, key, value)
    {
        if (strcmp(key, "fault") == 0 && json_is_string(value)) {
            for (size_t i = 0; i < N_NAMES; i++)
                if (strcmp(names[i].name, json_string_value(value)) == 0) {
                    out->what = fault_named(&names[i]);
                    known = 1;
                }
        } else if (strcmp(key, prefix_key) == 0 && json_is_string(value)) {
            snprintf(out->prefix, sizeof out->prefix, "%s", json_string_value(value));
        } else if (strcmp(key, "method") == 0 && json_is_string(value)) {
            snprintf(out->method, sizeof out->method, "%s", json_string_value(value));
        } else if (strcmp(key, "error") == 0) {
            out->body = json_dumps(value, JSON_COMPACT);
        } else if (strcmp(key, "nth") == 0 && json_is_array(value) &&
                   json_array_size(value) <= NTH_MAX) {
            out->n_nth = json_array_size(value);
            for (size_t i = 0; i < out->n_nth; i++)
                out->nth[i] = json_integer_value(json_array_get(value, i));
        } else if (strcmp(key, "every") == 0 && json_is_integer(value)) {
            out->every = json_integer_value(value);
        } else if (strcmp(key, "first") == 0 && json_is_integer(value)) {
            out->first = json_integer_value(value);
        } else if (strcmp(key, "code") != 0 && strcmp(key, "seconds") != 0 &&
                   strcmp(key, "retry_after_s") != 0 && strcmp(key, "status") != 0 &&
                   strcmp(key, "share") != 0 && strcmp(key, "requests") != 0) {
            snprintf(error, size, "fault script: unknown or mistyped key \"%s\"", key);
            return 0;
        }
    }
    if (!known) {
        snprintf(error, size, "fault script: a rule without a known \"fault\"; see fault.h");
        return 0;
    }
    value = json_object_get(from, "seconds");
    value = value ? value : json_object_get(from, "retry_after_s");
    if (json_is_number(value))
        out->what.seconds = json_number_value(value);
    value = json_object_get(from, "code");
    if (json_is_integer(value))
        out->what.code = (int)json_integer_value(value);
    value = json_object_get(from, "requests");
    if (out->what.kind == FAULT_OUTAGE)
        out->what.code = (int)json_integer_value(value);
    value = json_object_get(from, "share");
    out->what.share = json_is_number(value) ? json_number_value(value) : 0.5;
    value = json_object_get(from, "status");
    if (json_is_integer(value))
        out->what.status = (int)json_integer_value(value);
    if (out->what.kind == FAULT_REJECT && !out->body) {
        snprintf(error, size, "fault script: a reject without \"error\", the body of the reply");
        return 0;
    }
    if (out->body)
        out->what.text = out->body;
    return 1;
}

static int read_rules(json_t *list, const char *prefix_key, rule *out, size_t *n, char *error,
                      size_t size)
{
    size_t i;
    json_t *one;
    json_array_foreach(list, i, one)
    {
        if (*n == RULES_MAX || !json_is_object(one)) {
            snprintf(error, size, "fault script: more than %d rules, or one is no object",
                     RULES_MAX);
            return 0;
        }
        if (!read_rule(one, prefix_key, &out[(*n)++], error, size))
            return 0;
    }
    return 1;
}

fault_script *fault_open(json_t *script, const char *venue, uint64_t seed, int rest_permille,
                         int ws_permille, char *error, size_t error_size)
{
    fault_script *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->venue = venue;
    s->seed = seed;
    s->rest_permille = rest_permille;
    s->ws_permille = ws_permille;
    if (!read_rules(json_object_get(script, "rest"), "path", s->rest, &s->n_rest_rules, error,
                    error_size) ||
        !read_rules(json_object_get(script, "ws"), "channel", s->ws, &s->n_ws_rules, error,
                    error_size)) {
        fault_close(s);
        return NULL;
    }
    return s;
}

void fault_close(fault_script *s)
{
    for (size_t i = 0; s && i < s->n_rest_rules; i++)
        free(s->rest[i].body);
    free(s);
}

static int strikes(rule *r, const char *method, const char *name)
{
    if ((*r->method && method && strcmp(r->method, method) != 0) ||
        strncmp(name, r->prefix, strlen(r->prefix)) != 0)
        return 0;
    r->seen++;
    for (size_t i = 0; i < r->n_nth; i++)
        if (r->nth[i] == r->seen)
            return 1;
    return (r->every > 0 && r->seen % r->every == 0) || r->seen <= r->first;
}

/* Every matching rule counts, whoever strikes; rules of subscriptions see subscriptions only. */
static fault by_rule(rule *rules, size_t n, const char *method, const char *name, int refusals)
{
    fault found = {FAULT_NONE};
    for (size_t i = 0; i < n; i++)
        if ((rules[i].what.kind == FAULT_WS_REFUSE) == refusals &&
            strikes(&rules[i], method, name) && found.kind == FAULT_NONE)
            found = rules[i].what;
    return found;
}

fault fault_for_request(fault_script *s, const char *method, const char *path)
{
    fault f = by_rule(s->rest, s->n_rest_rules, method, path, 0);
    uint64_t k = s->n_rest++;
    if (f.kind != FAULT_NONE || (int)(market_hash(s->seed, 31, k) % 1000) >= s->rest_permille)
        return f;
    for (uint64_t i = 0;; i++) {
        const fault_name *name = &names[market_hash(s->seed, 32 + i, k) % N_NAMES];
        if (name->venue && (!*name->venue || strcmp(name->venue, s->venue) == 0)) {
            f = fault_named(name);
            f.seconds = 0.2;
            return f;
        }
    }
}

fault fault_for_message(fault_script *s, const char *channel)
{
    static const fault_kind kinds[] = {FAULT_WS_DROP, FAULT_WS_DUPLICATE, FAULT_WS_REORDER,
                                       FAULT_WS_CORRUPT, FAULT_WS_CHECKSUM};
    fault f = by_rule(s->ws, s->n_ws_rules, NULL, channel, 0);
    uint64_t k = s->n_ws++;
    if (f.kind == FAULT_NONE && (int)(market_hash(s->seed, 41, k) % 1000) < s->ws_permille)
        f.kind = kinds[market_hash(s->seed, 42, k) % (sizeof kinds / sizeof kinds[0])];
    return f;
}

fault fault_for_subscription(fault_script *s, const char *channel)
{
    return by_rule(s->ws, s->n_ws_rules, NULL, channel, 1);
}
