"""CLINC150: queries as words, each with its character features; the parts they fall in."""

import json
import random
from pathlib import Path

import numpy as np

from text_features.hashing import FACTORS, FLAG_TABLE, FLAGS, ORDERS, PLACES, POSITIONS, PRIME, SPACE, STEP
from text_features.steps import part_of, to_code_points

MAX_LENGTH = 256
OUTSIDE = "oos"
# Digits belong to words here: sums, dates and account types tell intents apart.
FLAGS_WITH_DIGITS = FLAG_TABLE.copy()
FLAGS_WITH_DIGITS[ord("0") : ord("9") + 1] = 0
PAIR, TRIPLE = 5, 6


def words_of(query: str) -> list[str]:
    points = np.array(to_code_points(query, MAX_LENGTH) or [SPACE])
    parts = (FLAGS_WITH_DIGITS[np.minimum(points, FLAGS - 1)] == 1) & (points < FLAGS)
    return "".join(map(chr, np.where(parts, SPACE, points))).split()


def word_hash(word: str) -> int:
    total = sum(ord(c) * int(PLACES[min(i, POSITIONS - 1)]) % PRIME for i, c in enumerate(word))
    return total % PRIME


def character_features(word: str, buckets: int) -> list[int]:
    """The word itself, then its n-grams of order 2 to 5 with its ends."""
    found = [word_hash(word) * FACTORS[5] % PRIME % buckets]
    text = [SPACE, *map(ord, word), SPACE]
    for order in ORDERS[1:]:
        for start in range(len(text) - order + 1):
            value = text[start]
            for point in text[start + 1 : start + order]:
                value = (value * STEP + point) % PRIME
            found.append(value * FACTORS[order - 1] % PRIME % buckets)
    return found


def phrase_features(hashes: list[int], buckets: int) -> list[int]:
    """Two and three words in a row; the ends of the query count as words."""
    row = [1, *hashes, 2]
    pairs = [(a * STEP + b) % PRIME for a, b in zip(row, row[1:], strict=False)]
    triples = [(pair * STEP + c) % PRIME for pair, c in zip(pairs, row[2:], strict=False)]
    return [p * FACTORS[PAIR] % PRIME % buckets for p in pairs] + [t * FACTORS[TRIPLE] % PRIME % buckets for t in triples]


def load(folder: Path):
    """Returns (labels, domain number of each label, {split: [(words, label)]}).

    train: the training part and its out-of-scope queries. Of the validation part, by hash: a third calibrates, the
    rest is held out.
    """
    raw = json.loads((folder / "train_val.json").read_text(encoding="utf-8"))
    domains = json.loads((folder / "domains.json").read_text(encoding="utf-8"))
    labels = sorted({intent for _, intent in raw["train"]}) + [OUTSIDE]
    number = {label: index for index, label in enumerate(labels)}
    domain_of = {intent: index for index, intents in enumerate(domains.values()) for intent in intents}
    parts = {"train": [], "calibration": [], "test": []}
    for text, intent in raw["train"] + raw["oos_train"]:
        parts["train"].append((words_of(text), number[intent]))
    for text, intent in raw["val"] + raw["oos_val"]:
        split = "calibration" if part_of("clinc150", intent, text) < 33 else "test"
        parts[split].append((words_of(text), number[intent]))
    return labels, [domain_of.get(label, len(domains)) for label in labels], parts


def misspell(word: str, chance: random.Random) -> str:
    """One letter swapped, lost, doubled or changed."""
    if len(word) < 3:
        return word
    at, kind = chance.randrange(len(word) - 1), chance.randrange(4)
    changed = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
        word[:at] + chance.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :],
    )
    return changed[kind]
