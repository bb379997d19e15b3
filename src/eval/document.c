/* Parts of the report's document that are computed from forecasts and trades. */
#include "judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"
#include "wick/math.h"
#include "wick/metrics.h"
#include "wick/report.h"

/* A forecast with what came of it. */
typedef struct {
    double strength;      /* |score x sigma| */
    double signed_return; /* judge-horizon log return in the direction of the score */
} graded;

static int by_strength(const void *a, const void *b)
{
    double x = ((const graded *)a)->strength, y = ((const graded *)b)->strength;
    return (x < y) - (x > y);
}

json_t *wk_document_precision_coverage(const wk_dataset *dataset, const wk_targets *targets,
                                       const wk_forecast *forecasts, size_t from, size_t to,
                                       double round_trip_cost)
{
    static const double shares[] = {1, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.01};
    size_t S = dataset->panel.S, n = 0;
    json_t *rows = json_array();
    graded *all = malloc(((to - from) * S + 1) * sizeof *all);
    WK_ASSERT(all && "out of memory");
    for (size_t r = from * S; r < to * S; r++) {
        double score = (double)forecasts[r].score;
        if (!forecasts[r].valid || targets->judge.end[r] == 0 || score == 0)
            continue;
        double ret = (double)targets->judge.y[r];
        all[n++] = (graded){fabs(score) * dataset->table.sigma[r], score > 0 ? ret : -ret};
    }
    qsort(all, n, sizeof *all, by_strength);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        size_t k = (size_t)((double)n * shares[i]), wins = 0;
        double gain = 0, loss = 0;
        for (size_t j = 0; j < k; j++) {
            if (all[j].signed_return > 0) {
                gain += all[j].signed_return;
                wins++;
            } else {
                loss -= all[j].signed_return;
            }
        }
        if (k < 30 || wins == 0 || wins == k)
            continue;
        double win = gain / (double)wins, lose = loss / (double)(k - wins);
        json_array_append_new(
            rows, json_pack("{s:f, s:o, s:o, s:o, s:i}", "coverage", shares[i], "precision",
                            wk_report_number((double)wins / (double)k), "break_even",
                            wk_report_number((lose + round_trip_cost) / (win + lose)), "gross_bp",
                            wk_report_number((gain - loss) / (double)k * 1e4), "n", (int)k));
    }
    free(all);
    return rows;
}

/* Rows whose classes were forecast and came true or not. */
typedef struct {
    size_t n;
    float *p;  /* [n, 3] */
    int8_t *y; /* [n] */
} class_rows;

static class_rows class_rows_make(wk_arena *arena, const wk_dataset *dataset,
                                  const wk_targets *targets, const wk_forecast *forecasts,
                                  size_t from, size_t to)
{
    size_t S = dataset->panel.S, room = (to - from) * S;
    class_rows rows = {.p = wk_arena_array(arena, float, room * 3 + 1),
                       .y = wk_arena_array(arena, int8_t, room + 1)};
    for (size_t r = from * S; r < to * S; r++) {
        const wk_forecast *f = &forecasts[r];
        if (!f->valid || targets->direction.end[r] == 0 || f->p[0] + f->p[1] + f->p[2] <= 0)
            continue;
        memcpy(rows.p + rows.n * 3, f->p, sizeof f->p);
        rows.y[rows.n++] = (int8_t)targets->direction.y[r];
    }
    return rows;
}

/* Each class of a row is one forecast that came true or not: p [3n] with hit [3n]. */
static int8_t *class_hits(wk_arena *arena, const class_rows *rows)
{
    int8_t *hit = wk_arena_array(arena, int8_t, rows->n * 3 + 1);
    for (size_t i = 0; i < rows->n; i++)
        hit[i * 3 + (size_t)rows->y[i]] = 1;
    return hit;
}

json_t *wk_document_calibration(const wk_dataset *dataset, const wk_targets *targets,
                                const wk_forecast *forecasts, size_t from, size_t to)
{
    enum { BINS = 20, FORECASTS_MIN = 30 };
    double said[BINS], seen[BINS];
    size_t count[BINS];
    json_t *out = json_array();
    wk_arena arena;
    wk_arena_init(&arena);
    class_rows rows = class_rows_make(&arena, dataset, targets, forecasts, from, to);
    wk_reliability(rows.p, class_hits(&arena, &rows), rows.n * 3, BINS, said, seen, count);
    for (int b = 0; b < BINS; b++)
        if (count[b] >= FORECASTS_MIN)
            json_array_append_new(out, json_pack("{s:o, s:o, s:i}", "p", wk_report_number(said[b]),
                                                 "observed", wk_report_number(seen[b]), "n",
                                                 (int)count[b]));
    wk_arena_finish(&arena);
    return out;
}

json_t *wk_document_confusion(const wk_dataset *dataset, const wk_targets *targets,
                              const wk_forecast *forecasts, size_t from, size_t to)
{
    size_t count[9];
    wk_arena arena;
    wk_arena_init(&arena);
    class_rows rows = class_rows_make(&arena, dataset, targets, forecasts, from, to);
    wk_confusion(rows.p, rows.y, rows.n, 3, count);
    json_t *table = json_array();
    for (size_t i = 0; i < 3; i++)
        json_array_append_new(table, json_pack("[I, I, I]", (json_int_t)count[i * 3],
                                               (json_int_t)count[i * 3 + 1],
                                               (json_int_t)count[i * 3 + 2]));
    size_t n = rows.n;
    wk_arena_finish(&arena);
    if (n == 0) {
        json_decref(table);
        return NULL;
    }
    return json_pack("{s:[s, s, s], s:o}", "labels", "SELL", "HOLD", "BUY", "counts", table);
}

json_t *wk_document_class_skill(const wk_dataset *dataset, const wk_targets *targets,
                                const wk_forecast *forecasts, size_t from, size_t to)
{
    enum { BINS = 20 };
    static const char target[] = "direction", base[] = "class shares";
    json_t *out = json_array();
    wk_arena arena;
    wk_arena_init(&arena);
    class_rows rows = class_rows_make(&arena, dataset, targets, forecasts, from, to);
    double share[3] = {0};
    float *prior = wk_arena_array(&arena, float, rows.n * 3 + 1);
    for (size_t i = 0; i < rows.n; i++)
        share[rows.y[i]] += 1;
    for (size_t i = 0; i < rows.n * 3; i++)
        prior[i] = (float)(share[i % 3] / (double)rows.n);
    if (rows.n > 0) {
        json_array_append_new(
            out, json_pack("{s:s, s:s, s:o, s:o, s:s}", "target", target, "metric",
                           "log-loss, lower is better", "value",
                           wk_report_number(wk_log_loss(rows.p, rows.y, rows.n, 3)), "against",
                           wk_report_number(wk_log_loss(prior, rows.y, rows.n, 3)), "compared_with",
                           base));
        json_array_append_new(out, json_pack("{s:s, s:s, s:o, s:o, s:s}", "target", target,
                                             "metric", "Brier score, lower is better", "value",
                                             wk_report_number(wk_brier(rows.p, rows.y, rows.n, 3)),
                                             "against",
                                             wk_report_number(wk_brier(prior, rows.y, rows.n, 3)),
                                             "compared_with", base));
        json_array_append_new(
            out,
            json_pack("{s:s, s:s, s:o, s:f, s:s}", "target", target, "metric",
                      "calibration error, lower is better", "value",
                      wk_report_number(wk_ece(rows.p, class_hits(&arena, &rows), rows.n * 3, BINS)),
                      "against", 0.0, "compared_with", "zero"));
    }
    wk_arena_finish(&arena);
    return out;
}

/* Unix seconds of the candle of a step. A fill's own time is when the trader learns of it: its
 * close. */
static json_int_t bar_time(const wk_panel *panel, size_t step)
{
    return (json_int_t)((panel->start_ns + (int64_t)step * panel->timeframe_ns) / WK_NS_PER_S);
}

json_t *wk_document_candles(const wk_panel *panel, const wk_backtest *bt)
{
    enum { BARS_SHOWN = 2500, SYMBOLS_SHOWN = 6 };
    json_t *all = json_object();
    size_t end = bt->first_step + bt->T,
           begin = bt->T > BARS_SHOWN ? end - BARS_SHOWN : bt->first_step;
    for (size_t s = 0; s < panel->S && s < SYMBOLS_SHOWN; s++) {
        json_t *bars = json_array(), *marks = json_array();
        for (size_t t = begin; t < end; t++) {
            const wk_bar *b = &panel->bars[t * panel->S + s];
            if (panel->provenance[t * panel->S + s] == WK_PROV_UNKNOWN)
                continue;
            json_array_append_new(bars,
                                  json_pack("{s:I, s:f, s:f, s:f, s:f}", "time",
                                            (json_int_t)(b->time_ns / WK_NS_PER_S), "open", b->open,
                                            "high", b->high, "low", b->low, "close", b->close));
        }
        for (size_t i = 0; i < bt->n_trades; i++) {
            const wk_trade *tr = &bt->trades[i];
            if (tr->symbol != s || tr->entry_step < begin)
                continue;
            json_array_append_new(marks,
                                  json_pack("{s:I, s:f, s:i, s:s, s:s, s:o}", "time",
                                            bar_time(panel, tr->entry_step), "price",
                                            tr->entry_price, "side", (int)tr->side, "kind", "entry",
                                            "reason", "entry", "net_bp", json_null()));
            json_array_append_new(marks,
                                  json_pack("{s:I, s:f, s:i, s:s, s:s, s:o}", "time",
                                            bar_time(panel, tr->exit_step), "price", tr->exit_price,
                                            "side", (int)tr->side, "kind", "exit", "reason",
                                            wk_reason_name((wk_reason)tr->exit_reason), "net_bp",
                                            wk_report_number(tr->net / tr->notional * 1e4)));
        }
        json_object_set_new(all, panel->symbols[s],
                            json_pack("{s:o, s:o}", "bars", bars, "trades", marks));
    }
    return all;
}

json_t *wk_document_exits(const wk_backtest *bt)
{
    json_t *rows = json_array();
    for (int reason = 0; reason < WK_REASON_COUNT; reason++) {
        size_t n = 0, wins = 0;
        double bp = 0;
        for (size_t i = 0; i < bt->n_trades; i++)
            if (bt->trades[i].exit_reason == reason) {
                n++;
                wins += bt->trades[i].net > 0;
                bp += bt->trades[i].net / bt->trades[i].notional * 1e4;
            }
        if (n > 0)
            json_array_append_new(rows,
                                  json_pack("{s:s, s:i, s:f, s:f, s:f}", "reason",
                                            wk_reason_name((wk_reason)reason), "n", (int)n, "share",
                                            (double)n / (double)bt->n_trades, "win_rate",
                                            (double)wins / (double)n, "net_bp", bp / (double)n));
    }
    return rows;
}

json_t *wk_document_symbols(const wk_panel *panel, const wk_backtest *bt)
{
    json_t *rows = json_array();
    for (size_t s = 0; s < panel->S; s++) {
        size_t n = 0, wins = 0, longs = 0;
        double net = 0, bp = 0;
        for (size_t i = 0; i < bt->n_trades; i++) {
            const wk_trade *tr = &bt->trades[i];
            if (tr->symbol != s)
                continue;
            n++;
            wins += tr->net > 0;
            longs += tr->side > 0;
            net += tr->net;
            bp += tr->net / tr->notional * 1e4;
        }
        json_array_append_new(
            rows,
            json_pack("{s:s, s:i, s:o, s:o, s:o, s:f}", "symbol", panel->symbols[s], "trades",
                      (int)n, "long_share",
                      n ? wk_report_number((double)longs / (double)n) : json_null(), "win_rate",
                      n ? wk_report_number((double)wins / (double)n) : json_null(), "net_bp",
                      n ? wk_report_number(bp / (double)n) : json_null(), "net", net));
    }
    return rows;
}

static json_t *cost_line(const char *kind, double money, const wk_backtest *bt)
{
    double notional = 0;
    for (size_t i = 0; i < bt->n_trades; i++)
        notional += bt->trades[i].notional;
    return json_pack("{s:s, s:o, s:f}", "kind", kind, "bp",
                     notional > 0 ? wk_report_number(money / notional * 1e4) : json_null(), "money",
                     money);
}

json_t *wk_document_costs(const wk_backtest *bt)
{
    double gross = 0, net = 0;
    for (size_t i = 0; i < bt->n_trades; i++) {
        gross += bt->trades[i].gross;
        net += bt->trades[i].net;
    }
    json_t *rows = json_array();
    json_array_append_new(rows, cost_line("gross profit", gross, bt));
    json_array_append_new(rows, cost_line("fees", -bt->fees, bt));
    json_array_append_new(rows, cost_line("slippage", -bt->slippage, bt));
    json_array_append_new(rows, cost_line("funding", bt->funding, bt));
    json_array_append_new(rows, cost_line("missed fills (not charged)", -bt->missed_cost, bt));
    json_array_append_new(rows, cost_line("net profit", net, bt));
    return rows;
}

char *wk_document_trades_csv(const wk_panel *panel, const wk_backtest *bt)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    WK_ASSERT(f && "out of memory");
    fputs(wk_trades_csv_header(), f);
    for (size_t i = 0; i < bt->n_trades; i++) {
        char line[512];
        wk_trades_csv_line(&bt->trades[i], panel->symbols[bt->trades[i].symbol], line);
        fputs(line, f);
    }
    fclose(f);
    return text;
}

void wk_rule_momentum(const wk_panel *panel, const wk_feature_table *table, size_t from, size_t to,
                      size_t lookback_bars, wk_forecast *forecasts)
{
    int64_t day = 86400 * WK_NS_PER_S;
    for (size_t t = from; t < to; t++)
        for (size_t s = 0; s < panel->S; s++) {
            size_t r = t * panel->S + s;
            int64_t close_ns = panel->start_ns + ((int64_t)t + 1) * panel->timeframe_ns;
            forecasts[r] = (wk_forecast){0};
            if (close_ns % day != 0 || t < lookback_bars || !table->valid[r])
                continue;
            double now = panel->bars[r].close;
            double then = panel->bars[(t - lookback_bars) * panel->S + s].close;
            if (!(now > 0) || !(then > 0))
                continue;
            double x = wk_log(now / then) / (table->sigma[r] * sqrt((double)lookback_bars));
            forecasts[r] =
                (wk_forecast){.score = (float)x, .volatility = (float)table->sigma[r], .valid = 1};
        }
}
