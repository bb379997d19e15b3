/* Lead: the leaders' recent returns, rolling beta and correlation to the first leader, and how far
 * a symbol lags what its beta implies. Columns are NaN when a default leader is not in the panel.
 */
#include "data/features/engine.h"

static const int64_t first[] = {1, 2, 4, 12, 24, 72, 168, 672};
static const int64_t other[] = {1, 4, 24};
enum { N_FIRST = 8, N_OTHER = 3, N_SHARED_MAX = N_FIRST + N_OTHER * (WK__LEADERS_MAX - 1) };

typedef struct {
    wk__ewm cov, var; /* span 336 */
} lead;

typedef struct {
    double shared[N_SHARED_MAX];
    double var, sum[N_OTHER]; /* of the first leader */
} lead_panel;

static void columns(wk_features *f)
{
    for (int i = 0; i < N_FIRST; i++)
        wk__column(f, "lead.%s%d", f->leader_name[0], (int)first[i]);
    for (size_t k = 1; k < f->n_leaders; k++)
        for (int i = 0; i < N_OTHER; i++)
            wk__column(f, "lead.%s%d", f->leader_name[k], (int)other[i]);
    wk__column(f, "lead.beta");
    wk__column(f, "lead.corr");
    for (int i = 0; i < N_OTHER; i++)
        wk__column(f, "lead.gap%d", (int)other[i]);
}

static void update(const wk__cell *x, void *state, void *ring)
{
    lead *m = state;
    (void)ring;
    double leader = NAN;
    if (x->f->leader[0] < x->f->S)
        leader = x->f->cells[x->f->leader[0]].r;
    wk__ewm_push(&m->cov, wk__span_keep(336), x->r * leader);
    wk__ewm_push(&m->var, wk__span_keep(336), x->r * x->r);
}

static double scaled(const wk__cell *x, int64_t n)
{
    return wk__diff(x, n) / (x->sd * sqrt((double)n));
}

static void panel(const wk_features *f, const wk__cell *cells, void *const *states, void *scratch)
{
    lead_panel *p = scratch;
    double *out = p->shared;
    const wk__cell *b = f->leader[0] < f->S ? &cells[f->leader[0]] : NULL;
    for (int i = 0; i < N_FIRST; i++)
        *out++ = b ? scaled(b, first[i]) : NAN;
    for (size_t k = 1; k < f->n_leaders; k++)
        for (int i = 0; i < N_OTHER; i++)
            *out++ = f->leader[k] < f->S ? scaled(&cells[f->leader[k]], other[i]) : NAN;
    p->var = b ? wk__ewm_value(&((const lead *)states[f->leader[0]])->var) : NAN;
    for (int i = 0; i < N_OTHER; i++)
        p->sum[i] = b && wk__whole_r(b, other[i]) ? wk__diff(b, other[i]) : NAN;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const lead *m = state;
    const lead_panel *p = scratch;
    (void)ring;
    size_t n = N_FIRST + N_OTHER * (x->f->n_leaders - 1);
    memcpy(row, p->shared, n * sizeof *row);
    row += n;
    double cov = wk__ewm_value(&m->cov), beta = cov / p->var;
    *row++ = beta;
    *row++ = cov / sqrt(p->var * wk__ewm_value(&m->var));
    for (int i = 0; i < N_OTHER; i++)
        *row++ = (wk__diff(x, other[i]) - beta * p->sum[i]) / (x->sd * sqrt((double)other[i]));
}

const wk__family wk__family_lead = {
    .name = "lead",
    .state_bytes = sizeof(lead),
    .panel_bytes = sizeof(lead_panel),
    .lags = {[WK__LC] = 672},
    .columns = columns,
    .update = update,
    .panel = panel,
    .emit = emit,
};
