/* Outside series: open interest, basis, long/short ratio, news sentiment, or anything else that
 * comes in rows of time and value, joined to the panel as of the time each row was KNOWN, with a
 * limit on its age. */
#ifndef WICK_OUTSIDE_H
#define WICK_OUTSIDE_H

#include "wick/bars.h"
#include "wick/config.h"

enum { WK_OUTSIDE_MAX = 64 }; /* columns of a panel, flow columns included */

typedef struct {
    const char *name; /* of the column: letters, digits, _ */
    const char
        *file; /* CSV(.gz), relative to the data root; {symbol} and {base} stand for the market's;
                  "" = the store */
    const char *series;         /* name in the store; "" = `name` */
    const char *venue, *symbol; /* in the store: ""  = the data section's, the market's own */
    const char *time, *value;   /* columns of the file */
    const char *known;          /* column with the time a row became known; "" = time + delay */
    double delay_s; /* from a row's time until it is known; NaN: must be given unless `known` is */
    double stale_s; /* a value counts as missing when it was learnt longer ago; 0: never */
} wk_outside_config;
extern const wk_cfg_table wk_outside_config_table;

typedef struct {
    int64_t time_ns;  /* what the row speaks of */
    int64_t known_ns; /* when it could first be used */
    double value;     /* NaN: known to be missing */
} wk_outside_row;

typedef struct {
    size_t n;
    wk_outside_row *rows; /* by known_ns, then time_ns; owned */
} wk_outside;

void wk_outside_finish(wk_outside *series);
/* Puts rows in their order. */
void wk_outside_sort(wk_outside *series);

/* Reads a file as `config` says; path is the resolved one. */
WK_MUST_CHECK wk_status wk_outside_read(const wk_outside_config *config, const char *path,
                                        wk_outside *out, wk_err *err);

/* Checks names, and that every series says when its rows are known. */
WK_MUST_CHECK wk_status wk_outside_check(const wk_outside_config *configs, size_t n, wk_err *err);

/* "a/{base}-{symbol}.csv" with a market's names: base is the symbol without its quote currency.
 * Returns false when it does not fit. */
bool wk_outside_path(const char *pattern, const char *symbol, char *out, size_t size_bytes);

/* Gives the panel K more columns: cell (t, s) of column k is the newest value (by time_ns) among
 * those known strictly before the close of step t, NaN when there is none or it is stale. series [K
 * * S], column by column; stale_s [K]. The panel owns the result. */
WK_MUST_CHECK wk_status wk_panel_join(wk_panel *panel, const wk_outside *series,
                                      const double *stale_s, size_t K, wk_err *err);

#endif
