/* Pushing steps through the lanes: hold prices over holes, update states, emit rows, change lanes
 * at anchors; a peek is a push into the serving lane whose traces are put back. */
#include "data/features/engine.h"
#include "wick/math.h"

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Where the history has part w of step t, of symbol 0; the others follow. */
static size_t history_place(const wk_features *f, int64_t t, int w)
{
    return f->history[w].at + ((size_t)t & f->history[w].mask) * f->S;
}

/* The price is held over at most WK__HOLD_BARS absent bars with no volume; then there is none. */
static void fill_cell(wk__cell *x, wk__base *b, const wk_bar *bar, bool has_bar)
{
    double c_before = b->bad_c == x->t - 1 ? NAN : b->c;
    x->has_bar = has_bar && bar->close > 0;
    if (x->has_bar) {
        x->c = bar->close;
        x->o = bar->open > 0 ? bar->open : c_before;
        x->h = bar->high > 0 ? bar->high : x->c;
        x->l = bar->low > 0 ? bar->low : x->c;
        x->v = wk__or_zero(bar->volume);
        b->n_held = 0;
        b->seen = true;
    } else if (b->seen && b->n_held < WK__HOLD_BARS) {
        b->n_held++;
        x->c = x->o = x->h = x->l = b->c;
        x->v = 0;
    } else {
        x->c = x->o = x->h = x->l = x->v = NAN;
    }
}

/* `history` is the symbol's, of which this step's place is written. */
static void update_base(wk__cell *x, wk__base *b, double *history)
{
    bool live = x->c == x->c;
    if (!live)
        b->bad_c = x->t;
    x->lc = wk_log(x->c);
    x->r = x->t > 0 ? x->lc - b->lc : NAN;
    if (x->r != x->r)
        b->bad_r = x->t;
    b->n_live += live;
    b->n_returns += x->r == x->r;
    if (live)
        b->c = x->c;
    b->lc = x->lc;
    wk__ewm_push(&b->fast, wk__span_keep(96), x->r * x->r);
    wk__ewm_push(&b->slow, wk__span_keep(480), x->r * x->r);
    x->sd = b->n_returns >= 48 ? sqrt(wk__ewm_value(&b->fast)) + 1e-6 : NAN;
    x->sdd = b->n_returns >= 120 ? sqrt(wk__ewm_value(&b->slow)) + 1e-6 : NAN;
    b->sd = x->sd;
    x->bad_c = b->bad_c;
    x->bad_r = b->bad_r;
    x->n_live = b->n_live;
    double range = wk_log(x->h / x->l);
    double now[WK__HISTORY], pk = range * range / (4 * 0.69314718055994530942);
    now[WK__LC] = x->lc;
    now[WK__R] = x->r;
    now[WK__C] = x->c;
    now[WK__H] = x->h;
    now[WK__L] = x->l;
    now[WK__V] = x->v;
    now[WK__O] = x->o;
    now[WK__PK] = pk;
    for (int w = 0; w < WK__HISTORY; w++)
        history[history_place(x->f, x->t, w)] = now[w];
}

/* Mean and sample deviation of the last 20 closes, in two passes: exact at any price. */
static void fill_bands(wk__cell *x)
{
    if (!wk__whole_c(x, 20)) {
        x->ma20 = x->bs20 = NAN;
        return;
    }
    double c[20], sum = 0, square = 0;
    for (int i = 0; i < 20; i++)
        sum += c[i] = wk__back(x, i, WK__C);
    x->ma20 = sum / 20;
    for (int i = 0; i < 20; i++)
        square += (c[i] - x->ma20) * (c[i] - x->ma20);
    x->bs20 = sqrt(square / 19);
}

static void start_lane(const wk_features *f, wk__lane *lane)
{
    lane->running = true;
    lane->t = 0;
    memset(lane->states, 0, f->S * f->state_stride);
    for (size_t s = 0; s < f->S; s++) {
        wk__base *b = (wk__base *)(lane->states + s * f->state_stride);
        b->bad_c = b->bad_r = -1;
        b->lc = NAN;
        b->sd = NAN;
    }
}

static void emit_symbol(const wk_features *f, const wk__lane *lane, size_t s, double *row)
{
    double *all = f->keep ? f->row_all : row;
    const char *states = lane->states + s * f->state_stride,
               *rings = lane->rings + s * f->ring_stride;
    for (size_t k = 0; k < f->n_families; k++)
        f->families[k]->emit(&f->cells[s], states + f->state_at[k], rings + f->ring_at[k],
                             f->scratch[k], all + f->first_column[k]);
    for (size_t i = 0; i < f->n_all; i++)
        all[i] = all[i] - all[i] == 0 ? all[i] : NAN; /* no infinity, and one NaN */
    if (f->keep)
        for (size_t i = 0; i < f->F; i++)
            row[i] = all[f->keep[i]];
}

static void step_lane(const wk_features *f, wk__lane *lane, const wk_features_step *step,
                      wk__undo *undo, double *rows, uint8_t *valid)
{
    size_t S = f->S;
    for (size_t s = 0; s < S; s++) {
        wk__cell *x = &f->cells[s];
        wk__base *b = (wk__base *)(lane->states + s * f->state_stride);
        x->f = f;
        x->history = lane->history + s;
        x->t = lane->t;
        x->time_ns = step->time_ns;
        x->s = s;
        x->undo = undo;
        x->funding = step->funding_known ? step->funding_known[s] : NAN;
        x->outside = step->outside ? step->outside + s * f->n_outside : NULL;
        fill_cell(x, b, &step->bars[s], step->provenance[s] != WK_PROV_UNKNOWN);
        update_base(x, b, lane->history + s);
    }
    for (size_t s = 0; s < S; s++) {
        char *states = lane->states + s * f->state_stride,
             *rings = lane->rings + s * f->ring_stride;
        for (size_t k = 0; k < f->n_families; k++)
            if (f->families[k]->update)
                f->families[k]->update(&f->cells[s], states + f->state_at[k],
                                       rings + f->ring_at[k]);
    }
    if (!rows)
        return;
    for (size_t s = 0; s < S; s++)
        fill_bands(&f->cells[s]);
    for (size_t k = 0; k < f->n_families; k++) {
        if (!f->families[k]->panel)
            continue;
        for (size_t s = 0; s < S; s++)
            f->panel_states[s] = lane->states + s * f->state_stride + f->state_at[k];
        f->families[k]->panel(f, f->cells, f->panel_states, f->scratch[k]);
    }
    for (size_t s = 0; s < S; s++) {
        emit_symbol(f, lane, s, rows + s * f->F);
        /* Without a volatility there is no label and no size, whatever the warm-up allows. */
        bool known = f->cells[s].sd == f->cells[s].sd;
        valid[s] = f->cells[s].has_bar && known && f->cells[s].n_live > f->warmup_valid;
    }
}

/* The lane of the anchor period that `step` lies in: periods take turns. */
static int lane_of(const wk_features *f, int64_t step)
{
    return (int)(floor_div(step, f->anchor) & 1);
}

static void check_step(const wk_features *f, int64_t step)
{
    WK_ASSERT(!f->pushed || step == f->step_last + 1); /* steps come in order without a hole */
}

void wk_features_serve(wk_features *f, const wk_features_step *given, double *rows, uint8_t *valid)
{
    int64_t step = floor_div(given->time_ns, f->timeframe_ns);
    check_step(f, step);
    int serving = lane_of(f, step);
    if (f->serving >= 0 && f->serving != serving)
        f->lanes[f->serving].running = false;
    if (!f->lanes[serving].running)
        start_lane(f, &f->lanes[serving]);
    step_lane(f, &f->lanes[serving], given, NULL, rows, valid);
    f->lanes[serving].t++;
    f->serving = serving;
    f->step_last = step;
    f->pushed = true;
}

void wk_features_finish(wk_features *f, const wk_features_step *given)
{
    int64_t step = floor_div(given->time_ns, f->timeframe_ns);
    WK_ASSERT(f->pushed && step == f->step_last);
    int serving = f->serving;
    int64_t anchor_next = (floor_div(step, f->anchor) + 1) * f->anchor;
    if (step < anchor_next - f->warmup)
        return;
    wk__lane *next = &f->lanes[1 - serving];
    if (!next->running)
        start_lane(f, next);
    step_lane(f, next, given, NULL, NULL, NULL);
    next->t++;
}

void wk_features_push(wk_features *f, const wk_features_step *given, double *rows, uint8_t *valid)
{
    wk_features_serve(f, given, rows, valid);
    wk_features_finish(f, given);
}

void wk_features_peek(const wk_features *f, const wk_features_step *given, double *rows,
                      uint8_t *valid)
{
    int64_t step = floor_div(given->time_ns, f->timeframe_ns);
    check_step(f, step);
    wk__lane lane = f->lanes[lane_of(f, step)];
    wk__undo undo = f->undo;
    undo.n = 0;
    size_t states_bytes = f->S * f->state_stride;
    memcpy(f->states_backup, lane.states, states_bytes);
    if (!lane.running)
        start_lane(f, &lane);
    for (int w = 0; w < WK__HISTORY; w++)
        memcpy(f->history_backup + (size_t)w * f->S, lane.history + history_place(f, lane.t, w),
               f->S * sizeof(double));
    step_lane(f, &lane, given, &undo, rows, valid);
    memcpy(lane.states, f->states_backup, states_bytes);
    for (int w = 0; w < WK__HISTORY; w++)
        memcpy(lane.history + history_place(f, lane.t, w), f->history_backup + (size_t)w * f->S,
               f->S * sizeof(double));
    while (undo.n) {
        undo.n--;
        memcpy(undo.entries[undo.n].at, undo.entries[undo.n].old, sizeof undo.entries[0].old);
    }
}

void wk_features_reset(wk_features *f)
{
    f->lanes[0].running = f->lanes[1].running = false;
    f->serving = -1;
    f->pushed = false;
}

double wk_features_sigma(const wk_features *f, size_t s)
{
    WK_ASSERT(s < f->S);
    if (f->serving < 0)
        return NAN;
    return ((const wk__base *)(f->lanes[f->serving].states + s * f->state_stride))->sd;
}

wk_features_step wk_panel_step(const wk_panel *panel, size_t t)
{
    size_t cell = t * panel->S;
    return (wk_features_step){
        .time_ns = panel->start_ns + (int64_t)t * panel->timeframe_ns,
        .bars = panel->bars + cell,
        .provenance = panel->provenance + cell,
        .funding_known = panel->funding_known ? panel->funding_known + cell : NULL,
        .funding_due = panel->funding ? panel->funding + cell : NULL,
        .outside = panel->outside ? panel->outside + cell * panel->K : NULL,
    };
}

wk_status wk_features_batch(wk_features *f, const wk_panel *panel, wk_arena *arena,
                            wk_feature_table *out, wk_err *err)
{
    if (panel->S != f->S || panel->timeframe_ns != f->timeframe_ns)
        return wk_fail(err, WK_E_ARG,
                       "features: the panel has %zu symbols of %lld ns, the plan %zu of %lld ns",
                       panel->S, (long long)panel->timeframe_ns, f->S, (long long)f->timeframe_ns);
    if (panel->K != f->n_outside)
        return wk_fail(
            err, WK_E_ARG,
            "features: the panel has %zu outside columns, the plan %zu; the data section "
            "must give what features.outside names",
            panel->K, f->n_outside);
    size_t S = f->S, F = f->F, T = panel->T;
    wk_feature_table table = {T,
                              S,
                              F,
                              wk_arena_array(arena, float, T *S *F),
                              wk_arena_array(arena, uint8_t, T * S),
                              wk_arena_array(arena, double, T *S)};
    double *rows = wk_arena_array(arena, double, S *F);
    wk_features_reset(f);
    for (size_t t = 0; t < T; t++) {
        wk_features_step step = wk_panel_step(panel, t);
        wk_features_push(f, &step, rows, table.valid + t * S);
        float *X = table.X + t * S * F;
        for (size_t i = 0; i < S * F; i++)
            X[i] = (float)rows[i];
        for (size_t s = 0; s < S; s++)
            table.sigma[t * S + s] = wk_features_sigma(f, s);
    }
    *out = table;
    return WK_OK;
}
