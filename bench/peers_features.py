#!/usr/bin/env python3
"""TA-Lib over the walk that `wick bench features.indicators` uses (same shape, other random numbers): ns a bar.

needs: pip install numpy TA-Lib
usage: peers_features.py [BARS]
Settings: TA-Lib through its Python wrapper on float64 arrays, one thread, median of seven runs after
one that is not counted; CDL17 is the sum of the seventeen pattern functions that wick computes at once.
"""
import json
import sys
import time

import numpy as np
import talib


def walk(n):
    u = np.random.default_rng(1).random((n, 4))
    c = np.empty(n)
    price = 100.0
    for t in range(n):
        price = price * (1 + 0.02 * (u[t, 0] - 0.5)) + 0.001 * (100 - price)
        c[t] = price
    o = np.concatenate([[100.0], c[:-1]])
    h = np.maximum(o, c) * (1 + 0.004 * u[:, 1])
    low = np.minimum(o, c) * (1 - 0.004 * u[:, 2])
    return o, h, low, c, 1 + 1000 * u[:, 3]


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    o, h, low, c, v = walk(n)
    patterns = [talib.CDLDOJI, talib.CDLDRAGONFLYDOJI, talib.CDLGRAVESTONEDOJI, talib.CDLMARUBOZU,
                talib.CDLSPINNINGTOP, talib.CDLENGULFING, talib.CDLHARAMI, talib.CDLPIERCING,
                talib.CDLDARKCLOUDCOVER, talib.CDLHAMMER, talib.CDLHANGINGMAN, talib.CDLINVERTEDHAMMER,
                talib.CDLSHOOTINGSTAR, talib.CDLMORNINGSTAR, talib.CDLEVENINGSTAR, talib.CDL3WHITESOLDIERS,
                talib.CDL3BLACKCROWS]
    cases = {
        "EMA14": lambda: talib.EMA(c, 14),
        "SMA20": lambda: talib.SMA(c, 20),
        "RSI14": lambda: talib.RSI(c, 14),
        "ROC10": lambda: talib.ROC(c, 10),
        "MACD": lambda: talib.MACD(c, 12, 26, 9),
        "BBANDS20": lambda: talib.BBANDS(c, 20, 2, 2),
        "ATR14": lambda: talib.ATR(h, low, c, 14),
        "WILLR14": lambda: talib.WILLR(h, low, c, 14),
        "CCI14": lambda: talib.CCI(h, low, c, 14),
        "STOCH14": lambda: talib.STOCH(h, low, c, 14, 3, 0, 3, 0),
        "MFI14": lambda: talib.MFI(h, low, c, v, 14),
        "OBV": lambda: talib.OBV(c, v),
        "ADX14": lambda: (talib.ADX(h, low, c, 14), talib.PLUS_DI(h, low, c, 14), talib.MINUS_DI(h, low, c, 14)),
        "CDL17": lambda: [f(o, h, low, c) for f in patterns],
    }
    for name, run in cases.items():
        samples = []
        for i in range(8):
            start = time.perf_counter()
            run()
            samples.append((time.perf_counter() - start) / n * 1e9)
        value = float(np.median(samples[1:]))
        print(json.dumps({"name": "features.indicators", "case": name, "peer": "TA-Lib",
                          "peer_version": talib.__ta_version__.decode().split()[0], "peer_value": round(value, 3),
                          "unit": "ns/bar"}))


main()
