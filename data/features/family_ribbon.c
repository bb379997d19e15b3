/* The ribbon: eight exponential means of the close (TA-Lib's EMA), their distance to the close,
 * their slope, and how far and how orderly they have fanned out; prices are in units of close times
 * sigma. */
#include "data/features/engine.h"
#include "data/features/indicator.h"

enum { N_LENGTHS = 8 };
static const int64_t lengths[N_LENGTHS] = {8, 13, 21, 34, 55, 89, 144, 233};

typedef struct {
    bool ready;
    wk_ind_ema ema[N_LENGTHS];
    double now[N_LENGTHS], before[N_LENGTHS];
} ribbon;

static void columns(wk_features *f)
{
    for (int i = 0; i < N_LENGTHS; i++)
        wk__column(f, "rib.dist%d", (int)lengths[i]);
    for (int i = 0; i < N_LENGTHS; i++)
        wk__column(f, "rib.slope%d", (int)lengths[i]);
    wk__column(f, "rib.width");
    wk__column(f, "rib.order");
}

static void update(const wk__cell *x, void *state, void *ring)
{
    ribbon *m = state;
    (void)ring;
    if (!m->ready)
        for (int i = 0; i < N_LENGTHS; i++) {
            wk_ind_ema_init(&m->ema[i], lengths[i]);
            m->now[i] = NAN;
        }
    m->ready = true;
    if (x->c != x->c)
        return;
    for (int i = 0; i < N_LENGTHS; i++) {
        m->before[i] = m->now[i];
        m->now[i] = wk_ind_ema_push(&m->ema[i], x->c);
    }
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const ribbon *m = state;
    (void)ring;
    (void)scratch;
    double unit = 1 / (x->c * x->sd), top = m->now[0], bottom = m->now[0], order = 0;
    for (int i = 0; i < N_LENGTHS; i++) {
        row[i] = (x->c - m->now[i]) * unit;
        row[N_LENGTHS + i] = (m->now[i] - m->before[i]) * unit;
        top = m->now[i] > top ? m->now[i] : top;
        bottom = m->now[i] < bottom ? m->now[i] : bottom;
        if (i)
            order += m->now[i - 1] > m->now[i] ? 1.0 : m->now[i - 1] < m->now[i] ? -1.0 : 0.0;
    }
    bool whole = m->now[N_LENGTHS - 1] == m->now[N_LENGTHS - 1];
    row[2 * N_LENGTHS] = whole ? (top - bottom) * unit : NAN;
    row[2 * N_LENGTHS + 1] = whole ? order / (N_LENGTHS - 1) : NAN;
}

const wk__family wk__family_ribbon = {
    .name = "ribbon",
    .state_bytes = sizeof(ribbon),
    .columns = columns,
    .update = update,
    .emit = emit,
};
