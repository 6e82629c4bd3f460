"""Reconstruct images and sample from the prior.

Reads a data set and a trained model; writes the first images, their reconstructions and as many samples from the
prior (safetensors, one byte per pixel). Figures need no more of a model.

  inference-gaps evaluate-samples --spec '{"split": "validation", "points": 12}' --data mnist-grey256.safetensors \\
      --model model.safetensors --output samples.safetensors
"""

import argparse

from inference_gaps.models.simulation import evaluate_samples
from inference_gaps.replication.commands.stage_inputs import load_stage
from inference_gaps.replication.specs.models import SamplesSpec
from inference_gaps.replication.storage.drawn_images import save_samples

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Draw and write; see the module."""
    spec = SamplesSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    provenance = stage.provenance(options, spec)
    provenance["data"] = {"shape": list(stage.data.shape)}
    save_samples(options.output, evaluate_samples(stage.model, stage.images, spec.seed), provenance)
