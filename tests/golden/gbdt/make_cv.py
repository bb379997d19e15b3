#!/usr/bin/env python3
"""Golden figures of xgboost.cv on folds that are made here, for the tests of cross-validation.
Needs: pip install numpy xgboost (3.2) scikit-learn.

The tables are those of make_xgboost.py (NAME.csv: label, weight, columns), whose columns have few distinct
values, so that the trees of both programs are the same. For each case it writes cv/CASE.csv, the data frame
of xgboost.cv, and cv/CASE.folds: a line a fold, a character a row, T trains, V tests, - does neither.
The folds come from scikit-learn, or from plain loops over the times below; the parameters of each case are
repeated in the C test. With early stopping the frame ends at the best round, as xgboost.cv has it."""
import os

import numpy as np
import xgboost as xgb
from sklearn.model_selection import KFold, StratifiedKFold

HERE = os.path.dirname(os.path.abspath(__file__))


def times(n):
    """Times in no order, some of them equal: row i has (i * 389) % n // 3 minutes past the hundredth."""
    return [100 + (i * 389) % n // 3 for i in range(n)]


def by_time(n, folds, horizon, embargo, window):
    """Test blocks begin at the times of the rows at equal shares. A row trains when its label is known
    more than `embargo` before the block begins, and not longer than `window` ago."""
    when = times(n)
    order = sorted(when)
    starts = [order[(k + 1) * n // (folds + 1)] for k in range(folds)] + [10 ** 9]
    out = []
    for k in range(folds):
        begin, stop = starts[k], starts[k + 1]
        test = [i for i in range(n) if begin <= when[i] < stop]
        train = [i for i in range(n) if when[i] + horizon + embargo < begin
                 and (window is None or when[i] >= begin - window)]
        out.append((np.array(train), np.array(test)))
    return out


CASES = {
    # case: table, objective, folds, parameters, rounds, early stopping
    "squared_kfold": ("squared_missing", "reg:squarederror", lambda X, y: KFold(4).split(X),
                      dict(eta=0.1, max_depth=3, base_score=0.25, alpha=0.5), 40, None),
    "logistic_stratified": ("logistic_missing", "binary:logistic", lambda X, y: StratifiedKFold(5).split(X, y),
                            dict(eta=0.6, max_depth=5, base_score=0.4, min_child_weight=2), 60, 4),
    "softprob_stratified": ("softprob_missing", "multi:softprob", lambda X, y: StratifiedKFold(3).split(X, y),
                            dict(eta=0.3, max_depth=4, num_class=3, base_score=0.5, min_child_weight=0.9), 40, 3),
    "squared_expanding": ("squared_missing", "reg:squarederror", lambda X, y: by_time(len(y), 5, 4, 3, None),
                          dict(eta=0.3, max_depth=4, base_score=0.25), 8, None),
    "logistic_rolling": ("logistic_missing", "binary:logistic", lambda X, y: by_time(len(y), 4, 6, 0, 120),
                         dict(eta=0.2, max_depth=4, base_score=0.4, min_child_weight=2), 8, None),
}

for case, (table, objective, split, params, rounds, stopping) in CASES.items():
    data = np.genfromtxt(os.path.join(HERE, table + ".csv"), delimiter=",")
    y, weight, X = data[:, 0], data[:, 1], data[:, 2:]
    folds = list(split(X, y))
    frame = xgb.cv(dict(params, objective=objective, tree_method="hist", max_bin=256), xgb.DMatrix(X, y, weight=weight),
                   num_boost_round=rounds, folds=folds, early_stopping_rounds=stopping)
    frame.to_csv(os.path.join(HERE, "cv", case + ".csv"), index=False, float_format="%.9g")
    with open(os.path.join(HERE, "cv", case + ".folds"), "w") as f:
        for train, test in folds:
            part = ["-"] * len(y)
            for i in train:
                part[i] = "T"
            for i in test:
                part[i] = "V"
            f.write("".join(part) + "\n")
    print(case, len(frame), list(frame.iloc[-1]))
