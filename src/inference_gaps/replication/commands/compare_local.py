"""Compare our q*_FFG with the authors' procedure of local optimisation, per data point.

Reads data, a trained model and q*_FFG of the same points. Writes a values file (CSV: procedure, point, value,
standard_error, steps, passes; nats) with L[q*] of three procedures, evaluated on the same noise:

  ours    the q*_FFG that was read
  shared  one Gaussian per image, by the authors' start, rate and stopping rule
  copies  the authors' procedure: one Gaussian per sample

passes counts passes of an image through the generator: one for a value, two for a gradient.

  inference-gaps compare-local --spec '{"points": 16}' --data mnist.safetensors --model model.safetensors \\
      --start local-ffg.safetensors --output procedures.csv
"""

import argparse

import pandas as pd

from inference_gaps.bounds.authors_local import compare_local
from inference_gaps.bounds.local import Effort
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    gaussian_posterior,
    load_stage,
    values_frame,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.specs.bounds import LocalSpec, ProceduresSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    spec = ProceduresSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    ours, made_by = gaussian_posterior(options.start, spec, stage)
    provenance = stage.provenance(options, spec)
    effort = Effort.of(LocalSpec.model_validate(made_by["spec"]), made_by["summary"]["cycles"])
    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        with reported("compare-local", "window") as report:
            found = compare_local(
                stage.model.generator, stage.images, ours, effort, spec, report, job.checkpoint
            )
        stopped = {each.name: each.stopped for each in found if each.stopped is not None}
        provenance["summary"] = {"stopped": stopped}
        frames = [values_frame(each.columns(), procedure=each.name) for each in found]
        write_values(options.output, pd.concat(frames, ignore_index=True), provenance)
