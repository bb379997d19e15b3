/* The forest for batches of 512 rows, a bit a row.
 *
 * A test is a column's byte against a cut, and its outcome for 512 rows is one vector of bits. Each
 * different test of the forest is made once a slice, whatever the number of nodes that ask it. The
 * leaves of a part have numbers of six bits; from the leaves up, each bit of a node's result is the
 * test's choice between its children's bits, one instruction for 512 rows. Numbers are given out so
 * that most bits are the same in both children and cost nothing. */
#ifndef WICK_GBDT_SLICES_H
#define WICK_GBDT_SLICES_H

#include "gbdt/kinds.h"
#include "gbdt/plan.h"

#define WK__GBDT_SLICE 512 /* rows */
#define WK__GBDT_CODE 6    /* bits of a leaf's number */

/* Bits of the rows of a slice; which bit is which row is the kernel's affair. */
typedef struct wk__gbdt_bits {
    _Alignas(64) uint64_t words[WK__GBDT_SLICE / 64];
} wk__gbdt_bits;

/* Places in the pool of bits: all 0, all 1, then the tests, then what the operations of a part
 * give, one after the other from first_result on, and at last the sums, WK__GBDT_SLICE floats an
 * output. */
#define WK__GBDT_ZEROS 0
#define WK__GBDT_ONES 1
#define WK__GBDT_FIRST_TEST 2

/* The cuts of a column as a search tree of eight levels, whose turns are the bits of a row's code,
 * the first the highest: a code is above c where the row is not below the cut in slot c + 1. Slots
 * without a cut have NaN, to which no row turns right. Most columns have few more than 127 cuts, so
 * where that is enough the last level is left out, or stands only below those that turn right
 * first, or right twice. In a level the nodes stand by the turns that lead there, the first in the
 * lowest bit; in the last one without the turns to the right that all of it is below. */
typedef enum {
    WK__GBDT_SEVEN_LEVELS, /* 127 cuts */
    WK__GBDT_LAST_QUARTER, /* 159 */
    WK__GBDT_LAST_HALF,    /* 191 */
    WK__GBDT_EIGHT_LEVELS
} wk__gbdt_last_level;

typedef struct {
    _Alignas(64) float level_2[16];
    float level_3[16], level_4[16], level_5[32], level_6[64], level_7[128];
    float root, level_1[2];
    wk__gbdt_last_level last;
} wk__gbdt_slice_search;

/* Outcomes of a column's comparisons, as bytes' offsets of vectors in its table: 16 for whether the
 * code's low four bits are above 0 to 15, 17 for whether its high four are above -1 to 15, and 17
 * that hold for missing values too. A test is high + 1 or (high and low). */
#define WK__GBDT_LOW 0
#define WK__GBDT_HIGH 16
#define WK__GBDT_HIGH_OR_MISSING 33
#define WK__GBDT_OUTCOMES 50

typedef struct {
    uint16_t high, low;
} wk__gbdt_bit_test;

/* A split by category: bit c is whether code c goes right, of which 255 is a missing value. */
typedef struct {
    _Alignas(32) uint64_t right[4];
} wk__gbdt_kind_test;

/* The nodes of a part that take operations, as bytes' offsets in the pool.
 *
 * First those beside the spine, which leads from the root down to the larger subtrees: nodes of one
 * operation, then those of two and so on, children before their parents. A node of n is 1 + 2 n
 * offsets: its test, then left and right of each, result = test ? right : left.
 *
 * Then the spine from below, whose six bits stay in registers: where they start, and for each node
 * its test, what the test is joined with by exclusive or (32 bits for all rows, ones where the
 * spine is on the right) and the offsets of the other child's bits, bit = test ? other : bit. */
typedef struct {
    _Alignas(64) uint8_t value[4][WK__GBDT_PART]; /* byte, the lowest first; leaf's number */
    uint8_t n_nodes[WK__GBDT_CODE];               /* of 1, 2, .. operations */
    uint8_t n_spine;
    size_t first; /* of its offsets */
} wk__gbdt_bit_part;

typedef struct wk__gbdt_slices {
    size_t n_tests, pool_bits, first_result, first_sum;
    uint16_t row[WK__GBDT_SLICE];  /* of each place of the sums */
    wk__gbdt_slice_search *search; /* [n_columns] */
    wk__gbdt_bit_test *tests;      /* by column */
    uint32_t *column_tests; /* [n_columns + 1] tests of a column: the first, and one behind */
    wk__gbdt_kind_test *kind_tests; /* of the plan's nodes of kinds, in their order */
    size_t first_kind_test;         /* their place in the pool */
    uint32_t *offsets;
    wk__gbdt_bit_part *parts;
    size_t *output_parts; /* [n_outputs + 1] */
} wk__gbdt_slices;

/* In the plan's arena of batches; NULL for a forest of many outputs. row_of tells the
 * row of a place. */
const wk__gbdt_slices *wk__gbdt_slices_make(const wk__gbdt_plan *plan, size_t (*row_of)(size_t));

#endif
