/* A running process, as /proc shows it. */
#ifndef WICK_OPS_HEALTH_H
#define WICK_OPS_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool runs;
    double cpu_s, cpu_share; /* user and system so far; per second of its life */
    int64_t rss_bytes, uptime_s;
} wk_health;

/* runs is false when there is no such process, or it is no wick. */
wk_health wk_health_of(long pid);

#endif
