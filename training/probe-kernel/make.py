"""Writes src/edge/worker/probe-kernel.ts: the built-in ONNX kernel that times a backend.

One 3x3 convolution, 32 channels to 32, on an image of any size [1, 32, H, W]. Its weights are a constant fill, so
the file is a few hundred bytes. Run from the project's root: python training/probe-kernel/make.py
"""

import base64
from pathlib import Path

from onnx import TensorProto, checker, helper

CHANNELS = 32
TARGET = Path("src/edge/worker/probe-kernel.ts")


def make_model() -> bytes:
    shape = helper.make_tensor("shape", TensorProto.INT64, [4], [CHANNELS, CHANNELS, 3, 3])
    fill = helper.make_tensor("fill", TensorProto.FLOAT, [1], [0.01])
    graph = helper.make_graph(
        [
            helper.make_node("ConstantOfShape", ["shape"], ["weights"], value=fill),
            helper.make_node("Conv", ["x", "weights"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        ],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, CHANNELS, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, CHANNELS, "h", "w"])],
        [shape],
    )
    model = helper.make_model(
        graph, producer_name="hither", ir_version=8, opset_imports=[helper.make_opsetid("", 17)]
    )
    checker.check_model(model)
    return model.SerializeToString()


def main() -> None:
    encoded = base64.b64encode(make_model()).decode("ascii")
    TARGET.write_text(
        "// Written by training/probe-kernel/make.py: a 3x3 convolution, 32 channels to 32, on [1, 32, H, W].\n"
        "export const probeChannels = 32\n\n"
        "/** Multiply-accumulates of one run on an image of `side` by `side`. */\n"
        "export const probeMacs = (side: number): number => 9 * probeChannels * probeChannels * side * side\n\n"
        "/** The kernel's ONNX file. */\n"
        f"export const probeKernel = (): Uint8Array =>\n"
        f"  Uint8Array.from(\n    atob(\n      '{encoded}',\n    ),\n    (character) => character.charCodeAt(0),\n  )\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
