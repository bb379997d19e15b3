/* What both venues' trading sides share: the account, the two clocks, signatures, the schema, and
 * the outage. */
#include "trading.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "trade_sign.h"

#define DELTA_SECRET "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f"
#define KRAKEN_SECRET                                                                              \
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="

/* ---- markets ---- */

int traded_named(trading *t, const char *name)
{
    for (int i = 0; i < t->e.n_markets; i++) {
        const market_instrument *p = t->v->markets[i].instrument;
        if (strcmp(p->name, name) == 0)
            return i;
        for (int k = 0; k < 4; k++)
            if (p->alias[k] && strcmp(p->alias[k], name) == 0)
                return i;
    }
    return -1;
}

int traded_with_id(trading *t, int64_t product_id)
{
    for (int i = 0; i < t->e.n_markets; i++)
        if (t->v->markets[i].instrument->product_id == product_id)
            return i;
    return -1;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files in a fixed order; 0 when there are none. */
static size_t files_of(const char *path, char **out, size_t room)
{
    struct stat what;
    size_t n = 0;
    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode)) {
        out[n++] = strdup(path);
        return n;
    }
    DIR *dir = opendir(path);
    for (struct dirent *one; dir && (one = readdir(dir)) && n < room;) {
        char file[600];
        snprintf(file, sizeof file, "%s/%s", path, one->d_name);
        if (strstr(one->d_name, ".csv"))
            out[n++] = strdup(file);
    }
    if (dir)
        closedir(dir);
    qsort(out, n, sizeof *out, compare);
    return n;
}

static int read_all(trading *t, const char *path, char *error, size_t error_size)
{
    static const struct {
        const char *name;
        int id;
    } known[] = {{"BTCUSD", 27}, {"ETHUSD", 3136}, {"DOGEUSD", 14745}};
    char *files[ENGINE_MARKETS_MAX];
    size_t n = files_of(path, files, ENGINE_MARKETS_MAX);
    int ok = n > 0;
    if (!ok)
        snprintf(error, error_size, "there are no .csv files in %s", path);
    for (size_t i = 0; i < n; i++) {
        traded *m = &t->markets[t->e.n_markets];
        ok = ok && candles_read(m, files[i], t->is_kraken, error, error_size);
        free(files[i]);
        if (!ok)
            continue;
        t->e.n_markets++;
        m->instrument.product_id = 20001 + (int)i;
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            if (strcmp(known[k].name, m->instrument.name) == 0)
                m->instrument.product_id = known[k].id;
    }
    return ok;
}

trading *trading_open(venue *v, char *error, size_t error_size)
{
    const venue_options *o = &v->options;
    trading *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->v = v;
    t->is_kraken = v->protocol == &protocol_kraken;
    snprintf(t->key, sizeof t->key, "%s", o->trade_key ? o->trade_key : "WICKTESTKEY");
    snprintf(t->secret, sizeof t->secret, "%s",
             o->trade_secret ? o->trade_secret
             : t->is_kraken  ? KRAKEN_SECRET
                             : DELTA_SECRET);
    if (o->candles && !read_all(t, o->candles, error, error_size)) {
        v->trading = t;
        trading_close(t);
        v->trading = NULL;
        return NULL;
    }
    return t;
}

static int asset(engine *e, const char *name)
{
    int i = engine_asset_named(e, name);
    if (i < 0) {
        i = e->n_assets++;
        snprintf(e->assets[i].name, sizeof e->assets[i].name, "%s", name);
        e->assets[i].decimals = strchr(name, 'U') || name[0] == 'Z' ? 4 : 10;
    }
    return i;
}

static void begin_market(trading *t, int i)
{
    venue *v = t->v;
    const market_instrument *p = v->markets[i].instrument;
    engine_market *m = &t->e.markets[i];
    m->price_decimals = p->price_decimals;
    m->tick = p->tick;
    m->qty_step = m->qty_min = 1;
    m->half_spread = p->tick * (v->options.half_spread_ticks ? v->options.half_spread_ticks : 1);
    if (v->options.half_spread_ticks < 0)
        m->half_spread = 0;
    m->base = asset(&t->e, p->base);
    m->quote = asset(&t->e, p->quote);
    m->leverage = 1000;
    int scale = 8 - p->price_decimals;
    if (t->is_kraken) {
        m->qty_decimals = 8;
        m->qty_min = 5000;
        m->cost_min_e8 = 50000000;
        m->is_spot = 1;
        m->fee_step_e8 = 1000;
        m->value_mul = 1;
        scale -= 8;
    } else {
        const char *dot = strchr(p->contract_value, '.');
        int places = dot ? (int)strlen(dot + 1) : 0;
        units_of(p->contract_value, places, &m->value_mul);
        scale -= places;
        m->fee_step_e8 = 1;
        m->taker_ppt = 500000000;
        m->maker_ppt = 200000000;
        m->maintenance_ppt = 5000000000;
    }
    m->value_div = 1;
    for (; scale > 0; scale--)
        m->value_mul *= 10;
    for (; scale < 0; scale++)
        m->value_div *= 10;
    if (t->markets[i].path) {
        m->path = t->markets[i].path;
        m->n_path = t->markets[i].n_path;
    } else if (!v->options.manual) {
        const market *from = &v->markets[i];
        engine_point *path = malloc((from->n_trades + 1) * sizeof *path);
        if (!path)
            abort();
        for (size_t k = 0; k < from->n_trades; k++)
            path[k] = (engine_point){from->trades[k].time_ns, from->trades[k].price, 0};
        m->path = t->markets[i].path = path;
        m->n_path = from->n_trades;
    } else {
        m->price = p->price_first / p->tick * p->tick;
    }
}

void trading_begin(venue *v)
{
    trading *t = v->trading;
    int64_t cash;
    t->e.n_markets = (int)v->n_markets;
    for (int i = 0; i < t->e.n_markets; i++)
        begin_market(t, i);
    if (!units_of(v->options.cash ? v->options.cash : "10000", 8, &cash))
        cash = INT64_C(1000000000000);
    t->e.assets[t->e.markets[0].quote].amount = cash;
    for (int i = 1; i < t->e.n_markets; i++)
        t->e.assets[t->e.markets[i].quote].amount = cash;
    t->e.stops_hold = v->options.stops_hold;
    t->e.funding_ppm = v->options.funding_ppm;
    /* Before the first signed request virtual time stands where the candles begin. */
    if (v->options.virtual_time) {
        t->clock_ns = INT64_MAX;
        for (int i = 0; i < t->e.n_markets; i++)
            if (t->e.markets[i].n_path && t->e.markets[i].path[0].time_ns < t->clock_ns)
                t->clock_ns = t->e.markets[i].path[0].time_ns;
        if (t->clock_ns == INT64_MAX)
            t->clock_ns = v->start_ns;
        t->e.now_ns = t->clock_ns;
    }
    trading_advance(t, v->options.virtual_time ? t->clock_ns : now_of(v));
}

void trading_close(trading *t)
{
    if (!t)
        return;
    for (int i = 0; i < ENGINE_MARKETS_MAX; i++)
        free(t->markets[i].path);
    engine_finish(&t->e);
    json_decref(t->said);
    free(t);
}

int64_t trading_now(const venue *v)
{
    return v->trading->clock_ns;
}

/* Kraken's fees follow the volume of 30 days. */
static void tiers(trading *t)
{
    static const struct {
        int64_t from_e8, ppt;
    } taker[] = {{0, 4000000000}, {1000000000000, 3500000000}, {5000000000000, 2400000000}},
      maker[] = {{0, 2500000000}, {1000000000000, 2000000000}, {1000000000000000, 0}};
    int64_t volume = 0, fee[2] = {0, 0};
    for (size_t i = t->e.n_fills; i-- > 0;) {
        const engine_fill *f = &t->e.fills[i];
        if (f->time_ns < t->e.now_ns - INT64_C(30) * 86400 * NS_A_SECOND)
            break;
        volume += f->value_e8;
    }
    for (int i = 0; i < 3; i++) {
        fee[0] = volume >= maker[i].from_e8 ? maker[i].ppt : fee[0];
        fee[1] = volume >= taker[i].from_e8 ? taker[i].ppt : fee[1];
    }
    for (int i = 0; i < t->e.n_markets; i++) {
        t->e.markets[i].maker_ppt = fee[0];
        t->e.markets[i].taker_ppt = fee[1];
    }
}

void trading_advance(trading *t, int64_t now_ns)
{
    if (t->is_kraken)
        tiers(t);
    engine_advance(&t->e, now_ns);
}

/* ---- requests ---- */

int trading_owns(const request *r)
{
    int other;
    const trading *t = r->v->trading;
    if (!t)
        return 0;
    if (strncmp(r->path, "/control/", 9) == 0 || strncmp(r->path, "/0/private/", 11) == 0)
        return 1;
    /* The client may sign what need not be: the clock of the venue. */
    if (!t->is_kraken && strcmp(r->path, "/v2/settings") == 0)
        return wire_header(r->http, "signature") != NULL;
    return !t->is_kraken &&
           (schema_find(schema_delta, r->http->method, r->path, &other) != NULL || other);
}

static const char *header(const request *r, const char *name)
{
    const char *value = wire_header(r->http, name);
    return value ? value : "";
}

/* A form or query as an object of texts; 0 when it is malformed. */
static int form_of(request *r, const char *from, json_t *out)
{
    request *scratch = calloc(1, sizeof *scratch);
    if (!scratch)
        abort();
    *scratch = (request){.v = r->v, .http = r->http};
    int ok = form_read(scratch, from);
    for (int i = 0; i < scratch->n_params; i++) {
        ok = ok && !json_object_get(out, scratch->param[i].name);
        json_object_set_new(out, scratch->param[i].name, json_string(scratch->param[i].value));
    }
    free(scratch);
    return ok;
}

static void check_headers(request *r)
{
    static const char delta[] = "host user-agent accept accept-encoding accept-language connection "
                                "content-type content-length api-key timestamp signature";
    static const char kraken[] =
        "host user-agent accept accept-encoding accept-language connection "
        "content-type content-length api-key api-sign";
    const char *list = r->v->trading->is_kraken ? kraken : delta, *type = header(r, "content-type");
    char expected[64];
    snprintf(expected, sizeof expected, "localhost:%d", r->v->port);
    if (!*header(r, "user-agent"))
        complain_request(r, "there is no User-Agent");
    if (strcmp(header(r, "host"), expected) != 0)
        complain_request(r, "the Host header is \"%s\"", header(r, "host"));
    for (int i = 0; i < r->http->n_headers; i++)
        if (!one_of(r->http->header[i].name, list))
            complain_request(r, "unknown header \"%s\"", r->http->header[i].name);
    const char *should =
        r->v->trading->is_kraken ? "application/x-www-form-urlencoded" : "application/json";
    if (r->http->body.n > 0 && strncmp(type, should, strlen(should)) != 0)
        complain_request(r, "the Content-Type is \"%s\", not %s", type, should);
    if (strcmp(r->http->method, "GET") == 0 && r->http->body.n > 0)
        complain_request(r, "a GET request with a body");
}

/* The time that the client signed, ns; 0 when there is none. Nothing is verified here. */
static int64_t signed_time(const request *r)
{
    if (!r->v->trading->is_kraken)
        return strtoll(header(r, "timestamp"), NULL, 10) * NS_A_SECOND;
    const char *body = r->http->body.data ? r->http->body.data : "";
    const char *at = strstr(body, "nonce=");
    if (!at || (at != body && at[-1] != '&'))
        return 0;
    uint64_t nonce = strtoull(at + 6, NULL, 10);
    while (nonce > 0 && nonce < UINT64_C(100000000000000000))
        nonce *= 1000;
    return nonce < INT64_MAX ? (int64_t)nonce : 0;
}

int trading_refuses(request *r)
{
    trading *t = r->v->trading;
    int64_t now = t->v->options.virtual_time ? signed_time(r) : r->now_ns;
    now = now > t->clock_ns ? now : t->clock_ns;
    if (strncmp(r->path, "/control/", 9) == 0)
        return 0;
    if (t->outage_until_ns && (now >= t->outage_until_ns || t->outage_requests == 0))
        t->outage_until_ns = 0;
    if (r->fault.kind == FAULT_OUTAGE && !t->outage_until_ns) {
        t->outage_since_ns = now;
        t->outage_until_ns = now + (int64_t)(r->fault.seconds * 1e9);
        t->outage_requests = r->fault.code > 0 ? r->fault.code : INT64_MAX;
    }
    if (!t->outage_until_ns)
        return 0;
    t->outage_requests--;
    t->n_requests_refused++;
    return 1;
}

static void fail(request *r, const char *kraken, int status, const char *delta)
{
    text_clear(&r->body);
    if (r->v->trading->is_kraken) {
        text_add(&r->body, "{\"error\":[\"%s\"]}", kraken);
    } else {
        r->status = status;
        text_add(&r->body, "{\"success\":false,\"error\":{\"code\":\"%s\"}}", delta);
    }
}

/* Delta: key, time and signature. */
static int knows_delta(request *r, trading *t)
{
    char mac[65];
    const char *stamp = header(r, "timestamp");
    int64_t signed_s = strtoll(stamp, NULL, 10), now_s = r->now_ns / NS_A_SECOND;
    if (strcmp(header(r, "api-key"), t->key) != 0) {
        complain_request(r, "the api-key is not the account's");
        fail(r, "", 401, "invalid_api_key");
        return 0;
    }
    if (strspn(stamp, "0123456789") != strlen(stamp) || strlen(stamp) != 10)
        complain_request(r, "the timestamp \"%s\" is not in seconds", stamp);
    sign_delta(t->secret, r->http->method, stamp, r->http->target,
               r->http->body.data ? r->http->body.data : "", r->http->body.n, mac);
    if (strcmp(mac, header(r, "signature")) != 0) {
        complain_request(r, "the signature is wrong");
        fail(r, "", 401, "Signature Mismatch");
        return 0;
    }
    if (signed_s < now_s - 5 || signed_s > now_s + 5) {
        /* A rehearsal that died may have lost the seconds of a bar's minute of doubts. */
        int may_lag = t->v->options.virtual_time && signed_s >= now_s - 65;
        if (!t->v->options.skew_ns && !t->v->stepped_ns && !may_lag && !r->is_abandoned)
            complain_request(r, "signed %lld s away from the venue's clock",
                             (long long)(signed_s - now_s));
        r->status = 401;
        text_clear(&r->body);
        text_add(&r->body,
                 "{\"success\":false,\"error\":{\"code\":\"expired_signature\",\"context\":{"
                 "\"request_time\":%lld,\"server_time\":%lld}}}",
                 (long long)signed_s, (long long)now_s);
        return 0;
    }
    return 1;
}

static int knows_kraken(request *r, trading *t)
{
    char mac[128];
    const char *nonce = json_string_value(json_object_get(t->said, "nonce"));
    if (strcmp(header(r, "api-key"), t->key) != 0) {
        complain_request(r, "the API-Key is not the account's");
        fail(r, "EAPI:Invalid key", 0, "");
        return 0;
    }
    if (!nonce || !*nonce || strspn(nonce, "0123456789") != strlen(nonce)) {
        complain_request(r, "there is no nonce");
        fail(r, "EAPI:Invalid nonce", 0, "");
        return 0;
    }
    if (!sign_kraken(t->secret, r->path, nonce, r->http->body.data, r->http->body.n, mac) ||
        strcmp(mac, header(r, "api-sign")) != 0) {
        complain_request(r, "the API-Sign is wrong");
        fail(r, "EAPI:Invalid signature", 0, "");
        return 0;
    }
    uint64_t number = strtoull(nonce, NULL, 10);
    if (number <= t->nonce) {
        if (!r->is_abandoned)
            complain_request(r, "the nonce %s is not above %llu", nonce,
                             (unsigned long long)t->nonce);
        fail(r, "EAPI:Invalid nonce", 0, "");
        return 0;
    }
    t->nonce = number;
    return 1;
}

static int read_body(request *r, trading *t)
{
    json_error_t why;
    const text *body = &r->http->body;
    int is_get = strcmp(r->http->method, "GET") == 0;
    json_decref(t->said);
    t->said = json_object();
    if (t->is_kraken || is_get)
        return form_of(r, is_get ? r->query : body->data ? body->data : "", t->said);
    if (body->n == 0)
        return 1;
    json_decref(t->said);
    t->said = json_loadb(body->data, body->n, JSON_REJECT_DUPLICATES, &why);
    if (json_is_object(t->said))
        return 1;
    json_decref(t->said);
    t->said = json_object();
    return 0;
}

static int check_schema(request *r, trading *t, int is_form)
{
    char field[SCHEMA_FIELD], error[120];
    text why = {0};
    text_clear(&why);
    int n = schema_check(t->call, t->said, is_form, field, &why);
    for (char *at = why.data; *at;) {
        size_t length = strcspn(at, "\n");
        complain_request(r, "%.*s", (int)length, at);
        at += length + (at[length] != 0);
    }
    text_finish(&why);
    if (n == 0)
        return 1;
    snprintf(error, sizeof error, "EGeneral:Invalid arguments:%s", field);
    fail(r, error, 400, "bad_schema");
    if (!t->is_kraken) {
        json_t *body = json_pack("{s:b,s:{s:s,s:{s:[{s:s,s:s}]}}}", "success", 0, "error", "code",
                                 "bad_schema", "context", "schema_errors", "code",
                                 "validation_error", "param", field);
        reply_json(r, body);
    }
    return 0;
}

static void control(request *r, trading *t)
{
    const char *what = r->path + 9;
    if (strcmp(what, "state") == 0) {
        reply_json(r, trading_state(r->v));
    } else if (strcmp(what, "price") == 0) {
        const char *symbol = param(r, "symbol"), *price = param(r, "price");
        int m = symbol ? traded_named(t, symbol) : -1;
        int64_t units;
        if (m < 0 || !price || !units_of(price, t->e.markets[m].price_decimals, &units)) {
            r->status = 400;
            text_add(&r->body, "{\"error\":\"symbol and price\"}");
            return;
        }
        engine_price(&t->e, m, units, 0);
        text_add(&r->body, "{}");
    } else {
        r->status = 404;
        text_add(&r->body, "{\"error\":\"state or price\"}");
    }
}

void trading_serve(request *r)
{
    trading *t = r->v->trading;
    int other, is_get = strcmp(r->http->method, "GET") == 0;
    if (strncmp(r->path, "/control/", 9) == 0) {
        control(r, t);
        return;
    }
    check_headers(r);
    if (!read_body(r, t)) {
        complain_request(r, "the body or query is malformed");
        fail(r, "EGeneral:Invalid arguments", 400, "bad_schema");
        return;
    }
    int64_t said_ns = signed_time(r);
    if (r->v->options.virtual_time) {
        if (said_ns > t->clock_ns)
            t->clock_ns = said_ns;
        r->now_ns = t->clock_ns;
    }
    if (!(t->is_kraken ? knows_kraken(r, t) : knows_delta(r, t)))
        return;
    t->n_signed++;
    trading_advance(t, r->now_ns);
    if (strcmp(r->path, "/v2/settings") == 0) {
        r->v->protocol->serve(r);
        return;
    }
    t->call =
        schema_find(t->is_kraken ? schema_kraken : schema_delta, r->http->method, r->path, &other);
    if (!t->call) {
        complain_request(r, other ? "the method is wrong" : "there is no such call");
        fail(r, "EGeneral:Unknown method", other ? 405 : 404, "not_found");
        return;
    }
    if (!check_schema(r, t, t->is_kraken || is_get))
        return;
    if (r->fault.kind == FAULT_REJECT) {
        r->status = r->fault.status ? r->fault.status : t->is_kraken ? 200 : 400;
        text_clear(&r->body);
        text_add(&r->body, "%s", r->fault.text);
        return;
    }
    if (t->is_kraken)
        kraken_trade(r, t);
    else
        delta_trade(r, t);
}

void trading_partial(request *r, engine_order *want)
{
    if (r->fault.kind != FAULT_PARTIAL)
        return;
    want->partial_ppm = (int64_t)(r->fault.share * 1e6);
    want->partial_wait_ns = (int64_t)(r->fault.seconds * 1e9);
}
