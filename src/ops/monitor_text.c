/* The summary as people read it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

static double real(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

/* A share with three digits; "none" of nothing. */
typedef struct {
    char s[16];
} digits;
static digits share(const json_t *o, const char *key)
{
    digits d = {"none"};
    double x = real(o, key);
    if (!isnan(x))
        snprintf(d.s, sizeof d.s, "%.3f", x);
    return d;
}

static int64_t whole(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static void add_groups(wk_text *t, const char *title, const json_t *list)
{
    size_t i;
    json_t *g;
    if (json_array_size(list))
        wk_text_printf(t, "%s\n", title);
    json_array_foreach(list, i, g) wk_text_printf(
        t, "  %-28s trades %5" PRId64 "  wins %5" PRId64 "  net %14.4f  fees %12.4f\n",
        json_string_value(json_object_get(g, "key")), whole(g, "trades"), whole(g, "wins"),
        real(g, "net"), real(g, "fees"));
}

static int by_psi(const void *a, const void *b)
{
    double x = real(*(json_t *const *)a, "psi"), y = real(*(json_t *const *)b, "psi");
    return (x < y) - (x > y);
}

static void add_drift(wk_text *t, const json_t *root)
{
    const json_t *list = json_object_get(root, "drift");
    const char *missing = json_string_value(json_object_get(root, "drift_missing"));
    size_t n = json_array_size(list), flagged = 0;
    if (missing)
        wk_text_printf(t, "drift: not measured, %s\n", missing);
    if (!n)
        return;
    json_t **sorted = calloc(n, sizeof *sorted);
    for (size_t i = 0; sorted && i < n; i++) {
        sorted[i] = json_array_get(list, i);
        flagged += json_is_true(json_object_get(sorted[i], "flagged"));
    }
    wk_text_printf(t, "drift: %zu of %zu features flagged over %" PRId64 " rows\n", flagged, n,
                   whole(root, "drift_rows"));
    if (sorted)
        qsort(sorted, n, sizeof(json_t *), by_psi);
    for (size_t i = 0; sorted && i < n && i < 5; i++)
        wk_text_printf(t, "  %-28s psi %.4f  ks %.4f  missing %.3f (was %.3f)%s\n",
                       json_string_value(json_object_get(sorted[i], "feature")),
                       real(sorted[i], "psi"), real(sorted[i], "ks"), real(sorted[i], "missing"),
                       real(sorted[i], "missing_before"),
                       json_is_true(json_object_get(sorted[i], "flagged")) ? "  DRIFT" : "");
    free(sorted);
}

void wk_monitor_text(const json_t *root, wk_text *t)
{
    const json_t *g = json_object_get(root, "signals"), *e = json_object_get(root, "equity"),
                 *m = json_object_get(root, "trades"), *h = json_object_get(root, "health");
    wk_text_printf(t, "%s to %s\n", json_string_value(json_object_get(root, "from")),
                   json_string_value(json_object_get(root, "to")));
    wk_text_printf(t, "equity %.4f, change %.4f, max drawdown %.2f %%\n", real(e, "last"),
                   real(e, "change"), real(e, "max_drawdown") * 100);
    wk_text_printf(
        t, "trades %" PRId64 ", wins %" PRId64 ", net %.4f, fees %.4f, still open %" PRId64 "\n",
        whole(m, "trades"), whole(m, "wins"), real(m, "net"), real(m, "fees"), whole(m, "open"));
    wk_text_printf(t, "signals %" PRId64, whole(g, "n"));
    if (whole(g, "resolved"))
        wk_text_printf(t,
                       ", after %" PRId64 " bars known %" PRId64
                       ": accuracy %.3f (95 %% above %.3f), precision buy %s sell %s, move "
                       "%.2f bp",
                       whole(g, "horizon_bars"), whole(g, "resolved"), real(g, "accuracy"),
                       real(g, "accuracy_lower_95"), share(g, "precision_buy").s,
                       share(g, "precision_sell").s, real(g, "move_bps"));
    wk_text_add(t, "\n");
    add_groups(t, "by symbol", json_object_get(root, "by_symbol"));
    add_groups(t, "by strategy", json_object_get(root, "by_strategy"));
    add_groups(t, "by model", json_object_get(root, "by_model"));
    add_groups(t, "by side and way out", json_object_get(root, "by_exit"));
    add_groups(t, "by day of the exit", json_object_get(root, "by_day"));
    add_drift(t, root);
    if (json_is_true(json_object_get(h, "runs")))
        wk_text_printf(
            t, "health: pid %" PRId64 ", up %" PRId64 " s, cpu %.1f s (%.1f %%), rss %.1f MB",
            whole(h, "pid"), whole(h, "uptime_s"), real(h, "cpu_s"), real(h, "cpu_share") * 100,
            (double)whole(h, "rss_bytes") / 1e6);
    else
        wk_text_add(t, "health: not running");
    if (!isnan(real(h, "feed_age_s")))
        wk_text_printf(t, ", newest bar %.0f s ago", real(h, "feed_age_s"));
    wk_text_add(t, "\n");
    const json_t *told = json_object_get(root, "told");
    size_t i;
    json_t *line;
    if (json_array_size(told))
        wk_text_add(t, "the bot's own summary of its newest day\n");
    json_array_foreach(told, i, line) wk_text_printf(t, "  %s\n", json_string_value(line));
}

/* ---- a message ---- */

enum { LINE_BYTES = 176, GROUPS_MAX = 4, DRIFTS_MAX = 3 };

static void add_line(char *out, size_t size, const wk_text *line)
{
    size_t n = strlen(out);
    if (line->n)
        snprintf(out + n, size - n, "%s%.*s", n ? "\n" : "",
                 (int)(line->n < LINE_BYTES ? line->n : LINE_BYTES), line->s);
}

/* "by symbol: BTC +1.20 of 3, ETH -0.10 of 1, 5 more" */
static void brief_groups(wk_text *t, const char *title, const json_t *list)
{
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n && i < GROUPS_MAX; i++) {
        const json_t *g = json_array_get(list, i);
        wk_text_printf(t, "%s%.24s %+.2f of %" PRId64, i ? "; " : title,
                       json_string_value(json_object_get(g, "key")), real(g, "net"),
                       whole(g, "trades"));
    }
    if (n > GROUPS_MAX)
        wk_text_printf(t, "; %zu more", n - GROUPS_MAX);
}

static void brief_drift(wk_text *t, const json_t *root)
{
    const json_t *list = json_object_get(root, "drift");
    size_t n = json_array_size(list), flagged = 0;
    json_t **sorted = calloc(n + 1, sizeof *sorted);
    for (size_t i = 0; sorted && i < n; i++) {
        sorted[i] = json_array_get(list, i);
        flagged += json_is_true(json_object_get(sorted[i], "flagged"));
    }
    if (json_string_value(json_object_get(root, "drift_missing")))
        wk_text_add(t, "drift: not measured, the model has no reference");
    if (sorted && n) {
        qsort(sorted, n, sizeof(json_t *), by_psi);
        wk_text_printf(t, "drift: %zu of %zu features over %" PRId64 " rows", flagged, n,
                       whole(root, "drift_rows"));
        for (size_t i = 0; i < n && i < DRIFTS_MAX; i++)
            wk_text_printf(t, "%s %.24s psi %.2f ks %.2f", i ? "," : ":",
                           json_string_value(json_object_get(sorted[i], "feature")),
                           real(sorted[i], "psi"), real(sorted[i], "ks"));
    }
    free(sorted);
}

static void brief_health(wk_text *t, const json_t *h)
{
    if (json_is_true(json_object_get(h, "runs")))
        wk_text_printf(t, "health: up %.1f h, cpu %.1f %%, memory %.1f MB, ",
                       (double)whole(h, "uptime_s") / 3600, real(h, "cpu_share") * 100,
                       (double)whole(h, "rss_bytes") / 1e6);
    else
        wk_text_add(t, "health: ");
    wk_text_printf(t, "newest bar %.0f s ago", real(h, "feed_age_s"));
}

void wk_monitor_brief(const json_t *root, char *out, size_t size)
{
    const json_t *g = json_object_get(root, "signals"), *e = json_object_get(root, "equity"),
                 *m = json_object_get(root, "trades");
    wk_text t = {0};
    out[0] = 0;
    wk_text_printf(&t,
                   "%.16s to %.16s: net %+.2f of %" PRId64 " trades, %" PRId64
                   " won, fees %.2f; equity %.2f (%+.2f), drawdown %.2f %%",
                   json_string_value(json_object_get(root, "from")),
                   json_string_value(json_object_get(root, "to")), real(m, "net"),
                   whole(m, "trades"), whole(m, "wins"), real(m, "fees"), real(e, "last"),
                   real(e, "change"), real(e, "max_drawdown") * 100);
    add_line(out, size, &t);
    t.n = 0;
    wk_text_printf(&t, "signals: %" PRId64, whole(g, "n"));
    if (whole(g, "resolved"))
        wk_text_printf(&t,
                       ", %" PRId64 " known after %" PRId64
                       " bars: accuracy %.3f, precision buy %s sell %s, move %+.1f bp",
                       whole(g, "resolved"), whole(g, "horizon_bars"), real(g, "accuracy"),
                       share(g, "precision_buy").s, share(g, "precision_sell").s,
                       real(g, "move_bps"));
    add_line(out, size, &t);
    static const struct {
        const char *title, *key;
    } lists[] = {{"by symbol: ", "by_symbol"},
                 {"by strategy: ", "by_strategy"},
                 {"by model: ", "by_model"},
                 {"by way out: ", "by_exit"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        t.n = 0;
        brief_groups(&t, lists[i].title, json_object_get(root, lists[i].key));
        add_line(out, size, &t);
    }
    t.n = 0;
    brief_drift(&t, root);
    add_line(out, size, &t);
    t.n = 0;
    brief_health(&t, json_object_get(root, "health"));
    add_line(out, size, &t);
    free(t.s);
}
