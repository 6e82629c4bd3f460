"""AIS and BDMC at many data points, a batch at a time."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from inference_gaps.bounds.ais import AisResult, annealed_importance_sampling, bidirectional_monte_carlo
from inference_gaps.bounds.batches import in_batches
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, State
from inference_gaps.numerics.device import random_generator
from inference_gaps.numerics.progress import Report, unheard
from inference_gaps.posteriors.local import LocalPosterior
from inference_gaps.specs.bounds import AisSpec

__all__ = ["Bracket", "chain_start", "evaluate_ais", "evaluate_bdmc"]


@dataclass(frozen=True)
class Bracket:
    """log p(x) between a lower bound and an upper bound, both in expectation, per data point [P]."""

    forward: AisResult
    reverse: AisResult

    def columns(self) -> dict[str, Tensor]:
        """Return what there is to know of each point, by name; acceptance and divergences of both directions."""
        return {
            "forward": self.forward.bound.value,
            "forward_standard_error": self.forward.bound.standard_error,
            "reverse": self.reverse.bound.value,
            "reverse_standard_error": self.reverse.bound.standard_error,
            "acceptance": 0.5 * (self.forward.acceptance + self.reverse.acceptance),
            "diverged": self.forward.diverged + self.reverse.diverged,
        }


def chain_start(x: Tensor, latent_dim: int, gaussian: LocalPosterior | None = None) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation [B, d] of what chains of AIS start from.

    Args:
        x: [B, D].
        latent_dim: d.
        gaussian: q*_FFG of the same points; without one it is the prior.
    """
    if gaussian is None:
        location = torch.zeros(len(x), latent_dim, device=x.device, dtype=x.dtype)
        return location, torch.ones_like(location)
    return gaussian.parameters["mean"], torch.exp(0.5 * gaussian.parameters["log_variance"])


def evaluate_ais(
    generator: Generator,
    x: Tensor,
    location: Tensor,
    scale: Tensor,
    spec: AisSpec,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> AisResult:
    """Estimate log p(x) by annealed importance sampling.

    Args:
        generator: weights frozen.
        x: [P, D].
        location: mean of the start [P, d].
        scale: standard deviation of the start [P, d].
        spec: chains, schedule, leapfrog steps, adaptation, seed.
        report: hears how many points are done.
        checkpoint: where an earlier process may have left this work.
    """
    rng = random_generator(spec.seed, x.device)

    def work(rows: slice) -> State:
        at = (x[rows], location[rows], scale[rows])
        return asdict(annealed_importance_sampling(generator, *at, spec, rng, checkpoint))

    return AisResult.of(in_batches(work, len(x), spec.chains, rng, checkpoint, report))


def evaluate_bdmc(
    generator: Generator,
    x: Tensor,
    z: Tensor,
    location: Tensor,
    scale: Tensor,
    spec: AisSpec,
    report: Report = unheard,
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> Bracket:
    """Bound log p(x) from both sides by bidirectional Monte Carlo.

    Args:
        generator: weights frozen.
        x: data simulated from the model [P, D].
        z: the latent variables that they were simulated from [P, d], exact samples of p(z|x).
        location: mean of the start [P, d].
        scale: standard deviation of the start [P, d].
        spec: chains, schedule, leapfrog steps, adaptation, seed.
        report: hears how many points are done.
        checkpoint: where an earlier process may have left this work.
    """
    rng = random_generator(spec.seed, x.device)

    def work(rows: slice) -> State:
        at = (x[rows], z[rows], location[rows], scale[rows])
        forward, reverse = bidirectional_monte_carlo(generator, *at, spec, rng, checkpoint)
        return {"forward": asdict(forward), "reverse": asdict(reverse)}

    found = in_batches(work, len(x), spec.chains, rng, checkpoint, report)
    return Bracket(AisResult.of(found["forward"]), AisResult.of(found["reverse"]))
