#!/usr/bin/env python3
"""XGBoost, LightGBM and CatBoost on the rows that `wick bench gbdt.train|row|batch --data DIR` wrote: one JSON
line a figure, which the same command reads back with --peers FILE.

needs: pip install numpy xgboost lightgbm catboost, and a C compiler (CC, default cc) for the loop over single rows
usage: peers_gbdt.py DIR train|row|batch [--threads N] [--repeats N] [--only NAME]
       peers_gbdt.py DIR beside --wick WICK  DIR: anywhere; all of it, wick and the peers in the same minutes, and a table
       peers_gbdt.py DIR sets --wick WICK    DIR: data/bench with adult, higgs7k, agaricus and LightGBM's categorical set

Trees of equal steps: XGBoost's hessian of softmax is 2p(1-p), LightGBM's 1.5p(1-p) for three classes, so eta is
0.13333 where LightGBM has 0.1. Training is timed from the array in memory to the model, binning included. One
row goes through each library's fastest C function, called from a loop in C, with all that can be prepared
outside it; CatBoost's wheel has no C function. Every setting is in the line."""
import argparse
import ctypes
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

ROUNDS = 100
LOOP = r"""
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
typedef int (*lgb_fn)(void *, const void *, int64_t *, double *);
typedef int (*xgb_fn)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e6 + t.tv_nsec * 1e-3; }
static int cmp(const void *a, const void *b) { double x = *(double *)a, y = *(double *)b; return (x > y) - (x < y); }
static double median(double *v, int n) { qsort(v, n, sizeof *v, cmp); return v[n / 2]; }
double lgb(lgb_fn f, void *fast, const double *X, int n, int cols, int rounds) {
    double best = 1e30, *v = malloc(n * sizeof *v), out[16]; int64_t len;
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++) { double t = now(); f(fast, X + (size_t)(i * 7919L % n) * cols, &len, out); v[i] = now() - t; }
        double m = median(v, n); best = m < best ? m : best; }
    free(v); return best; }
double xgb(xgb_fn f, void *booster, const char **rows, const char *config, int n, int rounds) {
    double best = 1e30, *v = malloc(n * sizeof *v); const uint64_t *shape; uint64_t dim; const float *out;
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < n; i++) { double t = now(); f(booster, rows[i * 7919L % n], config, 0, &shape, &dim, &out); v[i] = now() - t; }
        double m = median(v, n); best = m < best ? m : best; }
    free(v); return best; }
"""


def load(folder):
    return [np.load(os.path.join(folder, n + ".npy")) for n in ("x_train", "y_train", "x_test", "y_test")]


def logloss(p, y):
    p = np.asarray(p, dtype=np.float64).reshape(len(y), -1)
    return float(-np.log(np.clip(p[np.arange(len(y)), y.ravel().astype(int)], 1e-15, 1)).mean())


def xgb_settings(case, threads):
    shape = (dict(grow_policy="lossguide", max_leaves=63, max_depth=0, eta=0.13333) if case == "leafwise" else
             dict(grow_policy="depthwise", max_depth=6, eta=0.1))
    return dict(shape, objective="multi:softprob", num_class=3, tree_method="hist", max_bin=256, min_child_weight=1e-3,
                reg_lambda=1, nthread=threads, verbosity=0)


def lgb_settings(case, threads, mode):
    shape = dict(num_leaves=63, max_depth=-1) if case == "leafwise" else dict(num_leaves=64, max_depth=6)
    modes = {"default": {}, "row-wise": dict(force_row_wise=True),
             "row-wise, quantised": dict(force_row_wise=True, use_quantized_grad=True, num_grad_quant_bins=4,
                                         quant_train_renew_leaf=True, stochastic_rounding=True)}
    return dict(shape, objective="multiclass", num_class=3, learning_rate=0.1, max_bin=255, min_data_in_leaf=1,
                min_sum_hessian_in_leaf=1e-3, lambda_l2=1, num_threads=threads, verbosity=-1, **modes[mode])


def cat_settings(case, threads):
    shape = (dict(grow_policy="Lossguide", max_leaves=63, depth=16) if case == "leafwise" else
             dict(grow_policy="Depthwise", depth=6))
    return dict(shape, loss_function="MultiClass", learning_rate=0.1, border_count=254, l2_leaf_reg=1,
                min_data_in_leaf=1, iterations=ROUNDS, thread_count=threads, logging_level="Silent",
                allow_writing_files=False, bootstrap_type="No", random_seed=1)


def train_xgb(X, y, case, threads):
    import xgboost
    settings = xgb_settings(case, threads)
    start, cpu = time.perf_counter(), time.process_time()
    model = xgboost.train(settings, xgboost.QuantileDMatrix(X, y, max_bin=256, nthread=threads), ROUNDS)
    took = time.perf_counter() - start, time.process_time() - cpu
    return model, took, settings, lambda x: model.inplace_predict(x)


def train_lgb(X, y, case, threads, mode):
    import lightgbm
    settings = lgb_settings(case, threads, mode)
    start, cpu = time.perf_counter(), time.process_time()
    model = lightgbm.train(settings, lightgbm.Dataset(X, y, params=settings), ROUNDS)
    took = time.perf_counter() - start, time.process_time() - cpu
    return model, took, settings, lambda x: model.predict(x, num_threads=threads)


def train_cat(X, y, case, threads):
    import catboost
    settings = cat_settings(case, threads)
    model = catboost.CatBoostClassifier(**settings)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(X, y.astype(int))
    took = time.perf_counter() - start, time.process_time() - cpu
    return model, took, settings, lambda x: model.predict_proba(x, thread_count=threads)


PEERS = {
    "xgboost": lambda X, y, case, threads: train_xgb(X, y, case, threads),
    "lightgbm": lambda X, y, case, threads: train_lgb(X, y, case, threads, "default"),
    "lightgbm row-wise": lambda X, y, case, threads: train_lgb(X, y, case, threads, "row-wise"),
    "lightgbm quantised": lambda X, y, case, threads: train_lgb(X, y, case, threads, "row-wise, quantised"),
    "catboost": lambda X, y, case, threads: train_cat(X, y, case, threads),
}


def version(name):
    return __import__(name.split()[0]).__version__


def put(name, case, peer, value, unit, settings, **more):
    print(json.dumps(dict(name=name, case=case, peer=peer, peer_version=version(peer), peer_value=value, unit=unit,
                          **more, settings=settings)), flush=True)


def peak_mb():
    with open("/proc/self/status") as f:
        return next(int(v.split()[1]) for v in f if v.startswith("VmHWM:")) / 1024


def in_child(work):
    """Runs work() in a process of its own, so that the peak of memory is its own too."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        work()
        sys.stdout.flush()
        os._exit(0)
    if os.waitpid(pid, 0)[1] != 0:
        print("a peer failed", file=sys.stderr)


def bench_train(folder, threads, repeats, only):
    for peer, train in PEERS.items():
        if only and only != peer:
            continue

        def work():
            X, y, X_test, y_test = load(folder)
            y = y.ravel()
            before, best = peak_mb(), None
            for _ in range(repeats):
                _, took, settings, predict = train(X, y, "leafwise", threads)
                best = took if best is None or took[0] < best[0] else best
            put("gbdt.train", "synthetic", peer, best[0], "s", settings, user_cpu_s=best[1],
                logloss=logloss(predict(X_test), y_test), threads=threads, rounds=ROUNDS,
                rss_peak_mb=round(peak_mb()), rss_before_mb=round(before))
        in_child(work)


def single_row(peer, model, X):
    with tempfile.TemporaryDirectory() as tmp:
        with open(os.path.join(tmp, "loop.c"), "w") as f:
            f.write(LOOP)
        subprocess.check_call([os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", f.name, "-o", tmp + "/loop.so"])
        loop = ctypes.CDLL(tmp + "/loop.so")
    if peer == "lightgbm":
        from lightgbm import basic
        lib, X = basic._LIB, np.ascontiguousarray(X, dtype=np.float64)
        fast = ctypes.c_void_p()
        # 0: probabilities; 1: float64.
        assert lib.LGBM_BoosterPredictForMatSingleRowFastInit(model._handle, 0, 0, -1, 1, X.shape[1], b"num_threads=1",
                                                              ctypes.byref(fast)) == 0
        loop.lgb.restype = ctypes.c_double
        return loop.lgb(lib.LGBM_BoosterPredictForMatSingleRowFast, fast, ctypes.c_void_p(X.ctypes.data), len(X),
                        X.shape[1], 5)
    from xgboost import core
    model.set_param({"nthread": 1})
    config = json.dumps(dict(type=0, training=False, iteration_begin=0, iteration_end=0, strict_shape=True, cache_id=0,
                             missing=float("nan"))).encode()
    rows = (ctypes.c_char_p * len(X))(*[json.dumps(dict(data=[X[i].ctypes.data, True], shape=[1, X.shape[1]],
                                                        typestr="<f4", version=3)).encode() for i in range(len(X))])
    loop.xgb.restype = ctypes.c_double
    return loop.xgb(core._LIB.XGBoosterPredictFromDense, model.handle, rows, config, len(X), 5)


def bench_row(folder, threads, only):
    X, y, _, _ = load(folder)
    y = y.ravel()
    rows = np.ascontiguousarray(X[:10000])
    for case in ("leafwise", "depth6"):
        for peer in ("xgboost", "lightgbm"):
            if only and only != peer:
                continue
            model, _, settings, _ = PEERS[peer](X, y, case, threads)
            put("gbdt.row", case, peer, single_row(peer, model, rows), "us", settings, threads=1)


def bench_batch(folder, threads, repeats, only):
    X, y, _, _ = load(folder)
    y = y.ravel()
    for case in ("leafwise", "depth6"):
        for peer in ("xgboost", "lightgbm", "catboost"):
            if only and only != peer:
                continue
            model, _, settings, predict = PEERS[peer](X, y, case, threads)
            if peer == "xgboost":
                model.set_param({"nthread": 1})
            one = {"xgboost": lambda: predict(X), "lightgbm": lambda: model.predict(X, num_threads=1),
                   "catboost": lambda: model.predict_proba(X, thread_count=1)}[peer]
            best = cpu = 1e30
            for _ in range(max(repeats, 3)):
                start, cpu_start = time.perf_counter(), time.process_time()
                one()
                best, cpu = min(best, time.perf_counter() - start), min(cpu, time.process_time() - cpu_start)
            put("gbdt.batch", case, peer, len(X) / best, "rows/s", settings, threads=1, by_cpu_time=len(X) / cpu)


def read_sets(folder):
    """Tables with the label first; texts become the numbers of their sorted values."""
    import gzip

    def lines(name):
        with gzip.open(os.path.join(folder, name), "rt") as f:
            return f.read().splitlines()
    adult = [line.replace(" ", "").split(",") for line in lines("tabular/adult.first75.csv.gz") if line]
    columns = []
    for column in zip(*adult):
        try:
            columns.append([float(v) if v != "?" else np.nan for v in column])
        except ValueError:
            order = {v: i for i, v in enumerate(sorted(set(column) - {"?"}))}
            columns.append([order.get(v, np.nan) for v in column])
    adult = np.array(columns[-1:] + columns[:-1]).T
    tables = [np.array([[float(v) for v in line.split("\t")] for line in lines("lightgbm/higgs7k.%s.tsv.gz" % part)])
              for part in ("train", "test")]

    def libsvm(name, first, columns):
        table = []
        for line in lines(name):
            row = np.zeros(1 + columns)
            row[0] = float(line.split()[0])
            for item in line.split()[1:]:
                row[1 + int(item.split(":")[0]) - first] = float(item.split(":")[1])
            table.append(row)
        return np.array(table)
    mushrooms = [libsvm("xgboost/agaricus.%s.libsvm.gz" % part, 1, 126) for part in ("train", "test")]
    categorical = libsvm("lightgbm/categorical.data.gz", 0, 8)
    held = np.arange(len(adult)) % 4 == 3, np.arange(len(categorical)) % 4 == 3
    return {"adult": (adult[~held[0]], adult[held[0]]), "higgs7k": tables, "agaricus": mushrooms,
            "categorical": (categorical[~held[1]], categorical[held[1]])}


def bench_sets(folder, wick):
    import lightgbm
    import xgboost
    for name, (train, test) in read_sets(folder).items():
        X, y, X_test, y_test = train[:, 1:].astype(np.float32), train[:, 0], test[:, 1:].astype(np.float32), test[:, 0]
        loss = lambda p: float(-np.mean(np.log(np.clip(np.where(y_test > 0, p, 1 - p), 1e-15, 1))))
        out = {}
        start = time.process_time()
        model = xgboost.train(dict(objective="binary:logistic", tree_method="hist", grow_policy="lossguide", max_leaves=31,
                                   max_depth=0, eta=0.1, min_child_weight=1, nthread=1, max_bin=256),
                              xgboost.QuantileDMatrix(X, y, max_bin=256), 100)
        out["xgboost"] = time.process_time() - start, loss(model.inplace_predict(X_test))
        start = time.process_time()
        model = lightgbm.train(dict(objective="binary", num_leaves=31, learning_rate=0.1, min_sum_hessian_in_leaf=1,
                                    min_data_in_leaf=1, lambda_l2=1, num_threads=1, verbosity=-1),
                               lightgbm.Dataset(X, y), 100)
        out["lightgbm"] = time.process_time() - start, loss(model.predict(X_test))
        with tempfile.TemporaryDirectory() as tmp:
            for part, table in (("train", train), ("test", test)):
                with open(tmp + "/" + part + ".csv", "w") as f:
                    for row in table:
                        f.write(",".join("" if np.isnan(v) else "%.9g" % np.float32(v) for v in row) + "\n")
            config = {"params": dict(objective="binary:logistic", num_boost_round=100, grow_policy="lossguide", max_leaves=31,
                                     max_depth=0, eta=0.1, min_child_weight=1)}
            with open(tmp + "/conf.json", "w") as f:
                json.dump(config, f)
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([wick, "gbdt", "train", "conf.json", "--data", "train.csv", "--out", "m.json", "--threads", "1"],
                           cwd=tmp, check=True, stdout=subprocess.DEVNULL)
            took = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
            subprocess.run([wick, "gbdt", "predict", "m.json", "--data", "test.csv", "--out", "p.csv"], cwd=tmp, check=True,
                           stdout=subprocess.DEVNULL)
            out["wick"] = took, loss(np.loadtxt(tmp + "/p.csv", delimiter=",", skiprows=1)[:, 1])
        for peer, (cpu, value) in out.items():
            print(json.dumps(dict(name="gbdt.sets", case=name, peer=peer, user_cpu_s=round(cpu, 3), logloss=round(value, 5),
                                  rows=len(X), cols=X.shape[1], peer_version="" if peer == "wick" else version(peer),
                                  settings="100 rounds, 31 leaves, eta .1, min hessian 1, lambda 1, one thread; wick's "
                                           "time includes reading its CSV")), flush=True)


def print_beside(lines):
    bars = {("gbdt.train", "synthetic"): 2, ("gbdt.batch", "leafwise"): 20, ("gbdt.batch", "depth6"): 12}
    print("\n%-11s %-10s %-20s %12s %-7s %8s  %s" % ("", "", "", "", "", "wick is", ""))
    for key in dict.fromkeys((v["name"], v["case"]) for v in lines):
        turn = -1 if key[0] == "gbdt.batch" else 1
        here = [v for v in lines if (v["name"], v["case"]) == key]
        own = max((v for v in here if "peer_version" not in v or v["peer_version"] is None), key=lambda v: turn * v["value"])
        own = dict(own, peer="wick", peer_value=own["value"])
        for v in [own] + [v for v in here if v["peer"]]:
            more = ["%s %s" % (k, round(v[k], 5)) for k in ("logloss", "rss_peak_mb", "rss_before_mb", "user_cpu_s", "by_cpu_time")
                    if k in v]
            times = (v["peer_value"] / own["value"]) ** turn
            print("%-11s %-10s %-20s %12.6g %-7s %8s  %s" % (*key, v["peer"], v["peer_value"], v["unit"], "" if v is own else
                                                            "%.2fx" % times, ", ".join(more)))
        if key in bars:
            print("%-11s %-10s the bar is %dx beside the fastest" % (*key, bars[key]))


def beside(folder, threads, repeats, wick, n):
    """Runs everything and prints wick beside each peer. wick runs before and after the peers, and its slower run
    counts."""
    peers, lines = os.path.join(folder, "peers.jsonl"), []

    def call(*command):
        out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        lines.extend(json.loads(v) for v in out.splitlines())
        print(out, end="", flush=True)
        return out

    os.makedirs(folder, exist_ok=True)
    with open(peers, "w") as f:
        for name, rows in (("train", n), ("row", n // 4), ("batch", n // 4)):
            part = os.path.join(folder, name)
            ours = [wick, "bench", "gbdt." + name, "--rows", str(rows), "--threads", str(threads)]
            once = ["--repeats", str(repeats)] if name == "train" else []
            call(*ours, *once, "--data", part)
            f.write(call(sys.executable, __file__, part, name, "--threads", str(threads), "--repeats", str(repeats)))
            f.flush()
            call(*ours, *once)
    print_beside(lines)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("folder")
    args.add_argument("what", choices=["train", "row", "batch", "beside", "sets"])
    args.add_argument("--wick", default="build/src/cli/wick")
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--repeats", type=int, default=1)
    args.add_argument("--rows", type=int, default=400000, help="of beside's training; a quarter for its predictions")
    args.add_argument("--only")
    a = args.parse_args()
    if a.what == "beside":
        beside(a.folder, a.threads, a.repeats, os.path.abspath(a.wick), a.rows)
    elif a.what == "sets":
        bench_sets(a.folder, os.path.abspath(a.wick), a.rows)
    elif a.what == "train":
        bench_train(a.folder, a.threads, a.repeats, a.only)
    elif a.what == "row":
        bench_row(a.folder, a.threads, a.only)
    else:
        bench_batch(a.folder, a.threads, a.repeats, a.only)


main()
