"""Annealed importance sampling of log p(x), from the prior or from a Gaussian q*.

References: Neal, *Annealed importance sampling*, 2001; Wu et al., *On the quantitative analysis of
decoder-based generative models*, 2017; paper section 5.1.

Chains start at a Gaussian N(location, diag scale^2) and end at the joint density p(x, z). In the coordinates
u = (z - location) / scale the start is N(0, I) and the path is

    log f_beta(u) = log N(u; 0, I) + beta * potential(u)
    potential(u)  = log p(x, z) - log N(z; location, scale^2)

For the prior (location 0, scale 1) the potential is log p(x|z): the likelihood is tempered. For a q* the
coordinates also scale the momenta by the variances of q*.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.bounds.hmc import ChainState, Potential, transition
from inference_gaps.bounds.importance import Bound, log_mean_weight
from inference_gaps.models.generator import Generator
from inference_gaps.posteriors.gaussian import standard_normal_log_prob
from inference_gaps.specs.ais import AisSpec

__all__ = ["AisResult", "annealed_importance_sampling", "annealing_schedule", "whitened_potential"]

_PRELIMINARY_CHAINS = 4
_PRELIMINARY_DISTRIBUTIONS = 100
_SMOOTHING = 4
_STEP_SIZE_LIMITS = (1.0e-4, 2.0)


@dataclass(frozen=True)
class AisResult:
    """Estimates of a batch of data points.

    Attributes:
        bound: log mean weight per point; a lower bound on log p(x) in expectation.
        acceptance: mean acceptance probability over chains and distributions [B].
        step_size: mean step size over chains and distributions [B], in units of the start's scale.
        diverged: number of proposals that were not finite or lost over 1,000 nats, per point [B].
    """

    bound: Bound
    acceptance: Tensor
    step_size: Tensor
    diverged: Tensor


def annealing_schedule(kind: str, distributions: int) -> list[float]:
    """Return the inverse temperatures from 0 to 1, both included.

    ``linear``, or ``sigmoidal``: sigmoid(4 (2t/T - 1)) rescaled to hit 0 and 1, which is finer at both ends
    (Wu et al. 2017).
    """
    t = torch.linspace(0, 1, distributions, dtype=torch.float64)
    if kind == "sigmoidal":
        t = torch.sigmoid(4 * (2 * t - 1))
        t = (t - t[0]) / (t[-1] - t[0])
    return t.tolist()


def whitened_potential(generator: Generator, x: Tensor, location: Tensor, scale: Tensor) -> Potential:
    """Return the potential of the module docstring, for x [B, D], location [B, d] and scale [B, d]."""
    location, scale = location.unsqueeze(1), scale.unsqueeze(1)
    log_scale = scale.log().sum(-1)

    def potential(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
        value, gradient = generator.log_joint_gradient(x, location + scale * u, with_value)
        if value is not None:
            value = value - standard_normal_log_prob(u) + log_scale
        return value, scale * gradient + u

    return potential


def annealed_importance_sampling(
    generator: Generator, x: Tensor, location: Tensor, scale: Tensor, spec: AisSpec, rng: torch.Generator
) -> AisResult:
    """Estimate log p(x) for each row of ``x``.

    Args:
        generator: weights frozen.
        x: [B, D].
        location: mean of the start [B, d].
        scale: standard deviation of the start [B, d].
        spec: chains, schedule, leapfrog steps, adaptation.
        rng: on the device of ``x``.
    """
    potential = whitened_potential(generator, x, location, scale)
    betas = annealing_schedule(spec.schedule, spec.distributions)
    shape = (x.shape[0], spec.chains, location.shape[1])
    if spec.adaptation == "cumulative":
        steps: _StepSizes = _CumulativeRule(spec, shape[:2], x.device)
    else:
        steps = _preliminary_run(potential, shape, spec, rng)
    return _anneal(potential, shape, betas, steps, spec.leapfrog_steps, rng)


class _StepSizes(ABC):
    """Gives the step sizes [B, C] or [B, 1] of a transition and hears how it went."""

    @abstractmethod
    def at(self, beta: float) -> Tensor:
        """Return the step sizes of the transition at ``beta``."""

    @abstractmethod
    def observe(self, beta: float, acceptance: Tensor) -> None:
        """Hear the acceptance probabilities [B, C] of the transition at ``beta``."""


class _CumulativeRule(_StepSizes):
    """The authors' rule: one step size per chain, * 1.02 or * 0.98 by its acceptance rate since the start.

    It adapts while it samples, so the transitions leave f_beta invariant only approximately.
    """

    def __init__(self, spec: AisSpec, shape: tuple[int, int], device: torch.device) -> None:
        self.step = torch.full(shape, spec.initial_step_size, device=device)
        self.accepted = torch.zeros(shape, device=device)
        self.target, self.count = spec.target_acceptance, 0

    def at(self, beta: float) -> Tensor:
        return self.step

    def observe(self, beta: float, acceptance: Tensor) -> None:
        self.count += 1
        self.accepted += acceptance
        faster = self.accepted / self.count > self.target
        self.step = (self.step * torch.where(faster, 1.02, 0.98)).clamp(1.0e-4, 0.5)


class _RobbinsMonro(_StepSizes):
    """One step size per point, moved along the annealing path towards the target acceptance, and recorded."""

    def __init__(self, spec: AisSpec, points: int, device: torch.device) -> None:
        self.log_step = torch.full((points, 1), math.log(spec.initial_step_size), device=device)
        self.target = spec.target_acceptance
        self.betas: list[float] = []
        self.log_steps: list[Tensor] = []

    def at(self, beta: float) -> Tensor:
        return self.log_step.exp()

    def observe(self, beta: float, acceptance: Tensor) -> None:
        self.betas.append(beta)
        self.log_steps.append(self.log_step)
        move = 0.5 * (acceptance.mean(1, keepdim=True) - self.target)
        low, high = (math.log(limit) for limit in _STEP_SIZE_LIMITS)
        self.log_step = (self.log_step + move).clamp(low, high)


class _Frozen(_StepSizes):
    """The recorded step sizes of another run, smoothed, and interpolated between its temperatures."""

    def __init__(self, recorded: _RobbinsMonro) -> None:
        self.betas = torch.tensor(recorded.betas, dtype=torch.float64)
        # [T, points, 1] averaged over neighbours in T: few chains make each recorded step a noisy one.
        log_steps = torch.stack(recorded.log_steps).movedim(0, -1)
        padded = functional.pad(log_steps, (_SMOOTHING, _SMOOTHING), mode="replicate")
        self.log_steps = functional.avg_pool1d(padded, 2 * _SMOOTHING + 1, stride=1).movedim(-1, 0)

    def at(self, beta: float) -> Tensor:
        right = int(torch.searchsorted(self.betas, beta).clamp(1, len(self.betas) - 1))
        left = right - 1
        span = float(self.betas[right] - self.betas[left])
        share = min(max((beta - float(self.betas[left])) / span, 0.0), 1.0)
        return torch.lerp(self.log_steps[left], self.log_steps[right], share).exp()

    def observe(self, beta: float, acceptance: Tensor) -> None:
        """Step sizes that are frozen do not listen: the kernels of the estimate stay fixed."""


def _preliminary_run(
    potential: Potential, shape: tuple[int, int, int], spec: AisSpec, rng: torch.Generator
) -> _StepSizes:
    """Adapt step sizes on chains of their own, and freeze them, so that the estimate's kernels are fixed."""
    recorded = _RobbinsMonro(spec, shape[0], rng.device)
    betas = annealing_schedule(spec.schedule, min(spec.distributions, _PRELIMINARY_DISTRIBUTIONS))
    chains = (shape[0], min(shape[1], _PRELIMINARY_CHAINS), shape[2])
    _anneal(potential, chains, betas, recorded, spec.leapfrog_steps, rng)
    # With three distributions there is one transition and nothing to interpolate.
    return _Frozen(recorded) if len(recorded.betas) > 1 else recorded


@torch.no_grad()
def _anneal(
    potential: Potential,
    shape: tuple[int, int, int],
    betas: list[float],
    steps: _StepSizes,
    leapfrog_steps: int,
    rng: torch.Generator,
) -> AisResult:
    u = torch.randn(shape, generator=rng, device=rng.device)
    value, gradient = potential(u, True)
    assert value is not None
    state = ChainState(u, value, gradient)
    log_weight = torch.zeros(shape[:2], device=rng.device, dtype=torch.float64)
    acceptance = torch.zeros(shape[0], device=rng.device)
    step_size = torch.zeros(shape[0], device=rng.device)
    diverged = torch.zeros(shape[0], device=rng.device, dtype=torch.long)
    for index in range(1, len(betas)):
        beta = betas[index]
        log_weight += (beta - betas[index - 1]) * state.potential.double()
        if index == len(betas) - 1:
            break  # A transition at the last temperature would no longer change a weight.
        step = steps.at(beta)
        moved = transition(state, potential, beta, step, leapfrog_steps, rng)
        steps.observe(beta, moved.acceptance)
        state = moved.state
        acceptance += moved.acceptance.mean(1)
        step_size += step.mean(1)
        diverged += moved.diverged.sum(1)
    transitions = len(betas) - 2
    return AisResult(log_mean_weight(log_weight), acceptance / transitions, step_size / transitions, diverged)
