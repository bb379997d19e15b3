#!/usr/bin/env python3
"""`wick nn predict --onnx` on the graphs of onnx/ gives ONNX Runtime's stored outputs within 1e-5.

needs: pip install numpy
usage: check_onnx_import.py WICK [FOLDER]"""
import glob
import os
import subprocess
import sys
import tempfile

import numpy as np

folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
bad = 0
paths = sorted(glob.glob(folder + "/*.onnx"))
for path in paths:
    base = path[:-5]
    y = np.load(base + ".y.npy")
    with tempfile.TemporaryDirectory() as tmp:
        done = subprocess.run([sys.argv[1], "nn", "predict", "--onnx", path, "--data", base + ".x.npy", "--out", tmp + "/p.csv"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print("FAILS", done.stderr.strip())
            bad += 1
            continue
        own = np.loadtxt(tmp + "/p.csv", delimiter=",", skiprows=1, ndmin=2)
        own = own[:, 2:] if y.ndim == 3 else own
        worst = np.abs(own.reshape(y.shape) - y).max() / max(1, np.abs(y).max()) if own.size == y.size else np.inf
        bad += not worst <= 1e-5
        print("%-6s %-24s %.2g" % ("" if worst <= 1e-5 else "FAILS", os.path.basename(base), worst))
print(f"{bad} of {len(paths)} fail")
sys.exit(bad > 0)
