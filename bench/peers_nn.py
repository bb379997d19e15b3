#!/usr/bin/env python3
"""The reference network in PyTorch and ONNX Runtime, in turns with wick: same weights, windows and threads.

needs: pip install torch onnxruntime onnx safetensors numpy
usage: peers_nn.py [--wick build/src/cli/wick] [--rounds 5] [window|stream|onnx|train|train_stream ...]

Without names it runs all and ends with a table: each row's ratio beside the ratio asked for; a quiet machine of
two cores needs about four minutes. Exit code 1: a row is below what is asked for. Each round runs wick and then the peer, so that both see the same minutes; a line gives the best median of
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
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

warnings.filterwarnings("ignore")


class Causal(torch.nn.Conv1d):
    """Convolution over the past. `past` holds the inputs before x, or is None: zeros; it is replaced."""

    def __init__(self, inputs, units, dilation=1):
        super().__init__(inputs, units, 3, dilation=dilation)
        self.past_bars = 2 * dilation

    def forward(self, x, past=None):
        if past is None:
            return super().forward(F.pad(x, (self.past_bars, 0)))
        whole = torch.cat([past.get(self, x.new_zeros(x.shape[0], x.shape[1], self.past_bars)), x], 2)
        past[self] = whole[:, :, -self.past_bars:].detach()
        return super().forward(whole)


class Block(torch.nn.Module):
    """Residual block of two causal dilated convolutions."""

    def __init__(self, inputs, units, dilation):
        super().__init__()
        self.conv1 = Causal(inputs, units, dilation)
        self.conv2 = Causal(units, units, dilation)
        self.downsample = torch.nn.Conv1d(inputs, units, 1) if inputs != units else None

    def forward(self, x, past=None):
        y = F.relu(self.conv2(F.relu(self.conv1(x, past)), past))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class Reference(torch.nn.Module):
    """x [B, T, 32] -> [B, 5]; over a stream in chunks, `past` carries the state and the output is [B, T, 5]."""

    def __init__(self, bars=64):
        super().__init__()
        self.bars = bars
        self.conv_a = Causal(32, 64)
        self.conv_b = Causal(64, 64)
        self.lstm = torch.nn.LSTM(32, 64, batch_first=True)
        self.tcn = torch.nn.ModuleList([Block(32 if i == 0 else 64, 64, 2**i) for i in range(4)])
        self.dense = torch.nn.Linear(192, 64)
        self.head = torch.nn.Linear(64, 5)

    def forward(self, x):
        c = x.transpose(1, 2)
        a = F.relu(self.conv_b(F.relu(self.conv_a(c))))
        h, _ = self.lstm(x)
        for block in self.tcn:
            c = block(c)
        joined = torch.cat([a.mean(2), h[:, -1], c[:, :, -1]], 1)
        return self.head(F.relu(self.dense(joined)))

    def chunk(self, x, past):
        c = x.transpose(1, 2)
        a = F.relu(self.conv_b(F.relu(self.conv_a(c, past)), past))
        seen = past.get("bars", 0)
        whole = torch.cat([past.get("mean", a.new_zeros(a.shape[0], a.shape[1], self.bars - 1)), a], 2)
        past["mean"] = whole[:, :, -(self.bars - 1):].detach()
        past["bars"] = seen + x.shape[1]
        counts = torch.arange(seen + 1, seen + 1 + x.shape[1]).clamp(max=self.bars)
        mean = F.avg_pool1d(whole, self.bars, 1) * (self.bars / counts)
        h, state = self.lstm(x, past.get("lstm"))
        past["lstm"] = tuple(s.detach() for s in state)
        for block in self.tcn:
            c = block(c, past)
        joined = torch.cat([mean.transpose(1, 2), h, c.transpose(1, 2)], 2)
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


WINDOW, STEP, PYTORCH, AUTOCAST = ("ONNX Runtime on the window", "ONNX Runtime on wick's one-step graph", "PyTorch",
                                   "PyTorch bf16 autocast")


def asked(name, case, peer):
    """The ratio asked for (times in us: the most asked for), or None."""
    bf16_unit = case.startswith("batch 256, bf16, ") and "amx" in open("/proc/cpuinfo").read()
    if name == "nn.window":
        return 2 if "avx2" in case else 3
    if name == "nn.stream" and case.startswith(("full step, ", "new bar to output, ")):
        return 40 if peer == WINDOW else 3
    if name == "nn.train" and peer == PYTORCH:
        return 10 if bf16_unit else {"batch 256, fp32, dead positions left out": 5, "batch 256, fp32, all positions": 2}.get(case)
    if name == "nn.train" and peer == AUTOCAST:
        return 3 if bf16_unit else None
    return 3 if name == "nn.train_stream" else None


TIMES = {"full step": 6, "new bar to output": 3, "new bar to output after 2 MB of other memory": 10}
table = []  # name, case, unit, peer, ours, theirs, ratio, ratio asked for


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
    want = asked(name, row["case"], peer)
    if want:
        line["asked"] = want
    print(json.dumps(line), flush=True)
    table.append((name, row["case"], row["unit"], peer, a, b, line["ratio"], want))


def in_time(rows):
    """Our own times of a stream against the most that they may be."""
    for case, row in rows.items():
        most = TIMES.get(case.rsplit(", ", 1)[0])
        if most:
            table.append((row["name"], case, "us", "the time asked for", row["p50"], most, round(most / row["p50"], 3), 1))


def summary():
    """The table; whether every row has what is asked for."""
    print(f"\n{'row':<72} {'beside':<38} {'wick':>9} {'peer':>9} {'ratio':>7} {'asked':>6}")
    for name, case, unit, peer, ours, theirs, ratio, want in table:
        verdict = "" if not want else "ok" if ratio >= want else "BELOW"
        print(f"{name + ' ' + case + ', ' + unit:<72} {peer:<38} {ours:9.5g} {theirs:9.5g} {ratio:7.2f} "
              f"{'' if want is None else want:>6} {verdict}")
    return all(not want or ratio >= want for *_, ratio, want in table)


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


def open_session(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def stepper(args, folder, windows, want):
    """wick's one-step graph in ONNX Runtime as a function of a bar, checked: the states stay in its own values."""
    import onnxruntime
    path = folder + "/step.onnx"
    wick(args, "export", folder + "/weights.safetensors", "--onnx-step", path)
    session = open_session(path)
    states = {i.name: [n if isinstance(n, int) else 1 for n in i.shape] for i in session.get_inputs() if i.name != "X"}
    names = ["Y", *(s + ".next" for s in states)]
    fresh = {k: onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(s, "f4")) for k, s in states.items()}
    now = dict(fresh)

    def step(x):
        y, *after = session.run_with_ort_values(names, {"X": x, **now})
        now.update(zip(states, after))
        return y

    bars = [[onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(b[None].numpy())) for b in w] for w in windows[:4]]
    worst = 0
    for window, y in zip(bars, want):
        now.update(fresh)
        for bar in window:
            got = step(bar)
        worst = max(worst, float(np.abs(got.numpy() - y).max()))
    print(f"# ONNX Runtime {onnxruntime.__version__} on the one-step graph: after {len(bars[0])} bars wick's outputs to "
          f"{worst:.1e}", flush=True)
    assert worst < 1e-5
    turn, flat = iter(range(10**9)), [b for w in bars for b in w]
    return lambda: step(flat[next(turn) % len(flat)])


def session_of(model, windows, want, folder):
    """PyTorch's export of the model in ONNX Runtime, checked; its path and windows as it takes them."""
    import onnxruntime
    path = folder + "/reference.onnx"
    torch.onnx.export(model, (windows[:1],), path, input_names=["x"], output_names=["y"], opset_version=17,
                      dynamo=False)
    session = open_session(path)
    x = [np.ascontiguousarray(w[None].numpy()) for w in windows]
    worst = max(float(np.abs(session.run(None, {"x": a})[0] - b).max()) for a, b in zip(x, want))
    print(f"# ONNX Runtime {onnxruntime.__version__}: CPU provider, sequential, all optimisations, one intra "
          f"and one inter thread; wick's outputs to {worst:.1e}", flush=True)
    assert worst < 1e-5
    return session, onnxruntime.__version__, path, x


def in_turns(args, words, session, x, step=None):
    """Rounds of a wick bench, the session and `step`: medians of ours by case, of theirs, our best rows, of the steps."""
    ours, theirs, rows, steps = {}, [], {}, []
    for _ in range(args.rounds):
        for row in wick(args, *words)[0]:
            ours.setdefault(row["case"], []).append(row["p50"])
            if row["case"] not in rows or row["p50"] <= rows[row["case"]]["p50"]:
                rows[row["case"]] = row
        turn = iter(range(10**9))
        theirs.append(timed(lambda: session.run(None, {"x": x[next(turn) % len(x)]}), 2000))
        if step:
            steps.append(timed(step, 5000))
    return ours, theirs, rows, steps


def bench_window(args, stream):
    with tempfile.TemporaryDirectory() as folder:
        model, windows, want = exported(args, folder)
        session, version, _, x = session_of(model, windows, want, folder)
        step = stepper(args, folder, windows, want) if stream else None
        ours, theirs, rows, steps = in_turns(args, ["bench", "nn.stream" if stream else "nn.window"], session, x, step)
        for case, row in rows.items():
            compare(args, row["name"], row, WINDOW, version, ours[case], theirs)
            if step:
                compare(args, row["name"], row, STEP, version, ours[case], steps)
        if stream:
            in_time(rows)


def bench_onnx(args):
    """The file that PyTorch exported, in wick and in ONNX Runtime."""
    with tempfile.TemporaryDirectory() as folder:
        model, windows, want = exported(args, folder)
        session, version, path, x = session_of(model, windows, want, folder)
        data = folder + "/windows.npy"
        subprocess.run([args.wick, "nn", "predict", "--onnx", path, "--data", data, "--out", folder + "/y.csv"],
                       check=True, capture_output=True)
        worst = float(np.abs(np.loadtxt(folder + "/y.csv", delimiter=",", skiprows=1) - want).max())
        print(f"# wick reads PyTorch's export: its outputs to {worst:.1e}", flush=True)
        assert worst < 1e-5
        ours, theirs, rows, _ = in_turns(args, ["bench", "nn.onnx", path, "--data", data], session, x)
        for case, row in rows.items():
            compare(args, row["name"], row, "ONNX Runtime on the same file", version, ours[case], theirs)


def trading_loss(out, target):
    """The three heads: cross-entropy with smoothing 0.05, Huber, QLIKE; weights 1, 0.5, 0.2."""
    out, target = out.reshape(-1, 5), target.reshape(-1, 3)
    direction = F.cross_entropy(out[:, :3], target[:, 0].long(), label_smoothing=0.05)
    magnitude = F.huber_loss(out[:, 3], target[:, 1])
    log_ratio = 2 * torch.log(target[:, 2]) - 2 * out[:, 4].clamp(-20, 20)
    return direction + 0.5 * magnitude + 0.2 * (torch.exp(log_ratio) - log_ratio - 1).mean()


def optimiser_of(model, rate):
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    return torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
                             lr=rate, fused=True)


def update(model, optimiser, loss):
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()


def cpu_seconds():
    t = os.times()
    return t.user + t.system


def bench_train(args):
    print(f"# PyTorch {torch.__version__}: fp32, {torch.get_num_threads()} threads, OMP_WAIT_POLICY "
          f"{os.environ['OMP_WAIT_POLICY']}, AdamW(fused), oneDNN "
          f"{torch.backends.mkldnn.is_available()}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        wick(args, "bench", "nn.train", "--batches", "100", "--export", folder, "--threads", str(args.threads))
        windows = torch.from_numpy(np.load(folder + "/windows.npy"))
        targets = torch.from_numpy(np.load(folder + "/targets.npy"))
        losses = np.load(folder + "/losses.npy")

        def run(n, bf16):
            model = Reference().load(folder + "/weights.safetensors")
            optimiser = optimiser_of(model, 2e-4)
            seconds, curve, cpu = [], [], 0
            for i in range(n):
                if i == 1:
                    cpu = cpu_seconds()
                at = i * 256 % len(windows)
                start = time.perf_counter()
                with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                    out = model(windows[at:at + 256])
                loss = trading_loss(out.float(), targets[at:at + 256])
                update(model, optimiser, loss)
                curve.append(float(loss.detach()))
                seconds.append(time.perf_counter() - start)
            return 256 / float(np.median(seconds[1:])), (cpu_seconds() - cpu) / (n - 1) / 256 * 1e6, curve

        _, _, curve = run(args.losses, False)
        worst = float(np.abs(np.array(curve) - losses[:args.losses]).max())
        print(f"# losses of {args.losses} batches agree to {worst:.1e}, from {losses[0]:.4f} to {curve[-1]:.4f}", flush=True)
        assert worst < 1e-3
        for name, most in (("bf16x3", 1e-3), ("bf16", 5e-2)):
            others = np.load(folder + f"/losses_{name}.npy")
            worst = float(np.abs(np.array(curve) - others[:args.losses]).max())
            print(f"# in {name} to {worst:.1e}", flush=True)
            assert worst < most
        ours, cpu, peers, rows = {}, {}, {False: ([], []), True: ([], [])}, {}
        for _ in range(args.rounds):
            for row in wick(args, "bench", "nn.train", "--batches", "30", "--threads", str(args.threads))[0]:
                ours.setdefault(row["case"], []).append(row["p50"])
                cpu.setdefault(row["case"], []).append(row["cpu_us"])
                rows[row["case"]] = row
            for bf16, (rates, cpus) in peers.items():
                rate, used, _ = run(6, bf16)
                rates.append(rate)
                cpus.append(used)
        for case, row in rows.items():
            for bf16, (rates, cpus) in peers.items():
                name = AUTOCAST if bf16 else PYTORCH
                compare(args, "nn.train", row, name, torch.__version__, ours[case], rates, True)
                print(f"#   processor time a window: {min(cpu[case]):.0f} us and {min(cpus):.0f} us, ratio "
                      f"{min(cpus) / min(cpu[case]):.2f}", flush=True)


def bench_train_stream(args):
    with tempfile.TemporaryDirectory() as folder:
        wick(args, "bench", "nn.train_stream", "--repeats", "1", "--export", folder, "--threads", str(args.threads))
        sequences = torch.from_numpy(np.load(folder + "/sequences.npy"))
        targets = torch.from_numpy(np.load(folder + "/targets.npy"))
        want = float(np.load(folder + "/loss.npy")[0])
        bars = sequences.shape[1]

        def run():
            model = Reference().load(folder + "/weights.safetensors")
            with torch.no_grad():
                model.head.bias[4] = 0.5 * torch.log((targets[:, :, 2].double() ** 2).mean())
            optimiser = optimiser_of(model, 1e-3)
            past, losses = {}, []
            start, cpu = time.perf_counter(), cpu_seconds()
            for i, at in enumerate(range(0, bars, 64)):
                for group in optimiser.param_groups:
                    group["lr"] = 1e-3 * 0.5 * (1 + np.cos(np.pi * i * 64 / bars))
                loss = trading_loss(model.chunk(sequences[:, at:at + 64], past), targets[:, at:at + 64])
                update(model, optimiser, loss)
                losses.append(float(loss.detach()))
            seconds = time.perf_counter() - start
            n = sequences.shape[0] * bars
            return n / seconds, (cpu_seconds() - cpu) / n * 1e6, float(np.mean(losses))

        _, _, loss = run()
        print(f"# mean loss of the pass: wick {want:.6f}, PyTorch {loss:.6f}", flush=True)
        assert abs(loss - want) < 1e-3
        ours, cpu, theirs, cpus = [], [], [], []
        for _ in range(args.rounds):
            row, = wick(args, "bench", "nn.train_stream", "--repeats", "2", "--threads", str(args.threads))[0]
            ours.append(row["best"])
            cpu.append(row["cpu_us"])
            rate, used, _ = run()
            theirs.append(rate)
            cpus.append(used)
        compare(args, "nn.train_stream", row, "PyTorch", torch.__version__, ours, theirs, True)
        print(f"#   processor time a bar: {min(cpu):.2f} us and {min(cpus):.2f} us, ratio "
              f"{min(cpus) / min(cpu):.2f}", flush=True)


def main():
    # Threads that wait in a spin would only take the time of those that work on a busy machine.
    if os.environ.get("OMP_WAIT_POLICY") is None:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    parser = argparse.ArgumentParser()
    parser.add_argument("--wick", default="build/src/cli/wick")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--losses", type=int, default=100, help="batches whose losses are compared, at most 100")
    parser.add_argument("names", nargs="*", default=["window", "stream", "onnx", "train", "train_stream"])
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    runs = {"window": lambda: bench_window(args, False), "stream": lambda: bench_window(args, True),
            "onnx": lambda: bench_onnx(args), "train": lambda: bench_train(args), "train_stream": lambda: bench_train_stream(args)}
    for name in args.names:
        if name not in runs:
            sys.exit(f"peers_nn.py: unknown {name}; want {' '.join(runs)}")
        runs[name]()
    sys.exit(0 if summary() else 1)


main()
