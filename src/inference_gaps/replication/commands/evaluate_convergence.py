"""Compare the estimators of log p(x) at growing cost, per data point.

Reads data, a trained model and q*_FFG of the same points. Writes a values file (CSV: estimator, size, passes,
point, value, standard_error, single_chain, single_chain_error; nats): IWAE from q and from q*_FFG with growing
numbers of samples, AIS from the prior and from q*_FFG with growing numbers of distributions. passes counts passes
of a point through the generator: one for a value, two for a gradient, those that found q*_FFG included.

  inference-gaps evaluate-convergence --spec '{"points": 8, "distributions": [10, 100]}' --data mnist.safetensors \\
      --model model.safetensors --start local-ffg.safetensors --output convergence.csv
"""

import argparse

import pandas as pd

from inference_gaps.bounds.convergence import Measurement, evaluate_convergence
from inference_gaps.bounds.local import Effort
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import (
    gaussian_posterior,
    load_stage,
    values_frame,
)
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.specs.bounds import ConvergenceSpec, LocalSpec

__all__ = ["run"]


def _frame(measured: Measurement) -> pd.DataFrame:
    return values_frame(
        measured.columns(), estimator=measured.estimator, size=measured.size, passes=measured.passes
    )


def run(options: argparse.Namespace) -> None:
    """Measure and write; see the module."""
    spec = ConvergenceSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    gaussian, made_by = gaussian_posterior(options.start, spec, stage)
    provenance = stage.provenance(options, spec)
    model, spent = (
        stage.model,
        Effort.of(LocalSpec.model_validate(made_by["spec"]), made_by["summary"]["cycles"]).passes,
    )
    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        with reported("convergence", "estimate") as report:
            measured = evaluate_convergence(
                model.generator, model.posterior, gaussian, spent, stage.images, spec, report, job.checkpoint
            )
        frames = pd.concat([_frame(each) for each in measured], ignore_index=True)
        write_values(options.output, frames, provenance)
