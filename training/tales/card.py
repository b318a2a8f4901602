"""The model's card."""

import re
from dataclasses import dataclass

from data import HELD_OUT
from network import Size
from samples import TEMPERATURE, TOKENS, TOP_P


@dataclass(frozen=True)
class Facts:
    revision: str
    size: Size
    bytes: int
    macs: int
    tolerance: float
    weights: int
    books: int
    characters: int
    tokens: int
    steps: int
    epochs: float
    held_characters: int
    # Of the held-out book, by what was measured.
    bits: dict[str, float]
    samples: list[tuple[str, str]]
    # Of each sample: the most words in a row that stand in a book, too.
    copied: list[int]


def plain(text: str) -> str:
    """As Markdown shows it: its signs mean nothing."""
    return re.sub(r"([\\`*_\[\]<>#&~|])", r"\\\1", text)


def quoted(beginning: str, text: str) -> str:
    """A sample as a quotation, its beginning in bold."""
    lines = f"**{plain(beginning)}**{plain(text)}".split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def make_card(facts: Facts) -> str:
    size = facts.size
    figures = "\n".join(f"| {name} | {bits:.3f} |" for name, bits in facts.bits.items())
    samples = "\n\n".join(f"{seed}.\n\n{quoted(*sample)}" for seed, sample in enumerate(facts.samples, 1))
    epochs = f"{facts.epochs:.2g}"
    return f"""# Tales, revision {facts.revision}

Writes on from the beginning of a fairy tale, in English, in the manner of the old collections. It is here so that writing can be tried on a fresh machine, without any other server: small enough for every device. It is no assistant: it answers no questions, follows no instructions and knows no facts.

**Input** `input_ids`, `attention_mask`, `position_ids`, int64 [1, tokens], and the keys and values of what was read before, `past_key_values.N.key` and `.value`, float32 [1, {size.kv_heads}, tokens, {size.head}]. **Output** `logits` of the last token, float32 [1, 1, {size.vocabulary}], and `present.N.key` and `.value`. A Llama of {size.layers} layers, {size.width} wide, with {size.heads} heads, {size.kv_heads} heads of keys and values, {size.vocabulary:,} tokens of its own byte pairs (any text has tokens) and a context of {size.context} tokens, about {round(size.context * facts.characters / facts.tokens, -2):,.0f} letters. {facts.weights:,} weights, in 8 bits with a scale for each row; the runtime multiplies them out when it loads them, and computes in float32. {facts.bytes / 1e6:.1f} MB with its tokenizer, {facts.macs:,} multiply-accumulates a token. Backends may differ by {facts.tolerance} (`tolerance`). The manifest holds a canary input with its answer. `config.json` is for other loaders of the hub's form.

**Data and licence.** {facts.books} books of fairy and children's tales (the brothers Grimm, Andersen, Andrew Lang's collections, Joseph Jacobs, Lewis Carroll, L. Frank Baum), {facts.characters:,} characters, in the electronic editions of Project Gutenberg as GITenberg has them, without their headers and licence notes. All were first published before 1929 and are in the public domain in the United States; their authors and editors died more than 70 years ago. The weights were made for Hither and are under its licence, MIT.

**Figures**, on a book that was held out as a whole (Andrew Lang, The Olive Fairy Book, {facts.held_characters:,} characters): how many bits it takes to say which character comes next. The book is read in windows of {size.context} tokens, each without what stands before it. `python training/tales/measure.py` prints them from the file that is shipped, and with `--state` from the network that was trained.

| | bits a character |
|---|---|
{figures}

The compressors saw nothing but the book itself. {facts.steps:,} steps of training, {epochs} times through {facts.tokens:,} tokens: `training/tales/README.md`.

**Limits.** What it writes sounds like a fairy tale for a sentence or two, and makes little sense beyond: persons change their names and their sex, threads are lost, sentences repeat. It writes English only, and hardly ever ends by itself, as the books have no mark at the end of a tale. It has the books' ideas of their time, of peoples, of men and women and of cruelty, and nothing keeps it from writing them. It can give back sentences of the books: in the ten samples below, the longest runs of words that also stand in one of the books have {", ".join(str(count) for count in facts.copied)} words. The held-out book comes from the same editor as eleven of the training books, which suits the figure.

## Ten samples

The first ten that were written, seeds 1 to 10: temperature {TEMPERATURE}, top-p {TOP_P}, {TOKENS} tokens each. What was given is in bold. `client.generate` writes the same with these settings.

{samples}
"""


assert HELD_OUT == "the-olive-fairy-book", "the card says which book was held out"
