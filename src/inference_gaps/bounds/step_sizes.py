"""Step sizes of the Hamiltonian transitions along an annealing path."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor
from torch.nn import functional

from inference_gaps.numerics.checkpoint import State
from inference_gaps.specs.bounds import AisSpec

__all__ = ["CumulativeRule", "FrozenStepSizes", "RobbinsMonro", "StepSizes"]

_SMOOTHING = 4
_SHORTEST = 1.0e-4
# Leapfrog steps through a standard normal, which is where chains start, are unstable from 2 on.
_LONGEST = 1.9


class StepSizes(ABC):
    """Step sizes [B, C] or [B, 1] of transitions, which may adapt to their acceptance."""

    @abstractmethod
    def at(self, beta: float) -> Tensor:
        """Return the step sizes of the transition at ``beta``."""

    @abstractmethod
    def observe(self, beta: float, acceptance: Tensor) -> None:
        """Adapt to the acceptance probabilities [B, C] of the transition at ``beta``."""

    def state_dict(self) -> State:
        """Return the state of the adaptation, by the names of attributes."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Continue from what :meth:`state_dict` returned."""
        vars(self).update(state)


class CumulativeRule(StepSizes):
    """The authors' rule: one step size per chain, * 1.02 or * 0.98 by its acceptance rate since the start.

    It adapts while it samples, so the transitions leave f_beta invariant only approximately.
    """

    def __init__(self, spec: AisSpec, points: int, chains: int, device: torch.device) -> None:
        self.step = torch.full((points, chains), spec.initial_step_size, device=device)
        self.accepted = torch.zeros(points, chains, device=device)
        self.target, self.count = spec.target_acceptance, 0

    def at(self, beta: float) -> Tensor:
        return self.step

    def observe(self, beta: float, acceptance: Tensor) -> None:
        self.count += 1
        self.accepted = self.accepted + acceptance
        faster = self.accepted / self.count > self.target
        self.step = (self.step * torch.where(faster, 1.02, 0.98)).clamp(1.0e-4, 0.5)

    def state_dict(self) -> State:
        return {"step": self.step, "accepted": self.accepted, "count": self.count}


class RobbinsMonro(StepSizes):
    """One step size per point, moved along the annealing path towards the target acceptance.

    The step size of the last transition at each temperature is recorded.
    """

    def __init__(self, spec: AisSpec, points: int, device: torch.device) -> None:
        self.log_step = torch.full((points, 1), math.log(spec.initial_step_size), device=device)
        self.target = spec.target_acceptance
        self.limits = math.log(_SHORTEST), math.log(_LONGEST / (1 + spec.step_size_jitter))
        self.betas: list[float] = []
        self.log_steps: list[Tensor] = []

    def at(self, beta: float) -> Tensor:
        return self.log_step.exp()

    def observe(self, beta: float, acceptance: Tensor) -> None:
        if self.betas and self.betas[-1] == beta:
            self.log_steps[-1] = self.log_step
        else:
            self.betas.append(beta)
            self.log_steps.append(self.log_step)
        move = 0.5 * (acceptance.mean(1, keepdim=True) - self.target)
        self.log_step = (self.log_step + move).clamp(*self.limits)

    def state_dict(self) -> State:
        return {"log_step": self.log_step, "betas": list(self.betas), "log_steps": list(self.log_steps)}


class FrozenStepSizes(StepSizes):
    """The recorded step sizes of another run, smoothed, and interpolated between its temperatures."""

    def __init__(self, recorded: RobbinsMonro) -> None:
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
        """Do nothing: the kernels of the estimate stay fixed."""
