"""Hamiltonian Monte Carlo transitions for many points and chains at once.

Reference: Neal, *MCMC using Hamiltonian dynamics*, 2011. The target here is the annealed density

    log f_beta(u) = log N(u; 0, I) + beta * potential(u)

The potential and its gradient are kept with the state. Neither depends on beta, so a transition at another
temperature need not compute them again, and L leapfrog steps cost exactly L gradients.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["ChainState", "Potential", "Transition", "leapfrog", "transition"]

Potential = Callable[[Tensor, bool], tuple[Tensor | None, Tensor]]
"""Maps u [B, C, d] and whether the value is needed to (value [B, C] or None, gradient [B, C, d])."""

_DIVERGENCE = 1000.0


@dataclass(frozen=True)
class ChainState:
    """Positions u [B, C, d] with potential [B, C] and its gradient [B, C, d] there."""

    u: Tensor
    potential: Tensor
    gradient: Tensor


@dataclass(frozen=True)
class Transition:
    """A state after a transition, the acceptance probability [B, C], and which proposals diverged [B, C]."""

    state: ChainState
    acceptance: Tensor
    diverged: Tensor


def leapfrog(
    state: ChainState,
    momentum: Tensor,
    potential: Potential,
    beta: float,
    step_size: Tensor,
    leapfrog_steps: int,
) -> tuple[ChainState, Tensor]:
    """Follow the Hamiltonian flow of f_beta for ``leapfrog_steps`` steps: a reversible map that preserves volume.

    Args:
        state: where the chains are.
        momentum: [B, C, d].
        potential: see :func:`transition`.
        beta: inverse temperature.
        step_size: [B, C] or [B, 1].
        leapfrog_steps: L.

    Returns:
        The state at the end of the path, and the momentum there.
    """
    u, gradient = state.u, state.gradient
    step = step_size.unsqueeze(-1)
    value: Tensor | None = None
    for index in range(leapfrog_steps):
        momentum = momentum + (step if index else 0.5 * step) * (beta * gradient - u)
        u = u + step * momentum
        value, gradient = potential(u, index == leapfrog_steps - 1)
    assert value is not None
    return ChainState(u, value, gradient), momentum + 0.5 * step * (beta * gradient - u)


def transition(
    state: ChainState,
    potential: Potential,
    beta: float,
    step_size: Tensor,
    leapfrog_steps: int,
    rng: torch.Generator,
) -> Transition:
    """Apply one transition that leaves f_beta invariant.

    Args:
        state: where the chains are.
        potential: the function whose multiple by ``beta`` is added to the standard normal log density.
        beta: inverse temperature in [0, 1].
        step_size: [B, C] or [B, 1].
        leapfrog_steps: L.
        rng: for momenta and acceptance.

    Proposals are selected, never multiplied by 0 or 1, so a proposal that is not finite has no effect.
    """
    u = state.u
    momentum = torch.randn(u.shape, generator=rng, device=u.device, dtype=u.dtype)
    proposal, end_momentum = leapfrog(state, momentum, potential, beta, step_size, leapfrog_steps)
    before = _energy(u, state.potential, momentum, beta)
    change = _energy(proposal.u, proposal.potential, end_momentum, beta) - before

    finite = torch.isfinite(change)
    acceptance = torch.where(finite, (-change).clamp(max=0).exp(), torch.zeros_like(change))
    uniform = torch.rand(change.shape, generator=rng, device=u.device, dtype=u.dtype)
    accepted = uniform < acceptance
    chosen = accepted.unsqueeze(-1)
    return Transition(
        ChainState(
            torch.where(chosen, proposal.u, u),
            torch.where(accepted, proposal.potential, state.potential),
            torch.where(chosen, proposal.gradient, state.gradient),
        ),
        acceptance,
        ~finite | (change > _DIVERGENCE),
    )


def _energy(u: Tensor, potential: Tensor, momentum: Tensor, beta: float) -> Tensor:
    """Negative log density of (u, momentum) up to a constant, [B, C]."""
    return 0.5 * (u.square().sum(-1) + momentum.square().sum(-1)) - beta * potential
