"""A model built from its seed and trained; a training that diverged makes none."""

import math
from collections.abc import Callable, Sequence

import torch

from inference_gaps.errors import UserError
from inference_gaps.models.generator import Generator
from inference_gaps.models.vae import VAE, build_vae
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images, Trained, train

__all__ = ["train_model"]

_LOST = 100.0
"""Nats below zero per pixel that no training on its way has, and one that diverged has by far."""


def train_model(
    spec: TrainSpec,
    shape: Sequence[int],
    images: Images,
    validation: Images | None,
    frozen: Generator | None,
    report: Callable[[EpochMetrics], None],
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> tuple[VAE, Trained]:
    """Build a model from its seed, and train it on the device of ``images``.

    Args:
        spec: architecture, family, seed; and see :func:`~inference_gaps.training.loop.train`.
        shape: channels, height, width of an image.
        images: the training split.
        validation: images for the validation ELBO, or None.
        frozen: the generator that the model gets and keeps, instead of one of its own.
        report: called after each epoch that is trained here.
        checkpoint: where an earlier process may have left this run.

    Raises:
        UserError: the training diverged, or the images do not suit the specification.
    """
    torch.manual_seed(spec.seed)
    model = build_vae(spec.architecture, spec.posterior, shape).to(images.bytes.device)
    if frozen is not None:
        model.freeze_generator(frozen)
    dimension, seen = math.prod(shape), list[EpochMetrics]()

    def heard(metrics: EpochMetrics) -> None:
        seen.append(metrics)
        _require_sound(seen, spec, dimension, ended=False)
        report(metrics)

    trained = train(model, spec, images, validation, heard, checkpoint)
    _require_sound(trained.epochs, spec, dimension, ended=True)
    return model, trained


def _is_lost(elbo: float | None, floor: float) -> bool:
    return elbo is not None and not (math.isfinite(elbo) and elbo > floor)


def _require_sound(epochs: Sequence[EpochMetrics], spec: TrainSpec, dimension: int, *, ended: bool) -> None:
    """Make sure that a training did not diverge: its last epoch and its last validation are those of a model.

    While it goes on, it may recover from a single bad epoch, or a single bad validation.

    Raises:
        UserError: it diverged.
    """
    noise = spec.architecture.noise if spec.architecture.kind == "linear-gaussian" else 1.0
    # A model that has learned nothing is above -1 nats a pixel, or some squares of a pixel over that of the noise.
    floor = -_LOST * dimension / min(noise, 1.0) ** 2
    needed = 1 if ended else 2
    validated = [row for row in epochs if row.validation_elbo is not None]
    for what, rows in (("ELBO", epochs[-needed:]), ("validation ELBO", validated[-needed:])):
        values = [row.elbo if what == "ELBO" else row.validation_elbo for row in rows]
        if len(values) == needed and all(_is_lost(value, floor) for value in values):
            raise UserError(
                f"the training diverged: in epoch {rows[-1].epoch} of {spec.epochs} its {what} is {values[-1]:.3g} "
                f"nats an image. Lower training.learning_rate (now {spec.learning_rate:g}) or raise "
                f"training.adam_epsilon (now {spec.adam_epsilon:g}). No weights were written."
            )
