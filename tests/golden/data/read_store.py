"""Reads a store with h5py and compares it with the candle files it came from. Needs: pip install h5py numpy.

usage: wick import DIR --store S && python read_store.py DIR S     (DIR: <venue>/<SYMBOL>-<timeframe>.csv[.gz])
"""
import glob
import gzip
import os
import sys

import h5py
import numpy as np

source, store = sys.argv[1:3]
failed = 0
for path in sorted(glob.glob(os.path.join(source, "*", "*.csv*"))):
    venue = os.path.basename(os.path.dirname(path))
    symbol, timeframe = os.path.basename(path).split(".csv")[0].rsplit("-", 1)
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
        want = np.loadtxt(f, delimiter=",", skiprows=1, ndmin=2)
    columns = {name: [] for name in ("time", "open", "high", "low", "close", "volume", "provenance")}
    for year in sorted(glob.glob(os.path.join(store, venue, symbol, timeframe, "*.h5"))):
        with h5py.File(year, "r") as h:
            assert h.attrs["symbol"].decode() == symbol and h.attrs["venue"].decode() == venue
            for name in columns:
                columns[name].append(h[name][:])
            # The index of holes must say what the times say.
            step = h.attrs["timeframe_ns"]
            t = h["time"][:]
            holes = np.flatnonzero(np.diff(t) > step)
            gaps = h["gaps"][:] if "gaps" in h else np.empty((0, 2), np.int64)
            assert np.array_equal(gaps[:, 0], t[holes] + step)
            assert np.array_equal(gaps[:, 1], np.diff(t)[holes] // step - 1)
            assert h.attrs["first_ns"] == t[0] and h.attrs["last_ns"] == t[-1]
            if "revisions" in h:  # each ends when the next version of the bar, or the final one, came
                r = {name: h["revisions"][name][:] for name in h["revisions"]}
                assert np.all(np.isin(r["time"], t)) and np.all(r["arrival"] <= r["replaced"])
    have = {name: np.concatenate(parts) for name, parts in columns.items()}
    same = np.array_equal(have["time"], want[:, 0].astype(np.int64) * 10**9) and all(
        np.array_equal(have[name], want[:, i + 1]) for i, name in enumerate(("open", "high", "low", "close", "volume")))
    print("ok" if same else "DIFFERS", venue, symbol, timeframe, len(have["time"]))
    failed += not same
sys.exit(failed > 0)
