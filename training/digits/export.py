"""Writes the network as ONNX: uint8 in, probabilities out, batch normalisation folded into the convolutions."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper
from torch import nn

REVISION = "1"


def make_onnx(network: nn.Sequential, temperature: float) -> bytes:
    """Input `image` uint8 [batch, 1, 28, 28], output `probabilities` float32 [batch, 10]."""
    nodes, weights = [helper.make_node("Cast", ["image"], ["raw"], to=TensorProto.FLOAT)], []
    last, layers = "raw", list(network)

    def constant(name, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype=np.float32), name))
        return name

    def add(op, inputs, **attributes):
        nonlocal last
        last = f"{op.lower()}{len(nodes)}"
        nodes.append(helper.make_node(op, inputs, [last], **attributes))

    add("Mul", [last, constant("scale", np.float32(1 / 255))])
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.Conv2d):
            norm = layers[index + 1]
            gain = (norm.weight / (norm.running_var + norm.eps).sqrt()).detach()
            kernel = (layer.weight.detach() * gain[:, None, None, None]).numpy()
            bias = (norm.bias.detach() - norm.running_mean * gain).numpy()
            inputs = [last, constant(f"kernel{index}", kernel), constant(f"bias{index}", bias)]
            add("Conv", inputs, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        elif isinstance(layer, nn.ReLU):
            add("Relu", [last])
        elif isinstance(layer, nn.MaxPool2d):
            add("MaxPool", [last], kernel_shape=[2, 2], strides=[2, 2])
        elif isinstance(layer, nn.AdaptiveAvgPool2d):
            add("GlobalAveragePool", [last])
        elif isinstance(layer, nn.Flatten):
            add("Flatten", [last], axis=1)
        elif isinstance(layer, nn.Linear):
            matrix = layer.weight.detach().numpy() / temperature
            bias = layer.bias.detach().numpy() / temperature
            add("Gemm", [last, constant("matrix", matrix), constant("offset", bias)], transB=1)
    nodes.append(helper.make_node("Softmax", [last], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", 1, 28, 28])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10])],
        weights,
    )
    model = helper.make_model(
        graph, producer_name="hither", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def open_session(model: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def write_model(folder: Path, model: bytes, macs: int, canary: np.ndarray) -> None:
    """Writes model.onnx, manifest.json and the catalogue. `canary`: uint8 [1, 1, 28, 28]."""
    target = folder / "digits" / REVISION
    target.mkdir(parents=True, exist_ok=True)
    (target / "model.onnx").write_bytes(model)
    answer = open_session(model).run(None, {"image": canary})[0]
    manifest = {
        "format": 1,
        "name": "digits",
        "revision": REVISION,
        "title": "Handwritten digits",
        "description": "Tells which digit, 0 to 9, a drawing or a picture of one shows.",
        "task": "image-classification",
        "license": {
            "name": "CC BY-SA 3.0 (trained on MNIST)",
            "url": "https://creativecommons.org/licenses/by-sa/3.0/",
        },
        "card": "README.md",
        "files": [{"path": "model.onnx", "bytes": len(model), "sha256": hashlib.sha256(model).hexdigest()}],
        "graph": "model.onnx",
        "opset": 17,
        "inputs": [{"name": "image", "type": "uint8", "shape": [-1, 1, 28, 28]}],
        "outputs": [{"name": "probabilities", "type": "float32", "shape": [-1, 10]}],
        "labels": [str(digit) for digit in range(10)],
        "preprocessing": {"kind": "ink", "size": 28, "inkSize": 20},
        "complexity": {"macs": macs},
        "tolerance": {"absolute": 0.001},
        "canary": {
            "inputs": [{"name": "image", "type": "uint8", "shape": [1, 1, 28, 28], "data": canary.ravel().tolist()}],
            "outputs": [
                {
                    "name": "probabilities",
                    "type": "float32",
                    "shape": [1, 10],
                    "data": [float(value) for value in answer.ravel()],
                }
            ],
        },
    }
    (target / "manifest.json").write_text(json.dumps(manifest, separators=(",", ":")) + "\n", encoding="utf-8")
    write_catalog(folder)


def write_catalog(folder: Path) -> None:
    """Puts this revision in the place of the model's former one; other models stay."""
    path = folder / "catalog.json"
    catalog = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"format": 1, "models": []}
    entry = {"name": "digits", "revision": REVISION, "manifest": f"digits/{REVISION}/manifest.json"}
    catalog["models"] = [entry, *(model for model in catalog["models"] if model["name"] != "digits")]
    path.write_text(json.dumps(catalog, indent=2) + "\n", encoding="utf-8")
