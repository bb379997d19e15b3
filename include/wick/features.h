/* Features: one streaming implementation for research, backtest, paper and live.
 *
 * wk_features_push takes the bars of the whole panel that closed at one time and writes one row a
 * symbol. Batch is a loop over push. State starts afresh at fixed UTC-aligned anchors: with
 * anchor A and warm-up W (bars), the row of step t comes from a state that has seen exactly the
 * bars since (the last multiple of A at or before t, in bars since 1970) - W, or since the first
 * push if that is later. So equal bars give equal bits whatever the history before, and a restart
 * or a rolling window changes nothing. An exponential mean whose span nears W (htf.ema1200,
 * htf.ema2400) still depends on how far t is from its anchor, equally in training and live.
 *
 * Absent bars: the last close is held over at most 48 of them with no volume, as open, high and low
 * too; after that prices are NaN. A window that holds a NaN, or is not full, gives NaN. */
#ifndef WICK_FEATURES_H
#define WICK_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/bars.h"
#include "wick/config.h"

typedef struct {
    wk_strings
        families;    /* of: momentum lead cross volatility calendar ribbon oscillator range volume
                        candle divergence htf funding cycle outside; empty = all. The first five are
                        the    flagship's 79 columns; every family's windows are counted in bars. */
    wk_strings drop; /* column names to leave out */
    wk_strings
        leaders; /* symbols of the lead family, first = the market leader; a trailing * matches
                    any end. Empty = BTC*, ETH*: columns of one of these two that the panel
                    lacks are NaN, any other leader that it lacks is refused. At most 4. */
    wk_strings outside; /* names of the panel's outside columns [K], in their order; no key of its
                           own: the data section says what there is */
    wk_strings outside_forms;         /* of: level z change missing */
    int64_t anchor_bars, warmup_bars; /* 4096, 2400 by default; warm-up at most the anchor */
    int64_t warmup_valid_bars; /* a row is valid after more bars than this; at most warmup_bars */
} wk_features_config;
extern const wk_cfg_table wk_features_config_table;

typedef struct wk_features wk_features;

/* Plans the engine for the markets `symbols` [S] (their order is the order of rows). */
WK_MUST_CHECK wk_status wk_features_plan(wk_arena *arena, const wk_features_config *config,
                                         const char (*symbols)[32], size_t S, int64_t timeframe_ns,
                                         wk_features **out, wk_err *err);

size_t wk_features_n(const wk_features *f); /* F columns */
const char *wk_features_name(const wk_features *f, size_t i);
const char *wk_features_family(const wk_features *f, size_t i);
/* SHA-256 of names, parameters, anchor and warm-up: a model stores it and refuses another. */
const char *wk_features_hash(const wk_features *f);

/* One step of the panel, borrowed. */
typedef struct {
    int64_t time_ns;             /* its open */
    const wk_bar *bars;          /* [S] */
    const uint8_t *provenance;   /* [S]; a cell WK_PROV_UNKNOWN has no bar: its row is invalid, its
                                    state   holds the last price */
    const double *funding_known; /* [S] or NULL */
    const double *outside;       /* [S * K], K = config.outside.n; NULL: all missing */
    const double *funding_due; /* [S] rate charged at its open, for venues; features do not look at
                                  it; NULL: unknown */
} wk_features_step;

/* Step t of a panel. */
wk_features_step wk_panel_step(const wk_panel *panel, size_t t);

/* Pushes a step that has just closed. rows [S * F] receives f64 features, NaN where one is not
 * defined; valid [S] is 1 where the symbol has a bar, its volatility is known, and the serving
 * state has seen it for more than warmup_valid_bars bars. Steps must come in order without a hole:
 * an absent step is pushed with all cells unknown. */
void wk_features_push(wk_features *f, const wk_features_step *step, double *rows, uint8_t *valid);

/* The same in two parts: what the rows wait for, and what can be done once they have been acted on
 * (the state that warms up for the next anchor). Each serve must be followed by a finish of the
 * same step before anything else is done with the features. */
void wk_features_serve(wk_features *f, const wk_features_step *step, double *rows, uint8_t *valid);
void wk_features_finish(wk_features *f, const wk_features_step *step);

/* The same for an unfinished bar: no state changes. */
void wk_features_peek(const wk_features *f, const wk_features_step *step, double *rows,
                      uint8_t *valid);

/* Forgets everything. */
void wk_features_reset(wk_features *f);

/* The hourly-scale volatility used by policies: EWMA (span 96 bars) of squared log returns, square
 * root, of symbol s after the last push; NaN before 48 returns. */
double wk_features_sigma(const wk_features *f, size_t s);

/* Features of a whole panel: X [T * S * F] f32 (canonical NaN where undefined), valid [T * S],
 * sigma [T * S]. All owned by the arena. */
typedef struct {
    size_t T, S, F;
    float *X;
    uint8_t *valid;
    double *sigma;
} wk_feature_table;
WK_MUST_CHECK wk_status wk_features_batch(wk_features *f, const wk_panel *panel, wk_arena *arena,
                                          wk_feature_table *out, wk_err *err);

/* Valid rows of features, asked for column by column: where all of them at once would take too much
 * memory. */
typedef struct {
    size_t F, n_rows;
    /* Writes column c of all rows to values [n_rows]. */
    wk_status (*read)(void *ctx, size_t c, float *values, wk_err *err);
    void *ctx;
} wk_feature_columns;

#endif
