"""Saving and loading local posteriors."""

import json
from pathlib import Path

import torch
from torch import Tensor

from inference_gaps.errors import UserError, counted
from inference_gaps.posteriors.local import LocalPosterior, family_of
from inference_gaps.replication.artifacts.checks import require_finite
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors
from inference_gaps.specs.bounds import LocalSpec

__all__ = ["load_local_posterior", "save_local_posterior"]

_RESIDUAL = "residual"


def save_local_posterior(
    path: Path | str, q: LocalPosterior, residual: Tensor, provenance: Provenance
) -> None:
    """Write q*; ``provenance`` holds its LocalSpec, ``residual`` [P] what the last cycle gained in nats."""
    write_tensors(path, q.parameters | {_RESIDUAL: residual}, provenance)


def load_local_posterior(
    path: Path | str, split: str, points: int, device: torch.device | str = "cpu"
) -> tuple[LocalPosterior, Provenance]:
    """Load the q* of the first ``points`` points of ``split``, and what made it.

    Raises:
        UserError: the file is damaged, holds numbers that are not finite, or was optimised on another split or on
            fewer points.
    """
    tensors, provenance = read_tensors(path, "optimise-local")
    require_finite(path, tensors)
    try:
        spec = LocalSpec.model_validate_json(json.dumps(provenance["spec"]))
        tensors.pop(_RESIDUAL)
        latent_dim = tensors["mean"].shape[-1]
        family = family_of(spec, latent_dim)
        expected = {"mean": (latent_dim,), "log_variance": (latent_dim,), **family.network_shapes()}
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != {name: (spec.points, *shape) for name, shape in expected.items()}:
            raise ValueError("it holds other parameters than its family has")
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(
            f"{path} does not hold a local posterior of this project ({type(error).__name__}: "
            f"{str(error).splitlines()[0]}); make it again with 'inference-gaps optimise-local'."
        ) from error
    if spec.split != split or spec.points < points:
        raise UserError(
            f"{path} holds q* of {counted(spec.points, 'point')} of the split '{spec.split}', but the job asks "
            f"for {counted(points, 'point')} of '{split}'; run 'inference-gaps optimise-local' for those."
        )
    chosen = {name: tensor[:points].to(device) for name, tensor in tensors.items()}
    return LocalPosterior(family, chosen), provenance
