/* What each feature adds to a margin: exact path-dependent SHAP values, and the importances of the
 * splits. The Shapley sum is an integral over t in [0, 1] of a product over the features of a path
 * (gbdt.md), which Gauss-Legendre points integrate exactly. A tree is visited depth first with one
 * level of numbers a depth: products go down, sums of leaves come up. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "forest.h"
#include "wick/math.h"

#define POINTS_MAX 512               /* for 1024 different features on a path */
#define LEVELS_MAX ((size_t)1 << 25) /* doubles that one visitor's path may hold */
#define ROWS_A_TAKE 16
#define THREADS_MAX 256

/* A node in the order of the visit. `share` is the product of the shares of the splits on `feature`
 * down to this edge, which is the edge from the parent; `same` the depth of the edge above on the
 * same feature, 0: none. */
typedef struct {
    double share, value;
    uint32_t feature, depth, same, split;
    bool leaf, left;
} stop;

typedef struct {
    stop *stops;
    size_t n_stops, n_points, depth;
    const double *at, *weight; /* [n_points] in (0, 1) */
    const wk__gbdt_node *nodes;
    double mean;
    uint32_t output;
} tour;

typedef struct {
    const wk_forest *forest;
    tour *tours; /* [n_trees] */
    size_t n_points_max, depth_max;
    double *bias; /* [n_outputs] */
} shap_plan;

/* The points and weights of Gauss and Legendre on [0, 1]; Newton from the asymptotic roots. */
static void legendre(size_t n, double *at, double *weight)
{
    for (size_t i = 0; i < n; i++) {
        double x = wk_cos(3.14159265358979324 * ((double)i + 0.75) / ((double)n + 0.5)), slope = 1;
        for (int step = 0; step < 20; step++) {
            double before = 1, p = x;
            for (size_t k = 2; k <= n; k++) {
                double next = ((double)(2 * k - 1) * x * p - (double)(k - 1) * before) / (double)k;
                before = p;
                p = next;
            }
            slope = (double)n * (x * p - before) / (x * x - 1);
            double moved = p / slope;
            x -= moved;
            if (fabs(moved) < 1e-16)
                break;
        }
        at[i] = 0.5 - 0.5 * x;
        weight[i] = 1 / ((1 - x * x) * slope * slope);
    }
}

static double share_left(const wk__gbdt_node *nodes, const wk__gbdt_node *node)
{
    double left = fmax(0, (double)nodes[node->left].hessian),
           right = fmax(0, (double)nodes[node->right].hessian);
    return left + right > 0 ? left / (left + right) : 0.5;
}

/* Fills the visit's stops; `path` [n_nodes + 1] holds each depth's stop, `todo` as many nodes. */
static void plan_tour(const wk__gbdt_tree *tree, tour *r, const stop **path, uint32_t *todo,
                      double *reach, uint32_t *different, uint32_t *depth_of)
{
    const wk__gbdt_node *nodes = tree->nodes;
    size_t n_todo = 1;
    uint32_t most = 0;
    todo[0] = 0;
    depth_of[0] = 0;
    while (n_todo > 0) {
        uint32_t at = todo[--n_todo], depth = depth_of[at];
        const wk__gbdt_node *node = &nodes[at];
        stop *s = &r->stops[r->n_stops++];
        *s = (stop){.share = 1, .depth = depth, .split = at, .leaf = node->left < 0};
        s->value = s->leaf ? (double)node->value : 0;
        path[depth] = s;
        r->depth = depth > r->depth ? depth : r->depth;
        reach[depth] = 1;
        different[depth] = 0;
        if (depth > 0) {
            const wk__gbdt_node *parent = &nodes[node->parent];
            double left = share_left(nodes, parent);
            s->left = parent->left == (int32_t)at;
            s->feature = parent->feature;
            s->share = s->left ? left : 1 - left;
            reach[depth] = reach[depth - 1] * s->share;
            for (s->same = depth - 1; s->same > 0 && path[s->same]->feature != s->feature;)
                s->same--;
            if (s->same > 0)
                s->share *= path[s->same]->share;
            different[depth] = different[depth - 1] + (s->same == 0);
        }
        most = different[depth] > most ? different[depth] : most;
        r->mean += reach[depth] * s->value;
        if (most > 2 * POINTS_MAX)
            break; /* refused by the caller */
        if (s->leaf)
            continue;
        depth_of[node->left] = depth_of[node->right] = depth + 1;
        todo[n_todo++] = (uint32_t)node->right;
        todo[n_todo++] = (uint32_t)node->left;
    }
    r->n_points = (most + 1) / 2;
}

static wk_status make_plan(const wk_forest *forest, wk_arena *arena, shap_plan *p, wk_err *err)
{
    size_t largest = 0;
    const double *at[POINTS_MAX + 1] = {0}, *weight[POINTS_MAX + 1] = {0};
    *p = (shap_plan){.forest = forest,
                     .tours = wk_arena_array(arena, tour, forest->n_trees + 1),
                     .bias = wk_arena_array(arena, double, forest->n_outputs)};
    for (size_t k = 0; k < forest->n_outputs; k++)
        p->bias[k] = (double)forest->base_margin[k];
    for (size_t t = 0; t < forest->n_trees; t++)
        largest = forest->trees[t].n_nodes > largest ? forest->trees[t].n_nodes : largest;
    const stop **path = wk_arena_array(arena, const stop *, largest + 1);
    uint32_t *todo = wk_arena_array(arena, uint32_t, 3 * (largest + 1));
    double *reach = wk_arena_array(arena, double, largest + 1);
    for (size_t t = 0; t < forest->n_trees; t++) {
        const wk__gbdt_tree *tree = &forest->trees[t];
        tour *r = &p->tours[t];
        r->stops = wk_arena_array(arena, stop, tree->n_nodes);
        r->nodes = tree->nodes;
        r->output = tree->output;
        plan_tour(tree, r, path, todo, reach, todo + largest + 1, todo + 2 * (largest + 1));
        size_t m = r->n_points, depth = r->depth;
        if (m > POINTS_MAX || (depth + 1) * (m + 1) > LEVELS_MAX)
            return wk_fail(err, WK_E_DATA,
                           "tree %zu is %zu deep with %s%zu different features on a path; "
                           "contributions are computed for 1024 at most and for shorter paths",
                           t, depth, m > POINTS_MAX ? "more than " : "about ",
                           m > POINTS_MAX ? (size_t)(2 * POINTS_MAX) : 2 * m);
        if (m > 0 && !at[m]) {
            double *points = wk_arena_array(arena, double, 2 * m);
            legendre(m, points, points + m);
            at[m] = points;
            weight[m] = points + m;
        }
        r->at = at[m];
        r->weight = weight[m];
        p->bias[tree->output] += r->mean;
        p->n_points_max = m > p->n_points_max ? m : p->n_points_max;
        p->depth_max = depth > p->depth_max ? depth : p->depth_max;
    }
    return WK_OK;
}

/* The numbers of one path: at each depth the product down to it, the sum of the leaves below, and
 * whether the row goes this way at all the splits of the edge's feature. */
typedef struct {
    double *product, *sum; /* [depth_max + 1, n_points_max] */
    const stop **path;     /* [depth_max + 1] */
    bool *goes, *way_left; /* [depth_max + 1]; way_left: where the row goes from here */
} level;

static inline double factor(double share, bool goes, double t)
{
    return share * (1 - t) + (goes ? t : 0);
}

/* (o - z) over the factor: what the feature of the edge has of the product of the path. A factor of
 * 0 is of a part of the tree that nothing reaches: every product below is 0 as well. */
static inline double part(double share, bool goes, double t)
{
    double f = factor(share, goes, t);
    return f > 0 ? ((goes ? 1 : 0) - share) / f : 0;
}

/* Leaves depth d: the edge gives its feature its part, less that of the edge above. */
static void leave(const tour *r, level *l, size_t d, size_t stride, double *phi)
{
    const stop *s = l->path[d];
    const size_t m = r->n_points;
    double *sum = l->sum + d * stride, *above = sum - stride, added = 0;
    double share = s->same ? l->path[s->same]->share : 1;
    bool goes = s->same ? l->goes[s->same] : true;
    for (size_t i = 0; i < m; i++) {
        double p = part(s->share, l->goes[d], r->at[i]) - part(share, goes, r->at[i]);
        added += r->weight[i] * sum[i] * p;
        above[i] += sum[i];
    }
    phi[s->feature] += added;
}

static void visit(const tour *r, level *l, size_t stride, const float *row, double *phi)
{
    const size_t m = r->n_points;
    size_t depth = 0;
    for (size_t n = 0; n < r->n_stops && m > 0; n++) {
        const stop *s = &r->stops[n];
        const size_t d = s->depth;
        double *product = l->product + d * stride, *sum = l->sum + d * stride;
        for (; depth >= d && depth > 0; depth--)
            leave(r, l, depth, stride, phi);
        depth = d;
        l->path[d] = s;
        l->goes[d] = true;
        if (d == 0) {
            for (size_t i = 0; i < m; i++)
                product[i] = 1;
        } else {
            bool goes = s->same ? l->goes[s->same] : true;
            double share = s->same ? l->path[s->same]->share : 1;
            l->goes[d] = goes && l->way_left[d - 1] == s->left;
            for (size_t i = 0; i < m; i++) {
                double before = factor(share, goes, r->at[i]);
                double f = factor(s->share, l->goes[d], r->at[i]);
                product[i] = before > 0 ? product[i - stride] * (f / before) : 0;
            }
        }
        for (size_t i = 0; i < m; i++)
            sum[i] = product[i] * s->value; /* of an inner node: 0 */
        if (!s->leaf)
            l->way_left[d] = wk__gbdt_goes_left(&r->nodes[s->split], row);
    }
    for (; depth > 0; depth--)
        leave(r, l, depth, stride, phi);
}

typedef struct {
    const shap_plan *plan;
    const float *X;
    size_t n_rows, stride;
    double *out;
    atomic_size_t next;
} shap_job;

static void *shap_worker(void *arg)
{
    shap_job *job = arg;
    const shap_plan *p = job->plan;
    const wk_forest *forest = p->forest;
    const size_t K = forest->n_outputs, F = forest->n_features, n = p->depth_max + 1,
                 points = p->n_points_max;
    wk_arena arena;
    wk_arena_init(&arena);
    level l = {.product = wk_arena_array(&arena, double, n *points + 1),
               .sum = wk_arena_array(&arena, double, n *points + 1),
               .path = wk_arena_array(&arena, const stop *, n),
               .goes = wk_arena_array(&arena, bool, n),
               .way_left = wk_arena_array(&arena, bool, n)};
    for (;;) {
        size_t first = atomic_fetch_add(&job->next, ROWS_A_TAKE);
        if (first >= job->n_rows)
            break;
        for (size_t i = first; i < first + ROWS_A_TAKE && i < job->n_rows; i++) {
            double *out = job->out + i * K * (F + 1);
            memset(out, 0, K * (F + 1) * sizeof *out);
            for (size_t k = 0; k < K; k++)
                out[k * (F + 1) + F] = p->bias[k];
            for (size_t t = 0; t < forest->n_trees; t++)
                visit(&p->tours[t], &l, points, job->X + i * job->stride,
                      out + p->tours[t].output * (F + 1));
        }
    }
    wk_arena_finish(&arena);
    return NULL;
}

wk_status wk_forest_contributions(const wk_forest *forest, const float *X, size_t n_rows,
                                  size_t stride, int threads, double *out, wk_err *err)
{
    wk__forest_has_nodes(forest);
    wk_arena arena;
    shap_plan plan;
    wk_arena_init(&arena);
    wk_status status = make_plan(forest, &arena, &plan, err);
    if (status == WK_OK) {
        shap_job job = {.plan = &plan, .X = X, .n_rows = n_rows, .stride = stride, .out = out};
        pthread_t helper[THREADS_MAX];
        size_t n_helpers = 0, wanted = threads > 1 ? (size_t)threads - 1 : 0;
        size_t n_takes = (n_rows + ROWS_A_TAKE - 1) / ROWS_A_TAKE;
        if (wanted + 1 > n_takes)
            wanted = n_takes > 0 ? n_takes - 1 : 0;
        if (wanted > THREADS_MAX)
            wanted = THREADS_MAX;
        /* A helper that cannot be started is no error: the rest take its rows. */
        while (n_helpers < wanted &&
               pthread_create(&helper[n_helpers], NULL, shap_worker, &job) == 0)
            n_helpers++;
        shap_worker(&job);
        for (size_t i = 0; i < n_helpers; i++)
            pthread_join(helper[i], NULL);
    }
    wk_arena_finish(&arena);
    return status;
}

static const char *const measure_names[WK_FOREST_MEASURES] = {"weight", "gain", "cover",
                                                              "total_gain", "total_cover"};

const char *wk_forest_measure_name(int measure)
{
    WK_ASSERT(measure >= 0 && measure < WK_FOREST_MEASURES);
    return measure_names[measure];
}

void wk_forest_score(const wk_forest *forest, int measure, double *score)
{
    wk__forest_has_nodes(forest);
    WK_ASSERT(measure >= 0 && measure < WK_FOREST_MEASURES);
    bool gain = measure == WK_FOREST_GAIN || measure == WK_FOREST_TOTAL_GAIN;
    bool mean = measure == WK_FOREST_GAIN || measure == WK_FOREST_COVER;
    wk_arena arena;
    wk_arena_init(&arena);
    double *splits = wk_arena_array(&arena, double, forest->n_features + 1);
    for (size_t f = 0; f < forest->n_features; f++)
        score[f] = 0;
    for (size_t t = 0; t < forest->n_trees; t++)
        for (size_t i = 0; i < forest->trees[t].n_nodes; i++) {
            const wk__gbdt_node *node = &forest->trees[t].nodes[i];
            if (node->left < 0)
                continue;
            splits[node->feature] += 1;
            score[node->feature] += measure == WK_FOREST_WEIGHT ? 1
                                    : gain                      ? (double)node->gain
                                                                : (double)node->hessian;
        }
    for (size_t f = 0; f < forest->n_features && mean; f++)
        score[f] = splits[f] > 0 ? score[f] / splits[f] : 0;
    wk_arena_finish(&arena);
}
