#!/usr/bin/env python3
"""XGBoost reads the models that wick writes. Needs: pip install numpy xgboost (3.2).

usage: read_saved.py WICK [--write]

Trains each saved/NAME.conf.json with the program WICK on NAME.csv (label, weight, columns; empty = missing),
loads the model in XGBoost and compares its predictions with those of `wick gbdt predict`. With --write it
also leaves saved/NAME.json (wick's model) and saved/NAME.pred.csv (XGBoost's predictions), against which
tests/cli/test_gbdt.sh holds wick without XGBoost."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))
SAVED = os.path.join(HERE, "saved")
CASES = ["squared_missing", "logistic_missing", "softprob_missing"]


def check(wick, name, write, scratch):
    rows = os.path.join(HERE, name + ".csv")
    model, features, ours = (os.path.join(scratch, f) for f in ("model.json", "features.csv", "ours.csv"))
    subprocess.run([wick, "gbdt", "train", os.path.join(SAVED, name + ".conf.json"), "--data", rows, "--out", model],
                   check=True, stdout=subprocess.DEVNULL)
    with open(rows) as f, open(features, "w") as out:
        out.writelines(line.split(",", 2)[2] for line in f)
    subprocess.run([wick, "gbdt", "predict", model, "--data", features, "--out", ours],
                   check=True, stdout=subprocess.DEVNULL)
    X = np.genfromtxt(features, delimiter=",", dtype=np.float32)
    booster = xgb.Booster()
    booster.load_model(model)
    theirs = booster.predict(xgb.DMatrix(X)).reshape(len(X), -1)
    own = np.genfromtxt(ours, delimiter=",", skip_header=1).reshape(len(X), -1)
    if name.startswith("logistic"):
        own = own[:, 1:]
    worst = np.abs(own - theirs).max()
    print(name, "rows", len(X), "largest difference", worst, "xgboost", xgb.__version__)
    if write:
        with open(model, "rb") as f, open(os.path.join(SAVED, name + ".json"), "wb") as out:
            out.write(f.read())
        np.savetxt(os.path.join(SAVED, name + ".pred.csv"), theirs, fmt="%.9g", delimiter=",")
    return worst <= 1e-6


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        good = [check(sys.argv[1], name, "--write" in sys.argv, scratch) for name in CASES]
    sys.exit(0 if all(good) else 1)
