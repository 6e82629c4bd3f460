"""Saving and loading trained models."""

import json
from pathlib import Path

import torch

from inference_gaps.artifact_kinds import require_finite, require_made_by
from inference_gaps.artifacts import Provenance, read_tensors, write_tensors
from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.specs.train import TrainSpec

__all__ = ["load_model", "save_model"]


def save_model(path: Path | str, model: VAE, provenance: Provenance) -> None:
    """Write the weights of ``model``; ``provenance`` holds its TrainSpec and, under ``data``, the image shape."""
    write_tensors(path, model.state_dict(), provenance)


def load_model(path: Path | str, device: torch.device | str = "cpu") -> tuple[VAE, Provenance]:
    """Load a trained model for evaluation: weights frozen, batch normalisation in evaluation mode.

    Raises:
        UserError: the file is missing or damaged, does not hold a model of this project, or numbers that are
            not finite.
    """
    tensors, provenance = read_tensors(path)
    require_made_by(path, provenance, "train")
    require_finite(path, tensors)
    try:
        spec = TrainSpec.model_validate_json(json.dumps(provenance["spec"]))
        model = build_vae(spec.architecture, spec.posterior, provenance["data"]["shape"])
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} does not hold a model of this project ({type(error).__name__}: {reason}); "
            f"train it again with 'inference-gaps train'."
        ) from error
    return model.to(device).eval().requires_grad_(False), provenance
