/* The data report's page: one HTML text without scripts, which any browser shows offline. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data_page_assets.h"
#include "data_report.h"
#include "wick/clock.h"
#include "wick/version.h"

#define DAY (INT64_C(86400) * WK_NS_PER_S)

char *data_time(int64_t time_ns, char out[32])
{
    wk_civil c = wk_civil_from_ns(time_ns);
    if (c.hour || c.minute)
        snprintf(out, 32, "%04d-%02d-%02d %02d:%02d", c.year, c.month, c.day, c.hour, c.minute);
    else
        snprintf(out, 32, "%04d-%02d-%02d", c.year, c.month, c.day);
    return out;
}

char *data_span(int64_t ns, char out[32])
{
    long long minutes = (long long)(ns / (60 * WK_NS_PER_S)), hours = minutes / 60,
              days = hours / 24;
    if (days >= 10)
        snprintf(out, 32, "%lld d", days);
    else if (days > 0 && hours % 24)
        snprintf(out, 32, "%lld d %lld h", days, hours % 24);
    else if (days > 0)
        snprintf(out, 32, "%lld d", days);
    else if (hours > 0 && minutes % 60)
        snprintf(out, 32, "%lld h %lld min", hours, minutes % 60);
    else if (hours > 0)
        snprintf(out, 32, "%lld h", hours);
    else
        snprintf(out, 32, "%lld min", minutes);
    return out;
}

char *data_price(double price, char out[32])
{
    snprintf(out, 32, "%.6g", price);
    return out;
}

/* 1831665 as "1 831 665", with spaces that do not break. */
static void add_count(wk_text *t, size_t n)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%zu", n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0 && length > 4)
            wk_text_add(t, "&#8239;");
        wk_text_add_bytes(t, digits + i, 1);
    }
}

static void add_escaped(wk_text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == '<')
            wk_text_add(t, "&lt;");
        else if (*s == '&')
            wk_text_add(t, "&amp;");
        else if (*s == '"')
            wk_text_add(t, "&quot;");
        else
            wk_text_add_bytes(t, s, 1);
    }
}

/* Shares near the ends keep the digits that matter: 99.98 %, not 100 %. */
static void add_percent(wk_text *t, double share)
{
    double percent = 100 * share;
    int near_end = (percent > 99 && percent < 100) || (percent > 0 && percent < 1);
    wk_text_printf(t, near_end ? "%.2f&#8239;%%" : "%.1f&#8239;%%",
                   near_end && percent > 99.99 ? 99.99 : percent);
}

static double coverage_of(const data_series *s)
{
    return (double)s->quality.n / (double)s->quality.n_expected;
}

static data_tone worst(const data_finding *findings, size_t n)
{
    data_tone tone = DATA_NOTE;
    for (size_t i = 0; i < n; i++)
        tone = findings[i].tone > tone ? findings[i].tone : tone;
    return tone;
}

static void add_card(wk_text *t, const char *name, const char *help, size_t value)
{
    wk_text_printf(t, "<div class=\"card\" title=\"%s\"><div>%s</div><div>", help, name);
    add_count(t, value);
    wk_text_add(t, "</div></div>");
}

static void add_cards(const data_report *r, wk_text *t)
{
    size_t bars = 0, expected = 0, gaps = 0, outliers = 0, spikes = 0, stale = 0, revised = 0,
           fresh = 0;
    for (size_t i = 0; i < r->n_series; i++) {
        const data_series *s = &r->series[i];
        bars += s->quality.n;
        expected += s->quality.n_expected;
        gaps += s->quality.gaps;
        outliers += s->quality.n_outliers;
        spikes += s->quality.n_spikes;
        stale += s->quality.stale_runs;
        revised += s->n_revised;
        fresh += s->entry.n_fresh;
    }
    wk_text_add(t, "<div class=\"cards\">");
    add_card(t, "series", "one market in one timeframe at one venue", r->n_series);
    add_card(t, "bars", "final bars, yearly files and fresh ones together", bars);
    wk_text_add(t, "<div class=\"card\" title=\"bars there of bars expected between first and "
                   "last\"><div>coverage</div><div>");
    add_percent(t, expected ? (double)bars / (double)expected : 0);
    wk_text_add(t, "</div></div>");
    add_card(t, "gaps", "holes on the grid between first and last bar", gaps);
    add_card(t, "outliers", "moves beyond 20 robust deviations of their neighbourhood", outliers);
    add_card(t, "spikes", "outliers that come straight back: likely false prints", spikes);
    add_card(t, "frozen runs", "12 bars or more of one single price", stale);
    add_card(t, "changed bars", "bars that the venue corrected, or late trades changed", revised);
    add_card(t, "fresh bars", "in the database, not in the yearly files yet", fresh);
    wk_text_add(t, "</div>");
}

static const char *const provenance_names[] = {"traded", "confirmed empty", "repaired", "imputed",
                                               "unknown"};

static void add_mix(wk_text *t, const wk_quality *q)
{
    wk_text_add(t, "<div class=\"mix\" title=\"");
    int first = 1;
    for (int p = 0; p <= WK_PROV_UNKNOWN; p++)
        if (q->n_provenance[p]) {
            wk_text_printf(t, "%s%s %zu", first ? "" : ", ", provenance_names[p],
                           q->n_provenance[p]);
            first = 0;
        }
    wk_text_add(t, "\">");
    for (int p = 0; p <= WK_PROV_UNKNOWN; p++)
        if (q->n_provenance[p])
            wk_text_printf(t, "<i class=\"p%d\" style=\"width:%.2f%%\"></i>", p,
                           100.0 * (double)q->n_provenance[p] / (double)q->n);
    wk_text_add(t, "</div>");
}

static void add_name(wk_text *t, const data_series *s)
{
    char tf[16];
    add_escaped(t, s->entry.venue);
    wk_text_add(t, " ");
    add_escaped(t, s->entry.symbol);
    wk_text_printf(t, " %s", wk_timeframe_format(s->entry.timeframe_ns, tf));
}

static void add_id(wk_text *t, const data_series *s)
{
    char tf[16];
    wk_text_printf(t, "%s_%s_%s", s->entry.venue, s->entry.symbol,
                   wk_timeframe_format(s->entry.timeframe_ns, tf));
}

static void add_table(const data_report *r, wk_text *t)
{
    static const char *const tones[] = {"", " warn", " bad"};
    wk_text_add(t,
                "<section id=\"series\"><div class=\"head\"><h2>Series</h2><p>from first to last "
                "bar; a click leads to the pictures</p></div><div "
                "class=\"scroll\"><table><thead><tr><th></th><th>market</th><th>from</th>"
                "<th>to</th><th class=\"num\">bars</th><th>coverage</th><th "
                "class=\"num\"></th><th class=\"num\">gaps</th><th class=\"num\">longest</th><th "
                "class=\"num\">outliers</th><th class=\"num\">frozen</th><th class=\"num\">no "
                "volume</th><th>provenance</th><th class=\"num\">changed</th></tr></thead>"
                "<tbody>");
    for (size_t i = 0; i < r->n_series; i++) {
        const data_series *s = &r->series[i];
        const wk_quality *q = &s->quality;
        char first[32], last[32], span[32] = "";
        if (q->n_longest_gaps > 0)
            data_span(q->longest_gaps[0].n_bars * s->entry.timeframe_ns, span);
        wk_text_printf(t, "<tr><td><span class=\"dot%s\"></span></td><td><a href=\"#",
                       tones[worst(s->findings, s->n_findings)]);
        add_id(t, s);
        wk_text_add(t, "\">");
        add_name(t, s);
        wk_text_printf(t, "</a></td><td>%.10s</td><td>%.10s</td><td class=\"num\">",
                       data_time(s->entry.first_ns, first), data_time(s->entry.last_ns, last));
        add_count(t, q->n);
        wk_text_add(t, "</td><td>");
        data_chart_strip(s, t);
        wk_text_add(t, "</td><td class=\"num\">");
        add_percent(t, coverage_of(s));
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, q->gaps);
        wk_text_printf(t, "</td><td class=\"num\">%s</td><td class=\"num\">", span);
        add_count(t, q->n_outliers);
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, q->stale_runs);
        wk_text_add(t, "</td><td class=\"num\">");
        add_percent(t, (double)q->n_zero_volume / (double)q->n);
        wk_text_add(t, "</td><td>");
        add_mix(t, q);
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, s->n_revised);
        wk_text_add(t, "</td></tr>");
    }
    wk_text_add(t, "</tbody></table></div><div class=\"key\">");
    for (int p = 0; p < WK_PROV_UNKNOWN; p++)
        wk_text_printf(t, "<span><i class=\"p%d\"></i>%s</span>", p, provenance_names[p]);
    wk_text_add(t, "<span><i class=\"k-full\"></i>all bars there</span><span><i "
                   "class=\"k-part\"></i>some missing</span><span><i class=\"k-none\"></i>none "
                   "there</span></div></section>");
}

static void add_findings(wk_text *t, const data_finding *findings, size_t n)
{
    static const char *const tones[] = {"note", "warn", "bad"};
    if (n == 0)
        return;
    wk_text_add(t, "<ul class=\"findings\">");
    for (size_t i = 0; i < n; i++) {
        wk_text_printf(t, "<li class=\"%s\">", tones[findings[i].tone]);
        add_escaped(t, findings[i].text);
        wk_text_add(t, "</li>");
    }
    wk_text_add(t, "</ul>");
}

static void begin_table(wk_text *t, const char *title, const char *a, const char *b, const char *c)
{
    wk_text_printf(t,
                   "<div><h4>%s</h4><div class=\"scroll\"><table><thead><tr><th>%s</th><th "
                   "class=\"num\">%s</th><th class=\"num\">%s</th></tr></thead><tbody>",
                   title, a, b, c);
}

static void end_table(wk_text *t)
{
    wk_text_add(t, "</tbody></table></div></div>");
}

static void add_runs(wk_text *t, const char *title, const wk_quality_mark *marks, size_t n,
                     int64_t timeframe_ns)
{
    char when[32], span[32];
    if (n == 0)
        return;
    begin_table(t, title, "from", "length", "bars");
    for (size_t i = 0; i < n; i++)
        wk_text_printf(t,
                       "<tr><td>%s</td><td class=\"num\">%s</td><td class=\"num\">%lld</td></tr>",
                       data_time(marks[i].time_ns, when),
                       data_span(marks[i].n_bars * timeframe_ns, span), (long long)marks[i].n_bars);
    end_table(t);
}

static void add_outliers(wk_text *t, const wk_quality *q)
{
    static const char *const kinds[] = {"jump", "spike", "wick"};
    char when[32];
    if (q->n_shown_outliers == 0)
        return;
    begin_table(t, "largest outliers", "at", "move", "deviations");
    for (size_t i = 0; i < q->n_shown_outliers; i++) {
        const wk_quality_mark *m = &q->outliers[i];
        wk_text_printf(t,
                       "<tr><td>%s &nbsp;<span class=\"muted\">%s</span></td><td "
                       "class=\"num\">%+.2f&#8239;%%</td><td class=\"num\">%.0f</td></tr>",
                       data_time(m->time_ns, when), kinds[m->kind], 100 * m->move, m->score);
    }
    end_table(t);
}

static void add_revisions(wk_text *t, const data_series *s)
{
    char when[32], before[32], after[32];
    if (s->n_largest == 0)
        return;
    begin_table(t, "largest changes of a close", "bar", "as seen", "final");
    for (size_t i = 0; i < s->n_largest; i++)
        wk_text_printf(t, "<tr><td>%s</td><td class=\"num\">%s</td><td class=\"num\">%s</td></tr>",
                       data_time(s->largest[i].bar.time_ns, when),
                       data_price(s->largest[i].bar.close, before),
                       data_price(s->largest_final[i], after));
    end_table(t);
    wk_text_add(t, "<div><h4>changed bars by the day the change was learnt</h4>");
    data_chart_days(s, t);
    wk_text_add(t, "</div>");
}

static void add_market(const data_series *s, wk_text *t)
{
    const wk_quality *q = &s->quality;
    char first[32], last[32];
    wk_text_add(t, "<section class=\"market\" id=\"");
    add_id(t, s);
    wk_text_add(t, "\"><h3>");
    add_name(t, s);
    wk_text_printf(t, "</h3><p class=\"sub\">%s to %s &middot; ",
                   data_time(s->entry.first_ns, first), data_time(s->entry.last_ns, last));
    add_count(t, q->n);
    wk_text_add(t, " of ");
    add_count(t, q->n_expected);
    wk_text_printf(t, " bars &middot; a bar typically moves %.3g&#8239;%%</p>",
                   100 * q->move_typical);
    add_findings(t, s->findings, s->n_findings);
    wk_text_add(t, "<div class=\"chart\">");
    data_chart_series(s, t);
    wk_text_add(t, "</div><div class=\"tables\">");
    add_runs(t, "longest gaps", q->longest_gaps, q->n_longest_gaps, s->entry.timeframe_ns);
    add_outliers(t, q);
    add_runs(t, "longest frozen runs", q->longest_stale, q->n_longest_stale, s->entry.timeframe_ns);
    add_revisions(t, s);
    wk_text_add(t, "</div></section>");
}

static void add_pairs(const data_report *r, wk_text *t)
{
    if (r->n_pairs == 0)
        return;
    wk_text_add(t,
                "<section id=\"venues\"><div class=\"head\"><h2>Venue against venue</h2><p>closes "
                "of the same market where both have a bar</p></div><div "
                "class=\"scroll\"><table><thead><tr><th>market</th><th>against</th><th "
                "class=\"num\">common bars</th><th class=\"num\">only first</th><th "
                "class=\"num\">only second</th><th class=\"num\">median</th><th "
                "class=\"num\">spread</th><th class=\"num\">99 %</th><th "
                "class=\"num\">largest</th><th class=\"num\">correlation</th></tr></thead><tbody>");
    for (size_t i = 0; i < r->n_pairs; i++) {
        const data_pair *p = &r->pairs[i];
        wk_text_add(t, "<tr><td>");
        add_name(t, p->a);
        wk_text_add(t, "</td><td>");
        add_name(t, p->b);
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, p->pair.n);
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, p->pair.only_a);
        wk_text_add(t, "</td><td class=\"num\">");
        add_count(t, p->pair.only_b);
        wk_text_printf(t,
                       "</td><td class=\"num\">%+.1f bp</td><td class=\"num\">%.1f bp</td><td "
                       "class=\"num\">%.1f bp</td><td class=\"num\">%.0f bp</td><td "
                       "class=\"num\">",
                       1e4 * p->pair.median, 1e4 * p->pair.mad, 1e4 * p->pair.p99,
                       1e4 * p->pair.max);
        if (isnan(p->pair.correlation[1]))
            wk_text_add(t, "&ndash;</td></tr>");
        else
            wk_text_printf(t, "%.4f</td></tr>", p->pair.correlation[1]);
    }
    wk_text_add(t, "</tbody></table></div>");
    for (size_t i = 0; i < r->n_pairs; i++) {
        const data_pair *p = &r->pairs[i];
        char first[32], last[32], worst_at[32];
        wk_text_add(t, "<section class=\"market\"><h3>");
        add_name(t, p->b);
        wk_text_add(t, " over ");
        add_name(t, p->a);
        wk_text_printf(t,
                       "</h3><p class=\"sub\">%s to %s &middot; largest difference at %s &middot; "
                       "line: median, band: 5&#8239;%% to 95&#8239;%% of each span%s</p>",
                       data_time(p->pair.first_ns, first), data_time(p->pair.last_ns, last),
                       data_time(p->pair.max_ns, worst_at),
                       p->exact ? "" : " &middot; quotes are different dollars");
        add_findings(t, p->findings, p->n_findings);
        wk_text_add(t, "<div class=\"chart\">");
        data_chart_pair(p, t);
        wk_text_add(t, "</div></section>");
    }
    wk_text_add(t, "</section>");
}

void data_page(const data_report *r, wk_text *t)
{
    wk_text_add(t, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
                   "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
                   "name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" "
                   "href=\"data:,\">\n<title>wick data report</title>\n<style>\n");
    wk_text_add_bytes(t, (const char *)wk__page_style, wk__page_style_size);
    wk_text_add_bytes(t, (const char *)wk__data_style, wk__data_style_size);
    wk_text_add(t, "</style>\n</head>\n<body>\n<main>\n<header><h1>Data report</h1><span "
                   "class=\"mark\">wick</span><p class=\"lead\">What the store holds, what is "
                   "missing, and what looks wrong.</p></header>\n");
    wk_text_add(t, "<nav><a href=\"#series\">Series</a>");
    if (r->n_pairs > 0)
        wk_text_add(t, "<a href=\"#venues\">Venue against venue</a>");
    wk_text_add(t, "<a href=\"#markets\">Pictures</a></nav>\n");
    add_cards(r, t);
    add_table(r, t);
    add_pairs(r, t);
    wk_text_add(t, "<section id=\"markets\"><div class=\"head\"><h2>Pictures</h2></div><div "
                   "class=\"key\"><span><i class=\"round k-jump\"></i>jump: moved and "
                   "stayed</span><span><i class=\"round k-spike\"></i>spike: came straight "
                   "back</span><span><i class=\"round k-wick\"></i>wick: far beyond open and "
                   "close</span><span><i class=\"k-stale\"></i>frozen price</span></div>");
    for (size_t i = 0; i < r->n_series; i++)
        add_market(&r->series[i], t);
    wk_text_printf(t,
                   "</section><footer>wick %s &middot; outliers lie beyond 20 robust deviations of "
                   "the 192 bars around them &middot; frozen: at least %d bars of one "
                   "price</footer>\n</main>\n</body>\n</html>\n",
                   wk_version(), WK_STALE_BARS);
}
