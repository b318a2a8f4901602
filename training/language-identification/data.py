"""Lines of 75 languages as lists of word numbers, split once and for all."""

from pathlib import Path

import numpy as np

from text_features.hashing import clean
from text_features.steps import split_of, to_code_points

KINDS = ("sentences", "word-pairs", "single-words")
MAX_LENGTH = 512
# Written without spaces between words: pieces of any length are cut from them instead.
UNSPACED = ("zh", "ja", "th")


def words_of(line: str) -> list[str]:
    return "".join(map(chr, clean(np.array(to_code_points(line, MAX_LENGTH) or [0x20])))).split(" ")


class Lexicon:
    """Numbers for words, in the order in which they are met."""

    def __init__(self):
        self.numbers: dict[str, int] = {}

    def __call__(self, words) -> np.ndarray:
        numbers = self.numbers
        return np.array([numbers.setdefault(w, len(numbers)) for w in words if w], dtype=np.int32)


def load(folder: Path):
    """Returns (languages, {split: {kind: [(language number, line)]}})."""
    languages = sorted(path.stem for path in (folder / KINDS[0]).glob("*.txt"))
    parts = {split: {kind: [] for kind in KINDS} for split in ("train", "calibration", "validation", "test")}
    for kind in KINDS:
        for number, language in enumerate(languages):
            lines = (folder / kind / f"{language}.txt").read_text(encoding="utf-8").split("\n")
            for line in sorted({line.strip() for line in lines if line.strip()}):
                parts[split_of(kind, language, line)][kind].append((number, line))
    return languages, parts
