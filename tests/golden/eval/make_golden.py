"""Prints the golden values of tests/unit/eval. needs: pip install numpy scipy scikit-learn"""
import numpy as np
from scipy import stats
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score


def lcg(n, seed):
    """The generator of lcg.h: uniform in (-1/2, 1/2)."""
    x, out = seed, []
    for _ in range(n):
        x = (1664525 * x + 1013904223) % 2**32
        out.append((x + 0.5) / 2**32 - 0.5)
    return np.array(out)


# Ranks, losses, bounds.
score = [.1, .4, .35, .8, .35, .9, .2, .6]
print("auc", roc_auc_score([0, 0, 1, 1, 0, 1, 0, 1], score))
print("spearman", stats.spearmanr(score, [3, 1, 4, 1, 5, 9, 2, 6]).statistic)
ratio = (np.array([.012, .015, .03]) / np.array([.01, .02, .015])) ** 2
print("qlike", np.mean(ratio - np.log(ratio) - 1))
p, y = np.array([[.7, .2, .1], [.1, .5, .4], [.3, .3, .4]]), [0, 1, 0]
print("log-loss", -np.mean(np.log(p[np.arange(3), y])), "brier", np.mean(((p - np.eye(3)[y]) ** 2).sum(1)))
print("ks", stats.ks_2samp([1, 2, 3, 4, 5], [3, 4, 5, 6, 7, 8]).statistic,
      stats.ks_2samp([.3, .1, .9, .5], [.2, .1, .5, .5, .7]).statistic)
for hits, n, alpha in [(57, 100, .05), (1100, 2000, .05), (1, 10, .025), (10, 10, .05)]:
    print("clopper-pearson", hits, n, stats.beta.ppf(alpha, hits, n - hits + 1))

# Ridge and logistic regression on standardised columns; inputs are f32 as in the test.
n, l2 = 200, 5.0
u = lcg(4 * n, 12345).reshape(n, 4).astype(np.float32)
X = u[:, :3].astype(float)
target = (X[:, 0] * 2 - X[:, 1] + u[:, 3]).astype(np.float32).astype(float)
Z = (X - X.mean(0)) / X.std(0)
ridge = Ridge(alpha=l2).fit(Z, target)
print("ridge", ridge.coef_.tolist(), ridge.intercept_)
logit = LogisticRegression(C=1 / l2, tol=1e-14, solver="newton-cholesky", max_iter=1000)
logit.fit(Z, (target > 0).astype(int))
print("logistic", logit.coef_[0].tolist(), logit.intercept_[0])

# Temperature: labels drawn from softmax(z / 2), judged on softmax(z / T).
rows = 300
z = (lcg(3 * rows, 7).reshape(rows, 3) * 8).astype(np.float32).astype(float)
truth = np.exp(z / 2)
truth /= truth.sum(1, keepdims=True)
draw = lcg(rows, 99) + 0.5
label = (draw[:, None] > np.cumsum(truth, 1)).sum(1).clip(0, 2)


def loss(T):
    q = z / T - (z / T).max(1, keepdims=True)
    return -(q[np.arange(rows), label] - np.log(np.exp(q).sum(1))).mean()


best = minimize_scalar(loss, bounds=(.2, 10), method="bounded", options={"xatol": 1e-12})
print("temperature", best.x, best.fun)
hits = [0, 1, 0, 0, 1, 0, 1, 1]
print("isotonic", IsotonicRegression().fit_transform([.1, .2, .2, .3, .5, .6, .8, .9], hits))
