"""Writes a Triton model repository with the four models, for the Python backend."""

import pathlib
import shutil
import sys

from handlers import KINDS

HERE = pathlib.Path(__file__).parent
#: What an operator is given. Its backend is replaced: the wheel's Triton carries the Python backend alone.
DEPLOYED = HERE / "../../../deploy/triton/models/digits"


def tensor(name, datatype, *dims):
    kind = "TYPE_STRING" if datatype == "BYTES" else f"TYPE_{datatype}"
    return f'{{ name: "{name}" data_type: {kind} dims: {list(dims)} }}'


MODELS = {
    "digits": None,
    "echo": None,
    "slow": (["x", "FP32", -1], ["y", "FP32", -1]),
    "fail": (["x", "FP32", -1], ["y", "FP32", -1]),
}

# A queue of one, so that a third request is refused by Triton itself.
QUEUE = "dynamic_batching { default_queue_policy { max_queue_size: 1 } }"


def config(name):
    if name == "digits":
        text = (DEPLOYED / "config.pbtxt").read_text()
        assert 'platform: "onnxruntime_onnx"' in text
        return text.replace('platform: "onnxruntime_onnx"', 'backend: "python"')
    if name == "echo":
        inputs = [f'{tensor(f"{kind}-in", kind, -1)[:-1]} optional: true }}' for kind in KINDS]
        outputs = [tensor(f"{kind}-out", kind, -1) for kind in KINDS]
    else:
        given, made = MODELS[name]
        inputs, outputs = [tensor(*given)], [tensor(*made)]
    lines = [
        f'name: "{name}"',
        'backend: "python"',
        f"input [{', '.join(inputs)}]",
        f"output [{', '.join(outputs)}]",
        "instance_group [{ kind: KIND_CPU count: 1 }]",
    ]
    if name == "slow":
        lines.append(QUEUE)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    for name in MODELS:
        (root / name / "1").mkdir(parents=True, exist_ok=True)
        (root / name / "config.pbtxt").write_text(config(name))
        if name == "digits":
            shutil.copy(DEPLOYED / "labels.txt", root / name / "labels.txt")
        shutil.copy(HERE / "model.py", root / name / "1" / "model.py")
