"""The arithmetic of hashing.py as ONNX nodes: from int32 code points `text` [1, count] to bucket numbers."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

from text_features.hashing import BLOCK, FACTORS, FLAG_TABLE, FLAGS, ORDERS, PLACES, POSITIONS, PRIME, SPACE, STEP, WORD


class Graph:
    """Collects nodes and weights; each method returns the name of what it made."""

    def __init__(self, name: str):
        self.name, self.nodes, self.weights, self.made = name, [], [], {}

    def constant(self, value, dtype=np.int64) -> str:
        array = np.array(value, dtype=dtype, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self.made:
            self.made[key] = f"weight{len(self.weights)}"
            self.weights.append(numpy_helper.from_array(array, self.made[key]))
        return self.made[key]

    def add(self, op: str, *inputs: str, name: str | None = None, **attributes) -> str:
        output = name or f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], **attributes))
        return output

    def cast(self, value: str, to: int) -> str:
        return self.add("Cast", value, to=to)

    def slice(self, value: str, start: int, end: int) -> str:
        return self.add("Slice", value, self.constant([start]), self.constant([end]), self.constant([0]))

    def modulo(self, value: str, factor: int, divisor: int) -> str:
        product = self.add("Mul", value, self.constant(factor)) if factor != 1 else value
        return self.add("Mod", product, self.constant(divisor))

    def finish(self, outputs: int) -> bytes:
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info("text", TensorProto.INT32, [1, "count"])],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, outputs])],
            self.weights,
        )
        model = helper.make_model(
            graph, producer_name="hither", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
        )
        checker.check_model(model, full_check=True)
        return model.SerializeToString()


END = 2**62
UNKNOWN = 0xFFFD
PAD = max(ORDERS) + 1


class TextNodes:
    """Code points with separators as spaces, one space at both ends, and where words begin."""

    def __init__(self, graph: Graph, flags=FLAG_TABLE, squeeze=False):
        """`squeeze`: several separators in a row count as one, and a text of nothing else as an unknown word."""
        self.graph = g = graph
        points = g.add("Reshape", g.cast("text", TensorProto.INT64), g.constant([-1]))
        points = g.add("Max", points, g.constant(0))
        flags = g.add("Gather", g.constant(flags, np.uint8), g.add("Min", points, g.constant(FLAGS - 1)))
        parts = g.add("And", g.cast(flags, TensorProto.BOOL), g.add("Less", points, g.constant(FLAGS)))
        clean = g.add("Where", parts, g.constant(SPACE), points)
        if squeeze:
            letters = g.cast(g.add("Not", g.add("Equal", clean, g.constant(SPACE))), TensorProto.INT32)
            some = g.cast(g.add("ReduceMax", letters, keepdims=0), TensorProto.BOOL)
            clean = g.add("Where", some, clean, g.constant(UNKNOWN))
        clean = g.add("Pad", clean, g.constant([1, 1]), g.constant(SPACE))
        if squeeze:
            space = g.add("Equal", clean, g.constant(SPACE))
            before = g.add("Concat", g.constant([False], np.bool_), g.slice(space, 0, -1), axis=0)
            clean = g.add("Compress", clean, g.add("Not", g.add("And", space, before)), axis=0)
        # Spaces for the windows that begin at the last letters.
        self.padded = g.add("Pad", clean, g.constant([0, PAD]), g.constant(SPACE))
        self.spaces = g.add("Equal", self.padded, g.constant(SPACE))
        self.text, self.space = g.slice(self.padded, 0, -PAD), g.slice(self.spaces, 0, -PAD)
        self.letter = g.add("Not", self.space)
        self.bounds = g.add("Squeeze", g.add("NonZero", self.space), g.constant([0]))
        self.owner = g.add(
            "Sub",
            g.add("CumSum", g.cast(self.space, TensorProto.INT64), g.constant(0)),
            g.constant(1),
        )

    def bucket(self, value: str, factor: int, buckets: int) -> str:
        return self.graph.modulo(self.graph.modulo(value, factor, PRIME), 1, buckets)

    def ngrams(self, orders=ORDERS):
        """For each order, (hash, whether the window counts), both as long as the text with its two spaces."""
        g, value = self.graph, self.text
        for order in range(1, max(orders) + 1):
            if order > 1:
                following = g.slice(self.padded, order - 1, order - 1 - PAD)
                value = g.modulo(g.add("Add", g.add("Mul", value, g.constant(STEP)), following), 1, PRIME)
            inner = self.space
            if order == 2:
                inner = g.add("And", self.space, g.slice(self.spaces, 1, 1 - PAD))
            elif order > 2:
                inner = g.slice(self.spaces, 1, 1 - PAD)
                for place in range(2, order - 1):
                    inner = g.add("Or", inner, g.slice(self.spaces, place, place - PAD))
            if order in orders:
                yield order, value, g.add("Not", inner)

    def words(self):
        """(hash, whether it has letters), one for each stretch between two spaces."""
        g = self.graph
        length = g.add("Squeeze", g.add("Shape", self.text), g.constant([0]))
        index = g.add("Range", g.constant(0), length, g.constant(1))
        place = g.add("Sub", g.add("Sub", index, g.add("Gather", self.bounds, self.owner)), g.constant(1))
        place = g.add("Min", g.add("Max", place, g.constant(0)), g.constant(POSITIONS - 1))
        scored = g.add("Mul", self.text, g.add("Gather", g.constant(PLACES), place))
        scored = g.add("Mul", g.modulo(scored, 1, PRIME), g.cast(self.letter, TensorProto.INT64))
        sums = g.add("Gather", g.add("CumSum", scored, g.constant(0)), self.bounds)
        whole = g.modulo(g.add("Sub", g.slice(sums, 1, END), g.slice(sums, 0, -1)), 1, PRIME)
        sizes = g.add("Sub", g.slice(self.bounds, 1, END), g.slice(self.bounds, 0, -1))
        return whole, g.add("Greater", sizes, g.constant(1))

    def language_features(self, buckets: int):
        """All features as (bucket numbers int64 [features], whether each counts float32 [1, features])."""
        g, numbers, counts = self.graph, [], []
        for order, value, counted in self.ngrams():
            numbers.append(self.bucket(value, FACTORS[order - 1], buckets))
            counts.append(counted)
        whole, counted = self.words()
        numbers += [self.bucket(whole, FACTORS[WORD], buckets)]
        numbers += [self.bucket(g.add("Div", self.text, g.constant(128)), FACTORS[BLOCK], buckets)]
        counts += [counted, self.letter]
        mask = g.cast(g.add("Concat", *counts, axis=0), TensorProto.FLOAT)
        return g.add("Concat", *numbers, axis=0), g.add("Unsqueeze", mask, g.constant([0]))


def pack(whole: np.ndarray) -> np.ndarray:
    """Whole numbers from -8 to 7, [rows, width], two to a byte: the first half of the columns in the low four bits."""
    shifted = (whole + 8).astype(np.uint8)
    half = shifted.shape[1] // 2
    return shifted[:, :half] | (shifted[:, half:] << 4)


def bag(graph: Graph, packed: np.ndarray, scale: np.ndarray, numbers: str, mask: str) -> str:
    """For each row of `mask`: the sum of the rows that count, over the root of how many. The sums are of whole numbers:
    exact."""
    g = graph
    rows = g.cast(g.add("Gather", g.constant(packed, np.uint8), numbers), TensorProto.FLOAT)
    high = g.add("Floor", g.add("Mul", rows, g.constant(1 / 16, np.float32)))
    both, upper = g.add("MatMul", mask, rows), g.add("MatMul", mask, high)
    lower = g.add("Sub", both, g.add("Mul", upper, g.constant(16, np.float32)))
    count = g.add("ReduceSum", mask, g.constant([1]), keepdims=1)
    total = g.add("Sub", g.add("Concat", lower, upper, axis=1), g.add("Mul", count, g.constant(8, np.float32)))
    root = g.add("Sqrt", g.add("Max", count, g.constant(1, np.float32)))
    return g.add("Div", g.add("Mul", total, g.constant(scale, np.float32)), root)


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(session, code_points: list[int]) -> np.ndarray:
    return session.run(None, {"text": np.array([code_points], dtype=np.int32)})[0][0]


def write_model(folder: Path, model: bytes, labels: list[str], canary: list[int], facts: dict) -> None:
    """Writes model.onnx and manifest.json into `folder/name/revision`."""
    target = folder / facts["name"] / facts["revision"]
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.onnx").write_bytes(model)
    answer = run(open_session(model), canary)
    manifest = {
        "format": 1,
        **facts,
        "task": "text-classification",
        "card": "README.md",
        "files": [{"path": "model.onnx", "bytes": len(model), "sha256": hashlib.sha256(model).hexdigest()}],
        "graph": "model.onnx",
        "opset": 17,
        "inputs": [{"name": "text", "type": "int32", "shape": [1, -1]}],
        "outputs": [{"name": "probabilities", "type": "float32", "shape": [1, len(labels)]}],
        "labels": labels,
        "tolerance": {"absolute": 0.001},
        "canary": {
            "inputs": [{"name": "text", "type": "int32", "shape": [1, len(canary)], "data": canary}],
            "outputs": [
                {
                    "name": "probabilities",
                    "type": "float32",
                    "shape": [1, len(labels)],
                    "data": [round(float(value), 8) for value in answer],
                }
            ],
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest, separators=(",", ":")) + "\n", encoding="utf-8")
