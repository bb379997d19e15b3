/* Calendar: hour, weekday (0 = Monday), hour of the week and day of the month of the bar's open. */
#include "data/features/engine.h"
#include "wick/clock.h"

static void columns(wk_features *f)
{
    wk__column(f, "cal.hr");
    wk__column(f, "cal.wd");
    wk__column(f, "cal.hw");
    wk__column(f, "cal.dom");
}

static void panel(const wk_features *f, const wk__cell *cells, void *const *states, void *scratch)
{
    (void)f;
    (void)states;
    double *value = scratch;
    wk_civil civil = wk_civil_from_ns(cells[0].time_ns);
    value[0] = civil.hour + (civil.minute + civil.second / 60.0) / 60.0;
    value[1] = civil.weekday;
    value[2] = civil.weekday * 24 + value[0];
    value[3] = civil.day;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    (void)x;
    (void)state;
    (void)ring;
    memcpy(row, scratch, 4 * sizeof *row);
}

const wk__family wk__family_calendar = {
    .name = "calendar",
    .panel_bytes = 4 * sizeof(double),
    .columns = columns,
    .panel = panel,
    .emit = emit,
};
