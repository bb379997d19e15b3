#!/usr/bin/env python3
"""Small arrays for the tests of nn train and nn predict: sequences whose class is the sign of a slope, with a
real target each and one at every bar. needs: pip install numpy h5py; writes beside itself."""
import os

import h5py
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
g = np.random.default_rng(5)
N, T = 96, 20
slope = g.normal(size=N)
t = np.linspace(-1, 1, T)
X = np.stack([slope[:, None] * t + 0.3 * g.normal(size=(N, T)), g.normal(size=(N, T))], axis=2).astype("f4")
y = np.where(slope > 0, 3, 1).astype("i8")
steps = np.cumsum(X[:, :, 0], axis=1).astype("f8") / T
with h5py.File(here + "/arrays.h5", "w") as f:
    f.create_dataset("X", data=X, compression="gzip")
    f.create_dataset("y", data=y)
    f.create_dataset("slope", data=slope)
    f.create_dataset("steps", data=steps)
np.save(here + "/arrays_x.npy", X)
np.save(here + "/arrays_y.npy", y)
