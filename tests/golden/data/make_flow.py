"""Writes events.csv and rows.csv: a made-up stream of book updates and trades, and the flow features of each
period computed with numpy and pandas from their definitions, over whole arrays instead of a stream.

needs: pip install numpy pandas
usage: make_flow.py flow
"""
import sys
from pathlib import Path

import numpy as np
import pandas as pd

PERIOD, REALISED, LARGE = 1_000_000_000, 5_000_000_000, 5.0
rng = np.random.default_rng(7)


def make_events(n=1200):
    """Rows (time_ns, kind, numbers...): B has 10 x (ask price, ask size, bid price, bid size), T price, size, side."""
    events, mid, t = [], 20000.0, 0
    for _ in range(n):
        t += int(rng.integers(1, 50)) * 1_000_000
        if rng.random() < 0.05:
            t += int(rng.integers(500, 2500)) * 1_000_000
        if rng.random() < 0.55:
            mid = round(mid + rng.normal(0, 0.5), 1)
            row = []
            ask, bid = mid + 0.1 * rng.integers(1, 4), mid - 0.1 * rng.integers(1, 4)
            for _ in range(10):
                row += [round(ask, 1), round(float(rng.gamma(1, 2)) + 0.001, 3),
                        round(bid, 1), round(float(rng.gamma(1, 2)) + 0.001, 3)]
                ask += 0.1 * rng.integers(1, 6)
                bid -= 0.1 * rng.integers(1, 6)
            events.append((t, "B", row))
        else:
            side = 1 if rng.random() < 0.5 else -1
            events.append((t, "T", [round(mid + 0.1 * side + rng.normal(0, 0.2), 1),
                                    round(float(rng.lognormal(-2, 1.2)) + 0.0001, 4), side]))
    return events


def level_flow(b0, b1, a0, a1):
    e = 0.0
    e += b1[1] if b1[0] >= b0[0] else 0
    e -= b0[1] if b1[0] <= b0[0] else 0
    e -= a1[1] if a1[0] <= a0[0] else 0
    e += a0[1] if a1[0] >= a0[0] else 0
    return e


def quote(row):
    a = np.array(row).reshape(10, 4)
    ask, bid = a[:, :2], a[:, 2:]
    mid = (ask[0, 0] + bid[0, 0]) / 2
    size = lambda k: (bid[:k, 1].sum(), ask[:k, 1].sum())
    imb = lambda k: (size(k)[0] - size(k)[1]) / sum(size(k))
    micro = (ask[0, 0] * bid[0, 1] + bid[0, 0] * ask[0, 1]) / (ask[0, 1] + bid[0, 1])
    slope = lambda s: s[:, 1].sum() / (abs(s[-1, 0] - mid) / mid * 1e4)
    return dict(ask=ask, bid=bid, mid=mid, spread=(ask[0, 0] - bid[0, 0]) / mid * 1e4, micro=(micro - mid) / mid * 1e4,
                imb1=imb(1), imb3=imb(3), imb5=imb(5), imb10=imb(10), sb=slope(bid), sa=slope(ask),
                depth1=(ask[0, 1] + bid[0, 1]) / 2, depth10=sum(size(10)) / 2)


def rows(events):
    books = [(t, quote(r)) for t, k, r in events if k == "B"]
    book_t = np.array([t for t, _ in books])
    trades = pd.DataFrame([(i, t, *r) for i, (t, k, r) in enumerate(events) if k == "T"],
                          columns=["i", "t", "p", "q", "s"])
    # The mid before each trade (equal times: what came before it in the stream), and the mid at its horizon.
    order = {id_: n for n, id_ in enumerate([i for i, e in enumerate(events) if e[1] == "B"])}
    keys = np.array(sorted(order))
    before = [np.searchsorted(keys, i) - 1 for i in trades.i]
    trades["mid"] = [books[b][1]["mid"] if b >= 0 else np.nan for b in before]
    due = trades.t + REALISED
    trades["due"] = due
    at = np.searchsorted(book_t, due, side="right") - 1
    trades["mid_due"] = [books[b][1]["mid"] for b in at]
    mean = trades.q.ewm(span=1000, adjust=True).mean().shift(1)
    trades["large"] = (trades.q >= LARGE * mean) & (np.arange(len(trades)) >= 50)
    trades["eff"] = 2 * trades.s * (trades.p - trades.mid) / trades.mid * 1e4
    trades["real"] = 2 * trades.s * (trades.p - trades.mid_due) / trades.mid * 1e4
    out, last = [], np.nan
    for k in range(events[-1][0] // PERIOD):
        lo, hi = k * PERIOD, (k + 1) * PERIOD
        row = {}
        b = np.searchsorted(book_t, hi, side="left") - 1
        if b >= 0:
            q = books[b][1]
            row.update(spread_bps=q["spread"], micro_bps=q["micro"], imbalance_1=q["imb1"], imbalance_3=q["imb3"],
                       imbalance_5=q["imb5"], imbalance_10=q["imb10"], slope=np.log((q["sb"] + q["sa"]) / 2),
                       slope_skew=np.log(q["sb"] / q["sa"]))
        spans = []  # (ns held, quote) inside the period
        for i, (t, q) in enumerate(books):
            end = books[i + 1][0] if i + 1 < len(books) else 1 << 62
            held = min(end, hi) - max(t, lo)
            if held > 0:
                spans.append((held, q))
        inside = [i for i, (t, _) in enumerate(books) if lo <= t < hi]
        if spans:
            w = np.array([h for h, _ in spans], float)
            avg = lambda f: float((w * [q[f] for _, q in spans]).sum() / w.sum())
            ofi1 = ofi10 = 0.0
            for i in inside:
                if i > 0:
                    p, q = books[i - 1][1], books[i][1]
                    e = [level_flow(p["bid"][m], q["bid"][m], p["ask"][m], q["ask"][m]) for m in range(10)]
                    ofi1 += e[0]
                    ofi10 += sum(e)
            row.update(spread_bps_mean=avg("spread"), micro_bps_mean=avg("micro"), imbalance_5_mean=avg("imb5"),
                       ofi_1=ofi1 / avg("depth1"), ofi_10=ofi10 / avg("depth10"))
        row["books"] = np.log1p(len(inside))
        d = trades[(trades.t >= lo) & (trades.t < hi)]
        n, vol = len(d), d.q.sum()
        signed = d.q * d.s
        row.update(trades=np.log1p(n), volume_delta=signed.sum() / vol if n else 0.0, sign_mean=d.s.mean() if n else 0.0)
        if n:
            last = d.p.iloc[-1]
            if d.index[0] >= 50:
                row.update(large_share=d.q[d.large].sum() / vol, large_delta=signed[d.large].sum() / vol)
            row["vwap_bps"] = ((d.p * d.q).sum() / vol - last) / last * 1e4
            known = d[d.mid.notna()]
            if len(known):
                row["effective_bps"] = (known.eff * known.q).sum() / known.q.sum()
            # Volume at price in buckets whose width is the first power of two that lets the range fit into 64.
            width = 2.0 ** np.floor(np.log2(d.p.iloc[0] * 1e-6))
            while d.p.max() // width - d.p.min() // width >= 64:
                width *= 2
            at = (d.p // width).astype(int)
            by = pd.DataFrame({"k": at, "buy": d.q.where(d.s > 0, 0), "sell": d.q.where(d.s < 0, 0)}).groupby("k").sum()
            low, span = d.p.min(), d.p.max() - d.p.min()
            total = by.buy + by.sell
            poc = total.idxmax()
            where = lambda k: ((k + 0.5) * width - low) / span
            row["poc_position"] = min(1.0, max(0.0, where(poc))) if span > 0 else 0.5
            row["poc_delta"] = (by.buy - by.sell)[poc] / total[poc]
            pos = pd.Series([where(k) if span > 0 else 0.5 for k in by.index], index=by.index)
            delta = by.buy - by.sell
            row["high_delta"] = delta[pos >= 0.75].sum() / vol
            row["low_delta"] = delta[pos <= 0.25].sum() / vol
        # Settled when the clock has passed the due time: between the last close and this one.
        r = trades[(trades.due >= lo) & (trades.due < hi) & trades.mid.notna()]
        if len(r):
            row["realised_bps"] = (r.real * r.q).sum() / r.q.sum()
        out.append(row)
    return pd.DataFrame(out)


def main():
    out = Path(sys.argv[1])
    events = make_events()
    with open(out / "events.csv", "w") as f:
        for t, kind, numbers in events:
            f.write(",".join([str(t), kind] + [repr(float(x)) for x in numbers]) + "\n")
    rows(events).to_csv(out / "rows.csv", index=False, float_format="%.12g")


main()
