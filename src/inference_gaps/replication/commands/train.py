"""Train a variational autoencoder.

Reads a prepared data set, writes the weights (safetensors) and the training curves (CSV: epoch, elbo,
objective, validation_elbo, learning_rate, entropy_weight, images_per_second, seconds; bounds in nats per image).
With checkpoints in --spec, the weights after each of these epochs are kept, too, for take-checkpoint.

  inference-gaps train --spec '{"posterior": {"family": "af"}, "epochs": 50}' --data mnist-grey256.safetensors \\
      --output model.safetensors --metrics metrics.csv

With "frozen_generator": true it keeps the generator of the trained model --generator, and trains q(z|x) alone.

Keys that --spec does not name have the paper's value; specs/train.py lists them.
"""

import argparse
import dataclasses
import math
from collections.abc import Sequence

import pandas as pd
import torch

from inference_gaps.errors import UserError
from inference_gaps.models.generator import Generator
from inference_gaps.models.vae import build_vae
from inference_gaps.numerics.device import set_up
from inference_gaps.replication.artifacts.files import Provenance, all_or_none, write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.data.prepared import PreparedData, load_prepared
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.replication.storage.models import load_generator, save_model
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images, train

__all__ = ["run"]

_LOST = 100.0
"""Nats below zero per pixel that no training on its way has, and one that diverged has by far."""


def _validation_images(data: PreparedData, points: int, device: torch.device) -> Images | None:
    # Without a held-out part of the training images the authors' code monitors the test set, too.
    split = next((name for name in ("validation", "test") if name in data.split_names), None)
    if split is None or points == 0:
        return None
    return Images(data.split(split)[:points].to(device), data.scale)


def _frozen_generator(
    options: argparse.Namespace, spec: TrainSpec, data: PreparedData, device: torch.device
) -> tuple[Generator, Provenance] | None:
    if spec.frozen_generator != bool(options.generator):
        raise UserError(
            "--generator names a trained model whose generator is kept; give it exactly when the specification "
            "says frozen_generator: true."
        )
    if not options.generator:
        return None
    return load_generator(options.generator, spec.architecture, data.shape, device)


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


def run(options: argparse.Namespace) -> None:
    """Train and write; see the module."""
    spec = TrainSpec.from_argument(options.spec)
    device = set_up(options)
    data = load_prepared(options.data)
    inputs: dict[str, str | Provenance] = {"data": data.provenance}
    frozen = _frozen_generator(options, spec, data, device)
    if frozen:
        inputs["generator"] = frozen[1]
    provenance = make_provenance("train", spec.as_dict(), inputs, options.fingerprint)
    torch.manual_seed(spec.seed)
    model = build_vae(spec.architecture, spec.posterior, data.shape).to(device)
    if frozen:
        model.freeze_generator(frozen[0])
    images = Images(data.split("train").to(device), data.scale)
    validation = _validation_images(data, spec.validation_points, device)
    provenance["data"] = data.provenance["data"]

    with resumable(provenance, [options.output, options.metrics], device) as job:
        if job.finished:
            return
        with progress_bar(spec.epochs, f"train {data.title}", "epoch") as bar:
            seen: list[EpochMetrics] = []

            def report(metrics: EpochMetrics) -> None:
                seen.append(metrics)
                _require_sound(seen, spec, data.dimension, ended=False)
                bar.set_postfix_str(
                    f"ELBO {metrics.elbo:.2f}, {metrics.images_per_second:,.0f} images/s", refresh=False
                )
                bar.update(metrics.epoch - bar.n)

            trained = train(model, spec, images, validation, report, job.checkpoint)
        _require_sound(trained.epochs, spec, data.dimension, ended=True)
        metrics = pd.DataFrame([dataclasses.asdict(row) for row in trained.epochs])
        with all_or_none():
            write_values(options.metrics, metrics, provenance)
            save_model(options.output, model, provenance, trained.checkpoints)
