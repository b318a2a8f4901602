"""A bag of hashed features: rows of 32 four-bit numbers, summed, then a small classifier."""

import torch
from torch import nn

WIDTH = 32
HIDDEN = 160


def quantise(table: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Whole numbers from -8 to 7; the gradient passes as if they were not rounded."""
    scaled = (table / scale).clamp(-8, 7)
    return scaled + (scaled.round() - scaled).detach()


class Network(nn.Module):
    def __init__(self, buckets: int, labels: int):
        super().__init__()
        self.table = nn.Parameter(torch.randn(buckets, WIDTH) * 0.02)
        self.register_buffer("scale", torch.ones(WIDTH))
        self.quantised = False
        self.direct = nn.Linear(WIDTH, labels)
        self.inner = nn.Linear(WIDTH, HIDDEN)
        self.outer = nn.Linear(HIDDEN, labels, bias=False)

    def start_quantising(self):
        """A step for each column, from how far its values reach."""
        with torch.no_grad():
            self.scale.copy_(self.table.std(0) * 3 / 8)
        self.quantised = True

    def forward(self, features, offsets, counts):
        """Features int64 [all], where each text's begin, how many each has; gives logits [texts, labels]."""
        table = quantise(self.table, self.scale) if self.quantised else self.table
        total = nn.functional.embedding_bag(features, table, offsets, mode="sum")
        if self.quantised:
            total = total * self.scale
        pooled = total / counts[:, None].clamp(min=1).float().sqrt()
        return self.direct(pooled) + self.outer(torch.relu(self.inner(pooled)))
