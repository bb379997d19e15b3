"use strict";
// Text: how a value of a column is named, scaled and written.

const MINUS = "\u2212", NO_VALUE = "n/a";

// Keys with a fixed meaning. percent: a fraction shown in per cent.
const FRACTION =
    /(^|_)(share|rate|return|cagr|drawdown|coverage|precision|recall|exposure|accuracy|volatility)$/;
// Measures whose fourth decimal matters.
const FINE = /^(auc|rank_ic|ic|qlike|log_loss|brier|ece)$/;
const SIGNED =
    /(^|_)(net|gross|return|pnl|sharpe|sortino|calmar|cagr|expectancy|profit|money|ic)(_bp|_pct)?$/;
const UNITS = [
  [/_bps?$/, "bp"], [/_pct$/, "%"], [/_ms$/, "ms"], [/_s$/, "s"], [/_hours$/, "h"],
  [/_days$/, "days"], [/_bars$/, "bars"]
];
const LABELS = {
  n: "n",
  ci_low: "95 % low",
  ci_high: "95 % high",
  log_loss: "Log-loss",
  bp: "Basis points",
  auc: "AUC",
  cagr: "CAGR",
  psr: "PSR",
  dsr: "DSR",
  pbo: "PBO",
  rank_ic: "Rank IC",
  ic: "IC",
  qlike: "QLIKE",
  ece: "ECE",
  cvar: "CVaR",
  pnl: "PnL",
  sl: "SL",
  tp: "TP",
  mdd: "Max drawdown"
};
const HELP = {
  sharpe:
      "Mean over standard deviation of daily returns, times the square root of 365. Net of all costs.",
  sortino:
      "Mean daily return over its downside deviation (all days), times the square root of 365.",
  calmar: "Compound annual growth over the maximum drawdown, whole period.",
  cagr: "Compound annual growth rate, 365 days a year.",
  max_drawdown: "Deepest fall of mark-to-market equity from its peak.",
  profit_factor: "Sum of gains over sum of losses of closed trades, net of costs.",
  auc: "Probability that a rising bar scores higher than a falling one; 0.5 is chance.",
  rank_ic: "Spearman correlation of forecast and outcome.",
  win_rate: "Share of trades with a profit after all costs.",
  hit_rate: "Share of trades with a profit after all costs.",
  net_bp: "Mean net return of a trade, in hundredths of a per cent of its notional.",
  psr: "Probability that the true Sharpe ratio is above 0 (Bailey and L\u00f3pez de Prado 2012).",
  dsr: "The same, against the best Sharpe ratio that as many trials without skill would show.",
  turnover: "Notional traded over equity.",
  exposure: "Mean gross notional over equity.",
  qlike: "Loss of a volatility forecast; 0 is perfect.",
};

// The column's description: the document's own "columns" entry wins over the conventions.
function column(key, own) {
  const given = (own || {})[key] || {};
  let label = key, unit = "";
  for (const [pattern, name] of UNITS)
    if (pattern.test(key)) {
      unit = name;
      label = key.replace(pattern, "");
      break;
    }
  let percent = unit === "" && FRACTION.test(key);
  if (given.format) percent = given.format === "percent";
  if (percent) unit = "%";
  label = given.label || LABELS[label] ||
      label.replace(/_/g, " ").replace(/^./, (c) => c.toUpperCase());
  return {
    key,
    label,
    unit: given.unit ?? unit,
    percent,
    signed: SIGNED.test(key),
    help: given.help || HELP[key],
    decimals: given.decimals ?? (FINE.test(key) ? 4 : undefined)
  };
}

// As many decimals as the largest value of a column needs to be read, the same in every row.
function decimalsFor(values) {
  const known = values.filter((v) => Number.isFinite(v));
  if (known.every(Number.isInteger)) return 0;
  const top = Math.max(...known.map(Math.abs));
  return top >= 1000 ? 0 : top >= 100 ? 1 : top >= 1 ? 2 : top >= 0.1 ? 3 : 4;
}

function number(value, decimals) {
  if (value === "inf" || value === Infinity) return "\u221e";
  if (typeof value !== "number" || !Number.isFinite(value)) return NO_VALUE;
  const text = Math.abs(value).toLocaleString(
      "en-US", {minimumFractionDigits: decimals, maximumFractionDigits: decimals});
  return value < 0 && Number(text.replace(/,/g, "")) !== 0 ? MINUS + text : text;
}

// One number that stands alone (a card, a verdict line).
function single(value, unit) {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  const text = number(value, decimalsFor([value]));
  if (!unit || text === NO_VALUE) return text;
  return unit === "%" ? text + "%" : text + " " + unit;
}

const percent = (v, decimals = 1) => number(v * 100, decimals) + "%";
const date = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const minute = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
