"""The network as ONNX, in the form of the hub's decoders: matrices in 8 bits, attention written out."""

import sys
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, checker, helper

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from network import Network, Size
from text_features.graph import Graph

OPSET = 18


def to_bytes(weight: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A matrix [out, in] as whole numbers of 8 bits and one scale for each row [out, 1]."""
    matrix = weight.detach().numpy()
    scale = np.abs(matrix).max(1, keepdims=True) / 127
    whole = np.rint(matrix / np.where(scale == 0, 1, scale))
    return whole.astype(np.int8), scale.astype(np.float32)


@torch.no_grad()
def rounded(network: Network) -> Network:
    """The same network with the numbers that its 8 bits stand for."""
    copy = deepcopy(network).eval()
    for weight in copy.parameters():
        if weight.dim() > 1:
            whole, scale = to_bytes(weight)
            weight.copy_(torch.from_numpy(whole.astype(np.float32) * scale))
    return copy


class Decoder(Graph):
    """Nodes of a decoder. `x` is [batch, tokens, width] throughout."""

    def __init__(self, size: Size, eight_bits: bool):
        super().__init__("tales")
        self.size, self.eight_bits = size, eight_bits

    def matrix(self, weight: torch.Tensor, turned: bool) -> str:
        """A weight [out, in], or [in, out] if `turned`. Of these operators the runtime folds constants while it makes a
        session: from then on it is float32. `DequantizeLinear` it would not fold (see README.md)."""
        turn = (lambda array: array.T) if turned else (lambda array: array)
        if not self.eight_bits:
            return self.constant(turn(weight.detach().numpy()), np.float32)
        whole, scale = to_bytes(weight)
        numbers = self.cast(self.constant(turn(whole), np.int8), TensorProto.FLOAT)
        return self.add("Mul", numbers, self.constant(turn(scale), np.float32))

    def times(self, x: str, linear: torch.nn.Linear) -> str:
        return self.add("MatMul", x, self.matrix(linear.weight, turned=True))

    def norm(self, x: str, norm: torch.nn.RMSNorm) -> str:
        squares = self.add("Pow", x, self.constant(2, np.float32))
        mean = self.add("ReduceMean", squares, self.constant([-1]))
        root = self.add("Sqrt", self.add("Add", mean, self.constant(norm.eps, np.float32)))
        return self.add("Mul", self.add("Div", x, root), self.constant(norm.weight.detach().numpy(), np.float32))

    def length(self, of: str) -> str:
        """Of the second dimension: [1]."""
        return self.add("Gather", self.add("Shape", of), self.constant([1]))

    def shape(self, *parts: list[int] | str) -> str:
        joined = [part if isinstance(part, str) else self.constant(part) for part in parts]
        return self.add("Concat", *joined, axis=0)

    def rotations(self) -> tuple[str, str]:
        """Cosines, and sines with the first half negative: [batch, 1, tokens, head]."""
        half = self.size.head // 2
        rates = self.size.theta ** (-torch.arange(0, self.size.head, 2).float() / self.size.head)
        positions = self.cast(self.add("Unsqueeze", "position_ids", self.constant([1, 3])), TensorProto.FLOAT)
        angles = self.add("Mul", positions, self.constant(rates.numpy().reshape(1, 1, 1, half), np.float32))
        cosines, sines = self.add("Cos", angles), self.add("Sin", angles)
        both = self.add("Concat", cosines, cosines, axis=-1)
        return both, self.add("Concat", self.add("Neg", sines), sines, axis=-1)

    def rotate(self, x: str, turn: tuple[str, str]) -> str:
        """`x`: [batch, heads, tokens, head]."""
        half = self.size.head // 2
        name = f"half{len(self.nodes)}"
        outputs = [f"{name}.first", f"{name}.second"]
        self.nodes.append(helper.make_node("Split", [x, self.constant([half, half])], outputs, axis=-1))
        swapped = self.add("Concat", outputs[1], outputs[0], axis=-1)
        return self.add("Add", self.add("Mul", x, turn[0]), self.add("Mul", swapped, turn[1]))

    def mask(self, tokens: str, total: str) -> str:
        """0 where a token may look, a large negative number where it may not: [batch, 1, tokens, past + tokens]."""
        flat = self.constant([0])
        all_of, own = self.add("Squeeze", total, flat), self.add("Squeeze", tokens, flat)
        places = self.add("Range", self.constant(0), all_of, self.constant(1))
        askers = self.add("Range", self.add("Sub", all_of, own), all_of, self.constant(1))
        before = self.add("LessOrEqual", places, self.add("Unsqueeze", askers, self.constant([1])))
        given = self.cast(self.add("Unsqueeze", "attention_mask", self.constant([1, 2])), TensorProto.BOOL)
        lowest = self.constant(np.finfo(np.float32).min, np.float32)
        return self.add("Where", self.add("And", before, given), self.constant(0, np.float32), lowest)

    def attend(self, index: int, layer, x: str, turn: tuple[str, str], looks: str, tokens: str, total: str) -> str:
        size = self.size

        def split(value: str, heads: int) -> str:
            return self.add("Transpose", self.add("Reshape", value, self.constant([0, 0, heads, size.head])), perm=[0, 2, 1, 3])

        q = self.rotate(split(self.times(x, layer.q), size.heads), turn)
        k = self.rotate(split(self.times(x, layer.k), size.kv_heads), turn)
        v = split(self.times(x, layer.v), size.kv_heads)
        keys = self.add("Concat", f"past_key_values.{index}.key", k, name=f"present.{index}.key", axis=2)
        values = self.add("Concat", f"past_key_values.{index}.value", v, name=f"present.{index}.value", axis=2)
        # The heads that share keys lie side by side: one product for all of them, and no key is repeated.
        scaled = self.add("Mul", q, self.constant(size.head**-0.5, np.float32))
        together = self.add("Reshape", scaled, self.constant([0, size.kv_heads, -1, size.head]))
        scores = self.add("MatMul", together, self.add("Transpose", keys, perm=[0, 1, 3, 2]))
        by_head = self.add("Reshape", scores, self.shape([0, size.heads], tokens, [-1]))
        shares = self.add("Softmax", self.add("Add", by_head, looks), axis=-1)
        rejoined = self.add("Reshape", shares, self.shape([0, size.kv_heads, -1], total))
        mixed = self.add("Reshape", self.add("MatMul", rejoined, values), self.shape([0, size.heads], tokens, [size.head]))
        flat = self.add("Reshape", self.add("Transpose", mixed, perm=[0, 2, 1, 3]), self.constant([0, 0, size.width]))
        return self.times(flat, layer.o)

    def feed(self, layer, x: str) -> str:
        gate = self.times(x, layer.gate)
        opened = self.add("Mul", gate, self.add("Sigmoid", gate))
        return self.times(self.add("Mul", opened, self.times(x, layer.up)), layer.down)

    def finish(self) -> bytes:
        size = self.size

        def value(name: str, kind: int, *shape: int | str):
            return helper.make_tensor_value_info(name, kind, ["batch_size", *shape])

        def cache(name: str, length: str):
            return [
                value(f"{name}.{layer}.{part}", TensorProto.FLOAT, size.kv_heads, length, size.head)
                for layer in range(size.layers)
                for part in ("key", "value")
            ]

        inputs = [
            value("input_ids", TensorProto.INT64, "sequence_length"),
            value("attention_mask", TensorProto.INT64, "total_sequence_length"),
            value("position_ids", TensorProto.INT64, "sequence_length"),
            *cache("past_key_values", "past_sequence_length"),
        ]
        outputs = [value("logits", TensorProto.FLOAT, 1, size.vocabulary), *cache("present", "total_sequence_length")]
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, producer_name="hither", ir_version=8, opset_imports=opsets)
        checker.check_model(model, full_check=True)
        return model.SerializeToString()


@torch.no_grad()
def make_onnx(network: Network, eight_bits: bool = True) -> bytes:
    """Inputs `input_ids`, `attention_mask`, `position_ids`, `past_key_values.N.key|value`; outputs `logits` of the last
    token only, [batch, 1, vocabulary], and `present.N.key|value`."""
    size = network.size
    g = Decoder(size, eight_bits)
    turn = g.rotations()
    tokens, total = g.length("input_ids"), g.length("attention_mask")
    looks = g.mask(tokens, total)
    table = g.matrix(network.table.weight, turned=False)
    x = g.add("Gather", table, "input_ids")
    for index, layer in enumerate(network.layers):
        x = g.add("Add", x, g.attend(index, layer, g.norm(x, layer.before), turn, looks, tokens, total))
        x = g.add("Add", x, g.feed(layer, g.norm(x, layer.after)))
    last = g.norm(g.add("Gather", x, g.constant(-1), axis=1), network.norm)
    # The one table reads and writes: `Gemm` takes it as it lies.
    g.add("Unsqueeze", g.add("Gemm", last, table, transB=1), g.constant([1]), name="logits")
    return g.finish()


def count_macs(network: Network) -> int:
    """Multiply-accumulates of a run with every free dimension at 1: one token, which looks at one before it and itself."""
    size = network.size
    matrices = sum(weight.numel() for weight in network.parameters() if weight.dim() > 1)
    return matrices + size.layers * size.heads * 2 * 2 * size.head
