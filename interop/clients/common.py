"""What both Python clients check with."""

import json
import os

import numpy as np

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


def sample(kind):
    if kind == "BOOL":
        return np.array([True, False, True])
    if kind == "BYTES":
        return np.array([b"", b"digit", "Zürich ✓".encode()], np.object_)
    if kind.startswith("FP"):
        return np.array([-1.5, 0, np.finfo(KINDS[kind]).max / 2], KINDS[kind])
    info = np.iinfo(KINDS[kind])
    # JSON numbers are exact up to 2^53.
    return np.array([max(info.min, -(2**53) + 1), 0, min(info.max, 2**53 - 1)], KINDS[kind])


SAMPLES = {kind: sample(kind) for kind in KINDS}


def canary():
    """The digits model's own example: picture, answer and tolerance."""
    with open(os.environ["DIGITS_MANIFEST"]) as file:
        manifest = json.load(file)
    given, made = manifest["canary"]["inputs"][0], manifest["canary"]["outputs"][0]
    image = np.array(given["data"], np.uint8).reshape(given["shape"])
    expected = np.array(made["data"], np.float32).reshape(made["shape"])
    return image, expected, manifest["tolerance"]["absolute"]
