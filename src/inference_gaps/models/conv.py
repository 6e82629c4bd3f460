"""Convolutions for 3 x 32 x 32 images (paper section 5.1, CIFAR-10; authors' Table-2 code).

Three 4 x 4 convolutions of stride 2 with batch normalisation and ELU, 32 -> 15 -> 6 -> 2, and their mirror.
"""

import torch
from torch import Tensor, nn

from inference_gaps.models.generator import BernoulliGenerator

__all__ = ["IMAGE_SHAPE", "ConvFeatures", "ConvGenerator"]

IMAGE_SHAPE = (3, 32, 32)


def _lay_out(module: nn.Module) -> None:
    # The values are the same; gradients take a quarter less time on a CPU.
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


class ConvFeatures(nn.Module):
    """Features of a recognition network: [B, 3072] -> [B, 16 c]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        inputs = IMAGE_SHAPE[0]
        for outputs in (channels, 2 * channels, 4 * channels):
            blocks += [nn.Conv2d(inputs, outputs, 4, stride=2), nn.BatchNorm2d(outputs), nn.ELU()]
            inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        _lay_out(self.blocks)
        self.feature_dim = 4 * channels * 2 * 2

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x.reshape(-1, *IMAGE_SHAPE)).flatten(1)


class ConvGenerator(BernoulliGenerator):
    """d -> 4c x 2 x 2 -> 3 x 32 x 32 logits."""

    def __init__(self, latent_dim: int, channels: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        wide, middle, narrow = 4 * channels, 2 * channels, channels
        self.project = nn.Sequential(
            nn.Linear(latent_dim, wide * 2 * 2), nn.ELU(), nn.Unflatten(1, (wide, 2, 2))
        )
        self.blocks = nn.Sequential(
            nn.ConvTranspose2d(wide, middle, 4, stride=2),
            nn.BatchNorm2d(middle),
            nn.ELU(),
            nn.ConvTranspose2d(middle, narrow, 4, stride=2, output_padding=1),
            nn.BatchNorm2d(narrow),
            nn.ELU(),
            nn.ConvTranspose2d(narrow, IMAGE_SHAPE[0], 4, stride=2),
        )
        _lay_out(self.blocks)

    def logits(self, z: Tensor) -> Tensor:
        """See :meth:`BernoulliGenerator.logits`."""
        flat = self.blocks(self.project(z.reshape(-1, self.latent_dim))).flatten(1)
        return flat.reshape(*z.shape[:-1], -1)
