/* What must hold of everything that the live path lets out, whatever it is told. */
#ifndef WICK_LIVE_ORACLE_H
#define WICK_LIVE_ORACLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "wick/live.h"

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not %s\n", __FILE__, __LINE__, #condition);                    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum { ORACLE_MARKETS = 4, ORACLE_FRAMES = 4, ORACLE_RING = 4096, ORACLE_ASKS = 64 };

/* The newest bar that went out of a bucket. */
typedef struct {
    uint64_t path; /* which path it is of */
    int64_t time_ns;
    wk_bar bar;
    uint8_t provenance;
} oracle_bar;

typedef struct {
    uint32_t market;
    int64_t from_ns, to_ns;
} oracle_ask;

typedef struct {
    wk_live *live;
    uint64_t path;
    /* A repair of a longer timeframe is being fed: such a bar is not made of shorter ones. */
    bool is_direct;
    /* Latest time that the venue's clock can show; INT64_MAX: unknown. */
    int64_t latest_ns;
    uint64_t n_bars, n_revised, n_missing, n_rows, digest;
    oracle_ask asks[ORACLE_ASKS];
    size_t n_asks;
    bool has_lost_asks;
} live_oracle;

wk_live_sinks oracle_sinks(live_oracle *oracle);
/* After the path was made. */
void oracle_begin(live_oracle *oracle, wk_live *live);
/* NULL: none went out, or it is forgotten. */
const oracle_bar *oracle_at(const live_oracle *oracle, uint32_t market, size_t timeframe,
                            int64_t time_ns);
/* The path's own counts agree with what went out. */
void oracle_finish(live_oracle *oracle);

#endif
