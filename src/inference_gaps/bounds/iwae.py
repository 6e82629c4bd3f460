"""ELBO and IWAE bound of q at many data points, a batch at a time."""

import torch
from torch import Tensor

from inference_gaps.bounds.batches import in_batches, rows_at_once
from inference_gaps.bounds.importance import Bound, elbo, log_mean_weight, log_weights, weight_terms
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, State
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.family import Posterior
from inference_gaps.specs.bounds import IwaeSpec

__all__ = ["evaluate_iwae"]

# A local flow carries one set of networks per point: few points with many samples each is the better shape.
_SAMPLES_PER_POINT = 500


@torch.no_grad()
def evaluate_iwae(
    generator: Generator,
    q: Posterior,
    x: Tensor,
    spec: IwaeSpec,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> dict[str, Bound]:
    """Return ``elbo`` and ``iwae``, two bounds of ``q`` from the same importance weights.

    Args:
        generator: weights frozen.
        q: amortized, or a table with as many rows as ``x``.
        x: [P, D].
        spec: samples, seed.
        report: hears how many points are done.
        checkpoint: where an earlier process may have left this work.
    """
    rng = random_generator(spec.seed, x.device)

    def work(rows: slice) -> State:
        some = x[rows]
        terms = weight_terms(generator, some, q.sampler(some, rows, generator.score(some)), rng)
        chunk = max(1, rows_at_once(x.device) // len(some))
        return {"log_w": log_weights(terms, spec.samples, chunk).cpu()}

    per_point = min(spec.samples, _SAMPLES_PER_POINT)
    log_w = in_batches(work, len(x), per_point, rng, checkpoint, report)["log_w"]
    return {"elbo": elbo(log_w), "iwae": log_mean_weight(log_w)}
