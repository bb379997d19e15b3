#!/usr/bin/env python3
"""XGBoost reads the JSON and UBJSON that wick writes for models of other versions, dart and LightGBM.

needs: pip install numpy xgboost
usage: check_ubjson.py WICK
Each model of interchange/ is exported with `wick export --xgboost`, loaded in XGBoost, and its margins compared with
those that came with the model, within 1e-6."""
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np
import xgboost as xgb

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "interchange")
X = np.genfromtxt(HERE + "/rows.csv", delimiter=",", dtype=np.float32)
bad = 0
models = sorted(glob.glob(HERE + "/*.json") + glob.glob(HERE + "/*.txt"))
for path in models:
    expected = np.loadtxt(path.rsplit(".", 1)[0] + ".margin.csv", delimiter=",").reshape(len(X), -1)
    for suffix in (".json", ".ubj"):
        with tempfile.TemporaryDirectory() as tmp:
            subprocess.run([sys.argv[1], "export", path, "--xgboost", tmp + "/m" + suffix], check=True)
            model = xgb.Booster(model_file=tmp + "/m" + suffix)
        types = model.feature_types if "c" in (model.feature_types or []) else None
        data = xgb.DMatrix(X, feature_types=types, enable_categorical=types is not None, feature_names=model.feature_names)
        worst = np.abs(model.predict(data, output_margin=True).reshape(len(X), -1) - expected).max()
        bad += not worst <= 1e-6
        if not worst <= 1e-6:
            print(os.path.basename(path), suffix, "differs by", worst)
print("xgboost %s: %d of %d files fail" % (xgb.__version__, bad, 2 * len(models)))
sys.exit(bad > 0)
