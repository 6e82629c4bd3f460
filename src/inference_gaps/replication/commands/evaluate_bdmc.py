"""Bound log p(x) from both sides by bidirectional Monte Carlo, on data simulated from the model.

Reads simulated data (simulate-data), the model and, where the specification says start: local-ffg, the q*_FFG of
the same points. Takes an AisSpec with split simulated: AIS forward as evaluate-ais runs it, and in reverse from the
latent variables behind the data, which are exact posterior samples. Writes a values file (CSV: point, forward,
forward_standard_error, reverse, reverse_standard_error, acceptance, diverged; nats).

  inference-gaps evaluate-bdmc --spec '{"split": "simulated", "points": 16, "chains": 16, "distributions": 500}' \\
      --data simulated.safetensors --model model.safetensors --output bdmc-prior.csv
"""

import argparse

import pandas as pd

from inference_gaps.bounds.ais import bidirectional_monte_carlo
from inference_gaps.bounds.batches import point_batches
from inference_gaps.errors import UserError
from inference_gaps.numerics.checkpoint import Results, numbered
from inference_gaps.numerics.device import random_generator
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    gaussian_start,
    load_stage,
    load_start,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.specs.ais import AisSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Anneal in both directions and write; see the module."""
    spec = AisSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    z = stage.data.latents(spec.points).to(stage.device)
    if z.shape[1] != stage.model.latent_dim:
        raise UserError(
            f"{options.data} was simulated from {z.shape[1]} latent dimensions, but the model has "
            f"{stage.model.latent_dim}; run 'inference-gaps simulate-data' on this model."
        )
    start = load_start(options, spec.start == "local-ffg", spec, stage)
    provenance = stage.provenance(options, spec)
    location, scale = gaussian_start(start, spec.points, stage)
    rng = random_generator(spec.seed, stage.device)

    batches = list(point_batches(spec.points, spec.chains, stage.device))

    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        results = Results()
        with progress_bar(spec.points, f"BDMC from {spec.start}", "point") as bar:
            for index in job.checkpoint.loop(results, len(batches), rng, where=numbered("batch")):
                rows = batches[index]
                forward, reverse = bidirectional_monte_carlo(
                    stage.model.generator,
                    stage.images[rows],
                    z[rows],
                    location[rows],
                    scale[rows],
                    spec,
                    rng,
                    job.checkpoint,
                )
                results.append(
                    {
                        "forward": forward.bound.value,
                        "forward_standard_error": forward.bound.standard_error,
                        "reverse": reverse.bound.value,
                        "reverse_standard_error": reverse.bound.standard_error,
                        "acceptance": 0.5 * (forward.acceptance + reverse.acceptance),
                        "diverged": forward.diverged + reverse.diverged,
                    }
                )
                bar.update(rows.stop - bar.n)
        frame = pd.DataFrame({name: column.cpu().numpy() for name, column in results.joined().items()})
        frame.insert(0, "point", range(spec.points))
        write_values(options.output, frame, provenance)
