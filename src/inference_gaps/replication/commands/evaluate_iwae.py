"""Evaluate the ELBO and the IWAE bound of a posterior, per data point.

Reads a prepared data set, a trained model and, for a local posterior, its optimised parameters; writes a values
file (CSV: bound, point, value, standard_error, effective_sample_size; nats). Both bounds come from the same
importance weights. Without --posterior the recognition network's q(z|x) is evaluated.

  inference-gaps evaluate-iwae --spec '{"points": 100, "samples": 5000}' --data mnist-grey256.safetensors \\
      --model model.safetensors --posterior local-ffg.safetensors --output iwae-local-ffg.csv
"""

import argparse

import pandas as pd
import torch
from torch import Tensor

from inference_gaps.bounds.batches import point_batches, rows_at_once
from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights
from inference_gaps.numerics.checkpoint import Results, numbered
from inference_gaps.numerics.device import random_generator
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.replication.artifacts.files import write_values
from inference_gaps.replication.commands.stage_inputs import load_stage
from inference_gaps.replication.jobs.job import resumable
from inference_gaps.replication.jobs.progress import progress_bar
from inference_gaps.specs.iwae import IwaeSpec

__all__ = ["run"]

# A local flow carries one set of networks per point: few points with many samples each is the better shape.
_SAMPLES_PER_POINT = 500


@torch.no_grad()
def run(options: argparse.Namespace) -> None:
    """Evaluate and write; see the module."""
    spec = IwaeSpec.from_argument(options.spec)
    stage = load_stage(options, spec)
    model, device = stage.model, stage.device
    local = stage.local_posterior(options.posterior, "posterior", spec) if options.posterior else None
    provenance = stage.provenance(options, spec)
    rng = random_generator(spec.seed, device)

    batches = list(point_batches(spec.points, min(spec.samples, _SAMPLES_PER_POINT), device))

    with resumable(provenance, [options.output], device) as job:
        if job.finished:
            return
        weights = Results()
        with progress_bar(spec.points, "evaluate-iwae", "point") as bar:
            for index in job.checkpoint.loop(weights, len(batches), rng, where=numbered("batch")):
                rows = batches[index]
                x = stage.images[rows]
                parameters = local.rows(rows) if local else model.posterior.parameters_for(x)
                family = local.family.given(model.generator.score(x)) if local else model.family_at(x)

                def sample(
                    n: int,
                    x: Tensor = x,
                    parameters: dict[str, Tensor] = parameters,
                    family: PosteriorFamily = family,
                ) -> tuple[Tensor, Tensor]:
                    z, log_q = family.rsample_with_log_prob(parameters, n, rng)
                    return model.generator.log_joint(x, z), log_q

                chunk = max(1, rows_at_once(device) // x.shape[0])
                weights.append({"log_w": log_weights(sample, spec.samples, chunk).cpu()})
                bar.update(rows.stop - bar.n)

        log_w = weights.joined()["log_w"]
        frames = [
            pd.DataFrame(
                {
                    "bound": name,
                    "point": range(spec.points),
                    "value": bound.value.numpy(),
                    "standard_error": bound.standard_error.numpy(),
                    "effective_sample_size": bound.effective_sample_size.numpy(),
                }
            )
            for name, bound in (("elbo", elbo(log_w)), ("iwae", log_mean_weight(log_w)))
        ]
        write_values(options.output, pd.concat(frames), provenance)
