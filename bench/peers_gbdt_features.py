#!/usr/bin/env python3
"""wick, XGBoost, LightGBM and CatBoost on the feature table of an experiment: training time, peak memory and held-out
log-loss in the same run, one JSON line a learner with every setting.

needs: pip install numpy h5py xgboost lightgbm catboost
usage: wick features configs/experiments/pooled-1h.json --out F.h5    (with WICK_DATA set)
       peers_gbdt_features.py F.h5 DATA/binance [--wick build/src/cli/wick] [--threads N] [--rounds N] [--repeats N]
                              [--only NAME]
DATA/binance holds SYMBOL-1h.csv.gz, whose closes make the label: the move of three hours below -0.5 %, between, or above
0.5 %. Every third valid row before 2022 trains, less a day; every third of 2022-01 to 2024-06 is held out.

The peers are timed from the array in memory to the model, binning included; wick by its whole command, which also reads
the table (.npy) and writes the model. Each runs in a program of its own, started anew, whose peak of memory is printed
(VmHWM of /proc) beside what it held before training; the peers' holds numpy and the table, wick's the table. Equal
steps as in peers_gbdt.py."""
import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

MOVE, HORIZON, STRIDE, DAY_NS = 0.005, 3, 3, 86400 * 10 ** 9
FROM, TO = 1640995200 * 10 ** 9, 1719792000 * 10 ** 9  # 2022-01-01, 2024-07-01


def make_tables(features, data):
    import h5py
    with h5py.File(features) as f:
        at, symbols, valid, X = f["time"][:], [s.decode() for s in f["symbols"]], f["valid"][:] > 0, f["X"]
        train, test = [], []
        for s, symbol in enumerate(symbols):
            close = {}
            with gzip.open(os.path.join(data, symbol + "-1h.csv.gz"), "rt") as candles:
                next(candles)
                for line in candles:
                    cells = line.split(",")
                    close[int(cells[0]) * 10 ** 9] = float(cells[4])
            c = np.array([close.get(int(t), np.nan) for t in at])
            after = np.concatenate([c[HORIZON:], np.full(HORIZON, np.nan)]) / c - 1
            label = np.where(after > MOVE, 2, np.where(after < -MOVE, 0, 1))
            usable = valid[:, s] & np.isfinite(after) & (np.arange(len(at)) % STRIDE == 0)
            columns = X[:, s, :]
            for rows, out in ((usable & (at < FROM - DAY_NS), train), (usable & (at >= FROM) & (at < TO), test)):
                out.append(np.column_stack([label[rows], columns[rows]]).astype(np.float32))
    return np.concatenate(train), np.concatenate(test)


def logloss(p, y):
    p = np.asarray(p, dtype=np.float64).reshape(len(y), -1)
    return float(-np.log(np.clip(p[np.arange(len(y)), y.astype(int)], 1e-15, 1)).mean())


def peak_kb(pid):
    """The most resident memory so far of a program; 0 when it is gone or has not started yet (a maximum of getrusage
    begins with the parent's)."""
    try:
        with open("/proc/%s/status" % pid) as f:
            lines = f.read().splitlines()
        if pid != "self" and any(v.split()[1].startswith("python") for v in lines if v.startswith("Name:")):
            return 0
        return max((int(v.split()[1]) for v in lines if v.startswith("VmHWM:")), default=0)
    except OSError:
        return 0


def settings_of(peer, threads, rounds):
    if peer in ("wick", "xgboost"):
        common = dict(objective="multi:softprob", num_class=3, grow_policy="lossguide", max_leaves=63, max_depth=0, eta=0.13333,
                      min_child_weight=1e-3)
        if peer == "wick":
            return dict(common, num_boost_round=rounds, max_bin=255, **{"lambda": 1})
        return dict(common, tree_method="hist", max_bin=256, reg_lambda=1, nthread=threads, verbosity=0)
    if peer == "catboost":
        return dict(grow_policy="Lossguide", max_leaves=63, depth=16, loss_function="MultiClass", learning_rate=0.1,
                    border_count=254, l2_leaf_reg=1, min_data_in_leaf=1, iterations=rounds, thread_count=threads,
                    logging_level="Silent", allow_writing_files=False, bootstrap_type="No", random_seed=1)
    settings = dict(objective="multiclass", num_class=3, num_leaves=63, max_depth=-1, learning_rate=0.1, max_bin=255,
                    min_data_in_leaf=1, min_sum_hessian_in_leaf=1e-3, lambda_l2=1, num_threads=threads, verbosity=-1)
    if peer == "lightgbm quantised":
        settings.update(force_row_wise=True, use_quantized_grad=True, num_grad_quant_bins=4, quant_train_renew_leaf=True,
                        stochastic_rounding=True)
    return settings


def train(peer, X, y, X_test, settings, threads, rounds, binary, folder):
    """Wall and CPU seconds, and the held-out probabilities."""
    if peer == "wick":
        with open(folder + "/conf.json", "w") as f:
            json.dump(dict(label_column=0, params=settings), f)
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        child = subprocess.Popen([binary, "gbdt", "train", "conf.json", "--data", "train.npy", "--out", "m.json", "--threads",
                                  str(threads)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while child.poll() is None:
            peak = max(peak, peak_kb(child.pid))
            time.sleep(0.01)
        assert child.returncode == 0
        took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([binary, "gbdt", "predict", "m.json", "--data", "test.npy", "--out", "p.csv"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        p = np.loadtxt(folder + "/p.csv", delimiter=",", skiprows=1)[:, -3:]
        return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, p, peak
    start, cpu = time.perf_counter(), time.process_time()
    if peer == "xgboost":
        import xgboost
        start, cpu = time.perf_counter(), time.process_time()
        model = xgboost.train(settings, xgboost.QuantileDMatrix(X, y, max_bin=256, nthread=threads), rounds)
    elif peer == "catboost":
        import catboost
        model = catboost.CatBoostClassifier(**settings)
        start, cpu = time.perf_counter(), time.process_time()
        model.fit(X, y.astype(int))
    else:
        import lightgbm
        start, cpu = time.perf_counter(), time.process_time()
        model = lightgbm.train(settings, lightgbm.Dataset(X, y, params=settings), rounds)
    took = time.perf_counter() - start, time.process_time() - cpu
    peak = peak_kb("self")
    predict = {"xgboost": "inplace_predict", "catboost": "predict_proba"}.get(peer, "predict")
    return took[0], took[1], getattr(model, predict)(X_test), peak


def run(peer, folder, a):
    table = np.load(folder + "/train.npy", mmap_mode="r" if peer == "wick" else None)
    test = np.load(folder + "/test.npy", mmap_mode="r" if peer == "wick" else None)
    X, y, X_test, y_test = table[:, 1:], np.array(table[:, 0]), test[:, 1:], np.array(test[:, 0])
    settings = settings_of(peer, a.threads, a.rounds)
    if peer != "wick":
        X = np.ascontiguousarray(X)
        del table
    before = 0 if peer == "wick" else peak_kb("self")
    best = None
    for _ in range(a.repeats):
        took = train(peer, X, y, X_test, settings, a.threads, a.rounds, os.path.abspath(a.wick), folder)
        best = took if best is None or took[1] < best[1] else best
    made_by = __import__(peer.split()[0]).__version__ if peer != "wick" else subprocess.run(
        [a.wick, "--version"], capture_output=True, text=True).stdout.strip()
    print(json.dumps(dict(name="gbdt.features", case=os.path.basename(a.features), peer=peer, peer_version=made_by,
                          seconds=round(best[0], 2), cpu_s=round(best[1], 2), logloss=round(logloss(best[2], y_test), 5),
                          rss_peak_mb=round(best[3] / 1024), rss_before_mb=round(before / 1024), rows=len(y), cols=X.shape[1], held_out=len(y_test),
                          threads=a.threads, rounds=a.rounds, settings=settings)), flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("features")
    args.add_argument("data")
    args.add_argument("--wick", default="build/src/cli/wick")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--rounds", type=int, default=100)
    args.add_argument("--repeats", type=int, default=1)
    args.add_argument("--only")
    args.add_argument("--tables", help=argparse.SUPPRESS)  # of this script's own children
    a = args.parse_args()
    if a.tables:
        run(a.only, a.tables, a)
        return
    with tempfile.TemporaryDirectory() as folder:
        train_table, test_table = make_tables(a.features, a.data)
        np.save(folder + "/train.npy", train_table)
        np.save(folder + "/test.npy", test_table)
        del train_table, test_table
        for peer in ("wick", "xgboost", "lightgbm", "lightgbm quantised", "catboost"):
            if a.only and peer != a.only:
                continue
            # A program started anew, so that a learner's peak of memory is its own.
            if subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", peer, "--tables", folder]).returncode != 0:
                print(peer + " failed", file=sys.stderr)


main()
