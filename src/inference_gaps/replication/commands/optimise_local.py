"""Optimise q* for each data point: local variational parameters.

Reads a prepared data set and a trained model (and, where the specification says start: local-ffg, the q*_FFG to
start from). Writes the parameters of q* (safetensors, one row per data point), and a values file of residuals (CSV:
point, residual; the gain of the last cycle, in nats).

  inference-gaps optimise-local --spec '{"family": "ffg", "points": 100}' --data mnist-grey256.safetensors \\
      --model model.safetensors --output local-ffg.safetensors --residuals local-ffg.csv
"""

import argparse

from inference_gaps.bounds.optima import optimise_local
from inference_gaps.replication.artifacts.files import all_or_none, write_values
from inference_gaps.replication.commands.stage_inputs import (
    load_stage,
    load_start,
    values_frame,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.replication.storage.local_posteriors import save_local_posterior
from inference_gaps.specs.bounds import LocalSpec
from inference_gaps.specs.families import label_of

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Optimise and write; see the module."""
    spec = LocalSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    start = load_start(options, spec.start == "local-ffg", spec, stage)
    provenance = stage.provenance(options, spec)
    model = stage.model
    with resumable(provenance, [options.output, options.residuals], stage.device) as job:
        if job.finished:
            return
        with reported(f"q*_{label_of(spec.family)}", "cycle") as report:
            optima = optimise_local(
                model.generator, model.posterior, stage.images, spec, start, report, job.checkpoint
            )
        provenance["summary"] = optima.summary()
        with all_or_none():
            write_values(options.residuals, values_frame({"residual": optima.residual}), provenance)
            save_local_posterior(options.output, optima.posterior, optima.residual, provenance)
