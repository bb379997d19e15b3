/* The forest for batches of 512 rows, a bit a row.
 *
 * A test is a column's byte against a cut, and its outcome for 512 rows is one vector of bits. Each
 * different test of the forest is made once a slice, whatever the number of nodes that ask it. The
 * leaves of a part have numbers of six bits; from the leaves up, each bit of a node's result is the
 * test's choice between its children's bits, one instruction for 512 rows. Numbers are given out so
 * that most bits are the same in both children and cost nothing. */
#ifndef WICK_GBDT_SLICES_H
#define WICK_GBDT_SLICES_H

#include "gbdt/plan.h"

#define WK__GBDT_SLICE 512 /* rows */
#define WK__GBDT_CODE 6    /* bits of a leaf's number */

/* Bits of the rows of a slice; which bit is which row is the kernel's affair. */
typedef struct wk__gbdt_bits {
    _Alignas(64) uint64_t words[WK__GBDT_SLICE / 64];
} wk__gbdt_bits;

/* Places in the pool of bits: all 0, all 1, then the tests, then what the operations give, one
 * after the other from plan.first_result on, anew in each part. */
#define WK__GBDT_ZEROS 0
#define WK__GBDT_ONES 1
#define WK__GBDT_FIRST_TEST 2

/* result = test ? right : left, as places. The last is to make it eight bytes. */
typedef struct {
    uint16_t test, left, right, unused;
} wk__gbdt_bit_op;

typedef struct {
    uint8_t cut; /* right where the column's byte is greater */
    bool missing_left;
} wk__gbdt_bit_test;

typedef struct {
    _Alignas(64) float value[WK__GBDT_PART]; /* by the leaf's number */
    uint16_t code[WK__GBDT_CODE]; /* places of the number's bits, the lowest first */
    uint32_t first_op, end_op;
} wk__gbdt_bit_part;

typedef struct wk__gbdt_slices {
    size_t n_tests, pool_bits, first_result;
    wk__gbdt_bit_test *tests; /* by column */
    uint32_t *column_tests;   /* [n_columns + 1] tests of a column: the first, and one behind */
    wk__gbdt_bit_op *ops;
    wk__gbdt_bit_part *parts;
    size_t *output_parts; /* [n_outputs + 1] */
} wk__gbdt_slices;

/* In the plan's arena of batches; NULL where the tests are too many for places of 16 bits. */
const wk__gbdt_slices *wk__gbdt_slices_make(const wk__gbdt_plan *plan);

#endif
