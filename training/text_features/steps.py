"""The text steps that src/tasks/text/text-to-tensor.ts takes, and the split of lines. Both must stay equal to TypeScript's."""

import re
import unicodedata

# What JavaScript's \s matches.
SPACES = re.compile(r"[\t-\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+")


def to_code_points(text: str, max_length: int) -> list[int]:
    lowered = unicodedata.normalize("NFC", text).lower()
    clean = SPACES.sub(" ", unicodedata.normalize("NFC", lowered)).strip(" ")
    return [0xFFFD if 0xD800 <= ord(c) <= 0xDFFF else ord(c) for c in clean[:max_length]]


def part_of(kind: str, language: str, line: str) -> int:
    """0 to 99, by FNV-1a (32 bits) of `kind/language/line`: the same line falls in the same part everywhere."""
    value = 2166136261
    for byte in f"{kind}/{language}/{line}".encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value % 100


def split_of(kind: str, language: str, line: str) -> str:
    part = part_of(kind, language, line)
    return "test" if part < 6 else "validation" if part < 9 else "calibration" if part < 12 else "train"
