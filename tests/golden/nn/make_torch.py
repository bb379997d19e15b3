#!/usr/bin/env python3
"""Golden tensors of PyTorch for the layers, losses and the optimiser.

needs: pip install torch safetensors numpy
Run in this folder; it writes <case>.safetensors. Everything is computed in float64 from inputs that are
float32 numbers, and stored as float32. Layout of signals is [T, B, C]; parameters have our names.

The loss of a layer case is sum(output * pull); a head of identity is not part of it.
"""
import numpy as np
import torch
import torch.nn as nn
from safetensors.numpy import save_file
from torch.nn.utils import parametrizations

torch.set_default_dtype(torch.float64)
T, B, C = 9, 3, 5


def f32(t):
    """A double tensor whose values are float32 numbers."""
    return t.to(torch.float32).to(torch.float64)


def noise(*shape, seed):
    g = torch.Generator().manual_seed(seed)
    return f32(torch.randn(*shape, generator=g))


def randomise(module, seed):
    with torch.no_grad():
        for i, p in enumerate(module.parameters()):
            p.copy_(f32(0.4 * noise(*p.shape, seed=100 * seed + i)))


def write(name, tensors):
    save_file({k: np.ascontiguousarray(v.detach().numpy().astype(np.float32)) for k, v in tensors.items()},
              f"{name}.safetensors")


def layer_case(name, module, run, names, channels=C):
    """names: our parameter name -> (PyTorch parameter)."""
    x = noise(T, B, channels, seed=1).requires_grad_()
    y = run(module, x)
    pull = noise(*y.shape, seed=2)
    (y * pull).sum().backward()
    out = {"x": x, "y": y, "dy": pull, "dx": x.grad}
    for ours, p in names.items():
        out["p." + ours] = p
        out["g." + ours] = p.grad
    write(name, out)


def causal(conv, x):
    """[T, B, C] -> [T, B, O] with zeros before the start."""
    k, d = conv.kernel_size[0], conv.dilation[0]
    x = torch.nn.functional.pad(x.permute(1, 2, 0), ((k - 1) * d, 0))
    return conv(x).permute(2, 0, 1)


class Block(nn.Module):
    """The residual block of locuslab/TCN, without dropout."""

    def __init__(self, i, o, k, d):
        super().__init__()
        self.conv1 = parametrizations.weight_norm(nn.Conv1d(i, o, k, dilation=d))
        self.conv2 = parametrizations.weight_norm(nn.Conv1d(o, o, k, dilation=d))
        self.down = nn.Conv1d(i, o, 1) if i != o else None

    def forward(self, x):
        y = torch.relu(causal(self.conv2, torch.relu(causal(self.conv1, x))))
        return torch.relu(y + (x if self.down is None else causal(self.down, x)))


def tcn_names(m):
    names = {}
    for c in ("conv1", "conv2"):
        conv = getattr(m, c)
        w = conv.parametrizations.weight
        names |= {f"{c}.weight_g": w.original0, f"{c}.weight_v": w.original1, f"{c}.bias": conv.bias}
    if m.down is not None:
        names |= {"downsample.weight": m.down.weight, "downsample.bias": m.down.bias}
    return names


def recurrent_names(m):
    return {"weight_ih": m.weight_ih_l0, "weight_hh": m.weight_hh_l0, "bias_ih": m.bias_ih_l0,
            "bias_hh": m.bias_hh_l0}


def layers():
    for units in (1, 17):
        m = nn.Linear(C, units)
        randomise(m, 1)
        layer_case(f"dense_{units}", m, lambda m, x: m(x), {"weight": m.weight, "bias": m.bias})
    for units, k, d in ((4, 3, 2), (17, 4, 1)):
        m = nn.Conv1d(C, units, k, dilation=d)
        randomise(m, 2)
        layer_case(f"conv1d_{units}_{k}_{d}", m, causal, {"weight": m.weight, "bias": m.bias})
    for units in (1, 5, 17, 33):
        m = nn.LSTM(C, units)
        randomise(m, 3)
        layer_case(f"lstm_{units}", m, lambda m, x: m(x)[0], recurrent_names(m))
        m = nn.GRU(C, units)
        randomise(m, 4)
        layer_case(f"gru_{units}", m, lambda m, x: m(x)[0], recurrent_names(m))
    for units, k, d in ((4, 3, 1), (5, 2, 2)):
        m = Block(C, units, k, d)
        randomise(m, 5)
        layer_case(f"tcn_{units}_{k}_{d}", m, lambda m, x: m(x), tcn_names(m))
    m = nn.LayerNorm(C)
    randomise(m, 6)
    layer_case("layer_norm", m, lambda m, x: m(x), {"weight": m.weight, "bias": m.bias})
    layer_case("relu", None, lambda m, x: torch.relu(x), {})
    layer_case("tanh", None, lambda m, x: torch.tanh(x), {})


def batch_norm():
    """Training's output and gradients, the running statistics after it, and inference with those."""
    m = nn.BatchNorm1d(C)
    randomise(m, 7)
    with torch.no_grad():
        m.running_mean.copy_(noise(C, seed=71))
        m.running_var.copy_(f32(torch.exp(noise(C, seed=72))))
    p = {"p.weight": m.weight, "p.bias": m.bias, "p.running_mean": m.running_mean.clone(),
         "p.running_var": m.running_var.clone()}
    x = noise(T, B, C, seed=1).requires_grad_()
    y = m(x.permute(1, 2, 0)).permute(2, 0, 1)
    pull = noise(*y.shape, seed=2)
    (y * pull).sum().backward()
    none = torch.zeros(C)
    write("batch_norm", p | {
        "x": x, "y": y, "dy": pull, "dx": x.grad, "g.weight": m.weight.grad, "g.bias": m.bias.grad,
        "g.running_mean": none, "g.running_var": none, "after.running_mean": m.running_mean,
        "after.running_var": m.running_var, "eval": m.eval()(x.permute(1, 2, 0)).permute(2, 0, 1)})


def losses():
    n = 40
    out = (2 * noise(n, 5, seed=7)).requires_grad_()
    direction = torch.arange(n) % 3
    magnitude = noise(n, seed=8)
    volatility = f32(torch.exp(0.5 * noise(n, seed=9)))
    weights = torch.tensor([0.5, 1.0, 2.5])
    ce = nn.CrossEntropyLoss(weight=weights, label_smoothing=0.125)(out[:, :3], direction)
    huber = nn.HuberLoss(delta=0.75)(out[:, 3], magnitude)
    ratio = volatility**2 / torch.exp(2 * out[:, 4])
    qlike = (ratio - torch.log(ratio) - 1).mean()
    total = ce + 0.5 * huber + 0.25 * qlike
    total.backward()
    write("losses", {"out": out, "direction": direction, "magnitude": magnitude, "volatility": volatility,
                     "class_weight": weights, "losses": torch.stack([ce, huber, qlike, total]),
                     "dout": out.grad})


def array_losses():
    """Mean losses over rows, and their gradients: of classes [n, 4] and of two real targets."""
    n, tensors = 24, {}
    label = torch.arange(n) * 7 % 4
    y = noise(n, 2, seed=30)
    tensors |= {"label": label, "y": y}

    def case(name, outputs, loss):
        out = noise(n, outputs, seed=31 + len(tensors)).requires_grad_()
        value = loss(out)
        value.backward()
        tensors.update({f"{name}.out": out, f"{name}.loss": value.reshape(1), f"{name}.dout": out.grad})

    def focal(out):
        p = torch.softmax(out, 1)[torch.arange(n), label]
        return (-(1 - p) ** 1.5 * torch.log(p)).mean()

    def pinball(out):
        e, q = y[:, :, None] - out.reshape(n, 2, 2), torch.tensor([0.125, 0.75])
        return torch.maximum(q * e, (q - 1) * e).mean()

    def student(out):
        mean, scale = out[:, 0::2], torch.exp(out[:, 1::2])
        t = torch.distributions.StudentT(torch.tensor(3.0), mean, scale)
        # Without the constant: that of a unit scale at its centre.
        return (torch.distributions.StudentT(torch.tensor(3.0)).log_prob(torch.tensor(0.0)) - t.log_prob(y)).mean()

    case("cross_entropy", 4, lambda out: nn.CrossEntropyLoss(label_smoothing=0.125)(out, label))
    case("focal", 4, focal)
    case("mse", 2, lambda out: nn.MSELoss()(out, y))
    case("huber", 2, lambda out: nn.HuberLoss(delta=0.75)(out, y))
    case("pinball", 4, pinball)
    case("gaussian", 4, lambda out: nn.GaussianNLLLoss(full=True)(out[:, 0::2], y, torch.exp(2 * out[:, 1::2])))
    case("student_t", 4, student)
    write("array_losses", tensors)


def uncertainty():
    """Weights of tasks learned as log variances (Kendall, Gal & Cipolla 2018): gradients of outputs, steps of Adam."""
    n, tasks, steps = 16, 3, 25
    weights = torch.tensor([1.0, 0.5, 2.0])
    y = noise(n, tasks, seed=20)
    outs = f32(y + torch.tensor([0.1, 1.0, 4.0]) * noise(steps, n, tasks, seed=21))
    for name, c, each in (("square", 0.5, nn.MSELoss()), ("huber", 1.0, nn.HuberLoss(delta=0.75))):
        s = nn.Parameter(torch.zeros(tasks))
        opt = torch.optim.Adam([s], lr=0.05)
        grads, after = [], []
        for out in outs:
            out = out.clone().requires_grad_()
            losses = torch.stack([each(out[:, k], y[:, k]) for k in range(tasks)])
            opt.zero_grad()
            (weights * (c * torch.exp(-s) * losses + s / 2)).sum().backward()
            opt.step()
            grads.append(out.grad)
            after.append(s.detach().clone())
        write(f"uncertainty_{name}", {"y": y, "out": outs, "dout": torch.stack(grads), "s": torch.stack(after)})


def adamw():
    n, steps = 24, 20
    torch.set_default_dtype(torch.float32)
    decayed = nn.Parameter(noise(n, seed=10).float())
    plain = nn.Parameter(noise(n, seed=11).float())
    start = torch.cat([decayed, plain]).detach().clone()
    opt = torch.optim.AdamW([{"params": [decayed], "weight_decay": 0.05}, {"params": [plain], "weight_decay": 0}],
                            lr=0.01)
    grads = 3 * noise(steps, 2 * n, seed=12).float()
    grads[:, 3] = 0
    after = []
    for g in grads:
        decayed.grad, plain.grad = g[:n].clone(), g[n:].clone()
        nn.utils.clip_grad_norm_([decayed, plain], 2.0)
        opt.step()
        after.append(torch.cat([decayed, plain]).detach().clone())
    write("adamw", {"start": start, "grads": grads, "after": torch.stack(after)})
    torch.set_default_dtype(torch.float64)


layers()
batch_norm()
losses()
array_losses()
uncertainty()
adamw()
