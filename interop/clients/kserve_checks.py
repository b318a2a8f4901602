"""KServe's inference client against a Hither endpoint: prints one JSON object for each check."""

import asyncio
import sys

import httpx
import numpy as np
from kserve import InferInput, InferRequest, InferenceRESTClient, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from checks import Checks
from common import KINDS, SAMPLES, canary

url = sys.argv[1]
checks = Checks()


def ask(model, tensors, binary=True, outputs=None, count=1):
    async def work():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30, retries=0))
        requests = []
        for index in range(count):
            inputs = []
            for name, datatype, array in tensors:
                given = InferInput(name=name, shape=list(array.shape), datatype=datatype)
                given.set_data_from_numpy(array, binary_data=binary)
                inputs.append(given)
            asked = None
            if outputs is not None:
                asked = [RequestedOutput(name, {"binary_data": binary}) for name in outputs]
            parameters = {"binary_data_output": True} if binary and asked is None else {}
            request = InferRequest(
                model_name=model, infer_inputs=inputs, request_id="interop", request_outputs=asked, parameters=parameters
            )
            requests.append(client.infer(url, request, model_name=model))
        results = await asyncio.gather(*requests, return_exceptions=True)
        await client.close()
        return results

    results = asyncio.run(work())
    if count > 1:
        return results
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


def question(method, *args):
    async def work():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30, retries=0))
        try:
            return await getattr(client, method)(url, *args)
        finally:
            await client.close()

    return asyncio.run(work())


def status(work):
    try:
        work()
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    raise AssertionError("it was answered")


@checks.run("description")
def _():
    assert question("is_server_live") and question("is_server_ready")
    return "live and ready"


@checks.run("model ready")
def _():
    assert question("is_model_ready", "digits")
    try:
        lacks = not question("is_model_ready", "none")
    except httpx.HTTPStatusError as error:
        lacks = error.response.status_code == 404
    assert lacks
    return "yes and no"


def recognise(binary):
    image, expected, tolerance = canary()
    answer = ask("digits", [("image", "UINT8", image)], binary, ["probabilities"])
    worst = np.abs(answer.outputs[0].as_numpy() - expected).max()
    assert worst <= tolerance, worst
    assert answer.id == "interop", answer.id
    return f"within {tolerance}"


checks.run("digits")(lambda: recognise(True))
checks.run("digits as JSON")(lambda: recognise(False))


def all_kinds(binary):
    works, refused = 0, []
    for kind in KINDS:
        array = SAMPLES[kind]
        try:
            answer = ask(f"echo-{kind}", [("x", kind, array)], binary)
        except Exception as error:
            refused.append(f"{kind} ({type(error).__name__}: {str(error)[:60]})")
            continue
        given = answer.outputs[0].as_numpy()
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
        given = ask(f"echo-{kind}", [("x", kind, array)]).outputs[0].as_numpy()
        assert np.array_equal(given, array, equal_nan=kind == "FP32"), given
    return "2 of 2"


one = [("x", "FP32", np.ones(1, np.float32))]
checks.run("unknown model")(lambda: status(lambda: ask("none", one)))
checks.run("wrong input")(lambda: status(lambda: ask("digits", one)))
checks.run("model that fails")(
    lambda: status(lambda: ask("sum", [("a", "FP32", np.ones((2, 2), np.float32)), ("b", "FP32", np.ones((3, 2), np.float32))]))
)


@checks.run("overload")
def _():
    codes = []
    for result in ask("slow", one, count=12):
        codes.append(result.response.status_code if isinstance(result, httpx.HTTPStatusError) else 200)
        if isinstance(result, BaseException) and not isinstance(result, httpx.HTTPStatusError):
            raise result
    assert set(codes) == {200, 503}, codes
    return f"{codes.count(200)} answered, {codes.count(503)} refused"
