"""The tales as token ids: a tokenizer of their own, the training stream, and a book that is held out."""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

# A whole book, which shares no tale with the others: the collections print some tales twice.
HELD_OUT = "the-olive-fairy-book"
VOCABULARY = 4096
END = "<|end|>"


def read_books(folder: Path) -> dict[str, str]:
    """Each book's text by its name, with one blank line between paragraphs."""
    books = {path.stem: path.read_text(encoding="utf-8").strip() for path in sorted(folder.glob("*.txt"))}
    if HELD_OUT not in books:
        raise SystemExit(f"{folder} has no {HELD_OUT}.txt")
    return books


def train_tokenizer(texts: list[str]) -> Tokenizer:
    """Byte-level pairs, so that any text has ids, and the ids of a text give it back byte for byte."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((part for text in texts for part in text.split("\n\n")), trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """The ids of all texts in one row, each closed by the end token."""
    end = tokenizer.token_to_id(END)
    rows = [np.array([*tokenizer.encode(text).ids, end], dtype=np.int64) for text in texts]
    return np.concatenate(rows)
