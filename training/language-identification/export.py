"""The network as ONNX: code points in, probabilities out, the table at four bits a number."""

from pathlib import Path

import numpy as np
import torch

from data import MAX_LENGTH, words_of
from network import HIDDEN, WIDTH, quantise
from text_features.graph import Graph, TextNodes, bag, open_session, pack, run, write_model
from text_features.hashing import word_features
from text_features.steps import to_code_points

REVISION = "1"
CANARY = "Die Wände haben Ohren, ведь правда? そうですね。"


def make_onnx(network, temperature: float) -> bytes:
    g = Graph("language-identification")
    numbers, mask = TextNodes(g).language_features(len(network.table))
    whole = quantise(network.table, network.scale).detach().round().numpy()
    pooled = bag(g, pack(whole), network.scale.numpy(), numbers, mask)

    def gemm(value, layer, divisor=1.0):
        matrix = layer.weight.detach().numpy() / divisor
        bias = [] if layer.bias is None else [g.constant(layer.bias.detach().numpy() / divisor, np.float32)]
        return g.add("Gemm", value, g.constant(matrix, np.float32), *bias, transB=1)

    inner = g.add("Relu", gemm(pooled, network.inner))
    logits = g.add("Add", gemm(pooled, network.direct, temperature), gemm(inner, network.outer, temperature))
    g.add("Softmax", logits, name="probabilities", axis=1)
    return g.finish(network.direct.out_features)


def count_macs(labels: int) -> int:
    """Multiply-accumulates for one code point: 7 rows for each of three places, twice (halves of a byte), the rest."""
    return 7 * 3 * WIDTH + WIDTH * labels + WIDTH * HIDDEN + HIDDEN * labels


@torch.no_grad()
def check_export(model: bytes, network, temperature: float, lines: list[str], buckets: int) -> None:
    """The graph, given code points, must answer what the network answers, given the features of hashing.py."""
    session = open_session(model)
    for line in lines:
        words = [word for word in words_of(line) if word]
        if not words:
            continue
        features = torch.from_numpy(word_features(words, buckets)[1].astype(np.int64))
        logits = network(features, torch.tensor([0]), torch.tensor([len(features)]))
        ours = torch.softmax(logits / temperature, 1)[0].numpy()
        theirs = run(session, to_code_points(line, MAX_LENGTH))
        assert np.abs(ours - theirs).max() < 1e-4, f"the exported file differs from the network on {line!r}"


def write_language_model(folder: Path, model: bytes, languages: list[str]) -> None:
    facts = {
        "name": "language-identification",
        "revision": REVISION,
        "title": "Languages",
        "description": "Tells which of 75 languages a text is written in; labels are ISO 639-1 codes.",
        "license": {
            "name": "CC BY (trained on the Leipzig Corpora Collection)",
            "url": "https://wortschatz.uni-leipzig.de/en/usage",
        },
        "preprocessing": {
            "kind": "text",
            "encoding": "code-points",
            "normalization": "NFC",
            "lowerCase": True,
            "maxLength": MAX_LENGTH,
        },
        "complexity": {"macs": count_macs(len(languages))},
    }
    write_model(folder, model, languages, to_code_points(CANARY, MAX_LENGTH), facts)
