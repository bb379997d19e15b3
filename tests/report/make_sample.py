"""Writes the document of the report's test: make_sample.py DAYS BARS > sample.json (100 80)."""
import json
import math
import random
import sys

days, bars = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(7)
start = 1640995200


def rounded(x, digits=5):
    return round(x, digits)


def table(keys, *rows):
    return [dict(zip(keys.split(), row)) for row in rows]


def equity(mean, sd):
    value, peak, points, depth = 10000.0, 10000.0, [], []
    for day in range(days):
        value *= 1 + rng.gauss(mean, sd)
        peak = max(peak, value)
        time = start + 86400 * day
        points.append({"time": time, "value": rounded(value, 2)})
        depth.append({"time": time, "value": rounded(1 - value / peak)})
    return points, depth


def market(price):
    candles, trades, side, left = [], [], 0, 0
    for i in range(bars):
        first = price
        price *= math.exp(rng.gauss(0, 0.006))
        high = max(first, price) * (1 + abs(rng.gauss(0, 0.003)))
        low = min(first, price) * (1 - abs(rng.gauss(0, 0.003)))
        time = start + 86400 * days - 3600 * (bars - i)
        candles.append([time] + [rounded(p, 2) for p in (first, high, low, price)])
        trade = {"time": time, "price": rounded(first, 2)}
        if side and left == 0:
            trades.append({**trade, "side": side, "kind": "exit", "net_bp": rounded(rng.gauss(4, 60), 1),
                           "reason": rng.choice(["TP", "SL", "time"])})
            side = 0
        elif side == 0 and rng.random() < 0.12:
            side, left = rng.choice([-1, 1]), rng.randint(3, 9)
            trades.append({**trade, "side": side, "kind": "entry"})
        left = max(0, left - 1)
    return {"bars": candles, "trades": trades}


def strategy(name, kind, sharpe, auc=None):
    return {"name": name, "kind": kind, "sharpe": sharpe, "sortino": rounded(sharpe * 1.4, 2),
            "cagr": rounded(sharpe * 0.11), "max_drawdown": rounded(0.3 / (1 + abs(sharpe))),
            "trades": rng.randint(300, 3000), "win_rate": rounded(0.5 + sharpe / 60),
            "net_bp": rounded(sharpe * 5, 2), "profit_factor": rounded(1 + sharpe / 10, 3), "auc": auc}


def curve(name, n, floor):
    train = [rounded(floor + 0.1 * math.exp(-i / 6) - i * 0.0004) for i in range(n)]
    valid = [rounded(loss + 0.004 + max(0, i - n * 0.6) * 0.0012 + rng.gauss(0, 0.0005))
             for i, loss in enumerate(train)]
    return {"name": name, "train": train, "valid": valid}


own, drawdown = equity(0.0011, 0.011)
names = ["BTC-USD", "ETH-USD", "SOL-USD"]
families = "momentum ribbon oscillator volatility volume leader cross calendar".split()
document = {
    "title": "pooled-1h </script> & co",
    "subtitle": "Ten coins, hourly bars, refit each half-year; judged 2022-01 to 2024-06",
    "synthetic": True,
    "generated_from": {"config": "configs/experiments/pooled-1h.json", "data_hash": "9f2c" * 16,
                       "commit": "0123abc", "seed": 7},
    "verdict": {"useful": False, "lines": table(
        "name value bound unit strict pass detail",
        ("Net expectancy a trade, lower bound", 1.83, 0, "bp", True, True,
         "mean 6.41 bp a trade, 95 % interval 1.83 to 11.02 bp, blocks of 10 days"),
        ("Independent trades", 1431, 200, "trades", False, True,
         "1893 trades closed, 1712 without overlap in their market; those open at once in all markets "
         "share a bar: 1431.2"),
        ("Beats buy and hold", 1.62, 0.41, "Sharpe", True, True,
         "daily Sharpe 1.62 against 0.41, one-sided p = 0.061"),
        ("Beats logistic regression", 1.62, 1.71, "Sharpe", True, False,
         "daily Sharpe 1.62 against 1.71, one-sided p = 0.583"),
        ("Net return at costs x 1.5", 14.2, 0, "%", True, True, "total net return"),
        ("Net return at one bar's delay", None, 0, "%", True, False, "not run"))},
    "summary": table(
        "name value unit", ("Net return", 0.382, "fraction"), ("Sharpe", 1.62), ("Sortino", 2.4),
        ("Max drawdown", 0.113, "fraction"), ("Win rate", 0.527, "fraction"), ("Trades", 1893),
        ("Average PnL", 6.41, "bp"), ("Profit factor", 1.19), ("AUC", 0.5312),
        ("Worst month", -0.041, "fraction")),
    "statistics": table(
        "name value unit help",
        ("Calmar", 1.58, "", "yearly growth over the deepest drawdown"),
        ("CVaR 5 %", -0.0231, "fraction", "mean return of the worst twentieth of the days"),
        ("Least track record", "inf", "days", "days that this Sharpe ratio needs"),
        ("Probability of overfitting", None, "fraction", "of the best of so many models")),
    "equity": own,
    "drawdown": drawdown,
    "baselines_equity": {"buy and hold": equity(0.0006, 0.03)[0],
                         "GBDT alone": equity(0.0008, 0.011)[0],
                         "logistic regression": equity(0.0003, 0.012)[0]},
    "candles": {name: market(price) for name, price in zip(names, [42000.0, 2900.0, 101.0])},
    "folds": table(
        "fold test_from rows auc rank_ic trades win_rate net_bp net_return sharpe",
        *[(i + 1, f"202{2 + i // 2}-0{1 + 6 * (i % 2)}-01", 43800 + 8760 * i,
           rounded(rng.gauss(0.53, 0.008), 4), rounded(rng.gauss(0.04, 0.01), 4),
           rng.randint(300, 500), rounded(rng.gauss(0.52, 0.02), 4), rounded(rng.gauss(5, 5), 2),
           rounded(rng.gauss(0.05, 0.06), 4), rounded(rng.gauss(1.5, 1), 2)) for i in range(5)]),
    "symbols": table(
        "symbol trades long_share win_rate net_bp pnl auc",
        *[(name, rng.randint(200, 700), rounded(rng.uniform(.4, .6), 3),
           rounded(rng.gauss(0.52, 0.02), 4), rounded(rng.gauss(3, 6), 2),
           rounded(rng.gauss(300, 400), 2), rounded(rng.gauss(0.53, 0.008), 4)) for name in names]),
    "strategies": [
        strategy("hybrid", "strategy", 1.62, 0.5312), strategy("GBDT alone", "baseline", 1.31, 0.5298),
        strategy("logistic regression", "baseline", 1.71, 0.5207),
        strategy("momentum", "baseline", -0.21, 0.503), strategy("buy and hold", "baseline", 0.41),
        strategy("always flat", "baseline", 0.0), strategy("without LSTM", "ablation", 1.55, 0.5307),
        strategy("without CNN", "ablation", 1.49, 0.5301)],
    "exits": table(
        "reason n share win_rate net_bp", ("TP", 702, 0.371, 1.0, 48.2), ("SL", 611, 0.323, 0.0, -52.9),
        ("score crossed zero", 402, 0.212, 0.55, 9.4), ("time", 178, 0.094, 0.49, -1.1)),
    "costs": table(
        "kind money bp", ("taker fees", 1421.55, 5.0), ("maker fees", 388.1, 1.4),
        ("slippage", 611.02, 2.1), ("funding", 88.4, 0.3)),
    "confusion": {"labels": ["SELL", "HOLD", "BUY"],
                  "counts": [[4210, 8012, 3107], [6120, 31881, 6409], [2955, 8120, 4377]]},
    "precision_coverage": table(
        "coverage precision break_even",
        *[(c, rounded(0.515 - 0.018 * math.log(c)), 0.542)
          for c in [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]]),
    "calibration": table(
        "p observed n",
        *[(rounded(0.3 + 0.05 * i, 3), rounded(0.3 + 0.05 * i + rng.gauss(0, 0.012), 4),
           int(9000 * math.exp(-((i - 4) / 2) ** 2)) + 40) for i in range(9)]),
    "skill": table(
        "target metric value ci_low ci_high against",
        ("direction", "AUC", 0.5312, 0.5271, 0.5353, "0.5000 by chance"),
        ("volatility", "QLIKE", 0.2133, 0.2101, 0.2168, "0.2290 EWMA")),
    "importance": table(
        "name family gain cover permutation permutation_sd shap",
        *[(f"{family}_{k}", family, rounded(rng.expovariate(1) / (1 + i)), rounded(rng.expovariate(1) / 40),
           rounded(rng.gauss(0.002, 0.004)), rounded(rng.expovariate(500)), rounded(rng.expovariate(30)))
          for i, family in enumerate(families) for k in range(5)]),
    "explanation": {
        "folds": 5, "rows": 2560,
        "shap": {"rows": 60, "of": "the margin of BUY less that of SELL", "largest": 0.413,
                 "columns": [{"name": f"{family}_1",
                              "points": [[int(rng.gauss(0, 300 / (1 + i)) + 2 * k), None if k % 17 == 0 else k * 100 // 59]
                                         for k in range(60)]} for i, family in enumerate(families)]}},
    "training": [curve("trees, fold 5", 60, 0.68), curve("LSTM, fold 5", 14, 0.98),
                 curve("TCN, fold 5", 11, 0.97)],
    "notes": ["Tick and lot sizes were inferred from the decimals of the prices.",
              "212 limit entries expired unfilled; they would have earned 41.20."],
    "config": {"data": {"symbols": names, "timeframe": "1h"},
               "model": {"branches": ["cnn", "lstm", "tcn"]}, "seed": 7},
}
for epoch in (7, 9):  # no loss there; epoch 8 stands alone
    document["training"][1]["valid"][epoch - 1] = None
json.dump(document, sys.stdout, separators=(",", ":"))
