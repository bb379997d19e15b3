#include "slices.h"

#include <math.h>
#include <string.h>

#define NODES WK__GBDT_PART
#define SWEEPS 3
#define SPINE_LEAST 3      /* operations of a node that is worth six in registers */
#define OUTPUTS_MAX 64     /* whose sums stay near */
#define RESULT 0x80000000u /* RESULT | 8 * node + bit: what a node gives, before it has a place */

typedef struct {
    const wk__gbdt_plan *plan;
    wk__gbdt_slices *s;
    wk_arena scratch;
    uint32_t (*place)[256][2];     /* [n_columns] of a test: by cut and whether missing goes left */
    uint32_t (*kind_place)[NODES]; /* [part] of a node by category, else 0; NULL without any */
    size_t n_offsets, results_max;
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

static uint32_t place_of_test(const builder *b, size_t p, unsigned i)
{
    const wk__gbdt_part *part = &b->plan->parts[p];
    if (b->kind_place && b->kind_place[p][i])
        return b->kind_place[p][i];
    return b->place[part->column[i]][part->cut[i]][b->plan->plus[p] >> i & 1];
}

/* A node with its children's bits, as places, and the n bits that take an operation. */
typedef struct {
    uint32_t test, child[2][WK__GBDT_CODE];
    unsigned n, bit[WK__GBDT_CODE];
    bool in_spine;
} node_ops;

typedef struct {
    const builder *b;
    const coding *c;
    size_t p;
    uint32_t result[8 * NODES]; /* places of what nodes give */
    node_ops node[NODES];
    unsigned order[NODES], n;       /* children before their parents */
    unsigned spine[NODES], n_spine; /* from the root down */
} folding;

static void fold(folding *f, uint8_t link, uint32_t *code)
{
    if (!is_node(link)) {
        for (unsigned k = 0; k < WK__GBDT_CODE; k++)
            code[k] = f->c->code[node_of(link)] >> k & 1 ? WK__GBDT_ONES : WK__GBDT_ZEROS;
        return;
    }
    unsigned i = node_of(link);
    node_ops *to = &f->node[i];
    *to = (node_ops){.test = place_of_test(f->b, f->p, i)};
    for (int side = 0; side < 2; side++)
        fold(f, f->c->part->child[side][i], to->child[side]);
    for (unsigned k = 0; k < WK__GBDT_CODE; k++) {
        uint32_t left = to->child[0][k], right = to->child[1][k];
        if (left == right) {
            code[k] = left;
        } else if (left == WK__GBDT_ZEROS && right == WK__GBDT_ONES) {
            code[k] = to->test;
        } else {
            to->bit[to->n++] = k;
            code[k] = RESULT | (8 * i + k);
        }
    }
    f->order[f->n++] = i;
}

/* From the root to the child of more operations, as long as a node in registers costs less. */
static void find_spine(folding *f)
{
    uint8_t link = WK__GBDT_INNER;
    while (is_node(link) && f->node[node_of(link)].n >= SPINE_LEAST) {
        unsigned i = node_of(link), n[2];
        f->node[i].in_spine = true;
        f->spine[f->n_spine++] = i;
        for (int side = 0; side < 2; side++) {
            uint8_t child = f->c->part->child[side][i];
            n[side] = is_node(child) ? f->node[node_of(child)].n : 0;
        }
        link = f->c->part->child[n[1] > n[0]][i];
    }
}

/* Bytes' offset of a place; of a result that has one by now. */
static uint32_t offset_of(uint32_t place, const uint32_t *result)
{
    return (place & RESULT ? result[place & ~RESULT] : place) * (uint32_t)sizeof(wk__gbdt_bits);
}

static void put(builder *b, const folding *f, uint32_t place)
{
    b->s->offsets[b->n_offsets++] = offset_of(place, f->result);
}

static void add_spine(builder *b, const folding *f, const uint32_t *code)
{
    unsigned n = f->n_spine;
    /* Which child is the spine's; the lowest node starts from its left one. */
    const uint32_t *start = n > 0 ? f->node[f->spine[n - 1]].child[0] : code;
    for (unsigned k = 0; k < WK__GBDT_CODE; k++)
        put(b, f, start[k]);
    for (unsigned j = n; j-- > 0;) {
        unsigned i = f->spine[j];
        bool right = j + 1 < n && f->c->part->child[1][i] == (WK__GBDT_INNER | f->spine[j + 1]);
        put(b, f, f->node[i].test);
        b->s->offsets[b->n_offsets++] = right ? UINT32_MAX : 0;
        for (unsigned k = 0; k < WK__GBDT_CODE; k++)
            put(b, f, f->node[i].child[!right][k]);
    }
}

static void add_bit_part(builder *b, const coding *c, size_t p, wk__gbdt_bit_part *to)
{
    folding f = {.b = b, .c = c, .p = p};
    uint32_t code[WK__GBDT_CODE], n_results = 0;
    fold(&f, WK__GBDT_INNER, code);
    find_spine(&f);
    to->first = b->n_offsets;
    to->n_spine = (uint8_t)f.n_spine;
    for (unsigned n = 1; n <= WK__GBDT_CODE; n++)
        for (unsigned j = 0; j < f.n; j++) {
            unsigned i = f.order[j];
            const node_ops *node = &f.node[i];
            if (node->n != n || node->in_spine)
                continue;
            to->n_nodes[n - 1]++;
            put(b, &f, node->test);
            for (unsigned k = 0; k < n; k++) {
                put(b, &f, node->child[0][node->bit[k]]);
                put(b, &f, node->child[1][node->bit[k]]);
            }
            for (unsigned k = 0; k < n; k++)
                f.result[8 * i + node->bit[k]] = (uint32_t)b->s->first_result + n_results++;
        }
    add_spine(b, &f, code);
    for (size_t i = 0; i < c->leaves[0]; i++) {
        uint32_t value;
        memcpy(&value, &c->part->value[i], sizeof value);
        for (int k = 0; k < 4; k++)
            to->value[k][c->code[i]] = (uint8_t)(value >> 8 * k);
    }
    b->results_max = n_results > b->results_max ? n_results : b->results_max;
}

/* Adding -0 changes no sum: such a part only fills a block. */
static bool is_filler(const wk__gbdt_part *part)
{
    for (size_t i = 0; i < WK__GBDT_PART; i++)
        if (part->value[i] != 0 || !__builtin_signbit(part->value[i]))
            return false;
    return true;
}

/* The last level stands below the codes from here on. */
static unsigned first_of_last_level(wk__gbdt_last_level last)
{
    static const unsigned first[] = {256, 192, 128, 0};
    return first[last];
}

static float *level_of(wk__gbdt_slice_search *search, unsigned level)
{
    float *const at[] = {&search->root,   search->level_1, search->level_2, search->level_3,
                         search->level_4, search->level_5, search->level_6, search->level_7};
    return at[level];
}

/* slot[i] is the slot of cut i; 256 behind the last one, which no code reaches. */
static void make_search(const wk__gbdt_cuts *cuts, wk__gbdt_slice_search *search, uint16_t *slot)
{
    unsigned n = 0;
    while (n < WK__GBDT_CUTS && cuts->line[n / 16][n % 16] < INFINITY)
        n++;
    search->last = n <= 127   ? WK__GBDT_SEVEN_LEVELS
                   : n <= 159 ? WK__GBDT_LAST_QUARTER
                   : n <= 191 ? WK__GBDT_LAST_HALF
                              : WK__GBDT_EIGHT_LEVELS;
    unsigned last_from = first_of_last_level(search->last), at = 0;
    for (unsigned i = 0; i < 256; i++)
        slot[i] = 256;
    for (unsigned i = 0; i < 128; i++)
        level_of(search, 7)[i] = NAN;
    for (unsigned s = 1; s < 256; s++) {
        unsigned level = 7 - (unsigned)__builtin_ctz(s), place = 0;
        if (level == 7 && s < last_from)
            continue;
        for (unsigned turn = 0; turn < level; turn++)
            place |= (s >> (7 - turn) & 1) << turn;
        if (level == 7)
            place >>= last_from == 192 ? 2 : last_from == 128 ? 1 : 0;
        level_of(search, level)[place] = at < n ? cuts->line[at / 16][at % 16] : NAN;
        if (at < n)
            slot[at++] = (uint16_t)s;
    }
}

static wk__gbdt_bit_test test_of(unsigned code, bool missing_left)
{
    unsigned high = (missing_left ? WK__GBDT_HIGH : WK__GBDT_HIGH_OR_MISSING) + code / 16;
    return (wk__gbdt_bit_test){(uint16_t)(high * sizeof(wk__gbdt_bits)),
                               (uint16_t)((WK__GBDT_LOW + code % 16) * sizeof(wk__gbdt_bits))};
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
    s->search = wk_arena_array(arena, wk__gbdt_slice_search, plan->n_columns + 1);
    for (size_t c = 0; c < plan->n_columns; c++) {
        uint16_t slot[256];
        make_search(&plan->cuts[c], &s->search[c], slot);
        for (size_t i = 0; i < 512; i++) {
            bool plus = i % 2;
            if (!b->place[c][i / 2][plus])
                continue;
            /* Where missing goes left the plan's cut is one larger, for bytes that are too. */
            s->tests[s->n_tests] = test_of(slot[(uint8_t)(i / 2 - plus)] - 1u, plus);
            b->place[c][i / 2][plus] = (uint32_t)(WK__GBDT_FIRST_TEST + s->n_tests++);
        }
        s->column_tests[c + 1] = (uint32_t)s->n_tests;
    }
    s->first_kind_test = WK__GBDT_FIRST_TEST + s->n_tests;
    s->first_result = s->first_kind_test + (plan->kinds ? plan->kinds->n_nodes : 0);
}

static void make_kind_tests(builder *b)
{
    const wk__gbdt_kinds *kinds = b->plan->kinds;
    b->s->kind_tests = wk_arena_array(&b->plan->batch->arena, wk__gbdt_kind_test, kinds->n_nodes);
    for (size_t k = 0; k < kinds->n; k++)
        for (size_t i = kinds->first_node[k]; i < kinds->first_node[k + 1]; i++) {
            const wk__gbdt_kind *kind = &kinds->kind[k];
            const wk__gbdt_kind_node *node = &kinds->nodes[i];
            wk__gbdt_kind_test *test = &b->s->kind_tests[i];
            for (uint32_t c = 0; (c = wk__gbdt_set_next(node->set, c)) != UINT32_MAX; c++)
                test->right[kind->code[c] / 64] |= (uint64_t)1 << kind->code[c] % 64;
            if (!node->default_left)
                test->right[3] |= (uint64_t)1 << 63;
            b->kind_place[node->part][node->node] = (uint32_t)(b->s->first_kind_test + i);
        }
}

const wk__gbdt_slices *wk__gbdt_slices_make(const wk__gbdt_plan *plan, size_t (*row_of)(size_t))
{
    wk_arena *arena = &plan->batch->arena;
    builder b = {.plan = plan};
    size_t n = plan->n_blocks * WK__GBDT_TOGETHER, n_parts = 0, most = 0;
    if (plan->n_outputs > OUTPUTS_MAX)
        return NULL;
    wk_arena_init(&b.scratch);
    b.s = wk_arena_array(arena, wk__gbdt_slices, 1);
    /* One more, for the node of a tree without splits, whose test does not matter. */
    b.place = wk_arena_alloc(&b.scratch, (plan->n_columns + 1) * sizeof *b.place);
    memset(b.place, 0, (plan->n_columns + 1) * sizeof *b.place);
    make_tests(&b);
    if (plan->kinds) {
        b.kind_place = wk_arena_alloc(&b.scratch, n * sizeof *b.kind_place);
        memset(b.kind_place, 0, n * sizeof *b.kind_place);
        make_kind_tests(&b);
    }
    for (size_t p = 0; p < n; p++)
        most += WK__GBDT_CODE + plan->part_inner[p] * (size_t)(1 + 2 * WK__GBDT_CODE);
    b.s->offsets = wk_arena_array(arena, uint32_t, most + 1);
    b.s->parts = wk_arena_array(arena, wk__gbdt_bit_part, n);
    b.s->output_parts = wk_arena_array(arena, size_t, plan->n_outputs + 1);
    for (size_t k = 0; k < plan->n_outputs; k++) {
        size_t end = plan->output_blocks[k + 1] * WK__GBDT_TOGETHER;
        for (size_t p = plan->output_blocks[k] * WK__GBDT_TOGETHER; p < end; p++) {
            coding c = {.part = &plan->parts[p]};
            if (is_filler(c.part))
                continue;
            choose_codes(&c);
            add_bit_part(&b, &c, p, &b.s->parts[n_parts++]);
        }
        b.s->output_parts[k + 1] = n_parts;
    }
    b.s->first_sum = b.s->first_result + b.results_max;
    b.s->pool_bits =
        b.s->first_sum + plan->n_outputs * sizeof(float) * WK__GBDT_SLICE / sizeof(wk__gbdt_bits);
    for (size_t i = 0; i < WK__GBDT_SLICE; i++)
        b.s->row[i] = (uint16_t)row_of(i);
    wk_arena_finish(&b.scratch);
    return b.s;
}
