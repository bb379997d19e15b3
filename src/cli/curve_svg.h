/* Curves over rounds as one SVG file. */
#ifndef WICK_CLI_CURVE_SVG_H
#define WICK_CLI_CURVE_SVG_H

#include <stddef.h>

#include "wick/err.h"

typedef struct {
    const char *name;
    const double *value;     /* [n] */
    const double *deviation; /* [n] or NULL: half the width of a band around the line */
} curve_line;

/* Rounds are counted from 1; `mark` is one of them, or 0. Values that are no numbers leave gaps. */
WK_MUST_CHECK wk_status curve_svg_write(const char *path, const char *title,
                                        const curve_line *lines, size_t n_lines, size_t n,
                                        size_t mark, wk_err *err);
/* The same over another kind of turns, as "epoch". */
WK_MUST_CHECK wk_status curve_svg_write_by(const char *turn, const char *path, const char *title,
                                           const curve_line *lines, size_t n_lines, size_t n,
                                           size_t mark, wk_err *err);

#endif
