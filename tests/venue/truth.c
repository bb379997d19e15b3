/* What tests ask a running server: where it is, what it saw, and what is true. */
#include <stdlib.h>
#include <string.h>

#include "server.h"

const char *venue_url(const venue *v)
{
    return v->url;
}

const char *venue_ws_url(const venue *v)
{
    return v->ws_url;
}

const char *venue_ca_file(const venue *v)
{
    return v->ca_file;
}

int venue_port(const venue *v)
{
    return v->port;
}

char *venue_violations(venue *v, size_t *n)
{
    pthread_mutex_lock(&v->lock);
    char *copy = strdup(v->violations.data);
    if (n)
        *n = v->n_violations;
    pthread_mutex_unlock(&v->lock);
    return copy;
}

size_t venue_requests(venue *v, const char *prefix)
{
    size_t n = 0, length = strlen(prefix);
    pthread_mutex_lock(&v->lock);
    for (const char *line = v->log.data; *line; line = strchr(line, '\n') + 1)
        n += strncmp(line, prefix, length) == 0;
    pthread_mutex_unlock(&v->lock);
    return n;
}

size_t venue_faults(venue *v)
{
    pthread_mutex_lock(&v->lock);
    size_t n = v->n_faults;
    pthread_mutex_unlock(&v->lock);
    return n;
}

size_t venue_connections(venue *v)
{
    pthread_mutex_lock(&v->lock);
    size_t n = v->n_connections;
    pthread_mutex_unlock(&v->lock);
    return n;
}

int64_t venue_now_ns(venue *v)
{
    pthread_mutex_lock(&v->lock);
    int64_t now = now_of(v);
    pthread_mutex_unlock(&v->lock);
    return now;
}

void venue_clock_step(venue *v, int64_t ns)
{
    pthread_mutex_lock(&v->lock);
    v->stepped_ns += ns > 0 ? ns : 0;
    pthread_mutex_unlock(&v->lock);
}

const market *venue_market(venue *v, const char *name)
{
    return market_named(v, name);
}

size_t venue_candles(venue *v, const char *name, int64_t seconds, int64_t from_s, int64_t to_s,
                     market_candle *out, size_t n_max)
{
    const market *m = market_named(v, name);
    if (!m)
        return 0;
    size_t n = 0;
    for (int64_t at = from_s + (seconds - from_s % seconds) % seconds; at < to_s; at += seconds) {
        market_candle candle;
        if (!market_candle_at(m, at, seconds, INT64_MAX, &candle))
            continue;
        if (n < n_max)
            out[n] = candle;
        n++;
    }
    return n;
}

int venue_book(venue *v, const char *name, int64_t time_ns, market_book *out)
{
    market *m = market_named(v, name);
    if (!m)
        return 0;
    pthread_mutex_lock(&v->lock);
    market_book_advance(m, now_of(v));
    market_book_at(m, time_ns, out);
    pthread_mutex_unlock(&v->lock);
    return 1;
}
