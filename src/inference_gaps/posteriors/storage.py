"""Saving and loading local posteriors."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from inference_gaps.artifacts import Provenance, read_tensors, write_tensors
from inference_gaps.errors import UserError
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.posteriors.registry import local_family

__all__ = ["LocalPosterior", "load_local_posterior", "save_local_posterior"]

_RESIDUAL = "residual"


@dataclass(frozen=True)
class LocalPosterior:
    """q* of the first points of a split: a family, and parameters with a leading dimension of points."""

    family: PosteriorFamily
    parameters: dict[str, Tensor]
    provenance: Provenance

    def rows(self, rows: slice) -> dict[str, Tensor]:
        """Return the parameters of some of the points."""
        return {name: tensor[rows] for name, tensor in self.parameters.items()}


def save_local_posterior(
    path: Path | str, parameters: dict[str, Tensor], residual: Tensor, provenance: Provenance
) -> None:
    """Write q*; ``provenance`` holds its LocalSpec, ``residual`` [B] what the last cycle gained in nats."""
    write_tensors(path, parameters | {_RESIDUAL: residual}, provenance)


def load_local_posterior(
    path: Path | str, split: str, points: int, device: torch.device | str = "cpu"
) -> LocalPosterior:
    """Load the q* of the first ``points`` points of ``split``.

    Raises:
        UserError: the file is damaged, or was optimised on another split or on fewer points.
    """
    tensors, provenance = read_tensors(path)
    try:
        spec = provenance["spec"]
        made_for, count = spec["split"], spec["points"]
        tensors.pop(_RESIDUAL)
        family = local_family(
            spec["family"], tensors["mean"].shape[1], spec["flow_steps"], spec["flow_hidden"]
        )
        missing = set(family.network_shapes()) | {"mean", "log_variance"}
        if missing != set(tensors):
            raise KeyError(", ".join(sorted(missing ^ set(tensors))))
    except KeyError as error:
        raise UserError(
            f"{path} does not hold a local posterior of this project (key {error}); make it again with "
            f"'inference-gaps optimise-local'."
        ) from error
    if made_for != split or count < points:
        raise UserError(
            f"{path} holds q* of {count} points of the split '{made_for}', but {points} points of '{split}' are "
            f"asked for; run 'inference-gaps optimise-local' for those."
        )
    chosen = {name: tensor[:points].to(device) for name, tensor in tensors.items()}
    return LocalPosterior(family, chosen, provenance)
