"""Trains the digits model and writes it, its manifest and the samples. Seeded: see README.md."""

import argparse
import copy
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from augment import augment, recentre
from data import load_split
from evaluate import predict, report, to_bytes
from export import make_onnx, open_session, write_model
from network import count_macs, make_network
from samples import write_samples

BATCH = 128
# The last part of training sees milder drawings, so that the ordinary ones are learned to the end.
MILD_FROM, MILD = 0.65, 0.5


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mnist/train.npz"))
    parser.add_argument("--models", type=Path, default=Path("packages/hither-models/models"))
    parser.add_argument("--samples", type=Path, default=Path("public/samples/digits"))
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def train(images, labels, epochs: int, seed: int):
    """Images uint8 [N, 28, 28]. Returns the exponential moving average of the network's weights."""
    generator = torch.Generator().manual_seed(seed)
    network = make_network()
    average = copy.deepcopy(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps, pct_start=0.15)
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        network.train()
        strength = 1.0 if epoch < epochs * MILD_FROM else MILD
        total = 0.0
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            batch = augment(images[chosen][:, None].float() / 255, generator, strength)
            # Half goes through the browser's steps, which undo part of the augmentation.
            batch[: BATCH // 2] = recentre(batch[: BATCH // 2])
            loss = F.cross_entropy(network(batch), labels[chosen], label_smoothing=0.02)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            with torch.no_grad():
                for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
                    kept.lerp_(new, 0.002) if kept.dtype.is_floating_point else kept.copy_(new)
            total += float(loss.detach())
        print(f"epoch {epoch + 1}/{epochs}: loss {total / (len(order) // BATCH):.4f}", flush=True)
    return average.eval()


@torch.no_grad()
def fit_temperature(network, images, labels) -> float:
    """The temperature with the least negative log-likelihood on the validation part (Guo et al. 2017)."""
    logits = torch.cat([network(part[:, None].float() / 255) for part in images.split(1000)])
    candidates = torch.linspace(0.2, 2.0, 181)
    return float(min(candidates, key=lambda t: F.cross_entropy(logits / t, labels)))


def main() -> None:
    arguments = parse_arguments()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    train_x, train_y, validation_x, validation_y = load_split(arguments.data, arguments.seed)
    started = time.time()
    network = train(train_x, train_y, arguments.epochs, arguments.seed)
    seconds = time.time() - started
    temperature = fit_temperature(network, validation_x, validation_y)
    model = make_onnx(network, temperature)
    session = open_session(model)
    probabilities = predict(session, to_bytes(validation_x[:, None].float() / 255))
    with torch.no_grad():
        ours = torch.softmax(network(validation_x[:256, None].float() / 255) / temperature, 1).numpy()
    assert abs(ours - probabilities[:256]).max() < 1e-4, "the exported file differs from the network"
    canary = validation_x[int(probabilities.max(1).argsort()[len(probabilities) // 20])]
    write_model(arguments.models, model, count_macs(network), canary[None, None].numpy())
    write_samples(arguments.samples, validation_x, validation_y, probabilities)
    figures = report(session, validation_x, validation_y, arguments.seed)
    figures |= {"bytes": len(model), "multiply-accumulates": count_macs(network), "training seconds": round(seconds)}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
