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
from inference_gaps.replication.artifacts.files import Provenance, all_or_none, write_values
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.commands.runtime import device_of
from inference_gaps.replication.data.prepared import PreparedData
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import progress_bar
from inference_gaps.replication.storage.prepared_data import load_prepared
from inference_gaps.replication.storage.trained_models import load_generator, save_model
from inference_gaps.specs.train import TrainSpec
from inference_gaps.training.loop import EpochMetrics, Images
from inference_gaps.training.run import train_model

__all__ = ["run"]


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
    device = device_of(options)
    data = load_prepared(options.data)
    inputs: dict[str, str | Provenance] = {"data": data.provenance}
    frozen = _frozen_generator(options, spec, data, device)
    if frozen:
        inputs["generator"] = frozen[1]
    provenance = make_provenance("train", spec.as_dict(), inputs, options.fingerprint)
    images = Images(data.split("train").to(device), data.scale)
    held_out = data.held_out(spec.validation_points)
    validation = None if held_out is None else Images(held_out.to(device), data.scale)
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

            generator = frozen[0] if frozen else None
            model, trained = train_model(
                spec, data.shape, images, validation, generator, report, job.checkpoint
            )
        metrics = pd.DataFrame([dataclasses.asdict(row) for row in trained.epochs])
        with all_or_none():
            write_values(options.metrics, metrics, provenance)
            save_model(options.output, model, provenance, trained.checkpoints)
