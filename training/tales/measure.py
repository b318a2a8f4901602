"""Bits a character of the held-out book: of the trained network, of its rounded copy, and of the exported file.

The book is cut into windows of 512 tokens, each read by itself: what stands before a window is not seen. The first token
of the book is given.
"""

import argparse
import bz2
import lzma
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from data import HELD_OUT, encode, read_books
from graph import rounded
from network import Network, Size
from reader import Reader
from train import held_out_loss

BATCH = 16


@dataclass(frozen=True)
class Book:
    """A text, and its tokens with the end token."""

    text: str
    ids: np.ndarray

    @property
    def characters_a_token(self) -> float:
        return len(self.text) / len(self.ids)

    def first(self, windows: int, context: int) -> np.ndarray:
        return self.ids if windows <= 0 else self.ids[: windows * context + 1]

    def bits(self, network: Network, windows: int = 0) -> float:
        ids = self.first(windows, network.size.context)
        return held_out_loss(network, ids, network.size.context) / self.characters_a_token

    def file_bits(self, reader: Reader, context: int, windows: int = 0) -> float:
        """The same of a decoder that gives the last token's logits: it reads token by token, with its cache."""
        ids = self.first(windows, context)
        rows = [ids[start : start + context + 1] for start in range(0, len(ids) - 1, context)]
        whole = [row for row in rows if len(row) == context + 1]
        groups = [np.stack(whole[at : at + BATCH]) for at in range(0, len(whole), BATCH)]
        groups += [row[None] for row in rows[len(whole) :]]
        total = sum(bits_of(reader, group) for group in groups)
        return total / sum(len(row) - 1 for row in rows) / self.characters_a_token


def bits_of(reader: Reader, rows: np.ndarray) -> float:
    """The sum of -log2 p over all tokens of these rows but the first of each."""
    total, past = 0.0, reader.start(len(rows))
    for at in range(rows.shape[1] - 1):
        logits, past = reader.read(rows[:, at : at + 1], past)
        logits = logits.astype(np.float64)
        most = logits.max(1)
        norms = most + np.log(np.exp(logits - most[:, None]).sum(1))
        total += float((norms - logits[np.arange(len(rows)), rows[:, at + 1]]).sum()) / math.log(2)
    return total


def compressed_bits(text: str) -> dict[str, float]:
    """What general compressors need for the book alone, in bits a character: to have something to compare with."""
    data = text.encode()
    sizes = {"bzip2 -9": len(bz2.compress(data, 9)), "xz -9e": len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))}
    return {name: 8 * size / len(text) for name, size in sizes.items()}


def load_network(state: Path) -> tuple[Network, int]:
    """The network as it was kept, and how many steps it was trained."""
    kept = torch.load(state / "network.pt", weights_only=True)
    network = Network(Size()).eval()
    network.load_state_dict(kept["network"])
    return network, kept["done"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tales"), help="the folder with the books")
    parser.add_argument("--state", type=Path, help="the folder with network.pt, to measure it, too")
    parser.add_argument("--model", type=Path, default=Path("packages/hither-models/models/tales/1"))
    parser.add_argument("--windows", type=int, default=0, help="only so many; default: all")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    tokenizer = Tokenizer.from_file(str(given.model / "tokenizer.json"))
    text = read_books(given.data)[HELD_OUT]
    book = Book(text, encode(tokenizer, [text]))
    print(f"{HELD_OUT}: {len(text):,} characters, {len(book.ids):,} tokens")
    if given.state is not None:
        network, done = load_network(given.state)
        print(f"network after {done} steps: {book.bits(network, given.windows):.4f} bits a character")
        print(f"rounded to 8 bits: {book.bits(rounded(network), given.windows):.4f}")
    reader = Reader((given.model / "model.onnx").read_bytes(), given.threads)
    print(f"exported file: {book.file_bits(reader, Size().context, given.windows):.4f}", flush=True)
    for name, bits in compressed_bits(text).items():
        print(f"{name}: {bits:.3f}")


if __name__ == "__main__":
    main()
