"""Seeds of the model readers: forests of a tree or two on two columns, a kilobyte or two each, so that a run of the
fuzzer is cheap. needs: pip install xgboost lightgbm
usage: make_models.py FOLDER_OF_CORPORA"""
import json
import os
import sys

import lightgbm
import numpy as np
import xgboost

root = sys.argv[1]
rng = np.random.default_rng(1)
x = rng.normal(size=(400, 2)).round(2)
x[::17, 1] = np.nan
kinds = rng.integers(0, 9, 400)
with_kinds = np.column_stack([x[:, 0], kinds])
y = (x[:, 0] + (kinds % 3) > 0.5).astype(int)


def keep(folder, name, data):
    os.makedirs(os.path.join(root, folder), exist_ok=True)
    with open(os.path.join(root, folder, name), "wb") as f:
        f.write(data)


base = {"max_depth": 2, "eta": 0.5, "base_score": 0.5, "nthread": 1}
for name, params, rounds, data, target in [
    ("squared", {}, 1, x, y),
    ("logistic", {"objective": "binary:logistic", "max_depth": 1}, 2, x, y),
    ("softprob", {"objective": "multi:softprob", "num_class": 3, "max_depth": 1}, 1, x, kinds % 3),
    ("dart", {"booster": "dart", "rate_drop": 0.5, "max_depth": 1}, 2, x, y),
    ("kinds", {"tree_method": "hist", "max_cat_to_onehot": 1, "max_depth": 1}, 1, with_kinds, y),
    ("onehot", {"tree_method": "hist", "max_cat_to_onehot": 99, "max_depth": 1}, 1, with_kinds, y),
    ("linear", {"booster": "gblinear"}, 1, x, y),
    ("stump", {"max_depth": 1, "min_child_weight": 1e9}, 1, x, y),
]:
    types = ["q", "c"] if data is with_kinds else None
    matrix = xgboost.DMatrix(data, label=target, feature_types=types, enable_categorical=True)
    model = xgboost.train({**base, **params}, matrix, rounds)
    text = json.loads(model.save_raw("json"))
    keep("corpus_forest", name + ".json", json.dumps(text, separators=(",", ":")).encode())
    if name not in ("linear", "stump"):
        keep("corpus_ubjson", name + ".ubj", bytes(model.save_raw("ubj")))

common = {"verbose": -1, "num_leaves": 3, "num_threads": 1, "min_data_in_leaf": 20}
for name, params, data, target in [
    ("binary", {"objective": "binary"}, x, y),
    ("regression", {"objective": "regression"}, x, y),
    ("multiclass", {"objective": "multiclass", "num_class": 3, "num_leaves": 2}, x, kinds % 3),
    ("kinds", {"objective": "binary", "categorical_feature": [1], "min_data_per_group": 5, "cat_smooth": 1},
     with_kinds, y),
    ("no_missing", {"objective": "regression", "use_missing": False}, np.nan_to_num(x), y),
    ("zero", {"objective": "regression", "zero_as_missing": True}, x, y),
    ("linear", {"objective": "regression", "linear_tree": True}, x, y),
]:
    train = lightgbm.Dataset(data, label=target)
    text = lightgbm.train({**common, **params}, train, 1).model_to_string()
    # The parameters after the trees are not read: a few lines stand for them.
    head, tail = text.split("\nparameters:\n")
    keep("corpus_lightgbm", name + ".txt", (head + "\nparameters:\n" + "\n".join(tail.split("\n")[:2]) +
                                            "\nend of parameters\n").encode())
