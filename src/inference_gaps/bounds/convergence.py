"""The estimators of log p(x) at growing cost.

Cost is counted in passes through the generator per data point: one for a value of log p(x, z), two for its gradient
with respect to z. Unlike seconds, passes are the same on every machine.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from inference_gaps.bounds.ais import annealed_importance_sampling, preliminary_transitions
from inference_gaps.bounds.batches import point_batches, rows_at_once
from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, Results, numbered
from inference_gaps.posteriors.family import Parameters, PosteriorFamily
from inference_gaps.specs.ais import AisSpec
from inference_gaps.specs.convergence import ConvergenceSpec

__all__ = ["Measurement", "ais_at_size", "iwae_at_sizes"]

_GRADIENT = 2


@dataclass(frozen=True)
class Measurement:
    """An estimator at one size, all tensors [B], in nats.

    Attributes:
        size: samples of IWAE, distributions of AIS.
        passes: through the generator, per point.
        value: the estimate; for IWAE the mean over as many disjoint groups of samples as there are.
        standard_error: of ``value``.
        single_chain: AIS only: mean over chains of log w, the estimate that one chain gives on average.
        single_chain_error: its standard error.
    """

    size: int
    passes: int
    value: Tensor
    standard_error: Tensor
    single_chain: Tensor | None = None
    single_chain_error: Tensor | None = None


@torch.no_grad()
def iwae_at_sizes(
    generator: Generator,
    family: PosteriorFamily,
    parameters: Parameters,
    x: Tensor,
    sizes: list[int],
    rng: torch.Generator,
) -> Iterator[Measurement]:
    """Yield the IWAE bound of q for each number of samples, from one set of importance weights.

    Args:
        generator: weights frozen.
        family: of q.
        parameters: of q for each row of ``x``.
        x: [B, D].
        sizes: numbers of samples.
        rng: on the device of ``x``.
    """

    family = family.given(generator.score(x))

    def sample(n: int) -> tuple[Tensor, Tensor]:
        z, log_q = family.rsample_with_log_prob(parameters, n, rng)
        return generator.log_joint(x, z), log_q

    log_w = log_weights(sample, max(sizes), max(1, rows_at_once(x.device) // len(x)))
    for size in sorted(sizes):
        groups = log_w.shape[1] // size
        if groups == 1:
            bound = log_mean_weight(log_w[:, :size])
        else:
            each = torch.logsumexp(log_w[:, : groups * size].unflatten(1, (groups, size)), 2) - math.log(size)
            bound = elbo(each)
        yield Measurement(size, size, bound.value, bound.standard_error)


def ais_at_size(
    generator: Generator,
    x: Tensor,
    location: Tensor,
    scale: Tensor,
    start: str,
    size: int,
    spec: ConvergenceSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Measurement:
    """Return the AIS estimate with ``size`` distributions.

    Args:
        generator: weights frozen.
        x: [B, D].
        location: mean of the start [B, d].
        scale: standard deviation of the start [B, d].
        start: ``prior`` or ``local-ffg``.
        size: one of the numbers of distributions of ``spec``.
        spec: chains, leapfrog steps, schedule.
        rng: on the device of ``x``.
        checkpoint: where an earlier process may have left these chains.
    """
    sized = AisSpec(
        start=start,  # type: ignore[arg-type]
        chains=spec.chains,
        distributions=size,
        schedule=spec.schedule,
        leapfrog_steps=spec.leapfrog_steps,
        gradient_precision=spec.gradient_precision,
    )
    batches = list(point_batches(len(x), spec.chains, x.device))
    parts = Results()
    groups = checkpoint.part("batches")
    for index in groups.loop(parts, len(batches), rng, where=numbered("batch")):
        rows = batches[index]
        result = annealed_importance_sampling(
            generator, x[rows], location[rows], scale[rows], sized, rng, groups
        )
        parts.append(
            {
                "value": result.bound.value,
                "standard_error": result.bound.standard_error,
                "single_chain": result.single_chain.value,
                "single_chain_error": result.single_chain.standard_error,
            }
        )
    transitions = spec.chains * (size - 2) + preliminary_transitions(sized)
    return Measurement(size, _GRADIENT * spec.leapfrog_steps * transitions, **parts.joined())
