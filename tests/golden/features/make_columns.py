#!/usr/bin/env python3
"""Writes columns.csv: feature columns of a synthetic panel of three coins, computed with pandas.

The definitions are those of the research that chose the flagship's columns. The panel comes from a
linear congruential generator and + - * / alone, so that test_columns.c builds the same bits.

needs: pip install numpy pandas
usage: make_columns.py > columns.csv
"""
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
T, N, START = 2600, 3, 1577836800  # 2020-01-01
MASK = (1 << 64) - 1
ROWS = [30, 60, 110, 135, 160, 180, 260, 345, 420, 700, 755, 800, 860, 1010, 1180, 1250, 1300, 1445, 1700,
        2159, 2165, 2200, 2399, 2450, 2500, 2597, 2599]


def missing(t, s):
    """LTC is listed late, has a hole longer than prices are held, and short holes are everywhere."""
    if s == 2 and (t < 100 or 1200 <= t < 1260):
        return True
    return (t * 7 + s * 13) % 97 == 5 or (s == 1 and 800 <= t < 811)


def generate():
    state = 42

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        return (state >> 11) * 2.0 ** -53

    data = {k: np.full((T, N), np.nan) for k in ("o", "h", "l", "c", "v", "f")}
    price = [9000.0, 200.0, 50.0]
    rate = [1e-4, 1e-4, 1e-4]
    for t in range(T):
        market = uniform() + uniform() + uniform() - 1.5
        calm = 0.5 + (t // 100 % 3)
        for s in range(N):
            o = price[s]
            shock = 0.6 * market + (uniform() + uniform() + uniform() - 1.5)
            c = o * (1.0 + 0.004 * calm * shock)
            top, bottom = max(o, c), min(o, c)
            h = top * (1.0 + 0.003 * calm * uniform())
            low = bottom * (1.0 - 0.003 * calm * uniform())
            v = 1000.0 * (0.1 + uniform()) * calm
            price[s] = c
            if t % 8 == 0:
                rate[s] = 0.9 * rate[s] + 1e-5 * (2.0 * uniform() - 1.0)
            data["f"][t, s] = rate[s]
            if not missing(t, s):
                for k, x in zip("ohlcv", (o, h, low, c, v)):
                    data[k][t, s] = x
    return data


def columns(d):
    out = {}
    ix = pd.Index(START + 3600 * np.arange(T))
    C = pd.DataFrame(d["c"], index=ix).ffill(limit=48)
    O = pd.DataFrame(d["o"], index=ix).fillna(C.shift())
    H = pd.DataFrame(d["h"], index=ix).fillna(C)
    L = pd.DataFrame(d["l"], index=ix).fillna(C)
    V = pd.DataFrame(d["v"], index=ix)
    live = C.notna()
    V = V.where(~(V.isna() & live), 0.0)
    lc = np.log(C)
    r = lc.diff()
    sd = np.sqrt((r**2).ewm(span=96, min_periods=48).mean()) + 1e-6
    sdd = np.sqrt((r**2).ewm(span=480, min_periods=120).mean()) + 1e-6
    one = np.ones((1, N))

    def add(name, a):
        out[name] = np.array(a, dtype=float)

    def everyone(series):
        return series.values[:, None] * one

    add("sigma", sd)
    for n in (1, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72):
        add(f"mom.r{n}", lc.diff(n) / (sd * np.sqrt(n)))
    for n in (5, 10, 20, 50, 100, 200):
        add(f"mom.ema{n}", (lc - lc.ewm(span=n).mean()) / sd)

    def rsi_of(n):
        up = r.clip(lower=0).ewm(alpha=1 / n).mean()
        dn = (-r.clip(upper=0)).ewm(alpha=1 / n).mean()
        return up / (up + dn + 1e-12)

    rsi = rsi_of(14)
    add("mom.rsi14", rsi)
    add("mom.rsi5", rsi_of(5))
    m = C.ewm(span=12).mean() - C.ewm(span=26).mean()
    add("mom.macd", (m - m.ewm(span=9).mean()) / (C * sd))
    ma, bs = C.rolling(20).mean(), C.rolling(20).std()
    add("mom.bb", (C - ma) / (2 * bs + 1e-9))
    for n in (24, 72):
        hh, ll = H.rolling(n).max(), L.rolling(n).min()
        add(f"mom.stoch{n}", (C - ll) / (hh - ll + 1e-9))

    lb, sb = lc.iloc[:, 0], sd.iloc[:, 0]
    for n in (1, 2, 4, 12, 24, 72, 168, 672):
        add(f"lead.btc{n}", everyone(lb.diff(n) / (sb * np.sqrt(n))))
    for n in (1, 4, 24):
        add(f"lead.eth{n}", everyone(lc.iloc[:, 1].diff(n) / (sd.iloc[:, 1] * np.sqrt(n))))
    bt = pd.DataFrame(r.iloc[:, 0].values[:, None] * one, index=ix, columns=r.columns)
    cov, vb = (r * bt).ewm(span=336).mean(), (bt**2).ewm(span=336).mean()
    beta = cov / vb
    add("lead.beta", beta)
    add("lead.corr", cov / np.sqrt(vb * (r**2).ewm(span=336).mean()))
    for n in (1, 4, 24):
        add(f"lead.gap{n}", (lc.diff(n) - beta * bt.rolling(n).sum()) / (sd * np.sqrt(n)))

    for n in (1, 4, 12, 24, 72, 168, 336, 672):
        x = lc.diff(n)
        add(f"cross.rank{n}", x.rank(axis=1, pct=True))
        if n in (4, 24, 168, 672):
            add(f"cross.dist{n}", x.sub(x.mean(axis=1), axis=0) / (sdd * np.sqrt(n)))
            add(f"cross.mkt{n}", everyone(x.mean(axis=1) / (sdd.mean(axis=1) * np.sqrt(n))))
    x = lc.diff(24)
    add("cross.breadth24", everyone((x > 0).sum(axis=1) / live.sum(axis=1)))
    add("cross.disp24", everyone(x.std(axis=1) / sdd.mean(axis=1)))
    add("cross.rankvol", sd.rank(axis=1, pct=True))

    def rms(n, least=None):
        return np.sqrt((r**2).rolling(n, min_periods=least).mean())

    for n in (6, 24, 168, 720):
        add(f"vola.rv{n}", np.log(rms(n) + 1e-6))
    pk = (np.log(H / L) ** 2) / (4 * np.log(2))
    add("vola.pk24", np.log(np.sqrt(pk.rolling(24).mean()) + 1e-6))
    add("vola.rngr", (H - L) / (C * sd))
    add("vola.vr1", np.log(rms(24) / (rms(336) + 1e-9) + 1e-9))
    add("vola.vr2", np.log(rms(168) / (rms(1440, 700) + 1e-9) + 1e-9))
    add("vola.sk48", r.rolling(48).skew())
    add("vola.sk168", r.rolling(168).skew())
    add("vola.ku168", r.rolling(168).kurt())
    add("vola.dvol", np.sqrt((r.clip(upper=0) ** 2).rolling(168).mean()) / (rms(168) + 1e-9))
    add("vola.er24", lc.diff(24).abs() / (r.abs().rolling(24).sum() + 1e-9))
    add("vola.er168", lc.diff(168).abs() / (r.abs().rolling(168).sum() + 1e-9))
    add("vola.ac1", (r * r.shift()).rolling(168).mean() / ((r**2).rolling(168).mean() + 1e-12))
    add("vola.bbw", bs / (ma * sd))

    tt = pd.to_datetime(ix, unit="s")
    add("cal.hr", tt.hour.values[:, None] * one)
    add("cal.wd", tt.dayofweek.values[:, None] * one)
    add("cal.hw", (tt.dayofweek * 24 + tt.hour).values[:, None] * one)
    add("cal.dom", tt.day.values[:, None] * one)

    for n in (120, 168, 336, 504, 672, 1440, 2160):
        add(f"htf.r{n}", lc.diff(n) / (sdd * np.sqrt(n)))
    for n in (480, 1200, 2400):
        add(f"htf.ema{n}", (lc - lc.ewm(span=n, min_periods=n // 2).mean()) / (sdd * np.sqrt(n)))
    for n in (168, 672, 2160):
        hh = H.rolling(n, min_periods=n // 2).max()
        ll = L.rolling(n, min_periods=n // 2).min()
        add(f"htf.pos{n}", (C - ll) / (hh - ll + 1e-9))
        add(f"htf.dd{n}", np.log(C / hh) / (sdd * np.sqrt(n)))
    up = lc.diff(24).clip(lower=0).ewm(span=24 * 14).mean()
    dn = (-lc.diff(24)).clip(lower=0).ewm(span=24 * 14).mean()
    add("htf.rsid", up / (up + dn + 1e-12))

    den = V * C
    lv = np.log1p(den)
    for n in (24, 96, 336):
        add(f"vol.z{n}", (lv - lv.rolling(n).mean()) / (lv.rolling(n).std() + 1e-6))
    sv = den * np.sign(C - O)
    for n in (4, 24, 168):
        add(f"vol.sv{n}", sv.rolling(n).sum() / (den.rolling(n).sum() + 1e-9))
    clv = ((C - L) - (H - C)) / (H - L + 1e-9)
    for n in (4, 24):
        add(f"vol.cmf{n}", (clv * den).rolling(n).sum() / (den.rolling(n).sum() + 1e-9))
    for n in (24, 168):
        vw = den.rolling(n).sum() / (V.rolling(n).sum() + 1e-9)
        add(f"vol.vwap{n}", np.log(C / vw) / (sd * np.sqrt(n)))
    am = r.abs() / (den + 1)
    add("vol.amih", np.log(am.rolling(24).mean() + 1e-18) - np.log(am.rolling(336).mean() + 1e-18))
    mean = {n: np.log(den.rolling(n).mean() + 1) for n in (24, 168, 720)}
    add("vol.v24_168", mean[24] - mean[168])
    add("vol.v168_720", mean[168] - mean[720])

    rg = H - L + 1e-9
    top, bottom = np.maximum(C, O), np.minimum(C, O)
    body = (C - O).abs()
    s1 = np.sign(C - O)
    add("candle.body", (C - O) / (C * sd))
    add("candle.clv", clv)
    add("candle.uw", (H - top) / (C * sd))
    add("candle.lw", (bottom - L) / (C * sd))
    add("candle.bodyrat", body / rg)
    add("candle.engulf", ((s1 != s1.shift()) & (body > body.shift())) * s1)
    up, dn = H - top, bottom - L
    add("candle.hammer", ((dn > 2 * body) & (up < body)).astype(float) - ((up > 2 * body) & (dn < body)).astype(float))
    add("candle.three", s1 + s1.shift() + s1.shift(2))
    add("candle.inside", ((H < H.shift()) & (L > L.shift())).astype(float))
    add("candle.doji", (body / rg < 0.1).astype(float))

    obv = (np.sign(r) * den).cumsum()
    for n in (14, 24, 72):
        ph, pl = C >= C.rolling(n).max(), C <= C.rolling(n).min()
        add(f"div.rsi{n}", pl * (rsi - rsi.rolling(n).min()) - ph * (rsi.rolling(n).max() - rsi))
        add(f"div.prc{n}", lc.rolling(n).corr(rsi))
        add(f"div.pvc{n}", lc.rolling(n).corr(obv.fillna(0)))

    f = pd.DataFrame(d["f"], index=ix)
    mf = f.mean(axis=1)
    add("fund.f", f * 1e4)
    add("fund.f3d", f.rolling(72).mean() * 1e4)
    add("fund.f14d", f.rolling(336).mean() * 1e4)
    add("fund.fz", (f - f.rolling(720).mean()) / (f.rolling(720).std() + 1e-6))
    add("fund.mf", everyone(mf) * 1e4)
    add("fund.mf7d", everyone(mf.rolling(168).mean()) * 1e4)
    add("fund.fx", f.sub(mf, axis=0) * 1e4)
    return out


def main():
    data = generate()
    table = columns(data)
    for a in table.values():
        a[~np.isfinite(a)] = np.nan
    print("t,s,close," + ",".join(table))
    for t in ROWS:
        for s in range(N):
            cells = [f"{a[t, s]:.12g}" for a in table.values()]
            print(f"{t},{s},{float(data['c'][t, s])!r}," + ",".join(cells))


main()
