"""Digits as people draw them: shifted, scaled, slanted, thick, thin, wobbly, hard-edged.

Images are float [N, 1, 28, 28] in 0..1, white ink on black.
"""

import math

import torch
import torch.nn.functional as F


def warp(images, *, shift, scale, rotate, slant, elastic=0.0, generator=None):
    """Random affine maps, one an image, plus a smooth random displacement.

    shift: pixels either way; scale: (smallest, largest); rotate, slant: degrees either way; elastic: pixels.
    """
    count = len(images)

    def uniform(low, high):
        return torch.rand(count, generator=generator) * (high - low) + low

    angle = torch.deg2rad(uniform(-rotate, rotate))
    shear = torch.tan(torch.deg2rad(uniform(-slant, slant)))
    # Separate factors for width and height; sampling maps output to input, so it divides.
    base = torch.exp(uniform(math.log(scale[0]), math.log(scale[1])))
    width, height = base * uniform(0.9, 1.1), base * uniform(0.9, 1.1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = cos / width, (sin + shear) / width
    theta[:, 1, 0], theta[:, 1, 1] = -sin / height, cos / height
    theta[:, 0, 2], theta[:, 1, 2] = uniform(-shift, shift) / 14, uniform(-shift, shift) / 14
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    if elastic > 0:
        coarse = torch.randn(count, 2, 5, 5, generator=generator) * elastic / 14
        field = F.interpolate(coarse, size=(28, 28), mode="bicubic", align_corners=False)
        grid = grid + field.permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, align_corners=False, padding_mode="zeros")


def thicken(images, amount=1.0):
    """Blends each image with its dilation."""
    return images + (F.max_pool2d(images, 3, 1, 1) - images) * amount


def thin(images, amount=1.0):
    """Blends each image with its erosion, as far as that leaves ink."""
    eroded = -F.max_pool2d(-images, 3, 1, 1)
    kept = eroded.amax((1, 2, 3), keepdim=True) > 0.5
    return torch.where(kept, images + (eroded - images) * amount, images)


def binarise(images, threshold=0.4):
    """A hard-edged pen: no anti-aliasing."""
    return (images > threshold).float()


def recentre(images, ink=20):
    """The browser's steps in one batched resampling: ink's longest side to 20 pixels, centre of mass to the centre.

    preprocess.py does the same exactly, image by image, which is too slow for training.
    """
    mask = images[:, 0] > 0.06
    side = torch.arange(28.0)

    def extent(occupied):
        first = torch.where(occupied, side, 28.0).amin(1)
        last = torch.where(occupied, side, -1.0).amax(1)
        return (last - first + 1).clamp(min=1)

    longest = torch.maximum(extent(mask.any(2)), extent(mask.any(1)))
    mass = images[:, 0].sum((1, 2)).clamp(min=1e-6)
    x = (images[:, 0].sum(1) * (side + 0.5)).sum(1) / mass
    y = (images[:, 0].sum(2) * (side + 0.5)).sum(1) / mass
    theta = torch.zeros(len(images), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = longest / ink
    theta[:, 0, 2], theta[:, 1, 2] = x / 14 - 1, y / 14 - 1
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, align_corners=False, padding_mode="zeros")
    return moved / moved.amax((1, 2, 3), keepdim=True).clamp(min=1e-3)


def augment(images, generator, strength=1.0):
    """A training batch as people might have drawn it. `strength` in 0..1 scales how far and how often."""
    count = len(images)

    def some(share):
        return torch.rand(count, 1, 1, 1, generator=generator) < share

    def amounts():
        return torch.rand(count, 1, 1, 1, generator=generator)

    images = warp(
        images,
        shift=2.5 * strength,
        scale=(1 - 0.28 * strength, 1 + 0.12 * strength),
        rotate=13 * strength,
        slant=15 * strength,
        elastic=0.7 * strength,
        generator=generator,
    )
    images = torch.where(some(0.25 * strength), thicken(images, amounts()), images)
    images = torch.where(some(0.15 * strength), thin(images, amounts()), images)
    images = torch.where(some(0.2 * strength), binarise(images), images)
    images = torch.where(some(0.15 * strength), F.avg_pool2d(images, 3, 1, 1), images)
    gain = 0.75 + 0.5 * torch.rand(count, 1, 1, 1, generator=generator)
    return (images * gain).clamp(0, 1)
