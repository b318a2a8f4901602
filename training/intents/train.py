"""Trains intents-large and intents-small, exports both, and prints their figures. See README.md."""

import argparse
import copy
import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data import OUTSIDE, character_features, load, misspell, phrase_features, word_hash
from export import check_export, make_onnx, write_models
from network import LARGE, SMALL, Network, Size

BATCH = 256
OUTSIDE_TIMES = 4
TYPOS = 3


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with train_val.json and domains.json")
    parser.add_argument("--out", type=Path, default=Path("packages/hither-models/models"))
    parser.add_argument("--weights", type=Path, help="a file to keep trained members in, and to go on from")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


class Encoder:
    """Queries to batches for a network of one size. Misspelled variants of each word are made beforehand."""

    def __init__(self, size: Size, parts, seed: int):
        self.size, chance = size, random.Random(seed)
        words = sorted({w for lines in parts.values() for query, _ in lines for w in query})
        spelled = [[word, *(misspell(word, chance) for _ in range(TYPOS))] for word in words]
        self.number = {word: index for index, word in enumerate(words)}
        self.hashes = [[word_hash(v) for v in variants] for variants in spelled]
        self.features = [[np.array(character_features(v, size.words)) for v in variants] for variants in spelled]

    def batch(self, queries, generator=None):
        """With a generator: words and features dropped, letters mistaken."""
        flat, sizes, places, phrases, phrase_sizes, at = [], [], [], [], [], 0
        for query in queries:
            numbers = [(self.number[word], 0) for word in query]
            if generator is not None:
                dice = generator.random((len(numbers), 2))
                kept = [n for (n, _), (a, _) in zip(numbers, dice, strict=True) if a > 0.1] or [n for n, _ in numbers]
                numbers = [(n, int(generator.integers(1, TYPOS + 1)) if d < 0.05 else 0) for n, (_, d) in zip(kept, dice)]
            for n, variant in numbers:
                found = self.features[n][variant]
                if generator is not None:
                    found = found[generator.random(len(found)) > 0.15]
                flat.append(found)
                sizes.append(len(found))
            places.append(range(at, at + len(numbers)))
            at += len(numbers)
            found = np.array(phrase_features([self.hashes[n][v] for n, v in numbers], self.size.phrases))
            if generator is not None:
                found = found[generator.random(len(found)) > 0.3]
            phrases.append(found)
            phrase_sizes.append(len(found))
        longest = max(1, *(len(place) for place in places))
        place = np.full((len(queries), longest), -1)
        for row, numbers in zip(place, places, strict=True):
            row[: len(numbers)] = numbers

        def bags(parts, counts):
            counts = np.array(counts)
            joined = np.concatenate(parts).astype(np.int64)
            return tuple(map(torch.from_numpy, (joined, np.cumsum(counts) - counts, counts)))

        return {"words": bags(flat, sizes), "phrases": bags(phrases, phrase_sizes), "place": torch.from_numpy(place)}


def train(size, encoder, lines, labels, domains, epochs, seed, teacher=None):
    """`teacher`: probabilities [lines, labels] to imitate, besides the labels. Returns averaged weights."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    network = Network(size, labels, max(domains) + 1)
    average = copy.deepcopy(network)
    outside = [i for i, (_, label) in enumerate(lines) if label == labels - 1]
    rows = np.array(list(range(len(lines))) + outside * (OUTSIDE_TIMES - 1))
    rate = 4e-3 if size.channels else 8e-3
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3, fused=True)
    batches = len(rows) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=epochs * batches + 1, pct_start=0.15)
    truth, domain_of = torch.tensor([label for _, label in lines]), torch.tensor(domains)
    for epoch in range(epochs):
        if epoch == int(epochs * 0.6):
            network.words.start_quantising(), network.phrases.start_quantising()
        order, total, started = generator.permutation(rows), 0.0, time.time()
        for index in range(batches):
            chosen = order[index * BATCH : (index + 1) * BATCH]
            logits, domain = network(encoder.batch([lines[i][0] for i in chosen], generator))
            target = truth[chosen]
            loss = F.cross_entropy(logits, target, label_smoothing=0.1) if teacher is None else 0
            loss = loss + 0.2 * F.cross_entropy(domain, domain_of[target])
            if teacher is not None:
                loss = loss + F.cross_entropy(logits, 0.9 * teacher[chosen] + 0.1 * F.one_hot(target, labels))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += float(loss.detach())
            with torch.no_grad():
                for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                    kept.lerp_(new, 0.02)
        print(f"epoch {epoch + 1}/{epochs}: loss {total / batches:.4f}, {time.time() - started:.0f} s", flush=True)
    average.words.scale.copy_(network.words.scale)
    average.phrases.scale.copy_(network.phrases.scale)
    return average.eval()


@torch.no_grad()
def logits_of(members, encoder, lines):
    """Mean of the members' logits, and the labels."""
    parts = []
    for start in range(0, len(lines), BATCH):
        batch = encoder.batch([query for query, _ in lines[start : start + BATCH]])
        parts.append(sum(member(batch)[0] for member in members) / len(members))
    return torch.cat(parts), torch.tensor([label for _, label in lines])


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: Guo et al. 2017, "On Calibration of Modern Neural Networks"."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which))
    )


def choose_outside_bias(logits, truth, cost: float = 0.3) -> float:
    """On the calibration part: how far `oos` can be raised before the accuracy in scope falls by more than `cost`."""
    inside = truth != logits.shape[1] - 1

    def accuracy(bias):
        raised = logits.clone()
        raised[:, -1] += bias
        return 100 * float((raised.argmax(1) == truth)[inside].float().mean())

    least = accuracy(0.0) - cost
    return max(bias for bias in torch.linspace(0, 4, 81).tolist() if accuracy(bias) >= least)


def fit_temperature(logits, truth) -> float:
    return float(min(torch.linspace(0.2, 2.0, 181), key=lambda t: F.cross_entropy(logits / t, truth)))


def figures_of(probabilities: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """In percent. Recall and precision are those of the label `oos`."""
    best, outside = probabilities.argmax(1), probabilities.shape[1] - 1
    inside = truth != outside
    right = best == truth
    return {
        "in scope": 100 * float(right[inside].mean()),
        "out-of-scope recall": 100 * float(right[~inside].mean()),
        "out-of-scope precision": 100 * float(right[best == outside].mean()) if (best == outside).any() else 0.0,
        "calibration error, in scope": 100 * calibration_error(probabilities.max(1)[inside], right[inside]),
        "calibration error, all": 100 * calibration_error(probabilities.max(1), right),
    }


def cascade(small, large, truth, threshold):
    """(accuracy in scope, share of queries in scope asked of the large model), in percent."""
    asked = small.max(1) < threshold
    inside = truth != small.shape[1] - 1
    best = np.where(asked, large.argmax(1), small.argmax(1))
    return 100 * (best == truth)[inside].mean(), 100 * asked[inside].mean()


def choose_threshold(small, large, truth) -> float:
    """On the calibration part: the one that asks least while losing at most 0.2 points, else the one that asks 27 %."""
    alone = 100 * (large.argmax(1) == truth)[truth != small.shape[1] - 1].mean()
    tried = [(threshold, *cascade(small, large, truth, threshold)) for threshold in np.linspace(0.2, 0.99, 80)]
    good = [t for t, accuracy, asked in tried if accuracy >= alone - 0.2 and asked <= 27]
    return float(good[0] if good else max(t for t, _, asked in tried if asked <= 27))


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    labels, domains, parts = load(arguments.data)
    print({name: len(lines) for name, lines in parts.items()}, flush=True)
    stored = torch.load(arguments.weights) if arguments.weights and arguments.weights.exists() else {}
    started = time.time()

    def trained(key, *what, **more):
        network = Network(what[0], len(labels), max(domains) + 1)
        if key in stored:
            network.load_state_dict(stored[key])
            return network.eval()
        network = train(*what, **more)
        stored[key] = network.state_dict()
        if arguments.weights:
            torch.save(stored, arguments.weights)
        return network

    wide = Encoder(LARGE, parts, arguments.seed)
    members = []
    for index in range(arguments.members):
        members.append(
            trained(
                f"large{index}", LARGE, wide, parts["train"], len(labels), domains, arguments.epochs, arguments.seed + index
            )
        )
        for some in (members[-1:], members):
            logits, truth = logits_of(some, wide, parts["calibration"])
            print(f"{len(some)} of the large: {figures_of(torch.softmax(logits, 1).numpy(), truth.numpy())}", flush=True)
    teacher = torch.softmax(logits_of(members, wide, parts["train"])[0] / 0.8, 1)
    narrow = Encoder(SMALL, parts, arguments.seed)
    small = trained(
        "small", SMALL, narrow, parts["train"], len(labels), domains, arguments.epochs * 2, arguments.seed, teacher=teacher
    )
    answers, temperatures = {}, {}
    for name, networks, encoder in (("intents-small", [small], narrow), ("intents-large", members, wide)):
        raised = choose_outside_bias(*logits_of(networks, encoder, parts["calibration"]))
        for network in networks:
            network.outer.bias.data[-1] += raised
        temperatures[name] = fit_temperature(*logits_of(networks, encoder, parts["calibration"]))
        for split in ("calibration", "test"):
            logits, truth = logits_of(networks, encoder, parts[split])
            answers[name, split] = torch.softmax(logits / temperatures[name], 1).numpy()
            answers[split] = truth.numpy()
    threshold = choose_threshold(
        answers["intents-small", "calibration"], answers["intents-large", "calibration"], answers["calibration"]
    )
    accuracy, asked = cascade(
        answers["intents-small", "test"], answers["intents-large", "test"], answers["test"], threshold
    )
    figures = {
        name: figures_of(answers[name, "test"], answers["test"]) | {"temperature": temperatures[name]}
        for name in temperatures
    }
    figures["cascade"] = {"threshold": threshold, "in scope": accuracy, "asked of the large": asked}
    figures["seconds"] = round(time.time() - started)
    print(json.dumps(figures, indent=2), flush=True)
    models = {}
    for name, networks, encoder in (("intents-small", [small], narrow), ("intents-large", members, wide)):
        models[name] = make_onnx(name, networks, temperatures[name])
        check_export(models[name], networks, temperatures[name], encoder, [q for q, _ in parts["test"][::40]])
        print(name, len(models[name]), "bytes", flush=True)
    write_models(arguments.out, models, labels, threshold, OUTSIDE, {"intents-small": SMALL, "intents-large": LARGE}, len(members))


if __name__ == "__main__":
    main()
