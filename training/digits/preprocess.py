"""What the browser does to a drawing before the model sees it, so that the model can be judged on it.

Crop to the ink, scale its longest side to 20 pixels, place its centre of mass at the centre, stretch the contrast.
"""

import torch
import torch.nn.functional as F

SIZE, INK = 28, 20


def normalise(image: torch.Tensor) -> torch.Tensor:
    """One image, float [28, 28] in 0..1, white ink on black; the same after the browser's steps."""
    ink = image > max(8 / 255, 0.04 * float(image.max()))
    if not bool(ink.any()):
        return image
    rows, columns = torch.where(ink.any(1))[0], torch.where(ink.any(0))[0]
    crop = (image * ink)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = INK / max(crop.shape)
    height, width = (max(1, round(side * scale)) for side in crop.shape)
    mode = {"mode": "area"} if scale < 1 else {"mode": "bilinear", "align_corners": False}
    small = F.interpolate(crop[None, None], size=(height, width), **mode)[0, 0]
    mass = small.sum()
    top = SIZE / 2 - float(((torch.arange(height) + 0.5)[:, None] * small).sum() / mass)
    left = SIZE / 2 - float(((torch.arange(width) + 0.5)[None, :] * small).sum() / mass)
    top = min(max(round(top), 0), SIZE - height)
    left = min(max(round(left), 0), SIZE - width)
    placed = torch.zeros(SIZE, SIZE)
    placed[top : top + height, left : left + width] = small
    return placed / placed.max()


def normalise_all(images: torch.Tensor) -> torch.Tensor:
    """Float [N, 28, 28] to the same, each image on its own."""
    return torch.stack([normalise(image) for image in images])
