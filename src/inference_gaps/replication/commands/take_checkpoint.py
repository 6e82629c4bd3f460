"""Take the weights after one epoch out of a training that kept them.

Reads what 'train' wrote with checkpoints; writes the weights after one of these epochs (safetensors) as a trained
model. Every stage that evaluates a model can read it.

  inference-gaps take-checkpoint --spec '{"epoch": 100}' --model model.safetensors \\
      --output epoch-100/model.safetensors
"""

import argparse

from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.specs.models import CheckpointSpec
from inference_gaps.replication.storage.trained_models import load_checkpoint, save_model

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Take and write; see the module."""
    spec = CheckpointSpec.from_argument(options.spec)
    model, made_by = load_checkpoint(options.model, spec.epoch)
    provenance = make_provenance("take-checkpoint", spec.as_dict(), {"model": made_by}, options.fingerprint)
    save_model(options.output, model, {**provenance, "data": made_by["data"], "training": made_by["spec"]})
