"""The four models as MLServer runtimes; `write_settings` writes the folder that `mlserver start` reads."""

import asyncio
import json
import pathlib
import sys

import numpy as np
from mlserver import MLModel
from mlserver.errors import MLServerError
from mlserver.types import InferenceResponse, ResponseOutput

from handlers import KINDS, Busy, Digits, Slow, fail


def array_of(tensor):
    data = getattr(tensor.data, "root", tensor.data)
    return np.array(data, KINDS[str(getattr(tensor.datatype, "value", tensor.datatype))]).reshape(tensor.shape)


def output_of(name, datatype, array):
    return ResponseOutput(name=name, datatype=datatype, shape=list(array.shape), data=array.flatten().tolist())


class Served(MLModel):
    def work(self, tensors):
        raise NotImplementedError

    async def predict(self, payload):
        tensors = {tensor.name: array_of(tensor) for tensor in payload.inputs}
        try:
            results = await asyncio.to_thread(self.work, tensors)
        except Busy as error:
            raise MLServerError(str(error), status_code=503)
        asked = [output.name for output in payload.outputs or []]
        outputs = [output_of(*result) for result in results if not asked or result[0] in asked]
        return InferenceResponse(id=payload.id, model_name=self.name, model_version=self.version, outputs=outputs)


class DigitsModel(Served):
    async def load(self):
        self.digits = Digits()
        return True

    def work(self, tensors):
        return [("probabilities", "FP32", self.digits(tensors["image"]))]


class EchoModel(Served):
    def work(self, tensors):
        return [(name.replace("-in", "-out"), name.split("-")[0], array) for name, array in tensors.items()]


class SlowModel(Served):
    async def load(self):
        self.slow = Slow()
        return True

    def work(self, tensors):
        return [("y", "FP32", self.slow(tensors["x"]))]


class FailModel(Served):
    def work(self, tensors):
        fail()


def write_settings(folder, http_port, grpc_port, metrics_port):
    def spec(name, datatype, *shape):
        return {"name": name, "datatype": datatype, "shape": list(shape)}

    models = {
        "digits": ("DigitsModel", [spec("image", "UINT8", -1, 1, 28, 28)], [spec("probabilities", "FP32", -1, 10)]),
        "echo": ("EchoModel", [spec(f"{k}-in", k, -1) for k in KINDS], [spec(f"{k}-out", k, -1) for k in KINDS]),
        "slow": ("SlowModel", [spec("x", "FP32", -1)], [spec("y", "FP32", -1)]),
        "fail": ("FailModel", [spec("x", "FP32", -1)], [spec("y", "FP32", -1)]),
    }
    root = pathlib.Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    settings = {
        "host": "127.0.0.1",
        "http_port": http_port,
        "grpc_port": grpc_port,
        "metrics_port": metrics_port,
        "parallel_workers": 0,
        "debug": False,
    }
    (root / "settings.json").write_text(json.dumps(settings))
    for name, (runtime, inputs, outputs) in models.items():
        (root / name).mkdir(exist_ok=True)
        model = {
            "name": name,
            "implementation": f"mlserver_models.{runtime}",
            "inputs": inputs,
            "outputs": outputs,
            "parameters": {"version": "1"},
        }
        (root / name / "model-settings.json").write_text(json.dumps(model))


if __name__ == "__main__":
    write_settings(sys.argv[1], *map(int, sys.argv[2:5]))
