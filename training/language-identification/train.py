"""Trains the language-identification model, exports it, and prints its figures. See README.md."""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data import KINDS, UNSPACED, Lexicon, load, words_of
from export import check_export, make_onnx, write_language_model
from network import Network
from text_features.hashing import word_features

BUCKETS = 179_999
BATCH = 1024
DROPOUT = 0.15


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with sentences/, word-pairs/, single-words/")
    parser.add_argument("--out", type=Path, default=Path("packages/hither-models/models"))
    parser.add_argument("--weights", type=Path, help="a file to keep the trained weights in; if it is there, it is used")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Corpus:
    """Texts as word numbers, and each word's features."""

    def __init__(self, folder: Path, generator: np.random.Generator):
        self.languages, self.lines = load(folder)
        lexicon = Lexicon()
        self.encoded = {
            split: {kind: [(n, lexicon(words_of(line))) for n, line in lines] for kind, lines in kinds.items()}
            for split, kinds in self.lines.items()
        }
        train = self.encoded["train"]
        self.types = self._types(train, lexicon, generator)
        self.starts, self.features = word_features(list(lexicon.numbers), BUCKETS)

    def _types(self, train, lexicon, generator) -> np.ndarray:
        """[(language, word)]: every word that a language's training lines hold, once; pieces where none are parted."""
        pairs = {(n, int(w)) for kind in KINDS for n, words in train[kind] for w in words}
        spelled = list(lexicon.numbers)
        unspaced = {self.languages.index(code) for code in UNSPACED}
        for number, word in sorted(pair for pair in pairs if pair[0] in unspaced):
            text = spelled[word]
            for _ in range(min(12, len(text) - 1)):
                start, size = generator.integers(0, len(text)), generator.integers(1, 7)
                pairs.add((number, int(lexicon([text[start : start + size]])[0])))
        return np.array(sorted(pairs), dtype=np.int32)

    def batch(self, texts: list[np.ndarray], keep: float, generator: np.random.Generator):
        """Features of some texts, a share of them kept: tensors for the network."""
        words = np.concatenate(texts) if texts else np.zeros(0, np.int32)
        sizes = (self.starts[words + 1] - self.starts[words]).astype(np.int64)
        ends = np.cumsum(sizes)
        at = np.arange(ends[-1]) + np.repeat(self.starts[words] - (ends - sizes), sizes)
        owner = np.repeat(np.repeat(np.arange(len(texts)), [len(t) for t in texts]), sizes)
        features = self.features[at]
        if keep < 1:
            kept = generator.random(len(features), dtype=np.float32) < keep
            features, owner = features[kept], owner[kept]
        counts = np.bincount(owner, minlength=len(texts))
        offsets = np.cumsum(counts) - counts
        return torch.from_numpy(features.astype(np.int64)), torch.from_numpy(offsets), torch.from_numpy(counts)


def epoch_texts(corpus: Corpus, generator: np.random.Generator):
    """What one pass sees: the lines, cut at random, and single words and short pieces out of them."""
    train, labels, texts = corpus.encoded["train"], [], []

    def piece(words, most):
        size = generator.integers(1, most + 1)
        start = generator.integers(0, max(1, len(words) - size + 1))
        return words[start : start + size]

    for number, words in train["sentences"]:
        if len(words) == 0:
            continue
        texts += [piece(words, 3), piece(words, 24) if generator.random() < 0.6 else words[:24]]
        labels += [number, number]
    for kind in ("word-pairs", "single-words"):
        for number, words in train[kind]:
            if len(words):
                texts.append(words)
                labels.append(number)
    some = generator.choice(len(corpus.types), size=min(220_000, len(corpus.types)), replace=False)
    texts += [corpus.types[i, 1:] for i in some]
    labels += corpus.types[some, 0].tolist()
    return texts, np.array(labels)


@torch.no_grad()
def logits_of(network, corpus, lines):
    parts = []
    for start in range(0, len(lines), BATCH):
        texts = [words if len(words) else np.zeros(1, np.int32) for _, words in lines[start : start + BATCH]]
        parts.append(network(*corpus.batch(texts, 1, None)))
    return torch.cat(parts), torch.tensor([number for number, _ in lines])


def accuracies(network, corpus, split):
    return {
        kind: round(100 * float((logits.argmax(1) == truth).float().mean()), 2)
        for kind in KINDS
        for logits, truth in [logits_of(network, corpus, corpus.encoded[split][kind])]
    }


def unseen_accuracy(network, corpus):
    """Of the held-out single words, those that no training line of their language holds."""
    seen = {(n, w) for kind in KINDS for n, words in corpus.encoded["train"][kind] for w in words.tolist()}
    lines = [line for line in corpus.encoded["test"]["single-words"] if len(line[1]) and (line[0], line[1][0]) not in seen]
    logits, truth = logits_of(network, corpus, lines)
    return {"accuracy": round(100 * float((logits.argmax(1) == truth).float().mean()), 2), "of": len(lines)}


def train(corpus: Corpus, epochs: int, generator: np.random.Generator) -> Network:
    network = Network(BUCKETS, len(corpus.languages))
    optimiser = torch.optim.Adam(network.parameters(), lr=6e-3, eps=1e-7)
    steps = epochs * (len(epoch_texts(corpus, generator)[0]) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=steps + 1, pct_start=0.1)
    for epoch in range(epochs):
        if epoch == epochs - max(1, epochs // 3):
            network.start_quantising()
        texts, labels = epoch_texts(corpus, generator)
        order, total, started = generator.permutation(len(texts)), 0.0, time.time()
        batches = len(order) // BATCH
        for index in range(batches):
            chosen = order[index * BATCH : (index + 1) * BATCH]
            inputs = corpus.batch([texts[i] for i in chosen], 1 - DROPOUT, generator)
            loss = F.cross_entropy(network(*inputs), torch.from_numpy(labels[chosen]))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step() if schedule.last_epoch < steps else None
            total += float(loss.detach())
        found = accuracies(network, corpus, "validation")
        print(f"epoch {epoch + 1}/{epochs}: loss {total / batches:.4f} {found} {time.time() - started:.0f} s", flush=True)
    return network.eval()


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: Guo et al. 2017, "On Calibration of Modern Neural Networks"."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which))
    )


def fit_temperature(network, corpus) -> float:
    lines = [line for kind in KINDS for line in corpus.encoded["calibration"][kind]]
    logits, truth = logits_of(network, corpus, lines)
    return float(min(torch.linspace(0.5, 2.5, 201), key=lambda t: F.cross_entropy(logits / t, truth)))


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    generator = np.random.default_rng(arguments.seed)
    started = time.time()
    corpus = Corpus(arguments.data, generator)
    print(f"{len(corpus.starts)} words, {len(corpus.types)} of a language, {time.time() - started:.0f} s", flush=True)
    if arguments.weights and arguments.weights.exists():
        network = Network(BUCKETS, len(corpus.languages))
        network.load_state_dict(torch.load(arguments.weights))
        network.quantised = True
    else:
        network = train(corpus, arguments.epochs, generator)
        if arguments.weights:
            torch.save(network.state_dict(), arguments.weights)
    temperature = fit_temperature(network, corpus)
    model = make_onnx(network, temperature)
    figures = {"bytes": len(model), "temperature": temperature, "training seconds": round(time.time() - started)}
    for split in ("validation", "test"):
        figures[split] = accuracies(network, corpus, split)
    lines = [line for kind in KINDS for line in corpus.encoded["test"][kind]]
    logits, truth = logits_of(network, corpus, lines)
    answers = torch.softmax(logits / temperature, 1).numpy()
    figures["calibration error"] = 100 * calibration_error(answers, truth.numpy())
    figures["single words never seen in training"] = unseen_accuracy(network, corpus)
    lines = [line for kind in KINDS for _, line in corpus.lines["test"][kind][::97]]
    check_export(model, network, temperature, lines, BUCKETS)
    write_language_model(arguments.out, model, corpus.languages)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
