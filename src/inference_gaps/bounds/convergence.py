"""The estimators of log p(x) at growing cost.

Cost is counted in passes through the generator per data point: one for a value of log p(x, z), two for its gradient
with respect to z. Unlike seconds, passes are the same on every machine.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from inference_gaps.bounds.ais import AisResult, annealed_importance_sampling, preliminary_transitions
from inference_gaps.bounds.batches import in_batches, rows_at_once
from inference_gaps.bounds.chains import chain_start
from inference_gaps.bounds.importance import elbo, log_mean_weight, log_weights, weight_terms
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, Results, State
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.family import Posterior
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.bounds import AisSpec, ConvergenceSpec

__all__ = ["Measurement", "evaluate_convergence"]

_GRADIENT = 2


@dataclass(frozen=True)
class Measurement:
    """An estimator at one size, all tensors [P], in nats.

    Attributes:
        estimator: ``iwae_amortized``, ``iwae_local_ffg``, ``ais_prior`` or ``ais_local_ffg``.
        size: samples of IWAE, distributions of AIS.
        passes: through the generator, per point, those that q*_FFG took included.
        value: the estimate; for IWAE the mean over as many disjoint groups of samples as there are.
        standard_error: of ``value``.
        single_chain: AIS only: mean over chains of log w, the estimate that one chain gives on average.
        single_chain_error: its standard error.
    """

    estimator: str
    size: int
    passes: int
    value: Tensor
    standard_error: Tensor
    single_chain: Tensor | None = None
    single_chain_error: Tensor | None = None

    def columns(self) -> dict[str, Tensor]:
        """Return the estimates of each point, by name."""
        names = ("value", "standard_error", "single_chain", "single_chain_error")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def evaluate_convergence(
    generator: Generator,
    q: Posterior,
    gaussian: LocalPosterior,
    spent: int,
    x: Tensor,
    spec: ConvergenceSpec,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> list[Measurement]:
    """Return IWAE from q and from q*_FFG, and AIS from the prior and from q*_FFG, at each of their sizes.

    Args:
        generator: weights frozen.
        q: the amortized q(z|x).
        gaussian: q*_FFG of the same points.
        spent: passes through the generator that it took, per point.
        x: [P, D].
        spec: sizes, chains, leapfrog steps, schedule, seed.
        report: hears how many runs are done.
        checkpoint: where an earlier process may have left this work.
    """
    rng = random_generator(spec.seed, x.device)
    posteriors: dict[str, Posterior] = {"amortized": q, "local_ffg": gaussian}
    starts: dict[str, LocalPosterior | None] = {"prior": None, "local_ffg": gaussian}
    runs = [("iwae", name, 0) for name in posteriors]
    runs += [("ais", name, size) for name in starts for size in sorted(spec.distributions)]
    done = Results()
    for index in checkpoint.loop(done, len(runs), rng, where=lambda index: "_".join(runs[index][:2])):
        kind, name, size = runs[index]
        estimator, before = f"{kind}_{name}", spent if name == "local_ffg" else 0
        if kind == "iwae":
            found = _iwae(estimator, before, generator, posteriors[name], x, spec.samples, rng)
        else:
            start = chain_start(x, generator.latent_dim, starts[name])
            found = [
                _ais(estimator, before, generator, x, start, size, spec, rng, checkpoint.part("batches"))
            ]
        done.append({"sizes": [asdict(measurement) for measurement in found]})
        report(index + 1, len(runs), "")
    return [Measurement(**measurement) for result in done for measurement in result["sizes"]]


@torch.no_grad()
def _iwae(
    estimator: str,
    before: int,
    generator: Generator,
    q: Posterior,
    x: Tensor,
    sizes: list[int],
    rng: torch.Generator,
) -> list[Measurement]:
    """Return the IWAE bound of q for each number of samples, from one set of importance weights."""
    terms = weight_terms(generator, x, q.sampler(x, slice(None), generator.score(x)), rng)
    log_w = log_weights(terms, max(sizes), max(1, rows_at_once(x.device) // len(x)))
    found = []
    for size in sorted(sizes):
        groups = log_w.shape[1] // size
        if groups == 1:
            bound = log_mean_weight(log_w[:, :size])
        else:
            each = torch.logsumexp(log_w[:, : groups * size].unflatten(1, (groups, size)), 2) - math.log(size)
            bound = elbo(each)
        found.append(Measurement(estimator, size, before + size, bound.value, bound.standard_error))
    return found


def _ais(
    estimator: str,
    before: int,
    generator: Generator,
    x: Tensor,
    start: tuple[Tensor, Tensor],
    size: int,
    spec: ConvergenceSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint,
) -> Measurement:
    """Return the AIS estimate with ``size`` distributions; ``start`` is a mean and a standard deviation [P, d]."""
    sized = AisSpec(
        chains=spec.chains,
        distributions=size,
        schedule=spec.schedule,
        leapfrog_steps=spec.leapfrog_steps,
        gradient_precision=spec.gradient_precision,
    )
    location, scale = start

    def work(rows: slice) -> State:
        at = (x[rows], location[rows], scale[rows])
        return asdict(annealed_importance_sampling(generator, *at, sized, rng, checkpoint))

    found = AisResult.of(in_batches(work, len(x), spec.chains, rng, checkpoint))
    transitions = spec.chains * (size - 2) + preliminary_transitions(sized)
    return Measurement(
        estimator,
        size,
        before + _GRADIENT * spec.leapfrog_steps * transitions,
        found.bound.value,
        found.bound.standard_error,
        found.single_chain.value,
        found.single_chain.standard_error,
    )
