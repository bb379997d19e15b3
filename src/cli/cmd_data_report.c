/* wick data report: how good the stored candles are. */
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_report.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/report.h"

#define DAY (INT64_C(86400) * WK_NS_PER_S)

static void WK_PRINTF(4, 5)
    find(data_finding *findings, size_t *n, data_tone tone, const char *fmt, ...)
{
    if (*n == DATA_FINDINGS_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    findings[*n].tone = tone;
    vsnprintf(findings[*n].text, sizeof findings->text, fmt, ap);
    va_end(ap);
    (*n)++;
}

static void judge_series(data_series *s)
{
    const wk_quality *q = &s->quality;
    char span[32], when[32];
    double coverage = (double)q->n / (double)q->n_expected, n = (double)q->n;
    if (q->gaps > 0)
        find(s->findings, &s->n_findings,
             coverage < 0.95    ? DATA_BAD
             : coverage < 0.999 ? DATA_WARN
                                : DATA_NOTE,
             "%zu gap%s, %zu bars missing (%.2f %%); the longest lasts %s from %s", q->gaps,
             q->gaps == 1 ? "" : "s", q->bars_missing, 100 * (1 - coverage),
             data_span(q->longest_gaps[0].n_bars * s->entry.timeframe_ns, span),
             data_time(q->longest_gaps[0].time_ns, when));
    if (q->n_spikes > 0)
        find(s->findings, &s->n_findings, DATA_WARN,
             "%zu close%s far from both neighbours: probably false prints", q->n_spikes,
             q->n_spikes == 1 ? "" : "s");
    if (q->stale_traded_bars > 0)
        find(s->findings, &s->n_findings, DATA_WARN,
             "%zu bars report volume while the price stood still for %d bars or more: a stuck "
             "feed?",
             q->stale_traded_bars, WK_STALE_BARS);
    if ((double)q->stale_bars > 0.02 * n)
        find(s->findings, &s->n_findings, DATA_NOTE, "%.1f %% of the bars lie in %zu frozen runs",
             100 * (double)q->stale_bars / n, q->stale_runs);
    if ((double)q->n_zero_volume > 0.05 * n)
        find(s->findings, &s->n_findings, DATA_NOTE, "%.1f %% of the bars have no volume",
             100 * (double)q->n_zero_volume / n);
    if (q->n_provenance[WK_PROV_IMPUTED] > 0)
        find(s->findings, &s->n_findings,
             (double)q->n_provenance[WK_PROV_IMPUTED] > 0.01 * n ? DATA_WARN : DATA_NOTE,
             "%zu bars are imputed, not observed", q->n_provenance[WK_PROV_IMPUTED]);
    if (s->n_revised > 0)
        find(s->findings, &s->n_findings, DATA_NOTE,
             "%zu bars were changed after they were first seen, their closes by %.2f bp (median), "
             "at most %.1f bp",
             s->n_revised, 1e4 * s->revision_typical, 1e4 * s->revision_max);
}

static void judge_pair(data_pair *p)
{
    const wk_quality_pair *q = &p->pair;
    const double *c = q->correlation;
    for (int k = 0; k <= 2; k += 2)
        if (!isnan(c[k]) && c[k] > 0.3 && c[k] > 1.2 * c[1])
            find(p->findings, &p->n_findings, DATA_BAD,
                 "returns agree better with the second one bar %s (%.3f against %.3f): its times "
                 "may mark the %s of a bar",
                 k == 0 ? "earlier" : "later", c[k], c[1], k == 0 ? "wrong end" : "close");
    if (fabs(q->median) > (p->exact ? 0.005 : 0.02))
        find(p->findings, &p->n_findings, DATA_WARN, "prices differ by %+.2f %% all along",
             100 * q->median);
    if (q->max > 0.1)
        find(p->findings, &p->n_findings, DATA_WARN,
             "a difference of %.1f %%: one of them is wrong", 100 * q->max);
    if (!isnan(c[1]) && c[1] < 0.8 && p->n_findings == 0)
        find(p->findings, &p->n_findings, DATA_NOTE, "returns correlate only %.3f", c[1]);
}

static double final_close(const wk_series *s, int64_t time_ns)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->bars[mid].time_ns < time_ns)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->bars[lo].time_ns == time_ns ? s->bars[lo].close : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void keep_largest(data_series *s, const wk_revision *r, double final, double size)
{
    size_t k = s->n_largest < WK_QUALITY_MARKS ? s->n_largest++ : WK_QUALITY_MARKS;
    for (; k > 0; k--) {
        double other = fabs(s->largest_final[k - 1] / s->largest[k - 1].bar.close - 1);
        if (other >= size)
            break;
        if (k < WK_QUALITY_MARKS) {
            s->largest[k] = s->largest[k - 1];
            s->largest_final[k] = s->largest_final[k - 1];
        }
    }
    if (k < WK_QUALITY_MARKS) {
        s->largest[k] = *r;
        s->largest_final[k] = final;
    }
}

static wk_status take_revisions(const char *root, const wk_series *series, data_series *s,
                                wk_err *err)
{
    wk_revision *r = NULL;
    size_t n = 0, m = 0;
    const wk_store_entry *e = &s->entry;
    if (e->n_revisions == 0)
        return WK_OK;
    WK_TRY(wk_store_revisions(root, e->venue, e->symbol, e->timeframe_ns, 0, 0, &r, &n, err));
    double *sizes = malloc((n ? n : 1) * sizeof *sizes);
    if (!sizes) {
        free(r);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu revisions", n);
    }
    for (size_t i = 0; i < n; i++)
        s->last_day_ns = r[i].replaced_ns > s->last_day_ns ? r[i].replaced_ns : s->last_day_ns;
    s->last_day_ns -= s->last_day_ns % DAY;
    for (size_t i = 0; i < n; i++) {
        int64_t ago = (s->last_day_ns - r[i].replaced_ns + DAY - 1) / DAY;
        if (r[i].replaced_ns > 0 && ago < DATA_DAYS)
            s->revised_by_day[DATA_DAYS - 1 - (ago > 0 ? ago : 0)]++;
        double final = final_close(series, r[i].bar.time_ns);
        if ((i > 0 && r[i].bar.time_ns == r[i - 1].bar.time_ns) || isnan(final))
            continue; /* the first version of a bar is the one as seen */
        double size = fabs(final / r[i].bar.close - 1);
        sizes[m++] = size;
        keep_largest(s, &r[i], final, size);
    }
    s->n_revised = m;
    if (m > 0) {
        qsort(sizes, m, sizeof *sizes, by_value);
        s->revision_typical = sizes[m / 2];
        s->revision_max = sizes[m - 1];
    }
    free(sizes);
    free(r);
    return WK_OK;
}

static wk_status measure_series(const char *root, int64_t from_ns, int64_t to_ns, data_series *s,
                                wk_err *err)
{
    wk_series bars;
    wk_store_entry *e = &s->entry;
    WK_TRY(wk_store_read(root, e->venue, e->symbol, e->timeframe_ns, from_ns, to_ns, &bars, err));
    e->first_ns = bars.bars[0].time_ns;
    e->last_ns = bars.bars[bars.n - 1].time_ns;
    wk_status status = wk_quality_measure(&bars, &s->quality, err);
    if (status == WK_OK)
        status = take_revisions(root, &bars, s, err);
    wk_series_finish(&bars);
    if (status == WK_OK)
        judge_series(s);
    return status;
}

static wk_status measure_pair(const char *root, int64_t from_ns, int64_t to_ns, data_pair *p,
                              wk_err *err)
{
    wk_series a = {0}, b = {0};
    const wk_store_entry *x = &p->a->entry, *y = &p->b->entry;
    wk_status status =
        wk_store_read(root, x->venue, x->symbol, x->timeframe_ns, from_ns, to_ns, &a, err);
    if (status == WK_OK)
        status = wk_store_read(root, y->venue, y->symbol, y->timeframe_ns, from_ns, to_ns, &b, err);
    if (status == WK_OK)
        status = wk_quality_compare(&a, &b, &p->pair, err);
    wk_series_finish(&a);
    wk_series_finish(&b);
    if (status == WK_OK)
        judge_pair(p);
    return status;
}

static int overlap(const wk_store_entry *a, const wk_store_entry *b)
{
    return a->first_ns < b->last_ns && b->first_ns < a->last_ns;
}

static wk_status find_pairs(const char *root, int64_t from_ns, int64_t to_ns, data_report *r,
                            wk_err *err)
{
    for (size_t i = 0; i < r->n_series; i++)
        for (size_t j = i + 1; j < r->n_series; j++) {
            const wk_store_entry *a = &r->series[i].entry, *b = &r->series[j].entry;
            int exact;
            if (a->timeframe_ns != b->timeframe_ns || !strcmp(a->venue, b->venue) ||
                !wk_quality_same_market(a->symbol, b->symbol, &exact) || !overlap(a, b))
                continue;
            data_pair *grown = realloc(r->pairs, (r->n_pairs + 1) * sizeof *grown);
            if (!grown)
                return wk_fail(err, WK_E_NOMEM, "out of memory for %zu pairs", r->n_pairs + 1);
            r->pairs = grown;
            data_pair *p = &r->pairs[r->n_pairs];
            *p = (data_pair){.a = &r->series[i], .b = &r->series[j], .exact = exact};
            wk_status status = measure_pair(root, from_ns, to_ns, p, err);
            if (status == WK_OK)
                r->n_pairs++;
            else if (status != WK_E_NOT_FOUND)
                return status;
        }
    return WK_OK;
}

/* ---- JSON ---- */

static json_t *time_json(int64_t time_ns)
{
    char text[32];
    return json_string(wk_time_format(time_ns, text));
}

static json_t *marks_json(const wk_quality_mark *marks, size_t n, int is_outlier)
{
    static const char *const kinds[] = {"jump", "spike", "wick"};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const wk_quality_mark *m = &marks[i];
        json_array_append_new(
            list, is_outlier
                      ? json_pack("{so ss so so so}", "time", time_json(m->time_ns), "kind",
                                  kinds[m->kind], "move", wk_report_number(m->move), "score",
                                  wk_report_number(m->score), "price", wk_report_number(m->price))
                      : json_pack("{so sI so}", "time", time_json(m->time_ns), "bars",
                                  (json_int_t)m->n_bars, "price", wk_report_number(m->price)));
    }
    return list;
}

static json_t *findings_json(const data_finding *findings, size_t n)
{
    static const char *const tones[] = {"note", "warn", "bad"};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{ss ss}", "tone", tones[findings[i].tone], "text", findings[i].text));
    return list;
}

static json_t *series_json(const data_series *s)
{
    const wk_quality *q = &s->quality;
    char tf[16];
    json_t *days = json_array();
    for (int d = 0; s->last_day_ns > 0 && d < DATA_DAYS; d++)
        json_array_append_new(days, json_integer((json_int_t)s->revised_by_day[d]));
    json_t *out =
        json_pack("{ss ss ss so so sI sI so sI sI so}", "venue", s->entry.venue, "symbol",
                  s->entry.symbol, "timeframe", wk_timeframe_format(s->entry.timeframe_ns, tf),
                  "first", time_json(s->entry.first_ns), "last", time_json(s->entry.last_ns),
                  "bars", (json_int_t)q->n, "bars_expected", (json_int_t)q->n_expected, "coverage",
                  wk_report_number((double)q->n / (double)q->n_expected), "gaps",
                  (json_int_t)q->gaps, "bars_missing", (json_int_t)q->bars_missing, "longest_gaps",
                  marks_json(q->longest_gaps, q->n_longest_gaps, 0));
    json_t *more =
        json_pack("{sI sI so sI sI sI so sI so so sI sI}", "outliers", (json_int_t)q->n_outliers,
                  "spikes", (json_int_t)q->n_spikes, "largest_outliers",
                  marks_json(q->outliers, q->n_shown_outliers, 1), "frozen_runs",
                  (json_int_t)q->stale_runs, "frozen_bars", (json_int_t)q->stale_bars,
                  "frozen_bars_with_volume", (json_int_t)q->stale_traded_bars,
                  "longest_frozen_runs", marks_json(q->longest_stale, q->n_longest_stale, 0),
                  "zero_volume_bars", (json_int_t)q->n_zero_volume, "zero_volume_share",
                  wk_report_number((double)q->n_zero_volume / (double)q->n), "typical_move",
                  wk_report_number(q->move_typical), "fresh", (json_int_t)s->entry.n_fresh,
                  "changed_bars", (json_int_t)s->n_revised);
    json_object_update(out, more);
    json_decref(more);
    json_object_set_new(out, "provenance",
                        json_pack("{sI sI sI sI}", "traded",
                                  (json_int_t)q->n_provenance[WK_PROV_TRADED], "confirmed_empty",
                                  (json_int_t)q->n_provenance[WK_PROV_CONFIRMED_EMPTY], "repaired",
                                  (json_int_t)q->n_provenance[WK_PROV_REPAIRED], "imputed",
                                  (json_int_t)q->n_provenance[WK_PROV_IMPUTED]));
    json_object_set_new(out, "change_of_close_median", wk_report_number(s->revision_typical));
    json_object_set_new(out, "change_of_close_max", wk_report_number(s->revision_max));
    json_object_set_new(out, "changed_by_day", days);
    json_object_set_new(out, "changed_by_day_last",
                        s->last_day_ns > 0 ? time_json(s->last_day_ns) : json_null());
    json_object_set_new(out, "findings", findings_json(s->findings, s->n_findings));
    return out;
}

static json_t *name_json(const data_series *s)
{
    return json_pack("{ss ss}", "venue", s->entry.venue, "symbol", s->entry.symbol);
}

static json_t *pair_json(const data_pair *p)
{
    const wk_quality_pair *q = &p->pair;
    char tf[16];
    return json_pack(
        "{so so ss sb so so sI sI sI so so so so so s[ooo] so}", "a", name_json(p->a), "b",
        name_json(p->b), "timeframe", wk_timeframe_format(p->a->entry.timeframe_ns, tf),
        "same_quote", p->exact, "first", time_json(q->first_ns), "last", time_json(q->last_ns),
        "bars", (json_int_t)q->n, "only_a", (json_int_t)q->only_a, "only_b", (json_int_t)q->only_b,
        "median", wk_report_number(q->median), "mad", wk_report_number(q->mad), "p99",
        wk_report_number(q->p99), "max", wk_report_number(q->max), "max_at", time_json(q->max_ns),
        "correlation", wk_report_number(q->correlation[0]), wk_report_number(q->correlation[1]),
        wk_report_number(q->correlation[2]), "findings", findings_json(p->findings, p->n_findings));
}

static void print_json(const data_report *r)
{
    json_t *series = json_array(), *pairs = json_array();
    for (size_t i = 0; i < r->n_series; i++)
        json_array_append_new(series, series_json(&r->series[i]));
    for (size_t i = 0; i < r->n_pairs; i++)
        json_array_append_new(pairs, pair_json(&r->pairs[i]));
    json_t *all = json_pack("{ss so so}", "store", r->root, "series", series, "pairs", pairs);
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    putchar('\n');
    json_decref(all);
}

/* ---- the command ---- */

static wk_status time_option(const wk_cli *cli, const char *name, int64_t *time_ns, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, name);
    *time_ns = 0;
    if (text && wk_time_parse(text, time_ns, err) != WK_OK)
        return wk_fail(err, WK_E_ARG, "--%s %s: write 2024-06-30 or 2024-06-30T23:45:00Z", name,
                       text);
    return WK_OK;
}

static int is_chosen(const wk_cli *cli, const wk_store_entry *e, int64_t from_ns, int64_t to_ns)
{
    const char *venue = wk_cli_option_value(cli, "venue"),
               *symbol = wk_cli_option_value(cli, "symbol"),
               *timeframe = wk_cli_option_value(cli, "timeframe");
    char name[16];
    return (!venue || !strcmp(venue, e->venue)) && (!symbol || !strcmp(symbol, e->symbol)) &&
           (!timeframe || !strcmp(timeframe, wk_timeframe_format(e->timeframe_ns, name))) &&
           (from_ns == 0 || e->last_ns >= from_ns) && (to_ns == 0 || e->first_ns < to_ns);
}

static wk_status measure_all(const wk_cli *cli, const char *root, data_report *r, wk_err *err)
{
    wk_store_entry *list;
    size_t n;
    int64_t from_ns, to_ns;
    WK_TRY(time_option(cli, "from", &from_ns, err));
    WK_TRY(time_option(cli, "to", &to_ns, err));
    WK_TRY(wk_store_list(root, &list, &n, err));
    r->series = calloc(n ? n : 1, sizeof *r->series);
    wk_status status = r->series ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; status == WK_OK && i < n; i++) {
        wk_progress("measure", i, n);
        if (!is_chosen(cli, &list[i], from_ns, to_ns))
            continue;
        r->series[r->n_series].entry = list[i];
        status = measure_series(root, from_ns, to_ns, &r->series[r->n_series], err);
        r->n_series++;
    }
    wk_progress("measure", n, n);
    free(list);
    WK_TRY(status);
    if (r->n_series == 0)
        return wk_fail(err, WK_E_DATA,
                       "the store %s has no such candles; `wick store list` shows "
                       "what it has",
                       root);
    return find_pairs(root, from_ns, to_ns, r, err);
}

static int cmd_data_report(const wk_cli *cli, wk_err *err)
{
    char root[PATH_MAX];
    const char *out = wk_cli_option_value(cli, "out");
    WK_TRY(wk_store_root(wk_cli_option_value(cli, "store"), root, sizeof root, err));
    if (!out && !wk_cli_json(cli))
        return wk_fail(err, WK_E_ARG, "where to? add --out report.html, or --json");
    data_report r = {.root = root};
    wk_status status = measure_all(cli, root, &r, err);
    if (status == WK_OK && out) {
        wk_text page = {0};
        data_page(&r, &page);
        status = wk_file_write_atomic(out, page.s, page.n, err);
        free(page.s);
    }
    if (status == WK_OK && wk_cli_json(cli))
        print_json(&r);
    else if (status == WK_OK)
        printf("%zu series and %zu pairs of venues are in %s\n", r.n_series, r.n_pairs, out);
    free(r.series);
    free(r.pairs);
    return status;
}

static const wk_cli_option options[] = {
    {"store", "DIR", "the store; $WICK_HOME/store or ~/.wick/store otherwise"},
    {"out", "F.html", "the page: one file, which any browser shows offline"},
    {"venue", "NAME", "only this venue"},
    {"symbol", "NAME", "only this market"},
    {"timeframe", "TF", "only this timeframe"},
    {"from", "TIME", "first candle's open, UTC"},
    {"to", "TIME", "up to but not including this open, UTC"},
    {.name = NULL}};

extern const wk_cli_command wk_cmd_data_report;
const wk_cli_command wk_cmd_data_report = {
    .name = "data report",
    .usage = "--out F.html [--venue NAME] [--symbol NAME] [--timeframe TF] [--store DIR]",
    .summary = "shows coverage, gaps, outliers, frozen prices and venues against each other",
    .details =
        "Outliers are moves beyond 20 robust deviations of the 192 bars around them; spikes among "
        "them\ncome straight back and are probably false prints. Markets that several venues have "
        "are compared\nbar by bar, and a series whose times are shifted by one bar is told. --json "
        "prints all figures.",
    .example = "wick data report --store out/store --out out/data.html",
    .options = options,
    .run = cmd_data_report};
