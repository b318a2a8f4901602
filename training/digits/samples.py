"""Writes the ten sample pictures: one validation image a digit, dark ink on light paper."""

import struct
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 112


def write_png(path: Path, pixels: np.ndarray) -> None:
    """uint8 grey [height, width]."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    )


def write_samples(folder: Path, images: torch.Tensor, labels: torch.Tensor, probabilities: np.ndarray) -> None:
    """Takes, for each digit, the validation image whose slant and weight differ most from the mean among the 200 clearest."""
    folder.mkdir(parents=True, exist_ok=True)
    for digit in range(10):
        of_digit = np.where(labels.numpy() == digit)[0]
        clear = of_digit[np.argsort(-probabilities[of_digit, digit])[:200]]
        candidates = images[clear].float()
        distance = (candidates - candidates.mean(0)).flatten(1).norm(dim=1)
        chosen = candidates[int(distance.argsort()[len(distance) * 3 // 4])]
        large = F.interpolate(chosen[None, None] / 255, size=(SIDE, SIDE), mode="bicubic").clamp(0, 1)[0, 0]
        paper, ink = 250, 28
        write_png(folder / f"{digit}.png", (paper - (paper - ink) * large).round().to(torch.uint8).numpy())
    (folder / "LICENSE.txt").write_text(
        "Images from MNIST (Y. LeCun, C. Cortes, C. Burges), enlarged and inverted. CC BY-SA 3.0.\n", encoding="utf-8"
    )
