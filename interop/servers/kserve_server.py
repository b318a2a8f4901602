"""A KServe ModelServer with the four models. Run: python kserve_server.py --http_port PORT"""

import asyncio

from fastapi import HTTPException
from kserve import InferOutput, InferResponse, Model, ModelServer
from kserve.utils.utils import generate_uuid

from handlers import KINDS, Busy, Digits, Slow, fail


def shape_of(name, datatype, shape):
    return {"name": name, "datatype": datatype, "shape": shape}


class Served(Model):
    def __init__(self, name, inputs, outputs, work):
        super().__init__(name)
        self.inputs, self.outputs, self.work = inputs, outputs, work
        self.ready = True

    async def get_input_types(self):
        return self.inputs

    async def get_output_types(self):
        return self.outputs

    async def predict(self, payload, headers=None, response_headers=None):
        tensors = {tensor.name: tensor.as_numpy() for tensor in payload.inputs}
        try:
            results = await asyncio.to_thread(self.work, tensors)
        except Busy as error:
            raise HTTPException(status_code=503, detail=str(error))
        asked = [output.name for output in payload.request_outputs or []]
        outputs = []
        for name, datatype, array in results:
            if asked and name not in asked:
                continue
            output = InferOutput(name=name, shape=list(array.shape), datatype=datatype)
            output.set_data_from_numpy(array, binary_data=payload.use_binary_outputs)
            outputs.append(output)
        return InferResponse(
            response_id=payload.id or generate_uuid(),
            model_name=self.name,
            infer_outputs=outputs,
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


def echo(tensors):
    return [(name.replace("-in", "-out"), name.split("-")[0], array) for name, array in tensors.items()]


def always_fail(_):
    fail()


if __name__ == "__main__":
    digits, slow = Digits(), Slow()
    ModelServer().start(
        [
            Served(
                "digits",
                [shape_of("image", "UINT8", [-1, 1, 28, 28])],
                [shape_of("probabilities", "FP32", [-1, 10])],
                lambda tensors: [("probabilities", "FP32", digits(tensors["image"]))],
            ),
            Served(
                "echo",
                [shape_of(f"{kind}-in", kind, [-1]) for kind in KINDS],
                [shape_of(f"{kind}-out", kind, [-1]) for kind in KINDS],
                echo,
            ),
            Served(
                "slow",
                [shape_of("x", "FP32", [-1])],
                [shape_of("y", "FP32", [-1])],
                lambda tensors: [("y", "FP32", slow(tensors["x"]))],
            ),
            Served("fail", [shape_of("x", "FP32", [-1])], [shape_of("y", "FP32", [-1])], always_fail),
        ]
    )
