"""The small file of what a model draws: reconstructions of images, and samples from the prior."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from inference_gaps.errors import UserError
from inference_gaps.models.grey_levels import pixels_of
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors

__all__ = ["load_samples", "save_samples"]

_ROWS = ("data", "reconstruction", "prior")


def save_samples(path: Path | str, drawn: Mapping[str, Tensor], provenance: Provenance) -> None:
    """Write images, reconstructions and samples, bytes [B, D] by name; ``provenance`` holds their shape."""
    write_tensors(path, dict(drawn), provenance)


def load_samples(path: Path | str) -> tuple[list[NDArray[np.float32]], Provenance]:
    """Return images, reconstructions and samples [B, C, H, W] in [0, 1], and what made them.

    Raises:
        UserError: the file is missing or damaged, or does not hold such images.
    """
    tensors, provenance = read_tensors(path, "evaluate-samples")
    if set(tensors) != set(_ROWS):
        raise UserError(f"{path} holds no samples of a model; run 'inference-gaps evaluate-samples' again.")
    shape = provenance["data"]["shape"]
    rows = [pixels_of(tensors[name]).reshape(-1, *shape) for name in _ROWS]
    return [row.numpy() for row in rows], provenance
