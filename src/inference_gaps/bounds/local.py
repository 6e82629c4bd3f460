"""Local optimisation: the best member q* of a family for each data point (paper section 2.2, L[q*]).

All points are optimised at once. The objective is the sum of their bounds, and Adam works element by element, so
each point is optimised exactly as if it were alone. Cycles of Adam with a cosine rate continue until one gains less
than a tolerance. The gain of the last cycle is the residual of each point.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from inference_gaps.bounds.by_points import by_points
from inference_gaps.models.generator import Generator
from inference_gaps.numerics.checkpoint import NO_CHECKPOINT, Checkpoint, State, numbered
from inference_gaps.posteriors.family import PosteriorFamily
from inference_gaps.specs.bounds import LocalSpec

__all__ = ["Effort", "LocalOptimum", "optimise"]

_REFERENCE_SAMPLES = 256
# Between the ends of two starts, unlike within one basin, common noise does not cancel.
_REFERENCE_SAMPLES_OF_MANY = 4096
_RATE_OF_LATER_CYCLES = 0.5


@dataclass(frozen=True)
class LocalOptimum:
    """Optimised parameters of one batch of points, and how well they converged.

    Attributes:
        parameters: each with a leading dimension B.
        residual: gain of the last cycle at each point, in nats [B].
        bound: the bound on reference samples after each cycle, mean over points, the start first, in nats.
        converged: whether the mean gain of the last cycle is below the tolerance.
    """

    parameters: dict[str, Tensor]
    residual: Tensor
    bound: list[float]
    converged: bool


@dataclass(frozen=True)
class Effort:
    """What q* took per point: steps of Adam, and passes through the generator (two for a gradient)."""

    steps: int
    passes: int

    @classmethod
    def of(cls, spec: LocalSpec, cycles: Sequence[int]) -> Self:
        """Return the effort of the batch with most cycles, given how many each had."""
        most, measured = max(cycles), _reference_samples(1 + spec.restarts)
        climbs = (most + spec.restarts) * (2 * spec.steps * spec.samples + measured)
        return cls(most * spec.steps, climbs + measured)


def _reference_samples(starts: int) -> int:
    return _REFERENCE_SAMPLES if starts == 1 else _REFERENCE_SAMPLES_OF_MANY


def _antithetic(like: Tensor, samples: int, dim: int, rng: torch.Generator) -> Tensor:
    """Standard normal noise [B, samples, dim] in pairs of opposite sign, where ``samples`` is even.

    It has as many rows, and the type, of ``like`` [B, ...].
    """
    half = torch.randn(len(like), (samples + 1) // 2, dim, generator=rng, device=rng.device, dtype=like.dtype)
    return torch.cat([half, -half], dim=1)[:, :samples]


def _ascent(
    gradient: Callable[[Tensor], Tensor],
    family: PosteriorFamily,
    parameters: Mapping[str, Tensor],
    noise: Tensor,
) -> Tensor:
    """Return a surrogate [B] whose gradient with respect to the parameters is the path gradient of their bound.

    log p(x, z) acts on them through its ``gradient`` with respect to z alone, which may be approximate.
    """
    z, log_q = family.path_transform(parameters, noise)
    return ((z * gradient(z.detach())).sum(-1) - log_q).mean(1)


def optimise(
    generator: Generator,
    family: PosteriorFamily,
    x: Tensor,
    starts: Sequence[Mapping[str, Tensor]],
    spec: LocalSpec,
    rng: torch.Generator,
    report: Callable[[int, float], None],
    checkpoint: Checkpoint = NO_CHECKPOINT,
) -> LocalOptimum:
    """Maximise L[q] over the parameters of ``family`` for each row of ``x``.

    Args:
        generator: weights frozen.
        family: a local family.
        x: [B, D].
        starts: initial parameters, each with a leading dimension B. A cycle is run from each of them, and each
            point goes on from where its bound is largest.
        spec: samples per step, steps per cycle, rate, tolerance.
        rng: on the device of ``x``.
        report: called after each cycle with its number and the mean bound.
        checkpoint: where an earlier process may have left these points.
    """
    family, of_some = family.given(generator.score(x)), family
    # The same noise before and after a cycle: the difference of two bounds is then far less noisy than either.
    samples = _reference_samples(len(starts))
    reference = _antithetic(starts[0]["mean"], samples, family.noise_dim, rng)

    def measure(candidate: Mapping[str, Tensor]) -> Tensor:
        # The density as it will be evaluated: that of the path goes by an inverse, which rounding may ruin.
        def bound(rows: slice) -> Tensor:
            some = {name: tensor[rows] for name, tensor in candidate.items()}
            z, log_q = of_some.given(generator.score(x[rows])).transform(some, reference[rows])
            return (generator.frozen_log_joint(x[rows], z) - log_q).mean(1)

        with torch.no_grad():
            return by_points(bound, len(x), samples, x.device)

    first, *others = starts
    parameters = {name: tensor.detach().clone() for name, tensor in first.items()}
    value = measure(parameters)
    best = _Best(parameters, value, torch.full_like(value, math.inf), [value.mean().item()])
    cycles = checkpoint.part("cycles")
    for cycle in cycles.loop(best, spec.max_cycles, rng, where=numbered("cycle")):
        rate = spec.learning_rate * (_RATE_OF_LATER_CYCLES if cycle else 1.0)
        starts = [best.parameters, *([] if cycle else others)]
        reached = _Best(best.parameters, best.value, best.residual, [])
        climbs = cycles.part("climbs")
        for index in climbs.loop(reached, len(starts), rng, where=numbered("start")):
            candidate = _cycle(generator, family, x, starts[index], rate, spec, rng, climbs.part("steps"))
            candidate_value = measure(candidate)
            better = candidate_value > reached.value  # Never true of a bound that is not a number.
            reached.parameters = _where(better, candidate, reached.parameters)
            reached.value = torch.where(better, candidate_value, reached.value)
        best.residual = reached.value - best.value
        best.parameters, best.value = reached.parameters, reached.value
        best.history.append(best.value.mean().item())
        report(cycle + 1, best.history[-1])
        # The first cycle leaves the start; only a later one can say that nothing is left to gain.
        if cycle and best.residual.mean().item() < spec.tolerance:
            return LocalOptimum(best.parameters, best.residual, best.history, converged=True)
    return LocalOptimum(best.parameters, best.residual, best.history, converged=False)


@dataclass
class _Best:
    """The best parameters so far, the bound [B] of each, what the last cycle gained, and the bound after each."""

    parameters: dict[str, Tensor]
    value: Tensor
    residual: Tensor
    history: list[float]

    def state_dict(self) -> State:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        return vars(self) | {"history": list(self.history)}

    def load_state_dict(self, state: State) -> None:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        vars(self).update(state)


def _where(better: Tensor, these: Mapping[str, Tensor], those: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Choose between two sets of parameters point by point; ``better`` is [B]."""
    return {
        name: torch.where(better.view(-1, *[1] * (tensor.dim() - 1)), tensor, those[name])
        for name, tensor in these.items()
    }


class _Climb:
    """Parameters on their way up, and the moments of Adam."""

    def __init__(self, start: Mapping[str, Tensor], rate: float) -> None:
        self.leaves = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
        # The gradients of the first steps are far larger than those near the optimum; they are soon forgotten.
        self.optimiser = torch.optim.Adam(list(self.leaves.values()), lr=rate, betas=(0.9, 0.99), fused=True)

    def state_dict(self) -> State:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        return {"leaves": dict(self.leaves), "optimiser": self.optimiser.state_dict()}

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """See :class:`~inference_gaps.numerics.checkpoint.Stateful`."""
        for name, leaf in self.leaves.items():
            leaf.copy_(state["leaves"][name])
        self.optimiser.load_state_dict(state["optimiser"])


def _cycle(
    generator: Generator,
    family: PosteriorFamily,
    x: Tensor,
    start: Mapping[str, Tensor],
    rate: float,
    spec: LocalSpec,
    rng: torch.Generator,
    checkpoint: Checkpoint,
) -> dict[str, Tensor]:
    climb = _Climb(start, rate)
    gradient = generator.gradient_of(x, spec.gradient_precision)
    for step in checkpoint.loop(climb, spec.steps, rng):
        climb.optimiser.param_groups[0]["lr"] = 0.5 * rate * (1 + math.cos(math.pi * step / spec.steps))
        noise = _antithetic(climb.leaves["mean"], spec.samples, family.noise_dim, rng)
        climb.optimiser.zero_grad(set_to_none=True)
        (-_ascent(gradient, family, climb.leaves, noise).sum()).backward()
        climb.optimiser.step()
    return {name: leaf.detach() for name, leaf in climb.leaves.items()}
