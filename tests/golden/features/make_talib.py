#!/usr/bin/env python3
"""Writes talib.csv (indicators on 300 bars, inputs beside outputs) and patterns.csv (every candlestick
pattern that TA-Lib finds in 6000 generated candles, which test_talib.c generates alike).

needs: pip install numpy TA-Lib
usage: make_talib.py DIRECTORY
"""
import sys

import numpy as np
import talib

PATTERNS = dict(
    doji=talib.CDLDOJI, dragonfly=talib.CDLDRAGONFLYDOJI, gravestone=talib.CDLGRAVESTONEDOJI,
    marubozu=talib.CDLMARUBOZU, spinning=talib.CDLSPINNINGTOP, engulfing=talib.CDLENGULFING,
    harami=talib.CDLHARAMI, piercing=talib.CDLPIERCING, darkcloud=talib.CDLDARKCLOUDCOVER,
    hammer=talib.CDLHAMMER, hangman=talib.CDLHANGINGMAN, invhammer=talib.CDLINVERTEDHAMMER,
    shootstar=talib.CDLSHOOTINGSTAR, mornstar=talib.CDLMORNINGSTAR, evestar=talib.CDLEVENINGSTAR,
    soldiers=talib.CDL3WHITESOLDIERS, crows=talib.CDL3BLACKCROWS)


def walk(n):
    rng = np.random.default_rng(7)
    c = 250 * np.exp(np.cumsum(rng.normal(0, 0.01, n)))
    o = np.concatenate([[250.0], c[:-1]]) * np.exp(rng.normal(0, 0.002, n))
    h = np.maximum(o, c) * np.exp(np.abs(rng.normal(0, 0.004, n)))
    low = np.minimum(o, c) * np.exp(-np.abs(rng.normal(0, 0.004, n)))
    v = rng.lognormal(3, 1, n)
    o, h, low, c, v = (np.round(x, 2) for x in (o, h, low, c, v))
    c[120:136] = c[119]  # flat: the zero denominators
    o[120:136] = h[120:136] = low[120:136] = c[119]
    return o, h, low, c, v


def indicators(o, h, low, c, v):
    out = {f"ema{n}": talib.EMA(c, n) for n in (8, 55)}
    out |= {f"sma{n}": talib.SMA(c, n) for n in (20,)}
    out |= {f"rsi{n}": talib.RSI(c, n) for n in (5, 14)}
    out["macd"], out["macd_signal"], out["macd_hist"] = talib.MACD(c, 12, 26, 9)
    out["bb_upper"], out["bb_middle"], out["bb_lower"] = talib.BBANDS(c, 20, 2, 2)
    out["atr14"] = talib.ATR(h, low, c, 14)
    out["stoch_k"], out["stoch_d"] = talib.STOCH(h, low, c, 14, 3, 0, 3, 0)
    out["willr14"] = talib.WILLR(h, low, c, 14)
    out["cci14"] = talib.CCI(h, low, c, 14)
    out["roc10"] = talib.ROC(c, 10)
    out["mfi14"] = talib.MFI(h, low, c, v, 14)
    out["obv"] = talib.OBV(c, v)
    out["adx14"] = talib.ADX(h, low, c, 14)
    out["pdi14"] = talib.PLUS_DI(h, low, c, 14)
    out["mdi14"] = talib.MINUS_DI(h, low, c, 14)
    return out


def candles(n):
    """Candles of whole ticks with gaps, so that equalities and stars occur."""
    state, mask = 99, (1 << 64) - 1

    def below(k):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & mask
        return (state >> 33) % k

    price, bars, drift = 5000, [], 0
    for t in range(n):
        if t % 4 == 0:
            drift = below(81) - 40
        size = 4 + below(3) * below(20)
        o = price + (below(3) != 0) * (below(41) - 20)
        c = o + drift * (below(4) != 0) + below(2 * size + 1) - size
        h = max(o, c) + below(3) * below(size)
        low = min(o, c) - below(3) * below(size)
        bars.append((o, h, low, c))
        price = c if 3000 < c < 7000 else 5000
    return [np.array(x, dtype=float) for x in zip(*bars)]


def main():
    where = sys.argv[1]
    ohlcv = walk(300)
    out = indicators(*ohlcv)
    with open(f"{where}/talib.csv", "w") as f:
        f.write("open,high,low,close,volume," + ",".join(out) + "\n")
        for t in range(300):
            cells = [f"{float(x[t])!r}" for x in ohlcv] + [f"{x[t]:.13g}" for x in out.values()]
            f.write(",".join(cells) + "\n")
    bars = candles(6000)
    with open(f"{where}/patterns.csv", "w") as f:
        f.write(f"t,pattern,value of TA-Lib {talib.__ta_version__.decode().split()[0]}; checksum {int(sum(bars[3]))}\n")
        for name, function in PATTERNS.items():
            values = function(*bars)
            hits = np.flatnonzero(values)
            print(name, len(hits), sorted(set(values[hits])), file=sys.stderr)
            hits = hits if len(hits) < 150 else hits[hits < 500]
            f.write(f"{hits[-1] if len(hits) else 5999},{name},end\n")
            for t in hits:
                f.write(f"{t},{name},{values[t]}\n")


main()
