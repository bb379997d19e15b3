/* The report: one self-contained HTML file, drawn in the browser from one JSON document. The page
 * (src/eval/report/) and TradingView's lightweight-charts are embedded at build time.
 *
 * The document, all keys optional but "title":
 *  title, subtitle, synthetic (bool: large letters), generated_from {config, data_hash, commit, seed}
 *  verdict {useful: bool, lines: [{name, value, bound, pass}]}
 *  summary [{name, value (string or number), help}]
 *  equity [{time (unix s), value}], drawdown [{time, value}], baselines_equity {name: [{time, value}]}
 *  candles {SYMBOL: {bars: [{time, open, high, low, close}], trades: [{time, price, side (1|-1), kind
 *           ("entry"|"exit"), reason, net_bp}]}}
 *  folds [{...columns}], symbols [{...}], strategies [{...}], exits [{reason, n, share, net_bp}], costs [{kind, bp, money}]
 *       (arrays of flat objects; the page draws each as a sortable table with its keys as headings)
 *  confusion {labels: [3], counts: [[3],[3],[3]]}
 *  precision_coverage [{coverage, precision, break_even}], calibration [{p, observed, n}]
 *  importance [{name, family, gain}], training [{name, train: [..], valid: [..]}]
 *  notes [string], config (object, shown folded) */
#ifndef WICK_REPORT_H
#define WICK_REPORT_H

#include <jansson.h>

#include "wick/err.h"

/* Writes the page with `document` (borrowed) inside to `path`, whole or not at all. The same document
 * gives the same bytes. WK_E_ARG without a title. */
WK_MUST_CHECK wk_status wk_report_write(const char *path, const json_t *document, wk_err *err);

/* A number for the document: JSON has no NaN (null, shown as "n/a") and no infinity ("inf"). */
json_t *wk_report_number(double value);

#endif
