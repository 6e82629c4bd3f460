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

import pandas as pd
import torch

from inference_gaps.errors import UserError
from inference_gaps.models.generator import Generator
from inference_gaps.models.vae import build_vae
from inference_gaps.numerics.device import set_up
from inference_gaps.replication.artifacts.files import Provenance, all_or_none, write_values
from inference_gaps.replication.artifacts.fingerprints import identity, make_provenance
from inference_gaps.replication.data.prepared import PreparedData, load_prepared
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.replication.storage.models import load_generator, save_model
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images, train

__all__ = ["run"]


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


def run(options: argparse.Namespace) -> None:
    """Train and write; see the module."""
    spec = TrainSpec.from_argument(options.spec)
    device = set_up(options)
    data = load_prepared(options.data)
    inputs = {"data": identity(data.provenance)}
    frozen = _frozen_generator(options, spec, data, device)
    if frozen:
        inputs["generator"] = identity(frozen[1])
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

            def report(metrics: EpochMetrics) -> None:
                bar.set_postfix_str(
                    f"ELBO {metrics.elbo:.2f}, {metrics.images_per_second:,.0f} images/s", refresh=False
                )
                bar.update(metrics.epoch - bar.n)

            trained = train(model, spec, images, validation, report, job.checkpoint)
        metrics = pd.DataFrame([dataclasses.asdict(row) for row in trained.epochs])
        with all_or_none():
            write_values(options.metrics, metrics, provenance)
            save_model(options.output, model, provenance, trained.checkpoints)
