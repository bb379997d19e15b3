#!/usr/bin/env python3
"""ONNX Runtime on forests that wick exported gives what wick predicts.

needs: pip install numpy onnx onnxruntime
usage: check_onnx.py WICK
Exports the models of this folder and of interchange/, checks them with onnx.checker, and compares ONNX
Runtime's outputs on rows with missing values with `wick gbdt predict`, within 1e-6."""
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = sorted(glob.glob(HERE + "/s*.json") + glob.glob(HERE + "/logistic_*.json") +
                glob.glob(HERE + "/interchange/xgboost_*_[sld]*.json") +
                glob.glob(HERE + "/interchange/lightgbm_[rbmn]*.txt"))
bad = 0
for path in MODELS:
    with tempfile.TemporaryDirectory() as tmp:
        subprocess.run([sys.argv[1], "export", path, "--onnx", tmp + "/m.onnx"], check=True)
        onnx.checker.check_model(onnx.load(tmp + "/m.onnx"), full_check=True)
        session = ort.InferenceSession(tmp + "/m.onnx", providers=["CPUExecutionProvider"])
        n = session.get_inputs()[0].shape[1]
        rng = np.random.default_rng(7)
        X = rng.normal(size=(500, n)).astype(np.float32)
        X[rng.random(X.shape) < 0.15] = np.nan
        with open(tmp + "/x.csv", "w") as f:
            for row in X:
                f.write(",".join("" if np.isnan(v) else "%.9g" % v for v in row) + "\n")
        subprocess.run([sys.argv[1], "gbdt", "predict", path, "--data", tmp + "/x.csv", "--out", tmp + "/p.csv"],
                       check=True, stdout=subprocess.DEVNULL)
        own = np.loadtxt(tmp + "/p.csv", delimiter=",", skiprows=1, ndmin=2)
        outputs = session.run(None, {"X": X})
        theirs = outputs[-1].reshape(len(X), -1)
        worst = np.abs(own - theirs).max()
        labels = len(outputs) == 1 or (outputs[0] == theirs.argmax(1)).all()
        good = worst <= 1e-6 * max(1, np.abs(own).max()) and labels
        bad += not good
        print("%-45s %s" % (os.path.relpath(path, HERE), "%.2g" % worst if good else "FAILS %g %s" % (worst, labels)))
print("onnx %s, onnxruntime %s: %d of %d models fail" % (onnx.__version__, ort.__version__, bad, len(MODELS)))
sys.exit(bad > 0)
