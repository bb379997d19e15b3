#!/usr/bin/env python3
"""ONNX Runtime on networks that wick exported gives what wick predicts, in both forms.

needs: pip install numpy onnx onnxruntime
usage: check_onnx.py WICK
Trains a network of each layer kind for one epoch, exports the window and the one-bar form, checks them with
onnx.checker, and compares ONNX Runtime's outputs with `wick nn predict`, within 1e-5: the windows' with all
sequences at once and one by one, the one-bar form's by running it over the bars with the states it gives."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort

HERE = os.path.dirname(os.path.abspath(__file__))
WICK = os.path.realpath(sys.argv[1])
CONV = {"type": "conv1d", "units": 6, "kernel": 3, "dilation": 2}
NETS = {
    "head": [],
    "dense": [{"type": "dense", "units": 7}, {"type": "tanh"}],
    "conv1d": [CONV, {"type": "relu"}, dict(CONV, kernel=2)],
    "conv1d_1": [dict(CONV, kernel=1, dilation=1)],
    "lstm": [{"type": "lstm", "units": 5}],
    "gru": [{"type": "gru", "units": 5}],
    "lstm_gru": [{"type": "lstm", "units": 5}, {"type": "gru", "units": 4}],
    "tcn": [{"type": "tcn", "units": 6, "kernel": 3, "dilation": 1}, {"type": "tcn", "units": 6, "kernel": 3, "dilation": 2}],
    "tcn_plain": [{"type": "tcn", "units": 6, "kernel": 2, "dilation": 4, "plain": True}],
    "layer_norm": [{"type": "layer_norm"}, CONV, {"type": "layer_norm"}],
    "batch_norm": [CONV, {"type": "batch_norm"}, {"type": "relu"}, {"type": "dense", "units": 4}, {"type": "batch_norm"}],
    "relu": [{"type": "relu"}],
    "tanh": [{"type": "tanh"}],
    "dropout": [{"type": "dense", "units": 4}, {"type": "dropout", "dropout": 0.5}],
    "mean": [{"type": "dense", "units": 4}, {"type": "mean", "units": 7}],
    "mean_long": [{"type": "conv1d", "units": 4, "kernel": 3}, {"type": "mean", "units": 64}, {"type": "relu"}],
    "mean_1": [{"type": "mean", "units": 1}],
    "mean_twice": [{"type": "mean", "units": 3}, {"type": "mean", "units": 4}],
}
BRANCHES = {"branches": [{"name": "a", "layers": [{"type": "relu"}, CONV, {"type": "tanh"}]},
                         {"name": "b", "layers": [{"type": "gru", "units": 3}, {"type": "layer_norm"},
                                                  {"type": "tcn", "units": 4, "kernel": 2, "dilation": 3}]},
                         {"name": "empty", "layers": []},
                         {"name": "c", "layers": [{"type": "lstm", "units": 3}]}],
            "layers": [CONV, {"type": "relu"}, {"type": "mean", "units": 3}, {"type": "dense", "units": 8}]}
LATE = dict(BRANCHES, layers=[{"type": "dense", "units": 8}, {"type": "layer_norm"}, {"type": "relu"}])
CASES = [(name, {"layers": layers}) for name, layers in NETS.items()] + [("branches", BRANCHES), ("late", LATE)]
LOSSES = [("cross_entropy", "y", "auto"), ("gaussian", "slope", "auto"), ("mse", "steps", "step")]


def session(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return ort.InferenceSession(path, providers=["CPUExecutionProvider"])


def run_steps(s, X):
    """[N, T, C] -> [N, T, O], bar by bar from zeros."""
    states = {i.name: np.zeros([len(X) if d == "N" else d for d in i.shape], np.float32) for i in s.get_inputs()[1:]}
    names = [o.name for o in s.get_outputs()]
    rows = []
    for t in range(X.shape[1]):
        out = dict(zip(names, s.run(None, {"X": X[:, t], **states})))
        rows.append(out["Y"])
        states = {name: out[name + ".next"] for name in states}
    return np.stack(rows, 1)


rng = np.random.default_rng(5)
worst_all = bad = 0
for name, network in CASES:
    for loss, y, targets in LOSSES:
        with tempfile.TemporaryDirectory() as tmp:
            config = {"y": y, "targets": targets, "standardize": True, "network": network,
                      "fit": {"loss": loss, "epochs": 1, "learning_rate": 0.05}}
            with open(tmp + "/c.json", "w") as f:
                json.dump(config, f)
            subprocess.run([WICK, "nn", "train", f.name, "--data", HERE + "/arrays.h5", "--out", tmp + "/m"], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run([WICK, "export", tmp + "/m", "--onnx-window", tmp + "/w.onnx", "--onnx-step", tmp + "/s.onnx"],
                           check=True)
            window, step = session(tmp + "/w.onnx"), session(tmp + "/s.onnx")
            C = window.get_inputs()[0].shape[2]
            for T in (1, 2, 21):
                X = (2 * rng.normal(size=(4, T, C))).astype(np.float32)
                np.save(tmp + "/x.npy", X)
                subprocess.run([WICK, "nn", "predict", tmp + "/m", "--data", tmp + "/x.npy", "--out", tmp + "/p.csv"],
                               check=True, stdout=subprocess.DEVNULL)
                own = np.loadtxt(tmp + "/p.csv", delimiter=",", skiprows=1, ndmin=2)
                each = y == "steps"
                own = own[:, 2:].reshape(4, T, -1) if each else own
                theirs = [window.run(None, {"X": X})[0],
                          np.concatenate([window.run(None, {"X": X[i:i + 1]})[0] for i in range(4)]),
                          run_steps(step, X) if each else run_steps(step, X)[:, -1]]
                for form, got in zip(("window", "window, one by one", "step"), theirs):
                    worst = np.abs(own - got).max() / max(1, np.abs(own).max())
                    worst_all = max(worst_all, worst)
                    if got.shape != own.shape or not worst <= 1e-5:
                        bad += 1
                        print(f"FAILS {name} {loss} T={T} {form}: {worst:.3g} {got.shape} {own.shape}")
print(f"onnx {onnx.__version__}, onnxruntime {ort.__version__}: {len(CASES) * len(LOSSES)} networks, "
      f"worst {worst_all:.2g}, {bad} fail")
sys.exit(bad > 0)
