#!/usr/bin/env python3
"""Seeds of the fuzz targets. needs: pip install numpy onnx; usage: make_corpus.py WICK (a built program)."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper

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


def save(name, content):
    with open(f"{here}/corpus_onnx/{name}.onnx", "wb") as f:
        f.write(content)


def graph(name, shape, nodes, outputs="y", opset=20, whole=False, **constants):
    """A seed: nodes "Op in,in out,out" or (that, attributes) over x of `shape`; its outputs are read as floats."""
    kind = TensorProto.INT64 if whole else TensorProto.FLOAT
    made = []
    for each in nodes:
        text, attributes = each if isinstance(each, tuple) else (each, {})
        op, inputs, names = text.split(" ")
        made.append(helper.make_node(op, inputs.split(","), names.split(","), **attributes))
    g = helper.make_graph(made, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                          [helper.make_tensor_value_info(o, kind, None) for o in outputs.split(",")],
                          [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(g, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    save(name, model.SerializeToString())


f4, i8 = np.float32, np.int64
singles = ["LeakyRelu", "Elu", "Celu", "Selu", "Gelu", ("Gelu", {"approximate": "tanh"}), "HardSigmoid", "HardSwish", "Softplus",
           "Mish", "Softsign", "Not", "Relu", "Tanh", "Sigmoid", "ThresholdedRelu", "Reciprocal"]
graph("act_all", [3], [(f"{s[0]} x y{i}", s[1]) if isinstance(s, tuple) else f"{s} x y{i}" for i, s in enumerate(singles)],
      ",".join(f"y{i}" for i in range(len(singles))))
graph("pow_all", [5], ["Pow x,a a1", "Pow x,b b1", "Pow x,c c1", "Pow x,d d1", "Pow x,e e1"], "a1,b1,c1,d1,e1",
      a=f4(2), b=f4(0.5), c=f4(3), d=f4(1.5), e=np.array([4, -1, 0, 2.5, -2], f4))
graph("matmul_batches", [2, 2, 3], ["Transpose x t", "MatMul x,t y", "MatMul x,w z", "MatMul x,v u"], "y,z,u",
      w=np.ones((3, 4), f4), v=np.ones((1, 3, 2), f4))
graph("matmul_outer", [2, 1, 2, 3], ["MatMul x,w y"], w=np.ones((1, 3, 3, 2), f4))
graph("gemm_forms", [2, 3], [("Gemm x,w a", {"transA": 1, "alpha": 0.5}), ("Gemm x,x,c b", {"transB": 1, "beta": 2.0}),
                             ("Gemm x,v,d y", {"transB": 1})], "a,b,y",
      w=np.ones((2, 2), f4), c=np.ones((2, 1), f4), v=np.ones((4, 3), f4), d=np.ones(4, f4))
graph("conv_groups", [1, 4, 6], [("Conv x,w,b y", {"group": 2, "strides": [2], "dilations": [2], "pads": [1, 2]})],
      w=np.ones((6, 2, 2), f4), b=np.ones(6, f4))
pairs = ["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or"]
graph("whole_pairs", [2], ["Shape x s"] + [f"{op} a,b y{i}" for i, op in enumerate(pairs)] + ["Neg a n", "Abs a m", "Not a o"],
      ",".join([f"y{i}" for i in range(len(pairs))] + ["n", "m", "o"]), whole=True, a=np.array([-7, 5], i8), b=np.array([3, -5], i8))
graph("where_all", [2, 2], ["Where c,x,w a", "Equal x,w e", "Where e,x,w y", "Where c,i,j k"], "a,y", c=np.array([True, False]),
      w=f4(1), i=np.array([1, 2], i8), j=i8(4))
graph("one_input", [3], ["Sum x a", "Max x b", "Min x c", "Sum a,b,c,x y"])
graph("clip_forms", [3], ["Clip x,,high a", "Clip x,low y"], "a,y", high=f4(1), low=f4(-1))
# Refused, each for another reason.
for name, shape, nodes, constants in (
        ("matmul_vector", [3], ["MatMul x,x y"], {}), ("matmul_meet", [2, 3], ["MatMul x,x y"], {}),
        ("matmul_batch", [2, 2, 2], ["MatMul x,w y"], {"w": np.ones((3, 2, 2), f4)}),
        ("gemm_vector", [3], ["Gemm x,x y"], {}), ("gemm_meet", [2, 3], ["Gemm x,x y"], {}),
        ("gemm_add", [2, 2], ["Gemm x,x,c y"], {"c": np.ones((3, 1), f4)}),
        ("gemm_wide", [2, 2], ["Gemm x,x,c y"], {"c": np.ones((1, 2, 2), f4)}),
        ("conv_rank", [2, 3], ["Conv x,w y"], {"w": np.ones((1, 3, 1), f4)}),
        ("conv_groups", [1, 3, 4], [("Conv x,w y", {"group": 2})], {"w": np.ones((2, 3, 1), f4)}),
        ("conv_free", [1, 3, 4], ["Relu x w", "Conv x,w y"], {}),
        ("div_zero", [2], ["Div a,b c", "Reshape x,c y"], {"a": i8(2), "b": i8(0)}),
        ("mod_float", [2], ["Mod x,x y"], {}), ("sqrt_whole", [2], ["Sqrt a y"], {"a": i8(2)}),
        ("pow_whole", [2], ["Pow a,a y"], {"a": i8(2)}), ("mixed", [2], ["Add x,a y"], {"a": i8(2)}),
        ("three_whole", [2], ["Sum a,a,a y"], {"a": i8(2)}), ("broadcast", [2], ["Add x,a y"], {"a": np.ones(3, f4)}),
        ("where_mixed", [2], ["Where c,x,i y"], {"c": np.array([True]), "i": i8(1)}),
        ("clip_bounds", [2], ["Clip x,low y"], {"low": np.ones(2, f4)})):
    graph("no_" + name, shape, nodes, **constants)

graph("move_scalars", [2], ["Transpose a t", "Reshape x,two r", "Transpose r s", ("Concat a1,a1 c", {"axis": 0}), "Transpose f,,, g"],
      "s,g", a=i8(3), two=np.array([2, 1], i8), a1=np.array([1], i8), f=f4(1))
graph("move_nothing", [2, 0, 3], [("Transpose x a", {"perm": [2, 0, 1]}), ("Gather x,i b", {"axis": 2}), "Expand x,e c",
                                  ("Concat x,x d", {"axis": 1})], "a,b,c,d", i=np.array([0, -1], i8), e=np.array([2, 2, 0, 3], i8))
graph("pad_axes", [2, 3], ["Pad x,p,v,w y", "Pad x,q z", ("Pad x,n u", {"mode": "constant"})], "y,z,u", p=np.array([1, 2], i8), v=f4(7),
      w=np.array([1], i8), q=np.array([-1, 0, 2, -1], i8), n=np.array([0, -3, 0, 0], i8))
graph("constants", [2], [("Constant  a", {"value": numpy_helper.from_array(np.ones(2, f4))}),
                         ("Constant  i", {"value": numpy_helper.from_array(np.array([1], i8))}),
                         ("ConstantOfShape s b", {"value": numpy_helper.from_array(np.array([3], f4))}), "ConstantOfShape s c",
                         ("ConstantOfShape s j", {"value": numpy_helper.from_array(np.array([4], i8))}),
                         "Reshape x,j2 r", "Add a,b d", "Add c,d e", "Add e,x y", ("Concat i,j k", {"axis": 0})], "y,r",
      s=np.array([2], i8), j2=np.array([-1], i8))
graph("casts", [2], [("Cast h a", {"to": TensorProto.INT64}), ("Cast a b", {"to": TensorProto.BOOL}), ("Cast h c", {"to": TensorProto.BOOL}),
                     ("Cast c d", {"to": TensorProto.FLOAT}), ("Cast x e", {"to": TensorProto.DOUBLE})], "d,e", h=np.array([0.5, -2], f4))
for name, shape, nodes, constants in (
        ("perm_short", [2, 3], [("Transpose x y", {"perm": [0]})], {}), ("perm_twice", [2, 3], [("Transpose x y", {"perm": [0, 0]})], {}),
        ("concat_fit", [2, 3], [("Concat x,w y", {"axis": 0})], {"w": np.ones((2, 2), f4)}),
        ("slice_lists", [3], ["Slice x,a,b y"], {"a": np.array([0], i8), "b": np.array([1, 2], i8)}),
        ("slice_step", [3], ["Slice x,a,b,a,a y"], {"a": np.array([0], i8), "b": np.array([2], i8)}),
        ("split_count", [3], ["Split x,a y,z"], {"a": np.array([3], i8)}), ("split_past", [3], ["Split x,a y"], {"a": np.array([4], i8)}),
        ("split_short", [3], ["Split x,a y"], {"a": np.array([2], i8)}), ("gather_float", [3], ["Gather x,w y"], {"w": f4(0)}),
        ("gather_past", [3], ["Gather x,a y"], {"a": i8(3)}), ("expand_negative", [3], ["Expand x,a y"], {"a": np.array([-2], i8)}),
        ("expand_long", [3], ["Expand x,a y"], {"a": np.ones(9, i8)}), ("pad_mode", [3], [("Pad x,a y", {"mode": "edge"})], {"a": np.ones(2, i8)}),
        ("pad_value", [3], ["Pad x,a,v y"], {"a": np.ones(2, i8), "v": np.ones(2, f4)}), ("pad_short", [3], ["Pad x,a y"], {"a": np.ones(1, i8)}),
        ("pad_cut", [3], ["Pad x,a y"], {"a": np.array([-2, -2], i8)}), ("reshape_long", [3], ["Reshape x,a y"], {"a": np.ones(9, i8)}),
        ("reshape_twice", [3], ["Reshape x,a y"], {"a": np.array([-1, -1], i8)}), ("reshape_copy", [3], ["Reshape x,a y"], {"a": np.array([3, 0], i8)}),
        ("reshape_wide", [3], ["Reshape x,a y"], {"a": np.full(2, 1 << 20, i8)}), ("squeeze_twice", [1], ["Squeeze x,a y"], {"a": np.zeros(2, i8)}),
        ("squeeze_place", [3], ["Squeeze x,a y"], {"a": np.zeros(1, i8)}), ("unsqueeze_long", [3], ["Unsqueeze x,a y"], {"a": np.zeros(8, i8)}),
        ("flatten_axis", [3], [("Flatten x y", {"axis": 4})], {}), ("constant_none", [1], [("Constant  y", {"value_string": "a"})], {}),
        ("constant_shape", [1], ["ConstantOfShape a y"], {"a": np.array([-1], i8)}), ("constant_long", [1], ["ConstantOfShape a y"], {"a": np.ones(9, i8)}),
        ("range_float", [1], ["Range w,w,w y"], {"w": f4(1)}), ("range_step", [1], ["Range a,a,a y"], {"a": i8(0)}),
        ("cast_type", [1], [("Cast x y", {"to": TensorProto.FLOAT16})], {}), ("cast_data", [1], [("Cast x y", {"to": TensorProto.INT64})], {}),
        ("cast_wide", [1], [("Cast w y", {"to": TensorProto.INT64})], {"w": f4(1e30)})):
    graph("no_" + name, shape, nodes, **constants)


# Files that are refused while they are read, byte by byte.
def varint(x):
    return bytes([x & 127 | 128]) + varint(x >> 7) if x > 127 else bytes([x])


def part(number, content):
    """A field: a number, or bytes (of a message, a text or a packed list)."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def port(name, *dims, kind=1):
    return part(1, name) + part(2, part(1, part(1, kind) + part(2, b"".join(part(1, part(1, d)) for d in dims))))


def file(name, *parts, opset=13, ports=True):
    usual = part(11, port(b"x", 2)) + part(12, port(b"y")) if ports else b""
    save("bad_" + name, part(8, part(2, opset)) + part(7, b"".join(parts) + usual))


relu = part(1, part(1, b"x") + part(2, b"y") + part(4, b"Relu"))
file("wire_of_node", part(1, 1))
file("tensor_dims_wire", part(5, varint(1 << 3 | 5) + bytes(4)))
file("tensor_dims_cut", part(5, part(1, b"\x80")))
file("tensor_dims_many", part(5, part(1, bytes([1] * 9))))
file("tensor_dims_wide", part(5, part(1, 1 << 20) + part(2, 1)))
file("tensor_floats_cut", part(5, part(1, 1) + part(2, 1) + part(4, b"123")))
file("tensor_floats_many", part(5, part(1, 1) + part(2, 1) + part(4, bytes(8))))
file("tensor_floats_few", part(5, part(1, 2) + part(2, 1) + part(4, bytes(4))))
file("tensor_doubles_many", part(5, part(1, 1) + part(2, 11) + part(10, bytes(16))))
file("tensor_raw_wire", part(5, part(9, 1)))
file("tensor_raw_short", part(5, part(1, 2) + part(2, 1) + part(9, bytes(4))))
file("tensor_half", part(5, part(2, 10)))
file("tensor_outside", part(5, part(2, 1) + part(13, b"")))
file("tensor_location", part(5, part(2, 1) + part(14, 1)))
file("tensor_twice", part(5, part(1, 1) + part(2, 11) + part(8, b"a") + part(9, bytes(8))) * 2)
file("name_of_zeros", part(1, part(3, b"a\0b")))
file("node_graph", part(1, part(4, b"If") + part(5, part(6, b""))))
file("node_domain", part(1, part(4, b"Mine") + part(7, b"com.me")))
file("node_cycle", part(1, part(1, b"y") + part(2, b"y") + part(4, b"Relu")))
file("node_tensor", part(1, part(4, b"Constant") + part(5, part(1, b"value") + part(5, part(2, 10)))))
file("input_rank", part(11, port(b"z", *[1] * 9)))
file("input_dim", part(11, port(b"z", 1 << 40)))
file("input_whole", part(11, port(b"z", kind=7)))
file("output_unknown", relu, part(12, port(b"z")))
file("no_outputs", ports=False)
file("sparse", part(15, b""))
file("opset", relu, opset=3)
file("shape_cut", part(11, part(1, b"z") + part(2, part(1, part(1, 1) + part(2, b"\x0a\x05")))))
save("bad_two_graphs", part(8, part(2, 13)) + part(7, b"") * 2)
