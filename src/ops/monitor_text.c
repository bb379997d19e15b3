/* The summary as people read it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "monitor.h"

static double real(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
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
                       ": accuracy %.3f (95 %% above %.3f), precision buy %.3f sell %.3f, move "
                       "%.2f bp",
                       whole(g, "horizon_bars"), whole(g, "resolved"), real(g, "accuracy"),
                       real(g, "accuracy_lower_95"), real(g, "precision_buy"),
                       real(g, "precision_sell"), real(g, "move_bps"));
    wk_text_add(t, "\n");
    add_groups(t, "by symbol", json_object_get(root, "by_symbol"));
    add_groups(t, "by strategy", json_object_get(root, "by_strategy"));
    add_groups(t, "by model", json_object_get(root, "by_model"));
    add_groups(t, "by day of the exit", json_object_get(root, "by_day"));
    add_drift(t, root);
    if (json_is_true(json_object_get(h, "runs")))
        wk_text_printf(
            t, "health: pid %" PRId64 ", up %" PRId64 " s, cpu %.1f s (%.1f %%), rss %.1f MB",
            whole(h, "pid"), whole(h, "uptime_s"), real(h, "cpu_s"), real(h, "cpu_share") * 100,
            (double)whole(h, "rss_bytes") / 1e6);
    else
        wk_text_add(t, "health: not running");
    wk_text_printf(t, ", newest bar %.0f s ago\n", real(h, "feed_age_s"));
}
