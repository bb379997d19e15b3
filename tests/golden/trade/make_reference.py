#!/usr/bin/env python3
"""Golden values for tests/unit/trade: a second simulator, written from the rules and not from the C.

Needs: pip install numpy. Run in this folder: python3 make_reference.py

A market is made with integers from a linear congruential generator, so that C makes the same one.
Rules: the signal of a bar's close acts at a later open; enter at |score x sigma| >= the trailing
quantile, leave at zero or flip, equal slots of the initial capital, a fee and slippage a side,
funding on the position held across the open, a stop before a take-profit, a cooldown after a stop.
Writes reference_trades.csv (case, market, side, entry, exit, reason, net) and
reference_thresholds.csv (day, threshold)."""
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


def thresholds(x, coverage=0.1, window=24 * 180, day=24):
    h, rows = np.full(T, np.inf), []
    a = np.abs(x)
    for t in range(24 * 60, T, day):
        w = a[max(0, t - window):t:3].ravel()
        if len(w) > 1800:
            h[t:t + day] = np.quantile(w, 1 - coverage)
            rows.append((t // day, h[t]))
    return h, rows


def simulate(m, confirm=1, stop=0.0, profit=0.0, cool=0, delay=0):
    o, h, l, c, score, sigma, funding = m
    x = score * sigma
    hi, _ = thresholds(x)
    trades = []
    for s in range(S):
        side = lots = 0  # the position
        run = last = 0
        free = 0  # first bar whose open may enter again
        for e in range(1 + delay, T):
            t = e - 1 - delay  # the signal that acts at the open of e
            if side and funding[e, s]:
                fund -= side * lots * LOT * o[e, s] * TICK * funding[e, s]
            want = 1 if x[t, s] >= hi[t] else -1 if x[t, s] <= -hi[t] else 0
            run = run + 1 if want and want == last else (1 if want else 0)
            last = want
            act = want if run >= confirm else 0

            def close(price, maker, reason):
                p0, p1 = entry * TICK, price * TICK
                cost = (TAKER + SLIP) * p0 + (MAKER if maker else TAKER + SLIP) * p1
                net = lots * LOT * (side * (p1 - p0) - cost) + fund
                trades.append((s, side, start, e, reason, net))

            if side and (act == -side or side * x[t, s] <= 0):
                close(o[e, s], False, 'flip' if act == -side else 'score_zero')
                side = 0
                gone = True
            else:
                gone = False
            if side == 0 and act and e >= free and (not gone or trades[-1][4] == 'flip'):
                side, start, entry, fund = act, e, o[e, s], 0.0
                lots = int(CASH / SLOTS / (c[t, s] * TICK) / LOT)
                unit = sigma[t, s] * np.sqrt(24)
                lo = int(c[t, s] * (1 - side * stop * unit) + .5) if stop else 0
                up = int(c[t, s] * (1 + side * profit * unit) + .5) if profit else 0
            if side:
                worst, best = (l[e, s], h[e, s]) if side > 0 else (h[e, s], l[e, s])
                if lo and side * (worst - lo) <= 0:
                    close(o[e, s] if side * (o[e, s] - lo) < 0 else lo, False, 'stop_loss')
                    side, run, free = 0, 0, e + max(cool, 1)
                elif up and side * (best - up) > 0:
                    close(o[e, s] if side * (o[e, s] - up) > 0 else up, True, 'take_profit')
                    side, run = 0, 0
        if side:
            e = T - 1
            close(c[e, s], False, 'end')
    return trades


CASES = {
    'plain': {},
    'confirm': dict(confirm=2),
    'brackets': dict(stop=0.8, profit=0.6, cool=4),
    'delay': dict(delay=1),
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
            for s, side, a, b, why, net in simulate(m, **kw):
                f.write(f'{name},{s},{side},{a},{b},{why},{net:.12g}\n')
