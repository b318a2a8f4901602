"""A small Llama: RMS norms, rotary positions, grouped attention, gated layers, one table for reading and writing."""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass(frozen=True)
class Size:
    vocabulary: int = 4096
    width: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    inner: int = 680
    context: int = 512
    theta: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head(self) -> int:
        return self.width // self.heads

    def config(self) -> dict:
        """The hub's `config.json` of this network."""
        names = {"width": "hidden_size", "layers": "num_hidden_layers", "heads": "num_attention_heads"}
        names |= {"kv_heads": "num_key_value_heads", "inner": "intermediate_size", "theta": "rope_theta"}
        names |= {"vocabulary": "vocab_size", "context": "max_position_embeddings", "epsilon": "rms_norm_eps"}
        return {names[key]: value for key, value in asdict(self).items()}


def rotation(size: Size, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines of all positions: [length, head]. (Su et al. 2021, "RoFormer"; halves, as Llama has it.)"""
    rates = size.theta ** (-torch.arange(0, size.head, 2).float() / size.head)
    angles = torch.outer(torch.arange(length).float(), rates)
    angles = torch.cat([angles, angles], 1)
    return angles.cos(), angles.sin()


def rotate(x: torch.Tensor, turn: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    cosines, sines = turn
    first, second = x.chunk(2, -1)
    return x * cosines + torch.cat([-second, first], -1) * sines


class Layer(nn.Module):
    def __init__(self, size: Size, dropout: float):
        super().__init__()
        self.size, keys = size, size.kv_heads * size.head
        self.before, self.after = (nn.RMSNorm(size.width, size.epsilon) for _ in range(2))
        self.q = nn.Linear(size.width, size.width, bias=False)
        self.k = nn.Linear(size.width, keys, bias=False)
        self.v = nn.Linear(size.width, keys, bias=False)
        self.o = nn.Linear(size.width, size.width, bias=False)
        self.gate = nn.Linear(size.width, size.inner, bias=False)
        self.up = nn.Linear(size.width, size.inner, bias=False)
        self.down = nn.Linear(size.inner, size.width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x, turn):
        batch, length, _ = x.shape
        normed = self.before(x)
        split = lambda y, heads: y.view(batch, length, heads, self.size.head).transpose(1, 2)  # noqa: E731
        q = rotate(split(self.q(normed), self.size.heads), turn)
        k = rotate(split(self.k(normed), self.size.kv_heads), turn)
        v = split(self.v(normed), self.size.kv_heads)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        x = x + self.dropout(self.o(mixed.transpose(1, 2).reshape(batch, length, -1)))
        normed = self.after(x)
        return x + self.dropout(self.down(F.silu(self.gate(normed)) * self.up(normed)))


class Network(nn.Module):
    def __init__(self, size: Size, dropout: float = 0.0):
        super().__init__()
        self.size = size
        self.table = nn.Embedding(size.vocabulary, size.width)
        self.layers = nn.ModuleList(Layer(size, dropout) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.width, size.epsilon)
        cosines, sines = rotation(size, size.context)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() < 2:
                continue
            # What is added to the stream grows with the depth: it begins smaller (Radford et al. 2019, GPT-2).
            ends = name.endswith(("o.weight", "down.weight"))
            nn.init.normal_(weight, std=0.02 / (2 * size.layers) ** 0.5 if ends else 0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """ids [batch, length] to logits [batch, length, vocabulary]."""
        turn = self.cosines[: ids.shape[1]], self.sines[: ids.shape[1]]
        x = self.table(ids)
        for layer in self.layers:
            x = layer(x, turn)
        return self.norm(x) @ self.table.weight.T
