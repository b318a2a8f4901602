"""Writes ten samples, as `client.generate` does with the same seeds: the same order, the same random numbers."""

import math
import re

import numpy as np

from reader import Reader

TEMPERATURE, TOP_P = 0.8, 0.9
TOKENS = 120
BEGINNINGS = [
    "Once upon a time",
    "There was once a king who had three daughters",
    "In a little hut at the edge of the forest",
    "‘Who are you?’ asked the wolf",
    "The old woman gave him a ring and said:",
    "When the princess opened the box",
    "Far away, beyond the sea,",
    "The youngest son set out",
    "One winter’s night",
    "And they lived",
]


def mixed(word: int) -> int:
    word = (word ^ (word >> 16)) * 0x85EBCA6B & 0xFFFFFFFF
    word = (word ^ (word >> 13)) * 0xC2B2AE35 & 0xFFFFFFFF
    return word ^ (word >> 16)


def uniform_at(seed: int, position: int) -> float:
    """As `src/generation/sampling/uniform-at.ts`, for seeds under 2^32."""
    step = 0x9E3779B9
    key = mixed(seed ^ mixed(step))
    first = mixed((key + position * step + mixed(position)) & 0xFFFFFFFF)
    second = mixed(first ^ mixed((key + position) & 0xFFFFFFFF))
    return ((first >> 5) * 2**26 + (second >> 6)) / 2**53


def pick(logits: np.ndarray, drawn: float) -> int:
    """As `src/generation/sampling/pick-token.ts`: temperature, then the likeliest with `TOP_P` of the probability."""
    logits = logits.astype(np.float64)
    most = float(logits.max())
    kept = np.flatnonzero(logits >= most + TEMPERATURE * math.log(1e-9))
    kept = kept[np.lexsort((kept, -logits[kept]))]
    sums = np.cumsum(np.exp((logits[kept] - most) / TEMPERATURE))
    count = int(np.searchsorted(sums, TOP_P * sums[-1])) + 1
    return int(kept[min(np.searchsorted(sums[:count], drawn * sums[count - 1], side="right"), count - 1)])


def write(reader: Reader, tokenizer, beginning: str, seed: int, end: int) -> str:
    """What the model goes on with, by its ids decoded as a whole."""
    ids, written = tokenizer.encode(beginning).ids, []
    logits, past = reader.read(np.array([ids]), reader.start())
    while len(written) < TOKENS:
        token = pick(logits[0], uniform_at(seed, len(written)))
        if token == end:
            break
        written.append(token)
        logits, past = reader.read(np.array([[token]]), past)
    # A character that the last token leaves unfinished is no part of it.
    return tokenizer.decode(written).rstrip("\ufffd")


def ten_samples(reader: Reader, tokenizer, end: int) -> list[tuple[str, str]]:
    """(beginning, what follows), with the seeds 1 to 10."""
    return [(text, write(reader, tokenizer, text, seed, end)) for seed, text in enumerate(BEGINNINGS, 1)]


def words_of(text: str) -> str:
    """The words of a text with a blank around each: whether one has words in a row is whether it has the other."""
    return " " + " ".join(re.findall(r"[a-z]+(?:'[a-z]+)*", text.lower().replace("’", "'"))) + " "


def longest_copy(text: str, books: list[str]) -> int:
    """The most words in a row that also stand in a row in one of the books, whose words are given by `words_of`."""
    own, best = words_of(text).split(), 0
    for start in range(len(own)):
        while start + best < len(own) and any(f" {' '.join(own[start : start + best + 1])} " in book for book in books):
            best += 1
    return best
