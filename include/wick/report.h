/* The report: one self-contained HTML file, drawn in the browser from one JSON document. The page
 * (src/eval/report/) and TradingView's lightweight-charts are embedded at build time.
 *
 * The document, all keys optional but "title"; a missing or empty key hides its section:
 *  title, subtitle, strategy_name (of the equity line), synthetic (bool: large letters)
 *  generated_from {config, data_hash, commit, seed, ...: any key with a text or number}
 *  verdict {useful: bool, lines: [{name, value (null: "n/a"), bound, pass, unit,
 *          strict (default true: value > bound; else >=), detail}]}: wk_verdict_json makes it
 *  summary [{name, value (string or number), unit ("fraction": shown in per cent; "bp"...), help}]
 *  statistics [{name, value, unit, help}]: a table like the summary's cards
 *  equity [{time (unix s), value}], drawdown [{time, value (fraction below the peak)}],
 *  baselines_equity {name: [{time, value}]}: daily points are enough. The first point is the
 *          start: the table of months is computed from equity
 *  candles {SYMBOL: {bars: [{time, open, high, low, close} or shorter [time, o, h, l, c]],
 *          trades: [{time (of the bar), price, side (1|-1: of the position),
 *          kind ("entry"|"exit"), reason, net_bp}]}}
 *  confusion {labels: [3], counts: [[3],[3],[3]] (rows: what happened, columns: forecast)}
 *  precision_coverage [{coverage, precision, break_even, n}], calibration [{p, observed, n}]
 *  importance [{name, family, gain (a share), cover (a share), permutation (the mean rise of the
 *          loss, a share of it, when the column is shuffled in a test block), permutation_sd
 *          (between folds), shap (mean |contribution|)}], all but the first three optional
 *  explanation {folds, rows (that were shuffled), shap: {rows, of (what is explained), largest,
 *          columns: [{name, points: [[contribution in thousandths of largest, rank of the value in
 *          hundredths or null]]}]}}
 *  training [{name, train: [..], valid: [..]}]
 *    losses, one an epoch or round; null: none, a gap in the line that the page tells of
 *  notes [string], config (object, shown folded)
 *
 * Tables are arrays of flat objects, each drawn sortable with its keys as headings:
 *  folds, symbols, strategies [{name, kind ("strategy"|"baseline"|"ablation"), ...}],
 *  exits [{reason, n, share, win_rate, net_bp}], costs [{kind, money, bp}],
 *  skill [{target, metric, value, against, compared_with}]
 * Conventions of their keys: _bp, _pct, _s, _ms, _hours, _days and _bars at the end are units;
 * share, rate, return, cagr, drawdown, coverage, precision, recall, exposure, accuracy and
 * volatility at the end are fractions, shown in per cent. Give times as texts ("2024-01-01").
 * Where the conventions do not do:
 *  columns {KEY: {label, unit, format ("percent": a fraction shown in per cent, or "number"),
 *          decimals, help}} */
#ifndef WICK_REPORT_H
#define WICK_REPORT_H

#include <jansson.h>

#include "wick/err.h"

/* Writes the page with `document` (borrowed) inside to `path`, whole or not at all. The same
 * document gives the same bytes. WK_E_ARG without a title. */
WK_MUST_CHECK wk_status wk_report_write(const char *path, const json_t *document, wk_err *err);

/* A number for the document: JSON has no NaN (null, shown as "n/a") and no infinity ("inf"). */
json_t *wk_report_number(double value);

#endif
