"""Golden PSI, KS and p values of test_drift.c. needs: pip install numpy scipy"""
import numpy as np
from scipy import special, stats

# The same numbers as the test's: a congruential generator, so that neither side stores them.
def lcg(seed, n):
    x, out = seed, []
    for _ in range(n):
        x = (x * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((x >> 40) / 2**24)
    return np.array(out, dtype=np.float32)

points = np.sort(lcg(1, 100))
for name, now in (("same", lcg(2, 700)), ("shifted", lcg(3, 700) * np.float32(0.5) + np.float32(0.25)),
                  ("far", lcg(4, 300) + np.float32(2))):
    edges = [(points[10 * b - 1] + points[10 * b]) / np.float32(2) for b in range(1, 10)]
    e = np.bincount(np.searchsorted(edges, points, side="left"), minlength=10) / len(points)
    a = np.bincount(np.searchsorted(edges, now, side="left"), minlength=10) / len(now)
    e, a = np.maximum(e, 1e-4), np.maximum(a, 1e-4)
    psi = float(np.sum((a - e) * np.log(a / e)))
    ks = stats.ks_2samp(points, now).statistic
    m, n = 5000, len(now)
    en = m * n / (m + n)
    p = special.kolmogorov((np.sqrt(en) + 0.12 + 0.11 / np.sqrt(en)) * ks)
    print(name, repr(psi), repr(float(ks)), repr(float(p)))
for d, n in ((0.05, 500.0), (0.1, 100.0), (0.02, 3000.0), (0.3, 12.0)):
    print(d, n, repr(float(special.kolmogorov((np.sqrt(n) + 0.12 + 0.11 / np.sqrt(n)) * d))))
