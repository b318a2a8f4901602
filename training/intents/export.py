"""The networks as ONNX: code points in, probabilities out, tables at four bits a number, the rest in half floats."""

from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto

from data import FLAGS_WITH_DIGITS, MAX_LENGTH, PAIR, TRIPLE
from network import Network, Size, quantise
from text_features.graph import END, Graph, TextNodes, bag, open_session, pack, run, write_model
from text_features.hashing import FACTORS, ORDERS, STEP, WORD
from text_features.steps import to_code_points

REVISION = "1"
FACTS = {
    "intents-small": ("Intents, small", "Tells which of 150 things a request to an assistant asks for, or that it is none of them."),
    "intents-large": ("Intents, large", "As intents-small, and right more often; for the cloud, or where the small one is unsure."),
}
CANARY = "how much money is left in my checking account?"


class Text:
    """What all members share: windows, words and phrases, before they become bucket numbers."""

    def __init__(self, graph: Graph):
        self.graph = g = graph
        self.nodes = nodes = TextNodes(g, FLAGS_WITH_DIGITS, squeeze=True)
        self.ngrams = list(nodes.ngrams(ORDERS[1:]))
        self.hashes, _ = nodes.words()
        self.count = g.add("Shape", self.hashes)
        numbers = g.add("Range", g.constant(0), g.add("Squeeze", self.count, g.constant([0])), g.constant(1))
        column, row = g.add("Unsqueeze", numbers, g.constant([1])), g.add("Unsqueeze", numbers, g.constant([0]))
        owner = g.add("Unsqueeze", nodes.owner, g.constant([0]))
        of_word = g.add("Equal", column, owner)
        masks = [g.add("And", of_word, g.add("Unsqueeze", counted, g.constant([0]))) for _, _, counted in self.ngrams]
        masks.append(g.add("Equal", column, row))
        self.mask = g.cast(g.add("Concat", *masks, axis=1), TensorProto.FLOAT)
        ends = g.add("Concat", g.constant([1]), self.hashes, g.constant([2]), axis=0)
        self.pairs = self.join(g.slice(ends, 0, -1), g.slice(ends, 1, END))
        self.triples = self.join(g.slice(self.pairs, 0, -1), g.slice(ends, 2, END))

    def join(self, left: str, right: str) -> str:
        g = self.graph
        return g.modulo(g.add("Add", g.add("Mul", left, g.constant(STEP)), right), 1, 2**31 - 1)

    def word_numbers(self, buckets: int) -> str:
        parts = [self.nodes.bucket(value, FACTORS[order - 1], buckets) for order, value, _ in self.ngrams]
        return self.graph.add("Concat", *parts, self.nodes.bucket(self.hashes, FACTORS[WORD], buckets), axis=0)

    def phrase_numbers(self, buckets: int) -> str:
        pairs = self.nodes.bucket(self.pairs, FACTORS[PAIR], buckets)
        return self.graph.add("Concat", pairs, self.nodes.bucket(self.triples, FACTORS[TRIPLE], buckets), axis=0)


def member_logits(text: Text, network: Network) -> str:
    g, size = text.graph, network.size

    def table(part, numbers, mask):
        whole = quantise(part.weight, part.scale).detach().round().numpy()
        return bag(g, pack(whole), part.scale.numpy(), numbers, mask)

    def half(value):
        return g.cast(g.constant(value.detach().numpy(), np.float16), TensorProto.FLOAT)

    words = table(network.words, text.word_numbers(size.words), text.mask)
    numbers = text.phrase_numbers(size.phrases)
    every = g.cast(g.add("GreaterOrEqual", numbers, g.constant(0)), TensorProto.FLOAT)
    phrases = table(network.phrases, numbers, g.add("Unsqueeze", every, g.constant([0])))
    root = g.add("Sqrt", g.cast(text.count, TensorProto.FLOAT))
    parts = [g.add("Div", g.add("ReduceSum", words, g.constant([0]), keepdims=1), root), phrases]
    if size.channels:
        row = g.add("Unsqueeze", g.add("Transpose", words, perm=[1, 0]), g.constant([0]))
        seen = g.add("Conv", row, half(network.conv.weight), half(network.conv.bias), kernel_shape=[3], pads=[1, 1])
        parts.append(g.add("ReduceMax", g.add("Relu", seen), axes=[2], keepdims=0))
    joined = g.add("Concat", *parts, axis=1)
    inner = g.add("Gemm", joined, half(network.inner.weight), half(network.inner.bias), transB=1)
    outer = g.add("Gemm", g.add("Relu", inner), half(network.outer.weight), half(network.outer.bias), transB=1)
    return g.add("Add", outer, g.add("Gemm", joined, half(network.direct.weight), transB=1))


def make_onnx(name: str, members: list[Network], temperature: float) -> bytes:
    g = Graph(name)
    text = Text(g)
    logits = [member_logits(text, member) for member in members]
    total = logits[0] if len(logits) == 1 else g.add("Sum", *logits)
    sharp = g.add("Mul", total, g.constant(1 / (len(logits) * temperature), np.float32))
    g.add("Softmax", sharp, name="probabilities", axis=1)
    return g.finish(members[0].outer.out_features)


def count_macs(size: Size, labels: int, members: int) -> int:
    """Multiply-accumulates for one code point: one word of 13 features, three phrases."""
    tables = 13 * size.word_width + 3 * size.phrase_width
    dense = 3 * size.word_width * size.channels + size.joined * (size.inner + labels) + size.inner * labels
    return members * (tables + dense)


@torch.no_grad()
def check_export(model: bytes, members, temperature: float, encoder, queries) -> None:
    """The graph, given code points, must answer what the networks answer, given the features of data.py."""
    session = open_session(model)
    for query in queries:
        batch = encoder.batch([query])
        logits = sum(member(batch)[0] for member in members) / len(members)
        ours = torch.softmax(logits / temperature, 1)[0].numpy()
        theirs = run(session, to_code_points(", ".join(query) + "?", MAX_LENGTH))
        assert np.abs(ours - theirs).max() < 2e-3, f"the exported file differs from the network on {query}"
    for odd in ("?", "¿ - ?", "😀", "a", "שלום"):
        assert np.isfinite(run(session, to_code_points(odd, MAX_LENGTH))).all(), odd


def write_models(folder: Path, models, labels, threshold: float, outside: str, sizes, members: int) -> None:
    for name, model in models.items():
        title, description = FACTS[name]
        facts = {
            "name": name,
            "revision": REVISION,
            "title": title,
            "description": description,
            "license": {"name": "CC BY 3.0 (trained on CLINC150)", "url": "https://creativecommons.org/licenses/by/3.0/"},
            "preprocessing": {
                "kind": "text",
                "encoding": "code-points",
                "normalization": "NFC",
                "lowerCase": True,
                "maxLength": MAX_LENGTH,
            },
            "complexity": {"macs": count_macs(sizes[name], len(labels), members if name == "intents-large" else 1)},
            "outsideLabel": outside,
        }
        if name == "intents-small":
            facts["cascade"] = {"large": "intents-large", "minConfidence": round(threshold, 4)}
        else:
            facts["defaultArm"] = "cloud"
        write_model(folder, model, labels, to_code_points(CANARY, MAX_LENGTH), facts)
