"""MNIST's training images, split once and for all into training and validation."""

import sys
from pathlib import Path

import numpy as np
import torch

VALIDATION = 10_000


def load_split(path: Path, seed: int):
    """Returns (train_x, train_y, validation_x, validation_y): images uint8 [N, 28, 28], labels int64 [N].

    The validation part is the last 10,000 of a seeded permutation; nothing is ever trained on it.
    """
    if not path.exists():
        sys.exit(f"No data at {path}: give the path of MNIST's train.npz with --data.")
    with np.load(path) as archive:
        images = torch.from_numpy(archive["x_train"].astype(np.uint8))
        labels = torch.from_numpy(archive["y_train"].astype(np.int64))
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(images)))
    train, validation = order[:-VALIDATION], order[-VALIDATION:]
    return images[train], labels[train], images[validation], labels[validation]
