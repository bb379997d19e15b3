#include "bench_signal_load.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executor_live.h"
#include "wick/clock.h"
#include "wick/websocket.h"

enum { KNOWN = 4096, STALL_EVERY = 8, STALL_MS = 150, REQUEST_MS = 400 };

typedef struct {
    wk_order order;
    int64_t time_ns;
} known;

struct wk__bench_load {
    wk_executor executor;
    bool has_executor;
    known orders[KNOWN]; /* of the executor's thread */
    size_t n_orders;
    atomic_size_t n_requests;
    wk_websocket *socket;
    atomic_bool connects;
};

static void sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* ---- a disk that stalls: SQLite's own files, but for their syncs ---- */

enum { TABLES = 8 };
static sqlite3_vfs *disk, stalling;
static struct {
    sqlite3_io_methods methods; /* SQLite's own, but for the sync */
    const sqlite3_io_methods *own;
} tables[TABLES]; /* a database and its log have different ones; made before any thread writes */
static atomic_size_t n_syncs, n_stalls;

static int stall(sqlite3_file *file, int flags)
{
    size_t i = 0;
    while (file->pMethods != &tables[i].methods)
        i++;
    if (atomic_fetch_add(&n_syncs, 1) % STALL_EVERY == STALL_EVERY - 1) {
        atomic_fetch_add(&n_stalls, 1);
        sleep_ms(STALL_MS);
    }
    return tables[i].own->xSync(file, flags);
}

static int open_stalling(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags,
                         int *flags_out)
{
    (void)vfs;
    int code = disk->xOpen(disk, name, file, flags, flags_out);
    if (code != SQLITE_OK || !file->pMethods)
        return code;
    for (size_t i = 0; i < TABLES; i++) {
        if (!tables[i].own) {
            tables[i].own = file->pMethods;
            tables[i].methods = *file->pMethods;
            tables[i].methods.xSync = stall;
        }
        if (tables[i].own == file->pMethods) {
            file->pMethods = &tables[i].methods;
            break;
        }
    }
    return code;
}

/* ---- a venue that takes its time ---- */

static void slow(void *self)
{
    wk__bench_load *l = self;
    atomic_fetch_add(&l->n_requests, 1);
    sleep_ms(REQUEST_MS);
}

static int64_t validity_ns(void *self)
{
    (void)self;
    return 5 * WK_NS_PER_S;
}

static wk_venue_order told(const known *k)
{
    const wk_order *o = &k->order;
    wk_venue_order v = {.client_id = o->id,
                        .symbol = o->symbol,
                        .side = o->side,
                        .reduce_only = o->reduce_only,
                        .qty_lots = o->qty_lots,
                        .filled_lots = o->qty_lots,
                        .created_ns = k->time_ns,
                        .updated_ns = k->time_ns,
                        .state = "closed"};
    snprintf(v.venue_id, sizeof v.venue_id, "%llu", (unsigned long long)o->id);
    return v;
}

static wk_request_result place(void *self, const wk_order *order, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__bench_load *l = self;
    (void)wait_ns;
    (void)why;
    slow(self);
    known *k = &l->orders[l->n_orders++ % KNOWN];
    *k = (known){*order, wk_clock_wall_ns()};
    *out = told(k);
    return WK_REQUEST_DONE;
}

static wk_request_result cancel(void *self, uint32_t symbol, uint64_t client_id, int64_t *wait_ns,
                                char *why)
{
    (void)symbol;
    (void)client_id;
    (void)wait_ns;
    (void)why;
    slow(self);
    return WK_REQUEST_REFUSED;
}

static wk_request_result query(void *self, uint32_t symbol, uint64_t client_id, wk_venue_order *out,
                               int64_t *wait_ns, char *why)
{
    wk__bench_load *l = self;
    (void)symbol;
    (void)wait_ns;
    (void)why;
    slow(self);
    for (size_t i = 0; i < l->n_orders && i < KNOWN; i++)
        if (l->orders[i].order.id == client_id) {
            *out = told(&l->orders[i]);
            return WK_REQUEST_DONE;
        }
    return WK_REQUEST_REFUSED;
}

static wk_request_result open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                     char *why)
{
    (void)self;
    (void)out;
    (void)room;
    (void)why;
    *n = 0;
    return WK_REQUEST_DONE;
}

static wk_request_result fills(void *self, int64_t since_ns, wk_venue_fill *out, size_t room,
                               size_t *n, char *why)
{
    wk__bench_load *l = self;
    (void)why;
    slow(self);
    *n = 0;
    for (size_t i = 0; i < l->n_orders && i < KNOWN && *n < room; i++) {
        const known *k = &l->orders[i];
        if (k->time_ns < since_ns)
            continue;
        wk_venue_fill f = {.client_id = k->order.id,
                           .symbol = k->order.symbol,
                           .side = k->order.side,
                           .qty_lots = k->order.qty_lots,
                           .price_ticks = 10000,
                           .time_ns = k->time_ns};
        snprintf(f.fill_id, sizeof f.fill_id, "f%llu", (unsigned long long)k->order.id);
        out[(*n)++] = f;
    }
    return WK_REQUEST_DONE;
}

static wk_request_result positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                   char *why)
{
    return open_orders(self, (void *)out, room, n, why);
}

static wk_request_result protect(void *self, uint32_t symbol, int64_t stop_ticks,
                                 int64_t profit_ticks, char *why)
{
    (void)symbol;
    (void)stop_ticks;
    (void)profit_ticks;
    (void)why;
    slow(self);
    return WK_REQUEST_DONE;
}

static void close_account(void *self)
{
    (void)self;
}

wk_status wk__bench_load_executor(wk__bench_load *l, wk_bot *bot, wk_err *err)
{
    wk_account account = {.self = l,
                          .name = "slow",
                          .validity_ns = validity_ns,
                          .place = place,
                          .cancel = cancel,
                          .query = query,
                          .open_orders = open_orders,
                          .fills = fills,
                          .positions = positions,
                          .protect = protect,
                          .close = close_account,
                          .has_brackets = true};
    wk_executor_live_options options = {
        .account = &account, .S = wk_bot_n_markets(bot), .instruments = wk_bot_instruments(bot)};
    wk_reconciliation found;
    WK_TRY(wk_executor_live(&options, &l->executor, &found, err));
    l->has_executor = true;
    wk_bot_set_executor(bot, &l->executor);
    return WK_OK;
}

/* ---- a name that nobody answers for ---- */

static size_t hang(void *ctx, const char *host, int family, char (*addresses)[64], size_t n_max,
                   char why[128])
{
    (void)ctx;
    (void)host;
    (void)family;
    (void)addresses;
    (void)n_max;
    sleep_ms(3600 * 1000);
    snprintf(why, 128, "nobody answered");
    return 0;
}

static void on_socket(void *ctx, const wk_websocket_event *event)
{
    wk__bench_load *l = ctx;
    wk_err err;
    if (event->kind == WK_WEBSOCKET_TICK && l->socket && !atomic_exchange(&l->connects, true) &&
        wk_websocket_connect(l->socket, 0, "wss://example.invalid/", &err) != WK_OK)
        atomic_store(&l->connects, false);
}

wk_status wk__bench_load_start(wk__bench_load **out, wk_err *err)
{
    wk__bench_load *l = calloc(1, sizeof *l);
    if (!l)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    disk = sqlite3_vfs_find(NULL);
    stalling = *disk;
    stalling.zName = "wick-stalling";
    stalling.xOpen = open_stalling;
    if (sqlite3_vfs_register(&stalling, 1) != SQLITE_OK) {
        free(l);
        return wk_fail(err, WK_E_STATE, "SQLite takes no second file system");
    }
    wk_websocket_options options = {.resolve = hang};
    wk_status status = wk_websocket_open(&options, on_socket, l, &l->socket, err);
    if (status != WK_OK) {
        sqlite3_vfs_unregister(&stalling);
        free(l);
        return status;
    }
    *out = l;
    return WK_OK;
}

void wk__bench_load_close(wk__bench_load *l)
{
    if (l && l->has_executor)
        l->executor.close(l->executor.self);
    if (l)
        l->has_executor = false;
}

void wk__bench_load_stop(wk__bench_load *l)
{
    if (!l)
        return;
    wk__bench_load_close(l);
    wk_websocket_close(l->socket);
    sqlite3_vfs_unregister(&stalling);
    free(l);
}

void wk__bench_load_count(const wk__bench_load *l, size_t *requests, size_t *stalls)
{
    *requests = atomic_load(&l->n_requests);
    *stalls = atomic_load(&n_stalls);
}
