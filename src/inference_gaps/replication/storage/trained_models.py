"""Saving and loading trained models.

The file of a training holds its last weights and, under names that begin with ``epoch-N.``, those after each epoch
whose weights it kept.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from inference_gaps.errors import UserError, is_out_of_memory
from inference_gaps.models.generator import Generator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.replication.artifacts.checks import require_finite
from inference_gaps.replication.artifacts.files import Provenance, read_tensors, write_tensors
from inference_gaps.specs.train import ArchitectureSpec, TrainSpec, generator_settings

__all__ = ["load_checkpoint", "load_generator", "load_model", "save_model"]

_KEPT = re.compile(r"epoch-([0-9]+)\.(.+)")


def save_model(
    path: Path | str,
    model: VAE,
    provenance: Provenance,
    checkpoints: Mapping[int, Mapping[str, Tensor]] | None = None,
) -> None:
    """Write the weights of ``model``.

    Args:
        path: file to write.
        model: the model after its training.
        provenance: what made the file. It holds the shape of images below ``data``, and the TrainSpec of the model
            below ``spec``, or, where that of the job is another, below ``training``.
        checkpoints: the weights that the training kept, by epoch.
    """
    kept = {
        f"epoch-{epoch}.{name}": tensor
        for epoch, weights in (checkpoints or {}).items()
        for name, tensor in weights.items()
    }
    write_tensors(path, {**model.state_dict(), **kept}, provenance)


def load_model(path: Path | str, device: torch.device | str = "cpu") -> tuple[VAE, Provenance]:
    """Load a trained model for evaluation: weights frozen, batch normalisation in evaluation mode.

    Raises:
        UserError: the file is missing or damaged, does not hold a model of this project, or numbers that are
            not finite.
    """
    weights, provenance = _read(path, "train", "take-checkpoint")
    return _built(path, weights[None], provenance, device), provenance


def load_checkpoint(path: Path | str, epoch: int) -> tuple[VAE, Provenance]:
    """Load the model as it was after ``epoch`` epochs of the training that made ``path``; as :func:`load_model`.

    Raises:
        UserError: as :func:`load_model`, or the training did not keep these weights.
    """
    weights, provenance = _read(path, "train")
    if epoch not in weights:
        kept = ", ".join(str(each) for each in weights if each is not None) or "none"
        raise UserError(
            f"{path} does not hold the weights after epoch {epoch}; the checkpoints that its training kept are: "
            f"{kept}. Name one of these, or train with {epoch} among the checkpoints."
        )
    return _built(path, weights[epoch], provenance, "cpu"), provenance


def load_generator(
    path: Path | str, architecture: ArchitectureSpec, shape: Sequence[int], device: torch.device | str = "cpu"
) -> tuple[Generator, Provenance]:
    """Load the generator of a trained model for a model of ``architecture`` and images of ``shape`` (C, H, W).

    Raises:
        UserError: as :func:`load_model`, or it is of another architecture or for other images.
    """
    model, provenance = load_model(path, device)
    if list(provenance["data"]["shape"]) != list(shape):
        found, wanted = (" x ".join(map(str, each)) for each in (provenance["data"]["shape"], shape))
        raise UserError(
            f"{path} was trained on images of {found}, but the data holds images of {wanted}; name a model and "
            f"data that belong together."
        )
    theirs, ours = generator_settings(_training(provenance).architecture), generator_settings(architecture)
    for key in sorted({*theirs, *ours}):
        if theirs.get(key) != ours.get(key):
            raise UserError(
                f"{path} has a generator with architecture.{key} {theirs.get(key, 'absent')}, but --spec asks for "
                f"{ours.get(key, 'absent')}; a generator can only be kept as it is."
            )
    return model.generator, provenance


def _training(provenance: Provenance) -> TrainSpec:
    """Return how the model of a file was trained."""
    return TrainSpec.model_validate_json(json.dumps(provenance.get("training", provenance["spec"])))


def _read(path: Path | str, *commands: str) -> tuple[dict[int | None, dict[str, Tensor]], Provenance]:
    """Return weights by epoch, ``None`` being the last one, and what made them."""
    tensors, provenance = read_tensors(path, *commands)
    require_finite(path, tensors)
    weights: dict[int | None, dict[str, Tensor]] = {None: {}}
    for name, tensor in tensors.items():
        kept = _KEPT.fullmatch(name)
        epoch, own_name = (int(kept[1]), kept[2]) if kept else (None, name)
        weights.setdefault(epoch, {})[own_name] = tensor
    return dict(sorted(weights.items(), key=lambda item: item[0] or 0)), provenance


def _built(
    path: Path | str, weights: Mapping[str, Tensor], provenance: Provenance, device: torch.device | str
) -> VAE:
    try:
        spec = _training(provenance)
        model = build_vae(spec.architecture, spec.posterior, provenance["data"]["shape"])
        model.load_state_dict(weights)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} does not hold a model of this project ({type(error).__name__}: {reason}); "
            f"train it again with 'inference-gaps train'."
        ) from error
    return model.to(device).eval().requires_grad_(False)
