"""Hamiltonian transitions: what makes them leave a density invariant, and what happens when they fail.

Tolerances are in Monte-Carlo standard errors, or rounding; seeds are fixed.
"""

import math

import pytest
import torch
from torch import Tensor

from inference_gaps.bounds.ais import whitened_potential
from inference_gaps.bounds.hmc import ChainState, leapfrog, transition
from tests.bounds.targets import network_potential, ring, ring_samples, state_at
from tests.linear_gaussian import LinearGaussian

BETA = 0.4


def _energy(state: ChainState, momentum: Tensor) -> Tensor:
    return 0.5 * (state.u.square().sum(-1) + momentum.square().sum(-1)) - BETA * state.potential


def test_leapfrog_is_reversible_to_rounding() -> None:
    """With the momentum turned round, the same steps lead back; the way must be curved and long."""
    rng = torch.Generator().manual_seed(1)
    potential = network_potential()
    u, momentum = torch.randn(2, 2, 50, 2, generator=rng)
    state, step = state_at(potential, u), torch.full((2, 1), 0.15)
    there, momentum_there = leapfrog(state, momentum, potential, BETA, step, 10)
    back, momentum_back = leapfrog(there, -momentum_there, potential, BETA, step, 10)
    assert (there.u - u).norm(dim=-1).mean() > 0.5
    torch.testing.assert_close(back.u, u, rtol=0, atol=1e-11)
    torch.testing.assert_close(-momentum_back, momentum, rtol=0, atol=1e-11)
    torch.testing.assert_close(back.potential, state.potential, rtol=0, atol=1e-11)
    torch.testing.assert_close(back.gradient, state.gradient, rtol=0, atol=1e-10)


def test_leapfrog_keeps_volume() -> None:
    """The Jacobian of (u, momentum) -> (u', momentum') has the determinant 1, far from the identity."""
    start = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))

    def move(variables: Tensor) -> Tensor:
        u, momentum = variables.view(1, 1, 4).split(2, dim=-1)
        end, end_momentum = leapfrog(state_at(ring, u), momentum, ring, BETA, torch.tensor([[0.2]]), 6)
        return torch.cat([end.u, end_momentum], dim=-1).flatten()

    for variables in start:
        jacobian = torch.autograd.functional.jacobian(move, variables)
        assert (jacobian - torch.eye(4)).abs().max() > 0.5
        assert torch.linalg.det(jacobian).item() == pytest.approx(1, abs=1e-11)


def test_energy_error_is_of_second_order() -> None:
    """Paths of one length, at a temperature below 1: half the step, a quarter of the error."""
    rng = torch.Generator().manual_seed(3)
    potential = network_potential()
    u, momentum = torch.randn(2, 2, 200, 2, generator=rng)
    state, logs = state_at(potential, u), []
    for halvings in range(3):
        step, count = torch.full((2, 1), 0.02 / 2**halvings), 20 * 2**halvings
        end, end_momentum = leapfrog(state, momentum, potential, BETA, step, count)
        change = _energy(end, end_momentum) - _energy(state, momentum)
        logs.append(change.abs().mean().log2().item())
    assert logs[0] - logs[1] == pytest.approx(2, abs=0.1)
    assert logs[1] - logs[2] == pytest.approx(2, abs=0.05)


def test_energy_error_falls_with_the_square_of_the_step(linear: LinearGaussian, rng: torch.Generator) -> None:
    x = linear.sample(1, rng)
    potential = whitened_potential(linear, x, torch.zeros(1, 3), torch.ones(1, 3))
    state = state_at(potential, torch.randn(1, 500, 3, generator=rng))
    logs = []
    for halvings in range(3):
        step, count = 0.04 / 2**halvings, 4 * 2**halvings
        noise = torch.Generator().manual_seed(7)
        moved = transition(state, potential, 1.0, torch.full((1, 1), step), count, noise)
        logs.append(math.log((1 - moved.acceptance).mean()))
    slopes = [(logs[i] - logs[i + 1]) / math.log(2) for i in range(2)]
    assert all(1.6 < slope < 2.4 for slope in slopes)


def test_hmc_leaves_the_annealed_density_invariant(linear: LinearGaussian, rng: torch.Generator) -> None:
    """Exact samples of f_beta stay exact: their moments do not move, with a step that rejects often."""
    x = linear.sample(1, rng)
    chains = 20000
    precision = torch.eye(3) + BETA * linear.weight.mT @ linear.weight / linear.sigma**2
    pull = BETA * (x - linear.offset) @ linear.weight / linear.sigma**2
    mean = torch.linalg.solve(precision, pull.mT).mT
    root = torch.linalg.cholesky(torch.linalg.inv(precision))
    u = (mean + torch.randn(chains, 3, generator=rng) @ root.mT).unsqueeze(0)
    potential = whitened_potential(linear, x, torch.zeros(1, 3), torch.ones(1, 3))
    step = torch.full((1, 1), 0.35)
    moved = transition(state_at(potential, u), potential, BETA, step, 3, rng)
    assert 0.3 < moved.acceptance.mean() < 0.9
    whitened = torch.linalg.solve(root, (moved.state.u[0] - mean).mT).mT
    standard_error = chains**-0.5
    assert (whitened.mean(0).abs() < 4 * standard_error).all()
    assert ((whitened.mT @ whitened / chains - torch.eye(3)).abs() < 4 * 2**0.5 * standard_error).all()


def test_flows_between_regions_balance() -> None:
    """Detailed balance: as many exact samples go from a region to another as come back.

    Three regions, since between two the flows balance wherever the density is invariant. Chains are
    independent, so each of the n that go either way goes forth with probability 1/2: the difference has the
    standard error sqrt(n).
    """
    rng = torch.Generator().manual_seed(4)
    beta, chains = 0.8, 40000
    u = ring_samples(chains, beta, rng)
    moved = transition(state_at(ring, u), ring, beta, torch.full((1, 1), 0.65), 2, rng)

    def region(position: Tensor) -> Tensor:
        return torch.where(position.square().sum(-1) < 1.4, 0, 1 + (position[..., 0] > 0.3).long())

    start, end = region(u), region(moved.state.u)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        forth = ((start == one) & (end == other)).sum().item()
        back = ((start == other) & (end == one)).sum().item()
        assert forth + back > 1000
        assert abs(forth - back) < 4 * math.sqrt(forth + back), (one, other)
    # So that it matters which proposals are taken.
    assert 0.4 < moved.acceptance.mean() < 0.6


def test_exact_samples_of_a_ring_stay_exact() -> None:
    """After ten transitions, means of functions of u are those of fresh exact samples."""
    rng = torch.Generator().manual_seed(5)
    beta, chains = 0.8, 20000
    state = state_at(ring, ring_samples(chains, beta, rng))
    for _ in range(10):
        state = transition(state, ring, beta, torch.full((1, 1), 0.65), 2, rng).state
    fresh = ring_samples(chains, beta, rng)
    for function in (
        lambda u: u[..., 0],
        lambda u: u[..., 1],
        lambda u: u.square().sum(-1),
        lambda u: (2 * u[..., 0] + u[..., 1]).sin(),
    ):
        one, other = function(state.u), function(fresh)
        error = ((one.var() + other.var()) / chains).sqrt()
        assert abs(one.mean() - other.mean()) < 4 * error


def test_the_state_keeps_the_potential_and_the_gradient_of_where_it_is() -> None:
    """Also after rejections, which leave a chain where it was, to the last bit."""
    rng = torch.Generator().manual_seed(6)
    potential = network_potential()
    state = state_at(potential, torch.randn(2, 200, 2, generator=rng))
    for _ in range(3):
        moved = transition(state, potential, BETA, torch.full((2, 1), 0.8), 3, rng)
        stayed = (moved.state.u == state.u).all(-1)
        assert 0.2 < stayed.double().mean() < 0.8
        value, gradient = potential(moved.state.u, True)
        torch.testing.assert_close(moved.state.potential, value)
        torch.testing.assert_close(moved.state.gradient, gradient)
        state = moved.state


def test_a_proposal_that_is_not_finite_leaves_no_trace(rng: torch.Generator) -> None:
    def potential(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
        bad = torch.full_like(u, math.nan)
        return torch.full(u.shape[:2], math.nan), bad

    u = torch.randn(1, 5, 2, generator=rng)
    state = ChainState(u, torch.zeros(1, 5), torch.zeros(1, 5, 2))
    moved = transition(state, potential, 1.0, torch.full((1, 1), 0.1), 2, rng)
    assert torch.equal(moved.state.u, u)
    assert torch.equal(moved.state.gradient, state.gradient)
    assert not moved.acceptance.any()
    assert moved.diverged.all()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e6])
def test_chains_that_diverge_are_counted_and_stay(bad: float) -> None:
    """Beyond u_1 = 0.5 the potential is useless; exactly the proposals that end there are counted."""

    def cliff(u: Tensor, with_value: bool) -> tuple[Tensor | None, Tensor]:
        return torch.where(u[..., 0] > 0.5, bad, -u[..., 1].square()), -2 * u * torch.tensor([0.0, 1.0])

    seed = torch.Generator().manual_seed(8)
    u = torch.randn(1, 1000, 2, generator=seed)
    u[..., 0] = 0.5 - u[..., 0].abs()
    state, step = state_at(cliff, u), torch.full((1, 1), 0.4)
    same = torch.Generator().manual_seed(9)
    moved = transition(state, cliff, 1.0, step, 3, torch.Generator().manual_seed(9))
    proposal, _ = leapfrog(state, torch.randn(u.shape, generator=same), cliff, 1.0, step, 3)
    beyond = proposal.u[..., 0] > 0.5
    assert 100 < beyond.sum() < 900
    assert torch.equal(moved.diverged, beyond)
    assert not moved.acceptance[beyond].any()
    assert torch.equal(moved.state.u[beyond], u[beyond])
    assert torch.isfinite(moved.state.potential).all()
    assert (moved.state.u[..., 0] <= 0.5).all()
