#include "slices.h"

#include <string.h>

#define NODES WK__GBDT_PART
#define SWEEPS 3
#define PLACES_MAX 65536

typedef struct {
    const wk__gbdt_plan *plan;
    wk__gbdt_slices *s;
    wk_arena scratch;
    uint16_t (*place)[256][2]; /* [n_columns] of a test: by cut and whether missing goes left */
    wk__gbdt_bit_op *ops;
    size_t n_ops, n_results, results_max;
} builder;

/* A part while its leaves get their numbers. */
typedef struct {
    const wk__gbdt_part *part;
    uint8_t leaves[NODES]; /* below each node */
    bool right_first[NODES];
    uint8_t code[NODES]; /* of the leaves */
} coding;

static bool is_node(uint8_t link)
{
    return link & WK__GBDT_INNER;
}

static unsigned node_of(uint8_t link)
{
    return link & (WK__GBDT_INNER - 1);
}

static unsigned count_leaves(coding *c, uint8_t link)
{
    if (!is_node(link))
        return 1;
    unsigned i = node_of(link);
    unsigned left = count_leaves(c, c->part->child[0][i]);
    unsigned right = count_leaves(c, c->part->child[1][i]);
    c->right_first[i] = right > left;
    c->leaves[i] = (uint8_t)(left + right);
    return left + right;
}

/* What is known of a result's bits: those that differ among its leaves, and the others' values. */
typedef struct {
    unsigned varies, value;
} known;

/* Numbers the leaves below from `first` on, and adds up the operations that this takes. */
static known give_codes(coding *c, uint8_t link, unsigned first, unsigned *cost)
{
    if (!is_node(link)) {
        c->code[node_of(link)] = (uint8_t)first;
        return (known){0, first};
    }
    unsigned i = node_of(link);
    uint8_t a = c->part->child[c->right_first[i]][i], b = c->part->child[!c->right_first[i]][i];
    unsigned behind = first + (is_node(a) ? c->leaves[node_of(a)] : 1);
    known x = give_codes(c, a, first, cost), y = give_codes(c, b, behind, cost);
    unsigned varies = x.varies | y.varies, differs = (x.value ^ y.value) & ~varies;
    /* 0 on the left and 1 on the right is the test itself. */
    unsigned turned = differs & (c->right_first[i] ? y.value : x.value);
    *cost += (unsigned)__builtin_popcount(varies | turned);
    return (known){varies | differs, x.value};
}

/* Which child comes first: first the larger one, then whatever saves operations. */
static void choose_codes(coding *c)
{
    unsigned best = 0;
    count_leaves(c, WK__GBDT_INNER);
    give_codes(c, WK__GBDT_INNER, 0, &best);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (unsigned i = 0; i < NODES; i++) {
            unsigned cost = 0;
            if (c->leaves[i] < 2)
                continue;
            c->right_first[i] = !c->right_first[i];
            give_codes(c, WK__GBDT_INNER, 0, &cost);
            if (cost <= best)
                best = cost;
            else
                c->right_first[i] = !c->right_first[i];
        }
    unsigned cost = 0;
    give_codes(c, WK__GBDT_INNER, 0, &cost);
}

static void fold(builder *b, const coding *c, size_t p, uint8_t link, uint16_t *code)
{
    if (!is_node(link)) {
        for (unsigned k = 0; k < WK__GBDT_CODE; k++)
            code[k] = c->code[node_of(link)] >> k & 1 ? WK__GBDT_ONES : WK__GBDT_ZEROS;
        return;
    }
    unsigned i = node_of(link);
    uint16_t left[WK__GBDT_CODE], right[WK__GBDT_CODE];
    fold(b, c, p, c->part->child[0][i], left);
    fold(b, c, p, c->part->child[1][i], right);
    uint16_t test = b->place[c->part->column[i]][c->part->cut[i]][b->plan->plus[p] >> i & 1];
    for (unsigned k = 0; k < WK__GBDT_CODE; k++) {
        if (left[k] == right[k]) {
            code[k] = left[k];
        } else if (left[k] == WK__GBDT_ZEROS && right[k] == WK__GBDT_ONES) {
            code[k] = test;
        } else {
            if (b->ops)
                b->ops[b->n_ops] = (wk__gbdt_bit_op){test, left[k], right[k], 0};
            b->n_ops++;
            code[k] = (uint16_t)(b->s->first_result + b->n_results++);
        }
    }
}

/* Adding -0 changes no sum: such a part only fills a block. */
static bool is_filler(const wk__gbdt_part *part)
{
    for (size_t i = 0; i < WK__GBDT_PART; i++)
        if (part->value[i] != 0 || !__builtin_signbit(part->value[i]))
            return false;
    return true;
}

/* Marks the tests that are asked, then numbers them by column and cut. */
static void make_tests(builder *b)
{
    const wk__gbdt_plan *plan = b->plan;
    wk__gbdt_slices *s = b->s;
    for (size_t p = 0; p < plan->n_blocks * WK__GBDT_TOGETHER; p++)
        for (size_t i = 0; i < plan->part_inner[p]; i++) {
            const wk__gbdt_part *part = &plan->parts[p];
            b->place[part->column[i]][part->cut[i]][plan->plus[p] >> i & 1] = 1;
        }
    wk_arena *arena = &plan->batch->arena;
    size_t n = 0;
    for (size_t c = 0; c < plan->n_columns; c++)
        for (size_t i = 0; i < 512; i++)
            n += b->place[c][i / 2][i % 2];
    s->tests = wk_arena_array(arena, wk__gbdt_bit_test, n + 1);
    s->column_tests = wk_arena_array(arena, uint32_t, plan->n_columns + 1);
    for (size_t c = 0; c < plan->n_columns; c++) {
        for (size_t i = 0; i < 512; i++) {
            bool plus = i % 2;
            if (!b->place[c][i / 2][plus])
                continue;
            /* Where missing goes left the plan's cut is one larger, for bytes that are too. */
            s->tests[s->n_tests] = (wk__gbdt_bit_test){(uint8_t)(i / 2 - plus), plus};
            b->place[c][i / 2][plus] = (uint16_t)(WK__GBDT_FIRST_TEST + s->n_tests++);
        }
        s->column_tests[c + 1] = (uint32_t)s->n_tests;
    }
    s->first_result = WK__GBDT_FIRST_TEST + s->n_tests;
}

/* All parts, once to count the operations and once to write them. */
static void make_parts(builder *b, const coding *codes)
{
    const wk__gbdt_plan *plan = b->plan;
    size_t n = 0;
    b->n_ops = 0;
    for (size_t k = 0; k < plan->n_outputs; k++) {
        b->s->output_parts[k] = n;
        size_t end = plan->output_blocks[k + 1] * WK__GBDT_TOGETHER;
        for (size_t p = plan->output_blocks[k] * WK__GBDT_TOGETHER; p < end; p++) {
            wk__gbdt_bit_part *to = &b->s->parts[n];
            if (is_filler(&plan->parts[p]))
                continue;
            n++;
            to->first_op = (uint32_t)b->n_ops;
            b->n_results = 0;
            fold(b, &codes[p], p, WK__GBDT_INNER, to->code);
            to->end_op = (uint32_t)b->n_ops;
            b->results_max = b->n_results > b->results_max ? b->n_results : b->results_max;
            for (size_t i = 0; i < codes[p].leaves[0]; i++)
                to->value[codes[p].code[i]] = plan->parts[p].value[i];
        }
    }
    b->s->output_parts[plan->n_outputs] = n;
}

const wk__gbdt_slices *wk__gbdt_slices_make(const wk__gbdt_plan *plan)
{
    wk_arena *arena = &plan->batch->arena;
    builder b = {.plan = plan};
    size_t n = plan->n_blocks * WK__GBDT_TOGETHER;
    if (plan->n_columns == 0)
        return NULL;
    wk_arena_init(&b.scratch);
    b.s = wk_arena_array(arena, wk__gbdt_slices, 1);
    b.place = wk_arena_alloc(&b.scratch, (plan->n_columns + 1) * sizeof *b.place);
    memset(b.place, 0, (plan->n_columns + 1) * sizeof *b.place);
    coding *codes = wk_arena_array(&b.scratch, coding, n);
    make_tests(&b);
    for (size_t p = 0; p < n; p++) {
        codes[p].part = &plan->parts[p];
        choose_codes(&codes[p]);
    }
    b.s->parts = wk_arena_array(arena, wk__gbdt_bit_part, n);
    b.s->output_parts = wk_arena_array(arena, size_t, plan->n_outputs + 1);
    make_parts(&b, codes);
    b.s->ops = b.ops = wk_arena_array(arena, wk__gbdt_bit_op, b.n_ops + 1);
    make_parts(&b, codes);
    b.s->pool_bits = b.s->first_result + b.results_max;
    wk_arena_finish(&b.scratch);
    return b.s->pool_bits <= PLACES_MAX ? b.s : NULL;
}
