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

# Written in a shorter form: NAME.csv has label, weight, base margin, columns; NAME.json the model. What is
# given beside XGBoost's own parameters: missing share, weights, base margin, categorical columns, rounds of a
# first model that a second one continues.
MORE = {
    "monotone": dict(objective="reg:squarederror", max_depth=4, monotone_constraints="(1,-1,1,0,1,0)",
                     missing=0.1),
    "monotone_logistic": dict(objective="binary:logistic", max_depth=4, monotone_constraints="(1,-1,0,1,0,0)"),
    "interaction": dict(objective="reg:squarederror", max_depth=5, missing=0.1,
                        interaction_constraints="[[0,2,3],[1,4],[4,5]]"),
    "onehot": dict(objective="reg:squarederror", max_depth=4, max_cat_to_onehot=100, categorical=[1, 2],
                   missing=0.1),
    "partition": dict(objective="reg:squarederror", max_depth=4, max_cat_to_onehot=4, max_cat_threshold=12,
                      categorical=[0, 1, 2, 3], missing=0.1, weighted=True),
    "partition_logistic": dict(objective="binary:logistic", max_depth=4, categorical=[1, 2, 4]),
    "pseudo_huber": dict(objective="reg:pseudohubererror", max_depth=4, huber_slope=0.75, weighted=True),
    "poisson": dict(objective="count:poisson", max_depth=4, missing=0.1),
    "quantile": dict(objective="reg:quantileerror", max_depth=4, quantile_alpha=0.8),
    "quantile_weighted": dict(objective="reg:quantileerror", max_depth=4, quantile_alpha=0.3, weighted=True),
    "absolute": dict(objective="reg:absoluteerror", max_depth=3, missing=0.1),
    "base_margin": dict(objective="binary:logistic", max_depth=4, base_margin=True),
    "max_delta_step": dict(objective="binary:logistic", max_depth=4, max_delta_step=0.3, missing=0.1),
    "scale_pos_weight": dict(objective="binary:logistic", max_depth=3, scale_pos_weight=3),
    "continued": dict(objective="binary:logistic", max_depth=3, first_rounds=3),
    "rank_ndcg": dict(objective="rank:ndcg", max_depth=3),
    "rank_pairwise": dict(objective="rank:pairwise", max_depth=3),
    "refresh": dict(objective="reg:squarederror", max_depth=4, refresh=True),
}


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


def make_more(name, index):
    settings = dict(MORE[name])
    missing, weighted = settings.pop("missing", 0.0), settings.pop("weighted", False)
    with_margin, refresh = settings.pop("base_margin", False), settings.pop("refresh", False)
    categorical, first = settings.pop("categorical", []), settings.pop("first_rounds", 0)
    objective = settings["objective"]
    rng = np.random.default_rng(2000 + index)
    n = 600
    levels = [3, 7, 20, 60, 120, 2]
    cols = []
    for k, levels_of in enumerate(levels):
        values = np.sort(rng.normal(size=levels_of)).round(3)
        cols.append(rng.integers(0, levels_of, n) if k in categorical else values[rng.integers(0, levels_of, n)])
    X = np.stack(cols, 1).astype(np.float32)
    signal = np.zeros(n)
    for k, levels_of in enumerate(levels):
        # Of a category each number has an effect of its own.
        effect = rng.normal(size=levels_of)
        signal += effect[X[:, k].astype(int)] if k in categorical else X[:, k] * (0.3 + 0.2 * (k % 3))
    signal += np.where(X[:, 2] > 0, X[:, 3] if 3 not in categorical else 0, 0)
    lost = rng.random(X.shape) < missing * (0.5 + (signal > 0.5))[:, None]
    noisy = signal + rng.normal(size=n)
    X[lost] = np.nan
    groups = None
    if objective.startswith("rank"):
        y = np.digitize(noisy, [-1, 0.5, 1.5]).astype(float)
        groups = [15] * 40
    elif objective == "binary:logistic":
        y = (noisy > 0.3).astype(float)
    elif objective == "count:poisson":
        y = rng.poisson(np.exp(0.4 * signal.clip(-3, 3))).astype(float)
    else:
        y = noisy.round(3)
    w = rng.integers(1, 9, n) / 4.0 if weighted else np.ones(n)
    margin = rng.normal(size=n).round(2) if with_margin else np.zeros(n)
    kinds = ["c" if k in categorical else "q" for k in range(len(levels))]
    data = xgb.DMatrix(X, label=y, weight=w if weighted else None, feature_types=kinds,
                       enable_categorical=True, base_margin=margin if with_margin else None)
    if groups:
        data.set_group(groups)
    settings = dict(dict(eta=0.3, min_child_weight=0.9), **settings, tree_method="hist", max_bin=255, nthread=1)
    start = xgb.train(settings, data, num_boost_round=first) if first else None
    model = xgb.train(settings, data, num_boost_round=ROUNDS - first, xgb_model=start)
    if refresh:  # the same rows with other labels
        model.save_model(os.path.join(HERE, name + ".before.json"))
        y = (y + 0.5 * X[:, 1]).round(3)
        data.set_label(y)
        model = xgb.train(dict(settings, process_type="update", updater="refresh", refresh_leaf=True), data,
                          num_boost_round=ROUNDS, xgb_model=model)
    path = os.path.join(HERE, name)
    with open(path + ".csv", "w") as f:
        for i in range(n):
            cells = ["%.9g" % y[i], "%.9g" % w[i], "%.9g" % margin[i]]
            cells += ["" if np.isnan(v) else "%.9g" % v for v in X[i]]
            f.write(",".join(cells) + "\n")
    model.save_model(path + ".json")
    print(name, json.dumps(settings, sort_keys=True), "xgboost", xgb.__version__)

    return model, data


METRICS = {
    "monotone": ["rmse", "mae", "mphe"], "pseudo_huber": ["mphe", "mae", "rmse"],
    "poisson": ["poisson-nloglik", "rmse", "mae"], "quantile": ["quantile"], "quantile_weighted": ["quantile"],
    "absolute": ["mae"], "max_delta_step": ["auc", "error", "logloss"], "scale_pos_weight": ["logloss", "auc"],
    "partition": ["rmse", "mae"], "rank_ndcg": ["ndcg", "ndcg@5"], "rank_pairwise": ["ndcg@3", "ndcg"],
}


def write_metrics(models):
    """What XGBoost measures on the rows of a case: NAME,METRIC,VALUE."""
    with open(os.path.join(HERE, "metrics.csv"), "w") as f:
        for name, (model, data) in models.items():
            for metric in METRICS.get(name, []):
                model.set_param({"eval_metric": metric})
                text = model.eval_set([(data, "t")]).split("\t")
                value = [t.split(":")[1] for t in text if t.startswith("t-" + metric + ":")][0]
                f.write("%s,%s,%s\n" % (name, metric, value))


if __name__ == "__main__":
    made = {}
    for case in sys.argv[1:] or list(CASES) + list(MORE):
        if case in CASES:
            make(case, list(CASES).index(case))
        else:
            made[case] = make_more(case, list(MORE).index(case))
    if set(METRICS) <= set(made):
        write_metrics(made)
