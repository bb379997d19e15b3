#!/usr/bin/env python3
"""Golden values for tests/unit/trade: a second simulator, written from the rules and not from the C.

Needs: pip install numpy. Run in this folder: python3 make_reference.py

A market is made with integers from a linear congruential generator, so that C makes the same one.
Rules: the signal of a bar's close acts at a later open; enter at |score x sigma| >= the trailing
quantile, leave at zero or flip, equal slots of the initial capital, a fee and slippage a side,
funding on the position held across the open, a stop before a take-profit, a cooldown after a stop.
A limit sits at the signal's close for one bar: better than the open it takes, else it needs a trade
through it; then it is given up or taken at the next open. Isolated margin less funding.
Writes reference_trades.csv (case, market, side, entry, exit, reason, net; a last row a case with
the money that limits missed) and reference_thresholds.csv (day, threshold)."""
import numpy as np

S, T, LOT, TICK, SLOTS, CASH = 5, 4000, 1e-6, 0.01, 10, 10000.0
TAKER, MAKER, SLIP = 5e-4, 2e-4, 2e-4


class Lcg:
    def __init__(self, seed):
        self.x = seed

    def draw(self, n):
        self.x = (1664525 * self.x + 1013904223) % 2**32
        return (self.x >> 16) % n


def market():
    g = Lcg(12345)
    o, h, l, c = (np.zeros((T, S), dtype=np.int64) for _ in range(4))
    score, sigma, funding = (np.zeros((T, S)) for _ in range(3))
    last, sc = [100000] * S, [0] * S
    for t in range(T):
        for s in range(S):
            o[t, s] = max(20000, last[s] + g.draw(41) - 20)
            c[t, s] = max(20000, o[t, s] + g.draw(6001) - 3000)
            h[t, s] = max(o[t, s], c[t, s]) + g.draw(300)
            l[t, s] = min(o[t, s], c[t, s]) - g.draw(300)
            last[s] = int(c[t, s])
            step = g.draw(513) - 256
            sc[s] = int(sc[s] / 4) + step  # toward zero, as in C
            score[t, s] = sc[s] / 1024
            sigma[t, s] = (50 + g.draw(100)) / 16384
            rate = g.draw(101) - 50
            funding[t, s] = rate / 250000 if t % 8 == 0 else 0.0
    return o, h, l, c, score, sigma, funding


def thresholds(x, coverage=0.1, window=24 * 90, day=24):
    h, rows = np.full(T, np.inf), []
    a = np.abs(x)
    for t in range(24 * 60, T, day):
        w = a[max(0, t - window):t:3].ravel()
        if len(w) > 900:
            h[t:t + day] = np.quantile(w, 1 - coverage)
            rows.append((t // day, h[t]))
    return h, rows


def ceil(x):
    return int(np.ceil(x))


def simulate(m, confirm=1, stop=0.0, profit=0.0, cool=0, delay=0, limit=False, take=False, leverage=1,
             maintenance=0.005):
    """Positions are (side, lots, entry ticks); entries of one bar are tried after its exits."""
    o, h, l, c, score, sigma, funding = m
    x = score * sigma
    hi, _ = thresholds(x)
    trades, missed = [], 0.0
    for s in range(S):
        side = lots = 0
        run = last = 0
        free = 0        # first bar whose open may enter again
        late = None     # (side, lots, price) of an expired limit that is taken next
        lost = None     # the same of one that was given up
        for e in range(1 + delay, T):
            t = e - 1 - delay  # the signal that acts at the open of e
            if side and funding[e, s]:
                fund -= side * lots * LOT * o[e, s] * TICK * funding[e, s]
            want = 1 if x[t, s] >= hi[t] else -1 if x[t, s] <= -hi[t] else 0
            run = run + 1 if want and want == last else (1 if want else 0)
            last = want
            act = want if run >= confirm else 0

            def ended(d):
                return want == -d or d * x[t, s] <= 0

            def move(d, n, price):
                return d * (c[t, s] - price) * TICK * n * LOT

            def close(price, maker, reason, slip=SLIP):
                p0, p1 = entry * TICK, price * TICK
                cost = paid + (MAKER if maker else TAKER + slip) * p1
                net = lots * LOT * (side * (p1 - p0) - cost) + fund
                trades.append((s, side, start, e, reason, net))

            flipped = side and act == -side
            left = side and (flipped or side * x[t, s] <= 0)
            if left:
                close(o[e, s], False, 'flip' if flipped else 'score_zero')
                side = 0
            order = None  # (side, lots, limit price or None, price the brackets hang on)
            if late:
                d, n, price = late
                late = None
                if ended(d):
                    missed += move(d, n, price)
                else:
                    order = (d, n, None, c[t, s])
            if lost and (ended(lost[0]) or (act and side == 0 and e >= free and order is None)):
                missed += move(*lost)
                lost = None
            if order is None and side == 0 and act and e >= free and (not left or flipped):
                n = int(CASH / SLOTS / (c[t, s] * TICK) / LOT)
                order = (act, n, c[t, s] if limit else None, c[t, s])
            inside = False
            if order:
                d, n, price, anchor = order
                at, fee = o[e, s], (TAKER + SLIP) * o[e, s] * TICK
                if price is not None:
                    better = d * (price - o[e, s])
                    if better > 0:
                        fee = TAKER * at * TICK + min(SLIP * at, better) * TICK
                    elif d * (price - (l if d > 0 else h)[e, s]) > 0:
                        at, fee, inside = price, MAKER * price * TICK, True
                    else:
                        at = None
                        if take:
                            late = (d, n, price)
                        else:
                            lost = (d, n, price)
                if at is not None:
                    side, lots, entry, start, fund, paid = d, n, at, e, 0.0, fee
                    unit = sigma[t, s] * np.sqrt(24)
                    lo = int(anchor * (1 - side * stop * unit) + .5) if stop else 0
                    up = int(anchor * (1 + side * profit * unit) + .5) if profit else 0
            if not side:
                continue
            worst, best = (l[e, s], h[e, s]) if side > 0 else (h[e, s], l[e, s])
            margin = int(lots * int(entry) / leverage) + fund * 1e8  # 1e-8, the tick of one lot
            broke = entry - side * margin / lots
            liq = broke / (1 - side * maintenance)
            if side > 0:
                liq, broke = (ceil(liq), ceil(broke)) if broke > 0 else (0, 0)
            else:
                liq, broke = int(liq), int(broke)
            dead = liq > 0 and side * (worst - liq) <= 0
            hit = lo and side * (worst - lo) <= 0
            gap = dead and not inside and side * (o[e, s] - liq) <= 0
            if dead and (gap or not hit or side * (liq - lo) > 0):
                p = o[e, s] if gap else liq
                p = max(p, broke) if side > 0 else min(p, broke)
                close(p, False, 'liquidation', min(SLIP, side * (p - broke) / p))
                side, run, free = 0, 0, e + max(cool, 1)
            elif hit:
                beyond = not inside and side * (o[e, s] - lo) < 0
                close(o[e, s] if beyond else lo, False, 'stop_loss')
                side, run, free = 0, 0, e + max(cool, 1)
            elif up and not inside and side * (best - up) > 0:
                close(o[e, s] if side * (o[e, s] - up) > 0 else up, True, 'take_profit')
                side, run = 0, 0
        if side:
            e = T - 1
            close(c[e, s], False, 'end')
        # A signal that ends at the very last close, after the last open, still ends its miss.
        for n in [v for v in (late, lost) if v]:
            t = T - 1
            if n[0] * x[t, s] <= 0 or (abs(x[t, s]) >= hi[t] and (n is late or x[t, s] * n[0] < 0)):
                missed += n[0] * (c[t, s] - n[2]) * TICK * n[1] * LOT
    return trades, missed


CASES = {
    'plain': {},
    'confirm': dict(confirm=2),
    'brackets': dict(stop=0.8, profit=0.6, cool=4),
    'delay': dict(delay=1),
    'limit': dict(limit=True),
    'limit_brackets': dict(limit=True, stop=0.5, profit=0.5, cool=2),
    'limit_take': dict(limit=True, take=True, stop=0.8),
    'levered': dict(leverage=20, profit=1.0),
}

if __name__ == '__main__':
    m = market()
    with open('reference_thresholds.csv', 'w') as f:
        f.write('day,threshold\n')
        for d, v in thresholds(m[4] * m[5])[1]:
            f.write(f'{d},{v:.17g}\n')
    with open('reference_trades.csv', 'w') as f:
        f.write('case,market,side,entry,exit,reason,net\n')
        for name, kw in CASES.items():
            trades, missed = simulate(m, **kw)
            for s, side, a, b, why, net in trades:
                f.write(f'{name},{s},{side},{a},{b},{why},{net:.12g}\n')
            f.write(f'{name},-1,0,0,0,missed,{missed:.12g}\n')
