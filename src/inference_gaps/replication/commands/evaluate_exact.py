"""Compute the exact answers of a model that has them, per data point.

Reads data and a trained model that is linear-Gaussian (closed formulas) or has one or two latent dimensions
(quadrature). Writes a values file (CSV: quantity, point, value, error; nats) with log p(x), L[q] of the recognition
network and L[q*] of the best factorised Gaussian. The error of a formula is 0; that of an integral is
the change by the last halving of the cells of its grid.

  inference-gaps evaluate-exact --spec '{"points": 16}' --data data.safetensors --model model.safetensors \\
      --output exact.csv
"""

import argparse

import pandas as pd

from inference_gaps.exact.answers import exact_answers
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import load_stage, values_frame
from inference_gaps.replication.specs.models import ExactSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Compute and write; see the module."""
    spec = ExactSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    provenance = stage.provenance(options, spec)
    answers = exact_answers(stage.model, stage.images, spec.quantities)
    frames = [values_frame(vars(answer), quantity=name) for name, answer in answers.items()]
    write_values(options.output, pd.concat(frames), provenance)
