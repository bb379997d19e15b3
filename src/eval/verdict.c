#include "wick/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/rng.h"

#include "metrics_internal.h"

#define DAY_NS (86400 * (int64_t)1000000000)
#define DRAWS 10000
#define MIN_TRADES 200
#define BP 1e4

typedef struct {
    uint32_t symbol;
    int64_t entry_ns, exit_ns;
} span;

static int compare_spans(const void *a, const void *b)
{
    const span *x = a, *y = b;
    if (x->symbol != y->symbol)
        return x->symbol < y->symbol ? -1 : 1;
    if (x->exit_ns != y->exit_ns)
        return x->exit_ns < y->exit_ns ? -1 : 1;
    return (x->entry_ns > y->entry_ns) - (x->entry_ns < y->entry_ns);
}

size_t wk_verdict_independent(size_t n, const uint32_t *symbol, const int64_t *entry_ns,
                              const int64_t *exit_ns, double uniqueness_sum)
{
    wk_arena arena;
    wk_arena_init(&arena);
    span *spans = wk_arena_array(&arena, span, n);
    for (size_t i = 0; i < n; i++)
        spans[i] = (span){symbol[i], entry_ns[i], exit_ns[i]};
    qsort(spans, n, sizeof *spans, compare_spans);
    size_t count = 0;
    int64_t busy_until = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || spans[i].symbol != spans[i - 1].symbol)
            busy_until = INT64_MIN;
        if (spans[i].entry_ns < busy_until)
            continue;
        busy_until = spans[i].exit_ns;
        count++;
    }
    wk_arena_finish(&arena);
    /* A sum of thirds that should be whole may lie a rounding below. */
    if (uniqueness_sum > 0 && uniqueness_sum < (double)count)
        count = (size_t)(uniqueness_sum + 1e-6);
    return count;
}

double wk_verdict_uniqueness(size_t n, const size_t *entry_step, const size_t *exit_step)
{
    if (n == 0)
        return 0;
    size_t first = SIZE_MAX, last = 0;
    for (size_t i = 0; i < n; i++) {
        WK_ASSERT(entry_step[i] <= exit_step[i]);
        first = entry_step[i] < first ? entry_step[i] : first;
        last = exit_step[i] > last ? exit_step[i] : last;
    }
    wk_arena arena;
    wk_arena_init(&arena);
    size_t steps = last - first + 1;
    int64_t *change = wk_arena_array(&arena, int64_t, steps + 1);
    double *share = wk_arena_array(&arena, double, steps + 1); /* prefix sums of 1 / open trades */
    for (size_t i = 0; i < n; i++) {
        change[entry_step[i] - first]++;
        change[exit_step[i] - first + (exit_step[i] == entry_step[i])]--;
    }
    int64_t open = 0;
    for (size_t t = 0; t < steps; t++) {
        open += change[t];
        share[t + 1] = share[t] + (open > 0 ? 1 / (double)open : 0);
    }
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        size_t from = entry_step[i] - first, to = exit_step[i] - first;
        to += to == from;
        sum += (share[to] - share[from]) / (double)(to - from);
    }
    wk_arena_finish(&arena);
    return sum;
}

/* Trades by day of entry, days without trades included. */
typedef struct {
    size_t n;
    double *sum;   /* [2n + 1] prefix sums of net returns, two rounds of the calendar */
    double *count; /* [2n + 1] */
} calendar;

static int64_t day_of(int64_t time_ns)
{
    return time_ns >= 0 ? time_ns / DAY_NS : -((-time_ns + DAY_NS - 1) / DAY_NS);
}

static calendar calendar_make(wk_arena *arena, const wk_verdict_input *in)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < in->n_trades; i++) {
        int64_t day = day_of(in->entry_ns[i]);
        first = day < first ? day : first;
        last = day > last ? day : last;
    }
    calendar c = {.n = (size_t)(last - first + 1)};
    c.sum = wk_arena_array(arena, double, 2 * c.n + 1);
    c.count = wk_arena_array(arena, double, 2 * c.n + 1);
    for (size_t i = 0; i < in->n_trades; i++) {
        size_t day = (size_t)(day_of(in->entry_ns[i]) - first);
        c.sum[day + 1] += in->net[i];
        c.count[day + 1] += 1;
    }
    memcpy(c.sum + c.n + 1, c.sum + 1, c.n * sizeof *c.sum);
    memcpy(c.count + c.n + 1, c.count + 1, c.n * sizeof *c.count);
    for (size_t i = 0; i < 2 * c.n; i++) {
        c.sum[i + 1] += c.sum[i];
        c.count[i + 1] += c.count[i];
    }
    return c;
}

static size_t block_length(const wk_verdict_input *in, size_t n_days)
{
    size_t root = 1;
    while (root * root * root < n_days)
        root++;
    double held = 0;
    for (size_t i = 0; i < in->n_trades; i++)
        held += (double)(in->exit_ns[i] - in->entry_ns[i]) / (double)DAY_NS;
    size_t twice = in->n_trades ? (size_t)(2 * held / (double)in->n_trades) + 1 : 1;
    size_t block = root > twice ? root : twice;
    return block < n_days ? block : n_days;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static wk_interval expectancy_interval(wk_arena *arena, const wk_verdict_input *in, size_t draws,
                                       size_t *block_days)
{
    if (in->n_trades < 2)
        return (wk_interval){NAN, NAN, NAN};
    calendar c = calendar_make(arena, in);
    size_t block = block_length(in, c.n), defined = 0, at_most_zero = 0;
    double *means = wk_arena_array(arena, double, draws);
    for (size_t d = 0; d < draws; d++) {
        double sum = 0, count = 0;
        size_t left = c.n;
        for (uint64_t k = 0; left > 0; k++) {
            size_t start = (size_t)wk_rng_below(in->seed, d, k, c.n);
            size_t length = left < block ? left : block;
            sum += c.sum[start + length] - c.sum[start];
            count += c.count[start + length] - c.count[start];
            left -= length;
        }
        if (count > 0) {
            at_most_zero += sum <= 0;
            means[defined++] = sum / count;
        }
    }
    *block_days = block;
    if (defined == 0)
        return (wk_interval){NAN, NAN, NAN};
    qsort(means, defined, sizeof *means, compare_doubles);
    return (wk_interval){wk__quantile_sorted(means, defined, 0.025),
                         wk__quantile_sorted(means, defined, 0.975),
                         (double)at_most_zero / (double)defined};
}

/* A series at daily volatility 1/sqrt(365), so that its mean times 365 is its Sharpe ratio. One
 * that never moves becomes zeros. Returns the Sharpe ratio. */
static double at_unit_volatility(const double *daily, size_t n, double *out)
{
    double sharpe = wk_sharpe(daily, n, 0, WK_DAYS_PER_YEAR);
    double factor = isnan(sharpe) ? 0 : 1 / (wk_stdev(daily, n) * sqrt(WK_DAYS_PER_YEAR));
    for (size_t i = 0; i < n; i++)
        out[i] = daily[i] * factor;
    return isnan(sharpe) ? 0 : sharpe;
}

static void settle(wk_verdict *v, wk_verdict_line line)
{
    line.pass = line.strict ? line.value > line.bound : line.value >= line.bound;
    v->lines[v->n_lines++] = line;
}

static void judge_expectancy(wk_arena *arena, const wk_verdict_input *in, size_t draws,
                             wk_verdict *v)
{
    v->expectancy = wk_mean(in->net, in->n_trades);
    v->expectancy_ci = expectancy_interval(arena, in, draws, &v->block_days);
    const char *detail = "fewer than two trades: no interval";
    if (!isnan(v->expectancy_ci.lo))
        detail = wk_arena_printf(arena,
                                 "mean %.2f bp a trade, 95 %% interval %.2f to %.2f bp, blocks of "
                                 "%zu days",
                                 v->expectancy * BP, v->expectancy_ci.lo * BP,
                                 v->expectancy_ci.hi * BP, v->block_days);
    settle(v, (wk_verdict_line){.name = "Net expectancy a trade, lower bound",
                                .unit = "bp",
                                .strict = true,
                                .value = v->expectancy_ci.lo * BP,
                                .detail = detail});
}

static void judge_count(wk_arena *arena, const wk_verdict_input *in, wk_verdict *v)
{
    v->independent_trades = wk_verdict_independent(in->n_trades, in->symbol, in->entry_ns,
                                                   in->exit_ns, in->uniqueness_sum);
    v->apart_trades =
        wk_verdict_independent(in->n_trades, in->symbol, in->entry_ns, in->exit_ns, 0);
    v->uniqueness_sum = in->uniqueness_sum;
    const char *detail =
        wk_arena_printf(arena, "%zu trades closed, %zu without overlap in their market",
                        in->n_trades, v->apart_trades);
    if (in->uniqueness_sum > 0)
        detail = wk_arena_printf(arena, "%s; those open at once in all markets share a bar: %.1f",
                                 detail, in->uniqueness_sum);
    settle(v, (wk_verdict_line){.name = "Independent trades",
                                .unit = "trades",
                                .value = (double)v->independent_trades,
                                .bound = (double)(in->min_trades ? in->min_trades : MIN_TRADES),
                                .detail = detail});
}

static void judge_baselines(wk_arena *arena, const wk_verdict_input *in, size_t draws,
                            wk_verdict *v)
{
    size_t n = in->n_days, block = block_length(in, n ? n : 1);
    double *own = wk_arena_array(arena, double, n), *other = wk_arena_array(arena, double, n);
    double sharpe = at_unit_volatility(in->daily, n, own);
    for (size_t b = 0; b < in->n_baselines; b++) {
        double theirs = at_unit_volatility(in->baselines[b].daily, n, other);
        wk_interval diff;
        wk_bootstrap_paired(own, other, n, block, draws, in->seed + 1 + b, &diff);
        settle(v,
               (wk_verdict_line){.name = wk_arena_printf(arena, "Beats %s", in->baselines[b].name),
                                 .unit = "Sharpe",
                                 .value = n < 2 ? NAN : sharpe,
                                 .bound = theirs,
                                 .strict = true,
                                 .detail = wk_arena_printf(
                                     arena, "daily Sharpe %.2f against %.2f, one-sided p = %.3f",
                                     sharpe, theirs, diff.p_le_zero)});
        double p_max = in->baseline_p_max;
        if (p_max > 0 && p_max < 1 && !(diff.p_le_zero < p_max))
            v->lines[v->n_lines - 1].pass = false;
    }
}

static void judge_stress(const char *name, double net, wk_verdict *v)
{
    settle(v, (wk_verdict_line){.name = name,
                                .unit = "%",
                                .strict = true,
                                .value = net * 100,
                                .detail = isnan(net) ? "not run" : "total net return"});
}

void wk_verdict_judge(wk_arena *arena, const wk_verdict_input *in, wk_verdict *out)
{
    size_t draws = in->draws ? in->draws : DRAWS;
    wk_verdict v = {.useful = true};
    v.lines = wk_arena_array(arena, wk_verdict_line, 4 + in->n_baselines);
    judge_expectancy(arena, in, draws, &v);
    judge_count(arena, in, &v);
    judge_baselines(arena, in, draws, &v);
    judge_stress("Net return at costs x 1.5", in->net_at_costs, &v);
    judge_stress("Net return at one bar's delay", in->net_at_delay, &v);
    for (size_t i = 0; i < v.n_lines; i++)
        v.useful = v.useful && v.lines[i].pass;
    *out = v;
}

json_t *wk_verdict_json(const wk_verdict *verdict)
{
    json_t *lines = json_array();
    for (size_t i = 0; i < verdict->n_lines; i++) {
        const wk_verdict_line *l = &verdict->lines[i];
        json_t *line = json_object();
        json_object_set_new(line, "name", json_string(l->name));
        json_object_set_new(line, "value", isfinite(l->value) ? json_real(l->value) : json_null());
        json_object_set_new(line, "bound", isfinite(l->bound) ? json_real(l->bound) : json_null());
        json_object_set_new(line, "unit", json_string(l->unit));
        json_object_set_new(line, "strict", json_boolean(l->strict));
        json_object_set_new(line, "pass", json_boolean(l->pass));
        json_object_set_new(line, "detail", json_string(l->detail));
        json_array_append_new(lines, line);
    }
    json_t *out = json_object();
    json_object_set_new(out, "useful", json_boolean(verdict->useful));
    json_object_set_new(out, "lines", lines);
    return out;
}
