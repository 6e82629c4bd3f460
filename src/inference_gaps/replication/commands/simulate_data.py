"""Simulate data from a trained model.

Reads a trained model; draws z from the prior and x from p(x|z), and writes both (safetensors, in the form of
prepared data, with one split, simulated). Each z is an exact sample of p(z|x), which is what reverse AIS needs.

  inference-gaps simulate-data --spec '{"points": 100}' --model model.safetensors --output simulated.safetensors
"""

import argparse

from inference_gaps.models.simulation import simulate_data
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.commands.runtime import device_of
from inference_gaps.replication.specs.models import SimulateSpec
from inference_gaps.replication.storage.prepared_data import save_simulated
from inference_gaps.replication.storage.trained_models import load_model

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Simulate and write; see the module."""
    spec = SimulateSpec.from_argument(options.spec)
    device = device_of(options)
    model, made_by = load_model(options.model, device)
    provenance = make_provenance("simulate-data", spec.as_dict(), {"model": made_by}, options.fingerprint)
    x, z = simulate_data(model.generator, spec.points, spec.seed, device)
    save_simulated(options.output, x, z, made_by["data"], provenance)
