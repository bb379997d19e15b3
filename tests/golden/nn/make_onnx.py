#!/usr/bin/env python3
"""Others' networks as ONNX with inputs and ONNX Runtime's outputs, in onnx/: NAME.onnx, NAME.x.npy, NAME.y.npy.

needs: pip install numpy torch onnx onnxruntime onnxscript
usage: make_onnx.py [FOLDER]
PyTorch networks are exported by both of its exporters (NAME_legacy, NAME_dynamo), with N and where possible T
free; operators that PyTorch does not export as such are graphs built by hand (op_NAME)."""
import os
import sys
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

warnings.filterwarnings("ignore")
OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(3)


class Lstm(nn.Module):
    """A classifier on the last bar of two layers, batch first."""
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.LSTM(3, 5, num_layers=2, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return torch.softmax(self.head(self.rnn(x)[0][:, -1]), -1)


class Gru(nn.Module):
    """Both directions, an output at every bar."""
    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(3, 4, batch_first=True, bidirectional=True), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.rnn(x)[0])


class Block(nn.Module):
    def __init__(self, i, o, k, d):
        super().__init__()
        self.cut = (k - 1) * d
        self.conv1 = weight_norm(nn.Conv1d(i, o, k, padding=self.cut, dilation=d))
        self.conv2 = weight_norm(nn.Conv1d(o, o, k, padding=self.cut, dilation=d))
        self.skip = nn.Conv1d(i, o, 1) if i != o else None
        self.drop = nn.Dropout(0.2)

    def forward(self, x):
        y = self.drop(torch.relu(self.conv1(x)[:, :, :-self.cut].contiguous()))
        y = self.drop(torch.relu(self.conv2(y)[:, :, :-self.cut].contiguous()))
        return torch.relu(y + (x if self.skip is None else self.skip(x)))


class Tcn(nn.Module):
    """The blocks of Bai et al., padded on both sides and cut."""
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block(3, 6, 3, 1), Block(6, 6, 3, 2))
        self.head = nn.Linear(6, 2)

    def forward(self, x):
        return self.head(self.blocks(x.transpose(1, 2))[:, :, -1])


class Padded(nn.Module):
    """Causal by padding on the left, with layer norm and GELU, an output at every bar."""
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv1d(3, 6, 3, dilation=2), nn.LayerNorm(6), nn.Linear(6, 1)

    def forward(self, x):
        y = self.conv(nn.functional.pad(x.transpose(1, 2), (4, 0))).transpose(1, 2)
        return self.head(nn.functional.gelu(self.norm(y)))


class Cnn(nn.Module):
    """Batch norm, pooling, a strided and a grouped convolution."""
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(3, 8, 3, padding=1), nn.BatchNorm1d(8), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(8, 8, 3, stride=2, groups=4), nn.BatchNorm1d(8), nn.ELU(), nn.AvgPool1d(2, padding=1),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(8, 4), nn.LogSoftmax(-1))

    def forward(self, x):
        return self.body(x.transpose(1, 2))


class Mlp(nn.Module):
    """On vectors, with most activations."""
    def __init__(self):
        super().__init__()
        acts = [nn.LeakyReLU(0.1), nn.SiLU(), nn.Hardsigmoid(), nn.Hardswish(), nn.Softplus(), nn.SELU(), nn.Mish(),
                nn.Tanh(), nn.Sigmoid(), nn.ReLU6(), nn.Softsign(), nn.CELU(0.7), nn.GELU(approximate="tanh")]
        self.body = nn.Sequential(nn.BatchNorm1d(6), *[m for a in acts for m in (nn.Linear(6, 6), a)], nn.Linear(6, 2))

    def forward(self, x):
        return self.body(x)


class Attention(nn.Module):
    """One head of self-attention: products of two values, and shapes taken apart."""
    def __init__(self):
        super().__init__()
        self.qkv, self.head = nn.Linear(4, 12), nn.Linear(4, 2)

    def forward(self, x):
        n, t, c = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, c).permute(2, 0, 1, 3)
        a = torch.softmax(q @ k.transpose(1, 2) / c ** 0.5, -1)
        return self.head((a @ v).mean(1))


def save(name, model, X):
    """A fixture from a file or a ModelProto."""
    path = f"{OUT}/{name}.onnx"
    if not isinstance(model, str):
        onnx.save(model, path)
    else:
        model = onnx.load(model)
        for field in ("doc_string", "metadata_props"):
            for node in model.graph.node:
                node.ClearField(field)
        for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
            value.ClearField("metadata_props")
        del model.graph.value_info[:]
        model.ClearField("metadata_props")
        model.graph.ClearField("metadata_props")
        onnx.save(model, path)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    y = session.run(None, {session.get_inputs()[0].name: X})[0]
    model = onnx.load(path)
    if not model.graph.output[0].type.tensor_type.HasField("shape"):
        # Known only now.
        for i in range(y.ndim):
            model.graph.output[0].type.tensor_type.shape.dim.add().dim_param = f"d{i}"
        onnx.save(model, path)
    onnx.checker.check_model(model, full_check=True)
    np.save(f"{OUT}/{name}.x.npy", X)
    np.save(f"{OUT}/{name}.y.npy", y)
    print("%-24s %6d bytes  %s -> %s" % (name, os.path.getsize(path), X.shape, y.shape))


def data(*shape):
    return (1.5 * rng.normal(size=shape)).astype(np.float32)


for name, make, shape in (("lstm", Lstm, (3, 9, 3)), ("gru", Gru, (3, 9, 3)), ("tcn", Tcn, (3, 12, 3)),
                          ("padded", Padded, (3, 9, 3)), ("cnn", Cnn, (3, 21, 3)), ("mlp", Mlp, (5, 6)),
                          ("attention", Attention, (3, 7, 4))):
    torch.manual_seed(1)
    net = make()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm1d):
            m.running_mean.normal_()
            m.running_var.uniform_(0.5, 2)
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias)
    net.eval()
    X = data(*shape)
    x = torch.from_numpy(X)
    for kind in ("legacy", "dynamo"):
        path = f"{OUT}/tmp.onnx"
        axes = {0: "N", 1: "T"} if len(shape) == 3 else {0: "N"}
        try:
            if kind == "legacy":
                torch.onnx.export(net, (x,), path, dynamo=False, input_names=["x"], output_names=["y"],
                                  dynamic_axes={"x": axes}, opset_version=17)
            else:
                # Pools of a free length are more than this exporter takes.
                dims = {k: torch.export.Dim.DYNAMIC for k in axes if name != "cnn" or k == 0}
                torch.onnx.export(net, (x,), path, dynamo=True, input_names=["x"], output_names=["y"],
                                  dynamic_shapes=(dims,), external_data=False, verbose=False)
        except Exception as e:
            print("%s_%s is not exported: %s" % (name, kind, str(e).splitlines()[0]))
            continue
        save(f"{name}_{kind}", path, X)
        os.remove(path)


def graph(name, nodes, X, constants=(), opset=17, output="y"):
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *X.shape[1:]])]
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    g = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants])
    save("op_" + name, helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), X)


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(","), outputs.split(","), **attributes)


T, F, H = 5, 3, 4
for name, op, G, D, more in (("gru_before", "GRU", 3, 1, {}), ("gru_after", "GRU", 3, 1, {"linear_before_reset": 1}),
                             ("gru_before_both", "GRU", 3, 2, {"direction": "bidirectional"}),
                             ("gru_reverse", "GRU", 3, 1, {"direction": "reverse", "linear_before_reset": 1}),
                             ("lstm_both", "LSTM", 4, 2, {"direction": "bidirectional"})):
    weights = [("W", data(D, G * H, F)), ("R", data(D, G * H, H) / 3), ("B", data(D, 2 * G * H)),
               ("s", np.array([0, 0, -1], np.int64))]
    graph(name, [node("Transpose", "x", "t", perm=[1, 0, 2]), node(op, "t,W,R,B", "a", hidden_size=H, **more),
                 node("Transpose", "a", "b", perm=[2, 0, 1, 3]), node("Reshape", "b,s", "y")], data(3, T, F), weights)
H1 = data(1, 2, H)
graph("lstm_states", [node("Transpose", "x", "t", perm=[1, 0, 2]),
                      node("LSTM", "t,W,R,,,h,c", ",h1,c1", hidden_size=H,
                           activations=["Sigmoid", "Tanh", "Tanh"]), node("Concat", "h1,c1", "b", axis=2),
                      node("Squeeze", "b,zero", "y")],
      data(2, T, F), [("W", data(1, 4 * H, F)), ("R", data(1, 4 * H, H)), ("h", H1), ("c", -H1),
                      ("zero", np.array([0], np.int64))])
graph("elementwise", [node("Abs", "x", "a"), node("Add", "a,one", "b"), node("Log", "b", "c"), node("Sqrt", "b", "d"),
                      node("Pow", "d,three", "e"), node("Max", "c,e,x", "f"), node("Min", "f,big", "g"),
                      node("Clip", "g,low,big", "h"), node("Neg", "h", "i"), node("Exp", "i", "j"), node("Erf", "x", "k"),
                      node("PRelu", "x,slope", "l"), node("Reciprocal", "b", "m"), node("ThresholdedRelu", "x", "n", alpha=0.5),
                      node("Sum", "j,k,l,m,n", "o"), node("Sub", "o,one", "p"), node("Div", "p,b", "y")],
      data(3, 4, 5), [("one", np.float32(1)), ("three", np.float32(3)), ("big", np.float32(3)), ("low", np.float32(0.7)),
                      ("slope", data(5))])
graph("reductions", [node("ReduceMax", "x", "a", axes=[1], keepdims=0), node("ReduceMin", "x", "b", axes=[-2], keepdims=0),
                     node("ReduceL2", "x", "c", axes=[1], keepdims=0), node("ReduceSum", "x,one", "d", keepdims=0),
                     node("ReduceL1", "x", "e", axes=[1], keepdims=0), node("Concat", "a,b,c,d,e", "y", axis=-1)],
      data(3, 4, 5), [("one", np.array([1], np.int64))])
graph("pools", [node("Transpose", "x", "t", perm=[0, 2, 1]),
                node("AveragePool", "t", "a", kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1),
                node("MaxPool", "t", "b", kernel_shape=[3], strides=[2], auto_pad="SAME_UPPER"),
                node("MaxPool", "t", "c", kernel_shape=[2], dilations=[2], strides=[2], ceil_mode=1),
                node("GlobalMaxPool", "t", "d"), node("GlobalAveragePool", "t", "e"),
                node("Concat", "a,b,c,d,e", "f", axis=2), node("Flatten", "f", "y")], data(2, 9, 3))
graph("plumbing", [node("Slice", "x,s0,s1,s2,s3", "a"), node("Pad", "a,pads,v", "b"), node("Split", "b,sizes", "c,d", axis=2),
                   node("Gather", "d,index", "e", axis=1), node("Shape", "c", "f"), node("Gather", "f,zero", "g", axis=0),
                   node("Concat", "g,minus", "h", axis=0), node("Reshape", "e,h", "i"), node("Reshape", "c,h", "j"),
                   node("Expand", "one,four", "k"), node("Concat", "i,j", "l", axis=1), node("Dropout", "l", "m"),
                   node("Unsqueeze", "m,zero", "n"), node("Squeeze", "n,zero", "o"), node("Identity", "o", "y")],
      data(2, 5, 6), [("s0", np.array([-1, 1], np.int64)), ("s1", np.array([-2 ** 63, 6], np.int64)),
                      ("s2", np.array([1, 2], np.int64)), ("s3", np.array([-2, 2], np.int64)),
                      ("pads", np.array([0, 1, -1, 0, 0, 2], np.int64)), ("v", np.float32(0.5)),
                      ("sizes", np.array([1, 3], np.int64)), ("index", np.array([[0, -1], [2, 1]], np.int64)),
                      ("zero", np.array([0], np.int64)), ("minus", np.array([-1], np.int64)),
                      ("one", np.float32(1).reshape(1)), ("four", np.array([4], np.int64))])
graph("gemm", [node("Gemm", "x,b,c", "a", alpha=0.5, beta=2.0), node("Gemm", "a,d", "e", transA=1, transB=0),
               node("MatMul", "x,e", "f"), node("HardSigmoid", "f", "y")],
      data(4, 5), [("b", data(5, 5)), ("c", data(4, 1)), ("d", data(4, 3))])
graph("old", [node("Squeeze", "x", "a", axes=[2]), node("Unsqueeze", "a", "b", axes=[1]),
              node("Pad", "b", "c", pads=[0, 0, 2, 0, 0, 0], mode="constant", value=0.0),
              node("Conv", "c,w", "d", auto_pad="VALID"), node("Slice", "d", "e", axes=[2], starts=[1], ends=[100]),
              node("Clip", "e", "f", min=-1.0, max=1.0), node("Softmax", "f", "y", axis=1)],
      data(2, 6, 1), [("w", data(3, 1, 3))], opset=9)
graph("batch_norm", [node("Transpose", "x", "t", perm=[0, 2, 1]), node("Conv", "t,w,b", "c", group=2, pads=[1, 0]),
                     node("BatchNormalization", "c,g,h,m,v", "n", epsilon=1e-3), node("Conv", "t,w", "d", group=2, pads=[1, 0]),
                     node("BatchNormalization", "d,g,h,m,v", "o"), node("Sub", "n,o", "p"), node("Add", "p,d", "y")],
      data(2, 7, 4), [("w", data(6, 2, 2)), ("b", data(6)), ("g", data(6)), ("h", data(6)), ("m", data(6)),
                      ("v", np.abs(data(6)) + 0.1)])
graph("truths", [node("Greater", "x,half", "a"), node("Less", "x,small", "b"), node("Or", "a,b", "c"), node("Not", "c", "d"),
                 node("GreaterOrEqual", "x,small", "e"), node("And", "d,e", "f"), node("LessOrEqual", "x,x", "g"),
                 node("And", "f,g", "h"), node("Where", "h,x,half", "i"), node("Equal", "i,half", "j"), node("Where", "j,x,i", "k"),
                 node("Where", "mask,k,small", "y")],
      data(3, 4), [("half", np.float32(0.5)), ("small", np.float32(-0.5)), ("mask", np.array([True, False, True, True]))])
graph("numbers", [helper.make_node("Constant", [], ["i"], value_ints=[2, 3]), helper.make_node("Constant", [], ["j"], value_int=2),
                  helper.make_node("Constant", [], ["f"], value_floats=[0.5, 1.5, 2.5]),
                  helper.make_node("Constant", [], ["g"], value_float=0.25),
                  node("Size", "x", "s"), node("ReduceProd", "i", "six", keepdims=0), node("Mod", "s,j", "m"), node("Range", "m,six,j", "r"),
                  node("Cast", "r", "rf", to=TensorProto.FLOAT), node("Mul", "rf,f", "a"), node("Cast", "a", "b", to=TensorProto.INT64),
                  node("Max", "b,j", "c"), node("Sub", "c,j", "d"), node("Cast", "d", "e", to=TensorProto.BOOL), node("Neg", "d", "k"),
                  node("Abs", "k", "l"), node("Equal", "l,d", "n"), node("And", "e,n", "o"), node("Where", "o,c,d", "p"),
                  node("Cast", "p", "q", to=TensorProto.DOUBLE), node("Cast", "q", "t", to=TensorProto.FLOAT), node("Add", "x,t", "u"),
                  node("Mul", "u,g", "v"), node("Add", "v,a", "w"), node("ReduceProd", "w", "z", axes=[1]), node("Div", "s,j", "s2"),
                  node("Cast", "s2", "s3", to=TensorProto.FLOAT), node("Add", "z,s3", "y")], data(2, 3))
w = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], float_data=[1, 2, 3])
d = TensorProto(name="d", data_type=TensorProto.DOUBLE, dims=[1], double_data=[0.5])
i = TensorProto(name="i", data_type=TensorProto.INT64, dims=[2], int64_data=[0, -1])
j = TensorProto(name="j", data_type=TensorProto.INT32, dims=[1], int32_data=[1])
model = helper.make_model(helper.make_graph(
    [node("Add", "x,w", "a"), node("Reshape", "a,i", "b"), node("Cast", "d", "c", to=TensorProto.FLOAT), node("Mul", "b,c", "e"),
     node("Gather", "e,j", "y", axis=1)], "lists", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [w, d, i, j]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
save("op_lists", model, data(2, 3))
