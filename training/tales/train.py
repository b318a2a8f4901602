"""Trains the tales model; keeps what it has reached, and goes on from there. See README.md."""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from data import HELD_OUT, encode, read_books, train_tokenizer
from network import Network, Size

BATCH = 8
PEAK, LAST = 2e-3, 1e-4
WARM_UP = 100
LOG_EVERY, SAVE_EVERY = 20, 100


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder with the books")
    parser.add_argument("--state", type=Path, required=True, help="a folder to keep the tokenizer and the weights in")
    parser.add_argument("--epochs", type=float, default=4)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def held_out_loss(network: Network, ids: np.ndarray, context: int) -> float:
    """The sum of -log2 p over all ids but each window's first, by the number of ids: bits a token."""
    network.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, context):
            window = torch.from_numpy(ids[start : start + context + 1])[None]
            if window.shape[1] < 2:
                break
            logits = network(window[:, :-1])
            total += F.cross_entropy(logits[0], window[0, 1:], reduction="sum").item()
            count += window.shape[1] - 1
    network.train()
    return total / count / math.log(2)


def rate_at(step: int, steps: int) -> float:
    """The learning rate: up in a line, down in half a cosine."""
    if step < WARM_UP:
        return PEAK * (step + 1) / WARM_UP
    share = (step - WARM_UP) / max(1, steps - WARM_UP)
    return LAST + (PEAK - LAST) * 0.5 * (1 + math.cos(math.pi * min(1, share)))


def batches(ids: np.ndarray, context: int, seed: int):
    """Windows of the stream for ever: cut at another place and shuffled anew in each epoch."""
    epoch = 0
    while True:
        generator = np.random.default_rng([seed, epoch])
        offset = int(generator.integers(context))
        starts = np.arange(offset, len(ids) - context - 1, context)
        generator.shuffle(starts)
        for at in range(0, len(starts) - BATCH + 1, BATCH):
            rows = np.stack([ids[start : start + context + 1] for start in starts[at : at + BATCH]])
            yield torch.from_numpy(rows)
        epoch += 1


def main() -> None:
    given = parse_arguments()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    given.state.mkdir(parents=True, exist_ok=True)
    books = read_books(given.data)
    told = [text for name, text in books.items() if name != HELD_OUT]
    tokenizer = train_tokenizer(told)
    tokenizer.save(str(given.state / "tokenizer.json"))
    ids, held = encode(tokenizer, told), encode(tokenizer, [books[HELD_OUT]])
    size = Size()
    network = Network(size, dropout=0.1)
    matrices = [weight for weight in network.parameters() if weight.dim() > 1]
    vectors = [weight for weight in network.parameters() if weight.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}], betas=(0.9, 0.95)
    )
    steps = int(given.epochs * len(ids) / (BATCH * size.context))
    characters_a_token = len(books[HELD_OUT]) / len(held)
    kept, done = given.state / "network.pt", 0
    if kept.exists():
        state = torch.load(kept, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["done"]
    weights = sum(weight.numel() for weight in network.parameters())
    print(f"{weights:,} weights, {len(ids):,} tokens, {steps} steps from {done}, {characters_a_token:.2f} characters a token")

    def save(step: int) -> None:
        # Whole or not there: the process may be ended at any moment.
        unfinished = kept.with_suffix(".unfinished")
        torch.save({"network": network.state_dict(), "optimizer": optimizer.state_dict(), "done": step}, unfinished)
        unfinished.replace(kept)

    began, lately = time.time(), []
    for step, rows in enumerate(batches(ids, size.context, given.seed)):
        if step >= steps:
            break
        if step < done:
            continue
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, steps)
        loss = F.cross_entropy(network(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        lately.append(loss.item() / math.log(2) / characters_a_token)
        if (step + 1) % LOG_EVERY == 0:
            speed = (step + 1 - done) * BATCH * size.context / (time.time() - began)
            print(f"{step + 1}: {np.mean(lately):.3f} bits a character, {speed:.0f} tokens/s", flush=True)
            lately.clear()
        if (step + 1) % SAVE_EVERY == 0:
            save(step + 1)
    save(steps)
    bits = held_out_loss(network, held, size.context)
    print(f"held out ({HELD_OUT}): {bits / characters_a_token:.3f} bits a character")


if __name__ == "__main__":
    main()
