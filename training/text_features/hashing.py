"""Code points to hashed features: character n-grams within words, whole words, and blocks of the alphabet.

The same integer arithmetic is built into the ONNX graph by export.py; train.py checks that they agree.
All products stay below 2^63.
"""

import unicodedata

import numpy as np

PRIME = 2**31 - 1
STEP = 1_000_003
ORDERS = (1, 2, 3, 4, 5)
# A factor each: n-grams of order 1 to 5, whole words, blocks of 128 code points.
FACTORS = (1_540_483_477, 1_779_033_703, 1_013_904_242, 1_359_893_119, 1_247_308_573, 1_600_613_209, 1_135_587_277)
WORD, BLOCK = 5, 6
FLAGS = 0x3100
POSITIONS = 64
SPACE = 0x20


def separator_flags() -> np.ndarray:
    """uint8 [0x3100]: 1 for what parts words (spaces, signs, digits, symbols); letters, marks and joiners are 0."""
    kept = {0x27, 0x2019, 0x02BC, 0x200C, 0x200D, 0xB7}
    parts = [unicodedata.category(chr(c))[0] in "PSZCN" and c not in kept for c in range(FLAGS)]
    return np.array(parts, dtype=np.uint8)


def position_factors() -> np.ndarray:
    """int64 [64]: powers of a base modulo the prime, one for each place in a word; the last serves all behind it."""
    powers = [1]
    for _ in range(POSITIONS - 1):
        powers.append(powers[-1] * 1_103_515_245 % PRIME)
    return np.array(powers, dtype=np.int64)


FLAG_TABLE = separator_flags()
PLACES = position_factors()


def clean(code_points: np.ndarray) -> np.ndarray:
    """Separators become spaces."""
    flags = FLAG_TABLE[np.minimum(code_points, FLAGS - 1)]
    return np.where((flags == 1) & (code_points < FLAGS), SPACE, code_points).astype(np.int64)


def word_features(words: list[str], buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """For words without separators: (starts int64 [len(words) + 1], features int32), word by word."""
    text = np.array([ord(c) for c in " " + " ".join(words) + " "], dtype=np.int64)
    space = text == SPACE
    owner = np.cumsum(space) - 1
    rows, columns = [], []

    def bucket(value, factor):
        return value * FACTORS[factor] % PRIME % buckets

    value = text
    for order in ORDERS:
        count = len(text) - order + 1
        if count < 1:
            break
        if order > 1:
            value = (value[:count] * STEP + text[order - 1 :]) % PRIME
        inner = np.zeros(count, dtype=bool)
        for place in range(1, order - 1) if order > 1 else (0,):
            inner |= space[place : place + count]
        if order == 2:
            inner = space[:count] & space[1:]
        keep = np.nonzero(~inner)[0]
        rows.append(owner[keep])
        columns.append(bucket(value[keep], order - 1))
    letters = np.nonzero(~space)[0]
    starts = np.nonzero(space)[0]
    place = np.minimum(letters - starts[owner[letters]] - 1, POSITIONS - 1)
    scored = text[letters] * PLACES[place] % PRIME
    whole = np.zeros(len(words), dtype=np.int64)
    np.add.at(whole, owner[letters], scored)
    rows.append(np.arange(len(words)))
    columns.append(bucket(whole % PRIME, WORD))
    rows.append(owner[letters])
    columns.append(bucket(text[letters] // 128, BLOCK))
    row, column = np.concatenate(rows), np.concatenate(columns)
    order = np.argsort(row, kind="stable")
    counts = np.bincount(row, minlength=len(words))
    return np.concatenate([[0], np.cumsum(counts)]), column[order].astype(np.int32)
