/* Folds of rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/gbdt_cv.h"
#include "wick/rng.h"

#define AT(field) offsetof(wk_gbdt_split_params, field)

static const wk_cfg_row rows[] = {
    {"split", WK_CFG_ENUM, AT(split), NULL, "\"auto\"", 0, 0,
     "auto|kfold|stratified|group|expanding|rolling", NULL,
     "how rows are shared out; auto: expanding with times, group with groups, stratified where "
     "labels are classes, else kfold"},
    {"nfold", WK_CFG_INT, AT(nfold), "folds", "5", 2, 1000, NULL, NULL,
     "folds; by time so many test blocks follow the first block, which only trains"},
    {"shuffle", WK_CFG_BOOL, AT(shuffle), NULL, "true", 0, 0, NULL, NULL,
     "kfold and stratified: draw the rows instead of taking runs of them"},
    {"seed", WK_CFG_INT, AT(seed), NULL, "0", 0, 9007199254740991.0, NULL, NULL, "of the shuffle"},
    {"horizon", WK_CFG_REAL, AT(horizon), "of time_column", "0", 0, 1e300, NULL, NULL,
     "how long after its time a row's label is known, where end_column does not say it"},
    {"embargo", WK_CFG_REAL, AT(embargo), "of time_column", "0", 0, 1e300, NULL, NULL,
     "rows whose label ends so shortly before a test block do not train either"},
    {"train_window", WK_CFG_REAL, AT(train_window), "of time_column", "0", 0, 1e300, NULL, NULL,
     "rolling: how far back from a test block rows train"},
    {NULL, WK_CFG_BOOL, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};

const wk_cfg_table wk_gbdt_split_table = {"cv", "folds of cross-validation",
                                          sizeof(wk_gbdt_split_params), rows};

static void shuffle(uint32_t *order, size_t n, uint64_t seed, uint64_t stream)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)wk_rng_below(seed, stream, i, i);
        uint32_t swap = order[i - 1];
        order[i - 1] = order[j];
        order[j] = swap;
    }
}

/* Which fold tests each row: fold [n_rows]. */
static void place_plain(const wk_gbdt_split_params *p, size_t n, uint32_t *order, uint32_t *fold)
{
    size_t K = (size_t)p->nfold, at = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    if (p->shuffle)
        shuffle(order, n, (uint64_t)p->seed, 0);
    /* The first folds take one row more where the count does not divide. */
    for (size_t k = 0; k < K; k++)
        for (size_t left = n / K + (k < n % K); left > 0; left--)
            fold[order[at++]] = (uint32_t)k;
}

static int by_number(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* scikit-learn's StratifiedKFold: of the labels in order, every K-th one belongs to a fold, which
 * says how many of each class the fold tests; the rows of a class then fill the folds in turn.
 * Classes are ordered by their first row. */
static wk_status place_strata(const wk_gbdt_split_params *p, size_t n, const float *y,
                              wk_arena *arena, uint32_t *fold, wk_err *err)
{
    size_t K = (size_t)p->nfold, n_classes = 0;
    float *value = wk_arena_array(arena, float, n);
    for (size_t i = 0; i < n; i++)
        if (isnan(y[i]))
            return wk_fail(err, WK_E_DATA, "row %zu has label nan; drop rows without a label", i);
    memcpy(value, y, n * sizeof *value);
    qsort(value, n, sizeof *value, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || value[i] != value[n_classes - 1])
            value[n_classes++] = value[i];
    if (n_classes > n / 2 + 1 || n_classes > 10000)
        return wk_fail(err, WK_E_CONFIG,
                       "%zu different labels in %zu rows are no classes; set cv.split to kfold",
                       n_classes, n);
    uint32_t *class = wk_arena_array(arena, uint32_t, n),
             *rank = wk_arena_array(arena, uint32_t, n_classes);
    size_t *size = wk_arena_array(arena, size_t, n_classes), n_seen = 0,
           *share = wk_arena_array(arena, size_t, n_classes * K);
    memset(rank, 0xff, n_classes * sizeof *rank);
    for (size_t i = 0; i < n; i++) {
        const float *at = bsearch(y + i, value, n_classes, sizeof *value, by_number);
        WK_ASSERT(at);
        uint32_t *r = &rank[at - value];
        if (*r == UINT32_MAX)
            *r = (uint32_t)n_seen++;
        class[i] = *r;
        size[*r]++;
    }
    for (size_t c = 0, at = 0; c < n_classes; c++)
        for (size_t left = size[c]; left > 0; left--, at++)
            share[c * K + at % K]++;
    uint32_t *order = wk_arena_array(arena, uint32_t, n);
    for (size_t c = 0; c < n_classes; c++) {
        size_t m = 0, at = 0;
        for (size_t i = 0; i < n; i++)
            if (class[i] == c)
                order[m++] = (uint32_t)i;
        if (p->shuffle)
            shuffle(order, m, (uint64_t)p->seed, 1 + c);
        for (size_t k = 0; k < K; k++)
            for (size_t left = share[c * K + k]; left > 0; left--)
                fold[order[at++]] = (uint32_t)k;
    }
    return WK_OK;
}

typedef struct {
    uint64_t number;
    size_t n, first; /* rows, and the first of them */
} group_size;

static int by_group(const void *a, const void *b)
{
    const group_size *x = a, *y = b;
    int order = (x->number > y->number) - (x->number < y->number);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

static int larger_first(const void *a, const void *b)
{
    const group_size *x = a, *y = b;
    int order = (x->n < y->n) - (x->n > y->n);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

/* Each group goes to the fold that has the fewest rows so far. */
static wk_status place_groups(const wk_gbdt_split_params *p, size_t n, const uint64_t *group,
                              wk_arena *arena, uint32_t *fold, wk_err *err)
{
    size_t K = (size_t)p->nfold, n_groups = 0;
    group_size *row = wk_arena_array(arena, group_size, n),
               *of = wk_arena_array(arena, group_size, n);
    size_t *group_of = wk_arena_array(arena, size_t, n), *load = wk_arena_array(arena, size_t, K);
    for (size_t i = 0; i < n; i++)
        row[i] = (group_size){group[i], 0, i};
    qsort(row, n, sizeof *row, by_group);
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || row[i].number != row[i - 1].number)
            of[n_groups++] = row[i];
        of[n_groups - 1].n++;
        group_of[row[i].first] = of[n_groups - 1].first;
    }
    if (n_groups < K)
        return wk_fail(err, WK_E_DATA, "%zu groups do not fill %zu folds; lower cv.nfold", n_groups,
                       K);
    qsort(of, n_groups, sizeof *of, larger_first);
    for (size_t g = 0; g < n_groups; g++) {
        size_t lightest = 0;
        for (size_t k = 1; k < K; k++)
            if (load[k] < load[lightest])
                lightest = k;
        load[lightest] += of[g].n;
        fold[of[g].first] = (uint32_t)lightest;
    }
    for (size_t i = 0; i < n; i++)
        fold[i] = fold[group_of[i]]; /* the first row of a group has its fold already */
    return WK_OK;
}

/* Test rows of fold k are those placed in it, all others train. */
static void list_folds(const uint32_t *fold, size_t n, size_t K, wk_arena *arena, wk_gbdt_fold *out)
{
    for (size_t k = 0; k < K; k++) {
        size_t n_test = 0, n_train = 0;
        for (size_t i = 0; i < n; i++)
            n_test += fold[i] == k;
        uint32_t *test = wk_arena_array(arena, uint32_t, n_test + 1),
                 *train = wk_arena_array(arena, uint32_t, n - n_test + 1);
        n_test = 0;
        for (size_t i = 0; i < n; i++)
            if (fold[i] == k)
                test[n_test++] = (uint32_t)i;
            else
                train[n_train++] = (uint32_t)i;
        out[k] = (wk_gbdt_fold){train, test, n_train, n_test};
    }
}

static wk_status check_times(size_t n, const double *time, const double *end, wk_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(time[i]))
            return wk_fail(err, WK_E_DATA, "row %zu has time %g; every row needs one", i, time[i]);
        if (end && !(end[i] >= time[i] && isfinite(end[i])))
            return wk_fail(err, WK_E_DATA,
                           "row %zu: the label's end %.17g is not at or after its time %.17g", i,
                           end[i], time[i]);
    }
    return WK_OK;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static wk_status cut_by_time(const wk_gbdt_split_params *p, size_t n, const double *time,
                             const double *end, wk_arena *arena, wk_gbdt_fold *out, wk_err *err)
{
    size_t K = (size_t)p->nfold;
    double *sorted = wk_arena_array(arena, double, n + 1);
    WK_TRY(check_times(n, time, end, err));
    memcpy(sorted, time, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_time);
    for (size_t k = 0; k < K; k++) {
        /* Blocks begin at the time of the row that stands at an equal share. */
        double begin = sorted[(k + 1) * n / (K + 1)],
               stop = k + 1 < K ? sorted[(k + 2) * n / (K + 1)] : (double)INFINITY;
        uint32_t *test = wk_arena_array(arena, uint32_t, n),
                 *train = wk_arena_array(arena, uint32_t, n);
        size_t n_test = 0, n_train = 0;
        for (size_t i = 0; i < n; i++) {
            double known = end ? end[i] : time[i] + p->horizon;
            if (time[i] >= begin && time[i] < stop)
                test[n_test++] = (uint32_t)i;
            else if (time[i] < begin && known + p->embargo < begin &&
                     (p->split != WK_GBDT_SPLIT_ROLLING || time[i] >= begin - p->train_window))
                train[n_train++] = (uint32_t)i;
        }
        out[k] = (wk_gbdt_fold){train, test, n_train, n_test};
    }
    return WK_OK;
}

static wk_status check(const wk_gbdt_split_params *p, size_t n, const uint64_t *group,
                       const double *time, wk_err *err)
{
    static const char *const names[] = {"auto",  "kfold",     "stratified",
                                        "group", "expanding", "rolling"};
    if (p->split < 0 || p->split > WK_GBDT_SPLIT_ROLLING)
        return wk_fail(err, WK_E_CONFIG, "cv.split is %d", p->split);
    if (p->nfold < 2 || p->nfold > 1000 || (size_t)p->nfold > n)
        return wk_fail(err, WK_E_CONFIG,
                       "cv.nfold is %lld for %zu rows; it is 2 to 1000 and at most the rows",
                       (long long)p->nfold, n);
    if (n > UINT32_MAX)
        return wk_fail(err, WK_E_DATA, "%zu rows; at most 2^30 are supported", n);
    if (p->split >= WK_GBDT_SPLIT_EXPANDING && !time)
        return wk_fail(err, WK_E_CONFIG, "cv.split %s needs times; name time_column",
                       names[p->split]);
    if (p->split == WK_GBDT_SPLIT_GROUP && !group)
        return wk_fail(err, WK_E_CONFIG, "cv.split group needs groups; name group_column");
    if (p->split == WK_GBDT_SPLIT_ROLLING && !(p->train_window > 0))
        return wk_fail(err, WK_E_CONFIG, "cv.split rolling needs cv.train_window above 0");
    if (p->split != WK_GBDT_SPLIT_ROLLING && p->train_window > 0)
        return wk_fail(err, WK_E_CONFIG, "cv.train_window goes with cv.split rolling only");
    if (!(p->horizon >= 0) || !(p->embargo >= 0))
        return wk_fail(err, WK_E_CONFIG, "cv.horizon and cv.embargo are 0 or more");
    return WK_OK;
}

wk_status wk_gbdt_folds_make(const wk_gbdt_split_params *params, size_t n_rows, const float *y,
                             bool y_is_class, const uint64_t *group, const double *time,
                             const double *end, wk_arena *arena, wk_gbdt_fold **out,
                             size_t *n_folds, wk_err *err)
{
    wk_gbdt_split_params p = *params;
    WK_TRY(check(&p, n_rows, group, time, err));
    if (p.split == WK_GBDT_SPLIT_AUTO)
        p.split = time         ? WK_GBDT_SPLIT_EXPANDING
                  : group      ? WK_GBDT_SPLIT_GROUP
                  : y_is_class ? WK_GBDT_SPLIT_STRATIFIED
                               : WK_GBDT_SPLIT_KFOLD;
    size_t K = (size_t)p.nfold;
    wk_gbdt_fold *folds = wk_arena_array(arena, wk_gbdt_fold, K);
    uint32_t *fold = wk_arena_array(arena, uint32_t, n_rows),
             *order = wk_arena_array(arena, uint32_t, n_rows);
    if (p.split == WK_GBDT_SPLIT_KFOLD)
        place_plain(&p, n_rows, order, fold);
    else if (p.split == WK_GBDT_SPLIT_STRATIFIED)
        WK_TRY(place_strata(&p, n_rows, y, arena, fold, err));
    else if (p.split == WK_GBDT_SPLIT_GROUP)
        WK_TRY(place_groups(&p, n_rows, group, arena, fold, err));
    if (p.split < WK_GBDT_SPLIT_EXPANDING)
        list_folds(fold, n_rows, K, arena, folds);
    else
        WK_TRY(cut_by_time(&p, n_rows, time, end, arena, folds, err));
    for (size_t k = 0; k < K; k++)
        if (folds[k].n_test == 0 || folds[k].n_train == 0)
            return wk_fail(err, WK_E_DATA,
                           "fold %zu of %zu has %zu rows to test and %zu to train on; lower "
                           "cv.nfold%s",
                           k + 1, K, folds[k].n_test, folds[k].n_train,
                           p.split < WK_GBDT_SPLIT_EXPANDING ? ""
                           : folds[k].n_test == 0
                               ? ": too many rows have one time"
                               : ", cv.horizon or cv.embargo, or widen cv.train_window");
    *out = folds;
    *n_folds = K;
    return WK_OK;
}
