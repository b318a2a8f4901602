"""One Python model for Triton; which of the four it is, its folder's name says."""

import os
import sys

# Triton's stub starts Python isolated: it reads no PYTHONPATH and knows no virtual environment.
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

import triton_python_backend_utils as pb

from handlers import Digits, Slow, fail


class TritonPythonModel:
    def initialize(self, args):
        self.name = args["model_name"]
        self.digits = Digits() if self.name == "digits" else None
        self.slow = Slow() if self.name == "slow" else None

    def work(self, request):
        if self.name == "fail":
            fail()
        if self.name == "digits":
            image = pb.get_input_tensor_by_name(request, "image").as_numpy()
            return [pb.Tensor("probabilities", self.digits(image))]
        if self.name == "slow":
            return [pb.Tensor("y", self.slow(pb.get_input_tensor_by_name(request, "x").as_numpy()))]
        return [pb.Tensor(tensor.name().replace("-in", "-out"), tensor.as_numpy()) for tensor in request.inputs()]

    def execute(self, requests):
        responses = []
        for request in requests:
            try:
                responses.append(pb.InferenceResponse(self.work(request)))
            except Exception as error:
                responses.append(pb.InferenceResponse(error=pb.TritonError(str(error))))
        return responses
