#!/usr/bin/env python3
"""Held-out quality of wick, XGBoost and LightGBM over five seeds at the same leaves and rounds: NDCG@5 and @10 of
LambdaMART on the ranking set, log-loss on adult and LightGBM's categorical set with categorical columns, on higgs7k,
on agaricus and on synthetic rows of three classes. One JSON line a learner, mean and spread of the seeds, and at the
end a table on stderr: wick is "ok" where its mean is no worse than the worst seed of the better of the other two.

needs: pip install numpy xgboost lightgbm
usage: peers_gbdt_seeds.py DATA/bench [--wick build/src/cli/wick] [--only rank|adult|categorical|higgs7k|agaricus|synthetic]

Rows and columns are drawn (0.8 each), so that a seed matters. The ranking set has few rows a query, so 15 leaves
and 100 rounds; the others have 31, the synthetic set 63. NDCG is computed here, alike for all (gain 2^rel - 1; queries
without a relevant row count 1). XGBoost's hessian of softmax is 2p(1-p), LightGBM's 1.5p(1-p) for three classes, so eta
is 0.13333 there where LightGBM has 0.1."""
import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

SEEDS = range(5)


def lines(folder, name):
    with gzip.open(os.path.join(folder, name), "rt") as f:
        return f.read().splitlines()


def ranking(folder):
    sets = []
    for part in ("train", "test"):
        rows = lines(folder, "lightgbm/rank.%s.libsvm.gz" % part)
        X, y = np.full((len(rows), 301), np.nan, np.float32), np.zeros(len(rows))
        for i, line in enumerate(rows):
            y[i] = float(line.split()[0])
            for item in line.split()[1:]:
                X[i, int(item.split(":")[0])] = float(item.split(":")[1])
        X[np.isnan(X)] = 0
        sets.append((X, y, np.array([int(v) for v in lines(folder, "lightgbm/rank.%s.query.gz" % part)])))
    return sets


def adult(folder):
    rows = [line.replace(" ", "").split(",") for line in lines(folder, "tabular/adult.first75.csv.gz") if line]
    columns, kinds = [], []
    for column in zip(*rows):
        try:
            columns.append([float(v) if v != "?" else np.nan for v in column])
            kinds.append("q")
        except ValueError:
            order = {v: i for i, v in enumerate(sorted(set(column) - {"?"}))}
            columns.append([order.get(v, np.nan) for v in column])
            kinds.append("c")
    table = np.array(columns).T
    held = np.arange(len(table)) % 4 == 3
    X, y = table[:, :-1].astype(np.float32), table[:, -1]
    return X[~held], y[~held], X[held], y[held], kinds[:-1]


def categorical(folder):
    rows = lines(folder, "lightgbm/categorical.data.gz")
    table = np.zeros((len(rows), 9))
    for i, line in enumerate(rows):
        table[i, 0] = float(line.split()[0])
        for item in line.split()[1:]:
            table[i, 1 + int(item.split(":")[0])] = float(item.split(":")[1])
    held = np.arange(len(table)) % 4 == 3
    X, y = table[:, 1:].astype(np.float32), table[:, 0]
    # Whole numbers of a few values are categories.
    kinds = ["c" if np.all(c == c.astype(int)) and c.min() >= 0 and len(set(c)) <= 1000 else "q" for c in X.T]
    return X[~held], y[~held], X[held], y[held], kinds


def higgs7k(folder):
    train, test = (np.array([[float(v) for v in line.split("\t")] for line in lines(folder, "lightgbm/higgs7k.%s.tsv.gz" % part)])
                   for part in ("train", "test"))
    return train[:, 1:].astype(np.float32), train[:, 0], test[:, 1:].astype(np.float32), test[:, 0], 2


def agaricus(folder):
    tables = []
    for part in ("train", "test"):
        rows = lines(folder, "xgboost/agaricus.%s.libsvm.gz" % part)
        table = np.zeros((len(rows), 127))
        for i, line in enumerate(rows):
            table[i, 0] = float(line.split()[0])
            for item in line.split()[1:]:
                table[i, int(item.split(":")[0])] = float(item.split(":")[1])
        tables += [table[:, 1:].astype(np.float32), table[:, 0]]
    return (*tables, 2)


def synthetic(folder):
    """DESIGN.md's rows, fewer: 64 correlated columns, 5 % missing; products of a few of them with much noise."""
    random, n = np.random.default_rng(1), 130000
    X = random.random((n, 64)) + random.random((n, 64)) - 1 + 0.3 * random.normal(size=(n, 1))
    X[random.random((n, 64)) < 0.05] = np.nan
    s = random.normal(size=n)
    for f in range(6):
        product = (X[:, f] - 0.113) * (X[:, (f + 1) % 6 + 6 * (f & 1)] + 0.171)
        s += np.where(np.isnan(product), 0.2, np.where(product > 0, 0.5, -0.4))
    X, y = X.astype(np.float32), np.where(s > 0.7, 2.0, np.where(s < -0.7, 0.0, 1.0))
    return X[:100000], y[:100000], X[100000:], y[100000:], 3


def wick(binary, config, tables, columns=1):
    """Trains on the first table (columns ready for the config) and predicts the second."""
    with tempfile.TemporaryDirectory() as tmp:
        for part, table in tables.items():
            with open(tmp + "/" + part + ".csv", "w") as f:
                f.write(",".join("c%d" % i for i in range(table.shape[1])) + "\n")
                for row in table:
                    f.write(",".join("" if np.isnan(v) else "%.9g" % np.float32(v) for v in row) + "\n")
        with open(tmp + "/conf.json", "w") as f:
            json.dump(config, f)
        subprocess.run([binary, "gbdt", "train", "conf.json", "--data", "train.csv", "--out", "m.json", "--threads", "1"],
                       cwd=tmp, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([binary, "gbdt", "predict", "m.json", "--data", "test.csv", "--out", "p.csv"], cwd=tmp, check=True,
                       stdout=subprocess.DEVNULL)
        return np.loadtxt(tmp + "/p.csv", delimiter=",", skiprows=1, ndmin=2)[:, -columns:].squeeze()


def ndcg(y, score, groups, top):
    at, values = 0, []
    for n in groups:
        gain = 2.0 ** y[at:at + n] - 1
        discount = 1 / np.log2(np.arange(n) + 2)
        discount[top:] = 0
        best = np.sort(gain)[::-1] @ discount
        values.append(gain[np.argsort(-score[at:at + n], kind="stable")] @ discount / best if best > 0 else 1.0)
        at += n
    return float(np.mean(values))


def logloss(y, p):
    if p.ndim == 2:
        return float(-np.mean(np.log(np.clip(p[np.arange(len(y)), y.astype(int)], 1e-15, 1))))
    return float(-np.mean(np.log(np.clip(np.where(y > 0, p, 1 - p), 1e-15, 1))))


RESULTS = {}


def put(case, peer, values, settings):
    for metric in values[0]:
        v = np.array([x[metric] for x in values])
        RESULTS.setdefault((case, metric), {})[peer] = v
        print(json.dumps(dict(name="gbdt.seeds", case=case, peer=peer, metric=metric, mean=round(v.mean(), 5),
                              least=round(v.min(), 5), most=round(v.max(), 5), settings=settings)), flush=True)


def bench_rank(folder, binary):
    import lightgbm
    import xgboost
    (X, y, groups), (X_test, y_test, groups_test) = ranking(folder)
    score = lambda p: {"ndcg@%d" % k: ndcg(y_test, p, groups_test, k) for k in (5, 10)}
    out = {"wick": [], "xgboost": [], "lightgbm": []}
    common = dict(eta=0.1, max_leaves=15, max_depth=0, grow_policy="lossguide", min_child_weight=1e-2, subsample=0.8,
                  colsample_bytree=0.8)
    for seed in SEEDS:
        data = xgboost.DMatrix(X, y)
        data.set_group(groups)
        model = xgboost.train(dict(common, objective="rank:ndcg", tree_method="hist", nthread=1, seed=seed), data, 100)
        out["xgboost"].append(score(model.predict(xgboost.DMatrix(X_test))))
        model = lightgbm.train(dict(objective="lambdarank", num_leaves=15, learning_rate=0.1, min_sum_hessian_in_leaf=1e-2,
                                    min_data_in_leaf=1, lambda_l2=1, bagging_fraction=0.8, bagging_freq=1,
                                    feature_fraction=0.8, seed=seed, num_threads=1, verbosity=-1),
                               lightgbm.Dataset(X, y, group=groups), 100)
        out["lightgbm"].append(score(model.predict(X_test)))
        config = dict(label_column=0, group_column=1, params=dict(common, objective="rank:ndcg", num_boost_round=100, seed=seed))
        ids = np.repeat(np.arange(len(groups)), groups)
        p = wick(binary, config, {"train": np.column_stack([y, ids, X]), "test": np.column_stack([y_test, y_test * 0, X_test])})
        out["wick"].append(score(p))
    for peer, values in out.items():
        put("rank", peer, values, "100 rounds, 15 leaves, eta .1, min hessian .01, lambda 1, rows and columns .8")


def bench_categorical(name, folder, binary):
    import lightgbm
    import xgboost
    X, y, X_test, y_test, kinds = (adult if name == "adult" else categorical)(folder)
    cats = [i for i, kind in enumerate(kinds) if kind == "c"]
    common = dict(objective="binary:logistic", eta=0.1, max_leaves=31, max_depth=0, grow_policy="lossguide",
                  min_child_weight=1, subsample=0.8, colsample_bytree=0.8)
    out = {"wick": [], "wick, cat_smooth 0": [], "wick, categories as numbers": [], "xgboost": [], "lightgbm": []}
    for seed in SEEDS:
        data = xgboost.DMatrix(X, y, feature_types=kinds, enable_categorical=True)
        test = xgboost.DMatrix(X_test, feature_types=kinds, enable_categorical=True)
        model = xgboost.train(dict(common, tree_method="hist", nthread=1, seed=seed), data, 100)
        out["xgboost"].append(dict(logloss=logloss(y_test, model.predict(test))))
        model = lightgbm.train(dict(objective="binary", num_leaves=31, learning_rate=0.1, min_sum_hessian_in_leaf=1,
                                    min_data_in_leaf=1, lambda_l2=1, bagging_fraction=0.8, bagging_freq=1,
                                    feature_fraction=0.8, seed=seed, num_threads=1, verbosity=-1),
                               lightgbm.Dataset(X, y, categorical_feature=cats), 100)
        out["lightgbm"].append(dict(logloss=logloss(y_test, model.predict(X_test))))
        tables = {"train": np.column_stack([y, X]), "test": np.column_stack([y_test, X_test])}
        config = dict(label_column=0, params=dict(common, num_boost_round=100, seed=seed))
        out["wick, categories as numbers"].append(dict(logloss=logloss(y_test, wick(binary, config, tables))))
        config["categorical_columns"] = [1 + i for i in cats]
        out["wick"].append(dict(logloss=logloss(y_test, wick(binary, config, tables))))
        config["params"].update(cat_smooth=0, cat_l2=0, min_data_per_group=0)
        out["wick, cat_smooth 0"].append(dict(logloss=logloss(y_test, wick(binary, config, tables))))
    for peer, values in out.items():
        put(name, peer, values, "100 rounds, 31 leaves, eta .1, min hessian 1, lambda 1, rows and columns .8, %d of %d columns "
                                "categorical" % (len(cats), len(kinds)))


def bench_plain(name, folder, binary):
    import lightgbm
    import xgboost
    X, y, X_test, y_test, classes = {"higgs7k": higgs7k, "agaricus": agaricus, "synthetic": synthetic}[name](folder)
    leaves = 63 if name == "synthetic" else 31
    least = 1e-3 if name == "synthetic" else 1
    common = dict(max_leaves=leaves, max_depth=0, grow_policy="lossguide", min_child_weight=least, subsample=0.8,
                  colsample_bytree=0.8, eta=0.1 if classes == 2 else 0.13333,
                  **(dict(objective="binary:logistic") if classes == 2 else dict(objective="multi:softprob", num_class=classes)))
    out = {"wick": [], "xgboost": [], "lightgbm": []}
    for seed in SEEDS:
        model = xgboost.train(dict(common, tree_method="hist", nthread=1, seed=seed), xgboost.DMatrix(X, y), 100)
        out["xgboost"].append(dict(logloss=logloss(y_test, model.predict(xgboost.DMatrix(X_test)))))
        model = lightgbm.train(dict(num_leaves=leaves, learning_rate=0.1, min_sum_hessian_in_leaf=least, min_data_in_leaf=1,
                                    lambda_l2=1, bagging_fraction=0.8, bagging_freq=1, feature_fraction=0.8, seed=seed,
                                    num_threads=1, verbosity=-1,
                                    **(dict(objective="binary") if classes == 2 else dict(objective="multiclass", num_class=classes))),
                               lightgbm.Dataset(X, y), 100)
        out["lightgbm"].append(dict(logloss=logloss(y_test, model.predict(X_test))))
        tables = {"train": np.column_stack([y, X]), "test": np.column_stack([y_test, X_test])}
        config = dict(label_column=0, params=dict(common, num_boost_round=100, seed=seed))
        out["wick"].append(dict(logloss=logloss(y_test, wick(binary, config, tables, 1 if classes == 2 else classes))))
    for peer, values in out.items():
        put(name, peer, values, "100 rounds, %d leaves, eta .1, min hessian %g, lambda 1, rows and columns .8" % (leaves, least))


def print_table():
    cell = lambda v: "%.5f (%.5f to %.5f)" % (v.mean(), v.min(), v.max())
    print("%-22s %-31s %-31s %-31s" % ("", "wick", "xgboost", "lightgbm"), file=sys.stderr)
    for (case, metric), peers in RESULTS.items():
        turn = -1 if metric.startswith("ndcg") else 1
        better = min((peers["xgboost"], peers["lightgbm"]), key=lambda v: turn * v.mean())
        ok = turn * peers["wick"].mean() <= (turn * better).max()
        print("%-22s %-31s %-31s %-31s %s" % (case + " " + metric, cell(peers["wick"]), cell(peers["xgboost"]),
                                              cell(peers["lightgbm"]), "ok" if ok else "WORSE"), file=sys.stderr)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder")
    args.add_argument("--wick", default="build/src/cli/wick")
    args.add_argument("--only", choices=["rank", "adult", "categorical", "higgs7k", "agaricus", "synthetic"])
    a = args.parse_args()
    binary = os.path.abspath(a.wick)
    if a.only in (None, "rank"):
        bench_rank(a.folder, binary)
    for name in ("adult", "categorical"):
        if a.only in (None, name):
            bench_categorical(name, a.folder, binary)
    for name in ("higgs7k", "agaricus", "synthetic"):
        if a.only in (None, name):
            bench_plain(name, a.folder, binary)
    print_table()


main()
