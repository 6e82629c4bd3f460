"""Estimate log p(x) by annealed importance sampling, per data point.

Reads a prepared data set, a trained model and, where the specification says start: local-ffg, the q*_FFG that the
chains start from instead of the prior. Writes a values file (CSV: point, value, standard_error,
effective_sample_size, acceptance, step_size, diverged; nats).

  inference-gaps evaluate-ais --spec '{"points": 100, "chains": 16, "distributions": 500}' \\
      --data mnist-grey256.safetensors --model model.safetensors --output ais-prior.csv
"""

import argparse

import pandas as pd
import torch

from inference_gaps.artifacts import write_values
from inference_gaps.bounds.ais import AisResult, annealed_importance_sampling
from inference_gaps.bounds.batches import point_batches
from inference_gaps.data.prepared import load_prepared
from inference_gaps.errors import UserError
from inference_gaps.fingerprints import make_provenance
from inference_gaps.models.storage import load_model
from inference_gaps.posteriors.storage import load_local_posterior
from inference_gaps.progress import progress_bar
from inference_gaps.runtime import add_runtime_arguments, random_generator, set_up
from inference_gaps.specs.ais import AisSpec

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of ``evaluate-ais``."""
    parser.add_argument(
        "--spec", default="{}", help="JSON object or file: points, chains, distributions, schedule"
    )
    parser.add_argument("--data", required=True, help="prepared data set, from prepare-data")
    parser.add_argument("--model", required=True, help="trained model, from train")
    parser.add_argument("--start", help="q*_FFG that chains start from; default: the prior")
    parser.add_argument("--output", required=True, help="values to write (.csv)")
    add_runtime_arguments(parser)


def run(options: argparse.Namespace) -> None:
    """Anneal and write; see the module."""
    spec = AisSpec.from_argument(options.spec)
    device = set_up(options)
    data = load_prepared(options.data)
    model, made_by = load_model(options.model, device)
    inputs = {"data": data.provenance["fingerprint"], "model": made_by["fingerprint"]}
    if (spec.start == "local-ffg") != bool(options.start):
        raise UserError(
            "--start names the q*_FFG that chains start from; give it exactly when the specification says "
            "start: local-ffg."
        )
    location = torch.zeros(spec.points, model.latent_dim, device=device)
    scale = torch.ones_like(location)
    if options.start:
        start = load_local_posterior(options.start, spec.split, spec.points, device)
        inputs["start"] = start.provenance["fingerprint"]
        location = start.parameters["mean"]
        scale = torch.exp(0.5 * start.parameters["log_variance"])
    images = data.points(spec.split, spec.points).to(device)
    rng = random_generator(spec.seed, device)

    results: list[AisResult] = []
    with progress_bar(spec.points, f"AIS from {spec.start}", "point") as bar:
        for rows in point_batches(spec.points, spec.chains, device):
            results.append(
                annealed_importance_sampling(
                    model.generator, images[rows], location[rows], scale[rows], spec, rng
                )
            )
            bar.update(len(results[-1].acceptance))

    columns = {
        "value": [result.bound.value for result in results],
        "standard_error": [result.bound.standard_error for result in results],
        "effective_sample_size": [result.bound.effective_sample_size for result in results],
        "acceptance": [result.acceptance for result in results],
        "step_size": [result.step_size for result in results],
        "diverged": [result.diverged for result in results],
    }
    frame = pd.DataFrame({name: torch.cat(parts).cpu().numpy() for name, parts in columns.items()})
    frame.insert(0, "point", range(spec.points))
    write_values(options.output, frame, make_provenance("evaluate-ais", spec.as_dict(), inputs))
