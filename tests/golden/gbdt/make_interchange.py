#!/usr/bin/env python3
"""Models of other libraries for the tests of the readers, with their raw margins of the rows in rows.csv.

needs: pip install numpy xgboost lightgbm
usage: make_interchange.py xgboost|lightgbm [SUFFIX]
Run it once in an environment of each XGBoost version, with the version as SUFFIX (1.7.6, 2.1.4, 3.0.5, 3.2.0).
NAME.json, .ubj or .txt is the model, NAME.margin.csv the margins with nine digits, a line a row. Column 3 of
rows.csv holds categories 0 to 39."""
import os
import sys

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "interchange")


def rows():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(400, 5)).astype(np.float32).round(2)
    X[:, 3] = rng.integers(0, 40, 400)
    y = X[:, 0] * X[:, 1] + np.where(X[:, 3] % 7 < 3, 1, -1) + 0.3 * rng.normal(size=400)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, y


def save(name, suffix, model, margin):
    np.savetxt(os.path.join(HERE, name + ".margin.csv"), np.asarray(margin).reshape(len(margin), -1)[:150],
               fmt="%.9g", delimiter=",")
    model.save_model(os.path.join(HERE, name + suffix))


def make_xgboost(version):
    import xgboost as xgb
    X, y = rows()
    X, y = X.copy(), y.copy()
    types = ["float", "float", "float", "c", "float"]
    cases = {
        "softprob": (dict(objective="multi:softprob", num_class=3), np.digitize(y, [-0.7, 0.7]), False),
        "logistic": (dict(objective="binary:logistic"), y > 0, False),
        "squared": (dict(objective="reg:squarederror"), y, False),
        "dart": (dict(objective="binary:logistic", booster="dart", rate_drop=0.5, seed=3), y > 0, False),
        "categories": (dict(objective="multi:softprob", num_class=3, max_cat_to_onehot=4),
                       np.digitize(y, [-0.7, 0.7]), True),
        "onehot": (dict(objective="reg:squarederror", max_cat_to_onehot=100), y, True),
    }
    for name, (settings, label, categorical) in cases.items():
        more = dict(feature_types=types, enable_categorical=True) if categorical else {}
        data = xgb.DMatrix(X, label=label.astype(float), **more)
        model = xgb.train(dict(settings, tree_method="hist", max_depth=3, eta=0.5, nthread=1), data, 4)
        margin = model.predict(data, output_margin=True)
        save("xgboost_%s_%s" % (version, name), ".json", model, margin)
        if name in ("softprob", "categories"):
            save("xgboost_%s_%s" % (version, name), ".ubj", model, margin)


def make_lightgbm():
    import lightgbm as lgb
    X, y = rows()
    cases = {
        "regression": (dict(objective="regression"), y, False),
        "binary": (dict(objective="binary"), y > 0, False),
        "multiclass": (dict(objective="multiclass", num_class=3), np.digitize(y, [-0.7, 0.7]), False),
        "categories": (dict(objective="regression", max_cat_to_onehot=4, min_data_per_group=5, cat_smooth=1), y, True),
        "no_missing": (dict(objective="binary", use_missing=False), y > 0, False),
    }
    for name, (settings, label, categorical) in cases.items():
        data = lgb.Dataset(X.astype(np.float64), label.astype(float), categorical_feature=[3] if categorical else [])
        model = lgb.train(dict(settings, num_leaves=12, learning_rate=0.3, min_data_in_leaf=5, num_threads=1,
                               verbosity=-1), data, 5)
        save("lightgbm_" + name, ".txt", model, model.predict(X, raw_score=True))


os.makedirs(HERE, exist_ok=True)
with open(os.path.join(HERE, "rows.csv"), "w") as f:
    for row in rows()[0][:150]:
        f.write(",".join("" if np.isnan(v) else "%.9g" % v for v in row) + "\n")
if sys.argv[1] == "xgboost":
    make_xgboost(sys.argv[2])
else:
    make_lightgbm()
