#include "wick/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 };
#define OUTLIER_SCORE 20.0
#define MAD_TO_SIGMA 1.4826

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts v. q in 0..1; NaN of nothing. */
static double quantile(double *v, size_t n, double q)
{
    if (n == 0)
        return NAN;
    qsort(v, n, sizeof *v, by_value);
    return v[(size_t)(q * (double)(n - 1) + 0.5)];
}

/* Keeps the marks with the largest `weight` first. */
static void keep_mark(wk_quality_mark *marks, size_t *n, const wk_quality_mark *m, int by_score)
{
    size_t k = *n < WK_QUALITY_MARKS ? (*n)++ : WK_QUALITY_MARKS;
    double weight = by_score ? m->score : (double)m->n_bars;
    for (; k > 0; k--) {
        double other = by_score ? marks[k - 1].score : (double)marks[k - 1].n_bars;
        if (other >= weight)
            break;
        if (k < WK_QUALITY_MARKS)
            marks[k] = marks[k - 1];
    }
    if (k < WK_QUALITY_MARKS)
        marks[k] = *m;
}

static void find_gaps(const wk_series *s, wk_quality *q)
{
    for (size_t i = 1; i < s->n; i++) {
        int64_t steps = (s->bars[i].time_ns - s->bars[i - 1].time_ns) / s->timeframe_ns;
        if (steps <= 1)
            continue;
        const wk_quality_mark m = {.time_ns = s->bars[i - 1].time_ns + s->timeframe_ns,
                                   .n_bars = steps - 1,
                                   .price = s->bars[i - 1].close};
        q->gaps++;
        q->bars_missing += (size_t)(steps - 1);
        keep_mark(q->longest_gaps, &q->n_longest_gaps, &m, 0);
    }
}

static int is_frozen(const wk_bar *b)
{
    return b->open == b->close && b->high == b->low && b->high == b->open;
}

static void find_stale(const wk_series *s, wk_quality *q)
{
    for (size_t i = 0; i < s->n;) {
        size_t j = i, traded = 0;
        while (j < s->n && is_frozen(&s->bars[j]) && s->bars[j].close == s->bars[i].close &&
               (j == i || s->bars[j].time_ns - s->bars[j - 1].time_ns == s->timeframe_ns))
            traded += s->bars[j++].volume > 0;
        if (j - i >= WK_STALE_BARS) {
            const wk_quality_mark m = {.time_ns = s->bars[i].time_ns,
                                       .n_bars = (int64_t)(j - i),
                                       .price = s->bars[i].close};
            q->stale_runs++;
            q->stale_bars += j - i;
            q->stale_traded_bars += traded;
            keep_mark(q->longest_stale, &q->n_longest_stale, &m, 0);
        }
        i = j > i ? j : i + 1;
    }
}

/* r[i]: the return into bar i, NaN across a gap and at the first. */
static void make_returns(const wk_series *s, double *r)
{
    for (size_t i = 0; i < s->n; i++)
        r[i] = i > 0 && s->bars[i].time_ns - s->bars[i - 1].time_ns == s->timeframe_ns
                   ? s->bars[i].close / s->bars[i - 1].close - 1
                   : NAN;
}

static size_t copy_absolute(const double *r, size_t begin, size_t end, double *out)
{
    size_t n = 0;
    for (size_t i = begin; i < end; i++)
        if (!isnan(r[i]))
            out[n++] = fabs(r[i]);
    return n;
}

/* Does the second return lead back to about where the first one started? */
static int undoes(double first, double second)
{
    return first * second < 0 && fabs((1 + first) * (1 + second) - 1) < 0.4 * fabs(first);
}

static void judge_bar(const wk_series *s, const double *r, size_t i, double sigma, wk_quality *q)
{
    const wk_bar *b = &s->bars[i];
    double top = b->open > b->close ? b->open : b->close,
           bottom = b->open > b->close ? b->close : b->open;
    double up = b->high / top - 1, down = 1 - b->low / bottom, wick = up > down ? up : -down;
    wk_quality_mark m = {.time_ns = b->time_ns, .n_bars = 1, .price = b->close};
    if (!isnan(r[i]) && fabs(r[i]) > OUTLIER_SCORE * sigma) {
        /* The way back is no second outlier. */
        int came_back = i > 0 && !isnan(r[i - 1]) && fabs(r[i - 1]) > OUTLIER_SCORE * sigma &&
                        undoes(r[i - 1], r[i]);
        int comes_back = i + 1 < s->n && !isnan(r[i + 1]) && undoes(r[i], r[i + 1]);
        if (came_back)
            return;
        m.kind = comes_back ? WK_MARK_SPIKE : WK_MARK_JUMP;
        m.move = r[i];
    } else if (fabs(wick) > OUTLIER_SCORE * sigma) {
        m.kind = WK_MARK_WICK;
        m.move = wick;
    } else {
        return;
    }
    m.score = fabs(m.move) / sigma;
    q->n_outliers++;
    q->n_spikes += m.kind == WK_MARK_SPIKE;
    keep_mark(q->outliers, &q->n_shown_outliers, &m, 1);
}

static wk_status find_outliers(const wk_series *s, wk_quality *q, wk_err *err)
{
    double *r = malloc(2 * s->n * sizeof *r);
    if (!r)
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu returns", s->n);
    double *scratch = r + s->n;
    make_returns(s, r);
    q->move_typical = quantile(scratch, copy_absolute(r, 0, s->n, scratch), 0.5);
    for (size_t block = 0; block < s->n; block += BLOCK) {
        size_t begin = block > BLOCK ? block - BLOCK : 0;
        size_t end = block + 2 * BLOCK < s->n ? block + 2 * BLOCK : s->n;
        double near = quantile(scratch, copy_absolute(r, begin, end, scratch), 0.5);
        double typical = near > 0.5 * q->move_typical ? near : 0.5 * q->move_typical;
        double sigma = MAD_TO_SIGMA * typical;
        if (!(sigma > 0)) /* a market that hardly trades: any move is large */
            continue;
        for (size_t i = block; i < block + BLOCK && i < s->n; i++)
            judge_bar(s, r, i, sigma, q);
    }
    free(r);
    return WK_OK;
}

/* The bucket of a time in [first, last]. */
static size_t bucket_of(int64_t time_ns, int64_t first_ns, int64_t steps, int64_t timeframe_ns)
{
    int64_t step = (time_ns - first_ns) / timeframe_ns;
    return (size_t)(step * WK_QUALITY_BUCKETS / steps);
}

static void fill_buckets(const wk_series *s, wk_quality *q)
{
    int64_t first_ns = s->bars[0].time_ns, steps = (int64_t)q->n_expected;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        int64_t begin = ((int64_t)k * steps + WK_QUALITY_BUCKETS - 1) / WK_QUALITY_BUCKETS,
                end = (((int64_t)k + 1) * steps + WK_QUALITY_BUCKETS - 1) / WK_QUALITY_BUCKETS;
        q->buckets[k] = (wk_quality_bucket){
            .low = NAN, .high = NAN, .close = NAN, .n_expected = (size_t)(end - begin)};
    }
    for (size_t i = 0; i < s->n; i++) {
        const wk_bar *b = &s->bars[i];
        wk_quality_bucket *k = &q->buckets[bucket_of(b->time_ns, first_ns, steps, s->timeframe_ns)];
        k->low = k->n == 0 || b->low < k->low ? b->low : k->low;
        k->high = k->n == 0 || b->high > k->high ? b->high : k->high;
        k->close = b->close;
        k->n_empty += b->volume == 0;
        k->n++;
    }
}

wk_status wk_quality_measure(const wk_series *s, wk_quality *out, wk_err *err)
{
    WK_ASSERT(s->n >= 1);
    wk_quality *q = calloc(1, sizeof *q);
    if (!q)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    q->n = s->n;
    q->n_expected =
        (size_t)((s->bars[s->n - 1].time_ns - s->bars[0].time_ns) / s->timeframe_ns) + 1;
    for (size_t i = 0; i < s->n; i++) {
        q->n_zero_volume += s->bars[i].volume == 0;
        q->n_provenance[s->provenance[i] <= WK_PROV_UNKNOWN ? s->provenance[i] : WK_PROV_UNKNOWN]++;
    }
    find_gaps(s, q);
    find_stale(s, q);
    fill_buckets(s, q);
    wk_status status = find_outliers(s, q, err);
    if (status == WK_OK)
        *out = *q;
    free(q);
    return status;
}

/* ---- two venues ---- */

/* The common bars: indices into both. */
typedef struct {
    size_t n, *a, *b;
    double *difference, *scratch; /* [n] each */
} matches;

static void finish_matches(matches *m)
{
    free(m->a);
    free(m->b);
    free(m->difference);
    free(m->scratch);
}

static wk_status match(const wk_series *a, const wk_series *b, matches *m, wk_quality_pair *p,
                       wk_err *err)
{
    size_t room = a->n < b->n ? a->n : b->n;
    m->a = malloc(room * sizeof *m->a);
    m->b = malloc(room * sizeof *m->b);
    m->difference = malloc(room * sizeof *m->difference);
    m->scratch = malloc(room * sizeof *m->scratch);
    if (!m->a || !m->b || !m->difference || !m->scratch)
        return wk_fail(err, WK_E_NOMEM, "out of memory comparing %zu bars", room);
    int64_t first =
        a->bars[0].time_ns > b->bars[0].time_ns ? a->bars[0].time_ns : b->bars[0].time_ns;
    int64_t last_a = a->bars[a->n - 1].time_ns, last_b = b->bars[b->n - 1].time_ns;
    int64_t last = last_a < last_b ? last_a : last_b;
    size_t i = 0, j = 0;
    while (i < a->n && a->bars[i].time_ns < first)
        i++;
    while (j < b->n && b->bars[j].time_ns < first)
        j++;
    while ((i < a->n && a->bars[i].time_ns <= last) || (j < b->n && b->bars[j].time_ns <= last)) {
        int64_t ta = i < a->n ? a->bars[i].time_ns : INT64_MAX,
                tb = j < b->n ? b->bars[j].time_ns : INT64_MAX;
        if (ta == tb) {
            m->a[m->n] = i;
            m->b[m->n] = j;
            m->difference[m->n++] = b->bars[j].close / a->bars[i].close - 1;
        }
        p->only_a += ta < tb;
        p->only_b += tb < ta;
        i += ta <= tb;
        j += tb <= ta;
    }
    p->n = m->n;
    p->first_ns = first;
    p->last_ns = last;
    return WK_OK;
}

static double clip(double x, double limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* Ten times the typical move of a bar: a false print must not decide a correlation. */
static double move_limit(const wk_series *s, double *scratch, size_t room)
{
    size_t n = 0;
    for (size_t i = 1; i < s->n && n < room; i++)
        if (s->bars[i].time_ns - s->bars[i - 1].time_ns == s->timeframe_ns)
            scratch[n++] = fabs(s->bars[i].close / s->bars[i - 1].close - 1);
    double typical = quantile(scratch, n, 0.5);
    return typical > 0 ? 10 * typical : HUGE_VAL;
}

/* Correlation of a's return into a common bar with b's `lag` bars later. */
static double correlate(const wk_series *a, const wk_series *b, const matches *m, int lag,
                        double limit_a, double limit_b)
{
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = 0;
    for (size_t k = 0; k < m->n; k++) {
        size_t i = m->a[k], j = m->b[k];
        if (i == 0 || a->bars[i].time_ns - a->bars[i - 1].time_ns != a->timeframe_ns)
            continue;
        if ((lag < 0 && j < (size_t)-lag + 1) || j + (size_t)(lag > 0 ? lag : 0) >= b->n || j == 0)
            continue;
        size_t at = (size_t)((int64_t)j + lag);
        if (at == 0 || b->bars[at].time_ns - b->bars[at - 1].time_ns != b->timeframe_ns ||
            b->bars[at].time_ns - b->bars[j].time_ns != lag * b->timeframe_ns)
            continue;
        double x = clip(a->bars[i].close / a->bars[i - 1].close - 1, limit_a),
               y = clip(b->bars[at].close / b->bars[at - 1].close - 1, limit_b);
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
        n++;
    }
    double vx = sxx - sx * sx / n, vy = syy - sy * sy / n;
    return n > 2 && vx > 0 && vy > 0 ? (sxy - sx * sy / n) / sqrt(vx * vy) : NAN;
}

static void fill_pair_buckets(const wk_series *a, const matches *m, wk_quality_pair *p)
{
    int64_t steps = (p->last_ns - p->first_ns) / a->timeframe_ns + 1;
    size_t begin = 0;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        size_t end = begin, n = 0;
        while (end < m->n &&
               bucket_of(a->bars[m->a[end]].time_ns, p->first_ns, steps, a->timeframe_ns) <= k)
            m->scratch[n++] = m->difference[end++];
        p->buckets[k].median = quantile(m->scratch, n, 0.5);
        p->buckets[k].p5 = n ? m->scratch[(size_t)(0.05 * (double)(n - 1) + 0.5)] : NAN;
        p->buckets[k].p95 = n ? m->scratch[(size_t)(0.95 * (double)(n - 1) + 0.5)] : NAN;
        begin = end;
    }
}

wk_status wk_quality_compare(const wk_series *a, const wk_series *b, wk_quality_pair *out,
                             wk_err *err)
{
    WK_ASSERT(a->timeframe_ns == b->timeframe_ns && a->n > 0 && b->n > 0);
    wk_quality_pair p = {0};
    matches m = {0};
    wk_status status = match(a, b, &m, &p, err);
    if (status == WK_OK && m.n < 2)
        status = wk_fail(err, WK_E_NOT_FOUND, "%s of %s and %s of %s have no two bars in common",
                         a->symbol, a->venue, b->symbol, b->venue);
    if (status == WK_OK) {
        memcpy(m.scratch, m.difference, m.n * sizeof *m.scratch);
        p.median = quantile(m.scratch, m.n, 0.5);
        for (size_t k = 0; k < m.n; k++) {
            double size = fabs(m.difference[k]);
            m.scratch[k] = fabs(m.difference[k] - p.median);
            if (size >= p.max) {
                p.max = size;
                p.max_ns = a->bars[m.a[k]].time_ns;
            }
        }
        p.mad = quantile(m.scratch, m.n, 0.5);
        for (size_t k = 0; k < m.n; k++)
            m.scratch[k] = fabs(m.difference[k]);
        p.p99 = quantile(m.scratch, m.n, 0.99);
        double limit_a = move_limit(a, m.scratch, m.n), limit_b = move_limit(b, m.scratch, m.n);
        for (int lag = -1; lag <= 1; lag++)
            p.correlation[lag + 1] = correlate(a, b, &m, lag, limit_a, limit_b);
        fill_pair_buckets(a, &m, &p);
        *out = p;
    }
    finish_matches(&m);
    return status;
}

/* "XBT/USD" to "BTCUSD". */
static void plain_symbol(const char *symbol, char out[40])
{
    size_t n = 0;
    for (; *symbol && n < 36; symbol++)
        if (*symbol != '/' && *symbol != '-' && *symbol != '_' && *symbol != '.')
            out[n++] = *symbol >= 'a' && *symbol <= 'z' ? (char)(*symbol - 'a' + 'A') : *symbol;
    out[n] = 0;
    if (!strncmp(out, "XBT", 3))
        memcpy(out, "BTC", 3);
    if (!strncmp(out, "XDG", 3)) { /* Kraken's Dogecoin */
        memmove(out + 4, out + 3, strlen(out + 3) + 1);
        memcpy(out, "DOGE", 4);
    }
}

int wk_quality_same_market(const char *a, const char *b, int *exact)
{
    static const char *const dollars[] = {"USDT", "USDC", "USD"};
    char x[40], y[40];
    plain_symbol(a, x);
    plain_symbol(b, y);
    *exact = !strcmp(x, y);
    if (*exact)
        return 1;
    for (int k = 0; k < 2; k++) {
        char *s = k ? y : x;
        int is_dollar = 0;
        for (size_t d = 0; d < 3 && !is_dollar; d++) {
            size_t n = strlen(s), m = strlen(dollars[d]);
            if (n > m && !strcmp(s + n - m, dollars[d])) {
                s[n - m] = 0;
                is_dollar = 1;
            }
        }
        if (!is_dollar)
            return 0;
    }
    return !strcmp(x, y);
}
