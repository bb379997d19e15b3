"""Writes a document for the report's test: make_sample.py DAYS BARS > sample.json (60 80 in the repository)."""
import json
import math
import random
import sys

days, bars = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(7)
start = 1640995200
r5 = lambda x, n=5: round(x, n)


def equity(mean, sd):
    e, peak, points, depth = 10000.0, 10000.0, [], []
    for d in range(days):
        e *= 1 + rng.gauss(mean, sd)
        peak = max(peak, e)
        points.append({"time": start + 86400 * d, "value": r5(e, 2)})
        depth.append({"time": start + 86400 * d, "value": r5(1 - e / peak)})
    return points, depth


def market(price):
    rows, trades, side, left = [], [], 0, 0
    for i in range(bars):
        o = price
        price *= math.exp(rng.gauss(0, 0.006))
        h, l = max(o, price) * (1 + abs(rng.gauss(0, 0.003))), min(o, price) * (1 - abs(rng.gauss(0, 0.003)))
        t = start + 86400 * days - 3600 * (bars - i)
        rows.append([t, r5(o, 2), r5(h, 2), r5(l, 2), r5(price, 2)])
        if side and left == 0:
            trades.append({"time": t, "price": r5(o, 2), "side": side, "kind": "exit",
                           "reason": rng.choice(["TP", "SL", "time"]), "net_bp": r5(rng.gauss(4, 60), 1)})
            side = 0
        elif side == 0 and rng.random() < 0.12:
            side, left = rng.choice([-1, 1]), rng.randint(3, 9)
            trades.append({"time": t, "price": r5(o, 2), "side": side, "kind": "entry"})
        left = max(0, left - 1)
    return {"bars": rows, "trades": trades}


def row(name, kind, sharpe, auc=None):
    return {"name": name, "kind": kind, "sharpe": sharpe, "sortino": r5(sharpe * 1.4, 2), "cagr": r5(sharpe * 0.11),
            "max_drawdown": r5(0.3 / (1 + abs(sharpe))), "trades": rng.randint(300, 3000),
            "win_rate": r5(0.5 + sharpe / 60), "net_bp": r5(sharpe * 5, 2), "profit_factor": r5(1 + sharpe / 10, 3), "auc": auc}


def curve(n, floor):
    train = [r5(floor + 0.1 * math.exp(-i / 6) - i * 0.0004) for i in range(n)]
    return {"train": train, "valid": [r5(t + 0.004 + max(0, i - n * 0.6) * 0.0012 + rng.gauss(0, 0.0005)) for i, t in enumerate(train)]}


own, drawdown = equity(0.0011, 0.011)
names = ["BTC-USD", "ETH-USD", "SOL-USD"]
families = ["momentum", "ribbon", "oscillator", "volatility", "volume", "leader", "cross", "calendar"]
document = {
    "title": "pooled-1h </script> & co", "subtitle": "Ten coins, hourly bars, refit each half-year; judged 2022-01 to 2024-06",
    "synthetic": True,
    "generated_from": {"config": "configs/experiments/pooled-1h.json", "data_hash": "9f2c" * 16, "commit": "0123abc", "seed": 7},
    "verdict": {"useful": False, "lines": [
        {"name": "Net expectancy a trade, lower bound", "value": 1.83, "bound": 0, "unit": "bp", "strict": True, "pass": True,
         "detail": "mean 6.41 bp a trade, 95 % interval 1.83 to 11.02 bp, blocks of 10 days"},
        {"name": "Independent trades", "value": 1431, "bound": 200, "unit": "trades", "strict": False, "pass": True,
         "detail": "1893 trades closed; overlapping ones of a market count once"},
        {"name": "Beats buy and hold", "value": 1.62, "bound": 0.41, "unit": "Sharpe", "strict": True, "pass": True,
         "detail": "daily Sharpe 1.62 against 0.41, one-sided p = 0.061"},
        {"name": "Beats logistic regression", "value": 1.62, "bound": 1.71, "unit": "Sharpe", "strict": True, "pass": False,
         "detail": "daily Sharpe 1.62 against 1.71, one-sided p = 0.583"},
        {"name": "Net return at costs x 1.5", "value": 14.2, "bound": 0, "unit": "%", "strict": True, "pass": True,
         "detail": "total net return"},
        {"name": "Net return at one bar's delay", "value": None, "bound": 0, "unit": "%", "strict": True, "pass": False,
         "detail": "not run"}]},
    "summary": [{"name": "Net return", "value": 0.382, "unit": "fraction", "help": "Total, after all costs."},
                {"name": "Sharpe", "value": 1.62}, {"name": "Sortino", "value": 2.4}, {"name": "Max drawdown", "value": 0.113, "unit": "fraction"},
                {"name": "Win rate", "value": 0.527, "unit": "fraction"}, {"name": "Trades", "value": 1893},
                {"name": "Average PnL", "value": 6.41, "unit": "bp"}, {"name": "Profit factor", "value": 1.19},
                {"name": "AUC", "value": 0.5312}, {"name": "Worst month", "value": -0.041, "unit": "fraction"}],
    "equity": own, "drawdown": drawdown,
    "baselines_equity": {"buy and hold": equity(0.0006, 0.03)[0], "GBDT alone": equity(0.0008, 0.011)[0],
                         "logistic regression": equity(0.0003, 0.012)[0]},
    "candles": {n: market(p) for n, p in zip(names, [42000.0, 2900.0, 101.0])},
    "folds": [{"fold": i + 1, "test_from": f"202{2 + i // 2}-0{1 + 6 * (i % 2)}-01", "rows": 43800 + 8760 * i, "auc": r5(0.53 + rng.gauss(0, 0.008), 4),
               "rank_ic": r5(0.04 + rng.gauss(0, 0.01), 4), "trades": rng.randint(300, 500), "win_rate": r5(0.52 + rng.gauss(0, 0.02), 4),
               "net_bp": r5(rng.gauss(5, 5), 2), "net_return": r5(rng.gauss(0.05, 0.06), 4), "sharpe": r5(rng.gauss(1.5, 1), 2)} for i in range(5)],
    "symbols": [{"symbol": n, "trades": rng.randint(200, 700), "long_share": r5(rng.uniform(.4, .6), 3), "win_rate": r5(0.52 + rng.gauss(0, 0.02), 4),
                 "net_bp": r5(rng.gauss(3, 6), 2), "pnl": r5(rng.gauss(300, 400), 2), "auc": r5(0.53 + rng.gauss(0, 0.008), 4)} for n in names],
    "strategies": [row("hybrid", "strategy", 1.62, 0.5312), row("GBDT alone", "baseline", 1.31, 0.5298), row("logistic regression", "baseline", 1.71, 0.5207),
                   row("momentum", "baseline", -0.21, 0.503), row("buy and hold", "baseline", 0.41), row("always flat", "baseline", 0.0),
                   row("without LSTM", "ablation", 1.55, 0.5307), row("without CNN", "ablation", 1.49, 0.5301)],
    "exits": [{"reason": "TP", "n": 702, "share": 0.371, "win_rate": 1.0, "net_bp": 48.2}, {"reason": "SL", "n": 611, "share": 0.323, "win_rate": 0.0, "net_bp": -52.9},
              {"reason": "score crossed zero", "n": 402, "share": 0.212, "win_rate": 0.55, "net_bp": 9.4}, {"reason": "time", "n": 178, "share": 0.094, "win_rate": 0.49, "net_bp": -1.1}],
    "costs": [{"kind": "taker fees", "money": 1421.55, "bp": 5.0}, {"kind": "maker fees", "money": 388.1, "bp": 1.4}, {"kind": "slippage", "money": 611.02, "bp": 2.1},
              {"kind": "funding", "money": 88.4, "bp": 0.3}],
    "confusion": {"labels": ["SELL", "HOLD", "BUY"], "counts": [[4210, 8012, 3107], [6120, 31881, 6409], [2955, 8120, 4377]]},
    "precision_coverage": [{"coverage": c, "precision": r5(0.515 - 0.018 * math.log(c)), "break_even": 0.542} for c in
                           [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]],
    "calibration": [{"p": r5(0.3 + 0.05 * i, 3), "observed": r5(0.3 + 0.05 * i + rng.gauss(0, 0.012), 4), "n": int(9000 * math.exp(-((i - 4) / 2) ** 2)) + 40} for i in range(9)],
    "skill": [{"target": "direction", "metric": "AUC", "value": 0.5312, "ci_low": 0.5271, "ci_high": 0.5353, "against": "0.5000 by chance"},
              {"target": "volatility", "metric": "QLIKE", "value": 0.2133, "ci_low": 0.2101, "ci_high": 0.2168, "against": "0.2290 EWMA"}],
    "importance": [{"name": f"{f}_{k}", "family": f, "gain": r5(rng.expovariate(1) / (1 + i))} for i, f in enumerate(families) for k in range(5)],
    "training": [{"name": "trees, fold 5", **curve(60, 0.68)}, {"name": "LSTM, fold 5", **curve(14, 0.98)}, {"name": "TCN, fold 5", **curve(11, 0.97)}],
    "notes": ["Tick and lot sizes were inferred from the decimals of the prices.", "212 limit entries expired unfilled; they would have earned 41.20."],
    "config": {"data": {"symbols": names, "timeframe": "1h"}, "model": {"branches": ["cnn", "lstm", "tcn"]}, "seed": 7},
}
json.dump(document, sys.stdout, separators=(",", ":"))
