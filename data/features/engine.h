/* Inside the feature engine: lanes, cells and the table of families.
 *
 * A lane is one complete state of the panel, fresh at its start. The engine has two: one serves,
 * the other warms up before the next anchor. A step goes through a lane in three passes: every
 * symbol's cell and family states are updated, panel-wide values are computed, then rows are
 * emitted; a lane that only warms up does the first pass alone. */
#ifndef WICK_DATA_FEATURES_ENGINE_H
#define WICK_DATA_FEATURES_ENGINE_H

#include "data/features/roll.h"
#include "wick/features.h"
#include "wick/outside.h"

/* What the history keeps of each bar. */
enum { WK__LC, WK__R, WK__C, WK__H, WK__L, WK__V, WK__O, WK__PK, WK__HISTORY };

enum { WK__LEADERS_MAX = 4, WK__COLUMNS_MAX = 512, WK__FAMILIES_MAX = 16, WK__HOLD_BARS = 48 };

/* One symbol at one step, after holding the price over short holes (at most WK__HOLD_BARS). */
typedef struct {
    const wk_features *f;
    const double *history; /* of this symbol; see wk__back */
    int64_t t;             /* step within the lane, 0 = its first */
    int64_t time_ns;
    int64_t bad_c, bad_r; /* newest step without a price / without a return */
    int64_t n_live;       /* steps with a price */
    size_t s;
    bool has_bar;
    double o, h, l, c, v;  /* NaN together */
    double lc, r;          /* log price and log return */
    double sd, sdd;        /* volatility a bar: fast (span 96) and slow (span 480) */
    double ma20, bs20;     /* mean and deviation of 20 closes, before emit only */
    double funding;        /* newest known rate or NaN */
    const double *outside; /* [n_outside], or NULL: all missing */
    wk__undo *undo;        /* NULL but in a peek */
} wk__cell;

typedef struct wk__family {
    const char *name;
    size_t state_bytes; /* per symbol, zero at a lane's start, copied around a peek */
    size_t ring_bytes;  /* per symbol, garbage at a lane's start; writes go through wk__undo_log */
    size_t panel_bytes_a_symbol, panel_bytes; /* scratch of `panel` */
    int64_t lags[WK__HISTORY];                /* how far back it reads each part of the history */
    void (*columns)(wk_features *f);          /* wk__column for each */
    void (*update)(const wk__cell *cell, void *state, void *ring); /* or NULL */
    void (*panel)(const wk_features *f, const wk__cell *cells, void *const *states,
                  void *scratch); /* or NULL */
    void (*emit)(const wk__cell *cell, const void *state, const void *ring, const void *scratch,
                 double *row);
} wk__family;

extern const wk__family *const wk__families[]; /* ends with NULL */
extern const wk__family wk__family_momentum, wk__family_lead, wk__family_cross,
    wk__family_volatility, wk__family_calendar, wk__family_ribbon, wk__family_oscillator,
    wk__family_range, wk__family_volume, wk__family_candle, wk__family_divergence, wk__family_htf,
    wk__family_funding, wk__family_cycle, wk__family_outside;

/* What the engine itself keeps of a symbol. */
typedef struct {
    int64_t bad_c, bad_r, n_live, n_returns, n_held;
    double c, lc; /* of the last step; c is kept over holes */
    bool seen;
    wk__ewm fast, slow;
    double sd;
} wk__base;

typedef struct {
    bool running;
    int64_t t;
    char *states;    /* [S][state_stride]: wk__base, then the families' */
    char *rings;     /* [S][ring_stride] */
    double *history; /* the rings: [mask + 1][S] of each part */
} wk__lane;

struct wk_features {
    size_t S, F, n_all, n_families;
    int64_t timeframe_ns, anchor, warmup, warmup_valid;
    const wk__family *families[WK__FAMILIES_MAX];
    size_t first_column[WK__FAMILIES_MAX + 1], state_at[WK__FAMILIES_MAX],
        ring_at[WK__FAMILIES_MAX];
    void *scratch[WK__FAMILIES_MAX];
    void **panel_states; /* [S] */
    const char *names[WK__COLUMNS_MAX];
    const char *family_of[WK__COLUMNS_MAX];
    size_t n_leaders, leader[WK__LEADERS_MAX]; /* symbol index, S = absent */
    const char *leader_name[WK__LEADERS_MAX];
    size_t n_outside;
    const char *outside_name[WK_OUTSIDE_MAX];
    bool outside_level, outside_z, outside_change, outside_missing;
    size_t *keep;    /* [F] index among all columns; NULL: all are kept */
    double *row_all; /* [n_all] */
    size_t state_stride, ring_stride;
    /* Each part of the history is a ring as long as the families in use need, so that what nobody
     * reads costs one step: value w of step u at at + (u & mask) * S. */
    struct {
        size_t at, mask;
    } history[WK__HISTORY];
    wk__lane lanes[2];
    wk__cell *cells;     /* [S] */
    char *states_backup; /* of a peek */
    double *history_backup;
    wk__undo undo;
    int serving;       /* lane of the last push, -1 before the first */
    int64_t step_last; /* bars since 1970, of the last push */
    bool pushed;
    char hash[65];
};

/* Adds a column to the family being planned; `fmt` is the full name. */
void wk__column(wk_features *f, const char *fmt, ...) WK_PRINTF(2, 3);

static inline double wk__back(const wk__cell *x, int64_t n, int what)
{
    if (n > x->t)
        return NAN;
    size_t mask = x->f->history[what].mask;
    WK_DASSERT((size_t)n <= mask);
    return x->history[x->f->history[what].at + ((size_t)(x->t - n) & mask) * x->f->S];
}

/* Log price now less n steps ago. */
static inline double wk__diff(const wk__cell *x, int64_t n)
{
    return x->lc - wk__back(x, n, WK__LC);
}

/* True when the last n steps all had a price / a return. */
static inline bool wk__whole_c(const wk__cell *x, int64_t n)
{
    return x->t - x->bad_c >= n;
}
static inline bool wk__whole_r(const wk__cell *x, int64_t n)
{
    return x->t - x->bad_r >= n;
}

#endif
