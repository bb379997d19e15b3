#!/usr/bin/env python3
"""Seeds of the fuzz targets. needs: pip install numpy; usage: make_corpus.py WICK (a built program)."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
for name, array in {"f4": np.arange(6, dtype="f4").reshape(2, 3), "f8": np.ones(3), "i8": np.arange(4),
                    "u1": np.arange(5, dtype="u1"), "b1": np.array([True, False]), "scalar": np.float32(2),
                    "empty": np.zeros((0, 4), "f4"), "fortran": np.asfortranarray(np.ones((2, 2))),
                    "object": np.array([1, "a"], object)}.items():
    np.save(f"{here}/corpus_npy/{name}.npy", array)
layers = {"lstm": '[{"type": "lstm", "units": 2}]', "gru": '[{"type": "gru", "units": 1}]',
          "conv": '[{"type": "conv1d", "units": 2, "kernel": 2}, {"type": "relu"}, {"type": "mean", "units": 3}]',
          "tcn": '[{"type": "tcn", "units": 2, "kernel": 2, "plain": true}, {"type": "layer_norm"}]'}
root = os.path.join(here, "../../golden/nn/arrays.h5")
with tempfile.TemporaryDirectory() as folder:
    for name, text in [*layers.items(), ("branches", None)]:
        network = f'{{"layers": {text}}}' if text else \
            '{"branches": [{"name": "a", "layers": %s}, {"name": "b", "layers": %s}], "layers": []}' % (
                layers["lstm"], layers["tcn"])
        with open(folder + "/c.json", "w") as f:
            f.write(f'{{"network": {network}, "fit": {{"epochs": 1}}}}')
        out = f"{folder}/{name}"
        subprocess.run([sys.argv[1], "nn", "train", f.name, "--data", root, "--out", out], check=True,
                       stdout=subprocess.DEVNULL)
        # Both forms, and the hand-made graphs of the golden tests beside them.
        subprocess.run([sys.argv[1], "export", out, "--onnx-window", f"{here}/corpus_onnx/{name}_window.onnx", "--onnx-step",
                        f"{here}/corpus_onnx/{name}_step.onnx"], check=True)
        os.replace(out + "/weights.safetensors", f"{here}/corpus_weights/{name}.safetensors")
for path in glob.glob(os.path.join(here, "../../golden/nn/onnx/op_*.onnx")):
    shutil.copy(path, f"{here}/corpus_onnx/")
