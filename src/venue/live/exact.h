/* Exact sums and comparisons of venue decimals, as bars need them. */
#ifndef WICK_VENUE_EXACT_H
#define WICK_VENUE_EXACT_H

#include "wick/decimal.h"

__extension__ typedef __int128 wk__int128;

/* A sum of sizes: digits * 10^-scale. Exact while its terms have at most 18 decimals (the rest of a
 * longer one is rounded) and it stays below 10^19; beyond, it stays there. */
typedef struct {
    wk__int128 digits;
    int scale;
} wk__sum;

void wk__sum_add(wk__sum *sum, wk_decimal term);
/* Rounded to 18 digits when it has more. Trailing zeros are cut. */
wk_decimal wk__sum_value(const wk__sum *sum);

/* -1, 0, 1: by value, 1.50 equals 1.5. */
int wk__exact_compare(wk_decimal a, wk_decimal b);

/* The decimal that a double is printed as in its shortest exact form; x is finite. */
wk_decimal wk__decimal_of(double x);

#endif
