"""Measure the activity of each latent unit of a model.

Reads a data set and a trained model; writes a values file (CSV: unit, activity, kl). The activity of a unit is the
variance over images of its mean in q(z|x) (Burda et al., 2015); a unit counts as active above 0.01. kl is its mean
KL divergence from the prior in nats, if q(z|x) is a factorised Gaussian.

  inference-gaps evaluate-units --spec '{"split": "validation"}' --data data.safetensors \\
      --model model.safetensors --output units.csv
"""

import argparse

import pandas as pd

from inference_gaps.errors import UserError
from inference_gaps.models.units import unit_activity
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import load_stage
from inference_gaps.replication.specs.models import UnitsSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    spec = UnitsSpec.from_argument(options.spec)
    stage = load_stage(options, spec, at_most=True)
    if len(stage.images) < 2:
        raise UserError(
            f"{options.data} has one image in its split {spec.split}, and activity is a variance over images; name "
            f"another split."
        )
    provenance = stage.provenance(options, spec)
    measured = unit_activity(stage.model, stage.images, spec.samples, spec.seed)
    frame = pd.DataFrame(
        {
            "unit": range(stage.model.latent_dim),
            "activity": measured.activity.cpu().numpy(),
            "kl": measured.kl.cpu().numpy(),
        }
    )
    write_values(options.output, frame, provenance | {"summary": {"images": len(stage.images)}})
