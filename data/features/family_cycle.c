/* Cycle: hour of the day and time of the week as points on a circle, for models that add and
 * multiply (trees are served by the calendar family). */
#include "data/features/engine.h"
#include "wick/clock.h"
#include "wick/math.h"

enum { N_COLUMNS = 4 };

static void columns(wk_features *f)
{
    wk__column(f, "cycle.day_sin");
    wk__column(f, "cycle.day_cos");
    wk__column(f, "cycle.week_sin");
    wk__column(f, "cycle.week_cos");
}

static void panel(const wk_features *f, const wk__cell *cells, void *const *states, void *scratch)
{
    (void)f;
    (void)states;
    double *value = scratch, turn = 6.28318530717958647693;
    wk_civil civil = wk_civil_from_ns(cells[0].time_ns);
    double day = (civil.hour * 3600 + civil.minute * 60 + civil.second) / 86400.0;
    double week = (civil.weekday + day) / 7;
    value[0] = wk_sin(turn * day);
    value[1] = wk_cos(turn * day);
    value[2] = wk_sin(turn * week);
    value[3] = wk_cos(turn * week);
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    (void)x;
    (void)state;
    (void)ring;
    memcpy(row, scratch, N_COLUMNS * sizeof *row);
}

const wk__family wk__family_cycle = {
    .name = "cycle",
    .panel_bytes = N_COLUMNS * sizeof(double),
    .columns = columns,
    .panel = panel,
    .emit = emit,
};
