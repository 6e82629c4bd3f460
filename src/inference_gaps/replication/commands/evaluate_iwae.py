"""Evaluate the ELBO and the IWAE bound of a posterior, per data point.

Reads a prepared data set, a trained model and, for a local posterior, its optimised parameters; writes a values
file (CSV: bound, point, value, standard_error, effective_sample_size; nats). Both bounds come from the same
importance weights. Without --posterior the recognition network's q(z|x) is evaluated.

  inference-gaps evaluate-iwae --spec '{"points": 100, "samples": 5000}' --data mnist-grey256.safetensors \\
      --model model.safetensors --posterior local-ffg.safetensors --output iwae-local-ffg.csv
"""

import argparse

import pandas as pd

from inference_gaps.bounds.iwae import evaluate_iwae
from inference_gaps.posteriors.family import Posterior
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import load_stage, values_frame
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress_bar import reported
from inference_gaps.specs.bounds import IwaeSpec

__all__ = ["run"]


def run(options: argparse.Namespace) -> None:
    """Evaluate and write; see the module."""
    spec = IwaeSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    model = stage.model
    q: Posterior = model.posterior
    if options.posterior:
        q, _ = stage.local_posterior(options.posterior, "posterior", spec)
    provenance = stage.provenance(options, spec)
    with resumable(provenance, [options.output], stage.device) as job:
        if job.finished:
            return
        with reported("evaluate-iwae", "point") as report:
            bounds = evaluate_iwae(model.generator, q, stage.images, spec, report, job.checkpoint)
        frames = [values_frame(vars(bound), bound=name) for name, bound in bounds.items()]
        write_values(options.output, pd.concat(frames), provenance)
