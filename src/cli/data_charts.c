/* The pictures of the data report: inline SVG, coloured by the page's style sheet. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data_report.h"
#include "wick/clock.h"
#include "wick/math.h"

#define DAY (INT64_C(86400) * WK_NS_PER_S)
enum { WIDTH = 1080, LEFT = 62, RIGHT = 10 };

/* Where times and values lie on a picture. */
typedef struct {
    int64_t first_ns, last_ns;
    double low, high; /* of the values; logarithms where is_log */
    double top, bottom;
    int is_log;
} frame;

static double x_of(const frame *f, int64_t time_ns)
{
    double span = (double)(f->last_ns - f->first_ns);
    return LEFT +
           (WIDTH - LEFT - RIGHT) * (span > 0 ? (double)(time_ns - f->first_ns) / span : 0.5);
}

static double y_of(const frame *f, double value)
{
    double v = f->is_log ? wk_log(value) : value;
    v = v < f->low ? f->low : v > f->high ? f->high : v;
    return f->bottom - (f->bottom - f->top) * (v - f->low) / (f->high - f->low);
}

/* First of the months that carry a tick: every `step` months. */
static void time_axis(wk_text *t, const frame *f, double y)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t span = f->last_ns - f->first_ns;
    wk_text_printf(t, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                   WIDTH - RIGHT, y, y);
    if (span < 100 * DAY) {
        int64_t step = span < DAY        ? 4 * DAY / 24
                       : span < 3 * DAY  ? DAY / 2
                       : span < 14 * DAY ? DAY
                       : span < 45 * DAY ? 7 * DAY
                                         : 14 * DAY;
        for (int64_t at = (f->first_ns / step + 1) * step; at <= f->last_ns; at += step) {
            wk_civil c = wk_civil_from_ns(at);
            if (step < DAY)
                wk_text_printf(t, "<text x=\"%.1f\" y=\"%.1f\">%d %s %02d:%02d</text>", x_of(f, at),
                               y + 15, c.day, months[c.month - 1], c.hour, c.minute);
            else
                wk_text_printf(t, "<text x=\"%.1f\" y=\"%.1f\">%d %s</text>", x_of(f, at), y + 15,
                               c.day, months[c.month - 1]);
        }
        return;
    }
    int step = span < 400 * DAY ? 1 : span < 800 * DAY ? 3 : span < 1600 * DAY ? 6 : 12;
    wk_civil c = wk_civil_from_ns(f->first_ns);
    for (int month = (c.year * 12 + c.month - 1) / step * step + step;; month += step) {
        int64_t at = wk_civil_to_ns(month / 12, month % 12 + 1, 1);
        if (at > f->last_ns)
            break;
        double x = x_of(f, at);
        if (x > WIDTH - RIGHT - 14)
            break;
        wk_text_printf(t, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
                       x, x, f->top, y);
        if (month % 12 == 0)
            wk_text_printf(t, "<text x=\"%.1f\" y=\"%.1f\">%d</text>", x, y + 15, month / 12);
        else
            wk_text_printf(t, "<text x=\"%.1f\" y=\"%.1f\">%s</text>", x, y + 15,
                           months[month % 12]);
    }
}

static void value_tick(wk_text *t, const frame *f, double value, const char *label)
{
    double y = y_of(f, value);
    wk_text_printf(t,
                   "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                   "<text class=\"right\" x=\"%d\" y=\"%.1f\">%s</text>",
                   LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4, label);
}

/* 1, 2 and 5 times powers of ten, or steps of them. */
static void value_axis(wk_text *t, const frame *f, const char *unit)
{
    char label[48], number[32];
    if (f->is_log) {
        for (int power = -9; power <= 9; power++)
            for (int k = 1; k <= 5; k += k == 1 ? 1 : 3) {
                double value = k * wk_pow(10, power);
                double log = wk_log(value);
                if (log < f->low || log > f->high ||
                    (k != 1 && f->high - f->low > 6)) /* decades are enough then */
                    continue;
                value_tick(t, f, value, data_price(value, number));
            }
        return;
    }
    double raw = (f->high - f->low) / 4, step = 1e-12;
    while (step * 10 <= raw)
        step *= 10;
    step *= raw >= 5 * step ? 5 : raw >= 2 * step ? 2 : 1;
    for (double v = step * (double)(int64_t)(f->low / step - 1); v <= f->high; v += step) {
        if (v < f->low)
            continue;
        double shown = fabs(v) < step / 1000 ? 0 : v;
        snprintf(label, sizeof label, "%s%s", data_price(shown, number), unit);
        value_tick(t, f, shown, label);
    }
}

static const char *coverage_class(const wk_quality_bucket *b)
{
    if (b->n_expected == 0)
        return NULL;
    double share = (double)b->n / (double)b->n_expected;
    return share >= 0.9999 ? "c4" : share >= 0.99 ? "c3" : share >= 0.9 ? "c2" : b->n ? "c1" : "c0";
}

/* Neighbours of one class are one rectangle. */
static void coverage(wk_text *t, const data_series *s, double left, double width, double y,
                     double height, int with_tips)
{
    const wk_quality *q = &s->quality;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS;) {
        const char *class = coverage_class(&q->buckets[k]);
        size_t end = k + 1, n = q->buckets[k].n, expected = q->buckets[k].n_expected;
        while (end < WK_QUALITY_BUCKETS) {
            const char *other = coverage_class(&q->buckets[end]);
            if (other && class && strcmp(other, class) != 0)
                break;
            class = class ? class : other;
            n += q->buckets[end].n;
            expected += q->buckets[end++].n_expected;
        }
        if (class) {
            int64_t span = (int64_t)q->n_expected * s->entry.timeframe_ns;
            char from[32], to[32];
            wk_text_printf(t,
                           "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
                           "height=\"%.1f\">",
                           class, left + width * (double)k / WK_QUALITY_BUCKETS, y,
                           width * (double)(end - k) / WK_QUALITY_BUCKETS, height);
            if (with_tips)
                wk_text_printf(
                    t, "<title>%s to %s: %zu of %zu bars</title>",
                    data_time(s->entry.first_ns + span / WK_QUALITY_BUCKETS * (int64_t)k, from),
                    data_time(s->entry.first_ns + span / WK_QUALITY_BUCKETS * (int64_t)end, to), n,
                    expected);
            wk_text_add(t, "</rect>");
        }
        k = end;
    }
}

void data_chart_strip(const data_series *s, wk_text *t)
{
    wk_text_add(t, "<svg class=\"strip\" viewBox=\"0 0 160 14\" role=\"img\" "
                   "aria-label=\"coverage over time\" preserveAspectRatio=\"none\">");
    coverage(t, s, 0, 160, 0, 14, 0);
    wk_text_add(t, "</svg>");
}

static int64_t bucket_time(const data_series *s, size_t k)
{
    double span = (double)s->quality.n_expected * (double)s->entry.timeframe_ns;
    return s->entry.first_ns + (int64_t)(span * ((double)k + 0.5) / WK_QUALITY_BUCKETS);
}

static frame price_frame(const data_series *s)
{
    frame f = {s->entry.first_ns, s->entry.last_ns, HUGE_VAL, 0, 8, 196, 0};
    double close_low = HUGE_VAL, close_high = 0;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        const wk_quality_bucket *b = &s->quality.buckets[k];
        if (b->n == 0)
            continue;
        f.low = b->low < f.low ? b->low : f.low;
        f.high = b->high > f.high ? b->high : f.high;
        close_low = b->close < close_low ? b->close : close_low;
        close_high = b->close > close_high ? b->close : close_high;
    }
    /* One false print must not press everything else flat; what lies beyond is drawn at the rim. */
    f.low = f.low < 0.6 * close_low ? 0.6 * close_low : f.low;
    f.high = f.high > 1.7 * close_high ? 1.7 * close_high : f.high;
    f.is_log = f.high > 4 * f.low;
    if (f.is_log) {
        f.low = wk_log(f.low);
        f.high = wk_log(f.high);
    }
    double room = 0.03 * (f.high - f.low) + (f.high > f.low ? 0 : 0.01 * fabs(f.high) + 1e-9);
    f.low -= room;
    f.high += room;
    return f;
}

static void price_band(wk_text *t, const frame *f, const data_series *s)
{
    double width = (double)(WIDTH - LEFT - RIGHT) / WK_QUALITY_BUCKETS;
    wk_text_add(t, "<path class=\"band\" d=\"");
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        const wk_quality_bucket *b = &s->quality.buckets[k];
        if (b->n == 0)
            continue;
        double x = x_of(f, bucket_time(s, k)), high = y_of(f, b->high), low = y_of(f, b->low);
        low = low - high < 1 ? high + 1 : low;
        wk_text_printf(t, "M%.1f %.1fh%.1fV%.1fh-%.1fz", x - width / 2, high, width, low, width);
    }
    wk_text_add(t, "\"/><path class=\"line\" d=\"");
    int is_down = 0;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        const wk_quality_bucket *b = &s->quality.buckets[k];
        if (b->n > 0)
            wk_text_printf(t, "%c%.1f %.1f", is_down ? 'L' : 'M', x_of(f, bucket_time(s, k)),
                           y_of(f, b->close));
        is_down = b->n > 0 || (b->n_expected == 0 && is_down);
    }
    wk_text_add(t, "\"/>");
}

static void marks(wk_text *t, const frame *f, const data_series *s)
{
    static const char *const kinds[] = {"jump", "spike", "wick"};
    const wk_quality *q = &s->quality;
    char when[32], span[32], price[32];
    for (size_t i = 0; i < q->n_longest_stale; i++) {
        const wk_quality_mark *m = &q->longest_stale[i];
        double x = x_of(f, m->time_ns),
               w = x_of(f, m->time_ns + m->n_bars * s->entry.timeframe_ns) - x;
        wk_text_printf(
            t,
            "<rect class=\"stale\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"%.1f\"><title>frozen at %s for %s from %s</title></rect>",
            x, f->top, w < 1.5 ? 1.5 : w, f->bottom - f->top, data_price(m->price, price),
            data_span(m->n_bars * s->entry.timeframe_ns, span), data_time(m->time_ns, when));
    }
    for (size_t i = 0; i < q->n_shown_outliers; i++) {
        const wk_quality_mark *m = &q->outliers[i];
        wk_text_printf(t,
                       "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>%s of %+.2f "
                       "%% (%.0f deviations) at %s</title></circle>",
                       kinds[m->kind], x_of(f, m->time_ns), y_of(f, m->price), kinds[m->kind],
                       100 * m->move, m->score, data_time(m->time_ns, when));
    }
}

void data_chart_series(const data_series *s, wk_text *t)
{
    frame f = price_frame(s);
    wk_text_printf(t,
                   "<svg class=\"chart-svg\" viewBox=\"0 0 %d 244\" role=\"img\" "
                   "aria-label=\"price and coverage\">",
                   WIDTH);
    value_axis(t, &f, "");
    time_axis(t, &f, 222);
    price_band(t, &f, s);
    marks(t, &f, s);
    coverage(t, s, LEFT, WIDTH - LEFT - RIGHT, 204, 12, 1);
    wk_text_printf(t, "<text class=\"right\" x=\"%d\" y=\"214\">coverage</text></svg>", LEFT - 8);
}

void data_chart_pair(const data_pair *p, wk_text *t)
{
    const wk_quality_pair *q = &p->pair;
    frame f = {q->first_ns, q->last_ns, 0, 0, 8, 166, 0};
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        if (isnan(q->buckets[k].median))
            continue;
        f.low = q->buckets[k].p5 < f.low ? q->buckets[k].p5 : f.low;
        f.high = q->buckets[k].p95 > f.high ? q->buckets[k].p95 : f.high;
    }
    f.low *= 1e4; /* basis points */
    f.high *= 1e4;
    double room = 0.06 * (f.high - f.low) + 0.1;
    f.low -= room;
    f.high += room;
    wk_text_printf(t,
                   "<svg class=\"chart-svg\" viewBox=\"0 0 %d 192\" role=\"img\" "
                   "aria-label=\"difference of prices over time\">",
                   WIDTH);
    value_axis(t, &f, " bp");
    time_axis(t, &f, 170);
    wk_text_printf(t, "<line class=\"zero\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT,
                   WIDTH - RIGHT, y_of(&f, 0), y_of(&f, 0));
    double width = (double)(WIDTH - LEFT - RIGHT) / WK_QUALITY_BUCKETS;
    wk_text_add(t, "<path class=\"band\" d=\"");
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        if (isnan(q->buckets[k].median))
            continue;
        double high = y_of(&f, 1e4 * q->buckets[k].p95), low = y_of(&f, 1e4 * q->buckets[k].p5);
        low = low - high < 1 ? high + 1 : low;
        wk_text_printf(t, "M%.1f %.1fh%.1fV%.1fh-%.1fz", LEFT + width * (double)k, high, width, low,
                       width);
    }
    wk_text_add(t, "\"/><path class=\"line\" d=\"");
    int is_down = 0;
    for (size_t k = 0; k < WK_QUALITY_BUCKETS; k++) {
        int there = !isnan(q->buckets[k].median);
        if (there)
            wk_text_printf(t, "%c%.1f %.1f", is_down ? 'L' : 'M', LEFT + width * ((double)k + 0.5),
                           y_of(&f, 1e4 * q->buckets[k].median));
        is_down = there;
    }
    wk_text_add(t, "\"/></svg>");
}

void data_chart_days(const data_series *s, wk_text *t)
{
    size_t most = 1;
    for (int d = 0; d < DATA_DAYS; d++)
        most = s->revised_by_day[d] > most ? s->revised_by_day[d] : most;
    wk_text_printf(t,
                   "<svg class=\"days\" viewBox=\"0 0 %d 60\" role=\"img\" "
                   "aria-label=\"changed bars a day\">",
                   DATA_DAYS * 12);
    for (int d = 0; d < DATA_DAYS; d++) {
        double h = 44.0 * (double)s->revised_by_day[d] / (double)most;
        char when[32];
        wk_text_printf(t,
                       "<rect class=\"day\" x=\"%d\" y=\"%.1f\" width=\"10\" height=\"%.1f\">"
                       "<title>%s: %zu changed bars</title></rect>",
                       d * 12 + 1, 45 - h, h + 1,
                       data_time(s->last_day_ns - (DATA_DAYS - 1 - d) * DAY, when),
                       s->revised_by_day[d]);
    }
    char first[32], last[32];
    wk_text_printf(t,
                   "<text class=\"left\" x=\"0\" y=\"58\">%s</text><text class=\"right\" x=\"%d\" "
                   "y=\"58\">%s</text></svg>",
                   data_time(s->last_day_ns - (DATA_DAYS - 1) * DAY, first), DATA_DAYS * 12,
                   data_time(s->last_day_ns, last));
}
