"""Makes the model that is shipped from a trained network: checks it, measures it, and writes its folder. See README.md."""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from card import Facts, make_card
from data import END, HELD_OUT, encode, read_books
from graph import count_macs, make_onnx, rounded
from manifest import NAME, REVISION, TOLERANCE, hub_config, list_model, make_manifest, to_json, tokenizer_files
from measure import Book, compressed_bits, load_network
from network import Network
from reader import Reader
from samples import longest_copy, ten_samples, words_of
from train import BATCH

# Of a logit, between the file and the network with the same rounded weights.
MOST_OFF = 0.001
MOST_BYTES = 8_000_000


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the folder that train.py kept its weights in")
    parser.add_argument("--out", type=Path, default=Path("packages/hither-models/models"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data/tales"), help="the folder with the books")
    parser.add_argument("--epochs", type=float, default=4, help="how many the training was to take")
    parser.add_argument("--unfinished", action="store_true", help="also from a network that has not seen them all")
    parser.add_argument("--windows", type=int, default=0, help="measure so many windows of the held-out book; default: all")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


@torch.no_grad()
def check_logits(network: Network, reader: Reader, ids: np.ndarray) -> float:
    """The largest difference of a logit, held against the network with the same rounded weights. Passages of several
    lengths: in one run, in pieces of 64 as the browser reads them, and the end of it token by token."""
    same, farthest, context = rounded(network), 0.0, network.size.context
    generator = np.random.default_rng(7)
    for length in [1, 2, 63, 64, 65, 200, context]:
        at = int(generator.integers(len(ids) - length))
        passage = ids[at : at + length]
        ours = same(torch.from_numpy(passage)[None])[0].numpy()
        for piece in [length, 64]:
            past = reader.start()
            for start in range(0, length, piece):
                part = passage[None, start : start + piece]
                logits, past = reader.read(part, past)
                farthest = max(farthest, float(np.abs(logits[0] - ours[start + part.shape[1] - 1]).max()))
        begun = max(0, length - 20)
        past = reader.read(passage[None, :begun], reader.start())[1] if begun else reader.start()
        for place in range(begun, length):
            logits, past = reader.read(passage[None, place : place + 1], past)
            farthest = max(farthest, float(np.abs(logits[0] - ours[place]).max()))
    return farthest


def milliseconds_a_token(reader: Reader, ids: np.ndarray) -> float:
    """The median of 100 tokens after 100 others."""
    past = reader.read(ids[None, :100], reader.start())[1]
    taken = []
    for place in range(100, 200):
        begun = time.perf_counter()
        _, past = reader.read(ids[None, place : place + 1], past)
        taken.append(time.perf_counter() - begun)
    return 1000 * float(np.median(taken))


def read_tokenizer(state: Path) -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(state / "tokenizer.json"))
    for text in ["Once upon a time", "naïve “wolf”—", "童话 🐺\u200d👧 \n\n\t  ", "".join(map(chr, range(1, 300)))]:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text, f"the tokenizer does not give {text!r} back"
    return tokenizer


def measure(book: Book, network: Network, reader: Reader, windows: int) -> dict[str, float]:
    """All three ways of the network must agree. The file is read token by token: that takes minutes."""
    exact = book.bits(network, windows)
    print(f"the network: {exact:.4f} bits a character", flush=True)
    eight = book.bits(rounded(network), windows)
    print(f"rounded to 8 bits: {eight:.4f}", flush=True)
    file = book.file_bits(reader, network.size.context, windows)
    print(f"the file: {file:.4f}", flush=True)
    assert max(abs(exact - file), abs(eight - file)) < 0.01, "the file is not as good as the network"
    return {"this model, the file that is shipped": file, "this model in float32, before it was rounded": exact}


def main() -> None:
    given = parse_arguments()
    torch.set_num_threads(given.threads)
    begun = time.time()
    network, steps = load_network(given.state)
    size = network.size
    tokenizer = read_tokenizer(given.state)
    books = read_books(given.data)
    told = {name: text for name, text in books.items() if name != HELD_OUT}
    tokens = len(encode(tokenizer, list(told.values())))
    wanted = int(given.epochs * tokens / (BATCH * size.context))
    print(f"{steps:,} steps of {wanted:,}, {tokens:,} tokens", flush=True)
    if steps < wanted and not given.unfinished:
        raise SystemExit("The training has not ended: train.py goes on with it; --unfinished exports it as it is.")

    model = make_onnx(network)
    reader = Reader(model, given.threads)
    book = Book(books[HELD_OUT], encode(tokenizer, [books[HELD_OUT]]))
    farthest = check_logits(network, reader, book.ids)
    print(f"{len(model):,} bytes; logits differ by at most {farthest:.1e} from the network's", flush=True)
    assert len(model) <= MOST_BYTES and farthest < MOST_OFF
    floats = Reader(make_onnx(rounded(network), eight_bits=False), given.threads)
    ours, theirs = floats.read(book.ids[None, :300], floats.start())[0], reader.read(book.ids[None, :300], reader.start())[0]
    speeds = [milliseconds_a_token(each, book.ids) for each in (reader, floats)]
    print(f"a token in {speeds[0]:.2f} ms, as float32 {speeds[1]:.2f} ms; they differ by {np.abs(ours - theirs).max():.1e}")
    bits = measure(book, network, reader, given.windows) | compressed_bits(book.text)
    samples = ten_samples(reader, tokenizer, tokenizer.token_to_id(END))
    plain = [words_of(text) for text in told.values()]

    files = {"model.onnx": model, **tokenizer_files(given.state, size)}
    facts = Facts(
        revision=REVISION,
        size=size,
        bytes=sum(map(len, files.values())),
        macs=count_macs(network),
        tolerance=TOLERANCE,
        weights=sum(weight.numel() for weight in network.parameters()),
        books=len(told),
        characters=sum(map(len, told.values())),
        tokens=tokens,
        steps=steps,
        epochs=steps * BATCH * size.context / tokens,
        held_characters=len(book.text),
        bits=bits,
        samples=samples,
        copied=[longest_copy(beginning + text, plain) for beginning, text in samples],
    )
    target = given.out / NAME / REVISION
    target.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (target / path).write_bytes(content)
    manifest = make_manifest(files, network, reader, tokenizer)
    (target / "manifest.json").write_text(to_json(manifest), encoding="utf-8")
    (target / "README.md").write_text(make_card(facts), encoding="utf-8")
    (target / "config.json").write_text(to_json(hub_config(size, tokenizer)), encoding="utf-8")
    list_model(given.out)
    print(f"{target}: {facts.bytes:,} bytes, {time.time() - begun:.0f} s")


if __name__ == "__main__":
    main()
