#include "resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Owned by the caller and the thread; the last to leave frees it. */
struct wk__lookup {
    pthread_mutex_t lock;
    int n_owners;
    bool is_done, is_given_up;
    void (*done)(void *done_ctx);
    void *done_ctx;
    wk_websocket_resolver resolve;
    void *resolve_ctx;
    int address_family;
    char host[256];
    char addresses[WK__ADDRESSES_MAX][64];
    size_t n;
    char why[128];
};

static size_t resolve_by_system(void *ctx, const char *host, int address_family,
                                char (*addresses)[64], size_t n_max, char why[128])
{
    (void)ctx;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                             .ai_family = address_family == 4   ? AF_INET
                                          : address_family == 6 ? AF_INET6
                                                                : AF_UNSPEC,
                             .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(host, NULL, &hints, &list);
    if (failed == EAI_NONAME || failed == EAI_ADDRFAMILY) {
        /* AI_ADDRCONFIG hides the loopback where there is no other interface. */
        hints.ai_flags = 0;
        failed = getaddrinfo(host, NULL, &hints, &list);
    }
    if (failed) {
        snprintf(why, 128, "%s", gai_strerror(failed));
        return 0;
    }
    size_t n = 0;
    for (struct addrinfo *a = list; a && n < n_max; a = a->ai_next)
        if (getnameinfo(a->ai_addr, a->ai_addrlen, addresses[n], 64, NULL, 0, NI_NUMERICHOST) == 0)
            n++;
    freeaddrinfo(list);
    if (n == 0)
        snprintf(why, 128, "the name has no address");
    return n;
}

static void leave(wk__lookup *lookup)
{
    int left = --lookup->n_owners;
    pthread_mutex_unlock(&lookup->lock);
    if (left)
        return;
    pthread_mutex_destroy(&lookup->lock);
    free(lookup);
}

static void *run(void *of)
{
    wk__lookup *lookup = of;
    char addresses[WK__ADDRESSES_MAX][64] = {{0}}, why[128] = "";
    size_t n = lookup->resolve(lookup->resolve_ctx, lookup->host, lookup->address_family, addresses,
                               WK__ADDRESSES_MAX, why);
    pthread_mutex_lock(&lookup->lock);
    memcpy(lookup->addresses, addresses, sizeof addresses);
    memcpy(lookup->why, why, sizeof why);
    lookup->n = n;
    lookup->is_done = true;
    if (!lookup->is_given_up)
        lookup->done(lookup->done_ctx);
    leave(lookup);
    return NULL;
}

wk_status wk__lookup_start(const char *host, int address_family, wk_websocket_resolver resolve,
                           void *resolve_ctx, void (*done)(void *done_ctx), void *done_ctx,
                           wk__lookup **out, wk_err *err)
{
    wk__lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    lookup->address_family = address_family;
    lookup->resolve = resolve ? resolve : resolve_by_system;
    lookup->resolve_ctx = resolve_ctx;
    lookup->done = done;
    lookup->done_ctx = done_ctx;
    lookup->n_owners = 2;
    pthread_mutex_init(&lookup->lock, NULL);
    pthread_attr_t attr;
    pthread_t thread;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int failed = pthread_create(&thread, &attr, run, lookup);
    pthread_attr_destroy(&attr);
    if (failed) {
        pthread_mutex_destroy(&lookup->lock);
        free(lookup);
        return wk_fail(err, WK_E_IO, "cannot start a thread: %s", strerror(failed));
    }
    *out = lookup;
    return WK_OK;
}

bool wk__lookup_poll(wk__lookup *lookup, char (*addresses)[64], size_t *n, char why[128])
{
    pthread_mutex_lock(&lookup->lock);
    bool is_done = lookup->is_done;
    if (is_done) {
        memcpy(addresses, lookup->addresses, sizeof lookup->addresses);
        memcpy(why, lookup->why, sizeof lookup->why);
        *n = lookup->n;
    }
    pthread_mutex_unlock(&lookup->lock);
    return is_done;
}

void wk__lookup_give_up(wk__lookup *lookup)
{
    if (!lookup)
        return;
    pthread_mutex_lock(&lookup->lock);
    lookup->is_given_up = true;
    leave(lookup);
}
