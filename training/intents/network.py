"""Queries to intents: hashed features of words and phrases, summed, and a convolution over the words."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Size:
    """Rows and width of the two tables, channels of the convolution (0: none), width of the inner layer."""

    words: int
    word_width: int
    phrases: int
    phrase_width: int
    channels: int
    inner: int

    @property
    def joined(self) -> int:
        return self.word_width + self.phrase_width + self.channels


LARGE = Size(words=20_011, word_width=128, phrases=32_003, phrase_width=96, channels=256, inner=320)
SMALL = Size(words=12_007, word_width=32, phrases=9_001, phrase_width=32, channels=0, inner=128)


def quantise(table: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Whole numbers from -8 to 7; the gradient passes as if they were not rounded."""
    scaled = (table / scale).clamp(-8, 7)
    return scaled + (scaled.round() - scaled).detach()


class Table(nn.Module):
    """Rows by feature number, summed by bag and divided by the root of their count; four bits a number in the end."""

    def __init__(self, rows: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(rows, width) * 0.1)
        self.register_buffer("scale", torch.zeros(width))

    def start_quantising(self):
        with torch.no_grad():
            self.scale.copy_(self.weight.std(0) * 3 / 8)

    def forward(self, features, offsets, counts):
        quantised = bool(self.scale[0] > 0)
        table = quantise(self.weight, self.scale) if quantised else self.weight
        total = F.embedding_bag(features, table, offsets, mode="sum")
        if quantised:
            total = total * self.scale
        return total / counts[:, None].clamp(min=1).float().sqrt()


class Network(nn.Module):
    def __init__(self, size: Size, labels: int, domains: int):
        super().__init__()
        self.size = size
        self.words, self.phrases = Table(size.words, size.word_width), Table(size.phrases, size.phrase_width)
        if size.channels:
            self.conv = nn.Conv1d(size.word_width, size.channels, 3, padding=1)
        self.dropout = nn.Dropout(0.4 if size.channels else 0.1)
        self.inner = nn.Linear(size.joined, size.inner)
        self.outer = nn.Linear(size.inner, labels)
        self.direct = nn.Linear(size.joined, labels, bias=False)
        self.domain = nn.Linear(size.inner, domains)

    def forward(self, batch):
        """Gives (logits [queries, labels], domain logits)."""
        words = self.words(*batch["words"])
        place = batch["place"]
        grid = words.new_zeros(*place.shape, words.shape[1])
        present = place >= 0
        grid[present] = words[place[present]]
        counts = present.sum(1, keepdim=True).clamp(min=1).float()
        parts = [grid.sum(1) / counts.sqrt(), self.phrases(*batch["phrases"])]
        if self.size.channels:
            seen = torch.relu(self.conv(grid.transpose(1, 2)))
            parts.append((seen * present[:, None]).amax(2))
        joined = self.dropout(torch.cat(parts, 1))
        inner = self.dropout(torch.relu(self.inner(joined)))
        return self.outer(inner) + self.direct(joined), self.domain(inner)
