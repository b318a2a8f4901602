"""The network: four 3x3 convolutions at three resolutions and a linear layer. 6.0 million multiply-accumulates."""

from torch import nn


def block(channels_in: int, channels_out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.ReLU()]


def make_network() -> nn.Sequential:
    """Float [N, 1, 28, 28] in 0..1 to logits [N, 10]."""
    return nn.Sequential(
        *block(1, 16),
        *block(16, 16),
        nn.MaxPool2d(2),
        *block(16, 40),
        nn.MaxPool2d(2),
        *block(40, 64),
        *block(64, 64),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(64, 10),
    )


def count_macs(network: nn.Sequential) -> int:
    """Multiply-accumulates of one 28x28 image."""
    side, macs = 28, 0
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            macs += layer.weight.numel() * side * side
        elif isinstance(layer, nn.MaxPool2d):
            side //= 2
        elif isinstance(layer, nn.Linear):
            macs += layer.weight.numel()
    return macs
