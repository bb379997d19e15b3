#!/usr/bin/env python3
"""Golden models of XGBoost's hist method for the tests of gbdt. Needs: pip install numpy xgboost (3.2).

Columns have few distinct values, so that the cuts are exact in every version and trees can be compared
node by node. Writes, for each case, NAME.csv (label, weight, columns; empty = missing), NAME.json (the
model) and NAME.pred.csv (probabilities or values of the rows). The parameters of each case are repeated
in the C test. min_child_weight is no sum of hessians that occurs: in the first round all are multiples
of 4/9, and a sum of exactly 1 would be decided by rounding."""
import json
import os
import sys

import numpy as np
import xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))

CASES = {
    # name: objective, rows, missing share, weights, parameters
    "squared": ("reg:squarederror", 800, 0.0, False,
                dict(eta=0.3, max_depth=4, min_child_weight=5, base_score=0.25)),
    "squared_missing": ("reg:squarederror", 800, 0.15, True,
                        dict(eta=0.3, max_depth=4, alpha=0.5, gamma=0.1)),
    "logistic_missing": ("binary:logistic", 900, 0.1, False,
                         dict(eta=0.2, max_depth=5, min_child_weight=2, base_score=0.4)),
    "logistic_weighted": ("binary:logistic", 700, 0.0, True,
                          dict(eta=0.3, max_depth=3, reg_lambda=2.0)),
    "softprob_missing": ("multi:softprob", 900, 0.1, True,
                         dict(eta=0.3, max_depth=4, num_class=3, base_score=0.5,
                              min_child_weight=0.9)),
    "softprob_leaves": ("multi:softprob", 900, 0.05, False,
                        dict(eta=0.3, max_depth=0, max_leaves=12, grow_policy="lossguide",
                             num_class=3, base_score=0.5)),
}
ROUNDS = 6


def make(name, index):
    objective, n, missing, weighted, params = CASES[name]
    rng = np.random.default_rng(1000 + index)
    levels = [3, 7, 20, 60, 120, 2]
    cols = []
    for k, levels_of in enumerate(levels):
        values = np.sort(rng.normal(size=levels_of)).round(3)
        cols.append(values[rng.integers(0, levels_of, n)])
    X = np.stack(cols, 1).astype(np.float32)
    signal = X[:, 0] + np.where(X[:, 2] > 0, X[:, 3], -X[:, 1]) + 0.5 * X[:, 4] * X[:, 5]
    noisy = signal + rng.normal(size=n)
    # Missing values carry information, so both directions are learnt.
    lost = rng.random(X.shape) < missing * (0.5 + (signal > 0.5))[:, None]
    X[lost] = np.nan
    if objective == "reg:squarederror":
        y = noisy.round(3)
    elif objective == "binary:logistic":
        y = (noisy > 0.3).astype(float)
    else:
        y = np.digitize(noisy, [-0.7, 0.9]).astype(float)
    w = rng.integers(1, 9, n) / 4.0 if weighted else np.ones(n)
    data = xgb.DMatrix(X, label=y, weight=w if weighted else None)
    settings = dict(params, objective=objective, tree_method="hist", max_bin=255, nthread=1)
    model = xgb.train(settings, data, num_boost_round=ROUNDS)
    path = os.path.join(HERE, name)
    with open(path + ".csv", "w") as f:
        for i in range(n):
            cells = [repr(float(y[i])), repr(float(w[i]))]
            cells += ["" if np.isnan(v) else "%.9g" % v for v in X[i]]
            f.write(",".join(cells) + "\n")
    model.save_model(path + ".json")
    pred = model.predict(data).reshape(n, -1)
    np.savetxt(path + ".pred.csv", pred, fmt="%.9g", delimiter=",")
    print(name, json.dumps(settings, sort_keys=True), "xgboost", xgb.__version__)


if __name__ == "__main__":
    for i, case in enumerate(sys.argv[1:] or CASES):
        make(case, list(CASES).index(case))
