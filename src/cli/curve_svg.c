#include "curve_svg.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "wick/file.h"
#include "wick/text.h"

enum { WIDTH = 820, HEIGHT = 420, LEFT = 78, RIGHT = 18, TOP = 44, BOTTOM = 44 };

typedef struct {
    double low, high;
    size_t n;
} frame;

static double x_of(const frame *f, size_t i)
{
    double span = WIDTH - LEFT - RIGHT;
    return LEFT + (f->n > 1 ? span * (double)i / (double)(f->n - 1) : span / 2);
}

static double y_of(const frame *f, double v)
{
    return TOP + (HEIGHT - TOP - BOTTOM) * (f->high - v) / (f->high - f->low);
}

static frame measure(const curve_line *lines, size_t n_lines, size_t n)
{
    frame f = {HUGE_VAL, -HUGE_VAL, n};
    for (size_t k = 0; k < n_lines; k++)
        for (size_t i = 0; i < n; i++) {
            double v = lines[k].value[i], d = lines[k].deviation ? lines[k].deviation[i] : 0;
            if (!isfinite(v) || !isfinite(d))
                continue;
            f.low = v - d < f.low ? v - d : f.low;
            f.high = v + d > f.high ? v + d : f.high;
        }
    if (!(f.low <= f.high))
        f.low = f.high = 0;
    double room = 0.04 * (f.high - f.low) + (f.high > f.low ? 0 : 0.1 * fabs(f.high) + 1e-9);
    f.low -= room;
    f.high += room;
    return f;
}

/* 1, 2 or 5 times a power of ten, about a sixth of the span. */
static double step_of(double span)
{
    double step = 1e-12;
    while (step * 10 <= span / 6)
        step *= 10;
    return step * (span / 6 >= 5 * step ? 5 : span / 6 >= 2 * step ? 2 : 1);
}

static void axes(wk_text *t, const frame *f, const char *turn)
{
    double step = step_of(f->high - f->low);
    for (double v = step * ceil(f->low / step); v <= f->high; v += step)
        wk_text_printf(t,
                       "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#dddddd\"/>"
                       "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                       LEFT, WIDTH - RIGHT, y_of(f, v), y_of(f, v), LEFT - 8, y_of(f, v) + 4,
                       fabs(v) < step / 1000 ? 0 : v);
    size_t whole = (size_t)step_of((double)f->n);
    whole = whole ? whole : 1;
    for (size_t i = whole; i <= f->n; i += whole)
        wk_text_printf(t, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%zu</text>\n",
                       x_of(f, i - 1), HEIGHT - BOTTOM + 18, i);
    wk_text_printf(t, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
                   (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, turn);
}

static void band(wk_text *t, const frame *f, const curve_line *line, const char *color)
{
    wk_text_printf(t, "<polygon fill=\"%s\" fill-opacity=\"0.15\" points=\"", color);
    for (size_t i = 0; i < 2 * f->n; i++) {
        size_t at = i < f->n ? i : 2 * f->n - 1 - i;
        double v = line->value[at] + (i < f->n ? 1 : -1) * line->deviation[at];
        if (isfinite(v))
            wk_text_printf(t, "%.1f,%.1f ", x_of(f, at), y_of(f, v));
    }
    wk_text_add(t, "\"/>\n");
}

static void draw(wk_text *t, const frame *f, const curve_line *line, const char *color)
{
    bool pen_up = true;
    wk_text_printf(t, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" d=\"", color);
    for (size_t i = 0; i < f->n; i++) {
        double v = line->value[i];
        if (isfinite(v))
            wk_text_printf(t, "%c%.1f %.1f", pen_up ? 'M' : 'L', x_of(f, i), y_of(f, v));
        pen_up = !isfinite(v);
    }
    wk_text_add(t, "\"/>\n");
}

wk_status curve_svg_write(const char *path, const char *title, const curve_line *lines,
                          size_t n_lines, size_t n, size_t mark, wk_err *err)
{
    return curve_svg_write_by("round", path, title, lines, n_lines, n, mark, err);
}

wk_status curve_svg_write_by(const char *turn, const char *path, const char *title,
                             const curve_line *lines, size_t n_lines, size_t n, size_t mark,
                             wk_err *err)
{
    static const char *const colors[] = {"#888888", "#3366aa", "#aa6633"};
    wk_text t = {0};
    frame f = measure(lines, n_lines, n);
    wk_text_printf(&t,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                   "font-family=\"sans-serif\" font-size=\"12\">\n"
                   "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
                   "<text x=\"%d\" y=\"24\" font-size=\"15\">%s by %s</text>\n",
                   WIDTH, HEIGHT, LEFT, title, turn);
    axes(&t, &f, turn);
    for (size_t k = 0; k < n_lines && n > 0; k++) {
        const char *color = colors[k % (sizeof colors / sizeof *colors)];
        if (lines[k].deviation)
            band(&t, &f, &lines[k], color);
        draw(&t, &f, &lines[k], color);
        wk_text_printf(&t, "<text x=\"%d\" y=\"24\" text-anchor=\"end\" fill=\"%s\">%s</text>\n",
                       WIDTH - RIGHT - 90 * (int)(n_lines - 1 - k), color, lines[k].name);
    }
    if (mark > 0 && mark <= n)
        wk_text_printf(&t,
                       "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#333333\" "
                       "stroke-dasharray=\"4 3\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"end\">"
                       "best: %zu</text>\n",
                       x_of(&f, mark - 1), x_of(&f, mark - 1), TOP, HEIGHT - BOTTOM,
                       x_of(&f, mark - 1) - 5, TOP + 12, mark);
    wk_text_add(&t, "</svg>\n");
    wk_status status = wk_file_write_atomic(path, t.s, t.n, err);
    free(t.s);
    return status;
}
