"""Accuracy of the exported file on the validation part, plain and as people might draw it."""

import numpy as np
import torch
import torch.nn.functional as F

from augment import binarise, thicken, thin, warp
from preprocess import normalise_all

# The browser's steps are taken image by image; this many of the validation images are enough to see a difference.
STEPS_ON = 2_000
STILL = {"shift": 0, "scale": (1, 1), "rotate": 0, "slant": 0}


def to_bytes(images: torch.Tensor) -> np.ndarray:
    """Float [N, 1, 28, 28] in 0..1 to uint8."""
    return (images.clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def variants(images: torch.Tensor, seed: int) -> dict[str, torch.Tensor]:
    """Seeded copies of float [N, 1, 28, 28], by the name of what was done to them."""
    generator = torch.Generator().manual_seed(seed)
    half = F.interpolate(images, scale_factor=0.6, mode="area")
    small = F.pad(half, ((28 - half.shape[-1]) // 2, (29 - half.shape[-1]) // 2) * 2)

    def moved(**changes):
        return warp(images, **{**STILL, **changes}, generator=generator)

    return {
        "off-centre by up to 4 px": moved(shift=4),
        "small (0.6)": small,
        "thick": thicken(images),
        "thin": thin(images, 0.7),
        "slanted by up to 25 degrees": moved(slant=25),
        "rotated by up to 15 degrees": moved(rotate=15),
        "hard-edged": binarise(images),
        "all together": binarise(
            thicken(moved(shift=4, scale=(0.7, 1.1), rotate=12, slant=15), 0.5)
        ),
    }


def predict(session, images: np.ndarray) -> np.ndarray:
    """uint8 [N, 1, 28, 28] to probabilities [N, 10]."""
    return np.concatenate([session.run(None, {"image": part})[0] for part in np.array_split(images, 20)])


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error: Guo et al. 2017, "On Calibration of Modern Neural Networks"."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(abs(right[which == b].mean() - confidence[which == b].mean()) * (which == b).mean() for b in set(which))
    )


def report(session, images: torch.Tensor, labels: torch.Tensor, seed: int) -> dict[str, float]:
    """Images uint8 [N, 28, 28]. Shares in percent, by name."""
    truth = labels.numpy()
    plain = images[:, None].float() / 255

    def accuracy(batch):
        return 100 * float((predict(session, to_bytes(batch)).argmax(1) == truth[: len(batch)]).mean())

    figures = {"validation": accuracy(plain)}
    for name, changed in variants(plain, seed).items():
        figures[name] = accuracy(changed)
        some = changed[:STEPS_ON, 0]
        figures[f"{name}, through the browser's steps"] = accuracy(normalise_all(some)[:, None])
    figures["calibration error"] = 100 * calibration_error(predict(session, to_bytes(plain)), truth)
    return figures
