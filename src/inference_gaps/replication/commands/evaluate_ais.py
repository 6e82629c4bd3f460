"""Estimate log p(x) by annealed importance sampling, per data point.

Reads a prepared data set, a trained model and, where the specification says start: local-ffg, the q*_FFG that the
chains start from instead of the prior. Writes a values file (CSV: point, value, standard_error,
effective_sample_size, acceptance, step_size, diverged; nats).

  inference-gaps evaluate-ais --spec '{"points": 100, "chains": 16, "distributions": 500}' \\
      --data mnist-grey256.safetensors --model model.safetensors --output ais-prior.csv
"""

import argparse

from inference_gaps.bounds.chains import chain_start, evaluate_ais
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    load_stage,
    load_start,
    values_frame,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.specs.bounds import AisSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Anneal and write; see the module."""
    spec = AisSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    gaussian = load_start(options, spec.start == "local-ffg", spec, stage)
    start = chain_start(stage.images, stage.model.latent_dim, gaussian)
    provenance = stage.provenance(options, spec)
    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        with reported(f"AIS from {spec.start}", "point") as report:
            found = evaluate_ais(stage.model.generator, stage.images, *start, spec, report, job.checkpoint)
        write_values(options.output, values_frame(found.columns()), provenance)
