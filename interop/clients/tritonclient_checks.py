"""tritonclient[http] against a Hither endpoint: prints one JSON object for each check."""

import json
import sys

import numpy as np
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

from checks import Checks
from common import KINDS, SAMPLES, canary

url = sys.argv[1].removeprefix("http://")
client = http.InferenceServerClient(url, concurrency=12)
checks = Checks()


def ask(model, tensors, binary=True, outputs=None, **options):
    inputs = []
    for name, datatype, array in tensors:
        given = http.InferInput(name, list(array.shape), datatype)
        given.set_data_from_numpy(array, binary_data=binary)
        inputs.append(given)
    asked = None if outputs is None else [http.InferRequestedOutput(name, binary_data=binary) for name in outputs]
    return client.infer(model, inputs, outputs=asked, **options)


def status(work):
    try:
        work()
    except InferenceServerException as error:
        return error.status() or "no status"
    raise AssertionError("it was answered")


@checks.run("description")
def _():
    metadata = client.get_server_metadata()
    model = client.get_model_metadata("digits")
    assert client.is_server_live() and client.is_server_ready()
    assert model["inputs"][0] == {"name": "image", "datatype": "UINT8", "shape": [-1, 1, 28, 28]}, model
    return f"{metadata['name']}, {', '.join(metadata['extensions'])}"


@checks.run("list of models")
def _():
    return f"{len(client.get_model_repository_index())} models"


@checks.run("model ready")
def _():
    assert client.is_model_ready("digits") and client.is_model_ready("digits", "1")
    assert not client.is_model_ready("none")
    return "yes and no"


@checks.run("statistics")
def _():
    return f"{len(client.get_inference_statistics('digits')['model_stats'])} model"


def recognise(binary, **options):
    image, expected, tolerance = canary()
    answer = ask("digits", [("image", "UINT8", image)], binary, ["probabilities"], request_id="interop", **options)
    worst = np.abs(answer.as_numpy("probabilities") - expected).max()
    assert worst <= tolerance, worst
    assert answer.get_response()["id"] == "interop"
    return f"within {tolerance}"


checks.run("digits")(lambda: recognise(True))
checks.run("digits as JSON")(lambda: recognise(False))
checks.run("request compressed, gzip")(lambda: recognise(True, request_compression_algorithm="gzip"))
checks.run("request compressed, deflate")(lambda: recognise(True, request_compression_algorithm="deflate"))
checks.run("answer compressed, gzip")(lambda: recognise(True, response_compression_algorithm="gzip"))
checks.run("answer compressed, deflate")(lambda: recognise(False, response_compression_algorithm="deflate"))


def all_kinds(binary):
    works, refused = 0, []
    for kind in KINDS:
        array = SAMPLES[kind]
        try:
            answer = ask(f"echo-{kind}", [("x", kind, array)], binary)
        except InferenceServerException as error:
            refused.append(f"{kind} ({error.message()[:60]})")
            continue
        given = answer.as_numpy("y")
        if kind == "BYTES":
            given = np.array([v if isinstance(v, bytes) else v.encode() for v in given], np.object_)
        assert given.dtype == array.dtype and np.array_equal(given, array), (kind, given)
        works += 1
    return f"{works} of {len(KINDS)}" + (f"; refused: {', '.join(refused)}" if refused else "")


checks.run("datatypes")(lambda: all_kinds(True))
checks.run("datatypes as JSON")(lambda: all_kinds(False))


@checks.run("beyond JSON")
def _():
    for kind, values in (("FP32", [np.nan, np.inf, -np.inf]), ("INT64", [2**63 - 1, -(2**63)])):
        array = np.array(values, KINDS[kind])
        given = ask(f"echo-{kind}", [("x", kind, array)]).as_numpy("y")
        assert np.array_equal(given, array, equal_nan=kind == "FP32"), given
    return "2 of 2"


one = [("x", "FP32", np.ones(1, np.float32))]


@checks.run("classification")
def _():
    image, expected, _tolerance = canary()
    given = http.InferInput("image", list(image.shape), "UINT8")
    given.set_data_from_numpy(image)
    answer = client.infer("digits", [given], outputs=[http.InferRequestedOutput("probabilities", class_count=3)])
    first = answer.as_numpy("probabilities").flatten()[0].decode()
    assert int(first.split(":")[1]) == int(expected.argmax()), first
    return first


checks.run("unknown model")(lambda: status(lambda: ask("none", one)))
checks.run("wrong input")(lambda: status(lambda: ask("digits", one)))
checks.run("model that fails")(
    lambda: status(lambda: ask("sum", [("a", "FP32", np.ones((2, 2), np.float32)), ("b", "FP32", np.ones((3, 2), np.float32))]))
)


@checks.run("overload")
def _():
    waiting = []
    for _index in range(12):
        given = http.InferInput("x", [1], "FP32")
        given.set_data_from_numpy(np.ones(1, np.float32))
        waiting.append(client.async_infer("slow", [given]))
    codes = []
    for request in waiting:
        try:
            request.get_result()
            codes.append("200")
        except InferenceServerException as error:
            codes.append(error.status())
    assert set(codes) == {"200", "503"}, codes
    return f"{codes.count('200')} answered, {codes.count('503')} refused"
