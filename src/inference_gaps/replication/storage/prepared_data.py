"""The file of a prepared data set: one tensor per split, and what :mod:`..data.prepared` has to know of it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from inference_gaps.errors import UserError
from inference_gaps.replication.artifacts.checks import require_finite
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors
from inference_gaps.replication.data.prepared import PreparedData, packed, simulated, unpacked
from inference_gaps.replication.specs.data import PrepareSpec

__all__ = ["load_prepared", "save_prepared", "save_simulated"]


def save_prepared(
    path: Path | str,
    spec: PrepareSpec,
    splits: Mapping[str, npt.NDArray[np.uint8]],
    provenance: Provenance,
) -> None:
    """Write splits, bytes [N, D] each, with their provenance."""
    tensors, about = packed(spec, splits)
    write_tensors(path, tensors, {**provenance, "data": about})


def save_simulated(
    path: Path | str, images: torch.Tensor, latents: torch.Tensor, about: Provenance, provenance: Provenance
) -> None:
    """Write images [N, D] simulated from a model, and the latent variables [N, d] that they came from.

    Args:
        path: file to write.
        images: as the model reads them.
        latents: one row per image.
        about: what the file of the model says of the data that it was trained on.
        provenance: what made the file.
    """
    tensors, described = simulated(images, latents, about)
    write_tensors(path, tensors, {**provenance, "data": described})


def load_prepared(path: Path | str) -> PreparedData:
    """Read what :func:`save_prepared` or :func:`save_simulated` wrote.

    Raises:
        UserError: the file is missing, truncated, or something else.
    """
    tensors, provenance = read_tensors(path, "prepare-data", "simulate-data")
    require_finite(path, tensors)
    try:
        return unpacked(tensors, provenance)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path} does not hold a data set of this project ({type(error).__name__}: {error}); move it away and "
            f"run 'inference-gaps {provenance['command']}' again."
        ) from error
