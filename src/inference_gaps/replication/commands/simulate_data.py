"""Simulate data from a trained model.

Reads a trained model; draws z from the prior and x from p(x|z), and writes both (safetensors, in the form of
prepared data, with one split, simulated). Each z is an exact sample of p(z|x), which is what reverse AIS needs.

  inference-gaps simulate-data --spec '{"points": 100}' --model model.safetensors --output simulated.safetensors
"""

import argparse

import torch

from inference_gaps.numerics.device import random_generator, set_up
from inference_gaps.replication.artifacts.fingerprints import make_provenance
from inference_gaps.replication.data.prepared import save_simulated
from inference_gaps.replication.storage.models import load_model
from inference_gaps.specs.simulate import SimulateSpec

__all__ = ["run"]


@torch.no_grad()
def run(options: argparse.Namespace) -> None:
    """Simulate and write; see the module."""
    spec = SimulateSpec.from_argument(options.spec)
    device = set_up(options)
    model, made_by = load_model(options.model, device)
    provenance = make_provenance("simulate-data", spec.as_dict(), {"model": made_by}, options.fingerprint)
    rng = random_generator(spec.seed, device)
    z = torch.randn(spec.points, model.latent_dim, generator=rng, device=device)
    x = model.generator.simulate(z, rng)
    save_simulated(options.output, x, z, made_by["data"], provenance)
