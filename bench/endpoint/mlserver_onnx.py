"""ONNX models as an MLServer runtime, one thread each, for the bench; run as a script it writes what `mlserver start` reads."""

import json
import pathlib
import sys

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.types import InferenceResponse, ResponseOutput

TYPES = {"UINT8": np.uint8, "FP32": np.float32}


class OnnxModel(MLModel):
    async def load(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        onnx = self.settings.parameters.extra["onnx"]
        self.session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload):
        feeds = {}
        for tensor in payload.inputs:
            data = getattr(tensor.data, "root", tensor.data)
            kind = TYPES[str(getattr(tensor.datatype, "value", tensor.datatype))]
            feeds[tensor.name] = np.asarray(data, kind).reshape(tensor.shape)
        results = self.session.run(self.names, feeds)
        outputs = [
            ResponseOutput(name=name, datatype="FP32", shape=list(result.shape), data=result.flatten().tolist())
            for name, result in zip(self.names, results)
        ]
        return InferenceResponse(id=payload.id, model_name=self.name, outputs=outputs)


def write_settings(folder, ports, models):
    root = pathlib.Path(folder)
    http_port, grpc_port, metrics_port = ports
    settings = {
        "host": "127.0.0.1",
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "parallel_workers": 0,
        "debug": False,
    }
    (root / "settings.json").write_text(json.dumps(settings))
    for name, onnx in models.items():
        (root / name).mkdir()
        model = {
            "name": name,
            "implementation": "mlserver_onnx.OnnxModel",
            "parameters": {"extra": {"onnx": str(pathlib.Path(onnx).resolve())}},
        }
        (root / name / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    folder, ports, models = sys.argv[1:4]
    write_settings(folder, json.loads(ports), json.loads(models))
