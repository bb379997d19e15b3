#!/usr/bin/env python3
"""The reference network in PyTorch and ONNX Runtime, in turns with wick: same weights, windows and threads.

needs: pip install torch onnxruntime onnx safetensors numpy
usage: peers_nn.py [--wick build/src/cli/wick] [--rounds 5] [window|stream|train|train_stream ...]

Each round runs wick and then the peer, so that both see the same minutes; a line gives the best median of
all rounds for both, and every round's. Settings of the peers are printed first. The convolutions are causal
(zeros before the window) in all of them; PyTorch and ONNX Runtime compute every position of the branches,
as their graphs say. wick's own rows are printed as they come.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Block(torch.nn.Module):
    """Residual block of two causal dilated convolutions."""

    def __init__(self, inputs, units, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv1 = torch.nn.Conv1d(inputs, units, 3, dilation=dilation)
        self.conv2 = torch.nn.Conv1d(units, units, 3, dilation=dilation)
        self.downsample = torch.nn.Conv1d(inputs, units, 1) if inputs != units else None

    def forward(self, x):
        y = F.relu(self.conv1(F.pad(x, (self.pad, 0))))
        y = F.relu(self.conv2(F.pad(y, (self.pad, 0))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Reference(torch.nn.Module):
    """x [B, T, 32] -> [B, 5]; with steps=True an output at every bar, [B, T, 5]."""

    def __init__(self, bars=64):
        super().__init__()
        self.bars = bars
        self.conv_a = torch.nn.Conv1d(32, 64, 3)
        self.conv_b = torch.nn.Conv1d(64, 64, 3)
        self.lstm = torch.nn.LSTM(32, 64, batch_first=True)
        self.tcn = torch.nn.ModuleList([Block(32 if i == 0 else 64, 64, 2**i) for i in range(4)])
        self.dense = torch.nn.Linear(192, 64)
        self.head = torch.nn.Linear(64, 5)

    def forward(self, x, steps=False, state=None):
        c = x.transpose(1, 2)
        a = F.relu(self.conv_a(F.pad(c, (2, 0))))
        a = F.relu(self.conv_b(F.pad(a, (2, 0))))
        h, state = self.lstm(x, state)
        t = c
        for block in self.tcn:
            t = block(t)
        if steps:
            sums = F.avg_pool1d(F.pad(a, (self.bars - 1, 0)), self.bars, 1) * self.bars
            counts = torch.arange(1, a.shape[2] + 1).clamp(max=self.bars)
            joined = torch.cat([(sums / counts).transpose(1, 2), h, t.transpose(1, 2)], 2)
            return self.head(F.relu(self.dense(joined))), state
        joined = torch.cat([a.mean(2), h[:, -1], t[:, :, -1]], 1)
        return self.head(F.relu(self.dense(joined)))

    def load(self, path):
        w = load_file(path)
        names = {"conv_a": "cnn.0", "conv_b": "cnn.2", "dense": "trunk.0", "head": "head"}
        own = {}
        for key in self.state_dict():
            first, rest = key.split(".", 1)
            if first == "lstm":
                own[key] = w["lstm.0." + rest.replace("_l0", "")]
            elif first == "tcn":
                own[key] = w["tcn." + rest]
            else:
                own[key] = w[names[first] + "." + rest]
        self.load_state_dict(own)
        return self


def wick(args, *words):
    """Rows of a wick command, and the user CPU seconds that it took."""
    before = os.times()
    out = subprocess.run([args.wick, *words], check=True, capture_output=True, text=True).stdout
    after = os.times()
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")], \
        after.children_user - before.children_user


def compare(args, name, row, peer, version, ours, theirs, rate=False):
    """One line: ours and theirs are lists of medians, one a round."""
    best = max if rate else min
    a, b = best(ours), best(theirs)
    line = {"name": name, "case": row["case"], "value": a, "unit": row["unit"], "p50": a, "p99": row["p99"],
            "peer": peer, "peer_version": version, "peer_value": round(b, 3),
            "ratio": round(a / b if rate else b / a, 3), "rounds": [[round(x, 2) for x in ours],
                                                                    [round(x, 2) for x in theirs]],
            "threads": row["threads"], "cpu": row["cpu"], "commit": row["commit"],
            "load": round(os.getloadavg()[0], 2)}
    print(json.dumps(line), flush=True)


def timed(run, n):
    run()
    samples = []
    for _ in range(n):
        start = time.perf_counter()
        run()
        samples.append((time.perf_counter() - start) * 1e6)
    return float(np.median(samples))


def exported(args, folder):
    wick(args, "bench", "nn.window", "--samples", "1", "--export", folder)
    model = Reference().load(folder + "/weights.safetensors").eval()
    windows = torch.from_numpy(np.load(folder + "/windows.npy"))
    want = np.load(folder + "/outputs.npy")
    with torch.no_grad():
        got = model(windows).numpy()
    worst = float(np.abs(got - want).max())
    print(f"# PyTorch {torch.__version__} computes wick's outputs to {worst:.1e}", flush=True)
    assert worst < 1e-5
    return model, windows, want


def bench_window(args, stream):
    import onnxruntime
    with tempfile.TemporaryDirectory() as folder:
        model, windows, want = exported(args, folder)
        path = folder + "/reference.onnx"
        torch.onnx.export(model, (windows[:1],), path, input_names=["x"], output_names=["y"], opset_version=17,
                          dynamo=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        x = [np.ascontiguousarray(w[None].numpy()) for w in windows]
        worst = max(float(np.abs(session.run(None, {"x": a})[0] - b).max()) for a, b in zip(x, want))
        print(f"# ONNX Runtime {onnxruntime.__version__}: CPU provider, sequential, all optimisations, one intra "
              f"and one inter thread; wick's outputs to {worst:.1e}", flush=True)
        assert worst < 1e-5
        ours, theirs, rows = {}, [], {}
        for _ in range(args.rounds):
            for row in wick(args, "bench", "nn.stream" if stream else "nn.window")[0]:
                ours.setdefault(row["case"], []).append(row["p50"])
                if row["case"] not in rows or row["p50"] <= rows[row["case"]]["p50"]:
                    rows[row["case"]] = row
            turn = iter(range(10**9))
            theirs.append(timed(lambda: session.run(None, {"x": x[next(turn) % len(x)]}), 2000))
        for case, row in rows.items():
            compare(args, row["name"], row, "ONNX Runtime on the window", onnxruntime.__version__, ours[case],
                    theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--wick", default="build/src/cli/wick")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("names", nargs="*", default=["window", "stream", "train", "train_stream"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    runs = {"window": lambda: bench_window(args, False), "stream": lambda: bench_window(args, True)}
    for name in args.names:
        if name not in runs:
            sys.exit(f"peers_nn.py: unknown {name}; want {' '.join(runs)}")
        runs[name]()


main()
