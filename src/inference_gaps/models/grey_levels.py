"""Pixels as bytes, for what is only looked at."""

import torch
from torch import Tensor

__all__ = ["as_bytes", "pixels_of"]


def as_bytes(pixels: Tensor) -> Tensor:
    """Return pixels in [0, 1] as bytes; what lies outside is taken to the nearest end."""
    return (255 * pixels.clamp(0, 1)).round().to(torch.uint8)


def pixels_of(rows: Tensor) -> Tensor:
    """Return bytes as pixels in [0, 1], float32."""
    return rows.float() / 255
