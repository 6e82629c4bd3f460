"""Estimate log p(x) by annealed importance sampling, per data point.

Reads a prepared data set, a trained model and, where the specification says start: local-ffg, the q*_FFG that the
chains start from instead of the prior. Writes a values file (CSV: point, value, standard_error,
effective_sample_size, acceptance, step_size, diverged; nats).

  inference-gaps evaluate-ais --spec '{"points": 100, "chains": 16, "distributions": 500}' \\
      --data mnist-grey256.safetensors --model model.safetensors --output ais-prior.csv
"""

import argparse

import pandas as pd

from inference_gaps.bounds.ais import annealed_importance_sampling
from inference_gaps.bounds.batches import point_batches
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
    """Anneal and write; see the module."""
    spec = AisSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    start = load_start(options, spec.start == "local-ffg", spec, stage)
    provenance = stage.provenance(options, spec)
    location, scale = gaussian_start(start, spec.points, stage)
    rng = random_generator(spec.seed, stage.device)

    batches = list(point_batches(spec.points, spec.chains, stage.device))

    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        results = Results()
        with progress_bar(spec.points, f"AIS from {spec.start}", "point") as bar:
            for index in job.checkpoint.loop(results, len(batches), rng, where=numbered("batch")):
                rows = batches[index]
                result = annealed_importance_sampling(
                    stage.model.generator,
                    stage.images[rows],
                    location[rows],
                    scale[rows],
                    spec,
                    rng,
                    job.checkpoint,
                )
                results.append(
                    {
                        "value": result.bound.value,
                        "standard_error": result.bound.standard_error,
                        "effective_sample_size": result.bound.effective_sample_size,
                        "acceptance": result.acceptance,
                        "step_size": result.step_size,
                        "diverged": result.diverged,
                    }
                )
                bar.update(rows.stop - bar.n)
        frame = pd.DataFrame({name: column.cpu().numpy() for name, column in results.joined().items()})
        frame.insert(0, "point", range(spec.points))
        write_values(options.output, frame, provenance)
