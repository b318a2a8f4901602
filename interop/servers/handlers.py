"""What every server of the interop run serves, whatever its own way of serving: the same four models."""

import os
import threading
import time

import numpy as np
import onnxruntime

ONNX = os.environ["DIGITS_ONNX"]

#: Open Inference Protocol datatype and numpy type of each tensor that `echo` gives back.
KINDS = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}

#: Seconds that one run of `slow` takes, and how many may run or wait at a time.
SLOW_SECONDS = 0.3
SLOW_PLACES = 2


class Busy(Exception):
    """`slow` has no place left."""


class Digits:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(ONNX, options, providers=["CPUExecutionProvider"])

    def __call__(self, image):
        return self.session.run(["probabilities"], {"image": np.asarray(image, np.uint8)})[0]


class Slow:
    def __init__(self):
        self.places = threading.Semaphore(SLOW_PLACES)

    def __call__(self, x):
        if not self.places.acquire(blocking=False):
            raise Busy("too many requests wait for this model")
        try:
            time.sleep(SLOW_SECONDS)
            return np.asarray(x)
        finally:
            self.places.release()


def fail():
    raise RuntimeError("this model always fails")
